// SPDX-License-Identifier: MIT
/*
 * Operators that move elements. Of constants they are done here; of dequantised
 * values they move the integers; and what only reshapes costs nothing.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

/* Elements of a constant by strides, the output's dimensions outermost first. */
struct walk {
	unsigned int rank;
	int32_t counts[IR_RANK_MAX];
	int64_t strides[IR_RANK_MAX];
	int64_t first;
};

static uint8_t *walk_copy(struct onnx *o, const struct onnx_value *value, const struct walk *walk)
{
	uint64_t bytes = ir_type_bytes(value->type), count = 1;
	int32_t position[IR_RANK_MAX] = { 0 };
	int64_t from = walk->first;
	uint8_t *data;

	for (unsigned int d = 0; d < walk->rank; d++)
		count *= (uint64_t)walk->counts[d];
	data = onnx_alloc(o, count, bytes);
	for (uint64_t i = 0; data && i < count; i++) {
		memcpy(data + i * bytes, value->data + (uint64_t)from * bytes, bytes);
		for (unsigned int d = walk->rank; d-- > 0;) {
			from += walk->strides[d];
			if (++position[d] < walk->counts[d])
				break;
			from -= walk->strides[d] * walk->counts[d];
			position[d] = 0;
		}
	}
	return data;
}

static void plain_strides(const struct onnx_value *value, int64_t *strides)
{
	int64_t step = 1;

	for (unsigned int d = value->rank; d-- > 0;) {
		strides[d] = step;
		step *= value->shape[d];
	}
}

bool onnx_moves_stored(const struct onnx_value *value)
{
	bool held = false;

	for (unsigned int i = 0; i < ONNX_LAYOUTS; i++)
		held |= value->tensors[i] >= 0;
	return value->stored && (value->function || value->scale_count == 1) &&
	       !(held && !value->stored->data);
}

void onnx_take_meaning(struct onnx_value *to, const struct onnx_value *from,
		       struct onnx_value *stored)
{
	to->stored = stored;
	to->function = from->function;
	to->scale_count = from->scale_count;
	to->scales = from->scales;
	to->zero_points = from->zero_points;
	to->axis = from->axis;
}

void onnx_copy_quantisation(struct onnx *o, int from, int to)
{
	struct ir_tensor *tensors = o->graph->tensors;

	tensors[to].scale_count = tensors[from].scale_count;
	tensors[to].scales = tensors[from].scales;
	tensors[to].zero_points = tensors[from].zero_points;
}

static int emit_portable(struct onnx *o, enum ir_kind kind, uint32_t opcode, int from, int to,
			 struct ir_operator **op)
{
	onnx_copy_quantisation(o, from, to);
	*op = onnx_emit(o, kind, 1, &from, to);
	if (!*op)
		return onnx_failed(o);
	return resolve_portable(o->graph, *op, opcode, 0);
}

/* The layouts between which a reshape moves no byte, and what a flattened map was. */
static void reshape_layouts(const struct onnx_value *from, struct onnx_value *to,
			    enum onnx_layout *source, enum onnx_layout *target)
{
	enum onnx_layout layout = onnx_layout_of(from);
	bool keeps = from->rank > 1 && to->rank > 1 && from->shape[0] == to->shape[0];
	int32_t channels;
	uint64_t pixels;

	onnx_take_map(to, from);
	channels = layout == ONNX_FLATTENED ? to->map_channels :
		   from->rank > 1 ? from->shape[1] : 1;
	pixels = from->rank ? from->elements / (uint64_t)from->shape[0] / (uint64_t)channels : 1;
	*source = *target = ONNX_PLAIN;
	if (layout == ONNX_PLAIN || !keeps)
		return;
	if ((to->rank == 3 || to->rank == 4) && to->shape[1] == channels) {
		*source = layout;
		*target = ONNX_CHANNELS_LAST;
	} else if (to->rank == 2 && channels > 1 && pixels > 1) {
		*source = layout;
		*target = ONNX_FLATTENED;
		to->map_channels = channels;
		to->map_pixels = (int32_t)pixels;
	}
}

