// SPDX-License-Identifier: MIT
/*
 * The engine's front end, queues, DMA and operations: what each record does, what
 * every fault reports, that timing is the specified one and that no stream
 * whatsoever harms the host.
 */

#include "emulator_engine_test.h"

#define OUT (1u << 17)
/* Rounds of mutations_test(). */
#define MUTATIONS 4000

static void fault_expect(struct test *test, struct bench *bench, uint32_t code, uint32_t unit,
			 uint32_t offset, uint32_t detail, int line)
{
	uint32_t state = bench_run(bench, UINT64_C(1) << 32);

	test_equal(test, state, KESTREL_ENGINE_STATUS_FAULTED, "state", line);
	test_equal(test, bench->status.fault_code, code, "fault code", line);
	test_equal(test, bench->status.fault_unit, unit, "fault unit", line);
	test_equal(test, bench->status.fault_offset, offset, "fault offset", line);
	test_equal(test, bench->status.fault_detail, detail, "fault detail", line);
	stream_clear(bench);
}

#define FAULT(test, bench, code, unit, offset, detail) \
	fault_expect(test, bench, KESTREL_FAULT_##code, KESTREL_UNIT_##unit, offset, detail, \
		     __LINE__)

static void bytes(struct bench *bench, const uint8_t *byte, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		stream_byte(bench, byte[i]);
}

#define BYTES(bench, ...) \
	bytes(bench, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void front_end_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);

	BYTES(bench, 0x83);
	FAULT(test, bench, ILLEGAL_OPCODE, FRONT_END, 0, 0x83);
	BYTES(bench, KESTREL_ISA_SELECT, 0x00, 0x00, 0xc0);
	FAULT(test, bench, ILLEGAL_OPCODE, FRONT_END, 3, 0xc0);
	BYTES(bench, KESTREL_DMA_REGISTER_COUNT, 0);
	FAULT(test, bench, ILLEGAL_REGISTER, FRONT_END, 0, KESTREL_DMA_REGISTER_COUNT);
	BYTES(bench, KESTREL_ISA_SELECT + KESTREL_UNIT_MAC, KESTREL_MAC_REGISTER_COUNT, 0);
	FAULT(test, bench, ILLEGAL_REGISTER, FRONT_END, 1, KESTREL_MAC_REGISTER_COUNT);
	BYTES(bench, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0);
	FAULT(test, bench, ILLEGAL_ENCODING, FRONT_END, 0, 3);
	BYTES(bench, 3, 0xff, 0xff, 0xff, 0xff, 0x1f);
	FAULT(test, bench, ILLEGAL_ENCODING, FRONT_END, 0, 3);
	BYTES(bench, KESTREL_ISA_PREEMPT, 17);
	FAULT(test, bench, ILLEGAL_ENCODING, FRONT_END, 0, KESTREL_ISA_PREEMPT);
	BYTES(bench, KESTREL_ISA_PREEMPT, 1, 8, 16);
	FAULT(test, bench, ILLEGAL_ENCODING, FRONT_END, 0, KESTREL_ISA_PREEMPT);
	BYTES(bench, KESTREL_ISA_PREEMPT, 2, 16, 32, 32, 16);
	FAULT(test, bench, ILLEGAL_ENCODING, FRONT_END, 0, KESTREL_ISA_PREEMPT);
	BYTES(bench, KESTREL_ISA_PREEMPT, 1, 0xf0, 0xff, 0x17, 32);
	FAULT(test, bench, SRAM_RANGE, FRONT_END, 0, BENCH_SRAM + 15);
	BYTES(bench, KESTREL_ISA_SELECT);
	FAULT(test, bench, STREAM_END, FRONT_END, 1, 0);
	BYTES(bench, 3, 0x80);
	FAULT(test, bench, STREAM_END, FRONT_END, 0, 0);
	FAULT(test, bench, STREAM_END, FRONT_END, 0, 0);
	BYTES(bench, KESTREL_ISA_SIGNAL + 5, KESTREL_ISA_PREEMPT, 0);
	FAULT(test, bench, PREEMPT_STATE, FRONT_END, 1, 5);
	for (int i = 0; i < 256; i++)
		stream_signal(bench, 7);
	stream_byte(bench, KESTREL_ISA_END);
	FAULT(test, bench, SEMAPHORE_OVERFLOW, DMA_IN, 255, 7);
	bench->hole = BENCH_STREAM;
	bench->hole_end = BENCH_STREAM + 4096;
	BYTES(bench, KESTREL_ISA_END);
	FAULT(test, bench, MMU, FRONT_END, 0, KESTREL_MMU_CAUSE_NOT_PRESENT);
	EQUAL(test, bench->status.fault_address, BENCH_STREAM);
	bench->hole_end = 0;
	BYTES(bench, KESTREL_ISA_END);
	EQUAL(test, bench_run(bench, 1000000), KESTREL_ENGINE_STATUS_DONE);
	test_group(test, "front end faults");
	bench_destroy(bench);
}

