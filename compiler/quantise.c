// SPDX-License-Identifier: MIT
#include <math.h>

#include "quantise.h"

struct ir_scale quantise_factor(double factor)
{
	struct ir_scale scale = { 0, 0 };
	int64_t multiplier;
	double fraction;
	int shift;

	if (factor == 0)
		return scale;
	fraction = frexp(factor, &shift);
	multiplier = (int64_t)round(fraction * (double)(1ll << 31));
	if (multiplier == 1ll << 31) {
		multiplier /= 2;
		shift++;
	}
	if (shift < -31)
		return scale;
	scale.multiplier = (int32_t)multiplier;
	scale.shift = shift;
	return scale;
}

int32_t quantise_value(float value, float scale, int32_t zero_point)
{
	float quantised = roundf(value / scale);

	/* Far outside every integer type either way; the caller clamps. */
	if (quantised > 1e9f)
		quantised = 1e9f;
	if (quantised < -1e9f)
		quantised = -1e9f;
	return zero_point + (int32_t)quantised;
}

void quantise_activation(enum ir_activation activation, float scale, int32_t zero_point,
			 int32_t *low, int32_t *high)
{
	float from = 0, to = 0;

	switch (activation) {
	case IR_ACTIVATION_RELU:
		to = INFINITY;
		break;
	case IR_ACTIVATION_RELU6:
		to = 6;
		break;
	case IR_ACTIVATION_RELU_N1_TO_1:
		from = -1;
		to = 1;
		break;
	case IR_ACTIVATION_NONE:
	case IR_ACTIVATION_OTHER:
		return;
	}
	if (quantise_value(from, scale, zero_point) > *low)
		*low = quantise_value(from, scale, zero_point);
	if (isfinite(to) && quantise_value(to, scale, zero_point) < *high)
		*high = quantise_value(to, scale, zero_point);
	if (*low > *high)
		*low = *high;
}

struct ir_scale quantise_mean(struct ir_scale scale, uint64_t count)
{
	int shift = 0;

	while (shift < 32 && count >> (shift + 1))
		shift++;
	if (shift > 31 + scale.shift)
		shift = 31 + scale.shift;
	scale.multiplier = (int32_t)(((int64_t)scale.multiplier << shift) / (int64_t)count);
	scale.shift -= shift;
	return scale;
}

/* High half of twice the product, rounded; saturates in its one overflow. */
static int32_t high_multiply(int32_t a, int32_t b)
{
	if (a == INT32_MIN && b == INT32_MIN)
		return INT32_MAX;
	return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* Division by 2^exponent, rounded half away from zero. */
static int32_t rounding_shift(int32_t value, int exponent)
{
	int32_t mask, remainder, threshold;

	if (!exponent)
		return value;
	mask = (int32_t)((1ll << exponent) - 1);
	remainder = value & mask;
	threshold = (mask >> 1) + (value < 0);
	return (value >> exponent) + (remainder > threshold);
}

int32_t quantise_rescale(int32_t value, struct ir_scale scale)
{
	int left = scale.shift > 0 ? scale.shift : 0;
	int right = scale.shift > 0 ? 0 : -scale.shift;

	return rounding_shift(high_multiply((int32_t)((uint32_t)value << left), scale.multiplier),
			      right);
}

static int32_t saturating_shift_left(int32_t value, int exponent)
{
	int32_t limit = (int32_t)((1u << (31 - exponent)) - 1);

	if (value > limit)
		return INT32_MAX;
	if (value < -limit - 1)
		return INT32_MIN;
	return (int32_t)((uint32_t)value << exponent);
}

/* exp(a) in Q0.31 for a <= 0 in Q5.26: a Taylor step of 1/4 and a product of constants. */
static int32_t exponential(int32_t a)
{
	static const struct {
		int bit;
		int32_t factor;
	} factors[] = {
		{ 24, 1672461947 }, { 25, 1302514674 }, { 26, 790015084 }, { 27, 290630308 },
		{ 28, 39332535 }, { 29, 720401 }, { 30, 242 },
	};
	const int32_t quarter = 1 << 24;
	int32_t fraction, rest, x, x2, x3, x4, tail, y;

	if (!a)
		return INT32_MAX;
	fraction = (a & (quarter - 1)) - quarter;
	x = saturating_shift_left(fraction, 5) + (1 << 28);
	x2 = high_multiply(x, x);
	x3 = high_multiply(x2, x);
	x4 = high_multiply(x2, x2);
	tail = rounding_shift(high_multiply(rounding_shift(x4, 2) + x3, 715827883) + x2, 1);
	y = 1895147668 + high_multiply(1895147668, x + tail);
	rest = fraction - a;
	for (unsigned int i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
		if (rest & (1 << factors[i].bit))
			y = high_multiply(y, factors[i].factor);
	return y;
}

bool quantise_exponentials(double factor, int32_t table[IR_TABLE_ENTRIES])
{
	double scaled = factor * (double)(1 << 26);
	struct ir_scale scale;
	int64_t reach;

	if (!(scaled > 1))
		return false;
	scale = quantise_factor(fmin(scaled, (double)INT32_MAX));
	reach = (int64_t)floor(31.0 * (1ll << 26) / (double)(1ll << scale.shift));
	for (int32_t distance = 0; distance < IR_TABLE_ENTRIES; distance++) {
		int32_t shifted;

		table[distance] = 0;
		if (distance > reach)
			continue;
		shifted = (int32_t)(-(int64_t)distance * (1ll << scale.shift));
		table[distance] = exponential(high_multiply(shifted, scale.multiplier));
	}
	return true;
}
