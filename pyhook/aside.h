// Aside: a thread that is blocked in the kernel waits there while others go on.
//
// Only on carriers that can do that, and only in the second try of a session (session.h). What such
// a thread waits for is not known. It is taken to look again whenever another thread has written
// what its last operation touched: the engine's SPIN, announced for it. When the engine lets it
// look, it gets the turn and either returns from the kernel, or sleeps on and is set aside again.
// When nobody else can go on, it gets the turn for as long as the watchdog is patient.
//
// When the kernel lets it return is not decided by the engine, so no exploration with such an
// execution claims to be exhausted (fr_run_admit). From its return to its next operation it runs
// without the turn; that stretch touches nothing that others see.
#ifndef PYHOOK_ASIDE_H
#define PYHOOK_ASIDE_H

#include "carrier.h"
#include "runner.h"

// The controller, after CARRIER_ASLEEP: lets others go on if that is possible. Answers as
// carrier_handoff does, when the controller is to go on. CARRIER_BACK: an exception that was met
// has given the execution up.
enum carrier_answer aside_go_on(void);
// The calling thread was set aside and comes to an operation, or to its end: it waits for its turn.
void aside_return(struct runner_thread *thread);

#endif
