// SPDX-License-Identifier: MIT
/* Operators along whole dimensions: means and extremes. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

/* Sums of so many bytes stay within 32 bits. */
#define COUNT_MAX (1u << 23)

struct reduction {
	/* Bits of ONNX's dimensions. */
	uint32_t axes;
	bool keep;
	uint64_t count;
};

static int read_axes(struct onnx *o, const struct onnx_value *x, struct reduction *r)
{
	int64_t axes[IR_RANK_MAX];
	unsigned int count, dimension;
	int ret = onnx_list(o, 1, onnx_attribute(o, "axes") ? "axes" : NULL, IR_RANK_MAX, axes,
			    &count);

	if (ret)
		return ret;
	r->keep = onnx_attribute_int(o, "keepdims", 1);
	for (unsigned int i = 0; i < count; i++) {
		ret = onnx_axis(o, axes[i], x->rank, &dimension);
		if (ret)
			return ret;
		r->axes |= 1u << dimension;
	}
	if (!count && !onnx_attribute_int(o, "noop_with_empty_axes", 0))
		r->axes = (1u << x->rank) - 1;
	return 0;
}

/* Without its reduced dimensions the stored order must be ONNX's. */
static bool keeps_order(const struct onnx_value *x, const struct reduction *r)
{
	unsigned int place = 0;

	for (unsigned int d = 0; d < x->rank; d++) {
		unsigned int at = onnx_layout_dimension(x, ONNX_CHANNELS_LAST, d);

		if (r->axes & 1u << d)
			continue;
		if (at < place)
			return false;
		place = at;
	}
	return true;
}

static int define_reduced(struct onnx *o, const struct onnx_value *x, struct reduction *r,
			  struct onnx_value *y)
{
	int32_t shape[IR_RANK_MAX];
	unsigned int rank = 0;

	r->count = 1;
	for (unsigned int d = 0; d < x->rank; d++) {
		if (r->axes & 1u << d) {
			r->count *= (uint64_t)x->shape[d];
			if (!r->keep)
				continue;
		}
		shape[rank++] = r->axes & 1u << d ? 1 : x->shape[d];
	}
	return onnx_define(o, y, x->type, rank, shape);
}

/* Emits the operator of `kind` from x to y; its numbers are the caller's. */
static int emit_reduction(struct onnx *o, enum ir_kind kind, const struct reduction *r,
			  struct onnx_value *x, struct onnx_value *y, struct ir_operator **op,
			  uint32_t *axes)
{
	enum onnx_layout layout = onnx_layout_of(x), target;
	int from, to, ret;

	if (layout == ONNX_FLATTENED ||
	    (layout == ONNX_CHANNELS_LAST && !r->keep && !keeps_order(x, r)))
		layout = ONNX_PLAIN;
	target = r->keep ? layout : ONNX_PLAIN;
	*axes = 0;
	for (unsigned int d = 0; d < x->rank; d++)
		if (r->axes & 1u << d)
			*axes |= 1u << onnx_layout_dimension(x, layout, d);
	ret = onnx_tensor(o, x, layout, &from);
	if (!ret)
		ret = onnx_tensor_new(o, y, target, &to);
	if (ret)
		return ret;
	*op = onnx_emit(o, kind, 1, &from, to);
	return *op ? 0 : onnx_failed(o);
}

static int emit_integer_mean(struct onnx *o, const struct reduction *r, struct onnx_value *x,
			     struct onnx_affine affine, double divisor,
			     const struct onnx_frame *frame)
{
	struct ir_operator *op;
	uint32_t axes;
	int ret = emit_reduction(o, IR_MEAN, r, x, frame->result, &op, &axes);

	if (ret)
		return ret;
	op->axes = axes;
	onnx_frame_numbers(op, affine, frame);
	ret = onnx_one_factor(o, op, (double)affine.scale /
			      (divisor * (double)frame->affine.scale));
	return ret ? ret : onnx_tensor_quantise(o, frame->result, frame->affine);
}

/* No numbers but the axes: of floats, or extremes of anything. */
static int emit_plain(struct onnx *o, const struct reduction *r, struct onnx_value *x,
			   struct onnx_value *y, enum ir_kind kind)
{
	struct ir_operator *op;
	uint32_t axes;
	int ret = emit_reduction(o, kind, r, x, y, &op, &axes);

