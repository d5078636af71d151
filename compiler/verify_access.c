// SPDX-License-Identifier: MIT
#include <string.h>

#include <kestrel/isa.h>

#include "verify_access.h"

#define RECORD_BYTES 9
/* Of a pixel of 16 channels. */
#define ACCUMULATOR_BYTES 64

struct list {
	struct verify_access *access;
	unsigned int count;
};

static void add(struct list *list, unsigned int space, bool write, uint64_t from, uint64_t to)
{
	if (from < to)
		list->access[list->count++] = (struct verify_access){ space, write, from, to };
}

static int64_t unzigzag(uint32_t value)
{
	return value & 1 ? -(int64_t)(value >> 1) - 1 : (int64_t)(value >> 1);
}

void verify_reset(unsigned int unit, uint32_t registers[VERIFY_REGISTERS])
{
	static const uint8_t dma_ones[] = {
		KESTREL_DMA_COUNT0, KESTREL_DMA_COUNT1, KESTREL_DMA_COUNT2, KESTREL_DMA_COUNT3,
		KESTREL_DMA_ELEMENT_BYTES,
	};
	static const uint8_t mac_ones[] = {
		KESTREL_MAC_IFM_WIDTH, KESTREL_MAC_IFM_HEIGHT, KESTREL_MAC_IFM_CHANNELS,
		KESTREL_MAC_KERNEL_WIDTH, KESTREL_MAC_KERNEL_HEIGHT, KESTREL_MAC_STRIDE_X,
		KESTREL_MAC_STRIDE_Y, KESTREL_MAC_DILATION_X, KESTREL_MAC_DILATION_Y,
		KESTREL_MAC_OFM_WIDTH, KESTREL_MAC_OFM_HEIGHT, KESTREL_MAC_OFM_CHANNELS,
		KESTREL_MAC_DEPTH_MULTIPLIER,
	};
	static const uint8_t vector_ones[] = {
		KESTREL_VECTOR_IFM_WIDTH, KESTREL_VECTOR_IFM_HEIGHT, KESTREL_VECTOR_OFM_WIDTH,
		KESTREL_VECTOR_OFM_HEIGHT, KESTREL_VECTOR_OFM_CHANNELS,
		KESTREL_VECTOR_KERNEL_WIDTH, KESTREL_VECTOR_KERNEL_HEIGHT,
		KESTREL_VECTOR_STRIDE_X, KESTREL_VECTOR_STRIDE_Y,
	};
	const uint8_t *ones = dma_ones;
	size_t count = sizeof(dma_ones);

	memset(registers, 0, VERIFY_REGISTERS * sizeof(registers[0]));
	if (unit == KESTREL_UNIT_MAC) {
		ones = mac_ones;
		count = sizeof(mac_ones);
		registers[KESTREL_MAC_IFM_PIXEL_STRIDE] = 16;
		registers[KESTREL_MAC_OFM_PIXEL_STRIDE] = 16;
	} else if (unit == KESTREL_UNIT_VECTOR) {
		ones = vector_ones;
		count = sizeof(vector_ones);
		registers[KESTREL_VECTOR_IFM_PIXEL_STRIDE] = 16;
		registers[KESTREL_VECTOR_IFM2_PIXEL_STRIDE] = 16;
		registers[KESTREL_VECTOR_OFM_PIXEL_STRIDE] = 16;
	}
	for (size_t i = 0; i < count; i++)
		registers[ones[i]] = 1;
}

unsigned int verify_register_count(unsigned int unit)
{
	return unit == KESTREL_UNIT_MAC ? KESTREL_MAC_REGISTER_COUNT :
	       unit == KESTREL_UNIT_VECTOR ? KESTREL_VECTOR_REGISTER_COUNT :
					     KESTREL_DMA_REGISTER_COUNT;
}

/* Rows of a feature map that lie one behind the other: from the first to the last byte. */
static void add_rows(struct list *list, bool write, const uint32_t *map, uint32_t first_row,
		     uint32_t height, uint32_t width, uint32_t channels, uint32_t lanes)
{
	uint64_t from = map[0] + (uint64_t)first_row * map[1];
	uint64_t to = from + (uint64_t)(height - 1) * map[1] + (uint64_t)(width - 1) * map[3];

	/* A pixel stride of 0 is one column of bricks. */
	if (map[3] && map[3] < KESTREL_ISA_BRICK_BYTES)
		to += channels;
	else
		to += (uint64_t)((channels - 1) / lanes) * map[2] + KESTREL_ISA_BRICK_BYTES;
	add(list, 0, write, from, to);
}