static int emit_reshape(struct onnx *o, struct onnx_value *from, struct onnx_value *to)
{
	enum onnx_layout source, target;
	int a, b, ret;

	reshape_layouts(from, to, &source, &target);
	ret = onnx_tensor(o, from, source, &a);
	if (!ret)
		ret = onnx_tensor_new(o, to, target, &b);
	if (ret)
		return ret;
	onnx_copy_quantisation(o, a, b);
	return onnx_emit(o, IR_RESHAPE, 1, &a, b) ? 0 : onnx_failed(o);
}

struct onnx_value *onnx_reshaped(struct onnx *o, struct onnx_value *value, const char *name,
				 unsigned int rank, const int32_t *shape)
{
	struct onnx_value *made, *stored;

	if (rank == value->rank && !memcmp(shape, value->shape, rank * sizeof(*shape)))
		return value;
	made = onnx_value_new(o, name, value->type, rank, shape);
	if (!made)
		return NULL;
	if (made->elements != value->elements) {
		onnx_fail(o, value, -EINVAL, "has %llu elements, %llu are needed",
			  (unsigned long long)value->elements, (unsigned long long)made->elements);
		return NULL;
	}
	if (onnx_moves_stored(value)) {
		stored = onnx_reshaped(o, value->stored, name, rank, shape);
		if (!stored)
			return NULL;
		onnx_take_meaning(made, value, stored);
		return made;
	}
	if (onnx_is_constant(value)) {
		made->data = value->data ? value->data : (const uint8_t *)onnx_floats(o, value);
		return made->data ? made : NULL;
	}
	return emit_reshape(o, value, made) ? NULL : made;
}

static int reshape_shape(struct onnx *o, const struct onnx_value *x, int32_t *shape,
			 unsigned int *rank)
{
	bool zero_means_zero = onnx_attribute_int(o, "allowzero", 0);
	int64_t sizes[IR_RANK_MAX];
	uint64_t known = 1;
	int unknown = -1, ret = onnx_list(o, 1, NULL, IR_RANK_MAX, sizes, rank);

	for (unsigned int d = 0; d < *rank && !ret; d++) {
		if (!sizes[d] && !zero_means_zero && d < x->rank)
			sizes[d] = x->shape[d];
		if (sizes[d] == -1 && unknown < 0) {
			unknown = (int)d;
			continue;
		}
		if (sizes[d] < 1 || sizes[d] > INT32_MAX || known > UINT32_MAX)
			return onnx_fail(o, x, -EINVAL, "shape has %lld as dimension %u",
					 (long long)sizes[d], d);
		known *= (uint64_t)sizes[d];
	}
	if (!ret && unknown >= 0)
		sizes[unknown] = (int64_t)(x->elements / known);
	for (unsigned int d = 0; d < *rank && !ret; d++)
		shape[d] = (int32_t)sizes[d];
	return ret;
}

static int squeeze_shape(struct onnx *o, const struct onnx_value *x, int32_t *shape,
			 unsigned int *rank)
{
	bool unsqueeze = !strcmp(o->node->proto->op_type, "Unsqueeze");
	int64_t axes[IR_RANK_MAX];
	unsigned int count, dimension, from = 0;
	uint32_t named = 0;
	int ret = onnx_list(o, 1, onnx_attribute(o, "axes") ? "axes" : NULL, IR_RANK_MAX, axes,
			    &count);

	*rank = 0;
	if (!ret && unsqueeze && x->rank + count > IR_RANK_MAX)
		ret = onnx_fail(o, x, -ENOTSUP, "more than %d dimensions", IR_RANK_MAX);
	for (unsigned int i = 0; i < count && !ret; i++) {
		ret = onnx_axis(o, axes[i], x->rank + (unsqueeze ? count : 0), &dimension);
		named |= ret ? 0 : 1u << dimension;
	}
	if (ret)
		return ret;
	for (unsigned int d = 0; unsqueeze && d < x->rank + count; d++) {
		if (!(named & 1u << d) && from == x->rank)
			return onnx_fail(o, x, -EINVAL, "an axis is named twice");
		shape[(*rank)++] = named & 1u << d ? 1 : x->shape[from++];
	}
	for (unsigned int d = 0; !unsqueeze && d < x->rank; d++) {
		if (named & 1u << d && x->shape[d] != 1)
			return onnx_fail(o, x, -EINVAL, "dimension %u is not 1", d);
		if (!(named & 1u << d) && (count || x->shape[d] != 1))
			shape[(*rank)++] = x->shape[d];
	}
	return 0;
}

