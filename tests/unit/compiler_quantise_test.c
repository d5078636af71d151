// SPDX-License-Identifier: MIT
/* Multipliers, clamps and tables against their definitions in real numbers. */
#include <math.h>

#include "compiler_test.h"
#include "quantise.h"

static void check_factors(struct test *test)
{
	uint64_t random = 7;
	struct ir_scale scale;

	for (int i = 0; i < 200000; i++) {
		double factor = ldexp(1 + test_random(&random) / 4294967296.0 * 2,
				      (int)(test_random(&random) % 50) - 30);

		scale = quantise_factor(factor);
		CHECK(test, scale.multiplier == 0 || scale.multiplier >= 1 << 30);
		CHECK(test, scale.multiplier == 0 ||
		      fabs(ldexp(scale.multiplier, scale.shift - 31) / factor - 1) < 1e-9);
	}
	scale = quantise_factor(0);
	CHECK(test, !scale.multiplier && !scale.shift);
	scale = quantise_factor(ldexp(1, -40));
	CHECK(test, !scale.multiplier && !scale.shift);
	/* Rounds up to the next power of two. */
	scale = quantise_factor(1 - ldexp(1, -40));
	CHECK(test, scale.multiplier == 1 << 30 && scale.shift == 1);
	test_end(test, "factors");
}

static void check_rescale(struct test *test)
{
	uint64_t random = 8;

	for (int i = 0; i < 200000; i++) {
		int32_t value = (int32_t)(test_random(&random) << 1) >> 8;
		double factor = ldexp(1 + test_random(&random) / 2147483648.0,
				      -1 - (int)(test_random(&random) % 12));
		struct ir_scale scale = quantise_factor(factor);
		double exact = value * ldexp(scale.multiplier, scale.shift - 31);

		/* Two roundings: never more than three quarters from the real value. */
		CHECK(test, fabs(quantise_rescale(value, scale) - exact) <= 0.7501);
	}
	/* The high multiply rounds ties up, the shift behind it away from zero. */
	CHECK(test, quantise_rescale(-3, quantise_factor(0.5)) == -1);
	CHECK(test, quantise_rescale(3, quantise_factor(0.5)) == 2);
	CHECK(test, quantise_rescale(-2, quantise_factor(0.25)) == -1);
	test_end(test, "double rounding");
}

static void check_clamps(struct test *test)
{
	static const struct {
		enum ir_activation activation;
		float scale;
		int32_t zero_point, low, high;
	} cases[] = {
		{ IR_ACTIVATION_NONE, 0.1f, 3, -128, 127 },
		{ IR_ACTIVATION_RELU, 0.1f, 3, 3, 127 },
		{ IR_ACTIVATION_RELU, 0.1f, -128, -128, 127 },
		{ IR_ACTIVATION_RELU6, 0.1f, -100, -100, -40 },
		{ IR_ACTIVATION_RELU6, 0.01f, -100, -100, 127 },
		{ IR_ACTIVATION_RELU_N1_TO_1, 0.05f, 10, -10, 30 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int32_t low = -128, high = 127;

		quantise_activation(cases[i].activation, cases[i].scale, cases[i].zero_point, &low,
				    &high);
		CHECK(test, low == cases[i].low && high == cases[i].high);
	}
	test_end(test, "activations");
}

static void check_mean(struct test *test)
{
	for (uint64_t count = 1; count < 3000; count = count * 3 / 2 + 1) {
		struct ir_scale scale = quantise_mean(quantise_factor(0.37), count);

		CHECK(test, fabs(ldexp(scale.multiplier, scale.shift - 31) * (double)count / 0.37 -
				 1) < 1e-7);
	}
	test_end(test, "means");
}

static void check_exponentials(struct test *test)
{
	static const double factors[] = { 0.01, 0.05, 0.1, 0.3, 1.5 };
	int32_t table[IR_TABLE_ENTRIES];

	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		CHECK(test, quantise_exponentials(factors[i], table));
		CHECK(test, table[0] == INT32_MAX);
		for (int d = 1; d < IR_TABLE_ENTRIES; d++) {
			CHECK(test, table[d] <= table[d - 1] && table[d] >= 0);
			CHECK(test, fabs(ldexp(table[d], -31) - exp(-d * factors[i])) < 3e-7);
		}
	}
	CHECK(test, !quantise_exponentials(1e-9, table));
	CHECK(test, !quantise_exponentials(0, table));
	test_end(test, "exponentials of the softmax");
}

/* The fixed-point functions stay within one step of the real ones, over all bytes. */
static void check_functions(struct test *test)
{
	static const float scales[] = { 0.01f, 0.03f, 0.07f, 0.1f };

	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++)
		for (int32_t q = -255; q <= 255; q++) {
			double x = q * (double)scales[i];
			double logistic = 256 / (1 + exp(-x)) - 128;
			double tangent = 128 * tanh(x);
			double swish = x * fmin(fmax(x + 3, 0), 6) / 6 / (double)scales[i];

			CHECK(test, fabs(quantise_logistic(q, (double)scales[i]) -
					 fmin(logistic, 127)) <= 1);
			CHECK(test, fabs(quantise_tanh(q, (double)scales[i]) -
					 fmin(tangent, 127)) <= 1);
			CHECK(test, fabs(quantise_hard_swish(q, scales[i], scales[i]) - swish) <= 1);
		}
	test_end(test, "logistic, tanh and hard swish in fixed point");
}

int main(void)
{
	struct test test = { 0 };

	check_factors(&test);
	check_rescale(&test);
	check_clamps(&test);
	check_mean(&test);
	check_exponentials(&test);
	check_functions(&test);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
