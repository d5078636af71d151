/* SPDX-License-Identifier: MIT */
/*
 * The integer arithmetic of the operators: scalar formulas and plain loops.
 *
 * This is the definition that every faster kernel of the CPU path must equal
 * byte for byte. Nothing here reads a float scale: the compiler has derived
 * every multiplier, shift and table (uapi/kestrel/graph.h). The float32 that
 * appears is the rounding mode FLOAT and the conversion of QUANTIZE and
 * DEQUANTIZE, all to nearest even (the default environment of C).
 *
 * None of the functions allocates, fails or keeps state. Shapes, counts and
 * attributes have been checked by operator_check().
 */
#ifndef NPU_ARITHMETIC_H
#define NPU_ARITHMETIC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <kestrel/graph.h>

/* A tensor as a kernel sees it: always NHWC of rank 4 or less meaning. */
struct array {
	void *data;
	uint8_t type;		/* enum kestrel_graph_type */
	uint8_t rank;
	uint32_t dims[KESTREL_GRAPH_RANK_MAX];
	size_t count;		/* elements */
};

/* H: floor((a * b + 2^30) / 2^31), saturated. */
static inline int32_t arithmetic_high(int32_t a, int32_t b)
{
	if (a == INT32_MIN && b == INT32_MIN)
		return INT32_MAX;
	return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* R: x / 2^shift, ties away from zero. shift 0..62. */
static inline int64_t arithmetic_shift_right(int64_t x, unsigned int shift)
{
	if (!shift)
		return x;
	return (x + (INT64_C(1) << (shift - 1)) - (x < 0)) >> shift;
}

/* x * 2^shift in 32 bits, wrapping as the reference does. */
static inline int32_t arithmetic_shift_left(int32_t x, unsigned int shift)
{
	return (int32_t)((uint32_t)x << shift);
}

static inline int32_t arithmetic_clamp(int64_t x, int32_t minimum, int32_t maximum)
{
	return (int32_t)(x < minimum ? minimum : x > maximum ? maximum : x);
}

/* Mode DOUBLE. */
static inline int32_t arithmetic_scale_double(int32_t x, struct kestrel_graph_scale scale)
{
	if (scale.shift > 0)
		return arithmetic_high(arithmetic_shift_left(x, scale.shift), scale.multiplier);
	return (int32_t)arithmetic_shift_right(arithmetic_high(x, scale.multiplier),
					       -scale.shift);
}

/* Mode UPWARD. */
static inline int32_t arithmetic_scale_upward(int32_t x, struct kestrel_graph_scale scale)
{
	int64_t high;

	if (scale.shift >= 0)
		return arithmetic_scale_double(x, scale);
	high = arithmetic_high(x, scale.multiplier);
	return (int32_t)((high + (INT64_C(1) << (-scale.shift - 1))) >> -scale.shift);
}

/* Mode SINGLE. The quotient is taken in 64 bits; the caller clamps it. */
static inline int64_t arithmetic_scale_single(int32_t x, struct kestrel_graph_scale scale)
{
	int shift = 31 - scale.shift;

	return ((int64_t)x * scale.multiplier + (INT64_C(1) << (shift - 1))) >> shift;
}

/* Mode WIDE. */
static inline int64_t arithmetic_scale_wide(int64_t x, struct kestrel_graph_scale scale)
{
	int64_t multiplier = scale.multiplier < 0x7fff0000 ?
			     (scale.multiplier + (1 << 15)) >> 16 : 0x7fff;
	int shift = 15 - scale.shift;
	uint64_t product = (uint64_t)x * (uint64_t)multiplier;

	if (shift <= 0)
		return (int64_t)(product << -shift);
	return (int64_t)(product + (UINT64_C(1) << (shift - 1))) >> shift;
}

static inline float arithmetic_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Any mode but NONE, without the zero point and the clamp of the output. */
int64_t arithmetic_scale(uint32_t mode, int64_t x, struct kestrel_graph_scale scale);

/* 1 / (1 + z), both Q0.31, z >= 0; result in 1/2..1. */
int32_t arithmetic_reciprocal(int32_t z);

/* A function of int16 at q: 513 points, one for every 128 inputs, and lines between them. */
int32_t arithmetic_line(const int16_t *points, int32_t q);

/* x * 2^shift, saturated to 32 bits. shift 0..31. */
static inline int32_t arithmetic_shift_left_saturated(int32_t x, unsigned int shift)
{
	return arithmetic_clamp((int64_t)x * (INT64_C(1) << shift), INT32_MIN, INT32_MAX);
}

/* Index of an element of an array of rank 4. */
static inline size_t array_index4(const struct array *array, size_t n, size_t h, size_t w,
				  size_t c)
{
	return ((n * array->dims[1] + h) * array->dims[2] + w) * array->dims[3] + c;
}

/* Element of an integer array as a number, and back. */
int32_t array_read(const struct array *array, size_t index);
void array_write(const struct array *array, size_t index, int32_t value);

/* An element of any integer type. */
static inline int64_t array_integer(const struct array *array, size_t index)
{
	return array->type == KESTREL_GRAPH_TYPE_INT64 ? ((const int64_t *)array->data)[index] :
							 array_read(array, index);
}

/* q = clamp(mode(x) + zero_point); channel selects the scale. */
int32_t arithmetic_requantise(const struct kestrel_graph_requantise *requantise,
			      const struct kestrel_graph_scale *scales,
			      uint32_t channel, int64_t x);

/* bias: int32 or int64 array, data NULL for none. */
void arithmetic_convolution(const struct kestrel_graph_convolution *attributes,
			    const struct kestrel_graph_scale *scales,
			    const struct array *input, const struct array *weights,
			    const struct array *bias, const struct array *output);
void arithmetic_depthwise(const struct kestrel_graph_convolution *attributes,
			  const struct kestrel_graph_scale *scales,
			  const struct array *input, const struct array *weights,
			  const struct array *bias, const struct array *output);
void arithmetic_transpose_convolution(const struct kestrel_graph_convolution *attributes,
				      const struct kestrel_graph_scale *scales,
				      const struct array *input, const struct array *weights,
				      const struct array *bias, const struct array *output);
void arithmetic_fully_connected(const struct kestrel_graph_convolution *attributes,
				const struct kestrel_graph_scale *scales,
				const struct array *input, const struct array *weights,
				const struct array *bias, const struct array *output);

/* Rows or columns [first, end) of an input. */
struct span {
	int64_t first, end;
};

/* Those of the window of output row or column `at` that the input has: `extent` of them. */
static inline struct span arithmetic_window(size_t at, uint32_t stride, int64_t padding,
					    uint32_t filter, uint32_t extent)
{
	int64_t first = (int64_t)at * stride - padding, end = first + filter;

	return (struct span){ first < 0 ? 0 : first, end < extent ? end : extent };
}

/* opcode: AVERAGE_POOL_2D or MAX_POOL_2D. */
void arithmetic_pool(uint32_t opcode, const struct kestrel_graph_pool *attributes,
		     const struct array *input, const struct array *output);

/* Fixed-point softmax along the last dimension; table has 256 entries. */
void arithmetic_softmax(const struct kestrel_graph_softmax *attributes, const int32_t *table,
			const struct array *input, const struct array *output);

void arithmetic_quantize(const struct kestrel_graph_quantize *attributes,
			 const struct array *input, const struct array *output);
void arithmetic_dequantize(const struct kestrel_graph_quantize *attributes,
			   const struct array *input, const struct array *output);
void arithmetic_rescale(const struct kestrel_graph_rescale *attributes,
			   const struct kestrel_graph_scale *scales,
			   const struct array *input, const struct array *output);

#endif
