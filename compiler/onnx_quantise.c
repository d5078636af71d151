// SPDX-License-Identifier: MIT
/* QuantizeLinear and DequantizeLinear, and what stands between them. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

static bool is_byte(enum ir_type type)
{
	return type == IR_INT8 || type == IR_UINT8;
}

struct ir_scale onnx_factor(double factor)
{
	return (struct ir_scale){ .multiplier = (int32_t)resolve_float_bits((float)factor) };
}

int32_t onnx_quantise(float real, struct onnx_affine affine, enum ir_type type)
{
	float quotient = rintf(real / affine.scale);
	int32_t low, high;
	int64_t value;

	ir_type_range(type, &low, &high);
	/* Not a number: the low end, as the processor's QUANTIZE has it. */
	if (!(quotient > -1e6f))
		return low;
	if (quotient > 1e6f)
		return high;
	value = (int64_t)quotient + affine.zero_point;
	return (int32_t)(value < low ? low : value > high ? high : value);
}

static int check_scales(struct onnx *o, const struct onnx_value *scales, const float *numbers)
{
	if (!numbers || scales->type != IR_FLOAT32)
		return onnx_fail(o, scales, -ENOTSUP, "the scale must be a constant of floats");
	for (uint64_t i = 0; i < scales->elements; i++)
		if (!(numbers[i] > 0) || !isfinite(numbers[i]))
			return onnx_fail(o, scales, -EINVAL, "scale %g is not positive",
					 (double)numbers[i]);
	return 0;
}

int onnx_affine(struct onnx *o, unsigned int scale, unsigned int zero_point,
		struct onnx_affine *affine, enum ir_type *type)
{
	const struct onnx_value *s = onnx_input(o, scale), *z = onnx_input(o, zero_point);
	int ret;

	if (!s)
		return onnx_fail(o, NULL, -EINVAL, "input %u, a scale, is missing", scale);
	ret = check_scales(o, s, (const float *)(const void *)s->data);
	if (ret)
		return ret;
	if (s->elements != 1)
		return onnx_fail(o, s, -ENOTSUP,
				 "one scale is supported here: quantise activations per tensor");
	if (z && (!z->data || z->elements != 1))
		return onnx_fail(o, z, -ENOTSUP, "the zero point must be one constant");
	*type = z ? z->type : IR_UINT8;
	if (!is_byte(*type) && *type != IR_INT16)
		return onnx_fail(o, z, -ENOTSUP,
				 "type %s, only int8, uint8 and int16 are supported here",
				 ir_type_name(*type));
	memcpy(&affine->scale, s->data, sizeof(affine->scale));
	affine->zero_point = z ? (int32_t)onnx_integer(z, 0) : 0;
	return 0;
}

/* Scales and zero points of the current node, one or one along its axis. */
static int read_parameters(struct onnx *o, const struct onnx_value *x, struct onnx_value *to,
			   enum ir_type *type)
{
	const struct onnx_value *s = onnx_input(o, 1), *z = onnx_input(o, 2);
	int32_t *zero_points;
	int ret = check_scales(o, s, (const float *)(const void *)s->data);

	if (ret)
		return ret;
	if (onnx_attribute_int(o, "block_size", 0))
		return onnx_fail(o, NULL, -ENOTSUP,
				 "blocked quantisation; quantise per tensor or per channel");
	if (z && (!z->data || z->elements != s->elements || !ir_type_bytes(z->type) ||
		  z->type == IR_FLOAT32 || z->type == IR_INT64 || z->type == IR_BOOL))
		return onnx_fail(o, z, -ENOTSUP,
				 "the zero points must be constant integers, as many as scales");
	if (z)
		*type = z->type;
	if (s->elements > 1) {
		ret = onnx_axis(o, onnx_attribute_int(o, "axis", 1), x->rank, &to->axis);
		if (!ret && s->elements != (uint64_t)x->shape[to->axis])
			ret = onnx_fail(o, s, -EINVAL, "dimension %u of \"%.80s\" is %d", to->axis,
					x->name, x->shape[to->axis]);
		if (ret)
			return ret;
	}
	zero_points = onnx_alloc(o, s->elements, sizeof(*zero_points));
	if (!zero_points)
		return onnx_failed(o);
	for (uint64_t i = 0; i < s->elements && z; i++)
		zero_points[i] = (int32_t)onnx_integer(z, i);
	to->scale_count = (uint32_t)s->elements;
	to->scales = (const float *)(const void *)s->data;
	to->zero_points = zero_points;
	return 0;
}

