// SPDX-License-Identifier: MIT
/* The records of a compiled graph among each other: every reference is inside its table. */
#include "graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define TENSOR_BYTES_MAX INT32_MAX

static int string_check(const struct graph *graph, uint32_t offset, const char *where,
			uint32_t index, const char *field, struct message *message)
{
	if (offset < graph->strings_size)
		return 0;
	return message_set(message, -EINVAL,
			   "section %s, record %" PRIu32 ": %s: string offset %" PRIu32 " is outside STRINGS",
			   where, index, field, offset);
}

static int info_check(const struct graph *graph, struct message *message)
{
	const struct kestrel_graph_info *info = graph->info;
	int ret;

	ret = string_check(graph, info->producer, "INFO", 0, "producer", message);
	if (!ret)
		ret = string_check(graph, info->source_name, "INFO", 0, "source_name", message);
	if (!ret)
		ret = string_check(graph, info->source_format, "INFO", 0, "source_format", message);
	if (!ret && info->reserved)
		ret = message_set(message, -ENOTSUP, "section INFO: reserved field is not 0");
	return ret;
}

static int tensor_quantisation_check(const struct graph *graph, uint32_t index,
				     struct message *message)
{
	const struct kestrel_graph_tensor *tensor = &graph->tensors[index];
	uint64_t bytes = (uint64_t)tensor->axis_count * 4;

	if (!tensor->axis_count)
		return 0;
	if (tensor->axis >= tensor->rank || tensor->dims[tensor->axis] != tensor->axis_count)
		return message_set(message, -EINVAL,
				   "section TENSORS, record %" PRIu32 ": axis %" PRIu32 " with %" PRIu32 " scales does not fit the shape",
				   index, tensor->axis, tensor->axis_count);
	if (tensor->axis_scales % 4 || tensor->axis_scales > graph->parameters_size ||
	    bytes > graph->parameters_size - tensor->axis_scales)
		return message_set(message, -EINVAL,
				   "section TENSORS, record %" PRIu32 ": axis_scales is outside PARAMETERS",
				   index);
	if (tensor->axis_zero_points == KESTREL_GRAPH_NONE)
		return 0;
	if (tensor->axis_zero_points % 4 || tensor->axis_zero_points > graph->parameters_size ||
	    bytes > graph->parameters_size - tensor->axis_zero_points)
		return message_set(message, -EINVAL,
				   "section TENSORS, record %" PRIu32 ": axis_zero_points is outside PARAMETERS",
				   index);
	return 0;
}

static int tensor_data_check(const struct graph *graph, uint32_t index, struct message *message)
{
	const struct kestrel_graph_tensor *tensor = &graph->tensors[index];
	uint64_t offset = tensor->data_offset;

	switch (tensor->storage) {
	case KESTREL_GRAPH_STORAGE_VARIABLE:
	case KESTREL_GRAPH_STORAGE_DROPPED:
		if (offset != KESTREL_GRAPH_NO_DATA)
			return message_set(message, -EINVAL,
					   "section TENSORS, record %" PRIu32 ": a tensor without data has a data_offset",
					   index);
		if (tensor->storage == KESTREL_GRAPH_STORAGE_DROPPED &&
		    !(graph->header->flags & KESTREL_GRAPH_FLAG_NPU_ONLY))
			return message_set(message, -EINVAL,
					   "section TENSORS, record %" PRIu32 ": dropped, but the header does not say NPU only",
					   index);
		return 0;
	case KESTREL_GRAPH_STORAGE_STATE:
		if (offset == KESTREL_GRAPH_NO_DATA)
			return 0;
		break;
	case KESTREL_GRAPH_STORAGE_CONSTANT:
		break;
	default:
		return message_set(message, -ENOTSUP,
				   "section TENSORS, record %" PRIu32 ": unknown storage %u",
				   index, tensor->storage);
	}
	if (offset % KESTREL_GRAPH_ALIGNMENT || offset > graph->constants_size ||
	    tensor->size > graph->constants_size - offset)
		return message_set(message, -EINVAL,
				   "section TENSORS, record %" PRIu32 ": data_offset %" PRIu64 " with %" PRIu64 " bytes is not a 64-byte aligned part of CONSTANTS",
				   index, offset, tensor->size);
	return 0;
}

