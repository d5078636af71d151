// SPDX-License-Identifier: MIT
/*
 * Submits hand-written command streams that no compiler would write, through
 * the real firmware on the simulator: each must end in exactly the fault that
 * it deserves, with unit and stream offset, and a sound job afterwards must
 * still give the right bytes. Clients in other address spaces notice nothing.
 *
 * usage: command_streams SIMULATOR_LIBRARY FIRMWARE_IMAGE
 */
#include <dlfcn.h>
#include <errno.h>

#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#include "result.h"

#define STREAM_ADDRESS 0x10000u
#define DATA_ADDRESS 0x100000u
#define READ_ONLY_ADDRESS 0x200000u
#define SECRET_ADDRESS 0x300000u	/* mapped in the other client's space only */
#define UNMAPPED_ADDRESS 0x400000u
#define PAGE KESTREL_SIMULATOR_PAGE_SIZE
#define COPY_BYTES 256u
/* Short, so that an endless wait ends soon. */
#define JOB_TIMEOUT_CYCLES 100000u

/* Bases of every job here. */
enum {
	BASE_DATA = 0,		/* one page, readable and writable */
	BASE_READ_ONLY = 1,	/* one page */
	BASE_SECRET = 2,	/* another client's addresses */
	BASE_UNMAPPED = 3,
	BASE_BEYOND = 4,	/* twice the page that is mapped */
	BASE_COUNT = 5,
};

static const struct kestrel_simulator_interface *simulator_interface;
static struct results results = { .subject = "command stream" };

/* ---- Writing streams ---- */

struct stream {
	uint8_t bytes[PAGE];
	uint32_t size;
};

static void put(struct stream *stream, uint8_t byte)
{
	if (stream->size < sizeof(stream->bytes))
		stream->bytes[stream->size++] = byte;
}

static void put_number(struct stream *stream, uint64_t value)
{
	while (value > 0x7f) {
		put(stream, (uint8_t)(value & 0x7f) | 0x80);
		value >>= 7;
	}
	put(stream, (uint8_t)value);
}

static void set(struct stream *stream, uint8_t reg, uint64_t value)
{
	put(stream, reg);
	put_number(stream, value);
}

static void set_signed(struct stream *stream, uint8_t reg, int32_t value)
{
	set(stream, reg, (uint64_t)(value >= 0 ? 2 * (int64_t)value : -2 * (int64_t)value - 1));
}

static void select_unit(struct stream *stream, enum kestrel_unit unit)
{
	put(stream, (uint8_t)(KESTREL_ISA_SELECT + unit));
}

/* Offset of the record, where a fault of the command will point to. */
static uint32_t execute(struct stream *stream)
{
	put(stream, KESTREL_ISA_EXECUTE);
	return stream->size - 1;
}

static void copy_in(struct stream *stream, uint32_t base, uint32_t offset, uint32_t sram)
{
	select_unit(stream, KESTREL_UNIT_DMA_IN);
	set(stream, KESTREL_DMA_BASE, base);
	set(stream, KESTREL_DMA_OFFSET, offset);
	set(stream, KESTREL_DMA_SRAM_ADDRESS, sram);
	set(stream, KESTREL_DMA_COUNT0, COPY_BYTES);
}

static void copy_out(struct stream *stream, uint32_t base, uint32_t offset, uint32_t sram)
{
	put(stream, KESTREL_ISA_SIGNAL + 0);
	select_unit(stream, KESTREL_UNIT_DMA_OUT);
	put(stream, KESTREL_ISA_WAIT + 0);
	set(stream, KESTREL_DMA_BASE, base);
	set(stream, KESTREL_DMA_OFFSET, offset);
	set(stream, KESTREL_DMA_SRAM_ADDRESS, sram);
	set(stream, KESTREL_DMA_COUNT0, COPY_BYTES);
}

/* ---- The bad ones: each returns the offset at which the fault must be ---- */

static uint32_t write_unknown_opcode(struct stream *stream)
{
	set(stream, KESTREL_DMA_COUNT0, 16);
	put(stream, 0xff);
	return stream->size - 1;
}

static uint32_t write_reserved_opcode(struct stream *stream)
{
	put(stream, 0x83);
	return 0;
}

static uint32_t write_unknown_register(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_DMA_OUT);
	set(stream, KESTREL_DMA_REGISTER_COUNT, 1);
	return 1;
}

