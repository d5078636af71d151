// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/graph.h>

#include "error.h"
#include "graph_write.h"
#include "portable.h"
#include "sha256.h"
#include "target.h"
#include "version.h"

struct writer {
	const struct ir_graph *graph;
	const struct stream *streams;
	unsigned int stream_count;
	/* Operators of the source model, of which some may have become several. */
	unsigned int source_count;
	/* By IR tensor: its constant is left out. NULL: none is. */
	bool *dropped;
	struct pool strings;
	struct buffer sections[KESTREL_GRAPH_SECTION_PLACEMENT + 1];
	/* IR tensor to index in TENSORS, -1: not in the file. */
	int *tensor_index;
	/* IR operator to index in OPERATORS, counting only what is not removed. */
	unsigned int *operator_index;
	bool failed;
};

/* Whether a base is what version 1.1 has brought. */
static bool has_row(const struct writer *writer)
{
	for (unsigned int s = 0; s < writer->stream_count; s++)
		for (unsigned int i = 0; i < writer->streams[s].segment_count; i++) {
			const struct stream_segment *segment = &writer->streams[s].segments[i];

			for (unsigned int b = 0; b < segment->base_count; b++)
				if (segment->bases[b].kind == KESTREL_GRAPH_BASE_ROW)
					return true;
		}
	return false;
}

static uint32_t record_size(const struct writer *writer, uint32_t type)
{
	switch (type) {
	case KESTREL_GRAPH_SECTION_INFO:
		return sizeof(struct kestrel_graph_info);
	case KESTREL_GRAPH_SECTION_TENSORS:
		return sizeof(struct kestrel_graph_tensor);
	case KESTREL_GRAPH_SECTION_INDICES:
	case KESTREL_GRAPH_SECTION_INPUTS:
	case KESTREL_GRAPH_SECTION_OUTPUTS:
		return sizeof(uint32_t);
	case KESTREL_GRAPH_SECTION_OPERATORS:
		return sizeof(struct kestrel_graph_operator);
	case KESTREL_GRAPH_SECTION_STREAMS:
		return sizeof(struct kestrel_graph_stream);
	case KESTREL_GRAPH_SECTION_SEGMENTS:
		return sizeof(struct kestrel_graph_segment);
	case KESTREL_GRAPH_SECTION_BASES:
		return has_row(writer) ? sizeof(struct kestrel_graph_row_base) :
					 sizeof(struct kestrel_graph_base);
	case KESTREL_GRAPH_SECTION_PLACEMENT:
		return sizeof(struct kestrel_graph_placement);
	}
	return 0;
}

static uint32_t put_string(struct writer *writer, const char *text)
{
	return (uint32_t)pool_put(&writer->strings, text, strlen(text) + 1, 0);
}

static uint32_t put_parameters(struct writer *writer, const void *data, size_t bytes,
			       size_t alignment)
{
	struct buffer *parameters = &writer->sections[KESTREL_GRAPH_SECTION_PARAMETERS];

	buffer_align(parameters, alignment);
	return (uint32_t)buffer_append(parameters, data, bytes);
}

static uint8_t tensor_type(enum ir_type type)
{
	switch (type) {
	case IR_INT8:
		return KESTREL_GRAPH_TYPE_INT8;
	case IR_UINT8:
		return KESTREL_GRAPH_TYPE_UINT8;
	case IR_INT16:
		return KESTREL_GRAPH_TYPE_INT16;
	case IR_INT32:
		return KESTREL_GRAPH_TYPE_INT32;
	case IR_INT64:
		return KESTREL_GRAPH_TYPE_INT64;
	case IR_FLOAT32:
		return KESTREL_GRAPH_TYPE_FLOAT32;
	case IR_BOOL:
		return KESTREL_GRAPH_TYPE_BOOL;
	case IR_TYPE_OTHER:
		break;
	}
	return 0;
}

static uint32_t float_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static void put_quantisation(struct writer *writer, const struct ir_tensor *tensor,
			     struct kestrel_graph_tensor *record)
{
	bool zero = true;

