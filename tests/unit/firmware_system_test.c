// SPDX-License-Identifier: MIT
/*
 * The whole firmware image on the RV32 interpreter of the emulated device,
 * against an engine whose jobs the tests script.
 */
#include <string.h>

#include <kestrel/isa.h>

#include "firmware_board.h"
#include "firmware_fake_engine.h"
#include "firmware_test.h"

/* Scripts that the tests use. */
enum {
	SHORT,		/* 5,000 cycles */
	LONG,		/* 30,000,000 cycles, preemption points every 50,000 */
	ENDLESS,	/* with preemption points */
	STUBBORN,	/* endless, without */
	COMMAND,	/* endless, one command */
	FAULTY,
	MEDIUM,		/* 3,000,000 cycles, points every 50,000 */
	SOLID,		/* 2,500,000 cycles, no points */
};

static void boot(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.script[SHORT] = (struct fake_script){ .cycles = 5000 };
	fake.script[LONG] = (struct fake_script){ .cycles = 30000000, .points = 50000 };
	fake.script[ENDLESS] = (struct fake_script){ .cycles = UINT64_MAX, .points = 50000 };
	fake.script[STUBBORN] = (struct fake_script){ .cycles = UINT64_MAX };
	fake.script[COMMAND] = (struct fake_script){ .cycles = UINT64_MAX, .one_command = true };
	fake.script[FAULTY] = (struct fake_script){ .cycles = 700,
						    .fault_code = KESTREL_FAULT_SRAM_RANGE };
	fake.script[MEDIUM] = (struct fake_script){ .cycles = 3000000, .points = 50000 };
	fake.script[SOLID] = (struct fake_script){ .cycles = 2500000 };
	board_boot();
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_READY);
}

static void finish(void)
{
	if (fake.violation)
		printf("# engine: %s\n", fake.violation);
	CHECK(!fake.violation);
	CHECK(board.crash->magic != KESTREL_FW_CRASH_MAGIC);
	board_off();
}

static void queue_make(uint32_t queue, uint32_t asid, uint32_t priority)
{
	struct kestrel_fw_create_queue create = board_queue_plain(queue, asid, priority);

	CHECK(board_queue_create(queue, &create) == KESTREL_FW_RESULT_OK);
}

static struct kestrel_fw_event event_expect(uint32_t type, uint32_t queue, uint64_t seqno)
{
	struct kestrel_fw_event event = { 0 };

	CHECK(board_event(&event));
	CHECK(event.type == type);
	CHECK(event.queue == queue);
	CHECK(event.seqno == seqno);
	return event;
}

static void queue_requests(void)
{
	struct kestrel_fw_create_queue create = board_queue_plain(3, 1, 1);

	boot();
	create.asid = 0;
	CHECK(board_queue_create(3, &create) == KESTREL_FW_RESULT_ARGUMENT);
	CHECK(board.control->request[0].value == offsetof(struct kestrel_fw_create_queue, asid));
	create.asid = 1;
	CHECK(board_queue_create(3, &create) == KESTREL_FW_RESULT_OK);
	CHECK(board_ring(3)->status == KESTREL_FW_QUEUE_ACTIVE);
	CHECK(board_queue_create(3, &create) == KESTREL_FW_RESULT_QUEUE);
	CHECK(board_request(KESTREL_FW_REQUEST_CREATE_QUEUE, 128, 0) == KESTREL_FW_RESULT_QUEUE);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 4, 0) == KESTREL_FW_RESULT_QUEUE);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, UINT32_MAX, 0) ==
	      KESTREL_FW_RESULT_QUEUE);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 3, 0) == KESTREL_FW_RESULT_OK);
	CHECK(board_ring(3)->status == KESTREL_FW_QUEUE_NONE);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 3, 0) == KESTREL_FW_RESULT_QUEUE);
	/* The doorbell of a queue that is not there. */
	board_doorbell(3);
	board_doorbell(127);
	board_doorbell(5000);
	board_run(10000);
	CHECK(board_request(KESTREL_FW_REQUEST_PING, 0, 0) == KESTREL_FW_RESULT_OK);
	CHECK(board_request(KESTREL_FW_REQUEST_SET_LOG_LEVEL, 0, 4) ==
	      KESTREL_FW_RESULT_ARGUMENT);
	CHECK(board_request(KESTREL_FW_REQUEST_SET_LOG_LEVEL, 0, 0) == KESTREL_FW_RESULT_OK);
	finish();
}

