/* SPDX-License-Identifier: MIT */
/*
 * The compiler's view of a model: tensors and operators.
 *
 * A reader fills the tensors and the attributes as the model states them;
 * resolve.c turns attributes into numbers (window, multipliers, clamps,
 * tables), after which nothing depends on the model's format any more. The
 * portable operator graph and the command streams are both made from that.
 */
#ifndef COMPILER_IR_H
#define COMPILER_IR_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/graph.h>

#include "arena.h"
#include "progress.h"

struct error;

#define IR_RANK_MAX 6

enum ir_type {
	IR_FLOAT32, IR_INT8, IR_UINT8, IR_INT16, IR_INT32, IR_INT64, IR_BOOL, IR_TYPE_OTHER,
};

struct ir_tensor {
	const char *name;
	enum ir_type type;
	/* Index in the model file. */
	unsigned int source;
	unsigned int rank;
	/* Outermost first; each at least 1. */
	int32_t shape[IR_RANK_MAX];
	uint64_t elements;
	uint64_t bytes;
	/* Quantisation: none when scale_count is 0; per channel when above 1. */
	uint32_t scale_count;
	const float *scales;
	const int64_t *zero_points;
	uint32_t quantised_dimension;
	/* Contents of a constant, else NULL. */
	const uint8_t *data;
	/* The model has four bits for each element, which are sign-extended here. */
	bool is_int4;
	/*
	 * Kept from run to run; written by any number of operators, so that their
	 * order must not change. Without data it begins as bytes of initial_byte.
	 */
	bool is_state;
	uint8_t initial_byte;
	/* Operator that writes it, -1 for inputs, constants and states. */
	int producer;
};

enum ir_kind {
	IR_UNKNOWN, IR_CONVOLUTION, IR_DEPTHWISE, IR_FULLY_CONNECTED, IR_ADD, IR_AVERAGE_POOL,
	IR_MAX_POOL, IR_MEAN, IR_SOFTMAX, IR_RESHAPE, IR_PAD, IR_QUANTISE, IR_DEQUANTISE,
	/* int8 to int8 through 256 bytes; requantisation becomes one. */
	IR_TABLE,
	/* Elementwise as IR_ADD; MUL has no input scales. */
	IR_SUB, IR_MUL, IR_MINIMUM, IR_MAXIMUM,
	IR_TRANSPOSE_CONVOLUTION, IR_SQUARED_DIFFERENCE, IR_DIV,
	/* Reductions as IR_MEAN: axes, and scales[0] where there is arithmetic. */
	IR_SUM, IR_REDUCE_MAX, IR_REDUCE_MIN, IR_REDUCE_PROD,
	/* Zero points of both inputs, scales[0]; attributes say what is transposed. */
	IR_BATCH_MATMUL,
	/* What follows has its numbers in ir_operator.portable. */
	IR_CONCATENATION, IR_SPLIT, IR_PACK, IR_SLICE, IR_TRANSPOSE, IR_COPY,
	IR_SPACE_TO_DEPTH, IR_DEPTH_TO_SPACE, IR_MIRROR_PAD, IR_GATHER, IR_ARG_MAX, IR_ARG_MIN,
	IR_RESIZE_BILINEAR, IR_RESIZE_NEAREST, IR_REQUANTISE, IR_LEAKY_RELU, IR_PRELU,
	IR_UNARY, IR_LOG_SOFTMAX, IR_SVDF, IR_LSTM, IR_DETECTION, IR_L2_NORMALIZATION, IR_CAST,
	IR_LAYER_NORM,
	/* 8 bits to float32 through 256 floats. */
	IR_FLOAT_TABLE,
	IR_COMPARE, IR_SELECT, IR_LOGICAL_AND, IR_LOGICAL_OR, IR_BROADCAST_TO, IR_TILE,
	IR_SPACE_TO_BATCH, IR_BATCH_TO_SPACE,
	IR_DYNAMIC_UPDATE_SLICE, IR_GATHER_ND, IR_TOP_K, IR_ONE_HOT, IR_CUMULATIVE_SUM,
	IR_DYNAMIC_QUANTISE, IR_MATMUL_INTEGER, IR_CONVOLUTION_INTEGER,
	/* Elementwise of floats and of integers that are not quantised. */
	IR_FLOOR_DIV, IR_FLOOR_MOD, IR_POWER,
	/* Forms of a model file that resolve.c turns into one of the above. */
	IR_PAD_V2, IR_REVERSE, IR_SPLIT_V, IR_UNPACK, IR_STRIDED_SLICE,
	IR_REDUCE_ANY, IR_REDUCE_ALL, IR_EMBEDDING_LOOKUP, IR_ADD_MANY,
	/* Of which nothing is left but constants. */
	IR_SHAPE, IR_RANK, IR_FILL, IR_RANGE, IR_ZEROS,
	IR_VARIABLE_HANDLE, IR_READ_VARIABLE, IR_ASSIGN_VARIABLE, IR_CALL_ONCE,
	IR_KIND_COUNT,
};