/*
 * A feature map: ADDRESS, ROW_STRIDE, BRICK_STRIDE, PIXEL_STRIDE, RING_ROWS,
 * FIRST_ROW stand in this order. A ring's rows are in two places when they wrap.
 * `wide` is the flag that tells of 16-bit elements, or 0.
 */
static void add_map(struct list *list, bool write, const uint32_t *map, uint32_t first_row,
		    uint32_t height, uint32_t width, uint32_t channels, uint32_t wide)
{
	uint32_t lanes = wide ? 8 : 16;
	uint32_t ring = map[4], row = map[5] + first_row, before_wrap = height;

	if (ring) {
		row %= ring;
		if (height > ring)
			height = ring;
		before_wrap = row + height > ring ? ring - row : height;
	}
	add_rows(list, write, map, row, before_wrap, width, channels, lanes);
	if (before_wrap < height)
		add_rows(list, write, map, 0, height - before_wrap, width, channels, lanes);
}

/* First and last input row of a window that lie inside the map; false: none. */
static bool window_rows(int64_t outputs, int64_t inputs, int64_t kernel, int64_t stride,
			int64_t dilation, int64_t pad, uint32_t *first, uint32_t *count)
{
	int64_t low = -pad, high = (outputs - 1) * stride + (kernel - 1) * dilation - pad;

	if (low < 0)
		low = 0;
	if (high > inputs - 1)
		high = inputs - 1;
	*first = (uint32_t)low;
	*count = (uint32_t)(high - low + 1);
	return high >= low;
}

static void mac_accesses(struct list *list, const uint32_t *r)
{
	uint64_t channels = r[KESTREL_MAC_IFM_CHANNELS], weights, records;
	uint32_t flags = r[KESTREL_MAC_FLAGS], first, rows;
	uint64_t spill = r[KESTREL_MAC_SPILL_ADDRESS];
	uint64_t spill_bytes = (uint64_t)((r[KESTREL_MAC_OFM_CHANNELS] + 15) / 16) *
			       r[KESTREL_MAC_OFM_WIDTH] * r[KESTREL_MAC_OFM_HEIGHT] *
			       ACCUMULATOR_BYTES;

	if (r[KESTREL_MAC_MODE] == KESTREL_MAC_DEPTHWISE)
		channels = 1;
	weights = channels * r[KESTREL_MAC_KERNEL_WIDTH] * r[KESTREL_MAC_KERNEL_HEIGHT] *
		  r[KESTREL_MAC_OFM_CHANNELS];
	if (flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES)
		weights = (channels - 1) / 16 * r[KESTREL_MAC_WEIGHT_BRICK_STRIDE] +
			  (uint64_t)16 * r[KESTREL_MAC_OFM_CHANNELS];
	records = flags & KESTREL_MAC_FLAG_SCALE_PER_TENSOR ? 0 :
		  (uint64_t)RECORD_BYTES * r[KESTREL_MAC_OFM_CHANNELS];
	if (window_rows(r[KESTREL_MAC_OFM_HEIGHT], r[KESTREL_MAC_IFM_HEIGHT],
			r[KESTREL_MAC_KERNEL_HEIGHT], r[KESTREL_MAC_STRIDE_Y],
			r[KESTREL_MAC_DILATION_Y], unzigzag(r[KESTREL_MAC_PAD_TOP]), &first, &rows))
		add_map(list, false, &r[KESTREL_MAC_IFM_ADDRESS], first, rows,
			r[KESTREL_MAC_IFM_WIDTH], r[KESTREL_MAC_IFM_CHANNELS],
			flags & KESTREL_MAC_FLAG_IFM_16BIT);
	add(list, 0, false, r[KESTREL_MAC_WEIGHT_ADDRESS], r[KESTREL_MAC_WEIGHT_ADDRESS] + weights);
	if (r[KESTREL_MAC_ACCUMULATE_FROM] == KESTREL_ACCUMULATE_SRAM)
		add(list, 0, false, spill, spill + spill_bytes);
	if (r[KESTREL_MAC_ACCUMULATE_TO] == KESTREL_ACCUMULATE_SRAM)
		add(list, 0, true, spill, spill + spill_bytes);
	if (r[KESTREL_MAC_ACCUMULATE_TO] != KESTREL_ACCUMULATE_FRESH)
		return;
	add(list, 0, false, r[KESTREL_MAC_RECORD_ADDRESS], r[KESTREL_MAC_RECORD_ADDRESS] + records);
	add_map(list, true, &r[KESTREL_MAC_OFM_ADDRESS], 0, r[KESTREL_MAC_OFM_HEIGHT],
		r[KESTREL_MAC_OFM_WIDTH], r[KESTREL_MAC_OFM_CHANNELS],
		flags & KESTREL_MAC_FLAG_OFM_16BIT);
}

