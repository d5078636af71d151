// SPDX-License-Identifier: MIT
/*
 * Each stage varies some settings of every point of a front: ways of which no other is
 * both faster and content with less SRAM, since what is slower now may have the room
 * that a later stage makes it faster with.
 */
#include <errno.h>

#include "order.h"
#include "search.h"
#include "search_random.h"

/* Rounds of ever smaller pieces when nothing fits. */
#define ROUNDS 5
/* Draws of which one should do where any way is wanted. */
#define RANDOM_TRIES 32
/* Rows that the last operator of a cascade makes at a time, unless others are faster. */
#define CASCADE_ROWS 2
/* Points of the front; none is slower than the fastest by more than this factor. */
#define FRONT_MAX 6
#define FRONT_FACTOR 1.1
/* Settings that are remembered so that none is tried twice. */
#define TRIED_MAX 256
/*
 * Commands made, constants counted as WORK_BYTES a command, after which only the fastest
 * point is varied, and then no neighbours of it: somewhat less than a second.
 */
#define WORK_MAX 200000
#define WORK_BYTES 2048
/*
 * The same for changes of single cascades; and where values go to memory between
 * operators, which is where there is most to win.
 */
#define CHANGES_WORK_MAX 320000
#define CHANGES_WORK_MAX_SPILLS 900000
/* The same for other orders of branches, and for changes of cascades then. */
#define ORDER_WORK_MAX 100000

/*
 * Commands, constants and steps of cuts in all, after which nothing more is tried: about
 * half a minute, ten times what the largest published models take. A single try of a
 * segment of thousands of steps that do not fit takes a second.
 */
#define EFFORT_MAX 8000000

/* The same for tiles, of so many of the fastest points; one where nothing goes to memory. */
#define TILES_WORK_MAX 60000
#define TILES_POINTS 3

/* One way that works. */
struct search_point {
	struct program_settings settings;
	double cost;
	/* SRAM that it needs without fetching ahead. */
	uint64_t bytes;
	/* SRAM that one operator at a time needs at most. */
	uint64_t largest_need;
	/* Values lie in memory between operators; some could be put into order in SRAM. */
	bool spills, rearrangeable;
	/* There are cascades; maps that do not stay in SRAM. */
	bool cascades, striped;
};

struct search {
	struct ir_graph *graph;
	const struct target *target;
	/* The segment as it is to be lowered. */
	const struct stream_segment *place;
	/* Order, placement and rearrangement change the nodes, which a cache goes by. */
	struct coding_cache caches[ORDERS_MAX][2][2];
	struct order_list orders;
	struct pool *constants;
	struct candidate *best;
	struct stream_segment *best_out;
	bool found;
	/* By rising cost. */
	struct search_point front[FRONT_MAX];
	unsigned int front_count;
	struct program_settings tried[TRIED_MAX];
	unsigned int tried_count;
	/* All that were tried, also of those that `tried` has no room for. */
	unsigned int ways;
	uint64_t work, effort;
	/* The fewest cycles of whole rows and rings; 0: no way yet. */
	uint64_t untiled_cycles;
	unsigned int *failed_operator;
};

/* Whether a failure only says that these settings do not do. */
static bool is_misfit(int ret)
{
	return ret == -ENOSPC || ret == -EFBIG;
}

static bool changes_equal(const struct cascade_settings *a, const struct cascade_settings *b)
{
	if (a->change_count != b->change_count)
		return false;
	for (unsigned int i = 0; i < a->change_count; i++)
		if (a->changes[i].first != b->changes[i].first ||
		    a->changes[i].end != b->changes[i].end ||
		    a->changes[i].rows != b->changes[i].rows ||
		    a->changes[i].tiling.columns != b->changes[i].tiling.columns ||
		    a->changes[i].tiling.recompute != b->changes[i].tiling.recompute ||
		    a->changes[i].tiling.refetch != b->changes[i].tiling.refetch)
			return false;
	return true;
}

