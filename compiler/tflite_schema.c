// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "tflite_schema.h"

/* In the order of the schema's BuiltinOperator. */
static const char *const operator_names[] = {
	"ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D",
	"DEPTH_TO_SPACE", "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED",
	"HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D",
	"LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM",
	"MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1", "RELU6", "RESHAPE",
	"RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH",
	"CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE",
	"PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND",
	"SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE",
	"UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN",
	"EXP", "TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE",
	"BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX", "MINIMUM",
	"LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT",
	"SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS",
	"EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN",
	"FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT",
	"LOGICAL_AND", "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY",
	"SQUARE", "ZEROS_LIKE", "FILL", "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR",
	"LEAKY_RELU", "SQUARED_DIFFERENCE", "MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE",
	"CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS", "WHERE", "RANK", "ELU",
	"REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG", "ROUND",
	"HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5",
	"SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM", "BATCH_MATMUL",
	"PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM", "CALL_ONCE", "BROADCAST_TO",
	"RFFT2D", "CONV_3D", "IMAG", "REAL", "COMPLEX_ABS", "HASHTABLE", "HASHTABLE_FIND",
	"HASHTABLE_IMPORT", "HASHTABLE_SIZE", "REDUCE_ALL", "CONV_3D_TRANSPOSE",
	"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "BROADCAST_ARGS",
	"RANDOM_STANDARD_NORMAL", "BUCKETIZE", "RANDOM_UNIFORM", "MULTINOMIAL", "GELU",
	"DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1",
};

static const struct {
	int32_t code;
	enum ir_kind kind;
} operator_kinds[] = {
	{ 0, IR_ADD }, { 1, IR_AVERAGE_POOL }, { 2, IR_CONCATENATION }, { 3, IR_CONVOLUTION },
	{ 4, IR_DEPTHWISE }, { 6, IR_DEQUANTISE }, { 9, IR_FULLY_CONNECTED }, { 17, IR_MAX_POOL },
	{ 18, IR_MUL }, { 22, IR_RESHAPE }, { 23, IR_RESIZE_BILINEAR }, { 25, IR_SOFTMAX },
	{ 27, IR_SVDF }, { 34, IR_PAD }, { 39, IR_TRANSPOSE }, { 40, IR_MEAN }, { 41, IR_SUB },
	{ 43, IR_RESHAPE }, { 44, IR_LSTM }, { 45, IR_STRIDED_SLICE }, { 49, IR_SPLIT },
	{ 50, IR_LOG_SOFTMAX }, { 54, IR_PRELU }, { 55, IR_MAXIMUM }, { 57, IR_MINIMUM },
	{ 60, IR_PAD_V2 }, { 65, IR_SLICE }, { 67, IR_TRANSPOSE_CONVOLUTION },
	{ 70, IR_RESHAPE }, { 83, IR_PACK }, { 88, IR_UNPACK }, { 97, IR_RESIZE_NEAREST },
	{ 102, IR_SPLIT_V }, { 114, IR_QUANTISE }, { 129, IR_CALL_ONCE },
	{ 142, IR_VARIABLE_HANDLE }, { 143, IR_READ_VARIABLE }, { 144, IR_ASSIGN_VARIABLE },
	{ 36, IR_GATHER }, { 42, IR_DIV }, { 56, IR_ARG_MAX }, { 74, IR_SUM }, { 79, IR_ARG_MIN },
	{ 81, IR_REDUCE_PROD }, { 82, IR_REDUCE_MAX }, { 89, IR_REDUCE_MIN },
	{ 99, IR_SQUARED_DIFFERENCE }, { 126, IR_BATCH_MATMUL }, { 5, IR_DEPTH_TO_SPACE },
	{ 11, IR_L2_NORMALIZATION }, { 26, IR_SPACE_TO_DEPTH }, { 53, IR_CAST }, { 64, IR_SELECT },
	{ 69, IR_TILE }, { 84, IR_LOGICAL_OR }, { 86, IR_LOGICAL_AND }, { 100, IR_MIRROR_PAD },
	{ 105, IR_REVERSE }, { 123, IR_SELECT }, { 130, IR_BROADCAST_TO },
	{ 37, IR_BATCH_TO_SPACE }, { 38, IR_SPACE_TO_BATCH }, { 7, IR_EMBEDDING_LOOKUP },
	{ 48, IR_TOP_K }, { 77, IR_SHAPE }, { 78, IR_POWER }, { 85, IR_ONE_HOT },
	{ 90, IR_FLOOR_DIV }, { 91, IR_REDUCE_ANY }, { 93, IR_ZEROS }, { 94, IR_FILL },
	{ 95, IR_FLOOR_MOD }, { 96, IR_RANGE }, { 106, IR_ADD_MANY }, { 107, IR_GATHER_ND },
	{ 110, IR_RANK }, { 128, IR_CUMULATIVE_SUM }, { 140, IR_REDUCE_ALL },
	{ 151, IR_DYNAMIC_UPDATE_SLICE },
};

