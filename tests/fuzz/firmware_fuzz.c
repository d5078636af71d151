// SPDX-License-Identifier: MIT
/*
 * Hostile host memory against the real firmware image on the interpreter, with
 * the scripted engine of the firmware's tests.
 *
 * rings   Clients' rings and requests about their queues hold nonsense at any
 *         time. The firmware must go on answering, and a queue beside them gets
 *         all its jobs done, each told of once and in order.
 * memory  Everything that is shared holds nonsense. The firmware may crash, but
 *         only over an access that the MMU refused; the engine sees no rule
 *         broken; and a reset of the management core makes all good again.
 *
 * Argument: another image of build/firmware than kestrel_fw.bin.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "firmware_board.h"
#include "firmware_fake_engine.h"
#include "fuzz.h"

#define VICTIM 5u
#define VICTIM_ASID 9u
#define HOSTILE_FIRST 16u
#define HOSTILE_COUNT 6u
#define CAUSE_LOAD_ACCESS 5u
#define CAUSE_STORE_ACCESS 7u

enum {
	SHORT,		/* 5,000 cycles */
	LONG,		/* 3,000,000 cycles, points every 50,000 */
	ENDLESS,	/* points, no end */
	STUBBORN,	/* neither */
	FAULTY,
	SCRIPTS,
};

static const char *program;
static char **images;

/* Of the case that runs. */
static struct {
	struct fuzz_random random;
	uint64_t seed;
	uint64_t victim_submitted;
	uint64_t victim_ended;
	/* The good queue's memory is spoilt as well: nothing is expected of it. */
	bool spoilt;
	bool failed;
} now;

static void fail(const char *what)
{
	if (!now.failed)
		printf("# seed %" PRIu64 ": %s\n", now.seed, what);
	now.failed = true;
}

static uint32_t below(uint32_t limit)
{
	return fuzz_below(&now.random, limit);
}

static void case_begin(uint64_t seed)
{
	memset(&now, 0, sizeof(now));
	now.random = fuzz_random_start(seed);
	now.seed = seed;
	memset(&fake, 0, sizeof(fake));
	fake.script[SHORT] = (struct fake_script){ .cycles = 5000 };
	fake.script[LONG] = (struct fake_script){ .cycles = 3000000, .points = 50000 };
	fake.script[ENDLESS] = (struct fake_script){ .cycles = UINT64_MAX, .points = 50000 };
	fake.script[STUBBORN] = (struct fake_script){ .cycles = UINT64_MAX };
	fake.script[FAULTY] = (struct fake_script){ .cycles = 700,
						    .fault_code = KESTREL_FAULT_SRAM_RANGE };
	board_boot();
	if (board.control->firmware.state != KESTREL_FW_STATE_READY)
		fail("the firmware does not boot");
}

static bool case_end(void)
{
	if (fake.violation)
		fail(fake.violation);
	board_off();
	return !now.failed;
}

static struct kestrel_fw_create_queue victim_create(void)
{
	struct kestrel_fw_create_queue create =
		board_queue_plain(VICTIM, VICTIM_ASID, KESTREL_FW_PRIORITY_NORMAL);

	create.job_timeout_cycles = 50000000;
	return create;
}

/* A queue of a hostile client, as a sound host would ask for it. */
static void hostile_create(uint32_t queue)
{
	struct kestrel_fw_create_queue create =
		board_queue_plain(queue, 20 + below(HOSTILE_COUNT), below(4));

	create.job_timeout_cycles = 10000 + below(2000000);
	create.time_slice_cycles = below(2) ? 10000 + below(100000) : 0;
	if (!below(4))
		create.save_address = create.save_size = 0;
	memset(board_ring(queue), 0, KESTREL_FW_RING_BYTES(BOARD_RING_ENTRIES));
	board.submitted[queue] = 0;
	board.control->request[0].create = create;
	board_request(KESTREL_FW_REQUEST_CREATE_QUEUE, queue, 0);
}

/* Takes all events; those of the victim must come in order and be good. */
static void events_take(void)
{
	struct kestrel_fw_event event;

	if (now.spoilt) {
		board.control->host.event_read_index = board.control->firmware.event_write_index;
		return;
	}
	while (board_event(&event)) {
		if (event.queue != VICTIM)
			continue;
		now.victim_ended++;
		if (event.type != KESTREL_FW_EVENT_JOB_DONE)
			fail("a job of the good queue does not end well");
		if (event.seqno != now.victim_ended)
			fail("an event of the good queue is out of order");
	}
}

static void victim_submit(void)
{
	if (board_ring(VICTIM)->write_index - board_ring(VICTIM)->read_index >= BOARD_RING_ENTRIES)
		return;
	board_submit(VICTIM, SHORT, true);
	now.victim_submitted++;
}