	if (tensor->scale_count == 1) {
		record->scale = float_bits(tensor->scales[0]);
		record->zero_point = (int32_t)tensor->zero_points[0];
	}
	record->axis_zero_points = KESTREL_GRAPH_NONE;
	if (tensor->scale_count < 2)
		return;
	record->axis = tensor->quantised_dimension;
	record->axis_count = tensor->scale_count;
	record->axis_scales = put_parameters(writer, tensor->scales, 4 * tensor->scale_count, 4);
	for (uint32_t i = 0; i < tensor->scale_count; i++)
		zero &= !tensor->zero_points[i];
	if (zero)
		return;
	record->axis_zero_points = put_parameters(writer, NULL, 0, 4);
	for (uint32_t i = 0; i < tensor->scale_count; i++) {
		int32_t zero_point = (int32_t)tensor->zero_points[i];

		put_parameters(writer, &zero_point, 4, 4);
	}
}

static uint32_t put_tensor(struct writer *writer, int index)
{
	struct buffer *records = &writer->sections[KESTREL_GRAPH_SECTION_TENSORS];
	struct buffer *constants = &writer->sections[KESTREL_GRAPH_SECTION_CONSTANTS];
	const struct ir_tensor *tensor;
	struct kestrel_graph_tensor record = { 0 };

	if (index < 0)
		return KESTREL_GRAPH_NONE;
	if (writer->tensor_index[index] >= 0)
		return (uint32_t)writer->tensor_index[index];
	tensor = &writer->graph->tensors[index];
	record.name = put_string(writer, tensor->name);
	record.source_tensor = tensor->source;
	record.type = tensor_type(tensor->type);
	record.rank = (uint8_t)tensor->rank;
	for (unsigned int d = 0; d < tensor->rank; d++)
		record.dims[d] = (uint32_t)tensor->shape[d];
	record.size = tensor->bytes;
	record.storage = KESTREL_GRAPH_STORAGE_VARIABLE;
	record.data_offset = KESTREL_GRAPH_NO_DATA;
	if (tensor->is_state) {
		record.storage = KESTREL_GRAPH_STORAGE_STATE;
		record.initial_byte = tensor->data ? 0 : tensor->initial_byte;
	} else if (tensor->data) {
		record.storage = KESTREL_GRAPH_STORAGE_CONSTANT;
	}
	if (writer->dropped && writer->dropped[index]) {
		record.storage = KESTREL_GRAPH_STORAGE_DROPPED;
	} else if (tensor->data) {
		buffer_align(constants, KESTREL_GRAPH_ALIGNMENT);
		record.data_offset = buffer_append(constants, tensor->data, tensor->bytes);
	}
	put_quantisation(writer, tensor, &record);
	writer->tensor_index[index] = (int)(records->bytes / sizeof(record));
	buffer_append(records, &record, sizeof(record));
	return (uint32_t)writer->tensor_index[index];
}

static uint32_t put_indices(struct writer *writer, uint32_t section, const int *tensors,
			    unsigned int count)
{
	struct buffer *indices = &writer->sections[section];
	uint32_t first = (uint32_t)(indices->bytes / 4);

	for (unsigned int i = 0; i < count; i++) {
		uint32_t index = put_tensor(writer, tensors[i]);

		buffer_append(indices, &index, 4);
	}
	return first;
}

static uint32_t requantise_mode(enum ir_rounding rounding)
{
	switch (rounding) {
	case IR_ROUNDING_DOUBLE:
		return KESTREL_GRAPH_REQUANTISE_DOUBLE;
	case IR_ROUNDING_UPWARD:
		return KESTREL_GRAPH_REQUANTISE_UPWARD;
	case IR_ROUNDING_SINGLE:
		return KESTREL_GRAPH_REQUANTISE_SINGLE;
	case IR_ROUNDING_FLOAT:
		return KESTREL_GRAPH_REQUANTISE_F32;
	case IR_ROUNDING_WIDE:
		return KESTREL_GRAPH_REQUANTISE_WIDE;
	case IR_ROUNDING_HYBRID:
		return KESTREL_GRAPH_REQUANTISE_HYBRID;
	case IR_ROUNDING_NONE:
		break;
	}
	return KESTREL_GRAPH_REQUANTISE_NONE;
}

