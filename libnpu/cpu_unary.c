// SPDX-License-Identifier: MIT
/* Functions of one value: float32, int16, and the few of int32 and bool. */
#include "cpu.h"

#include <math.h>

static float limited(float x, float low, float high)
{
	return fminf(fmaxf(x, low), high);
}

static float softplus(float x)
{
	return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
}

static float float_function(uint32_t function, float x)
{
	switch (function) {
	case KESTREL_GRAPH_FUNCTION_LOGISTIC:
		return 1.0f / (1.0f + expf(-x));
	case KESTREL_GRAPH_FUNCTION_TANH:
		return tanhf(x);
	case KESTREL_GRAPH_FUNCTION_RELU:
		return x > 0 ? x : 0;
	case KESTREL_GRAPH_FUNCTION_RELU6:
		return limited(x, 0, 6);
	case KESTREL_GRAPH_FUNCTION_RELU_N1_TO_1:
		return limited(x, -1, 1);
	case KESTREL_GRAPH_FUNCTION_RELU_0_TO_1:
		return limited(x, 0, 1);
	case KESTREL_GRAPH_FUNCTION_HARD_SWISH:
		return x * limited(x + 3, 0, 6) / 6;
	case KESTREL_GRAPH_FUNCTION_EXP:
		return expf(x);
	case KESTREL_GRAPH_FUNCTION_LOG:
		return logf(x);
	case KESTREL_GRAPH_FUNCTION_SQRT:
		return sqrtf(x);
	case KESTREL_GRAPH_FUNCTION_RSQRT:
		return 1.0f / sqrtf(x);
	case KESTREL_GRAPH_FUNCTION_ABS:
		return fabsf(x);
	case KESTREL_GRAPH_FUNCTION_NEG:
		return -x;
	case KESTREL_GRAPH_FUNCTION_SQUARE:
		return x * x;
	case KESTREL_GRAPH_FUNCTION_ELU:
		return x < 0 ? expm1f(x) : x;
	case KESTREL_GRAPH_FUNCTION_GELU:
		return 0.5f * x * erfcf(x * -0.70710678118654752440f);
	case KESTREL_GRAPH_FUNCTION_GELU_TANH:
		return 0.5f * x * (1.0f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
	case KESTREL_GRAPH_FUNCTION_SIN:
		return sinf(x);
	case KESTREL_GRAPH_FUNCTION_COS:
		return cosf(x);
	case KESTREL_GRAPH_FUNCTION_FLOOR:
		return floorf(x);
	case KESTREL_GRAPH_FUNCTION_CEIL:
		return ceilf(x);
	case KESTREL_GRAPH_FUNCTION_ERF:
		return erff(x);
	case KESTREL_GRAPH_FUNCTION_RECIPROCAL:
		return 1.0f / x;
	case KESTREL_GRAPH_FUNCTION_SIGN:
		return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
	case KESTREL_GRAPH_FUNCTION_SOFTPLUS:
		return softplus(x);
	case KESTREL_GRAPH_FUNCTION_SOFTSIGN:
		return x / (1 + fabsf(x));
	case KESTREL_GRAPH_FUNCTION_MISH:
		return x * tanhf(softplus(x));
	default:
		return rintf(x);
	}
}

/* x = 12288 times the argument, to 10 bits of table index and 9 (8) of the line between. */
int32_t cpu_table_logistic(const uint16_t *table, int32_t x)
{
	uint32_t magnitude = (uint32_t)(x < 0 ? -x : x);
	uint32_t index = magnitude >> 9, rest = magnitude & 511;
	uint32_t result = UINT32_C(0x7fff) << 10;

	if (index < 255)
		result = ((uint32_t)table[index] << 9) +
			 rest * (uint32_t)(table[index + 1] - table[index]);
	result = x < 0 ? (UINT32_C(1) << 25) - result + 511 : result + 512;
	return (int32_t)(result >> 10);
}

/* tanh(x) = 2 logistic(2 x) - 1 */
int32_t cpu_table_tanh(const uint16_t *table, int32_t x)
{
	uint32_t magnitude = (uint32_t)(x < 0 ? -x : x);
	uint32_t index = magnitude >> 8, rest = magnitude & 255;
	int32_t result = 0xffff << 8;

	if (index < 255)
		result = (int32_t)(((uint32_t)table[index] << 8) +
				   rest * (uint32_t)(table[index + 1] - table[index]));
	result -= 1 << 23;
	return (x < 0 ? -result + 127 : result + 128) >> 8;
}

static int32_t wide_function(const struct kestrel_graph_unary *attributes, const void *table,
			     int32_t q)
{
	int32_t multiplier = attributes->input_scale.multiplier;
	int32_t shift = attributes->input_scale.shift, x;

	switch (attributes->function) {
	case KESTREL_GRAPH_FUNCTION_ABS:
		x = arithmetic_scale_double(q < 0 ? -q : q, attributes->input_scale);
		return arithmetic_clamp(x, INT16_MIN, INT16_MAX);
	case KESTREL_GRAPH_FUNCTION_LOGISTIC:
	case KESTREL_GRAPH_FUNCTION_TANH:
		x = (int32_t)(((int64_t)q * multiplier + (shift ? INT64_C(1) << (shift - 1) : 0)) >>
			      shift);
		return attributes->function == KESTREL_GRAPH_FUNCTION_TANH ?
		       cpu_table_tanh(table, x) : cpu_table_logistic(table, x);
	}
	return (int16_t)arithmetic_line(table, q);
}

void cpu_unary(const struct cpu_call *call)
{
	const struct kestrel_graph_unary *attributes = &call->operator->attributes.unary;
	const void *table = attributes->table == KESTREL_GRAPH_NONE ? NULL :
			    cpu_parameters(call, attributes->table);
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);

	for (size_t i = 0; i < output.count; i++) {
		int32_t value;

		if (input.type == KESTREL_GRAPH_TYPE_FLOAT32) {
			((float *)output.data)[i] =
				float_function(attributes->function, ((float *)input.data)[i]);
			continue;
		}
		value = array_read(&input, i);
		if (input.type == KESTREL_GRAPH_TYPE_INT16)
			value = wide_function(attributes, table, value);
		else if (input.type == KESTREL_GRAPH_TYPE_BOOL)
			value = !value;
		else if (attributes->function == KESTREL_GRAPH_FUNCTION_NEG || value < 0)
			value = (int32_t)(0 - (uint32_t)value);
		array_write(&output, i, value);
	}
}