static int tensor_check(const struct graph *graph, uint32_t index, struct message *message)
{
	const struct kestrel_graph_tensor *tensor = &graph->tensors[index];
	uint64_t size = graph_type_size(tensor->type);
	int ret;

	ret = string_check(graph, tensor->name, "TENSORS", index, "name", message);
	if (ret)
		return ret;
	if (!size)
		return message_set(message, -ENOTSUP,
				   "section TENSORS, record %" PRIu32 ": unknown type %u",
				   index, tensor->type);
	if (tensor->rank > KESTREL_GRAPH_RANK_MAX)
		return message_set(message, -EINVAL,
				   "section TENSORS, record %" PRIu32 ": rank %u is above %d",
				   index, tensor->rank, KESTREL_GRAPH_RANK_MAX);
	for (uint32_t d = 0; d < KESTREL_GRAPH_RANK_MAX; d++) {
		if (d < tensor->rank ? !tensor->dims[d] : tensor->dims[d])
			return message_set(message, -EINVAL,
					   "section TENSORS, record %" PRIu32 ": dims[%" PRIu32 "] is %" PRIu32 " with rank %u",
					   index, d, tensor->dims[d], tensor->rank);
		if (d < tensor->rank)
			size *= tensor->dims[d];
		if (size > TENSOR_BYTES_MAX)
			return message_set(message, -EINVAL,
					   "section TENSORS, record %" PRIu32 ": more than %d bytes",
					   index, TENSOR_BYTES_MAX);
	}
	if (size != tensor->size)
		return message_set(message, -EINVAL,
				   "section TENSORS, record %" PRIu32 ": size %" PRIu64 " is not that of its shape, %" PRIu64,
				   index, tensor->size, size);
	if (tensor->reserved0)
		return message_set(message, -EINVAL,
				   "section TENSORS, record %" PRIu32 ": reserved field is not 0", index);
	ret = tensor_data_check(graph, index, message);
	if (ret)
		return ret;
	return tensor_quantisation_check(graph, index, message);
}

static int list_check(const struct graph *graph, uint32_t operator, const char *field,
		      uint32_t first, uint32_t count, int none_allowed, struct message *message)
{
	if (first > graph->index_count || count > graph->index_count - first)
		return message_set(message, -EINVAL,
				   "section OPERATORS, record %" PRIu32 ": %s: list %" PRIu32 "+%" PRIu32 " is outside INDICES",
				   operator, field, first, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t tensor = graph->indices[first + i];

		if (tensor >= graph->tensor_count &&
		    !(none_allowed && tensor == KESTREL_GRAPH_NONE))
			return message_set(message, -EINVAL,
					   "section OPERATORS, record %" PRIu32 ": %s %" PRIu32 " names tensor %" PRIu32 " of %" PRIu32,
					   operator, field, i, tensor, graph->tensor_count);
	}
	return 0;
}

/*
 * Order of execution: what is read has been written, nothing is written twice. written:
 * by tensor, the number of operators after which it is there, and one more; 0: never.
 */
static int operator_order_check(const struct graph *graph, uint32_t index, uint32_t *written,
				struct message *message)
{
	const struct kestrel_graph_operator *operator = &graph->operators[index];

	for (uint32_t i = 0; i < operator->input_count; i++) {
		uint32_t tensor = graph->indices[operator->inputs + i];

		if (tensor == KESTREL_GRAPH_NONE)
			continue;
		if (graph->tensors[tensor].storage == KESTREL_GRAPH_STORAGE_VARIABLE &&
		    !written[tensor])
			return message_set(message, -EINVAL,
					   "section OPERATORS, record %" PRIu32 ": input %" PRIu32 " reads tensor %" PRIu32 " before it is written",
					   index, i, tensor);
	}
	for (uint32_t i = 0; i < operator->output_count; i++) {
		uint32_t tensor = graph->indices[operator->outputs + i];
		uint8_t storage = graph->tensors[tensor].storage;

		if (storage == KESTREL_GRAPH_STORAGE_STATE)
			continue;
		if (storage != KESTREL_GRAPH_STORAGE_VARIABLE)
			return message_set(message, -EINVAL,
					   "section OPERATORS, record %" PRIu32 ": output %" PRIu32 " writes the constant tensor %" PRIu32,
					   index, i, tensor);
		if (written[tensor])
			return message_set(message, -EINVAL,
					   "section OPERATORS, record %" PRIu32 ": output %" PRIu32 " writes tensor %" PRIu32 " a second time",
					   index, i, tensor);
		written[tensor] = index + 2;
	}
	return 0;
}