static struct kestrel_graph_scale scale_of(struct ir_scale scale)
{
	return (struct kestrel_graph_scale){ scale.multiplier, scale.shift };
}

static struct kestrel_graph_requantise requantise_of(struct writer *writer,
						     const struct ir_operator *op)
{
	struct kestrel_graph_requantise requantise = {
		.mode = requantise_mode(op->rounding),
		.scale_count = op->scale_count,
		.zero_point = op->output_zero_point,
		.minimum = op->clamp_low,
		.maximum = op->clamp_high,
	};

	requantise.scales = put_parameters(writer, NULL, 0, 8);
	for (uint32_t i = 0; i < op->scale_count; i++) {
		struct kestrel_graph_scale scale = scale_of(op->scales[i]);

		put_parameters(writer, &scale, sizeof(scale), 8);
	}
	return requantise;
}

static void put_convolution(struct writer *writer, const struct ir_operator *op,
			    struct kestrel_graph_operator *record)
{
	struct kestrel_graph_convolution *c = &record->attributes.convolution;

	c->stride_height = c->stride_width = c->dilation_height = c->dilation_width = 1;
	c->depth_multiplier = 1;
	c->input_zero_point = op->input_zero_point;
	c->weight_zero_point = op->weight_zero_point;
	c->input_asymmetric = op->rounding == IR_ROUNDING_HYBRID &&
			      op->attributes.asymmetric_inputs;
	c->requantise = requantise_of(writer, op);
	if (op->kind == IR_FULLY_CONNECTED)
		return;
	c->stride_height = (uint32_t)op->window.stride_h;
	c->stride_width = (uint32_t)op->window.stride_w;
	c->dilation_height = (uint32_t)op->window.dilation_h;
	c->dilation_width = (uint32_t)op->window.dilation_w;
	c->pad_top = op->window.pad_top;
	c->pad_left = op->window.pad_left;
	c->pad_bottom = op->window.pad_bottom;
	c->pad_right = op->window.pad_right;
	if (op->kind == IR_DEPTHWISE)
		c->depth_multiplier = (uint32_t)op->attributes.depth_multiplier;
}

static void put_elementwise(const struct ir_operator *op, struct kestrel_graph_operator *record)
{
	struct kestrel_graph_elementwise *e = &record->attributes.elementwise;

	e->mode = requantise_mode(op->rounding);
	e->left_shift = (uint32_t)op->left_shift;
	e->a_zero_point = op->input_zero_point;
	e->b_zero_point = op->input2_zero_point;
	e->a_scale = scale_of(op->input_scale);
	e->b_scale = scale_of(op->input2_scale);
	e->output_scale = scale_of(op->scales[0]);
	e->zero_point = op->output_zero_point;
	e->minimum = op->clamp_low;
	e->maximum = op->clamp_high;
}

static void put_reduction(struct writer *writer, const struct ir_operator *op,
			  struct kestrel_graph_operator *record)
{
	record->attributes.reduce.axes = op->axes;
	record->attributes.reduce.input_zero_point = op->input_zero_point;
	if (op->rounding != IR_ROUNDING_NONE)
		record->attributes.reduce.requantise = requantise_of(writer, op);
}

static void put_matmul(struct writer *writer, const struct ir_operator *op,
		       struct kestrel_graph_operator *record)
{
	struct kestrel_graph_matmul *matmul = &record->attributes.matmul;

	matmul->transpose_a = op->attributes.transpose_a;
	matmul->transpose_b = op->attributes.transpose_b;
	matmul->a_zero_point = op->input_zero_point;
	matmul->b_zero_point = op->input2_zero_point;
	if (op->rounding != IR_ROUNDING_NONE)
		matmul->requantise = requantise_of(writer, op);
}