/* Reshape, Flatten, Squeeze and Unsqueeze. */
int onnx_reshape(struct onnx *o)
{
	const char *type = o->node->proto->op_type;
	int32_t shape[IR_RANK_MAX] = { 1, 1 };
	struct onnx_value *x, *y, *made;
	unsigned int rank = 2, axis;
	unsigned int operators = o->graph->operator_count;
	int ret = onnx_check_counts(o, 1, 2);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (!strcmp(type, "Reshape")) {
		if (!onnx_input(o, 1))
			return onnx_fail(o, x, -EINVAL, "the shape is missing");
		ret = reshape_shape(o, x, shape, &rank);
	} else if (strcmp(type, "Flatten")) {
		ret = squeeze_shape(o, x, shape, &rank);
	} else {
		int64_t given = onnx_attribute_int(o, "axis", 1);

		axis = x->rank;
		if (given != (int64_t)x->rank)
			ret = onnx_axis(o, given, x->rank, &axis);
		for (unsigned int d = 0; d < x->rank && !ret; d++)
			shape[d >= axis] *= x->shape[d];
	}
	if (ret)
		return ret;
	made = onnx_reshaped(o, x, y->name, rank, shape);
	if (!made)
		return onnx_failed(o);
	onnx_alias(y, made);
	return operators < o->graph->operator_count ? 0 :
	       onnx_removed(o, o->node, "the same elements under another shape");
}

/* The order in which ONNX's dimensions of `value` lie in a layout, without sizes of 1. */
static unsigned int stored_order(const struct onnx_value *value, enum onnx_layout layout,
				 unsigned int *order)
{
	unsigned int at[IR_RANK_MAX + 1], count = 0;

	for (unsigned int i = 0; i < IR_RANK_MAX + 1; i++)
		at[i] = IR_RANK_MAX;
	for (unsigned int d = 0; d < value->rank; d++)
		at[onnx_layout_dimension(value, layout, d)] = d;
	for (unsigned int i = 0; i < IR_RANK_MAX; i++)
		if (at[i] < IR_RANK_MAX && value->shape[at[i]] > 1)
			order[count++] = at[i];
	return count;
}

/* How the elements of one stored order come into another, without sizes of 1. */
struct order {
	unsigned int count;
	unsigned int places[IR_RANK_MAX];
	int32_t shapes[2][IR_RANK_MAX];
	bool same;
};

/*
 * From the order of `x` in `source` to that of `y` in `target`, y's dimension d
 * being x's permutation[d].
 */
static struct order order_between(const struct onnx_value *x, enum onnx_layout source,
				  const struct onnx_value *y, enum onnx_layout target,
				  const unsigned int *permutation)
{
	unsigned int from[IR_RANK_MAX], to[IR_RANK_MAX];
	struct order order = { .count = stored_order(x, source, from), .same = true };

	stored_order(y, target, to);
	for (unsigned int i = 0; i < order.count; i++) {
		while (from[order.places[i]] != permutation[to[i]])
			order.places[i]++;
		order.same &= order.places[i] == i;
		order.shapes[0][i] = x->shape[from[i]];
		order.shapes[1][i] = y->shape[to[i]];
	}
	return order;
}

static int emit_order(struct onnx *o, struct onnx_value *x, enum onnx_layout source,
		      struct onnx_value *y, enum onnx_layout target, const struct order *order)
{
	struct ir_operator *op;
	int a, b, tensors[2], ret;

