// Imports: operations inside an import do not count, so that no import is ever interrupted.
//
// A half-imported module seen by another logical thread, or the import lock held while another one
// runs, would be faults of the tool and not of the tested program.
#ifndef PYHOOK_IMPORTS_H
#define PYHOOK_IMPORTS_H

// Around an exploration. -1 with an exception.
int imports_enable(void);
void imports_disable(void);

#endif
