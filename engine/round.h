// A round: a thread waits in a loop that changes nothing, so that time alone passes.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_ROUND_H
#define ENGINE_ROUND_H

#include "run.h"

// Nobody is enabled: the moment to which time jumps, 0 if none will change anything. Threads whose
// next rounds would be repeated wait until then, or for the first end of a round after it. A
// function of the trace: all its linearisations answer alike.
uint64_t round_next(struct run *run);

#endif
