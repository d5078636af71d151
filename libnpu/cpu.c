// SPDX-License-Identifier: MIT
/* Operators to kernels, and the run over them. */
#include "cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define PACK_ALIGNMENT 64

struct cpu_program {
	const struct graph *graph;
	void **packs;		/* per operator, or NULL */
	uint8_t *shared;	/* per operator: 1 several threads run it */
	size_t scratch;
};

static struct array array_get(const struct cpu_call *call, uint32_t index)
{
	const struct kestrel_graph_tensor *tensor;
	struct array array = { .data = NULL };

	if (index == KESTREL_GRAPH_NONE)
		return array;
	tensor = &call->graph->tensors[index];
	array.type = tensor->type;
	array.rank = tensor->rank;
	memcpy(array.dims, tensor->dims, sizeof(array.dims));
	array.count = tensor->size / graph_type_size(tensor->type);
	/* Kernels do not write to inputs; one structure serves both. */
	if (tensor->storage == KESTREL_GRAPH_STORAGE_CONSTANT)
		array.data = (void *)(uintptr_t)(call->graph->constants + tensor->data_offset);
	else
		array.data = call->addresses[index];
	return array;
}

struct array cpu_input(const struct cpu_call *call, uint32_t i)
{
	return array_get(call, graph_operator_input(call->graph, call->operator, i));
}

struct array cpu_output(const struct cpu_call *call, uint32_t i)
{
	return array_get(call, graph_operator_output(call->graph, call->operator, i));
}

static void plain_convolution(const struct cpu_call *call)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	const struct kestrel_graph_scale *scales =
		cpu_parameters(call, attributes->requantise.scales);
	struct array input = cpu_input(call, 0);
	struct array weights = cpu_input(call, 1);
	struct array bias = cpu_input(call, 2);
	struct array output = cpu_output(call, 0);

	switch (call->operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
		arithmetic_convolution(attributes, scales, &input, &weights, &bias, &output);
		break;
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
		arithmetic_depthwise(attributes, scales, &input, &weights, &bias, &output);
		break;
	case KESTREL_GRAPH_TRANSPOSE_CONV:
		arithmetic_transpose_convolution(attributes, scales, &input, &weights, &bias,
						 &output);
		break;
	default:
		arithmetic_fully_connected(attributes, scales, &input, &weights, &bias, &output);
	}
}

static void convolution(const struct cpu_call *call)
{
	if (call->operator->attributes.convolution.requantise.mode ==
	    KESTREL_GRAPH_REQUANTISE_HYBRID)
		cpu_hybrid_convolution(call);
	else if (cpu_input(call, 0).type == KESTREL_GRAPH_TYPE_FLOAT32)
		cpu_float_convolution(call);
	else if (call->pack)
		cpu_convolution(call);
	else
		plain_convolution(call);
}

static void pool(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);

	if (input.type == KESTREL_GRAPH_TYPE_FLOAT32) {
		cpu_float_pool(call);
		return;
	}
	arithmetic_pool(call->operator->opcode, &call->operator->attributes.pool, &input,
			&output);
}

static void table(const struct cpu_call *call)
{
	const uint8_t *entries = cpu_parameters(call, call->operator->attributes.table.table);
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	const uint8_t *from = input.data;
	uint8_t *to = output.data;

	if (output.type == KESTREL_GRAPH_TYPE_FLOAT32) {
		for (size_t i = 0; i < output.count; i++)
			((float *)output.data)[i] = ((const float *)(const void *)entries)[from[i]];
		return;
	}
	for (size_t i = 0; i < output.count; i++)
		to[i] = entries[from[i]];
}

static void quantize(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);

	arithmetic_quantize(&call->operator->attributes.quantize, &input, &output);
}

static void dequantize(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);

	arithmetic_dequantize(&call->operator->attributes.quantize, &input, &output);
}

static void rescale(const struct cpu_call *call)
{
	const struct kestrel_graph_rescale *attributes =
		&call->operator->attributes.rescale;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);

	arithmetic_rescale(attributes, cpu_parameters(call, attributes->requantise.scales),
			      &input, &output);
}