static void one_job(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(9, 2, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(9, SHORT, true);
	board_run(3000);
	CHECK(board.control->firmware.running_queue == 9);
	board_run(20000);
	event = event_expect(KESTREL_FW_EVENT_JOB_DONE, 9, 1);
	CHECK(event.active_cycles == 5000);
	CHECK(event.end_time >= event.start_time + 5000);
	CHECK(event.end_time < event.start_time + 9000);
	CHECK(event.busy_cycles[0] == 5000 * (KESTREL_COUNTER_BUSY_DMA_IN + 1));
	CHECK(event.busy_cycles[3] == 5000 * (KESTREL_COUNTER_BUSY_VECTOR + 1));
	CHECK(event.macs == 5000 * (KESTREL_COUNTER_MACS + 1));
	CHECK(event.fault_code == 0);
	CHECK(board_ring(9)->completed_seqno == 1 && board_ring(9)->read_index == 1);
	CHECK(board_ring(9)->active_cycles == 5000);
	/* Too short to be told of while it ran. */
	CHECK(board_ring(9)->running_seqno == 0 && board_ring(9)->running_cycles == 0);
	CHECK(board.control->firmware.running_queue == UINT32_MAX);
	CHECK(board.control->firmware.jobs_ended == 1);
	CHECK(fake.operands.asid == 2 && fake.operands.tag == KESTREL_FW_TAG(9, 1));
	CHECK(fake.operands.command_address == FAKE_ADDRESS(SHORT));
	CHECK(fake.operands.base_count == 2 && fake.operands.base[0].address == 0x10009 &&
	      fake.operands.base[1].address == 0x7fffffffff000 &&
	      fake.operands.base[1].size == 64);
	CHECK(!board_event(&event));
	finish();
}

static void many_jobs(void)
{
	struct kestrel_fw_event event;
	uint64_t seqno;
	unsigned int i;

	boot();
	queue_make(0, 1, KESTREL_FW_PRIORITY_NORMAL);
	/* Around the rings of jobs, events and log several times. */
	for (i = 0; i < 200; i++) {
		seqno = board_submit(0, SHORT, true);
		board_run(20000);
		event_expect(KESTREL_FW_EVENT_JOB_DONE, 0, seqno);
	}
	/* A full ring at one doorbell. */
	for (i = 0; i < BOARD_RING_ENTRIES; i++)
		board_submit(0, SHORT, false);
	board_doorbell(0);
	board_run(400000);
	for (i = 0; i < BOARD_RING_ENTRIES; i++)
		event_expect(KESTREL_FW_EVENT_JOB_DONE, 0, seqno + 1 + i);
	CHECK(!board_event(&event));
	/* Jobs of one client need no scrub between them. */
	CHECK(fake.scrubs == 1);
	finish();
}

static void empty_job(void)
{
	boot();
	queue_make(0, 1, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(0, SHORT, false);
	*board_ring_entry(0, 0) = (struct kestrel_fw_job){ .seqno = 1 };
	board_doorbell(0);
	board_run(5000);
	CHECK(event_expect(KESTREL_FW_EVENT_JOB_DONE, 0, 1).active_cycles == 0);
	CHECK(fake.starts == 0);
	finish();
}

static void scrub_between_clients(void)
{
	unsigned int i;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	queue_make(2, 2, KESTREL_FW_PRIORITY_NORMAL);
	for (i = 0; i < 3; i++) {
		board_submit(1, SHORT, true);
		board_submit(2, SHORT, true);
	}
	board_run(100000);
	CHECK(fake.starts == 6);
	CHECK(fake.scrubs == 6);
	/* The address space goes to another client: its data must go, too. */
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 1, 0) == KESTREL_FW_RESULT_OK);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 2, 0) == KESTREL_FW_RESULT_OK);
	queue_make(1, 2, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, SHORT, true);
	board_run(20000);
	CHECK(fake.starts == 7);
	CHECK(fake.scrubs == 7);
	finish();
}

