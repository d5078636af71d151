// SPDX-License-Identifier: MIT
/*
 * The MAC unit's effect. Operands are staged as 16-bit values without their zero
 * points, so that taps outside the valid window and tail lanes are plain zeros,
 * and go through the kernels of engine_kernel.c. Commands whose window would not
 * fit into memory, which no compiler writes, are computed element by element.
 */

#include <string.h>

#include "engine_internal.h"

/* Largest staged IFM. */
#define STAGE_BYTES_MAX (UINT64_C(64) << 20)

static uint32_t depth(const struct engine_mac_command *command)
{
	return 16 / command->ifm.element_bytes;
}

/* Channels of OFM brick `brick`, in bricks of 16. */
static uint32_t brick_channels(const struct engine_mac_command *command, uint32_t brick)
{
	uint32_t left = command->ofm.channels - brick * 16;

	return left < 16 ? left : 16;
}

static uint64_t axis_span(const struct engine_axis *axis)
{
	return (uint64_t)(axis->outputs - 1) * axis->stride +
	       (uint64_t)(axis->kernel - 1) * axis->dilation + 1;
}

/* The inputs that some output reads; the rest may lie outside SRAM. */
struct window {
	uint32_t y_first;
	uint32_t y_last;
	uint32_t x_first;
	uint32_t x_last;
	bool empty;
};

static void line_widen(int16_t *to, const uint8_t *from, uint32_t count,
		       const struct engine_map *map)
{
	int16_t zero = (int16_t)map->zero_point;

	if (map->element_bytes == 2) {
		for (uint32_t i = 0; i < count; i++)
			to[i] = (int16_t)(from[2 * i] | from[2 * i + 1] << 8);
	} else if (map->is_unsigned) {
		for (uint32_t i = 0; i < count; i++)
			to[i] = (int16_t)(from[i] - zero);
	} else {
		for (uint32_t i = 0; i < count; i++)
			to[i] = (int16_t)((int8_t)from[i] - zero);
	}
}

/* The 16 channels that OFM brick `brick` of a depthwise command reads at a pixel. */
static void depthwise_gather(const struct engine *engine, const struct engine_mac_command *command,
			     uint32_t brick, uint32_t y, uint32_t x, int16_t *to)
{
	uint32_t channels = brick_channels(command, brick);

	for (uint32_t lane = 0; lane < 16; lane++) {
		uint32_t channel = (brick * 16 + lane) / command->depth_multiplier;

		to[lane] = 0;
		if (lane < channels)
			to[lane] = (int16_t)(engine_map_load(engine, &command->ifm, y, x,
							     channel) -
					     command->ifm.zero_point);
	}
}

/* One staged row of one brick; y and x may lie outside the valid window. */
static void row_stage(const struct engine *engine, const struct engine_mac_command *command,
		      const struct window *window, uint32_t brick, int64_t y, uint32_t columns,
		      int16_t *to)
{
	const struct engine_map *ifm = &command->ifm;
	bool gathered = command->mode == KESTREL_MAC_DEPTHWISE &&
			(command->depth_multiplier > 1 || ifm->element_bytes == 2);
	uint32_t elements = ifm->packed ? ifm->channels
			    : command->mode == KESTREL_MAC_DEPTHWISE ? 16 : depth(command);
	int64_t pad = command->x.pad;
	uint32_t first, end;
	uint64_t address;

	if (window->empty || y < window->y_first || y > window->y_last) {
		memset(to, 0, (size_t)columns * elements * sizeof(*to));
		return;
	}
	first = (uint32_t)(window->x_first + pad);
	end = (uint32_t)(window->x_last + pad) + 1;
	address = ifm->address + engine_map_row(ifm, (uint32_t)y) +
		  (gathered ? 0 : (uint64_t)brick * ifm->brick_stride);
	memset(to, 0, (size_t)first * elements * sizeof(*to));
	memset(to + (size_t)end * elements, 0, (size_t)(columns - end) * elements * sizeof(*to));
	if (ifm->packed) {
		line_widen(to + (size_t)first * elements,
			   engine->sram + address + (uint64_t)window->x_first * elements,
			   (end - first) * elements, ifm);
		return;
	}
	for (uint32_t column = first; column < end; column++) {
		uint32_t x = (uint32_t)(column - pad);

		if (gathered)
			depthwise_gather(engine, command, brick, (uint32_t)y, x,
					 to + (size_t)column * 16);
		else
			line_widen(to + (size_t)column * elements,
				   engine->sram + address + (uint64_t)x * ifm->pixel_stride,
				   elements, ifm);
	}
}

