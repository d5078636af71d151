// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/isa.h>

#include "codec.h"

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

static unsigned int state_bits(bool pair)
{
	return pair ? KESTREL_CODEC_PAIR_STATE_BITS : KESTREL_CODEC_STATE_BITS;
}

unsigned int codec_state_bits(bool pair)
{
	return KESTREL_CODEC_LANES * state_bits(pair);
}

void codec_count(const uint8_t *symbols, size_t count, bool pair, struct codec_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	counts->pair = pair;
	for (size_t i = 0; i < count; i++)
		counts->count[pair && i % 2][symbols[i]]++;
}

/* Shares the states out among the symbols of one table. */
static void slots_share(const uint32_t counts[256], int32_t states, uint16_t slots[256])
{
	uint64_t total = 0;
	int32_t left = states;

	for (int s = 0; s < 256; s++)
		total += counts[s];
	for (int s = 0; s < 256; s++) {
		uint64_t share = (uint64_t)counts[s] * (uint64_t)states / total;

		if (counts[s] && !share)
			share = 1;
		slots[s] = (uint16_t)share;
		left -= (int32_t)share;
	}
	/* Rounding leaves a few too many or too few: move them where it costs least. */
	for (; left > 0; left--) {
		int best = -1;

		for (int s = 0; s < 256; s++)
			if (counts[s] && (best < 0 || slot_gain(counts[s], slots[s]) >
						      slot_gain(counts[best], slots[best])))
				best = s;
		slots[best]++;
	}
	for (; left < 0; left++) {
		int best = -1;

		for (int s = 0; s < 256; s++)
			if (slots[s] > 1 &&
			    (best < 0 || slot_gain(counts[s], slots[s] - 1u) <
					 slot_gain(counts[best], slots[best] - 1u)))
				best = s;
		slots[best]--;
	}
}

void codec_table_build(struct codec_table *table, const struct codec_counts *counts)
{
	table->pair = counts->pair;
	for (int t = 0; t <= counts->pair; t++)
		slots_share(counts->count[t], 1 << state_bits(counts->pair), table->slots[t]);
}

/* Elias-gamma code of a value of at least 1. */
static void gamma_put(struct bit_writer *writer, uint32_t value)
{
	unsigned int bits = floor_log2(value);

	bits_put(writer, 0, bits);
	bits_put(writer, 1, 1);
	bits_put(writer, value & ((1u << bits) - 1), bits);
}

size_t codec_table_write(const struct codec_table *table, struct buffer *out)
{
	struct bit_writer writer = { .out = out };
	size_t before = out->bytes;

	for (int t = 0; t <= table->pair; t++) {
		const uint16_t *slots = table->slots[t];

		for (int s = 0; s < 256; s++) {
			uint32_t absent = 0;

			gamma_put(&writer, slots[s] + 1u);
			if (!table->pair || slots[s])
				continue;
			while (s + 1 < 256 && !slots[s + 1]) {
				absent++;
				s++;
			}
			gamma_put(&writer, absent + 1);
		}
	}
	bits_end(&writer);
	return out->bytes - before;
}

double codec_cost(const struct codec_table *table, const struct codec_counts *counts)
{
	double bits = 0;

	if (table->pair != counts->pair)
		return -1;
	for (int t = 0; t <= counts->pair; t++)
		for (int s = 0; s < 256; s++) {
			uint32_t count = counts->count[t][s];

			if (count && !table->slots[t][s])
				return -1;
			if (count)
				bits += count * (state_bits(table->pair) -
						 log2((double)table->slots[t][s]));
		}
	return bits;
}

/* States of one table. */
struct encoder {
	const uint16_t *slots;
	unsigned int state_bits;
	/* States of each symbol by visit, and where a symbol's begin. */
	uint16_t states[KESTREL_CODEC_STATES];
	uint16_t first[256];
};

