// Spawn: refuses what would start threads or processes behind the engine's back.
#ifndef PYHOOK_SPAWN_H
#define PYHOOK_SPAWN_H

// Once, at import. -1 with an exception.
int spawn_open(void);
// Around an exploration.
void spawn_enable(void);
void spawn_disable(void);

#endif