/* A request of the hostile clients in a slot of their own. */
static void hostile_request(uint32_t queue)
{
	static const uint32_t types[] = {
		KESTREL_FW_REQUEST_PING, KESTREL_FW_REQUEST_CREATE_QUEUE,
		KESTREL_FW_REQUEST_DESTROY_QUEUE, KESTREL_FW_REQUEST_RESUME,
		KESTREL_FW_REQUEST_CONTINUE, KESTREL_FW_REQUEST_SET_LOG_LEVEL, 0, 77, UINT32_MAX,
	};
	unsigned int slot = 1 + below(3);
	uint32_t type;
	struct kestrel_fw_request *request = &board.control->request[slot];
	struct kestrel_fw_create_queue create =
		board_queue_plain(queue, 20 + below(HOSTILE_COUNT), below(5));

	switch (below(8)) {
	case 0:
		create.asid = fuzz_value(&now.random);
		break;
	case 1:
		create.ring_entries = fuzz_value(&now.random);
		break;
	case 2:
		create.ring_address = UINT64_C(0x80000000) - below(0x10000) * 64;
		break;
	case 3:
		create.ring_address = (uint64_t)fuzz_value(&now.random) << 32;
		break;
	case 4:
		create.save_size = fuzz_value(&now.random);
		break;
	case 5:
		create.reserved = fuzz_value(&now.random);
		break;
	}
	/* The VICTIM's address space is its own. */
	if (create.asid == VICTIM_ASID)
		create.asid = 0;
	/* A ring where nothing is mapped is the host's own mistake: not here. */
	if (create.ring_address != BOARD_RING(queue) && create.ring_address < 0x80000000 &&
	    create.ring_entries >= 2 && create.ring_entries <= 64)
		create.ring_address |= UINT64_C(1) << 40;
	type = types[below(sizeof(types) / sizeof(types[0]))];
	request->create = create;
	/* Fields that a request has no use for are refused: seldom. */
	if (type != KESTREL_FW_REQUEST_CREATE_QUEUE && type != KESTREL_FW_REQUEST_DESTROY_QUEUE &&
	    below(8))
		queue = 0;
	board_request_send(slot, type, below(8) ? queue : 128 + below(1000),
			   type == KESTREL_FW_REQUEST_SET_LOG_LEVEL || !below(8) ?
			   fuzz_value(&now.random) : 0);
}

static void rings_step(void)
{
	uint32_t queue = HOSTILE_FIRST + below(HOSTILE_COUNT);
	uint8_t *ring = (uint8_t *)board_ring(queue);
	uint32_t count;

	switch (below(9)) {
	case 0:
		victim_submit();
		break;
	case 1:
		hostile_create(queue);
		break;
	case 2:
		board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, queue, 0);
		break;
	case 3:
	case 4:
		board_submit(queue, below(SCRIPTS), below(4));
		break;
	case 5:
		for (count = below(20); count; count--)
			fuzz_damage(&now.random, ring, KESTREL_FW_RING_BYTES(BOARD_RING_ENTRIES));
		board_doorbell(queue);
		break;
	case 6:
		board_ring(queue)->write_index = below(2) ? fuzz_value(&now.random) :
						 board_ring(queue)->read_index + below(18);
		board_doorbell(queue);
		break;
	case 7:
		board_doorbell(fuzz_value(&now.random));
		break;
	default:
		hostile_request(queue);
		break;
	}
	board_run(below(4) ? below(20000) : below(2000000));
	events_take();
}

static bool rings_run(uint64_t seed)
{
	struct kestrel_fw_create_queue create;
	uint32_t steps, i;

	case_begin(seed);
	create = victim_create();
	if (board_queue_create(VICTIM, &create) != KESTREL_FW_RESULT_OK)
		fail("the good queue cannot be made");
	for (steps = 20 + below(60); steps && !now.failed; steps--)
		rings_step();
	/* Every hostile job ends by its time limit at the latest. */
	for (i = 0; i < 3000 && now.victim_ended < now.victim_submitted; i++) {
		board_run(100000);
		events_take();
	}
	if (now.victim_ended != now.victim_submitted)
		fail("a job of the good queue does not end");
	if (board_ring(VICTIM)->status != KESTREL_FW_QUEUE_ACTIVE ||
	    board_ring(VICTIM)->completed_seqno != now.victim_submitted)
		fail("the good queue's ring does not tell what happened");
	if (board.crash->magic == KESTREL_FW_CRASH_MAGIC)
		fail("the firmware crashed");
	/* The other slots may be asked to wait for ever; slot 0 is the sound host's. */
	if (board_request(KESTREL_FW_REQUEST_PING, 0, 0) != KESTREL_FW_RESULT_OK)
		fail("the firmware does not answer PING");
	return case_end();
}

