// SPDX-License-Identifier: MIT
/*
 * Operators that move elements and change none: slices, parts, transpositions and
 * reshapes become views of the tensor they read; concatenations and paddings are
 * put together in memory, by the operators that make the parts where they can.
 */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "segment_builder.h"

/* Makes `tensor` a view of what `from` shows; `view` is of from's owner. */
static void alias(struct segment_builder *builder, int tensor, int from, const struct view *view)
{
	struct segment_tensor *to = &builder->tensors[tensor];

	to->owner = builder->tensors[from].owner;
	to->view = *view;
	view_merge(&to->view);
}

/* The last operator of the segment that reads the tensor, by way of views too. */
static unsigned int last_use(const struct segment_builder *builder, int tensor)
{
	const struct ir_graph *graph = builder->segment->graph;
	unsigned int last = 0;

	for (unsigned int o = builder->first; o < builder->first + builder->count; o++) {
		const struct ir_operator *op = &graph->operators[o];
		bool reads = false;

		for (unsigned int i = 0; i < op->input_count && !op->removed_reason; i++)
			reads |= op->inputs[i] == tensor;
		if (!reads)
			continue;
		if (o > last)
			last = o;
		for (unsigned int i = 0; ir_is_move(graph, op) && i < op->output_count; i++) {
			unsigned int further;

			/* What is there after an update is no view of what was there before. */
			if (graph->tensors[op->outputs[i]].is_state ||
			    op->kind == IR_DYNAMIC_UPDATE_SLICE)
				continue;
			further = last_use(builder, op->outputs[i]);
			if (further > last)
				last = further;
		}
	}
	return last;
}

/* The next operator of the segment behind `after` that writes the state; ~0: none. */
static unsigned int next_write(const struct segment_builder *builder, int state,
			       unsigned int after)
{
	const struct ir_graph *graph = builder->segment->graph;

	for (unsigned int o = after + 1; o < builder->first + builder->count; o++)
		for (unsigned int i = 0; i < graph->operators[o].output_count; i++)
			if (graph->operators[o].outputs[i] == state)
				return o;
	return ~0u;
}

/* Gives a tensor its own memory: its base where something outside needs it. */
static int own_place(struct segment_builder *builder, int tensor, struct segment_place **place)
{
	struct segment *segment = builder->segment;
	const struct ir_tensor *of = &segment->graph->tensors[tensor];

	if (!of->is_state && !segment_is_needed_outside(builder, tensor)) {
		*place = segment_scratch(segment, of->bytes, ir_type_bytes(of->type));
		return *place ? 0 : error_memory(segment->graph->error);
	}
	*place = arena_alloc(segment->graph->arena, 1, sizeof(**place));
	if (!*place)
		return error_memory(segment->graph->error);
	(*place)->base = segment_base_of_tensor(segment, tensor, KESTREL_GRAPH_BASE_WRITE);
	(*place)->view = view_dense(of->shape, of->rank, ir_type_bytes(of->type));
	return (*place)->base == SEGMENT_NO_BASE ? -E2BIG : 0;
}

/* Notes that `node` has written all of the tensor, or the last part of it. */
static void assembled(struct segment_builder *builder, int tensor,
		      const struct segment_place *place, int node)
{
	struct segment *segment = builder->segment;
	struct segment_tensor *to = &builder->tensors[tensor];
	const struct ir_tensor *of = &segment->graph->tensors[tensor];

	to->owner = tensor;
	to->view = view_dense(of->shape, of->rank, ir_type_bytes(of->type));
	if (!to->assembled || node > to->assembled_after)
		to->assembled_after = node;
	to->assembled = place;
}

/* Puts what a tensor shows into memory of its own. */
static int put_whole(struct segment_builder *builder, unsigned int operator_index, int from,
		     int tensor)
{
	struct segment_place *place;
	int node, ret = own_place(builder, tensor, &place);

	if (ret)
		return ret;
	node = segment_put(builder, operator_index, from, place);
	if (node < 0)
		return node;
	assembled(builder, tensor, place, node);
	return 0;
}

