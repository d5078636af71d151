// SPDX-License-Identifier: MIT
/*
 * VECTOR operations against the formulas of isa.h and docs/hardware.md, computed
 * here from logical tensors.
 */

#include <math.h>

#include "emulator_engine_test.h"

#define CASES 9000
#define IMAGE 65536u
#define IFM_AREA 0u
#define IFM2_AREA 16384u
#define TABLE_AREA 32768u
#define OFM_AREA 40960u

/* A map in SRAM. */
struct map {
	uint32_t address, row, brick, pixel, ring, first;
	int bytes;
	int low, high;
};

struct operation {
	uint32_t operation, flags;
	int width, height, channels;
	int in_width, in_height;
	int kernel_width, kernel_height, stride_x, stride_y, pad_left, pad_top;
	struct map ifm, ifm2, ofm;
	int zero[3];
	int clamp_min, clamp_max;
	uint32_t requantise;
	uint32_t multiplier[3];
	int shift[3];
	uint32_t left_shift;
	uint32_t entries;
	int step_x, step_y, start_x, start_y;
	uint32_t permutation;
	uint32_t epsilon;
};

static uint32_t address_of(const struct map *m, int y, int x, int c)
{
	uint32_t row = m->first + (uint32_t)y;
	int lanes = 16 / m->bytes;

	if (m->ring)
		row %= m->ring;
	if (m->pixel && m->pixel < 16)
		return m->address + row * m->row + (uint32_t)x * m->pixel + (uint32_t)c;
	return m->address + row * m->row + (uint32_t)(c / lanes) * m->brick +
	       (uint32_t)x * m->pixel + (uint32_t)(c % lanes * m->bytes);
}

static int load(const uint8_t *image, const struct map *m, int y, int x, int c)
{
	const uint8_t *from = image + address_of(m, y, x, c);

	if (m->bytes == 2)
		return (int16_t)(from[0] | from[1] << 8);
	return m->low == 0 ? from[0] : (int8_t)from[0];
}

static void store(uint8_t *image, const struct map *m, int y, int x, int c, int64_t value)
{
	uint8_t *to = image + address_of(m, y, x, c);

	to[0] = (uint8_t)value;
	if (m->bytes == 2)
		to[1] = (uint8_t)(value >> 8);
}

static __int128 floor_shift(__int128 value, int places)
{
	__int128 one = (__int128)1 << places;
	__int128 quotient = value / one;

	return value % one < 0 ? quotient - 1 : quotient;
}

