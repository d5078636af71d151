/* SPDX-License-Identifier: MIT */
/*
 * A random quantised network, as a model file would describe it: tensors,
 * operators, constants. The same seed gives the same network.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETWORK_TENSORS_MAX 256
#define NETWORK_OPERATORS_MAX 64
#define NETWORK_OPERANDS_MAX 5
#define NETWORK_EDGES_MAX 4

/* Numbers of the TFLite schema's TensorType. */
enum network_type {
	NETWORK_FLOAT32 = 0,
	NETWORK_INT32 = 2,
	NETWORK_UINT8 = 3,
	NETWORK_INT64 = 4,
	NETWORK_INT16 = 7,
	NETWORK_INT8 = 9,
	/* In the file alone: two elements a byte. */
	NETWORK_INT4 = 17,
};

/* Numbers of the schema's BuiltinOperator. */
enum network_code {
	NETWORK_ADD = 0,
	NETWORK_AVERAGE_POOL = 1,
	NETWORK_CONCATENATION = 2,
	NETWORK_CONVOLUTION = 3,
	NETWORK_DEPTHWISE = 4,
	NETWORK_DEQUANTISE = 6,
	NETWORK_FULLY_CONNECTED = 9,
	NETWORK_LOGISTIC = 14,
	NETWORK_SVDF = 27,
	NETWORK_MAX_POOL = 17,
	NETWORK_MUL = 18,
	NETWORK_RESHAPE = 22,
	NETWORK_SOFTMAX = 25,
	NETWORK_TANH = 28,
	NETWORK_PAD = 34,
	NETWORK_MEAN = 40,
	NETWORK_SUB = 41,
	NETWORK_TRANSPOSE_CONVOLUTION = 67,
	NETWORK_MAXIMUM = 55,
	NETWORK_MINIMUM = 57,
	NETWORK_QUANTISE = 114,
	NETWORK_BATCH_MATMUL = 126,
	NETWORK_RESIZE_BILINEAR = 23,
	NETWORK_TRANSPOSE = 39,
	NETWORK_STRIDED_SLICE = 45,
	NETWORK_SPLIT = 49,
	NETWORK_PAD_V2 = 60,
	NETWORK_SLICE = 65,
	NETWORK_PACK = 83,
	NETWORK_RESIZE_NEAREST = 97,
	NETWORK_SPLIT_V = 102,
	NETWORK_DEPTH_TO_SPACE = 5,
	NETWORK_SPACE_TO_DEPTH = 26,
	NETWORK_TILE = 69,
	NETWORK_MIRROR_PAD = 100,
	NETWORK_REVERSE = 105,
	NETWORK_SUM = 74,
	NETWORK_REDUCE_MAX = 82,
	NETWORK_REDUCE_MIN = 89,
	NETWORK_BATCH_TO_SPACE = 37,
	NETWORK_SPACE_TO_BATCH = 38,
	NETWORK_PRELU = 54,
	NETWORK_LEAKY_RELU = 98,
	NETWORK_SQUARED_DIFFERENCE = 99,
	NETWORK_FLOOR = 8,
	NETWORK_RELU = 19,
	NETWORK_RELU_N1_TO_1 = 20,
	NETWORK_RELU6 = 21,
	NETWORK_EXP = 47,
	NETWORK_NEG = 59,
	NETWORK_SIN = 66,
	NETWORK_LOG = 73,
	NETWORK_SQRT = 75,
	NETWORK_RSQRT = 76,
	NETWORK_SQUARE = 92,
	NETWORK_ABS = 101,
	NETWORK_CEIL = 104,
	NETWORK_COS = 108,
	NETWORK_ELU = 111,
	NETWORK_ROUND = 116,
	NETWORK_HARD_SWISH = 117,
	NETWORK_GELU = 150,
};

struct network_tensor {
	enum network_type type;
	int rank;
	int32_t shape[4];
	size_t elements;
	/* Quantisation; scale_count 0: none. Scales of one tensor share zero_point. */
	int scale_count;
	float *scales;
	int32_t zero_point;
	int quantised_dimension;
	/* Contents of a constant, or NULL. */
	void *data;
	/* int8 contents from -8 to 7, which the file holds as int4. */
	bool is_int4;
	/* Kept from run to run. */
	bool is_state;
	/* Estimate: root mean square of value - zero point, in steps. */
	double level;
};

/* Members that an operator's kind does not have are 0. */
struct network_options {
	/* 0 SAME, 1 VALID */
	int padding;
	int stride_h, stride_w;
	int dilation_h, dilation_w;
	int filter_h, filter_w;
	int multiplier;
	bool transpose_a, transpose_b;
	/* SVDF */
	int rank;
	int activation;
	int axis;
	bool keep_dimensions;
	/* SOFTMAX; LEAKY_RELU: alpha. */
	float beta;
	/* SPLIT, SPLIT_V: outputs. PACK: inputs. Blocks: size. MIRROR_PAD: mode. */
	int parts;
	int end_mask;
	bool align_corners, half_pixel_centers;
};

struct network_operator {
	enum network_code code;
	int inputs[NETWORK_OPERANDS_MAX];
	int input_count;
	int output;
	/* Of SPLIT and SPLIT_V: the others. */
	int more_outputs[NETWORK_OPERANDS_MAX];
	int more_count;
	struct network_options options;
};

struct network {
	struct network_tensor tensors[NETWORK_TENSORS_MAX];
	int tensor_count;
	struct network_operator operators[NETWORK_OPERATORS_MAX];
	int operator_count;
	int inputs[NETWORK_EDGES_MAX];
	int input_count;
	int outputs[NETWORK_EDGES_MAX];
	int output_count;
	uint64_t macs;
};

/*
 * Makes the network of `seed`, cut off after `steps` steps of its construction
 * (negative: all of them). NULL: out of memory.
 */
struct network *network_new(uint64_t seed, int steps);
void network_free(struct network *network);

/* Steps that the whole network of `seed` takes. */
int network_steps(uint64_t seed);

/*
 * Appends a tensor whose `scales` scales, if any, are all `scale`; returns its index.
 * `scales` is NULL in it where memory lacks. There must be room for it.
 */
int network_tensor_add(struct network *network, enum network_type type, int rank,
		       const int32_t *shape, int scales, float scale);

/* Bytes of an element, and of a tensor. */
size_t network_type_bytes(enum network_type type);
size_t network_bytes(const struct network_tensor *tensor);

/* "CONV_2D" and so on. */
const char *network_name(enum network_code code);

/*
 * Random contents for a tensor that is an input of the network: `data` has
 * network_bytes() bytes.
 */
void network_fill(const struct network_tensor *tensor, uint64_t seed, void *data);

/* The network as a .tflite file, which the caller frees. NULL: out of memory. */
uint8_t *network_write(const struct network *network, size_t *bytes);

/* Writes a file; false, and an error of the program on stderr, where it cannot. */
bool network_file_put(const char *program, const char *path, const void *data, size_t bytes);

/* Prints one line an operator, each begun with `prefix`. */
void network_print(const struct network *network, const char *prefix);

#endif