static int operators_check(const struct graph *graph, uint32_t *written, struct message *message)
{
	for (uint32_t i = 0; i < graph->operator_count; i++) {
		const struct kestrel_graph_operator *operator = &graph->operators[i];
		int ret;

		if (!graph_opcode_name(operator->opcode))
			return message_set(message, -ENOTSUP,
					   "section OPERATORS, record %" PRIu32 ": unknown opcode %" PRIu32 "; this library is older than the file",
					   i, operator->opcode);
		if (operator->flags || operator->reserved)
			return message_set(message, -ENOTSUP,
					   "section OPERATORS, record %" PRIu32 ": unknown flags", i);
		if (operator->source_operator != KESTREL_GRAPH_NONE &&
		    operator->source_operator >= graph->info->source_operator_count)
			return message_set(message, -EINVAL,
					   "section OPERATORS, record %" PRIu32 ": source operator %" PRIu32 " of %" PRIu32,
					   i, operator->source_operator,
					   graph->info->source_operator_count);
		ret = list_check(graph, i, "input", operator->inputs, operator->input_count, 1,
				 message);
		if (!ret)
			ret = list_check(graph, i, "output", operator->outputs,
					 operator->output_count, 0, message);
		if (ret)
			return ret;
		if (!operator->output_count)
			return message_set(message, -EINVAL,
					   "section OPERATORS, record %" PRIu32 ": has no output", i);
		ret = operator_order_check(graph, i, written, message);
		if (ret)
			return ret;
		ret = operator_check(graph, i, message);
		if (ret)
			return ret;
	}
	return 0;
}

static int interface_check(const struct graph *graph, uint32_t *written, struct message *message)
{
	int ret;

	for (uint32_t i = 0; i < graph->input_count; i++) {
		uint32_t tensor = graph->inputs[i];

		if (tensor >= graph->tensor_count)
			return message_set(message, -EINVAL,
					   "section INPUTS, record %" PRIu32 ": tensor %" PRIu32 " of %" PRIu32,
					   i, tensor, graph->tensor_count);
		if (graph->tensors[tensor].storage != KESTREL_GRAPH_STORAGE_VARIABLE)
			return message_set(message, -EINVAL,
					   "section INPUTS, record %" PRIu32 ": tensor %" PRIu32 " is not variable",
					   i, tensor);
		if (written[tensor])
			return message_set(message, -EINVAL,
					   "section INPUTS, record %" PRIu32 ": tensor %" PRIu32 " is there twice",
					   i, tensor);
		written[tensor] = 1;
	}
	ret = operators_check(graph, written, message);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < graph->output_count; i++) {
		uint32_t tensor = graph->outputs[i];

		if (tensor >= graph->tensor_count)
			return message_set(message, -EINVAL,
					   "section OUTPUTS, record %" PRIu32 ": tensor %" PRIu32 " of %" PRIu32,
					   i, tensor, graph->tensor_count);
		if (graph->tensors[tensor].storage == KESTREL_GRAPH_STORAGE_DROPPED ||
		    (graph->tensors[tensor].storage == KESTREL_GRAPH_STORAGE_VARIABLE &&
		     !written[tensor]))
			return message_set(message, -EINVAL,
					   "section OUTPUTS, record %" PRIu32 ": no operator writes tensor %" PRIu32,
					   i, tensor);
	}
	return 0;
}

static int range_check(uint64_t offset, uint64_t size, uint64_t limit)
{
	return offset % KESTREL_GRAPH_ALIGNMENT || !size || offset > limit || size > limit - offset;
}