/* Every opcode that operator_check() lets pass. */
static void operator_run(const struct cpu_call *call)
{
	static void (*const kernels[])(const struct cpu_call *call) = {
		[KESTREL_GRAPH_CONV_2D] = convolution,
		[KESTREL_GRAPH_DEPTHWISE_CONV_2D] = convolution,
		[KESTREL_GRAPH_TRANSPOSE_CONV] = convolution,
		[KESTREL_GRAPH_FULLY_CONNECTED] = convolution,
		[KESTREL_GRAPH_ADD] = cpu_elementwise,
		[KESTREL_GRAPH_SUB] = cpu_elementwise,
		[KESTREL_GRAPH_MUL] = cpu_elementwise,
		[KESTREL_GRAPH_MINIMUM] = cpu_elementwise,
		[KESTREL_GRAPH_MAXIMUM] = cpu_elementwise,
		[KESTREL_GRAPH_DIV] = cpu_elementwise,
		[KESTREL_GRAPH_SQUARED_DIFFERENCE] = cpu_elementwise,
		[KESTREL_GRAPH_BATCH_MATMUL] = cpu_matmul,
		[KESTREL_GRAPH_PRELU] = cpu_leaky,
		[KESTREL_GRAPH_LEAKY_RELU] = cpu_leaky,
		[KESTREL_GRAPH_AVERAGE_POOL_2D] = pool,
		[KESTREL_GRAPH_MAX_POOL_2D] = pool,
		[KESTREL_GRAPH_MEAN] = cpu_reduce,
		[KESTREL_GRAPH_SUM] = cpu_reduce,
		[KESTREL_GRAPH_REDUCE_MAX] = cpu_reduce,
		[KESTREL_GRAPH_REDUCE_MIN] = cpu_reduce,
		[KESTREL_GRAPH_REDUCE_PROD] = cpu_reduce,
		[KESTREL_GRAPH_ARG_MAX] = cpu_arg_extreme,
		[KESTREL_GRAPH_ARG_MIN] = cpu_arg_extreme,
		[KESTREL_GRAPH_TABLE] = table,
		[KESTREL_GRAPH_QUANTIZE] = quantize,
		[KESTREL_GRAPH_DEQUANTIZE] = dequantize,
		[KESTREL_GRAPH_RESCALE] = rescale,
		[KESTREL_GRAPH_UNARY] = cpu_unary,
		[KESTREL_GRAPH_SOFTMAX] = cpu_softmax,
		[KESTREL_GRAPH_LOG_SOFTMAX] = cpu_softmax,
		[KESTREL_GRAPH_L2_NORMALIZATION] = cpu_normalization,
		[KESTREL_GRAPH_LAYER_NORM] = cpu_layer_norm,
		[KESTREL_GRAPH_CAST] = cpu_cast,
		[KESTREL_GRAPH_COMPARE] = cpu_compare,
		[KESTREL_GRAPH_SELECT] = cpu_select,
		[KESTREL_GRAPH_LOGICAL_AND] = cpu_compare,
		[KESTREL_GRAPH_LOGICAL_OR] = cpu_compare,
		[KESTREL_GRAPH_RESHAPE] = cpu_copy,
		[KESTREL_GRAPH_COPY] = cpu_copy,
		[KESTREL_GRAPH_PAD] = cpu_pad,
		[KESTREL_GRAPH_CONCATENATION] = cpu_concatenate,
		[KESTREL_GRAPH_PACK] = cpu_concatenate,
		[KESTREL_GRAPH_SPLIT] = cpu_split,
		[KESTREL_GRAPH_SLICE] = cpu_slice,
		[KESTREL_GRAPH_TRANSPOSE] = cpu_transpose,
		[KESTREL_GRAPH_GATHER] = cpu_gather,
		[KESTREL_GRAPH_MIRROR_PAD] = cpu_mirror_pad,
		[KESTREL_GRAPH_SPACE_TO_DEPTH] = cpu_space_to_depth,
		[KESTREL_GRAPH_DEPTH_TO_SPACE] = cpu_space_to_depth,
		[KESTREL_GRAPH_BROADCAST_TO] = cpu_broadcast,
		[KESTREL_GRAPH_TILE] = cpu_tile,
		[KESTREL_GRAPH_SPACE_TO_BATCH] = cpu_space_to_batch,
		[KESTREL_GRAPH_BATCH_TO_SPACE] = cpu_space_to_batch,
		[KESTREL_GRAPH_RESIZE_BILINEAR] = cpu_resize,
		[KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR] = cpu_resize,
		[KESTREL_GRAPH_SVDF] = cpu_svdf,
		[KESTREL_GRAPH_LSTM] = cpu_lstm,
		[KESTREL_GRAPH_LSTM_TABLE] = cpu_lstm,
		[KESTREL_GRAPH_DETECTION_POSTPROCESS] = cpu_detection,
		[KESTREL_GRAPH_DYNAMIC_UPDATE_SLICE] = cpu_dynamic_update_slice,
		[KESTREL_GRAPH_GATHER_ND] = cpu_gather_nd,
		[KESTREL_GRAPH_TOP_K] = cpu_top_k,
		[KESTREL_GRAPH_ONE_HOT] = cpu_one_hot,
		[KESTREL_GRAPH_CUMULATIVE_SUM] = cpu_cumulative_sum,
		[KESTREL_GRAPH_FLOOR_DIV] = cpu_elementwise,
		[KESTREL_GRAPH_FLOOR_MOD] = cpu_elementwise,
		[KESTREL_GRAPH_POWER] = cpu_elementwise,
		[KESTREL_GRAPH_DYNAMIC_QUANTIZE] = cpu_dynamic_quantize,
		[KESTREL_GRAPH_MATMUL_INTEGER] = cpu_matmul_integer,
		[KESTREL_GRAPH_CONV_INTEGER] = cpu_convolution_integer,
	};

	kernels[call->operator->opcode](call);
}

