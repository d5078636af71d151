// SPDX-License-Identifier: MIT
/* The steps that a network grows by. */
#include <stdlib.h>
#include <string.h>

#include "builder.h"

#define ELEMENTS_MAX 65536
/* Products that an int32 accumulator surely holds, with room for the bias. */
#define TAPS_MAX 16384
/* The reference shifts by 32 where a row's sum is 512 or more. */
#define SOFTMAX_ROW_MAX 511
/* Steps of int16 in one of int8. */
#define WIDER 64

static struct network_tensor *tensor_of(const struct builder *builder, int index)
{
	return &builder->network->tensors[index];
}

/* Moves on to `output`, the result of an operator just made. */
static bool advance(struct builder *builder, int output)
{
	builder->current = output;
	return !builder->failed;
}

static int pick_channels(struct random *random)
{
	static const int usual[] = { 1, 2, 4, 8, 10, 15, 16, 17, 24, 32, 33, 40, 48, 64 };

	return random_chance(random, 50) ? usual[random_range(random, 0, 13)] :
					   random_range(random, 1, 70);
}

static int pick_kernel(struct random *random)
{
	int roll = random_range(random, 0, 99);

	return roll < 35 ? 1 : roll < 70 ? 3 : random_range(random, 1, 7);
}

/* Window, stride, dilation and padding; false where it does not fit. */
static bool pick_window(struct builder *builder, const struct network_tensor *in,
			struct network_options *o, bool dilated, int32_t *out_h, int32_t *out_w)
{
	struct random *random = &builder->random;
	int effective_h, effective_w;

	o->filter_h = pick_kernel(random);
	o->filter_w = random_chance(random, 70) ? o->filter_h : pick_kernel(random);
	o->stride_h = random_chance(random, 65) ? 1 : random_range(random, 1, 4);
	o->stride_w = random_chance(random, 80) ? o->stride_h : random_range(random, 1, 4);
	if (builder->features & BUILDER_LONG_STRIDES && random_chance(random, 40))
		o->stride_w = random_range(random, 60, 90);
	if (builder->features & BUILDER_LONG_STRIDES && random_chance(random, 40))
		o->stride_h = random_range(random, 60, 90);
	o->dilation_h = dilated && random_chance(random, 15) ? random_range(random, 1, 4) : 1;
	o->dilation_w = random_chance(random, 60) || !dilated ? o->dilation_h :
								random_range(random, 1, 3);
	o->padding = random_chance(random, 40);
	effective_h = (o->filter_h - 1) * o->dilation_h + 1;
	effective_w = (o->filter_w - 1) * o->dilation_w + 1;
	if (o->padding && (effective_h > in->shape[1] || effective_w > in->shape[2]))
		o->padding = 0;
	if (o->padding) {
		*out_h = (in->shape[1] - effective_h) / o->stride_h + 1;
		*out_w = (in->shape[2] - effective_w) / o->stride_w + 1;
	} else {
		*out_h = (in->shape[1] + o->stride_h - 1) / o->stride_h;
		*out_w = (in->shape[2] + o->stride_w - 1) / o->stride_w;
	}
	return true;
}

static int weight_value(struct random *random, int style)
{
	switch (style) {
	case 0:
		return random_range(random, -20, 20) + random_range(random, -20, 20);
	case 1:
		return random_range(random, -127, 127);
	case 2:
		return random_chance(random, 90) ? 0 : random_range(random, -127, 127);
	case 3:
		return random_range(random, 0, 1) ? 127 : -127;
	case 4:
		return random_range(random, -128, 127);
	case 5:
		return random_range(random, 0, 3) * 17 - 30;
	case 6:
		return random_range(random, -1, 1);
	default:
		return 0;
	}
}