static bool settings_equal(const struct program_settings *a, const struct program_settings *b)
{
	return a->chunk_bytes == b->chunk_bytes && a->stripe_bytes == b->stripe_bytes &&
	       a->first_pieces == b->first_pieces && a->constants_first == b->constants_first &&
	       a->tiles == b->tiles && a->thin_waits == b->thin_waits &&
	       a->spill_all == b->spill_all && a->in_place == b->in_place &&
	       a->placement == b->placement &&
	       a->rearrange == b->rearrange && a->order == b->order &&
	       a->cascade.limit_bytes == b->cascade.limit_bytes &&
	       a->cascade.rows == b->cascade.rows &&
	       a->cascade.split_bytes == b->cascade.split_bytes &&
	       a->cascade.longest == b->cascade.longest &&
	       a->cascade.column_pieces == b->cascade.column_pieces &&
	       a->cascade.recompute == b->cascade.recompute &&
	       a->cascade.refetch == b->cascade.refetch &&
	       changes_equal(&a->cascade, &b->cascade);
}

/* Whether settings are new; they are not from now on. */
static bool is_new(struct search *search, const struct program_settings *settings)
{
	for (unsigned int i = 0; i < search->tried_count; i++)
		if (settings_equal(&search->tried[i], settings))
			return false;
	if (search->tried_count < TRIED_MAX)
		search->tried[search->tried_count++] = *settings;
	return true;
}

static bool has_cascades(const struct program *program)
{
	for (unsigned int n = 0; n < program->segment->node_count; n++)
		if (program->cascade_ends[n])
			return true;
	return false;
}

static bool has_stripes(const struct segment *segment)
{
	for (unsigned int v = 0; v < segment->value_count; v++)
		if (!segment->values[v].resident)
			return true;
	return false;
}

static void front_add(struct search *search, const struct candidate *candidate)
{
	const struct search_point point = {
		.settings = candidate->program.settings, .cost = candidate->cost,
		.bytes = candidate->program.bound,
		.largest_need = candidate->program.largest_need,
		.spills = candidate->segment.scratch_bytes > 0,
		.rearrangeable = candidate->segment.rearrangeable > 0,
		.cascades = has_cascades(&candidate->program),
		.striped = has_stripes(&candidate->segment),
	};
	unsigned int count = 0, at;

	for (unsigned int i = 0; i < search->front_count; i++)
		if (search->front[i].cost <= point.cost && search->front[i].bytes <= point.bytes)
			return;
	for (unsigned int i = 0; i < search->front_count; i++)
		if (search->front[i].cost < point.cost || search->front[i].bytes < point.bytes)
			search->front[count++] = search->front[i];
	if (count == FRONT_MAX && search->front[--count].cost < point.cost) {
		search->front_count = FRONT_MAX;
		return;
	}
	for (at = count; at && search->front[at - 1].cost > point.cost; at--)
		search->front[at] = search->front[at - 1];
	search->front[at] = point;
	search->front_count = count + 1;
	while (search->front[search->front_count - 1].cost > FRONT_FACTOR * search->front[0].cost)
		search->front_count--;
}

static void tell_progress(const struct search *search)
{
	struct progress *progress = &search->graph->progress;

	if (!search->graph->tell_progress)
		return;
	progress->first_operator = search->place->first_operator;
	progress->operator_count = search->place->operator_count;
	progress->operators_total = search->graph->operator_count;
	progress->ways = search->ways;
	progress->cycles = search->found ? search->best->cycles : 0;
	search->graph->tell_progress(search->graph->progress_opaque, progress);
}

/*
 * Lowers the segment with these settings, unless they have been tried, and keeps the
 * result if it is the fastest.
 */
