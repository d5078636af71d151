// SPDX-License-Identifier: MIT
#include "accumulator.h"
#include "partition.h"
#include "segment_reduce.h"
#include "segment_resize.h"
#include "state_row.h"

#define KERNEL_MAX 1024
#define DILATION_MAX 256
/* Of a transposed convolution: convolutions that it becomes. */
#define PHASES_MAX 256
#define EXTENT_MAX 65536
/* So that positions in 1/65536 are int32. */
#define RESIZED_MAX 16384
/* Longest row of a softmax whose sum of exponentials fits the unit's 32 bits. */
#define SOFTMAX_ROW_MAX 8191
/* Of a factor with 16 bits. */
#define WIDE_SHIFT_MAX 14
/* int16 values of which sums have 32 bits. */
#define WIDE_TAPS_MAX 65535

/* Types of activations, a bit for each enum ir_type. */
#define INT8 (1u << IR_INT8)
#define UINT8 (1u << IR_UINT8)
#define INT16 (1u << IR_INT16)
#define BYTE (INT8 | UINT8)
#define ANY (INT8 | UINT8 | INT16)

/* Every input is an activation. */
#define ALL UINT32_MAX

static const char *extent_reason(const struct ir_tensor *tensor)
{
	struct ir_feature_map map = ir_feature_map(tensor);

	if (map.h > EXTENT_MAX || map.w > EXTENT_MAX || map.c > EXTENT_MAX)
		return "a dimension is above 65536";
	return NULL;
}

/* Whether the MAC unit sums up what the operator does. */
static const char *sum_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const int32_t *bias;

	if (!accumulator_bias(graph, op, &bias))
		return "a bias needs more than 32 bits";
	if (graph->tensors[op->inputs[0]].type != IR_INT16)
		return NULL;
	if (op->rounding == IR_ROUNDING_WIDE)
		for (uint32_t i = 0; i < op->scale_count; i++)
			if (op->scales[i].shift > WIDE_SHIFT_MAX)
				return "a factor of 2^14 or more";
	return accumulator_fits(graph, op) ?
	       NULL : "sums of its int16 values could need more than 32 bits";
}

static const char *window_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_window *w = &op->window;

	(void)graph;
	if (w->kernel_h > KERNEL_MAX || w->kernel_w > KERNEL_MAX)
		return "the kernel is larger than 1024";
	if (w->dilation_h > DILATION_MAX || w->dilation_w > DILATION_MAX)
		return "the dilation is above 256";
	return NULL;
}

/* Sums of int16 values have 32 bits. */
static const char *average_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	if (graph->tensors[op->inputs[0]].type == IR_INT16 &&
	    (int64_t)op->window.kernel_h * op->window.kernel_w > WIDE_TAPS_MAX)
		return "sums of its int16 values could need more than 32 bits";
	return window_reason(graph, op);
}

static const char *reduce_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	struct segment_reduction reduction;
	int32_t low, high;
	uint64_t count = 1;

	for (unsigned int d = 0; d < in->rank; d++)
		count *= op->axes >> d & 1 ? (uint64_t)in->shape[d] : 1;
	if (segment_reduces_plane(graph, op) ?
	    ir_extent(in, 2) > KERNEL_MAX || ir_extent(in, 1) > KERNEL_MAX :
	    !segment_reduce_shape(graph, op, &reduction))
		return "it reduces more than 1024 rows or columns";
	if (in->type == IR_INT16 && (op->kind == IR_MEAN || op->kind == IR_SUM) &&
	    count > WIDE_TAPS_MAX)
		return "sums of its int16 values could need more than 32 bits";
	/* The optimised kernels' mean: resolve_reduce.c. */
	ir_type_range(graph->tensors[op->outputs[0]].type, &low, &high);
	if (op->output_zero_point < low || op->output_zero_point > high)
		return "the optimised kernel's zero point is outside the type's range";
	return NULL;
}

static const char *elementwise_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	return ir_is_constant(&graph->tensors[op->inputs[0]]) &&
	       ir_is_constant(&graph->tensors[op->inputs[1]]) ? "both inputs are constant" : NULL;
}

static const char *pad_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	uint32_t value = (uint32_t)op->output_zero_point;

	/* Memory is filled with one byte. */
	if (graph->tensors[op->outputs[0]].type == IR_INT16 && (value & 0xff) != (value >> 8 & 0xff))
		return "int16 padding whose two bytes differ";
	return NULL;
}

static const char *convolution_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const char *reason = window_reason(graph, op);

	return reason ? reason : sum_reason(graph, op);
}

/* Graph files may have any shape of as many elements; models may not. */
static const char *connected_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	if (ir_extent(&graph->tensors[op->outputs[0]], 0) !=
	    ir_extent(&graph->tensors[op->inputs[1]], 1))
		return "its output has other rows than the weights have channels";
	return sum_reason(graph, op);
}

