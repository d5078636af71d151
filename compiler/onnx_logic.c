// SPDX-License-Identifier: MIT
/* Truth values, and operators of values that are not quantised: masks, positions, choices. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"
#include "portable.h"
#include "resolve_check.h"

static const struct {
	const char *type;
	uint32_t comparison;
} comparisons[] = {
	{ "Equal", KESTREL_GRAPH_COMPARISON_EQUAL },
	{ "Greater", KESTREL_GRAPH_COMPARISON_GREATER },
	{ "GreaterOrEqual", KESTREL_GRAPH_COMPARISON_GREATER_EQUAL },
	{ "Less", KESTREL_GRAPH_COMPARISON_LESS },
	{ "LessOrEqual", KESTREL_GRAPH_COMPARISON_LESS_EQUAL },
};

/*
 * An operator of the processor on the node's first `count` inputs, as ONNX lays them out,
 * which broadcast to the output of a type.
 */
static int emit_plain(struct onnx *o, enum ir_kind kind, unsigned int count, enum ir_type type,
		      struct ir_operator **op)
{
	struct onnx_value *y = o->node->outputs[0], *widest = onnx_input(o, 0);
	int32_t shape[IR_RANK_MAX];
	unsigned int rank = widest->rank;
	int inputs[3], output, ret = 0;

	memcpy(shape, widest->shape, sizeof(shape));
	for (unsigned int i = 1; i < count && !ret; i++) {
		struct onnx_value so_far = { .name = "output", .rank = rank };

		memcpy(so_far.shape, shape, sizeof(shape));
		ret = onnx_broadcast(o, &so_far, onnx_input(o, i), shape, &rank);
	}
	if (!ret)
		ret = onnx_define(o, y, type, rank, shape);
	for (unsigned int i = 0; i < count && !ret; i++)
		ret = onnx_tensor(o, onnx_input(o, i), ONNX_PLAIN, &inputs[i]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_PLAIN, &output);
	if (ret)
		return ret;
	*op = onnx_emit(o, kind, count, inputs, output);
	return *op ? resolve_portable(o->graph, *op, portable_opcode(kind), 0) : onnx_failed(o);
}

/* Whether all inputs are constants; the output is one of a type and the shape they make. */
static bool all_constant(const struct onnx *o, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (!onnx_input(o, i)->data)
			return false;
	return true;
}

static bool is_plain(enum ir_type type)
{
	return type == IR_INT32 || type == IR_INT64;
}

static int define_folded(struct onnx *o, unsigned int count, enum ir_type type, uint8_t **data)
{
	struct onnx_value *y = o->node->outputs[0], so_far = *onnx_input(o, 0);
	int ret = 0;

	for (unsigned int i = 1; i < count && !ret; i++)
		ret = onnx_broadcast(o, &so_far, onnx_input(o, i), so_far.shape, &so_far.rank);
	if (!ret)
		ret = onnx_define(o, y, type, so_far.rank, so_far.shape);
	if (ret)
		return ret;
	*data = onnx_alloc(o, y->elements, ir_type_bytes(type));
	y->data = *data;
	return *data ? 0 : onnx_failed(o);
}

static int fold_comparison(struct onnx *o, uint32_t comparison)
{
	const struct onnx_value *y = o->node->outputs[0];
	uint8_t *data;
	int ret = define_folded(o, 2, IR_BOOL, &data);

	for (uint64_t i = 0; i < y->elements && !ret; i++) {
		int64_t values[2];

		for (unsigned int k = 0; k < 2; k++)
			values[k] = onnx_integer(onnx_input(o, k),
						 onnx_broadcast_index(onnx_input(o, k), y, i));
		switch (comparison) {
		case KESTREL_GRAPH_COMPARISON_EQUAL:
			data[i] = values[0] == values[1];
			break;
		case KESTREL_GRAPH_COMPARISON_GREATER:
			data[i] = values[0] > values[1];
			break;
		case KESTREL_GRAPH_COMPARISON_GREATER_EQUAL:
			data[i] = values[0] >= values[1];
			break;
		case KESTREL_GRAPH_COMPARISON_LESS:
			data[i] = values[0] < values[1];
			break;
		default:
			data[i] = values[0] <= values[1];
		}
	}
	return ret;
}

static int fold_choice(struct onnx *o)
{
	const struct onnx_value *y = o->node->outputs[0], *condition = onnx_input(o, 0);
	unsigned int bytes = ir_type_bytes(onnx_input(o, 1)->type);
	uint8_t *data;
	int ret = define_folded(o, 3, onnx_input(o, 1)->type, &data);

	for (uint64_t i = 0; i < y->elements && !ret; i++) {
		const struct onnx_value *from =
			onnx_input(o, condition->data[onnx_broadcast_index(condition, y, i)] ?
				   1 : 2);

		memcpy(data + i * bytes, from->data + onnx_broadcast_index(from, y, i) * bytes,
		       bytes);
	}
	return ret;
}

static int check_same_type(struct onnx *o, const struct onnx_value *a, const struct onnx_value *b)
{
	return a->type == b->type ? 0 :
	       onnx_fail(o, b, -EINVAL, "type %s, \"%.80s\" has %s", ir_type_name(b->type), a->name,
			 ir_type_name(a->type));
}

