// SPDX-License-Identifier: MIT
/* Products of matrices. */
#include <string.h>

#include "builder.h"

#define ELEMENTS_MAX 65536
#define COLUMNS_MAX 40

/*
 * The current tensor by a new input, or by a constant; either may be given the wrong
 * way round, and one matrix may serve all of the other operand's.
 */
bool step_matmul(struct builder *builder)
{
	struct random *random = &builder->random;
	struct network *network = builder->network;
	const struct network_tensor *in = &network->tensors[builder->current];
	bool constant = network->input_count == NETWORK_EDGES_MAX || random_chance(random, 20);
	struct network_options options = {
		.transpose_a = random_chance(random, 30), .transpose_b = random_chance(random, 50),
	};
	int rank = in->rank, a = builder->current, b, output;
	int32_t rows = rank < 2 ? 1 : in->shape[rank - (options.transpose_a ? 1 : 2)];
	int32_t depth = rank < 2 ? 1 : in->shape[rank - (options.transpose_a ? 2 : 1)];
	int32_t columns = random_range(random, 1, COLUMNS_MAX), shape[4];
	struct network_operator *op;
	uint64_t macs = in->elements * (uint64_t)columns;

	if (rank < 2 || in->type != NETWORK_INT8 || !builder_has_room(builder) ||
	    network->macs + macs > builder->macs_max ||
	    in->elements / (size_t)depth * (size_t)columns > ELEMENTS_MAX)
		return false;
	memcpy(shape, in->shape, sizeof(shape));
	if (rank > 2 && random_chance(random, 30))
		for (int d = 0; d < rank - 2; d++)
			shape[d] = 1;
	shape[rank - 2] = options.transpose_b ? columns : depth;
	shape[rank - 1] = options.transpose_b ? depth : columns;
	b = builder_activation(builder, rank, shape, 1);
	if (constant) {
		uint8_t *data = builder_contents(builder, b);

		for (size_t i = 0; data && i < network->tensors[b].elements; i++)
			data[i] = (uint8_t)random_range(random, 0, 255);
	} else {
		network->inputs[network->input_count++] = b;
	}
	network->macs += macs;
	memcpy(shape, network->tensors[a].shape, sizeof(shape));
	shape[rank - 2] = rows;
	shape[rank - 1] = columns;
	output = builder_activation(builder, rank, shape, builder_deviation(builder, a) *
				    builder_deviation(builder, b) * sqrt(depth));
	op = builder_operator(builder, NETWORK_BATCH_MATMUL, a, output);
	op->inputs[op->input_count++] = b;
	op->options = options;
	builder->current = output;
	return !builder->failed;
}
