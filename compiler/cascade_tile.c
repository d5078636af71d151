// SPDX-License-Identifier: MIT
#include "cascade_tile.h"

#define RECORD_BYTES 9
/* Weights that are fetched for each tile: those in use and those behind them. */
#define WEIGHTS_AHEAD 2
/* More work than this many times that of whole maps is too much. */
#define WORK_MAX 1.5
/* MACs that a VECTOR unit's element counts for. */
#define ELEMENT_WORK 16

static int32_t least(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static const struct segment_value *output_of(const struct segment *segment, unsigned int n)
{
	return &segment->values[segment->nodes[n].output];
}

bool cascade_can_tile(const struct segment *segment, const struct cascade_run *run)
{
	for (unsigned int n = run->first; n + 1 < run->end; n++) {
		const struct segment_value *value = output_of(segment, n);

		if (value->stores || value->last_reader >= (int)run->end ||
		    value->last_reader <= (int)n)
			return false;
	}
	return true;
}

static void tile_join(struct cascade_tile *tile, const struct cascade_tile *other)
{
	if (tile->row_end == tile->row_first) {
		*tile = *other;
		return;
	}
	if (other->row_first < tile->row_first)
		tile->row_first = other->row_first;
	if (other->row_end > tile->row_end)
		tile->row_end = other->row_end;
	if (other->column_first < tile->column_first)
		tile->column_first = other->column_first;
	if (other->column_end > tile->column_end)
		tile->column_end = other->column_end;
}

/* What a node reads of an input for a tile of its output. */
static struct cascade_tile input_tile(const struct segment *segment, unsigned int n,
				      unsigned int i, const struct cascade_tile *tile)
{
	const struct segment_node *node = &segment->nodes[n];
	const struct segment_value *input = &segment->values[node->inputs[i]];
	struct cascade_tile read;

	segment_operand_rows(node, i, input->height, tile->row_first, tile->row_end,
			     &read.row_first, &read.row_end);
	segment_operand_columns(node, input->width, output_of(segment, n)->width,
				tile->column_first, tile->column_end, &read.column_first,
				&read.column_end);
	return read;
}

void cascade_tile_needs(const struct segment *segment, const struct cascade_run *run,
			const struct cascade_tile *tile, struct cascade_tile needs[CASCADE_NODES])
{
	for (unsigned int n = run->first; n < run->end; n++)
		needs[n - run->first] = (struct cascade_tile){ 0 };
	needs[run->end - 1 - run->first] = *tile;
	for (unsigned int n = run->end; n-- > run->first;)
		for (unsigned int i = 0; i < segment->nodes[n].input_count; i++) {
			int producer = segment->values[segment->nodes[n].inputs[i]].producer;
			struct cascade_tile read;

			if (producer < (int)run->first)
				continue;
			read = input_tile(segment, n, i, &needs[n - run->first]);
			tile_join(&needs[(unsigned int)producer - run->first], &read);
		}
}

unsigned int cascade_tile_count(const struct segment *segment, const struct cascade_run *run)
{
	const struct segment_value *output = output_of(segment, run->end - 1);
	int32_t rows = run->tiling.recompute ? run->rows : output->height;
	int32_t columns = run->tiling.columns ? run->tiling.columns : output->width;
	uint64_t tiles = (uint64_t)((output->height - 1) / rows + 1) *
			 (uint64_t)((output->width - 1) / columns + 1);

	return tiles * (run->end - run->first) > CASCADE_TILES ? CASCADE_TILES + 1 :
								  (unsigned int)tiles;
}

uint64_t cascade_tile_value_bytes(const struct segment_value *value, int32_t rows,
				  int32_t columns)
{
	uint64_t row = value->layout.row_stride;

	if (columns < value->width)
		row = (row * (uint64_t)columns / (uint64_t)value->width + 31) & ~15ull;
	return row * (uint64_t)rows;
}

static uint64_t weight_bytes(const struct segment *segment, unsigned int n)
{
	const struct segment_node *node = &segment->nodes[n];

	return node->is_mac ? weights_bytes(&node->weights, node->weights.output_channels) : 0;
}

/* Records and tables stay, weights that are fetched again do not. */
static uint64_t constant_bytes(const struct segment *segment, const struct cascade_run *run)
{
	uint64_t bytes = 0, largest = 0;

	for (unsigned int n = run->first; n < run->end; n++) {
		const struct segment_node *node = &segment->nodes[n];

		if (node->is_mac)
			bytes += RECORD_BYTES * (uint64_t)output_of(segment, n)->channels;
		else if (node->op->kind == IR_TABLE)
			bytes += IR_TABLE_ENTRIES;
		if (!run->tiling.refetch)
			bytes += weight_bytes(segment, n);
		else if (weight_bytes(segment, n) > largest)
			largest = weight_bytes(segment, n);
	}
	return bytes + WEIGHTS_AHEAD * largest;
}

static uint64_t tile_value_bytes(const struct segment_value *value, const struct cascade_tile *tile)
{
	return cascade_tile_value_bytes(value, tile->row_end - tile->row_first,
					tile->column_end - tile->column_first);
}

/* The most that lives at once of the values inside and of what is fetched for them. */
static uint64_t maps_bytes(const struct segment *segment, const struct cascade_run *run,
			   const struct cascade_tile *tile)
{
	struct cascade_tile needs[CASCADE_NODES];
	uint64_t most = 0;

	cascade_tile_needs(segment, run, tile, needs);
	for (unsigned int n = run->first; n < run->end; n++) {
		uint64_t bytes = 0;

		for (unsigned int m = run->first; m + 1 < run->end && m <= n; m++)
			if (output_of(segment, m)->last_reader >= (int)n)
				bytes += tile_value_bytes(output_of(segment, m),
							  &needs[m - run->first]);
		for (unsigned int i = 0; i < segment->nodes[n].input_count; i++) {
			const struct segment_value *input =
				&segment->values[segment->nodes[n].inputs[i]];
			const struct cascade_tile read = input_tile(segment, n, i,
								    &needs[n - run->first]);

			if (input->producer < 0)
				bytes += 2 * tile_value_bytes(input, &read);
		}
		if (bytes > most)
			most = bytes;
	}
	return most;
}

/* The tile in the middle, which needs the most around it. */
static struct cascade_tile middle_tile(const struct segment_value *output, int32_t rows,
				       int32_t columns)
{
	int32_t y = (output->height - rows) / 2, x = (output->width - columns) / 2;

	return (struct cascade_tile){ y, y + rows, x, x + columns };
}

uint64_t cascade_tile_output_bytes(const struct segment_value *value, int32_t rows,
				   int32_t columns)
{
	uint64_t whole = layout_bytes(&value->layout, value->height);
	uint64_t staged = 2 * cascade_tile_value_bytes(value, rows, columns);

	return staged < whole ? staged : whole;
}

uint64_t cascade_tile_bytes(const struct segment *segment, const struct cascade_run *run)
{
	const struct segment_value *output = output_of(segment, run->end - 1);
	int32_t columns = run->tiling.columns ? run->tiling.columns : output->width;
	const struct cascade_tile tile = middle_tile(output, least(run->rows, output->height),
						     least(columns, output->width));

	return constant_bytes(segment, run) +
	       cascade_tile_output_bytes(output, least(run->rows, output->height),
					 least(columns, output->width)) +
	       maps_bytes(segment, run, &tile);
}

/* What one element of a node's output costs. */
static double element_work(const struct segment *segment, unsigned int n)
{
	int32_t channels = output_of(segment, n)->channels;

	return segment->nodes[n].is_mac ? (double)weight_bytes(segment, n) :
					  (double)channels * ELEMENT_WORK;
}

/* The work of all tiles like this one in that of whole maps. */
static double tile_work(const struct segment *segment, const struct cascade_run *run,
			const struct cascade_tile *tile, double tiles)
{
	struct cascade_tile needs[CASCADE_NODES];
	double work = 0, whole = 0;

	cascade_tile_needs(segment, run, tile, needs);
	for (unsigned int n = run->first; n < run->end; n++) {
		const struct segment_value *output = output_of(segment, n);
		const struct cascade_tile *need = &needs[n - run->first];
		double element = element_work(segment, n);

		work += element * tiles * (double)(need->row_end - need->row_first) *
			(double)(need->column_end - need->column_first);
		whole += element * (double)output->height * (double)output->width;
	}
	return work / whole;
}

bool cascade_tile_choose(const struct segment *segment, struct cascade_run *run,
			 uint64_t limit_bytes)
{
	const struct segment_value *output = output_of(segment, run->end - 1);
	double least_work = WORK_MAX;
	bool found = false;

	for (int32_t columns = output->width;; columns = (columns + 1) / 2) {
		for (int32_t rows = output->height;; rows = (rows + 1) / 2) {
			struct cascade_run tried = *run;
			const struct cascade_tile tile = middle_tile(output, rows, columns);
			double work;

			tried.rows = rows;
			tried.tiling.columns = columns < output->width ? columns : 0;
			if (cascade_tile_bytes(segment, &tried) <= limit_bytes) {
				unsigned int tiles = cascade_tile_count(segment, &tried);

				work = tile_work(segment, run, &tile, (double)tiles);
				if (tiles <= CASCADE_TILES && work < least_work) {
					least_work = work;
					*run = tried;
					found = true;
				}
				break;
			}
			if (rows == 1)
				break;
		}
		if (columns == 1)
			return found;
	}
}
