// SPDX-License-Identifier: MIT
#include <errno.h>

#include "search.h"

/* Rounds of ever smaller pieces when nothing fits. */
#define ROUNDS 5
/* Rows that the last operator of a cascade makes at a time, unless others are faster. */
#define CASCADE_ROWS 2

struct search {
	struct ir_graph *graph;
	const struct target *target;
	/* The segment as it is to be lowered. */
	const struct stream_segment *place;
	/* Placement and rearrangement change the nodes, which a cache goes by. */
	struct generate_cache caches[2][2];
	struct pool *constants;
	struct candidate *best;
	struct stream_segment *best_out;
	bool found;
	unsigned int *failed_operator;
};

/* Whether a failure only says that these settings do not do. */
static bool is_misfit(int ret)
{
	return ret == -ENOSPC || ret == -EFBIG;
}

/* Lowers the segment with these settings and keeps the result if it is the fastest. */
static int search_try(struct search *search, const struct program_settings *settings)
{
	struct candidate candidate = {
		.cache = &search->caches[settings->placement][settings->rearrange],
		.constants = search->constants,
	};
	struct stream_segment place = *search->place;
	int ret = candidate_build(&candidate, search->graph, search->target, search->place, &place,
				  settings);

	if (is_misfit(ret))
		*search->failed_operator = candidate.failed_operator;
	if (!ret && (!search->found || candidate.cost < search->best->cost)) {
		struct candidate worse = *search->best;

		*search->best = candidate;
		candidate = worse;
		*search->best_out = place;
		search->found = true;
	}
	candidate_release(&candidate);
	return ret;
}

/* Weights of a command, with the first input whole and then in pieces. */
static int search_chunks(struct search *search, unsigned int round, uint64_t cascade_limit,
			 bool placement)
{
	static const uint64_t chunks[] = { 2048, 4096, 8192, 16384 };
	uint64_t sram = search->target->sram_bytes;
	int ret = 0;

	for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
		struct program_settings settings = {
			.chunk_bytes = chunks[c] >> round,
			.stripe_bytes = sram / 4 >> round,
			.first_pieces = 1,
			/* Where room is short. */
			.in_place = round > 0,
			.placement = placement,
			.cascade = {
				.limit_bytes = cascade_limit, .rows = CASCADE_ROWS,
				.split_bytes = UINT64_MAX,
			},
		};

		if (c && chunks[c] > sram / 8 >> round)
			continue;
		ret = search_try(search, &settings);
		/* Pieces need no less room than the whole. */
		if (!ret) {
			settings.first_pieces = 4;
			ret = search_try(search, &settings);
		}
		if (ret && !is_misfit(ret))
			return ret;
	}
	return search->found ? 0 : ret;
}

/*
 * Cascades where less SRAM than all of it is needed leave more for weights that are
 * fetched ahead. Varies limit and rows of the best so far.
 */
static int search_cascades(struct search *search)
{
	static const int32_t rows[] = { 1, 2, 4 };
	const struct program_settings base = search->best->program.settings;
	uint64_t need = search->best->program.largest_need;

	for (uint64_t eighths = 8; eighths >= 2; eighths = eighths > 4 ? eighths / 2 : eighths - 1)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			struct program_settings settings = base;
			int ret;

			settings.cascade.limit_bytes = search->target->sram_bytes / 8 * eighths;
			settings.cascade.rows = rows[r];
			if (settings.cascade.limit_bytes >= need ||
			    (settings.cascade.limit_bytes == base.cascade.limit_bytes &&
			     settings.cascade.rows == base.cascade.rows))
				continue;
			ret = search_try(search, &settings);
			if (ret && !is_misfit(ret))
				return ret;
		}
	return 0;
}

/* Which comes first, the input or the first operator's constants. */
static int search_order(struct search *search)
{
	struct program_settings settings = search->best->program.settings;
	int ret;

	settings.constants_first = true;
	ret = search_try(search, &settings);
	if (ret && !is_misfit(ret))
		return ret;
	settings.first_pieces = settings.first_pieces == 1 ? 4 : 1;
	ret = search_try(search, &settings);
	return is_misfit(ret) ? 0 : ret;
}

/* Elementwise operators in place. */
static int search_in_place(struct search *search)
{
	struct program_settings settings = search->best->program.settings;
	int ret;

	settings.in_place = true;
	ret = search_try(search, &settings);
	return is_misfit(ret) ? 0 : ret;
}

/* Views of what lies in SRAM put into their order there. */
static int search_rearranged(struct search *search)
{
	struct program_settings settings = search->best->program.settings;
	int ret;

	if (!search->best->segment.rearrangeable || settings.rearrange)
		return 0;
	settings.rearrange = true;
	ret = search_try(search, &settings);
	return is_misfit(ret) ? 0 : ret;
}

/*
 * Values that outlive their cascades through memory, and longer cascades: where the best
 * so far has something in memory between operators.
 */
static int search_splits(struct search *search)
{
	const struct program_settings base = search->best->program.settings;
	static const int32_t rows[] = { 1, 2, 4, 8 };
	int ret;

	if (!search->best->segment.scratch_bytes || !search->target->spill)
		return 0;
	for (unsigned int variant = 0; variant < 6; variant++)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			struct program_settings settings = base;

			settings.cascade.rows = rows[r];
			settings.cascade.longest = variant % 2;
			settings.cascade.split_bytes = variant < 2 ? UINT64_MAX :
				search->target->sram_bytes >> variant;
			if (!settings.cascade.limit_bytes)
				settings.cascade.limit_bytes = search->target->sram_bytes;
			ret = search_try(search, &settings);
			if (ret && !is_misfit(ret))
				return ret;
		}
	return 0;
}

int search_segment(struct ir_graph *graph, const struct target *target,
		   struct stream_segment *out, struct pool *constants,
		   struct candidate *best, unsigned int *failed_operator)
{
	const struct stream_segment place = *out;
	struct stream_segment best_out = *out;
	struct search search = {
		.graph = graph, .target = target, .place = &place, .best = best,
		.best_out = &best_out, .failed_operator = failed_operator,
		.constants = constants,
	};
	int ret = -ENOSPC;

	for (unsigned int round = 0; round < ROUNDS && !search.found; round++) {
		ret = search_chunks(&search, round, target->sram_bytes, true);
		/* Parts in SRAM need more room than parts in memory. */
		if (!ret && search.best->segment.placed)
			ret = search_chunks(&search, round, target->sram_bytes, false);
		if (is_misfit(ret))
			ret = search_chunks(&search, round, target->sram_bytes, false);
		if (is_misfit(ret))
			ret = search_chunks(&search, round, 0, false);
		if (ret && !is_misfit(ret))
			break;
	}
	if (search.found)
		ret = search_cascades(&search);
	if (search.found && !ret)
		ret = search_rearranged(&search);
	if (search.found && !ret)
		ret = search_splits(&search);
	if (search.found && !ret)
		ret = search_order(&search);
	if (search.found && !ret)
		ret = search_in_place(&search);
	if (ret) {
		candidate_release(best);
		return ret;
	}
	/* The values and nodes refer to the segment they were tried with. */
	best->segment.out = out;
	best->program.segment = &best->segment;
	*out = best_out;
	ret = candidate_keep(best);
	best->cache = NULL;
	if (ret)
		candidate_release(best);
	return ret;
}