static int base_check(const struct graph *graph, const struct kestrel_graph_stream *stream,
		      uint32_t index, struct message *message)
{
	const struct kestrel_graph_base *base = &graph->bases[index].base;
	const uint32_t known = KESTREL_GRAPH_BASE_READ | KESTREL_GRAPH_BASE_WRITE;
	uint64_t limit;

	if (base->index > 15)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": index %" PRIu32 " is above 15",
				   index, base->index);
	if (!base->flags || base->flags & ~known)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": flags 0x%" PRIx32, index,
				   base->flags);
	if ((base->kind == KESTREL_GRAPH_BASE_CONSTANTS ||
	     base->kind == KESTREL_GRAPH_BASE_SCRATCH) && base->tensor != KESTREL_GRAPH_NONE)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": names tensor %" PRIu32 " but is none",
				   index, base->tensor);
	switch (base->kind) {
	case KESTREL_GRAPH_BASE_CONSTANTS:
		if (base->flags & KESTREL_GRAPH_BASE_WRITE)
			return message_set(message, -EINVAL,
					   "section BASES, record %" PRIu32 ": constants are read only",
					   index);
		if (range_check(base->offset, base->size, graph->stream_constants_size))
			return message_set(message, -EINVAL,
					   "section BASES, record %" PRIu32 ": %" PRIu64 "+%" PRIu64 " is not a 64-byte aligned part of STREAM_CONSTANTS",
					   index, base->offset, base->size);
		return 0;
	case KESTREL_GRAPH_BASE_SCRATCH:
		if (range_check(base->offset, base->size, stream->scratch_size))
			return message_set(message, -EINVAL,
					   "section BASES, record %" PRIu32 ": %" PRIu64 "+%" PRIu64 " is not a 64-byte aligned part of the scratch memory",
					   index, base->offset, base->size);
		return 0;
	case KESTREL_GRAPH_BASE_TENSOR:
	case KESTREL_GRAPH_BASE_ROW:
		break;
	default:
		return message_set(message, -ENOTSUP,
				   "section BASES, record %" PRIu32 ": unknown kind %" PRIu32,
				   index, base->kind);
	}
	if (base->tensor >= graph->tensor_count)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": tensor %" PRIu32 " of %" PRIu32,
				   index, base->tensor, graph->tensor_count);
	if (graph->tensors[base->tensor].storage != KESTREL_GRAPH_STORAGE_VARIABLE &&
	    graph->tensors[base->tensor].storage != KESTREL_GRAPH_STORAGE_STATE)
		return message_set(message, -ENOTSUP,
				   "section BASES, record %" PRIu32 ": tensor %" PRIu32 " is neither variable nor state",
				   index, base->tensor);
	if (base->kind == KESTREL_GRAPH_BASE_ROW)
		return 0;
	limit = (graph->tensors[base->tensor].size + KESTREL_GRAPH_ALIGNMENT - 1) &
		~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
	if (base->offset || base->size < graph->tensors[base->tensor].size || base->size > limit)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": %" PRIu64 "+%" PRIu64 " does not fit tensor %" PRIu32 " of %" PRIu64 " bytes",
				   index, base->offset, base->size, base->tensor,
				   graph->tensors[base->tensor].size);
	return 0;
}

/*
 * The fields of a row, of a segment that begins with `first_operator`: whatever the
 * position, the base lies inside the tensor.
 */
static int row_check(const struct graph *graph, uint32_t index, uint32_t first_operator,
		     const uint32_t *written, struct message *message)
{
	const struct kestrel_graph_row_base *row = &graph->bases[index];
	const struct kestrel_graph_tensor *position;
	uint64_t last;

	if (row->base.kind != KESTREL_GRAPH_BASE_ROW) {
		if (row->position_tensor || row->position_element || row->position_count ||
		    row->row_bytes)
			return message_set(message, -EINVAL,
					   "section BASES, record %" PRIu32 ": has a position but is no row",
					   index);
		return 0;
	}
	if (!row->position_count || !row->row_bytes)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": position_count %" PRIu32 " with row_bytes %" PRIu32,
				   index, row->position_count, row->row_bytes);
	last = (uint64_t)(row->position_count - 1) * row->row_bytes;
	if (row->base.offset || !row->base.size ||
	    last > graph->tensors[row->base.tensor].size ||
	    row->base.size != graph->tensors[row->base.tensor].size - last)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": %" PRIu64 "+%" PRIu64 " from each of %" PRIu32 " positions on, %" PRIu32 " bytes apart, does not fit tensor %" PRIu32 " of %" PRIu64 " bytes",
				   index, row->base.offset, row->base.size, row->position_count,
				   row->row_bytes, row->base.tensor,
				   graph->tensors[row->base.tensor].size);
	if (row->position_tensor >= graph->tensor_count)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": position_tensor %" PRIu32 " of %" PRIu32,
				   index, row->position_tensor, graph->tensor_count);
	position = &graph->tensors[row->position_tensor];
	if (position->storage != KESTREL_GRAPH_STORAGE_VARIABLE ||
	    position->type != KESTREL_GRAPH_TYPE_INT32 ||
	    row->position_element >= position->size / sizeof(int32_t))
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": position_element %" PRIu32 " of position_tensor %" PRIu32 " is no int32 that a run gives",
				   index, row->position_element, row->position_tensor);
	if (!written[row->position_tensor] || written[row->position_tensor] - 1 > first_operator)
		return message_set(message, -EINVAL,
				   "section BASES, record %" PRIu32 ": position_tensor %" PRIu32 " is not written before the segment",
				   index, row->position_tensor);
	return 0;
}

