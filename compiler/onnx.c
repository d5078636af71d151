// SPDX-License-Identifier: MIT
/* An ONNX file as a whole: the message, names, inputs and outputs, every node. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "onnx.h"
#include "onnx_import.h"
#include "resolve_check.h"

/* What unpacking and constants may take beside this and many times the file. */
#define MEMORY_LEAST (UINT64_C(16) << 20)
#define MEMORY_FACTOR 16

/* Operators that people meet and that have no form here, with what to do. */
static const struct {
	const char *type, *advice;
} refused[] = {
	{ "BatchNormalization", "fold it into the convolution before it, as quantisers do" },
	{ "If", "only models without control flow can be compiled" },
	{ "Loop", "only models without control flow can be compiled" },
	{ "Scan", "only models without control flow can be compiled" },
};

bool onnx_is_model(const void *data, size_t bytes)
{
	const uint8_t *first = data;

	/* Field 1 as a varint, then a version below 128. */
	return bytes >= 2 && first[0] == 0x08 && first[1] && first[1] < 0x80;
}

/* protobuf-c's allocator: the arena, within a budget; nothing is freed one by one. */
static void *message_alloc(void *opaque, size_t size)
{
	struct onnx *o = opaque;

	if (size > o->budget)
		return NULL;
	o->budget -= size;
	return arena_alloc(o->arena, size, 1);
}

static void message_free(void *opaque, void *pointer)
{
	(void)opaque;
	(void)pointer;
}

