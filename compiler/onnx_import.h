/* SPDX-License-Identifier: MIT */
/*
 * What the files that translate ONNX operators share.
 *
 * A value is what ONNX's graph has names for. Its real numbers may be held as
 * floats, or as stored integers together with what an integer stands for: after
 * DequantizeLinear that is scale x (q - zero point), after a function of such
 * a value it is any table of 256 floats. QuantizeLinear turns a table of floats
 * into a table of bytes; operators that move elements move the integers. So
 * whatever depends on one byte alone becomes one table, with the floats that the
 * definition of ONNX gives, and only sums and products of several values need
 * arithmetic: in integers where a QuantizeLinear follows, in float32 elsewhere.
 *
 * ONNX keeps channels before height and width, the NPU and this compiler's
 * graph behind them. A value can be held in several layouts; it is converted
 * when an operator needs one that is not there.
 */
#ifndef COMPILER_ONNX_IMPORT_H
#define COMPILER_ONNX_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "ir.h"
#include "onnx.pb-c.h"

enum onnx_layout {
	/* Dimensions as ONNX has them. */
	ONNX_PLAIN,
	/* Rank 3, 4: N C H W as N H W C, N C W as N 1 W C. */
	ONNX_CHANNELS_LAST,
	/* Rank 2: a map of that layout, flattened; see map_channels. */
	ONNX_FLATTENED,
	ONNX_LAYOUTS,
};

/* Scale and zero point of 8-bit integers. */
struct onnx_affine {
	float scale;
	int32_t zero_point;
};

struct onnx_value {
	const char *name;
	enum ir_type type;
	unsigned int rank;
	/* In ONNX's order; each at least 1. */
	int32_t shape[IR_RANK_MAX];
	uint64_t elements;
	/* Contents of a constant in ONNX's order, else NULL. */
	const uint8_t *data;
	/* The file has four bits for each element of it. */
	bool is_int4;
	/* The graph's tensors that hold it, by layout; -1: none. */
	int tensors[ONNX_LAYOUTS];
	/* ONNX_FLATTENED: channels and pixels of the map. */
	int32_t map_channels, map_pixels;

	/* float32: integers of the same shape that it is a function of, or NULL. */
	struct onnx_value *stored;
	/* Of 8-bit `stored`: the float of each byte; NULL with a scale a channel. */
	const float *function;
	/* `stored` by DequantizeLinear: one scale, or one along `axis`; else 0. */
	uint32_t scale_count;
	const float *scales;
	const int32_t *zero_points;
	unsigned int axis;

	/* Nodes that read it, and the number of one of them in onnx.nodes. */
	unsigned int readers;
	unsigned int reader;
	bool is_output;
	/* The output of a node. */
	bool is_made;
};

struct onnx_node {
	const Onnx__Node *proto;
	/* What it is a part of, see onnx_parts_make(); NULL: it is a node of the file. */
	const Onnx__Node *whole;
	/* Number in the file. */
	unsigned int index;
	/* Values; NULL: an optional one that is absent. */
	unsigned int input_count, output_count;
	struct onnx_value **inputs, **outputs;
	/* An earlier node did its work. */
	bool done;
};

struct onnx {
	struct ir_graph *graph;
	struct arena *arena;
	const Onnx__Graph *proto;
	int64_t opset;
	struct onnx_value **values;
	unsigned int value_count;
	struct onnx_node *nodes;
	unsigned int node_count;
	unsigned int tensor_capacity, operator_capacity;
	/* Bytes that constants computed here may still take. */
	uint64_t budget;
	/* The node being translated; NULL: none. */
	struct onnx_node *node;
	/* Of the last message. */
	int code;
};

/* The integers that an operator may write directly: see onnx_frame_find(). */
struct onnx_frame {
	/* Output of the QuantizeLinear. */
	struct onnx_value *result;
	struct onnx_affine affine;
	enum ir_type type;
	/* Clamp from Relu and Clip on the way, and the type's range. */
	int32_t low, high;
	/* Nodes on the way, in order, the QuantizeLinear last. */
	struct onnx_node *nodes[4];
	unsigned int node_count;
};

/* All functions below that return int: 0, or a negative errno with a message. */

/* onnx_attribute.c: messages and attributes of the current node. */