static void put_pool(const struct ir_operator *op, struct kestrel_graph_operator *record)
{
	struct kestrel_graph_pool *p = &record->attributes.pool;

	p->filter_height = (uint32_t)op->window.kernel_h;
	p->filter_width = (uint32_t)op->window.kernel_w;
	p->stride_height = (uint32_t)op->window.stride_h;
	p->stride_width = (uint32_t)op->window.stride_w;
	p->pad_top = op->window.pad_top;
	p->pad_left = op->window.pad_left;
	p->pad_bottom = op->window.pad_bottom;
	p->pad_right = op->window.pad_right;
	p->minimum = op->clamp_low;
	p->maximum = op->clamp_high;
}

static void put_softmax(struct writer *writer, const struct ir_operator *op,
			struct kestrel_graph_operator *record)
{
	const struct ir_graph *graph = writer->graph;
	struct kestrel_graph_softmax *s = &record->attributes.softmax;

	s->zero_point = op->output_zero_point;
	s->minimum = op->clamp_low;
	s->maximum = op->clamp_high;
	s->output_shift = graph->tensors[op->outputs[0]].type == IR_INT16 ? 27 : 35;
	if (op->exponentials) {
		s->kind = KESTREL_GRAPH_SOFTMAX_FIXED;
		s->table = put_parameters(writer, op->exponentials, 4 * IR_TABLE_ENTRIES, 4);
	} else {
		s->kind = KESTREL_GRAPH_SOFTMAX_FLOAT_TABLE;
		s->table = put_parameters(writer, op->float_exponentials, 4 * IR_TABLE_ENTRIES, 4);
		s->output_scale = float_bits(1.0f / 256);
	}
}

static void put_quantize(const struct ir_graph *graph, const struct ir_operator *op,
			 struct kestrel_graph_operator *record)
{
	bool from_float = op->kind == IR_QUANTISE;
	const struct ir_tensor *quantised = &graph->tensors[from_float ? op->outputs[0] :
									 op->inputs[0]];
	struct kestrel_graph_quantize *q = &record->attributes.quantize;

	q->scale = float_bits(quantised->scales[0]);
	q->zero_point = (int32_t)quantised->zero_points[0];
	q->minimum = op->clamp_low;
	q->maximum = op->clamp_high;
}

static void put_portable(struct writer *writer, const struct ir_portable *portable,
			 struct kestrel_graph_operator *record)
{
	record->opcode = portable->opcode;
	record->attributes = portable->attributes;
	if (portable->parameter_bytes)
		portable_relocate(portable->opcode, &record->attributes,
				  put_parameters(writer, portable->parameters,
						 portable->parameter_bytes, 8));
}

static void put_operator(struct writer *writer, const struct ir_operator *op)
{
	struct kestrel_graph_operator record = {
		.opcode = portable_opcode(op->kind),
		.source_operator = op->source,
		.input_count = op->input_count,
		.output_count = op->output_count,
	};
	struct kestrel_graph_pad *pad = &record.attributes.pad;

	record.inputs = put_indices(writer, KESTREL_GRAPH_SECTION_INDICES, op->inputs,
				    op->input_count);
	record.outputs = put_indices(writer, KESTREL_GRAPH_SECTION_INDICES, op->outputs,
				     op->output_count);
	if (op->portable) {
		put_portable(writer, op->portable, &record);
		buffer_append(&writer->sections[KESTREL_GRAPH_SECTION_OPERATORS], &record,
			      sizeof(record));
		return;
	}
	switch (op->kind) {
	case IR_CONVOLUTION:
	case IR_DEPTHWISE:
	case IR_TRANSPOSE_CONVOLUTION:
	case IR_FULLY_CONNECTED:
		put_convolution(writer, op, &record);
		break;
	case IR_ADD:
	case IR_SUB:
	case IR_MUL:
	case IR_MINIMUM:
	case IR_MAXIMUM:
	case IR_DIV:
	case IR_SQUARED_DIFFERENCE:
		put_elementwise(op, &record);
		break;
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
		put_pool(op, &record);
		break;
	case IR_MEAN:
	case IR_SUM:
	case IR_REDUCE_MAX:
	case IR_REDUCE_MIN:
	case IR_REDUCE_PROD:
		put_reduction(writer, op, &record);
		break;
	case IR_BATCH_MATMUL:
		put_matmul(writer, op, &record);
		break;
	case IR_SOFTMAX:
		put_softmax(writer, op, &record);
		break;
	case IR_RESHAPE:
		break;
	case IR_PAD:
		for (unsigned int d = 0; d < IR_RANK_MAX; d++) {
			pad->before[d] = (uint32_t)op->pad_before[d];
			pad->after[d] = (uint32_t)op->pad_after[d];
		}
		pad->value = op->output_zero_point;
		break;
	case IR_QUANTISE:
	case IR_DEQUANTISE:
		put_quantize(writer->graph, op, &record);
		break;
	case IR_TABLE:
		record.attributes.table.table = put_parameters(writer, op->table,
							       IR_TABLE_ENTRIES, 4);
		break;
	default:
		/* resolve_graph() lets none through. */
		writer->failed = true;
		break;
	}
	buffer_append(&writer->sections[KESTREL_GRAPH_SECTION_OPERATORS], &record, sizeof(record));
}