static uint32_t write_long_number(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_MAC);
	put(stream, KESTREL_MAC_IFM_WIDTH);
	for (unsigned int i = 0; i < 6; i++)
		put(stream, 0x80);
	put(stream, 0);
	return 1;
}

static uint32_t write_large_number(struct stream *stream)
{
	set(stream, KESTREL_DMA_OFFSET, 1ull << 32);
	return 0;
}

static uint32_t write_no_end(struct stream *stream)
{
	set(stream, KESTREL_DMA_COUNT0, 16);
	return stream->size;
}

static uint32_t write_cut_record(struct stream *stream)
{
	put(stream, KESTREL_DMA_COUNT0);
	put(stream, 0x80);
	return 0;
}

static uint32_t write_preempt_of_17_ranges(struct stream *stream)
{
	put(stream, KESTREL_ISA_PREEMPT);
	put_number(stream, KESTREL_ISA_PREEMPT_RANGES + 1);
	for (uint32_t i = 0; i <= KESTREL_ISA_PREEMPT_RANGES; i++) {
		put_number(stream, i * 32);
		put_number(stream, 16);
	}
	return 0;
}

static uint32_t write_preempt_with_signal(struct stream *stream)
{
	put(stream, KESTREL_ISA_SIGNAL + 5);
	put(stream, KESTREL_ISA_PREEMPT);
	put_number(stream, 0);
	return 1;
}

static uint32_t write_dma_mode(struct stream *stream)
{
	set(stream, KESTREL_DMA_MODE, KESTREL_DMA_MODE_COUNT);
	return execute(stream);
}

static uint32_t write_dma_count(struct stream *stream)
{
	set(stream, KESTREL_DMA_COUNT1, 0);
	return execute(stream);
}

static uint32_t write_dma_base(struct stream *stream)
{
	set(stream, KESTREL_DMA_BASE, KESTREL_ISA_BASES);
	return execute(stream);
}

static uint32_t write_dma_decode_out(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_DMA_OUT);
	set(stream, KESTREL_DMA_MODE, KESTREL_DMA_DECODE);
	return execute(stream);
}

static uint32_t write_mac_kernel(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_MAC);
	set(stream, KESTREL_MAC_KERNEL_WIDTH, 0);
	return execute(stream);
}

static uint32_t write_mac_flags(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_MAC);
	set(stream, KESTREL_MAC_FLAGS, KESTREL_MAC_FLAGS_ALL + 1);
	return execute(stream);
}

static uint32_t write_mac_address(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_MAC);
	set(stream, KESTREL_MAC_IFM_ADDRESS, 8);
	return execute(stream);
}

static uint32_t write_vector_operation(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_VECTOR);
	set(stream, KESTREL_VECTOR_OPERATION, 255);
	return execute(stream);
}

static uint32_t write_sram_range(struct stream *stream)
{
	copy_in(stream, BASE_DATA, 0, 1u << 28);
	return execute(stream);
}

static uint32_t write_sram_range_mac(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_MAC);
	set(stream, KESTREL_MAC_IFM_CHANNELS, 16);
	set(stream, KESTREL_MAC_OFM_CHANNELS, 16);
	set(stream, KESTREL_MAC_OFM_ADDRESS, 0xfffffff0);
	set_signed(stream, KESTREL_MAC_CLAMP_MIN, -128);
	set_signed(stream, KESTREL_MAC_CLAMP_MAX, 127);
	return execute(stream);
}

static uint32_t write_base_end(struct stream *stream)
{
	copy_in(stream, BASE_DATA, PAGE - COPY_BYTES + 1, 0);
	return execute(stream);
}

static uint32_t write_base_wild(struct stream *stream)
{
	copy_in(stream, BASE_DATA, 0xffffff00, 0);
	return execute(stream);
}

static uint32_t write_base_stride(struct stream *stream)
{
	copy_in(stream, BASE_DATA, 0, 0);
	set(stream, KESTREL_DMA_COUNT1, 2);
	set_signed(stream, KESTREL_DMA_MEMORY_STRIDE1, -16);
	return execute(stream);
}

static uint32_t write_base_absent(struct stream *stream)
{
	copy_in(stream, BASE_COUNT, 0, 0);
	return execute(stream);
}