int onnx_comparison(struct onnx *o)
{
	struct ir_operator *op;
	uint32_t comparison = 0;
	int ret = onnx_check_counts(o, 2, 2);

	if (!ret)
		ret = check_same_type(o, onnx_input(o, 0), onnx_input(o, 1));
	if (ret)
		return ret;
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (!strcmp(comparisons[i].type, o->node->proto->op_type))
			comparison = comparisons[i].comparison;
	if (all_constant(o, 2) && is_plain(onnx_input(o, 0)->type))
		return fold_comparison(o, comparison);
	ret = emit_plain(o, IR_COMPARE, 2, IR_BOOL, &op);
	if (!ret)
		op->portable->attributes.compare.comparison = comparison;
	return ret;
}

int onnx_logical(struct onnx *o)
{
	bool both = !strcmp(o->node->proto->op_type, "And");
	struct ir_operator *op;
	int ret = onnx_check_counts(o, 2, 2);

	for (unsigned int i = 0; i < 2 && !ret; i++)
		if (onnx_input(o, i)->type != IR_BOOL)
			ret = onnx_fail(o, onnx_input(o, i), -EINVAL, "must be bool");
	return ret ? ret : emit_plain(o, both ? IR_LOGICAL_AND : IR_LOGICAL_OR, 2, IR_BOOL, &op);
}

int onnx_not(struct onnx *o)
{
	struct ir_operator *op;
	int ret = onnx_check_counts(o, 1, 1);

	if (!ret && onnx_input(o, 0)->type != IR_BOOL)
		ret = onnx_fail(o, onnx_input(o, 0), -EINVAL, "must be bool");
	if (!ret)
		ret = emit_plain(o, IR_UNARY, 1, IR_BOOL, &op);
	if (ret)
		return ret;
	op->portable->attributes.unary.function = KESTREL_GRAPH_FUNCTION_LOGICAL_NOT;
	op->portable->attributes.unary.table = KESTREL_GRAPH_NONE;
	return 0;
}

int onnx_where(struct onnx *o)
{
	struct ir_operator *op;
	int ret = onnx_check_counts(o, 3, 3);

	if (!ret && onnx_input(o, 0)->type != IR_BOOL)
		ret = onnx_fail(o, onnx_input(o, 0), -EINVAL, "must be bool");
	if (!ret)
		ret = check_same_type(o, onnx_input(o, 1), onnx_input(o, 2));
	if (!ret && all_constant(o, 3))
		return fold_choice(o);
	return ret ? ret : emit_plain(o, IR_SELECT, 3, onnx_input(o, 1)->type, &op);
}

int onnx_integer_binary(struct onnx *o)
{
	static const struct {
		const char *type;
		enum ir_kind kind;
	} kinds[] = {
		{ "Add", IR_ADD }, { "Sub", IR_SUB }, { "Mul", IR_MUL }, { "Div", IR_DIV },
		{ "Min", IR_MINIMUM }, { "Max", IR_MAXIMUM }, { "Mod", IR_FLOOR_MOD },
	};
	enum ir_kind kind = IR_UNKNOWN;
	struct ir_operator *op;
	int ret;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].type, o->node->proto->op_type))
			kind = kinds[i].kind;
	ret = check_same_type(o, onnx_input(o, 0), onnx_input(o, 1));
	if (ret)
		return ret;
	if (kind == IR_UNKNOWN || !is_plain(onnx_input(o, 0)->type))
		return onnx_fail(o, onnx_input(o, 0), -ENOTSUP, "no form for type %s",
				 ir_type_name(onnx_input(o, 0)->type));
	ret = emit_plain(o, kind, 2, onnx_input(o, 0)->type, &op);
	if (ret)
		return ret;
	op->portable->attributes.elementwise.minimum = INT32_MIN;
	op->portable->attributes.elementwise.maximum = INT32_MAX;
	return 0;
}

/* Mod of integers: the rest has the divisor's sign. */
int onnx_remainder(struct onnx *o)
{
	int ret = onnx_check_counts(o, 2, 2);

	if (!ret && onnx_attribute_int(o, "fmod", 0))
		return onnx_fail(o, NULL, -ENOTSUP, "fmod; only the rest of integers is supported");
	return ret ? ret : onnx_integer_binary(o);
}

/* Of values that a run knows; constants are converted when they are read. */
int onnx_cast_values(struct onnx *o, enum ir_type type)
{
	struct ir_operator *op;

	return emit_plain(o, IR_CAST, 1, type, &op);
}

int onnx_cumulative_sum(struct onnx *o)
{
	struct kestrel_graph_cumulative_sum *sum;
	struct onnx_value *x;
	struct ir_operator *op;
	int64_t stated = 0;
	unsigned int count, axis;
	int ret = onnx_check_counts(o, 2, 2);

	if (!ret)
		ret = onnx_list(o, 1, NULL, 1, &stated, &count);
	if (ret)
		return ret;
	x = onnx_input(o, 0);
	if (x->type != IR_FLOAT32 && x->type != IR_INT32 && x->type != IR_INT64)
		return onnx_fail(o, x, -ENOTSUP, "type %s, only float32, int32 and int64 are supported",
				 ir_type_name(x->type));
	ret = onnx_axis(o, stated, x->rank, &axis);
	if (!ret)
		ret = emit_plain(o, IR_CUMULATIVE_SUM, 1, x->type, &op);
	if (ret)
		return ret;
	sum = &op->portable->attributes.cumulative_sum;
	sum->axis = axis;
	sum->exclusive = onnx_attribute_int(o, "exclusive", 0) != 0;
	sum->reverse = onnx_attribute_int(o, "reverse", 0) != 0;
	return 0;
}
