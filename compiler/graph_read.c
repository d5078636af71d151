// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include <kestrel/graph.h>

#include "error.h"
#include "graph_read.h"
#include "portable.h"

struct reader {
	struct ir_graph *graph;
	const uint8_t *file;
	const struct kestrel_graph_section *sections[KESTREL_GRAPH_SECTION_PLACEMENT + 1];
};

static const uint8_t *section_data(const struct reader *reader, uint32_t type)
{
	return reader->sections[type] ? reader->file + reader->sections[type]->offset : NULL;
}

static uint32_t section_count(const struct reader *reader, uint32_t type)
{
	return reader->sections[type] ? reader->sections[type]->record_count : 0;
}

/* Record `index`, of which a newer minor version may have made longer ones. */
static const void *record(const struct reader *reader, uint32_t type, uint32_t index)
{
	return section_data(reader, type) + (size_t)index * reader->sections[type]->record_size;
}

static const char *string(const struct reader *reader, uint32_t offset)
{
	return (const char *)section_data(reader, KESTREL_GRAPH_SECTION_STRINGS) + offset;
}

/* NULL in a graph that has none, for an operator that then needs none either. */
static const void *parameters(const struct reader *reader, uint32_t offset)
{
	const uint8_t *data = section_data(reader, KESTREL_GRAPH_SECTION_PARAMETERS);

	return data ? data + offset : NULL;
}

static enum ir_type type_of(uint8_t type)
{
	switch (type) {
	case KESTREL_GRAPH_TYPE_INT8:
		return IR_INT8;
	case KESTREL_GRAPH_TYPE_UINT8:
		return IR_UINT8;
	case KESTREL_GRAPH_TYPE_INT16:
		return IR_INT16;
	case KESTREL_GRAPH_TYPE_INT32:
		return IR_INT32;
	case KESTREL_GRAPH_TYPE_INT64:
		return IR_INT64;
	case KESTREL_GRAPH_TYPE_FLOAT32:
		return IR_FLOAT32;
	case KESTREL_GRAPH_TYPE_BOOL:
		return IR_BOOL;
	}
	return IR_TYPE_OTHER;
}

static int read_quantisation(struct reader *reader, const struct kestrel_graph_tensor *from,
			     struct ir_tensor *tensor)
{
	uint32_t count = from->axis_count ? from->axis_count : from->scale ? 1 : 0;
	const int32_t *zero_from = &from->zero_point;
	const void *scales = &from->scale;
	int64_t *zero_points;

	if (!count)
		return 0;
	if (from->axis_count) {
		scales = parameters(reader, from->axis_scales);
		zero_from = from->axis_zero_points == KESTREL_GRAPH_NONE ? NULL :
			    parameters(reader, from->axis_zero_points);
	}
	tensor->scales = arena_copy(reader->graph->arena, scales, 4 * (size_t)count);
	zero_points = arena_alloc(reader->graph->arena, count, sizeof(*zero_points));
	if (!tensor->scales || !zero_points)
		return error_memory(reader->graph->error);
	for (uint32_t i = 0; zero_from && i < count; i++)
		zero_points[i] = zero_from[i];
	tensor->zero_points = zero_points;
	tensor->scale_count = count;
	tensor->quantised_dimension = from->axis;
	return 0;
}

static int read_tensor(struct reader *reader, uint32_t index)
{
	const struct kestrel_graph_tensor *from = record(reader, KESTREL_GRAPH_SECTION_TENSORS,
							  index);
	struct ir_tensor *tensor = &reader->graph->tensors[index];

	tensor->name = arena_copy(reader->graph->arena, string(reader, from->name),
				  strlen(string(reader, from->name)) + 1);
	if (!tensor->name)
		return error_memory(reader->graph->error);
	tensor->type = type_of(from->type);
	tensor->source = from->source_tensor;
	tensor->rank = from->rank;
	tensor->elements = 1;
	tensor->producer = -1;
	for (unsigned int d = 0; d < tensor->rank; d++) {
		tensor->shape[d] = (int32_t)from->dims[d];
		tensor->elements *= from->dims[d];
	}
	tensor->bytes = from->size;
	tensor->is_state = from->storage == KESTREL_GRAPH_STORAGE_STATE;
	tensor->initial_byte = from->initial_byte;
	if (from->storage == KESTREL_GRAPH_STORAGE_CONSTANT ||
	    (tensor->is_state && from->data_offset != KESTREL_GRAPH_NO_DATA))
		tensor->data = section_data(reader, KESTREL_GRAPH_SECTION_CONSTANTS) +
			       from->data_offset;
	else if (from->storage != KESTREL_GRAPH_STORAGE_VARIABLE && !tensor->is_state)
		return error_set(reader->graph->error, -ENOTSUP,
				 "tensor %u \"%s\": its storage %u cannot be compiled", index,
				 tensor->name, from->storage);
	return read_quantisation(reader, from, tensor);
}

