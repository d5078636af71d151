// SPDX-License-Identifier: MIT
/* Operators on two tensors, element by element, with broadcasting. */
#include "cpu.h"

/* Steps in elements through an input that is broadcast to the output's shape. */
static void broadcast_steps(const struct array *input, const struct array *output,
			    int64_t steps[KESTREL_GRAPH_RANK_MAX])
{
	uint32_t shift = output->rank - input->rank;
	int64_t step = 1;

	for (uint32_t d = output->rank; d-- > 0;) {
		uint32_t size = d >= shift ? input->dims[d - shift] : 1;

		steps[d] = size == 1 ? 0 : step;
		step *= size;
	}
}

/* Positions of both inputs while the output is walked in order. */
struct pair {
	int64_t a_steps[KESTREL_GRAPH_RANK_MAX];
	int64_t b_steps[KESTREL_GRAPH_RANK_MAX];
	uint32_t position[KESTREL_GRAPH_RANK_MAX];
	int64_t a;
	int64_t b;
};

static void pair_begin(struct pair *pair, const struct array *a, const struct array *b,
		       const struct array *output)
{
	memset(pair, 0, sizeof(*pair));
	broadcast_steps(a, output, pair->a_steps);
	broadcast_steps(b, output, pair->b_steps);
}

static void pair_next(struct pair *pair, const struct array *output)
{
	for (uint32_t d = output->rank; d-- > 0;) {
		pair->a += pair->a_steps[d];
		pair->b += pair->b_steps[d];
		if (++pair->position[d] < output->dims[d])
			return;
		pair->a -= pair->a_steps[d] * output->dims[d];
		pair->b -= pair->b_steps[d] * output->dims[d];
		pair->position[d] = 0;
	}
}

/* An input of ADD and its like: shifted up, then to the scale that both share. */
static int32_t operand(const struct kestrel_graph_elementwise *attributes, int32_t value,
		       struct kestrel_graph_scale scale)
{
	return (int32_t)arithmetic_scale(attributes->mode,
					 arithmetic_shift_left(value, attributes->left_shift), scale);
}

/*
 * ADD and SUB of bytes: what becomes of an input depends on its byte alone, so
 * 256 results per input are computed once and the loop only adds and scales.
 */
static void add_bytes(const struct cpu_call *call, const struct array *a, const struct array *b,
		      const struct array *output)
{
	const struct kestrel_graph_elementwise *attributes =
		&call->operator->attributes.elementwise;
	int32_t *a_table = call->scratch;
	int32_t *b_table = a_table + 256;
	const uint8_t *a_data = a->data;
	const uint8_t *b_data = b->data;
	uint8_t *to = output->data;

	for (int i = 0; i < 256; i++) {
		int32_t q = output->type == KESTREL_GRAPH_TYPE_INT8 ? (int8_t)i : i;

		a_table[i] = operand(attributes, q - attributes->a_zero_point, attributes->a_scale);
		b_table[i] = operand(attributes, q - attributes->b_zero_point, attributes->b_scale);
	}
	for (size_t i = 0; i < output->count; i++) {
		int64_t x = a_table[a_data[i]];
		int64_t y = b_table[b_data[i]];
		int64_t sum = call->operator->opcode == KESTREL_GRAPH_SUB ? x - y : x + y;

		sum = arithmetic_scale(attributes->mode, sum, attributes->output_scale);
		to[i] = (uint8_t)arithmetic_clamp(sum + attributes->zero_point,
						  attributes->minimum, attributes->maximum);
	}
}

/* Bits by which a value can be shifted up. */
static int headroom(int32_t value)
{
	uint32_t magnitude = (uint32_t)(value < 0 ? ~value : value);

	return magnitude ? __builtin_clz(magnitude) - 1 : 31;
}

/*
 * a / b x factor: the reciprocal of b in 31 bits, a shifted up as far as it goes,
 * their product, and the factor with what the shifts were too much.
 */