static int clamp_byte(int value)
{
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

static enum network_type weight_type(const struct builder *builder)
{
	return builder->type == NETWORK_UINT8 ? NETWORK_UINT8 : NETWORK_INT8;
}

/*
 * Weights with `channels` output channels along the first (or, `last`, the
 * last) dimension, and, `each`, a scale for every one; returns their root mean
 * square, in real values.
 */
static double fill_weights(struct builder *builder, int index, int channels, bool last,
			   bool each)
{
	struct random *random = &builder->random;
	struct network_tensor *tensor = tensor_of(builder, index);
	int style = random_chance(random, 97) ? random_range(random, 0, 6) : 7;
	double scale = random_logarithmic(random, 1e-4, 0.1), squares = 0;
	int8_t *data = builder_contents(builder, index);
	size_t inner = tensor->elements / (size_t)channels;
	bool dead[128] = { false };
	int zero_point = 0, pruned = 0;

	if (!data)
		return 1;
	/* Legacy weights have one scale, and a zero point. */
	if (tensor->type == NETWORK_UINT8) {
		each = false;
		zero_point = random_range(random, 0, 255);
	}
	for (int c = 0; c < channels; c++)
		dead[c % 128] = builder->features & BUILDER_DEAD_CHANNELS &&
				random_chance(random, 30);
	for (size_t i = 0; i < tensor->elements; i++) {
		size_t channel = last ? i % (size_t)channels : i / inner;

		/* Stretches of zeros, as pruning by blocks leaves them. */
		if (pruned)
			pruned--;
		else if (builder->features & BUILDER_PRUNED && random_chance(random, 1))
			pruned = random_range(random, 16, 400);
		data[i] = dead[channel % 128] || pruned ? 0 : (int8_t)weight_value(random, style);
		squares += (double)data[i] * data[i];
		if (tensor->type == NETWORK_UINT8)
			data[i] = (int8_t)clamp_byte(data[i] + zero_point);
	}
	tensor->scale_count = each ? channels : 1;
	tensor->scales = malloc((size_t)tensor->scale_count * sizeof(float));
	tensor->quantised_dimension = last ? tensor->rank - 1 : 0;
	tensor->zero_point = zero_point;
	if (!tensor->scales) {
		builder->failed = true;
		tensor->scale_count = 0;
		return 1;
	}
	for (int i = 0; i < tensor->scale_count; i++) {
		double own = each ? random_logarithmic(random, 0.3, 3) : 1;

		if (builder->features & BUILDER_EXTREME_SCALES && random_chance(random, 5))
			own = random_logarithmic(random, 1e-8, 30);
		tensor->scales[i] = (float)(scale * own);
	}
	return scale * sqrt(squares / (double)tensor->elements);
}

/* Rounds weights to four bits, now and then, in steps as much larger. */
static void shrink_weights(struct builder *builder, int index)
{
	struct network_tensor *tensor = tensor_of(builder, index);
	int8_t *data = tensor->data;

	if (!(builder->features & BUILDER_INT4) || !data || tensor->type != NETWORK_INT8 ||
	    !random_chance(&builder->random, 60))
		return;
	for (size_t i = 0; i < tensor->elements; i++)
		data[i] = (int8_t)(data[i] / 16);
	for (int i = 0; i < tensor->scale_count; i++)
		tensor->scales[i] *= 16;
	tensor->is_int4 = true;
}

/* Adds the bias of an operator with weights, most of the time. */
static void add_bias(struct builder *builder, struct network_operator *op, int channels,
		     int taps)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, op->inputs[0]);
	const struct network_tensor *weights = tensor_of(builder, op->inputs[1]);
	int style = random_range(random, 0, 9), index;
	/* Sums of int16 activations have 64 bits unless the bias has 32. */
	bool wide = in->type == NETWORK_INT16 && random_chance(random, 60);
	struct network_tensor *bias;
	void *data;

	/* Absent: the reference knows that of these alone, and by the list's length. */
	if (style == 0 && op->code == NETWORK_FULLY_CONNECTED && random_chance(random, 50))
		op->inputs[op->input_count++] = -1;
	if (style == 0 && op->code != NETWORK_CONVOLUTION)
		return;
	index = builder_tensor(builder, wide ? NETWORK_INT64 : NETWORK_INT32, 1, &channels, 0, 0);
	data = builder_contents(builder, index);
	bias = tensor_of(builder, index);
	bias->scales = malloc((size_t)weights->scale_count * sizeof(float));
	if (!data || !bias->scales) {
		builder->failed = true;
		return;
	}
	bias->scale_count = weights->scale_count;
	for (int i = 0; i < bias->scale_count; i++)
		bias->scales[i] = in->scales[0] * weights->scales[i];
	for (int c = 0; c < channels; c++) {
		int reach = style == 1 ? 1 << 24 : style == 2 ? 3 : 500 + 40 * taps;

		int64_t value = style == 3 ? 0 : random_range(random, -reach, reach);

		memcpy((uint8_t *)data + (wide ? 8 : 4) * (size_t)c, &value, wide ? 8 : 4);
	}
	op->inputs[op->input_count++] = index;
}

