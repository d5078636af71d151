// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/isa.h>

#include "codec.h"

#define STATES KESTREL_CODEC_STATES

/* Bit strings, least significant bit of the first byte first. */
struct bit_writer {
	struct buffer *out;
	uint64_t bits;
	unsigned int count;
};

static void bits_put(struct bit_writer *writer, uint32_t value, unsigned int count)
{
	writer->bits |= (uint64_t)value << writer->count;
	writer->count += count;
	while (writer->count >= 8) {
		buffer_byte(writer->out, (uint8_t)writer->bits);
		writer->bits >>= 8;
		writer->count -= 8;
	}
}

static void bits_end(struct bit_writer *writer)
{
	if (writer->count)
		buffer_byte(writer->out, (uint8_t)writer->bits);
}

static unsigned int floor_log2(uint32_t value)
{
	return 31 - (unsigned int)__builtin_clz(value);
}

/* What one slot more, or less, would change in the length of the code. */
static double slot_gain(uint32_t count, uint32_t slots)
{
	return count * log2((slots + 1.0) / slots);
}

void codec_table_build(struct codec_table *table, const uint32_t counts[256])
{
	uint64_t total = 0;
	int32_t left = STATES;

	for (int s = 0; s < 256; s++)
		total += counts[s];
	for (int s = 0; s < 256; s++) {
		uint64_t slots = (uint64_t)counts[s] * STATES / total;

		if (counts[s] && !slots)
			slots = 1;
		table->slots[s] = (uint16_t)slots;
		left -= (int32_t)slots;
	}
	/* Rounding leaves a few too many or too few: move them where it costs least. */
	for (; left > 0; left--) {
		int best = -1;

		for (int s = 0; s < 256; s++)
			if (counts[s] && (best < 0 || slot_gain(counts[s], table->slots[s]) >
						      slot_gain(counts[best], table->slots[best])))
				best = s;
		table->slots[best]++;
	}
	for (; left < 0; left++) {
		int best = -1;

		for (int s = 0; s < 256; s++)
			if (table->slots[s] > 1 &&
			    (best < 0 || slot_gain(counts[s], table->slots[s] - 1u) <
					 slot_gain(counts[best], table->slots[best] - 1u)))
				best = s;
		table->slots[best]--;
	}
}

size_t codec_table_write(const struct codec_table *table, struct buffer *out)
{
	struct bit_writer writer = { .out = out };
	size_t before = out->bytes;

	for (int s = 0; s < 256; s++) {
		uint32_t value = table->slots[s] + 1u;
		unsigned int bits = floor_log2(value);

		bits_put(&writer, 0, bits);
		bits_put(&writer, 1, 1);
		bits_put(&writer, value & ((1u << bits) - 1), bits);
	}
	bits_end(&writer);
	return out->bytes - before;
}

double codec_cost(const struct codec_table *table, const uint32_t counts[256])
{
	double bits = 0;

	for (int s = 0; s < 256; s++) {
		if (counts[s] && !table->slots[s])
			return -1;
		if (counts[s])
			bits += counts[s] * log2((double)STATES / table->slots[s]);
	}
	return bits;
}

struct encoder {
	/* States of each symbol by visit, and where a symbol's begin. */
	uint16_t states[STATES];
	uint16_t first[256];
};

static void encoder_build(struct encoder *encoder, const struct codec_table *table)
{
	uint8_t symbols[STATES];
	uint16_t visits[256] = { 0 };
	unsigned int position = 0, first = 0;

	for (int s = 0; s < 256; s++) {
		encoder->first[s] = (uint16_t)first;
		first += table->slots[s];
		for (int n = 0; n < table->slots[s]; n++) {
			symbols[position] = (uint8_t)s;
			position = (position + KESTREL_CODEC_STEP) % STATES;
		}
	}
	for (unsigned int i = 0; i < STATES; i++) {
		uint8_t s = symbols[i];

		encoder->states[encoder->first[s] + visits[s]++] = (uint16_t)i;
	}
}

/* Bits that follow an output, and how many. */
struct emission {
	uint16_t value;
	uint8_t count;
};

/*
 * The decoder goes from state to state + STATES = (x << bits) + value, x being
 * the state's visit number; so the encoder, which walks backwards, drops as
 * many low bits of the next state as bring it to slots..2 slots - 1.
 */
static struct emission step_back(const struct encoder *encoder, const struct codec_table *table,
				 uint8_t symbol, uint16_t *state)
{
	uint32_t slots = table->slots[symbol];
	uint32_t next = *state + (uint32_t)STATES;
	struct emission emission = { 0 };
	unsigned int count = 0;

	while (next >> count >= 2 * slots)
		count++;
	emission.value = (uint16_t)(next & ((1u << count) - 1));
	emission.count = (uint8_t)count;
	*state = encoder->states[encoder->first[symbol] + (next >> count) - slots];
	return emission;
}

size_t codec_runs(const uint8_t *data, size_t bytes, uint8_t value, struct buffer *out)
{
	size_t before = out->bytes;

	for (size_t i = 0; i < bytes;) {
		size_t more = 0;

		buffer_byte(out, data[i]);
		if (data[i++] != value)
			continue;
		while (more < 255 && i + more < bytes && data[i + more] == value)
			more++;
		buffer_byte(out, (uint8_t)more);
		i += more;
	}
	return out->bytes - before;
}

size_t codec_encode(const struct codec_table *table, const uint8_t *data, size_t bytes,
		    struct buffer *out)
{
	struct emission *emissions = calloc(bytes, sizeof(*emissions));
	uint16_t states[KESTREL_CODEC_LANES] = { 0 };
	bool started[KESTREL_CODEC_LANES] = { false };
	struct bit_writer writer = { .out = out };
	struct encoder encoder;
	size_t before = out->bytes;

	if (!emissions) {
		out->failed = true;
		return 0;
	}
	encoder_build(&encoder, table);
	for (size_t i = bytes; i-- > 0;) {
		unsigned int lane = i % KESTREL_CODEC_LANES;

		if (started[lane]) {
			emissions[i] = step_back(&encoder, table, data[i], &states[lane]);
		} else {
			/* The last output of a lane leaves no bits; any of its states will do. */
			states[lane] = encoder.states[encoder.first[data[i]]];
			started[lane] = true;
		}
	}
	for (unsigned int lane = 0; lane < KESTREL_CODEC_LANES; lane++)
		bits_put(&writer, states[lane], KESTREL_CODEC_STATE_BITS);
	for (size_t i = 0; i < bytes; i++)
		bits_put(&writer, emissions[i].value, emissions[i].count);
	bits_end(&writer);
	free(emissions);
	return out->bytes - before;
}