static void faults(void)
{
	struct kestrel_fw_event event;

	boot();
	CHECK(board_request(KESTREL_FW_REQUEST_SET_LOG_LEVEL, 0, KESTREL_FW_LOG_WARNING) ==
	      KESTREL_FW_RESULT_OK);
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	queue_make(2, 2, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, FAULTY, false);
	board_submit(1, SHORT, false);
	board_submit(2, SHORT, false);
	board_doorbell(1);
	board_doorbell(2);
	board_run(100000);
	event = event_expect(KESTREL_FW_EVENT_JOB_FAULT, 1, 1);
	CHECK(event.fault_code == KESTREL_FAULT_SRAM_RANGE);
	CHECK(event.fault_unit == KESTREL_UNIT_MAC && event.fault_offset == 0x44);
	CHECK(event.fault_detail == 5 && event.fault_address == 0x123456789a);
	CHECK(event.active_cycles == 700);
	/* The other client goes on, the guilty queue does not. */
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	CHECK(!board_event(&event));
	CHECK(board_ring(1)->status == KESTREL_FW_QUEUE_STOPPED);
	CHECK(board_ring(1)->completed_seqno == 1 && board_ring(1)->read_index == 1);
	board_doorbell(1);
	board_run(100000);
	CHECK(!board_event(&event));
	/* A client's mistake is nothing to warn of. */
	CHECK(!board_log_has("queue 1 stops"));
	finish();
}

static void timeouts(void)
{
	struct kestrel_fw_create_queue create = board_queue_plain(1, 1, 1);
	struct kestrel_fw_event event;

	boot();
	create.job_timeout_cycles = 1000000;
	CHECK(board_queue_create(1, &create) == KESTREL_FW_RESULT_OK);
	queue_make(2, 2, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, STUBBORN, true);
	board_run(900000);
	CHECK(!board_event(&event));
	/* The host is told of it while it runs, once a heartbeat. */
	CHECK(board_ring(1)->running_seqno == 1);
	CHECK(board_ring(1)->running_cycles >= KESTREL_FW_HEARTBEAT_CYCLES / 2 &&
	      board_ring(1)->running_cycles <= 900000);
	board_run(110000);
	event = event_expect(KESTREL_FW_EVENT_JOB_TIMEOUT, 1, 1);
	CHECK(event.active_cycles >= 1000000 && event.active_cycles < 1002000);
	CHECK(fake.kills == 1);
	CHECK(board_ring(1)->status == KESTREL_FW_QUEUE_STOPPED);
	board_submit(2, SHORT, true);
	board_run(20000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	finish();
}

static void rejected_jobs(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, SHORT, false);
	board_ring_entry(1, 0)->base_count = 17;
	board_doorbell(1);
	board_run(20000);
	event = event_expect(KESTREL_FW_EVENT_JOB_REJECTED, 1, 1);
	CHECK(event.fault_code == KESTREL_FW_JOB_ERROR_BASE_COUNT);

	queue_make(2, 1, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(2, SHORT, false);
	board_ring_entry(2, 0)->base[1].size = UINT64_MAX;
	board_doorbell(2);
	board_run(20000);
	event = event_expect(KESTREL_FW_EVENT_JOB_REJECTED, 2, 1);
	CHECK(event.fault_code == KESTREL_FW_JOB_ERROR_BASE && event.fault_detail == 1);

	/* A sequence number that goes back does not take completed_seqno with it. */
	queue_make(3, 1, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(3, SHORT, false);
	board_submit(3, SHORT, false);
	board_ring_entry(3, 0)->seqno = 10;
	board_doorbell(3);
	board_run(40000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 3, 10);
	event = event_expect(KESTREL_FW_EVENT_JOB_REJECTED, 3, 2);
	CHECK(event.fault_code == KESTREL_FW_JOB_ERROR_SEQNO);
	CHECK(board_ring(3)->completed_seqno == 10);
	CHECK(fake.starts == 1);
	finish();
}

static void hostile_index(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	queue_make(2, 1, KESTREL_FW_PRIORITY_NORMAL);
	board_ring(1)->write_index = BOARD_RING_ENTRIES + 1;
	board_doorbell(1);
	board_run(20000);
	event_expect(KESTREL_FW_EVENT_QUEUE_BROKEN, 1, 0);
	CHECK(board_ring(1)->status == KESTREL_FW_QUEUE_BROKEN);
	board_ring(2)->write_index = UINT32_MAX;
	board_doorbell(2);
	board_run(20000);
	event_expect(KESTREL_FW_EVENT_QUEUE_BROKEN, 2, 0);
	CHECK(!board_event(&event));
	CHECK(fake.starts == 0);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 1, 0) == KESTREL_FW_RESULT_OK);
	finish();
}

