// SPDX-License-Identifier: MIT
#include <string.h>

#include "error.h"
#include "expand.h"
#include "quantise.h"

/* What an operator becomes at most. */
#define PARTS_MAX 10
#define TENSORS_MAX 10

/* SVDF's operands. */
enum { SVDF_INPUT, SVDF_FEATURE, SVDF_TIME, SVDF_BIAS, SVDF_STATE };

struct expansion {
	struct ir_graph *graph;
	/* Of each operator. */
	unsigned int *origin;
	unsigned int current;
	/* The operator's, for messages. */
	const char *type_name;
	/* Written instead of an operator's own when there is no memory; never read. */
	union kestrel_graph_attributes unused;
	bool failed;
};

static void *allocate(struct expansion *expansion, size_t count, size_t size)
{
	void *memory = arena_alloc(expansion->graph->arena, count, size);

	expansion->failed |= !memory;
	return memory;
}

/* A new tensor of the same type as `like`. */
static int add_tensor(struct expansion *expansion, int like, unsigned int rank,
		      const int32_t *shape, const uint8_t *data)
{
	struct ir_tensor *tensor = &expansion->graph->tensors[expansion->graph->tensor_count];

	*tensor = expansion->graph->tensors[like];
	tensor->rank = rank;
	tensor->elements = 1;
	for (unsigned int d = 0; d < rank; d++) {
		tensor->shape[d] = shape[d];
		tensor->elements *= (uint64_t)tensor->shape[d];
	}
	tensor->bytes = tensor->elements * ir_type_bytes(tensor->type);
	tensor->data = data;
	tensor->is_state = false;
	tensor->producer = -1;
	return (int)expansion->graph->tensor_count++;
}

/* A new operator with two operands at most. */
static struct ir_operator *add_operator(struct expansion *expansion, enum ir_kind kind,
					int input, int second, int output)
{
	struct ir_graph *graph = expansion->graph;
	unsigned int index = graph->operator_count++;
	struct ir_operator *op = &graph->operators[index];
	int *operands = allocate(expansion, 4, sizeof(*operands));

	expansion->origin[index] = expansion->current;
	*op = (struct ir_operator){ .kind = kind, .type_name = expansion->type_name };
	if (!operands)
		return op;
	operands[0] = input;
	operands[1] = second;
	operands[3] = output;
	op->inputs = operands;
	op->input_count = second < 0 ? 1 : 2;
	op->outputs = operands + 3;
	op->output_count = 1;
	return op;
}

static union kestrel_graph_attributes *add_portable(struct expansion *expansion,
						     struct ir_operator *op)
{
	op->portable = allocate(expansion, 1, sizeof(*op->portable));
	return op->portable ? &op->portable->attributes : &expansion->unused;
}

static void set_scales(struct expansion *expansion, struct ir_operator *op, int32_t count,
		       struct kestrel_graph_scale scale)
{
	op->scale_count = (uint32_t)count;
	op->scales = allocate(expansion, (size_t)count, sizeof(*op->scales));
	for (int32_t c = 0; c < count && op->scales; c++)
		op->scales[c] = (struct ir_scale){ scale.multiplier, scale.shift };
}

/* The state's new column is stored without a check of its range: so it wraps. */
static int add_wrap(struct expansion *expansion, int tensor, const int32_t *shape,
		    int32_t zero_point)
{
	int wrapped = add_tensor(expansion, tensor, 2, shape, NULL);
	struct ir_operator *op = add_operator(expansion, IR_TABLE, tensor, -1, wrapped);

	op->table = allocate(expansion, IR_TABLE_ENTRIES, 1);
	for (int i = 0; i < IR_TABLE_ENTRIES && op->table; i++)
		op->table[i] = (uint8_t)(i + zero_point);
	return wrapped;
}

/*
 * The features of the input become the last column of the state, whose other columns
 * move on by one; a grouped convolution over the whole of it gives the units.
 */
