// SPDX-License-Identifier: MIT
/*
 * Inner loops of the MAC unit on 16-bit operands with the zero points taken off,
 * chosen by what the processor has. All forms give the same bytes: products of
 * 16 x 9 bits are exact, and sums wrap at 32 bits in any order.
 *
 * A pixel's elements are read in pairs, segment by segment. Convolution: weights
 * are [pair][channel 0..15][2]; both elements of a pair go to every channel.
 * Depthwise: weights are [tap][channel 0..15]; a segment is one tap, whose 16
 * elements are one channel each.
 */

#include <string.h>

#include "engine_internal.h"

static void convolution_portable(int32_t (*accumulator)[16], const int16_t *const *pixel,
				 uint32_t pixels, const struct engine_segment *segment,
				 size_t segments, const int16_t *weights)
{
	for (uint32_t p = 0; p < pixels; p++) {
		const int16_t *w = weights;
		uint32_t sum[16];

		memcpy(sum, accumulator[p], sizeof(sum));
		for (size_t s = 0; s < segments; s++) {
			const int16_t *x = pixel[p] + segment[s].offset;

			for (uint32_t pair = 0; pair < segment[s].pairs; pair++, x += 2, w += 32) {
				for (int lane = 0; lane < 16; lane++)
					sum[lane] += (uint32_t)(x[0] * w[2 * lane] +
								x[1] * w[2 * lane + 1]);
			}
		}
		memcpy(accumulator[p], sum, sizeof(sum));
	}
}

static void depthwise_portable(int32_t (*accumulator)[16], const int16_t *const *pixel,
			       uint32_t pixels, const struct engine_segment *segment,
			       size_t segments, const int16_t *weights)
{
	for (uint32_t p = 0; p < pixels; p++) {
		uint32_t sum[16];

		memcpy(sum, accumulator[p], sizeof(sum));
		for (size_t s = 0; s < segments; s++) {
			const int16_t *x = pixel[p] + segment[s].offset;
			const int16_t *w = weights + s * 16;

			for (int lane = 0; lane < 16; lane++)
				sum[lane] += (uint32_t)(x[lane] * w[lane]);
		}
		memcpy(accumulator[p], sum, sizeof(sum));
	}
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define AVX2 __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline))

INLINE int32_t pair_load(const int16_t *x)
{
	int32_t pair;

	memcpy(&pair, x, sizeof(pair));
	return pair;
}

AVX512 INLINE void convolution_avx512_block(int32_t (*accumulator)[16],
					    const int16_t *const *pixel,
					    const struct engine_segment *segment, size_t segments,
					    const int16_t *w, const int pixels)
{
	__m512i sum[ENGINE_KERNEL_PIXELS];

#pragma GCC unroll 8
	for (int p = 0; p < pixels; p++)
		sum[p] = _mm512_loadu_si512(accumulator[p]);
	for (size_t s = 0; s < segments; s++) {
		const int16_t *x[ENGINE_KERNEL_PIXELS];

#pragma GCC unroll 8
		for (int p = 0; p < pixels; p++)
			x[p] = pixel[p] + segment[s].offset;
		for (uint32_t pair = 0; pair < segment[s].pairs; pair++, w += 32) {
			__m512i weight = _mm512_loadu_si512(w);

#pragma GCC unroll 8
			for (int p = 0; p < pixels; p++)
				sum[p] = _mm512_dpwssd_epi32(
					sum[p], weight,
					_mm512_set1_epi32(pair_load(x[p] + 2 * pair)));
		}
	}
#pragma GCC unroll 8
	for (int p = 0; p < pixels; p++)
		_mm512_storeu_si512(accumulator[p], sum[p]);
}

AVX512 static void convolution_avx512(int32_t (*accumulator)[16], const int16_t *const *pixel,
				      uint32_t pixels, const struct engine_segment *segment,
				      size_t segments, const int16_t *weights)
{
	if (pixels == ENGINE_KERNEL_PIXELS) {
		convolution_avx512_block(accumulator, pixel, segment, segments, weights,
					 ENGINE_KERNEL_PIXELS);
		return;
	}
	for (; pixels >= 4; pixels -= 4, accumulator += 4, pixel += 4)
		convolution_avx512_block(accumulator, pixel, segment, segments, weights, 4);
	for (; pixels; pixels--, accumulator++, pixel++)
		convolution_avx512_block(accumulator, pixel, segment, segments, weights, 1);
}

AVX512 INLINE void depthwise_avx512_block(int32_t (*accumulator)[16], const int16_t *const *pixel,
					  const struct engine_segment *segment, size_t segments,
					  const int16_t *w, const int pixels)
{
	__m512i sum[ENGINE_KERNEL_PIXELS];

#pragma GCC unroll 8
	for (int p = 0; p < pixels; p++)
		sum[p] = _mm512_loadu_si512(accumulator[p]);
	for (size_t s = 0; s < segments; s++, w += 16) {
		/* The upper half of every lane is 0 and multiplies to nothing. */
		__m512i weight = _mm512_cvtepu16_epi32(
			_mm256_loadu_si256((const __m256i *)(const void *)w));

#pragma GCC unroll 8
		for (int p = 0; p < pixels; p++) {
			const int16_t *x = pixel[p] + segment[s].offset;

			sum[p] = _mm512_dpwssd_epi32(
				sum[p], weight,
				_mm512_cvtepu16_epi32(_mm256_loadu_si256(
					(const __m256i *)(const void *)x)));
		}
	}
#pragma GCC unroll 8
	for (int p = 0; p < pixels; p++)
		_mm512_storeu_si512(accumulator[p], sum[p]);
}