static unsigned int source_count(const struct ir_graph *graph)
{
	unsigned int count = 0;

	for (unsigned int o = 0; o < graph->operator_count; o++)
		if (graph->operators[o].source != KESTREL_GRAPH_NONE &&
		    graph->operators[o].source >= count)
			count = graph->operators[o].source + 1;
	return count;
}

static void put_info(struct writer *writer, const struct graph_source *source)
{
	const struct ir_graph *graph = writer->graph;
	struct kestrel_graph_info info = {
		.producer = put_string(writer, "npuc " COMPILER_VERSION),
		.source_name = put_string(writer, source->name),
		.source_format = put_string(writer, source->format),
		.source_operator_count = writer->source_count,
	};

	info.numerics = !strcmp(graph->numerics, "tflite") ? KESTREL_GRAPH_NUMERICS_TFLITE :
			!strcmp(graph->numerics, "tflm") ? KESTREL_GRAPH_NUMERICS_TFLM :
			!strcmp(graph->numerics, "onnx") ? KESTREL_GRAPH_NUMERICS_ONNX :
			KESTREL_GRAPH_NUMERICS_TFLITE_REFERENCE;
	memcpy(info.source_hash, source->hash, sizeof(info.source_hash));
	for (unsigned int o = 0; o < graph->operator_count; o++)
		info.macs += graph_macs(graph, &graph->operators[o]);
	buffer_append(&writer->sections[KESTREL_GRAPH_SECTION_INFO], &info, sizeof(info));
}

static void put_segment(struct writer *writer, const struct stream_segment *segment)
{
	struct buffer *bases = &writer->sections[KESTREL_GRAPH_SECTION_BASES];
	struct buffer *commands = &writer->sections[KESTREL_GRAPH_SECTION_STREAM_COMMANDS];
	struct kestrel_graph_segment record = {
		.kind = segment->npu ? KESTREL_GRAPH_SEGMENT_NPU : KESTREL_GRAPH_SEGMENT_CPU,
		.predicted_cycles = segment->predicted_cycles,
	};
	unsigned int last = segment->first_operator + segment->operator_count;
	uint32_t base_bytes = record_size(writer, KESTREL_GRAPH_SECTION_BASES);

	record.first_operator = writer->operator_index[segment->first_operator];
	record.operator_count = writer->operator_index[last] - record.first_operator;
	if (!record.operator_count)
		return;
	if (segment->npu) {
		record.first_base = (uint32_t)(bases->bytes / base_bytes);
		record.command_offset = buffer_align(commands, KESTREL_GRAPH_ALIGNMENT);
		record.command_size = segment->commands.bytes;
		buffer_append(commands, segment->commands.data, segment->commands.bytes);
	}
	for (unsigned int b = 0; segment->npu && b < segment->base_count; b++) {
		const struct stream_base *base = &segment->bases[b];
		bool is_row = base->kind == KESTREL_GRAPH_BASE_ROW;
		struct kestrel_graph_row_base base_record = {
			.base = {
				.index = b,
				.kind = base->kind,
				.flags = base->flags,
				.tensor = base->kind == KESTREL_GRAPH_BASE_TENSOR || is_row ?
					  put_tensor(writer, base->tensor) : KESTREL_GRAPH_NONE,
				.offset = base->offset,
				.size = base->size,
			},
			.position_tensor = is_row ? put_tensor(writer, base->position_tensor) : 0,
			.position_element = base->position_element,
			.position_count = base->position_count,
			.row_bytes = base->row_bytes,
		};

		/* What the segment has no use for has no size. */
		if (!base->size)
			continue;
		record.base_count++;
		buffer_append(bases, &base_record, base_bytes);
	}
	buffer_append(&writer->sections[KESTREL_GRAPH_SECTION_SEGMENTS], &record, sizeof(record));
}

