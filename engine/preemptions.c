// The least number of preemptions that an execution's trace needs.
// SPDX-License-Identifier: Apache-2.0
#include "explorer.h"

enum fr_status fr_trace_least_preemptions(struct fr_explorer *e, uint32_t limit, uint32_t *out) {
    *out = 0;
    if (e->stop != FR_STOP_FINISHED && e->stop != FR_STOP_DEADLOCK) {
        e->errmsg = "only a complete execution has a least number of preemptions";
        return FR_MISUSE;
    }
    // The execution itself is a schedule of its trace.
    uint32_t own = e->run.trace.preemptions;
    enum fr_status status = FR_OK;
    if (own > 0) {
        uint32_t below = own - 1 < limit ? own - 1 : limit;
        status = context_least(&e->bound.context, &e->run, FR_BOUND_PREEMPTIONS, below, out);
    }
    if (status != FR_OK)
        e->errmsg = fr_status_text(status);
    return status;
}