static uint32_t write_unmapped(struct stream *stream)
{
	copy_in(stream, BASE_UNMAPPED, 64, 0);
	return execute(stream);
}

static uint32_t write_beyond_mapping(struct stream *stream)
{
	copy_in(stream, BASE_BEYOND, PAGE, 0);
	return execute(stream);
}

static uint32_t write_read_only(struct stream *stream)
{
	copy_in(stream, BASE_DATA, 0, 0);
	execute(stream);
	copy_out(stream, BASE_READ_ONLY, 0, 0);
	return execute(stream);
}

static uint32_t write_secret_read(struct stream *stream)
{
	uint32_t offset;

	copy_in(stream, BASE_SECRET, 0, 0);
	offset = execute(stream);
	copy_out(stream, BASE_DATA, 1024, 0);
	execute(stream);
	return offset;
}

static uint32_t write_secret_write(struct stream *stream)
{
	copy_in(stream, BASE_DATA, 0, 0);
	execute(stream);
	copy_out(stream, BASE_SECRET, 0, 0);
	return execute(stream);
}

static uint32_t write_semaphore_overflow(struct stream *stream)
{
	for (unsigned int i = 0; i <= KESTREL_ISA_SEMAPHORE_MAX; i++)
		put(stream, KESTREL_ISA_SIGNAL + 7);
	return KESTREL_ISA_SEMAPHORE_MAX;
}

static uint32_t write_bad_table(struct stream *stream)
{
	/* The data page describes no decode table. */
	set(stream, KESTREL_DMA_MODE, KESTREL_DMA_LOAD_TABLE);
	set(stream, KESTREL_DMA_SOURCE_BYTES, 64);
	return execute(stream);
}

static uint32_t write_endless_wait(struct stream *stream)
{
	select_unit(stream, KESTREL_UNIT_MAC);
	put(stream, KESTREL_ISA_WAIT + 3);
	return 0;
}

static uint32_t write_full_queue_wait(struct stream *stream)
{
	/* The front end itself blocks: WAITs fill the queue, their SIGNAL comes last. */
	for (unsigned int i = 0; i < KESTREL_ISA_QUEUE_ENTRIES + 4; i++)
		put(stream, KESTREL_ISA_WAIT + 3);
	select_unit(stream, KESTREL_UNIT_VECTOR);
	for (unsigned int i = 0; i < KESTREL_ISA_QUEUE_ENTRIES + 4; i++)
		put(stream, KESTREL_ISA_SIGNAL + 3);
	return 0;
}

enum {
	ANY = 0xffffffff,
};