/* Segments of a pixel's elements, in the order of the staged weights. */
static bool segments_make(struct engine_work *work, const struct engine_mac_command *command)
{
	uint32_t taps = command->y.kernel * command->x.kernel;
	bool packed = command->mode == KESTREL_MAC_PACKED_CONVOLUTION;
	uint32_t bricks = command->mode == KESTREL_MAC_CONVOLUTION
				  ? engine_map_bricks(&command->ifm) : 1;
	size_t count = packed ? command->y.kernel : (size_t)taps * bricks;
	struct engine_segment *segment;

	if (!engine_buffer_reserve(&work->segments, count * sizeof(*segment)))
		return false;
	segment = work->segments.data;
	work->segment_count = (uint32_t)count;
	for (uint32_t brick = 0; brick < bricks; brick++) {
		uint32_t left = command->ifm.channels - brick * depth(command);
		uint32_t channels = left < depth(command) ? left : depth(command);

		for (uint32_t ky = 0; ky < command->y.kernel; ky++) {
			size_t row = brick * work->brick_elements +
				     (size_t)ky * command->y.dilation * work->row_elements;

			if (packed) {
				segment->offset = row;
				segment->pairs = (command->x.kernel * command->ifm.channels + 1) /
						 2;
				segment++;
				continue;
			}
			for (uint32_t kx = 0; kx < command->x.kernel; kx++, segment++) {
				segment->offset = row + (size_t)kx * command->x.dilation *
							      work->pixel_elements;
				segment->pairs = (channels + 1) / 2;
			}
		}
	}
	return true;
}

/* Pairs (depthwise: taps) of staged weights of an OFM brick. */
static size_t weight_pairs(const struct engine_work *work,
			   const struct engine_mac_command *command)
{
	const struct engine_segment *segment = work->segments.data;
	size_t pairs = 0;

	if (command->mode == KESTREL_MAC_DEPTHWISE)
		return work->segment_count;
	for (uint32_t s = 0; s < work->segment_count; s++)
		pairs += segment[s].pairs;
	return pairs;
}

/* False: the window is too large to be staged, or there is no memory for it. */
static bool stage(struct engine *engine, const struct engine_mac_command *command)
{
	struct engine_work *work = &engine->work[KESTREL_UNIT_MAC];
	uint64_t rows = axis_span(&command->y), columns = axis_span(&command->x), bytes;
	struct window window;
	bool depthwise = command->mode == KESTREL_MAC_DEPTHWISE;
	uint32_t bricks = depthwise ? (command->ofm.channels + 15) / 16
				    : engine_map_bricks(&command->ifm);
	int16_t *to;

	window.empty = !engine_axis_extent(&command->y, &window.y_first, &window.y_last) ||
		       !engine_axis_extent(&command->x, &window.x_first, &window.x_last);
	work->pixel_elements = command->ifm.packed ? command->ifm.channels
			       : depthwise ? 16 : depth(command);
	bytes = columns * work->pixel_elements * sizeof(int16_t);
	if (bytes > STAGE_BYTES_MAX || bytes * rows > STAGE_BYTES_MAX ||
	    bytes * rows * bricks > STAGE_BYTES_MAX)
		return false;
	work->row_elements = columns * work->pixel_elements;
	work->brick_elements = work->row_elements * rows;
	/* A last pair may reach one element behind its row. */
	if (!engine_buffer_reserve(&work->ifm, bytes * rows * bricks + 64) ||
	    !segments_make(work, command) ||
	    !engine_buffer_reserve(&work->weights, weight_pairs(work, command) *
							   (depthwise ? 16 : 32) *
							   sizeof(int16_t)))
		return false;
	to = work->ifm.data;
	for (uint32_t brick = 0; brick < bricks; brick++) {
		for (uint64_t row = 0; row < rows; row++, to += work->row_elements)
			row_stage(engine, command, &window, brick,
				  (int64_t)row - command->y.pad, (uint32_t)columns, to);
	}
	memset(to, 0, 64);
	engine->budget -= (int64_t)(bytes * rows * bricks);
	return true;
}

