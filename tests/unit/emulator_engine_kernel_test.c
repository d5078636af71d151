// SPDX-License-Identifier: MIT
/*
 * Every form of the MAC unit's inner loops that this processor runs gives the
 * sums that one multiplication after the other gives, also where they wrap.
 */

#include "emulator_engine_test.h"
#include "engine_internal.h"

#define ELEMENTS 4096

static int16_t value(uint64_t *random, bool extreme)
{
	if (extreme)
		return bench_random(random, 0, 1) ? INT16_MIN : INT16_MAX;
	return (int16_t)bench_random(random, 0, 65535);
}

static void convolution_test(struct test *test, const struct engine_kernels *kernels)
{
	static int16_t data[ELEMENTS + 64], weights[ELEMENTS * 32];
	uint64_t random = 1;

	for (int round = 0; round < 300; round++) {
		struct engine_segment segment[8];
		const int16_t *pixel[ENGINE_KERNEL_PIXELS];
		int32_t sum[ENGINE_KERNEL_PIXELS][16], expected[ENGINE_KERNEL_PIXELS][16];
		uint32_t pixels = bench_random(&random, 1, ENGINE_KERNEL_PIXELS);
		uint32_t segments = bench_random(&random, 1, 8), pairs = 0;

		for (uint32_t i = 0; i < ELEMENTS; i++)
			data[i] = value(&random, round % 3 == 0);
		for (uint32_t i = 0; i < 8 * 20 * 32; i++)
			weights[i] = (int16_t)((int)bench_random(&random, 0, 510) - 255);
		for (uint32_t s = 0; s < segments; s++) {
			segment[s].offset = bench_random(&random, 0, 2000);
			segment[s].pairs = bench_random(&random, 0, 20);
		}
		for (uint32_t p = 0; p < pixels; p++) {
			pixel[p] = data + bench_random(&random, 0, 2000);
			for (int lane = 0; lane < 16; lane++) {
				uint32_t start = bench_random(&random, 0, UINT32_MAX - 1);

				sum[p][lane] = (int32_t)start;
				pairs = 0;
				for (uint32_t s = 0; s < segments; s++)
					for (uint32_t e = 0; e < 2 * segment[s].pairs; e++) {
						uint32_t w = (pairs + e / 2) * 32 +
							     2 * (uint32_t)lane + e % 2;

						start += (uint32_t)(pixel[p][segment[s].offset +
									     e] * weights[w]);
						if (e + 1 == 2 * segment[s].pairs)
							pairs += segment[s].pairs;
					}
				expected[p][lane] = (int32_t)start;
			}
		}
		kernels->convolution(sum, pixel, pixels, segment, segments, weights);
		CHECK(test, !memcmp(sum, expected, pixels * sizeof(sum[0])));
	}
}

static void depthwise_test(struct test *test, const struct engine_kernels *kernels)
{
	static int16_t data[ELEMENTS], weights[32 * 16];
	uint64_t random = 2;

	for (int round = 0; round < 300; round++) {
		struct engine_segment segment[32];
		const int16_t *pixel[ENGINE_KERNEL_PIXELS];
		int32_t sum[ENGINE_KERNEL_PIXELS][16], expected[ENGINE_KERNEL_PIXELS][16];
		uint32_t pixels = bench_random(&random, 1, ENGINE_KERNEL_PIXELS);
		uint32_t taps = bench_random(&random, 1, 32);

		for (uint32_t i = 0; i < ELEMENTS; i++)
			data[i] = value(&random, round % 3 == 0);
		for (uint32_t i = 0; i < taps * 16; i++)
			weights[i] = (int16_t)((int)bench_random(&random, 0, 510) - 255);
		for (uint32_t tap = 0; tap < taps; tap++) {
			segment[tap].offset = bench_random(&random, 0, 2000);
			segment[tap].pairs = 8;
		}
		for (uint32_t p = 0; p < pixels; p++) {
			pixel[p] = data + bench_random(&random, 0, 2000);
			for (uint32_t lane = 0; lane < 16; lane++) {
				uint32_t start = bench_random(&random, 0, UINT32_MAX - 1);

				sum[p][lane] = (int32_t)start;
				for (uint32_t tap = 0; tap < taps; tap++)
					start += (uint32_t)(pixel[p][segment[tap].offset + lane] *
							    weights[tap * 16 + lane]);
				expected[p][lane] = (int32_t)start;
			}
		}
		kernels->depthwise(sum, pixel, pixels, segment, taps, weights);
		CHECK(test, !memcmp(sum, expected, pixels * sizeof(sum[0])));
	}
}

int main(void)
{
	struct test test = { 0 };
	struct engine_kernels kernels;
	uint32_t index;

	for (index = 0; engine_kernels_get(index, &kernels); index++) {
		convolution_test(&test, &kernels);
		depthwise_test(&test, &kernels);
	}
	CHECK(&test, index >= 1);
	printf("# %u forms\n", index);
	test_group(&test, "all forms of the inner loops agree");
	return test.failures != 0;
}