static int read_indices(struct reader *reader, uint32_t section, uint32_t first, uint32_t count,
			int **indices, unsigned int *index_count)
{
	*indices = arena_alloc(reader->graph->arena, count, sizeof(**indices));
	if (!*indices)
		return error_memory(reader->graph->error);
	*index_count = count;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t *index = record(reader, section, first + i);

		(*indices)[i] = *index == KESTREL_GRAPH_NONE ? -1 : (int)*index;
	}
	return 0;
}

static int read_mode(struct reader *reader, struct ir_operator *op, uint32_t mode)
{
	switch (mode) {
	case KESTREL_GRAPH_REQUANTISE_DOUBLE:
		op->rounding = IR_ROUNDING_DOUBLE;
		return 0;
	case KESTREL_GRAPH_REQUANTISE_UPWARD:
		op->rounding = IR_ROUNDING_UPWARD;
		return 0;
	case KESTREL_GRAPH_REQUANTISE_SINGLE:
		op->rounding = IR_ROUNDING_SINGLE;
		return 0;
	case KESTREL_GRAPH_REQUANTISE_F32:
		op->rounding = IR_ROUNDING_FLOAT;
		return 0;
	case KESTREL_GRAPH_REQUANTISE_WIDE:
		op->rounding = IR_ROUNDING_WIDE;
		return 0;
	case KESTREL_GRAPH_REQUANTISE_HYBRID:
		op->rounding = IR_ROUNDING_HYBRID;
		return 0;
	case KESTREL_GRAPH_REQUANTISE_NONE:
		op->rounding = IR_ROUNDING_NONE;
		return 0;
	}
	return error_set(reader->graph->error, -ENOTSUP, "%s: rounding mode %u cannot be compiled",
			 ir_where(reader->graph, op, -1), mode);
}

static struct ir_scale scale_of(struct kestrel_graph_scale scale)
{
	return (struct ir_scale){ scale.multiplier, scale.shift };
}

static int read_requantise(struct reader *reader, const struct kestrel_graph_requantise *from,
			   uint32_t channels, struct ir_operator *op)
{
	const struct kestrel_graph_scale *scales = parameters(reader, from->scales);

	op->output_zero_point = from->zero_point;
	op->clamp_low = from->minimum;
	op->clamp_high = from->maximum;
	if (from->mode == KESTREL_GRAPH_REQUANTISE_NONE)
		return read_mode(reader, op, from->mode);
	op->scale_count = channels;
	op->scales = arena_alloc(reader->graph->arena, channels, sizeof(*op->scales));
	if (!op->scales)
		return error_memory(reader->graph->error);
	for (uint32_t i = 0; i < channels; i++)
		op->scales[i] = scale_of(scales[from->scale_count > 1 ? i : 0]);
	return read_mode(reader, op, from->mode);
}

static int read_convolution(struct reader *reader, const struct kestrel_graph_convolution *c,
			    struct ir_operator *op)
{
	const struct ir_tensor *tensors = reader->graph->tensors;
	const struct ir_tensor *weights = &tensors[op->inputs[1]];
	int32_t channels;

	op->input_zero_point = c->input_zero_point;
	op->weight_zero_point = c->weight_zero_point;
	op->attributes.asymmetric_inputs = c->input_asymmetric;
	op->attributes.depth_multiplier = (int32_t)c->depth_multiplier;
	op->window = (struct ir_window){
		.stride_h = (int32_t)c->stride_height, .stride_w = (int32_t)c->stride_width,
		.dilation_h = (int32_t)c->dilation_height, .dilation_w = (int32_t)c->dilation_width,
		.pad_top = c->pad_top, .pad_bottom = c->pad_bottom,
		.pad_left = c->pad_left, .pad_right = c->pad_right,
		.kernel_h = ir_extent(weights, 2), .kernel_w = ir_extent(weights, 1),
	};
	if (op->input_count > 2 && op->inputs[2] >= 0 &&
	    tensors[op->inputs[2]].type == IR_INT32)
		op->bias = (const int32_t *)(const void *)tensors[op->inputs[2]].data;
	if (!weights->data)
		return error_set(reader->graph->error, -ENOTSUP, "%s: the weights must be constant",
				 ir_where(reader->graph, op, op->inputs[1]));
	/* A fully connected layer's output may have any shape of as many elements. */
	channels = op->kind == IR_FULLY_CONNECTED ? ir_extent(weights, 1) :
		   ir_extent(&tensors[op->outputs[0]], 0);
	return read_requantise(reader, &c->requantise, (uint32_t)channels, op);
}

