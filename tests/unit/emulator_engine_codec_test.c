// SPDX-License-Identifier: MIT
/* The engine's weight codec, against an encoder written here from isa.h. */

#include "emulator_engine_test.h"

#define OUT (1u << 17)

/* A tiny encoder of the codec, from its description in isa.h. */
struct bits {
	uint8_t *data;
	uint32_t count;
};

static void bits_put(struct bits *bits, uint32_t value, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, bits->count++) {
		if (bits->count % 8 == 0)
			bits->data[bits->count / 8] = 0;
		bits->data[bits->count / 8] |= (uint8_t)((value >> i & 1) << bits->count % 8);
	}
}

static void gamma_put(struct bits *bits, uint32_t value)
{
	uint32_t n = 0;

	while (value >> (n + 1))
		n++;
	bits_put(bits, 0, n);
	bits_put(bits, 1, 1);
	bits_put(bits, value, n);
}

static uint32_t table_write(uint8_t *data, const uint32_t slots[256])
{
	struct bits bits = { .data = data };

	for (uint32_t symbol = 0; symbol < 256; symbol++)
		gamma_put(&bits, slots[symbol] + 1);
	return (bits.count + 7) / 8;
}

/* A pair's description counts symbols without slots that follow each other. */
static uint32_t pair_write(uint8_t *data, uint32_t slots[2][256])
{
	struct bits bits = { .data = data };

	for (uint32_t t = 0; t < 2; t++) {
		for (uint32_t symbol = 0; symbol < 256; symbol++) {
			uint32_t more = 0;

			gamma_put(&bits, slots[t][symbol] + 1);
			if (slots[t][symbol])
				continue;
			while (symbol + more < 255 && !slots[t][symbol + more + 1])
				more++;
			gamma_put(&bits, more + 1);
			symbol += more;
		}
	}
	return (bits.count + 7) / 8;
}

/* Encodes backwards: the state that leads to the wanted one is found by search. */
static uint32_t tables_data_write(uint8_t *data, const uint32_t (*slots)[256], uint32_t tables,
				  const uint8_t *symbol, uint32_t count)
{
	uint32_t states = 1024 / tables, seen[256], next[2][1024], width[2][1024], lane[8];
	uint32_t *low = calloc(count + 1, 4), *wide = calloc(count + 1, 4);
	struct bits bits = { .data = data };
	uint8_t owner[2][1024];

	for (uint32_t t = 0, p = 0; t < tables; t++) {
		for (uint32_t s = 0; s < 256; s++) {
			seen[s] = slots[t][s];
			for (uint32_t i = 0; i < slots[t][s]; i++, p = (p + 643) % states)
				owner[t][p] = (uint8_t)s;
		}
		for (uint32_t i = 0; i < states; i++) {
			uint32_t x = seen[owner[t][i]]++;

			width[t][i] = 0;
			while (x << width[t][i] < states)
				width[t][i]++;
			next[t][i] = (x << width[t][i]) - states;
		}
	}
	for (uint32_t k = 0; k < 8; k++)
		lane[k] = UINT32_MAX;
	for (uint32_t i = count; i--;) {
		uint32_t *state = &lane[i % 8], t = i % tables;

		for (uint32_t from = 0; from < states; from++) {
			if (owner[t][from] != symbol[i])
				continue;
			if (*state == UINT32_MAX) {
				*state = from;
				break;
			}
			if (*state >= next[t][from] &&
			    *state - next[t][from] < 1u << width[t][from]) {
				low[i] = *state - next[t][from];
				wide[i] = width[t][from];
				*state = from;
				break;
			}
		}
	}
	for (uint32_t k = 0; k < 8; k++)
		bits_put(&bits, lane[k] == UINT32_MAX ? 0 : lane[k], tables == 2 ? 9 : 10);
	for (uint32_t i = 0; i + 8 < count; i++)
		bits_put(&bits, low[i], wide[i]);
	free(low);
	free(wide);
	return (bits.count + 7) / 8;
}

