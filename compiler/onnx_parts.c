// SPDX-License-Identifier: MIT
/* Nodes that are translated as several others, as if those stood in the file. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"

/*
 * Operators on any number of values: that of the first two, of what these give and the
 * third, and so on. A sum rounds in this order, an extreme does not round.
 */
static const struct {
	const char *type, *of_two;
} chains[] = {
	{ "Max", "Max" }, { "Min", "Min" }, { "Sum", "Add" },
};

static const char *chain_of_two(const Onnx__Node *proto)
{
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (!strcmp(chains[i].type, proto->op_type))
			return chains[i].of_two;
	return NULL;
}

unsigned int onnx_parts_count(const Onnx__Node *proto)
{
	const char *of_two = chain_of_two(proto);

	if (!of_two)
		return onnx_qlinear_parts(proto);
	if (proto->n_input == 2 && !strcmp(of_two, proto->op_type))
		return 0;
	return proto->n_input > 2 ? (unsigned int)proto->n_input - 1 : 1;
}

struct onnx_value *onnx_part_value(struct onnx *o, const struct onnx_node *whole)
{
	struct onnx_value *value = onnx_value_unknown(o, whole->outputs[0]->name);

	if (!value)
		onnx_memory(o);
	return value;
}

int onnx_part_make(struct onnx *o, const struct onnx_node *whole, const char *type,
		   unsigned int input_count, struct onnx_value *output, struct onnx_node *part)
{
	Onnx__Node *proto = arena_alloc(o->arena, 1, sizeof(*proto));

	*part = (struct onnx_node){ .proto = proto, .whole = whole->proto, .index = whole->index,
				    .input_count = input_count, .output_count = 1 };
	part->inputs = arena_alloc(o->arena, input_count + 1, sizeof(struct onnx_value *));
	part->outputs = arena_alloc(o->arena, 1, sizeof(struct onnx_value *));
	if (!proto || !part->inputs || !part->outputs || !output)
		return onnx_memory(o);
	onnx__node__init(proto);
	proto->name = whole->proto->name;
	proto->op_type = arena_copy(o->arena, type, strlen(type) + 1);
	part->outputs[0] = output;
	return proto->op_type ? 0 : onnx_memory(o);
}

static int chain_make(struct onnx *o, const struct onnx_node *whole, const char *of_two,
		      struct onnx_node *parts)
{
	unsigned int count = onnx_parts_count(whole->proto);
	unsigned int operands = whole->input_count > 1 ? 2 : 1;

	for (unsigned int i = 0; i < whole->input_count; i++)
		if (!whole->inputs[i])
			return onnx_fail(o, NULL, -EINVAL, "input %u is missing", i);
	if (!whole->input_count || whole->output_count != 1 || !whole->outputs[0])
		return onnx_fail(o, NULL, -EINVAL, "%u inputs and %u outputs", whole->input_count,
				 whole->output_count);
	for (unsigned int i = 0; i < count; i++) {
		struct onnx_value *to = i + 1 < count ? onnx_part_value(o, whole) :
							whole->outputs[0];
		int ret = onnx_part_make(o, whole, operands > 1 ? of_two : "Identity", operands, to,
					 &parts[i]);

		if (ret)
			return ret;
		parts[i].inputs[0] = i ? parts[i - 1].outputs[0] : whole->inputs[0];
		if (operands > 1)
			parts[i].inputs[1] = whole->inputs[i + 1];
	}
	return 0;
}

int onnx_parts_make(struct onnx *o, struct onnx_node *whole, struct onnx_node *parts)
{
	const char *of_two = chain_of_two(whole->proto);

	o->node = whole;
	return of_two ? chain_make(o, whole, of_two, parts) : onnx_qlinear_expand(o, whole, parts);
}
