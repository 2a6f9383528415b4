// An exploration as bytes: what of it is kept between executions, in a fixed order.
// SPDX-License-Identifier: Apache-2.0
//
// All numbers are little-endian; u8, u32, u64 below. A list is its u32 length, then its items.
//
//   header     u32 magic, u32 version; u32 threads_max, u32 events_max, u8 stable_keys
//   plan       u8 strategy, u8 order, u8 bound; u32 depth, u32 bound_max; u8 apart; u64 seed,
//              u64 order_seed, u64 executions_max; list of u8 choices;
//              list of segments (u32 thread, u32 events, u64 until, u32 nth)
//   progress   u64 executions, u8 was_cut, u8 ending; executions, redundant, failures, deadlocks,
//              cut and events of fr_stats, u64 each
//   threads    list of (u32 parent, u32 ordinal), by number
//   objects    list of u64 keys, by slot; empty unless keys are stable
//   walk       u32 steps_most; u32 count per thread; u32 object_count;
//              list of samples (u64 site, u32 at, u32 object, u32 thread)
//   dpor       u64 turn, u64 inserted, u64 ended, u64 later_size, u64 earlier_size, u8 exhausted,
//              u32 base, u32 replay;
//              list of nodes (u64 sleep, u64 foreign, u32 explored, u64 begun, u64 size,
//              u64 last_size, u32 thread, u64 event_hash, u64 announced, u8 has_trees, the trees if
//              so)
//   lineage    u64 inserted, u8 exhausted, u32 base, u32 root_leads;
//              list of links (u64 event_hash, u64 announced, u32 parent, u32 from, u32 leads,
//              u32 thread, u8 overtakes); list of leads, the top last (u32 link, u32 at, u32
//              repeated, u64 hash, u64 announced, u8 overtakes, list of u8 threads)
//   bound      u64 turn, u8 exhausted, u64 path_hash; list of u32 path;
//              list of prefixes (u64 key, u64 taken, u64 judged);
//              list of events (u64 hash, u32 before, u8 thread, u8 count of needs, needs: u32
//              index, u8 thread); list of traces (list of u32 last events, by thread);
//              BOUND_LEVELS + 1 times: list of stretches (u32 thread, u32 count), list of
//              branchings (u64 hash, u32 first_stretch, u32 trace, u32 thread)
//   checksum   u64, XXH3 of everything before
//
// A list of trees is its branches in preorder, each: u8 links (SAVE_CHILD, SAVE_NEXT), u8 kind,
// u32 thread, u32 target, u32 index, u64 past, u64 value, u64 expect, u64 required, u32
// touch_count, touches (u32 slot, u8 mode). The links say where the next branch of the list hangs,
// so that any sequence of branches is a list of trees: there are no references that could form a
// cycle. The parent of a link comes before it in the list.
#ifndef ENGINE_SAVE_H
#define ENGINE_SAVE_H

#include "explorer.h"

enum { SAVE_MAGIC = 0x56535246, SAVE_VERSION = 6 };
enum { SAVE_CHECKSUM = 8, SAVE_CHILD = 1, SAVE_NEXT = 2 };

uint64_t save_checksum(const uint8_t *bytes, size_t size);

#endif
