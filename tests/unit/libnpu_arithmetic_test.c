// SPDX-License-Identifier: MIT
/*
 * The integer formulas against other ways to write them, and the fast
 * convolutions against the plain loops.
 */
#include <math.h>

#include "arithmetic.h"
#include "cpu.h"
#include "cpu_kernels.h"
#include "libnpu_test.h"
#include "team.h"

/* The saturating doubling high multiply as its inventors wrote it. */
static int32_t high_by_nudge(int32_t a, int32_t b)
{
	int64_t product = (int64_t)a * b;
	int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);

	if (a == b && a == INT32_MIN)
		return INT32_MAX;
	return (int32_t)((product + nudge) / (INT64_C(1) << 31));
}

/* The rounding shift by mask and threshold. */
static int32_t shift_by_mask(int32_t x, int exponent)
{
	int64_t mask = (INT64_C(1) << exponent) - 1;
	int64_t remainder = x & mask;
	int64_t threshold = (mask >> 1) + (x < 0);

	return (int32_t)((x >> exponent) + (remainder > threshold));
}

static void test_primitives(void)
{
	static const int32_t edges[] = {
		INT32_MIN, INT32_MIN + 1, -(1 << 30), -2, -1, 0, 1, 2, 1 << 30, INT32_MAX,
	};
	uint32_t state = 1;
	int good = 1;

	for (int i = 0; i < 1000000; i++) {
		int32_t a = i < 100 ? edges[i / 10] : (int32_t)test_random(&state);
		int32_t b = i < 100 ? edges[i % 10] : (int32_t)test_random(&state);

		good &= arithmetic_high(a, b) == high_by_nudge(a, b);
		for (int e = 0; e < 32; e += 1 + i % 7)
			good &= arithmetic_shift_right(a, e) == shift_by_mask(a, e);
	}
	test_result("high multiply and rounding shift equal their other forms", good);
}

static void test_modes(void)
{
	static const struct { int32_t x, m, s; int64_t twice, once; } cases[] = {
		/* -1.5 x 1/2 by hand: where double and single rounding part. */
		{ 3, 1 << 30, 0, 2, 2 },
		{ -3, 1 << 30, 0, -1, -1 },
		{ 6, 1 << 30, -1, 2, 2 },
		{ -6, 1 << 30, -1, -2, -1 },
		{ 5, 1 << 30, -1, 2, 1 },
		{ 100, 1 << 30, 3, 400, 400 },
		{ INT32_MAX, INT32_MAX, 0, INT32_MAX - 1, INT32_MAX - 1 },
	};
	uint32_t state = 7;
	int good = 1;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kestrel_graph_scale scale = { cases[i].m, cases[i].s };

		good &= arithmetic_scale(KESTREL_GRAPH_REQUANTISE_DOUBLE, cases[i].x, scale) ==
			cases[i].twice;
		good &= arithmetic_scale(KESTREL_GRAPH_REQUANTISE_SINGLE, cases[i].x, scale) ==
			cases[i].once;
	}
	test_result("double and single rounding by hand-computed cases", good);

	good = 1;
	for (int i = 0; i < 100000; i++) {
		int32_t x = (int32_t)test_random(&state) >> (i % 24);
		float factor = ldexpf((float)(1 + test_random(&state) % 65536), -16 - i % 20);
		struct kestrel_graph_scale scale = { 0, 0 };
		double product = (double)(float)x * (double)factor;

		memcpy(&scale.multiplier, &factor, sizeof(factor));
		if (fabs(product) < 1e6)
			good &= arithmetic_scale(KESTREL_GRAPH_REQUANTISE_F32, x, scale) ==
				(int64_t)nearbyint((double)(float)product);
	}
	test_result("float mode rounds to nearest even", good);

	good = 1;
	for (int i = 0; i < 100000; i++) {
		int64_t x = (int64_t)((uint64_t)test_random(&state) << 8) - (INT64_C(1) << 39);
		struct kestrel_graph_scale scale = {
			(int32_t)((1u << 30) + test_random(&state) % (1u << 30)), -(i % 16),
		};
		int64_t m = scale.multiplier < 0x7fff0000 ?
			    (scale.multiplier + 32768) / 65536 : 0x7fff;
		double exact = floor(((double)x * (double)m + ldexp(1, 14 - scale.shift)) /
				     ldexp(1, 15 - scale.shift));

		/* Only where a double holds the product exactly. */
		if (fabs((double)x * (double)m) < ldexp(1, 52))
			good &= arithmetic_scale(KESTREL_GRAPH_REQUANTISE_WIDE, x, scale) ==
				(int64_t)exact;
	}
	test_result("wide mode equals its formula", good);
}

