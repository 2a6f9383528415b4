// Place log: which place each thread announced at which of its operations, in the last execution.
//
// The engine knows a place by its site, and the same words on two lines, or in two files, are one
// site. People want the line that was executed. All functions need the GIL.
#ifndef PYHOOK_PLACE_LOG_H
#define PYHOOK_PLACE_LOG_H

#include "fr.h"
#include "place.h"

// An execution under this explorer begins: forgets the last one, keeps the memory.
void place_log_begin(const struct fr_explorer *explorer);
// The next operation of a thread. FR_NOMEM, or FR_OK.
FR_MUST_CHECK enum fr_status place_log_add(fr_tid thread, const struct place *place);
// How many operations a thread has announced.
uint32_t place_log_count(fr_tid thread);
// The place of an event of the last execution of explorer; if it was not the last to execute, any
// place with that site; NULL if there is none.
const struct place *place_log_find(const struct fr_explorer *explorer,
                                   const struct fr_event *event);

#endif