static inline int16_t weight_widen(const struct engine_mac_command *command, uint8_t weight)
{
	int32_t value = command->flags & KESTREL_MAC_FLAG_WEIGHT_UNSIGNED ? weight
									  : (int8_t)weight;

	return (int16_t)(value - command->weight_zero_point);
}

/* Row j of a pass: its elements go to lane j of consecutive pairs. */
static void pass_spread(const struct engine_mac_command *command, const uint8_t *row,
			uint32_t elements, uint32_t lane, int16_t *pairs)
{
	uint32_t e = 0;

	for (; e + 1 < elements; e += 2, pairs += 32) {
		int16_t two[2] = { weight_widen(command, row[e]),
				   weight_widen(command, row[e + 1]) };

		memcpy(pairs + 2 * lane, two, sizeof(two));
	}
	if (e < elements) {
		pairs[2 * lane] = weight_widen(command, row[e]);
		pairs[2 * lane + 1] = 0;
	}
}

static void weights_convolution(const struct engine *engine,
				const struct engine_mac_command *command, uint32_t brick,
				int16_t *to)
{
	const struct engine_work *work = &engine->work[KESTREL_UNIT_MAC];
	bool features = command->flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES;
	uint32_t taps = command->y.kernel * command->x.kernel;
	uint32_t lanes = brick_channels(command, brick);
	const uint8_t *from = engine->sram + command->weight_address +
			      (uint64_t)brick * 16 * command->ifm.channels * (features ? 0 : taps);

	for (uint32_t s = 0; s < work->segment_count; s++) {
		uint32_t left = command->ifm.channels - s / taps * depth(command);
		uint32_t elements = left < depth(command) ? left : depth(command);
		uint32_t stride = features ? 16 : elements;

		if (features)
			from = engine->sram + command->weight_address + (uint64_t)brick * 256 +
			       (uint64_t)s * command->weight_brick_stride;
		for (uint32_t lane = 0; lane < lanes; lane++)
			pass_spread(command, from + (size_t)lane * stride, elements, lane, to);
		from += (size_t)lanes * stride;
		to += (size_t)(elements + 1) / 2 * 32;
	}
}

/* Depthwise and packed: passes of kernel elements. */
static void weights_elements(const struct engine *engine, const struct engine_mac_command *command,
			     uint32_t brick, int16_t *to)
{
	bool depthwise = command->mode == KESTREL_MAC_DEPTHWISE;
	uint32_t per_row = command->x.kernel * (depthwise ? 1 : command->ifm.channels);
	uint32_t elements = per_row * command->y.kernel;
	uint32_t pairs = (per_row + 1) / 2;
	uint32_t lanes = brick_channels(command, brick);
	const uint8_t *from = engine->sram + command->weight_address +
			      (uint64_t)brick * 16 * elements;
	uint32_t count;

	for (uint32_t first = 0; first < elements; first += count) {
		count = engine_mac_pass(first, elements, per_row, depth(command));
		for (uint32_t lane = 0; lane < lanes; lane++) {
			for (uint32_t e = 0; e < count; e++, from++) {
				uint32_t row = (first + e) / per_row, i = (first + e) % per_row;

				if (depthwise)
					to[(size_t)(first + e) * 16 + lane] =
						weight_widen(command, *from);
				else
					to[((size_t)row * pairs + i / 2) * 32 + 2 * lane + i % 2] =
						weight_widen(command, *from);
			}
		}
	}
}

