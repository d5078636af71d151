// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "cascade_tile.h"
#include "error.h"
#include "phases.h"
#include "program.h"
#include "program_cut.h"
#include "program_spill.h"

#define RECORD_BYTES 9
/* Of a pixel of 16 channels. */
#define ACCUMULATOR_BYTES 64
/*
 * Values that leave the SRAM one by one, each where the plan then fails; if there are
 * more, as many at once as have to: a cut for each would take time with the square.
 */
#define SPILL_ROUNDS 128

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Doubles an array in the arena when it is full. */
static void *grown(struct arena *arena, void *items, unsigned int count, unsigned int *capacity,
		   size_t size)
{
	void *larger;

	if (count < *capacity)
		return items;
	*capacity = *capacity ? 2 * *capacity : 64;
	larger = arena_alloc(arena, *capacity, size);
	if (larger && count)
		memcpy(larger, items, count * size);
	return larger;
}

static int buffer_add(struct program *program, const struct program_buffer *buffer,
		      uint64_t bytes, unsigned int step, unsigned int *index)
{
	struct arena *arena = program->segment->graph->arena;
	unsigned int capacity = program->buffer_capacity;

	program->plan = grown(arena, program->plan, program->buffer_count, &capacity,
			      sizeof(*program->plan));
	program->buffers = grown(arena, program->buffers, program->buffer_count,
				 &program->buffer_capacity, sizeof(*program->buffers));
	if (!program->plan || !program->buffers)
		return error_memory(program->segment->graph->error);
	*index = program->buffer_count++;
	program->buffers[*index] = *buffer;
	program->plan[*index] = (struct plan_buffer){
		.bytes = bytes, .first = step, .last = step,
		.is_load = buffer->content != PROGRAM_RESULT &&
			   buffer->content != PROGRAM_ACCUMULATORS,
	};
	return 0;
}

struct weights_part program_part(const struct program_step *step)
{
	return (struct weights_part){
		.channel_first = step->channel_first, .channel_count = step->channel_count,
		.kernel_first = step->kernel_first, .kernel_end = step->kernel_end,
		.input_first = step->input_first, .input_end = step->input_end,
	};
}

/* The step behind the last one of the nodes up to `node`; those of a cascade take turns. */
static unsigned int written_step(const struct program *program, int node)
{
	unsigned int step = 0;

	for (int n = 0; n <= node; n++)
		if (program->nodes[n].end_step > step)
			step = program->nodes[n].end_step;
	return step;
}

/* Gives a stage of fewer columns than its value has a layout of its own. */
static void narrow(const struct program *program, struct program_buffer *stage)
{
	int32_t width = stage->column_end - stage->column_first;

	if (width < program->segment->values[stage->index].width)
		stage->layout = segment_columns_layout(program->segment, stage->index, width);
}

/* The buffer of an input's rows: the whole value, or a staged stripe of it. */
static int input_buffer(struct program *program, const struct segment_node *node,
			unsigned int input, const struct program_step *step, bool first_of_block,
			unsigned int index, unsigned int *buffer)
{
	struct program_node *shared = &program->nodes[node - program->segment->nodes];
	struct segment_value *value = &program->segment->values[node->inputs[input]];
	struct program_buffer stage = {
		.content = PROGRAM_VALUE, .index = (unsigned int)node->inputs[input],
		.row_end = value->height, .column_end = value->width, .layout = value->layout,
	};
	int ret;

	if (value->whole >= 0)
		value->buffer = program->segment->values[value->whole].buffer;
	if (value->resident && value->buffer != PROGRAM_NO_BUFFER) {
		*buffer = value->buffer;
		program->plan[*buffer].last = index;
		return 0;
	}
	if (!value->resident && !first_of_block) {
		*buffer = shared->inputs[input];
		program->plan[*buffer].last = index;
		return 0;
	}
	if (!value->resident) {
		segment_operand_rows(node, input, value->height, step->row_first, step->row_end,
				     &stage.row_first, &stage.row_end);
		segment_operand_columns(node, value->width,
					program->segment->values[node->output].width,
					step->tile_first, step->tile_end,
					&stage.column_first, &stage.column_end);
		narrow(program, &stage);
	}
	ret = buffer_add(program, &stage, layout_bytes(&stage.layout,
						       stage.row_end - stage.row_first),
			 index, buffer);
	if (ret)
		return ret;
	if (value->source_after >= 0)
		program->plan[*buffer].earliest = written_step(program, value->source_after);
	if (value->resident)
		value->buffer = *buffer;
	shared->inputs[input] = *buffer;
	return 0;
}