static void expand_svdf(struct expansion *expansion, const struct ir_operator *svdf)
{
	const struct ir_tensor *tensors = expansion->graph->tensors;
	const struct kestrel_graph_svdf *numbers = &svdf->portable->attributes.svdf;
	int state = svdf->inputs[SVDF_STATE], kept;
	int32_t batch = tensors[svdf->inputs[SVDF_INPUT]].shape[0];
	int32_t filters = tensors[svdf->inputs[SVDF_TIME]].shape[0];
	int32_t memory = tensors[svdf->inputs[SVDF_TIME]].shape[1];
	int32_t units = tensors[svdf->outputs[0]].shape[1];
	int32_t features[] = { batch, filters }, column[] = { batch, filters, 1 };
	int32_t columns[] = { batch, filters, memory };
	int32_t before[] = { batch, filters, memory - 1 };
	int32_t row[] = { batch, filters * memory };
	/* Batches are images of the convolution, units its output channels. */
	int32_t pixel[] = { batch, 1, 1, filters * memory }, unit[] = { batch, 1, 1, units };
	int32_t weights[] = { units, 1, 1, filters / units * memory };
	int old = add_tensor(expansion, state, 3, columns, NULL);
	int feature = add_tensor(expansion, state, 2, features, NULL);
	int part = add_tensor(expansion, state, 3, column, NULL);
	int new = add_tensor(expansion, state, 3, columns, NULL);
	int flat = add_tensor(expansion, state, 2, row, NULL);
	int map = add_tensor(expansion, state, 4, pixel, NULL);
	int time = add_tensor(expansion, svdf->inputs[SVDF_TIME], 4, weights,
			      tensors[svdf->inputs[SVDF_TIME]].data);
	int result = add_tensor(expansion, svdf->outputs[0], 4, unit, NULL);
	struct ir_operator *op;

	op = add_operator(expansion, IR_FULLY_CONNECTED, svdf->inputs[SVDF_INPUT],
			  svdf->inputs[SVDF_FEATURE], feature);
	op->rounding = IR_ROUNDING_DOUBLE;
	op->input_zero_point = numbers->input_zero_point;
	op->clamp_low = INT8_MIN;
	op->clamp_high = INT8_MAX;
	set_scales(expansion, op, filters, numbers->feature_scale);
	if (numbers->state_zero_point)
		feature = add_wrap(expansion, feature, features, numbers->state_zero_point);
	add_operator(expansion, IR_RESHAPE, feature, -1, part);
	kept = part;
	if (memory > 1) {
		int rest = add_tensor(expansion, state, 3, before, NULL);
		struct kestrel_graph_slice *slice;

		add_operator(expansion, IR_RESHAPE, state, -1, old);
		op = add_operator(expansion, IR_SLICE, old, -1, rest);
		slice = &add_portable(expansion, op)->slice;
		for (unsigned int d = 0; d < 3; d++) {
			slice->begin[d] = d == 2;
			slice->stride[d] = 1;
			slice->count[d] = (uint32_t)before[d];
		}
		op = add_operator(expansion, IR_CONCATENATION, rest, part, new);
		add_portable(expansion, op)->axis.axis = 2;
		kept = new;
	}
	add_operator(expansion, IR_RESHAPE, kept, -1, flat);
	op = add_operator(expansion, IR_COPY, flat, -1, state);
	add_portable(expansion, op);
	add_operator(expansion, IR_RESHAPE, flat, -1, map);
	op = add_operator(expansion, IR_CONVOLUTION, map, time, result);
	if (!op->inputs)
		return;
	op->inputs[2] = svdf->inputs[SVDF_BIAS];
	op->input_count = 3;
	if (svdf->inputs[SVDF_BIAS] >= 0)
		op->bias = (const int32_t *)(const void *)tensors[svdf->inputs[SVDF_BIAS]].data;
	op->rounding = IR_ROUNDING_DOUBLE;
	op->window = (struct ir_window){
		.kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
		.dilation_h = 1, .dilation_w = 1,
	};
	op->input_zero_point = numbers->state_zero_point;
	op->output_zero_point = numbers->zero_point;
	op->clamp_low = numbers->minimum;
	op->clamp_high = numbers->maximum;
	set_scales(expansion, op, units, numbers->time_scale);
	add_operator(expansion, IR_RESHAPE, result, -1, svdf->outputs[0]);
}

/* Time weights of 16 bits are more than the array multiplies with. */
static bool svdf_expands(const struct ir_graph *graph, const struct ir_operator *op)
{
	return op->kind == IR_SVDF && !op->removed_reason &&
	       op->portable->attributes.svdf.mode == KESTREL_GRAPH_REQUANTISE_DOUBLE &&
	       graph->tensors[op->inputs[SVDF_TIME]].type == IR_INT8 &&
	       graph->tensors[op->inputs[SVDF_STATE]].type == IR_INT8;
}