static int segment_check(const struct graph *graph, const struct kestrel_graph_stream *stream,
			 uint32_t index, uint32_t first_operator, const uint32_t *written,
			 struct message *message)
{
	const struct kestrel_graph_segment *segment = &graph->segments[index];

	if (segment->first_operator != first_operator || !segment->operator_count ||
	    segment->operator_count > graph->operator_count - first_operator)
		return message_set(message, -EINVAL,
				   "section SEGMENTS, record %" PRIu32 ": operators %" PRIu32 "+%" PRIu32 " do not follow %" PRIu32 " of %" PRIu32,
				   index, segment->first_operator, segment->operator_count,
				   first_operator, graph->operator_count);
	if (segment->reserved)
		return message_set(message, -ENOTSUP,
				   "section SEGMENTS, record %" PRIu32 ": reserved field is not 0",
				   index);
	if (segment->kind == KESTREL_GRAPH_SEGMENT_CPU) {
		if (segment->first_base || segment->base_count || segment->command_offset ||
		    segment->command_size)
			return message_set(message, -EINVAL,
					   "section SEGMENTS, record %" PRIu32 ": a CPU segment has bases or commands",
					   index);
		return 0;
	}
	if (segment->kind != KESTREL_GRAPH_SEGMENT_NPU)
		return message_set(message, -ENOTSUP,
				   "section SEGMENTS, record %" PRIu32 ": unknown kind %" PRIu32,
				   index, segment->kind);
	if (segment->base_count > 16 || segment->first_base > graph->base_count ||
	    segment->base_count > graph->base_count - segment->first_base)
		return message_set(message, -EINVAL,
				   "section SEGMENTS, record %" PRIu32 ": bases %" PRIu32 "+%" PRIu32 " are not at most 16 of BASES",
				   index, segment->first_base, segment->base_count);
	if (range_check(segment->command_offset, segment->command_size, graph->commands_size) ||
	    segment->command_size % 4 || segment->command_size > UINT32_MAX)
		return message_set(message, -EINVAL,
				   "section SEGMENTS, record %" PRIu32 ": commands %" PRIu64 "+%" PRIu64 " are not an aligned part of STREAM_COMMANDS",
				   index, segment->command_offset, segment->command_size);
	for (uint32_t i = 0; i < segment->base_count; i++) {
		uint32_t base = segment->first_base + i;
		int ret = base_check(graph, stream, base, message);

		if (!ret)
			ret = row_check(graph, base, first_operator, written, message);
		if (ret)
			return ret;
		if (i && graph->bases[base].base.index <= graph->bases[base - 1].base.index)
			return message_set(message, -EINVAL,
					   "section BASES, record %" PRIu32 ": index does not rise",
					   base);
	}
	return 0;
}

/*
 * `segments` counts those of the streams so far: where each belongs to one stream there
 * are no more than the table has, and the checks take no longer than the file is large.
 */
