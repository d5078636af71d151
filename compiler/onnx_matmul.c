// SPDX-License-Identifier: MIT
/* Gemm, MatMul and MatMulInteger. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

/* A product with constant weights: out = alpha x (in . weights) + beta x bias. */
struct product {
	struct onnx_value *x, *w, *bias;
	/* Inputs and outputs of one row; weights are [depth, outputs], or transposed. */
	int32_t depth, outputs;
	bool transposed;
	float alpha, beta;
};

/* The layout that x is taken in: a flattened map as it is, since weights can follow. */
static enum onnx_layout input_layout(const struct onnx_value *x)
{
	return onnx_layout_of(x) == ONNX_FLATTENED ? ONNX_FLATTENED : ONNX_PLAIN;
}

/* [outputs, depth], depth in the order of x's layout. */
static int weights_tensor(struct onnx *o, const struct product *p, const struct onnx_value *w,
			  enum onnx_layout layout, int *tensor)
{
	const struct onnx_value *map = p->x->stored && onnx_layout_of(p->x->stored) == layout ?
				       p->x->stored : p->x;
	int32_t shape[2] = { p->outputs, p->depth };
	uint64_t bytes = ir_type_bytes(w->type);
	uint8_t *data = onnx_alloc(o, w->elements, bytes);

	if (!data)
		return onnx_failed(o);
	for (int32_t out = 0; out < p->outputs; out++)
		for (int32_t k = 0; k < p->depth; k++) {
			int32_t in = k;
			uint64_t from;

			if (layout == ONNX_FLATTENED)
				in = k % map->map_channels * map->map_pixels +
				     k / map->map_channels;
			from = p->transposed ? (uint64_t)out * (uint64_t)p->depth + (uint64_t)in :
			       (uint64_t)in * (uint64_t)p->outputs + (uint64_t)out;
			memcpy(data + ((uint64_t)out * (uint64_t)p->depth + (uint64_t)k) * bytes,
			       w->data + from * bytes, bytes);
		}
	return onnx_tensor_raw(o, w->name, w->type, 2, shape, data, tensor);
}

static const float *scaled_floats(struct onnx *o, struct onnx_value *value, float factor)
{
	const float *floats = onnx_floats(o, value);
	float *scaled;

	if (!floats || factor == 1)
		return floats;
	scaled = onnx_alloc(o, value->elements, sizeof(*scaled));
	for (uint64_t i = 0; scaled && i < value->elements; i++)
		scaled[i] = floats[i] * factor;
	return scaled;
}

static int emit_floats(struct onnx *o, const struct product *p, struct onnx_value *y)
{
	enum onnx_layout layout = input_layout(p->x);
	struct onnx_value w = { .name = p->w->name, .type = IR_FLOAT32,
				.elements = p->w->elements };
	int inputs[3] = { -1, -1, -1 }, output, ret;
	const float *bias = NULL;
	struct ir_operator *op;

	w.data = (const uint8_t *)scaled_floats(o, p->w, p->alpha);
	if (p->bias)
		bias = scaled_floats(o, p->bias, p->beta);
	if (!w.data || (p->bias && !bias))
		return onnx_failed(o);
	ret = onnx_tensor(o, p->x, layout, &inputs[0]);
	if (!ret)
		ret = weights_tensor(o, p, &w, layout, &inputs[1]);
	if (!ret && bias)
		ret = onnx_tensor_raw(o, p->bias->name, IR_FLOAT32, 1, &p->outputs, bias,
				      &inputs[2]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_PLAIN, &output);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_FULLY_CONNECTED, bias ? 3 : 2, inputs, output);
	if (!op)
		return onnx_failed(o);
	op->processor_reason = "no QuantizeLinear frames it, so it computes with float32";
	return onnx_float_numbers(o, op);
}

static int emit_integers(struct onnx *o, const struct product *p, struct onnx_affine affine,
			 const struct onnx_weights *weights, const struct onnx_frame *frame)
{
	enum onnx_layout layout = input_layout(p->x);
	int inputs[3] = { -1, -1, -1 }, output, ret;
	struct onnx_value *y = frame->result;
	struct ir_operator *op;

	ret = onnx_tensor(o, p->x, layout, &inputs[0]);
	if (!ret)
		ret = weights_tensor(o, p, weights->stored, layout, &inputs[1]);
	if (!ret)
		ret = onnx_weights_describe(o, weights, inputs[1], 0);
	if (!ret && weights->bias)
		ret = onnx_tensor_raw(o, "bias", IR_INT32, 1, &p->outputs, weights->bias,
				      &inputs[2]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_PLAIN, &output);
	if (!ret)
		ret = onnx_tensor_quantise(o, p->x, affine);
	if (!ret)
		ret = onnx_tensor_quantise(o, y, frame->affine);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_FULLY_CONNECTED, weights->bias ? 3 : 2, inputs, output);
	return op ? onnx_weights_numbers(o, op, weights, affine, frame, (uint32_t)p->outputs) :
		    onnx_failed(o);
}