static void dma_faults_test(struct test *test)
{
	static const struct {
		uint32_t unit, mode, reg, value;
	} bad[] = {
		{ 0, 0, KESTREL_DMA_MODE, 6 },
		{ 1, 0, KESTREL_DMA_MODE, KESTREL_DMA_DECODE },
		{ 0, 0, KESTREL_DMA_PORT, 2 },
		{ 0, 0, KESTREL_DMA_BASE, 16 },
		{ 0, 0, KESTREL_DMA_COUNT0, 0 },
		{ 0, 0, KESTREL_DMA_COUNT0, (1u << 24) + 1 },
		{ 0, 0, KESTREL_DMA_COUNT1, 0 },
		{ 0, 0, KESTREL_DMA_COUNT2, 65537 },
		{ 1, 0, KESTREL_DMA_COUNT3, 0 },
		{ 0, 0, KESTREL_DMA_RING_ROWS, 65537 },
		{ 0, 0, KESTREL_DMA_FIRST_ROW, 65536 },
		{ 0, KESTREL_DMA_BRICK, KESTREL_DMA_SRAM_ADDRESS, 8 },
		{ 1, KESTREL_DMA_BRICK, KESTREL_DMA_COUNT3, 2 },
		{ 0, KESTREL_DMA_BRICK, KESTREL_DMA_SRAM_STRIDE1, 8 },
		{ 0, KESTREL_DMA_BRICK, KESTREL_DMA_SRAM_STRIDE2, 40 },
		{ 0, KESTREL_DMA_BRICK, KESTREL_DMA_BRICK_STRIDE, 1 },
		{ 1, KESTREL_DMA_BRICK, KESTREL_DMA_ELEMENT_BYTES, 4 },
		{ 0, KESTREL_DMA_FILL_BYTES, KESTREL_DMA_FILL, 256 },
		{ 0, KESTREL_DMA_DECODE, KESTREL_DMA_SOURCE_BYTES, 0 },
		{ 0, KESTREL_DMA_LOAD_TABLE, KESTREL_DMA_SOURCE_BYTES, (1u << 24) + 1 },
		{ 0, KESTREL_DMA_LOAD_TABLE, KESTREL_DMA_TABLE, 4 },
		{ 0, KESTREL_DMA_DECODE, KESTREL_DMA_SYMBOLS, (1u << 24) + 1 },
		{ 0, KESTREL_DMA_DECODE, KESTREL_DMA_RUN_VALUE, 256 },
	};
	struct bench *bench = bench_create("kestrel-256", NULL);
	uint32_t offset;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		stream_select(bench, bad[i].unit);
		stream_set(bench, KESTREL_DMA_MODE, bad[i].mode);
		stream_set(bench, KESTREL_DMA_SOURCE_BYTES, 1);
		stream_set(bench, bad[i].reg, bad[i].value);
		offset = bench->stream_bytes;
		stream_execute(bench);
		fault_expect(test, bench, KESTREL_FAULT_ILLEGAL_VALUE, bad[i].unit, offset,
			     bad[i].reg, __LINE__);
	}
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, BENCH_SRAM - 8, 9);
	FAULT(test, bench, SRAM_RANGE, DMA_IN, bench->stream_bytes - 1, BENCH_SRAM);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, (1u << 20) - 8, 0, 9);
	FAULT(test, bench, BASE_RANGE, DMA_OUT, bench->stream_bytes - 1, 0);
	EQUAL(test, bench->status.fault_address, 1u << 20);
	stream_select(bench, KESTREL_UNIT_DMA_IN);
	stream_set(bench, KESTREL_DMA_BASE, 2);
	stream_execute(bench);
	FAULT(test, bench, BASE_RANGE, DMA_IN, bench->stream_bytes - 1, 2);
	stream_select(bench, KESTREL_UNIT_DMA_IN);
	stream_set(bench, KESTREL_DMA_OFFSET, 100);
	stream_set(bench, KESTREL_DMA_COUNT1, 2);
	stream_set_signed(bench, KESTREL_DMA_MEMORY_STRIDE1, -101);
	stream_execute(bench);
	FAULT(test, bench, BASE_RANGE, DMA_IN, bench->stream_bytes - 1, 0);
	EQUAL(test, bench->status.fault_address, UINT64_MAX);
	/* Nothing of a command that faults has happened. */
	memset(bench->memory, 0x5a, 1u << 18);
	bench->hole = 8192;
	bench->hole_end = 12288;
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, 4096, 0, 8192);
	stream_byte(bench, KESTREL_ISA_END);
	FAULT(test, bench, MMU, DMA_OUT, bench->stream_bytes - 2, KESTREL_MMU_CAUSE_NOT_PRESENT);
	EQUAL(test, bench->status.fault_address, 8192);
	EQUAL(test, bench->memory[4096], 0x5a);
	bench->hole_end = 0;
	stream_select(bench, KESTREL_UNIT_DMA_IN);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_DECODE);
	stream_set(bench, KESTREL_DMA_SOURCE_BYTES, 100);
	stream_set(bench, KESTREL_DMA_TABLE, 1);
	stream_execute(bench);
	stream_byte(bench, KESTREL_ISA_END);
	FAULT(test, bench, DECODE, DMA_IN, bench->stream_bytes - 2, 1);
	test_group(test, "DMA faults");
	bench_destroy(bench);
}