/* Functions of one value. */
enum ir_function {
	IR_FUNCTION_NONE, IR_FUNCTION_LOGISTIC, IR_FUNCTION_TANH, IR_FUNCTION_RELU,
	IR_FUNCTION_RELU6, IR_FUNCTION_RELU_N1_TO_1, IR_FUNCTION_HARD_SWISH, IR_FUNCTION_EXP,
	IR_FUNCTION_LOG, IR_FUNCTION_SQRT, IR_FUNCTION_RSQRT, IR_FUNCTION_ABS, IR_FUNCTION_NEG,
	IR_FUNCTION_SQUARE, IR_FUNCTION_ELU, IR_FUNCTION_GELU, IR_FUNCTION_LEAKY_RELU,
	IR_FUNCTION_SIN, IR_FUNCTION_COS, IR_FUNCTION_FLOOR, IR_FUNCTION_CEIL, IR_FUNCTION_ROUND,
	IR_FUNCTION_LOGICAL_NOT, IR_FUNCTION_RELU_0_TO_1,
};

enum ir_padding { IR_PADDING_SAME, IR_PADDING_VALID };

enum ir_activation {
	IR_ACTIVATION_NONE, IR_ACTIVATION_RELU, IR_ACTIVATION_RELU_N1_TO_1, IR_ACTIVATION_RELU6,
	IR_ACTIVATION_OTHER,
};

/* How an accumulator becomes an output, as design section 3 names the modes. */
enum ir_rounding {
	IR_ROUNDING_DOUBLE, IR_ROUNDING_SINGLE, IR_ROUNDING_FLOAT,
	/* DOUBLE with ties of the shift upward: optimised kernels. */
	IR_ROUNDING_UPWARD,
	/* 64-bit sums of int16 activations. */
	IR_ROUNDING_WIDE,
	/* float32 operators; their clamps are float32 bits. */
	IR_ROUNDING_NONE,
	/* float32 with int8 weights; so are the multipliers, which are the weights' scales. */
	IR_ROUNDING_HYBRID,
};

/* What the model file says about an operator. */
struct ir_attributes {
	enum ir_padding padding;
	enum ir_activation activation;
	int32_t stride_h, stride_w;
	int32_t dilation_h, dilation_w;
	int32_t filter_h, filter_w;
	int32_t depth_multiplier;
	float beta;
	bool keep_dimensions;
	int32_t axis;
	/* GATHER: leading dimensions that input and indices share. */
	int32_t batch_dims;
	/* STRIDED_SLICE: bit d: dimension d. */
	int32_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
	bool align_corners, half_pixel_centers;
	enum ir_function function;
	float alpha;
	bool approximate;
	int32_t block_size;
	/* CUMULATIVE_SUM */
	bool exclusive, reverse;
	/* MIRROR_PAD: SYMMETRIC instead of REFLECT. */
	bool symmetric;
	bool transpose_a, transpose_b;
	/* COMPARE: enum kestrel_graph_comparison. */
	uint32_t comparison;
	/* Hybrid operators: quantise the input with a zero point. */
	bool asymmetric_inputs;
	/* SVDF */
	int32_t rank;
	/* LSTM */
	float cell_clip, projection_clip;
	bool time_major;
	/* VAR_HANDLE: name of the variable. CALL_ONCE: index of the subgraph. */
	const char *variable;
	int32_t subgraph;
	/* Options of a custom operator, as in the file. */
	const uint8_t *custom;
	uint32_t custom_bytes;
};

/*
 * An operator as uapi/kestrel/graph.h describes it. What its attributes give as
 * offsets in PARAMETERS are here offsets in `parameters`.
 */
struct ir_portable {
	uint32_t opcode;
	union kestrel_graph_attributes attributes;
	uint8_t *parameters;
	uint32_t parameter_bytes;
};

/* A sliding window over H and W. Padding reads as the input's zero point. */
struct ir_window {
	int32_t kernel_h, kernel_w;
	int32_t stride_h, stride_w;
	int32_t dilation_h, dilation_w;
	int32_t pad_top, pad_bottom, pad_left, pad_right;
};

/* A real factor as TFLite holds it: multiplier x 2^(shift - 31). */
struct ir_scale {
	int32_t multiplier;
	int32_t shift;
};

#define IR_TABLE_ENTRIES 256
/* Of each channel in a layer normalisation's table: a bias and a gain. */
#define IR_LAYER_NORM_BYTES 6

struct ir_operator {
	enum ir_kind kind;
	/* The model format's name of the operator. */
	const char *type_name;
	/* Index in the model file. */
	unsigned int source;
	unsigned int input_count, output_count;
	/* Tensor indices; an optional input that is absent is -1. */
	int *inputs, *outputs;
	struct ir_attributes attributes;

