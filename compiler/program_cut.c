// SPDX-License-Identifier: MIT
#include <errno.h>

#include "phases.h"
#include "program_cut.h"

/* Of a command. */
#define STRIDE_MAX 64
/* What a tile costs beside its bytes. */
#define TILE_BYTES 1024
/* Tiles of a node, for each chunk of its channels. */
#define TILES_MAX 512

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Whether the rows of a node's operands come and go in stripes. */
static bool node_is_striped(const struct segment *segment, const struct segment_node *node)
{
	bool striped = !segment->values[node->output].resident;

	for (unsigned int i = 0; i < node->input_count; i++)
		striped |= !segment->values[node->inputs[i]].resident;
	return striped;
}

/* Output rows of a stripe, so that what is staged for it stays within the limit. */
static int32_t stripe_rows(const struct program *program, const struct segment_node *node)
{
	const struct segment *segment = program->segment;
	const struct segment_value *output = &segment->values[node->output];
	int32_t rows = node->image_rows ? node->image_rows : output->height;

	for (; rows > 1; rows = (rows + 1) / 2) {
		uint64_t bytes = output->resident ? 0 : layout_bytes(&output->layout, rows);

		for (unsigned int i = 0; i < node->input_count; i++) {
			const struct segment_value *input = &segment->values[node->inputs[i]];
			int32_t first, end;

			if (input->resident)
				continue;
			/* The middle of the map has the most rows. */
			segment_operand_rows(node, i, input->height, output->height / 2,
					     output->height / 2 + rows, &first, &end);
			bytes += layout_bytes(&input->layout, end - first);
		}
		if (bytes <= program->settings.stripe_bytes)
			break;
	}
	return rows;
}

/* Whether a node's columns can be made some at a time. */
static bool can_tile(const struct segment_node *node)
{
	return !node->is_product && !node->rearrangement.active &&
	       (node->store || node->op->kind != IR_PAD);
}

/* Bytes of `columns` columns of some rows, about as many as they take by themselves. */
static uint64_t columns_bytes(const struct segment_value *value, int32_t rows, int32_t columns)
{
	uint64_t bytes = (uint64_t)value->layout.row_stride * (uint64_t)columns;

	return (uint64_t)rows * ((bytes / (uint64_t)value->width + 31) & ~15ull);
}

/* Bytes that are staged for a tile of the output's middle: what comes, and what goes. */
static uint64_t tile_inputs(const struct program *program, const struct segment_node *node,
			    int32_t rows, int32_t columns)
{
	const struct segment *segment = program->segment;
	const struct segment_value *output = &segment->values[node->output];
	int32_t image_rows = node->image_rows ? node->image_rows : output->height;
	int32_t y = (image_rows - rows) / 2, x = (output->width - columns) / 2;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < node->input_count; i++) {
		const struct segment_value *input = &segment->values[node->inputs[i]];
		int32_t first, end, left, right;

		if (input->resident)
			continue;
		segment_operand_rows(node, i, input->height, y, y + rows, &first, &end);
		segment_operand_columns(node, input->width, output->width, x, x + columns, &left,
					&right);
		bytes += columns_bytes(input, end - first, right - left);
	}
	return bytes;
}

static uint64_t tile_output(const struct program *program, const struct segment_node *node,
			    int32_t rows, int32_t columns)
{
	const struct segment_value *output = &program->segment->values[node->output];

	return output->resident ? 0 : columns_bytes(output, rows, columns);
}

/* Bytes of the weights of the first brick of output channels. */
static uint64_t brick_bytes(const struct segment_node *node)
{
	struct weights_part part = weights_whole(&node->weights);

	if (part.channel_count > KESTREL_ISA_BRICK_BYTES)
		part.channel_count = KESTREL_ISA_BRICK_BYTES;
	weights_group_inputs(&node->weights, &part);
	return phases_offset(node, &part, phases_count(node));
}

/* Output channels whose weights make one chunk: bricks, or all. */
static int32_t chunk_channels(const struct program *program, const struct segment_node *node)
{
	int32_t channels = program->segment->values[node->output].channels, chunk;
	uint64_t brick;

	if (!node->is_mac || node->is_product || channels <= 16 ||
	    (node->depthwise && program->segment->values[node->inputs[0]].channels != channels))
		return channels;
	brick = brick_bytes(node);
	if (brick >= program->settings.chunk_bytes)
		return 16;
	chunk = (int32_t)least((uint64_t)channels, program->settings.chunk_bytes / brick * 16);
	/* Bricks of other groups have other inputs. */
	if (node->weights.group_outputs && chunk > node->weights.group_outputs)
		chunk = node->weights.group_outputs < 16 ? 16 :
			node->weights.group_outputs / 16 * 16;
	return chunk;
}