static bool convolve(struct builder *builder, bool depthwise)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	struct network_options options = { 0 };
	struct network_operator *op;
	int32_t shape[4], kernel[4];
	int weights, output, taps, groups = 1, input = builder->current;
	double deviation;
	uint64_t macs;

	if (in->rank != 4 || in->type != builder->type)
		return false;
	pick_window(builder, in, &options, true, &shape[1], &shape[2]);
	shape[0] = in->shape[0];
	if (depthwise) {
		options.multiplier = random_chance(random, 80) || in->shape[3] > 40 ? 1 :
				     random_range(random, 1, 3);
		shape[3] = in->shape[3] * options.multiplier;
	} else {
		shape[3] = pick_channels(random);
		if (builder->features & BUILDER_GROUPS && in->shape[3] % 2 == 0) {
			groups = in->shape[3] % 4 ? 2 : 4;
			shape[3] = (shape[3] + groups - 1) / groups * groups;
		}
	}
	kernel[0] = depthwise ? 1 : shape[3];
	kernel[1] = options.filter_h;
	kernel[2] = options.filter_w;
	kernel[3] = depthwise ? shape[3] : in->shape[3] / groups;
	taps = kernel[1] * kernel[2] * (depthwise ? 1 : kernel[3]);
	macs = (uint64_t)shape[0] * (uint64_t)shape[1] * (uint64_t)shape[2] *
	       (uint64_t)shape[3] * (uint64_t)taps;
	if (taps > TAPS_MAX || builder->network->macs + macs > builder->macs_max ||
	    (int64_t)shape[0] * shape[1] * shape[2] * shape[3] > ELEMENTS_MAX)
		return false;
	builder->network->macs += macs;
	weights = builder_tensor(builder, weight_type(builder), 4, kernel, 0, 0);
	deviation = fill_weights(builder, weights, shape[3], depthwise,
				 random_chance(random, 60)) *
		    builder_deviation(builder, input) * sqrt(taps);
	shrink_weights(builder, weights);
	output = builder_activation(builder, 4, shape, deviation);
	options.filter_h = options.filter_w = 0;
	options.activation = builder_pick_activation(builder);
	op = builder_operator(builder, depthwise ? NETWORK_DEPTHWISE : NETWORK_CONVOLUTION,
			      input, output);
	op->inputs[op->input_count++] = weights;
	op->options = options;
	add_bias(builder, op, shape[3], taps);
	return advance(builder, output);
}

bool step_convolution(struct builder *builder)
{
	return convolve(builder, false);
}

bool step_depthwise(struct builder *builder)
{
	return convolve(builder, true);
}