/* Transfers of random shape through SRAM and back, byte by byte. */
static void copies_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-512", NULL);
	static uint8_t sram[65536], memory[1u << 17];
	uint64_t random = 3;

	for (int round = 0; round < 500; round++) {
		uint32_t count[4], sram_stride[4] = { 0 }, reach = 0, ring, first;
		int32_t stride[4] = { 0 };
		uint32_t address = bench_random(&random, 0, 999);
		uint32_t offset = 60000 + bench_random(&random, 0, 999);
		bool out = bench_random(&random, 0, 1), fill = bench_random(&random, 0, 4) == 0;
		uint32_t value = bench_random(&random, 0, 255);

		stream_clear(bench);
		for (uint32_t d = 0; d < 4; d++)
			count[d] = bench_random(&random, 1, d ? 6 : 90);
		ring = bench_random(&random, 0, 1) ? bench_random(&random, count[2], 8) : 0;
		first = bench_random(&random, 0, 5);
		for (uint32_t d = 1; d < 4; d++) {
			stride[d] = (int32_t)bench_random(&random, 0, 6000) - 3000;
			sram_stride[d] = bench_random(&random, 0, 1) ? count[0] * d
								     : bench_random(&random, 0,
										    2000);
			reach += 10 * sram_stride[d];
		}
		if (reach > 60000)
			continue;
		for (uint32_t i = 0; i < sizeof(memory); i++)
			memory[i] = (uint8_t)bench_random(&random, 0, 255);
		memcpy(bench->memory, memory, sizeof(memory));
		memcpy(sram, memory, sizeof(sram));
		stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 0, sizeof(sram));
		stream_signal(bench, 0);
		stream_select(bench, out ? KESTREL_UNIT_DMA_OUT : KESTREL_UNIT_DMA_IN);
		stream_wait(bench, 0);
		stream_set(bench, KESTREL_DMA_MODE, fill ? KESTREL_DMA_FILL_BYTES
							 : KESTREL_DMA_COPY);
		stream_set(bench, KESTREL_DMA_FILL, value);
		stream_set(bench, KESTREL_DMA_OFFSET, offset);
		stream_set(bench, KESTREL_DMA_SRAM_ADDRESS, address);
		for (uint32_t d = 0; d < 4; d++)
			stream_set(bench, KESTREL_DMA_COUNT0 + d, count[d]);
		for (uint32_t d = 1; d < 4; d++) {
			stream_set_signed(bench, KESTREL_DMA_MEMORY_STRIDE1 + d - 1, stride[d]);
			stream_set(bench, KESTREL_DMA_SRAM_STRIDE1 + d - 1, sram_stride[d]);
		}
		stream_set(bench, KESTREL_DMA_RING_ROWS, ring);
		stream_set(bench, KESTREL_DMA_FIRST_ROW, first);
		stream_execute(bench);
		stream_byte(bench, KESTREL_ISA_PREEMPT);
		BYTES(bench, 1, 0, 0x80, 0x80, 0x04);
		stream_copy(bench, KESTREL_UNIT_DMA_OUT, 1u << 19, 0, sizeof(sram));
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		for (uint32_t i3 = 0; i3 < count[3]; i3++)
			for (uint32_t i2 = 0; i2 < count[2]; i2++)
				for (uint32_t i1 = 0; i1 < count[1]; i1++)
					for (uint32_t i = 0; i < count[0]; i++) {
						uint32_t row = first + i2;
						uint32_t m = offset + i +
							     i1 * (uint32_t)stride[1] +
							     i2 * (uint32_t)stride[2] +
							     i3 * (uint32_t)stride[3];
						uint32_t s = address + i + i1 * sram_stride[1] +
							     (ring ? row % ring : row) *
								     sram_stride[2] +
							     i3 * sram_stride[3];

						if (out)
							memory[m] = fill ? (uint8_t)value : sram[s];
						else
							sram[s] = fill ? (uint8_t)value : memory[m];
					}
		CHECK(test, !memcmp(memory, bench->memory, sizeof(memory)));
		CHECK(test, !memcmp(sram, bench->memory + (1u << 19), sizeof(sram)));
	}
	test_group(test, "four-dimensional copies and fills");
	bench_destroy(bench);
}