static void event_ring_full(void)
{
	struct kestrel_fw_event event;
	unsigned int i;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	for (i = 0; i < BOARD_EVENTS; i++)
		board_submit(1, SHORT, false);
	board_doorbell(1);
	board_run(400000);
	CHECK(board.control->firmware.event_write_index == BOARD_EVENTS);
	/* Nobody takes events: no job may start. */
	board_submit(1, SHORT, true);
	board_run(2000000);
	CHECK(fake.starts == BOARD_EVENTS);
	CHECK(board.control->firmware.event_write_index == BOARD_EVENTS);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 1);
	board_register_set(KESTREL_REG_CONTROL_DOORBELL, 1);
	board_run(20000);
	CHECK(fake.starts == BOARD_EVENTS + 1);
	for (i = 1; i <= BOARD_EVENTS; i++)
		event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, i + 1);
	/* An index that cannot be right is no room, and no harm. */
	board.control->host.event_read_index += 5;
	board_submit(1, SHORT, true);
	board_run(1200000);
	CHECK(fake.starts == BOARD_EVENTS + 1);
	board.control->host.event_read_index -= 5;
	board_run(1200000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, BOARD_EVENTS + 2);
	CHECK(!board_event(&event));
	finish();
}

static void destroy_running(void)
{
	struct kestrel_fw_event event;
	uint64_t before;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	queue_make(2, 2, KESTREL_FW_PRIORITY_LOW);
	board_submit(1, STUBBORN, true);
	board_submit(2, SHORT, true);
	board_run(300000);
	CHECK(board.control->firmware.running_queue == 1);
	before = kestrel_emulator_now(board.emulator);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 1, 0) == KESTREL_FW_RESULT_OK);
	CHECK(kestrel_emulator_now(board.emulator) - before < 10000);
	CHECK(fake.kills == 1);
	board_run(20000);
	/* No event for the killed job. */
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	CHECK(!board_event(&event));
	finish();
}

static void priority_preempts(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_LOW);
	queue_make(2, 2, KESTREL_FW_PRIORITY_REALTIME);
	board_submit(1, MEDIUM, true);
	board_run(500000);
	board_submit(2, SHORT, true);
	/* To the next preemption point, save, scrub, and the short job. */
	board_run(50000 + 5000 + 768 + 5000 + 10000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	CHECK(fake.saves == 1);
	CHECK(!board_event(&event));
	board_run(4000000);
	event = event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 1);
	CHECK(fake.restores == 1);
	CHECK(event.preemptions == 1 && board_ring(1)->preemptions == 1);
	/* Engine time over both slices, and counters summed up. */
	CHECK(event.active_cycles == 3000000);
	CHECK(event.macs == 3000000ull * (KESTREL_COUNTER_MACS + 1));
	CHECK(event.end_time - event.start_time > 3000000 + 5000);
	CHECK(board.control->firmware.preemptions == 1);
	CHECK(fake.start[2].resume_offset % 50000 == 0 && fake.start[2].resume_offset);
	finish();
}