static int search_try(struct search *search, const struct program_settings *settings)
{
	struct candidate candidate = {
		.cache = &search->caches[settings->order][settings->placement][settings->rearrange],
		.order = search->orders.orders[settings->order].operators,
		.constants = search->constants,
	};
	struct stream_segment place = *search->place;
	int ret;

	if ((search->found && search->effort > EFFORT_MAX) || !is_new(search, settings))
		return 0;
	if (settings->order)
		candidate.cache->like = &search->caches[0][settings->placement][settings->rearrange];
	tell_progress(search);
	search->ways++;
	ret = candidate_build(&candidate, search->graph, search->target, search->place, &place,
			      settings);
	search->work += candidate.made_commands + candidate.made_bytes / WORK_BYTES;
	search->effort += candidate.made_commands + candidate.made_bytes / WORK_BYTES +
			  candidate.program.cut_steps;
	if (is_misfit(ret)) {
		search->work += candidate.program.cut_steps;
		*search->failed_operator = candidate.failed_operator;
	}
	if (!ret) {
		front_add(search, &candidate);
		if (!program_is_tiled(&candidate.program) &&
		    (!search->untiled_cycles || candidate.cycles < search->untiled_cycles))
			search->untiled_cycles = candidate.cycles;
	}
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

/* The same where a failure is no news. */
static int search_vary(struct search *search, const struct program_settings *settings)
{
	int ret = search_try(search, settings);

	return is_misfit(ret) ? 0 : ret;
}

/* Varies the points of the front as it is now: as many as there is time for. */
static int search_front(struct search *search,
			int (*vary)(struct search *search, const struct search_point *from))
{
	struct search_point points[FRONT_MAX];
	unsigned int count = search->front_count;
	int ret = 0;

	for (unsigned int i = 0; i < count; i++)
		points[i] = search->front[i];
	for (unsigned int i = 0; i < count && !ret && (!i || search->work < WORK_MAX); i++)
		ret = vary(search, &points[i]);
	return ret;
}

/* Weights of a command, with the first input whole and then in pieces. */
static int search_chunks(struct search *search, unsigned int round, uint64_t cascade_limit,
			 bool placement, bool tiles)
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
			.tiles = tiles,
			.cascade = {
				.limit_bytes = cascade_limit, .rows = CASCADE_ROWS,
				.split_bytes = UINT64_MAX, .column_pieces = 1,
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
 * fetched ahead.
 */
static int vary_cascades(struct search *search, const struct search_point *from)
{
	static const int32_t rows[] = { 1, 2, 4 };

	for (uint64_t eighths = 8; eighths >= 2; eighths = eighths > 4 ? eighths / 2 : eighths - 1)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			struct program_settings settings = from->settings;
			int ret;

			settings.cascade.limit_bytes = search->target->sram_bytes / 8 * eighths;
			settings.cascade.rows = rows[r];
			if (settings.cascade.limit_bytes >= from->largest_need)
				continue;
			ret = search_vary(search, &settings);
			if (ret)
				return ret;
		}
	return 0;
}

/*
 * Values that outlive their cascades through memory, and longer cascades: where
 * something is in memory between operators anyway.
 */
static int vary_splits(struct search *search, const struct search_point *from)
{
	static const int32_t rows[] = { 1, 2, 4, 8 };

	if (!from->spills || !search->target->spill)
		return 0;
	for (unsigned int variant = 0; variant < 6; variant++)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			struct program_settings settings = from->settings;
			int ret;

			settings.cascade.rows = rows[r];
			settings.cascade.longest = variant % 2;
			settings.cascade.split_bytes = variant < 2 ? UINT64_MAX :
				search->target->sram_bytes >> variant;
			if (!settings.cascade.limit_bytes)
				settings.cascade.limit_bytes = search->target->sram_bytes;
			ret = search_vary(search, &settings);
			if (ret)
				return ret;
		}
	return 0;
}