/* A product of matrices one of which lies the wrong way round for the array. */
static bool product_expands(const struct ir_graph *graph, const struct ir_operator *op)
{
	return op->kind == IR_BATCH_MATMUL && !op->removed_reason &&
	       ir_type_bytes(graph->tensors[op->inputs[0]].type) == 1 &&
	       (op->attributes.transpose_a || !op->attributes.transpose_b);
}

/* Bytes of a constant 8-bit tensor with its last two dimensions exchanged. */
static const uint8_t *transposed(struct expansion *expansion, const struct ir_tensor *from)
{
	size_t rows = (size_t)ir_extent(from, 1), columns = (size_t)ir_extent(from, 0);
	uint8_t *to = allocate(expansion, from->elements, 1);

	for (size_t i = 0; i < from->elements && to; i++) {
		size_t matrix = i / (rows * columns) * rows * columns, at = i % (rows * columns);

		to[matrix + at % columns * rows + at / columns] = from->data[i];
	}
	return to;
}

/* The tensor with its last two dimensions exchanged. */
static int add_transpose(struct expansion *expansion, int tensor)
{
	const struct ir_tensor *from = &expansion->graph->tensors[tensor];
	int32_t shape[IR_RANK_MAX];
	unsigned int rank = from->rank;
	uint32_t *permutation;
	struct ir_operator *op;
	int turned;

	memcpy(shape, from->shape, sizeof(shape));
	shape[rank - 2] = from->shape[rank - 1];
	shape[rank - 1] = from->shape[rank - 2];
	turned = add_tensor(expansion, tensor, rank, shape, NULL);
	if (ir_is_constant(from)) {
		expansion->graph->tensors[turned].data = transposed(expansion, from);
		return turned;
	}
	op = add_operator(expansion, IR_TRANSPOSE, tensor, -1, turned);
	permutation = add_portable(expansion, op)->transpose.permutation;
	for (unsigned int d = 0; d < rank; d++)
		permutation[d] = d < rank - 2 ? d : 2 * rank - 3 - d;
	return turned;
}

static void expand_product(struct expansion *expansion, const struct ir_operator *product)
{
	const struct ir_attributes *attributes = &product->attributes;
	int a = product->inputs[0], b = product->inputs[1];
	struct ir_operator *op;

	if (attributes->transpose_a)
		a = add_transpose(expansion, a);
	if (!attributes->transpose_b)
		b = add_transpose(expansion, b);
	op = add_operator(expansion, IR_BATCH_MATMUL, a, b, product->outputs[0]);
	op->rounding = product->rounding;
	op->scales = product->scales;
	op->scale_count = product->scale_count;
	op->input_zero_point = product->input_zero_point;
	op->input2_zero_point = product->input2_zero_point;
	op->output_zero_point = product->output_zero_point;
	op->clamp_low = product->clamp_low;
	op->clamp_high = product->clamp_high;
	op->attributes.transpose_b = true;
}

/* The factor 1 in mode DOUBLE. */
static const struct ir_scale one = { 1 << 30, 1 };

static bool is_byte(enum ir_type type)
{
	return type == IR_INT8 || type == IR_UINT8;
}

/* A new tensor of int16 in the shape of `like`. */
static int add_wide_tensor(struct expansion *expansion, int like)
{
	const struct ir_tensor *from = &expansion->graph->tensors[like];
	int index = add_tensor(expansion, like, from->rank, from->shape, NULL);
	struct ir_tensor *tensor = &expansion->graph->tensors[index];

	tensor->type = IR_INT16;
	tensor->bytes = 2 * tensor->elements;
	return index;
}

/* An elementwise operator in mode DOUBLE with zero points of 0 and a factor of 1 on its inputs. */
static struct ir_operator *add_elementwise(struct expansion *expansion, enum ir_kind kind,
					   int a, int b, int output, struct ir_scale scale)
{
	struct ir_operator *op = add_operator(expansion, kind, a, b, output);

	set_scales(expansion, op, 1, (struct kestrel_graph_scale){ scale.multiplier, scale.shift });
	op->input_scale = op->input2_scale = one;
	op->clamp_low = INT16_MIN;
	op->clamp_high = INT16_MAX;
	return op;
}

static struct ir_scale scale_from(struct kestrel_graph_scale scale)
{
	return (struct ir_scale){ scale.multiplier, scale.shift };
}

/* The largest magnitude of a difference of two 8-bit inputs, brought to one scale. */
static int32_t largest_difference(const struct ir_operator *op)
{
	int32_t most = UINT8_MAX << op->left_shift;

	return quantise_rescale(most, op->input_scale) + quantise_rescale(most, op->input2_scale);
}

