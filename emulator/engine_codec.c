// SPDX-License-Identifier: MIT
/* Weight decompression: the codec of isa.h, "Codec". */

#include <string.h>

#include "engine_internal.h"

struct bit_reader {
	struct engine_codec_source *source;
	uint64_t bits;
	uint32_t count;
};

/* Makes at least 32 bits available unless the source ends before. */
static inline void bits_fill(struct bit_reader *reader)
{
	struct engine_codec_source *source = reader->source;

	while (reader->count < 32) {
		const uint8_t *data = source->data;

		if (source->left >= 4) {
			reader->bits |= (uint64_t)(data[0] | data[1] << 8 | data[2] << 16 |
						   (uint32_t)data[3] << 24) << reader->count;
			reader->count += 32;
			source->data += 4;
			source->left -= 4;
		} else if (source->left) {
			reader->bits |= (uint64_t)data[0] << reader->count;
			reader->count += 8;
			source->data++;
			source->left--;
		} else if (!source->refill(source)) {
			return;
		}
	}
}

/* False at the end of the source. count <= 32. */
static inline bool bits_read(struct bit_reader *reader, uint32_t count, uint32_t *value)
{
	if (reader->count < count) {
		bits_fill(reader);
		if (reader->count < count)
			return false;
	}
	*value = (uint32_t)(reader->bits & ((UINT64_C(1) << count) - 1));
	reader->bits >>= count;
	reader->count -= count;
	return true;
}

/* Less than a byte is left. */
static bool bits_ended(struct bit_reader *reader)
{
	return reader->count < 8 && !reader->source->left &&
	       !reader->source->refill(reader->source);
}

/* Elias-gamma code of at most 11 bits of value. */
static bool gamma_read(struct bit_reader *reader, uint32_t *value)
{
	uint32_t zeros = 0, bit, low;

	for (;;) {
		if (!bits_read(reader, 1, &bit))
			return false;
		if (bit)
			break;
		if (++zeros > KESTREL_CODEC_STATE_BITS)
			return false;
	}
	if (!bits_read(reader, zeros, &low))
		return false;
	*value = (1u << zeros) + low;
	return true;
}

/*
 * Slots of all symbols, which sum to `states`. `sparse`: symbols without slots
 * that follow each other are counted.
 */
static bool slots_read(struct bit_reader *reader, uint32_t states, bool sparse,
		       uint32_t slots[256])
{
	uint32_t sum = 0;

	for (uint32_t symbol = 0; symbol < 256; symbol++) {
		uint32_t value;

		if (!gamma_read(reader, &value))
			return false;
		slots[symbol] = value - 1;
		sum += slots[symbol];
		if (sum > states)
			return false;
		if (!sparse || slots[symbol])
			continue;
		if (!gamma_read(reader, &value) || value > 256 - symbol)
			return false;
		while (--value)
			slots[++symbol] = 0;
	}
	return sum == states;
}

/* Entries first .. first + 2^state_bits - 1 of the slot, as a table of their own. */
static void table_build(struct engine_codec_table *table, uint32_t first, uint32_t state_bits,
			uint32_t slots[256])
{
	uint32_t states = 1u << state_bits, position = 0;

	for (uint32_t symbol = 0; symbol < 256; symbol++) {
		for (uint32_t slot = 0; slot < slots[symbol]; slot++) {
			table->symbol[first + position] = (uint8_t)symbol;
			position = (position + KESTREL_CODEC_STEP) % states;
		}
	}
	for (uint32_t state = 0; state < states; state++) {
		uint32_t x = slots[table->symbol[first + state]]++;
		uint32_t bits = state_bits - (31 - (uint32_t)__builtin_clz(x));

		table->bits[first + state] = (uint8_t)bits;
		table->next[first + state] = (uint16_t)(first + (x << bits) - states);
	}
}

bool engine_codec_load(struct engine_codec_table *table, struct engine_codec_source *source,
		       bool pair)
{
	uint32_t state_bits = pair ? KESTREL_CODEC_PAIR_STATE_BITS : KESTREL_CODEC_STATE_BITS;
	uint32_t count = pair ? 2 : 1, slots[2][256];
	struct bit_reader reader = { .source = source };

	table->valid = false;
	for (uint32_t i = 0; i < count; i++)
		if (!slots_read(&reader, 1u << state_bits, pair, slots[i]))
			return false;
	if (reader.bits || !bits_ended(&reader))
		return false;
	for (uint32_t i = 0; i < count; i++)
		table_build(table, i << state_bits, state_bits, slots[i]);
	table->pair = pair;
	table->valid = true;
	return true;
}

/* Takes one symbol after the other and makes the bytes that they stand for. */
struct expander {
	const struct engine_codec_runs *runs;
	uint8_t *data;
	uint32_t count, done;
	/* The next symbol says how often the value comes. */
	bool counts;
};

static bool run_write(struct expander *expander, uint32_t length)
{
	if (length > expander->count - expander->done)
		return false;
	memset(expander->data + expander->done, expander->runs->value, length);
	expander->done += length;
	expander->counts = false;
	return true;
}

static bool symbol_take(struct expander *expander, uint8_t symbol)
{
	if (expander->counts)
		return run_write(expander, symbol);
	if (expander->done == expander->count)
		return false;
	expander->data[expander->done++] = symbol;
	expander->counts = expander->runs->pairs ||
			   (expander->runs->symbols && symbol == expander->runs->value);
	return true;
}

bool engine_codec_decode(const struct engine_codec_table *table,
			 struct engine_codec_source *source,
			 const struct engine_codec_runs *runs, uint8_t *data, uint32_t count)
{
	uint32_t state_bits = runs->pairs ? KESTREL_CODEC_PAIR_STATE_BITS :
					    KESTREL_CODEC_STATE_BITS;
	struct expander expander = { runs, data, count, .counts = runs->pairs };
	struct bit_reader reader = { .source = source };
	uint32_t state[KESTREL_CODEC_LANES];
	uint32_t symbols = runs->symbols ? runs->symbols : count;

	if (!table->valid || table->pair != runs->pairs ||
	    (runs->pairs && (!runs->symbols || runs->symbols % 2)))
		return false;
	for (uint32_t lane = 0; lane < KESTREL_CODEC_LANES; lane++) {
		if (!bits_read(&reader, state_bits, &state[lane]))
			return false;
		/* The second table's entries stand behind the first's. */
		if (runs->pairs && lane % 2)
			state[lane] += KESTREL_CODEC_PAIR_STATES;
	}
	for (uint32_t i = 0; i < symbols; i++) {
		uint32_t *lane = &state[i % KESTREL_CODEC_LANES];
		uint32_t low;

		if (!symbol_take(&expander, table->symbol[*lane]))
			return false;
		if (symbols - i <= KESTREL_CODEC_LANES)
			continue;
		if (!bits_read(&reader, table->bits[*lane], &low))
			return false;
		*lane = table->next[*lane] + low;
	}
	return expander.done == count && expander.counts == runs->pairs && bits_ended(&reader);
}
