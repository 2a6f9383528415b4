// Death: tells location.c when memory is no longer that of the object that was there.
//
// Objects give their memory back to the allocator of objects, but for those of a few types, which
// keep it for the next of their kind: both are watched while an exploration is open. An object that
// was saved by its finalizer is not dead. A death that is missed (a type with an allocator of its
// own) makes one location of two objects.
#ifndef PYHOOK_DEATH_H
#define PYHOOK_DEATH_H

// Guarded by the GIL. They do not nest; death_disable does nothing if it was not enabled.
void death_enable(void);
void death_disable(void);

#endif