/* The output is what SAME or VALID give, or a little smaller. */
bool step_transposed(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	struct network_options options = { .padding = random_chance(random, 50) };
	int32_t shape[4] = { in->shape[0], 0, 0, pick_channels(random) }, kernel[4];
	int input = builder->current, weights, output, list;
	struct network_operator *op;
	double deviation;
	uint64_t macs;

	if (in->rank != 4 || in->type != builder->type || !builder_has_room(builder))
		return false;
	options.stride_h = random_range(random, 1, random_chance(random, 85) ? 3 : 9);
	options.stride_w = random_chance(random, 60) ? options.stride_h :
						      random_range(random, 1, 4);
	kernel[0] = shape[3];
	kernel[1] = random_range(random, 1, 6);
	kernel[2] = random_chance(random, 60) ? kernel[1] : random_range(random, 1, 6);
	kernel[3] = in->shape[3];
	for (int d = 1; d < 3; d++) {
		int stride = d == 1 ? options.stride_h : options.stride_w;
		int full = (in->shape[d] - 1) * stride + kernel[d];

		shape[d] = options.padding ? full : in->shape[d] * stride;
		if (!options.padding && random_chance(random, 30))
			shape[d] -= random_range(random, 0, stride - 1);
	}
	macs = in->elements * (uint64_t)shape[3] * (uint64_t)kernel[1] * (uint64_t)kernel[2];
	if (builder->network->macs + macs > builder->macs_max ||
	    (int64_t)shape[0] * shape[1] * shape[2] * shape[3] > ELEMENTS_MAX)
		return false;
	builder->network->macs += macs;
	weights = builder_tensor(builder, weight_type(builder), 4, kernel, 0, 0);
	deviation = fill_weights(builder, weights, shape[3], false,
				 random_chance(random, 60)) *
		    builder_deviation(builder, input) * sqrt(kernel[3] * 2);
	list = builder_integers(builder, shape, 4);
	output = builder_activation(builder, 4, shape, deviation);
	op = builder_operator(builder, NETWORK_TRANSPOSE_CONVOLUTION, input, output);
	op->inputs[op->input_count++] = weights;
	op->options = options;
	add_bias(builder, op, shape[3], kernel[3] * 2);
	/* Operands are output shape, weights, input and bias. */
	if (op->input_count == 3)
		op->inputs[3] = op->inputs[2];
	op->input_count++;
	op->inputs[2] = op->inputs[0];
	op->inputs[0] = list;
	return advance(builder, output);
}

/* Makes int16 of int8, contents too, without changing the real values much. */
static void widen(struct network_tensor *tensor)
{
	int8_t *narrow = tensor->data;
	int16_t *wide = narrow ? malloc(tensor->elements * sizeof(*wide)) : NULL;

	if (narrow && !wide)
		return;
	for (size_t i = 0; narrow && i < tensor->elements; i++)
		wide[i] = (int16_t)(narrow[i] * WIDER);
	free(narrow);
	tensor->data = wide;
	tensor->type = NETWORK_INT16;
	tensor->zero_point = 0;
	tensor->scales[0] /= WIDER;
	tensor->level *= WIDER;
}

/*
 * State of int8, or of int16 as the reference alone takes it; rows of the input beyond
 * the first are batches.
 */
bool step_svdf(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	int rank = random_range(random, 1, 3), units = random_range(random, 1, 40);
	int memory = random_range(random, 1, 12), filters = rank * units;
	int32_t shape[2] = { in->shape[0], units }, feature[2] = { filters, in->shape[1] };
	int32_t time[2] = { filters, memory }, state[2] = { in->shape[0], filters * memory };
	int input = builder->current, weights[2], output, kept;
	struct random own = random_stream(random->state, (uint64_t)in->elements);
	bool wide = random_chance(&own, 60);
	struct network_operator *op;
	double deviation;

	if (in->rank != 2 || in->type != NETWORK_INT8 || in->shape[1] > TAPS_MAX ||
	    !builder_has_room(builder))
		return false;
	weights[0] = builder_tensor(builder, NETWORK_INT8, 2, feature, 0, 0);
	deviation = fill_weights(builder, weights[0], filters, false, false) *
		    builder_deviation(builder, input) * sqrt(feature[1]);
	kept = builder_activation(builder, 2, state, deviation);
	tensor_of(builder, kept)->is_state = true;
	weights[1] = builder_tensor(builder, NETWORK_INT8, 2, time, 0, 0);
	deviation = fill_weights(builder, weights[1], filters, false, false) *
		    builder_deviation(builder, kept) * sqrt(memory * rank);
	if (wide) {
		widen(tensor_of(builder, kept));
		widen(tensor_of(builder, weights[1]));
	}
	output = builder_activation(builder, 2, shape, deviation);
	op = builder_operator(builder, NETWORK_SVDF, input, output);
	op->inputs[op->input_count++] = weights[0];
	op->inputs[op->input_count++] = weights[1];
	op->options.rank = rank;
	/* The reference takes integers with ReLU alone, and clamps them to the type. */
	op->options.activation = 1;
	add_bias(builder, op, units, memory * rank);
	if (op->input_count == 3)
		op->inputs[op->input_count++] = -1;
	op->inputs[op->input_count++] = kept;
	return advance(builder, output);
}