static void slices_share(void)
{
	struct kestrel_fw_create_queue create;
	uint32_t preemptions;
	unsigned int i;

	boot();
	for (i = 1; i <= 3; i++) {
		create = board_queue_plain(i, i, KESTREL_FW_PRIORITY_NORMAL);
		create.time_slice_cycles = 500000;
		CHECK(board_queue_create(i, &create) == KESTREL_FW_RESULT_OK);
		board_submit(i, MEDIUM, true);
	}
	board_run(15000000);
	/* Three equal jobs in turns: they end one soon after the other. */
	for (i = 1; i <= 3; i++) {
		struct kestrel_fw_event event = event_expect(KESTREL_FW_EVENT_JOB_DONE, i, 1);

		CHECK(event.active_cycles == 3000000);
		CHECK(event.preemptions >= 4 && event.preemptions <= 6);
	}
	preemptions = (uint32_t)board.control->firmware.preemptions;
	CHECK(preemptions == fake.saves && preemptions == fake.restores);
	finish();
}

static void job_alone_is_not_disturbed(void)
{
	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_LOW);
	board_submit(1, LONG, true);
	board_run(31000000);
	CHECK(event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 1).preemptions == 0);
	/* Alive all the time. */
	CHECK(board.control->firmware.heartbeat > 30000000 / KESTREL_FW_HEARTBEAT_CYCLES);
	finish();
}

static void stubborn_is_killed(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_LOW);
	queue_make(2, 2, KESTREL_FW_PRIORITY_HIGH);
	board_submit(1, STUBBORN, true);
	board_run(100000);
	board_submit(2, SHORT, true);
	board_run(1000000);
	CHECK(!board_event(&event));
	board_run(30000);
	event = event_expect(KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT, 1, 1);
	CHECK(event.active_cycles >= 1000000 && event.active_cycles < 1120000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	CHECK(board_ring(1)->status == KESTREL_FW_QUEUE_STOPPED);
	finish();
}

/* A queue without save area is not asked, and not punished. */
static void no_save_area(void)
{
	struct kestrel_fw_create_queue create = board_queue_plain(1, 1, KESTREL_FW_PRIORITY_LOW);

	boot();
	create.save_address = 0;
	create.save_size = 0;
	CHECK(board_queue_create(1, &create) == KESTREL_FW_RESULT_OK);
	queue_make(2, 2, KESTREL_FW_PRIORITY_HIGH);
	board_submit(1, SOLID, true);
	board_run(100000);
	board_submit(2, SHORT, true);
	board_run(2600000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 1);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	CHECK(fake.kills == 0 && fake.saves == 0);
	finish();
}

static void save_fault(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_LOW);
	queue_make(2, 2, KESTREL_FW_PRIORITY_HIGH);
	board_submit(1, LONG, true);
	board_run(100000);
	fake.transfer_faults = true;
	board_submit(2, SHORT, true);
	board_run(200000);
	event = event_expect(KESTREL_FW_EVENT_JOB_LOST, 1, 1);
	CHECK(event.fault_code == KESTREL_FAULT_MMU);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	finish();
}

static void level_shares(void)
{
	struct kestrel_fw_event event;
	uint64_t low = 0, end;
	unsigned int i;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_LOW);
	queue_make(2, 2, KESTREL_FW_PRIORITY_REALTIME);
	/* Both always busy for two windows of 100 ms. */
	fake.script[MEDIUM].cycles = 500000;
	for (i = 0; i < BOARD_RING_ENTRIES; i++) {
		board_submit(1, MEDIUM, i == 0);
		board_submit(2, MEDIUM, i == 0);
	}
	end = kestrel_emulator_now(board.emulator) + 100000000;
	while (kestrel_emulator_now(board.emulator) < end) {
		board_run(300000);
		while (board_event(&event)) {
			CHECK(event.type == KESTREL_FW_EVENT_JOB_DONE);
			if (event.queue == 1)
				low += event.active_cycles;
			board_submit(event.queue, MEDIUM, true);
		}
	}
	CHECK(low >= 100000000 / 16 - 500000);
	CHECK(low <= 100000000 / 16 + 2 * 500000);
	finish();
}