static bool difference_expands(const struct ir_graph *graph, const struct ir_operator *op)
{
	return op->kind == IR_SQUARED_DIFFERENCE && !op->removed_reason &&
	       is_byte(graph->tensors[op->inputs[0]].type) &&
	       op->rounding == IR_ROUNDING_DOUBLE && op->left_shift <= 7 &&
	       op->input_scale.shift <= 0 && op->input2_scale.shift <= 0 &&
	       largest_difference(op) <= INT16_MAX;
}

/* The difference in 16 bits, which are enough, times itself. */
static void expand_difference(struct expansion *expansion, const struct ir_operator *squared)
{
	int difference = add_wide_tensor(expansion, squared->outputs[0]);
	struct ir_operator *op = add_elementwise(expansion, IR_SUB, squared->inputs[0],
						 squared->inputs[1], difference, one);

	op->input_zero_point = squared->input_zero_point;
	op->input2_zero_point = squared->input2_zero_point;
	op->input_scale = squared->input_scale;
	op->input2_scale = squared->input2_scale;
	op->left_shift = squared->left_shift;
	op = add_elementwise(expansion, IR_MUL, difference, difference, squared->outputs[0],
			     squared->scales[0]);
	op->output_zero_point = squared->output_zero_point;
	op->clamp_low = squared->clamp_low;
	op->clamp_high = squared->clamp_high;
}

static bool leaky_expands(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct kestrel_graph_leaky *numbers;
	enum ir_type type;

	/* What a graph file tells of removed operators has no inputs. */
	if (op->removed_reason || (op->kind != IR_PRELU && op->kind != IR_LEAKY_RELU))
		return false;
	type = graph->tensors[op->inputs[0]].type;
	numbers = &op->portable->attributes.leaky;
	/* Halves of 16 bits would saturate before a zero point is added. */
	return (op->kind == IR_PRELU ? is_byte(type) && is_byte(graph->tensors[op->inputs[1]].type) :
		is_byte(type) || (type == IR_INT16 && !numbers->zero_point)) &&
	       numbers->mode == KESTREL_GRAPH_REQUANTISE_DOUBLE;
}

/* Those values of a tensor times a factor that lie within a range, the others as its ends. */
static int add_rescale(struct expansion *expansion, int tensor, int like, int32_t zero_point,
		       struct kestrel_graph_scale scale, int32_t low, int32_t high)
{
	int output = add_wide_tensor(expansion, like);
	struct ir_operator *op = add_operator(expansion, IR_REQUANTISE, tensor, -1, output);
	struct kestrel_graph_rescale *to = &add_portable(expansion, op)->rescale;

	if (!op->portable)
		return output;
	to->input_zero_point = zero_point;
	to->requantise = (struct kestrel_graph_requantise){
		.mode = KESTREL_GRAPH_REQUANTISE_DOUBLE, .scale_count = 1,
		.minimum = low, .maximum = high,
	};
	op->portable->parameter_bytes = sizeof(scale);
	op->portable->parameters = allocate(expansion, 1, sizeof(scale));
	if (op->portable->parameters)
		memcpy(op->portable->parameters, &scale, sizeof(scale));
	return output;
}

/* A constant of one element in the type of `like`. */
static int add_number(struct expansion *expansion, int like, int32_t value)
{
	const int32_t shape[] = { 1 };
	uint8_t *data = allocate(expansion, 2, 1);

	if (data) {
		data[0] = (uint8_t)value;
		data[1] = (uint8_t)((uint32_t)value >> 8);
	}
	return add_tensor(expansion, like, 1, shape, data);
}

/*
 * What lies above zero and what lies below, each with its factor and zero elsewhere,
 * added: a factor keeps the sign, or turns it for all that it is meant for.
 */