	if (ret)
		return ret;
	op->axes = axes;
	op->rounding = IR_ROUNDING_NONE;
	return 0;
}

struct onnx_value *onnx_float_mean(struct onnx *o, struct onnx_value *x, uint32_t axes)
{
	struct onnx_value *mean = onnx_value_new(o, x->name, IR_FLOAT32, x->rank, x->shape);
	struct reduction r = { .axes = axes, .keep = true };

	if (!mean || define_reduced(o, x, &r, mean))
		return NULL;
	return emit_plain(o, &r, x, mean, IR_MEAN) ? NULL : mean;
}

bool onnx_is_mean_of_rows(struct onnx *o, const struct onnx_value *x)
{
	struct reduction r = { .keep = true };

	return x->rank && !strcmp(o->node->proto->op_type, "ReduceMean") && !read_axes(o, x, &r) &&
	       r.keep && r.axes == 1u << (x->rank - 1);
}

/* ReduceMean, ReduceSum, ReduceMax, ReduceMin and GlobalAveragePool. */
int onnx_reduce(struct onnx *o)
{
	const char *type = o->node->proto->op_type;
	bool sum = !strcmp(type, "ReduceSum"), most = !strcmp(type, "ReduceMax");
	bool extreme = most || !strcmp(type, "ReduceMin");
	struct onnx_value *x, *y, *stored;
	struct reduction r = { .keep = true };
	struct onnx_affine affine;
	struct onnx_frame frame;
	int ret = onnx_check_counts(o, 1, 2);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (!strcmp(type, "GlobalAveragePool"))
		r.axes = ((1u << x->rank) - 1) & ~3u;
	else
		ret = read_axes(o, x, &r);
	if (!ret)
		ret = onnx_check_floats(o, x);
	if (!ret)
		ret = define_reduced(o, x, &r, y);
	if (ret)
		return ret;
	if (!r.axes) {
		onnx_alias(y, x);
		return onnx_removed(o, o->node, "reduces nothing");
	}
	if (extreme && onnx_stored(x, &affine)) {
		stored = onnx_stored_like(o, y, x);
		ret = stored ? emit_plain(o, &r, x->stored, stored, most ? IR_REDUCE_MAX :
					       IR_REDUCE_MIN) : onnx_failed(o);
		return ret ? ret : onnx_store(o, y, stored, affine);
	}
	if (!extreme && onnx_stored(x, &affine) && r.count <= COUNT_MAX &&
	    onnx_frame_find(o, y, &frame)) {
		ret = onnx_frame_take(o, &frame, y);
		return ret ? ret : emit_integer_mean(o, &r, x->stored, affine,
						     sum ? 1 : (double)r.count, &frame);
	}
	return emit_plain(o, &r, x, y, sum ? IR_SUM : most ? IR_REDUCE_MAX :
			       extreme ? IR_REDUCE_MIN : IR_MEAN);
}

/* The place of the first extreme along an axis, which the integers show as well. */
int onnx_arg_extreme(struct onnx *o)
{
	bool most = !strcmp(o->node->proto->op_type, "ArgMax");
	struct reduction r = { .keep = onnx_attribute_int(o, "keepdims", 1) };
	struct onnx_affine affine;
	struct onnx_value *x, *y;
	struct ir_operator *op;
	unsigned int axis;
	uint32_t axes;
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	ret = onnx_axis(o, onnx_attribute_int(o, "axis", 0), x->rank, &axis);
	if (!ret && (onnx_attribute_int(o, "select_last_index", 0) || x->type == IR_INT64 ||
		     x->type == IR_BOOL))
		ret = onnx_fail(o, x, -ENOTSUP, "select_last_index, or type %s",
				ir_type_name(x->type));
	if (ret)
		return ret;
	r.axes = 1u << axis;
	ret = define_reduced(o, x, &r, y);
	if (ret)
		return ret;
	y->type = IR_INT64;
	ret = emit_reduction(o, most ? IR_ARG_MAX : IR_ARG_MIN, &r,
			     onnx_stored(x, &affine) ? x->stored : x, y, &op, &axes);
	if (!ret)
		ret = resolve_portable(o->graph, op, most ? KESTREL_GRAPH_ARG_MAX :
				       KESTREL_GRAPH_ARG_MIN, 0);
	while (!ret && !(axes >> op->portable->attributes.axis.axis & 1))
		op->portable->attributes.axis.axis++;
	return ret;
}
