// SPDX-License-Identifier: MIT
/* Functions of one value. */
#include "builder.h"

#define BYTES (1 << NETWORK_INT8 | 1 << NETWORK_UINT8)
#define INTEGERS (BYTES | 1 << NETWORK_INT16)

/*
 * The functions beside LOGISTIC and TANH, the types for which the reference has them, and
 * the types that only the compiler takes.
 */
static const struct {
	enum network_code code;
	unsigned int types, more;
} functions[] = {
	{ NETWORK_RELU, INTEGERS, 0 },
	{ NETWORK_RELU6, BYTES, 1 << NETWORK_INT16 },
	{ NETWORK_RELU_N1_TO_1, BYTES, 1 << NETWORK_INT16 },
	{ NETWORK_HARD_SWISH, BYTES, 0 },
	{ NETWORK_GELU, BYTES, 1 << NETWORK_INT16 },
	{ NETWORK_EXP, 1 << NETWORK_INT8 | 1 << NETWORK_INT16, 1 << NETWORK_UINT8 },
	{ NETWORK_ELU, 1 << NETWORK_INT8, 1 << NETWORK_UINT8 | 1 << NETWORK_INT16 },
	{ NETWORK_ABS, 1 << NETWORK_INT8 | 1 << NETWORK_INT16, 1 << NETWORK_UINT8 },
	{ NETWORK_NEG, 0, INTEGERS }, { NETWORK_SQUARE, 0, INTEGERS },
	{ NETWORK_SIN, 0, INTEGERS }, { NETWORK_COS, 0, INTEGERS },
	{ NETWORK_FLOOR, 0, INTEGERS }, { NETWORK_CEIL, 0, INTEGERS },
	{ NETWORK_ROUND, 0, INTEGERS }, { NETWORK_LOG, 0, INTEGERS },
	{ NETWORK_SQRT, 0, INTEGERS }, { NETWORK_RSQRT, 0, INTEGERS },
};

#define FUNCTIONS ((int)(sizeof(functions) / sizeof(functions[0])))

/* One that the reference can check, mostly. */
static enum network_code pick_function(struct random *random, enum network_type type)
{
	bool checked = random_chance(random, 80);
	int index;

	do {
		index = random_range(random, 0, FUNCTIONS - 1);
	} while (!((checked ? functions[index].types : functions[index].more) & 1u << type));
	return functions[index].code;
}

static int function_output(struct builder *builder, struct random *random,
			   enum network_code code)
{
	const struct network_tensor *in = &builder->network->tensors[builder->current];
	double deviation = builder_deviation(builder, builder->current);
	double scale = fmax(deviation, 1e-4) / random_logarithmic(random, 8, 110);
	int zero_point = random_range(random, -128, 127);

	if (code == NETWORK_EXP)
		scale = random_logarithmic(random, 0.005, 0.5);
	if (code == NETWORK_SIN || code == NETWORK_COS)
		scale = 1.0 / 128;
	if (code == NETWORK_SQUARE)
		scale *= fmax(deviation, 1e-3);
	/* The reference wants a factor of at most one in 128ths of the input's scale. */
	if (code == NETWORK_HARD_SWISH)
		scale = fmax(scale, (double)in->scales[0] / 100);
	if (in->type == NETWORK_INT16) {
		scale /= 200;
		zero_point = 0;
	} else if (in->type == NETWORK_UINT8) {
		zero_point += 128;
	}
	return builder_tensor(builder, in->type, in->rank, in->shape, fmin(scale, 1e4),
			      zero_point);
}

static int sigmoid_output(struct builder *builder, bool logistic)
{
	const struct network_tensor *in = &builder->network->tensors[builder->current];

	if (in->type == NETWORK_INT16)
		return builder_tensor(builder, in->type, in->rank, in->shape, 1.0 / 32768, 0);
	return builder_tensor(builder, in->type, in->rank, in->shape,
			      logistic ? 1.0 / 256 : 1.0 / 128,
			      (logistic ? -128 : 0) + (in->type == NETWORK_UINT8 ? 128 : 0));
}

bool step_unary(struct builder *builder)
{
	const struct network_tensor *in = &builder->network->tensors[builder->current];
	bool logistic = random_chance(&builder->random, 50);
	/* Of its own, so that the rest of a seed's network is what it was with these two. */
	struct random own = random_stream(builder->random.state, (uint64_t)in->elements);
	enum network_code code = logistic ? NETWORK_LOGISTIC : NETWORK_TANH;
	int input = builder->current, output;

	if (in->type != builder->type || in->scale_count != 1)
		return false;
	if (random_chance(&own, 70)) {
		code = pick_function(&own, in->type);
		output = function_output(builder, &own, code);
	} else {
		/* int16 ones take scales below 2.5. */
		if (in->type == NETWORK_INT16 && !(in->scales[0] < 2.5f))
			return false;
		output = sigmoid_output(builder, logistic);
	}
	builder_operator(builder, code, input, output);
	builder->current = output;
	return !builder->failed;
}