static void put_stream(struct writer *writer, const struct stream *stream)
{
	struct buffer *segments = &writer->sections[KESTREL_GRAPH_SECTION_SEGMENTS];
	struct kestrel_graph_stream record = {
		.target = put_string(writer, stream->target->name),
		.isa_major = KESTREL_ISA_MAJOR,
		.isa_minor = KESTREL_ISA_MINOR,
		.macs_per_cycle = stream->target->macs_per_cycle,
		.sram_bytes = stream->target->sram_bytes,
		.scratch_size = stream->scratch_size,
		.predicted_cycles = stream->predicted_cycles,
		.preemption_interval = stream->preemption_interval,
		.sram_peak_bytes = stream->sram_peak_bytes,
		.spill_bytes = stream->spill_bytes,
		.macs = stream->macs,
	};

	record.first_segment = (uint32_t)(segments->bytes / sizeof(struct kestrel_graph_segment));
	for (unsigned int s = 0; s < stream->segment_count; s++)
		put_segment(writer, &stream->segments[s]);
	record.segment_count = (uint32_t)(segments->bytes / sizeof(struct kestrel_graph_segment)) -
			       record.first_segment;
	buffer_append(&writer->sections[KESTREL_GRAPH_SECTION_STREAMS], &record, sizeof(record));
}

static void put_streams(struct writer *writer)
{
	const struct pool *constants = writer->streams[0].constants;

	for (unsigned int s = 0; s < writer->stream_count; s++)
		put_stream(writer, &writer->streams[s]);
	buffer_append(&writer->sections[KESTREL_GRAPH_SECTION_STREAM_CONSTANTS],
		      constants->bytes.data, constants->bytes.bytes);
}

/* Where an operator went in a stream; NULL: there is none. */
static void put_placement(struct writer *writer, const struct stream *stream, unsigned int index)
{
	const struct ir_operator *op = &writer->graph->operators[index];
	struct kestrel_graph_placement record = {
		.stream = stream ? (uint32_t)(stream - writer->streams) : KESTREL_GRAPH_NONE,
		.source_operator = op->source,
		.name = put_string(writer, op->type_name),
		.location = put_string(writer, op->output_count ?
				       writer->graph->tensors[op->outputs[0]].name : ""),
		.place = KESTREL_GRAPH_PLACE_CPU,
		.reason = put_string(writer, "compiled without a command stream"),
		.macs = graph_macs(writer->graph, op),
	};

	if (op->removed_reason) {
		record.place = KESTREL_GRAPH_PLACE_REMOVED;
		record.reason = put_string(writer, op->removed_reason);
	} else if (stream) {
		record.place = stream->places[index].place;
		record.reason = put_string(writer, stream->places[index].reason);
		record.predicted_cycles = stream->places[index].predicted_cycles;
	}
	buffer_append(&writer->sections[KESTREL_GRAPH_SECTION_PLACEMENT], &record, sizeof(record));
}

/*
 * Placement stands in the order of the source, which ir_order() may have
 * changed. Where one operator became several, the last is the one it stands for.
 */
