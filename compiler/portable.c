// SPDX-License-Identifier: MIT
#include <string.h>

#include "portable.h"

static const struct {
	enum ir_kind kind;
	uint32_t opcode;
} opcodes[] = {
	{ IR_CONVOLUTION, KESTREL_GRAPH_CONV_2D },
	{ IR_DEPTHWISE, KESTREL_GRAPH_DEPTHWISE_CONV_2D },
	{ IR_TRANSPOSE_CONVOLUTION, KESTREL_GRAPH_TRANSPOSE_CONV },
	{ IR_FULLY_CONNECTED, KESTREL_GRAPH_FULLY_CONNECTED },
	{ IR_BATCH_MATMUL, KESTREL_GRAPH_BATCH_MATMUL },
	{ IR_ADD, KESTREL_GRAPH_ADD },
	{ IR_SUB, KESTREL_GRAPH_SUB },
	{ IR_MUL, KESTREL_GRAPH_MUL },
	{ IR_DIV, KESTREL_GRAPH_DIV },
	{ IR_MINIMUM, KESTREL_GRAPH_MINIMUM },
	{ IR_MAXIMUM, KESTREL_GRAPH_MAXIMUM },
	{ IR_SQUARED_DIFFERENCE, KESTREL_GRAPH_SQUARED_DIFFERENCE },
	{ IR_AVERAGE_POOL, KESTREL_GRAPH_AVERAGE_POOL_2D },
	{ IR_MAX_POOL, KESTREL_GRAPH_MAX_POOL_2D },
	{ IR_MEAN, KESTREL_GRAPH_MEAN },
	{ IR_SUM, KESTREL_GRAPH_SUM },
	{ IR_REDUCE_MAX, KESTREL_GRAPH_REDUCE_MAX },
	{ IR_REDUCE_MIN, KESTREL_GRAPH_REDUCE_MIN },
	{ IR_REDUCE_PROD, KESTREL_GRAPH_REDUCE_PROD },
	{ IR_ARG_MAX, KESTREL_GRAPH_ARG_MAX },
	{ IR_ARG_MIN, KESTREL_GRAPH_ARG_MIN },
	{ IR_TABLE, KESTREL_GRAPH_TABLE },
	{ IR_QUANTISE, KESTREL_GRAPH_QUANTIZE },
	{ IR_DEQUANTISE, KESTREL_GRAPH_DEQUANTIZE },
	{ IR_REQUANTISE, KESTREL_GRAPH_RESCALE },
	{ IR_SOFTMAX, KESTREL_GRAPH_SOFTMAX },
	{ IR_LOG_SOFTMAX, KESTREL_GRAPH_LOG_SOFTMAX },
	{ IR_LEAKY_RELU, KESTREL_GRAPH_LEAKY_RELU },
	{ IR_PRELU, KESTREL_GRAPH_PRELU },
	{ IR_UNARY, KESTREL_GRAPH_UNARY },
	{ IR_RESHAPE, KESTREL_GRAPH_RESHAPE },
	{ IR_COPY, KESTREL_GRAPH_COPY },
	{ IR_PAD, KESTREL_GRAPH_PAD },
	{ IR_CONCATENATION, KESTREL_GRAPH_CONCATENATION },
	{ IR_SPLIT, KESTREL_GRAPH_SPLIT },
	{ IR_PACK, KESTREL_GRAPH_PACK },
	{ IR_SLICE, KESTREL_GRAPH_SLICE },
	{ IR_TRANSPOSE, KESTREL_GRAPH_TRANSPOSE },
	{ IR_GATHER, KESTREL_GRAPH_GATHER },
	{ IR_MIRROR_PAD, KESTREL_GRAPH_MIRROR_PAD },
	{ IR_SPACE_TO_DEPTH, KESTREL_GRAPH_SPACE_TO_DEPTH },
	{ IR_DEPTH_TO_SPACE, KESTREL_GRAPH_DEPTH_TO_SPACE },
	{ IR_BROADCAST_TO, KESTREL_GRAPH_BROADCAST_TO },
	{ IR_TILE, KESTREL_GRAPH_TILE },
	{ IR_SPACE_TO_BATCH, KESTREL_GRAPH_SPACE_TO_BATCH },
	{ IR_BATCH_TO_SPACE, KESTREL_GRAPH_BATCH_TO_SPACE },
	{ IR_L2_NORMALIZATION, KESTREL_GRAPH_L2_NORMALIZATION },
	{ IR_LAYER_NORM, KESTREL_GRAPH_LAYER_NORM },
	{ IR_CAST, KESTREL_GRAPH_CAST },
	{ IR_COMPARE, KESTREL_GRAPH_COMPARE },
	{ IR_SELECT, KESTREL_GRAPH_SELECT },
	{ IR_LOGICAL_AND, KESTREL_GRAPH_LOGICAL_AND },
	{ IR_LOGICAL_OR, KESTREL_GRAPH_LOGICAL_OR },
	{ IR_RESIZE_BILINEAR, KESTREL_GRAPH_RESIZE_BILINEAR },
	{ IR_RESIZE_NEAREST, KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR },
	{ IR_SVDF, KESTREL_GRAPH_SVDF },
	{ IR_LSTM, KESTREL_GRAPH_LSTM },
	{ IR_LSTM, KESTREL_GRAPH_LSTM_TABLE },
	{ IR_DETECTION, KESTREL_GRAPH_DETECTION_POSTPROCESS },
	{ IR_DYNAMIC_UPDATE_SLICE, KESTREL_GRAPH_DYNAMIC_UPDATE_SLICE },
	{ IR_GATHER_ND, KESTREL_GRAPH_GATHER_ND },
	{ IR_TOP_K, KESTREL_GRAPH_TOP_K },
	{ IR_ONE_HOT, KESTREL_GRAPH_ONE_HOT },
	{ IR_CUMULATIVE_SUM, KESTREL_GRAPH_CUMULATIVE_SUM },
	{ IR_FLOOR_DIV, KESTREL_GRAPH_FLOOR_DIV },
	{ IR_FLOOR_MOD, KESTREL_GRAPH_FLOOR_MOD },
	{ IR_POWER, KESTREL_GRAPH_POWER },
	{ IR_DYNAMIC_QUANTISE, KESTREL_GRAPH_DYNAMIC_QUANTIZE },
	{ IR_MATMUL_INTEGER, KESTREL_GRAPH_MATMUL_INTEGER },
	{ IR_CONVOLUTION_INTEGER, KESTREL_GRAPH_CONV_INTEGER },
};

