// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"

/* Streams of random numbers of a seed, beside one for each step. */
#define STREAM_WHOLE 1000
#define STREAM_TYPE 1500
#define STREAM_INPUT 2000

#define STEPS_MAX 16
#define SCALE_MIN 1e-6
#define SCALE_MAX 1e4
/* Steps of an int16 value in one of an int8 value. */
#define INT16_LEVELS 200

static const struct {
	enum network_code code;
	const char *name;
} names[] = {
	{ NETWORK_ADD, "ADD" }, { NETWORK_AVERAGE_POOL, "AVERAGE_POOL_2D" },
	{ NETWORK_CONCATENATION, "CONCATENATION" }, { NETWORK_CONVOLUTION, "CONV_2D" },
	{ NETWORK_DEPTHWISE, "DEPTHWISE_CONV_2D" }, { NETWORK_DEQUANTISE, "DEQUANTIZE" },
	{ NETWORK_FULLY_CONNECTED, "FULLY_CONNECTED" }, { NETWORK_LOGISTIC, "LOGISTIC" },
	{ NETWORK_MAX_POOL, "MAX_POOL_2D" }, { NETWORK_MUL, "MUL" },
	{ NETWORK_RESHAPE, "RESHAPE" }, { NETWORK_SOFTMAX, "SOFTMAX" },
	{ NETWORK_TANH, "TANH" }, { NETWORK_PAD, "PAD" }, { NETWORK_MEAN, "MEAN" },
	{ NETWORK_SUB, "SUB" }, { NETWORK_MAXIMUM, "MAXIMUM" },
	{ NETWORK_MINIMUM, "MINIMUM" }, { NETWORK_QUANTISE, "QUANTIZE" },
	{ NETWORK_RESIZE_BILINEAR, "RESIZE_BILINEAR" }, { NETWORK_TRANSPOSE, "TRANSPOSE" },
	{ NETWORK_STRIDED_SLICE, "STRIDED_SLICE" }, { NETWORK_SPLIT, "SPLIT" },
	{ NETWORK_PAD_V2, "PADV2" }, { NETWORK_SLICE, "SLICE" }, { NETWORK_PACK, "PACK" },
	{ NETWORK_RESIZE_NEAREST, "RESIZE_NEAREST_NEIGHBOR" }, { NETWORK_SPLIT_V, "SPLIT_V" },
	{ NETWORK_DEPTH_TO_SPACE, "DEPTH_TO_SPACE" }, { NETWORK_SPACE_TO_DEPTH, "SPACE_TO_DEPTH" },
	{ NETWORK_TILE, "TILE" }, { NETWORK_MIRROR_PAD, "MIRROR_PAD" },
	{ NETWORK_REVERSE, "REVERSE_V2" },
	{ NETWORK_SUM, "SUM" }, { NETWORK_REDUCE_MAX, "REDUCE_MAX" },
	{ NETWORK_REDUCE_MIN, "REDUCE_MIN" },
	{ NETWORK_TRANSPOSE_CONVOLUTION, "TRANSPOSE_CONV" }, { NETWORK_SVDF, "SVDF" },
	{ NETWORK_BATCH_MATMUL, "BATCH_MATMUL" },
	{ NETWORK_BATCH_TO_SPACE, "BATCH_TO_SPACE_ND" },
	{ NETWORK_SPACE_TO_BATCH, "SPACE_TO_BATCH_ND" }, { NETWORK_PRELU, "PRELU" },
	{ NETWORK_LEAKY_RELU, "LEAKY_RELU" },
	{ NETWORK_SQUARED_DIFFERENCE, "SQUARED_DIFFERENCE" },
	{ NETWORK_FLOOR, "FLOOR" }, { NETWORK_RELU, "RELU" },
	{ NETWORK_RELU_N1_TO_1, "RELU_N1_TO_1" }, { NETWORK_RELU6, "RELU6" },
	{ NETWORK_EXP, "EXP" }, { NETWORK_NEG, "NEG" }, { NETWORK_SIN, "SIN" },
	{ NETWORK_LOG, "LOG" }, { NETWORK_SQRT, "SQRT" }, { NETWORK_RSQRT, "RSQRT" },
	{ NETWORK_SQUARE, "SQUARE" }, { NETWORK_ABS, "ABS" }, { NETWORK_CEIL, "CEIL" },
	{ NETWORK_COS, "COS" }, { NETWORK_ELU, "ELU" }, { NETWORK_ROUND, "ROUND" },
	{ NETWORK_HARD_SWISH, "HARD_SWISH" }, { NETWORK_GELU, "GELU" },
};

