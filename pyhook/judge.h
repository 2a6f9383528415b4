// Judge: the verdict on an execution whose threads have all ended.
#ifndef PYHOOK_JUDGE_H
#define PYHOOK_JUDGE_H

#include "runner.h"

// Reads runner and the engine, runs invariant() if every thread finished. blocked: the watchdog
// ended the execution before the threads did (as runner.overdue says of too long a one). FR_OK:
// verdict, place, thread and exception of the outcome are set. Else a Python exception is set.
enum fr_status judge_execution(const struct runner_harness *harness, bool blocked,
                               struct runner_outcome *outcome);

#endif