uint32_t portable_opcode(enum ir_kind kind)
{
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++)
		if (opcodes[i].kind == kind)
			return opcodes[i].opcode;
	return 0;
}

enum ir_kind portable_kind(uint32_t opcode)
{
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++)
		if (opcodes[i].opcode == opcode)
			return opcodes[i].kind;
	return IR_UNKNOWN;
}

/* The offset that the attributes hold, and how many bytes it is of; NULL for none. */
static uint32_t *offset_of(uint32_t opcode, union kestrel_graph_attributes *a, uint32_t *bytes)
{
	switch (opcode) {
	case KESTREL_GRAPH_RESCALE:
		*bytes = a->rescale.requantise.scale_count *
			 (uint32_t)sizeof(struct kestrel_graph_scale);
		return &a->rescale.requantise.scales;
	case KESTREL_GRAPH_SOFTMAX:
	case KESTREL_GRAPH_LOG_SOFTMAX:
		*bytes = a->softmax.kind == KESTREL_GRAPH_SOFTMAX_INT16 ? 2 * 513 * 2 :
			 a->softmax.kind == KESTREL_GRAPH_SOFTMAX_LOG_FIXED ? 2 * 256 * 4 : 256 * 4;
		return a->softmax.kind == KESTREL_GRAPH_SOFTMAX_FLOAT ? NULL : &a->softmax.table;
	case KESTREL_GRAPH_UNARY:
		*bytes = a->unary.function == KESTREL_GRAPH_FUNCTION_LOGISTIC ||
			 a->unary.function == KESTREL_GRAPH_FUNCTION_TANH ?
			 256 * (uint32_t)sizeof(uint16_t) : 513 * (uint32_t)sizeof(int16_t);
		return a->unary.table == KESTREL_GRAPH_NONE ? NULL : &a->unary.table;
	case KESTREL_GRAPH_TABLE:
		/* That of floats: bytes have theirs in ir_operator.table. */
		*bytes = 4 * IR_TABLE_ENTRIES;
		return &a->table.table;
	case KESTREL_GRAPH_LAYER_NORM:
		*bytes = IR_LAYER_NORM_BYTES * a->layer_norm.channels;
		return &a->layer_norm.table;
	case KESTREL_GRAPH_LSTM:
	case KESTREL_GRAPH_LSTM_TABLE:
		*bytes = KESTREL_GRAPH_LSTM_SCALES * (uint32_t)sizeof(struct kestrel_graph_scale) +
			 (opcode == KESTREL_GRAPH_LSTM_TABLE ? 256 * (uint32_t)sizeof(uint16_t) : 0);
		return &a->lstm.scales;
	}
	return NULL;
}

void portable_relocate(uint32_t opcode, union kestrel_graph_attributes *attributes,
		       uint32_t base)
{
	uint32_t bytes;
	uint32_t *offset = offset_of(opcode, attributes, &bytes);

	if (offset)
		*offset += base;
}

bool portable_fits(uint32_t opcode, const union kestrel_graph_attributes *attributes,
		   uint64_t parameters_bytes)
{
	union kestrel_graph_attributes copy = *attributes;
	uint32_t bytes;
	const uint32_t *offset = offset_of(opcode, &copy, &bytes);

	return !offset || (uint64_t)*offset + bytes <= parameters_bytes;
}

struct ir_portable *portable_copy(struct arena *arena, uint32_t opcode,
				  const union kestrel_graph_attributes *attributes,
				  const uint8_t *parameters)
{
	struct ir_portable *portable = arena_alloc(arena, 1, sizeof(*portable));
	uint32_t *offset;

	if (!portable)
		return NULL;
	portable->opcode = opcode;
	portable->attributes = *attributes;
	offset = offset_of(opcode, &portable->attributes, &portable->parameter_bytes);
	/* A graph of which no operator has any has no section of them. */
	if (!offset || !portable->parameter_bytes)
		return portable;
	portable->parameters = arena_copy(arena, parameters + *offset,
					  portable->parameter_bytes);
	*offset = 0;
	return portable->parameters ? portable : NULL;
}