/* Whether a node makes at most one brick of one pixel, of which it keeps the sums. */
static bool is_short_vector(const struct program *program, const struct segment_node *node)
{
	const struct segment_value *output = &program->segment->values[node->output];

	return output->channels <= KESTREL_ISA_BRICK_BYTES && output->height == 1 &&
	       output->width == 1 && output->resident;
}

/*
 * Kernel rows and input channels of a step: fewer than all of them where the weights
 * of a brick of outputs would not leave room for anything else; and so many that
 * their weights make one chunk where a node makes a single brick, since its channels
 * cannot be cut.
 */
static void cut_sums(const struct program *program, const struct segment_node *node,
		     struct program_cut *cut)
{
	uint64_t bytes, limit = program->settings.stripe_bytes, row, lane;
	int32_t depth = node->weights.depth;

	cut->kernel = node->window.kernel_h;
	cut->inputs = node->weights.channels;
	if (!node->is_mac || node->is_product || node->depthwise || node->transposed)
		return;
	bytes = brick_bytes(node);
	if (is_short_vector(program, node) && program->settings.chunk_bytes < limit)
		limit = program->settings.chunk_bytes;
	if (bytes <= limit)
		return;
	/* Bytes of a kernel row, and of a brick of its input channels. */
	row = bytes / (uint64_t)cut->kernel;
	if (row <= limit || node->weights.mode != KESTREL_MAC_CONVOLUTION) {
		cut->kernel = (int32_t)(limit / row);
		if (!cut->kernel)
			cut->kernel = 1;
		return;
	}
	lane = row * (uint64_t)depth / (uint64_t)node->weights.channels;
	cut->kernel = 1;
	cut->inputs = (int32_t)(limit / (lane ? lane : 1)) * depth;
	if (cut->inputs < depth)
		cut->inputs = depth;
	if (cut->inputs > node->weights.channels)
		cut->inputs = node->weights.channels;
}

/* Cycles that maps and weights take on their ports. */
static uint64_t port_cycles(const struct target *target, uint64_t maps, uint64_t weights)
{
	uint64_t map_cycles = maps * TARGET_RATE_ONE / target_port_rate(target, 1, false);
	uint64_t weight_cycles = weights * TARGET_RATE_ONE / target_port_rate(target, 0, false);

	if (target->ports == 1)
		return map_cycles + weight_cycles;
	return map_cycles > weight_cycles ? map_cycles : weight_cycles;
}

/* How a node goes over tiles of one shape. */
struct tile_order {
	uint64_t cycles;
	int32_t channels;
	bool maps_first;
};

/*
 * The fastest order for tiles of a shape: all of them for each chunk of channels, all
 * chunks for each tile, or all channels at once with all weights in SRAM. False: the
 * tiles are too large or too many.
 */
static bool order_tiles(const struct program *program, const struct segment_node *node,
			const struct program_cut *cut, struct tile_order *order)
{
	const struct segment_value *output = &program->segment->values[node->output];
	const struct target *target = program->segment->target;
	int32_t image_rows = node->image_rows ? node->image_rows : output->height;
	uint64_t limit = program->settings.stripe_bytes, weights = 0, in, out, cycles;
	uint64_t chunks = (uint64_t)((output->channels - 1) / cut->channels + 1);
	uint64_t tiles = (uint64_t)(output->height / image_rows) *
			 (uint64_t)((image_rows - 1) / cut->rows + 1) *
			 (uint64_t)((output->width - 1) / cut->tile_columns + 1);
	bool sums = node->is_mac && (cut->kernel < node->window.kernel_h ||
				     cut->inputs < node->weights.channels);

	in = tile_inputs(program, node, cut->rows, cut->tile_columns);
	out = tile_output(program, node, cut->rows, cut->tile_columns);
	if (node->is_mac)
		weights = weights_bytes(&node->weights, node->weights.output_channels);
	if (in + out / chunks > limit || tiles * chunks > TILES_MAX)
		return false;
	*order = (struct tile_order){
		.cycles = port_cycles(target, tiles * (chunks * in + out + TILE_BYTES), weights),
		.channels = cut->channels,
	};
	if (chunks == 1 || sums)
		return true;
	cycles = port_cycles(target, tiles * (in + out + TILE_BYTES), tiles * weights);
	if (cycles < order->cycles) {
		order->cycles = cycles;
		order->maps_first = true;
	}
	cycles = port_cycles(target, tiles * (in + out + TILE_BYTES), weights);
	if (cycles < order->cycles && weights <= limit && in + out <= limit)
		*order = (struct tile_order){ .cycles = cycles, .channels = output->channels };
	return true;
}