static void weights_stage(struct engine *engine, const struct engine_mac_command *command,
			  uint32_t brick)
{
	struct engine_work *work = &engine->work[KESTREL_UNIT_MAC];
	size_t elements = weight_pairs(work, command) *
			  (command->mode == KESTREL_MAC_DEPTHWISE ? 16 : 32);

	/* Full convolution bricks write every element. */
	if (command->mode != KESTREL_MAC_CONVOLUTION || brick_channels(command, brick) < 16)
		memset(work->weights.data, 0, elements * sizeof(int16_t));
	if (command->mode == KESTREL_MAC_CONVOLUTION)
		weights_convolution(engine, command, brick, work->weights.data);
	else
		weights_elements(engine, command, brick, work->weights.data);
	engine->budget -= (int64_t)elements;
}

/* Channel records of a brick, or the tensor's scale in every lane. */
struct records {
	int32_t bias[16];
	uint32_t multiplier[16];
	int32_t shift[16];
};

static uint32_t word_load(const uint8_t *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

static void records_load(const struct engine *engine, const struct engine_mac_command *command,
			 uint32_t brick, struct records *records)
{
	uint32_t lanes = brick_channels(command, brick);
	const uint8_t *from = engine->sram + command->record_address + (uint64_t)brick * 16 * 9;

	*records = (struct records){ 0 };
	/* Accumulators that stay inside need none, and their address was not checked. */
	if (command->accumulate_to != KESTREL_ACCUMULATE_FRESH)
		return;
	for (uint32_t lane = 0; lane < lanes; lane++) {
		if (command->flags & KESTREL_MAC_FLAG_SCALE_PER_TENSOR) {
			records->multiplier[lane] = command->multiplier;
			records->shift[lane] = command->shift;
			continue;
		}
		records->bias[lane] = (int32_t)word_load(from + 4 * lane);
		records->multiplier[lane] = word_load(from + 4 * lanes + 4 * lane);
		records->shift[lane] = (int8_t)from[8 * lanes + lane];
	}
}

/*
 * An OFM that lies over the records changes those of later bricks after they have
 * been checked. What comes out then is nobody's concern, but it must be something.
 */
static void records_limit(const struct engine_mac_command *command, struct records *records)
{
	int32_t high = command->requantise == KESTREL_REQUANTISE_WIDE ? 14 : 30;

	for (uint32_t lane = 0; lane < 16; lane++) {
		if (records->shift[lane] < -31)
			records->shift[lane] = -31;
		if (records->shift[lane] > high)
			records->shift[lane] = high;
	}
}

/* Values in channel records are checked before the command has any effect. */
static bool records_check(const struct engine *engine, const struct engine_mac_command *command,
			  struct engine_fault *fault)
{
	int32_t high = command->requantise == KESTREL_REQUANTISE_WIDE ? 14 : 30;
	struct records records;

	if (command->flags & KESTREL_MAC_FLAG_SCALE_PER_TENSOR ||
	    command->accumulate_to != KESTREL_ACCUMULATE_FRESH ||
	    command->requantise == KESTREL_REQUANTISE_F32)
		return true;
	for (uint32_t brick = 0; brick < (command->ofm.channels + 15) / 16; brick++) {
		records_load(engine, command, brick, &records);
		for (uint32_t lane = 0; lane < 16; lane++) {
			if (records.shift[lane] < -31 || records.shift[lane] > high ||
			    (command->requantise == KESTREL_REQUANTISE_WIDE &&
			     records.multiplier[lane] > INT16_MAX))
				return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
							   KESTREL_MAC_RECORD_ADDRESS);
		}
	}
	return true;
}