static void bricks_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	uint64_t random = 4;

	for (int round = 0; round < 300; round++) {
		uint32_t c = bench_random(&random, 1, 70), w = bench_random(&random, 1, 9);
		uint32_t h = bench_random(&random, 1, 6), size = bench_random(&random, 1, 2);
		uint32_t pixel = bench_random(&random, 1, 2) * 16, row = w * pixel;
		uint32_t ring = bench_random(&random, 0, 1) ? h + 1 : 0, first = ring ? 4 : 1;
		uint32_t brick = row * 9, gap = bench_random(&random, 0, 1) * 5;
		uint32_t linear = c * size + gap, bricks = (c * size + 15) / 16;

		for (uint32_t i = 0; i < 65536; i++)
			bench->memory[i] = (uint8_t)bench_random(&random, 1, 255);
		stream_clear(bench);
		stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
		stream_set(bench, KESTREL_DMA_FILL, 0xee);
		stream_set(bench, KESTREL_DMA_COUNT0, bricks * brick);
		stream_execute(bench);
		for (uint32_t unit = 0; unit < 2; unit++) {
			stream_select(bench, unit);
			if (unit)
				stream_wait(bench, 0);
			stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_BRICK);
			stream_set(bench, KESTREL_DMA_OFFSET, unit ? OUT : 0);
			stream_set(bench, KESTREL_DMA_COUNT0, c);
			stream_set(bench, KESTREL_DMA_COUNT1, w);
			stream_set(bench, KESTREL_DMA_COUNT2, h);
			stream_set(bench, KESTREL_DMA_MEMORY_STRIDE1, 2 * linear);
			stream_set(bench, KESTREL_DMA_MEMORY_STRIDE2, 2 * linear * w);
			stream_set(bench, KESTREL_DMA_SRAM_STRIDE1, pixel);
			stream_set(bench, KESTREL_DMA_SRAM_STRIDE2, row);
			stream_set(bench, KESTREL_DMA_BRICK_STRIDE, brick);
			stream_set(bench, KESTREL_DMA_RING_ROWS, ring);
			stream_set(bench, KESTREL_DMA_FIRST_ROW, first);
			stream_set(bench, KESTREL_DMA_ELEMENT_BYTES, size);
			stream_execute(bench);
			if (!unit)
				stream_signal(bench, 0);
		}
		/* Registers are as at the start behind a preemption point. */
		stream_byte(bench, KESTREL_ISA_PREEMPT);
		stream_number(bench, 1);
		stream_number(bench, 0);
		stream_number(bench, bricks * brick);
		stream_copy(bench, KESTREL_UNIT_DMA_OUT, 1u << 18, 0, bricks * brick);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		for (uint32_t y = 0; y < h; y++)
			for (uint32_t x = 0; x < w; x++) {
				uint32_t at = (y * w + x) * linear;
				uint32_t r = ring ? (first + y) % ring : first + y;

				CHECK(test, !memcmp(bench->memory + at, bench->memory + OUT + at,
						    c * size));
				for (uint32_t i = 0; i < bricks * 16; i++)
					EQUAL(test, bench->memory[(1u << 18) + r * row + x * pixel +
								  i / 16 * brick + i % 16],
					      i < c * size ? bench->memory[at + i] : 0);
			}
	}
	test_group(test, "bricks and linear memory");
	bench_destroy(bench);
}

/* A small pipeline: load, table by VECTOR, store; `waits` leaves out its semaphores. */
static void pipeline_stream(struct bench *bench, bool waits)
{
	stream_clear(bench);
	for (uint32_t i = 0; i < 24; i++) {
		uint32_t buffer = i % 2 * 4096;

		stream_select(bench, KESTREL_UNIT_DMA_IN);
		if (i >= 2 && waits)
			stream_wait(bench, 2);
		if (i == 0)
			stream_copy(bench, KESTREL_UNIT_DMA_IN, 60000, 16384, 256);
		stream_copy(bench, KESTREL_UNIT_DMA_IN, i * 1024, buffer, 1024);
		stream_signal(bench, 0);
		stream_select(bench, KESTREL_UNIT_VECTOR);
		stream_wait(bench, 0);
		if (i >= 2)
			stream_wait(bench, 3);
		stream_set(bench, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_TABLE);
		stream_set(bench, KESTREL_VECTOR_TABLE_ADDRESS, 16384);
		stream_set(bench, KESTREL_VECTOR_IFM_ADDRESS, buffer);
		stream_set(bench, KESTREL_VECTOR_OFM_ADDRESS, 8192 + buffer);
		stream_set(bench, KESTREL_VECTOR_OFM_WIDTH, 64);
		stream_set(bench, KESTREL_VECTOR_OFM_CHANNELS, 16);
		stream_execute(bench);
		stream_signal(bench, 1);
		stream_signal(bench, 2);
		stream_select(bench, KESTREL_UNIT_DMA_OUT);
		stream_wait(bench, 1);
		stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT + i * 1024, 8192 + buffer, 1024);
		stream_signal(bench, 3);
	}
}

