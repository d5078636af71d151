// SPDX-License-Identifier: MIT
#include "bits.h"
#include "scheduler.h"

/*
 * A level that is owed time may have to wait for the running job to reach a
 * preemption point, and decisions are taken once a heartbeat.
 */
#define SWITCH_CYCLES	(KESTREL_FW_PREEMPT_LIMIT_CYCLES + KESTREL_FW_HEARTBEAT_CYCLES)

/* Owed levels are served in portions of this part of a level's share. */
#define QUANTA_PER_SHARE 8

/* For how many times its share a level goes before higher ones, whatever it is owed. */
#define SHARES_AHEAD 3

static uint32_t share_of(uint32_t cycles)
{
	return cycles / KESTREL_FW_LEVEL_SHARE_DIVISOR;
}

static uint32_t elapsed_at(const struct scheduler *scheduler, uint64_t now)
{
	uint64_t elapsed = now - scheduler->window_start;

	return elapsed < scheduler->window_cycles ? (uint32_t)elapsed : scheduler->window_cycles;
}

void scheduler_init(struct scheduler *scheduler, uint64_t now, uint32_t window_cycles)
{
	*scheduler = (struct scheduler){
		.window_start = now,
		.window_cycles = window_cycles,
		.owed = SCHEDULER_NONE,
		.picked = SCHEDULER_NONE,
	};
}

bool scheduler_window_is_over(const struct scheduler *scheduler, uint64_t now)
{
	return now - scheduler->window_start >= scheduler->window_cycles;
}

void scheduler_advance(struct scheduler *scheduler, uint64_t now, uint32_t window_cycles)
{
	uint64_t elapsed = now - scheduler->window_start;
	unsigned int level;

	if (!scheduler_window_is_over(scheduler, now))
		return;
	/* Windows follow each other without gaps while decisions are taken. */
	if (elapsed < 2 * (uint64_t)scheduler->window_cycles)
		scheduler->window_start += scheduler->window_cycles;
	else
		scheduler->window_start = now;
	scheduler->window_cycles = window_cycles;
	scheduler->owed = SCHEDULER_NONE;
	for (level = 0; level < SCHEDULER_LEVELS; level++) {
		scheduler->level[level].used = 0;
		scheduler->level[level].ahead = 0;
	}
}

void scheduler_set_level(struct scheduler *scheduler, unsigned int queue, unsigned int level)
{
	scheduler->level_of[queue] = level;
}

bool scheduler_is_ready(const struct scheduler *scheduler, unsigned int queue)
{
	const struct scheduler_level *level = &scheduler->level[scheduler->level_of[queue]];

	return level->ready[queue / 32] >> queue % 32 & 1;
}

/* Is the rest of the window at most enough for what ready levels have not had of their shares? */
static bool window_is_short(const struct scheduler *scheduler, uint32_t elapsed)
{
	uint32_t left = scheduler->window_cycles - elapsed;
	uint32_t share = share_of(scheduler->window_cycles);
	uint32_t reserve = 0;
	unsigned int i;

	if (left > SCHEDULER_LEVELS * (share + SWITCH_CYCLES))
		return false;
	for (i = 0; i < SCHEDULER_LEVELS; i++)
		if (scheduler->level[i].ready_count && scheduler->level[i].used < share)
			reserve += share - scheduler->level[i].used + SWITCH_CYCLES;
	return reserve && left <= reserve;
}

void scheduler_set_ready(struct scheduler *scheduler, unsigned int queue, uint64_t now)
{
	struct scheduler_level *level = &scheduler->level[scheduler->level_of[queue]];
	uint32_t entitled, elapsed = elapsed_at(scheduler, now);

	if (scheduler_is_ready(scheduler, queue))
		return;
	level->ready[queue / 32] |= 1u << queue % 32;
	if (level->ready_count++)
		return;
	/* The level was not ready so far in this window: it is owed nothing yet. */
	entitled = share_of(elapsed);
	if (level->used < entitled)
		level->used = entitled;
	/* Too late for this window: others have been waiting for what is left of it. */
	entitled = share_of(scheduler->window_cycles);
	if (level->used < entitled && window_is_short(scheduler, elapsed))
		level->used = entitled;
}

void scheduler_clear_ready(struct scheduler *scheduler, unsigned int queue)
{
	struct scheduler_level *level = &scheduler->level[scheduler->level_of[queue]];

	if (!scheduler_is_ready(scheduler, queue))
		return;
	level->ready[queue / 32] &= ~(1u << queue % 32);
	level->hurried[queue / 32] &= ~(1u << queue % 32);
	level->ready_count--;
}

