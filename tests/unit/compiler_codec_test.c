// SPDX-License-Identifier: MIT
/* The encoder against a decoder written down here from isa.h alone. */
#include <math.h>
#include <string.h>

#include <kestrel/isa.h>

#include "codec.h"
#include "compiler_test.h"

struct reader {
	const uint8_t *data;
	size_t bits, at;
};

static uint32_t take(struct reader *reader, unsigned int count)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < count; i++, reader->at++)
		if (reader->at < reader->bits)
			value |= (uint32_t)(reader->data[reader->at / 8] >> reader->at % 8 & 1) << i;
	return value;
}

static uint32_t take_gamma(struct reader *reader)
{
	unsigned int zeros = 0;

	while (zeros < 11 && !take(reader, 1))
		zeros++;
	return 1u << zeros | take(reader, zeros);
}

struct decoder {
	uint32_t states, width;
	uint8_t symbol[1024], bits[1024];
	uint16_t next[1024];
};

/* A table of `states` states from its description; false when that is none. */
static bool decoder_read(struct decoder *decoder, struct reader *reader, bool pair)
{
	uint32_t slots[256] = { 0 }, visit[256], sum = 0, p = 0;

	decoder->width = pair ? 9 : 10;
	decoder->states = 1u << decoder->width;
	for (int s = 0; s < 256; s++) {
		slots[s] = take_gamma(reader) - 1;
		sum += slots[s];
		if (pair && !slots[s])
			s += (int)take_gamma(reader) - 1;
		if (s > 255)
			return false;
	}
	if (sum != decoder->states)
		return false;
	for (int s = 0; s < 256; s++) {
		visit[s] = slots[s];
		for (uint32_t n = 0; n < slots[s]; n++, p = (p + 643) % decoder->states)
			decoder->symbol[p] = (uint8_t)s;
	}
	for (uint32_t i = 0; i < decoder->states; i++) {
		uint32_t x = visit[decoder->symbol[i]]++;
		uint8_t bits = 0;

		while (x << bits < decoder->states)
			bits++;
		decoder->bits[i] = bits;
		decoder->next[i] = (uint16_t)((x << bits) - decoder->states);
	}
	return true;
}

/* The symbols of `bytes` bytes of code; false when they are not exactly that many. */
static bool decode(const struct decoder decoders[2], bool pair, const struct buffer *code,
		   uint8_t *symbols, size_t count)
{
	struct reader reader = { code->data, 8 * code->bytes, 0 };
	uint32_t state[8];

	for (int lane = 0; lane < 8; lane++)
		state[lane] = take(&reader, decoders[0].width);
	for (size_t i = 0; i < count; i++) {
		const struct decoder *decoder = &decoders[pair && i % 2];
		uint32_t *s = &state[i % 8];

		symbols[i] = decoder->symbol[*s];
		if (i + 8 < count)
			*s = decoder->next[*s] + take(&reader, decoder->bits[*s]);
	}
	return (reader.at + 7) / 8 == code->bytes;
}

/* The bytes that symbols stand for; false when they are not exactly the expected ones. */
static bool expand(const uint8_t *symbols, size_t count, enum codec_form form, uint8_t value,
		   const uint8_t *expected, size_t bytes)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t run = 0;

		if (form == CODEC_PAIRS)
			run = symbols[i++];
		for (; run; run--)
			if (at == bytes || expected[at++] != value)
				return false;
		if (i == count || at == bytes || expected[at++] != symbols[i])
			return false;
		if (form != CODEC_RUNS || symbols[i] != value)
			continue;
		if (++i == count)
			return false;
		for (run = symbols[i]; run; run--)
			if (at == bytes || expected[at++] != value)
				return false;
	}
	return at == bytes;
}

/* A byte of a distribution that gets narrower with `kind`. */
static uint8_t random_byte(uint64_t *random, unsigned int kind)
{
	switch (kind) {
	case 0:
		return (uint8_t)test_random(random);
	case 1:
		return (uint8_t)(test_random(random) % 16 + test_random(random) % 16);
	case 2:
		return test_random(random) % 50 ? 0 : (uint8_t)test_random(random);
	default:
		return 77;
	}
}

static void check_code(struct test *test, const struct codec_table *table,
		       const struct buffer *symbols, enum codec_form form, uint8_t value,
		       const uint8_t *data, size_t count)
{
	bool pair = form == CODEC_PAIRS;
	struct buffer description = { 0 }, code = { 0 };
	uint8_t *decoded = malloc(symbols->bytes);
	struct decoder decoders[2];
	struct codec_counts counts;
	struct reader reader;
	double expected;

	codec_table_write(table, &description);
	reader = (struct reader){ description.data, 8 * description.bytes, 0 };
	CHECK(test, decoder_read(&decoders[0], &reader, pair));
	CHECK(test, !pair || decoder_read(&decoders[1], &reader, pair));
	CHECK(test, (reader.at + 7) / 8 == description.bytes);
	CHECK(test, codec_encode(table, symbols->data, symbols->bytes, &code) == code.bytes);
	CHECK(test, decode(decoders, pair, &code, decoded, symbols->bytes));
	CHECK(test, !memcmp(decoded, symbols->data, symbols->bytes));
	CHECK(test, expand(decoded, symbols->bytes, form, value, data, count));
	codec_count(symbols->data, symbols->bytes, pair, &counts);
	expected = codec_cost(table, &counts) + codec_state_bits(pair);
	CHECK(test, expected >= 72 && 8.0 * (double)code.bytes < expected * 1.02 + 128);
	buffer_release(&description);
	buffer_release(&code);
	free(decoded);
}

