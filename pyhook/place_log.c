// Place log: one growing list of places for each thread.
// SPDX-License-Identifier: Apache-2.0
#include "place_log.h"

#include <stdlib.h>

static struct {
    const struct fr_explorer *explorer;  // only compared
    struct {
        const struct place **places;
        uint32_t count, capacity;
    } threads[FR_THREADS_MAX];
    uint32_t used;  // of them: the others have no list
} room;

void place_log_begin(const struct fr_explorer *explorer) {
    room.explorer = explorer;
    for (uint32_t t = 0; t < room.used; t++)
        room.threads[t].count = 0;
}

enum fr_status place_log_add(fr_tid thread, const struct place *place) {
    if (thread >= FR_THREADS_MAX)
        return FR_OK;  // the engine will refuse it
    uint32_t count = room.threads[thread].count;
    if (count == room.threads[thread].capacity) {
        uint32_t capacity = count == 0 ? 64 : 2 * count;
        const struct place **places =
            realloc(room.threads[thread].places, capacity * sizeof *places);
        if (places == NULL)
            return FR_NOMEM;
        room.threads[thread].places = places;
        room.threads[thread].capacity = capacity;
        room.used = thread < room.used ? room.used : thread + 1;
    }
    room.threads[thread].places[count] = place;
    room.threads[thread].count = count + 1;
    return FR_OK;
}

uint32_t place_log_count(fr_tid thread) {
    return thread < FR_THREADS_MAX ? room.threads[thread].count : 0;
}

const struct place *place_log_find(const struct fr_explorer *explorer,
                                   const struct fr_event *event) {
    const struct place *place = NULL;
    if (room.explorer == explorer && event->thread < FR_THREADS_MAX && event->index > 0 &&
        event->index <= room.threads[event->thread].count)
        place = room.threads[event->thread].places[event->index - 1];
    return place != NULL && place->site == event->site ? place : place_find(event->site);
}