static void pipeline_expect(struct test *test, const struct bench *bench, int line)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < 24 * 1024; i++)
		wrong += bench->memory[OUT + i] != bench->memory[60000 + bench->memory[i]];
	test_equal(test, wrong, 0, "wrong bytes", line);
}

static void memory_fill(struct bench *bench)
{
	for (uint32_t i = 0; i < 65536; i++)
		bench->memory[i] = (uint8_t)(i * 31 + i / 256 * 17);
	memset(bench->memory + OUT, 0, 65536);
}

static void schedule_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", "checked=on");
	uint64_t cycles;

	memory_fill(bench);
	pipeline_stream(bench, true);
	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
	pipeline_expect(test, bench, __LINE__);
	cycles = bench->status.active_cycles;
	EQUAL(test, bench->traced, 24 * 3 + 1);
	bench_destroy(bench);
	for (unsigned int seed = 1; seed <= 100; seed++) {
		char settings[64];

		snprintf(settings, sizeof(settings), "checked=on,schedule=random:%u", seed);
		bench = bench_create("kestrel-256", settings);
		memory_fill(bench);
		pipeline_stream(bench, true);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		pipeline_expect(test, bench, __LINE__);
		CHECK(test, bench->status.active_cycles > cycles);
		bench_destroy(bench);
	}
	test_group(test, "random schedules give the same bytes");

	bench = bench_create("kestrel-256", "checked=on");
	memory_fill(bench);
	pipeline_stream(bench, false);
	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
	EQUAL(test, bench->status.fault_code, KESTREL_FAULT_HAZARD);
	CHECK(test, bench->status.fault_detail < 8192);
	stream_clear(bench);
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 1000, 100);
	stream_byte(bench, KESTREL_ISA_PREEMPT);
	BYTES(bench, 1, 0, 0xc0, 8);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT, 1000, 100);
	stream_byte(bench, KESTREL_ISA_END);
	FAULT(test, bench, UNDEFINED_READ, DMA_OUT, bench->stream_bytes - 2, 1088);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT, 0, 1);
	stream_byte(bench, KESTREL_ISA_END);
	FAULT(test, bench, UNDEFINED_READ, DMA_OUT, bench->stream_bytes - 2, 0);
	/* Memory that one unit writes and another reads needs an order as well. */
	for (uint32_t ordered = 0; ordered < 2; ordered++) {
		stream_clear(bench);
		stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 0, 4096);
		stream_signal(bench, 0);
		stream_select(bench, KESTREL_UNIT_DMA_OUT);
		stream_wait(bench, 0);
		stream_copy(bench, KESTREL_UNIT_DMA_OUT, 60000, 0, 4096);
		if (ordered)
			stream_signal(bench, 1);
		stream_select(bench, KESTREL_UNIT_DMA_IN);
		if (ordered)
			stream_wait(bench, 1);
		stream_copy(bench, KESTREL_UNIT_DMA_IN, 61000, 8192, 16);
		EQUAL(test, bench_end(bench), ordered ? KESTREL_ENGINE_STATUS_DONE
						      : KESTREL_ENGINE_STATUS_FAULTED);
	}
	stream_clear(bench);
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 0, 4096);
	stream_signal(bench, 0);
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 61000, 8192, 16);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 0);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, 60000, 0, 4096);
	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
	EQUAL(test, bench->status.fault_code, KESTREL_FAULT_HAZARD);
	EQUAL(test, bench->status.fault_address, 61000);
	EQUAL(test, bench->status.fault_detail, UINT32_MAX);
	test_group(test, "checked mode finds hazards and undefined reads");
	bench_destroy(bench);
}

