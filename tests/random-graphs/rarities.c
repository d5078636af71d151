// SPDX-License-Identifier: MIT
/* Steps that few networks take: squared differences, slopes below zero, images from blocks. */
#include <stdlib.h>
#include <string.h>

#include "builder.h"

#define ELEMENTS_MAX 65536

static const struct network_tensor *current_of(const struct builder *builder)
{
	return &builder->network->tensors[builder->current];
}

/* Whether the next step can work on the current tensor at all. */
static bool usable(const struct builder *builder)
{
	const struct network_tensor *in = current_of(builder);

	return in->type == builder->type && in->scale_count == 1 && builder_has_room(builder);
}

static struct network_operator *move(struct builder *builder, enum network_code code, int output)
{
	struct network_operator *op = builder_operator(builder, code, builder->current, output);

	builder->current = output;
	return op;
}

/* A constant of random elements that repeats along all dimensions but the last. */
static int row_constant(struct builder *builder, double deviation)
{
	const struct network_tensor *in = current_of(builder);
	int32_t shape[4] = { 1, 1, 1, 1 };
	int rank = in->rank, constant;
	uint8_t *data;

	shape[rank - 1] = in->shape[rank - 1];
	constant = builder_activation(builder, rank, shape, deviation);
	data = builder_contents(builder, constant);
	for (size_t i = 0; data && i < network_bytes(&builder->network->tensors[constant]); i++)
		data[i] = (uint8_t)random_range(&builder->random, 0, 255);
	return constant;
}

bool step_squared_difference(struct builder *builder)
{
	const struct network_tensor *in = current_of(builder);
	double deviation = builder_deviation(builder, builder->current);
	struct network_tensor *result;
	struct network_operator *op;
	int output, other;
	float largest;

	/* Of int16 the processor alone computes it. */
	if (!usable(builder) || in->type == NETWORK_INT16)
		return false;
	other = row_constant(builder, deviation);
	output = builder_activation(builder, in->rank, in->shape, 2 * deviation * deviation);
	result = &builder->network->tensors[output];
	largest = fmaxf(current_of(builder)->scales[0],
			builder->network->tensors[other].scales[0]);
	/* The reference wants a factor below one. */
	if (result->scales[0] < largest * largest / 4000)
		result->scales[0] = largest * largest / 4000;
	op = move(builder, NETWORK_SQUARED_DIFFERENCE, output);
	op->inputs[op->input_count++] = other;
	return !builder->failed;
}

bool step_leaky(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	bool parametric = random_chance(random, 50) && in->type != NETWORK_INT16;
	int output, slopes = -1;
	struct network_operator *op;

	if (!usable(builder))
		return false;
	if (parametric)
		slopes = row_constant(builder, random_logarithmic(random, 0.05, 1));
	output = builder_activation(builder, current_of(builder)->rank,
				    current_of(builder)->shape,
				    builder_deviation(builder, builder->current));
	op = move(builder, parametric ? NETWORK_PRELU : NETWORK_LEAKY_RELU, output);
	if (parametric)
		op->inputs[op->input_count++] = slopes;
	else
		op->options.beta = (float)(random_logarithmic(random, 0.01, 2) *
					   (random_chance(random, 80) ? 1 : -1));
	return !builder->failed;
}

/* A constant of `count` pairs. */
static int pairs_constant(struct builder *builder, const int32_t *values, int count)
{
	int32_t shape[2] = { count, 2 };
	int constant = builder_tensor(builder, NETWORK_INT32, 2, shape, 0, 0);
	void *data = builder_contents(builder, constant);

	if (data)
		memcpy(data, values, 8 * (size_t)count);
	return constant;
}

/* SPACE_TO_BATCH_ND, and its reverse where the batch allows that. */
bool step_batches(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	bool back = in->shape[0] > 1 && random_chance(random, 70);
	int count = in->rank - 2, output;
	int32_t blocks[2] = { 1, 1 }, edges[4] = { 0 }, shape[4];
	struct network_operator *op;
	struct network_tensor from;
	size_t elements = 1;

	if (!usable(builder) || (in->rank != 3 && in->rank != 4))
		return false;
	memcpy(shape, in->shape, sizeof(shape));
	for (int d = 0; d < count; d++) {
		int32_t size = in->shape[1 + d], *edge = &edges[2 * d];

		blocks[d] = random_range(random, 1, 3);
		if (back && shape[0] % blocks[d])
			blocks[d] = 1;
		edge[0] = random_range(random, 0, back ? size * blocks[d] - 1 : 4);
		if (back) {
			edge[1] = random_range(random, 0, size * blocks[d] - 1 - edge[0]);
			shape[1 + d] = size * blocks[d] - edge[0] - edge[1];
			shape[0] /= blocks[d];
		} else {
			edge[1] = (blocks[d] - (size + edge[0]) % blocks[d]) % blocks[d];
			shape[1 + d] = (size + edge[0] + edge[1]) / blocks[d];
			shape[0] *= blocks[d];
		}
	}
	for (int d = 0; d < in->rank; d++)
		elements *= (size_t)shape[d];
	if (elements > ELEMENTS_MAX)
		return false;
	from = *in;
	output = builder_tensor(builder, builder->type, from.rank, shape, (double)from.scales[0],
				from.zero_point);
	builder->network->tensors[output].level = from.level;
	op = move(builder, back ? NETWORK_BATCH_TO_SPACE : NETWORK_SPACE_TO_BATCH, output);
	op->inputs[op->input_count++] = builder_integers(builder, blocks, count);
	op->inputs[op->input_count++] = pairs_constant(builder, edges, count);
	return !builder->failed;
}
