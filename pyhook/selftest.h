// The self-test: does this interpreter keep its operands where this module looks for them?
#ifndef PYHOOK_SELFTEST_H
#define PYHOOK_SELFTEST_H

// Runs a few functions under observation and compares the objects seen with the objects meant, by
// identity. -1 with ImportError if they differ. Leaves filter and door as at start.
int selftest_run(void);

#endif