static int move_copy(struct segment_builder *builder, unsigned int operator_index)
{
	struct segment *segment = builder->segment;
	const struct ir_operator *op = &segment->graph->operators[operator_index];
	int from = op->inputs[0], to = op->outputs[0], ret;

	/* Updated where it lies. */
	if (builder->tensors[from].owner == to && segment->graph->tensors[to].is_state &&
	    view_is_dense(&builder->tensors[from].view,
			  ir_type_bytes(segment->graph->tensors[to].type),
			  segment->graph->tensors[to].bytes))
		return 0;
	if (segment->graph->tensors[to].is_state) {
		ret = put_whole(builder, operator_index, from, to);
		/* What was fetched before is not what the state holds now. */
		for (unsigned int v = 0; v < segment->value_count; v++)
			if (segment->values[v].tensor == to)
				segment->values[v].stale = true;
		return ret;
	}
	if (segment->graph->tensors[from].is_state &&
	    last_use(builder, to) > next_write(builder, from, operator_index))
		return put_whole(builder, operator_index, from, to);
	alias(builder, to, from, &builder->tensors[from].view);
	return 0;
}

/* A view of the input through a function of shape and view, else of a dense copy of it. */
static int view_output(struct segment_builder *builder, unsigned int operator_index, int tensor,
		       bool (*narrow)(const struct segment_builder *builder,
				      const struct ir_operator *op, unsigned int output,
				      struct view *view),
		       unsigned int output)
{
	const struct ir_operator *op = &builder->segment->graph->operators[operator_index];
	int from = op->inputs[0], ret;
	struct view view = builder->tensors[from].view;

	if (!narrow(builder, op, output, &view)) {
		ret = segment_make_dense(builder, from);
		if (ret)
			return ret;
		view = builder->tensors[from].view;
		if (!narrow(builder, op, output, &view))
			return -EFBIG;
	}
	alias(builder, tensor, from, &view);
	return 0;
}

static bool narrow_reshape(const struct segment_builder *builder, const struct ir_operator *op,
			   unsigned int output, struct view *view)
{
	(void)builder;
	(void)op;
	(void)output;
	(void)view;
	return true;
}

static bool narrow_slice(const struct segment_builder *builder, const struct ir_operator *op,
			 unsigned int output, struct view *view)
{
	const struct ir_tensor *in = &builder->segment->graph->tensors[op->inputs[0]];
	const struct kestrel_graph_slice *slice = &op->portable->attributes.slice;
	int32_t shape[IR_RANK_MAX];

	(void)output;
	memcpy(shape, in->shape, sizeof(shape));
	for (unsigned int d = 0; d < in->rank; d++) {
		if (!view_slice(view, shape, in->rank, d, (int32_t)slice->begin[d],
				slice->stride[d], (int32_t)slice->count[d]))
			return false;
		shape[d] = (int32_t)slice->count[d];
	}
	return true;
}

static bool narrow_split(const struct segment_builder *builder, const struct ir_operator *op,
			 unsigned int output, struct view *view)
{
	const struct ir_tensor *in = &builder->segment->graph->tensors[op->inputs[0]];
	unsigned int axis = op->portable->attributes.axis.axis;
	uint64_t step = in->elements / (uint64_t)in->shape[axis], begin = 0;

	for (unsigned int o = 0; o < output; o++)
		begin += builder->segment->graph->tensors[op->outputs[o]].elements / step;
	return view_slice(view, in->shape, in->rank, axis, (int32_t)begin, 1,
			  (int32_t)(builder->segment->graph->tensors[op->outputs[output]].elements /
				    step));
}

static bool narrow_transpose(const struct segment_builder *builder, const struct ir_operator *op,
			     unsigned int output, struct view *view)
{
	const struct ir_tensor *in = &builder->segment->graph->tensors[op->inputs[0]];

	(void)output;
	return view_permute(view, in->shape, in->rank,
			    op->portable->attributes.transpose.permutation);
}

