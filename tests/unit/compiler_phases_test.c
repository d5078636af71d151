// SPDX-License-Identifier: MIT
/*
 * Transposed convolutions as phases: every product of the definition and no other.
 * Sums over int16 values: where the proof that 32 bits do begins and ends.
 */
#include <string.h>

#include "accumulator.h"
#include "compiler_test.h"
#include "phases.h"

#define INPUTS 4

/* Whether output row y of the definition has input row iy with kernel row ky. */
static bool is_product(int y, int iy, int ky, int stride, int pad)
{
	return iy * stride + ky - pad == y;
}

static void check_axis(struct test *test, int kernel, int stride, int pad)
{
	int outputs = (INPUTS - 1) * stride + kernel - pad;

	for (int y = 0; y < outputs; y++) {
		struct phase_axis axis = phase_axis(kernel, stride, pad, y % stride);
		bool met[INPUTS][16] = { { false } };

		for (int k = 0; k < axis.taps.count; k++) {
			int iy = y / stride + k - axis.pad, ky = axis.taps.first + k * axis.taps.step;

			if (ky < 0 || ky >= kernel || iy < 0 || iy >= INPUTS)
				continue;
			CHECK(test, !met[iy][ky]);
			met[iy][ky] = true;
		}
		for (int iy = 0; iy < INPUTS; iy++)
			for (int ky = 0; ky < kernel; ky++)
				CHECK(test, met[iy][ky] == is_product(y, iy, ky, stride, pad));
	}
}

static void tensor_make(struct ir_tensor *tensor, enum ir_type type, int n, int h, int w, int c,
			const void *data)
{
	*tensor = (struct ir_tensor){
		.name = "t", .type = type, .rank = 4, .shape = { n, h, w, c },
		.elements = (uint64_t)n * (uint64_t)h * (uint64_t)w * (uint64_t)c,
		.data = data, .producer = -1,
	};
}

/* One output channel over 600 input channels, all weights the same but the last. */
static bool fits(int8_t weight, int8_t last, int64_t bias, int32_t low, int32_t high)
{
	static const int64_t no_bias;
	int8_t weights[600];
	struct arena arena = { 0 };
	struct ir_tensor tensors[5];
	int inputs[] = { 0, 1, 2 }, outputs[] = { 3 }, before[] = { 4 }, made[] = { 0 };
	struct ir_operator operators[2] = {
		{ .kind = IR_CONVOLUTION, .inputs = before, .outputs = made, .input_count = 1,
		  .output_count = 1, .clamp_low = low, .clamp_high = high },
		{ .kind = IR_CONVOLUTION, .inputs = inputs, .outputs = outputs, .input_count = 3,
		  .output_count = 1, .rounding = IR_ROUNDING_WIDE },
	};
	struct ir_graph graph = {
		.arena = &arena, .tensors = tensors, .tensor_count = 5, .operators = operators,
		.operator_count = 2,
	};
	bool result;

	memset(weights, weight, sizeof(weights));
	weights[599] = last;
	tensor_make(&tensors[0], IR_INT16, 1, 1, 1, 600, NULL);
	tensors[0].producer = 0;
	tensor_make(&tensors[1], IR_INT8, 1, 1, 1, 600, weights);
	tensor_make(&tensors[2], IR_INT64, 1, 1, 1, 1, bias ? &bias : &no_bias);
	tensor_make(&tensors[3], IR_INT16, 1, 1, 1, 1, NULL);
	tensor_make(&tensors[4], IR_INT16, 1, 1, 1, 1, NULL);
	result = accumulator_fits(&graph, &operators[1]);
	arena_release(&arena);
	return result;
}

static void check_accumulators(struct test *test)
{
	/* 600 x 100 x 32768 = 1,966,080,000 of 2,147,483,647. */
	CHECK(test, fits(100, 100, 0, INT16_MIN, INT16_MAX));
	CHECK(test, !fits(127, 127, 0, INT16_MIN, INT16_MAX));
	CHECK(test, !fits(-127, -127, 0, INT16_MIN, INT16_MAX));
	/* What a clamp leaves out does not count; the other end and padding's 0 do. */
	CHECK(test, fits(127, 127, 0, -20000, 20000));
	CHECK(test, !fits(127, 127, 0, 0, INT16_MAX));
	/* The bias takes part, to the last unit: low is -600 x 100 x 32768 + bias. */
	CHECK(test, fits(100, 100, -(INT64_C(1) << 31) + 1966080000, INT16_MIN, INT16_MAX));
	CHECK(test, !fits(100, 100, -(INT64_C(1) << 31) + 1966080000 - 1, INT16_MIN, INT16_MAX));
	CHECK(test, !fits(0, 0, INT64_C(1) << 31, INT16_MIN, INT16_MAX));
	test_end(test, "sums over int16 values fit where they provably do");
}

int main(void)
{
	struct test test = { 0 };

	for (int kernel = 1; kernel <= 9; kernel++)
		for (int stride = 1; stride <= 5; stride++)
			for (int pad = 0; pad < kernel; pad++)
				check_axis(&test, kernel, stride, pad);
	test_end(&test, "the phases of a transposed convolution are all of it, once");
	check_accumulators(&test);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