static uint32_t data_write(uint8_t *data, const uint32_t slots[256], const uint8_t *symbol,
			   uint32_t count)
{
	return tables_data_write(data, (const uint32_t (*)[256])(const void *)slots, 1, symbol,
				 count);
}

static void codec_stream(struct bench *bench, uint32_t table_bytes, uint32_t data_bytes,
			 uint32_t count)
{
	stream_clear(bench);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_LOAD_TABLE);
	stream_set(bench, KESTREL_DMA_TABLE, 1);
	stream_set(bench, KESTREL_DMA_SOURCE_BYTES, table_bytes);
	stream_execute(bench);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_DECODE);
	stream_set(bench, KESTREL_DMA_OFFSET, 4096 - 3);
	stream_set(bench, KESTREL_DMA_SOURCE_BYTES, data_bytes);
	stream_set(bench, KESTREL_DMA_SRAM_ADDRESS, 77);
	stream_set(bench, KESTREL_DMA_COUNT0, count);
	stream_execute(bench);
	stream_signal(bench, 0);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 0);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT, 77, count);
}

/* Run mode: every `value` is followed by how many more of it come. */
static uint32_t runs_make(uint8_t *symbol, const uint8_t *data, uint32_t count, uint8_t value)
{
	uint32_t symbols = 0;

	for (uint32_t i = 0; i < count;) {
		uint32_t more = 0;

		symbol[symbols++] = data[i];
		if (data[i++] != value)
			continue;
		while (i < count && data[i] == value && more < 255) {
			i++;
			more++;
		}
		symbol[symbols++] = (uint8_t)more;
	}
	return symbols;
}

static void runs_stream(struct bench *bench, uint32_t table_bytes, uint32_t data_bytes,
			uint32_t count, uint32_t symbols, uint8_t value)
{
	stream_clear(bench);
	stream_set(bench, KESTREL_DMA_SYMBOLS, symbols);
	stream_set(bench, KESTREL_DMA_RUN_VALUE, value);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_LOAD_TABLE);
	stream_set(bench, KESTREL_DMA_SOURCE_BYTES, table_bytes);
	stream_execute(bench);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_DECODE);
	stream_set(bench, KESTREL_DMA_OFFSET, 4096);
	stream_set(bench, KESTREL_DMA_SOURCE_BYTES, data_bytes);
	stream_set(bench, KESTREL_DMA_COUNT0, count);
	stream_execute(bench);
	stream_signal(bench, 0);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 0);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT, 0, count);
}

static void runs_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	static uint8_t data[20000], symbol[40000];
	uint64_t random = 6;

	for (int round = 0; round < 40; round++) {
		uint32_t slots[256], count = bench_random(&random, 1, sizeof(data));
		uint32_t symbols, table_bytes, data_bytes;

		for (uint32_t i = 0; i < 256; i++)
			slots[i] = 4;
		for (uint32_t i = 0; i < count; i++)
			data[i] = bench_random(&random, 0, 999) < 20u * (uint32_t)round
					  ? (uint8_t)bench_random(&random, 0, 255) : 9;
		symbols = runs_make(symbol, data, count, 9);
		table_bytes = table_write(bench->memory, slots);
		data_bytes = data_write(bench->memory + 4096, slots, symbol, symbols);
		runs_stream(bench, table_bytes, data_bytes, count, symbols, 9);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		CHECK(test, !memcmp(bench->memory + OUT, data, count));
		/* One byte more or less than the symbols stand for. */
		runs_stream(bench, table_bytes, data_bytes, count + 1, symbols, 9);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
		EQUAL(test, bench->status.fault_code, KESTREL_FAULT_DECODE);
		if (count == 1)
			continue;
		runs_stream(bench, table_bytes, data_bytes, count - 1, symbols, 9);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
		/* The value that runs stands last, without a count. */
		symbol[symbols++] = 9;
		data_bytes = data_write(bench->memory + 4096, slots, symbol, symbols);
		runs_stream(bench, table_bytes, data_bytes, count + 1, symbols, 9);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
	}
	test_group(test, "decompression of runs");
	bench_destroy(bench);
}