static const struct bad_stream {
	const char *name;
	uint32_t (*write)(struct stream *stream);
	bool without_end;
	enum kestrel_simulator_status status;
	enum kestrel_fault_code code;
	enum kestrel_unit unit;
	uint32_t detail;
	uint64_t address;	/* 0: not looked at */
} bad_streams[] = {
	{ "opcode 0xff", write_unknown_opcode, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_OPCODE, KESTREL_UNIT_FRONT_END, 0xff, 0 },
	{ "opcode 0x83", write_reserved_opcode, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_OPCODE, KESTREL_UNIT_FRONT_END, 0x83, 0 },
	{ "register that the unit does not have", write_unknown_register, false,
	  KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_ILLEGAL_REGISTER, KESTREL_UNIT_FRONT_END,
	  KESTREL_DMA_REGISTER_COUNT, 0 },
	{ "number of 7 bytes", write_long_number, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_ENCODING, KESTREL_UNIT_FRONT_END, ANY, 0 },
	{ "number of 2^32", write_large_number, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_ENCODING, KESTREL_UNIT_FRONT_END, ANY, 0 },
	{ "no END", write_no_end, true, KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_STREAM_END,
	  KESTREL_UNIT_FRONT_END, ANY, 0 },
	{ "ends within a record", write_cut_record, true, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_STREAM_END, KESTREL_UNIT_FRONT_END, ANY, 0 },
	{ "PREEMPT of 17 ranges", write_preempt_of_17_ranges, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_ENCODING, KESTREL_UNIT_FRONT_END, ANY, 0 },
	{ "PREEMPT with a semaphore of 1", write_preempt_with_signal, false,
	  KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_PREEMPT_STATE, KESTREL_UNIT_FRONT_END, 5, 0 },
	{ "DMA mode out of range", write_dma_mode, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_DMA_IN, KESTREL_DMA_MODE, 0 },
	{ "DMA count of 0", write_dma_count, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_DMA_IN, KESTREL_DMA_COUNT1, 0 },
	{ "DMA base 16", write_dma_base, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_DMA_IN, KESTREL_DMA_BASE, 0 },
	{ "decoding on the way out", write_dma_decode_out, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_DMA_OUT, KESTREL_DMA_MODE, 0 },
	{ "MAC kernel of width 0", write_mac_kernel, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_MAC, KESTREL_MAC_KERNEL_WIDTH, 0 },
	{ "MAC flag that does not exist", write_mac_flags, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_MAC, KESTREL_MAC_FLAGS, 0 },
	{ "MAC address that is no multiple of 16", write_mac_address, false,
	  KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_MAC,
	  KESTREL_MAC_IFM_ADDRESS, 0 },
	{ "VECTOR operation 255", write_vector_operation, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_UNIT_VECTOR, KESTREL_VECTOR_OPERATION, 0 },
	{ "copy beyond the SRAM", write_sram_range, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_SRAM_RANGE, KESTREL_UNIT_DMA_IN, ANY, 0 },
	{ "OFM beyond the SRAM", write_sram_range_mac, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_SRAM_RANGE, KESTREL_UNIT_MAC, ANY, 0 },
	{ "copy over the end of its base", write_base_end, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_BASE_RANGE, KESTREL_UNIT_DMA_IN, BASE_DATA, 0 },
	{ "copy far behind its base", write_base_wild, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_BASE_RANGE, KESTREL_UNIT_DMA_IN, BASE_DATA, 0 },
	{ "copy before its base", write_base_stride, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_BASE_RANGE, KESTREL_UNIT_DMA_IN, BASE_DATA, 0 },
	{ "copy from a base that the job does not have", write_base_absent, false,
	  KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_BASE_RANGE, KESTREL_UNIT_DMA_IN, BASE_COUNT, 0 },
	{ "address that is not mapped", write_unmapped, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_MMU, KESTREL_UNIT_DMA_IN, ANY, UNMAPPED_ADDRESS + 64 },
	{ "base larger than what is mapped", write_beyond_mapping, false,
	  KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_MMU, KESTREL_UNIT_DMA_IN, ANY,
	  DATA_ADDRESS + PAGE },
	{ "write to a read-only mapping", write_read_only, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_MMU, KESTREL_UNIT_DMA_OUT, ANY, READ_ONLY_ADDRESS },
	{ "read of another client's memory", write_secret_read, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_MMU, KESTREL_UNIT_DMA_IN, ANY, SECRET_ADDRESS },
	{ "write of another client's memory", write_secret_write, false,
	  KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_MMU, KESTREL_UNIT_DMA_OUT, ANY,
	  SECRET_ADDRESS },
	{ "256 signals of one semaphore", write_semaphore_overflow, false,
	  KESTREL_SIMULATOR_JOB_FAULT, KESTREL_FAULT_SEMAPHORE_OVERFLOW, KESTREL_UNIT_DMA_IN, 7, 0 },
	{ "decode table of noise", write_bad_table, false, KESTREL_SIMULATOR_JOB_FAULT,
	  KESTREL_FAULT_DECODE, KESTREL_UNIT_DMA_IN, 0, 0 },
	{ "endless wait", write_endless_wait, false, KESTREL_SIMULATOR_JOB_TIMEOUT,
	  KESTREL_FAULT_NONE, KESTREL_UNIT_DMA_IN, ANY, 0 },
	{ "endless wait of the front end", write_full_queue_wait, false,
	  KESTREL_SIMULATOR_JOB_TIMEOUT, KESTREL_FAULT_NONE, KESTREL_UNIT_DMA_IN, ANY, 0 },
};

/* ---- Running them ---- */

struct client {
	struct kestrel_simulator *simulator;
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_buffer *code;
	struct kestrel_simulator_buffer *data;
};

static int client_open(struct client *client, struct kestrel_simulator *simulator,
		       uint32_t data_address)
{
	const struct kestrel_simulator_interface *s = simulator_interface;
	int ret;

	client->simulator = simulator;
	ret = s->space_create(simulator, &client->space);
	if (!ret)
		ret = s->buffer_create(simulator, PAGE, &client->code);
	if (!ret)
		ret = s->buffer_create(simulator, PAGE, &client->data);
	if (!ret)
		ret = s->map(client->space, client->code, 0, STREAM_ADDRESS, PAGE,
			     KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_EXECUTE);
	if (!ret)
		ret = s->map(client->space, client->data, 0, data_address, PAGE,
			     KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE);
	return ret;
}