static int64_t quotient(int32_t a, int32_t b, struct kestrel_graph_scale factor)
{
	struct kestrel_graph_scale inverse;
	int bits;

	if (!b)
		return a < 0 ? INT32_MIN : a ? INT32_MAX : 0;
	if (b < 0) {
		a = -a;
		b = -b;
	}
	bits = __builtin_clz((uint32_t)b);
	inverse.multiplier = arithmetic_reciprocal((int32_t)(((uint32_t)b << bits) -
							     (UINT32_C(1) << 31)));
	inverse.shift = headroom(a);
	return arithmetic_shift_right(arithmetic_high(arithmetic_scale_double(a, inverse),
						      factor.multiplier),
				      31 - bits + inverse.shift - factor.shift);
}

/* One pair of integers. */
static int32_t pair_compute(uint32_t opcode, const struct kestrel_graph_elementwise *attributes,
			    int32_t a, int32_t b)
{
	int64_t x, y, result;

	if (opcode == KESTREL_GRAPH_MINIMUM)
		return a < b ? a : b;
	if (opcode == KESTREL_GRAPH_MAXIMUM)
		return a > b ? a : b;
	a -= attributes->a_zero_point;
	b -= attributes->b_zero_point;
	switch (opcode) {
	case KESTREL_GRAPH_MUL:
		result = arithmetic_scale(attributes->mode, (int64_t)a * b,
					  attributes->output_scale);
		break;
	case KESTREL_GRAPH_DIV:
		result = quotient(a, b, attributes->output_scale);
		break;
	default:
		x = operand(attributes, a, attributes->a_scale);
		y = operand(attributes, b, attributes->b_scale);
		x = opcode == KESTREL_GRAPH_ADD ? x + y : x - y;
		if (opcode == KESTREL_GRAPH_SQUARED_DIFFERENCE)
			x = (int64_t)((uint64_t)x * (uint64_t)x);
		result = arithmetic_scale(attributes->mode, x, attributes->output_scale);
	}
	return arithmetic_clamp(result + attributes->zero_point,
				attributes->minimum, attributes->maximum);
}

/* Division by 0 gives 0, and so does its rest; the least number by -1 wraps. */
static int64_t plain_divide(uint32_t opcode, int64_t a, int64_t b)
{
	int64_t whole, rest;

	if (!b)
		return 0;
	if (b == -1)
		return opcode == KESTREL_GRAPH_FLOOR_MOD ? 0 : (int64_t)-(uint64_t)a;
	whole = a / b;
	rest = a % b;
	if (opcode == KESTREL_GRAPH_DIV || !rest || (rest < 0) == (b < 0))
		return opcode == KESTREL_GRAPH_FLOOR_MOD ? rest : whole;
	return opcode == KESTREL_GRAPH_FLOOR_MOD ? rest + b : whole - 1;
}

/* By squares, modulo 2^64; an exponent below 0 gives 0. */
static int64_t plain_power(int64_t base, int64_t exponent)
{
	uint64_t square = (uint64_t)base, result = exponent >= 0;

	for (; exponent > 0; exponent >>= 1, square *= square)
		if (exponent & 1)
			result *= square;
	return (int64_t)result;
}

/* One pair of integers that are no quantised values. */
static int64_t plain_compute(uint32_t opcode, int64_t a, int64_t b)
{
	switch (opcode) {
	case KESTREL_GRAPH_ADD:
		return (int64_t)((uint64_t)a + (uint64_t)b);
	case KESTREL_GRAPH_SUB:
		return (int64_t)((uint64_t)a - (uint64_t)b);
	case KESTREL_GRAPH_MUL:
		return (int64_t)((uint64_t)a * (uint64_t)b);
	case KESTREL_GRAPH_MINIMUM:
		return a < b ? a : b;
	case KESTREL_GRAPH_MAXIMUM:
		return a > b ? a : b;
	case KESTREL_GRAPH_SQUARED_DIFFERENCE:
		return plain_power((int64_t)((uint64_t)a - (uint64_t)b), 2);
	case KESTREL_GRAPH_POWER:
		return plain_power(a, b);
	}
	return plain_divide(opcode, a, b);
}