/* Pairs: how often the value comes, and the byte behind it. */
static uint32_t pairs_make(uint8_t *symbol, const uint8_t *data, uint32_t count, uint8_t value)
{
	uint32_t symbols = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t run = 0;

		while (run < 255 && i + 1 < count && data[i] == value) {
			run++;
			i++;
		}
		symbol[symbols++] = (uint8_t)run;
		symbol[symbols++] = data[i];
	}
	return symbols;
}

struct pairs {
	uint32_t table, table_bytes, data_bytes, count, symbols;
};

static void pairs_stream(struct bench *bench, const struct pairs *pairs, uint32_t load)
{
	stream_clear(bench);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_LOAD_TABLE);
	stream_set(bench, KESTREL_DMA_TABLE, load);
	stream_set(bench, KESTREL_DMA_SOURCE_BYTES, pairs->table_bytes);
	stream_execute(bench);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_DECODE);
	stream_set(bench, KESTREL_DMA_TABLE, pairs->table);
	stream_set(bench, KESTREL_DMA_OFFSET, 4096);
	stream_set(bench, KESTREL_DMA_SOURCE_BYTES, pairs->data_bytes);
	stream_set(bench, KESTREL_DMA_COUNT0, pairs->count);
	stream_set(bench, KESTREL_DMA_SYMBOLS, pairs->symbols);
	stream_set(bench, KESTREL_DMA_RUN_VALUE, 9);
	stream_execute(bench);
	stream_signal(bench, 0);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 0);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT, 0, pairs->count);
}

static void pairs_fault(struct test *test, struct bench *bench, const struct pairs *pairs,
			uint32_t load)
{
	pairs_stream(bench, pairs, load);
	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
	EQUAL(test, bench->status.fault_code, KESTREL_FAULT_DECODE);
}

/* Slots for the symbols that occur, the same for each but the last. */
static void pairs_slots(const uint8_t *symbol, uint32_t symbols, uint32_t slots[2][256])
{
	memset(slots, 0, 2 * 256 * sizeof(slots[0][0]));
	for (uint32_t i = 0; i < symbols; i++)
		slots[i % 2][symbol[i]] = 1;
	for (uint32_t t = 0; t < 2; t++) {
		uint32_t used = 0, last = 0;

		for (uint32_t s = 0; s < 256; s++) {
			used += slots[t][s];
			last = slots[t][s] ? s : last;
		}
		for (uint32_t s = 0; s < 256; s++)
			slots[t][s] *= 512 / used;
		slots[t][last] += 512 % used;
	}
}

static void pairs_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	static uint8_t data[20000], symbol[40000];
	uint64_t random = 7;

	for (int round = 0; round < 40; round++) {
		uint32_t slots[2][256], slot = (uint32_t)round % 2;
		struct pairs pairs = { .table = KESTREL_CODEC_PAIR + slot }, wrong;

		pairs.count = bench_random(&random, 2, sizeof(data));
		for (uint32_t i = 0; i < pairs.count; i++)
			data[i] = bench_random(&random, 0, 999) < 20u * (uint32_t)round
					  ? (uint8_t)bench_random(&random, 0, 255) : 9;
		pairs.symbols = pairs_make(symbol, data, pairs.count, 9);
		pairs_slots(symbol, pairs.symbols, slots);
		pairs.table_bytes = pair_write(bench->memory, slots);
		pairs.data_bytes = tables_data_write(bench->memory + 4096,
						     (const uint32_t (*)[256])slots, 2, symbol,
						     pairs.symbols);
		pairs_stream(bench, &pairs, pairs.table);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		CHECK(test, !memcmp(bench->memory + OUT, data, pairs.count));
		/* Other outputs, symbols or bytes than there are. */
		for (uint32_t defect = 0; defect < 6; defect++) {
			wrong = pairs;
			wrong.count += defect == 0;
			wrong.count -= defect == 1;
			wrong.symbols = defect == 2 ? 0 : wrong.symbols;
			wrong.symbols -= defect == 3;
			wrong.data_bytes += defect == 4;
			wrong.table_bytes += defect == 5;
			pairs_fault(test, bench, &wrong, pairs.table);
		}
		/* A table that is read in the other form, or that is in the other slot. */
		pairs_fault(test, bench, &pairs, slot);
		wrong = pairs;
		wrong.table = slot;
		pairs_fault(test, bench, &wrong, pairs.table);
		pairs_fault(test, bench, &pairs, pairs.table ^ 1);
		/* More states, and more absent symbols, than there are. */
		slots[1][symbol[1]]++;
		pairs.table_bytes = pair_write(bench->memory, slots);
		pairs_fault(test, bench, &pairs, pairs.table);
		slots[1][symbol[1]]--;
		{
			struct bits bits = { .data = bench->memory };

			gamma_put(&bits, 1);
			gamma_put(&bits, 257);
			gamma_put(&bits, 513);
			pairs.table_bytes = (bits.count + 7) / 8;
		}
		pairs_fault(test, bench, &pairs, pairs.table);
	}
	test_group(test, "decompression of pairs");
	bench_destroy(bench);
}