/* How often each step is taken, and what feature it needs. */
static const struct {
	builder_step *step;
	int weight;
	unsigned int feature;
} steps[] = {
	{ step_convolution, 30, 0 },
	{ step_depthwise, 20, 0 },
	{ step_add, 16, 0 },
	{ step_add_input, 3, 0 },
	{ step_add_constant, 8, BUILDER_BROADCAST },
	{ step_pool, 10, 0 },
	{ step_pad, 6, 0 },
	{ step_fully_connected, 6, 0 },
	{ step_mean, 4, 0 },
	{ step_reshape, 4, 0 },
	{ step_quantise, 3, 0 },
	{ step_softmax, 2, 0 },
	{ step_product, 25, BUILDER_PRODUCTS },
	{ step_concatenation, 25, BUILDER_CONCATENATION },
	{ step_unary, 20, BUILDER_UNARY },
	{ step_transposed, 40, BUILDER_TRANSPOSED },
	{ step_svdf, 40, BUILDER_STATE },
	{ step_matmul, 40, BUILDER_MATMUL },
	{ step_slice, 20, BUILDER_MOVES },
	{ step_split, 15, BUILDER_MOVES },
	{ step_transpose, 15, BUILDER_MOVES },
	{ step_resize, 20, BUILDER_MOVES },
	{ step_pack, 5, BUILDER_MOVES },
	{ step_pad_value, 8, BUILDER_MOVES },
	{ step_concatenation, 20, BUILDER_MOVES },
	{ step_blocks, 10, BUILDER_MOVES },
	{ step_mirror, 10, BUILDER_MOVES },
	{ step_repeat, 10, BUILDER_MOVES },
	{ step_reduce, 30, BUILDER_REDUCTIONS },
	{ step_squared_difference, 6, BUILDER_RARITIES },
	{ step_leaky, 10, BUILDER_RARITIES },
	{ step_batches, 12, BUILDER_RARITIES },
	{ step_branches, 40, BUILDER_BRANCHES },
};

const char *network_name(enum network_code code)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == code)
			return names[i].name;
	return "?";
}

size_t network_type_bytes(enum network_type type)
{
	switch (type) {
	case NETWORK_FLOAT32:
	case NETWORK_INT32:
		return 4;
	case NETWORK_INT64:
		return 8;
	case NETWORK_INT16:
		return 2;
	default:
		return 1;
	}
}

size_t network_bytes(const struct network_tensor *tensor)
{
	return tensor->elements * network_type_bytes(tensor->type);
}

int network_tensor_add(struct network *network, enum network_type type, int rank,
		       const int32_t *shape, int scales, float scale)
{
	struct network_tensor *tensor = &network->tensors[network->tensor_count];

	tensor->type = type;
	tensor->rank = rank;
	tensor->elements = 1;
	for (int d = 0; d < rank; d++) {
		tensor->shape[d] = shape[d];
		tensor->elements *= (size_t)shape[d];
	}
	tensor->scale_count = scales;
	tensor->scales = scales ? calloc((size_t)scales, sizeof(float)) : NULL;
	for (int i = 0; tensor->scales && i < scales; i++)
		tensor->scales[i] = scale;
	return network->tensor_count++;
}

int builder_tensor(struct builder *builder, enum network_type type, int rank,
		   const int32_t *shape, double scale, int zero_point)
{
	struct network *network = builder->network;
	struct network_tensor *tensor;
	int index;

	if (network->tensor_count == NETWORK_TENSORS_MAX) {
		builder->failed = true;
		return 0;
	}
	index = network_tensor_add(network, type, rank, shape, scale > 0, (float)scale);
	tensor = &network->tensors[index];
	tensor->zero_point = zero_point;
	tensor->level = 60;
	builder->failed |= tensor->scale_count && !tensor->scales;
	return index;
}