/* int32 and int64; int8 and int16, which wrap, in FLOOR_DIV and FLOOR_MOD. */
static void plain_elementwise(const struct cpu_call *call, const struct array *a,
			      const struct array *b, const struct array *output)
{
	const struct kestrel_graph_elementwise *attributes =
		&call->operator->attributes.elementwise;
	uint32_t opcode = call->operator->opcode;
	int extreme = opcode == KESTREL_GRAPH_MINIMUM || opcode == KESTREL_GRAPH_MAXIMUM;
	struct pair pair;

	pair_begin(&pair, a, b, output);
	for (size_t i = 0; i < output->count; i++) {
		int64_t value = plain_compute(opcode, array_integer(a, (size_t)pair.a),
					      array_integer(b, (size_t)pair.b));

		if (output->type == KESTREL_GRAPH_TYPE_INT64)
			((int64_t *)output->data)[i] = value;
		else if (extreme)
			array_write(output, i, (int32_t)value);
		else
			array_write(output, i, arithmetic_clamp((int32_t)(uint32_t)value,
								attributes->minimum,
								attributes->maximum));
		pair_next(&pair, output);
	}
}

void cpu_elementwise(const struct cpu_call *call)
{
	const struct kestrel_graph_elementwise *attributes =
		&call->operator->attributes.elementwise;
	uint32_t opcode = call->operator->opcode;
	struct array a = cpu_input(call, 0);
	struct array b = cpu_input(call, 1);
	struct array output = cpu_output(call, 0);
	struct pair pair;

	if ((opcode == KESTREL_GRAPH_ADD || opcode == KESTREL_GRAPH_SUB) &&
	    graph_type_size(output.type) == 1 && a.count == output.count &&
	    b.count == output.count) {
		add_bytes(call, &a, &b, &output);
		return;
	}
	if (output.type == KESTREL_GRAPH_TYPE_INT32 || output.type == KESTREL_GRAPH_TYPE_INT64 ||
	    (output.type != KESTREL_GRAPH_TYPE_FLOAT32 &&
	     (opcode == KESTREL_GRAPH_FLOOR_DIV || opcode == KESTREL_GRAPH_FLOOR_MOD))) {
		plain_elementwise(call, &a, &b, &output);
		return;
	}
	pair_begin(&pair, &a, &b, &output);
	for (size_t i = 0; i < output.count && output.type == KESTREL_GRAPH_TYPE_FLOAT32; i++) {
		((float *)output.data)[i] =
			cpu_float_elementwise(opcode, attributes, ((const float *)a.data)[pair.a],
					      ((const float *)b.data)[pair.b]);
		pair_next(&pair, &output);
	}
	for (size_t i = 0; i < output.count && output.type != KESTREL_GRAPH_TYPE_FLOAT32; i++) {
		array_write(&output, i, pair_compute(opcode, attributes,
						     array_read(&a, (size_t)pair.a),
						     array_read(&b, (size_t)pair.b)));
		pair_next(&pair, &output);
	}
}

/* alpha is 1 for LEAKY_RELU. */
static int32_t leaky_compute(const struct kestrel_graph_leaky *attributes, int32_t x,
			     int32_t alpha)
{
	int64_t value = x - attributes->input_zero_point;

	if (value >= 0) {
		value = arithmetic_scale(attributes->mode, value, attributes->identity_scale);
	} else {
		struct kestrel_graph_scale scale = attributes->alpha_scale;

		if (attributes->alpha_negative)
			scale.multiplier = -scale.multiplier;
		value = arithmetic_scale(attributes->mode,
					 value * (alpha - attributes->alpha_zero_point), scale);
	}
	return arithmetic_clamp(value + attributes->zero_point,
				attributes->minimum, attributes->maximum);
}

/* LEAKY_RELU has one alpha, PRELU a tensor of them. */
void cpu_leaky(const struct cpu_call *call)
{
	const struct kestrel_graph_leaky *attributes = &call->operator->attributes.leaky;
	int parametric = call->operator->opcode == KESTREL_GRAPH_PRELU;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	struct array alpha = parametric ? cpu_input(call, 1) : input;
	const float *from = input.data, *alphas = alpha.data;
	float slope = arithmetic_float(attributes->alpha);
	float *to = output.data;
	struct pair pair;

	pair_begin(&pair, &input, &alpha, &output);
	for (size_t i = 0; i < output.count && output.type == KESTREL_GRAPH_TYPE_FLOAT32; i++) {
		to[i] = from[i] >= 0 ? from[i] : from[i] * (parametric ? alphas[pair.b] : slope);
		pair_next(&pair, &output);
	}
	for (size_t i = 0; i < output.count && output.type != KESTREL_GRAPH_TYPE_FLOAT32; i++) {
		array_write(&output, i,
			    leaky_compute(attributes, array_read(&input, i),
					  parametric ? array_read(&alpha, (size_t)pair.b) : 1));
		pair_next(&pair, &output);
	}
}