	ret = onnx_tensor(o, x, source, &a);
	if (!ret)
		ret = onnx_tensor_new(o, y, target, &b);
	if (ret)
		return ret;
	onnx_copy_quantisation(o, a, b);
	if (order->same)
		return onnx_emit(o, IR_RESHAPE, 1, &a, b) ? 0 : onnx_failed(o);
	for (unsigned int i = 0; i < 2 && !ret; i++)
		ret = onnx_tensor_raw(o, y->name, y->type, order->count, order->shapes[i], NULL,
				      &tensors[i]);
	if (ret)
		return ret;
	onnx_copy_quantisation(o, a, tensors[0]);
	if (!onnx_emit(o, IR_RESHAPE, 1, &a, tensors[0]))
		return onnx_failed(o);
	ret = emit_portable(o, IR_TRANSPOSE, KESTREL_GRAPH_TRANSPOSE, tensors[0], tensors[1], &op);
	if (ret)
		return ret;
	memcpy(op->portable->attributes.transpose.permutation, order->places,
	       order->count * sizeof(order->places[0]));
	return onnx_emit(o, IR_RESHAPE, 1, &tensors[1], b) ? 0 : onnx_failed(o);
}

/* In the layouts in which nothing has to be moved, else to the plain one. */
static int emit_transpose(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
			  const unsigned int *permutation)
{
	bool channels = y->rank == 3 || y->rank == 4;
	enum onnx_layout source = onnx_layout_of(x) == ONNX_CHANNELS_LAST ? ONNX_CHANNELS_LAST :
									    ONNX_PLAIN;
	struct order order;

	for (unsigned int s = ONNX_PLAIN; s <= ONNX_CHANNELS_LAST; s++)
		for (unsigned int t = ONNX_PLAIN; t <= (channels ? ONNX_CHANNELS_LAST : ONNX_PLAIN);
		     t++) {
			if (x->tensors[s] < 0)
				continue;
			order = order_between(x, s, y, t, permutation);
			if (order.same)
				return emit_order(o, x, s, y, t, &order);
		}
	order = order_between(x, source, y, ONNX_PLAIN, permutation);
	return emit_order(o, x, source, y, ONNX_PLAIN, &order);
}

struct onnx_value *onnx_transposed(struct onnx *o, struct onnx_value *x, const char *name,
				   const unsigned int *permutation)
{
	struct walk walk = { .rank = x->rank };
	int64_t strides[IR_RANK_MAX];
	struct onnx_value *y, *stored;

	for (unsigned int d = 0; d < x->rank; d++)
		walk.counts[d] = x->shape[permutation[d]];
	y = onnx_value_new(o, name, x->type, x->rank, walk.counts);
	if (!y)
		return NULL;
	/* A scale a channel stays with its dimension. */
	if (onnx_moves_stored(x) || (x->stored && x->stored->data)) {
		stored = onnx_transposed(o, x->stored, name, permutation);
		if (!stored)
			return NULL;
		onnx_take_meaning(y, x, stored);
		for (unsigned int d = 0; d < x->rank; d++)
			if (permutation[d] == x->axis)
				y->axis = d;
		return y;
	}
	if (!x->data)
		return emit_transpose(o, x, y, permutation) ? NULL : y;
	plain_strides(x, strides);
	for (unsigned int d = 0; d < x->rank; d++)
		walk.strides[d] = strides[permutation[d]];
	y->data = walk_copy(o, x, &walk);
	return y->data ? y : NULL;
}

int onnx_transpose(struct onnx *o)
{
	unsigned int permutation[IR_RANK_MAX], seen = 0;
	const Onnx__Attribute *given = onnx_attribute(o, "perm");
	unsigned int operators = o->graph->operator_count;
	struct onnx_value *x, *made;
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	if (given && given->n_ints != x->rank)
		return onnx_fail(o, x, -EINVAL, "perm has %zu entries", given->n_ints);
	for (unsigned int d = 0; d < x->rank; d++) {
		permutation[d] = x->rank - 1 - d;
		if (given)
			ret = onnx_axis(o, given->ints[d], x->rank, &permutation[d]);
		if (ret)
			return ret;
		seen |= 1u << permutation[d];
	}
	if (seen != (1u << x->rank) - 1)
		return onnx_fail(o, x, -EINVAL, "perm names a dimension twice");
	made = onnx_transposed(o, x, o->node->outputs[0]->name, permutation);
	if (!made)
		return onnx_failed(o);
	onnx_alias(o->node->outputs[0], made);
	return operators < o->graph->operator_count ? 0 :
	       onnx_removed(o, o->node, "a constant, or the order in which it lies already");
}

