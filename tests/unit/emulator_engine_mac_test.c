// SPDX-License-Identifier: MIT
/*
 * MAC commands of every mode against the formulas of isa.h, computed here from
 * logical tensors: layouts, pass order and arithmetic are written down a second
 * time and share nothing with the engine.
 */

#include "emulator_engine_test.h"

#define CASES 4000
/* SRAM that a case uses; all of it is compared. */
#define IMAGE 65536u
#define IFM_AREA 0u
#define WEIGHT_AREA 24576u
#define RECORD_AREA 45056u
#define OFM_AREA 46080u
#define SPILL_AREA 57344u

struct layer {
	uint32_t mode;
	uint32_t flags;
	int width, height, channels;
	int out_width, out_height, out_channels;
	int kernel_width, kernel_height;
	int stride_x, stride_y, dilation_x, dilation_y;
	int pad_left, pad_top;
	int ifm_zero, weight_zero, ofm_zero, clamp_min, clamp_max;
	int multiplier_depth;
	uint32_t requantise;
	int ring_rows, first_row;
	uint32_t ifm_pixel, ifm_row, ifm_brick;
	uint32_t ofm_pixel, ofm_row, ofm_brick;
	uint32_t accumulate_from, accumulate_to;
	uint32_t weight_brick;
	uint32_t scale;
	int shift;
};

/* Logical tensors of a case. */
struct tensors {
	int16_t ifm[32 * 32 * 64];
	int16_t weight[64 * 512];
	int32_t bias[64];
	uint32_t scale[64];
	int shift[64];
	int32_t start[32 * 32 * 64];
};

static int flag(const struct layer *l, uint32_t bit)
{
	return (l->flags & bit) != 0;
}

static int low_of(int wide, int is_unsigned)
{
	return wide ? -32768 : is_unsigned ? 0 : -128;
}

static int high_of(int wide, int is_unsigned)
{
	return wide ? 32767 : is_unsigned ? 255 : 127;
}

static int elements_of(const struct layer *l)
{
	int taps = l->kernel_width * l->kernel_height;

	return l->mode == KESTREL_MAC_DEPTHWISE ? taps : taps * l->channels;
}

static uint32_t brick_address(uint32_t address, uint32_t row, uint32_t brick, uint32_t pixel,
			      int y, int x, int c, int bytes, int packed)
{
	int lanes = 16 / bytes;

	if (packed)
		return address + (uint32_t)y * row + (uint32_t)(x * (int)pixel + c);
	return address + (uint32_t)y * row + (uint32_t)(c / lanes) * brick +
	       (uint32_t)x * pixel + (uint32_t)(c % lanes * bytes);
}

static int row_of(const struct layer *l, int y)
{
	return l->ring_rows ? (l->first_row + y) % l->ring_rows : l->first_row + y;
}