/* Blocks of pixels to channels or back: six dimensions, of which two change places. */
static bool narrow_blocks(const struct segment_builder *builder, const struct ir_operator *op,
			  unsigned int output, struct view *view)
{
	static const uint32_t order[6] = { 0, 1, 3, 2, 4, 5 };
	const struct ir_graph *graph = builder->segment->graph;
	int32_t block = (int32_t)op->portable->attributes.block.block_size;
	/* The one of the two that has more pixels. */
	bool to_depth = op->kind == IR_SPACE_TO_DEPTH;
	const struct ir_tensor *wide = &graph->tensors[to_depth ? op->inputs[0] : op->outputs[0]];
	struct ir_feature_map map = ir_feature_map(wide);
	int32_t shape[6] = { map.n, map.h / block, block, map.w / block, block, map.c };

	(void)output;
	if (!to_depth) {
		shape[2] = map.w / block;
		shape[3] = block;
	}
	return view_permute(view, shape, 6, order);
}

static bool narrow_repeat(const struct segment_builder *builder, const struct ir_operator *op,
			  unsigned int output, struct view *view)
{
	const struct ir_tensor *tensors = builder->segment->graph->tensors;
	const struct ir_tensor *in = &tensors[op->inputs[0]], *out = &tensors[op->outputs[0]];

	(void)output;
	return view_repeat(view, in->shape, in->rank, out->shape, out->rank);
}

/*
 * Puts the input of a concatenation at its place: by the node that makes it, if that
 * is in this segment and makes nothing else of it, or by one more.
 */
static int put_part(struct segment_builder *builder, unsigned int operator_index, int from,
		    int to, const struct segment_place *place)
{
	struct segment *segment = builder->segment;
	int value = segment_value_whole(builder, from), node;

	if (value >= 0 && segment_can_store(&segment->values[value], place)) {
		if (segment_store_add(segment, &segment->values[value], place))
			return -ENOMEM;
		segment->out->bases[place->base].flags |= KESTREL_GRAPH_BASE_WRITE;
		node = segment->values[value].producer;
	} else {
		node = segment_put(builder, operator_index, from, place);
	}
	if (node < 0)
		return node;
	if (node > builder->tensors[to].assembled_after)
		builder->tensors[to].assembled_after = node;
	return 0;
}

static int move_concatenation(struct segment_builder *builder, unsigned int operator_index)
{
	struct segment *segment = builder->segment;
	const struct ir_graph *graph = segment->graph;
	const struct ir_operator *op = &graph->operators[operator_index];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	unsigned int axis = op->portable->attributes.axis.axis;
	uint64_t step = out->elements / (uint64_t)out->shape[axis];
	struct view *views = arena_alloc(graph->arena, op->input_count, sizeof(*views));
	struct segment_place *whole;
	int32_t begin = 0;
	int ret = 0;

	if (!views)
		return error_memory(graph->error);
	for (unsigned int i = 0; i < op->input_count; i++) {
		int32_t count = (int32_t)(graph->tensors[op->inputs[i]].elements / step);

		views[i] = view_dense(out->shape, out->rank, ir_type_bytes(out->type));
		if (!view_slice(&views[i], out->shape, out->rank, axis, begin, 1, count))
			return -EFBIG;
		view_merge(&views[i]);
		begin += count;
	}
	if (segment->placement)
		ret = segment_place_parts(builder, operator_index, views);
	if (!ret)
		ret = own_place(builder, op->outputs[0], &whole);
	if (ret)
		return ret < 0 ? ret : 0;
	assembled(builder, op->outputs[0], whole, -1);
	for (unsigned int i = 0; i < op->input_count && !ret; i++) {
		struct segment_place *part = arena_alloc(graph->arena, 1, sizeof(*part));

		if (!part)
			return error_memory(graph->error);
		part->base = whole->base;
		part->view = views[i];
		part->view.offset += whole->view.offset;
		ret = put_part(builder, operator_index, op->inputs[i], op->outputs[0], part);
	}
	return ret;
}