static void put_placements(struct writer *writer)
{
	const struct ir_graph *graph = writer->graph;
	/* By source operator: number + 1 of its last one, 0: it has none. */
	unsigned int *last = calloc(writer->source_count + 1, sizeof(*last));

	if (!last) {
		writer->failed = true;
		return;
	}
	for (unsigned int o = 0; o < graph->operator_count; o++)
		if (graph->operators[o].source != KESTREL_GRAPH_NONE)
			last[graph->operators[o].source] = o + 1;
	for (unsigned int s = 0; s < writer->stream_count || !s; s++)
		for (unsigned int source = 0; source < writer->source_count; source++)
			if (last[source])
				put_placement(writer, writer->stream_count ? &writer->streams[s] :
					      NULL, last[source] - 1);
	free(last);
}

/* Keeps what the processor reads in a segment. */
static void keep_constants(struct writer *writer, const struct stream_segment *segment)
{
	for (unsigned int o = 0; o < segment->operator_count; o++) {
		const struct ir_operator *op =
			&writer->graph->operators[segment->first_operator + o];

		for (unsigned int i = 0; i < op->input_count && !op->removed_reason; i++)
			if (op->inputs[i] >= 0)
				writer->dropped[op->inputs[i]] = false;
	}
}

/* Finds the constants that the streams do without. */
static int drop_constants(struct writer *writer)
{
	const struct ir_graph *graph = writer->graph;

	writer->dropped = calloc(graph->tensor_count + 1, sizeof(*writer->dropped));
	if (!writer->dropped)
		return error_memory(graph->error);
	for (unsigned int t = 0; t < graph->tensor_count; t++)
		writer->dropped[t] = graph->tensors[t].data && !graph->tensors[t].is_state &&
				     !ir_is_output(graph, (int)t);
	for (unsigned int s = 0; s < writer->stream_count; s++)
		for (unsigned int i = 0; i < writer->streams[s].segment_count; i++)
			if (!writer->streams[s].segments[i].npu)
				keep_constants(writer, &writer->streams[s].segments[i]);
	return 0;
}

static int assemble(struct writer *writer, struct buffer *file)
{
	struct kestrel_graph_header header = {
		.magic = KESTREL_GRAPH_MAGIC,
		.version_major = KESTREL_GRAPH_VERSION_MAJOR,
		/* The lowest that has what is used. */
		.version_minor = has_row(writer) ? 1 : 0,
		.header_size = sizeof(header),
		.section_entry_size = sizeof(struct kestrel_graph_section),
		.flags = writer->dropped ? KESTREL_GRAPH_FLAG_NPU_ONLY : 0,
	};
	struct kestrel_graph_section table[KESTREL_GRAPH_SECTION_PLACEMENT] = { 0 };
	uint32_t last = KESTREL_GRAPH_SECTION_PLACEMENT;

	writer->sections[KESTREL_GRAPH_SECTION_STRINGS] = writer->strings.bytes;
	writer->strings.bytes = (struct buffer){ 0 };
	for (uint32_t type = 1; type <= last; type++) {
		writer->failed |= writer->sections[type].failed;
		if (writer->sections[type].bytes || type <= KESTREL_GRAPH_SECTION_OUTPUTS)
			header.section_count++;
	}
	if (writer->failed)
		return error_memory(writer->graph->error);
	buffer_append(file, NULL, sizeof(header));
	buffer_append(file, NULL, header.section_count * sizeof(table[0]));
	header.section_count = 0;
	for (uint32_t type = 1; type <= last; type++) {
		struct buffer *section = &writer->sections[type];
		struct kestrel_graph_section *entry = &table[header.section_count];

		if (!section->bytes && type > KESTREL_GRAPH_SECTION_OUTPUTS)
			continue;
		header.section_count++;
		entry->type = type;
		entry->flags = type <= KESTREL_GRAPH_SECTION_PARAMETERS ?
			       KESTREL_GRAPH_SECTION_REQUIRED : 0;
		entry->offset = buffer_align(file, KESTREL_GRAPH_ALIGNMENT);
		entry->size = section->bytes;
		entry->record_size = record_size(writer, type);
		entry->record_count = entry->record_size ?
				      (uint32_t)(section->bytes / entry->record_size) : 0;
		sha256(section->data, section->bytes, entry->hash);
		buffer_append(file, section->data, section->bytes);
	}
	buffer_align(file, KESTREL_GRAPH_ALIGNMENT);
	if (file->failed)
		return error_memory(writer->graph->error);
	header.file_size = file->bytes;
	memcpy(file->data + sizeof(header), table, header.section_count * sizeof(table[0]));
	sha256(table, header.section_count * sizeof(table[0]), header.table_hash);
	memcpy(file->data, &header, sizeof(header));
	return 0;
}