static void put(uint8_t *image, uint32_t address, int value, int bytes)
{
	image[address] = (uint8_t)value;
	if (bytes == 2)
		image[address + 1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *image, uint32_t address, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		image[address + (uint32_t)i] = (uint8_t)(value >> 8 * i);
}

/* A layer whose tensors fit the areas; false when the dice gave none. */
static bool layer_make(struct layer *l, uint64_t *random)
{
	int ifm_bytes, ofm_bytes, bricks, outputs;

	memset(l, 0, sizeof(*l));
	l->mode = bench_random(random, 0, 2);
	l->flags = bench_random(random, 0, 63);
	if (l->mode == KESTREL_MAC_PACKED_CONVOLUTION)
		l->flags &= ~KESTREL_MAC_FLAG_IFM_16BIT;
	l->width = (int)bench_random(random, 1, 12);
	l->height = (int)bench_random(random, 1, 9);
	l->channels = (int)bench_random(random, 1, l->mode == KESTREL_MAC_PACKED_CONVOLUTION
						       ? 15 : 40);
	l->kernel_width = (int)bench_random(random, 1, 5);
	l->kernel_height = (int)bench_random(random, 1, 6);
	if (l->mode == KESTREL_MAC_CONVOLUTION && bench_random(random, 0, 3) == 0) {
		l->kernel_width = l->kernel_height = 1;
		if (!(l->flags & KESTREL_MAC_FLAG_IFM_16BIT) && bench_random(random, 0, 1))
			l->flags |= KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES;
	}
	l->stride_x = (int)bench_random(random, 1, 3);
	l->stride_y = (int)bench_random(random, 1, 3);
	l->dilation_x = l->mode == KESTREL_MAC_PACKED_CONVOLUTION ? 1
								  : (int)bench_random(random, 1, 2);
	l->dilation_y = (int)bench_random(random, 1, 2);
	l->pad_left = (int)bench_random(random, 0, 4) - 1;
	l->pad_top = (int)bench_random(random, 0, 4) - 1;
	/* Far away: too wide to be staged, so that the direct form is tested too. */
	if (bench_random(random, 0, 40) == 0) {
		l->pad_left = 65530;
		l->dilation_y = 256;
		l->flags &= ~KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES;
	}
	l->out_width = (int)bench_random(random, 1, 10);
	l->out_height = (int)bench_random(random, 1, 7);
	if (l->pad_left == 65530) {
		l->stride_x = 64;
		l->out_width = 1030;
		l->out_height = 1;
		l->kernel_height = 4;
		l->channels = l->channels < 4 ? l->channels : 4;
	}
	l->multiplier_depth = (int)bench_random(random, 1, 3);
	l->out_channels = l->mode == KESTREL_MAC_DEPTHWISE
				  ? l->channels * l->multiplier_depth
				  : (int)bench_random(random, 1, 40);
	if (l->pad_left == 65530 && l->mode != KESTREL_MAC_DEPTHWISE)
		l->out_channels = 2;
	if (l->out_channels > 64 || elements_of(l) > 512 ||
	    elements_of(l) * l->out_channels > 20000)
		return false;
	if (!flag(l, KESTREL_MAC_FLAG_IFM_16BIT))
		l->ifm_zero = (int)bench_random(random, 0, 255) +
			      low_of(0, flag(l, KESTREL_MAC_FLAG_IFM_UNSIGNED));
	l->weight_zero = (int)bench_random(random, 0, 255) +
			 low_of(0, flag(l, KESTREL_MAC_FLAG_WEIGHT_UNSIGNED));
	l->ofm_zero = (int)bench_random(random, 0, 255) +
		      low_of(0, flag(l, KESTREL_MAC_FLAG_OFM_UNSIGNED));
	l->clamp_min = low_of(flag(l, KESTREL_MAC_FLAG_OFM_16BIT),
			      flag(l, KESTREL_MAC_FLAG_OFM_UNSIGNED)) +
		       (int)bench_random(random, 0, 20);
	l->clamp_max = high_of(flag(l, KESTREL_MAC_FLAG_OFM_16BIT),
			       flag(l, KESTREL_MAC_FLAG_OFM_UNSIGNED)) -
		       (int)bench_random(random, 0, 20);
	l->requantise = bench_random(random, 0, 3);
	ifm_bytes = flag(l, KESTREL_MAC_FLAG_IFM_16BIT) ? 2 : 1;
	ofm_bytes = flag(l, KESTREL_MAC_FLAG_OFM_16BIT) ? 2 : 1;
	if (bench_random(random, 0, 1)) {
		l->ring_rows = l->height + (int)bench_random(random, 0, 3);
		l->first_row = (int)bench_random(random, 0, 20);
	}
	bricks = (l->channels * ifm_bytes + 15) / 16;
	if (l->mode == KESTREL_MAC_PACKED_CONVOLUTION) {
		l->ifm_pixel = (uint32_t)l->channels;
		l->ifm_row = ((uint32_t)(l->width * l->channels) + 15) / 16 * 16;
	} else {
		l->ifm_pixel = 16 * bench_random(random, 1, 2);
		l->ifm_row = (uint32_t)l->width * l->ifm_pixel;
		l->ifm_brick = (uint32_t)(l->ring_rows ? l->ring_rows : l->height) * l->ifm_row;
	}
	if ((uint32_t)bricks * (uint32_t)(l->ring_rows ? l->ring_rows : l->height) * l->ifm_row >
	    WEIGHT_AREA)
		return false;
	outputs = (l->out_channels * ofm_bytes + 15) / 16;
	if (ofm_bytes == 1 && l->out_channels < 16 && bench_random(random, 0, 1)) {
		l->ofm_pixel = (uint32_t)l->out_channels;
		l->ofm_row = (uint32_t)l->out_width * l->ofm_pixel + bench_random(random, 0, 3);
	} else {
		l->ofm_pixel = 16 * bench_random(random, 1, 2);
		l->ofm_row = (uint32_t)l->out_width * l->ofm_pixel;
		l->ofm_brick = (uint32_t)l->out_height * l->ofm_row;
	}
	if ((uint32_t)outputs * (uint32_t)l->out_height * l->ofm_row > SPILL_AREA - OFM_AREA)
		return false;
	if (bench_random(random, 0, 4) == 0 &&
	    ((l->out_channels + 15) / 16) * l->out_width * l->out_height * 64 <= 8192) {
		l->accumulate_from = bench_random(random, 0, 1) * KESTREL_ACCUMULATE_SRAM;
		l->accumulate_to = bench_random(random, 0, 1) * KESTREL_ACCUMULATE_SRAM;
	}
	l->weight_brick = (uint32_t)l->out_channels * 16;
	return true;
}

static float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void tensors_make(const struct layer *l, struct tensors *t, uint64_t *random)
{
	int wide = flag(l, KESTREL_MAC_FLAG_IFM_16BIT);
	int low = low_of(wide, flag(l, KESTREL_MAC_FLAG_IFM_UNSIGNED));
	int weight_low = low_of(0, flag(l, KESTREL_MAC_FLAG_WEIGHT_UNSIGNED));

	for (int i = 0; i < l->width * l->height * l->channels; i++)
		t->ifm[i] = (int16_t)((int)bench_random(random, 0, wide ? 65535 : 255) + low);
	for (int i = 0; i < elements_of(l) * l->out_channels; i++)
		t->weight[i] = (int16_t)((int)bench_random(random, 0, 255) + weight_low);
	for (int i = 0; i < l->out_width * l->out_height * l->out_channels &&
			i < 32 * 32 * 64; i++)
		t->start[i] = (int32_t)bench_random(random, 0, UINT32_MAX - 1);
	for (int i = 0; i < l->out_channels; i++) {
		t->bias[i] = (int32_t)bench_random(random, 0, 200000) - 100000;
		if (bench_random(random, 0, 30) == 0)
			t->bias[i] = INT32_MAX - (int32_t)bench_random(random, 0, 100);
		t->shift[i] = -(int)bench_random(random, 5, 12);
		if (bench_random(random, 0, 20) == 0)
			t->shift[i] = (int)bench_random(random, 0, 61) - 31;
		t->scale[i] = bench_random(random, 1u << 30, INT32_MAX);
		if (bench_random(random, 0, 30) == 0)
			t->scale[i] = 0x80000000u + bench_random(random, 0, 1000);
		if (l->requantise == KESTREL_REQUANTISE_WIDE) {
			t->scale[i] = bench_random(random, 0, 32767);
			t->shift[i] = t->shift[i] > 14 ? 14 : t->shift[i];
		}
		if (l->requantise == KESTREL_REQUANTISE_F32) {
			float value = (float)bench_random(random, 1, 1u << 24) * 0x1p-34f;

			memcpy(&t->scale[i], &value, sizeof(value));
			if (bench_random(random, 0, 40) == 0)
				t->scale[i] = 0x7fc00000;
			if (bench_random(random, 0, 40) == 0)
				t->scale[i] = 0x4f000000;
		}
		if (flag(l, KESTREL_MAC_FLAG_SCALE_PER_TENSOR)) {
			t->bias[i] = 0;
			t->scale[i] = t->scale[0];
			t->shift[i] = t->shift[0];
		}
	}
}

/* Floor division by 2^places of a 128-bit number. */
static __int128 floor_shift(__int128 value, int places)
{
	__int128 one = (__int128)1 << places;
	__int128 quotient = value / one;

	return value % one < 0 ? quotient - 1 : quotient;
}

static int64_t saturate32(__int128 value)
{
	if (value > INT32_MAX)
		return INT32_MAX;
	return value < INT32_MIN ? INT32_MIN : (int64_t)value;
}

static int64_t nearest_even(float value)
{
	int64_t whole = (int64_t)value;
	double fraction = (double)value - (double)whole;
	double half = fraction < 0 ? -fraction : fraction;

	if (half > 0.5 || (half == 0.5 && whole % 2))
		whole += value < 0 ? -1 : 1;
	return whole;
}

static int64_t requantise(uint32_t mode, int32_t x, uint32_t multiplier, int shift)
{
	__int128 product = (__int128)x * (int32_t)multiplier;

	if (mode == KESTREL_REQUANTISE_SINGLE)
		return saturate32(floor_shift(product + ((__int128)1 << (30 - shift)),
					      31 - shift));
	if (mode == KESTREL_REQUANTISE_WIDE)
		return saturate32(floor_shift(product + ((__int128)1 << (14 - shift)),
					      15 - shift));
	if (mode == KESTREL_REQUANTISE_F32) {
		float rounded = (float)x;

		rounded = rounded * float_of(multiplier);
		if (rounded != rounded)
			return 0;
		if (rounded >= 0x1p31f || rounded < -0x1p31f)
			return rounded > 0 ? INT32_MAX : INT32_MIN;
		return nearest_even(rounded);
	}
	if (shift > 0)
		return saturate32(floor_shift((__int128)(int32_t)((uint32_t)x << shift) *
						      (int32_t)multiplier + (1 << 30), 31));
	product = saturate32(floor_shift(product + (1 << 30), 31));
	if (shift == 0)
		return (int64_t)product;
	/* UPWARD leaves ties where floor puts them. */
	return (int64_t)floor_shift(product + ((__int128)1 << (-shift - 1)) -
					    (mode == KESTREL_REQUANTISE_DOUBLE && product < 0),
				    -shift);
}

/* Packs operands as isa.h lays them out, element after element. */
static void image_make(const struct layer *l, const struct tensors *t, uint8_t *image)
{
	int ifm_bytes = flag(l, KESTREL_MAC_FLAG_IFM_16BIT) ? 2 : 1;
	int packed = l->mode == KESTREL_MAC_PACKED_CONVOLUTION;
	int depth = 16 / ifm_bytes;
	uint32_t weight = WEIGHT_AREA, record = RECORD_AREA;

	for (int y = 0; y < l->height; y++)
		for (int x = 0; x < l->width; x++)
			for (int c = 0; c < l->channels; c++)
				put(image, brick_address(IFM_AREA, l->ifm_row, l->ifm_brick,
							 l->ifm_pixel, row_of(l, y), x, c,
							 ifm_bytes, packed),
				    t->ifm[(y * l->width + x) * l->channels + c], ifm_bytes);
	for (int first = 0; first < l->out_channels; first += 16) {
		int n = l->out_channels - first < 16 ? l->out_channels - first : 16;
		int elements = elements_of(l);
		int per_row = elements / l->kernel_height;

		if (flag(l, KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES)) {
			for (int j = 0; j < n; j++)
				for (int ic = 0; ic < l->channels; ic++)
					image[WEIGHT_AREA + (uint32_t)(ic / 16) * l->weight_brick +
					      (uint32_t)((first + j) * 16 + ic % 16)] =
						(uint8_t)t->weight[(first + j) * elements + ic];
		} else if (l->mode == KESTREL_MAC_CONVOLUTION) {
			for (int ic = 0; ic < l->channels; ic += depth)
				for (int tap = 0; tap < l->kernel_width * l->kernel_height; tap++)
					for (int j = 0; j < n; j++)
						for (int e = ic; e < ic + depth && e < l->channels;
						     e++)
							image[weight++] = (uint8_t)t->weight
								[(first + j) * elements +
								 tap * l->channels + e];
		} else {
			for (int start = 0, end; start < elements; start = end) {
				end = start;
				while (end < elements && end - start < depth &&
				       end / per_row - start / per_row < 4)
					end++;
				for (int j = 0; j < n; j++)
					for (int e = start; e < end; e++)
						image[weight++] = (uint8_t)t->weight
							[(first + j) * elements + e];
			}
		}
		for (int j = 0; j < n; j++, record += 4)
			put32(image, record, (uint32_t)t->bias[first + j]);
		for (int j = 0; j < n; j++, record += 4)
			put32(image, record, t->scale[first + j]);
		for (int j = 0; j < n; j++)
			image[record++] = (uint8_t)t->shift[first + j];
	}
}

static uint32_t spill_of(const struct layer *l, int oy, int ox, int oc)
{
	return SPILL_AREA + (uint32_t)((oc / 16 * l->out_width * l->out_height +
					oy * l->out_width + ox) * 64 + oc % 16 * 4);
}

static uint32_t accumulate(const struct layer *l, const struct tensors *t, int oy, int ox, int oc)
{
	int depthwise = l->mode == KESTREL_MAC_DEPTHWISE;
	int inner = depthwise ? 1 : l->channels;
	uint32_t sum = 0;

	for (int ky = 0; ky < l->kernel_height; ky++)
		for (int kx = 0; kx < l->kernel_width; kx++)
			for (int i = 0; i < inner; i++) {
				int iy = oy * l->stride_y + ky * l->dilation_y - l->pad_top;
				int ix = ox * l->stride_x + kx * l->dilation_x - l->pad_left;
				int ic = depthwise ? oc / l->multiplier_depth : i;
				int e = (ky * l->kernel_width + kx) * inner + i;

				if (iy < 0 || ix < 0 || iy >= l->height || ix >= l->width)
					continue;
				sum += (uint32_t)((t->ifm[(iy * l->width + ix) * l->channels +
							  ic] - l->ifm_zero) *
						  (t->weight[oc * elements_of(l) + e] -
						   l->weight_zero));
			}
	return sum;
}

/* What SRAM must hold afterwards. */
static void image_expect(const struct layer *l, const struct tensors *t, uint8_t *image)
{
	int ofm_bytes = flag(l, KESTREL_MAC_FLAG_OFM_16BIT) ? 2 : 1;
	int packed = l->ofm_pixel < 16;
	int lanes = packed ? 1 : 16 / ofm_bytes;
	int whole = (l->out_channels + lanes - 1) / lanes * lanes;

	if (l->accumulate_to == KESTREL_ACCUMULATE_SRAM)
		whole = (l->out_channels + 15) / 16 * 16;
	for (int oy = 0; oy < l->out_height; oy++) {
		for (int ox = 0; ox < l->out_width; ox++) {
			for (int oc = 0; oc < whole; oc++) {
				uint32_t sum = 0;
				int64_t value = 0;

				if (oc < l->out_channels)
					sum = accumulate(l, t, oy, ox, oc);
				if (oc < l->out_channels &&
				    l->accumulate_from == KESTREL_ACCUMULATE_SRAM)
					sum += (uint32_t)t->start[(oy * l->out_width + ox) *
								  l->out_channels + oc];
				if (l->accumulate_to == KESTREL_ACCUMULATE_SRAM) {
					put32(image, spill_of(l, oy, ox, oc), sum);
					continue;
				}
				if (oc < l->out_channels) {
					sum += (uint32_t)t->bias[oc];
					value = requantise(l->requantise, (int32_t)sum,
							   t->scale[oc], t->shift[oc]) +
						l->ofm_zero;
					value = value < l->clamp_min ? l->clamp_min : value;
					value = value > l->clamp_max ? l->clamp_max : value;
				}
				put(image, brick_address(OFM_AREA, l->ofm_row, l->ofm_brick,
							 l->ofm_pixel, oy, ox, oc, ofm_bytes,
							 packed),
				    (int)value, ofm_bytes);
			}
		}
	}
}

static void layer_stream(struct bench *bench, const struct layer *l, const struct tensors *t)
{
	stream_clear(bench);
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 0, IMAGE);
	stream_signal(bench, 0);
	stream_select(bench, KESTREL_UNIT_MAC);
	stream_wait(bench, 0);
	stream_set(bench, KESTREL_MAC_MODE, l->mode);
	stream_set(bench, KESTREL_MAC_FLAGS, l->flags);
	stream_set(bench, KESTREL_MAC_IFM_ADDRESS, IFM_AREA);
	stream_set(bench, KESTREL_MAC_IFM_ROW_STRIDE, l->ifm_row);
	stream_set(bench, KESTREL_MAC_IFM_BRICK_STRIDE, l->ifm_brick);
	stream_set(bench, KESTREL_MAC_IFM_PIXEL_STRIDE, l->ifm_pixel);
	stream_set(bench, KESTREL_MAC_IFM_RING_ROWS, (uint32_t)l->ring_rows);
	stream_set(bench, KESTREL_MAC_IFM_FIRST_ROW, (uint32_t)l->first_row);
	stream_set(bench, KESTREL_MAC_IFM_WIDTH, (uint32_t)l->width);
	stream_set(bench, KESTREL_MAC_IFM_HEIGHT, (uint32_t)l->height);
	stream_set(bench, KESTREL_MAC_IFM_CHANNELS, (uint32_t)l->channels);
	stream_set_signed(bench, KESTREL_MAC_IFM_ZERO_POINT, l->ifm_zero);
	stream_set(bench, KESTREL_MAC_KERNEL_WIDTH, (uint32_t)l->kernel_width);
	stream_set(bench, KESTREL_MAC_KERNEL_HEIGHT, (uint32_t)l->kernel_height);
	stream_set(bench, KESTREL_MAC_STRIDE_X, (uint32_t)l->stride_x);
	stream_set(bench, KESTREL_MAC_STRIDE_Y, (uint32_t)l->stride_y);
	stream_set(bench, KESTREL_MAC_DILATION_X, (uint32_t)l->dilation_x);
	stream_set(bench, KESTREL_MAC_DILATION_Y, (uint32_t)l->dilation_y);
	stream_set_signed(bench, KESTREL_MAC_PAD_LEFT, l->pad_left);
	stream_set_signed(bench, KESTREL_MAC_PAD_TOP, l->pad_top);
	stream_set(bench, KESTREL_MAC_OFM_ADDRESS, OFM_AREA);
	stream_set(bench, KESTREL_MAC_OFM_ROW_STRIDE, l->ofm_row);
	stream_set(bench, KESTREL_MAC_OFM_BRICK_STRIDE, l->ofm_brick);
	stream_set(bench, KESTREL_MAC_OFM_PIXEL_STRIDE, l->ofm_pixel);
	stream_set(bench, KESTREL_MAC_OFM_WIDTH, (uint32_t)l->out_width);
	stream_set(bench, KESTREL_MAC_OFM_HEIGHT, (uint32_t)l->out_height);
	stream_set(bench, KESTREL_MAC_OFM_CHANNELS, (uint32_t)l->out_channels);
	stream_set_signed(bench, KESTREL_MAC_OFM_ZERO_POINT, l->ofm_zero);
	stream_set_signed(bench, KESTREL_MAC_CLAMP_MIN, l->clamp_min);
	stream_set_signed(bench, KESTREL_MAC_CLAMP_MAX, l->clamp_max);
	stream_set(bench, KESTREL_MAC_WEIGHT_ADDRESS, WEIGHT_AREA);
	stream_set(bench, KESTREL_MAC_WEIGHT_BRICK_STRIDE, l->weight_brick);
	stream_set_signed(bench, KESTREL_MAC_WEIGHT_ZERO_POINT, l->weight_zero);
	stream_set(bench, KESTREL_MAC_RECORD_ADDRESS, RECORD_AREA);
	stream_set(bench, KESTREL_MAC_REQUANTISE, l->requantise);
	stream_set(bench, KESTREL_MAC_MULTIPLIER, t->scale[0]);
	stream_set_signed(bench, KESTREL_MAC_SHIFT, t->shift[0]);
	stream_set(bench, KESTREL_MAC_DEPTH_MULTIPLIER, (uint32_t)l->multiplier_depth);
	stream_set(bench, KESTREL_MAC_ACCUMULATE_FROM, l->accumulate_from);
	stream_set(bench, KESTREL_MAC_ACCUMULATE_TO, l->accumulate_to);
	stream_set(bench, KESTREL_MAC_SPILL_ADDRESS, SPILL_AREA);
	stream_execute(bench);
	stream_signal(bench, 1);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 1);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, 1u << 17, 0, IMAGE);
}