/* Runs the stream in a queue of its own. */
static int stream_run(const struct client *client, const struct stream *stream,
		      uint64_t data_address, struct kestrel_simulator_result *result)
{
	const struct kestrel_simulator_interface *s = simulator_interface;
	struct kestrel_simulator_job job = {
		.command_address = STREAM_ADDRESS,
		.command_size = stream->size,
		.base_count = BASE_COUNT,
		.base = {
			[BASE_DATA] = { data_address, PAGE },
			[BASE_READ_ONLY] = { READ_ONLY_ADDRESS, PAGE },
			[BASE_SECRET] = { SECRET_ADDRESS, PAGE },
			[BASE_UNMAPPED] = { UNMAPPED_ADDRESS, PAGE },
			[BASE_BEYOND] = { DATA_ADDRESS, 2 * PAGE },
		},
		.user_tag = 0x5eed,
	};
	struct kestrel_simulator_queue *queue;
	uint64_t sequence_number;
	int ret;

	memset(s->buffer_data(client->code), 0xff, PAGE);
	memcpy(s->buffer_data(client->code), stream->bytes, stream->size);
	ret = s->queue_create(client->space, 1, JOB_TIMEOUT_CYCLES, &queue);
	if (ret)
		return ret;
	ret = s->submit(queue, &job, &sequence_number);
	if (!ret)
		ret = s->wait(queue, sequence_number, 0, result);
	s->queue_destroy(queue);
	return ret;
}

static void pattern_fill(uint8_t *bytes, uint32_t seed)
{
	for (uint32_t i = 0; i < PAGE; i++)
		bytes[i] = (uint8_t)(i * 7 + seed + (i >> 8));
}

/* A sound job of the client: copies the first bytes of its data page further on. */
static bool client_works(const struct client *client, uint64_t data_address)
{
	struct kestrel_simulator_result result;
	struct stream stream = { .size = 0 };
	uint8_t *data = simulator_interface->buffer_data(client->data);

	memset(data + 2048, 0, COPY_BYTES);
	copy_in(&stream, BASE_DATA, 0, 4096);
	execute(&stream);
	copy_out(&stream, BASE_DATA, 2048, 4096);
	execute(&stream);
	put(&stream, KESTREL_ISA_END);
	return !stream_run(client, &stream, data_address, &result) &&
	       result.status == KESTREL_SIMULATOR_JOB_DONE &&
	       !memcmp(data, data + 2048, COPY_BYTES);
}

static void bad_stream_check(const struct client *client, const struct client *other,
			     const struct bad_stream *bad)
{
	struct kestrel_simulator_result result = { 0 };
	struct stream stream = { .size = 0 };
	uint8_t *data = simulator_interface->buffer_data(client->data);
	uint8_t *secret = simulator_interface->buffer_data(other->data);
	uint8_t expected[PAGE];
	char explanation[512], name[128];
	uint32_t offset;
	bool good;
	int ret;

	pattern_fill(data, 1);
	pattern_fill(secret, 2);
	pattern_fill(expected, 2);
	offset = bad->write(&stream);
	if (!bad->without_end)
		put(&stream, KESTREL_ISA_END);
	ret = stream_run(client, &stream, DATA_ADDRESS, &result);
	snprintf(explanation, sizeof(explanation),
		 "%s: ret %d (%s), status %u, code %u, unit %u, offset %u (expected %u), detail 0x%x, address 0x%llx",
		 bad->name, ret, ret ? simulator_interface->last_error(client->simulator) : "",
		 result.status, result.fault_code, result.fault_unit, result.fault_offset, offset,
		 result.fault_detail, (unsigned long long)result.fault_address);
	good = !ret && result.status == bad->status && result.user_tag == 0x5eed;
	if (bad->status == KESTREL_SIMULATOR_JOB_FAULT)
		good = good && result.fault_code == bad->code && result.fault_unit == bad->unit &&
		       result.fault_offset == offset &&
		       (bad->detail == ANY || bad->detail == result.fault_detail) &&
		       (!bad->address || bad->address == result.fault_address);
	result_add(&results, good, bad->name, explanation);

	snprintf(name, sizeof(name), "%s: memory is as it was", bad->name);
	result_add(&results, !memcmp(secret, expected, PAGE) &&
		   !memcmp(data + 1024, (pattern_fill(expected, 1), expected + 1024), 1024),
		   name, "bytes changed");
	snprintf(name, sizeof(name), "%s: both clients still work", bad->name);
	result_add(&results, client_works(client, DATA_ADDRESS) &&
		   client_works(other, SECRET_ADDRESS), name, "a sound job failed afterwards");
}