/* The float of every byte. */
static int make_function(struct onnx *o, struct onnx_value *value)
{
	float *function;

	if (!is_byte(value->stored->type) || value->scale_count != 1)
		return 0;
	function = arena_alloc(o->arena, IR_TABLE_ENTRIES, sizeof(*function));
	if (!function)
		return onnx_memory(o);
	for (int i = 0; i < IR_TABLE_ENTRIES; i++)
		function[i] = (float)((value->stored->type == IR_INT8 ? (int8_t)i : i) -
				      value->zero_points[0]) * value->scales[0];
	value->function = function;
	return 0;
}

int onnx_store(struct onnx *o, struct onnx_value *value, struct onnx_value *stored,
	       struct onnx_affine affine)
{
	value->stored = stored;
	value->scale_count = 1;
	value->scales = arena_copy(o->arena, &affine.scale, sizeof(affine.scale));
	value->zero_points = arena_copy(o->arena, &affine.zero_point, sizeof(affine.zero_point));
	if (!value->scales || !value->zero_points)
		return onnx_memory(o);
	if (onnx_tensor_quantise(o, stored, affine))
		return onnx_failed(o);
	return make_function(o, value);
}

struct onnx_value *onnx_stored_like(struct onnx *o, const struct onnx_value *value,
				    const struct onnx_value *from)
{
	return onnx_value_new(o, value->name, from->stored->type, value->rank, value->shape);
}

void onnx_frame_numbers(struct ir_operator *op, struct onnx_affine x,
			const struct onnx_frame *frame)
{
	op->rounding = IR_ROUNDING_FLOAT;
	op->input_zero_point = x.zero_point;
	op->output_zero_point = frame->affine.zero_point;
	op->clamp_low = frame->low;
	op->clamp_high = frame->high;
}

int onnx_check_factor(struct onnx *o, double factor)
{
	if (!isfinite((float)factor))
		return onnx_fail(o, NULL, -ENOTSUP,
				 "its scales make a factor of %g, which is no float32", factor);
	return 0;
}

int onnx_one_factor(struct onnx *o, struct ir_operator *op, double factor)
{
	op->scale_count = 1;
	op->scales = arena_alloc(o->arena, 1, sizeof(*op->scales));
	if (!op->scales)
		return onnx_memory(o);
	op->scales[0] = onnx_factor(factor);
	return onnx_check_factor(o, factor);
}

int onnx_float_numbers(struct onnx *o, struct ir_operator *op)
{
	for (unsigned int i = 0; i < op->input_count; i++)
		if (op->inputs[i] >= 0 && o->graph->tensors[op->inputs[i]].type != IR_FLOAT32)
			return onnx_fail(o, NULL, -EINVAL,
					 "input %u, \"%.80s\", is of type %s: not without DequantizeLinear before it",
					 i, o->graph->tensors[op->inputs[i]].name,
					 ir_type_name(o->graph->tensors[op->inputs[i]].type));
	op->rounding = IR_ROUNDING_NONE;
	op->clamp_low = (int32_t)resolve_float_bits(-INFINITY);
	op->clamp_high = (int32_t)resolve_float_bits(INFINITY);
	return onnx_one_factor(o, op, 0);
}

bool onnx_stored(const struct onnx_value *value, struct onnx_affine *affine)
{
	if (!value->stored || value->scale_count != 1 || !is_byte(value->stored->type))
		return false;
	affine->scale = value->scales[0];
	affine->zero_point = value->zero_points[0];
	return true;
}