static int read_elementwise(struct reader *reader, const struct kestrel_graph_elementwise *e,
			    struct ir_operator *op)
{
	op->left_shift = (int32_t)e->left_shift;
	op->input_zero_point = e->a_zero_point;
	op->input2_zero_point = e->b_zero_point;
	op->input_scale = scale_of(e->a_scale);
	op->input2_scale = scale_of(e->b_scale);
	op->output_zero_point = e->zero_point;
	op->clamp_low = e->minimum;
	op->clamp_high = e->maximum;
	op->scale_count = 1;
	op->scales = arena_alloc(reader->graph->arena, 1, sizeof(*op->scales));
	if (!op->scales)
		return error_memory(reader->graph->error);
	op->scales[0] = scale_of(e->output_scale);
	return read_mode(reader, op, e->mode);
}

static void read_pool(const struct kestrel_graph_pool *p, struct ir_operator *op)
{
	op->window = (struct ir_window){
		.kernel_h = (int32_t)p->filter_height, .kernel_w = (int32_t)p->filter_width,
		.stride_h = (int32_t)p->stride_height, .stride_w = (int32_t)p->stride_width,
		.dilation_h = 1, .dilation_w = 1,
		.pad_top = p->pad_top, .pad_bottom = p->pad_bottom,
		.pad_left = p->pad_left, .pad_right = p->pad_right,
	};
	op->clamp_low = p->minimum;
	op->clamp_high = p->maximum;
}

static int read_softmax(struct reader *reader, const struct kestrel_graph_softmax *s,
			struct ir_operator *op)
{
	void *table = arena_copy(reader->graph->arena, parameters(reader, s->table),
				 4 * IR_TABLE_ENTRIES);

	if (!table)
		return error_memory(reader->graph->error);
	op->output_zero_point = s->zero_point;
	op->clamp_low = s->minimum;
	op->clamp_high = s->maximum;
	if (s->kind == KESTREL_GRAPH_SOFTMAX_FIXED)
		op->exponentials = table;
	else
		op->float_exponentials = table;
	return 0;
}

static int read_portable(struct reader *reader, const struct kestrel_graph_operator *from,
			 struct ir_operator *op)
{
	const struct kestrel_graph_section *section =
		reader->sections[KESTREL_GRAPH_SECTION_PARAMETERS];

	/* libnpu does not look at what its kernels do not use. */
	if (!portable_fits(from->opcode, &from->attributes, section ? section->size : 0))
		return error_set(reader->graph->error, -EINVAL,
				 "%s: its parameters lie outside of their section",
				 ir_where(reader->graph, op, -1));
	op->portable = portable_copy(reader->graph->arena, from->opcode, &from->attributes,
				     section_data(reader, KESTREL_GRAPH_SECTION_PARAMETERS));
	return op->portable ? 0 : error_memory(reader->graph->error);
}

static int read_attributes(struct reader *reader, const struct kestrel_graph_operator *from,
			   struct ir_operator *op)
{
	const union kestrel_graph_attributes *a = &from->attributes;

