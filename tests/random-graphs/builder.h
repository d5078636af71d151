/* SPDX-License-Identifier: MIT */
/* Growing a network: what network.c gives to the makers of operators. */
#ifndef BUILDER_H
#define BUILDER_H

#include "network.h"
#include "random.h"

/* Kinds of things that most networks have none of. */
enum builder_feature {
	BUILDER_BATCH = 1 << 0,
	BUILDER_GROUPS = 1 << 1,
	BUILDER_BROADCAST = 1 << 2,
	BUILDER_ODD_PADDING = 1 << 3,
	BUILDER_DEAD_CHANNELS = 1 << 4,
	BUILDER_EXTREME_SCALES = 1 << 5,
	BUILDER_CONCATENATION = 1 << 6,
	BUILDER_PRODUCTS = 1 << 7,
	BUILDER_UNARY = 1 << 8,
	BUILDER_TRANSPOSED = 1 << 9,
	BUILDER_STATE = 1 << 10,
	BUILDER_LONG_STRIDES = 1 << 11,
	BUILDER_MOVES = 1 << 12,
	BUILDER_REDUCTIONS = 1 << 13,
	BUILDER_MATMUL = 1 << 14,
	BUILDER_RARITIES = 1 << 15,
	BUILDER_INT4 = 1 << 16,
	BUILDER_PRUNED = 1 << 17,
	BUILDER_BRANCHES = 1 << 18,
};

struct builder {
	struct network *network;
	struct random random;
	unsigned int features;
	/* Of activations: int8, uint8 or int16. */
	enum network_type type;
	/* The tensor that the next step continues from. */
	int current;
	uint64_t macs_max;
	bool failed;
};

/* A step: true if it added something and moved builder->current. */
typedef bool builder_step(struct builder *builder);

/* Index of a new tensor; its single scale is `scale` unless that is 0. */
int builder_tensor(struct builder *builder, enum network_type type, int rank,
		   const int32_t *shape, double scale, int zero_point);
/* A new tensor of the builder's type with random zero point, whose values have about `deviation` / scale. */
int builder_activation(struct builder *builder, int rank, const int32_t *shape,
		       double deviation);
/* Memory for the contents of a tensor; NULL after a failure. */
void *builder_contents(struct builder *builder, int tensor);
/* A constant vector of int32. */
int builder_integers(struct builder *builder, const int32_t *values, int count);
struct network_operator *builder_operator(struct builder *builder, enum network_code code,
					  int input, int output);
bool builder_has_room(const struct builder *builder);
/* NONE, RELU, RELU_N1_TO_1 or RELU6. */
int builder_pick_activation(struct builder *builder);
/* Real standard deviation that a tensor is thought to have. */
double builder_deviation(const struct builder *builder, int tensor);

builder_step step_convolution;
builder_step step_depthwise;
builder_step step_transposed;
builder_step step_svdf;
builder_step step_matmul;
builder_step step_fully_connected;
builder_step step_pool;
builder_step step_mean;
builder_step step_pad;
builder_step step_add;
builder_step step_add_input;
builder_step step_add_constant;
builder_step step_product;
builder_step step_branches;
builder_step step_concatenation;
builder_step step_reshape;
builder_step step_quantise;
builder_step step_softmax;
builder_step step_unary;
builder_step step_slice;
builder_step step_split;
builder_step step_transpose;
builder_step step_resize;
builder_step step_pack;
builder_step step_pad_value;
builder_step step_blocks;
builder_step step_mirror;
builder_step step_repeat;
builder_step step_reduce;
builder_step step_squared_difference;
builder_step step_leaky;
builder_step step_batches;

#endif
