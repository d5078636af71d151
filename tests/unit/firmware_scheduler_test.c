// SPDX-License-Identifier: MIT
/*
 * The firmware's scheduler in a small world: queues with endless or finite work,
 * preemption points at some distance, decisions at the firmware's heartbeat.
 * What each queue got is counted here, apart from the scheduler's own books.
 */
#include <stdint.h>
#include <string.h>

#include "firmware_test.h"
#include "scheduler.h"

#define CLOCK_KHZ 500000u
#define WINDOW (CLOCK_KHZ * KESTREL_FW_LEVEL_WINDOW_MS)
#define SHARE (WINDOW / KESTREL_FW_LEVEL_SHARE_DIVISOR)

static struct scheduler scheduler;
static uint64_t now;
/* Cycles that each queue had the engine for. */
static uint64_t got[SCHEDULER_QUEUES];
static uint32_t random_state = 1;
/* In guarantee(): all queues of all levels are in a hurry all the time. */
static bool all_hurry;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(random_state >> 8) * limit >> 24);
}

static void reset(uint32_t window)
{
	now = 1000;
	memset(got, 0, sizeof(got));
	scheduler_init(&scheduler, now, window);
}

static void queue_add(unsigned int queue, unsigned int level)
{
	scheduler_set_level(&scheduler, queue, level);
	scheduler_set_ready(&scheduler, queue, now);
}

static void spend(unsigned int queue, uint32_t cycles)
{
	now += cycles;
	got[queue] += cycles;
	scheduler_charge(&scheduler, queue, cycles);
}

/*
 * One turn on the engine of a queue with endless work, as dispatch.c would do
 * it: looks every heartbeat and at the end of the slice; once asked, the job
 * stops after `latency` more cycles.
 */
static unsigned int turn(uint32_t slice, uint32_t latency, uint32_t window)
{
	uint64_t used = 0;
	unsigned int queue;

	scheduler_advance(&scheduler, now, window);
	queue = (unsigned int)scheduler_pick(&scheduler, now);
	while (!scheduler_preempts(&scheduler, now, queue, used, slice)) {
		uint32_t step = KESTREL_FW_HEARTBEAT_CYCLES;

		if (scheduler_shares_level(&scheduler, queue) && slice - used < step)
			step = (uint32_t)(slice - used);
		spend(queue, step);
		used += step;
		scheduler_advance(&scheduler, now, window);
	}
	spend(queue, latency);
	return queue;
}

static void empty(void)
{
	reset(WINDOW);
	CHECK(scheduler_pick(&scheduler, now) == SCHEDULER_NONE);
	queue_add(5, 1);
	CHECK(scheduler_is_ready(&scheduler, 5));
	CHECK(scheduler_pick(&scheduler, now) == 5);
	scheduler_clear_ready(&scheduler, 5);
	scheduler_clear_ready(&scheduler, 5);
	CHECK(!scheduler_is_ready(&scheduler, 5));
	CHECK(scheduler_pick(&scheduler, now) == SCHEDULER_NONE);
}

static void priorities(void)
{
	reset(WINDOW);
	queue_add(0, 0);
	queue_add(1, 1);
	queue_add(2, 2);
	queue_add(3, 3);
	CHECK(scheduler_pick(&scheduler, now) == 3);
	CHECK(!scheduler_preempts(&scheduler, now, 3, WINDOW / 100, 10000));
	CHECK(scheduler_preempts(&scheduler, now, 2, 0, 10000));
	scheduler_clear_ready(&scheduler, 3);
	CHECK(scheduler_pick(&scheduler, now) == 2);
	scheduler_set_ready(&scheduler, 3, now);
	scheduler_clear_ready(&scheduler, 2);
	CHECK(scheduler_pick(&scheduler, now) == 3);
}