static bool layouts_equal(const struct layout *a, const struct layout *b)
{
	return a->height == b->height && a->width == b->width && a->channels == b->channels &&
	       a->element_bytes == b->element_bytes && a->row_stride == b->row_stride &&
	       a->brick_stride == b->brick_stride && a->pixel_stride == b->pixel_stride;
}

/* Whether a node behind node `n` reads the value. */
static bool is_read_later(const struct segment *segment, unsigned int n, int value)
{
	for (unsigned int m = n + 1; m < segment->node_count; m++)
		for (unsigned int i = 0; i < segment->nodes[m].input_count; i++)
			if (segment->nodes[m].inputs[i] == value)
				return true;
	return false;
}

/*
 * The buffer of an input that an elementwise node may write its output over, since
 * nothing reads it again: PROGRAM_NO_BUFFER where there is none.
 */
static unsigned int buffer_in_place(const struct program *program, unsigned int n)
{
	const struct segment *segment = program->segment;
	const struct segment_node *node = &segment->nodes[n];
	const struct segment_value *output = &segment->values[node->output];

	if (!program->settings.in_place ||
	    (!ir_is_elementwise(node->op->kind) && node->op->kind != IR_TABLE) ||
	    node->store || !output->resident || output->whole >= 0 || output->ring_rows || program->nodes[n].cascade)
		return PROGRAM_NO_BUFFER;
	for (unsigned int i = 0; i < node->input_count; i++) {
		const struct segment_value *input = &segment->values[node->inputs[i]];

		if (input->resident && !input->ring_rows && !input->constant &&
		    input->whole < 0 && !input->has_parts &&
		    input->buffer != PROGRAM_NO_BUFFER &&
		    layouts_equal(&input->layout, &output->layout) &&
		    !is_read_later(segment, n, node->inputs[i]))
			return input->buffer;
	}
	return PROGRAM_NO_BUFFER;
}

static int output_buffer(struct program *program, const struct segment_node *node,
			 const struct program_step *step, bool first_of_block,
			 unsigned int index, unsigned int *buffer)
{
	struct program_node *shared = &program->nodes[node - program->segment->nodes];
	struct segment_value *value = &program->segment->values[node->output];
	struct program_buffer stage = {
		.content = PROGRAM_RESULT, .index = (unsigned int)node->output,
		.row_first = step->row_first, .row_end = step->row_end,
		.column_first = step->tile_first, .column_end = step->tile_end,
		.layout = value->layout,
	};
	int ret;

	if (value->whole >= 0) {
		/* The first part makes room for all. */
		stage.index = (unsigned int)value->whole;
		value = &program->segment->values[value->whole];
		stage.layout = value->layout;
	}
	if (value->resident && value->buffer == PROGRAM_NO_BUFFER)
		value->buffer = buffer_in_place(program, (unsigned int)(node - program->segment->nodes));
	if (value->resident && value->buffer != PROGRAM_NO_BUFFER) {
		*buffer = value->buffer;
		program->plan[*buffer].last = index;
		return 0;
	}
	if (!value->resident && !first_of_block) {
		*buffer = shared->output;
		program->plan[*buffer].last = index;
		return 0;
	}
	if (value->resident && !value->tiled) {
		stage.row_first = stage.column_first = 0;
		stage.row_end = value->ring_rows ? value->ring_rows : value->height;
		stage.column_end = value->width;
	} else if (value->tiled) {
		if (value->ring_rows) {
			stage.row_first = 0;
			stage.row_end = value->ring_rows;
		}
		narrow(program, &stage);
	} else if (step->channel_count < value->channels) {
		stage.layout = layout_make(stage.layout.element_bytes, value->height,
					   step->tile_end - step->tile_first,
					   step->channel_count, false);
	} else {
		narrow(program, &stage);
	}
	ret = buffer_add(program, &stage, layout_bytes(&stage.layout,
						       stage.row_end - stage.row_first),
			 index, buffer);
	if (!ret && value->resident)
		value->buffer = *buffer;
	shared->output = *buffer;
	return ret;
}