static void operations_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	uint64_t now, job[KESTREL_COUNTER_COUNT], total[KESTREL_COUNTER_COUNT];
	bool ended = false;

	memory_fill(bench);
	/* Preempted at the point, saved, scrubbed, restored, resumed. */
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 4096, 256);
	BYTES(bench, KESTREL_ISA_PREEMPT, 1, 0x80, 0x20, 0x80, 2);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT, 4096, 256);
	stream_byte(bench, KESTREL_ISA_END);
	bench->operands.command_size = bench->stream_bytes;
	bench_operate(bench, KESTREL_ENGINE_START, 0);
	bench_operate(bench, KESTREL_ENGINE_PREEMPT, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_PREEMPTED);
	EQUAL(test, bench->status.range_count, 1);
	EQUAL(test, bench->status.range[0].offset, 4096);
	EQUAL(test, bench->status.range[0].size, 256);
	EQUAL(test, bench->memory[OUT], 0);
	bench->operands.range_count = 1;
	bench->operands.range[0].offset = 4096;
	bench->operands.range[0].size = 256;
	bench->operands.context_address = 1u << 21;
	bench_operate(bench, KESTREL_ENGINE_SAVE, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_IDLE);
	CHECK(test, !memcmp(bench->memory + (1u << 21), bench->memory, 256));
	bench_operate(bench, KESTREL_ENGINE_SCRUB, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_IDLE);
	bench_operate(bench, KESTREL_ENGINE_RESTORE, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_IDLE);
	bench->operands.resume_offset = bench->status.resume_offset;
	bench_operate(bench, KESTREL_ENGINE_START, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_DONE);
	CHECK(test, !memcmp(bench->memory + OUT, bench->memory, 256));
	bench->operands.resume_offset = 0;
	bench->operands.range[0].offset = BENCH_SRAM - 240;
	bench_operate(bench, KESTREL_ENGINE_SAVE, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_FAULTED);
	EQUAL(test, bench->status.fault_code, KESTREL_FAULT_ILLEGAL_VALUE);
	test_group(test, "preempt, save, scrub, restore, resume");

	/* Killed in the middle: what had retired is there, the rest is not. */
	stream_clear(bench);
	memset(bench->memory + OUT, 0, 65536);
	for (uint32_t i = 0; i < 8; i++)
		stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT + i * 8192, 1u << 16, 8192);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
	stream_byte(bench, KESTREL_ISA_END);
	bench->memory[OUT] = 1;
	bench->operands.command_size = bench->stream_bytes;
	for (uint32_t i = 0; i < 65536; i++)
		bench->memory[OUT + i] = 0xff;
	now = engine_step(bench->engine, 0, &ended);
	bench_operate(bench, KESTREL_ENGINE_START, now);
	now = engine_step(bench->engine, now + 4500, &ended);
	bench_operate(bench, KESTREL_ENGINE_KILL, now);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_KILLED);
	CHECK(test, bench->memory[OUT + 8191] != 0xff);
	EQUAL(test, bench->memory[OUT + 65535], 0xff);
	for (uint32_t i = 0; i < 8; i++)
		for (uint32_t b = 0; b < 8192; b++)
			EQUAL(test, bench->memory[OUT + i * 8192 + b] == 0xff,
			      bench->memory[OUT + i * 8192] == 0xff);
	engine_counters(bench->engine, job, total);
	CHECK(test, job[KESTREL_COUNTER_COMMANDS] > 0 && job[KESTREL_COUNTER_COMMANDS] < 8);
	/* A blocked stream: only KILL ends it. */
	stream_clear(bench);
	stream_wait(bench, 3);
	stream_byte(bench, KESTREL_ISA_END);
	EQUAL(test, bench_run(bench, 1000000), KESTREL_ENGINE_STATUS_RUNNING);
	EQUAL(test, bench->status.active_cycles, 1000000);
	bench_operate(bench, KESTREL_ENGINE_KILL, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_KILLED);
	/* A command that takes for ever. */
	stream_clear(bench);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	for (uint32_t d = 1; d < 4; d++)
		stream_set(bench, KESTREL_DMA_COUNT0 + d, 65536);
	stream_execute(bench);
	stream_byte(bench, KESTREL_ISA_END);
	EQUAL(test, bench_run(bench, 1u << 30), KESTREL_ENGINE_STATUS_RUNNING);
	bench_operate(bench, KESTREL_ENGINE_KILL, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_KILLED);
	test_group(test, "kill");

	/* HOLD ends at a command boundary; CONTINUE goes on. */
	memory_fill(bench);
	pipeline_stream(bench, true);
	stream_byte(bench, KESTREL_ISA_END);
	bench->operands.command_size = bench->stream_bytes;
	now = engine_step(bench->engine, 0, &ended);
	bench_operate(bench, KESTREL_ENGINE_START, now);
	now = engine_step(bench->engine, now + 1000, &ended);
	bench_operate(bench, KESTREL_ENGINE_HOLD, now);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_HELD);
	CHECK(test, engine_stopped(bench->engine));
	bench_operate(bench, KESTREL_ENGINE_CONTINUE, 0);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_DONE);
	pipeline_expect(test, bench, __LINE__);
	engine_set_hung(bench->engine, true);
	EQUAL(test, bench_run(bench, 100000), KESTREL_ENGINE_STATUS_RUNNING);
	engine_set_hung(bench->engine, false);
	engine_inject_ecc(bench->engine);
	EQUAL(test, bench_finish(bench), KESTREL_ENGINE_STATUS_FAULTED);
	EQUAL(test, bench->status.fault_code, KESTREL_FAULT_ECC);
	test_group(test, "hold, hang, uncorrectable error");
	bench_destroy(bench);
}

/* Cycles of one command, from the trace of busy cycles. */
static uint64_t busy_cycles(struct test *test, struct bench *bench, uint32_t unit)
{
	uint64_t job[KESTREL_COUNTER_COUNT], total[KESTREL_COUNTER_COUNT];

	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
	engine_counters(bench->engine, job, total);
	stream_clear(bench);
	return job[KESTREL_COUNTER_BUSY_DMA_IN + unit];
}

