// Unraisable: an Abort that ends in a destructor is no news for anybody.
//
// CPython swallows what a finalizer or the callback of a weak reference raises, and says so on
// standard error. The thread meets its Abort again at its next operation.
#ifndef PYHOOK_UNRAISABLE_H
#define PYHOOK_UNRAISABLE_H

// Between the two sys.unraisablehook is passed everything but Abort. All need the GIL. -1 with an
// exception.
int unraisable_enable(void);
void unraisable_disable(void);

#endif
