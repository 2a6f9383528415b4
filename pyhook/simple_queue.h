// Simple queue: the twins of the methods of _queue.SimpleQueue, under the engine's control.
//
// To the engine a queue is a lock that is held while the queue is empty: a put frees it, a get
// takes it, and frees it again if there is more. So a get of an empty queue is disabled, and there
// is a deadlock exactly where nobody is left to put.
#ifndef PYHOOK_SIMPLE_QUEUE_H
#define PYHOOK_SIMPLE_QUEUE_H

// Once, at import. -1 with an exception.
int simple_queue_open(void);
// Around an exploration. simple_queue_enable: after threads_enable; -1 with an exception.
int simple_queue_enable(void);
void simple_queue_disable(void);

#endif