	op->kind = portable_kind(from->opcode);
	switch (from->opcode) {
	case KESTREL_GRAPH_CONV_2D:
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
	case KESTREL_GRAPH_TRANSPOSE_CONV:
	case KESTREL_GRAPH_FULLY_CONNECTED:
		return read_convolution(reader, &a->convolution, op);
	case KESTREL_GRAPH_ADD:
	case KESTREL_GRAPH_SUB:
	case KESTREL_GRAPH_MUL:
	case KESTREL_GRAPH_DIV:
	case KESTREL_GRAPH_MINIMUM:
	case KESTREL_GRAPH_MAXIMUM:
	case KESTREL_GRAPH_SQUARED_DIFFERENCE:
		return read_elementwise(reader, &a->elementwise, op);
	case KESTREL_GRAPH_BATCH_MATMUL:
		op->attributes.transpose_a = a->matmul.transpose_a;
		op->attributes.transpose_b = a->matmul.transpose_b;
		op->input_zero_point = a->matmul.a_zero_point;
		op->input2_zero_point = a->matmul.b_zero_point;
		return read_requantise(reader, &a->matmul.requantise, 1, op);
	case KESTREL_GRAPH_AVERAGE_POOL_2D:
	case KESTREL_GRAPH_MAX_POOL_2D:
		read_pool(&a->pool, op);
		return 0;
	case KESTREL_GRAPH_MEAN:
	case KESTREL_GRAPH_SUM:
	case KESTREL_GRAPH_REDUCE_MAX:
	case KESTREL_GRAPH_REDUCE_MIN:
	case KESTREL_GRAPH_REDUCE_PROD:
		op->axes = a->reduce.axes;
		op->input_zero_point = a->reduce.input_zero_point;
		return read_requantise(reader, &a->reduce.requantise, 1, op);
	case KESTREL_GRAPH_SOFTMAX:
		if (a->softmax.kind == KESTREL_GRAPH_SOFTMAX_FLOAT ||
		    a->softmax.kind == KESTREL_GRAPH_SOFTMAX_INT16)
			return read_portable(reader, from, op);
		return read_softmax(reader, &a->softmax, op);
	case KESTREL_GRAPH_RESHAPE:
		return 0;
	case KESTREL_GRAPH_PAD:
		for (unsigned int d = 0; d < IR_RANK_MAX; d++) {
			op->pad_before[d] = (int32_t)a->pad.before[d];
			op->pad_after[d] = (int32_t)a->pad.after[d];
		}
		op->output_zero_point = a->pad.value;
		return 0;
	case KESTREL_GRAPH_TABLE:
		if (reader->graph->tensors[op->outputs[0]].type == IR_FLOAT32) {
			op->kind = IR_FLOAT_TABLE;
			return read_portable(reader, from, op);
		}
		op->table = arena_copy(reader->graph->arena, parameters(reader, a->table.table),
				       IR_TABLE_ENTRIES);
		return op->table ? 0 : error_memory(reader->graph->error);
	case KESTREL_GRAPH_QUANTIZE:
	case KESTREL_GRAPH_DEQUANTIZE:
		return read_portable(reader, from, op);
	}
	if (op->kind != IR_UNKNOWN)
		return read_portable(reader, from, op);
	return error_set(reader->graph->error, -ENOTSUP, "%s: opcode %u cannot be compiled",
			 ir_where(reader->graph, op, -1), from->opcode);
}

/* Of the first stream: in the order of the source, as libnpu has checked. */
static const struct kestrel_graph_placement *placement_of(const struct reader *reader,
							  uint32_t source)
{
	return source < section_count(reader, KESTREL_GRAPH_SECTION_PLACEMENT) ?
	       record(reader, KESTREL_GRAPH_SECTION_PLACEMENT, source) : NULL;
}

static int read_operator(struct reader *reader, uint32_t index)
{
	const struct kestrel_graph_operator *from = record(reader, KESTREL_GRAPH_SECTION_OPERATORS,
							   index);
	const struct kestrel_graph_placement *placement = placement_of(reader,
								       from->source_operator);
	struct ir_operator *op = &reader->graph->operators[index];
	int ret;

	op->source = from->source_operator;
	op->type_name = "operator";
	if (placement)
		op->type_name = arena_copy(reader->graph->arena, string(reader, placement->name),
					   strlen(string(reader, placement->name)) + 1);
	if (!op->type_name)
		return error_memory(reader->graph->error);
	ret = read_indices(reader, KESTREL_GRAPH_SECTION_INDICES, from->inputs, from->input_count,
			   &op->inputs, &op->input_count);
	if (!ret)
		ret = read_indices(reader, KESTREL_GRAPH_SECTION_INDICES, from->outputs,
				   from->output_count, &op->outputs, &op->output_count);
	return ret ? ret : read_attributes(reader, from, op);
}