/* Commands from a page that is not mapped for them. */
static void fetch_check(const struct client *client)
{
	const struct kestrel_simulator_interface *s = simulator_interface;
	struct kestrel_simulator_job job = {
		.command_address = DATA_ADDRESS,
		.command_size = 16,
	};
	struct kestrel_simulator_result result = { 0 };
	struct kestrel_simulator_queue *queue;
	uint64_t sequence_number;
	char explanation[256];
	int ret;

	memset(s->buffer_data(client->data), KESTREL_ISA_END, 16);
	ret = s->queue_create(client->space, 1, JOB_TIMEOUT_CYCLES, &queue);
	if (!ret)
		ret = s->submit(queue, &job, &sequence_number);
	if (!ret)
		ret = s->wait(queue, sequence_number, 0, &result);
	snprintf(explanation, sizeof(explanation), "ret %d, status %u, code %u, unit %u, address 0x%llx",
		 ret, result.status, result.fault_code, result.fault_unit,
		 (unsigned long long)result.fault_address);
	result_add(&results, !ret && result.status == KESTREL_SIMULATOR_JOB_FAULT &&
		   result.fault_code == KESTREL_FAULT_MMU &&
		   result.fault_unit == KESTREL_UNIT_FRONT_END && result.fault_offset == 0 &&
		   result.fault_address == DATA_ADDRESS,
		   "commands in memory that is not mapped for execution", explanation);
	s->queue_destroy(queue);
}

static int simulator_check(const char *firmware)
{
	const struct kestrel_simulator_interface *s = simulator_interface;
	struct kestrel_simulator_options options = { .firmware_path = firmware };
	struct kestrel_simulator_buffer *read_only;
	struct kestrel_simulator *simulator;
	struct client client, other;
	char error[256] = "";
	int ret;

	ret = s->open(&options, &simulator, error, sizeof(error));
	if (ret) {
		fprintf(stderr, "command_streams: %s\n", error);
		return 2;
	}
	ret = client_open(&client, simulator, DATA_ADDRESS);
	if (!ret)
		ret = client_open(&other, simulator, SECRET_ADDRESS);
	if (!ret)
		ret = s->buffer_create(simulator, PAGE, &read_only);
	if (!ret)
		ret = s->map(client.space, read_only, 0, READ_ONLY_ADDRESS, PAGE,
			     KESTREL_SIMULATOR_MAP_READ);
	if (ret) {
		fprintf(stderr, "command_streams: %s\n", s->last_error(simulator));
		s->close(simulator);
		return 2;
	}
	pattern_fill(s->buffer_data(client.data), 1);
	result_add(&results, client_works(&client, DATA_ADDRESS), "a sound one runs",
		   s->last_error(simulator));
	for (size_t i = 0; i < sizeof(bad_streams) / sizeof(bad_streams[0]); i++)
		bad_stream_check(&client, &other, &bad_streams[i]);
	fetch_check(&client);
	s->close(simulator);
	return result_code(&results);
}

int main(int argc, char **argv)
{
	kestrel_simulator_interface_fn *get;
	void *library;

	if (argc != 3) {
		fprintf(stderr, "usage: command_streams SIMULATOR_LIBRARY FIRMWARE_IMAGE\n");
		return 2;
	}
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	get = library ? (kestrel_simulator_interface_fn *)dlsym(library, KESTREL_SIMULATOR_SYMBOL) :
	      NULL;
	simulator_interface = get ? get(KESTREL_SIMULATOR_VERSION) : NULL;
	if (!simulator_interface) {
		fprintf(stderr, "command_streams: %s\n", library ? "no such interface" : dlerror());
		return 2;
	}
	return simulator_check(argv[2]);
}