/* Where sums wait in SRAM for more of them. */
static int accumulator_buffer(struct program *program, const struct segment_node *node,
			      struct program_step *step, unsigned int index)
{
	struct program_node *shared = &program->nodes[node - program->segment->nodes];
	struct program_buffer stage = {
		.content = PROGRAM_ACCUMULATORS, .index = step->node,
	};
	int ret = 0;

	if (step->accumulate_from != KESTREL_ACCUMULATE_SRAM &&
	    step->accumulate_to != KESTREL_ACCUMULATE_SRAM)
		return 0;
	if (step->accumulate_from != KESTREL_ACCUMULATE_SRAM)
		ret = buffer_add(program, &stage,
				 (uint64_t)((step->channel_count + 15) / 16) *
				 (uint64_t)(step->column_end - step->column_first) *
				 (uint64_t)(step->row_end - step->row_first) * ACCUMULATOR_BYTES,
				 index, &shared->accumulators);
	step->accumulators = shared->accumulators;
	program->plan[step->accumulators].last = index;
	return ret;
}

/*
 * Entries of the table that can change an output byte: at 2^11 and below
 * nothing is left of one (docs/hardware.md, "Softmax").
 */
static uint64_t exponential_entries(const struct ir_operator *op)
{
	uint64_t entries = IR_TABLE_ENTRIES;

	while (entries > 1 && op->exponentials[entries - 1] < 1 << 11)
		entries--;
	return entries;
}

/* The table of a node that computes with one; 0 bytes: it does without. */
static enum program_content table_of(const struct segment_node *node, uint64_t *bytes)
{
	*bytes = 0;
	if (node->store || node->copy || node->rearrangement.active)
		return PROGRAM_TABLE;
	switch (node->op->kind) {
	case IR_TABLE:
		*bytes = IR_TABLE_ENTRIES;
		return PROGRAM_TABLE;
	case IR_SOFTMAX:
		*bytes = 4 * exponential_entries(node->op);
		return PROGRAM_EXPONENTIALS;
	case IR_LAYER_NORM:
		*bytes = node->op->portable->parameter_bytes;
		return PROGRAM_GAINS;
	default:
		return PROGRAM_TABLE;
	}
}

/* Constants of a step: channel records once a node, weights once a chunk, tables. */
static int constant_buffers(struct program *program, unsigned int n, bool first_of_node,
			    bool first_of_chunk, struct program_step *step, unsigned int index)
{
	const struct segment_node *node = &program->segment->nodes[n];
	struct program_node *shared = &program->nodes[n];
	struct program_buffer buffer = { .index = n };
	uint64_t table_bytes;
	int ret = 0;

	if (node->is_product)
		return 0;
	if (node->is_mac) {
		int32_t channels = program->segment->values[node->output].channels;

		if (first_of_node) {
			buffer.content = PROGRAM_RECORDS;
			buffer.part.channel_count = channels;
			ret = buffer_add(program, &buffer, RECORD_BYTES * (uint64_t)channels, index,
					 &shared->records);
		}
		if (ret)
			return ret;
		step->records = shared->records;
		program->plan[step->records].last = index;
		if (!first_of_chunk) {
			step->weights = shared->weights;
			program->plan[step->weights].last = index;
			return 0;
		}
		buffer.content = PROGRAM_WEIGHTS;
		buffer.part = program_part(step);
		ret = buffer_add(program, &buffer,
				 phases_offset(node, &buffer.part, phases_count(node)), index,
				 &shared->weights);
		step->weights = shared->weights;
		return ret;
	}
	buffer.content = table_of(node, &table_bytes);
	if (!table_bytes)
		return 0;
	if (!first_of_node) {
		step->table = shared->table;
		program->plan[step->table].last = index;
		return 0;
	}
	ret = buffer_add(program, &buffer, table_bytes, index, &shared->table);
	step->table = shared->table;
	return ret;
}