static const char *transposed_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_window *w = &op->window;

	if (w->kernel_h > KERNEL_MAX || w->kernel_w > KERNEL_MAX)
		return "the kernel is larger than 1024";
	if ((int64_t)w->stride_h * w->stride_w > PHASES_MAX)
		return "the product of the strides is above 256";
	return sum_reason(graph, op);
}

static const char *softmax_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	if (ir_extent(&graph->tensors[op->inputs[0]], 0) > SOFTMAX_ROW_MAX)
		return "a softmax over more than 8,191 elements";
	return op->exponentials ? NULL : "a softmax through a float table";
}

/* One operand may have a single matrix for all of the other's. */
static const char *product_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *a = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *b = &graph->tensors[op->inputs[1]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	uint64_t matrices = out->elements / (uint64_t)(ir_extent(out, 0) * ir_extent(out, 1));
	uint64_t of_a = a->elements / (uint64_t)(ir_extent(a, 0) * ir_extent(a, 1));
	uint64_t of_b = b->elements / (uint64_t)(ir_extent(b, 0) * ir_extent(b, 1));

	if (op->rounding == IR_ROUNDING_WIDE)
		return "sums of its int16 values could need more than 32 bits";
	return (of_a != 1 && of_a != matrices) || (of_b != 1 && of_b != matrices) ?
	       "some of its matrices are repeated and others not" : NULL;
}

static const char *left_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	(void)graph;
	(void)op;
	return "its scales are none that the VECTOR unit's steps can keep exactly";
}

static const char *rescale_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	uint32_t mode = op->portable->attributes.rescale.requantise.mode;

	(void)graph;
	return mode == KESTREL_GRAPH_REQUANTISE_WIDE || mode == KESTREL_GRAPH_REQUANTISE_NONE ?
	       "no such rounding of a single value" : NULL;
}

static const char *float_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	(void)graph;
	(void)op;
	return "float32 values: the NPU computes with integers";
}

static const char *resize_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	struct segment_resize axis;

	if (ir_extent(in, 2) > RESIZED_MAX || ir_extent(in, 1) > RESIZED_MAX)
		return "more than 16384 rows or columns are resized";
	if (!segment_resize_axis(graph, op, 2, &axis) || !segment_resize_axis(graph, op, 1, &axis))
		return "the reference's rounded positions lie on no line";
	return NULL;
}

static const char *mirror_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	return graph->tensors[op->inputs[0]].rank > 4 ? "more than four dimensions" : NULL;
}

static const char *update_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	struct state_row row;

	return state_row_find(graph, op, &row);
}

static const char *float_resize_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	(void)graph;
	(void)op;
	return "the reference interpolates uint8 values in float32";
}

/* What the functions above ask for, as users read it. */
static const char convolution_words[] =
	"kernel at most 1024 x 1024, dilation at most 256";
static const char transposed_words[] =
	"kernel at most 1024 x 1024, product of the strides at most "
	"256";
static const char sum_words[] = "bias of 32 bits";
static const char window_words[] = "kernel at most 1024 x 1024";
static const char average_words[] = "kernel at most 1024 x 1024 and 65535 taps";
static const char reduce_words[] = "at most 1024 rows and columns";
static const char mirror_words[] = "at most four dimensions";
static const char elementwise_words[] = "operands repeated in any dimension; not two constants";
static const char pad_words[] = "a value whose two bytes are the same";
static const char softmax_words[] = "fixed-point exponentials (not --numerics tflite)";
static const char product_words[] = "as many matrices in both operands, or one in either";
static const char rescale_words[] = "a rounding of single values";
static const char update_words[] =
	"one dimension of a variable that nothing else reads or assigns";
static const char resize_words[] = "at most 16384 rows and columns, positions on a line";

/* NULL: no condition beside the types. */
typedef const char *reason_function(const struct ir_graph *graph, const struct ir_operator *op);

/*
 * What has an NPU form: one row for each combination of types that a kind takes.
 * Every activation must have one of the row's input types, every output one of its
 * output types.
 */