static int pick_zero_point(struct random *random)
{
	switch (random_range(random, 0, 5)) {
	case 0:
	case 1:
		return -128;
	case 2:
		return 0;
	case 3:
		return random_range(random, 0, 1) ? 127 : -1;
	default:
		return random_range(random, -128, 127);
	}
}

int builder_activation(struct builder *builder, int rank, const int32_t *shape, double deviation)
{
	double level = random_logarithmic(&builder->random, 8, 110);
	int zero_point = pick_zero_point(&builder->random);
	double scale = deviation > 1e-9 ? deviation / level : 0.05;
	int tensor;

	if (random_chance(&builder->random, builder->features & BUILDER_EXTREME_SCALES ? 15 : 1))
		scale *= random_logarithmic(&builder->random, 1.0 / 64, 64);
	/* The reference overflows where 6 / scale does not fit an int32. */
	scale = fmin(fmax(scale, SCALE_MIN), SCALE_MAX);
	if (builder->type == NETWORK_INT16) {
		zero_point = 0;
		level *= INT16_LEVELS;
		scale /= INT16_LEVELS;
	} else if (builder->type == NETWORK_UINT8) {
		zero_point += 128;
	}
	tensor = builder_tensor(builder, builder->type, rank, shape, scale, zero_point);
	builder->network->tensors[tensor].level = level;
	return tensor;
}

double builder_deviation(const struct builder *builder, int tensor)
{
	const struct network_tensor *t = &builder->network->tensors[tensor];

	return t->scale_count ? t->level * (double)t->scales[0] : 1;
}

void *builder_contents(struct builder *builder, int index)
{
	struct network_tensor *tensor = &builder->network->tensors[index];

	if (!tensor->data)
		tensor->data = calloc(tensor->elements, network_type_bytes(tensor->type));
	if (!tensor->data)
		builder->failed = true;
	return tensor->data;
}

int builder_integers(struct builder *builder, const int32_t *values, int count)
{
	int tensor = builder_tensor(builder, NETWORK_INT32, 1, &count, 0, 0);
	void *data = builder_contents(builder, tensor);

	if (data)
		memcpy(data, values, 4 * (size_t)count);
	return tensor;
}

struct network_operator *builder_operator(struct builder *builder, enum network_code code,
					  int input, int output)
{
	struct network *network = builder->network;
	struct network_operator *op = &network->operators[network->operator_count++];

	op->code = code;
	op->inputs[op->input_count++] = input;
	op->output = output;
	return op;
}

/* A step adds at most four operators and sixteen tensors. */
bool builder_has_room(const struct builder *builder)
{
	return builder->network->operator_count + 4 <= NETWORK_OPERATORS_MAX &&
	       builder->network->tensor_count + 16 <= NETWORK_TENSORS_MAX;
}

int builder_pick_activation(struct builder *builder)
{
	static const int choices[] = { 0, 0, 0, 0, 1, 1, 1, 3, 3, 2 };

	return choices[random_range(&builder->random, 0, 9)];
}

static void pick_features(struct builder *builder)
{
	static const struct {
		unsigned int feature;
		int percent;
	} chances[] = {
		{ BUILDER_BATCH, 4 }, { BUILDER_GROUPS, 5 }, { BUILDER_BROADCAST, 6 },
		{ BUILDER_ODD_PADDING, 10 }, { BUILDER_DEAD_CHANNELS, 25 },
		{ BUILDER_EXTREME_SCALES, 15 }, { BUILDER_CONCATENATION, 10 },
		{ BUILDER_PRODUCTS, 10 }, { BUILDER_UNARY, 6 },
	};

	for (size_t i = 0; i < sizeof(chances) / sizeof(chances[0]); i++)
		if (random_chance(&builder->random, chances[i].percent))
			builder->features |= chances[i].feature;
}

