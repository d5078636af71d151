// SPDX-License-Identifier: MIT
/*
 * What a level of priority is guaranteed of each 100 ms, whoever else there is: the
 * packed image on the interpreter, by the device's own clock, with an engine that runs
 * scripts. Queues, priorities, slices, jobs and distances of their preemption points are
 * drawn at random; what each level got is counted by the engine, apart from the
 * firmware's books, and looked at at the end of each window.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "firmware_board.h"
#include "firmware_fake_engine.h"
#include "firmware_test.h"

#define WORLDS 40
#define WINDOWS 12
#define QUEUES_MAX 10
/* Jobs that wait in the ring of a queue that is never without. */
#define JOBS_AHEAD 8
/* How often the host looks; in between come fewer jobs than there is room for events. */
#define LOOK_CYCLES 150000
#define JOB_CYCLES_MIN 50000
/* The first scripts never end. */
#define ENDLESS 3
/* From the firmware's first look at the clock to its first operation of the engine. */
#define BOOT_CYCLES 2000

struct queue {
	uint32_t level;
	/* Never without a job; else it comes and goes. */
	bool busy;
	uint32_t waiting;
};

static uint32_t random_state;
static struct queue queue[QUEUES_MAX + 1];
static unsigned int queues;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(random_state >> 8) * limit >> 24);
}

/* Each script another length, and other preemption points. */
static void scripts_draw(void)
{
	static const uint32_t points[] = { 1000, 20000, 100000, 400000, 900000 };
	unsigned int i;

	for (i = 0; i < FAKE_SCRIPTS; i++) {
		struct fake_script *script = &fake.script[i];

		script->points = points[random_below(5)];
		script->cycles = JOB_CYCLES_MIN + random_below(1u << (17 + random_below(8)));
		if (i < ENDLESS)
			script->cycles = UINT64_MAX;
		/* Without preemption points, but over before it is killed for that. */
		else if (script->cycles < KESTREL_FW_PREEMPT_LIMIT_CYCLES && random_below(2))
			script->points = 0;
	}
}

static void queue_fill(unsigned int index)
{
	uint32_t wanted = queue[index].busy ? JOBS_AHEAD : random_below(40) / 39;

	for (; queue[index].waiting < wanted; queue[index].waiting++)
		board_submit(index, ENDLESS + random_below(FAKE_SCRIPTS - ENDLESS), true);
}

/* Queues from 1 on, each with an address space of the same number. */
static void world_make(uint32_t seed)
{
	unsigned int i;

	random_state = seed;
	memset(&fake, 0, sizeof(fake));
	memset(queue, 0, sizeof(queue));
	scripts_draw();
	board_boot();
	queues = 2 + random_below(QUEUES_MAX - 1);
	for (i = 1; i <= queues; i++) {
		struct kestrel_fw_create_queue create;

		queue[i].level = random_below(KESTREL_FW_PRIORITY_COUNT);
		queue[i].busy = random_below(3);
		create = board_queue_plain(i, i, queue[i].level);
		create.time_slice_cycles = random_below(2) ? 0 : 100000 + random_below(4000000);
		create.job_timeout_cycles = KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES;
		CHECK(board_queue_create(i, &create) == KESTREL_FW_RESULT_OK);
		/* Some have one job for ever. */
		if (queue[i].busy && !random_below(4)) {
			board_submit(i, random_below(ENDLESS), true);
			queue[i].waiting = UINT32_MAX;
		}
		if (queue[i].waiting < JOBS_AHEAD)
			queue_fill(i);
	}
}

static void events_take(void)
{
	struct kestrel_fw_event event;

	while (board_event(&event)) {
		CHECK(event.type == KESTREL_FW_EVENT_JOB_DONE);
		queue[event.queue].waiting--;
	}
}

static void run_until(uint64_t end)
{
	uint64_t now;
	unsigned int i;

	while ((now = kestrel_emulator_now(board.emulator)) < end) {
		board_run(end - now < LOOK_CYCLES ? end - now : LOOK_CYCLES);
		events_take();
		for (i = 1; i <= queues; i++)
			queue_fill(i);
	}
}

static void levels_used(uint64_t used[KESTREL_FW_PRIORITY_COUNT])
{
	unsigned int i;

	memset(used, 0, KESTREL_FW_PRIORITY_COUNT * sizeof(*used));
	for (i = 1; i <= queues; i++)
		used[queue[i].level] += fake.used[i];
}

/* Smallest part that a level which was ready all the time got of a window, in 1/10,000. */
static uint32_t smallest;