/* What a step is the first of, and so needs buffers for. */
struct step_first {
	/* Its node; the rows for which the weights are fetched; rows; rows and channels. */
	bool node, chunk, input, block;
};

static int step_add(struct program *program, unsigned int n, struct program_step *step,
		    const struct step_first *first)
{
	const struct segment_node *node = &program->segment->nodes[n];
	unsigned int index = program->step_count;
	bool constants_first = !index && program->settings.constants_first;
	int ret = 0;

	program->steps = grown(program->segment->graph->arena, program->steps, index,
			       &program->step_capacity, sizeof(*program->steps));
	if (!program->steps)
		return error_memory(program->segment->graph->error);
	step->node = n;
	step->inputs[1] = step->weights = step->records = step->table = PROGRAM_NO_BUFFER;
	step->accumulators = PROGRAM_NO_BUFFER;
	if (constants_first)
		ret = constant_buffers(program, n, first->node, first->chunk, step, index);
	for (unsigned int i = 0; i < node->input_count && !ret; i++)
		ret = input_buffer(program, node, i, step, first->input, index, &step->inputs[i]);
	if (!ret && !constants_first)
		ret = constant_buffers(program, n, first->node, first->chunk, step, index);
	if (!ret)
		ret = accumulator_buffer(program, node, step, index);
	if (node->store)
		step->output = step->inputs[0];
	else if (!ret)
		ret = output_buffer(program, node, step, first->block, index, &step->output);
	if (ret)
		return ret;
	program->steps[program->step_count++] = *step;
	program->nodes[n].end_step = program->step_count;
	return 0;
}

/* Whether a block of the output has any rows and columns of a phase. */
static bool phase_is_in(const struct segment_node *node, int32_t phase,
			const struct program_step *block)
{
	const struct ir_window *w = &node->window;
	int32_t row;

	if (!node->transposed)
		return true;
	row = node->image_rows ? block->row_first % node->image_rows : block->row_first;
	return block->row_first + phases_first(row, w->stride_h, phase / w->stride_w) - row <
	       block->row_end &&
	       phases_first(block->column_first, w->stride_w, phase % w->stride_w) <
	       block->column_end;
}

/* The steps that make some rows of some channels: phases, or parts of the sums. */
static int block_steps(struct program *program, unsigned int n, const struct program_cut *cut,
		       const struct program_step *block, struct step_first first)
{
	const struct segment_node *node = &program->segment->nodes[n];
	enum kestrel_accumulators kept = cut->in_ram ? KESTREL_ACCUMULATE_RAM :
						       KESTREL_ACCUMULATE_SRAM;
	struct weights_part inputs = {
		.channel_first = block->channel_first, .channel_count = block->channel_count,
	};
	int32_t from, to, last = 0;
	int ret = 0;

	if (!node->is_mac || node->is_product) {
		struct program_step step = *block;

		step.output_done = step.column_end == step.tile_end;
		return step_add(program, n, &step, &first);
	}
	for (int32_t p = 0; p < cut->phases; p++)
		if (phase_is_in(node, p, block))
			last = p;
	weights_group_inputs(&node->weights, &inputs);
	from = inputs.input_first;
	to = inputs.input_end;
	for (int32_t p = 0; p <= last && !ret; p++) {
		if (!phase_is_in(node, p, block))
			continue;
		for (int32_t k = 0; k < node->window.kernel_h && !ret; k += cut->kernel)
			for (int32_t i = from; i < to && !ret; i += cut->inputs) {
				struct program_step step = *block;
				bool begin = !k && i == from;
				bool end;

				step.phase = p;
				step.kernel_first = k;
				step.kernel_end = (int32_t)least((uint64_t)(k + cut->kernel),
						(uint64_t)node->window.kernel_h);
				step.input_first = i;
				step.input_end = (int32_t)least((uint64_t)(i + cut->inputs),
								(uint64_t)to);
				end = step.kernel_end == node->window.kernel_h &&
				      step.input_end == to;
				step.accumulate_from = begin ? KESTREL_ACCUMULATE_FRESH : kept;
				step.accumulate_to = end ? KESTREL_ACCUMULATE_FRESH : kept;
				step.output_done = end && p == last &&
						   step.column_end == step.tile_end;
				/* Parts of sums have weights of their own. */
				first.chunk |= !(begin && end);
				ret = step_add(program, n, &step, &first);
				first = (struct step_first){ 0 };
			}
	}
	return ret;
}

