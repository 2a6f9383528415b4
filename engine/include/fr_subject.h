// Something that can be executed under an explorer: a Python harness, a model program.
//
// This is how the rooms that drive campaigns (fuzz/, tests/) meet the rooms that run programs
// (pyhook/, tests/lib/) without knowing each other. In Python it travels as a PyCapsule.
#ifndef FR_SUBJECT_H
#define FR_SUBJECT_H

#include "fr.h"

#define FR_SUBJECT_CAPSULE "frontrun._core.subject"

struct fr_subject {
    void *self;
    // Drives one execution that fr_explorer_begin has begun: enters threads, announces, decides,
    // until nobody goes on, and judges it. Does not call fr_explorer_end. On FR_OK *verdict and
    // *place are set, as fr_explorer_end takes them. Anything else ends the campaign; the host
    // keeps the reason (a Python exception that is set, for instance).
    enum fr_status (*execute)(void *self, struct fr_explorer *explorer, enum fr_verdict *verdict,
                              uint64_t *place);
};

#endif