static void round_robin(void)
{
	static const unsigned int queues[] = { 0, 31, 32, 64, 127 };
	unsigned int turns[SCHEDULER_QUEUES] = { 0 };
	unsigned int i;

	reset(WINDOW);
	for (i = 0; i < 5; i++)
		queue_add(queues[i], 1);
	for (i = 0; i < 50; i++)
		turns[scheduler_pick(&scheduler, now)]++;
	for (i = 0; i < 5; i++)
		CHECK(turns[queues[i]] == 10);
	/* In the order of their indices. */
	while (scheduler_pick(&scheduler, now) != 127)
		continue;
	CHECK(scheduler_pick(&scheduler, now) == 0);
	CHECK(scheduler_pick(&scheduler, now) == 31);
	scheduler_clear_ready(&scheduler, 32);
	CHECK(scheduler_pick(&scheduler, now) == 64);
	scheduler_set_ready(&scheduler, 32, now);
	CHECK(scheduler_pick(&scheduler, now) == 32);
	/* Who comes back has had its turn. */
	scheduler_clear_ready(&scheduler, 32);
	scheduler_set_ready(&scheduler, 32, now);
	CHECK(scheduler_pick(&scheduler, now) == 127);
	CHECK(scheduler_pick(&scheduler, now) == 0);
}

static void slices(void)
{
	reset(WINDOW);
	queue_add(8, 1);
	CHECK(scheduler_pick(&scheduler, now) == 8);
	CHECK(!scheduler_shares_level(&scheduler, 8));
	CHECK(!scheduler_preempts(&scheduler, now, 8, 1u << 30, 10000));
	queue_add(9, 1);
	CHECK(scheduler_shares_level(&scheduler, 8));
	CHECK(!scheduler_preempts(&scheduler, now, 8, 9999, 10000));
	CHECK(scheduler_preempts(&scheduler, now, 8, 10000, 10000));
}

static void equal_slices_equal_time(void)
{
	unsigned int i;

	reset(WINDOW);
	for (i = 0; i < 7; i++)
		queue_add(i * 18, 2);
	while (now < 20ull * WINDOW)
		turn(1000000, 50000, WINDOW);
	for (i = 1; i < 7; i++)
		CHECK(got[i * 18] > got[0] * 9 / 10 && got[i * 18] < got[0] * 11 / 10);
}

/* In the order of the round, those in a hurry first, each once. */
static void hurry_goes_ahead(void)
{
	unsigned int i;

	reset(WINDOW);
	for (i = 0; i < 5; i++)
		queue_add(i * 31, 1);
	while (scheduler_pick(&scheduler, now) != 124)
		continue;
	CHECK(scheduler_pick(&scheduler, now) == 0);
	scheduler_set_hurried(&scheduler, 93, true);
	scheduler_set_hurried(&scheduler, 62, true);
	CHECK(scheduler_pick(&scheduler, now) == 62);
	CHECK(scheduler_pick(&scheduler, now) == 93);
	/* The others, in their order; those two had their turns. */
	CHECK(scheduler_pick(&scheduler, now) == 31);
	scheduler_set_hurried(&scheduler, 62, false);
	CHECK(scheduler_pick(&scheduler, now) == 124);
	/* The next round: 93 still hurries, and goes before 0. */
	CHECK(scheduler_pick(&scheduler, now) == 93);
	CHECK(scheduler_pick(&scheduler, now) == 0);
	/* What has nothing to run is in no hurry. */
	scheduler_set_hurried(&scheduler, 124, true);
	scheduler_clear_ready(&scheduler, 124);
	scheduler_set_ready(&scheduler, 124, now);
	CHECK(scheduler_pick(&scheduler, now) == 31);
	/* A turn that has begun goes to its end. */
	scheduler_set_hurried(&scheduler, 124, true);
	CHECK(!scheduler_preempts(&scheduler, now, 31, 9999, 10000));
	CHECK(scheduler_pick(&scheduler, now) == 124);
}

/* A hurry counts among equals only. */
static void hurry_is_no_priority(void)
{
	reset(WINDOW);
	queue_add(0, 3);
	queue_add(1, 0);
	scheduler_set_hurried(&scheduler, 1, true);
	CHECK(!scheduler_preempts(&scheduler, now, 0, WINDOW / 100, 10000));
	CHECK(scheduler_pick(&scheduler, now) == 0);
	CHECK(scheduler_pick(&scheduler, now) == 0);
}