static int emit_slice(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
		      const struct onnx_slice *slice)
{
	enum onnx_layout layout = onnx_layout_of(x);
	struct kestrel_graph_slice *attributes;
	struct ir_operator *op;
	int from, to, ret;

	if (layout == ONNX_FLATTENED)
		layout = ONNX_PLAIN;
	ret = onnx_tensor(o, x, layout, &from);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (!ret)
		ret = emit_portable(o, IR_SLICE, KESTREL_GRAPH_SLICE, from, to, &op);
	if (ret)
		return ret;
	attributes = &op->portable->attributes.slice;
	for (unsigned int d = 0; d < o->graph->tensors[from].rank; d++) {
		attributes->stride[d] = 1;
		attributes->count[d] = 1;
	}
	for (unsigned int d = 0; d < x->rank; d++) {
		unsigned int at = onnx_layout_dimension(x, layout, d);

		attributes->begin[at] = (uint32_t)slice->begin[d];
		attributes->stride[at] = slice->stride[d];
		attributes->count[at] = (uint32_t)slice->count[d];
	}
	return 0;
}

struct onnx_value *onnx_sliced(struct onnx *o, struct onnx_value *x, const char *name,
			       const struct onnx_slice *slice)
{
	struct walk walk = { .rank = x->rank };
	struct onnx_value *y, *stored;
	int64_t strides[IR_RANK_MAX];

	y = onnx_value_new(o, name, x->type, x->rank, slice->count);
	if (!y)
		return NULL;
	if (onnx_moves_stored(x)) {
		stored = onnx_sliced(o, x->stored, name, slice);
		if (!stored)
			return NULL;
		onnx_take_meaning(y, x, stored);
		return y;
	}
	if (!onnx_is_constant(x))
		return emit_slice(o, x, y, slice) ? NULL : y;
	if (!x->data && !onnx_floats(o, x))
		return NULL;
	plain_strides(x, strides);
	for (unsigned int d = 0; d < x->rank; d++) {
		walk.counts[d] = slice->count[d];
		walk.strides[d] = strides[d] * slice->stride[d];
		walk.first += strides[d] * slice->begin[d];
	}
	y->data = walk_copy(o, x, &walk);
	return y->data ? y : NULL;
}

struct onnx_slice onnx_whole(const struct onnx_value *x)
{
	struct onnx_slice slice = { .begin = { 0 } };

	for (unsigned int d = 0; d < x->rank; d++) {
		slice.stride[d] = 1;
		slice.count[d] = x->shape[d];
	}
	return slice;
}

struct onnx_value *onnx_part(struct onnx *o, struct onnx_value *x, unsigned int dimension,
			     int32_t begin, int32_t count)
{
	struct onnx_slice slice = onnx_whole(x);

	slice.begin[dimension] = begin;
	slice.count[dimension] = count;
	return onnx_sliced(o, x, x->name, &slice);
}

/* Takes a part of the input for the node's output number `index`. */
static int take_slice(struct onnx *o, struct onnx_value *x, unsigned int index,
		      const struct onnx_slice *slice)
{
	unsigned int operators = o->graph->operator_count;
	struct onnx_value *made = onnx_sliced(o, x, o->node->outputs[index]->name, slice);

	if (!made)
		return onnx_failed(o);
	onnx_alias(o->node->outputs[index], made);
	return operators < o->graph->operator_count ? 0 :
	       onnx_removed(o, o->node, "a constant");
}

