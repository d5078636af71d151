// SPDX-License-Identifier: MIT
/* What Relu and Clip with constant bounds limit values to. */
#include <math.h>
#include <string.h>

#include "onnx_import.h"

static bool constant_bound(const struct onnx_node *node, unsigned int input, float *bound)
{
	const struct onnx_value *value = input < node->input_count ? node->inputs[input] : NULL;

	if (!value)
		return true;
	if (!value->data || value->type != IR_FLOAT32 || value->elements != 1)
		return false;
	memcpy(bound, value->data, sizeof(*bound));
	return true;
}

bool onnx_clamp_bounds(const struct onnx *o, const struct onnx_node *node, float *low,
		       float *high)
{
	struct onnx view = *o;

	*low = -INFINITY;
	*high = INFINITY;
	if (!strcmp(node->proto->op_type, "Relu")) {
		*low = 0;
		return true;
	}
	if (strcmp(node->proto->op_type, "Clip"))
		return false;
	view.node = (struct onnx_node *)(uintptr_t)node;
	*low = onnx_attribute_float(&view, "min", -INFINITY);
	*high = onnx_attribute_float(&view, "max", INFINITY);
	return constant_bound(node, 1, low) && constant_bound(node, 2, high);
}