/*
 * Queues that always have work, of which some always, some at times and some never
 * hurry: turns stay equal, and waits are bounded.
 */
static void hurry_gains_nothing(void)
{
	enum { QUEUES = 6, TURNS = 60000 };
	unsigned int always, i, k, turns[QUEUES], since[QUEUES][QUEUES], most;

	for (always = 0; always <= QUEUES; always++) {
		reset(WINDOW);
		memset(turns, 0, sizeof(turns));
		memset(since, 0, sizeof(since));
		most = 0;
		for (i = 0; i < QUEUES; i++) {
			queue_add(i * 23, 2);
			scheduler_set_hurried(&scheduler, i * 23, i < always);
		}
		for (k = 0; k < TURNS; k++) {
			unsigned int turn;

			/* The last one never does, unless all do. */
			for (i = always; i + 1 < QUEUES; i++)
				scheduler_set_hurried(&scheduler, i * 23, !random_below(3));
			turn = (unsigned int)scheduler_pick(&scheduler, now) / 23;
			turns[turn]++;
			for (i = 0; i < QUEUES; i++) {
				/* since[i][k]: turns of k since the last one of i. */
				if (i != turn && ++since[i][turn] > most)
					most = since[i][turn];
				since[turn][i] = 0;
			}
		}
		CHECK(most <= 2);
		for (i = 0; i < QUEUES; i++)
			CHECK(turns[i] == TURNS / QUEUES);
	}
}

/* Every level busy all the time: each gets its 1/16 of every window. */
static void guarantee(uint32_t window, uint32_t latency, uint32_t share)
{
	unsigned int level, i;

	reset(window);
	for (level = 0; level < SCHEDULER_LEVELS; level++)
		for (i = 0; i <= level; i++)
			queue_add(level * 32 + i * 7, level);
	for (level = 0; all_hurry && level < SCHEDULER_LEVELS; level++)
		for (i = 0; i <= level; i++)
			scheduler_set_hurried(&scheduler, level * 32 + i * 7, true);
	for (i = 0; i < 50; i++) {
		uint64_t end = scheduler.window_start + window;
		uint64_t before[SCHEDULER_LEVELS] = { 0 }, after[SCHEDULER_LEVELS] = { 0 };
		unsigned int queue;

		for (queue = 0; queue < SCHEDULER_QUEUES; queue++)
			before[scheduler.level_of[queue]] += got[queue];
		while (now < end)
			turn(1000000, latency ? 1 + random_below(latency) : 1, window);
		for (queue = 0; queue < SCHEDULER_QUEUES; queue++)
			after[scheduler.level_of[queue]] += got[queue];
		/* What overran the window's end was not in it. */
		for (level = 0; level < SCHEDULER_LEVELS; level++)
			CHECK(after[level] - before[level] + latency >= share);
		CHECK(after[3] - before[3] >= window / 2);
		scheduler_advance(&scheduler, now, window);
	}
}

static void guarantee_prompt(void)
{
	guarantee(WINDOW, 0, SHARE);
}

static void guarantee_usual(void)
{
	guarantee(WINDOW, 100000, SHARE);
}

static void guarantee_worst(void)
{
	guarantee(WINDOW, KESTREL_FW_PREEMPT_LIMIT_CYCLES, SHARE);
}

static void guarantee_hurried(void)
{
	all_hurry = true;
	guarantee(WINDOW, 0, SHARE);
	guarantee(WINDOW, KESTREL_FW_PREEMPT_LIMIT_CYCLES, SHARE);
	all_hurry = false;
}

