// SPDX-License-Identifier: MIT
#include "partition.h"

#define KERNEL_MAX 1024
#define STRIDE_MAX 64
#define DILATION_MAX 256
#define EXTENT_MAX 65536

static const char *map_reason(const struct ir_operator *op, const struct ir_tensor *tensor)
{
	struct ir_feature_map map = ir_feature_map(tensor);

	/* A table's index and entries are bytes of either sign. */
	if (tensor->type != IR_INT8 && (op->kind != IR_TABLE || tensor->type != IR_UINT8))
		return "the NPU form takes int8 values only";
	if (map.h > EXTENT_MAX || map.w > EXTENT_MAX || map.c > EXTENT_MAX)
		return "a dimension is above 65536";
	return NULL;
}

/* Window operators take one image; others see the batch as more rows. */
static const char *window_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_window *w = &op->window;

	if (ir_feature_map(&graph->tensors[op->inputs[0]]).n != 1)
		return "more than one image in a batch";
	if (w->kernel_h > KERNEL_MAX || w->kernel_w > KERNEL_MAX)
		return "the kernel is larger than 1024";
	if (w->stride_h > STRIDE_MAX || w->stride_w > STRIDE_MAX)
		return "the stride is above 64";
	if (w->dilation_h > DILATION_MAX || w->dilation_w > DILATION_MAX)
		return "the dilation is above 256";
	return NULL;
}

static const char *mean_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	uint32_t h = in->rank > 2 ? 1u << (in->rank - 3) : 0;
	uint32_t w = in->rank > 1 ? 1u << (in->rank - 2) : 0;

	if (op->axes & ~(h | w))
		return "mean over dimensions other than height and width";
	if (ir_feature_map(in).n != 1)
		return "more than one image in a batch";
	if (ir_extent(in, 2) > KERNEL_MAX || ir_extent(in, 1) > KERNEL_MAX)
		return "the mean runs over more than 1024 rows or columns";
	return NULL;
}

static const char *add_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	for (unsigned int d = 0; d < IR_RANK_MAX; d++)
		if (ir_extent(&graph->tensors[op->inputs[0]], d) !=
		    ir_extent(&graph->tensors[op->inputs[1]], d))
			return "the inputs have different shapes";
	return NULL;
}

static const char *pad_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];

	for (unsigned int d = 0; d < in->rank; d++)
		if ((op->pad_before[d] || op->pad_after[d]) &&
		    (d + 3 < in->rank || d + 1 == in->rank))
			return "padding of dimensions other than height and width";
	return ir_feature_map(in).n != 1 ? "more than one image in a batch" : NULL;
}

static const char *kind_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	switch (op->kind) {
	case IR_CONVOLUTION:
		if (ir_extent(&graph->tensors[op->inputs[1]], 0) !=
		    ir_extent(&graph->tensors[op->inputs[0]], 0))
			return "a grouped convolution";
		return window_reason(graph, op);
	case IR_DEPTHWISE:
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
		return window_reason(graph, op);
	case IR_FULLY_CONNECTED:
	case IR_TABLE:
		return NULL;
	case IR_ADD:
		return add_reason(graph, op);
	case IR_MEAN:
		return mean_reason(graph, op);
	case IR_SOFTMAX:
		return op->exponentials ? NULL : "a softmax through a float table";
	case IR_PAD:
		return pad_reason(graph, op);
	case IR_QUANTISE:
	case IR_DEQUANTISE:
		return "float32 values: the NPU computes with integers";
	default:
		break;
	}
	return "no NPU form";
}

const char *partition_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const char *reason = kind_reason(graph, op);
	unsigned int activations = op->kind == IR_ADD ? 2 : 1;

	for (unsigned int i = 0; i < activations && !reason; i++) {
		reason = map_reason(op, &graph->tensors[op->inputs[i]]);
		if (!reason && graph->tensors[op->inputs[i]].data)
			reason = "an input is constant";
	}
	return reason ? reason : map_reason(op, &graph->tensors[op->outputs[0]]);
}