/* Operators that an earlier compilation removed stay on record, behind the others. */
static int read_removed(struct reader *reader, uint32_t count, uint32_t source_count)
{
	struct ir_graph *graph = reader->graph;
	bool *stays = arena_alloc(graph->arena, source_count, sizeof(*stays));

	if (!stays)
		return error_memory(graph->error);
	for (uint32_t o = 0; o < count; o++)
		if (graph->operators[o].source < source_count)
			stays[graph->operators[o].source] = true;
	for (uint32_t source = 0; source < source_count; source++) {
		const struct kestrel_graph_placement *placement = placement_of(reader, source);
		struct ir_operator *op = &graph->operators[graph->operator_count];
		const char *reason;

		if (stays[source] || !placement)
			continue;
		reason = string(reader, placement->reason);
		op->source = source;
		op->type_name = arena_copy(graph->arena, string(reader, placement->name),
					   strlen(string(reader, placement->name)) + 1);
		op->removed_reason = arena_copy(graph->arena, reason, strlen(reason) + 1);
		if (!op->type_name || !op->removed_reason)
			return error_memory(graph->error);
		graph->operator_count++;
	}
	return 0;
}

static void find_sections(struct reader *reader)
{
	const struct kestrel_graph_header *header = (const void *)reader->file;

	for (uint32_t i = 0; i < header->section_count; i++) {
		const struct kestrel_graph_section *section =
			(const void *)(reader->file + header->header_size +
				       (size_t)i * header->section_entry_size);

		if (section->type <= KESTREL_GRAPH_SECTION_PLACEMENT)
			reader->sections[section->type] = section;
	}
}

bool graph_is_file(const void *data, size_t bytes)
{
	uint32_t magic = 0;

	if (bytes >= sizeof(magic))
		memcpy(&magic, data, sizeof(magic));
	return magic == KESTREL_GRAPH_MAGIC;
}

int graph_read(struct ir_graph *graph, const void *data, size_t bytes,
	       struct graph_source *source)
{
	static const char *const numerics[] = {
		[KESTREL_GRAPH_NUMERICS_TFLITE_REFERENCE] = "tflite-ref",
		[KESTREL_GRAPH_NUMERICS_TFLITE] = "tflite",
		[KESTREL_GRAPH_NUMERICS_TFLM] = "tflm",
		[KESTREL_GRAPH_NUMERICS_ONNX] = "onnx",
	};
	struct reader reader = { .graph = graph, .file = data };
	const struct kestrel_graph_info *info;
	uint32_t operators;
	int ret = 0;

	if (bytes < sizeof(struct kestrel_graph_header))
		return error_set(graph->error, -EINVAL, "graph: %zu bytes are too few", bytes);
	find_sections(&reader);
	info = record(&reader, KESTREL_GRAPH_SECTION_INFO, 0);
	source->name = string(&reader, info->source_name);
	source->format = string(&reader, info->source_format);
	memcpy(source->hash, info->source_hash, sizeof(source->hash));
	graph->numerics = info->numerics < sizeof(numerics) / sizeof(numerics[0]) &&
			  numerics[info->numerics] ? numerics[info->numerics] : "tflite-ref";

	graph->tensor_count = section_count(&reader, KESTREL_GRAPH_SECTION_TENSORS);
	operators = section_count(&reader, KESTREL_GRAPH_SECTION_OPERATORS);
	graph->tensors = arena_alloc(graph->arena, graph->tensor_count, sizeof(*graph->tensors));
	graph->operators = arena_alloc(graph->arena,
				       (size_t)operators + info->source_operator_count,
				       sizeof(*graph->operators));
	if (!graph->tensors || !graph->operators)
		return error_memory(graph->error);
	for (uint32_t i = 0; i < graph->tensor_count && !ret; i++)
		ret = read_tensor(&reader, i);
	if (!ret)
		ret = read_indices(&reader, KESTREL_GRAPH_SECTION_INPUTS, 0,
				   section_count(&reader, KESTREL_GRAPH_SECTION_INPUTS),
				   &graph->inputs, &graph->input_count);
	if (!ret)
		ret = read_indices(&reader, KESTREL_GRAPH_SECTION_OUTPUTS, 0,
				   section_count(&reader, KESTREL_GRAPH_SECTION_OUTPUTS),
				   &graph->outputs, &graph->output_count);
	for (uint32_t i = 0; i < operators && !ret; i++)
		ret = read_operator(&reader, i);
	if (ret)
		return ret;
	graph->operator_count = operators;
	ret = ir_order(graph);
	return ret ? ret : read_removed(&reader, operators, info->source_operator_count);
}