/* Maps in memory in tiles; columns of cascades in pieces; tiles instead of rings. */
static int vary_tiles(struct search *search, const struct search_point *from)
{
	static const struct { int32_t pieces; bool recompute, refetch; unsigned int limit; } ways[] = {
		{ 2, false, false, 0 }, { 1, true, false, 0 }, { 4, false, false, 0 },
		{ 1, true, false, 1 }, { 1, true, true, 0 },
	};
	/* The first two tell enough where nothing goes to memory. */
	const size_t count = from->spills ? sizeof(ways) / sizeof(ways[0]) : 2;
	struct program_settings settings = from->settings;
	uint64_t limit;
	int ret = 0;

	if (from->striped) {
		settings.tiles = true;
		ret = search_vary(search, &settings);
	}
	settings = from->settings;
	limit = settings.cascade.limit_bytes;
	if (!limit)
		limit = search->target->sram_bytes;
	for (size_t i = 0; i < count && !ret && (from->cascades || from->striped); i++) {
		settings.cascade.limit_bytes = limit >> ways[i].limit;
		settings.cascade.column_pieces = ways[i].pieces;
		settings.cascade.recompute = ways[i].recompute;
		settings.cascade.refetch = ways[i].refetch;
		ret = search_vary(search, &settings);
	}
	return ret;
}

/* Which comes first, the input or the first operator's constants. */
static int vary_order(struct search *search, const struct search_point *from)
{
	struct program_settings settings = from->settings;
	int ret;

	settings.constants_first = true;
	ret = search_vary(search, &settings);
	if (ret)
		return ret;
	settings.first_pieces = settings.first_pieces == 1 ? 4 : 1;
	return search_vary(search, &settings);
}

/* Elementwise operators in place. */
static int vary_in_place(struct search *search, const struct search_point *from)
{
	struct program_settings settings = from->settings;

	settings.in_place = true;
	return search_vary(search, &settings);
}

/* Views of what lies in SRAM put into their order there. */
static int vary_rearranged(struct search *search, const struct search_point *from)
{
	struct program_settings settings = from->settings;

	settings.rearrange = true;
	return from->rearrangeable ? search_vary(search, &settings) : 0;
}

/* The operators in another order than the graph's: of branches, which comes first. */
static int vary_branches(struct search *search, const struct search_point *from)
{
	struct program_settings settings = from->settings;
	int ret = 0;

	/* Changes are those of a cascade's nodes, which another order numbers anew. */
	settings.cascade.change_count = 0;
	for (unsigned int o = 1; o < search->orders.order_count && !ret; o++) {
		settings.order = o;
		ret = search_vary(search, &settings);
	}
	return ret;
}

/* Single branches sooner or later than in the fastest order, as long as that is faster. */
static int search_branches(struct search *search)
{
	const uint64_t work_max = search->work + ORDER_WORK_MAX;
	int order = 0;

	for (unsigned int number = 0; order >= 0 && search->work < work_max; number++) {
		struct program_settings settings = search->best->program.settings;
		double before = search->best->cost;
		int ret;

		order = order_neighbour(&search->orders, settings.order, number);
		if (order == -ENOMEM)
			return order;
		if (order <= 0)
			continue;
		settings.order = (unsigned int)order;
		settings.cascade.change_count = 0;
		ret = search_vary(search, &settings);
		if (ret)
			return ret;
		if (search->best->cost < before)
			number = ~0u;
	}
	return 0;
}

/* A setting half as large or twice as large, one at a time, as long as that is faster. */
static int search_neighbours(struct search *search)
{
	double before;
	int ret = 0;

	do {
		const struct program_settings base = search->best->program.settings;

		before = search->best->cost;
		for (unsigned int n = 0; n < 8 && !ret && search->work < WORK_MAX; n++) {
			struct program_settings settings = base;
			bool more = n % 2;

			if (n / 2 == 0)
				settings.chunk_bytes = more ? 2 * base.chunk_bytes :
							      base.chunk_bytes / 2;
			else if (n / 2 == 1)
				settings.stripe_bytes = more ? 2 * base.stripe_bytes :
							       base.stripe_bytes / 2;
			else if (n / 2 == 2)
				settings.first_pieces = more ? 2 * base.first_pieces :
							       base.first_pieces / 2;
			else
				settings.cascade.limit_bytes =
					more ? base.cascade.limit_bytes / 4 * 5 :
					       base.cascade.limit_bytes / 5 * 4;
			if (settings.chunk_bytes && settings.stripe_bytes && settings.first_pieces)
				ret = search_vary(search, &settings);
		}
	} while (!ret && search->best->cost < before);
	return ret;
}