static void window_check(uint32_t seed, unsigned int number, const uint64_t *before,
			 const uint64_t *after, uint64_t cycles)
{
	bool busy[KESTREL_FW_PRIORITY_COUNT] = { false };
	unsigned int i;

	for (i = 1; i <= queues; i++)
		busy[queue[i].level] |= queue[i].busy;
	for (i = 0; i < KESTREL_FW_PRIORITY_COUNT; i++) {
		uint64_t got = after[i] - before[i];
		bool enough = got + BOOT_CYCLES >= cycles / KESTREL_FW_LEVEL_SHARE_DIVISOR;

		if (!busy[i])
			continue;
		if (got * 10000 / cycles < smallest)
			smallest = (uint32_t)(got * 10000 / cycles);
		if (!enough)
			printf("# seed %" PRIu32 " window %u: level %u got %" PRIu64 " of %" PRIu64
			       "\n", seed, number, i, got, cycles);
		CHECK(enough);
	}
}

static void guarantee(void)
{
	uint64_t before[KESTREL_FW_PRIORITY_COUNT], after[KESTREL_FW_PRIORITY_COUNT];
	uint64_t cycles, start;
	uint32_t seed;
	unsigned int i;

	smallest = UINT32_MAX;
	for (seed = 1; seed <= WORLDS; seed++) {
		world_make(seed);
		cycles = (uint64_t)board_register(KESTREL_REG_CLOCK_PRESENT) *
			 KESTREL_FW_LEVEL_WINDOW_MS;
		start = fake.first_scrub;
		/* Not everybody was there from the beginning of the first window. */
		run_until(start + cycles);
		levels_used(before);
		for (i = 1; i <= WINDOWS; i++) {
			run_until(start + (i + 1) * cycles);
			levels_used(after);
			window_check(seed, i, before, after, cycles);
			memcpy(before, after, sizeof(before));
		}
		CHECK(!fake.violation);
		CHECK(!fake.kills);
		CHECK(board.crash->magic != KESTREL_FW_CRASH_MAGIC);
		board_off();
	}
	printf("# %u windows, the smallest part of one is %" PRIu32 " of 10,000\n",
	       WORLDS * WINDOWS, smallest);
}

/*
 * Jobs of the lowest level that take the engine for a moment and the management core,
 * with scrubbing between their address spaces, for thousands of cycles: what they are
 * owed in engine time would cost those above most of theirs.
 */
static void tiny_jobs(void)
{
	enum { TINY, ENDLESS_JOB, LEVELS = KESTREL_FW_PRIORITY_COUNT, LOOK = 40000 };
	uint64_t cycles, start, before, now;
	unsigned int i;

	memset(&fake, 0, sizeof(fake));
	memset(queue, 0, sizeof(queue));
	fake.script[TINY] = (struct fake_script){ .cycles = 10 };
	fake.script[ENDLESS_JOB] = (struct fake_script){ .cycles = UINT64_MAX, .points = 1000 };
	board_boot();
	cycles = (uint64_t)board_register(KESTREL_REG_CLOCK_PRESENT) * KESTREL_FW_LEVEL_WINDOW_MS;
	start = fake.first_scrub;
	for (queues = 1; queues <= 3; queues++) {
		struct kestrel_fw_create_queue create =
			board_queue_plain(queues, queues, queues < 3 ? 0 : LEVELS - 1);

		create.job_timeout_cycles = KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES;
		CHECK(board_queue_create(queues, &create) == KESTREL_FW_RESULT_OK);
	}
	board_submit(3, ENDLESS_JOB, true);
	for (i = 1; i <= 4; i++) {
		before = fake.used[3];
		while ((now = kestrel_emulator_now(board.emulator)) < start + i * cycles) {
			events_take();
			for (queues = 1; queues < 3; queues++)
				for (; queue[queues].waiting < JOBS_AHEAD; queue[queues].waiting++)
					board_submit(queues, TINY, true);
			board_run(start + i * cycles - now < LOOK ? start + i * cycles - now : LOOK);
		}
		printf("# window %u: %" PRIu64 " of %" PRIu64 " cycles for the highest level\n", i,
		       fake.used[3] - before, cycles);
		CHECK(fake.used[3] - before >= cycles * 3 / 4);
	}
	CHECK(!fake.violation);
	board_off();
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!board_image_load(argv[0], "kestrel_fw.bin"))
		return 1;
	test_group("each level gets its 1/16 of every window", guarantee);
	test_group("tiny jobs do not take the engine from those above", tiny_jobs);
	return test_failures != 0;
}