static int name_compare(const void *a, const void *b)
{
	const struct onnx_value *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Without a name: that of the empty one, as add_name() has it. */
static struct onnx_value *find(const struct onnx *o, const char *name)
{
	struct onnx_value key = { .name = name ? name : "" }, *pointer = &key, **found;

	found = bsearch(&pointer, o->values, o->value_count, sizeof(struct onnx_value *),
			name_compare);
	return found ? *found : NULL;
}

static int add_name(struct onnx *o, const char *name)
{
	struct onnx_value *value = onnx_value_unknown(o, name ? name : "");

	if (!value)
		return onnx_memory(o);
	o->values[o->value_count++] = value;
	return 0;
}

/* Everything that is defined somewhere, sorted by name. */
static int collect_names(struct onnx *o)
{
	const Onnx__Graph *graph = o->proto;
	size_t count = graph->n_initializer + graph->n_input;
	unsigned int kept = 0;
	int ret = 0;

	for (size_t n = 0; n < graph->n_node; n++)
		count += graph->node[n]->n_output;
	o->values = arena_alloc(o->arena, count + 1, sizeof(struct onnx_value *));
	if (!o->values)
		return onnx_memory(o);
	for (size_t i = 0; i < graph->n_initializer && !ret; i++)
		ret = add_name(o, graph->initializer[i]->name);
	for (size_t i = 0; i < graph->n_input && !ret; i++)
		ret = add_name(o, graph->input[i]->name);
	for (size_t n = 0; n < graph->n_node && !ret; n++)
		for (size_t i = 0; i < graph->node[n]->n_output && !ret; i++)
			if (*graph->node[n]->output[i])
				ret = add_name(o, graph->node[n]->output[i]);
	if (ret)
		return ret;
	qsort(o->values, o->value_count, sizeof(struct onnx_value *), name_compare);
	/* Inputs with a default stand twice; who defines a name twice is found later. */
	for (unsigned int i = 0; i < o->value_count; i++)
		if (!kept || name_compare(&o->values[kept - 1], &o->values[i]))
			o->values[kept++] = o->values[i];
	o->value_count = kept;
	return 0;
}

static bool is_defined(const struct onnx_value *value)
{
	return value->type != IR_TYPE_OTHER;
}

static int read_initialisers(struct onnx *o)
{
	int ret = 0;

	if (o->proto->n_sparse_initializer)
		return onnx_fail(o, NULL, -ENOTSUP, "sparse initialisers are not supported");
	for (size_t i = 0; i < o->proto->n_initializer && !ret; i++) {
		const Onnx__Tensor *tensor = o->proto->initializer[i];
		struct onnx_value *value = find(o, tensor->name);
		int32_t shape[IR_RANK_MAX];
		enum ir_type type;
		unsigned int rank;

		if (is_defined(value))
			return onnx_fail(o, NULL, -EINVAL, "initialiser \"%.80s\" stands there twice",
					 value->name);
		value->is_int4 = onnx_is_int4(tensor);
		ret = onnx_tensor_read(o, tensor, value->name, &type, &rank, shape, &value->data);
		if (!ret)
			ret = onnx_define(o, value, type, rank, shape);
	}
	return ret;
}

static int input_shape(struct onnx *o, const Onnx__ValueInfo *info, unsigned int *rank,
		       int32_t *shape)
{
	const Onnx__Shape *stated = info->type->tensor_type->shape;

	if (!stated || stated->n_dim > IR_RANK_MAX)
		return onnx_fail(o, NULL, -ENOTSUP,
				 "input \"%.80s\" has no shape of at most %d dimensions", info->name,
				 IR_RANK_MAX);
	*rank = (unsigned int)stated->n_dim;
	for (unsigned int d = 0; d < *rank; d++) {
		const Onnx__Dimension *dimension = stated->dim[d];
		int64_t size = dimension->has_dim_value ? dimension->dim_value : 0;

		/* A batch of any size is compiled as one of 1. */
		if (!dimension->has_dim_value && !d)
			size = 1;
		if (size < 1 || size > INT32_MAX)
			return onnx_fail(o, NULL, -ENOTSUP,
					 "input \"%.80s\": dimension %u%s%.40s%s is not fixed; give it a number",
					 info->name, d, dimension->dim_param ? " \"" : "",
					 dimension->dim_param ? dimension->dim_param : "",
					 dimension->dim_param ? "\"" : "");
		shape[d] = (int32_t)size;
	}
	return 0;
}

static int read_inputs(struct onnx *o)
{
	struct ir_graph *graph = o->graph;
	int ret = 0;

	graph->inputs = arena_alloc(o->arena, o->proto->n_input + 1, sizeof(int));
	if (!graph->inputs)
		return onnx_memory(o);
	for (size_t i = 0; i < o->proto->n_input && !ret; i++) {
		const Onnx__ValueInfo *info = o->proto->input[i];
		struct onnx_value *value = find(o, info->name);
		int32_t shape[IR_RANK_MAX];
		enum ir_type type;
		unsigned int rank = 0;

		if (value->data)
			continue;
		if (!info->name || is_defined(value))
			return onnx_fail(o, NULL, -EINVAL, "input %zu has no name of its own", i);
		if (!info->type || !info->type->tensor_type)
			return onnx_fail(o, NULL, -ENOTSUP, "input \"%.80s\" is no tensor",
					 info->name);
		ret = onnx_type_of(o, info->type->tensor_type->elem_type, info->name, &type);
		if (!ret)
			ret = input_shape(o, info, &rank, shape);
		if (!ret)
			ret = onnx_define(o, value, type, rank, shape);
		if (!ret)
			ret = onnx_tensor_new(o, value, ONNX_PLAIN,
					      &graph->inputs[graph->input_count]);
		if (!ret)
			graph->input_count++;
	}
	return ret;
}

static int read_operands(struct onnx *o, struct onnx_node *node)
{
	const Onnx__Node *proto = node->proto;

	node->inputs = arena_alloc(o->arena, proto->n_input + 1, sizeof(struct onnx_value *));
	node->outputs = arena_alloc(o->arena, proto->n_output + 1, sizeof(struct onnx_value *));
	if (!node->inputs || !node->outputs)
		return onnx_memory(o);
	node->input_count = (unsigned int)proto->n_input;
	node->output_count = (unsigned int)proto->n_output;
	for (unsigned int i = 0; i < node->input_count; i++) {
		if (!*proto->input[i])
			continue;
		node->inputs[i] = find(o, proto->input[i]);
		if (!node->inputs[i])
			return onnx_fail(o, NULL, -EINVAL, "input \"%.80s\" does not exist",
					 proto->input[i]);
	}
	for (unsigned int i = 0; i < node->output_count; i++) {
		if (!*proto->output[i])
			continue;
		node->outputs[i] = find(o, proto->output[i]);
		/* Before any node is translated: some define what the next ones make. */
		if (node->outputs[i]->is_made || is_defined(node->outputs[i]))
			return onnx_fail(o, NULL, -EINVAL, "output \"%.80s\" is made twice",
					 proto->output[i]);
		node->outputs[i]->is_made = true;
	}
	return 0;
}

/* onnx for its own operators, com.microsoft for those that are named as they are there. */
static bool knows_domain(const Onnx__Node *proto)
{
	const char *domain = proto->domain;

	return !domain || !*domain || !strcmp(domain, "ai.onnx") ||
	       (!strcmp(domain, "com.microsoft") &&
		(!strncmp(proto->op_type, "QLinear", 7) || strstr(proto->op_type, "quantizeLinear") ||
		 !strcmp(proto->op_type, "QuantizeLinear") || !strcmp(proto->op_type, "QGemm") ||
		 !strcmp(proto->op_type, "Gelu")));
}

/* A node of the file, or the parts that it is translated as. */
static int read_node(struct onnx *o, unsigned int index)
{
	struct onnx_node *node = &o->nodes[o->node_count], whole;
	unsigned int parts = onnx_parts_count(o->proto->node[index]);
	int ret;

	*node = (struct onnx_node){ .proto = o->proto->node[index], .index = index };
	o->node = node;
	ret = read_operands(o, node);
	if (!ret && parts && knows_domain(node->proto)) {
		whole = *node;
		o->node_count += parts;
		return onnx_parts_make(o, &whole, node);
	}
	o->node_count++;
	return ret;
}

static void count_readers(struct onnx *o)
{
	for (unsigned int n = 0; n < o->node_count; n++)
		for (unsigned int i = 0; i < o->nodes[n].input_count; i++) {
			struct onnx_value *value = o->nodes[n].inputs[i];

			if (!value)
				continue;
			value->readers++;
			value->reader = n;
		}
}

static int read_nodes(struct onnx *o)
{
	unsigned int parts;
	uint64_t count = 0;
	int ret = 0;

	if (!o->proto->n_node || o->proto->n_node > INT32_MAX)
		return onnx_fail(o, NULL, -EINVAL, "no nodes");
	for (size_t n = 0; n < o->proto->n_node; n++) {
		if (!o->proto->node[n]->op_type)
			return onnx_fail(o, NULL, -EINVAL, "node %zu has no operator", n);
		parts = onnx_parts_count(o->proto->node[n]);
		count += parts ? parts : 1;
	}
	o->nodes = arena_alloc(o->arena, count, sizeof(*o->nodes));
	if (!o->nodes)
		return onnx_memory(o);
	for (size_t n = 0; n < o->proto->n_node && !ret; n++)
		ret = read_node(o, (unsigned int)n);
	count_readers(o);
	o->node = NULL;
	for (size_t i = 0; i < o->proto->n_output && !ret; i++) {
		const char *name = o->proto->output[i]->name;
		struct onnx_value *value = find(o, name);

		if (!value)
			return onnx_fail(o, NULL, -EINVAL, "output \"%.80s\" does not exist",
					 name ? name : "");
		value->is_output = true;
	}
	return ret;
}

static int refuse(struct onnx *o)
{
	const Onnx__Node *proto = o->node->proto;
	const char *domain = proto->domain && *proto->domain ? proto->domain : "ai.onnx";
	/* What it reads; that is where a model would be cut. */
	const struct onnx_value *from = o->node->input_count ? o->node->inputs[0] : NULL;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (!strcmp(refused[i].type, proto->op_type))
			return onnx_fail(o, from, -ENOTSUP, "%s", refused[i].advice);
	return onnx_fail(o, from, -ENOTSUP,
			 "this operator of domain %.60s has neither an NPU nor a CPU form: replace it by operators that \"npuc --list-ops\" names, or end the model before it",
			 domain);
}

static int translate(struct onnx *o, struct onnx_node *node)
{
	unsigned int count = o->graph->operator_count;
	onnx_translate_fn *handler = NULL;
	int ret;

	o->node = node;
	for (unsigned int i = 0; i < node->input_count; i++)
		if (node->inputs[i] && !is_defined(node->inputs[i]))
			return onnx_fail(o, NULL, -EINVAL,
					 "input \"%.80s\" is made only by a later node",
					 node->inputs[i]->name);
	if (knows_domain(node->proto))
		handler = onnx_translator(node->proto->op_type);
	ret = handler ? handler(o) : refuse(o);
	node->done = true;
	if (!ret && count == o->graph->operator_count)
		ret = onnx_removed(o, node, "needs no operator of its own");
	return ret;
}

static bool is_constant_node(const struct onnx_node *node)
{
	const char *type = node->proto->op_type;

	return !strcmp(type, "Constant") ||
	       (!strcmp(type, "DequantizeLinear") && node->input_count &&
		node->inputs[0] && node->inputs[0]->data);
}

/* Puts it on record that no part of a node of the file needs an operator; this is the last. */
static int remove_whole(struct onnx *o, const struct onnx_node *last)
{
	struct onnx_node node = *last;

	node.proto = last->whole;
	node.whole = NULL;
	return onnx_removed(o, &node, "needs no operator of its own");
}

/* Constants first: frames look ahead at scales that stand behind an operator. */
static int translate_all(struct onnx *o)
{
	unsigned int operators = 0;
	int ret = 0;

	for (unsigned int n = 0; n < o->node_count && !ret; n++)
		if (is_constant_node(&o->nodes[n]))
			ret = translate(o, &o->nodes[n]);
	for (unsigned int n = 0; n < o->node_count && !ret; n++) {
		const struct onnx_node *node = &o->nodes[n];

		if (!n || node[-1].index != node->index)
			operators = o->graph->operator_count;
		if (!node->done)
			ret = translate(o, &o->nodes[n]);
		if (!ret && node->whole && operators == o->graph->operator_count &&
		    (n + 1 == o->node_count || node[1].index != node->index))
			ret = remove_whole(o, node);
	}
	return ret;
}

static bool is_taken(const struct onnx *o, int tensor)
{
	for (unsigned int i = 0; i < o->graph->input_count; i++)
		if (o->graph->inputs[i] == tensor)
			return true;
	for (unsigned int i = 0; i < o->graph->output_count; i++)
		if (o->graph->outputs[i] == tensor)
			return true;
	return o->graph->tensors[tensor].data;
}

/* A tensor of its own for each output, in ONNX's layout and under its name. */
static int write_output(struct onnx *o, struct onnx_value *value)
{
	struct ir_graph *graph = o->graph;
	struct ir_operator *op;
	int tensor, copy, ret;

	if (!is_defined(value))
		return onnx_fail(o, NULL, -EINVAL, "output \"%.80s\" is not made by any node",
				 value->name);
	ret = onnx_tensor(o, value, ONNX_PLAIN, &tensor);
	if (ret)
		return ret;
	if (is_taken(o, tensor)) {
		ret = onnx_tensor_raw(o, value->name, value->type, value->rank, value->shape, NULL,
				      &copy);
		op = ret ? NULL : onnx_emit(o, IR_COPY, 1, &tensor, copy);
		if (!op)
			return onnx_failed(o);
		graph->tensors[copy].scale_count = graph->tensors[tensor].scale_count;
		graph->tensors[copy].scales = graph->tensors[tensor].scales;
		graph->tensors[copy].zero_points = graph->tensors[tensor].zero_points;
		ret = resolve_portable(graph, op, KESTREL_GRAPH_COPY, 0);
		tensor = copy;
	}
	graph->tensors[tensor].name = value->name;
	graph->outputs[graph->output_count++] = tensor;
	return ret;
}

static int write_outputs(struct onnx *o)
{
	int ret = 0;

	if (!o->proto->n_output)
		return onnx_fail(o, NULL, -EINVAL, "no outputs");
	o->graph->outputs = arena_alloc(o->arena, o->proto->n_output, sizeof(int));
	if (!o->graph->outputs)
		return onnx_memory(o);
	/* What an output needs is done for the last node. */
	o->node = &o->nodes[o->node_count - 1];
	for (size_t i = 0; i < o->proto->n_output && !ret; i++)
		ret = write_output(o, find(o, o->proto->output[i]->name));
	return ret;
}

static int check_versions(struct onnx *o, const Onnx__Model *model)
{
	for (size_t i = 0; i < model->n_opset_import; i++) {
		const Onnx__OperatorSet *set = model->opset_import[i];

		if (!set->domain || !*set->domain || !strcmp(set->domain, "ai.onnx"))
			o->opset = set->version;
	}
	if (o->opset < ONNX_OPSET_LEAST || o->opset > ONNX_OPSET_MOST)
		return error_set(o->graph->error, -ENOTSUP,
				 "model: operator set %lld, %d to %d are known; convert the model with onnx.version_converter",
				 (long long)o->opset, ONNX_OPSET_LEAST, ONNX_OPSET_MOST);
	if (!model->graph)
		return error_set(o->graph->error, -EINVAL, "model: no graph");
	return 0;
}

int onnx_read(struct ir_graph *graph, const void *data, size_t bytes)
{
	struct onnx o = { .graph = graph, .arena = graph->arena };
	ProtobufCAllocator allocator = { message_alloc, message_free, &o };
	Onnx__Model *model;
	int ret;

	o.budget = MEMORY_LEAST + MEMORY_FACTOR * (uint64_t)bytes;
	model = onnx__model__unpack(&allocator, bytes, data);
	if (!model)
		return error_set(graph->error, -EINVAL,
				 "model: damaged, or no ONNX file: it cannot be unpacked");
	ret = check_versions(&o, model);
	if (ret)
		return ret;
	graph->numerics = "onnx";
	o.proto = model->graph;
	o.budget = MEMORY_LEAST + MEMORY_FACTOR * (uint64_t)bytes;
	ret = collect_names(&o);
	if (!ret)
		ret = read_initialisers(&o);
	if (!ret)
		ret = read_inputs(&o);
	if (!ret)
		ret = read_nodes(&o);
	if (!ret)
		ret = translate_all(&o);
	if (!ret)
		ret = write_outputs(&o);
	return ret;
}