static int stream_check(const struct graph *graph, uint32_t index, const uint32_t *written,
			uint64_t *segments, struct message *message)
{
	const struct kestrel_graph_stream *stream = &graph->streams[index];
	uint32_t operator = 0;
	int ret;

	ret = string_check(graph, stream->target, "STREAMS", index, "target", message);
	if (ret)
		return ret;
	if (stream->first_segment > graph->segment_count ||
	    stream->segment_count > graph->segment_count - stream->first_segment)
		return message_set(message, -EINVAL,
				   "section STREAMS, record %" PRIu32 ": segments %" PRIu32 "+%" PRIu32 " are outside SEGMENTS",
				   index, stream->first_segment, stream->segment_count);
	*segments += stream->segment_count;
	if (*segments > graph->segment_count)
		return message_set(message, -EINVAL,
				   "section STREAMS, record %" PRIu32 ": segments %" PRIu32 "+%" PRIu32 " belong to another stream too",
				   index, stream->first_segment, stream->segment_count);
	for (size_t i = 0; i < sizeof(stream->reserved); i++)
		if (stream->reserved[i])
			return message_set(message, -ENOTSUP,
					   "section STREAMS, record %" PRIu32 ": reserved bytes are not 0",
					   index);
	if (stream->scratch_size > TENSOR_BYTES_MAX)
		return message_set(message, -EINVAL,
				   "section STREAMS, record %" PRIu32 ": scratch_size %" PRIu64 " is above %d",
				   index, stream->scratch_size, TENSOR_BYTES_MAX);
	for (uint32_t i = 0; i < stream->segment_count; i++) {
		ret = segment_check(graph, stream, stream->first_segment + i, operator, written,
				    message);
		if (ret)
			return ret;
		operator += graph->segments[stream->first_segment + i].operator_count;
	}
	if (operator != graph->operator_count)
		return message_set(message, -EINVAL,
				   "section STREAMS, record %" PRIu32 ": segments hold %" PRIu32 " of %" PRIu32 " operators",
				   index, operator, graph->operator_count);
	return 0;
}

static int placements_check(const struct graph *graph, struct message *message)
{
	uint32_t per_stream = graph->info->source_operator_count;
	uint64_t expected = (uint64_t)per_stream *
			    (graph->stream_count ? graph->stream_count : 1);

	if (graph->placement_count != expected)
		return message_set(message, -EINVAL,
				   "section PLACEMENT: %" PRIu32 " records, %" PRIu64 " needed",
				   graph->placement_count, expected);
	for (uint32_t i = 0; i < graph->placement_count; i++) {
		const struct kestrel_graph_placement *placement = &graph->placements[i];
		uint32_t stream = graph->stream_count ? i / per_stream : KESTREL_GRAPH_NONE;
		int ret;

		if (placement->stream != stream || placement->source_operator != i % per_stream)
			return message_set(message, -EINVAL,
					   "section PLACEMENT, record %" PRIu32 ": out of order", i);
		if (placement->place < KESTREL_GRAPH_PLACE_NPU ||
		    placement->place > KESTREL_GRAPH_PLACE_REMOVED)
			return message_set(message, -EINVAL,
					   "section PLACEMENT, record %" PRIu32 ": unknown place %" PRIu32,
					   i, placement->place);
		ret = string_check(graph, placement->name, "PLACEMENT", i, "name", message);
		if (!ret)
			ret = string_check(graph, placement->location, "PLACEMENT", i, "location",
					   message);
		if (!ret)
			ret = string_check(graph, placement->reason, "PLACEMENT", i, "reason",
					   message);
		if (ret)
			return ret;
	}
	return 0;
}

int graph_check(const struct graph *graph, struct message *message)
{
	uint64_t segments = 0;
	uint32_t *written;
	int ret;

	if (!graph->strings_size || graph->strings[0] || graph->strings[graph->strings_size - 1])
		return message_set(message, -EINVAL,
				   "section STRINGS does not begin and end with a 0 byte");
	ret = info_check(graph, message);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < graph->tensor_count; i++) {
		ret = tensor_check(graph, i, message);
		if (ret)
			return ret;
	}
	written = calloc((size_t)graph->tensor_count + 1, sizeof(*written));
	if (!written)
		return message_set(message, -ENOMEM, "out of memory");
	ret = interface_check(graph, written, message);
	for (uint32_t i = 0; !ret && i < graph->stream_count; i++)
		ret = stream_check(graph, i, written, &segments, message);
	free(written);
	if (!ret)
		ret = placements_check(graph, message);
	return ret;
}
