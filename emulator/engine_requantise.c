// SPDX-License-Identifier: MIT
/*
 * Requantise: docs/hardware.md, "Arithmetic". The lane functions do the same on
 * 16 channels of many pixels, written so that compilers vectorise them.
 */

#include "engine_internal.h"

/* H: saturating rounding doubling high multiply. */
static inline __attribute__((always_inline)) int32_t high_multiply(int32_t a, int32_t b)
{
	int32_t high = (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);

	return (a == INT32_MIN) & (b == INT32_MIN) ? INT32_MAX : high;
}

int32_t engine_high_multiply(int32_t a, int32_t b)
{
	return high_multiply(a, b);
}

/* R: division by 2^exponent, ties away from zero. 0 beyond 31 bits. */
int32_t engine_rounding_shift(int32_t value, int32_t exponent)
{
	if (exponent == 0)
		return value;
	if (exponent > 31)
		return 0;
	return (int32_t)(((int64_t)value + (INT64_C(1) << (exponent - 1)) - (value < 0)) >>
			 exponent);
}

static inline int32_t saturate(int64_t value)
{
	value = value > INT32_MAX ? INT32_MAX : value;
	return (int32_t)(value < INT32_MIN ? INT32_MIN : value);
}

static inline __attribute__((always_inline)) int32_t
requantise_double(int32_t value, int32_t multiplier, int32_t shift)
{
	uint32_t left = shift > 0 ? (uint32_t)shift : 0;
	uint32_t right = shift > 0 ? 0 : (uint32_t)-shift;
	int32_t high = high_multiply((int32_t)((uint32_t)value << left), multiplier);
	/* R without 64-bit sums: more than half of what is shifted out rounds up. */
	uint32_t mask = (1u << right) - 1;
	uint32_t rest = (uint32_t)high & mask;
	uint32_t half = (mask >> 1) + (high < 0);

	return (high >> right) + (rest > half);
}

/* DOUBLE with a shift whose ties go towards plus infinity. */
static inline __attribute__((always_inline)) int32_t
requantise_upward(int32_t value, int32_t multiplier, int32_t shift)
{
	uint32_t left = shift > 0 ? (uint32_t)shift : 0;
	uint32_t right = shift > 0 ? 0 : (uint32_t)-shift;
	int32_t high = high_multiply((int32_t)((uint32_t)value << left), multiplier);
	/* The highest bit that is shifted out, 0 where none is. */
	uint32_t rest = (uint32_t)high & (1u << right >> 1);

	return (high >> right) + (rest != 0);
}

/* floor((x m + half) / 2^places), places >= 1 */
static inline __attribute__((always_inline)) int32_t
requantise_once(int32_t value, int32_t multiplier, int32_t places)
{
	int64_t product = (int64_t)value * multiplier;

	return saturate((product + (INT64_C(1) << (places - 1))) >> places);
}

static inline __attribute__((always_inline)) int32_t
requantise_float(int32_t value, uint32_t multiplier)
{
	union {
		uint32_t bits;
		float value;
	} scale = { .bits = multiplier };
	float product = (float)value * scale.value;

	/* Adding 2^23 leaves no fraction bits; the sum is rounded to nearest even. */
	float whole = product < 0 ? -8388608.0f : 8388608.0f;

	if (product != product)
		return 0;
	if (product > -8388608.0f && product < 8388608.0f)
		product = (product + whole) - whole;
	if (product >= 2147483648.0f)
		return INT32_MAX;
	return product < -2147483648.0f ? INT32_MIN : (int32_t)product;
}

int32_t engine_requantise(uint32_t mode, int32_t value, uint32_t multiplier, int32_t shift)
{
	switch (mode) {
	case KESTREL_REQUANTISE_DOUBLE:
		return requantise_double(value, (int32_t)multiplier, shift);
	case KESTREL_REQUANTISE_UPWARD:
		return requantise_upward(value, (int32_t)multiplier, shift);
	case KESTREL_REQUANTISE_SINGLE:
		return requantise_once(value, (int32_t)multiplier, 31 - shift);
	case KESTREL_REQUANTISE_F32:
		return requantise_float(value, multiplier);
	default:
		return requantise_once(value, (int32_t)multiplier, 15 - shift);
	}
}

static inline __attribute__((always_inline)) void
lanes_body(uint32_t mode, int32_t *value, uint32_t rows, const uint32_t multiplier[16],
	   const int32_t shift[16])
{
	for (uint32_t row = 0; row < rows; row++, value += 16) {
		switch (mode) {
		case KESTREL_REQUANTISE_DOUBLE:
			for (int lane = 0; lane < 16; lane++)
				value[lane] = requantise_double(value[lane],
								(int32_t)multiplier[lane],
								shift[lane]);
			break;
		case KESTREL_REQUANTISE_UPWARD:
			for (int lane = 0; lane < 16; lane++)
				value[lane] = requantise_upward(value[lane],
								(int32_t)multiplier[lane],
								shift[lane]);
			break;
		case KESTREL_REQUANTISE_SINGLE:
			for (int lane = 0; lane < 16; lane++)
				value[lane] = requantise_once(value[lane],
							      (int32_t)multiplier[lane],
							      31 - shift[lane]);
			break;
		case KESTREL_REQUANTISE_F32:
			for (int lane = 0; lane < 16; lane++)
				value[lane] = requantise_float(value[lane], multiplier[lane]);
			break;
		default:
			for (int lane = 0; lane < 16; lane++)
				value[lane] = requantise_once(value[lane],
							      (int32_t)multiplier[lane],
							      15 - shift[lane]);
			break;
		}
	}
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,prefer-vector-width=512"),
	       optimize("O3"))) static void
lanes_avx512(uint32_t mode, int32_t *value, uint32_t rows, const uint32_t multiplier[16],
	     const int32_t shift[16])
{
	lanes_body(mode, value, rows, multiplier, shift);
}
#endif

void engine_requantise_lanes(uint32_t mode, int32_t *value, uint32_t rows,
			     const uint32_t multiplier[16], const int32_t shift[16])
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
		lanes_avx512(mode, value, rows, multiplier, shift);
		return;
	}
#endif
	lanes_body(mode, value, rows, multiplier, shift);
}