static uint8_t *spill_address(const struct engine *engine,
			      const struct engine_mac_command *command, uint32_t brick,
			      uint64_t pixel)
{
	uint64_t pixels = (uint64_t)command->ofm.width * command->ofm.height;

	return engine->sram + command->spill_address + (brick * pixels + pixel) * 64;
}

static void accumulators_load(const struct engine *engine,
			      const struct engine_mac_command *command, uint32_t brick,
			      uint64_t pixel, int32_t accumulator[16])
{
	uint32_t lanes = brick_channels(command, brick);

	memset(accumulator, 0, 64);
	if (command->accumulate_from == KESTREL_ACCUMULATE_RAM) {
		memcpy(accumulator, engine->accumulator[pixel], lanes * 4);
	} else if (command->accumulate_from == KESTREL_ACCUMULATE_SRAM) {
		const uint8_t *from = spill_address(engine, command, brick, pixel);

		for (uint32_t lane = 0; lane < lanes; lane++)
			accumulator[lane] = (int32_t)word_load(from + 4 * lane);
	}
}

static void accumulators_store(struct engine *engine, const struct engine_mac_command *command,
			       uint32_t brick, uint64_t pixel, const int32_t accumulator[16])
{
	uint8_t *to;

	if (command->accumulate_to == KESTREL_ACCUMULATE_RAM) {
		memcpy(engine->accumulator[pixel], accumulator, 64);
		return;
	}
	to = spill_address(engine, command, brick, pixel);
	for (uint32_t i = 0; i < 64; i++)
		to[i] = (uint8_t)((uint32_t)accumulator[i / 4] >> i % 4 * 8);
}

static void output_store(struct engine *engine, const struct engine_mac_command *command,
			 uint32_t brick, uint64_t pixel, const int32_t value[16])
{
	const struct engine_map *ofm = &command->ofm;
	uint32_t y = (uint32_t)(pixel / ofm->width), x = (uint32_t)(pixel % ofm->width);
	uint32_t lanes = brick_channels(command, brick);
	int32_t low = command->clamp_min - ofm->zero_point;
	int32_t high = command->clamp_max - ofm->zero_point;
	uint8_t *to = engine->sram + ofm->address + engine_map_row(ofm, y) +
		      (uint64_t)x * ofm->pixel_stride;
	int16_t out[16];

	for (uint32_t lane = 0; lane < 16; lane++) {
		int32_t clamped = value[lane] < low ? low : value[lane];

		clamped = clamped > high ? high : clamped;
		out[lane] = (int16_t)(clamped + ofm->zero_point);
	}
	for (uint32_t lane = lanes; lane < 16; lane++)
		out[lane] = 0;
	if (ofm->packed) {
		for (uint32_t lane = 0; lane < lanes; lane++)
			to[lane] = (uint8_t)out[lane];
	} else if (ofm->element_bytes == 1) {
		to += (uint64_t)brick * ofm->brick_stride;
		for (uint32_t lane = 0; lane < 16; lane++)
			to[lane] = (uint8_t)out[lane];
	} else {
		for (uint32_t half = 0; half * 8 < lanes; half++) {
			uint8_t *line = to + (uint64_t)(brick * 2 + half) * ofm->brick_stride;

			for (uint32_t i = 0; i < 16; i++)
				line[i] = (uint8_t)((uint16_t)out[half * 8 + i / 2] >> i % 2 * 8);
		}
	}
}