static size_t scratch_size(const struct graph *graph,
			   const struct kestrel_graph_operator *operator)
{
	switch (operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
	case KESTREL_GRAPH_FULLY_CONNECTED:
		if (operator->attributes.convolution.requantise.mode ==
		    KESTREL_GRAPH_REQUANTISE_HYBRID)
			return cpu_hybrid_scratch(graph, operator);
		return cpu_convolution_scratch(graph, operator);
	case KESTREL_GRAPH_ADD:
	case KESTREL_GRAPH_SUB:
		return 2 * 256 * sizeof(int32_t);
	case KESTREL_GRAPH_LSTM:
	case KESTREL_GRAPH_LSTM_TABLE:
		return cpu_lstm_scratch(graph, operator);
	case KESTREL_GRAPH_DETECTION_POSTPROCESS:
		return cpu_detection_scratch(graph, operator);
	}
	return 0;
}

static size_t pack_size(const struct graph *graph,
			const struct kestrel_graph_operator *operator)
{
	switch (operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
	case KESTREL_GRAPH_FULLY_CONNECTED:
		return cpu_convolution_pack_size(graph, operator);
	}
	return 0;
}

static int operator_prepare(struct cpu_program *program, uint32_t index,
			    struct message *message)
{
	const struct graph *graph = program->graph;
	const struct kestrel_graph_operator *operator = &graph->operators[index];
	size_t bytes;

	for (uint32_t i = 0; i < operator->input_count; i++) {
		uint32_t tensor = graph_operator_input(graph, operator, i);

		if (tensor != KESTREL_GRAPH_NONE &&
		    graph->tensors[tensor].storage == KESTREL_GRAPH_STORAGE_DROPPED)
			return message_set(message, -ENODATA,
					   "operator %" PRIu32 " (%s): its weights are not in the file, which was made for the NPU only",
					   index, graph_opcode_name(operator->opcode));
	}
	bytes = scratch_size(graph, operator);
	if (bytes > program->scratch)
		program->scratch = bytes;
	bytes = pack_size(graph, operator);
	if (!bytes)
		return 0;
	bytes = (bytes + PACK_ALIGNMENT - 1) / PACK_ALIGNMENT * PACK_ALIGNMENT;
	program->packs[index] = aligned_alloc(PACK_ALIGNMENT, bytes);
	if (!program->packs[index])
		return message_set(message, -ENOMEM, "out of memory for %zu bytes of weights",
				   bytes);
	cpu_convolution_pack(graph, operator, program->packs[index]);
	program->shared[index] = (uint8_t)cpu_convolution_is_large(graph, operator);
	return 0;
}

int cpu_program_create(const struct graph *graph, const uint8_t *wanted,
		       struct cpu_program **program, struct message *message)
{
	struct cpu_program *p = calloc(1, sizeof(*p));
	int ret = 0;

	*program = NULL;
	if (!p)
		return message_set(message, -ENOMEM, "out of memory");
	p->graph = graph;
	p->packs = calloc((size_t)graph->operator_count + 1, sizeof(*p->packs));
	p->shared = calloc((size_t)graph->operator_count + 1, 1);
	if (!p->packs || !p->shared)
		ret = message_set(message, -ENOMEM, "out of memory");
	for (uint32_t i = 0; !ret && i < graph->operator_count; i++)
		if (!wanted || wanted[i])
			ret = operator_prepare(p, i, message);
	if (ret) {
		cpu_program_free(p);
		return ret;
	}
	*program = p;
	return 0;
}

void cpu_program_free(struct cpu_program *program)
{
	if (!program)
		return;
	for (uint32_t i = 0; program->packs && i < program->graph->operator_count; i++)
		free(program->packs[i]);
	free(program->packs);
	free(program->shared);
	free(program);
}

size_t cpu_program_scratch(const struct cpu_program *program)
{
	return (program->scratch + PACK_ALIGNMENT - 1) / PACK_ALIGNMENT * PACK_ALIGNMENT;
}

struct shared_call {
	struct cpu_call call;
	size_t scratch;
};

static void part_run(void *opaque, uint32_t part, uint32_t parts)
{
	const struct shared_call *shared = opaque;
	struct cpu_call call = shared->call;

	call.part = part;
	call.parts = parts;
	call.scratch = (uint8_t *)call.scratch + part * shared->scratch;
	operator_run(&call);
}

void cpu_program_run(const struct cpu_program *program, uint8_t *const *addresses,
		     void *scratch, struct team *team, uint32_t first, uint32_t count,
		     cpu_observe_fn *observe, void *opaque)
{
	struct shared_call shared = {
		.call = {
			.graph = program->graph,
			.addresses = addresses,
			.scratch = scratch,
			.parts = 1,
		},
		.scratch = cpu_program_scratch(program),
	};

	for (uint32_t i = first; i < first + count; i++) {
		shared.call.operator = &program->graph->operators[i];
		shared.call.pack = program->packs[i];
		if (team && program->shared[i])
			team_run(team, part_run, &shared);
		else
			operator_run(&shared.call);
		if (observe)
			observe(opaque, i);
	}
}