bool step_fully_connected(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	bool keep = in->rank > 2 && random_chance(random, 25);
	int depth = (int)(keep ? in->shape[in->rank - 1] : (int)(in->elements / (size_t)in->shape[0]));
	int units = pick_channels(random), rank = keep ? in->rank : 2, input = builder->current;
	uint64_t macs = in->elements * (uint64_t)units;
	int32_t kernel[2] = { units, depth }, shape[4] = { in->shape[0], units };
	struct network_operator *op;
	int weights, output;
	double deviation;

	if (in->type != builder->type || depth > TAPS_MAX || !builder_has_room(builder) ||
	    builder->network->macs + macs > builder->macs_max)
		return false;
	if (keep) {
		memcpy(shape, in->shape, sizeof(shape));
		shape[rank - 1] = units;
	}
	builder->network->macs += macs;
	weights = builder_tensor(builder, weight_type(builder), 2, kernel, 0, 0);
	deviation = fill_weights(builder, weights, units, false,
				 /* The reference knows many scales in two dimensions alone. */
				 !keep && random_chance(random, 60)) *
		    builder_deviation(builder, input) * sqrt(depth);
	shrink_weights(builder, weights);
	output = builder_activation(builder, rank, shape, deviation);
	op = builder_operator(builder, NETWORK_FULLY_CONNECTED, input, output);
	op->inputs[op->input_count++] = weights;
	op->options.keep_dimensions = keep;
	op->options.activation = builder_pick_activation(builder);
	add_bias(builder, op, units, depth);
	return advance(builder, output);
}

/* A tensor of the same shape and quantisation rules as `like`, int8. */
static int same_quantisation(struct builder *builder, int like, int rank, const int32_t *shape)
{
	const struct network_tensor *tensor = tensor_of(builder, like);
	double level = tensor->level;
	int output = builder_tensor(builder, builder->type, rank, shape,
				    (double)tensor->scales[0], tensor->zero_point);

	tensor_of(builder, output)->level = level;
	return output;
}

bool step_pool(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	struct network_options options = { 0 };
	int32_t shape[4];
	int output;

	if (in->rank != 4 || in->type != builder->type)
		return false;
	pick_window(builder, in, &options, false, &shape[1], &shape[2]);
	if (random_chance(random, 20)) {
		options.filter_h = in->shape[1];
		options.filter_w = in->shape[2];
		options.stride_h = options.stride_w = 1;
		options.padding = 1;
		shape[1] = shape[2] = 1;
	}
	shape[0] = in->shape[0];
	shape[3] = in->shape[3];
	options.activation = builder_pick_activation(builder);
	options.dilation_h = options.dilation_w = 0;
	output = same_quantisation(builder, builder->current, 4, shape);
	builder_operator(builder, random_chance(random, 50) ? NETWORK_AVERAGE_POOL :
							     NETWORK_MAX_POOL,
			 builder->current, output)->options = options;
	return advance(builder, output);
}

bool step_mean(struct builder *builder)
{
	static const int32_t choices[][3] = {
		{ 1, 2, -9 }, { 1, 2, -9 }, { 1, 2, -9 }, { 2, 1, -9 }, { 1, -9, -9 },
		{ 2, -9, -9 }, { 3, -9, -9 }, { -1, -9, -9 }, { -2, -3, -9 }, { 1, 2, 3 },
	};
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	const int32_t *axes = choices[random_range(random, 0, random_chance(random, 70) ? 3 : 9)];
	bool keep = random_chance(random, 50), reduced[4] = { false };
	int count = 0, rank = 0, input = builder->current, output;
	struct network_operator *op;
	int32_t shape[4];

	if (in->rank != 4 || in->type != builder->type)
		return false;
	while (count < 3 && axes[count] != -9) {
		reduced[axes[count] < 0 ? axes[count] + 4 : axes[count]] = true;
		count++;
	}
	for (int d = 0; d < 4; d++) {
		if (!reduced[d])
			shape[rank++] = in->shape[d];
		else if (keep)
			shape[rank++] = 1;
	}
	if (random_chance(random, 40))
		output = same_quantisation(builder, input, rank, shape);
	else
		output = builder_activation(builder, rank, shape,
					    builder_deviation(builder, input) * 0.5);
	op = builder_operator(builder, NETWORK_MEAN, input, output);
	op->inputs[op->input_count++] = builder_integers(builder, axes, count);
	op->options.keep_dimensions = keep;
	return advance(builder, output);
}