/* The steps of a tile, column after column. */
static int tile_steps(struct program *program, unsigned int n, const struct program_cut *cut,
		      struct program_step *block, struct step_first first)
{
	int ret = 0;

	for (int32_t x = block->tile_first; x < block->tile_end && !ret; x += cut->columns) {
		block->column_first = x;
		block->column_end = (int32_t)least((uint64_t)(x + cut->columns),
						   (uint64_t)block->tile_end);
		ret = block_steps(program, n, cut, block, first);
		first = (struct step_first){ 0 };
	}
	return ret;
}

/* The steps of some rows and channels, tile after tile. */
static int row_steps(struct program *program, unsigned int n, const struct program_cut *cut,
		     struct program_step *block, struct step_first first)
{
	int32_t width = program->segment->values[program->segment->nodes[n].output].width;
	int ret = 0;

	for (int32_t x = 0; x < width && !ret; x += cut->tile_columns) {
		block->tile_first = x;
		block->tile_end = (int32_t)least((uint64_t)(x + cut->tile_columns),
						 (uint64_t)width);
		ret = tile_steps(program, n, cut, block, first);
		first = (struct step_first){ .input = true, .block = true };
	}
	return ret;
}

/* The steps of a tile, or of some rows, chunk of channels after chunk. */
static int chunk_steps(struct program *program, unsigned int n, const struct program_cut *cut,
		       struct program_step *block, struct step_first first)
{
	int32_t channels = program->segment->values[program->segment->nodes[n].output].channels;
	int ret = 0;

	for (int32_t c = 0; c < channels && !ret; c += cut->channels) {
		block->channel_first = c;
		block->channel_count = (int32_t)least((uint64_t)cut->channels,
						      (uint64_t)(channels - c));
		ret = tile_steps(program, n, cut, block, first);
		first = (struct step_first){ .chunk = true, .block = true };
	}
	return ret;
}

static int node_steps(struct program *program, unsigned int n)
{
	const struct segment_node *node = &program->segment->nodes[n];
	const struct segment_value *output = &program->segment->values[node->output];
	int32_t image_rows = node->image_rows ? node->image_rows : output->height, outer;
	struct program_cut cut;
	int ret = program_cut_node(program, n, &cut);

	outer = cut.maps_first ? output->channels : cut.channels;
	for (int32_t c = 0; c < output->channels && !ret; c += outer)
		for (int32_t y = 0, end; y < output->height && !ret; y = end) {
			struct step_first first = {
				.node = !c && !y, .chunk = !y, .input = true, .block = true,
			};
			struct program_step block = { .row_first = y, .channel_first = c };

			end = (int32_t)least((uint64_t)(y + cut.rows),
					     (uint64_t)((y / image_rows + 1) * image_rows));
			block.row_end = end;
			block.channel_count = (int32_t)least((uint64_t)cut.channels,
							     (uint64_t)(output->channels - c));
			if (!cut.maps_first) {
				ret = row_steps(program, n, &cut, &block, first);
				continue;
			}
			for (int32_t x = 0; x < output->width && !ret; x += cut.tile_columns) {
				block.tile_first = x;
				block.tile_end = (int32_t)least((uint64_t)(x + cut.tile_columns),
								(uint64_t)output->width);
				first.chunk = true;
				ret = chunk_steps(program, n, &cut, &block, first);
				first.node = false;
			}
		}
	return ret;
}

/* A cascade while its steps are made. */
struct cascade_walk {
	struct cascade_run run;
	/* Its pieces when it recomputes nothing. */
	struct cascade_piece *pieces;
	unsigned int piece_count;
	/* What the tile at hand needs of each node. */
	struct cascade_tile needs[CASCADE_NODES];
	/* Nodes that have their constants. */
	bool begun[CASCADE_NODES];
};

