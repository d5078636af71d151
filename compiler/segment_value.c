// SPDX-License-Identifier: MIT
/* The values of a segment and the places in memory that they are put to. */
#include "error.h"
#include "segment_builder.h"

bool segment_is_needed_outside(const struct segment_builder *builder, int tensor)
{
	const struct ir_graph *graph = builder->segment->graph;

	if (ir_is_output(graph, tensor))
		return true;
	for (unsigned int o = builder->first + builder->count; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		for (unsigned int i = 0; i < op->input_count && !op->removed_reason; i++)
			if (op->inputs[i] == tensor)
				return true;
	}
	return false;
}

struct ir_feature_map segment_merged_map(const struct ir_tensor *tensor)
{
	struct ir_feature_map map = ir_feature_map(tensor);

	map.h = (int32_t)(tensor->elements / (uint64_t)map.w / (uint64_t)map.c);
	map.n = 1;
	return map;
}

uint8_t segment_base_of_tensor(struct segment *segment, int tensor, uint32_t flag)
{
	struct stream_segment *out = segment->out;

	for (unsigned int b = SEGMENT_BASE_TENSORS; b < out->base_count; b++)
		if (out->bases[b].tensor == tensor &&
		    out->bases[b].kind == KESTREL_GRAPH_BASE_TENSOR) {
			out->bases[b].flags |= flag;
			return (uint8_t)b;
		}
	if (out->base_count == KESTREL_ISA_BASES)
		return SEGMENT_NO_BASE;
	out->bases[out->base_count] = (struct stream_base){
		.kind = KESTREL_GRAPH_BASE_TENSOR, .flags = flag, .tensor = tensor,
		.size = segment->graph->tensors[tensor].bytes,
	};
	return (uint8_t)out->base_count++;
}

uint8_t segment_base_of_row(struct segment *segment, const struct state_row *row)
{
	struct stream_segment *out = segment->out;
	uint64_t bytes = segment->graph->tensors[row->state].bytes;

	if (out->base_count == KESTREL_ISA_BASES)
		return SEGMENT_NO_BASE;
	out->bases[out->base_count] = (struct stream_base){
		.kind = KESTREL_GRAPH_BASE_ROW, .tensor = row->state,
		.size = bytes - (uint64_t)(row->position_count - 1) * row->row_bytes,
		.position_tensor = row->position_tensor, .position_element = row->axis,
		.position_count = row->position_count, .row_bytes = row->row_bytes,
	};
	return (uint8_t)out->base_count++;
}

struct segment_place *segment_scratch(struct segment *segment, uint64_t bytes,
				      unsigned int element_bytes)
{
	struct segment_place *place = arena_alloc(segment->graph->arena, 1, sizeof(*place));
	int32_t elements = (int32_t)(bytes / element_bytes);

	if (!place)
		return NULL;
	place->base = SEGMENT_BASE_SCRATCH;
	place->view = view_dense(&elements, 1, element_bytes);
	place->view.offset = (int64_t)segment->scratch_bytes;
	segment->scratch_bytes += (bytes + KESTREL_GRAPH_ALIGNMENT - 1) &
				  ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
	return place;
}

int segment_store_add(struct segment *segment, struct segment_value *value,
		      const struct segment_place *place)
{
	struct segment_store *store = arena_alloc(segment->graph->arena, 1, sizeof(*store));
	struct segment_store **end = &value->stores;

	if (!store)
		return error_memory(segment->graph->error);
	store->place = *place;
	while (*end)
		end = &(*end)->next;
	*end = store;
	return 0;
}

int segment_value_add(struct segment *segment, int tensor, int32_t height, int32_t width,
		      int32_t channels)
{
	segment->values[segment->value_count] = (struct segment_value){
		.tensor = tensor, .type = segment->graph->tensors[tensor].type,
		.height = height, .width = width, .channels = channels,
		.producer = -1, .source_after = -1, .whole = -1, .resident = true,
		.source = { .base = SEGMENT_NO_BASE },
	};
	return (int)segment->value_count++;
}

static uint64_t value_bytes(const struct segment_value *value)
{
	return (uint64_t)value->height * (uint64_t)value->width * (uint64_t)value->channels *
	       ir_type_bytes(value->type);
}

/* Whether a place is one dense run of the value's bytes, wherever it begins. */
static bool place_is_dense(const struct segment_place *place, const struct segment_value *value)
{
	struct view view = place->view;

	view.offset = 0;
	return view_is_dense(&view, ir_type_bytes(value->type), value_bytes(value));
}

const struct segment_place *segment_value_place(struct segment *segment,
						struct segment_value *value)
{
	struct segment_place *place;

	for (struct segment_store *store = value->stores; store; store = store->next)
		if (place_is_dense(&store->place, value)) {
			segment->out->bases[store->place.base].flags |= KESTREL_GRAPH_BASE_READ;
			return &store->place;
		}
	place = segment_scratch(segment, value_bytes(value), ir_type_bytes(value->type));
	if (!place || segment_store_add(segment, value, place))
		return NULL;
	segment->out->bases[place->base].flags |= KESTREL_GRAPH_BASE_READ;
	return place;
}

int segment_spill(struct segment *segment, unsigned int index)
{
	struct segment_value *value = &segment->values[index];
	const struct segment_place *place;

	value->resident = false;
	value->no_room = true;
	if (value->producer < 0)
		return 0;
	place = segment_value_place(segment, value);
	if (!place)
		return error_memory(segment->graph->error);
	value->source = *place;
	value->source_after = value->producer;
	return 0;
}

int segment_split(struct segment *segment, unsigned int index, unsigned int first_reader)
{
	struct segment_value *value = &segment->values[index], *copy;
	const struct segment_place *place = segment_value_place(segment, value);

	if (!place)
		return error_memory(segment->graph->error);
	value->split = true;
	copy = &segment->values[segment->value_count];
	*copy = *value;
	copy->source = *place;
	copy->source_after = value->producer;
	copy->producer = -1;
	copy->stores = NULL;
	copy->ring_rows = 0;
	for (unsigned int n = first_reader; n < segment->node_count; n++)
		for (unsigned int i = 0; i < segment->nodes[n].input_count; i++)
			if (segment->nodes[n].inputs[i] == (int)index)
				segment->nodes[n].inputs[i] = (int)segment->value_count;
	segment->value_count++;
	segment_find_readers(segment);
	return 0;
}

int segment_value_whole(const struct segment_builder *builder, int tensor)
{
	const struct ir_graph *graph = builder->segment->graph;
	const struct segment_tensor *of = &builder->tensors[tensor];
	const struct ir_tensor *owner = &graph->tensors[of->owner];

	if (!view_is_dense(&of->view, ir_type_bytes(owner->type), owner->bytes))
		return -1;
	return builder->tensors[of->owner].written;
}