bool step_pad(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	int32_t pairs[4][2] = { { 0 } }, shape[4], dimensions[2] = { 4, 2 };
	int input = builder->current, output, list;
	struct network_operator *op;
	size_t elements = 1;
	void *data;

	if (in->rank != 4 || in->type != builder->type)
		return false;
	for (int d = 0; d < 4; d++) {
		int most = d == 1 || d == 2 ? 3 : builder->features & BUILDER_ODD_PADDING ? 5 : 0;

		if (d) {
			pairs[d][0] = random_range(random, 0, most);
			pairs[d][1] = random_range(random, 0, most);
		}
		shape[d] = in->shape[d] + pairs[d][0] + pairs[d][1];
		elements *= (size_t)shape[d];
	}
	if (elements > ELEMENTS_MAX)
		return false;
	output = same_quantisation(builder, input, 4, shape);
	list = builder_tensor(builder, NETWORK_INT32, 2, dimensions, 0, 0);
	data = builder_contents(builder, list);
	if (data)
		memcpy(data, pairs, sizeof(pairs));
	op = builder_operator(builder, NETWORK_PAD, input, output);
	op->inputs[op->input_count++] = list;
	advance(builder, output);
	/* Mostly what the padding is for: a convolution, as it can take it over. */
	if (random_chance(random, 60))
		convolve(builder, random_chance(random, 50));
	return !builder->failed;
}

/* An earlier int8 activation of the current one's shape, or -1. */
static int find_same_shape(struct builder *builder)
{
	const struct network *network = builder->network;
	const struct network_tensor *current = tensor_of(builder, builder->current);
	int found = -1, seen = 0;

	for (int i = 0; i < network->tensor_count; i++) {
		const struct network_tensor *tensor = &network->tensors[i];

		if (i == builder->current || tensor->data || tensor->is_state ||
		    tensor->type != builder->type ||
		    tensor->rank != current->rank ||
		    memcmp(tensor->shape, current->shape, sizeof(current->shape)))
			continue;
		if (random_range(&builder->random, 0, seen++) == 0)
			found = i;
	}
	return found;
}

static bool combine(struct builder *builder, enum network_code code, int other)
{
	int first = builder->current, second = other, output;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	double a = builder_deviation(builder, first), b = builder_deviation(builder, second);
	double deviation = code == NETWORK_MUL ? a * b : sqrt(a * a + b * b);
	struct network_operator *op;

	if (code == NETWORK_MAXIMUM || code == NETWORK_MINIMUM)
		output = same_quantisation(builder, first, in->rank, in->shape);
	else
		output = builder_activation(builder, in->rank, in->shape, deviation);
	if (random_chance(&builder->random, 50)) {
		first = other;
		second = builder->current;
	}
	op = builder_operator(builder, code, first, output);
	op->inputs[op->input_count++] = second;
	if (code == NETWORK_ADD || code == NETWORK_MUL || code == NETWORK_SUB)
		op->options.activation = builder_pick_activation(builder);
	return advance(builder, output);
}

bool step_add(struct builder *builder)
{
	int other = find_same_shape(builder);

	if (tensor_of(builder, builder->current)->type != builder->type)
		return false;
	if (other < 0) {
		/* Make one: a branch of shape-keeping operators, or the tensor twice. */
		other = builder->current;
		if (random_chance(&builder->random, 20))
			return combine(builder, NETWORK_ADD, other);
		if (!convolve(builder, random_chance(&builder->random, 50)))
			return false;
		if (tensor_of(builder, other)->elements !=
		    tensor_of(builder, builder->current)->elements ||
		    memcmp(tensor_of(builder, other)->shape,
			   tensor_of(builder, builder->current)->shape, 4 * sizeof(int32_t)))
			return true;
	}
	return combine(builder, NETWORK_ADD, other);
}