static void test_reciprocal(void)
{
	double worst = 0;

	for (uint32_t z = 0; z < UINT32_C(1) << 31; z += 99991) {
		double exact = 1 / (1 + ldexp(z, -31));
		double error = fabs(ldexp(arithmetic_reciprocal((int32_t)z), -31) - exact);

		if (error > worst)
			worst = error;
	}
	test_result("reciprocal is within 2^-27", worst < ldexp(1, -27));
}

static void part_add(void *opaque, uint32_t part, uint32_t parts)
{
	uint32_t *sums = opaque;

	sums[part] += parts;
}

static void test_team(void)
{
	int good = 1;

	for (uint32_t threads = 1; threads < 6; threads++) {
		uint32_t sums[6] = { 0 };
		struct team *team;

		if (team_create(threads, &team)) {
			good = 0;
			continue;
		}
		for (int i = 0; i < 1000; i++)
			team_run(team, part_add, sums);
		for (uint32_t i = 0; i < 6; i++)
			good &= sums[i] == (i < threads ? 1000 * threads : 0);
		team_free(team);
	}
	test_result("each thread of a team does its part once a round", good);
}

/* Softmax with the exact exponential as table against the real function. */
static void test_softmax(void)
{
	static int32_t table[256];
	int8_t input[64], output[64];
	struct array in = { input, KESTREL_GRAPH_TYPE_INT8, 2, { 4, 16 }, 64 };
	struct array out = { output, KESTREL_GRAPH_TYPE_INT8, 2, { 4, 16 }, 64 };
	struct kestrel_graph_softmax attributes = {
		.zero_point = -128, .minimum = -128, .maximum = 127, .output_shift = 35,
	};
	uint32_t state = 3;
	int worst = 0;

	for (int i = 0; i < 256; i++) {
		double e = ldexp(exp(-0.1 * i), 31);

		table[i] = e >= INT32_MAX ? INT32_MAX : (int32_t)e;
	}
	for (int i = 0; i < 64; i++)
		input[i] = (int8_t)test_random(&state);
	arithmetic_softmax(&attributes, table, &in, &out);
	for (int row = 0; row < 64; row += 16) {
		double sum = 0;

		for (int i = 0; i < 16; i++)
			sum += exp(0.1 * input[row + i]);
		for (int i = 0; i < 16; i++) {
			int exact = (int)lrint(256 * exp(0.1 * input[row + i]) / sum) - 128;
			int difference = abs(output[row + i] - (exact > 127 ? 127 : exact));

			if (difference > worst)
				worst = difference;
		}
	}
	test_result("softmax is within 1 of the real function", worst <= 1);
}

struct layer {
	uint32_t opcode;
	uint32_t size, channels, kernel, outputs, groups, stride, dilation, multiplier;
	uint32_t type;
	int32_t weight_zero_point;
};