uint64_t graph_macs(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *out, *weights;
	uint64_t per_output;

	/* Each row of the input meets both weights. */
	if (op->kind == IR_SVDF)
		return (uint64_t)graph->tensors[op->inputs[0]].shape[0] *
		       (graph->tensors[op->inputs[1]].elements +
			graph->tensors[op->inputs[2]].elements);
	if (op->kind == IR_BATCH_MATMUL)
		return graph->tensors[op->outputs[0]].elements *
		       (uint64_t)ir_extent(&graph->tensors[op->inputs[0]],
					   op->attributes.transpose_a ? 1 : 0);
	if (op->kind != IR_CONVOLUTION && op->kind != IR_DEPTHWISE &&
	    op->kind != IR_FULLY_CONNECTED && op->kind != IR_TRANSPOSE_CONVOLUTION)
		return 0;
	out = &graph->tensors[op->outputs[0]];
	weights = &graph->tensors[op->inputs[1]];
	if (op->kind == IR_DEPTHWISE)
		per_output = (uint64_t)op->window.kernel_h * (uint64_t)op->window.kernel_w;
	else
		per_output = weights->elements / (uint64_t)weights->shape[0];
	/* Each input of a transposed convolution meets every tap. */
	if (op->kind == IR_TRANSPOSE_CONVOLUTION)
		return graph->tensors[op->inputs[0]].elements *
		       (weights->elements / (uint64_t)weights->shape[3]);
	return out->elements * per_output;
}

int graph_write(const struct ir_graph *graph, const struct graph_source *source,
		const struct stream *streams, unsigned int stream_count, bool npu_only,
		struct buffer *file)
{
	struct writer writer = {
		.graph = graph, .streams = streams, .stream_count = stream_count,
		.source_count = source_count(graph),
	};
	unsigned int placed = 0;
	int ret = -ENOMEM;

	writer.tensor_index = malloc((graph->tensor_count + 1) * sizeof(int));
	writer.operator_index = malloc((graph->operator_count + 1) * sizeof(unsigned int));
	if (!writer.tensor_index || !writer.operator_index) {
		error_memory(graph->error);
		goto out;
	}
	for (unsigned int t = 0; t < graph->tensor_count; t++)
		writer.tensor_index[t] = -1;
	if (npu_only) {
		ret = drop_constants(&writer);
		if (ret)
			goto out;
	}
	put_string(&writer, "");
	put_info(&writer, source);
	put_indices(&writer, KESTREL_GRAPH_SECTION_INPUTS, graph->inputs, graph->input_count);
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		writer.operator_index[o] = placed;
		if (graph->operators[o].removed_reason)
			continue;
		put_operator(&writer, &graph->operators[o]);
		placed++;
	}
	writer.operator_index[graph->operator_count] = placed;
	put_indices(&writer, KESTREL_GRAPH_SECTION_OUTPUTS, graph->outputs, graph->output_count);
	if (stream_count)
		put_streams(&writer);
	put_placements(&writer);
	ret = assemble(&writer, file);
out:
	for (uint32_t type = 1; type <= KESTREL_GRAPH_SECTION_PLACEMENT; type++)
		buffer_release(&writer.sections[type]);
	free(writer.tensor_index);
	pool_release(&writer.strings);
	free(writer.operator_index);
	free(writer.dropped);
	return ret;
}
