// SPDX-License-Identifier: MIT
/* Cost of single commands: docs/hardware.md, sections 6.2 to 6.4. */
#include <string.h>

#include "passes.h"
#include "predict.h"

#define LINE KESTREL_ISA_BRICK_BYTES
#define BANKS_MAX 1024
#define LINE_BUFFER_COLUMNS 64
#define RETIRE_CYCLES 8

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

/* Counts how often the busiest bank is read in a step. */
struct bank_count {
	uint16_t reads[BANKS_MAX];
	uint32_t banks, busiest;
};

static void bank_read(struct bank_count *count, uint64_t line)
{
	uint32_t reads = ++count->reads[line % count->banks];

	if (reads > count->busiest)
		count->busiest = reads;
}

/* The geometry that decides a step's reads. */
struct step_shape {
	enum kestrel_mac_mode mode;
	/* Packed rows begin at any byte. */
	uint32_t row_bytes, pixel_lines;
	int32_t kernel_w, channels;
	int32_t stride_x, dilation_x, dilation_y;
	/* Elements of a pass. */
	int32_t depth;
};

static uint32_t step_cycles(const struct target *target, const struct step_shape *shape,
			    const struct pass *pass)
{
	struct bank_count count = { .banks = target->banks };
	uint32_t pixels = target_pixels(target);
	uint32_t stride_x = (uint32_t)shape->stride_x;

	if (shape->mode == KESTREL_MAC_CONVOLUTION) {
		for (uint32_t i = 0; i < pixels; i++)
			bank_read(&count, (uint64_t)i * stride_x * shape->pixel_lines);
	} else if (shape->mode == KESTREL_MAC_PACKED_CONVOLUTION) {
		int32_t row_elements = shape->kernel_w * shape->channels;
		int32_t at = pass->first, first_row = at / row_elements;

		while (at < pass->first + pass->count) {
			int32_t row = at / row_elements;
			int32_t end = (row + 1) * row_elements;
			uint64_t line = (uint64_t)(row - first_row) *
					(uint64_t)shape->dilation_y * shape->row_bytes / LINE;
			uint64_t span;

			if (end > pass->first + pass->count)
				end = pass->first + pass->count;
			span = (uint64_t)(end - at) +
			       (uint64_t)(pixels - 1) * stride_x * (uint64_t)shape->channels;
			for (uint64_t i = 0; i < (span + 15 + LINE - 1) / LINE; i++)
				bank_read(&count, line + i);
			at = end;
		}
	} else {
		bool buffered = (pixels - 1) * stride_x +
				(uint32_t)((shape->kernel_w - 1) * shape->dilation_x) + 1 <=
				LINE_BUFFER_COLUMNS;
		int32_t last_row = -1;

		for (int32_t tap = pass->first; tap < pass->first + pass->count; tap++) {
			int32_t row = tap / shape->kernel_w;
			uint32_t column = (uint32_t)(tap % shape->kernel_w * shape->dilation_x);
			uint64_t line = (uint64_t)row * (uint64_t)shape->dilation_y *
					(shape->row_bytes / LINE);

			if (buffered && row == last_row)
				continue;
			last_row = row;
			if (buffered)
				for (uint32_t i = 0; i < pixels * stride_x; i++)
					bank_read(&count, line + i * shape->pixel_lines);
			else
				for (uint32_t j = 0; j < pixels; j++)
					bank_read(&count, line + (column + j * stride_x) *
								 shape->pixel_lines);
		}
	}
	return count.busiest ? count.busiest : 1;
}

/* Accumulator blocks of an output map that are alike. */
struct block {
	uint64_t count, steps, pixels;
};

static void list_blocks(const struct target *target, uint64_t width, uint64_t height,
			struct block block[2])
{
	uint64_t most = target_accumulator_pixels(target), v = target_pixels(target);
	uint64_t rows, rest;

	if (width > most) {
		rest = width % most;
		block[0] = (struct block){ width / most * height, ceil_div(most, v), most };
		block[1] = (struct block){ rest ? height : 0, ceil_div(rest, v), rest };
		return;
	}
	rows = most / width < height ? most / width : height;
	rest = height % rows;
	block[0] = (struct block){ height / rows, rows * ceil_div(width, v), rows * width };
	block[1] = (struct block){ rest ? 1 : 0, rest * ceil_div(width, v), rest * width };
}

