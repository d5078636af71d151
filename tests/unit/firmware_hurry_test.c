// SPDX-License-Identifier: MIT
/*
 * Queues in a hurry: the packed image on the interpreter, an engine that runs scripts,
 * and a host that says which jobs are needed soon, or writes anything else there.
 */
#include <stdint.h>
#include <string.h>

#include "firmware_board.h"
#include "firmware_fake_engine.h"
#include "firmware_test.h"

enum {
	SHORT,
	MEDIUM,		/* 3,000,000 cycles, points every 50,000 */
};

/* A board with queues from 1 on, of one priority, each with an address space. */
static void boot(uint32_t short_cycles, unsigned int queues, uint32_t slice)
{
	unsigned int i;

	memset(&fake, 0, sizeof(fake));
	fake.script[SHORT] = (struct fake_script){ .cycles = short_cycles };
	fake.script[MEDIUM] = (struct fake_script){ .cycles = 3000000, .points = 50000 };
	board_boot();
	for (i = 1; i <= queues; i++) {
		struct kestrel_fw_create_queue create =
			board_queue_plain(i, i, KESTREL_FW_PRIORITY_NORMAL);

		create.time_slice_cycles = slice;
		CHECK(board_queue_create(i, &create) == KESTREL_FW_RESULT_OK);
	}
}

static void finish(void)
{
	CHECK(!fake.violation);
	CHECK(board.crash->magic != KESTREL_FW_CRASH_MAGIC);
	board_off();
}

/*
 * While a job of queue 1 runs, queues 2, 3 and 4 get jobs, 3 two of them, then 4 says
 * that it is in a hurry: how the jobs end, as a decimal number of queues.
 */
static unsigned int hurry_order(uint32_t hurry_seqno)
{
	struct kestrel_fw_event event;
	unsigned int order = 0;

	boot(100000, 4, 0);
	board_submit(1, SHORT, true);
	board_run(10000);
	board_submit(2, SHORT, true);
	board_submit(3, SHORT, false);
	board_submit(3, SHORT, true);
	board_submit(4, SHORT, true);
	board_run(10000);
	board_ring(4)->hurry_seqno = hurry_seqno;
	board_doorbell(4);
	board_run(1000000);
	while (board_event(&event)) {
		CHECK(event.type == KESTREL_FW_EVENT_JOB_DONE);
		order = order * 10 + event.queue;
	}
	finish();
	return order;
}

static void hurry(void)
{
	CHECK(hurry_order(0) == 12343);
	CHECK(hurry_order(1) == 14233);
	/* As well for a job that comes later. */
	CHECK(hurry_order(7) == 14233);
	/* A value that lies behind. */
	CHECK(hurry_order(0x80000001) == 12343);
}

/* A preempted job, too, and only until the jobs that hurry have ended. */
static void hurry_of_preempted(void)
{
	uint64_t end[4] = { 0 };
	unsigned int i;

	boot(0, 3, 500000);
	for (i = 1; i <= 3; i++)
		board_submit(i, MEDIUM, true);
	/* Each has had a turn. */
	board_run(2000000);
	board_ring(3)->hurry_seqno = 1;
	board_doorbell(3);
	board_run(15000000);
	for (i = 1; i <= 3; i++) {
		struct kestrel_fw_event event = { 0 };

		CHECK(board_event(&event));
		CHECK(event.type == KESTREL_FW_EVENT_JOB_DONE);
		CHECK(event.active_cycles == 3000000);
		end[event.queue & 3] = event.end_time;
	}
	CHECK(end[3] && end[3] < end[1] && end[3] < end[2]);
	/* But by no more than the last round: all have had the same until then. */
	CHECK(end[3] + 2 * 650000 > end[2] && end[3] + 2 * 650000 > end[1]);
	finish();
}

/* Every queue always has work and writes what it likes: all get the same. */
static void hurry_hostile(void)
{
	static const uint32_t values[] = {
		0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678,
	};
	unsigned int i, step, done[8] = { 0 };
	struct kestrel_fw_event event;

	boot(20000, 6, 0);
	for (i = 1; i <= 6; i++) {
		board_ring(i)->hurry_seqno = values[i - 1];
		for (step = 0; step < 8; step++)
			board_submit(i, SHORT, true);
	}
	for (step = 0; step < 2000; step++) {
		board_run(5000);
		/* The last one changes it all the time. */
		board_ring(6)->hurry_seqno = step * 2654435761u;
		board_doorbell(6);
		while (board_event(&event)) {
			CHECK(event.type == KESTREL_FW_EVENT_JOB_DONE);
			done[event.queue & 7]++;
			board_submit(event.queue, SHORT, true);
		}
	}
	CHECK(done[1] > 40);
	for (i = 2; i <= 6; i++)
		CHECK(done[i] + 3 >= done[1] && done[i] <= done[1] + 3);
	finish();
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!board_image_load(argv[0], "kestrel_fw.bin"))
		return 1;
	test_group("a queue in a hurry goes ahead", hurry);
	test_group("a preempted job in a hurry goes ahead", hurry_of_preempted);
	test_group("hostile hurries gain nothing", hurry_hostile);
	return test_failures != 0;
}