static void mac_stream(struct bench *bench, uint32_t mode, uint32_t size, uint32_t in,
		       uint32_t channels, uint32_t out, uint32_t stride)
{
	bool packed = mode == KESTREL_MAC_PACKED_CONVOLUTION;

	stream_select(bench, KESTREL_UNIT_MAC);
	stream_set(bench, KESTREL_MAC_MODE, mode);
	stream_set(bench, KESTREL_MAC_FLAGS, KESTREL_MAC_FLAG_SCALE_PER_TENSOR);
	stream_set(bench, KESTREL_MAC_IFM_PIXEL_STRIDE, packed ? channels : 16);
	stream_set(bench, KESTREL_MAC_IFM_ROW_STRIDE,
		   packed ? (in * channels + 15) / 16 * 16 : (in + 2) * 16);
	stream_set(bench, KESTREL_MAC_IFM_WIDTH, in);
	stream_set(bench, KESTREL_MAC_IFM_HEIGHT, in);
	stream_set(bench, KESTREL_MAC_IFM_CHANNELS, channels);
	stream_set(bench, KESTREL_MAC_KERNEL_WIDTH, 3);
	stream_set(bench, KESTREL_MAC_KERNEL_HEIGHT, 3);
	stream_set(bench, KESTREL_MAC_STRIDE_X, stride);
	stream_set(bench, KESTREL_MAC_STRIDE_Y, stride);
	stream_set_signed(bench, KESTREL_MAC_PAD_LEFT, 1);
	stream_set_signed(bench, KESTREL_MAC_PAD_TOP, 1);
	stream_set(bench, KESTREL_MAC_OFM_ADDRESS, 1u << 17);
	stream_set(bench, KESTREL_MAC_OFM_ROW_STRIDE, size * 16);
	stream_set(bench, KESTREL_MAC_OFM_WIDTH, size);
	stream_set(bench, KESTREL_MAC_OFM_HEIGHT, size);
	stream_set(bench, KESTREL_MAC_OFM_CHANNELS, out);
	stream_execute(bench);
}

/*
 * Rows are two lines longer than the map is wide: with a stride of a multiple of
 * the banks every kernel row would be read from the same one.
 * docs/hardware-budget.md, "The three microbenchmarks by formula".
 */
static void microbenchmarks_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	uint64_t cycles;

	mac_stream(bench, KESTREL_MAC_DEPTHWISE, 16, 16, 16, 16, 1);
	cycles = busy_cycles(test, bench, KESTREL_UNIT_MAC);
	EQUAL(test, cycles, 276);
	CHECK(test, 16 * 16 * 16 * 9 * 100 >= (cycles + 8) * 256 * 50);
	mac_stream(bench, KESTREL_MAC_DEPTHWISE, 16, 32, 16, 16, 2);
	cycles = busy_cycles(test, bench, KESTREL_UNIT_MAC);
	EQUAL(test, cycles, 276);
	CHECK(test, 16 * 16 * 16 * 9 * 100 >= (cycles + 8) * 256 * 40);
	mac_stream(bench, KESTREL_MAC_PACKED_CONVOLUTION, 48, 96, 3, 16, 2);
	cycles = busy_cycles(test, bench, KESTREL_UNIT_MAC);
	/* 10 blocks: nine of 5 rows (240 pixels) and one of 3 (144). */
	EQUAL(test, cycles, (8 + 9 * (2 + 2 * 241) + 2 + 2 * 145) +
			    ((8 + 9 * (2 + 2 * 241) + 2 + 2 * 145) + 31) / 32);
	CHECK(test, UINT64_C(48) * 48 * 16 * 27 * 100 >= (cycles + 8) * 256 * 50);
	bench_destroy(bench);
	test_group(test, "the three microbenchmarks keep the array busy");

	bench = bench_create("kestrel-256", NULL);
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 4, 0, 1000);
	/* 4 + 1000 bytes are 126 beats of 8 bytes at 8 bytes a cycle. */
	EQUAL(test, busy_cycles(test, bench, KESTREL_UNIT_DMA_IN), 126);
	/*
	 * Fetch: latency 64, 24 bytes at 1 a cycle; decode; the copy: latency 32,
	 * 126 cycles of data.
	 */
	EQUAL(test, bench->status.active_cycles,
	      64 + 16 + 1 + 5 + 2 + 32 + 126);
	bench_destroy(bench);
	test_group(test, "DMA and fetch times");
}

