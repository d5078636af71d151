/* SPDX-License-Identifier: MIT */
/* Field slots and codes of TensorFlow Lite's schema, version 3. */
#ifndef COMPILER_TFLITE_SCHEMA_H
#define COMPILER_TFLITE_SCHEMA_H

#include <stdint.h>

#include "ir.h"

enum tflite_model { TFLITE_MODEL_VERSION = 0, TFLITE_MODEL_CODES = 1, TFLITE_MODEL_SUBGRAPHS = 2,
		    TFLITE_MODEL_BUFFERS = 4 };
enum tflite_code { TFLITE_CODE_DEPRECATED_BUILTIN = 0, TFLITE_CODE_CUSTOM = 1,
		   TFLITE_CODE_BUILTIN = 3 };
enum tflite_subgraph { TFLITE_SUBGRAPH_TENSORS = 0, TFLITE_SUBGRAPH_INPUTS = 1,
		       TFLITE_SUBGRAPH_OUTPUTS = 2, TFLITE_SUBGRAPH_OPERATORS = 3 };
enum tflite_tensor { TFLITE_TENSOR_SHAPE = 0, TFLITE_TENSOR_TYPE = 1, TFLITE_TENSOR_BUFFER = 2,
		     TFLITE_TENSOR_NAME = 3, TFLITE_TENSOR_QUANTIZATION = 4,
		     TFLITE_TENSOR_IS_VARIABLE = 5 };
enum tflite_quantization { TFLITE_QUANTIZATION_SCALE = 2, TFLITE_QUANTIZATION_ZERO_POINT = 3,
			   TFLITE_QUANTIZATION_DIMENSION = 6 };
enum tflite_buffer { TFLITE_BUFFER_DATA = 0, TFLITE_BUFFER_OFFSET = 1, TFLITE_BUFFER_SIZE = 2 };
enum tflite_operator { TFLITE_OPERATOR_CODE_INDEX = 0, TFLITE_OPERATOR_INPUTS = 1,
		       TFLITE_OPERATOR_OUTPUTS = 2, TFLITE_OPERATOR_OPTIONS = 4,
		       TFLITE_OPERATOR_CUSTOM = 5 };
enum tflite_type { TFLITE_FLOAT32 = 0, TFLITE_FLOAT16 = 1, TFLITE_INT32 = 2, TFLITE_UINT8 = 3, TFLITE_INT64 = 4,
		   TFLITE_BOOL = 6, TFLITE_INT16 = 7, TFLITE_INT8 = 9, TFLITE_INT4 = 17 };
enum tflite_builtin { TFLITE_CUSTOM = 32 };

/* The operator with code TFLITE_CUSTOM that we know. */
#define TFLITE_CUSTOM_DETECTION "TFLite_Detection_PostProcess"

/* Name of a builtin operator code; NULL when unknown. */
const char *tflite_operator_name(int32_t code);

/* What the code is to us; IR_UNKNOWN when we have no form of it. */
enum ir_kind tflite_operator_kind(int32_t code);

/* The function of an operator of kind IR_UNARY, else IR_FUNCTION_NONE. */
enum ir_function tflite_operator_function(int32_t code);

/* enum kestrel_graph_comparison of an operator of kind IR_COMPARE, else 0. */
uint32_t tflite_operator_comparison(int32_t code);

#endif