/* Rows of a node of a cascade, in the columns that the tile needs: all channels. */
static int cascade_piece_steps(struct program *program, struct cascade_walk *walk,
			       const struct cascade_piece *piece)
{
	unsigned int at = piece->node - walk->run.first;
	struct program_step block = {
		.row_first = piece->row_first, .row_end = piece->row_end,
		.tile_first = walk->needs[at].column_first,
		.tile_end = walk->needs[at].column_end,
	};
	struct program_cut cut;
	int ret;

	program_cut_piece(program, piece->node, walk->run.tiling.refetch, &cut);
	cut.columns = block.tile_end - block.tile_first;
	ret = chunk_steps(program, piece->node, &cut, &block, (struct step_first){
		.node = !walk->begun[at], .chunk = !walk->begun[at] || walk->run.tiling.refetch,
		.input = true, .block = true,
	});
	walk->begun[at] = true;
	return ret;
}

/* The steps of a cascade for a tile of its last node. */
static int cascade_tile_steps(struct program *program, struct cascade_walk *walk,
			      const struct cascade_tile *tile)
{
	const struct cascade_run *run = &walk->run;
	struct segment *segment = program->segment;
	int ret = 0;

	if (run->tiling.columns || run->tiling.recompute)
		cascade_tile_needs(segment, run, tile, walk->needs);
	for (unsigned int n = run->first; n < run->end; n++)
		if (segment->values[segment->nodes[n].output].tiled)
			segment->values[segment->nodes[n].output].buffer = PROGRAM_NO_BUFFER;
	for (unsigned int p = 0; p < walk->piece_count && !ret; p++)
		ret = cascade_piece_steps(program, walk, &walk->pieces[p]);
	for (unsigned int n = run->first; n < run->end && run->tiling.recompute && !ret; n++) {
		const struct cascade_piece piece = {
			.node = n, .row_first = walk->needs[n - run->first].row_first,
			.row_end = walk->needs[n - run->first].row_end,
		};

		ret = cascade_piece_steps(program, walk, &piece);
	}
	return ret;
}

/* The steps of a cascade, tile after tile. */
static int cascade_steps(struct program *program, unsigned int first, unsigned int end)
{
	const struct segment *segment = program->segment;
	const struct segment_value *output = &segment->values[segment->nodes[end - 1].output];
	struct cascade_walk walk = {
		.run = {
			.first = first, .end = end, .rows = program->cascade_rows[first],
			.tiling = program->cascade_tilings[first], .split_bytes = UINT64_MAX,
		},
	};
	const struct cascade_tiling *tiling = &walk.run.tiling;
	int32_t rows = tiling->recompute ? walk.run.rows : output->height;
	int32_t columns = tiling->columns ? tiling->columns : output->width;
	int32_t ring[CASCADE_NODES];
	int ret = 0;

	if (!tiling->recompute) {
		walk.piece_count = cascade_pieces(segment, &walk.run, NULL, ring);
		walk.pieces = arena_alloc(segment->graph->arena, walk.piece_count,
					  sizeof(*walk.pieces));
		if (!walk.pieces)
			return error_memory(segment->graph->error);
		cascade_pieces(segment, &walk.run, walk.pieces, ring);
	}
	for (unsigned int n = first; n < end; n++) {
		const struct segment_value *value = &segment->values[segment->nodes[n].output];

		program->nodes[n].cascade = first + 1;
		walk.needs[n - first] = (struct cascade_tile){ 0, value->height, 0, value->width };
	}
	for (int32_t y = 0; y < output->height; y += rows)
		for (int32_t x = 0; x < output->width && !ret; x += columns) {
			const struct cascade_tile tile = {
				.row_first = y, .column_first = x,
				.row_end = (int32_t)least((uint64_t)(y + rows),
							  (uint64_t)output->height),
				.column_end = (int32_t)least((uint64_t)(x + columns),
							     (uint64_t)output->width),
			};

			ret = cascade_tile_steps(program, &walk, &tile);
		}
	return ret;
}

