// Foresees operations in states that the execution did not pass through: after another order.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FORESEE_H
#define ENGINE_FORESEE_H

#include "run.h"

// The position of the first event of thread at or after `at`, or the trace's length if there is
// none.
uint32_t foresee_next(const struct run *run, fr_tid thread, uint32_t at);

// The operation thread is about to do after the first `at` events, if this execution knows it: its
// next event, or what is pending now. Its outcome, if conditional, is that of the state after those
// events and then the events `then`. False if the thread has no further operation. *spare as in
// run_pending.
bool foresee_operation(const struct run *run, fr_tid thread, uint32_t at, const uint32_t *then,
                       uint32_t then_count, struct step *out, struct touch *spare);

// Would this conditional step succeed after the first `at` events and then `then`?
bool foresee_success(const struct run *run, const struct step *step, uint32_t at,
                     const uint32_t *then, uint32_t then_count);
// The same after one more step, `last`, by another thread (NULL: none).
bool foresee_success_after(const struct run *run, const struct step *step, uint32_t at,
                           const uint32_t *then, uint32_t then_count, const struct step *last);

#endif
