// SPDX-License-Identifier: MIT
#include "search_random.h"

/* splitmix64, from 0 to `most`. */
static uint64_t draw(uint64_t *seed, uint64_t most)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % (most + 1);
}

struct program_settings search_random(uint64_t *seed, uint64_t sram_bytes)
{
	struct program_settings settings = { .chunk_bytes = 512ull << draw(seed, 5) };
	struct cascade_settings *cascade = &settings.cascade;

	/* Down to what few maps stay below. */
	settings.stripe_bytes = (sram_bytes >> 1) >> draw(seed, 9);
	settings.first_pieces = 1 << draw(seed, 2);
	settings.constants_first = draw(seed, 1);
	settings.in_place = draw(seed, 1);
	settings.placement = draw(seed, 1);
	settings.rearrange = draw(seed, 1);
	settings.tiles = draw(seed, 1);
	settings.spill_all = !draw(seed, 3);
	cascade->limit_bytes = draw(seed, 5) ? sram_bytes >> draw(seed, 6) : 0;
	cascade->rows = 1 + (int32_t)draw(seed, 7);
	cascade->split_bytes = draw(seed, 1) ? UINT64_MAX : sram_bytes >> draw(seed, 5);
	cascade->longest = draw(seed, 1);
	cascade->column_pieces = 1 + (int32_t)draw(seed, 3);
	cascade->recompute = draw(seed, 1);
	cascade->refetch = draw(seed, 1);
	settings.order = (unsigned int)draw(seed, 3);
	settings.thin_waits = draw(seed, 1);
	return settings;
}