static int cut(struct program *program, unsigned int *failed_node)
{
	struct segment *segment = program->segment;
	int ret = 0;

	program->cut_steps += program->step_count;
	program->step_count = program->buffer_count = 0;
	for (unsigned int v = 0; v < segment->value_count; v++)
		segment->values[v].buffer = PROGRAM_NO_BUFFER;
	for (unsigned int n = 0; n < segment->node_count && !ret;) {
		*failed_node = n;
		if (program->cascade_ends[n]) {
			ret = cascade_steps(program, n, program->cascade_ends[n]);
			n = program->cascade_ends[n];
		} else {
			ret = node_steps(program, n++);
		}
	}
	return ret;
}

bool program_is_tiled(const struct program *program)
{
	const struct segment *segment = program->segment;

	for (unsigned int n = 0; n < segment->node_count; n++)
		if (program->cascade_ends[n] && (program->cascade_tilings[n].columns ||
						 program->cascade_tilings[n].recompute))
			return true;
	for (unsigned int s = 0; s < program->step_count; s++) {
		const struct program_step *step = &program->steps[s];

		if (step->tile_end - step->tile_first <
		    segment->values[segment->nodes[step->node].output].width)
			return true;
	}
	return false;
}

bool program_preempts(const struct program *program, unsigned int step)
{
	return step < program->preempt_steps && program->preempt[step];
}

/* Loads for which a preemption point would have to wait stay behind it. */
static void hold_back(struct program *program)
{
	unsigned int load = 0, point = 0;

	for (unsigned int b = 0; b < program->buffer_count; b++) {
		struct plan_buffer *buffer = &program->plan[b];

		if (!buffer->is_load)
			continue;
		for (unsigned int s = point + 1; s <= buffer->first; s++)
			if (program_preempts(program, s) && load >= program->preempt_loads[s])
				point = s;
		if (point > buffer->earliest)
			buffer->earliest = point;
		load++;
	}
}

static unsigned int node_of_buffer(const struct program *program, unsigned int buffer)
{
	return program->steps[program->plan[buffer].first].node;
}

int program_build(struct program *program, unsigned int *failed_node)
{
	struct segment *segment = program->segment;
	int ret = 0, failed, victim;

	program->nodes = arena_alloc(segment->graph->arena, segment->node_count,
				     sizeof(*program->nodes));
	program->cascade_ends = arena_alloc(segment->graph->arena, segment->node_count,
					    sizeof(*program->cascade_ends));
	program->cascade_rows = arena_alloc(segment->graph->arena, segment->node_count,
					    sizeof(*program->cascade_rows));
	program->cascade_tilings = arena_alloc(segment->graph->arena, segment->node_count,
					       sizeof(*program->cascade_tilings));
	if (!program->nodes || !program->cascade_ends || !program->cascade_rows ||
	    !program->cascade_tilings)
		return error_memory(segment->graph->error);
	program->largest_need = cascade_largest_need(segment);
	if (program->settings.cascade.limit_bytes)
		ret = cascade_choose(segment, &program->settings.cascade, program->cascade_ends,
				     program->cascade_rows, program->cascade_tilings);
	if (!ret && program->settings.spill_all)
		ret = program_spill_all(program);
	if (ret)
		return ret;
	for (unsigned int round = 0;; round++) {
		ret = cut(program, failed_node);
		if (ret)
			return ret;
		if (program->preempt_steps)
			hold_back(program);
		failed = plan_place(program->plan, program->buffer_count,
				    segment->target->sram_bytes, &program->peak, &program->bound);
		if (failed < 0)
			return 0;
		if (failed == (int)program->buffer_count)
			return error_memory(segment->graph->error);
		if (round >= SPILL_ROUNDS) {
			ret = program_spill_crowded(program);
			if (ret > 0)
				continue;
			if (ret)
				return ret;
		}
		victim = program_spill_victim(program, (unsigned int)failed);
		if (victim < 0 || !program_may_spill(program, (unsigned int)victim)) {
			*failed_node = node_of_buffer(program, (unsigned int)failed);
			return -ENOSPC;
		}
		ret = segment_spill(segment, (unsigned int)victim);
		if (ret)
			return ret;
	}
}