/* The activations' type, and features that came later: of a stream of their own. */
static void pick_type(struct builder *builder, uint64_t seed)
{
	struct random random = random_stream(seed, STREAM_TYPE);
	int roll = random_range(&random, 0, 99);

	builder->type = roll < 70 ? NETWORK_INT8 : roll < 85 ? NETWORK_UINT8 : NETWORK_INT16;
	if (random_chance(&random, 8))
		builder->features |= BUILDER_TRANSPOSED;
	if (random_chance(&random, 3) && builder->type == NETWORK_INT8)
		builder->features |= BUILDER_STATE;
	if (random_chance(&random, 3))
		builder->features |= BUILDER_LONG_STRIDES;
	if (random_chance(&random, 6) && builder->type == NETWORK_INT8)
		builder->features |= BUILDER_MATMUL;
	if (random_chance(&random, 15))
		builder->features |= BUILDER_MOVES;
	if (random_chance(&random, 8))
		builder->features |= BUILDER_REDUCTIONS;
	if (random_chance(&random, 10))
		builder->features |= BUILDER_RARITIES;
	if (random_chance(&random, 10) && builder->type == NETWORK_INT8)
		builder->features |= BUILDER_INT4;
	if (random_chance(&random, 10))
		builder->features |= BUILDER_PRUNED;
	if (random_chance(&random, 12))
		builder->features |= BUILDER_BRANCHES;
}

/* The first tensor; sometimes of another type, with an operator that makes it int8. */
static void begin(struct builder *builder)
{
	struct random *random = &builder->random;
	int32_t shape[4] = { 1, random_range(random, 1, 32), random_range(random, 1, 32), 0 };
	int rank = random_chance(random, 88) ? 4 : random_range(random, 2, 3), other;
	static const int channels[] = { 1, 2, 3, 4, 7, 8, 12, 15, 16, 17, 24, 31, 32, 33, 48, 64 };

	shape[3] = random_chance(random, 60) ? channels[random_range(random, 0, 15)] :
					      random_range(random, 1, 70);
	if (builder->features & BUILDER_BATCH)
		shape[0] = random_range(random, 2, 3);
	if (rank < 4) {
		shape[1] = random_range(random, 1, rank == 2 ? 300 : 20);
		shape[2] = random_range(random, 1, 40);
	}
	builder->current = builder_activation(builder, rank, shape,
					      random_logarithmic(random, 0.05, 20));
	if (!random_chance(random, 10)) {
		builder->network->inputs[builder->network->input_count++] = builder->current;
		return;
	}
	if (random_chance(random, 50) || builder->type != NETWORK_INT8)
		other = builder_tensor(builder, NETWORK_FLOAT32, rank, shape, 0, 0);
	else
		other = builder_tensor(builder, NETWORK_UINT8, rank, shape,
				       builder_deviation(builder, builder->current) / 70,
				       random_range(random, 0, 255));
	builder->network->inputs[builder->network->input_count++] = other;
	builder_operator(builder, NETWORK_QUANTISE, other, builder->current);
}

static void take_step(struct builder *builder)
{
	int total = 0, pick;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!steps[i].feature || builder->features & steps[i].feature)
			total += steps[i].weight;
	/* A step that does not fit here is replaced by another one. */
	for (int attempt = 0; attempt < 8; attempt++) {
		pick = random_range(&builder->random, 0, total - 1);
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			if (steps[i].feature && !(builder->features & steps[i].feature))
				continue;
			pick -= steps[i].weight;
			if (pick >= 0)
				continue;
			if (builder_has_room(builder) && steps[i].step(builder))
				return;
			break;
		}
	}
}

/* The end of a classifier, or of a network with float outputs. */
static void finish(struct builder *builder)
{
	struct random *random = &builder->random;

	if (random_chance(random, 25)) {
		step_fully_connected(builder);
		if (random_chance(random, 60))
			step_softmax(builder);
	}
	if (random_chance(random, 5) && builder_has_room(builder)) {
		const struct network_tensor *tensor =
			&builder->network->tensors[builder->current];
		int output = builder_tensor(builder, NETWORK_FLOAT32, tensor->rank,
					    tensor->shape, 0, 0);

		builder_operator(builder, NETWORK_DEQUANTISE, builder->current, output);
		builder->current = output;
	}
}

static void choose_outputs(struct builder *builder)
{
	struct network *network = builder->network;

	network->outputs[network->output_count++] = builder->current;
	if (network->operator_count > 1 && random_chance(&builder->random, 15)) {
		int op = random_range(&builder->random, 0, network->operator_count - 2);

		if (network->operators[op].output != builder->current)
			network->outputs[network->output_count++] = network->operators[op].output;
	}
}

static int step_count(struct random *random)
{
	return random_chance(random, 25) ? random_range(random, 1, 2) :
					   random_range(random, 2, STEPS_MAX - 1);
}