static const struct form {
	enum ir_kind kind;
	/* Inputs [0, activations) are activations, the others constants. */
	unsigned int activations;
	uint32_t inputs, outputs;
	reason_function *reason;
	/* What `reason` asks for; "": nothing. NULL: not for the list of operators. */
	const char *conditions;
} forms[] = {
	{ IR_CONVOLUTION, 1, ANY, ANY, convolution_reason, convolution_words },
	{ IR_DEPTHWISE, 1, ANY, ANY, convolution_reason, convolution_words },
	{ IR_TRANSPOSE_CONVOLUTION, 1, ANY, ANY, transposed_reason, transposed_words },
	{ IR_FULLY_CONNECTED, 1, ANY, ANY, connected_reason, sum_words },
	{ IR_AVERAGE_POOL, 1, INT8, INT8, window_reason, window_words },
	{ IR_AVERAGE_POOL, 1, UINT8, UINT8, window_reason, window_words },
	{ IR_AVERAGE_POOL, 1, INT16, INT16, average_reason, average_words },
	{ IR_MAX_POOL, 1, INT8, INT8, window_reason, window_words },
	{ IR_MAX_POOL, 1, UINT8, UINT8, window_reason, window_words },
	{ IR_MAX_POOL, 1, INT16, INT16, window_reason, window_words },
	{ IR_MEAN, 1, ANY, ANY, reduce_reason, reduce_words },
	{ IR_SUM, 1, ANY, ANY, reduce_reason, reduce_words },
	{ IR_REDUCE_MAX, 1, ANY, ANY, reduce_reason, reduce_words },
	{ IR_REDUCE_MIN, 1, ANY, ANY, reduce_reason, reduce_words },
	{ IR_ADD, 2, BYTE, BYTE, elementwise_reason, elementwise_words },
	{ IR_ADD, 2, INT16, ANY, elementwise_reason, elementwise_words },
	{ IR_SUB, 2, BYTE, BYTE, elementwise_reason, elementwise_words },
	{ IR_SUB, 2, INT16, ANY, elementwise_reason, elementwise_words },
	/* Parts of what expand.c makes. */
	{ IR_SUB, 2, BYTE, INT16, elementwise_reason, NULL },
	{ IR_MUL, 2, BYTE, INT16, elementwise_reason, NULL },
	{ IR_MUL, 2, BYTE, BYTE, elementwise_reason, elementwise_words },
	{ IR_MUL, 2, INT16, ANY, elementwise_reason, elementwise_words },
	{ IR_MINIMUM, 2, INT8, INT8, elementwise_reason, elementwise_words },
	{ IR_MINIMUM, 2, UINT8, UINT8, elementwise_reason, elementwise_words },
	{ IR_MINIMUM, 2, INT16, INT16, elementwise_reason, elementwise_words },
	{ IR_MAXIMUM, 2, INT8, INT8, elementwise_reason, elementwise_words },
	{ IR_MAXIMUM, 2, UINT8, UINT8, elementwise_reason, elementwise_words },
	{ IR_MAXIMUM, 2, INT16, INT16, elementwise_reason, elementwise_words },
	/* Those that expand.c has left: it makes others of those that meet the conditions. */
	{ IR_SQUARED_DIFFERENCE, 2, BYTE, BYTE, left_reason, "as a difference of 16 bits and a product" },
	{ IR_PRELU, 2, BYTE, BYTE, left_reason, "as parts above and below zero, added" },
	{ IR_LEAKY_RELU, 1, BYTE, BYTE, left_reason, "as a table of 256 bytes" },
	{ IR_LEAKY_RELU, 1, INT16, INT16, left_reason, "as parts above and below zero, added" },
	{ IR_BATCH_MATMUL, 2, BYTE, BYTE, product_reason, product_words },
	{ IR_SOFTMAX, 1, BYTE, BYTE, softmax_reason, softmax_words },
	{ IR_LAYER_NORM, 1, BYTE, BYTE, NULL, "" },
	{ IR_PAD, 1, INT8, INT8, pad_reason, "" },
	{ IR_PAD, 1, UINT8, UINT8, pad_reason, "" },
	{ IR_PAD, 1, INT16, INT16, pad_reason, pad_words },
	{ IR_TABLE, 1, BYTE, BYTE, NULL, "" },
	{ IR_RESIZE_BILINEAR, 1, INT8, INT8, resize_reason, resize_words },
	{ IR_RESIZE_BILINEAR, 1, UINT8, UINT8, float_resize_reason, NULL },
	{ IR_RESIZE_BILINEAR, 1, INT16, INT16, resize_reason, resize_words },
	{ IR_RESIZE_NEAREST, 1, ANY, ANY, resize_reason, resize_words },
	{ IR_CONCATENATION, ALL, ANY, ANY, NULL, "" },
	{ IR_PACK, ALL, ANY, ANY, NULL, "" },
	{ IR_SPLIT, 1, ANY, ANY, NULL, "" },
	{ IR_SLICE, 1, ANY, ANY, NULL, "" },
	{ IR_TRANSPOSE, 1, ANY, ANY, NULL, "" },
	{ IR_COPY, 1, ANY, ANY, NULL, "" },
	{ IR_SPACE_TO_DEPTH, 1, ANY, ANY, NULL, "" },
	{ IR_DEPTH_TO_SPACE, 1, ANY, ANY, NULL, "" },
	{ IR_SPACE_TO_BATCH, 1, ANY, ANY, left_reason, "as a padding and a transposition" },
	{ IR_BATCH_TO_SPACE, 1, ANY, ANY, left_reason, "as a transposition and a slice" },
	{ IR_MIRROR_PAD, 1, ANY, ANY, mirror_reason, mirror_words },
	{ IR_DYNAMIC_UPDATE_SLICE, 2, ANY, ANY, update_reason, update_words },
	{ IR_BROADCAST_TO, 1, ANY, ANY, NULL, "" },
	{ IR_TILE, 1, ANY, ANY, NULL, "" },
	{ IR_REQUANTISE, 1, ANY, ANY, rescale_reason, rescale_words },
	/* Whatever the types: the reason says why not. */
	{ IR_QUANTISE, 0, ~0u, ~0u, float_reason, NULL },
	{ IR_DEQUANTISE, 0, ~0u, ~0u, float_reason, NULL },
	{ IR_FLOAT_TABLE, 0, ~0u, ~0u, float_reason, NULL },
};