static void suspend_resume(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	CHECK(board_request(KESTREL_FW_REQUEST_RESUME, 0, 0) == KESTREL_FW_RESULT_STATE);
	board_submit(1, MEDIUM, true);
	board_submit(1, SHORT, true);
	board_run(100000);
	board_request_send(1, KESTREL_FW_REQUEST_SUSPEND, 0, 0);
	board_run(100000);
	CHECK(!board_request_answered(1));
	CHECK(board_request(KESTREL_FW_REQUEST_SUSPEND, 0, 0) == KESTREL_FW_RESULT_STATE);
	board_run(3000000);
	/* The job that ran has ended, the other one waits. */
	CHECK(board_request_answered(1));
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_SUSPENDED);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 1);
	board_run(1000000);
	CHECK(!board_event(&event));
	CHECK(board_request(KESTREL_FW_REQUEST_RESUME, 0, 0) == KESTREL_FW_RESULT_OK);
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_READY);
	board_run(20000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 2);
	finish();
}

/*
 * A client must not be able to refuse a suspend: a job that has preemption points
 * goes on from each to its end, where it stands; one that has none is killed.
 */
static void suspend_of_jobs(void)
{
	struct kestrel_fw_event event = { 0 };

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	queue_make(2, 2, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, MEDIUM, true);
	board_run(100000);
	board_request_send(1, KESTREL_FW_REQUEST_SUSPEND, 0, 0);
	board_run(4000000);
	CHECK(board_request_answered(1));
	CHECK(board_event(&event) && event.type == KESTREL_FW_EVENT_JOB_DONE);
	CHECK(event.preemptions == 0 && event.active_cycles >= fake.script[MEDIUM].cycles &&
	      event.active_cycles < fake.script[MEDIUM].cycles + 200000);
	CHECK(!fake.saves && !fake.restores && fake.starts > 2);
	CHECK(board_request(KESTREL_FW_REQUEST_RESUME, 0, 0) == KESTREL_FW_RESULT_OK);

	board_submit(2, STUBBORN, true);
	board_run(100000);
	board_request_send(1, KESTREL_FW_REQUEST_SUSPEND, 0, 0);
	board_run(KESTREL_FW_PREEMPT_LIMIT_CYCLES - 100000);
	CHECK(!board_request_answered(1));
	board_run(300000);
	CHECK(board_request_answered(1));
	event_expect(KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT, 2, 1);
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_SUSPENDED);

	/* Whoever is neither suspended nor alone is preempted as ever. */
	CHECK(board_request(KESTREL_FW_REQUEST_RESUME, 0, 0) == KESTREL_FW_RESULT_OK);
	board_submit(1, MEDIUM, true);
	board_run(4000000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 2);
	finish();
}

/* Jobs that were preempted end before SUSPEND is answered. */
static void suspend_preempted(void)
{
	unsigned int i;

	boot();
	for (i = 1; i <= 3; i++) {
		queue_make(i, i, i - 1);
		board_submit(i, MEDIUM, true);
		board_run(200000);
	}
	CHECK(fake.saves == 2);
	board_request_send(1, KESTREL_FW_REQUEST_SUSPEND, 0, 0);
	board_run(8000000);
	CHECK(!board_request_answered(1));
	board_run(2000000);
	CHECK(board_request_answered(1));
	for (i = 0; i < 3; i++) {
		struct kestrel_fw_event event = { 0 };

		CHECK(board_event(&event) && event.type == KESTREL_FW_EVENT_JOB_DONE);
	}
	finish();
}

