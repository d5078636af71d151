// SPDX-License-Identifier: MIT
/*
 * The inner loops, written for the compiler to vectorise. libnpu/build.mk
 * compiles this file several times: CPU_KERNELS names the table, and the
 * compiler's target flags say what it may use.
 */
#include "cpu_kernels.h"

#include <kestrel/graph.h>

#ifndef CPU_KERNELS
#define CPU_KERNELS cpu_kernels_portable
#define CPU_KERNELS_NAME "portable C"
#endif

static void widen(const uint8_t *restrict from, uint32_t type, size_t count,
		  int32_t zero_point, int16_t *restrict to)
{
	const int8_t *restrict from_signed = (const int8_t *)from;
	int16_t zero = (int16_t)zero_point;

	if (type == KESTREL_GRAPH_TYPE_INT8) {
		for (size_t i = 0; i < count; i++)
			to[i] = (int16_t)(from_signed[i] - zero);
	} else {
		for (size_t i = 0; i < count; i++)
			to[i] = (int16_t)(from[i] - zero);
	}
}

static void dot(const int16_t *restrict patch, const int16_t *restrict weights, size_t depth,
		int32_t *restrict sums)
{
	const int16_t *restrict w0 = weights;
	const int16_t *restrict w1 = w0 + depth;
	const int16_t *restrict w2 = w1 + depth;
	const int16_t *restrict w3 = w2 + depth;
	int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;

	/* Tells the compiler that there is no tail. */
	depth = depth / CPU_DEPTH_ALIGNMENT * CPU_DEPTH_ALIGNMENT;
	for (size_t i = 0; i < depth; i++) {
		s0 += patch[i] * w0[i];
		s1 += patch[i] * w1[i];
		s2 += patch[i] * w2[i];
		s3 += patch[i] * w3[i];
	}
	sums[0] = s0;
	sums[1] = s1;
	sums[2] = s2;
	sums[3] = s3;
}

static void accumulate(const int16_t *restrict pixel, const int16_t *restrict weights,
		       size_t count, int32_t *restrict sums)
{
	for (size_t i = 0; i < count; i++)
		sums[i] += pixel[i] * weights[i];
}

/*
 * As arithmetic_scale_double(), without a branch: the multiplier is never
 * negative, so the high multiply cannot saturate; the rounding shift compares
 * the bits shifted out with one half; the clamp comes before the zero point,
 * where it cannot overflow.
 */
static void requantise(const int32_t *restrict sums, const struct cpu_channels *channels,
		       size_t count, int32_t zero_point, int32_t minimum, int32_t maximum,
		       uint8_t *restrict to)
{
	const int32_t *restrict bias = channels->bias;
	const int32_t *restrict multiplier = channels->multiplier;
	const int32_t *restrict left = channels->left;
	const int32_t *restrict right = channels->right;
	int32_t low = minimum - zero_point;
	int32_t high = maximum - zero_point;

	for (size_t i = 0; i < count; i++) {
		uint32_t sum = ((uint32_t)sums[i] + (uint32_t)bias[i]) << left[i];
		int64_t product = (int64_t)(int32_t)sum * multiplier[i] + (1 << 30);
		int32_t value = (int32_t)(product >> 31);
		int32_t mask = (int32_t)((UINT32_C(1) << right[i]) - 1);
		int32_t above = (value & mask) > (mask >> 1) - (value >> 31);

		value = (value >> right[i]) + above;
		value = value < low ? low : value;
		value = value > high ? high : value;
		to[i] = (uint8_t)(value + zero_point);
	}
}

extern const struct cpu_kernels CPU_KERNELS;
const struct cpu_kernels CPU_KERNELS = {
	.name = CPU_KERNELS_NAME,
	.widen = widen,
	.dot = dot,
	.accumulate = accumulate,
	.requantise = requantise,
};