AVX512 static void depthwise_avx512(int32_t (*accumulator)[16], const int16_t *const *pixel,
				    uint32_t pixels, const struct engine_segment *segment,
				    size_t segments, const int16_t *weights)
{
	if (pixels == ENGINE_KERNEL_PIXELS) {
		depthwise_avx512_block(accumulator, pixel, segment, segments, weights,
				       ENGINE_KERNEL_PIXELS);
		return;
	}
	for (; pixels; pixels--, accumulator++, pixel++)
		depthwise_avx512_block(accumulator, pixel, segment, segments, weights, 1);
}

AVX2 INLINE void convolution_avx2_block(int32_t (*accumulator)[16], const int16_t *const *pixel,
					const struct engine_segment *segment, size_t segments,
					const int16_t *w, const int pixels)
{
	__m256i low[4], high[4];

#pragma GCC unroll 4
	for (int p = 0; p < pixels; p++) {
		low[p] = _mm256_loadu_si256((const __m256i *)(const void *)accumulator[p]);
		high[p] = _mm256_loadu_si256((const __m256i *)(const void *)(accumulator[p] + 8));
	}
	for (size_t s = 0; s < segments; s++) {
		for (uint32_t pair = 0; pair < segment[s].pairs; pair++, w += 32) {
			__m256i first = _mm256_loadu_si256((const __m256i *)(const void *)w);
			__m256i second =
				_mm256_loadu_si256((const __m256i *)(const void *)(w + 16));

#pragma GCC unroll 4
			for (int p = 0; p < pixels; p++) {
				__m256i x = _mm256_set1_epi32(
					pair_load(pixel[p] + segment[s].offset + 2 * pair));

				low[p] = _mm256_add_epi32(low[p], _mm256_madd_epi16(first, x));
				high[p] = _mm256_add_epi32(high[p], _mm256_madd_epi16(second, x));
			}
		}
	}
#pragma GCC unroll 4
	for (int p = 0; p < pixels; p++) {
		_mm256_storeu_si256((__m256i *)(void *)accumulator[p], low[p]);
		_mm256_storeu_si256((__m256i *)(void *)(accumulator[p] + 8), high[p]);
	}
}

AVX2 static void convolution_avx2(int32_t (*accumulator)[16], const int16_t *const *pixel,
				  uint32_t pixels, const struct engine_segment *segment,
				  size_t segments, const int16_t *weights)
{
	for (; pixels >= 4; pixels -= 4, accumulator += 4, pixel += 4)
		convolution_avx2_block(accumulator, pixel, segment, segments, weights, 4);
	for (; pixels; pixels--, accumulator++, pixel++)
		convolution_avx2_block(accumulator, pixel, segment, segments, weights, 1);
}

AVX2 static void depthwise_avx2(int32_t (*accumulator)[16], const int16_t *const *pixel,
				uint32_t pixels, const struct engine_segment *segment,
				size_t segments, const int16_t *weights)
{
	for (uint32_t p = 0; p < pixels; p++) {
		__m256i low = _mm256_loadu_si256((const __m256i *)(const void *)accumulator[p]);
		__m256i high =
			_mm256_loadu_si256((const __m256i *)(const void *)(accumulator[p] + 8));

		for (size_t s = 0; s < segments; s++) {
			const int16_t *x = pixel[p] + segment[s].offset;
			const int16_t *w = weights + s * 16;
			const __m128i *from = (const __m128i *)(const void *)x;
			const __m128i *by = (const __m128i *)(const void *)w;

			low = _mm256_add_epi32(
				low, _mm256_madd_epi16(
					     _mm256_cvtepu16_epi32(_mm_loadu_si128(from)),
					     _mm256_cvtepu16_epi32(_mm_loadu_si128(by))));
			high = _mm256_add_epi32(
				high, _mm256_madd_epi16(
					      _mm256_cvtepu16_epi32(_mm_loadu_si128(from + 1)),
					      _mm256_cvtepu16_epi32(_mm_loadu_si128(by + 1))));
		}
		_mm256_storeu_si256((__m256i *)(void *)accumulator[p], low);
		_mm256_storeu_si256((__m256i *)(void *)(accumulator[p] + 8), high);
	}
}
#endif

bool engine_kernels_get(uint32_t index, struct engine_kernels *kernels)
{
	struct engine_kernels list[3];
	uint32_t count = 0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl"))
		list[count++] = (struct engine_kernels){ convolution_avx512, depthwise_avx512 };
	if (__builtin_cpu_supports("avx2"))
		list[count++] = (struct engine_kernels){ convolution_avx2, depthwise_avx2 };
#endif
	list[count++] = (struct engine_kernels){ convolution_portable, depthwise_portable };
	if (index >= count)
		return false;
	*kernels = list[index];
	return true;
}
