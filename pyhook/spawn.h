// Spawn: a thread that the code under test starts becomes a logical thread; a fork is refused.
//
// A logical thread that starts another announces a SPAWN. When it is performed, the new thread gets
// a carrier and runs to its first operation at once, then the turn goes back to who started it: the
// library's own handshake (Thread.start waits until the new thread has entered itself in
// threading's table) is over by then and makes no event. Threads started in setup() are real ones,
// and must be over when it returns.
#ifndef PYHOOK_SPAWN_H
#define PYHOOK_SPAWN_H

// Once, at import. -1 with an exception.
int spawn_open(void);
// Around an exploration.
void spawn_enable(void);
void spawn_disable(void);

#endif
