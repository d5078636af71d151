/* SPDX-License-Identifier: MIT */
/* Threads that work on one thing together, then wait for the next. */
#ifndef NPU_TEAM_H
#define NPU_TEAM_H

#include <stdint.h>

struct team;

/* Part number `part` of `parts`, in a thread of its own. */
typedef void team_fn(void *opaque, uint32_t part, uint32_t parts);

/* `threads` >= 1 counts the caller of team_run(). 0, -ENOMEM or pthread_create()'s error. */
int team_create(uint32_t threads, struct team **team);
/* NULL is allowed. */
void team_free(struct team *team);

/*
 * Calls `work` once for each part, the first in the calling thread, and
 * returns when all are done. One call at a time. Allocates nothing.
 */
void team_run(struct team *team, team_fn *work, void *opaque);
uint32_t team_threads(const struct team *team);

#endif