/* A client must not be able to refuse a clock change by one long command. */
static void hold_of_long_command(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	queue_make(2, 2, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, COMMAND, true);
	board_run(100000);
	CHECK(fake.starts == 1);
	board_request_send(1, KESTREL_FW_REQUEST_HOLD, 0, 0);
	board_run(900000);
	CHECK(!board_request_answered(1));
	CHECK(!board_event(&event));
	board_run(200000);
	CHECK(board_request_answered(1));
	event = event_expect(KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT, 1, 1);
	CHECK(event.active_cycles >= 1000000 && event.active_cycles < 1220000);
	CHECK(board_ring(1)->status == KESTREL_FW_QUEUE_STOPPED);
	/* The engine stays free until the host lets it go on. */
	board_submit(2, SHORT, true);
	board_run(100000);
	CHECK(fake.starts == 1);
	CHECK(board_request(KESTREL_FW_REQUEST_CONTINUE, 0, 0) == KESTREL_FW_RESULT_OK);
	board_run(100000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	finish();
}

static void hold_continue(void)
{
	struct kestrel_fw_event event;

	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	CHECK(board_request(KESTREL_FW_REQUEST_CONTINUE, 0, 0) == KESTREL_FW_RESULT_STATE);
	/* Idle: held at once. */
	CHECK(board_request(KESTREL_FW_REQUEST_HOLD, 0, 0) == KESTREL_FW_RESULT_OK);
	board_submit(1, MEDIUM, true);
	board_run(100000);
	CHECK(fake.starts == 0);
	CHECK(board_request(KESTREL_FW_REQUEST_CONTINUE, 0, 0) == KESTREL_FW_RESULT_OK);
	board_run(100000);
	CHECK(fake.starts == 1);
	/* Running: held at a command boundary, where the clock may change. */
	board_register_set(KESTREL_REG_CLOCK_REQUEST, 400000);
	CHECK(board_register(KESTREL_REG_CLOCK_STATUS) & KESTREL_CLOCK_REJECTED);
	CHECK(board_request(KESTREL_FW_REQUEST_HOLD, 0, 0) == KESTREL_FW_RESULT_OK);
	CHECK(board_request(KESTREL_FW_REQUEST_HOLD, 0, 0) == KESTREL_FW_RESULT_STATE);
	board_register_set(KESTREL_REG_CLOCK_REQUEST, 400000);
	CHECK(!(board_register(KESTREL_REG_CLOCK_STATUS) & KESTREL_CLOCK_REJECTED));
	board_run(10000000);
	CHECK(!board_event(&event));
	CHECK(board_request(KESTREL_FW_REQUEST_CONTINUE, 0, 0) == KESTREL_FW_RESULT_OK);
	board_run(3100000);
	/* The time that it was held does not count. */
	CHECK(event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 1).active_cycles == 3000000);
	finish();
}

static void engine_reset_loses_job(void)
{
	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	queue_make(2, 2, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, ENDLESS, true);
	board_run(100000);
	board_register_set(KESTREL_REG_RESET, KESTREL_RESET_ENGINE);
	board_run(20000);
	event_expect(KESTREL_FW_EVENT_JOB_LOST, 1, 1);
	board_submit(2, SHORT, true);
	board_run(20000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 2, 1);
	finish();
}

/* A hung engine still obeys KILL: the timeout ends the job, and the host is told. */
static void hung_engine(void)
{
	struct kestrel_fw_create_queue create = board_queue_plain(1, 1, 1);

	boot();
	create.job_timeout_cycles = 500000;
	CHECK(board_queue_create(1, &create) == KESTREL_FW_RESULT_OK);
	queue_make(2, 2, KESTREL_FW_PRIORITY_NORMAL);
	kestrel_emulator_inject(board.emulator, KESTREL_EMULATOR_FAULT_HUNG_ENGINE, 1);
	board_submit(1, SHORT, true);
	board_run(510000);
	event_expect(KESTREL_FW_EVENT_JOB_TIMEOUT, 1, 1);
	/* It cannot be scrubbed for the next client: that is the end. */
	board_submit(2, SHORT, true);
	board_run(1000000);
	CHECK(fake.starts == 1);
	CHECK(board_register(KESTREL_REG_MCU_HALT_CODE) == KESTREL_FW_HALT_CRASHED);
	CHECK(board.crash->magic == KESTREL_FW_CRASH_MAGIC);
	CHECK(board.crash->cause == UINT32_MAX);
	board.crash->magic = 0;
	finish();
}