/* What the comparison setting's limits make of a block of `lanes` channels at least. */
static uint64_t limit_cycles(const struct target *target, const struct command *command,
			     uint64_t lanes, uint64_t pixels)
{
	uint64_t taps = (uint64_t)(command_get(command, KESTREL_MAC_KERNEL_HEIGHT) *
				   command_get(command, KESTREL_MAC_KERNEL_WIDTH));
	uint64_t cycles = 0, depthwise;

	if (target->output_limit &&
	    command_get(command, KESTREL_MAC_ACCUMULATE_TO) == KESTREL_ACCUMULATE_FRESH)
		cycles = ceil_div(lanes * pixels, target->output_limit);
	if (!target->depthwise_limit ||
	    command_get(command, KESTREL_MAC_MODE) != KESTREL_MAC_DEPTHWISE)
		return cycles;
	depthwise = ceil_div(lanes * pixels * taps, target->depthwise_limit);
	return depthwise > cycles ? depthwise : cycles;
}

/* One block of a group of `lanes` channels, over all passes. */
static uint64_t block_cycles(const struct target *target, const struct command *command,
			     const struct step_shape *shape, uint64_t lanes,
			     const struct block *block, uint64_t *first_load)
{
	struct passes passes = {
		.mode = shape->mode, .channels = shape->channels, .kernel_w = shape->kernel_w,
		.depth = shape->depth,
		.kernel_h = (int32_t)command_get(command, KESTREL_MAC_KERNEL_HEIGHT),
	};
	uint64_t cycles = 0, limit = limit_cycles(target, command, lanes, block->pixels);
	bool features = command_get(command, KESTREL_MAC_FLAGS) &
			KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES;
	int64_t from = command_get(command, KESTREL_MAC_ACCUMULATE_FROM);
	int64_t to = command_get(command, KESTREL_MAC_ACCUMULATE_TO);
	struct pass pass;
	bool first = true;

	while (passes_next(&passes, &pass)) {
		uint64_t work = block->steps * step_cycles(target, shape, &pass);
		/* Of a feature map whole lines. */
		uint64_t load = ceil_div(lanes * (features ? LINE : (uint64_t)pass.count),
					 target->weight_rate);

		cycles += 1 + (work > load ? work : load);
		if (first)
			*first_load = load;
		first = false;
	}
	if (cycles < limit)
		cycles = limit;
	if (from == KESTREL_ACCUMULATE_SRAM)
		cycles += block->pixels;
	if (to == KESTREL_ACCUMULATE_SRAM)
		cycles += block->pixels;
	return cycles + 2;
}

static struct predict_cost mac_cost(const struct target *target, const struct command *command)
{
	uint64_t channels = (uint64_t)command_get(command, KESTREL_MAC_OFM_CHANNELS);
	struct step_shape shape = {
		.mode = (enum kestrel_mac_mode)command_get(command, KESTREL_MAC_MODE),
		.row_bytes = (uint32_t)command_get(command, KESTREL_MAC_IFM_ROW_STRIDE),
		.pixel_lines = (uint32_t)command_get(command, KESTREL_MAC_IFM_PIXEL_STRIDE) / LINE,
		.kernel_w = (int32_t)command_get(command, KESTREL_MAC_KERNEL_WIDTH),
		.channels = (int32_t)command_get(command, KESTREL_MAC_IFM_CHANNELS),
		.stride_x = (int32_t)command_get(command, KESTREL_MAC_STRIDE_X),
		.dilation_x = (int32_t)command_get(command, KESTREL_MAC_DILATION_X),
		.dilation_y = (int32_t)command_get(command, KESTREL_MAC_DILATION_Y),
		.depth = command_get(command, KESTREL_MAC_FLAGS) & KESTREL_MAC_FLAG_IFM_16BIT ?
			 8 : 16,
	};
	uint64_t lanes = target_lanes(target), last = channels % 16;
	/* Groups of all lanes, and the short one at the end. */
	uint64_t groups[2] = { channels / 16 * (16 / lanes) + last / lanes, last % lanes != 0 };
	uint64_t sizes[2] = { lanes, last % lanes }, cycles = 0, first_load = 0;
	struct block block[2];