/*
 * A uint4 constant with its zero points in `value` becomes an int4 one, less 8 each:
 * the DMA unit makes bytes of four bits with a sign only.
 */
static struct onnx_value *signed_int4(struct onnx *o, const struct onnx_value *x,
				      struct onnx_value *value)
{
	struct onnx_value *y = onnx_value_new(o, x->name, IR_INT8, x->rank, x->shape);
	int32_t *zero_points = onnx_alloc(o, value->scale_count, sizeof(*zero_points));
	uint8_t *data = onnx_alloc(o, x->elements, 1);

	if (!y || !zero_points || !data)
		return NULL;
	for (uint32_t i = 0; i < value->scale_count; i++)
		zero_points[i] = value->zero_points[i] - 8;
	for (uint64_t i = 0; i < x->elements; i++)
		data[i] = (uint8_t)(x->data[i] - 8);
	value->zero_points = zero_points;
	y->data = data;
	return y;
}

int onnx_dequantize_linear(struct onnx *o)
{
	struct onnx_value *x, *y;
	enum ir_type type = IR_TYPE_OTHER;
	int ret = onnx_check_counts(o, 2, 3);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (!is_byte(x->type) && x->type != IR_INT16 && x->type != IR_INT32)
		return onnx_fail(o, x, -ENOTSUP,
				 "type %s, only int8, uint8, int16 and int32 are supported",
				 ir_type_name(x->type));
	if (x->type == IR_INT32 && !x->data)
		return onnx_fail(o, x, -ENOTSUP, "int32 is supported for constants only");
	ret = onnx_define(o, y, IR_FLOAT32, x->rank, x->shape);
	if (!ret)
		ret = read_parameters(o, x, y, &type);
	if (!ret && type != IR_TYPE_OTHER && type != x->type)
		ret = onnx_fail(o, x, -EINVAL, "type %s, its zero point has %s",
				ir_type_name(x->type), ir_type_name(type));
	if (ret)
		return ret;
	if (x->is_int4 && x->data && x->type == IR_UINT8) {
		x = signed_int4(o, x, y);
		if (!x)
			return onnx_failed(o);
	}
	y->stored = x;
	ret = make_function(o, y);
	if (!ret && y->scale_count == 1)
		ret = onnx_tensor_quantise(o, x, (struct onnx_affine){ y->scales[0],
								       y->zero_points[0] });
	return ret ? ret : onnx_removed(o, o->node, x->data ? "its constant is used as it is" :
					"those who read it take the integers");
}

static int quantise_constant(struct onnx *o, struct onnx_value *x, struct onnx_value *y)
{
	const float *floats = onnx_floats(o, x);
	uint8_t *bytes;
	uint64_t inner = 1;

	if (!floats)
		return onnx_failed(o);
	if (!is_byte(y->type))
		return onnx_fail(o, y, -ENOTSUP, "constants are quantised to 8 bits only");
	bytes = onnx_alloc(o, x->elements, 1);
	if (!bytes)
		return onnx_failed(o);
	for (unsigned int d = y->axis + 1; d < x->rank; d++)
		inner *= (uint64_t)x->shape[d];
	for (uint64_t i = 0; i < x->elements; i++) {
		uint64_t c = y->scale_count > 1 ? i / inner % y->scale_count : 0;

		bytes[i] = (uint8_t)onnx_quantise(floats[i], (struct onnx_affine){
						  y->scales[c], y->zero_points[c] }, y->type);
	}
	y->data = bytes;
	y->scale_count = 0;
	return onnx_removed(o, o->node, "a constant");
}