static void crash_is_recorded(void)
{
	struct kestrel_fw_create_queue create = board_queue_plain(1, 1, 1);

	boot();
	create.ring_address = BOARD_HOLE;
	board_queue_create(1, &create);
	CHECK(board_register(KESTREL_REG_MCU_STATUS) == KESTREL_MCU_STATUS_HALTED);
	CHECK(board_register(KESTREL_REG_MCU_HALT_CODE) == KESTREL_FW_HALT_CRASHED);
	CHECK(board_register(KESTREL_REG_INTERRUPT_RAW) & KESTREL_INTERRUPT_MCU_HALT);
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_CRASHED);
	CHECK(board.crash->magic == KESTREL_FW_CRASH_MAGIC);
	/* A store (queue_publish) to the ring's header. */
	CHECK(board.crash->cause == 7);
	CHECK(board.crash->tval - KESTREL_MCU_WINDOW_BASE - BOARD_HOLE <
	      sizeof(struct kestrel_fw_ring));
	CHECK(board.crash->epc && board.crash->epc < 0x8000);
	CHECK(board.crash->register_x[2] > 0x10000 && board.crash->register_x[2] < 0x20000);
	CHECK(board.crash->queue == UINT32_MAX);
	CHECK(board_log_has("crash: cause 0x7"));
	/* The fast reset brings it back. */
	board_register_set(KESTREL_REG_MCU_RESET, 1);
	memset(&board.control->firmware, 0, sizeof(board.control->firmware));
	memset(board.control->request, 0, sizeof(board.control->request));
	board.crash->magic = 0;
	board.control->host.event_read_index = 0;
	board_start();
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_READY);
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, SHORT, true);
	board_run(20000);
	event_expect(KESTREL_FW_EVENT_JOB_DONE, 1, 1);
	finish();
}

/* No host memory to write a record to: the hardware's double trap. */
static void crash_without_memory(void)
{
	boot();
	board_register_set(KESTREL_REG_ASID_TABLE_LO(0), 0);
	board_register_set(KESTREL_REG_ASID_TABLE_HI(0), 0);
	board_register_set(KESTREL_REG_INVALIDATE_START, KESTREL_INVALIDATE_ALL);
	board_run(20000);
	board_register_set(KESTREL_REG_CONTROL_DOORBELL, 1);
	board_run(20000);
	CHECK(board_register(KESTREL_REG_MCU_STATUS) == KESTREL_MCU_STATUS_HALTED);
	CHECK(board_register(KESTREL_REG_MCU_HALT_CODE) == KESTREL_HALT_DOUBLE_TRAP);
	finish();
}

/* The image with engine_start() stubbed: jobs do not run, and it is seen. */
static void without_engine_start(void)
{
	boot();
	queue_make(1, 1, KESTREL_FW_PRIORITY_NORMAL);
	board_submit(1, SHORT, true);
	board_run(100000);
	CHECK(fake.starts == 0);
	event_expect(KESTREL_FW_EVENT_JOB_LOST, 1, 1);
	finish();
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!board_image_load(argv[0], "kestrel_fw.bin"))
		return 1;
	test_group("queue requests", queue_requests);
	test_group("one job", one_job);
	test_group("many jobs", many_jobs);
	test_group("job without commands", empty_job);
	test_group("scrub between clients", scrub_between_clients);
	test_group("faults", faults);
	test_group("timeouts", timeouts);
	test_group("rejected jobs", rejected_jobs);
	test_group("hostile ring index", hostile_index);
	test_group("full event ring", event_ring_full);
	test_group("destroying a queue whose job runs", destroy_running);
	test_group("priority preempts", priority_preempts);
	test_group("time slices", slices_share);
	test_group("a job alone is not disturbed", job_alone_is_not_disturbed);
	test_group("a job without preemption points is killed", stubborn_is_killed);
	test_group("no save area, no preemption", no_save_area);
	test_group("context that cannot be saved", save_fault);
	test_group("1/16 for a low level", level_shares);
	test_group("suspend and resume", suspend_resume);
	test_group("suspend of long jobs", suspend_of_jobs);
	test_group("suspend with preempted jobs", suspend_preempted);
	test_group("hold for a clock change", hold_continue);
	test_group("hold of a long command", hold_of_long_command);
	test_group("engine reset by the host", engine_reset_loses_job);
	test_group("hung engine", hung_engine);
	test_group("crash record", crash_is_recorded);
	test_group("crash without host memory", crash_without_memory);
	if (!board_image_load(argv[0], "kestrel_fw_without_engine_start.bin"))
		return 1;
	test_group("nothing runs without the firmware's engine_start", without_engine_start);
	return test_failures != 0;
}