/*
 * New rows of a state, which is then what the operator's output shows: nothing else reads
 * or writes it (state_row.h).
 */
static int move_update(struct segment_builder *builder, unsigned int operator_index)
{
	struct segment *segment = builder->segment;
	const struct ir_graph *graph = segment->graph;
	const struct ir_operator *op = &graph->operators[operator_index];
	const struct ir_tensor *in = &graph->tensors[op->inputs[UPDATE_INPUT]];
	struct segment_place *part = arena_alloc(graph->arena, 1, sizeof(*part));
	struct segment_place *whole;
	struct state_row row;
	int ret;

	/* The partition has made sure that there is one. */
	state_row_find(graph, op, &row);
	ret = part ? own_place(builder, row.state, &whole) : error_memory(graph->error);
	if (ret)
		return ret;
	part->base = segment_base_of_row(segment, &row);
	if (part->base == SEGMENT_NO_BASE)
		return -E2BIG;
	part->view = view_dense(in->shape, in->rank, ir_type_bytes(in->type));
	if (!view_slice(&part->view, in->shape, in->rank, row.axis, 0, 1,
			graph->tensors[op->inputs[UPDATE_ROWS]].shape[row.axis]))
		return -EFBIG;
	view_merge(&part->view);
	assembled(builder, row.state, whole, -1);
	ret = put_part(builder, operator_index, op->inputs[UPDATE_ROWS], row.state, part);
	if (!ret)
		alias(builder, op->outputs[0], row.state, &whole->view);
	return ret;
}

static int move_pad(struct segment_builder *builder, unsigned int operator_index)
{
	struct segment *segment = builder->segment;
	const struct ir_graph *graph = segment->graph;
	const struct ir_operator *op = &graph->operators[operator_index];
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	struct segment_place *whole, *middle;
	int32_t shape[IR_RANK_MAX];
	struct segment_node *node;
	int index, ret = own_place(builder, op->outputs[0], &whole);

	if (ret)
		return ret;
	middle = arena_copy(graph->arena, whole, sizeof(*whole));
	if (!middle)
		return error_memory(graph->error);
	memcpy(shape, out->shape, sizeof(shape));
	for (unsigned int d = 0; d < in->rank; d++) {
		if (!view_slice(&middle->view, shape, in->rank, d, op->pad_before[d], 1,
				in->shape[d]))
			return -EFBIG;
		shape[d] = in->shape[d];
	}
	view_merge(&middle->view);
	index = segment_put(builder, operator_index, op->inputs[0], middle);
	if (index < 0)
		return index;
	node = &segment->nodes[index];
	node->fill = true;
	node->fill_byte = (uint8_t)op->output_zero_point;
	node->fill_offset = (uint64_t)whole->view.offset;
	node->fill_bytes = out->bytes;
	assembled(builder, op->outputs[0], whole, index);
	return 0;
}

/*
 * One part of a mirrored padding: in each dimension what lies before the input, the
 * input, or what lies behind it, by digits of `part` to base 3. Returns 1, 0 where it is
 * empty, or -EFBIG.
 */
static int mirror_part(const struct ir_graph *graph, const struct ir_operator *op,
			unsigned int part, struct view *from, struct view *to)
{
	const struct kestrel_graph_pad *pad = &op->portable->attributes.pad;
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int32_t source[IR_RANK_MAX], target[IR_RANK_MAX], off = pad->reflect ? 1 : 0;

	memcpy(source, in->shape, sizeof(source));
	memcpy(target, out->shape, sizeof(target));
	for (unsigned int d = 0; d < in->rank; d++, part /= 3) {
		int32_t size = in->shape[d], before = (int32_t)pad->before[d];
		int32_t after = (int32_t)pad->after[d], count = size, at = before, step = 1;
		int32_t begin = 0;

		if (part % 3 == 1) {
			count = before;
			at = 0;
			step = -1;
			begin = before - 1 + off;
		} else if (part % 3 == 2) {
			count = after;
			at = before + size;
			step = -1;
			begin = size - 1 - off;
		}
		if (!count)
			return 0;
		if (!view_slice(from, source, in->rank, d, begin, step, count) ||
		    !view_slice(to, target, in->rank, d, at, 1, count))
			return -EFBIG;
		source[d] = target[d] = count;
	}
	return 1;
}