	/* Resolved numbers; which of them count depends on the kind. */
	enum ir_rounding rounding;
	struct ir_window window;
	int32_t input_zero_point, weight_zero_point, output_zero_point;
	/* Second input of elementwise operators. */
	int32_t input2_zero_point;
	/* Inclusive range of the output. */
	int32_t clamp_low, clamp_high;
	/* One an output channel (convolutions) or one (others). */
	uint32_t scale_count;
	struct ir_scale *scales;
	/* ADD, SUB: factors of the two inputs, applied after a left shift. */
	struct ir_scale input_scale, input2_scale;
	int32_t left_shift;
	/* int32 an output channel; NULL: none. */
	const int32_t *bias;
	/* SOFTMAX: exponential by distance from the maximum, Q0.31. */
	int32_t *exponentials;
	/* SOFTMAX of the optimised kernels, by distance; no NPU form. */
	float *float_exponentials;
	/* IR_TABLE: output byte by input byte. */
	uint8_t *table;
	/* MEAN: bit d set: dimension d of the input is reduced. */
	uint32_t axes;
	/* PAD: elements before and after, by dimension. */
	int32_t pad_before[IR_RANK_MAX], pad_after[IR_RANK_MAX];

	/* Kinds that have no numbers above; else NULL. */
	struct ir_portable *portable;

	/* Why it stays on the processor, where the model's reader knows; else NULL. */
	const char *processor_reason;
	/* Why it is no longer part of the graph; NULL: it is. */
	const char *removed_reason;
};

struct ir_graph {
	struct arena *arena;
	struct error *error;
	unsigned int tensor_count;
	struct ir_tensor *tensors;
	unsigned int operator_count;
	struct ir_operator *operators;
	unsigned int input_count, output_count;
	int *inputs, *outputs;
	/* Name of the rounding profile that resolve.c applied. */
	const char *numerics;
	/* NPU jobs that gather_jobs() has saved. */
	unsigned int merged_jobs;
	/* As in struct compile_request. */
	uint64_t search_seed;
	progress_fn *tell_progress;
	void *progress_opaque;
	struct progress progress;
};

/* Bytes of one element; 0 for IR_TYPE_OTHER. */
unsigned int ir_type_bytes(enum ir_type type);
/* Inclusive range of an integer type of at most 32 bits. */
void ir_type_range(enum ir_type type, int32_t *low, int32_t *high);
const char *ir_type_name(enum ir_type type);

/* ADD, SUB, MUL, MINIMUM, MAXIMUM: two operands, element by element, with broadcasting. */
bool ir_is_elementwise(enum ir_kind kind);

/* MEAN, SUM, REDUCE_MAX, REDUCE_MIN. */
bool ir_is_reduction(enum ir_kind kind);

/* Whether the contents are known: a state only begins with them. */
bool ir_is_constant(const struct ir_tensor *tensor);

/* PAD: whether it pads nothing but the height and width of one image. */
bool ir_pads_plane(const struct ir_graph *graph, const struct ir_operator *op);

/* Whether an operator only moves elements; PAD does unless it pads a plane. */
bool ir_is_move(const struct ir_graph *graph, const struct ir_operator *op);

/* Size along a dimension counted from the innermost (0 = channels); 1 beyond the rank. */
int32_t ir_extent(const struct ir_tensor *tensor, unsigned int from_innermost);

/* Shape of a feature map: N, H, W, C of the last four dimensions. */
struct ir_feature_map {
	int32_t n, h, w, c;
};

struct ir_feature_map ir_feature_map(const struct ir_tensor *tensor);

bool ir_same_shape(const struct ir_tensor *a, const struct ir_tensor *b);

/*
 * A tensor for messages: `tensor 17 "x" int8 4x5x3x3`; its dimensions are missing
 * where it has none. Long names are cut. Lives in the graph's arena, never NULL.
 */
const char *ir_tensor_text(const struct ir_graph *graph, int tensor);

/*
 * A place for messages: `operator 3 (CONV_2D), tensor 17 "x" int8 4x5x3x3`; tensor may
 * be -1. Lives in the graph's arena, never NULL.
 */
const char *ir_where(const struct ir_graph *graph, const struct ir_operator *op, int tensor);

/*
 * Checks that whatever is read is written, once, or given, and puts the
 * operators in such an order when the file's is not; fails on a cycle.
 */
int ir_order(struct ir_graph *graph);

/*
 * Checks that inputs, outputs and what operators read and write are of types and
 * sizes that a graph file can hold. For a resolved graph: what was removed may be of any.
 */
int ir_check_operands(struct ir_graph *graph);

/* Whether an operator reads or writes a tensor that lives from run to run. */
bool ir_reaches_state(const struct ir_graph *graph, const struct ir_operator *op);

/*
 * Before a pass that adds operators: room for so many more tensors behind those of the
 * graph, and, empty, for the graph's operators and so many more.
 */
int ir_make_room(struct ir_graph *graph, unsigned int added, struct ir_operator **operators);

/* Says in each tensor that an operator writes, states aside, which one it is. */
void ir_set_producers(struct ir_graph *graph);

/* Whether the tensor is an output of the graph. */
bool ir_is_output(const struct ir_graph *graph, int tensor);

/* Operators that read the tensor, without removed ones. */
unsigned int ir_reader_count(const struct ir_graph *graph, int tensor);

#endif