	list_blocks(target, (uint64_t)command_get(command, KESTREL_MAC_OFM_WIDTH),
		    (uint64_t)command_get(command, KESTREL_MAC_OFM_HEIGHT), block);
	for (int g = 1; g >= 0; g--)
		for (int b = 0; b < 2; b++)
			if (groups[g] && block[b].count)
				cycles += groups[g] * block[b].count *
					  block_cycles(target, command, &shape, sizes[g],
						       &block[b], &first_load);
	cycles += first_load > 8 ? first_load : 8;
	return (struct predict_cost){
		.busy = cycles + ceil_div(cycles, 32), .drain = RETIRE_CYCLES, .port = -1,
	};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Squares of the transposition buffer: what becomes channels is cut as what was
 * channels, a brick at a time; a line a cycle in and out.
 */
static uint64_t transpose_cycles(const struct command *command, uint64_t brick)
{
	uint64_t height = (uint64_t)command_get(command, KESTREL_VECTOR_OFM_HEIGHT);
	uint64_t width = (uint64_t)command_get(command, KESTREL_VECTOR_OFM_WIDTH);
	uint64_t bricks = ceil_div((uint64_t)command_get(command, KESTREL_VECTOR_OFM_CHANNELS),
				   brick);
	int64_t permutation = command_get(command, KESTREL_VECTOR_PERMUTATION);

	if (permutation == KESTREL_PERMUTATION_YXC || permutation == KESTREL_PERMUTATION_XYC)
		return 2 * height * width * bricks;
	if (permutation == KESTREL_PERMUTATION_YCX || permutation == KESTREL_PERMUTATION_CYX)
		return 2 * brick * height * ceil_div(width, brick) * bricks;
	return 2 * brick * width * ceil_div(height, brick) * bricks;
}

/*
 * Cycles of an operation for each group of lanes, and lines that it reads for each that it
 * writes; pools have one of both for each tap beside. 0 where cycles do not go by groups.
 */
static const struct {
	uint8_t cycles, lines;
	bool pools;
} vector_work[] = {
	[KESTREL_VECTOR_ADD] = { 3, 2, false },
	[KESTREL_VECTOR_SUB] = { 3, 2, false },
	[KESTREL_VECTOR_MUL] = { 2, 2, false },
	[KESTREL_VECTOR_MIN] = { 1, 2, false },
	[KESTREL_VECTOR_MAX] = { 1, 2, false },
	[KESTREL_VECTOR_RESCALE] = { 1, 1, false },
	[KESTREL_VECTOR_TABLE] = { 1, 1, false },
	[KESTREL_VECTOR_COPY] = { 1, 1, false },
	[KESTREL_VECTOR_MAX_POOL] = { 0, 0, true },
	[KESTREL_VECTOR_AVERAGE_POOL] = { 4, 0, true },
	[KESTREL_VECTOR_SUM_POOL] = { 1, 0, true },
	[KESTREL_VECTOR_SOFTMAX] = { 0, 3, false },
	[KESTREL_VECTOR_MIN_POOL] = { 0, 0, true },
	[KESTREL_VECTOR_LAYER_NORM] = { 0, 3, false },
	[KESTREL_VECTOR_RESIZE_NEAREST] = { 1, 1, false },
	[KESTREL_VECTOR_RESIZE_BILINEAR] = { 5, 4, false },
	[KESTREL_VECTOR_TRANSPOSE] = { 0, 1, false },
};

/* Cycles of an operation that has `even` by its groups, before the SRAM has its say. */
static uint64_t vector_cycles(const struct command *command, uint64_t even, uint64_t pixels,
			      uint64_t brick, uint64_t lanes)
{
	uint64_t channels = (uint64_t)command_get(command, KESTREL_VECTOR_OFM_CHANNELS);
	bool packed = command_get(command, KESTREL_VECTOR_IFM_PIXEL_STRIDE) < 16 ||
		      command_get(command, KESTREL_VECTOR_OFM_PIXEL_STRIDE) < 16;
	/* A packed map goes 8 elements at a time. */
	uint64_t least = packed ? ceil_div(pixels * channels, 8) : 0;

	switch (command_get(command, KESTREL_VECTOR_OPERATION)) {
	case KESTREL_VECTOR_TABLE:
		return 16 + even;
	case KESTREL_VECTOR_LAYER_NORM:
		return pixels * (6 * ceil_div(channels, lanes) + 40);
	case KESTREL_VECTOR_TRANSPOSE:
		return larger(transpose_cycles(command, brick), least);
	case KESTREL_VECTOR_RESIZE_NEAREST:
	case KESTREL_VECTOR_COPY:
		return larger(larger(even, 2 * pixels * ceil_div(channels, brick)), least);
	case KESTREL_VECTOR_SOFTMAX:
		return ceil_div((uint64_t)command_get(command, KESTREL_VECTOR_TABLE_ENTRIES), 4) +
		       pixels * (3 * ceil_div(channels, lanes) + ceil_div(channels, 4) + 24);
	default:
		return even;
	}
}

static struct predict_cost vector_cost(const struct target *target,
				       const struct command *command)
{
	uint64_t channels = (uint64_t)command_get(command, KESTREL_VECTOR_OFM_CHANNELS);
	uint64_t pixels = (uint64_t)(command_get(command, KESTREL_VECTOR_OFM_WIDTH) *
				     command_get(command, KESTREL_VECTOR_OFM_HEIGHT));
	int64_t operation = command_get(command, KESTREL_VECTOR_OPERATION);
	int64_t wide = command_get(command, KESTREL_VECTOR_FLAGS) &
		       (KESTREL_VECTOR_FLAG_IFM_16BIT | KESTREL_VECTOR_FLAG_OFM_16BIT);
	uint64_t brick = wide ? 8 : 16, lanes = target_vector_lanes(target);
	uint64_t lines = pixels * ceil_div(channels, brick);
	uint64_t groups = ceil_div(lines * brick, lanes), taps = 0, moved, cycles, sram;

	if (vector_work[operation].pools)
		taps = (uint64_t)(command_get(command, KESTREL_VECTOR_KERNEL_WIDTH) *
				  command_get(command, KESTREL_VECTOR_KERNEL_HEIGHT));
	cycles = vector_cycles(command, (vector_work[operation].cycles + taps) * groups, pixels,
			       brick, lanes);
	moved = (vector_work[operation].lines + taps + 1) * lines;
	sram = ceil_div(moved, 8);
	if (target->vector_sram_limit)
		sram = ceil_div(moved * LINE, target->vector_sram_limit);
	cycles = larger(cycles, sram) + 12;
	return (struct predict_cost){
		.busy = cycles + ceil_div(cycles, 32), .drain = RETIRE_CYCLES, .port = -1,
	};
}

static uint64_t beats(uint64_t address, uint64_t length)
{
	return ceil_div(address % 8 + length, 8);
}

/* One side of a transfer: runs of `bytes` bytes, in three dimensions. */
struct runs {
	uint64_t bytes, address;
	uint64_t counts[3];
	int64_t strides[3];
};

/* Pieces of `piece` bytes that all runs touch, each counted by itself. */
static uint64_t run_pieces(const struct runs *side, uint64_t piece)
{
	struct runs runs = *side;
	uint64_t total = 0;
	unsigned int d = 0;

	for (; d < 3 && (runs.counts[d] == 1 || runs.strides[d] == (int64_t)runs.bytes); d++) {
		runs.bytes *= runs.counts[d];
		runs.counts[d] = 1;
	}
	for (uint64_t i3 = 0; i3 < runs.counts[2]; i3++)
		for (uint64_t i2 = 0; i2 < runs.counts[1]; i2++)
			for (uint64_t i1 = 0; i1 < runs.counts[0]; i1++) {
				uint64_t at = runs.address + i3 * (uint64_t)runs.strides[2] +
					      i2 * (uint64_t)runs.strides[1] +
					      i1 * (uint64_t)runs.strides[0];

				total += ceil_div(at % piece + runs.bytes, piece);
			}
	return total;
}

static uint64_t memory_beats(const struct command *command, bool brick)
{
	struct runs runs = {
		.bytes = (uint64_t)command_get(command, KESTREL_DMA_COUNT0),
		.address = (uint64_t)command_get(command, KESTREL_DMA_OFFSET),
	};

	if (brick)
		runs.bytes *= (uint64_t)command_get(command, KESTREL_DMA_ELEMENT_BYTES);
	for (unsigned int i = 0; i < 3; i++) {
		runs.counts[i] = (uint64_t)command_get(command, KESTREL_DMA_COUNT1 + i);
		runs.strides[i] = command_get(command, KESTREL_DMA_MEMORY_STRIDE1 + i);
	}
	return run_pieces(&runs, 8);
}

static uint64_t sram_lines(const struct command *command, bool brick)
{
	struct runs runs = {
		.bytes = (uint64_t)command_get(command, KESTREL_DMA_COUNT0),
		.address = (uint64_t)command_get(command, KESTREL_DMA_SRAM_ADDRESS),
	};

	for (unsigned int i = 0; i < 3; i++) {
		runs.counts[i] = (uint64_t)command_get(command, KESTREL_DMA_COUNT1 + i);
		runs.strides[i] = command_get(command, KESTREL_DMA_SRAM_STRIDE1 + i);
	}
	if (brick)
		return runs.counts[0] * runs.counts[1] * runs.counts[2] *
		       ceil_div(runs.bytes, 16 / (uint64_t)command_get(command,
								       KESTREL_DMA_ELEMENT_BYTES));
	return run_pieces(&runs, LINE);
}

static struct predict_cost dma_cost(const struct target *target, const struct command *command)
{
	int64_t mode = command_get(command, KESTREL_DMA_MODE);
	bool write = command->unit == KESTREL_UNIT_DMA_OUT;
	unsigned int port = target->ports == 1 ? 0 :
			    (unsigned int)command_get(command, KESTREL_DMA_PORT);
	uint64_t rate = target_port_rate(target, port, write);
	uint64_t count0 = (uint64_t)command_get(command, KESTREL_DMA_COUNT0);
	struct predict_cost cost = { .port = (int)port };
	uint64_t moved = 0, other = 0;