/* TRANSPOSE: which dimension of the output a row, a column and a channel are. */
static const uint8_t permutations[KESTREL_PERMUTATION_COUNT][3] = {
	{ 0, 1, 2 }, { 1, 0, 2 }, { 0, 2, 1 }, { 2, 1, 0 }, { 1, 2, 0 }, { 2, 0, 1 },
};

static int64_t within(int64_t row, int64_t rows)
{
	return row < 0 ? 0 : row >= rows ? rows - 1 : row;
}

/* The rows between the first that the first output row takes and the last of the last. */
static void resize_rows(const uint32_t *r, unsigned int shift, uint32_t *first, uint32_t *count)
{
	int64_t start = unzigzag(r[KESTREL_VECTOR_START_Y]), rows = r[KESTREL_VECTOR_IFM_HEIGHT];
	int64_t end = start + (int64_t)(r[KESTREL_VECTOR_OFM_HEIGHT] - 1) *
			      (int64_t)r[KESTREL_VECTOR_STEP_Y];

	/* RESIZE_BILINEAR takes the next one too. */
	if (shift == 10)
		end += 1023;
	*first = (uint32_t)within(start >> shift, rows);
	*count = (uint32_t)(within(end >> shift, rows) + 1 - *first);
}

static void vector_accesses(struct list *list, const uint32_t *r)
{
	uint32_t width = r[KESTREL_VECTOR_OFM_WIDTH], height = r[KESTREL_VECTOR_OFM_HEIGHT];
	uint32_t channels = r[KESTREL_VECTOR_OFM_CHANNELS], operation = r[KESTREL_VECTOR_OPERATION];
	uint32_t table = r[KESTREL_VECTOR_TABLE_ADDRESS], first, rows;
	uint32_t wide_in = r[KESTREL_VECTOR_FLAGS] & KESTREL_VECTOR_FLAG_IFM_16BIT;
	uint32_t wide_out = r[KESTREL_VECTOR_FLAGS] & KESTREL_VECTOR_FLAG_OFM_16BIT;

	switch (operation) {
	case KESTREL_VECTOR_MAX_POOL:
	case KESTREL_VECTOR_AVERAGE_POOL:
	case KESTREL_VECTOR_SUM_POOL:
	case KESTREL_VECTOR_MIN_POOL:
		if (window_rows(height, r[KESTREL_VECTOR_IFM_HEIGHT],
				r[KESTREL_VECTOR_KERNEL_HEIGHT], r[KESTREL_VECTOR_STRIDE_Y], 1,
				unzigzag(r[KESTREL_VECTOR_PAD_TOP]), &first, &rows))
			add_map(list, false, &r[KESTREL_VECTOR_IFM_ADDRESS], first, rows,
				r[KESTREL_VECTOR_IFM_WIDTH], channels, wide_in);
		break;
	case KESTREL_VECTOR_RESIZE_BILINEAR:
	case KESTREL_VECTOR_RESIZE_NEAREST:
		resize_rows(r, operation == KESTREL_VECTOR_RESIZE_BILINEAR ? 10 : 16, &first, &rows);
		add_map(list, false, &r[KESTREL_VECTOR_IFM_ADDRESS], first, rows,
			r[KESTREL_VECTOR_IFM_WIDTH], channels, wide_in);
		break;
	case KESTREL_VECTOR_TRANSPOSE: {
		const uint32_t size[3] = { height, width, channels };
		const uint8_t *from = permutations[r[KESTREL_VECTOR_PERMUTATION] % 6];

		add_map(list, false, &r[KESTREL_VECTOR_IFM_ADDRESS], 0, size[from[0]],
			size[from[1]], size[from[2]], wide_in);
		break;
	}
	default:
		add_map(list, false, &r[KESTREL_VECTOR_IFM_ADDRESS], 0, height, width, channels,
			wide_in);
		break;
	}
	if (operation <= KESTREL_VECTOR_MAX)
		add_map(list, false, &r[KESTREL_VECTOR_IFM2_ADDRESS], 0, height, width, channels,
			wide_in);
	if (operation == KESTREL_VECTOR_TABLE)
		add(list, 0, false, table, (uint64_t)table + 256);
	if (operation == KESTREL_VECTOR_LAYER_NORM)
		add(list, 0, false, table, (uint64_t)table + 6 * (uint64_t)channels);
	if (operation == KESTREL_VECTOR_SOFTMAX)
		add(list, 0, false, table,
		    (uint64_t)table + 4 * (uint64_t)r[KESTREL_VECTOR_TABLE_ENTRIES]);
	add_map(list, true, &r[KESTREL_VECTOR_OFM_ADDRESS], 0, height, width, channels, wide_out);
}