/* Adds a second input of the network, which may be repeated in any of its dimensions. */
bool step_add_input(struct builder *builder)
{
	struct network *network = builder->network;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	int32_t shape[4];
	int other;

	if (in->type != builder->type || network->input_count == NETWORK_EDGES_MAX)
		return false;
	memcpy(shape, in->shape, sizeof(shape));
	for (int d = 0; d < in->rank; d++)
		if (random_chance(&builder->random, 25))
			shape[d] = 1;
	other = builder_activation(builder, in->rank, shape,
				   builder_deviation(builder, builder->current));
	network->inputs[network->input_count++] = other;
	return combine(builder, NETWORK_ADD, other);
}

/* A constant operand, of the same shape, one a channel, or a single value. */
bool step_add_constant(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	int32_t shape[4] = { 1, 1, 1, 1 };
	int rank = in->rank, other;
	void *data;

	if (in->type != builder->type)
		return false;
	switch (random_range(random, 0, 2)) {
	case 0:
		memcpy(shape, in->shape, sizeof(shape));
		break;
	case 1:
		shape[rank - 1] = in->shape[rank - 1];
		break;
	default:
		break;
	}
	other = builder_activation(builder, rank, shape,
				   builder_deviation(builder, builder->current));
	data = builder_contents(builder, other);
	for (size_t i = 0; data && i < network_bytes(tensor_of(builder, other)); i++)
		((int8_t *)data)[i] = (int8_t)random_range(random, -128, 127);
	return combine(builder, builder->features & BUILDER_PRODUCTS &&
				random_chance(random, 50) ? NETWORK_MUL : NETWORK_ADD, other);
}

bool step_product(struct builder *builder)
{
	static const enum network_code codes[] = { NETWORK_MUL, NETWORK_MUL, NETWORK_SUB,
						   NETWORK_MAXIMUM, NETWORK_MINIMUM };
	enum network_code code = codes[random_range(&builder->random, 0, 4)];
	int other = find_same_shape(builder);

	if (tensor_of(builder, builder->current)->type != builder->type)
		return false;
	if (other < 0)
		other = builder->current;
	if (code == NETWORK_MAXIMUM || code == NETWORK_MINIMUM) {
		const struct network_tensor *a = tensor_of(builder, builder->current);
		const struct network_tensor *b = tensor_of(builder, other);

		if (a->scales[0] != b->scales[0] || a->zero_point != b->zero_point)
			other = builder->current;
	}
	return combine(builder, code, other);
}

/* The current tensor beside what an operator makes of it, along one dimension. */
bool step_concatenation(struct builder *builder)
{
	struct random *random = &builder->random;
	int count = random_range(random, 2, 4), first = builder->current, parts[4], output, axis;
	const struct network_tensor *in = tensor_of(builder, first);
	struct network_operator *op;
	int32_t shape[4];

	if (in->type != builder->type || in->elements * (size_t)count > ELEMENTS_MAX)
		return false;
	axis = random_chance(random, 70) ? in->rank - 1 : random_range(random, 0, in->rank - 1);
	memcpy(shape, in->shape, sizeof(shape));
	parts[0] = first;
	for (int i = 1; i < count; i++) {
		parts[i] = first;
		if (in->rank == 4 && random_chance(random, 75)) {
			parts[i] = same_quantisation(builder, first, 4, in->shape);
			builder_operator(builder, NETWORK_MAX_POOL, first, parts[i])->options =
				(struct network_options){ .stride_h = 1, .stride_w = 1,
							  .filter_h = 1 + i, .filter_w = i };
		}
	}
	shape[axis] *= count;
	output = same_quantisation(builder, first, in->rank, shape);
	op = builder_operator(builder, NETWORK_CONCATENATION, parts[0], output);
	for (int i = 1; i < count; i++)
		op->inputs[op->input_count++] = parts[i];
	op->options.axis = random_chance(random, 30) ? axis - in->rank : axis;
	return advance(builder, output);
}