static int move_mirror(struct segment_builder *builder, unsigned int operator_index)
{
	struct segment *segment = builder->segment;
	const struct ir_graph *graph = segment->graph;
	const struct ir_operator *op = &graph->operators[operator_index];
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	struct segment_place *whole;
	unsigned int parts = 1;
	int ret = own_place(builder, op->outputs[0], &whole);

	if (!ret && !view_is_dense(&builder->tensors[op->inputs[0]].view, ir_type_bytes(in->type),
				   in->bytes))
		ret = segment_make_dense(builder, op->inputs[0]);
	for (unsigned int d = 0; d < in->rank; d++)
		parts *= 3;
	for (unsigned int part = 0; part < parts && !ret; part++) {
		struct view from = builder->tensors[op->inputs[0]].view;
		struct segment_place *place = arena_copy(graph->arena, whole, sizeof(*whole));
		int node;

		if (!place)
			return error_memory(graph->error);
		ret = mirror_part(graph, op, part, &from, &place->view);
		if (ret < 0)
			return ret;
		if (!ret)
			continue;
		ret = 0;
		view_merge(&place->view);
		node = segment_put_view(builder, operator_index, op->inputs[0], &from, place);
		if (node < 0)
			return node;
		assembled(builder, op->outputs[0], whole, node);
	}
	return ret;
}

/* A view that something outside needs is put there, dense. */
static int put_outputs(struct segment_builder *builder, unsigned int operator_index)
{
	const struct ir_operator *op = &builder->segment->graph->operators[operator_index];
	int ret = 0;

	for (unsigned int o = 0; o < op->output_count && !ret; o++) {
		int tensor = op->outputs[o];

		/* What a node writes whole is stored by that node, in this tensor's place too. */
		if (builder->tensors[tensor].owner == tensor ||
		    segment_value_whole(builder, tensor) >= 0 ||
		    !segment_is_needed_outside(builder, tensor))
			continue;
		ret = put_whole(builder, operator_index, tensor, tensor);
	}
	return ret;
}

int segment_move(struct segment_builder *builder, unsigned int operator_index)
{
	const struct ir_operator *op = &builder->segment->graph->operators[operator_index];
	int ret = 0;

	switch (op->kind) {
	case IR_COPY:
		ret = move_copy(builder, operator_index);
		break;
	case IR_RESHAPE:
		ret = view_output(builder, operator_index, op->outputs[0], narrow_reshape, 0);
		break;
	case IR_SLICE:
		ret = view_output(builder, operator_index, op->outputs[0], narrow_slice, 0);
		break;
	case IR_TRANSPOSE:
		ret = view_output(builder, operator_index, op->outputs[0], narrow_transpose, 0);
		break;
	case IR_SPACE_TO_DEPTH:
	case IR_DEPTH_TO_SPACE:
		ret = view_output(builder, operator_index, op->outputs[0], narrow_blocks, 0);
		break;
	case IR_BROADCAST_TO:
	case IR_TILE:
		ret = view_output(builder, operator_index, op->outputs[0], narrow_repeat, 0);
		break;
	case IR_MIRROR_PAD:
		return move_mirror(builder, operator_index);
	case IR_DYNAMIC_UPDATE_SLICE:
		ret = move_update(builder, operator_index);
		break;
	case IR_SPLIT:
		for (unsigned int o = 0; o < op->output_count && !ret; o++)
			ret = view_output(builder, operator_index, op->outputs[o], narrow_split, o);
		break;
	case IR_PAD:
		return move_pad(builder, operator_index);
	default:
		return move_concatenation(builder, operator_index);
	}
	return ret ? ret : put_outputs(builder, operator_index);
}
