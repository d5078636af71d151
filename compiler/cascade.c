// SPDX-License-Identifier: MIT
#include "cascade_tile.h"

#define RECORD_BYTES 9
/* Rounds that a node can be ahead of the last: more than there are changes of unit. */
#define ROUNDS_AHEAD (2 * CASCADE_NODES)

static int32_t least(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static uint64_t value_bytes(const struct segment_value *value, int32_t rows)
{
	return layout_bytes(&value->layout, rows);
}

/* Whether a node of the run reads what node n of it makes. */
static bool is_read_inside(const struct segment *segment, const struct cascade_run *run,
			   unsigned int n)
{
	for (unsigned int m = n + 1; m < run->end; m++)
		for (unsigned int i = 0; i < segment->nodes[m].input_count; i++)
			if (segment->nodes[m].inputs[i] == segment->nodes[n].output)
				return true;
	return false;
}

/* Whether a ring will do for a node's output: the run uses it up, or it is split. */
static bool output_rolls(const struct segment *segment, const struct cascade_run *run,
			 unsigned int n)
{
	int index = segment->nodes[n].output;
	const struct segment_value *value = &segment->values[index];

	/* It has been split. */
	if (value->ring_rows)
		return true;
	if (!is_read_inside(segment, run, n))
		return false;
	return (!value->stores && segment->values[index].last_reader < (int)run->end) ||
	       value_bytes(value, value->height) > run->split_bytes;
}

/* Rows of the input behind which output rows [.., to) need nothing, in or out of the map. */
static int64_t rows_needed(const struct segment_node *node, int64_t to)
{
	const struct ir_window *w = &node->window;

	if (node->is_resize)
		return segment_resize_needed(&node->resize_y, to);
	if (node->transposed)
		return (to - 1 + w->pad_top) / w->stride_h + 1;
	return (to - 1) * w->stride_h - w->pad_top + (int64_t)(w->kernel_h - 1) * w->dilation_h + 1;
}

/* Rows of the input that so many more rows of the output need. */
static int64_t rows_taken(const struct segment_node *node, int64_t rows)
{
	if (node->is_resize)
		return segment_resize_needed(&node->resize_y, rows + 1) -
		       segment_resize_needed(&node->resize_y, 1);
	if (node->transposed)
		return (rows + node->window.stride_h - 1) / node->window.stride_h;
	return rows * node->window.stride_h;
}

/* Whether a node's output is put in memory as well. */
static bool is_stored(const struct segment *segment, const struct cascade_run *run, unsigned int n)
{
	int value = segment->nodes[n].output;

	return segment->values[value].stores || segment->values[value].last_reader >= (int)run->end;
}

struct walk {
	const struct segment *segment;
	unsigned int first, end;
	/* By node of the cascade: rows a round, rows wanted and done so far. */
	int64_t advance[CASCADE_NODES], wanted[CASCADE_NODES];
	int32_t done[CASCADE_NODES];
	/* Whether its output goes to memory, and whether rows that no node needs are left out. */
	bool stored[CASCADE_NODES], skips[CASCADE_NODES];
	/* Inputs of the run's nodes that it makes itself, in the order of their producers. */
	struct { unsigned int node, input; } readers[2 * CASCADE_NODES];
	/* By node: the first of those that read its output; one behind the last node too. */
	unsigned int first_reader[CASCADE_NODES + 1];
};

static int32_t output_height(const struct walk *walk, unsigned int n)
{
	return walk->segment->values[walk->segment->nodes[n].output].height;
}

static void find_readers(struct walk *walk)
{
	const struct segment *segment = walk->segment;
	unsigned int count = 0;

	for (unsigned int n = walk->first; n < walk->end; n++) {
		walk->first_reader[n - walk->first] = count;
		for (unsigned int m = n + 1; m < walk->end; m++)
			for (unsigned int i = 0; i < segment->nodes[m].input_count; i++)
				if (segment->nodes[m].inputs[i] == segment->nodes[n].output) {
					walk->readers[count].node = m;
					walk->readers[count++].input = i;
				}
	}
	walk->first_reader[walk->end - walk->first] = count;
}

/* Rows that each node makes in a round. */
static void walk_start(struct walk *walk, const struct cascade_run *run)
{
	find_readers(walk);
	for (unsigned int n = walk->end; n-- > walk->first;) {
		unsigned int at = n - walk->first;
		int64_t *advance = &walk->advance[at];

		*advance = 0;
		for (unsigned int r = walk->first_reader[at]; r < walk->first_reader[at + 1]; r++) {
			unsigned int m = walk->readers[r].node;
			int64_t taken = rows_taken(&walk->segment->nodes[m],
						   walk->advance[m - walk->first]);

			if (taken > *advance)
				*advance = taken;
		}
		if (!*advance)
			*advance = run->rows;
		walk->done[at] = 0;
		walk->stored[at] = is_stored(walk->segment, run, n);
		walk->skips[at] = output_rolls(walk->segment, run, n) && !walk->stored[at];
	}
}

/* Rows of each node that are wanted when the last one is to have made `target` rows. */
static void walk_want(struct walk *walk, int64_t target)
{
	const struct segment *segment = walk->segment;
	int32_t last_height = output_height(walk, walk->end - 1);

	for (unsigned int n = walk->end; n-- > walk->first;) {
		unsigned int at = n - walk->first;
		int64_t *wanted = &walk->wanted[at];

		*wanted = INT64_MIN;
		for (unsigned int r = walk->first_reader[at]; r < walk->first_reader[at + 1]; r++) {
			unsigned int m = walk->readers[r].node;
			const struct segment_node *reader = &segment->nodes[m];
			int64_t to = walk->wanted[m - walk->first], needed;

			/* Ahead of another unit, so that neither waits. */
			if (reader->is_mac != segment->nodes[n].is_mac)
				to += walk->advance[m - walk->first];
			needed = rows_needed(reader, to);
			/* Rows of padding alone: commands name a row even so. */
			if (to > 0 && needed < 1)
				needed = 1;
			if (needed > *wanted)
				*wanted = needed;
		}
		if (walk->first_reader[at] == walk->first_reader[at + 1])
			*wanted = n + 1 == walk->end ? target :
				  target * output_height(walk, n) / last_height;
	}
}

/* Rows of node n's output that are kept when its rows up to `to` are written. */
static int32_t rows_kept(const struct walk *walk, unsigned int n, int32_t to)
{
	const struct segment *segment = walk->segment;
	unsigned int at = n - walk->first;
	int32_t height = output_height(walk, n), low = to;

	for (unsigned int r = walk->first_reader[at]; r < walk->first_reader[at + 1]; r++) {
		unsigned int m = walk->readers[r].node;
		int32_t done = walk->done[m - walk->first], from, end;

		if (done == output_height(walk, m))
			continue;
		segment_operand_rows(&segment->nodes[m], walk->readers[r].input, height, done,
				     done + 1, &from, &end);
		low = least(low, from);
	}
	return to - low;
}

static bool walk_over(const struct walk *walk)
{
	for (unsigned int n = walk->first; n < walk->end; n++)
		if (!walk->skips[n - walk->first] &&
		    walk->done[n - walk->first] < output_height(walk, n))
			return false;
	return true;
}

unsigned int cascade_pieces(const struct segment *segment, const struct cascade_run *run,
			    struct cascade_piece *pieces, int32_t ring[CASCADE_NODES])
{
	struct walk walk = { .segment = segment, .first = run->first, .end = run->end };
	int64_t target = -(int64_t)ROUNDS_AHEAD * run->rows;
	unsigned int count = 0, first = run->first, end = run->end;

	walk_start(&walk, run);
	for (unsigned int n = first; n < end; n++)
		ring[n - first] = 0;
	for (; !walk_over(&walk); target += run->rows) {
		walk_want(&walk, target);
		for (unsigned int n = first; n < end; n++) {
			int32_t *done = &walk.done[n - first], height = output_height(&walk, n);
			int64_t wanted = walk.wanted[n - first];
			int32_t to = wanted < height ? (int32_t)wanted : height, kept;

			if (wanted <= *done || *done == height)
				continue;
			if (count == CASCADE_PIECES)
				return 0;
			if (pieces)
				pieces[count] = (struct cascade_piece){ n, *done, to };
			count++;
			kept = rows_kept(&walk, n, to);
			/* All of them go to memory. */
			if (walk.stored[n - first] && kept < to - *done)
				kept = to - *done;
			if (kept > ring[n - first])
				ring[n - first] = kept;
			*done = to;
		}
	}
	for (unsigned int n = first; n < end; n++) {
		int32_t step = segment->nodes[n].transposed ? segment->nodes[n].window.stride_h : 1;

		/* Each phase has a ring of its own inside it. */
		ring[n - first] = least(ring[n - first], output_height(&walk, n));
		ring[n - first] = (ring[n - first] + step - 1) / step * step;
	}
	return count;
}

/* Parts and what has parts lie whole in SRAM. */
static bool is_placed(const struct segment_value *value)
{
	return value->whole >= 0 || value->has_parts;
}

/* Whether a node can be computed a few rows at a time, next to others. */
static bool node_fits(const struct segment *segment, unsigned int n)
{
	const struct segment_node *node = &segment->nodes[n];

	/* Windows that stay inside images do not roll on. */
	if (node->image_rows || node->store || node->rearrangement.active || is_placed(&segment->values[node->output]))
		return false;
	for (unsigned int i = 0; i < node->input_count; i++)
		if (is_placed(&segment->values[node->inputs[i]]))
			return false;
	switch (node->op->kind) {
	case IR_CONVOLUTION:
	case IR_TRANSPOSE_CONVOLUTION:
	case IR_DEPTHWISE:
	case IR_ADD:
	case IR_SUB:
	case IR_MUL:
	case IR_MINIMUM:
	case IR_MAXIMUM:
	case IR_TABLE:
	case IR_REQUANTISE:
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
	case IR_RESIZE_BILINEAR:
	case IR_RESIZE_NEAREST:
		return segment->values[node->output].height > 1;
	default:
		return false;
	}
}

/* Values made before node `first` that it or a later one reads. */
static uint64_t live_bytes(const struct segment *segment, unsigned int first)
{
	uint64_t bytes = 0;

	for (unsigned int v = 0; v < segment->value_count; v++) {
		const struct segment_value *value = &segment->values[v];

		if (value->producer >= 0 && value->producer < (int)first && value->resident &&
		    value->last_reader >= (int)first)
			bytes += value_bytes(value, value->height);
	}
	return bytes;
}

static uint64_t constant_bytes(const struct segment *segment, const struct segment_node *node)
{
	if (!node->is_mac)
		return node->op->kind == IR_TABLE ? IR_TABLE_ENTRIES : 0;
	return weights_bytes(&node->weights, node->weights.output_channels) +
	       RECORD_BYTES * (uint64_t)segment->values[node->output].channels;
}

uint64_t cascade_need(const struct segment *segment, unsigned int n)
{
	const struct segment_node *node = &segment->nodes[n];
	const struct segment_value *output = &segment->values[node->output];
	uint64_t bytes = live_bytes(segment, n);

	if (!node->store)
		bytes += value_bytes(output, output->height);

	for (unsigned int i = 0; i < node->input_count; i++) {
		const struct segment_value *input = &segment->values[node->inputs[i]];

		if (input->producer < 0)
			bytes += value_bytes(input, input->height);
	}
	return bytes;
}

uint64_t cascade_largest_need(const struct segment *segment)
{
	uint64_t largest = 0;

	for (unsigned int n = 0; n < segment->node_count; n++)
		if (cascade_need(segment, n) > largest)
			largest = cascade_need(segment, n);
	return largest;
}

/* Whether input `i` of node n, which is in memory, comes to a cascade in stripes of rows. */
static bool input_streams(const struct segment *segment, unsigned int n, unsigned int i,
			  uint64_t split_bytes)
{
	const struct segment_node *node = &segment->nodes[n];
	const struct segment_value *input = &segment->values[node->inputs[i]];

	/* One row stays where it is, and so does what another node takes as a whole. */
	return !node->row_broadcast[i] && !input->read_whole &&
	       (input->last_reader == (int)n ||
		value_bytes(input, input->height) > split_bytes);
}

/* Whether something that the run reads is put in memory inside it, so not in time. */
static bool reads_too_early(const struct segment *segment, const struct cascade_run *run)
{
	for (unsigned int n = run->first; n < run->end; n++)
		for (unsigned int i = 0; i < segment->nodes[n].input_count; i++)
			if (segment->values[segment->nodes[n].inputs[i]].source_after >=
			    (int)run->first)
				return true;
	return false;
}

/* Whether the run can be tiled as it says. */
static bool tiling_fits(const struct segment *segment, const struct cascade_run *run)
{
	if (!run->tiling.columns && !run->tiling.recompute)
		return true;
	return cascade_can_tile(segment, run) &&
	       cascade_tile_count(segment, run) <= CASCADE_TILES;
}

/* SRAM that a cascade needs, constants too; UINT64_MAX: it cannot be. */
static uint64_t cascade_bytes(const struct segment *segment, const struct cascade_run *run)
{
	unsigned int first = run->first, last = run->end - 1;
	const struct segment_value *end_value = &segment->values[segment->nodes[last].output];
	uint64_t bytes = live_bytes(segment, first);
	struct cascade_tile needs[CASCADE_NODES], tile = { 0, 1, 0, end_value->width };
	int32_t ring[CASCADE_NODES];

	if (reads_too_early(segment, run) || !tiling_fits(segment, run))
		return UINT64_MAX;
	if (run->tiling.recompute)
		return bytes + cascade_tile_bytes(segment, run);
	if (!cascade_pieces(segment, run, NULL, ring))
		return UINT64_MAX;
	if (run->tiling.columns && run->tiling.columns < end_value->width) {
		tile.column_first = (end_value->width - run->tiling.columns) / 2;
		tile.column_end = tile.column_first + run->tiling.columns;
	}
	cascade_tile_needs(segment, run, &tile, needs);
	for (unsigned int n = first; n < run->end; n++) {
		const struct segment_node *node = &segment->nodes[n];
		const struct segment_value *output = &segment->values[node->output];

		bytes += constant_bytes(segment, node);
		if (run->tiling.columns && n != last)
			bytes += cascade_tile_value_bytes(output, ring[n - first],
							  needs[n - first].column_end -
							  needs[n - first].column_first);
		else if (run->tiling.columns)
			bytes += cascade_tile_output_bytes(output, run->rows, run->tiling.columns);
		else
			bytes += value_bytes(output, output_rolls(segment, run, n) ?
					     ring[n - first] : output->height);
		for (unsigned int i = 0; i < node->input_count; i++) {
			const struct segment_value *input = &segment->values[node->inputs[i]];
			int32_t from, to, left, right;

			if (input->producer >= 0)
				continue;
			segment_operand_rows(node, i, input->height, 0,
					     least(output->height, 4 * run->rows), &from, &to);
			segment_operand_columns(node, input->width, output->width,
						needs[n - first].column_first,
						needs[n - first].column_end, &left, &right);
			bytes += 2 * cascade_tile_value_bytes(input, to - from, right - left);
		}
	}
	return bytes;
}

/*
 * The longest cascade from `first` that recomputes and stays within the limit, in tiles
 * that compute least again; its end is 0 where there is none.
 */
static struct cascade_run recomputing_run(const struct segment *segment, unsigned int first,
					  const struct cascade_settings *settings)
{
	const uint64_t live = live_bytes(segment, first);
	struct cascade_run best = { .first = first };
	uint64_t single = 0;

	for (unsigned int n = first; n < segment->node_count && n - first < CASCADE_NODES &&
	     node_fits(segment, n) && live < settings->limit_bytes; n++) {
		struct cascade_run run = {
			.first = first, .end = n + 1, .rows = settings->rows,
			.split_bytes = UINT64_MAX,
			.tiling = { .recompute = true, .refetch = settings->refetch },
		};

		if (cascade_need(segment, n) > single)
			single = cascade_need(segment, n);
		if (n == first || !cascade_can_tile(segment, &run) ||
		    reads_too_early(segment, &run) ||
		    !cascade_tile_choose(segment, &run, settings->limit_bytes - live))
			continue;
		if (cascade_bytes(segment, &run) < single)
			best = run;
	}
	return best;
}

/* Columns of each of so many pieces of a node's output; 0: it is one piece. */
static int32_t piece_columns(const struct segment *segment, unsigned int n, int32_t pieces)
{
	int32_t width = segment->values[segment->nodes[n].output].width;

	return pieces < 2 || width < 2 ? 0 : (width + pieces - 1) / pieces;
}

/*
 * The end that gives the cascade from `first` the smallest need, or the last one that
 * the limit allows; 0: none helps. With columns in pieces, if there is any such.
 */
static unsigned int best_end(const struct segment *segment, unsigned int first,
			     const struct cascade_settings *settings, int32_t pieces)
{
	uint64_t best_bytes = UINT64_MAX, single = 0;
	unsigned int best = 0;
	struct cascade_run run = {
		.first = first, .rows = settings->rows, .split_bytes = settings->split_bytes,
	};

	for (unsigned int n = first; n < segment->node_count && n - first < CASCADE_NODES &&
	     node_fits(segment, n); n++) {
		uint64_t bytes;

		if (cascade_need(segment, n) > single)
			single = cascade_need(segment, n);
		if (n == first)
			continue;
		run.end = n + 1;
		run.tiling.columns = piece_columns(segment, n, pieces);
		bytes = cascade_bytes(segment, &run);
		if (settings->longest && bytes <= settings->limit_bytes)
			bytes = 0;
		if ((bytes < best_bytes || !bytes) && bytes < single) {
			best_bytes = bytes;
			best = n + 1;
		}
	}
	return best;
}

static int cascade_take(struct segment *segment, const struct cascade_run *run)
{
	int32_t ring[CASCADE_NODES];
	int ret = 0;

	if (!run->tiling.recompute)
		cascade_pieces(segment, run, NULL, ring);
	for (unsigned int n = run->first; n < run->end && !ret; n++) {
		const struct segment_node *node = &segment->nodes[n];

		if ((run->tiling.columns || run->tiling.recompute) && n + 1 < run->end)
			segment->values[node->output].tiled = true;
		if (!run->tiling.recompute && output_rolls(segment, run, n)) {
			segment->values[node->output].ring_rows = ring[n - run->first];
			if (segment->values[node->output].last_reader >= (int)run->end)
				ret = segment_split(segment, (unsigned int)node->output, run->end);
		}
		for (unsigned int i = 0; i < node->input_count; i++)
			if (segment->values[node->inputs[i]].producer < 0 &&
			    input_streams(segment, n, i, run->split_bytes))
				segment->values[node->inputs[i]].resident = false;
	}
	return ret;
}

/* Whether nodes can be one cascade. */
static bool run_fits(const struct segment *segment, const struct cascade_run *run)
{
	if (run->end <= run->first + 1 || run->end > segment->node_count ||
	    run->end - run->first > CASCADE_NODES || run->rows < 1 || run->tiling.columns < 0)
		return false;
	for (unsigned int n = run->first; n < run->end; n++)
		if (!node_fits(segment, n))
			return false;
	return cascade_bytes(segment, run) < UINT64_MAX;
}

/* The cascade from `first` on that the settings ask for; its end is 0 where none helps. */
static struct cascade_run chosen_run(const struct segment *segment, unsigned int first,
				     const struct cascade_settings *settings)
{
	struct cascade_run run = { .first = first };

	if (settings->recompute)
		run = recomputing_run(segment, first, settings);
	if (run.end)
		return run;
	run.rows = settings->rows;
	run.split_bytes = settings->split_bytes;
	run.end = best_end(segment, first, settings, settings->column_pieces);
	if (run.end)
		run.tiling.columns = piece_columns(segment, run.end - 1, settings->column_pieces);
	else if (settings->column_pieces > 1)
		run.end = best_end(segment, first, settings, 1);
	return run;
}

/* The cascade that begins with node `n`; its end is 0 where there is none. */
static struct cascade_run run_at(const struct segment *segment, unsigned int n,
				 const struct cascade_settings *settings)
{
	struct cascade_run run = {
		.first = n, .rows = settings->rows, .split_bytes = settings->split_bytes,
	};

	for (unsigned int i = 0; i < settings->change_count; i++) {
		if (settings->changes[i].first != n)
			continue;
		run.end = settings->changes[i].end;
		run.rows = settings->changes[i].rows;
		run.tiling = settings->changes[i].tiling;
		if (!run_fits(segment, &run))
			run.end = 0;
		return run;
	}
	if (node_fits(segment, n) &&
	    (cascade_need(segment, n) > settings->limit_bytes ||
	     (n + 1 < segment->node_count &&
	      cascade_need(segment, n + 1) > settings->limit_bytes)))
		run = chosen_run(segment, n, settings);
	return run;
}

int cascade_choose(struct segment *segment, const struct cascade_settings *settings,
		   unsigned int *ends, int32_t *rows, struct cascade_tiling *tilings)
{
	unsigned int n = 0;
	int ret = 0;

	for (unsigned int i = 0; i < segment->node_count; i++)
		ends[i] = 0;
	while (n < segment->node_count && !ret) {
		const struct cascade_run run = run_at(segment, n, settings);

		ends[n] = run.end;
		rows[n] = run.rows;
		tilings[n] = run.tiling;
		if (!run.end) {
			n++;
			continue;
		}
		ret = cascade_take(segment, &run);
		n = run.end;
	}
	return ret;
}