static void expand_leaky(struct expansion *expansion, const struct ir_operator *leaky)
{
	const struct kestrel_graph_leaky *numbers = &leaky->portable->attributes.leaky;
	struct kestrel_graph_scale alpha = numbers->alpha_scale;
	int input = leaky->inputs[0], output = leaky->outputs[0], above, below;
	struct ir_operator *op;

	if (numbers->alpha_negative)
		alpha.multiplier = -alpha.multiplier;
	above = add_rescale(expansion, input, output, numbers->input_zero_point,
			    numbers->identity_scale, 0, INT16_MAX);
	if (leaky->kind == IR_LEAKY_RELU) {
		below = add_rescale(expansion, input, output, numbers->input_zero_point, alpha,
				    numbers->alpha_negative ? 0 : INT16_MIN,
				    numbers->alpha_negative ? INT16_MAX : 0);
	} else {
		const struct ir_tensor *from = &expansion->graph->tensors[input];
		int negative = add_tensor(expansion, input, from->rank, from->shape, NULL);

		op = add_elementwise(expansion, IR_MINIMUM, input,
				     add_number(expansion, input, numbers->input_zero_point),
				     negative, one);
		op->clamp_low = from->type == IR_INT8 ? INT8_MIN : 0;
		op->clamp_high = from->type == IR_INT8 ? INT8_MAX : UINT8_MAX;
		below = add_wide_tensor(expansion, output);
		op = add_elementwise(expansion, IR_MUL, negative, leaky->inputs[1], below,
				     scale_from(alpha));
		op->input_zero_point = numbers->input_zero_point;
		op->input2_zero_point = numbers->alpha_zero_point;
	}
	op = add_elementwise(expansion, IR_ADD, above, below, output, one);
	op->output_zero_point = numbers->zero_point;
	op->clamp_low = numbers->minimum;
	op->clamp_high = numbers->maximum;
}

static bool batches_expand(const struct ir_graph *graph, const struct ir_operator *op)
{
	enum ir_type type;

	if (op->removed_reason || (op->kind != IR_SPACE_TO_BATCH && op->kind != IR_BATCH_TO_SPACE))
		return false;
	type = graph->tensors[op->inputs[0]].type;
	return is_byte(type) || type == IR_INT16;
}

/* The tensor, of the shape of `few`, with its rows and columns made whole blocks. */
static int add_padded(struct expansion *expansion, const struct kestrel_graph_batch_block *numbers,
		      int few, int many)
{
	const struct ir_tensor *from = &expansion->graph->tensors[few];
	int32_t shape[IR_RANK_MAX];

	memcpy(shape, from->shape, sizeof(shape));
	for (unsigned int d = 1; d + 1 < from->rank; d++)
		shape[d] = expansion->graph->tensors[many].shape[d] *
			   (int32_t)numbers->block[d - 1];
	return add_tensor(expansion, few, from->rank, shape, NULL);
}

/* Padding, then the rows and columns inside blocks in front of the images. */
static void expand_to_batch(struct expansion *expansion, const struct ir_operator *from,
			    const int32_t wide[6], const int32_t deep[6])
{
	const struct kestrel_graph_batch_block *numbers = &from->portable->attributes.batch_block;
	static const uint32_t order[6] = { 2, 4, 0, 1, 3, 5 };
	int input = from->inputs[0], output = from->outputs[0];
	int padded = add_padded(expansion, numbers, input, output);
	const struct ir_tensor *tensors = expansion->graph->tensors;
	struct ir_operator *op;
	int split, turned;

	if (tensors[padded].elements == tensors[input].elements) {
		padded = input;
	} else {
		op = add_operator(expansion, IR_PAD, input, -1, padded);
		op->output_zero_point = numbers->value;
		for (unsigned int d = 1; d + 1 < tensors[input].rank; d++) {
			op->pad_before[d] = (int32_t)numbers->before[d - 1];
			op->pad_after[d] = tensors[padded].shape[d] - op->pad_before[d] -
					   tensors[input].shape[d];
		}
	}
	split = add_tensor(expansion, input, 6, wide, NULL);
	turned = add_tensor(expansion, input, 6, deep, NULL);
	add_operator(expansion, IR_RESHAPE, padded, -1, split);
	op = add_operator(expansion, IR_TRANSPOSE, split, -1, turned);
	memcpy(add_portable(expansion, op)->transpose.permutation, order, sizeof(order));
	add_operator(expansion, IR_RESHAPE, turned, -1, output);
}