static void dma_accesses(struct list *list, bool read, const uint32_t *r)
{
	unsigned int base = 1 + r[KESTREL_DMA_BASE];
	uint64_t from = r[KESTREL_DMA_OFFSET], sram = r[KESTREL_DMA_SRAM_ADDRESS];
	uint64_t element_bytes = r[KESTREL_DMA_ELEMENT_BYTES];
	uint64_t count0 = r[KESTREL_DMA_COUNT0], memory_bytes = count0, sram_bytes = count0;

	switch (r[KESTREL_DMA_MODE]) {
	case KESTREL_DMA_LOAD_TABLE:
		add(list, base, false, from, from + r[KESTREL_DMA_SOURCE_BYTES]);
		return;
	case KESTREL_DMA_DECODE:
		memory_bytes = r[KESTREL_DMA_SOURCE_BYTES];
		break;
	case KESTREL_DMA_EXPAND_INT4:
		memory_bytes = (count0 + 1) / 2;
		break;
	case KESTREL_DMA_FILL_BYTES:
		if (read)
			memory_bytes = 0;
		else
			sram_bytes = 0;
		break;
	case KESTREL_DMA_BRICK:
		sram_bytes = (count0 - 1) * element_bytes / 16 * r[KESTREL_DMA_BRICK_STRIDE] + 16;
		memory_bytes = count0 * element_bytes;
		break;
	default:
		break;
	}
	if (r[KESTREL_DMA_MODE] != KESTREL_DMA_DECODE &&
	    r[KESTREL_DMA_MODE] != KESTREL_DMA_EXPAND_INT4)
		for (unsigned int d = 0; d < 3; d++) {
			uint64_t more = r[KESTREL_DMA_COUNT1 + d] - 1;

			int64_t span = (int64_t)more *
				       unzigzag(r[KESTREL_DMA_MEMORY_STRIDE1 + d]);

			if (memory_bytes && span < 0)
				from -= (uint64_t)-span;
			if (memory_bytes)
				memory_bytes += (uint64_t)(span < 0 ? -span : span);
			if (sram_bytes)
				sram_bytes += more * r[KESTREL_DMA_SRAM_STRIDE1 + d];
		}
	add(list, 0, read, sram, sram + sram_bytes);
	add(list, base, !read, from, from + memory_bytes);
}

unsigned int verify_accesses(unsigned int unit, const uint32_t registers[VERIFY_REGISTERS],
			     struct verify_access access[VERIFY_ACCESSES])
{
	struct list list = { .access = access };

	if (unit == KESTREL_UNIT_MAC)
		mac_accesses(&list, registers);
	else if (unit == KESTREL_UNIT_VECTOR)
		vector_accesses(&list, registers);
	else
		dma_accesses(&list, unit == KESTREL_UNIT_DMA_IN, registers);
	return list.count;
}