int onnx_emit_table(struct onnx *o, struct onnx_value *from, struct onnx_value *to,
		    const float *function, struct onnx_affine affine)
{
	enum onnx_layout layout = onnx_layout_of(from);
	uint8_t table[IR_TABLE_ENTRIES];
	struct ir_operator *op;
	bool same = from->type == to->type;
	int a, b, ret;

	for (int i = 0; i < IR_TABLE_ENTRIES; i++) {
		table[i] = (uint8_t)onnx_quantise(function[i], affine, to->type);
		same &= table[i] == i;
	}
	if (same) {
		onnx_alias(to, from);
		return 0;
	}
	onnx_take_map(to, from);
	ret = onnx_tensor(o, from, layout, &a);
	if (!ret)
		ret = onnx_tensor_new(o, to, layout, &b);
	if (!ret)
		ret = onnx_tensor_quantise(o, to, affine);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_TABLE, 1, &a, b);
	if (!op)
		return onnx_failed(o);
	op->table = arena_copy(o->arena, table, sizeof(table));
	return op->table ? 0 : onnx_memory(o);
}

struct onnx_value *onnx_requantised(struct onnx *o, struct onnx_value *x,
				    struct onnx_affine affine, enum ir_type type)
{
	struct onnx_value *y = onnx_value_new(o, x->name, type, x->rank, x->shape);
	const float *floats;
	uint8_t *bytes;

	if (!y)
		return NULL;
	if (!onnx_is_constant(x))
		return onnx_emit_table(o, x->stored, y, x->function, affine) ? NULL : y;
	floats = onnx_floats(o, x);
	bytes = floats ? onnx_alloc(o, x->elements, 1) : NULL;
	for (uint64_t i = 0; bytes && i < x->elements; i++)
		bytes[i] = (uint8_t)onnx_quantise(floats[i], affine, type);
	y->data = bytes;
	return bytes ? y : NULL;
}

static int emit_quantise(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
			 struct onnx_affine affine)
{
	enum onnx_layout layout = onnx_layout_of(x);
	struct kestrel_graph_quantize *quantize;
	struct ir_operator *op;
	int a, b, ret;

	onnx_take_map(y, x);
	ret = onnx_tensor(o, x, layout, &a);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &b);
	if (!ret)
		ret = onnx_tensor_quantise(o, y, affine);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_QUANTISE, 1, &a, b);
	if (!op)
		return onnx_failed(o);
	ret = resolve_portable(o->graph, op, KESTREL_GRAPH_QUANTIZE, 0);
	if (ret)
		return ret;
	quantize = &op->portable->attributes.quantize;
	quantize->scale = resolve_float_bits(affine.scale);
	quantize->zero_point = affine.zero_point;
	quantize->rounding = 1;
	ir_type_range(y->type, &quantize->minimum, &quantize->maximum);
	return 0;
}

int onnx_quantize_linear(struct onnx *o)
{
	struct onnx_value *x, *y;
	const struct onnx_value *z;
	enum ir_type type = IR_UINT8;
	struct onnx_affine affine;
	unsigned int operators = o->graph->operator_count;
	int64_t asked;
	int ret = onnx_check_counts(o, 2, 3);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	z = onnx_input(o, 2);
	asked = onnx_attribute_int(o, "output_dtype", 0);
	ret = onnx_check_floats(o, x);
	if (ret)
		return ret;
	/* In the file format UINT4 is 21, INT4 22. */
	if (asked == 21 || asked == 22 || (z && z->is_int4))
		return onnx_fail(o, y, -ENOTSUP,
				 "quantises to int4; only weights may have it, stored as integers");
	/* INT8 is 3; the default is the zero point's type. */
	if (asked == 3)
		type = IR_INT8;
	ret = read_parameters(o, x, y, &type);
	if (!ret && !is_byte(type) && type != IR_INT16)
		ret = onnx_fail(o, NULL, -ENOTSUP,
				"quantises to %s, only int8, uint8 and int16 are supported",
				ir_type_name(type));
	if (!ret)
		ret = onnx_define(o, y, type, x->rank, x->shape);
	if (ret)
		return ret;
	if (onnx_is_constant(x))
		return quantise_constant(o, x, y);
	if (y->scale_count != 1)
		return onnx_fail(o, NULL, -ENOTSUP,
				 "a scale for each channel of an activation; quantise it per tensor");
	affine = (struct onnx_affine){ y->scales[0], y->zero_points[0] };
	y->scale_count = 0;
	if (!x->function || !is_byte(type))
		return emit_quantise(o, x, y, affine);
	ret = onnx_emit_table(o, x->stored, y, x->function, affine);
	return ret || operators < o->graph->operator_count ? ret :
	       onnx_removed(o, o->node, "gives the integers that it gets");
}

