// SPDX-License-Identifier: MIT
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "quantise.h"

struct ir_scale quantise_factor(double factor)
{
	struct ir_scale scale = { 0, 0 };
	int64_t multiplier;
	double fraction;
	int shift;

	if (factor == 0)
		return scale;
	/* Of scales at the ends of what floats hold: beyond whatever a form can take. */
	if (!isfinite(factor))
		return (struct ir_scale){ .multiplier = 1 << 30, .shift = DBL_MAX_EXP + 1 };
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
	/* Less than half of one. */
	if (exponent > 31)
		return 0;
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

uint32_t quantise_record(enum ir_rounding rounding, struct ir_scale scale)
{
	if (rounding != IR_ROUNDING_WIDE)
		return (uint32_t)scale.multiplier;
	return scale.multiplier < 0x7fff0000 ? (uint32_t)(scale.multiplier + (1 << 15)) >> 16 :
					       0x7fff;
}

int32_t quantise_rescale_upward(int32_t value, struct ir_scale scale)
{
	int32_t high;

	if (scale.shift >= 0)
		return quantise_rescale(value, scale);
	high = high_multiply(value, scale.multiplier);
	return (int32_t)(((int64_t)high + (1ll << (-scale.shift - 1))) >> -scale.shift);
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

/*
 * exp(a) in Q0.31 for a <= 0 with `integer` bits before the point, 4 or 5: a
 * Taylor step of 1/4 and a product of constants.
 */
static int32_t exponential(int32_t a, int integer)
{
	static const struct {
		int exponent;
		int32_t factor;
	} factors[] = {
		{ -2, 1672461947 }, { -1, 1302514674 }, { 0, 790015084 }, { 1, 290630308 },
		{ 2, 39332535 }, { 3, 720401 }, { 4, 242 },
	};
	const int32_t quarter = 1 << (29 - integer);
	int32_t fraction, rest, x, x2, x3, x4, tail, y;

	if (!a)
		return INT32_MAX;
	fraction = (a & (quarter - 1)) - quarter;
	x = saturating_shift_left(fraction, integer) + (1 << 28);
	x2 = high_multiply(x, x);
	x3 = high_multiply(x2, x);
	x4 = high_multiply(x2, x2);
	tail = rounding_shift(high_multiply(rounding_shift(x4, 2) + x3, 715827883) + x2, 1);
	y = 1895147668 + high_multiply(1895147668, x + tail);
	rest = fraction - a;
	for (unsigned int i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
		if (factors[i].exponent < integer &&
		    rest & (1 << (31 - integer + factors[i].exponent)))
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
		table[distance] = exponential(high_multiply(shifted, scale.multiplier), 5);
	}
	return true;
}

void quantise_distances(double factor, int32_t table[IR_TABLE_ENTRIES], int32_t *least,
			struct ir_scale *reverse)
{
	struct ir_scale scale = quantise_factor(fmin(factor * (double)(1 << 26),
						     (double)INT32_MAX));
	int64_t reach = (int64_t)floor(31.0 * (1ll << 26) / (double)(1ll << scale.shift));

	for (int32_t distance = 0; distance < IR_TABLE_ENTRIES; distance++)
		table[distance] = distance > reach ? INT32_MIN :
				  high_multiply((int32_t)(-(int64_t)distance * (1ll << scale.shift)),
						scale.multiplier);
	*least = (int32_t)-reach;
	*reverse = quantise_factor((double)(1u << (31 - scale.shift)) / (double)scale.multiplier);
}

/* Half of 1 + z, both Q0.31, z >= 0. */
static int32_t half_denominator(int32_t z)
{
	return (int32_t)(((int64_t)z + (1ll << 31)) / 2);
}

/* 1 / half in Q2.29 for half in 1/2..1: Newton's method from 48/17 - 32/17 x half. */
static int32_t half_reciprocal(int32_t half)
{
	int32_t x = 1515870810 + high_multiply(half, -1010580540);

	for (int i = 0; i < 3; i++) {
		int32_t rest = (1 << 29) - high_multiply(half, x);

		x += saturating_shift_left(high_multiply(x, rest), 2);
	}
	return x;
}

static int32_t saturate(int32_t value, int32_t low, int32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/*
 * The argument of the two functions in fixed point with `integer` bits before
 * the point; false where the value is so far out that they are constant.
 */
static bool scale_argument(int32_t value, double input_scale, int integer, int32_t *argument)
{
	struct ir_scale scale = quantise_factor(input_scale * (double)(1 << (31 - integer)));
	double reach = (double)((1 << integer) - 1) * (double)(1ll << (31 - integer)) /
		       pow(2, scale.shift);

	if (value <= -floor(reach) || value >= floor(reach))
		return false;
	*argument = quantise_rescale(value, scale);
	return true;
}

int32_t quantise_logistic(int32_t value, double input_scale)
{
	int32_t argument, result;

	if (!scale_argument(value, input_scale, 4, &argument))
		return value < 0 ? INT8_MIN : INT8_MAX;
	result = exponential(-abs(argument), 4);
	result = saturating_shift_left(half_reciprocal(half_denominator(result)), 1);
	if (argument < 0)
		result = INT32_MAX - result;
	if (!argument)
		result = 1 << 30;
	return saturate(rounding_shift(result, 23) - 128, INT8_MIN, INT8_MAX);
}

int32_t quantise_tanh(int32_t value, double input_scale)
{
	int32_t argument, result;

	if (!scale_argument(value, input_scale, 4, &argument))
		return value < 0 ? INT8_MIN : INT8_MAX;
	if (!argument)
		return 0;
	/* (1 - z) / (1 + z) with z = exp(-2 |x|): the same bits with one more before the point. */
	result = exponential(-abs(argument), 5);
	result = saturating_shift_left(half_reciprocal(half_denominator(result)) - (1 << 29), 2);
	if (argument < 0)
		result = -result;
	return saturate(rounding_shift(result, 24), INT8_MIN, INT8_MAX);
}

/* Sign bits that a value has beyond one. */
static int headroom(int32_t value)
{
	int bits = 0;

	while (bits < 31 && (value ^ (int32_t)((uint32_t)value << (bits + 1))) >= 0)
		bits++;
	return bits;
}

int32_t quantise_quotient(int32_t a, int32_t b, struct ir_scale factor)
{
	struct ir_scale inverse = { 0, 0 };
	int32_t quotient;
	int bits = 0, total;

	if (b < 0) {
		a = -a;
		b = -b;
	}
	while (!((uint32_t)b << bits & 1u << 31))
		bits++;
	inverse.multiplier = saturating_shift_left(half_reciprocal(
		half_denominator((int32_t)(((uint32_t)b << bits) - (1u << 31)))), 1);
	inverse.shift = headroom(a);
	quotient = quantise_rescale(a, inverse);
	total = factor.shift - (31 - bits) - inverse.shift;
	return rounding_shift(high_multiply(quotient, factor.multiplier), -total);
}

/* 1 / sqrt(value) as a factor, value > 1: Newton's method from 1, five times, in Q3.28. */
static struct ir_scale inverse_root(int32_t value)
{
	const int32_t half_three = (1 << 28) + (1 << 27);
	struct ir_scale scale;
	int32_t half, x = 1 << 28;
	int right = 11;

	while (value >= 1 << 29) {
		value /= 4;
		right++;
	}
	while (value < 1 << 27) {
		value *= 4;
		right--;
	}
	half = rounding_shift(value >> 1, 1);
	for (int i = 0; i < 5; i++) {
		/* Products of Q3.28 twice and three times: Q6.25 and Q9.22, made Q3.28 again. */
		int32_t cube = saturating_shift_left(high_multiply(high_multiply(x, x), x), 6);

		x = saturating_shift_left(high_multiply(half_three, x) - high_multiply(half, cube), 3);
	}
	x = high_multiply(x, 1518500250);
	if (right < 0) {
		x = (int32_t)((uint32_t)x << -right);
		right = 0;
	}
	scale.multiplier = x;
	scale.shift = -right;
	return scale;
}

int32_t quantise_inverse_root(int32_t value, struct ir_scale factor)
{
	struct ir_scale root = { INT32_MAX, 0 };

	if (value > 1)
		root = inverse_root(value);
	root.shift += 20;
	factor.shift -= 20;
	return quantise_rescale(quantise_rescale(1, root), factor);
}

static int16_t saturate_16(int32_t value)
{
	return (int16_t)saturate(value, INT16_MIN, INT16_MAX);
}

/* A 16-bit multiplier from a 31-bit one. */
static int16_t narrow_multiplier(int32_t multiplier)
{
	if (multiplier >= INT32_MAX - (1 << 15))
		return INT16_MAX;
	return (int16_t)((multiplier + (1 << 15)) >> 16);
}

static int16_t high_multiply_16(int16_t a, int16_t b)
{
	if (a == INT16_MIN && b == INT16_MIN)
		return INT16_MAX;
	return (int16_t)((a * b + (1 << 14)) >> 15);
}

int32_t quantise_hard_swish(int32_t value, float input_scale, float output_scale)
{
	float fine = 1.0f / 128.0f * input_scale;
	struct ir_scale output = quantise_factor((double)(fine / output_scale));
	struct ir_scale relu = quantise_factor((double)(fine / (3.0f / 32768.0f)));
	int16_t x = (int16_t)(value * 128);
	int16_t product = high_multiply_16(x, narrow_multiplier(output.multiplier));
	int16_t gate = x, result;
	int32_t gated;

	/* 16 bits saturate whatever is not 0. */
	if (relu.shift > 0)
		gate = saturate_16(gate * (1 << (relu.shift > 17 ? 16 : relu.shift - 1)));
	gate = high_multiply_16(gate, narrow_multiplier(relu.multiplier));
	if (relu.shift > 0)
		gate = saturate_16(gate * 2);
	if (relu.shift < 0)
		gate = (int16_t)rounding_shift(gate, -relu.shift);
	gate = (int16_t)((gate + 32768) >> 1);
	gated = gate * product;
	result = (int16_t)(gated / 32768);
	if (output.shift > 0)
		return saturate_16((int32_t)saturate(result, -4096, 4095) * (1 << output.shift));
	return rounding_shift(result, -output.shift);
}