static int32_t saturate(__int128 value)
{
	return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

static int32_t high(int32_t a, int32_t b)
{
	return saturate(floor_shift((__int128)a * b + (1 << 30), 31));
}

static int32_t away(int32_t x, int e)
{
	if (e == 0)
		return x;
	if (e > 31)
		return 0;
	return (int32_t)floor_shift((__int128)x + ((__int128)1 << (e - 1)) - (x < 0), e);
}

static int32_t scaled(const struct operation *o, int which, int32_t x)
{
	uint32_t m = o->multiplier[which];
	int s = o->shift[which];

	switch (o->requantise) {
	case KESTREL_REQUANTISE_DOUBLE:
		if (s > 0)
			return high((int32_t)((uint32_t)x << s), (int32_t)m);
		return away(high(x, (int32_t)m), -s);
	case KESTREL_REQUANTISE_UPWARD:
		if (s > 0)
			return high((int32_t)((uint32_t)x << s), (int32_t)m);
		return (int32_t)floor_shift((__int128)high(x, (int32_t)m) * 2 +
					    ((__int128)1 << -s), 1 - s);
	case KESTREL_REQUANTISE_SINGLE:
		return saturate(floor_shift((__int128)x * (int32_t)m +
						    ((__int128)1 << (30 - s)), 31 - s));
	default:
		return saturate(floor_shift((__int128)x * (int32_t)m +
						    ((__int128)1 << (14 - s)), 15 - s));
	}
}

static int64_t clamp(const struct operation *o, int64_t value)
{
	value = value < o->clamp_min ? o->clamp_min : value;
	return value > o->clamp_max ? o->clamp_max : value;
}

static bool is_pool(uint32_t operation)
{
	return operation == KESTREL_VECTOR_MAX_POOL || operation == KESTREL_VECTOR_MIN_POOL ||
	       operation == KESTREL_VECTOR_AVERAGE_POOL || operation == KESTREL_VECTOR_SUM_POOL;
}

static int64_t pooled(const struct operation *o, const uint8_t *image, int y, int x, int c)
{
	int64_t sum = 0, n = 0, best = 0, sum_zero = 0;

	for (int ky = 0; ky < o->kernel_height; ky++)
		for (int kx = 0; kx < o->kernel_width; kx++) {
			int iy = y * o->stride_y + ky - o->pad_top;
			int ix = x * o->stride_x + kx - o->pad_left, a;

			if (iy < 0 || ix < 0 || iy >= o->in_height || ix >= o->in_width)
				continue;
			a = load(image, &o->ifm, iy, ix, c);
			sum += a;
			sum_zero += a - o->zero[0];
			if (!n || (o->operation == KESTREL_VECTOR_MAX_POOL ? a > best : a < best))
				best = a;
			n++;
		}
	if (o->operation == KESTREL_VECTOR_SUM_POOL)
		return clamp(o, (int64_t)scaled(o, 0, (int32_t)sum_zero) + o->zero[2]);
	if (o->operation == KESTREL_VECTOR_AVERAGE_POOL)
		return clamp(o, !n ? 0 : sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n);
	if (!n)
		return o->operation == KESTREL_VECTOR_MAX_POOL ? o->clamp_min : o->clamp_max;
	return clamp(o, best);
}

static bool is_resize(uint32_t operation)
{
	return operation == KESTREL_VECTOR_RESIZE_BILINEAR ||
	       operation == KESTREL_VECTOR_RESIZE_NEAREST;
}

/* Division that rounds down, or up. */
static int64_t divided(int64_t value, int64_t by, bool up)
{
	int64_t quotient = value / by;

	if (value % by && (value < 0) != up)
		quotient += up ? 1 : -1;
	return quotient;
}

static int inside(int64_t index, int size)
{
	return (int)(index < 0 ? 0 : index >= size ? size - 1 : index);
}

static int64_t resized(const struct operation *o, const uint8_t *image, int y, int x, int c)
{
	bool nearest = o->operation == KESTREL_VECTOR_RESIZE_NEAREST;
	int64_t one = nearest ? 65536 : 1024, sum = 0;
	int64_t py = o->start_y + (int64_t)y * o->step_y, px = o->start_x + (int64_t)x * o->step_x;
	int low_y = inside(divided(py, one, false), o->in_height);
	int low_x = inside(divided(px, one, false), o->in_width);
	int high_y = inside(divided(py, one, true), o->in_height);
	int high_x = inside(divided(px, one, true), o->in_width);
	int64_t fy = low_y == high_y ? 0 : py - one * low_y;
	int64_t fx = low_x == high_x ? 0 : px - one * low_x;

	if (nearest)
		return load(image, &o->ifm, low_y, low_x, c);
	sum += load(image, &o->ifm, low_y, low_x, c) * (one - fy) * (one - fx);
	sum += load(image, &o->ifm, high_y, low_x, c) * fy * (one - fx);
	sum += load(image, &o->ifm, low_y, high_x, c) * (one - fy) * fx;
	sum += load(image, &o->ifm, high_y, high_x, c) * fy * fx;
	return clamp(o, (sum + (sum > 0 ? 524288 : -524288)) / 1048576);
}

static int transposed(const struct operation *o, const uint8_t *image, int y, int x, int c)
{
	switch (o->permutation) {
	case KESTREL_PERMUTATION_YXC:
		return load(image, &o->ifm, y, x, c);
	case KESTREL_PERMUTATION_XYC:
		return load(image, &o->ifm, x, y, c);
	case KESTREL_PERMUTATION_YCX:
		return load(image, &o->ifm, y, c, x);
	case KESTREL_PERMUTATION_CXY:
		return load(image, &o->ifm, c, x, y);
	case KESTREL_PERMUTATION_XCY:
		return load(image, &o->ifm, x, c, y);
	default:
		return load(image, &o->ifm, c, y, x);
	}
}

static int64_t element(const struct operation *o, const uint8_t *image, int y, int x, int c)
{
	int a, b = 0;
	int32_t left, right;

	if (is_pool(o->operation))
		return pooled(o, image, y, x, c);
	if (is_resize(o->operation))
		return resized(o, image, y, x, c);
	if (o->operation == KESTREL_VECTOR_TRANSPOSE)
		return transposed(o, image, y, x, c);
	a = load(image, &o->ifm, y, x, c);
	if (o->operation <= KESTREL_VECTOR_MAX)
		b = load(image, &o->ifm2, y, x, c);
	switch (o->operation) {
	case KESTREL_VECTOR_ADD:
	case KESTREL_VECTOR_SUB:
		left = scaled(o, 0, (int32_t)((uint32_t)(a - o->zero[0]) << o->left_shift));
		right = scaled(o, 1, (int32_t)((uint32_t)(b - o->zero[1]) << o->left_shift));
		if (o->operation == KESTREL_VECTOR_SUB)
			left = (int32_t)((uint32_t)left - (uint32_t)right);
		else
			left = (int32_t)((uint32_t)left + (uint32_t)right);
		return clamp(o, (int64_t)scaled(o, 2, left) + o->zero[2]);
	case KESTREL_VECTOR_MUL:
		left = (int32_t)((int64_t)(a - o->zero[0]) * (b - o->zero[1]));
		return clamp(o, (int64_t)scaled(o, 2, left) + o->zero[2]);
	case KESTREL_VECTOR_MIN:
		return clamp(o, a < b ? a : b);
	case KESTREL_VECTOR_MAX:
		return clamp(o, a > b ? a : b);
	case KESTREL_VECTOR_RESCALE:
		return clamp(o, (int64_t)scaled(o, 0, a - o->zero[0]) + o->zero[2]);
	case KESTREL_VECTOR_TABLE:
		return image[TABLE_AREA + (uint8_t)a];
	default:
		return a;
	}
}

static int64_t shift_saturated(int64_t x, int n)
{
	return saturate((__int128)x * (1 << n));
}

static uint32_t table_entry(const struct operation *o, const uint8_t *image, int distance)
{
	const uint8_t *from = image + TABLE_AREA + 4 * distance;

	if ((uint32_t)distance >= o->entries)
		return 0;
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

static void softmax(const struct operation *o, const uint8_t *image, int y, int x, int64_t *out)
{
	int maximum = load(image, &o->ifm, y, x, 0), k = 0;
	uint32_t sum = 0;
	int32_t r = 0;

	for (int c = 1; c < o->channels; c++) {
		int a = load(image, &o->ifm, y, x, c);

		maximum = a > maximum ? a : maximum;
	}
	for (int c = 0; c < o->channels; c++)
		sum += (uint32_t)away((int32_t)table_entry(o, image, maximum -
							   load(image, &o->ifm, y, x, c)), 12);
	if (sum) {
		int64_t h, half;
		int32_t guess;

		while (!(sum << k >> 31))
			k++;
		h = (int32_t)((sum << k) - 0x80000000u);
		half = (h + INT64_C(0x80000000)) / 2;
		guess = 1515870810 + high((int32_t)half, -1010580540);
		for (int i = 0; i < 3; i++)
			guess += (int32_t)shift_saturated(high(guess, (1 << 29) -
							       high((int32_t)half, guess)), 2);
		r = (int32_t)shift_saturated(guess, 1);
	}
	for (int c = 0; c < o->channels; c++) {
		uint32_t e = table_entry(o, image, maximum - load(image, &o->ifm, y, x, c));

		out[c] = o->clamp_min;
		if (e && sum)
			out[c] = clamp(o, (int64_t)away(high(r, (int32_t)e), 35 - k) + o->zero[2]);
	}
}

/* Bits of a number, from the top one. */
static int width_of(unsigned __int128 value)
{
	int width = 0;

	for (; value; value >>= 1)
		width++;
	return width;
}

/* Also how far, in units of 2^-10, the normalised elements are from real arithmetic. */
static double layer_norm(const struct operation *o, const uint8_t *image, int y, int x,
			 int64_t *out)
{
	const uint8_t *table = image + TABLE_AREA;
	unsigned __int128 variance;
	__int128 sum = 0, squares = 0;
	uint64_t f = 0, r = 0;
	double worst = 0;
	int k = 0;

	for (int c = 0; c < o->channels; c++) {
		int d = load(image, &o->ifm, y, x, c) - o->zero[0];

		sum += d;
		squares += (__int128)d * d;
	}
	variance = (unsigned __int128)(squares * o->channels - sum * sum + o->epsilon);
	if (variance) {
		k = (64 - width_of(variance)) / 2 * 2;
		f = (uint64_t)((variance << k) / ((unsigned __int128)1 << 32));
		r = 2362232012u - (uint64_t)floor_shift((__int128)f * 1288490189, 32);
		for (int i = 0; i < 4; i++) {
			__int128 product = floor_shift((__int128)r * r, 31);

			product = floor_shift(product * f, 32);
			r = (uint64_t)floor_shift(((__int128)3 * (1 << 29) - product) * r, 30);
		}
	}
	for (int c = 0; c < o->channels; c++) {
		const uint8_t *gain = table + 4 * o->channels + 2 * c;
		int32_t bias = (int32_t)(table[4 * c] | table[4 * c + 1] << 8 |
					 table[4 * c + 2] << 16 | (uint32_t)table[4 * c + 3] << 24);
		__int128 n = (__int128)(load(image, &o->ifm, y, x, c) - o->zero[0]) * o->channels -
			     sum;
		int s = 52 - k / 2;
		int64_t normal = (int64_t)floor_shift(n * r + ((__int128)1 << (s - 1)), s);
		double real = variance ? 1024 * (double)n / sqrt((double)variance) : 0;

		if (!variance)
			normal = 0;
		worst = fmax(worst, fabs((double)normal - real));
		out[c] = clamp(o, (int64_t)scaled(o, 0, saturate((__int128)normal *
			(int16_t)(gain[0] | gain[1] << 8) + bias)) + o->zero[2]);
	}
	return worst;
}

static bool map_make(struct map *m, uint32_t address, int wide, int is_unsigned, int width,
		     int height, int channels, uint64_t *random)
{
	uint32_t bricks;

	m->address = address;
	m->bytes = wide ? 2 : 1;
	m->low = wide ? -32768 : is_unsigned ? 0 : -128;
	m->high = wide ? 32767 : is_unsigned ? 255 : 127;
	m->ring = bench_random(random, 0, 1) ? (uint32_t)height + bench_random(random, 0, 2) : 0;
	m->first = m->ring ? bench_random(random, 0, 9) : 0;
	bricks = (uint32_t)(channels * m->bytes + 15) / 16;
	if (!wide && channels < 16 && bench_random(random, 0, 1)) {
		m->pixel = (uint32_t)channels;
		m->row = (uint32_t)width * m->pixel + bench_random(random, 0, 5);
		m->address += bench_random(random, 0, 9);
		m->brick = 7;
		bricks = 1;
	} else {
		m->pixel = 16 * bench_random(random, 1, 2);
		m->row = (uint32_t)width * m->pixel;
		m->brick = (m->ring ? m->ring : (uint32_t)height) * m->row;
	}
	return bricks * (m->ring ? m->ring : (uint32_t)height) * m->row <= 16384 - 16;
}

/* Height, width and channels of TRANSPOSE's input from those of its output. */
static void transposed_size(uint32_t permutation, int size[3])
{
	int h = size[0], w = size[1], c = size[2];
	const int sizes[KESTREL_PERMUTATION_COUNT][3] = {
		{ h, w, c }, { w, h, c }, { h, c, w }, { c, w, h }, { w, c, h }, { c, h, w },
	};

	memcpy(size, sizes[permutation], 3 * sizeof(int));
}

static bool operation_make(struct operation *o, uint64_t *random)
{
	int wide_in, wide_out, narrow, in_channels = 0;

	memset(o, 0, sizeof(*o));
	o->operation = bench_random(random, 0, KESTREL_VECTOR_OPERATION_COUNT - 1);
	o->epsilon = bench_random(random, 0, 1) ? bench_random(random, 0, 100000) : 0;
	o->flags = bench_random(random, 0, 31);
	if (o->operation == KESTREL_VECTOR_TABLE)
		o->flags &= 7;
	wide_in = (o->flags & KESTREL_VECTOR_FLAG_IFM_16BIT) != 0;
	if (o->operation == KESTREL_VECTOR_COPY || o->operation == KESTREL_VECTOR_TRANSPOSE ||
	    o->operation == KESTREL_VECTOR_RESIZE_NEAREST)
		o->flags = (o->flags & 7) | (wide_in ? 24 : 0);
	wide_out = (o->flags & KESTREL_VECTOR_FLAG_OFM_16BIT) != 0;
	o->width = (int)bench_random(random, 1, 9);
	o->height = (int)bench_random(random, 1, 7);
	o->channels = (int)bench_random(random, 1, 40);
	o->in_width = o->width;
	o->in_height = o->height;
	if (o->operation == KESTREL_VECTOR_TRANSPOSE) {
		int size[3] = { o->height, o->width, o->channels };

		o->permutation = bench_random(random, 0, KESTREL_PERMUTATION_COUNT - 1);
		transposed_size(o->permutation, size);
		o->in_height = size[0];
		o->in_width = size[1];
		in_channels = size[2];
	}
	if (is_resize(o->operation)) {
		int one = o->operation == KESTREL_VECTOR_RESIZE_NEAREST ? 65536 : 1024;

		o->step_x = (int)bench_random(random, 0, 3 * (uint32_t)one);
		o->step_y = (int)bench_random(random, 0, 2 * (uint32_t)one);
		o->start_x = (int)bench_random(random, 0, 3 * (uint32_t)one) - one;
		o->start_y = (int)bench_random(random, 0, 4 * (uint32_t)one) - 2 * one;
	}
	if (is_pool(o->operation) || is_resize(o->operation)) {
		o->in_width = (int)bench_random(random, 1, 9);
		o->in_height = (int)bench_random(random, 1, 7);
	}
	o->kernel_width = (int)bench_random(random, 1, 4);
	o->kernel_height = (int)bench_random(random, 1, 4);
	o->stride_x = (int)bench_random(random, 1, 3);
	o->stride_y = (int)bench_random(random, 1, 3);
	o->pad_left = (int)bench_random(random, 0, 4) - 1;
	o->pad_top = (int)bench_random(random, 0, 4) - 1;
	if (!map_make(&o->ifm, IFM_AREA, wide_in, o->flags & 1, o->in_width, o->in_height,
		      in_channels ? in_channels : o->channels, random) ||
	    !map_make(&o->ifm2, IFM2_AREA, wide_in, (o->flags & 2) != 0, o->width, o->height,
		      o->channels, random) ||
	    !map_make(&o->ofm, OFM_AREA, wide_out, (o->flags & 4) != 0, o->width, o->height,
		      o->channels, random))
		return false;
	if (bench_random(random, 0, 3) == 0)
		o->ifm2.row = 0;
	if (o->ifm2.pixel >= 16 && bench_random(random, 0, 3) == 0)
		o->ifm2.pixel = 0;
	o->zero[0] = (int)bench_random(random, 0, 255) + (o->ifm.low ? -128 : 0);
	o->zero[1] = (int)bench_random(random, 0, 255) + (o->ifm2.low ? -128 : 0);
	o->zero[2] = (int)bench_random(random, 0, 255) + (o->ofm.low ? -128 : 0);
	o->clamp_min = o->ofm.low + (int)bench_random(random, 0, 9);
	o->clamp_max = o->ofm.high - (int)bench_random(random, 0, 9);
	o->requantise = bench_random(random, 0, 2);
	if (o->requantise == KESTREL_REQUANTISE_F32)
		o->requantise = KESTREL_REQUANTISE_WIDE;
	narrow = o->requantise == KESTREL_REQUANTISE_WIDE;
	for (int i = 0; i < 3; i++) {
		o->multiplier[i] = narrow ? bench_random(random, 0, 32767)
					  : bench_random(random, 1u << 30, INT32_MAX);
		o->shift[i] = (int)bench_random(random, 0, 16) - 12;
		if (bench_random(random, 0, 15) == 0)
			o->shift[i] = (int)bench_random(random, 0, narrow ? 45 : 61) - 31;
	}
	o->left_shift = bench_random(random, 0, 20);
	o->entries = bench_random(random, 1, 256);
	return true;
}

static void map_stream(struct bench *bench, const struct map *m, uint32_t address,
		       uint32_t row, uint32_t brick, uint32_t pixel, uint32_t ring, uint32_t first)
{
	stream_set(bench, address, m->address);
	stream_set(bench, row, m->row);
	stream_set(bench, brick, m->brick);
	stream_set(bench, pixel, m->pixel);
	stream_set(bench, ring, m->ring);
	stream_set(bench, first, m->first);
}

static void operation_stream(struct bench *bench, const struct operation *o)
{
	stream_clear(bench);
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 0, IMAGE);
	stream_signal(bench, 0);
	stream_select(bench, KESTREL_UNIT_VECTOR);
	stream_wait(bench, 0);
	stream_set(bench, KESTREL_VECTOR_OPERATION, o->operation);
	stream_set(bench, KESTREL_VECTOR_FLAGS, o->flags);
	map_stream(bench, &o->ifm, KESTREL_VECTOR_IFM_ADDRESS, KESTREL_VECTOR_IFM_ROW_STRIDE,
		   KESTREL_VECTOR_IFM_BRICK_STRIDE, KESTREL_VECTOR_IFM_PIXEL_STRIDE,
		   KESTREL_VECTOR_IFM_RING_ROWS, KESTREL_VECTOR_IFM_FIRST_ROW);
	map_stream(bench, &o->ifm2, KESTREL_VECTOR_IFM2_ADDRESS, KESTREL_VECTOR_IFM2_ROW_STRIDE,
		   KESTREL_VECTOR_IFM2_BRICK_STRIDE, KESTREL_VECTOR_IFM2_PIXEL_STRIDE,
		   KESTREL_VECTOR_IFM2_RING_ROWS, KESTREL_VECTOR_IFM2_FIRST_ROW);
	map_stream(bench, &o->ofm, KESTREL_VECTOR_OFM_ADDRESS, KESTREL_VECTOR_OFM_ROW_STRIDE,
		   KESTREL_VECTOR_OFM_BRICK_STRIDE, KESTREL_VECTOR_OFM_PIXEL_STRIDE,
		   KESTREL_VECTOR_OFM_RING_ROWS, KESTREL_VECTOR_OFM_FIRST_ROW);
	stream_set(bench, KESTREL_VECTOR_IFM_WIDTH, (uint32_t)o->in_width);
	stream_set(bench, KESTREL_VECTOR_IFM_HEIGHT, (uint32_t)o->in_height);
	stream_set_signed(bench, KESTREL_VECTOR_IFM_ZERO_POINT, o->zero[0]);
	stream_set_signed(bench, KESTREL_VECTOR_IFM2_ZERO_POINT, o->zero[1]);
	stream_set_signed(bench, KESTREL_VECTOR_OFM_ZERO_POINT, o->zero[2]);
	stream_set(bench, KESTREL_VECTOR_OFM_WIDTH, (uint32_t)o->width);
	stream_set(bench, KESTREL_VECTOR_OFM_HEIGHT, (uint32_t)o->height);
	stream_set(bench, KESTREL_VECTOR_OFM_CHANNELS, (uint32_t)o->channels);
	stream_set_signed(bench, KESTREL_VECTOR_CLAMP_MIN, o->clamp_min);
	stream_set_signed(bench, KESTREL_VECTOR_CLAMP_MAX, o->clamp_max);
	stream_set(bench, KESTREL_VECTOR_REQUANTISE, o->requantise);
	for (uint32_t i = 0; i < 3; i++) {
		stream_set(bench, KESTREL_VECTOR_IFM_MULTIPLIER + 2 * i, o->multiplier[i]);
		stream_set_signed(bench, KESTREL_VECTOR_IFM_SHIFT + 2 * i, o->shift[i]);
	}
	stream_set(bench, KESTREL_VECTOR_LEFT_SHIFT, o->left_shift);
	stream_set(bench, KESTREL_VECTOR_KERNEL_WIDTH, (uint32_t)o->kernel_width);
	stream_set(bench, KESTREL_VECTOR_KERNEL_HEIGHT, (uint32_t)o->kernel_height);
	stream_set(bench, KESTREL_VECTOR_STRIDE_X, (uint32_t)o->stride_x);
	stream_set(bench, KESTREL_VECTOR_STRIDE_Y, (uint32_t)o->stride_y);
	stream_set_signed(bench, KESTREL_VECTOR_PAD_LEFT, o->pad_left);
	stream_set_signed(bench, KESTREL_VECTOR_PAD_TOP, o->pad_top);
	stream_set(bench, KESTREL_VECTOR_TABLE_ADDRESS, TABLE_AREA);
	stream_set(bench, KESTREL_VECTOR_TABLE_ENTRIES, o->entries);
	stream_set(bench, KESTREL_VECTOR_STEP_X, (uint32_t)o->step_x);
	stream_set(bench, KESTREL_VECTOR_STEP_Y, (uint32_t)o->step_y);
	stream_set_signed(bench, KESTREL_VECTOR_START_X, o->start_x);
	stream_set_signed(bench, KESTREL_VECTOR_START_Y, o->start_y);
	stream_set(bench, KESTREL_VECTOR_PERMUTATION, o->permutation);
	stream_set(bench, KESTREL_VECTOR_EPSILON, o->epsilon);
	stream_execute(bench);
	stream_signal(bench, 1);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 1);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, 1u << 17, 0, IMAGE);
}