static struct onnx_node *only_reader(struct onnx *o, const struct onnx_value *value)
{
	struct onnx_node *node;

	if (value->readers != 1 || value->is_output)
		return NULL;
	node = &o->nodes[value->reader];
	return node->input_count && node->inputs[0] == value && node->output_count == 1 &&
	       node->outputs[0] && !node->done ? node : NULL;
}

bool onnx_frame_find(struct onnx *o, const struct onnx_value *value, struct onnx_frame *frame)
{
	struct onnx_node *node, *current = o->node;
	float low = -INFINITY, high = INFINITY, from, to;
	bool found;

	memset(frame, 0, sizeof(*frame));
	for (node = only_reader(o, value); node; node = only_reader(o, node->outputs[0])) {
		if (frame->node_count == sizeof(frame->nodes) / sizeof(frame->nodes[0]))
			return false;
		frame->nodes[frame->node_count++] = node;
		if (!onnx_clamp_bounds(o, node, &from, &to))
			break;
		/* Each clamp applies to what the ones before it left. */
		low = fminf(fmaxf(low, from), to);
		high = fminf(fmaxf(high, from), to);
	}
	if (!node || strcmp(node->proto->op_type, "QuantizeLinear") || node->input_count < 2 ||
	    !node->inputs[1] || !node->inputs[1]->data || node->inputs[1]->elements != 1)
		return false;
	o->node = node;
	found = !onnx_affine(o, 1, 2, &frame->affine, &frame->type) && is_byte(frame->type) &&
		!onnx_attribute(o, "output_dtype") && !onnx_attribute(o, "block_size");
	o->node = current;
	frame->result = node->outputs[0];
	if (!found)
		return false;
	ir_type_range(frame->type, &frame->low, &frame->high);
	if (low > -INFINITY)
		frame->low = onnx_quantise(low, frame->affine, frame->type);
	if (high < INFINITY)
		frame->high = onnx_quantise(high, frame->affine, frame->type);
	return true;
}

int onnx_frame_take(struct onnx *o, struct onnx_frame *frame, const struct onnx_value *value)
{
	int ret = onnx_define(o, frame->result, frame->type, value->rank, value->shape);

	for (unsigned int i = 0; i < frame->node_count && !ret; i++) {
		frame->nodes[i]->done = true;
		ret = onnx_removed(o, frame->nodes[i],
				   "its arithmetic is that of the operator before it");
	}
	return ret;
}

struct onnx_value *onnx_retype(struct onnx *o, struct onnx_value *stored,
			       struct onnx_affine *affine, enum ir_type type)
{
	int32_t shift = type == IR_UINT8 ? 128 : -128;
	float function[IR_TABLE_ENTRIES];
	struct onnx_value *value;
	uint8_t *bytes;

	if (stored->type == type)
		return stored;
	value = onnx_value_new(o, stored->name, type, stored->rank, stored->shape);
	if (!value)
		return NULL;
	if (stored->data) {
		bytes = onnx_alloc(o, stored->elements, 1);
		for (uint64_t i = 0; bytes && i < stored->elements; i++)
			bytes[i] = stored->data[i] ^ 0x80;
		value->data = bytes;
		affine->zero_point += shift;
		return bytes ? value : NULL;
	}
	for (int i = 0; i < IR_TABLE_ENTRIES; i++)
		function[i] = (float)((stored->type == IR_INT8 ? (int8_t)i : i) -
				      affine->zero_point);
	affine->zero_point += shift;
	return onnx_emit_table(o, stored, value, function,
			       (struct onnx_affine){ 1, affine->zero_point }) ? NULL : value;
}
