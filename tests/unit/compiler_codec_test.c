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

struct decoder {
	uint8_t symbol[1024], bits[1024];
	uint16_t next[1024];
};

/* Returns false when the description is not one of exactly `bytes` bytes. */
static bool decoder_read(struct decoder *decoder, const uint8_t *data, size_t bytes)
{
	struct reader reader = { data, 8 * bytes, 0 };
	uint32_t slots[256], visit[256], sum = 0, p = 0;

	for (int s = 0; s < 256; s++) {
		unsigned int zeros = 0;

		while (zeros < 11 && !take(&reader, 1))
			zeros++;
		slots[s] = (1u << zeros | take(&reader, zeros)) - 1;
		sum += slots[s];
	}
	if (sum != 1024 || (reader.at + 7) / 8 != bytes)
		return false;
	for (int s = 0; s < 256; s++) {
		visit[s] = slots[s];
		for (uint32_t n = 0; n < slots[s]; n++, p = (p + 643) % 1024)
			decoder->symbol[p] = (uint8_t)s;
	}
	for (int i = 0; i < 1024; i++) {
		uint32_t x = visit[decoder->symbol[i]]++;
		uint8_t bits = 10;

		while (x >> (11 - bits))
			bits--;
		decoder->bits[i] = bits;
		decoder->next[i] = (uint16_t)((x << bits) - 1024);
	}
	return true;
}

static bool decode(const struct decoder *decoder, const uint8_t *data, size_t bytes,
		   const uint8_t *expected, size_t count)
{
	struct reader reader = { data, 8 * bytes, 0 };
	uint32_t state[8];

	for (int lane = 0; lane < 8; lane++)
		state[lane] = take(&reader, 10);
	for (size_t i = 0; i < count; i++) {
		uint32_t *s = &state[i % 8];

		if (decoder->symbol[*s] != expected[i])
			return false;
		if (i + 8 < count)
			*s = decoder->next[*s] + take(&reader, decoder->bits[*s]);
	}
	return (reader.at + 7) / 8 == bytes;
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

static void check_round_trip(struct test *test, uint64_t *random, unsigned int kind, size_t count)
{
	uint8_t *data = malloc(count);
	struct buffer description = { 0 }, code = { 0 };
	uint32_t counts[256] = { 0 };
	struct codec_table table;
	struct decoder decoder;
	uint32_t sum = 0;
	double expected;

	for (size_t i = 0; i < count; i++) {
		data[i] = random_byte(random, kind);
		counts[data[i]]++;
	}
	codec_table_build(&table, counts);
	for (int s = 0; s < 256; s++) {
		sum += table.slots[s];
		CHECK(test, !counts[s] == !table.slots[s]);
	}
	CHECK(test, sum == KESTREL_CODEC_STATES);
	codec_table_write(&table, &description);
	codec_encode(&table, data, count, &code);
	CHECK(test, decoder_read(&decoder, description.data, description.bytes));
	CHECK(test, decode(&decoder, code.data, code.bytes, data, count));
	expected = codec_cost(&table, counts) + 80;
	CHECK(test, expected >= 80 && 8.0 * (double)code.bytes < expected * 1.02 + 128);
	buffer_release(&description);
	buffer_release(&code);
	free(data);
}

int main(void)
{
	static const size_t sizes[] = { 1, 2, 7, 8, 9, 15, 16, 17, 100, 4096, 50000 };
	static const char *const kinds[] = { "uniform bytes", "a narrow distribution",
					     "nearly constant bytes", "one symbol" };
	struct test test = { 0 };
	uint64_t random = 1;
	uint32_t counts[256] = { [3] = 10, [4] = 1 }, others[256] = { [5] = 1 };
	struct codec_table table;

	for (unsigned int kind = 0; kind < 4; kind++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			check_round_trip(&test, &random, kind, sizes[i]);
		test_end(&test, kinds[kind]);
	}
	codec_table_build(&table, counts);
	CHECK(&test, codec_cost(&table, others) < 0);
	CHECK(&test, codec_cost(&table, counts) > 0);
	test_end(&test, "a table without slots for a symbol is refused");
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