	cost.latency = write ? 0 : target->port[port].read_latency;
	cost.drain = write ? target->port[port].write_latency : 0;
	switch (mode) {
	case KESTREL_DMA_FILL_BYTES:
		other = sram_lines(command, false);
		if (write) {
			moved = memory_beats(command, false);
		} else {
			cost.port = -1;
			cost.latency = 0;
		}
		break;
	case KESTREL_DMA_DECODE:
	case KESTREL_DMA_LOAD_TABLE:
		moved = beats((uint64_t)command_get(command, KESTREL_DMA_OFFSET),
			      (uint64_t)command_get(command, KESTREL_DMA_SOURCE_BYTES));
		if (mode == KESTREL_DMA_DECODE) {
			uint64_t symbols = (uint64_t)command_get(command, KESTREL_DMA_SYMBOLS);

			other = ceil_div(symbols ? symbols : count0, target->decode_rate);
			if (sram_lines(command, false) > other)
				other = sram_lines(command, false);
		}
		break;
	case KESTREL_DMA_EXPAND_INT4:
		moved = beats((uint64_t)command_get(command, KESTREL_DMA_OFFSET), (count0 + 1) / 2);
		other = ceil_div(count0, 16);
		if (sram_lines(command, false) > other)
			other = sram_lines(command, false);
		break;
	default:
		moved = memory_beats(command, mode == KESTREL_DMA_BRICK);
		other = sram_lines(command, mode == KESTREL_DMA_BRICK);
		break;
	}
	cost.port_time = ceil_div(moved * 8 * TARGET_RATE_ONE, rate);
	cost.busy = cost.port_time > other ? cost.port_time : other;
	return cost;
}

struct predict_cost predict_command(const struct target *target, const struct command *command)
{
	switch (command->unit) {
	case KESTREL_UNIT_MAC:
		return mac_cost(target, command);
	case KESTREL_UNIT_VECTOR:
		return vector_cost(target, command);
	default:
		return dma_cost(target, command);
	}
}

uint32_t predict_window_cycles(const struct target *target, const struct layout *layout,
			       const struct ir_window *window, bool depthwise)
{
	struct passes passes = {
		.mode = depthwise ? KESTREL_MAC_DEPTHWISE :
			layout->packed ? KESTREL_MAC_PACKED_CONVOLUTION : KESTREL_MAC_CONVOLUTION,
		.kernel_h = window->kernel_h, .kernel_w = window->kernel_w,
		.channels = layout->channels, .depth = layout_lanes(layout),
	};
	struct step_shape shape = {
		.mode = passes.mode,
		.row_bytes = layout->row_stride,
		.pixel_lines = layout->pixel_stride / LINE,
		.kernel_w = window->kernel_w, .channels = layout->channels,
		.stride_x = window->stride_w, .dilation_x = window->dilation_w,
		.dilation_y = window->dilation_h, .depth = layout_lanes(layout),
	};
	uint32_t cycles = 0;
	struct pass pass;

	while (passes_next(&passes, &pass))
		cycles += step_cycles(target, &shape, &pass);
	return cycles;
}