static int multiply(struct onnx *o, struct product *p, struct onnx_value *y)
{
	struct onnx_weights weights;
	struct onnx_affine affine;
	struct onnx_frame frame;
	bool fits = false;
	int ret = 0;

	if (p->alpha > 0 && onnx_stored(p->x, &affine) &&
	    onnx_weights(p->w, p->transposed ? 0 : 1, &weights) &&
	    onnx_frame_find(o, y, &frame)) {
		weights.factor = (double)p->alpha;
		ret = onnx_weights_bias(o, &weights, affine, p->bias, p->beta,
					(uint32_t)p->outputs, &fits);
	}
	if (ret || !fits)
		return ret ? ret : emit_floats(o, p, y);
	ret = onnx_frame_take(o, &frame, y);
	p->x = p->x->stored;
	return ret ? ret : emit_integers(o, p, affine, &weights, &frame);
}

static int check_product(struct onnx *o, struct product *p)
{
	const struct onnx_value *x = p->x, *w = p->w;

	if (!onnx_is_constant(w) || w->rank != 2 || !x->rank)
		return onnx_fail(o, w, -ENOTSUP, "must be a constant of two dimensions");
	p->depth = w->shape[p->transposed ? 1 : 0];
	p->outputs = w->shape[p->transposed ? 0 : 1];
	if (x->shape[x->rank - 1] != p->depth)
		return onnx_fail(o, x, -EINVAL, "does not match weights \"%.80s\" of %d x %d",
				 w->name, p->depth, p->outputs);
	if (p->bias && (!onnx_is_constant(p->bias) || p->bias->type != IR_FLOAT32 ||
			p->bias->elements != (uint64_t)p->outputs ||
			p->bias->shape[p->bias->rank - 1] != p->outputs))
		return onnx_fail(o, p->bias, -ENOTSUP, "must be a constant of %d floats",
				 p->outputs);
	return 0;
}

static int define_product(struct onnx *o, const struct product *p, struct onnx_value *y,
			  enum ir_type type)
{
	int32_t shape[IR_RANK_MAX];

	memcpy(shape, p->x->shape, sizeof(shape));
	shape[p->x->rank - 1] = p->outputs;
	return onnx_define(o, y, type, p->x->rank, shape);
}

/* Products of two values, of which there may be many side by side. */
static int define_pairs(struct onnx *o, const struct onnx_value *a, const struct onnx_value *b,
			struct onnx_value *y, enum ir_type type)
{
	unsigned int rank = a->rank > b->rank ? a->rank : b->rank;
	int32_t shape[IR_RANK_MAX];

	if (a->rank < 2 || b->rank < 2)
		return onnx_fail(o, a->rank < 2 ? a : b, -ENOTSUP, "needs two dimensions");
	if (a->shape[a->rank - 1] != b->shape[b->rank - 2])
		return onnx_fail(o, a, -EINVAL, "its columns are not the rows of \"%.80s\"",
				 b->name);
	for (unsigned int d = 2; d < rank; d++) {
		int32_t of_a = d < a->rank ? a->shape[a->rank - 1 - d] : 1;
		int32_t of_b = d < b->rank ? b->shape[b->rank - 1 - d] : 1;

		if (of_a != of_b && of_a != 1 && of_b != 1)
			return onnx_fail(o, a, -EINVAL, "does not broadcast against \"%.80s\"",
					 b->name);
		shape[rank - 1 - d] = of_a > of_b ? of_a : of_b;
	}
	shape[rank - 2] = a->shape[a->rank - 2];
	shape[rank - 1] = b->shape[b->rank - 1];
	return onnx_define(o, y, type, rank, shape);
}

static int emit_pairs(struct onnx *o, struct onnx_value *a, struct onnx_value *b,
		      struct onnx_value *y, struct ir_operator **op)
{
	int inputs[2], to, ret = onnx_tensor(o, a, ONNX_PLAIN, &inputs[0]);

	if (!ret)
		ret = onnx_tensor(o, b, ONNX_PLAIN, &inputs[1]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_PLAIN, &to);
	if (ret)
		return ret;
	*op = onnx_emit(o, IR_BATCH_MATMUL, 2, inputs, to);
	return *op ? 0 : onnx_failed(o);
}

static int multiply_pairs(struct onnx *o, struct onnx_value *a, struct onnx_value *b,
			  struct onnx_value *y)
{
	struct onnx_affine a_affine, b_affine;
	struct onnx_frame frame;
	struct ir_operator *op;
	int ret = define_pairs(o, a, b, y, IR_FLOAT32);