static void layers_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	struct tensors *t = calloc(1, sizeof(*t));
	static uint8_t expected[IMAGE];
	unsigned int by_mode[3] = { 0 }, far = 0;
	uint64_t random = 1, macs = 0;

	for (int i = 0; i < CASES; i++) {
		struct layer l;

		if (!layer_make(&l, &random))
			continue;
		tensors_make(&l, t, &random);
		for (uint32_t byte = 0; byte < IMAGE; byte++)
			expected[byte] = (uint8_t)bench_random(&random, 0, 255);
		image_make(&l, t, expected);
		if (l.accumulate_from == KESTREL_ACCUMULATE_SRAM)
			for (int p = 0; p < l.out_width * l.out_height; p++)
				for (int c = 0; c < l.out_channels; c++)
					put32(expected, spill_of(&l, p / l.out_width,
								 p % l.out_width, c),
					      (uint32_t)t->start[p * l.out_channels + c]);
		memcpy(bench->memory, expected, IMAGE);
		image_expect(&l, t, expected);
		layer_stream(bench, &l, t);
		EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
		if (bench->status.state == KESTREL_ENGINE_STATUS_FAULTED)
			printf("# case %d mode %u: fault %u detail %u\n", i, l.mode,
			       bench->status.fault_code, bench->status.fault_detail);
		for (uint32_t byte = 0; byte < IMAGE; byte++) {
			if (bench->memory[(1u << 17) + byte] == expected[byte])
				continue;
			printf("# case %d mode %u flags %x requantise %u: SRAM byte 0x%x is %u, "
			       "expected %u\n", i, l.mode, l.flags, l.requantise, byte,
			       bench->memory[(1u << 17) + byte], expected[byte]);
			test->failures++;
			break;
		}
		by_mode[l.mode]++;
		far += l.pad_left == 65530;
		macs += (uint64_t)elements_of(&l) * (uint64_t)l.out_channels *
			(uint64_t)l.out_width * (uint64_t)l.out_height;
	}
	CHECK(test, by_mode[0] > 100 && by_mode[1] > 100 && by_mode[2] > 100 && far > 10);
	{
		struct kestrel_simulator_statistics statistics = { 0 };

		engine_statistics(bench->engine, &statistics);
		EQUAL(test, statistics.macs, macs);
	}
	test_group(test, "MAC commands of all modes equal the formulas");
	free(t);
	bench_destroy(bench);
}