static bool types_fit(const struct ir_graph *graph, const struct ir_operator *op,
		      const struct form *form)
{
	for (unsigned int i = 0; i < form->activations && i < op->input_count; i++)
		if (!(form->inputs >> graph->tensors[op->inputs[i]].type & 1))
			return false;
	for (unsigned int o = 0; o < op->output_count; o++)
		if (!(form->outputs >> graph->tensors[op->outputs[o]].type & 1))
			return false;
	return true;
}

/* Why a kind without any form has none: decisions of the area ledger, most of them. */
static const char *decided_reason(enum ir_kind kind)
{
	switch (kind) {
	case IR_LSTM:
	case IR_UNARY:
		return "functions of int16 values: the NPU's tables have 256 entries";
	case IR_LOG_SOFTMAX:
		return "logarithms: the NPU computes with integers";
	case IR_L2_NORMALIZATION:
	case IR_DIV:
	case IR_REDUCE_PROD:
	case IR_FLOOR_DIV:
	case IR_FLOOR_MOD:
	case IR_POWER:
	case IR_CUMULATIVE_SUM:
		return "too rare for a unit of its own";
	case IR_GATHER:
	case IR_EMBEDDING_LOOKUP:
	case IR_GATHER_ND:
		return "addresses that depend on data";
	case IR_ARG_MAX:
	case IR_ARG_MIN:
	case IR_TOP_K:
	case IR_ONE_HOT:
	case IR_COMPARE:
	case IR_SELECT:
	case IR_LOGICAL_AND:
	case IR_LOGICAL_OR:
		return "its values are indices or truths, not quantised numbers";
	case IR_CAST:
		return "between types that the NPU does not compute with";
	case IR_DYNAMIC_QUANTISE:
	case IR_MATMUL_INTEGER:
	case IR_CONVOLUTION_INTEGER:
		return "scales and zero points that each run finds; quantise statically for the NPU";
	case IR_DETECTION:
		return "boxes are decoded and sorted in float32";
	default:
		return "no NPU form";
	}
}

const char *partition_reason(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct form *form = NULL;
	const char *reason;
	bool known = false;

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]) && !form; f++) {
		if (forms[f].kind != op->kind)
			continue;
		known = true;
		if (types_fit(graph, op, &forms[f]))
			form = &forms[f];
	}
	if (!form && op->processor_reason)
		return op->processor_reason;
	if (!form)
		return known ? "the NPU form does not take values of these types" :
			       decided_reason(op->kind);
	reason = form->reason ? form->reason(graph, op) : NULL;
	for (unsigned int i = 0; i < form->activations && i < op->input_count && !reason; i++) {
		reason = extent_reason(&graph->tensors[op->inputs[i]]);
		if (!reason && ir_is_constant(&graph->tensors[op->inputs[i]]) &&
		    !ir_is_elementwise(op->kind) && op->kind != IR_CONCATENATION &&
		    op->kind != IR_PACK && op->kind != IR_BATCH_MATMUL)
			reason = "an input is constant";
	}
	for (unsigned int o = 0; o < op->output_count && !reason; o++)
		reason = extent_reason(&graph->tensors[op->outputs[o]]);
	return reason;
}

bool partition_form(enum ir_kind kind, unsigned int index, struct partition_form *form)
{
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		if (forms[f].kind != kind || !forms[f].conditions || index--)
			continue;
		*form = (struct partition_form){ forms[f].inputs, forms[f].outputs,
						 forms[f].conditions, NULL };
		/* What these ask of int16 beside that. */
		if (forms[f].reason == convolution_reason || forms[f].reason == transposed_reason ||
		    forms[f].reason == connected_reason)
			form->wide_conditions = "sums that provably have 32 bits";
		return true;
	}
	return false;
}
