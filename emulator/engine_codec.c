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

bool engine_codec_load(struct engine_codec_table *table, struct engine_codec_source *source)
{
	struct bit_reader reader = { .source = source };
	uint32_t slots[256];
	uint32_t sum = 0, position = 0;

	table->valid = false;
	for (uint32_t symbol = 0; symbol < 256; symbol++) {
		uint32_t value;

		if (!gamma_read(&reader, &value))
			return false;
		slots[symbol] = value - 1;
		sum += slots[symbol];
		if (sum > KESTREL_CODEC_STATES)
			return false;
	}
	if (sum != KESTREL_CODEC_STATES || reader.bits || !bits_ended(&reader))
		return false;
	for (uint32_t symbol = 0; symbol < 256; symbol++) {
		for (uint32_t slot = 0; slot < slots[symbol]; slot++) {
			table->symbol[position] = (uint8_t)symbol;
			position = (position + KESTREL_CODEC_STEP) % KESTREL_CODEC_STATES;
		}
	}
	for (uint32_t state = 0; state < KESTREL_CODEC_STATES; state++) {
		uint32_t x = slots[table->symbol[state]]++;
		uint32_t bits = KESTREL_CODEC_STATE_BITS - (31 - (uint32_t)__builtin_clz(x));

		table->bits[state] = (uint8_t)bits;
		table->next[state] = (uint16_t)((x << bits) - KESTREL_CODEC_STATES);
	}
	table->valid = true;
	return true;
}

bool engine_codec_decode(const struct engine_codec_table *table,
			 struct engine_codec_source *source,
			 const struct engine_codec_runs *runs, uint8_t *data, uint32_t count)
{
	struct bit_reader reader = { .source = source };
	uint32_t state[KESTREL_CODEC_LANES];
	uint32_t symbols = runs->symbols ? runs->symbols : count;
	uint32_t done = 0;
	bool in_run = false;

	if (!table->valid)
		return false;
	for (uint32_t lane = 0; lane < KESTREL_CODEC_LANES; lane++) {
		if (!bits_read(&reader, KESTREL_CODEC_STATE_BITS, &state[lane]))
			return false;
	}
	for (uint32_t i = 0; i < symbols; i++) {
		uint32_t *lane = &state[i % KESTREL_CODEC_LANES];
		uint8_t symbol = table->symbol[*lane];
		uint32_t low;

		if (in_run) {
			if (symbol > count - done)
				return false;
			memset(data + done, runs->value, symbol);
			done += symbol;
			in_run = false;
		} else {
			if (done == count)
				return false;
			data[done++] = symbol;
			in_run = runs->symbols && symbol == runs->value;
		}
		if (symbols - i <= KESTREL_CODEC_LANES)
			continue;
		if (!bits_read(&reader, table->bits[*lane], &low))
			return false;
		*lane = table->next[*lane] + low;
	}
	return done == count && !in_run && bits_ended(&reader);
}