int network_steps(uint64_t seed)
{
	struct random random = random_stream(seed, STREAM_WHOLE);

	/* One more for what finish() adds. */
	return step_count(&random) + 1;
}

struct network *network_new(uint64_t seed, int limit)
{
	struct builder builder = { .network = calloc(1, sizeof(struct network)) };
	int count;

	if (!builder.network)
		return NULL;
	builder.random = random_stream(seed, STREAM_WHOLE);
	count = step_count(&builder.random);
	builder.macs_max = (uint64_t)random_logarithmic(&builder.random, 20000, 1000000);
	pick_features(&builder);
	pick_type(&builder, seed);
	begin(&builder);
	for (int step = 0; step < count && !builder.failed; step++) {
		if (limit >= 0 && step >= limit)
			break;
		builder.random = random_stream(seed, (uint64_t)step);
		take_step(&builder);
	}
	builder.random = random_stream(seed, STREAM_WHOLE + 1);
	if (limit < 0 || limit > count)
		finish(&builder);
	if (!builder.network->operator_count) {
		builder.features = 0;
		step_quantise(&builder);
	}
	choose_outputs(&builder);
	if (builder.failed) {
		network_free(builder.network);
		return NULL;
	}
	return builder.network;
}

void network_free(struct network *network)
{
	if (!network)
		return;
	for (int i = 0; i < network->tensor_count; i++) {
		free(network->tensors[i].scales);
		free(network->tensors[i].data);
	}
	free(network);
}

static void fill_int16(struct random *random, int style, size_t count, void *data)
{
	for (size_t i = 0; i < count; i++) {
		int16_t value = (int16_t)random_range(random, INT16_MIN, INT16_MAX);

		if (style == 1)
			value /= 64;
		else if (style == 2)
			value = value < 0 ? INT16_MIN : INT16_MAX;
		memcpy((uint8_t *)data + 2 * i, &value, sizeof(value));
	}
}

void network_fill(const struct network_tensor *tensor, uint64_t seed, void *data)
{
	struct random random = random_stream(seed, STREAM_INPUT);
	int style = random_range(&random, 0, 3);
	uint8_t *bytes = data;

	if (tensor->type == NETWORK_FLOAT32) {
		for (size_t i = 0; i < tensor->elements; i++) {
			float value = (float)((random_fraction(&random) - 0.5) * 8);

			memcpy(bytes + 4 * i, &value, sizeof(value));
		}
		return;
	}
	if (tensor->type == NETWORK_INT16) {
		fill_int16(&random, style, tensor->elements, data);
		return;
	}
	for (size_t i = 0; i < tensor->elements; i++) {
		int value = random_range(&random, -128, 127);

		/* Everything; near the middle; extremes; everything. */
		if (style == 1)
			value /= 8;
		else if (style == 2)
			value = value < 0 ? -128 : 127;
		bytes[i] = (uint8_t)value;
	}
}

void network_print(const struct network *network, const char *prefix)
{
	for (int i = 0; i < network->operator_count; i++) {
		const struct network_operator *op = &network->operators[i];
		const struct network_options *o = &op->options;

		printf("%soperator %d %s", prefix, i, network_name(op->code));
		for (int operand = 0; operand <= op->input_count; operand++) {
			int index = operand < op->input_count ? op->inputs[operand] : op->output;
			const struct network_tensor *tensor;

			/* An absent bias. */
			if (index < 0)
				continue;
			tensor = &network->tensors[index];
			printf("%s %s%d[", operand == op->input_count ? " ->" : "",
			       tensor->data ? "constant " : "t", index);
			for (int d = 0; d < tensor->rank; d++)
				printf("%s%d", d ? "x" : "", tensor->shape[d]);
			printf("]");
		}
		if (o->stride_h)
			printf(" %s stride %dx%d", o->padding ? "VALID" : "SAME", o->stride_h,
			       o->stride_w);
		if (o->filter_h)
			printf(" window %dx%d", o->filter_h, o->filter_w);
		if (o->dilation_h > 1 || o->dilation_w > 1)
			printf(" dilation %dx%d", o->dilation_h, o->dilation_w);
		if (o->activation)
			printf(" activation %d", o->activation);
		printf("\n");
	}
}