static double image_expect(const struct operation *o, uint8_t *image, const uint8_t *before)
{
	bool whole_pixels = o->operation == KESTREL_VECTOR_SOFTMAX ||
			    o->operation == KESTREL_VECTOR_LAYER_NORM;
	double error = 0;
	bool packed = o->ofm.pixel < 16;
	int lanes = packed ? 1 : 16 / o->ofm.bytes;
	int whole = (o->channels + lanes - 1) / lanes * lanes;
	int64_t row[64];

	for (int y = 0; y < o->height; y++)
		for (int x = 0; x < o->width; x++) {
			if (o->operation == KESTREL_VECTOR_SOFTMAX)
				softmax(o, before, y, x, row);
			if (o->operation == KESTREL_VECTOR_LAYER_NORM)
				error = fmax(error, layer_norm(o, before, y, x, row));
			for (int c = 0; c < whole; c++) {
				int64_t value = 0;

				if (c < o->channels)
					value = whole_pixels ? row[c] : element(o, before, y, x, c);
				store(image, &o->ofm, y, x, c, value);
			}
		}
	return error;
}

int main(void)
{
	struct test test = { 0 };
	struct bench *bench = bench_create("kestrel-256", NULL);
	static uint8_t expected[IMAGE];
	unsigned int count[KESTREL_VECTOR_OPERATION_COUNT] = { 0 };
	uint64_t random = 9;

	for (int i = 0; i < CASES; i++) {
		struct operation o;

		if (!operation_make(&o, &random))
			continue;
		for (uint32_t byte = 0; byte < IMAGE; byte++)
			bench->memory[byte] = (uint8_t)bench_random(&random, 0, 255);
		for (uint32_t d = 0; d < 256 && o.operation == KESTREL_VECTOR_SOFTMAX; d++) {
			uint32_t e = 0x7fffffffu >> (d / 9) >> bench_random(&random, 0, 1);

			memcpy(bench->memory + TABLE_AREA + 4 * d, &e, sizeof(e));
		}
		memcpy(expected, bench->memory, IMAGE);
		CHECK(&test, image_expect(&o, expected, bench->memory) < 0.51);
		operation_stream(bench, &o);
		EQUAL(&test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		if (bench->status.state != KESTREL_ENGINE_STATUS_DONE)
			printf("# operation %u fault %u detail %u\n", o.operation,
			       bench->status.fault_code, bench->status.fault_detail);
		for (uint32_t byte = 0; byte < IMAGE; byte++) {
			if (bench->memory[(1u << 17) + byte] == expected[byte])
				continue;
			printf("# case %d operation %u flags %x requantise %u: SRAM byte 0x%x is "
			       "%u, expected %u\n", i, o.operation, o.flags, o.requantise, byte,
			       bench->memory[(1u << 17) + byte], expected[byte]);
			test.failures++;
			break;
		}
		count[o.operation]++;
	}
	for (int i = 0; i < KESTREL_VECTOR_OPERATION_COUNT; i++)
		CHECK(&test, count[i] > 100);
	test_group(&test, "VECTOR operations equal the formulas");
	bench_destroy(bench);
	return test.failures != 0;
}