	if (ret)
		return ret;
	if (!onnx_stored(a, &a_affine) || !onnx_stored(b, &b_affine) ||
	    !onnx_frame_find(o, y, &frame)) {
		ret = emit_pairs(o, a, b, y, &op);
		return ret ? ret : onnx_float_numbers(o, op);
	}
	ret = onnx_frame_take(o, &frame, y);
	if (ret)
		return ret;
	ret = emit_pairs(o, a->stored, b->stored, frame.result, &op);
	if (ret)
		return ret;
	onnx_frame_numbers(op, a_affine, &frame);
	op->input2_zero_point = b_affine.zero_point;
	ret = onnx_one_factor(o, op, (double)a_affine.scale * (double)b_affine.scale /
			      (double)frame.affine.scale);
	return ret ? ret : onnx_tensor_quantise(o, frame.result, frame.affine);
}

/* a, b, the zero points of both. */
int onnx_matmul_integer(struct onnx *o)
{
	struct onnx_value *a, *b, *y = o->node->outputs[0];
	struct ir_operator *op;
	int inputs[4], to, ret = onnx_check_counts(o, 2, 4);

	if (ret)
		return ret;
	a = onnx_input(o, 0);
	b = onnx_input(o, 1);
	ret = onnx_check_bytes(o, a);
	if (!ret)
		ret = onnx_check_bytes(o, b);
	if (!ret)
		ret = define_pairs(o, a, b, y, IR_INT32);
	if (!ret)
		ret = onnx_tensor(o, a, ONNX_PLAIN, &inputs[0]);
	if (!ret)
		ret = onnx_tensor(o, b, ONNX_PLAIN, &inputs[1]);
	if (!ret)
		ret = onnx_zero_points(o, 2, a, 1, &inputs[2]);
	if (!ret)
		ret = onnx_zero_points(o, 3, b, b->shape[b->rank - 1], &inputs[3]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_PLAIN, &to);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_MATMUL_INTEGER, 4, inputs, to);
	return op ? resolve_portable(o->graph, op, KESTREL_GRAPH_MATMUL_INTEGER, 0) :
		    onnx_failed(o);
}

int onnx_gemm(struct onnx *o)
{
	struct product p = { .transposed = onnx_attribute_int(o, "transB", 0) };
	int ret = onnx_check_counts(o, 2, 3);

	if (ret)
		return ret;
	p.x = onnx_input(o, 0);
	p.w = onnx_input(o, 1);
	p.bias = onnx_input(o, 2);
	p.alpha = onnx_attribute_float(o, "alpha", 1);
	p.beta = onnx_attribute_float(o, "beta", 1);
	if (onnx_attribute_int(o, "transA", 0) || p.x->rank != 2)
		return onnx_fail(o, p.x, -ENOTSUP, "transA, or other than two dimensions");
	if (!isfinite(p.alpha) || !isfinite(p.beta))
		return onnx_fail(o, p.x, -EINVAL, "alpha and beta must be numbers");
	ret = check_product(o, &p);
	if (!ret)
		ret = define_product(o, &p, o->node->outputs[0], IR_FLOAT32);
	return ret ? ret : multiply(o, &p, o->node->outputs[0]);
}

/* The Add of a constant for each column that alone reads the product; NULL: there is none. */
static struct onnx_node *find_bias(const struct onnx *o, struct product *p)
{
	const struct onnx_value *y = o->node->outputs[0];
	struct onnx_node *node = &o->nodes[y->reader];
	struct onnx_value *bias;

	if (y->readers != 1 || y->is_output || node->done || node->output_count != 1 ||
	    !node->outputs[0] || node->input_count != 2 || strcmp(node->proto->op_type, "Add"))
		return NULL;
	bias = node->inputs[node->inputs[0] == y];
	if (!bias || !onnx_is_constant(bias) || bias->type != IR_FLOAT32 || !bias->rank ||
	    bias->rank > p->x->rank || bias->elements != (uint64_t)p->outputs ||
	    bias->shape[bias->rank - 1] != p->outputs)
		return NULL;
	p->bias = bias;
	return node;
}

int onnx_matmul(struct onnx *o)
{
	struct product p = { .alpha = 1, .beta = 1 };
	struct onnx_node *add;
	struct onnx_value *y = o->node->outputs[0];
	int ret = onnx_check_counts(o, 2, 2);

	if (ret)
		return ret;
	p.x = onnx_input(o, 0);
	p.w = onnx_input(o, 1);
	if (p.x->type != IR_FLOAT32 || p.w->type != IR_FLOAT32)
		return onnx_fail(o, p.x, -ENOTSUP, "only float32 factors");
	if (!onnx_is_constant(p.w) || p.w->rank != 2)
		return multiply_pairs(o, p.x, p.w, y);
	ret = check_product(o, &p);
	if (ret)
		return ret;
	add = find_bias(o, &p);
	if (add) {
		y = add->outputs[0];
		add->done = true;
		ret = onnx_removed(o, add, "the bias of the product before it");
	}
	if (!ret)
		ret = define_product(o, &p, y, IR_FLOAT32);
	return ret ? ret : multiply(o, &p, y);
}
