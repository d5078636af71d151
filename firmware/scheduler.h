/* SPDX-License-Identifier: MIT */
/*
 * Which queue's job runs next, and whether the running one has to give way.
 * Pure logic: knows queues by index, levels (priorities) and cycles only.
 *
 * Rules:
 * - The highest level that has a ready queue goes first. Its queues take turns, in
 *   rounds: a round is over when every ready queue has had its one turn of it. In a
 *   round those in a hurry go first, then the others, in the order of their indices.
 *   So turns of queues that are always ready are equal, whoever hurries, and between
 *   two turns of one every other of its level has at most two: at the end of one
 *   round and at the beginning of the next.
 * - Every level that has ready queues gets 1/16 of the window (100 ms) of it, in
 *   proportion to the part of the window in which it is ready. A level that has
 *   fallen behind by more than a quantum goes before higher ones until it has
 *   caught up ("owed"). When what is left of the window is just enough for what
 *   levels are still owed, a quantum is no longer waited for, and a level that becomes
 *   ready only then is owed nothing before the next window.
 *   No level goes before higher ones for more than 3/16 of the window, all that its
 *   jobs cost beside engine time (fetching, scrubbing, saving, restoring) included:
 *   who has many tiny jobs or slices must not take the engine from those above.
 * - Time is engine time; a job that cannot be preempted may overdraw.
 *
 * Not thread-safe; the firmware has one thread.
 */
#ifndef KESTREL_FIRMWARE_SCHEDULER_H
#define KESTREL_FIRMWARE_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/firmware.h>

#define SCHEDULER_QUEUES	KESTREL_FW_QUEUES_MAX
#define SCHEDULER_WORDS		(SCHEDULER_QUEUES / 32)
#define SCHEDULER_LEVELS	KESTREL_FW_PRIORITY_COUNT
#define SCHEDULER_NONE		(-1)

struct scheduler_level {
	/* Ready queues, one bit each. */
	uint32_t ready[SCHEDULER_WORDS];
	/* Number of bits set in ready. */
	uint32_t ready_count;
	/* Ready queues in a hurry. */
	uint32_t hurried[SCHEDULER_WORDS];
	/* Queues that had their turn of this round, ready or not. */
	uint32_t served[SCHEDULER_WORDS];
	/* Engine cycles in this window; never below what readiness entitles to. */
	uint32_t used;
	/* Time of this window in which it went before higher levels. */
	uint32_t ahead;
};

struct scheduler {
	struct scheduler_level level[SCHEDULER_LEVELS];
	uint8_t level_of[SCHEDULER_QUEUES];
	uint64_t window_start;
	uint32_t window_cycles;
	/* Level that runs because it is owed time, or SCHEDULER_NONE. */
	int owed;
	/* When that was looked at last. */
	uint64_t owed_at;
	/* Level that had the last turn, or SCHEDULER_NONE when there was none to give. */
	int picked;
};

/* window_cycles: 100 ms at the present clock, at least 16. */
void scheduler_init(struct scheduler *scheduler, uint64_t now, uint32_t window_cycles);

/* Is the present window over? */
bool scheduler_window_is_over(const struct scheduler *scheduler, uint64_t now);

/*
 * Starts a new window if the present one is over; window_cycles is the length
 * of the new one. To be called before any decision, and after all is charged that
 * the engine did in the present one: what is charged later counts in the next one,
 * to whose share it does not belong.
 */
void scheduler_advance(struct scheduler *scheduler, uint64_t now, uint32_t window_cycles);

/* Tells the level of a queue that is not ready. */
void scheduler_set_level(struct scheduler *scheduler, unsigned int queue, unsigned int level);

/*
 * A queue has, or has no longer, a job to run (or one on the engine). Without one it
 * is in no hurry.
 */
void scheduler_set_ready(struct scheduler *scheduler, unsigned int queue, uint64_t now);
void scheduler_clear_ready(struct scheduler *scheduler, unsigned int queue);
bool scheduler_is_ready(const struct scheduler *scheduler, unsigned int queue);

/* A ready queue is in a hurry, or not any more. */
void scheduler_set_hurried(struct scheduler *scheduler, unsigned int queue, bool hurried);

/* The engine worked `cycles` for a queue. */
void scheduler_charge(struct scheduler *scheduler, unsigned int queue, uint32_t cycles);

/* The queue to run next, which has its turn now; or SCHEDULER_NONE. */
int scheduler_pick(struct scheduler *scheduler, uint64_t now);

/*
 * Must `running`, a ready queue whose job has been on the engine for
 * slice_used cycles in a row, give way at its next preemption point?
 */
bool scheduler_preempts(struct scheduler *scheduler, uint64_t now, unsigned int running,
			uint64_t slice_used, uint32_t slice);

/* Whether another queue of the same level waits for the end of the slice. */
bool scheduler_shares_level(const struct scheduler *scheduler, unsigned int running);

#endif