/* Three commands of a third of the input channels each, through accumulator RAM. */
static void accumulators_test(struct test *test)
{
	struct bench *bench = bench_create("kestrel-256", NULL);
	const uint32_t pixels = 64;
	int32_t expected;

	for (uint32_t i = 0; i < IMAGE; i++)
		bench->memory[i] = (uint8_t)(i * 7 + i / 256);
	stream_copy(bench, KESTREL_UNIT_DMA_IN, 0, 0, 16384);
	stream_signal(bench, 0);
	stream_select(bench, KESTREL_UNIT_MAC);
	stream_wait(bench, 0);
	stream_set(bench, KESTREL_MAC_FLAGS, KESTREL_MAC_FLAG_SCALE_PER_TENSOR);
	stream_set(bench, KESTREL_MAC_IFM_WIDTH, pixels);
	stream_set(bench, KESTREL_MAC_OFM_WIDTH, pixels);
	stream_set(bench, KESTREL_MAC_IFM_CHANNELS, 16);
	stream_set(bench, KESTREL_MAC_OFM_CHANNELS, 1);
	stream_set(bench, KESTREL_MAC_OFM_ADDRESS, 8192);
	stream_set_signed(bench, KESTREL_MAC_CLAMP_MIN, -128);
	stream_set_signed(bench, KESTREL_MAC_CLAMP_MAX, 127);
	stream_set(bench, KESTREL_MAC_MULTIPLIER, 1u << 30);
	stream_set_signed(bench, KESTREL_MAC_SHIFT, -9);
	for (uint32_t part = 0; part < 3; part++) {
		stream_set(bench, KESTREL_MAC_IFM_ADDRESS, part * pixels * 16);
		stream_set(bench, KESTREL_MAC_WEIGHT_ADDRESS, 4096 + part * 16);
		stream_set(bench, KESTREL_MAC_ACCUMULATE_FROM,
			   part ? KESTREL_ACCUMULATE_RAM : KESTREL_ACCUMULATE_FRESH);
		stream_set(bench, KESTREL_MAC_ACCUMULATE_TO,
			   part < 2 ? KESTREL_ACCUMULATE_RAM : KESTREL_ACCUMULATE_FRESH);
		stream_execute(bench);
	}
	stream_signal(bench, 1);
	stream_select(bench, KESTREL_UNIT_DMA_OUT);
	stream_wait(bench, 1);
	stream_copy(bench, KESTREL_UNIT_DMA_OUT, 1u << 17, 8192, pixels * 16);
	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_DONE);
	for (uint32_t p = 0; p < pixels; p++) {
		expected = 0;
		for (uint32_t c = 0; c < 48; c++)
			expected += (int8_t)bench->memory[c / 16 * pixels * 16 + p * 16 + c % 16] *
				    (int8_t)bench->memory[4096 + c];
		expected = (int32_t)requantise(KESTREL_REQUANTISE_DOUBLE, expected, 1u << 30, -9);
		expected = expected < -128 ? -128 : expected > 127 ? 127 : expected;
		EQUAL(test, bench->memory[(1u << 17) + p * 16], (uint8_t)expected);
	}
	/* Another size finds nothing in the accumulator RAM. */
	stream_clear(bench);
	stream_select(bench, KESTREL_UNIT_MAC);
	stream_set(bench, KESTREL_MAC_ACCUMULATE_FROM, KESTREL_ACCUMULATE_RAM);
	stream_execute(bench);
	EQUAL(test, bench_end(bench), KESTREL_ENGINE_STATUS_FAULTED);
	EQUAL(test, bench->status.fault_code, KESTREL_FAULT_ILLEGAL_VALUE);
	EQUAL(test, bench->status.fault_detail, KESTREL_MAC_ACCUMULATE_FROM);
	test_group(test, "accumulators go through RAM");
	bench_destroy(bench);
}

int main(void)
{
	struct test test = { 0 };

	layers_test(&test);
	accumulators_test(&test);
	return test.failures != 0;
}