/* The file's name of the operator that a node is, or is a part of. */
const char *onnx_node_type(const struct onnx_node *node);
/* A message that names the node and, where not NULL, the value with its shape. */
int onnx_fail(struct onnx *o, const struct onnx_value *value, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int onnx_memory(struct onnx *o);
/* Code of the last message, for callers of what returns NULL. */
int onnx_failed(const struct onnx *o);
const Onnx__Attribute *onnx_attribute(const struct onnx *o, const char *name);
int64_t onnx_attribute_int(const struct onnx *o, const char *name, int64_t missing);
float onnx_attribute_float(const struct onnx *o, const char *name, float missing);
/* Whether a string attribute has this text; `missing` when it is absent. */
bool onnx_attribute_is(const struct onnx *o, const char *name, const char *text, bool missing);
/* Integers of an attribute: `count` of them or none; values are limited to int32. */
int onnx_attribute_ints(struct onnx *o, const char *name, unsigned int count, int32_t missing,
			int32_t *values);
/* Input `index`, NULL when absent. */
struct onnx_value *onnx_input(const struct onnx *o, unsigned int index);
/* Counts of inputs, of which the first `least` are there, and of outputs. */
int onnx_check_counts(struct onnx *o, unsigned int least, unsigned int most);
/* Refuse other types than int8 and uint8, and than float32. */
int onnx_check_bytes(struct onnx *o, const struct onnx_value *value);
int onnx_check_floats(struct onnx *o, const struct onnx_value *value);
/*
 * A list of integers: input `input` as a constant or, where older opsets have
 * it so, attribute `name` (may be NULL). *count = 0 and no error when it is absent.
 */
int onnx_list(struct onnx *o, unsigned int input, const char *name, unsigned int most,
	      int64_t *values, unsigned int *count);
/* One dimension of `rank`, from the end where negative. */
int onnx_axis(struct onnx *o, int64_t axis, unsigned int rank, unsigned int *dimension);
/* Element i of a constant of integers. */
int64_t onnx_integer(const struct onnx_value *value, uint64_t i);
/* A constant float of one element. */
int onnx_scalar(struct onnx *o, const struct onnx_value *value, float *number);

/* onnx_value.c: values, their tensors and layouts. */

/* Memory for the contents of constants, within the budget; NULL with a message. */
void *onnx_alloc(struct onnx *o, uint64_t count, uint64_t size);
/* Both return NULL with a message where the shape is refused or memory is out. */
struct onnx_value *onnx_value_new(struct onnx *o, const char *name, enum ir_type type,
				  unsigned int rank, const int32_t *shape);
struct onnx_value *onnx_value_constant(struct onnx *o, const char *name, enum ir_type type,
				       unsigned int rank, const int32_t *shape, const void *data);
/* A value of which only the name is known; NULL: no memory. */
struct onnx_value *onnx_value_unknown(struct onnx *o, const char *name);
/* Gives an output of the node type and shape; fails when its size passes 2^31. */
int onnx_define(struct onnx *o, struct onnx_value *value, enum ir_type type, unsigned int rank,
		const int32_t *shape);
/* Makes `value` the same as `from`, of equal element count, under value's own name. */
void onnx_alias(struct onnx_value *value, const struct onnx_value *from);
/* The floats of a constant, dequantised where it is stored so; NULL with a message. */
const float *onnx_floats(struct onnx *o, struct onnx_value *value);
bool onnx_is_constant(const struct onnx_value *value);

/* Shape of a value in a layout. */
unsigned int onnx_layout_shape(const struct onnx_value *value, enum onnx_layout layout,
			       int32_t *shape);
/* Dimension of the layout that ONNX's dimension becomes. */
unsigned int onnx_layout_dimension(const struct onnx_value *value, enum onnx_layout layout,
				   unsigned int dimension);
/* The layout in which a value is there already; channels last before plain. */
enum onnx_layout onnx_layout_of(const struct onnx_value *value);
/* The map that `from`, or the integers behind it, is the flattened form of is that of `to`. */
void onnx_take_map(struct onnx_value *to, const struct onnx_value *from);
/* The graph's tensor that holds `value` in `layout`, converted if need be. */
int onnx_tensor(struct onnx *o, struct onnx_value *value, enum onnx_layout layout, int *tensor);
/* A new tensor for `value` in `layout`, to be written by the operator made next. */
int onnx_tensor_new(struct onnx *o, struct onnx_value *value, enum onnx_layout layout,
		    int *tensor);
/* A tensor of the compiler's own: `type` and shape, constant where data is not NULL. */
int onnx_tensor_raw(struct onnx *o, const char *name, enum ir_type type, unsigned int rank,
		    const int32_t *shape, const void *data, int *tensor);
/* Scale and zero point of the tensors of an integer value, for people and tools. */
int onnx_tensor_quantise(struct onnx *o, struct onnx_value *value, struct onnx_affine affine);

/*
 * Appends an operator of the current node. Inputs of -1 are absent. The pointer
 * is good until the next operator is made; NULL with a message.
 */
struct ir_operator *onnx_emit(struct onnx *o, enum ir_kind kind, unsigned int input_count,
			      const int *inputs, int output);
/* The same of one value to another, both in a layout. 0 and `op`, or an error. */
int onnx_emit_from(struct onnx *o, enum ir_kind kind, struct onnx_value *x, struct onnx_value *y,
		   enum onnx_layout layout, struct ir_operator **op);
/* Puts it on record that a node needs no operator of its own. */
int onnx_removed(struct onnx *o, const struct onnx_node *node, const char *reason);

/* onnx_quantise.c: QuantizeLinear, DequantizeLinear and the frames between them. */
int onnx_quantize_linear(struct onnx *o);
int onnx_dequantize_linear(struct onnx *o);
/* Constant scale and zero point in two inputs, one of each, 8 bits. */
int onnx_affine(struct onnx *o, unsigned int scale, unsigned int zero_point,
		struct onnx_affine *affine, enum ir_type *type);
/*
 * Whether only a QuantizeLinear with one scale reads `value`, perhaps behind
 * Relu and Clip, so that the operator that makes it can make its integers.
 */
bool onnx_frame_find(struct onnx *o, const struct onnx_value *value, struct onnx_frame *frame);
/* Takes the frame's nodes into the current one and defines its result. */
int onnx_frame_take(struct onnx *o, struct onnx_frame *frame, const struct onnx_value *value);
/* Makes `value`, defined as float32, stand for integers of one scale. */
int onnx_store(struct onnx *o, struct onnx_value *value, struct onnx_value *stored,
	       struct onnx_affine affine);
/* Integers with one scale that `value` stands for; false: there are none. */
bool onnx_stored(const struct onnx_value *value, struct onnx_affine *affine);
/* The byte that stands for `real` by QuantizeLinear's definition. */
int32_t onnx_quantise(float real, struct onnx_affine affine, enum ir_type type);
/* Bytes through a table: `to` of another type or meaning; where that is the same, an alias. */
int onnx_emit_table(struct onnx *o, struct onnx_value *from, struct onnx_value *to,
		    const float *function, struct onnx_affine affine);

/* What QuantizeLinear makes of `x`, a constant or with a function; NULL with a message. */
struct onnx_value *onnx_requantised(struct onnx *o, struct onnx_value *x,
				    struct onnx_affine affine, enum ir_type type);
/* Integers of another 8-bit type that mean the same; NULL with a message. */
struct onnx_value *onnx_retype(struct onnx *o, struct onnx_value *stored,
			       struct onnx_affine *affine, enum ir_type type);

/* Rounding, zero points and clamp of an operator that writes the frame's integers. */
void onnx_frame_numbers(struct ir_operator *op, struct onnx_affine x,
			const struct onnx_frame *frame);
/* Refuses a factor that float32 cannot hold. */
int onnx_check_factor(struct onnx *o, double factor);
/* op->scales with one factor. */
int onnx_one_factor(struct onnx *o, struct ir_operator *op, double factor);
/* Rounding and clamp of an operator on floats. */
int onnx_float_numbers(struct onnx *o, struct ir_operator *op);
/* Integers in the shape of `value`, of the type of those that `from` stands for. */
struct onnx_value *onnx_stored_like(struct onnx *o, const struct onnx_value *value,
				    const struct onnx_value *from);

/* onnx_weights.c: 8-bit constants with one zero point, an optional bias. */
struct onnx_weights {
	struct onnx_value *stored;
	int32_t zero_point;
	/* One, or one an output channel. */
	uint32_t scale_count;
	const float *scales;
	/* Of the product, beside the scales. */
	double factor;
	/* In units of the accumulators; NULL: none. */
	const int32_t *bias;
};

/* Whether `value` is such a constant, with scales along `axis` if it has several. */
bool onnx_weights(const struct onnx_value *value, unsigned int axis,
		  struct onnx_weights *weights);
/* weights->bias from constant floats times `factor`; *fits: 32 bits hold it. */
int onnx_weights_bias(struct onnx *o, struct onnx_weights *weights, struct onnx_affine x,
		      struct onnx_value *bias, float factor, uint32_t channels, bool *fits);
/* Scales and zero points of the weights' tensor, along a dimension of it. */
int onnx_weights_describe(struct onnx *o, const struct onnx_weights *weights, int tensor,
			  uint32_t dimension);
/* All numbers of an operator on integers with these weights. */
int onnx_weights_numbers(struct onnx *o, struct ir_operator *op,
			 const struct onnx_weights *weights, struct onnx_affine x,
			 const struct onnx_frame *frame, uint32_t channels);

/* Emits what the node that is under way becomes, and defines its outputs. */
typedef int onnx_translate_fn(struct onnx *o);

/* onnx_operators.c: who translates operators of a type; NULL: nobody. */
onnx_translate_fn *onnx_translator(const char *type);

/* onnx_broadcast.c */
/* Shape that two values broadcast to; `shape` may be that of either. */
int onnx_broadcast(struct onnx *o, const struct onnx_value *a, const struct onnx_value *b,
		   int32_t *shape, unsigned int *rank);
/* Element of `value` under element i of `y`, which it broadcasts to. */
uint64_t onnx_broadcast_index(const struct onnx_value *value, const struct onnx_value *y,
			      uint64_t i);

/* onnx_clamp.c */
/* Lower and upper bound of a Relu or Clip node with constant bounds. */
bool onnx_clamp_bounds(const struct onnx *o, const struct onnx_node *node, float *low,
		       float *high);

/* onnx_unary.c */
int onnx_unary(struct onnx *o);
/* Name of function number `index`, NULL behind the last. */
const char *onnx_unary_type(unsigned int index);
/* onnx_parts.c: nodes that a node of the file is translated as, one after the other. */
/* How many; 0: it is translated as it is. */
unsigned int onnx_parts_count(const Onnx__Node *proto);
/* Makes those nodes of `whole`, whose operands are known. */
int onnx_parts_make(struct onnx *o, struct onnx_node *whole, struct onnx_node *parts);
/* A part with room for inputs, which are all NULL, and its own output. */
int onnx_part_make(struct onnx *o, const struct onnx_node *whole, const char *type,
		   unsigned int input_count, struct onnx_value *output, struct onnx_node *part);
/* What one part gives to another; NULL with a message. */
struct onnx_value *onnx_part_value(struct onnx *o, const struct onnx_node *whole);
/* The same of QLinearSigmoid and its kind alone (onnx_qlinear.c). */
unsigned int onnx_qlinear_parts(const Onnx__Node *proto);
int onnx_qlinear_expand(struct onnx *o, struct onnx_node *whole, struct onnx_node *parts);

/* The rest, by kind of operator. */
int onnx_binary(struct onnx *o);			/* onnx_elementwise.c */
int onnx_qlinear_binary(struct onnx *o);
/* A float32 operator on two values, of a new one; NULL with a message. */
struct onnx_value *onnx_float_binary(struct onnx *o, enum ir_kind kind, struct onnx_value *a,
				     struct onnx_value *b);
int onnx_convolution(struct onnx *o);			/* onnx_convolution.c */
int onnx_qlinear_convolution(struct onnx *o);
int onnx_transpose_convolution(struct onnx *o);
int onnx_pool(struct onnx *o);				/* onnx_pool.c */
int onnx_global_pool(struct onnx *o);
int onnx_resize(struct onnx *o);
int onnx_gemm(struct onnx *o);				/* onnx_matmul.c */
int onnx_matmul(struct onnx *o);
int onnx_matmul_integer(struct onnx *o);
int onnx_convolution_integer(struct onnx *o);		/* onnx_convolution.c */
int onnx_dynamic_quantize_linear(struct onnx *o);	/* onnx_dynamic.c */
/*
 * The tensor of zero points in input `input` of 8-bit values `of`: one, or `most`; -1
 * where the input is absent.
 */
int onnx_zero_points(struct onnx *o, unsigned int input, const struct onnx_value *of,
		     int32_t most, int *tensor);
int onnx_comparison(struct onnx *o);			/* onnx_logic.c */
int onnx_logical(struct onnx *o);
int onnx_not(struct onnx *o);
int onnx_where(struct onnx *o);
int onnx_remainder(struct onnx *o);
int onnx_cumulative_sum(struct onnx *o);
/* A sum or product of int32 or int64 that a run knows; -ENOTSUP where there is no form. */
int onnx_integer_binary(struct onnx *o);
/* The node's input as values of another type. */
int onnx_cast_values(struct onnx *o, enum ir_type type);
int onnx_reduce(struct onnx *o);			/* onnx_reduce.c */
int onnx_arg_extreme(struct onnx *o);
int onnx_softmax(struct onnx *o);			/* onnx_softmax.c */
/* A float32 mean over dimensions, which stay with one element; NULL with a message. */
struct onnx_value *onnx_float_mean(struct onnx *o, struct onnx_value *x, uint32_t axes);
/* Whether the current node is the mean of each row, the last dimension, of `x`. */
bool onnx_is_mean_of_rows(struct onnx *o, const struct onnx_value *x);
int onnx_layer_normalisation(struct onnx *o);		/* onnx_layer_norm.c */
/* ReduceMean, or the layer normalisation that exporters make of it and what follows. */
int onnx_reduce_mean(struct onnx *o);
/* `value` under another shape of as many elements; NULL with a message. */
struct onnx_value *onnx_reshaped(struct onnx *o, struct onnx_value *value, const char *name,
				 unsigned int rank, const int32_t *shape);
/* Dimension d of the result is x's permutation[d]; NULL with a message. */
struct onnx_value *onnx_transposed(struct onnx *o, struct onnx_value *x, const char *name,
				   const unsigned int *permutation);
/* Whether the integers can be moved in place of the floats that `value` stands for. */
bool onnx_moves_stored(const struct onnx_value *value);
/* Gives `to` what `from` stands for, in terms of other integers. */
void onnx_take_meaning(struct onnx_value *to, const struct onnx_value *from,
		       struct onnx_value *stored);
/* In each of ONNX's dimensions `count` elements from `begin` on, each `stride` on. */
struct onnx_slice {
	int32_t begin[IR_RANK_MAX], stride[IR_RANK_MAX], count[IR_RANK_MAX];
};
/* All of `x`. */
struct onnx_slice onnx_whole(const struct onnx_value *x);
/* Those elements of `x` under a name; NULL with a message. */
struct onnx_value *onnx_sliced(struct onnx *o, struct onnx_value *x, const char *name,
			       const struct onnx_slice *slice);
/* `count` elements of a dimension from `begin` on; NULL with a message. */
struct onnx_value *onnx_part(struct onnx *o, struct onnx_value *x, unsigned int dimension,
			     int32_t begin, int32_t count);
/* Scales and zero points of one tensor for another. */
void onnx_copy_quantisation(struct onnx *o, int from, int to);
int onnx_reshape(struct onnx *o);			/* onnx_move.c */
int onnx_transpose(struct onnx *o);
int onnx_slice(struct onnx *o);
int onnx_split(struct onnx *o);
int onnx_identity(struct onnx *o);
int onnx_gather(struct onnx *o);			/* onnx_gather.c */
int onnx_concat(struct onnx *o);			/* onnx_join.c */
int onnx_pad(struct onnx *o);
int onnx_block(struct onnx *o);				/* onnx_block.c */
int onnx_expand(struct onnx *o);
int onnx_tile(struct onnx *o);
int onnx_top_k(struct onnx *o);				/* onnx_index.c */
int onnx_one_hot(struct onnx *o);
/*
 * Indices that may count from the end of dimensions of `count` sizes, one for each
 * element of a row, as the graph has them: from the front. NULL with a message.
 */
struct onnx_value *onnx_from_front(struct onnx *o, struct onnx_value *indices,
				   const int32_t *sizes, int32_t count);
int onnx_gather_nd(struct onnx *o);
int onnx_gather_elements(struct onnx *o);
int onnx_constant(struct onnx *o);			/* onnx_fold.c */
int onnx_shape(struct onnx *o);
/* Elementwise operators on constants; *folded says whether it was one. */
int onnx_fold_binary(struct onnx *o, bool *folded);
int onnx_cast(struct onnx *o);
/* The element type of a number of the format. */
int onnx_type_of(struct onnx *o, int32_t code, const char *name, enum ir_type *type);
/* Whether a tensor of the file has elements of four bits, which become bytes. */
bool onnx_is_int4(const Onnx__Tensor *tensor);
/* A tensor of the file: checked, its bytes in the arena or in the message. */
int onnx_tensor_read(struct onnx *o, const Onnx__Tensor *tensor, const char *name,
		     enum ir_type *type, unsigned int *rank, int32_t *shape, const uint8_t **data);

/* Windows of convolutions and pools, see onnx_pool.c. */
struct onnx_window {
	struct ir_window window;
	/* Rows and columns of the output. */
	int32_t height, width;
};

/*
 * Window of the current node over input `x` (rank 3 or 4) with kernel_shape as
 * attribute or, kernel not NULL, given.
 */
int onnx_window(struct onnx *o, const struct onnx_value *x, const int32_t *kernel,
		struct onnx_window *window);

/* Bits of a float, as a factor of rounding mode FLOAT has them. */
struct ir_scale onnx_factor(double factor);

#endif