/* Runs one layer of random numbers on the fast path, by one thread and by three, and plainly. */
static int layer_compare(const struct layer *layer, struct team *team, uint32_t *state)
{
	static uint8_t input_data[16384], weight_data[16384], fast[16384], plain[16384];
	static int32_t bias_data[256];
	struct test_graph test;
	struct graph graph;
	struct message message;
	struct cpu_program *program;
	struct kestrel_graph_operator *operator;
	struct kestrel_graph_convolution *attributes;
	struct kestrel_graph_scale scales[256];
	uint32_t depthwise = layer->opcode == KESTREL_GRAPH_DEPTHWISE_CONV_2D;
	uint32_t outputs = depthwise ? layer->channels * layer->multiplier : layer->outputs;
	uint32_t out_size = (layer->size - 1) / layer->stride + 1;
	uint32_t input, weights, bias, output;
	uint8_t *addresses[4] = { input_data, NULL, NULL, fast };
	uint8_t *file;
	size_t size;
	int good;

	test_graph_begin(&test);
	if (layer->opcode == KESTREL_GRAPH_FULLY_CONNECTED) {
		input = test_tensor(&test, "input", layer->size, layer->channels, 0, 0);
		weights = test_tensor(&test, "weights", outputs, layer->channels, 0, 0);
	} else {
		input = test_tensor(&test, "input", 1, layer->size, layer->size, layer->channels);
		weights = test_tensor(&test, "weights", depthwise ? 1 : outputs, layer->kernel,
				      layer->kernel,
				      depthwise ? outputs : layer->channels / layer->groups);
	}
	bias = test_tensor(&test, "bias", outputs, 0, 0, 0);
	if (layer->opcode == KESTREL_GRAPH_FULLY_CONNECTED)
		output = test_tensor(&test, "output", layer->size, outputs, 0, 0);
	else
		output = test_tensor(&test, "output", 1, out_size, out_size, outputs);
	test.tensors[input].type = test.tensors[output].type = layer->type;
	test.tensors[weights].type = layer->type;
	test.tensors[bias].type = KESTREL_GRAPH_TYPE_INT32;
	for (size_t i = 0; i < sizeof(input_data); i++) {
		input_data[i] = (uint8_t)(test_random(state) >> 24);
		weight_data[i] = (uint8_t)(test_random(state) >> 24);
	}
	for (uint32_t i = 0; i < outputs; i++) {
		bias_data[i] = (int32_t)test_random(state) >> 16;
		scales[i].multiplier = (int32_t)((1u << 30) + test_random(state) % (1u << 30));
		scales[i].shift = -8 - (int32_t)(test_random(state) % 4);
	}
	test_constant(&test, weights, weight_data, (uint32_t)test.tensors[weights].size);
	test_constant(&test, bias, bias_data, outputs * 4);
	operator = test_operator(&test, layer->opcode, input, weights, bias, output);
	attributes = &operator->attributes.convolution;
	attributes->stride_height = attributes->stride_width = layer->stride;
	attributes->dilation_height = attributes->dilation_width = layer->dilation;
	attributes->pad_top = attributes->pad_left = (int32_t)(layer->kernel / 2);
	attributes->pad_bottom = attributes->pad_right = (int32_t)(layer->kernel / 2);
	attributes->depth_multiplier = depthwise ? layer->multiplier : 1;
	attributes->input_zero_point = layer->type == KESTREL_GRAPH_TYPE_INT8 ? -3 : 130;
	attributes->weight_zero_point = layer->weight_zero_point;
	attributes->requantise.mode = KESTREL_GRAPH_REQUANTISE_DOUBLE;
	attributes->requantise.scale_count = outputs;
	attributes->requantise.scales = test_parameters(&test, scales, outputs * sizeof(scales[0]));
	attributes->requantise.minimum = layer->type == KESTREL_GRAPH_TYPE_INT8 ? -128 : 0;
	attributes->requantise.maximum = layer->type == KESTREL_GRAPH_TYPE_INT8 ? 127 : 255;
	test.inputs[test.input_count++] = input;
	test.outputs[test.output_count++] = output;
	file = test_graph_write(&test, &size);
	good = !graph_open(&graph, file, size, &message);
	if (!good)
		printf("# %s\n", message.text);
	if (good && !cpu_program_create(&graph, NULL, &program, &message)) {
		void *scratch = aligned_alloc(64, cpu_program_scratch(program) *
					      team_threads(team) + 64);
		struct array in = { input_data, layer->type, test.tensors[input].rank, { 0 },
				    test.tensors[input].size };
		struct array w = { weight_data, layer->type, test.tensors[weights].rank, { 0 },
				   test.tensors[weights].size };
		struct array b = { bias_data, KESTREL_GRAPH_TYPE_INT32, 1, { outputs }, outputs };
		struct array out = { plain, layer->type, test.tensors[output].rank, { 0 },
				     test.tensors[output].size };

		memcpy(in.dims, test.tensors[input].dims, sizeof(in.dims));
		memcpy(w.dims, test.tensors[weights].dims, sizeof(w.dims));
		memcpy(out.dims, test.tensors[output].dims, sizeof(out.dims));
		cpu_program_run(program, addresses, scratch, NULL, 0, 1, NULL, NULL);
		if (layer->opcode == KESTREL_GRAPH_FULLY_CONNECTED)
			arithmetic_fully_connected(attributes, scales, &in, &w, &b, &out);
		else if (depthwise)
			arithmetic_depthwise(attributes, scales, &in, &w, &b, &out);
		else
			arithmetic_convolution(attributes, scales, &in, &w, &b, &out);
		good = !memcmp(fast, plain, out.count);
		memset(fast, 0x55, sizeof(fast));
		cpu_program_run(program, addresses, scratch, team, 0, 1, NULL, NULL);
		good &= !memcmp(fast, plain, out.count);
		free(scratch);
		cpu_program_free(program);
	}
	graph_close(&graph);
	free(file);
	return good;
}