static uint8_t order_matches(uint32_t comparison, int less, int greater)
{
	switch (comparison) {
	case KESTREL_GRAPH_COMPARISON_EQUAL:
		return !less && !greater;
	case KESTREL_GRAPH_COMPARISON_NOT_EQUAL:
		return less || greater;
	case KESTREL_GRAPH_COMPARISON_LESS:
		return less != 0;
	case KESTREL_GRAPH_COMPARISON_LESS_EQUAL:
		return !greater;
	case KESTREL_GRAPH_COMPARISON_GREATER:
		return greater != 0;
	default:
		return !less;
	}
}

static int64_t compared_value(const struct kestrel_graph_compare *attributes,
			      const struct array *array, size_t index, int32_t zero_point,
			      struct kestrel_graph_scale scale)
{
	if (!attributes->left_shift)
		return array_integer(array, index);
	return arithmetic_scale_double(arithmetic_shift_left(array_read(array, index) - zero_point,
							     attributes->left_shift), scale);
}

/* One pair of values; no order holds where one is not a number, and they are not equal. */
static uint8_t compare(const struct kestrel_graph_compare *attributes, const struct array *a,
		       const struct array *b, const struct pair *pair)
{
	float x, y;
	int64_t i, j;

	if (a->type != KESTREL_GRAPH_TYPE_FLOAT32) {
		i = compared_value(attributes, a, (size_t)pair->a, attributes->a_zero_point,
				   attributes->a_scale);
		j = compared_value(attributes, b, (size_t)pair->b, attributes->b_zero_point,
				   attributes->b_scale);
		return order_matches(attributes->comparison, i < j, i > j);
	}
	x = ((const float *)a->data)[pair->a];
	y = ((const float *)b->data)[pair->b];
	if (x != x || y != y)
		return attributes->comparison == KESTREL_GRAPH_COMPARISON_NOT_EQUAL;
	return order_matches(attributes->comparison, x < y, x > y);
}

void cpu_compare(const struct cpu_call *call)
{
	uint32_t opcode = call->operator->opcode;
	struct array a = cpu_input(call, 0);
	struct array b = cpu_input(call, 1);
	struct array output = cpu_output(call, 0);
	const uint8_t *of_a = a.data, *of_b = b.data;
	uint8_t *to = output.data;
	struct pair pair;

	pair_begin(&pair, &a, &b, &output);
	for (size_t i = 0; i < output.count; i++) {
		if (opcode == KESTREL_GRAPH_LOGICAL_AND)
			to[i] = of_a[pair.a] && of_b[pair.b];
		else if (opcode == KESTREL_GRAPH_LOGICAL_OR)
			to[i] = of_a[pair.a] || of_b[pair.b];
		else
			to[i] = compare(&call->operator->attributes.compare, &a, &b, &pair);
		pair_next(&pair, &output);
	}
}

/* Two walks side by side: condition with the first value, condition with the second. */
void cpu_select(const struct cpu_call *call)
{
	struct array condition = cpu_input(call, 0);
	struct array a = cpu_input(call, 1);
	struct array b = cpu_input(call, 2);
	struct array output = cpu_output(call, 0);
	size_t size = graph_type_size(output.type);
	uint8_t *to = output.data;
	struct pair first, second;

	pair_begin(&first, &condition, &a, &output);
	pair_begin(&second, &condition, &b, &output);
	for (size_t i = 0; i < output.count; i++, to += size) {
		if (((const uint8_t *)condition.data)[first.a])
			memcpy(to, (const uint8_t *)a.data + (size_t)first.b * size, size);
		else
			memcpy(to, (const uint8_t *)b.data + (size_t)second.b * size, size);
		pair_next(&first, &output);
		pair_next(&second, &output);
	}
}