/*
 * Branches of convolutions from the current tensor, their ends of one height and width
 * beside each other; an end of another size is an output.
 */
bool step_branches(struct builder *builder)
{
	struct random *random = &builder->random;
	int count = random_range(random, 2, 4), first = builder->current, ends[4], kept = 0;
	const struct network_tensor *in = tensor_of(builder, first);
	struct network_operator *op;
	int32_t shape[4] = { 0 };
	int output;

	if (in->rank != 4 || in->type != builder->type)
		return false;
	for (int i = 0; i < count; i++) {
		const struct network_tensor *end;

		builder->current = first;
		for (int n = random_range(random, 1, 3); n-- && builder_has_room(builder);)
			convolve(builder, random_chance(random, 40));
		end = tensor_of(builder, builder->current);
		if (builder->current == first ||
		    (kept && (end->shape[1] != shape[1] || end->shape[2] != shape[2])) ||
		    (size_t)(shape[3] + end->shape[3]) * (size_t)end->shape[0] *
		    (size_t)end->shape[1] * (size_t)end->shape[2] > ELEMENTS_MAX)
			continue;
		if (!kept)
			memcpy(shape, end->shape, sizeof(shape));
		else
			shape[3] += end->shape[3];
		ends[kept++] = builder->current;
	}
	if (kept < 2 || !builder_has_room(builder))
		return builder->current != first;
	/* Nothing has read them yet. */
	for (int i = 1; i < kept; i++) {
		struct network_tensor *end = &builder->network->tensors[ends[i]];

		end->scales[0] = tensor_of(builder, ends[0])->scales[0];
		end->zero_point = tensor_of(builder, ends[0])->zero_point;
	}
	output = same_quantisation(builder, ends[0], 4, shape);
	op = builder_operator(builder, NETWORK_CONCATENATION, ends[0], output);
	for (int i = 1; i < kept; i++)
		op->inputs[op->input_count++] = ends[i];
	op->options.axis = 3;
	return advance(builder, output);
}

bool step_reshape(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	int elements = (int)in->elements, input = builder->current, output, rank = 4;
	int32_t shape[4] = { 1, 1, 1, 1 };
	struct network_operator *op;

	if (in->type != builder->type)
		return false;
	if (random_chance(random, 30)) {
		rank = 2;
		shape[1] = elements;
	} else {
		for (int d = 1; d < 3; d++) {
			int factor = random_range(random, 1, 12);

			while (elements % factor)
				factor--;
			shape[d] = factor;
			elements /= factor;
		}
		shape[3] = elements;
	}
	output = same_quantisation(builder, input, rank, shape);
	op = builder_operator(builder, NETWORK_RESHAPE, input, output);
	op->inputs[op->input_count++] = builder_integers(builder, shape, rank);
	return advance(builder, output);
}

/* To other numbers, now and then of another type, in which the network goes on. */
bool step_quantise(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	enum network_type type = builder->type;
	int input = builder->current, output;

	if (in->type != builder->type)
		return false;
	if (builder->type == NETWORK_UINT8 && random_chance(random, 30))
		type = NETWORK_INT8;
	else if (builder->type == NETWORK_INT16 && random_chance(random, 30))
		type = NETWORK_INT8;
	builder->type = type;
	output = builder_activation(builder, in->rank, in->shape,
				    builder_deviation(builder, input));
	builder_operator(builder, NETWORK_QUANTISE, input, output);
	return advance(builder, output);
}

bool step_softmax(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = tensor_of(builder, builder->current);
	int input = builder->current, output;
	struct network_operator *op;

	if (in->type != builder->type || in->type == NETWORK_INT16 ||
	    (in->rank != 2 && in->rank != 4) ||
	    in->shape[in->rank - 1] > SOFTMAX_ROW_MAX || !builder_has_room(builder))
		return false;
	output = builder_tensor(builder, in->type, in->rank, in->shape, 1.0 / 256,
				in->type == NETWORK_UINT8 ? 0 : -128);
	op = builder_operator(builder, NETWORK_SOFTMAX, input, output);
	op->options.beta = random_chance(random, 80) ? 1 :
			   (float)random_logarithmic(random, 0.1, 4);
	return advance(builder, output);
}