/* Tries to end the best candidate's cascade at a node elsewhere, or to make it otherwise. */
static int search_change(struct search *search, const struct cascade_change *change)
{
	struct program_settings settings = search->best->program.settings;
	struct cascade_settings *cascade = &settings.cascade;
	unsigned int i = 0;

	while (i < cascade->change_count && cascade->changes[i].first != change->first)
		i++;
	if (i == CASCADE_CHANGES || change->rows < 1)
		return 0;
	cascade->changes[i] = *change;
	if (i == cascade->change_count)
		cascade->change_count++;
	return search_vary(search, &settings);
}

#define CASCADE_VARIANTS 8

/* The ways to make a cascade otherwise: rows, end, columns. False: it is no such cascade. */
static bool vary_change(struct cascade_change *change, unsigned int variant)
{
	static const struct { int end, taller, wider; } variants[CASCADE_VARIANTS] = {
		{ 0, 1, 0 }, { 0, -1, 0 }, { 1, 0, 0 }, { -1, 0, 0 }, { 2, 0, 0 }, { -2, 0, 0 },
		{ 0, 0, 1 }, { 0, 0, -1 },
	};

	if (variants[variant].wider && !change->tiling.columns)
		return false;
	change->end += (unsigned int)variants[variant].end;
	if (variants[variant].taller > 0)
		change->rows *= 2;
	else if (variants[variant].taller < 0)
		change->rows /= 2;
	if (variants[variant].wider > 0)
		change->tiling.columns *= 2;
	else if (variants[variant].wider < 0)
		change->tiling.columns = (change->tiling.columns + 1) / 2;
	return true;
}

static uint64_t changes_work(const struct search *search)
{
	return search->best->segment.scratch_bytes ? CHANGES_WORK_MAX_SPILLS : CHANGES_WORK_MAX;
}

/*
 * The cascades of the best candidate one by one: longer, shorter, none, or of other rows
 * or columns, as long as something is faster.
 */
static int search_changes(struct search *search, uint64_t work_max)
{
	double before;
	int ret = 0;

	do {
		before = search->best->cost;
		for (unsigned int n = 0; n < search->best->segment.node_count && !ret; n++) {
			const struct program *program = &search->best->program;
			const struct cascade_change now = {
				.first = n, .end = program->cascade_ends[n],
				.rows = program->cascade_rows[n],
				.tiling = program->cascade_tilings[n],
			};

			for (unsigned int i = 0; i < CASCADE_VARIANTS && now.end && !ret &&
						 search->work < work_max; i++) {
				double best = search->best->cost;
				struct cascade_change change = now;

				if (!vary_change(&change, i))
					continue;
				ret = search_change(search, &change);
				if (search->best->cost < best)
					break;
			}
		}
	} while (!ret && search->best->cost < before);
	return ret;
}

/* The first ways that work, in ever smaller pieces. */
static int search_first(struct search *search)
{
	uint64_t sram = search->target->sram_bytes;
	int ret = -ENOSPC;

	for (unsigned int round = 0; round < ROUNDS && !search->found; round++) {
		ret = search_chunks(search, round, sram, true, false);
		/* Parts in SRAM need more room than parts in memory. */
		if (!ret && search->best->segment.placed)
			ret = search_chunks(search, round, sram, false, false);
		if (is_misfit(ret))
			ret = search_chunks(search, round, sram, false, false);
		if (is_misfit(ret))
			ret = search_chunks(search, round, 0, false, false);
		/* Rows are too long. */
		if (is_misfit(ret))
			ret = search_chunks(search, round, 0, false, true);
		if (ret && !is_misfit(ret))
			break;
	}
	return ret;
}

/*
 * Tiles, from the fastest points; where they are faster, what is near them too. Last, so
 * that what else is tried does not depend on them, and with work of their own.
 */