/* Those of kind IR_UNARY. */
static const struct {
	int32_t code;
	enum ir_function function;
} operator_functions[] = {
	{ 14, IR_FUNCTION_LOGISTIC }, { 19, IR_FUNCTION_RELU }, { 20, IR_FUNCTION_RELU_N1_TO_1 },
	{ 21, IR_FUNCTION_RELU6 }, { 28, IR_FUNCTION_TANH }, { 47, IR_FUNCTION_EXP },
	{ 59, IR_FUNCTION_NEG }, { 73, IR_FUNCTION_LOG }, { 75, IR_FUNCTION_SQRT },
	{ 92, IR_FUNCTION_SQUARE }, { 98, IR_FUNCTION_LEAKY_RELU }, { 101, IR_FUNCTION_ABS },
	{ 111, IR_FUNCTION_ELU }, { 117, IR_FUNCTION_HARD_SWISH }, { 150, IR_FUNCTION_GELU },
	{ 8, IR_FUNCTION_FLOOR }, { 66, IR_FUNCTION_SIN }, { 76, IR_FUNCTION_RSQRT },
	{ 87, IR_FUNCTION_LOGICAL_NOT }, { 104, IR_FUNCTION_CEIL }, { 108, IR_FUNCTION_COS },
	{ 116, IR_FUNCTION_ROUND }, { 152, IR_FUNCTION_RELU_0_TO_1 },
};

/* Those of kind IR_COMPARE. */
static const struct {
	int32_t code;
	uint32_t comparison;
} operator_comparisons[] = {
	{ 58, KESTREL_GRAPH_COMPARISON_LESS }, { 61, KESTREL_GRAPH_COMPARISON_GREATER },
	{ 62, KESTREL_GRAPH_COMPARISON_GREATER_EQUAL }, { 63, KESTREL_GRAPH_COMPARISON_LESS_EQUAL },
	{ 71, KESTREL_GRAPH_COMPARISON_EQUAL }, { 72, KESTREL_GRAPH_COMPARISON_NOT_EQUAL },
};

const char *tflite_operator_name(int32_t code)
{
	size_t count = sizeof(operator_names) / sizeof(operator_names[0]);

	return code >= 0 && (size_t)code < count ? operator_names[code] : NULL;
}

enum ir_kind tflite_operator_kind(int32_t code)
{
	for (size_t i = 0; i < sizeof(operator_kinds) / sizeof(operator_kinds[0]); i++)
		if (operator_kinds[i].code == code)
			return operator_kinds[i].kind;
	if (tflite_operator_comparison(code))
		return IR_COMPARE;
	return tflite_operator_function(code) == IR_FUNCTION_NONE ? IR_UNKNOWN : IR_UNARY;
}

uint32_t tflite_operator_comparison(int32_t code)
{
	for (size_t i = 0; i < sizeof(operator_comparisons) / sizeof(operator_comparisons[0]); i++)
		if (operator_comparisons[i].code == code)
			return operator_comparisons[i].comparison;
	return 0;
}

enum ir_function tflite_operator_function(int32_t code)
{
	for (size_t i = 0; i < sizeof(operator_functions) / sizeof(operator_functions[0]); i++)
		if (operator_functions[i].code == code)
			return operator_functions[i].function;
	return IR_FUNCTION_NONE;
}