/* Streams of noise: anything but a crash, a hang or an access out of bounds. */
static void noise_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", "checked=on");
	struct bench *plain = bench_create("kestrel-64", NULL);
	uint64_t random = 77;
	unsigned int done = 0;

	for (int round = 0; round < 20000; round++) {
		struct bench *b = round % 2 ? bench : plain;
		uint32_t records = bench_random(&random, 1, 60);

		stream_clear(b);
		for (uint32_t i = 0; i < records; i++) {
			uint32_t what = bench_random(&random, 0, 20);
			uint32_t bits = bench_random(&random, 0, 32);

			if (what == 0)
				stream_byte(b, bench_random(&random, 0, 255));
			else if (what < 3)
				stream_select(b, bench_random(&random, 0, 3));
			else if (what < 8)
				stream_execute(b);
			else
				stream_set(b, bench_random(&random, 0, 45),
					   bench_random(&random, 0, 1)
						   ? bench_random(&random, 0, 40) * 16
						   : (uint32_t)(bench_random(&random, 0,
									     UINT32_MAX - 1) &
								((UINT64_C(1) << bits) - 1)));
		}
		if (bench_random(&random, 0, 3))
			stream_byte(b, KESTREL_ISA_END);
		bench_run(b, 200000);
		if (engine_busy(b->engine)) {
			bench_operate(b, KESTREL_ENGINE_KILL, 0);
			EQUAL(test, bench_finish(b), KESTREL_ENGINE_STATUS_KILLED);
		}
		done += b->status.state == KESTREL_ENGINE_STATUS_DONE;
	}
	CHECK(test, done > 100);
	bench_destroy(bench);
	bench_destroy(plain);
	test_group(test, "noise is refused or executed");
}

/* A value that is likely to be near some limit. */
static uint32_t edge(uint64_t *random)
{
	static const uint32_t edges[] = { 0, 1, 15, 16, 17, 255, 256, 1024, 1025, 65535, 65536,
					  65537, BENCH_SRAM - 16, BENCH_SRAM, 1u << 24, 1u << 31,
					  UINT32_MAX };

	switch (bench_random(random, 0, 3)) {
	case 0:
		return edges[bench_random(random, 0, sizeof(edges) / sizeof(edges[0]) - 1)];
	case 1:
		return bench_random(random, 0, 24) * 16;
	case 2:
		return bench_random(random, 0, BENCH_SRAM / 16) * 16;
	default:
		return bench_random(random, 0, 70);
	}
}

/* Commands that are good but for a few registers: most of them run. */
static void mutations_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", "checked=on");
	struct bench *plain = bench_create("kestrel-512", NULL);
	uint64_t random = 78, job[KESTREL_COUNTER_COUNT], total[KESTREL_COUNTER_COUNT];

	for (int round = 0; round < MUTATIONS; round++) {
		struct bench *b = round % 4 ? plain : bench;
		uint32_t unit = bench_random(&random, 0, 3);

		stream_clear(b);
		stream_set(b, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
		stream_set(b, KESTREL_DMA_FILL, bench_random(&random, 0, 255));
		stream_set(b, KESTREL_DMA_COUNT0, BENCH_SRAM);
		stream_execute(b);
		stream_byte(b, KESTREL_ISA_PREEMPT);
		BYTES(b, 1, 0, 0x80, 0x80, 0x18);
		if (unit == KESTREL_UNIT_MAC)
			mac_stream(b, bench_random(&random, 0, 2), 6, 12, 3, 3,
				   bench_random(&random, 1, 2));
		else
			stream_select(b, unit);
		if (unit < KESTREL_UNIT_MAC)
			stream_set(b, KESTREL_DMA_MODE, bench_random(&random, 0, 5));
		if (unit == KESTREL_UNIT_VECTOR) {
			stream_set(b, KESTREL_VECTOR_OPERATION, bench_random(&random, 0, 12));
			stream_set(b, KESTREL_VECTOR_CLAMP_MAX, 200);
			stream_set(b, KESTREL_VECTOR_TABLE_ENTRIES, 9);
		}
		for (uint32_t i = bench_random(&random, 0, 5); i; i--)
			stream_set(b, bench_random(&random, 0, unit < KESTREL_UNIT_MAC ? 21 : 42),
				   edge(&random));
		stream_execute(b);
		stream_byte(b, KESTREL_ISA_END);
		bench_run(b, 3000000);
		if (engine_busy(b->engine)) {
			bench_operate(b, KESTREL_ENGINE_KILL, 0);
			EQUAL(test, bench_finish(b), KESTREL_ENGINE_STATUS_KILLED);
		}
	}
	engine_counters(plain->engine, job, total);
	printf("# %llu of %u commands retired\n", (unsigned long long)total[KESTREL_COUNTER_COMMANDS], MUTATIONS * 3 / 4 * 2);
	CHECK(test, total[KESTREL_COUNTER_COMMANDS] > MUTATIONS);
	bench_destroy(bench);
	bench_destroy(plain);
	test_group(test, "commands with registers at their limits");
}

int main(void)
{
	struct test test = { 0 };

	front_end_test(&test);
	dma_faults_test(&test);
	copies_test(&test);
	bricks_test(&test);
	schedule_test(&test);
	operations_test(&test);
	microbenchmarks_test(&test);
	noise_test(&test);
	mutations_test(&test);
	return test.failures != 0;
}
