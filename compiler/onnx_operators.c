// SPDX-License-Identifier: MIT
/* The operators of ONNX that have a form here: who translates them, and into what. */
#include <string.h>

#include "onnx.h"
#include "onnx_import.h"

#define FRAMED "between DequantizeLinear and QuantizeLinear"
#define WEIGHTS FRAMED ", with constant weights"
#define EXTREME "of any number of values; " ONE_TABLE
#define ONE_TABLE "a table where the other operand is one constant, or the same value"

static const struct {
	struct onnx_form form;
	/* NULL: it is translated as its parts, see onnx_parts_make(). */
	onnx_translate_fn *translate;
} operators[] = {
	{ { "Add", { IR_ADD, IR_TABLE }, FRAMED "; " ONE_TABLE }, onnx_binary },
	{ { "And", { IR_LOGICAL_AND }, "" }, onnx_logical },
	{ { "ArgMax", { IR_ARG_MAX }, "" }, onnx_arg_extreme },
	{ { "ArgMin", { IR_ARG_MIN }, "" }, onnx_arg_extreme },
	{ { "AveragePool", { IR_DEPTHWISE },
	    FRAMED "; with weights of 1" }, onnx_pool },
	{ { "Cast", { IR_CAST }, "nothing of constants, or to the type that is there" }, onnx_cast },
	{ { "Concat", { IR_CONCATENATION }, "" }, onnx_concat },
	{ { "Constant", { 0 }, "" }, onnx_constant },
	{ { "ConstantOfShape", { 0 }, "of a constant shape" }, onnx_shape },
	{ { "Conv", { IR_CONVOLUTION, IR_DEPTHWISE }, WEIGHTS }, onnx_convolution },
	{ { "ConvInteger", { IR_CONVOLUTION_INTEGER }, "constant weights" },
	  onnx_convolution_integer },
	{ { "CumSum", { IR_CUMULATIVE_SUM }, "" }, onnx_cumulative_sum },
	{ { "ConvTranspose", { IR_TRANSPOSE_CONVOLUTION }, WEIGHTS },
	  onnx_transpose_convolution },
	{ { "DepthToSpace", { IR_DEPTH_TO_SPACE }, "" }, onnx_block },
	{ { "DequantizeLinear", { 0 }, "what follows takes the integers, or floats by DEQUANTIZE" },
	  onnx_dequantize_linear },
	{ { "Div", { IR_TABLE }, "by or of one constant; else of floats" },
	  onnx_binary },
	{ { "Dropout", { 0 }, "" }, onnx_identity },
	{ { "DynamicQuantizeLinear", { IR_DYNAMIC_QUANTISE }, "" }, onnx_dynamic_quantize_linear },
	{ { "Equal", { IR_COMPARE }, "" }, onnx_comparison },
	{ { "Expand", { IR_BROADCAST_TO }, "" }, onnx_expand },
	{ { "Flatten", { IR_RESHAPE }, "" }, onnx_reshape },
	{ { "Gather", { IR_SLICE, IR_GATHER }, "one constant index is a slice" }, onnx_gather },
	{ { "GatherElements", { IR_GATHER_ND }, "" }, onnx_gather_elements },
	{ { "GatherND", { IR_GATHER_ND }, "" }, onnx_gather_nd },
	{ { "Gemm", { IR_FULLY_CONNECTED }, WEIGHTS }, onnx_gemm },
	{ { "GlobalAveragePool", { IR_MEAN }, FRAMED }, onnx_reduce },
	{ { "GlobalMaxPool", { IR_MAX_POOL }, "" }, onnx_global_pool },
	{ { "Greater", { IR_COMPARE }, "" }, onnx_comparison },
	{ { "GreaterOrEqual", { IR_COMPARE }, "" }, onnx_comparison },
	{ { "Identity", { 0 }, "" }, onnx_identity },
	{ { "LayerNormalization", { IR_LAYER_NORM }, FRAMED ", along the last dimension" },
	  onnx_layer_normalisation },
	{ { "Less", { IR_COMPARE }, "" }, onnx_comparison },
	{ { "LessOrEqual", { IR_COMPARE }, "" }, onnx_comparison },
	{ { "LogSoftmax", { IR_LOG_SOFTMAX }, "of floats" }, onnx_softmax },
	{ { "MatMul", { IR_FULLY_CONNECTED, IR_BATCH_MATMUL },
	    FRAMED "; the first with constant weights" }, onnx_matmul },
	{ { "MatMulInteger", { IR_MATMUL_INTEGER }, "" }, onnx_matmul_integer },
	{ { "Max", { IR_MAXIMUM, IR_TABLE }, EXTREME }, onnx_binary },
	{ { "MaxPool", { IR_MAX_POOL }, "" }, onnx_pool },
	{ { "Min", { IR_MINIMUM, IR_TABLE }, EXTREME }, onnx_binary },
	{ { "Mod", { IR_FLOOR_MOD }, "of int32 and int64" }, onnx_remainder },
	{ { "Mul", { IR_MUL, IR_TABLE }, FRAMED "; " ONE_TABLE }, onnx_binary },
	{ { "Not", { IR_UNARY }, "" }, onnx_not },
	{ { "OneHot", { IR_ONE_HOT }, "of a constant depth" }, onnx_one_hot },
	{ { "Or", { IR_LOGICAL_OR }, "" }, onnx_logical },
	{ { "PRelu", { IR_TABLE }, "with one constant slope; else of floats" }, onnx_binary },
	{ { "Pad", { IR_PAD, IR_MIRROR_PAD }, "" }, onnx_pad },
	{ { "Pow", { IR_TABLE }, "with one constant exponent; else of floats" }, onnx_binary },
	{ { "QGemm", { IR_FULLY_CONNECTED }, "constant weights" }, NULL },
	{ { "QLinearAdd", { IR_ADD }, "" }, onnx_qlinear_binary },
	{ { "QLinearAveragePool", { IR_DEPTHWISE }, "with weights of 1; else of floats" }, NULL },
	{ { "QLinearConcat", { IR_CONCATENATION, IR_TABLE }, "" }, NULL },
	{ { "QLinearConv", { IR_CONVOLUTION, IR_DEPTHWISE }, "constant weights" },
	  onnx_qlinear_convolution },
	{ { "QLinearGlobalAveragePool", { IR_MEAN }, "" }, NULL },
	{ { "QLinearLeakyRelu", { IR_TABLE }, "" }, NULL },
	{ { "QLinearMatMul", { IR_FULLY_CONNECTED, IR_BATCH_MATMUL },
	    "the first with constant weights" }, NULL },
	{ { "QLinearMul", { IR_MUL }, "" }, onnx_qlinear_binary },
	{ { "QLinearReduceMean", { IR_MEAN }, "" }, NULL },
	{ { "QLinearSigmoid", { IR_TABLE }, "" }, NULL },
	{ { "QLinearSoftmax", { IR_SOFTMAX }, "to a scale of 1/256; else of floats" }, NULL },
	{ { "QLinearWhere", { IR_SELECT }, "of floats" }, NULL },
	{ { "QuantizeLinear", { IR_TABLE },
	    "what comes before writes its integers; a table of other integers; else of floats" },
	  onnx_quantize_linear },
	{ { "ReduceMax", { IR_REDUCE_MAX }, "" }, onnx_reduce },
	{ { "ReduceMean", { IR_MEAN }, FRAMED }, onnx_reduce_mean },
	{ { "ReduceMin", { IR_REDUCE_MIN }, "" }, onnx_reduce },
	{ { "ReduceSum", { IR_MEAN }, FRAMED "; else of floats" }, onnx_reduce },
	{ { "Reshape", { IR_RESHAPE }, "" }, onnx_reshape },
	{ { "Resize", { IR_RESIZE_NEAREST }, "linear of floats" }, onnx_resize },
	{ { "Shape", { 0 }, "" }, onnx_shape },
	{ { "Size", { 0 }, "" }, onnx_shape },
	{ { "Slice", { IR_SLICE }, "" }, onnx_slice },
	{ { "Softmax", { IR_SOFTMAX }, "to a scale of 1/256; else of floats" }, onnx_softmax },
	{ { "SpaceToDepth", { IR_SPACE_TO_DEPTH }, "" }, onnx_block },
	{ { "Split", { IR_SLICE }, "" }, onnx_split },
	{ { "Squeeze", { IR_RESHAPE }, "" }, onnx_reshape },
	{ { "Sub", { IR_SUB, IR_TABLE }, FRAMED "; " ONE_TABLE }, onnx_binary },
	{ { "Sum", { IR_ADD, IR_TABLE }, "of two as Add; of more values of floats" }, NULL },
	{ { "Tile", { IR_TILE }, "by constant repeats" }, onnx_tile },
	{ { "TopK", { IR_TOP_K }, "of a constant number" }, onnx_top_k },
	{ { "Transpose", { IR_TRANSPOSE }, "" }, onnx_transpose },
	{ { "Unsqueeze", { IR_RESHAPE }, "" }, onnx_reshape },
	{ { "Where", { IR_SELECT }, "" }, onnx_where },
};

#define OPERATOR_COUNT (sizeof(operators) / sizeof(operators[0]))

onnx_translate_fn *onnx_translator(const char *type)
{
	const char *function;

	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		if (!strcmp(operators[i].form.type, type))
			return operators[i].translate;
	for (unsigned int i = 0; (function = onnx_unary_type(i)); i++)
		if (!strcmp(function, type))
			return onnx_unary;
	return NULL;
}

bool onnx_form(unsigned int index, struct onnx_form *form)
{
	const char *function;

	if (index < OPERATOR_COUNT) {
		*form = operators[index].form;
		return true;
	}
	function = onnx_unary_type(index - OPERATOR_COUNT);
	*form = (struct onnx_form){ function, { IR_TABLE }, "of integers; else of floats" };
	return function;
}