static void encoder_build(struct encoder *encoder, const uint16_t slots[256],
			  unsigned int state_bits)
{
	uint8_t symbols[KESTREL_CODEC_STATES];
	uint16_t visits[256] = { 0 };
	unsigned int position = 0, first = 0, states = 1u << state_bits;

	encoder->slots = slots;
	encoder->state_bits = state_bits;
	for (int s = 0; s < 256; s++) {
		encoder->first[s] = (uint16_t)first;
		first += slots[s];
		for (int n = 0; n < slots[s]; n++) {
			symbols[position] = (uint8_t)s;
			position = (position + KESTREL_CODEC_STEP) % states;
		}
	}
	for (unsigned int i = 0; i < states; i++) {
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
 * The decoder goes from state to state + states = (x << bits) + value, x being
 * the state's visit number; so the encoder, which walks backwards, drops as
 * many low bits of the next state as bring it to slots..2 slots - 1.
 */
static struct emission step_back(const struct encoder *encoder, uint8_t symbol, uint16_t *state)
{
	uint32_t slots = encoder->slots[symbol];
	uint32_t next = *state + (1u << encoder->state_bits);
	struct emission emission = { 0 };
	unsigned int count = 0;

	while (next >> count >= 2 * slots)
		count++;
	emission.value = (uint16_t)(next & ((1u << count) - 1));
	emission.count = (uint8_t)count;
	*state = encoder->states[encoder->first[symbol] + (next >> count) - slots];
	return emission;
}

static void put_runs(const uint8_t *data, size_t bytes, uint8_t value, struct buffer *out)
{
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
}

static void put_pairs(const uint8_t *data, size_t bytes, uint8_t value,
		      const struct codec_table *table, struct buffer *out)
{
	for (size_t i = 0; i < bytes;) {
		size_t run = 0;

		/* The last byte of a run that nothing follows is itself the pair's byte. */
		while (run < 255 && i + run + 1 < bytes && data[i + run] == value)
			run++;
		while (table && run && !table->slots[0][run])
			run--;
		buffer_byte(out, (uint8_t)run);
		buffer_byte(out, data[i + run]);
		i += run + 1;
	}
}

size_t codec_symbols(const uint8_t *data, size_t bytes, enum codec_form form, uint8_t value,
		     const struct codec_table *table, struct buffer *out)
{
	size_t before = out->bytes;

	if (form == CODEC_BYTES)
		buffer_append(out, data, bytes);
	else if (form == CODEC_RUNS)
		put_runs(data, bytes, value, out);
	else
		put_pairs(data, bytes, value, table, out);
	return out->bytes - before;
}

size_t codec_encode(const struct codec_table *table, const uint8_t *symbols, size_t count,
		    struct buffer *out)
{
	struct emission *emissions = calloc(count, sizeof(*emissions));
	uint16_t states[KESTREL_CODEC_LANES] = { 0 };
	bool started[KESTREL_CODEC_LANES] = { false };
	unsigned int bits = state_bits(table->pair);
	struct bit_writer writer = { .out = out };
	struct encoder encoders[2];
	size_t before = out->bytes;

	if (!emissions) {
		out->failed = true;
		return 0;
	}
	for (int t = 0; t <= table->pair; t++)
		encoder_build(&encoders[t], table->slots[t], bits);
	for (size_t i = count; i-- > 0;) {
		const struct encoder *encoder = &encoders[table->pair && i % 2];
		unsigned int lane = i % KESTREL_CODEC_LANES;

		if (started[lane]) {
			emissions[i] = step_back(encoder, symbols[i], &states[lane]);
		} else {
			/* The last output of a lane leaves no bits; any of its states will do. */
			states[lane] = encoder->states[encoder->first[symbols[i]]];
			started[lane] = true;
		}
	}
	for (unsigned int lane = 0; lane < KESTREL_CODEC_LANES; lane++)
		bits_put(&writer, states[lane], bits);
	for (size_t i = 0; i < count; i++)
		bits_put(&writer, emissions[i].value, emissions[i].count);
	bits_end(&writer);
	free(emissions);
	return out->bytes - before;
}

bool codec_is_int4(const uint8_t *data, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if ((uint8_t)(data[i] + 8) > 15)
			return false;
	return true;
}

void codec_pack_int4(const uint8_t *data, size_t bytes, struct buffer *out)
{
	for (size_t i = 0; i < bytes; i += 2) {
		uint8_t high = i + 1 < bytes ? data[i + 1] : 0;

		buffer_byte(out, (uint8_t)((data[i] & 15) | high << 4));
	}
}
