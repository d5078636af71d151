/* SPDX-License-Identifier: MIT */
/*
 * Jobs on the engine: takes the scheduler's choice, starts it, watches its
 * limits, and tells the host how it ended.
 */
#ifndef KESTREL_FIRMWARE_DISPATCH_H
#define KESTREL_FIRMWARE_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Scrubs the engine; nothing runs. */
void dispatch_init(void);

/* The doorbell of a queue was rung; any index. */
void dispatch_ring(uint32_t queue);

/*
 * Does one thing that is due: takes what the engine has ended, enforces limits,
 * or starts the next job. True: call again, after a look at the requests.
 * False: nothing is due; the timer is set for the time at which something is.
 */
bool dispatch_run(void);

/* Takes a queue that exists away: kills its job, forgets the rest. */
void dispatch_destroy(uint32_t queue);
/* A new queue, ready as soon as its ring has jobs. */
void dispatch_add(uint32_t queue, uint32_t priority);

/*
 * While suspended no job starts; jobs that were started end. Suspending is
 * finished when dispatch_is_idle(), which then finds the engine scrubbed.
 */
void dispatch_suspend(bool suspend);
bool dispatch_is_idle(void);

/*
 * Holds the engine at a command boundary; reached when dispatch_is_held(). While
 * held no job starts.
 */
void dispatch_hold(bool hold);
bool dispatch_is_held(void);

/* The queue on the engine and its job's seqno; 0xffffffff and 0 if there is none. */
void dispatch_describe(uint32_t *queue, uint64_t *seqno);

#endif