/* All that lies between the image and the end of the rings. */
static void memory_step(void)
{
	static const struct { uint32_t address; uint32_t size; } places[] = {
		{ BOARD_CONTROL, sizeof(struct kestrel_fw_control) },
		{ BOARD_CONTROL + sizeof(struct kestrel_fw_control_host) +
		  sizeof(struct kestrel_fw_control_firmware),
		  KESTREL_FW_REQUEST_SLOTS * sizeof(struct kestrel_fw_request) },
		{ BOARD_EVENT, BOARD_EVENTS * sizeof(struct kestrel_fw_event) },
		{ BOARD_LOG, BOARD_LOGS * sizeof(struct kestrel_fw_log_record) },
		{ BOARD_RING(HOSTILE_FIRST), HOSTILE_COUNT * 0x2000 },
		{ 0x100000, 0x100000 },
	};
	uint32_t place = below(sizeof(places) / sizeof(places[0]));
	uint32_t count;

	switch (below(4)) {
	case 0:
		for (count = below(30); count; count--)
			fuzz_damage(&now.random, board.memory + places[place].address,
				    places[place].size);
		board_register_set(KESTREL_REG_CONTROL_DOORBELL, 1);
		break;
	case 1:
		/* Tables and image below are not for the firmware to write. */
		board.control->request[0].create.ring_address =
			BOARD_CONTROL | (fuzz_value(&now.random) & ~63u);
		board.control->request[0].create.ring_entries = 2u << below(6);
		board.control->request[0].create.asid = 1 + below(254);
		board.control->request[0].create.priority = below(4);
		board_request(KESTREL_FW_REQUEST_CREATE_QUEUE, below(128), 0);
		break;
	case 2:
		board_request_send(below(4), below(10), below(130), fuzz_value(&now.random));
		board_doorbell(below(128));
		break;
	default:
		rings_step();
		return;
	}
	board_run(below(100000));
	if (below(2))
		board.control->host.event_read_index = board.control->firmware.event_write_index;
}

/* What the driver does: fast reset, all memory anew, boot, a queue, a job. */
static void recover(void)
{
	struct kestrel_fw_create_queue create = victim_create();
	struct kestrel_fw_control_host host = {
		.magic = KESTREL_FW_CONTROL_MAGIC,
		.interface_major = KESTREL_FW_INTERFACE_MAJOR,
		.interface_minor = KESTREL_FW_INTERFACE_MINOR,
		.event_address = BOARD_EVENT,
		.event_entries = BOARD_EVENTS,
		.log_address = BOARD_LOG,
		.log_entries = BOARD_LOGS,
		.crash_address = BOARD_CRASH,
	};
	struct kestrel_fw_event event;

	board_register_set(KESTREL_REG_MCU_RESET, 1);
	memset(board.control, 0, sizeof(*board.control));
	board.control->host = host;
	board_start();
	if (board.control->firmware.state != KESTREL_FW_STATE_READY) {
		fail("the firmware does not boot after a reset");
		return;
	}
	if (board_queue_create(VICTIM, &create) != KESTREL_FW_RESULT_OK)
		fail("no queue can be made after a reset");
	board_submit(VICTIM, SHORT, true);
	board_run(1000000);
	if (!board_event(&event) || event.type != KESTREL_FW_EVENT_JOB_DONE ||
	    event.queue != VICTIM || event.seqno != 1)
		fail("no job gets done after a reset");
}

static bool memory_run(uint64_t seed)
{
	struct kestrel_fw_create_queue create;
	uint32_t steps;

	case_begin(seed);
	create = victim_create();
	board_queue_create(VICTIM, &create);
	now.spoilt = true;
	for (steps = 20 + below(40); steps; steps--)
		memory_step();
	if (board_register(KESTREL_REG_MCU_STATUS) == KESTREL_MCU_STATUS_HALTED &&
	    board_register(KESTREL_REG_MCU_CAUSE) != CAUSE_LOAD_ACCESS &&
	    board_register(KESTREL_REG_MCU_CAUSE) != CAUSE_STORE_ACCESS) {
		printf("# cause %u pc 0x%x value 0x%x halt code %u\n",
		       board_register(KESTREL_REG_MCU_CAUSE), board_register(KESTREL_REG_MCU_EPC),
		       board_register(KESTREL_REG_MCU_TVAL),
		       board_register(KESTREL_REG_MCU_HALT_CODE));
		fail("the firmware crashed over something else than an access");
	}
	recover();
	return case_end();
}

static bool prepare(void)
{
	return board_image_load(program, images[0] ? images[0] : "kestrel_fw.bin");
}

int main(int argc, char **argv)
{
	static const struct fuzz_target targets[] = {
		{ "firmware-rings", 300, rings_run },
		{ "firmware-memory", 300, memory_run },
		{ 0 },
	};

	program = argv[0];
	return fuzz_main(argc, argv, targets, prepare, &images);
}