/* The longest time that a level waits for its turn, with prompt preemption. */
static void no_long_wait(void)
{
	uint64_t last = 0, longest = 0;

	reset(WINDOW);
	queue_add(1, 0);
	queue_add(2, 3);
	last = now;
	while (now < 20ull * WINDOW) {
		if (turn(1000000, 1000, WINDOW) != 1)
			continue;
		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	CHECK(longest < WINDOW / 2);
}

/* A level that was idle cannot claim the past from higher ones. */
static void idle_earns_nothing(void)
{
	reset(WINDOW);
	queue_add(1, 3);
	spend(1, WINDOW / 2);
	queue_add(2, 0);
	CHECK(!scheduler_preempts(&scheduler, now, 1, 0, 1000000));
	CHECK(scheduler_pick(&scheduler, now) == 1);
	/* Nor can it lose: from now on it earns. */
	spend(1, SHARE);
	CHECK(!scheduler_preempts(&scheduler, now, 1, 0, 1000000));
	spend(1, SHARE + 64);
	CHECK(scheduler_preempts(&scheduler, now, 1, 0, 1000000));
	CHECK(scheduler_pick(&scheduler, now) == 2);
}

/* An owed level keeps the engine until it has caught up, and no longer. */
static void owed_until_even(void)
{
	reset(WINDOW);
	queue_add(1, 3);
	queue_add(2, 0);
	spend(1, WINDOW / 4);
	CHECK(scheduler_pick(&scheduler, now) == 2);
	spend(2, SHARE / 8);
	CHECK(!scheduler_preempts(&scheduler, now, 2, SHARE / 8, 1000000));
	spend(2, SHARE / 4);
	CHECK(scheduler_preempts(&scheduler, now, 2, SHARE / 2, 1000000));
	CHECK(scheduler_pick(&scheduler, now) == 1);
}

static void windows(void)
{
	reset(WINDOW);
	queue_add(1, 3);
	queue_add(2, 0);
	spend(1, WINDOW / 2);
	CHECK(scheduler_pick(&scheduler, now) == 2);
	/* A new window owes nobody yet; long gaps do not add up. */
	now += 10ull * WINDOW;
	scheduler_advance(&scheduler, now, WINDOW / 5);
	CHECK(scheduler.window_start == now && scheduler.window_cycles == WINDOW / 5);
	CHECK(scheduler_pick(&scheduler, now) == 1);
	now += WINDOW / 5 + 10;
	scheduler_advance(&scheduler, now, WINDOW);
	CHECK(scheduler.window_start == now - 10);
}

/* Random comings and goings: the choice is always a ready queue. */
static void random_walk(void)
{
	bool ready[SCHEDULER_QUEUES] = { false };
	unsigned int i, queue, count = 0;

	reset(WINDOW);
	for (queue = 0; queue < SCHEDULER_QUEUES; queue++)
		scheduler_set_level(&scheduler, queue, random_below(SCHEDULER_LEVELS));
	for (i = 0; i < 200000; i++) {
		int picked;

		queue = random_below(SCHEDULER_QUEUES);
		if (random_below(2)) {
			count += !ready[queue];
			ready[queue] = true;
			scheduler_set_ready(&scheduler, queue, now);
			scheduler_set_hurried(&scheduler, queue, random_below(2));
		} else {
			count -= ready[queue];
			ready[queue] = false;
			scheduler_clear_ready(&scheduler, queue);
		}
		picked = scheduler_pick(&scheduler, now);
		CHECK((picked == SCHEDULER_NONE) == !count);
		if (picked == SCHEDULER_NONE)
			continue;
		CHECK(ready[picked]);
		spend((unsigned int)picked, random_below(3000000));
		scheduler_advance(&scheduler, now, WINDOW);
	}
}

int main(void)
{
	test_group("no queue, one queue", empty);
	test_group("priorities", priorities);
	test_group("round robin", round_robin);
	test_group("time slices", slices);
	test_group("equal slices give equal time", equal_slices_equal_time);
	test_group("1/16 for each level, prompt preemption", guarantee_prompt);
	test_group("1/16 for each level, usual preemption", guarantee_usual);
	test_group("1/16 for each level, slowest preemption", guarantee_worst);
	test_group("1/16 for each level, all queues in a hurry", guarantee_hurried);
	test_group("a hurry goes ahead of its turn", hurry_goes_ahead);
	test_group("a hurry is no priority", hurry_is_no_priority);
	test_group("hurrying all the time gains nothing", hurry_gains_nothing);
	test_group("no long wait", no_long_wait);
	test_group("idle time earns nothing", idle_earns_nothing);
	test_group("owed time is given until it is even", owed_until_even);
	test_group("windows", windows);
	test_group("random walk", random_walk);
	return test_failures != 0;
}