/* The other way round, then what lies inside. */
static void expand_to_space(struct expansion *expansion, const struct ir_operator *from,
			    const int32_t wide[6], const int32_t deep[6])
{
	const struct kestrel_graph_batch_block *numbers = &from->portable->attributes.batch_block;
	static const uint32_t order[6] = { 2, 3, 0, 4, 1, 5 };
	int input = from->inputs[0], output = from->outputs[0];
	int padded = add_padded(expansion, numbers, output, input);
	const struct ir_tensor *tensors = expansion->graph->tensors;
	int split = add_tensor(expansion, input, 6, deep, NULL);
	int turned = add_tensor(expansion, input, 6, wide, NULL);
	struct kestrel_graph_slice *slice;
	struct ir_operator *op;

	if (tensors[padded].elements == tensors[output].elements)
		padded = output;
	add_operator(expansion, IR_RESHAPE, input, -1, split);
	op = add_operator(expansion, IR_TRANSPOSE, split, -1, turned);
	memcpy(add_portable(expansion, op)->transpose.permutation, order, sizeof(order));
	add_operator(expansion, IR_RESHAPE, turned, -1, padded);
	if (padded == output)
		return;
	op = add_operator(expansion, IR_SLICE, padded, -1, output);
	slice = &add_portable(expansion, op)->slice;
	for (unsigned int d = 0; d < tensors[output].rank; d++) {
		slice->begin[d] = d && d + 1 < tensors[output].rank ? numbers->before[d - 1] : 0;
		slice->stride[d] = 1;
		slice->count[d] = (uint32_t)tensors[output].shape[d];
	}
}

static void expand_batches(struct expansion *expansion, const struct ir_operator *from)
{
	const struct kestrel_graph_batch_block *numbers = &from->portable->attributes.batch_block;
	bool gathers = from->kind == IR_SPACE_TO_BATCH;
	const struct ir_tensor *tensors = expansion->graph->tensors;
	const struct ir_tensor *few = &tensors[gathers ? from->inputs[0] : from->outputs[0]];
	const struct ir_tensor *many = &tensors[gathers ? from->outputs[0] : from->inputs[0]];
	int32_t rows = many->shape[1], columns = many->rank > 3 ? many->shape[2] : 1;
	int32_t by = (int32_t)numbers->block[0], bx = (int32_t)numbers->block[1];
	const int32_t wide[6] = { few->shape[0], rows, by, columns, bx, ir_extent(few, 0) };
	const int32_t deep[6] = { by, bx, few->shape[0], rows, columns, ir_extent(few, 0) };

	(gathers ? expand_to_batch : expand_to_space)(expansion, from, wide, deep);
}

/* What makes other operators of some. */
static const struct {
	bool (*expands)(const struct ir_graph *graph, const struct ir_operator *op);
	void (*expand)(struct expansion *expansion, const struct ir_operator *op);
} expansions[] = {
	{ svdf_expands, expand_svdf },
	{ product_expands, expand_product },
	{ difference_expands, expand_difference },
	{ leaky_expands, expand_leaky },
	{ batches_expand, expand_batches },
};

#define EXPANSIONS (sizeof(expansions) / sizeof(expansions[0]))

/* The row of the table that the operator is one of, or EXPANSIONS. */
static size_t expansion_of(const struct ir_graph *graph, const struct ir_operator *op)
{
	size_t e = 0;

	while (e < EXPANSIONS && !expansions[e].expands(graph, op))
		e++;
	return e;
}

int expand_graph(const struct ir_graph *graph, struct ir_graph *expanded, unsigned int **origin)
{
	struct expansion expansion = { .graph = expanded };
	unsigned int count = 0;
	size_t operators, tensors;

	for (unsigned int o = 0; o < graph->operator_count; o++)
		count += expansion_of(graph, &graph->operators[o]) < EXPANSIONS;
	operators = graph->operator_count + (size_t)count * PARTS_MAX + 1;
	tensors = graph->tensor_count + (size_t)count * TENSORS_MAX;
	*expanded = *graph;
	expanded->operators = arena_alloc(graph->arena, operators, sizeof(*expanded->operators));
	expanded->tensors = arena_alloc(graph->arena, tensors, sizeof(*expanded->tensors));
	*origin = expansion.origin = arena_alloc(graph->arena, operators, sizeof(**origin));
	if (!expanded->operators || !expanded->tensors || !expansion.origin)
		return error_memory(graph->error);
	if (graph->tensor_count)
		memcpy(expanded->tensors, graph->tensors,
		       graph->tensor_count * sizeof(*graph->tensors));
	expanded->operator_count = 0;
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		size_t e = expansion_of(graph, &graph->operators[o]);

		expansion.current = o;
		expansion.type_name = graph->operators[o].type_name;
		if (e < EXPANSIONS) {
			expansions[e].expand(&expansion, &graph->operators[o]);
			continue;
		}
		expansion.origin[expanded->operator_count] = o;
		expanded->operators[expanded->operator_count++] = graph->operators[o];
	}
	if (expansion.failed)
		return error_memory(graph->error);
	ir_set_producers(expanded);
	return 0;
}