static int64_t limited(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

int onnx_slice(struct onnx *o)
{
	int64_t starts[IR_RANK_MAX], ends[IR_RANK_MAX], axes[IR_RANK_MAX], steps[IR_RANK_MAX];
	unsigned int count, end_count, axis_count, step_count, d;
	const bool old = o->opset < 10;
	struct onnx_slice slice;
	struct onnx_value *x;
	int ret = onnx_check_counts(o, old ? 1 : 3, 5);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	ret = onnx_list(o, 1, old ? "starts" : NULL, IR_RANK_MAX, starts, &count);
	if (!ret)
		ret = onnx_list(o, 2, old ? "ends" : NULL, IR_RANK_MAX, ends, &end_count);
	if (!ret)
		ret = onnx_list(o, 3, old ? "axes" : NULL, IR_RANK_MAX, axes, &axis_count);
	if (!ret)
		ret = onnx_list(o, 4, NULL, IR_RANK_MAX, steps, &step_count);
	if (ret)
		return ret;
	if (end_count != count || (axis_count && axis_count != count) ||
	    (step_count && step_count != count) || count > x->rank)
		return onnx_fail(o, x, -EINVAL, "%u starts, %u ends, %u axes, %u steps", count,
				 end_count, axis_count, step_count);
	slice = onnx_whole(x);
	for (unsigned int i = 0; i < count; i++) {
		int64_t step = step_count ? steps[i] : 1, size, span;

		ret = onnx_axis(o, axis_count ? axes[i] : (int64_t)i, x->rank, &d);
		if (ret)
			return ret;
		size = x->shape[d];
		if (!step || step < -size)
			step = step ? -size : 0;
		if (step > size)
			step = size;
		if (starts[i] < 0)
			starts[i] += starts[i] < -size ? -starts[i] : size;
		/* INT64_MIN, and what lies before the first element, means its front. */
		if (ends[i] < 0)
			ends[i] = ends[i] < -size ? -1 : ends[i] + size;
		else
			ends[i] = limited(ends[i], 0, size);
		starts[i] = limited(starts[i], 0, step > 0 ? size : size - 1);
		if (step > 0 && ends[i] < 0)
			ends[i] = 0;
		span = step > 0 ? ends[i] - starts[i] : starts[i] - ends[i];
		if (!step || span < 1)
			return onnx_fail(o, x, -ENOTSUP, "takes nothing of dimension %u", d);
		slice.begin[d] = (int32_t)starts[i];
		slice.stride[d] = (int32_t)step;
		slice.count[d] = (int32_t)((span + (step > 0 ? step : -step) - 1) /
					   (step > 0 ? step : -step));
	}
	return take_slice(o, x, 0, &slice);
}

int onnx_split(struct onnx *o)
{
	struct onnx_node *node = o->node;
	struct onnx_value *x = onnx_input(o, 0), *sizes = onnx_input(o, 1);
	const Onnx__Attribute *attribute = onnx_attribute(o, "split");
	unsigned int axis, count = node->output_count;
	int64_t begin = 0, size;
	struct onnx_slice slice;
	int ret;

	if (!x || !count || node->input_count > 2)
		return onnx_fail(o, x, -EINVAL, "%u inputs and %u outputs", node->input_count,
				 count);
	ret = onnx_axis(o, onnx_attribute_int(o, "axis", 0), x->rank, &axis);
	if (ret)
		return ret;
	if ((attribute && attribute->n_ints != count) ||
	    (sizes && (!sizes->data || sizes->type != IR_INT64 || sizes->elements != count)))
		return onnx_fail(o, x, -ENOTSUP, "needs %u constant sizes, one an output", count);
	slice = onnx_whole(x);
	for (unsigned int i = 0; i < count && !ret; i++) {
		size = (x->shape[axis] + (int64_t)count - 1) / (int64_t)count;
		if (size > x->shape[axis] - begin)
			size = x->shape[axis] - begin;
		if (sizes)
			memcpy(&size, sizes->data + 8 * (size_t)i, sizeof(size));
		else if (attribute)
			size = attribute->ints[i];
		if (size < 1 || size > x->shape[axis] - begin)
			return onnx_fail(o, x, -EINVAL, "part %u has %lld of dimension %u", i,
					 (long long)size, axis);
		slice.begin[axis] = (int32_t)begin;
		slice.count[axis] = (int32_t)size;
		begin += size;
		if (node->outputs[i])
			ret = take_slice(o, x, i, &slice);
	}
	return ret;
}

int onnx_identity(struct onnx *o)
{
	struct onnx_value *x;
	int ret = onnx_check_counts(o, 1, 3);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	if (onnx_attribute_int(o, "training_mode", 0))
		return onnx_fail(o, x, -ENOTSUP, "a model for training");
	onnx_alias(o->node->outputs[0], x);
	return onnx_removed(o, o->node, "does nothing");
}