static void check_round_trip(struct test *test, uint64_t *random, unsigned int kind,
			     enum codec_form form, size_t count)
{
	uint8_t *data = malloc(count);
	struct buffer symbols = { 0 };
	struct codec_counts counts;
	struct codec_table table;
	uint8_t value = kind == 3 ? 77 : 0;

	for (size_t i = 0; i < count; i++)
		data[i] = random_byte(random, kind);
	CHECK(test, codec_symbols(data, count, form, value, NULL, &symbols) == symbols.bytes);
	codec_count(symbols.data, symbols.bytes, form == CODEC_PAIRS, &counts);
	codec_table_build(&table, &counts);
	for (int t = 0; t <= table.pair; t++) {
		uint32_t sum = 0;

		for (int s = 0; s < 256; s++) {
			sum += table.slots[t][s];
			CHECK(test, !counts.count[t][s] == !table.slots[t][s]);
		}
		CHECK(test, sum == (form == CODEC_PAIRS ? 512 : 1024));
	}
	check_code(test, &table, &symbols, form, value, data, count);
	buffer_release(&symbols);
	free(data);
}

/* Runs whose lengths have no slot are made of others. */
static void check_cut_runs(struct test *test)
{
	struct codec_counts counts = {
		.pair = true, .count = { { [0] = 1, [3] = 1, [40] = 1 }, { [0] = 1, [5] = 1 } },
	};
	struct codec_table table;

	codec_table_build(&table, &counts);
	for (size_t count = 1; count < 400; count++) {
		struct buffer symbols = { 0 };
		uint8_t data[400] = { 0 };

		data[count - 1] = count % 2 ? 5 : 0;
		codec_symbols(data, count, CODEC_PAIRS, 0, &table, &symbols);
		check_code(test, &table, &symbols, CODEC_PAIRS, 0, data, count);
		buffer_release(&symbols);
	}
	test_end(test, "runs are cut where a table lacks their length");
}

static void check_int4(struct test *test)
{
	uint8_t numbers[17];
	struct buffer packed = { 0 };

	for (int i = 0; i < 17; i++)
		numbers[i] = (uint8_t)(i % 16 - 8);
	CHECK(test, codec_is_int4(numbers, 17));
	codec_pack_int4(numbers, 17, &packed);
	CHECK(test, packed.bytes == 9);
	for (size_t i = 0; i < 17 && packed.bytes == 9; i++) {
		int number = packed.data[i / 2] >> (i % 2 * 4) & 15;

		CHECK(test, (number > 7 ? number - 16 : number) == (int8_t)numbers[i]);
	}
	CHECK(test, packed.bytes == 9 && packed.data[8] >> 4 == 0);
	numbers[3] = 8;
	CHECK(test, !codec_is_int4(numbers, 17));
	numbers[3] = (uint8_t)-9;
	CHECK(test, !codec_is_int4(numbers, 17));
	buffer_release(&packed);
	test_end(test, "int4 numbers are packed in pairs");
}

int main(void)
{
	static const size_t sizes[] = { 1, 2, 7, 8, 9, 15, 16, 17, 100, 4096, 50000 };
	static const char *const kinds[] = { "uniform bytes", "a narrow distribution",
					     "nearly constant bytes", "one symbol" };
	static const char *const forms[] = { "bytes", "runs", "pairs" };
	struct codec_counts counts = { .count = { { [3] = 10, [4] = 1 } } };
	struct codec_counts others = { .count = { { [5] = 1 } } };
	struct test test = { 0 };
	uint64_t random = 1;
	struct codec_table table;
	char name[80];

	for (unsigned int form = CODEC_BYTES; form <= CODEC_PAIRS; form++)
		for (unsigned int kind = 0; kind < 4; kind++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
				check_round_trip(&test, &random, kind, form, sizes[i]);
			snprintf(name, sizeof(name), "%s as %s", kinds[kind], forms[form]);
			test_end(&test, name);
		}
	check_cut_runs(&test);
	check_int4(&test);
	codec_table_build(&table, &counts);
	CHECK(&test, codec_cost(&table, &others) < 0);
	CHECK(&test, codec_cost(&table, &counts) > 0);
	counts.pair = true;
	CHECK(&test, codec_cost(&table, &counts) < 0);
	test_end(&test, "a table without slots for a symbol, or of another form, is refused");
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