/* Bias, requantise and OFM, or accumulators to where they are kept. */
static void pixels_finish(struct engine *engine, const struct engine_mac_command *command,
			  const struct records *records, uint32_t brick, uint64_t pixel,
			  uint32_t count, int32_t (*accumulator)[16])
{
	if (command->accumulate_to != KESTREL_ACCUMULATE_FRESH) {
		for (uint32_t i = 0; i < count; i++)
			accumulators_store(engine, command, brick, pixel + i, accumulator[i]);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t lane = 0; lane < 16; lane++)
			accumulator[i][lane] = (int32_t)((uint32_t)accumulator[i][lane] +
							 (uint32_t)records->bias[lane]);
	}
	engine_requantise_lanes(command->requantise, accumulator[0], count, records->multiplier,
				records->shift);
	for (uint32_t i = 0; i < count; i++)
		output_store(engine, command, brick, pixel + i, accumulator[i]);
}

/* Up to ENGINE_KERNEL_PIXELS pixels of a brick from staged operands. */
static uint32_t pixels_staged(struct engine *engine, const struct engine_mac_command *command,
			      const struct records *records)
{
	struct engine_work *work = &engine->work[KESTREL_UNIT_MAC];
	uint64_t pixels = (uint64_t)command->ofm.width * command->ofm.height;
	uint64_t left = pixels - work->position;
	uint32_t count = left < ENGINE_KERNEL_PIXELS ? (uint32_t)left : ENGINE_KERNEL_PIXELS;
	uint32_t y = (uint32_t)(work->position / command->ofm.width);
	uint32_t x = (uint32_t)(work->position % command->ofm.width);
	const int16_t *base = work->ifm.data;
	const int16_t *pixel[ENGINE_KERNEL_PIXELS];
	int32_t accumulator[ENGINE_KERNEL_PIXELS][16];

	if (command->mode == KESTREL_MAC_DEPTHWISE)
		base += work->brick * work->brick_elements;
	for (uint32_t i = 0; i < count; i++) {
		pixel[i] = base + (size_t)y * command->y.stride * work->row_elements +
			   (size_t)x * command->x.stride * work->pixel_elements;
		accumulators_load(engine, command, work->brick, work->position + i,
				  accumulator[i]);
		if (++x == command->ofm.width) {
			x = 0;
			y++;
		}
	}
	if (command->mode == KESTREL_MAC_DEPTHWISE)
		engine->kernels.depthwise(accumulator, pixel, count, work->segments.data,
					  work->segment_count, work->weights.data);
	else
		engine->kernels.convolution(accumulator, pixel, count, work->segments.data,
					    work->segment_count, work->weights.data);
	pixels_finish(engine, command, records, work->brick, work->position, count, accumulator);
	return count;
}

/* Input element, 0 when outside the valid window. */
static int32_t tap_load(const struct engine *engine, const struct engine_mac_command *command,
			uint64_t pixel, uint32_t ky, uint32_t kx, uint32_t channel)
{
	int64_t y = (int64_t)(pixel / command->ofm.width) * command->y.stride +
		    (int64_t)ky * command->y.dilation - command->y.pad;
	int64_t x = (int64_t)(pixel % command->ofm.width) * command->x.stride +
		    (int64_t)kx * command->x.dilation - command->x.pad;

	if (y < 0 || x < 0 || y >= command->ifm.height || x >= command->ifm.width)
		return 0;
	return engine_map_load(engine, &command->ifm, (uint32_t)y, (uint32_t)x, channel) -
	       command->ifm.zero_point;
}