void scheduler_set_hurried(struct scheduler *scheduler, unsigned int queue, bool hurried)
{
	struct scheduler_level *level = &scheduler->level[scheduler->level_of[queue]];
	uint32_t bit = 1u << queue % 32;

	if (hurried)
		level->hurried[queue / 32] |= bit;
	else
		level->hurried[queue / 32] &= ~bit;
}

void scheduler_charge(struct scheduler *scheduler, unsigned int queue, uint32_t cycles)
{
	struct scheduler_level *level = &scheduler->level[scheduler->level_of[queue]];

	/* Beyond the window's length nobody looks. */
	level->used = level->used + cycles < level->used ? UINT32_MAX : level->used + cycles;
}

/* Whether a level that is owed time may still go before higher ones in this window. */
static bool level_may_lead(const struct scheduler *scheduler, int level)
{
	return scheduler->level[level].ready_count && scheduler->level[level].ahead <
	       SHARES_AHEAD * share_of(scheduler->window_cycles);
}

static int level_choose(struct scheduler *scheduler, uint64_t now)
{
	uint32_t elapsed = elapsed_at(scheduler, now);
	uint32_t share = share_of(scheduler->window_cycles);
	uint32_t quantum = share / QUANTA_PER_SHARE + 1;
	uint32_t entitled = share_of(elapsed);
	int level, highest = SCHEDULER_LEVELS - 1;

	while (highest >= 0 && !scheduler->level[highest].ready_count)
		highest--;
	/* The rest of the window is just enough to give everybody its due. */
	if (window_is_short(scheduler, elapsed)) {
		entitled = share;
		quantum = 1;
	}

	level = scheduler->owed;
	/* Not while it waits for a job of another level to reach a preemption point. */
	if (level != SCHEDULER_NONE && level < highest && level == scheduler->picked)
		scheduler->level[level].ahead += (uint32_t)(now - scheduler->owed_at);
	scheduler->owed_at = now;
	if (level != SCHEDULER_NONE && level_may_lead(scheduler, level) &&
	    scheduler->level[level].used < entitled)
		return level;

	scheduler->owed = SCHEDULER_NONE;
	for (level = highest - 1; level >= 0; level--) {
		const struct scheduler_level *candidate = &scheduler->level[level];

		if (!level_may_lead(scheduler, level) ||
		    candidate->used + (uint64_t)quantum > entitled)
			continue;
		scheduler->owed = level;
		return level;
	}
	return highest;
}

/* The first queue in `of` that has not had its turn of this round, or SCHEDULER_NONE. */
static int queue_first(const struct scheduler_level *level, const uint32_t *of)
{
	unsigned int word;

	for (word = 0; word < SCHEDULER_WORDS; word++)
		if (of[word] & ~level->served[word])
			return (int)(word * 32 + bits_lowest(of[word] & ~level->served[word]));
	return SCHEDULER_NONE;
}

static void round_begin(struct scheduler_level *level)
{
	unsigned int word;

	for (word = 0; word < SCHEDULER_WORDS; word++)
		level->served[word] = 0;
}

/* Gives a queue of a level that has a ready one its turn. */
static int queue_choose(struct scheduler_level *level)
{
	int queue;

	if (queue_first(level, level->ready) == SCHEDULER_NONE)
		round_begin(level);
	queue = queue_first(level, level->hurried);
	if (queue == SCHEDULER_NONE)
		queue = queue_first(level, level->ready);
	level->served[queue / 32] |= 1u << queue % 32;
	return queue;
}

int scheduler_pick(struct scheduler *scheduler, uint64_t now)
{
	int level = level_choose(scheduler, now);

	scheduler->picked = level;
	return level == SCHEDULER_NONE ? SCHEDULER_NONE : queue_choose(&scheduler->level[level]);
}

bool scheduler_shares_level(const struct scheduler *scheduler, unsigned int running)
{
	return scheduler->level[scheduler->level_of[running]].ready_count > 1;
}

bool scheduler_preempts(struct scheduler *scheduler, uint64_t now, unsigned int running,
			uint64_t slice_used, uint32_t slice)
{
	if (level_choose(scheduler, now) != scheduler->level_of[running])
		return true;
	return slice_used >= slice && scheduler_shares_level(scheduler, running);
}