/* Tiles, and an order, that take the least time on the ports; stripes where none fits. */
static void choose_tile(const struct program *program, const struct segment_node *node,
			struct program_cut *cut)
{
	const struct segment_value *output = &program->segment->values[node->output];
	int32_t image_rows = node->image_rows ? node->image_rows : output->height;
	struct tile_order order, best = { .cycles = UINT64_MAX };
	struct program_cut tried = *cut;

	for (tried.tile_columns = output->width;;
	     tried.tile_columns = (tried.tile_columns + 1) / 2) {
		for (tried.rows = image_rows;; tried.rows = (tried.rows + 1) / 2) {
			if (order_tiles(program, node, &tried, &order)) {
				if (order.cycles < best.cycles) {
					best = order;
					cut->rows = tried.rows;
					cut->tile_columns = tried.tile_columns;
				}
				break;
			}
			if (tried.rows == 1)
				break;
		}
		if (tried.tile_columns == 1)
			break;
	}
	if (best.cycles == UINT64_MAX)
		return;
	cut->channels = best.channels;
	cut->maps_first = best.maps_first;
}

/* Rows, and columns where tiles are wanted, of a node whose operands come in stripes. */
static void stripe(const struct program *program, const struct segment_node *node,
		   struct program_cut *cut)
{
	cut->rows = stripe_rows(program, node);
	if (program->settings.tiles && can_tile(node))
		choose_tile(program, node, cut);
	cut->columns = cut->tile_columns;
}

int program_cut_node(const struct program *program, unsigned int n, struct program_cut *cut)
{
	const struct segment_node *node = &program->segment->nodes[n];
	const struct segment_value *output = &program->segment->values[node->output];
	int32_t image_rows = node->image_rows ? node->image_rows : output->height;
	uint64_t pixels = target_accumulator_pixels(program->segment->target), steps;

	*cut = (struct program_cut){
		.rows = image_rows, .columns = output->width, .tile_columns = output->width,
		.in_ram = true,
		.phases = phases_count(node),
	};
	cut->channels = chunk_channels(program, node);
	cut_sums(program, node, cut);
	if (node_is_striped(program->segment, node))
		stripe(program, node, cut);
	else if (!n && program->settings.first_pieces > 1 &&
		 (node->store || node->op->kind != IR_PAD))
		cut->rows = (output->height + program->settings.first_pieces - 1) /
			    program->settings.first_pieces;
	cut->rows = (int32_t)least((uint64_t)cut->rows, (uint64_t)image_rows);
	/* A matrix at a time. */
	if (node->is_product)
		cut->rows = 1;
	if (node->rearrangement.active) {
		cut->rows = node->rearrangement.row_channels ? 1 : image_rows;
		if (node->rearrangement.brick_channels)
			cut->channels = node->rearrangement.brick_channels;
	}
	/* Wider strides than a command's: one row, one column at a time. */
	if (!node->transposed && node->window.stride_h > STRIDE_MAX)
		cut->rows = 1;
	if (!node->transposed && node->window.stride_w > STRIDE_MAX)
		cut->columns = 1;
	if (!node->is_product &&
	    (cut->kernel < node->window.kernel_h || cut->inputs < node->weights.channels)) {
		uint64_t rows = pixels / (uint64_t)cut->columns;

		cut->channels = (int32_t)least(16, (uint64_t)output->channels);
		cut->in_ram = rows > 0;
		cut->rows = (int32_t)least((uint64_t)cut->rows, rows ? rows : 1);
	}
	steps = (uint64_t)(output->height / image_rows) *
		(uint64_t)((image_rows - 1) / cut->rows + 1) *
		(uint64_t)((output->width - 1) / cut->columns + 1) *
		(uint64_t)((output->channels - 1) / cut->channels + 1) * (uint64_t)cut->phases;
	if (node->is_mac && !node->is_product)
		steps *= (uint64_t)((node->window.kernel_h - 1) / cut->kernel + 1) *
			 (uint64_t)((node->weights.channels - 1) / cut->inputs + 1);
	return steps > PROGRAM_NODE_STEPS ? -EFBIG : 0;
}

void program_cut_piece(const struct program *program, unsigned int n, bool chunks,
		       struct program_cut *cut)
{
	const struct segment_node *node = &program->segment->nodes[n];

	*cut = (struct program_cut){
		.kernel = node->window.kernel_h, .inputs = node->weights.channels,
		.phases = phases_count(node), .in_ram = true,
		.channels = chunks ? chunk_channels(program, node) :
				     program->segment->values[node->output].channels,
	};
}