static void test_fast_paths(void)
{
	static const struct { const char *name; struct layer layer; } layers[] = {
		{ "3x3 convolution", { KESTREL_GRAPH_CONV_2D, 9, 5, 3, 7, 1, 1, 1, 1,
				       KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "3x3 convolution, stride 2, dilation 2", { KESTREL_GRAPH_CONV_2D, 10, 3, 3, 9,
				       1, 2, 2, 1, KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "grouped convolution", { KESTREL_GRAPH_CONV_2D, 6, 12, 3, 9, 3, 1, 1, 1,
				       KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "1x1 convolution", { KESTREL_GRAPH_CONV_2D, 7, 33, 1, 18, 1, 1, 1, 1,
				       KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "uint8 convolution with a weight zero point", { KESTREL_GRAPH_CONV_2D, 7, 8, 3,
				       8, 1, 1, 1, 1, KESTREL_GRAPH_TYPE_UINT8, 141 } },
		{ "depthwise", { KESTREL_GRAPH_DEPTHWISE_CONV_2D, 9, 19, 3, 0, 1, 2, 1, 1,
				       KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "depthwise with multiplier", { KESTREL_GRAPH_DEPTHWISE_CONV_2D, 9, 5, 5, 0, 1,
				       1, 1, 3, KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "uint8 depthwise", { KESTREL_GRAPH_DEPTHWISE_CONV_2D, 8, 6, 3, 0, 1, 1, 1, 1,
				       KESTREL_GRAPH_TYPE_UINT8, 100 } },
		{ "a convolution large enough for several threads", { KESTREL_GRAPH_CONV_2D, 20,
				       32, 1, 32, 1, 1, 1, 1, KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "a large depthwise", { KESTREL_GRAPH_DEPTHWISE_CONV_2D, 29, 19, 5, 0, 1, 1, 1,
				       1, KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "a large fully connected", { KESTREL_GRAPH_FULLY_CONNECTED, 30, 170, 1, 61, 1,
				       1, 1, 1, KESTREL_GRAPH_TYPE_INT8, 0 } },
		{ "fully connected", { KESTREL_GRAPH_FULLY_CONNECTED, 3, 77, 1, 13, 1, 1, 1, 1,
				       KESTREL_GRAPH_TYPE_INT8, 0 } },
	};
	uint32_t state = 11;
	struct team *team;

	if (team_create(3, &team)) {
		test_result("threads", 0);
		return;
	}
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		char name[96];

		snprintf(name, sizeof(name), "fast path equals plain loops: %s", layers[i].name);
		test_result(name, layer_compare(&layers[i].layer, team, &state));
	}
	team_free(team);
}

/* Every build of the inner loops that this processor can run, against the formulas. */
static int kernels_compare(const struct cpu_kernels *kernels, uint32_t *state)
{
	static int16_t patch[256], weights[CPU_ROWS * 256];
	static int32_t sums[256], bias[256], multiplier[256], left[256], right[256];
	static uint8_t bytes[256], to[256];
	struct cpu_channels channels = { bias, multiplier, left, right };
	size_t count = 1 + test_random(state) % 255;
	size_t depth = (1 + test_random(state) % 8) * CPU_DEPTH_ALIGNMENT;
	int32_t zero_point = (int32_t)(test_random(state) % 256) - 128;
	int good = 1;

	for (int i = 0; i < 256; i++) {
		int32_t shift = (int32_t)(test_random(state) % 40) - 31;

		bytes[i] = (uint8_t)test_random(state);
		sums[i] = (int32_t)test_random(state) >> test_random(state) % 31;
		bias[i] = (int32_t)test_random(state) >> test_random(state) % 31;
		multiplier[i] = (int32_t)(test_random(state) >> 1);
		left[i] = shift > 0 ? shift : 0;
		right[i] = shift > 0 ? 0 : -shift;
	}
	kernels->widen(bytes, KESTREL_GRAPH_TYPE_INT8, count, zero_point, patch);
	for (size_t i = 0; i < count; i++)
		good &= patch[i] == (int8_t)bytes[i] - zero_point;
	kernels->widen(bytes, KESTREL_GRAPH_TYPE_UINT8, count, zero_point + 128, patch);
	for (size_t i = 0; i < count; i++)
		good &= patch[i] == bytes[i] - zero_point - 128;
	kernels->requantise(sums, &channels, count, zero_point, -128, 127, to);
	for (size_t i = 0; i < count; i++) {
		struct kestrel_graph_scale scale = { multiplier[i], left[i] - right[i] };
		int32_t sum = (int32_t)((uint32_t)sums[i] + (uint32_t)bias[i]);
		int64_t value = arithmetic_scale_double(sum, scale) + (int64_t)zero_point;

		good &= (int8_t)to[i] == arithmetic_clamp(value, -128, 127);
	}
	for (size_t i = 0; i < 256; i++)
		patch[i] = (int16_t)(test_random(state) % 511) - 255;
	for (size_t i = 0; i < CPU_ROWS * 256; i++)
		weights[i] = (int16_t)(test_random(state) % 511) - 255;
	kernels->dot(patch, weights, depth, sums);
	for (size_t row = 0; row < CPU_ROWS; row++) {
		int32_t sum = 0;

		for (size_t i = 0; i < depth; i++)
			sum += patch[i] * weights[row * depth + i];
		good &= sums[row] == sum;
	}
	memset(sums, 0, sizeof(sums));
	kernels->accumulate(patch, weights, count, sums);
	kernels->accumulate(patch, weights, count, sums);
	for (size_t i = 0; i < 256; i++)
		good &= sums[i] == (i < count ? 2 * patch[i] * weights[i] : 0);
	return good;
}

static void test_kernels(void)
{
	const struct cpu_kernels *kernels;
	uint32_t state = 99;

	for (size_t i = 0; (kernels = cpu_kernels_list(i)); i++) {
		char name[96];
		int good = 1;

		for (int round = 0; round < 5000; round++)
			good &= kernels_compare(kernels, &state);
		snprintf(name, sizeof(name), "inner loops equal the formulas: %s", kernels->name);
		test_result(name, good);
	}
}

int main(void)
{
	test_primitives();
	test_kernels();
	test_modes();
	test_reciprocal();
	test_softmax();
	test_team();
	test_fast_paths();
	return test_failures != 0;
}