/* One pixel of a brick straight from SRAM. */
static void pixel_direct(struct engine *engine, const struct engine_mac_command *command,
			 const struct records *records)
{
	struct engine_work *work = &engine->work[KESTREL_UNIT_MAC];
	bool by_elements = command->mode != KESTREL_MAC_CONVOLUTION;
	bool depthwise = command->mode == KESTREL_MAC_DEPTHWISE;
	bool features = command->flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES;
	uint32_t lanes = brick_channels(command, work->brick);
	uint32_t taps = command->y.kernel * command->x.kernel;
	uint32_t per_row = command->x.kernel *
			   (command->mode == KESTREL_MAC_PACKED_CONVOLUTION
				    ? command->ifm.channels : 1);
	uint64_t elements = by_elements ? (uint64_t)per_row * command->y.kernel
					: (uint64_t)taps * command->ifm.channels;
	uint64_t from = command->weight_address +
			(features ? work->brick * 256 : work->brick * 16 * elements);
	int32_t accumulator[1][16];
	uint32_t count;

	accumulators_load(engine, command, work->brick, work->position, accumulator[0]);
	for (uint64_t first = 0; first < elements; first += count) {
		uint32_t brick = (uint32_t)(first / ((uint64_t)taps * depth(command)));
		uint32_t left = command->ifm.channels - brick * depth(command);

		count = by_elements ? engine_mac_pass((uint32_t)first, (uint32_t)elements,
						      per_row, depth(command))
			: left < depth(command) ? left : depth(command);
		if (features)
			from = command->weight_address + work->brick * 256 +
			       (uint64_t)brick * command->weight_brick_stride;
		for (uint32_t lane = 0; lane < lanes; lane++) {
			for (uint32_t e = 0; e < count; e++) {
				uint64_t address = from + (uint64_t)lane * (features ? 16 : count) +
						   e;
				uint32_t element = (uint32_t)first + e;
				uint32_t tap, channel;

				if (depthwise) {
					tap = element;
					channel = (work->brick * 16 + lane) /
						  command->depth_multiplier;
				} else if (by_elements) {
					tap = element / command->ifm.channels;
					channel = element % command->ifm.channels;
				} else {
					tap = (uint32_t)((first - (uint64_t)brick * taps *
								  depth(command)) / count);
					channel = brick * depth(command) + e;
				}
				accumulator[0][lane] =
					(int32_t)((uint32_t)accumulator[0][lane] +
						  (uint32_t)(tap_load(engine, command,
								      work->position,
								      tap / command->x.kernel,
								      tap % command->x.kernel,
								      channel) *
							     weight_widen(command,
									  engine->sram[address])));
			}
		}
		from += (uint64_t)lanes * count;
	}
	pixels_finish(engine, command, records, work->brick, work->position, 1, accumulator);
	/* An element takes many times what it takes a kernel. */
	engine->budget -= (int64_t)(elements * 256);
}

enum engine_progress engine_mac_execute(struct engine *engine,
					const struct engine_mac_command *command,
					struct engine_fault *fault)
{
	struct engine_work *work = &engine->work[KESTREL_UNIT_MAC];
	uint64_t pixels = (uint64_t)command->ofm.width * command->ofm.height;
	uint32_t bricks = (command->ofm.channels + 15) / 16;
	struct records records;
	int64_t pixel_cost = 0;

	if (!work->begun) {
		if (!records_check(engine, command, fault))
			return ENGINE_PROGRESS_FAULT;
		work->begun = true;
		work->position = 0;
		work->brick = 0;
		work->staged = stage(engine, command);
		work->weights_brick = UINT32_MAX;
	}
	if (work->staged)
		pixel_cost = 32 * (int64_t)weight_pairs(work, command) + 64;
	for (; work->brick < bricks; work->brick++, work->position = 0) {
		if (work->staged && work->weights_brick != work->brick) {
			weights_stage(engine, command, work->brick);
			work->weights_brick = work->brick;
		}
		records_load(engine, command, work->brick, &records);
		records_limit(command, &records);
		while (work->position < pixels) {
			uint32_t count = 1;

			if (engine->budget <= 0)
				return ENGINE_PROGRESS_MORE;
			if (work->staged)
				count = pixels_staged(engine, command, &records);
			else
				pixel_direct(engine, command, &records);
			engine->budget -= count * pixel_cost;
			work->position += count;
		}
	}
	work->begun = false;
	return ENGINE_PROGRESS_DONE;
}