static void codec_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	static uint8_t symbol[20000];
	uint64_t random = 5;

	for (int round = 0; round < 60; round++) {
		uint32_t slots[256] = { 0 }, used = round ? bench_random(&random, 1, 40) : 1;
		uint32_t left = 1024, list[40], table_bytes, data_bytes;
		uint32_t count = round < 20 ? (uint32_t)round + 1
					    : bench_random(&random, 1, sizeof(symbol));

		for (uint32_t i = 0; i < used; i++) {
			list[i] = bench_random(&random, 0, 255);
			if (i + 1 < used && left > 1) {
				uint32_t part = bench_random(&random, 1, (left + 1) / 2);

				slots[list[i]] += part;
				left -= part;
			} else {
				slots[list[i]] += left;
				left = 0;
			}
		}
		for (uint32_t i = 0; i < count;) {
			symbol[i] = (uint8_t)list[bench_random(&random, 0, used - 1)];
			i += slots[symbol[i]] > 0;
		}
		table_bytes = table_write(bench->memory, slots);
		data_bytes = data_write(bench->memory + 4096 - 3, slots, symbol, count);
		codec_stream(bench, table_bytes, data_bytes, count);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		CHECK(test, !memcmp(bench->memory + OUT, symbol, count));
		/* A byte too many, a byte too few, and a table that does not sum up. */
		codec_stream(bench, table_bytes, data_bytes + 1, count);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
		EQUAL(test, bench->status.fault_code, KESTREL_FAULT_DECODE);
		codec_stream(bench, table_bytes, data_bytes - 1, count);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
		codec_stream(bench, table_bytes + 1, data_bytes, count);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
		slots[list[0]]--;
		table_bytes = table_write(bench->memory, slots);
		codec_stream(bench, table_bytes, data_bytes, count);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
		EQUAL(test, bench->status.fault_code, KESTREL_FAULT_DECODE);
		EQUAL(test, bench->status.fault_detail, 1);
	}
	/* int4: low nibble first, an odd count. */
	stream_clear(bench);
	bench->memory[0] = 0x78;
	bench->memory[1] = 0xf9;
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_EXPAND_INT4);
	stream_set(bench, KESTREL_DMA_COUNT0, 3);
	stream_execute(bench);
	stream_signal(bench, 0);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 0);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, OUT, 0, 3);
	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
	EQUAL(test, bench->memory[OUT], 0xf8);
	EQUAL(test, bench->memory[OUT + 1], 7);
	EQUAL(test, bench->memory[OUT + 2], 0xf9);
	test_group(test, "weight decompression and int4");
	bench_destroy(bench);
}

int main(void)
{
	struct test test = { 0 };

	codec_test(&test);
	runs_test(&test);
	pairs_test(&test);
	return test.failures != 0;
}