static int search_tiles(struct search *search)
{
	struct search_point points[FRONT_MAX];
	const double before = search->best->cost;
	unsigned int count = search->best->segment.scratch_bytes ? TILES_POINTS : 1;
	int ret = 0;

	if (count > search->front_count)
		count = search->front_count;

	for (unsigned int i = 0; i < count; i++)
		points[i] = search->front[i];
	search->work = 0;
	for (unsigned int i = 0; i < count && !ret && search->work < TILES_WORK_MAX; i++)
		ret = vary_tiles(search, &points[i]);
	if (ret || search->best->cost >= before)
		return ret;
	search->work = 0;
	ret = search_front(search, vary_order);
	if (!ret)
		ret = search_neighbours(search);
	return ret ? ret : search_changes(search, changes_work(search));
}

/* The first way that works of those that a seed stands for. */
static int search_any(struct search *search)
{
	uint64_t seed = search->graph->search_seed;
	int ret = order_random(&search->orders, seed);

	if (ret > 0)
		ret = 0;
	for (unsigned int i = 0; i < RANDOM_TRIES && !search->found && !ret; i++) {
		struct program_settings settings =
			search_random(&seed, search->target->sram_bytes);

		settings.order %= search->orders.order_count;
		ret = search_vary(search, &settings);
	}
	return ret;
}

/*
 * Other orders of branches than the graph's, and the cascades of the best of them: what
 * has been found in the graph's own is given up for what is faster only.
 */
static int search_orders(struct search *search)
{
	int ret;

	search->work = 0;
	ret = search_front(search, vary_branches);
	if (!ret)
		ret = search_branches(search);
	if (ret || !search->best->program.settings.order)
		return ret;
	ret = search_front(search, vary_cascades);
	return ret ? ret : search_changes(search, search->work + ORDER_WORK_MAX);
}

/*
 * The fastest way without waits that others bring about. Last and once: it is a matter of
 * single cycles, and of the pages that constants lie on behind fewer commands.
 */
static int search_waits(struct search *search)
{
	struct program_settings settings = search->best->program.settings;

	settings.thin_waits = true;
	return search_vary(search, &settings);
}

static int search_best(struct search *search)
{
	int ret = search_first(search);

	if (!ret)
		ret = search_front(search, vary_cascades);
	if (!ret)
		ret = search_front(search, vary_splits);
	if (!ret)
		ret = search_front(search, vary_order);
	if (!ret)
		ret = search_front(search, vary_in_place);
	if (!ret)
		ret = search_front(search, vary_rearranged);
	if (!ret)
		ret = search_neighbours(search);
	if (!ret)
		ret = search_changes(search, changes_work(search));
	if (!ret)
		ret = search_tiles(search);
	if (!ret && search->orders.units)
		ret = search_orders(search);
	return ret ? ret : search_waits(search);
}

int search_segment(struct ir_graph *graph, const struct target *target,
		   struct stream_segment *out, struct pool *constants,
		   struct candidate *best, unsigned int *failed_operator)
{
	const struct stream_segment place = *out;
	struct stream_segment best_out = *out;
	struct search search = {
		.graph = graph, .target = target, .place = &place, .best = best,
		.constants = constants,
		.best_out = &best_out, .failed_operator = failed_operator,
	};
	int ret = order_find(&search.orders, graph, place.first_operator, place.operator_count,
			     target->sram_bytes);

	if (!ret && graph->search_seed)
		ret = search_any(&search);
	if (!ret && !search.found)
		ret = search_best(&search);
	if (ret) {
		candidate_release(best);
		return ret;
	}
	/* The values and nodes refer to the segment they were tried with. */
	best->segment.out = out;
	best->program.segment = &best->segment;
	best->untiled_cycles = search.untiled_cycles;
	*out = best_out;
	out->order = search.orders.orders[best->program.settings.order].reason;
	out->order_count = search.orders.order_count;
	ret = candidate_keep(best);
	best->cache = NULL;
	if (ret)
		candidate_release(best);
	return ret;
}
