// SPDX-License-Identifier: MIT
/* CAST: from one type to another, the values as they are. */
#include "cpu.h"

#include <math.h>

/* Towards zero; what int64 cannot hold becomes its end, and a NaN 0. */
static int64_t truncate(float value)
{
	if (!(fabsf(value) < 9.2e18f))
		return isnan(value) ? 0 : value < 0 ? INT64_MIN : INT64_MAX;
	return (int64_t)value;
}

/* Integers lose their upper bits; float32 values end at the type's ends. */
static void integer_write(const struct array *array, size_t index, int64_t value, int saturate)
{
	int32_t low = array->type == KESTREL_GRAPH_TYPE_INT8 ? INT8_MIN :
		      array->type == KESTREL_GRAPH_TYPE_INT16 ? INT16_MIN :
		      array->type == KESTREL_GRAPH_TYPE_INT32 ? INT32_MIN : 0;
	int32_t high = array->type == KESTREL_GRAPH_TYPE_INT8 ? INT8_MAX :
		       array->type == KESTREL_GRAPH_TYPE_INT16 ? INT16_MAX :
		       array->type == KESTREL_GRAPH_TYPE_INT32 ? INT32_MAX : UINT8_MAX;

	if (array->type == KESTREL_GRAPH_TYPE_INT64)
		((int64_t *)array->data)[index] = value;
	else
		array_write(array, index, saturate ? arithmetic_clamp(value, low, high) :
						     (int32_t)(uint32_t)value);
}

void cpu_cast(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	int from_float = input.type == KESTREL_GRAPH_TYPE_FLOAT32;

	for (size_t i = 0; i < output.count; i++) {
		float real = from_float ? ((const float *)input.data)[i] : 0;
		int64_t value = from_float ? truncate(real) : array_integer(&input, i);

		if (output.type == KESTREL_GRAPH_TYPE_FLOAT32)
			((float *)output.data)[i] = from_float ? real : (float)value;
		else if (output.type == KESTREL_GRAPH_TYPE_BOOL)
			((uint8_t *)output.data)[i] = from_float ? real != 0 : value != 0;
		else
			integer_write(&output, i, value, from_float);
	}
}
