/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * The compiled-graph file, version 1.1.
 *
 * npuc writes it, libnpu reads it. One file holds
 *  - a portable graph of integer operators, complete in itself: a processor
 *    can run it without an NPU, and without deriving any number from a float
 *    scale, because the compiler has already done that;
 *  - for any number of NPU configurations a "stream": the same graph cut into
 *    segments, each either a range of operators for the processor or one NPU
 *    job with its command bytes and the meaning of its base addresses;
 *  - for every operator of the source model where it went, and why.
 *
 * docs/graph-format.md tells the same as prose, with an example.
 *
 * Layout: struct kestrel_graph_header at byte 0, the section table at
 * header_size, then the sections. Every number is little endian, every
 * structure naturally aligned, every section begins at a multiple of
 * KESTREL_GRAPH_ALIGNMENT bytes, so that a file can be mapped and used in
 * place. Bytes between sections are zero. Sections do not overlap.
 *
 * Trust: a reader checks every field before its first use; "must" below is
 * a condition whose violation makes the reader refuse the file (-EINVAL) with
 * a message that names section, record and field. Reserved fields must be 0.
 *
 * Versions (docs/compatibility.md): a reader refuses another version_major. A
 * larger version_minor may bring a longer header, table entries and records
 * (header_size, section_entry_size and record_size tell; a reader uses the prefix
 * it knows, provided the rest is zero), new optional sections (skipped), and new
 * required sections, opcodes, flags, values and uses of reserved fields (refused by
 * name). So a file that uses nothing new is read by every reader of its major.
 */
#ifndef KESTREL_GRAPH_H
#define KESTREL_GRAPH_H

#include <stdint.h>

/* "KNPG" as bytes in the file. */
#define KESTREL_GRAPH_MAGIC		0x47504e4bu
#define KESTREL_GRAPH_VERSION_MAJOR	1
#define KESTREL_GRAPH_VERSION_MINOR	1

/* Alignment, in bytes, of every section and of every constant tensor. */
#define KESTREL_GRAPH_ALIGNMENT		64
#define KESTREL_GRAPH_HASH_BYTES	32
/* Largest number of dimensions of a tensor. */
#define KESTREL_GRAPH_RANK_MAX		6
/* "No such index": an absent optional input, no tensor, no stream. */
#define KESTREL_GRAPH_NONE		0xffffffffu

/*
 * First bytes of the file. The bytes before signature_offset are what a
 * signature covers; through table_hash they cover every byte of the file
 * that has a meaning.
 */
struct kestrel_graph_header {
	uint32_t magic;			/* KESTREL_GRAPH_MAGIC */
	uint16_t version_major;		/* must equal KESTREL_GRAPH_VERSION_MAJOR */
	uint16_t version_minor;
	uint64_t file_size;		/* bytes; must equal the size of the file */
	uint32_t header_size;		/* bytes up to the section table, >= 128, multiple of 64 */
	uint32_t section_count;		/* 1..64 */
	uint32_t section_entry_size;	/* bytes of one entry of the table, >= 64 */
	uint32_t flags;			/* enum kestrel_graph_flags */
	uint8_t table_hash[KESTREL_GRAPH_HASH_BYTES];	/* SHA-256 of the section table */
	uint8_t reserved0[32];
	/* Where a signature over bytes 0..95 of the file is; 0, 0: unsigned. */
	uint64_t signature_offset;
	uint32_t signature_size;	/* bytes */
	uint32_t signature_type;	/* 0 none, 1 Ed25519 */
	uint8_t reserved1[16];
};

enum kestrel_graph_flags {
	/* Canonical weights are absent: only a matching stream can run the graph. */
	KESTREL_GRAPH_FLAG_NPU_ONLY	= 1u << 0,
};

/* One entry of the section table. */
struct kestrel_graph_section {
	uint32_t type;			/* enum kestrel_graph_section_type, each at most once */
	uint32_t flags;			/* enum kestrel_graph_section_flags */
	uint64_t offset;		/* from the start of the file, multiple of 64 */
	uint64_t size;			/* bytes, may be 0 */
	uint32_t record_count;		/* 0 for sections that are plain bytes */
	uint32_t record_size;		/* bytes; record_count * record_size == size */
	uint8_t hash[KESTREL_GRAPH_HASH_BYTES];	/* SHA-256 of the section's bytes */
};

enum kestrel_graph_section_flags {
	/* A reader that does not know this type must refuse the file. */
	KESTREL_GRAPH_SECTION_REQUIRED	= 1u << 0,
};

/* INFO, STRINGS, TENSORS, INDICES, OPERATORS, INPUTS, OUTPUTS must be there. */
enum kestrel_graph_section_type {
	KESTREL_GRAPH_SECTION_INFO		= 1,	/* one struct kestrel_graph_info */
	KESTREL_GRAPH_SECTION_STRINGS		= 2,	/* bytes: UTF-8 strings, each ended by a 0 byte */
	KESTREL_GRAPH_SECTION_TENSORS		= 3,	/* struct kestrel_graph_tensor[] */
	KESTREL_GRAPH_SECTION_INDICES		= 4,	/* uint32_t[]: lists of tensor indices */
	KESTREL_GRAPH_SECTION_OPERATORS		= 5,	/* struct kestrel_graph_operator[] */
	KESTREL_GRAPH_SECTION_INPUTS		= 6,	/* uint32_t[]: tensor indices, model order */
	KESTREL_GRAPH_SECTION_OUTPUTS		= 7,	/* uint32_t[]: tensor indices, model order */
	KESTREL_GRAPH_SECTION_CONSTANTS		= 8,	/* bytes: constant tensors as in the source */
	KESTREL_GRAPH_SECTION_PARAMETERS	= 9,	/* bytes: derived tables (scales, lookups) */
	KESTREL_GRAPH_SECTION_STREAMS		= 10,	/* struct kestrel_graph_stream[] */
	KESTREL_GRAPH_SECTION_SEGMENTS		= 11,	/* struct kestrel_graph_segment[] */
	KESTREL_GRAPH_SECTION_BASES		= 12,	/* struct kestrel_graph_base[], or _row_base[] */
	KESTREL_GRAPH_SECTION_STREAM_COMMANDS	= 13,	/* bytes: commands (uapi/kestrel/isa.h) */
	KESTREL_GRAPH_SECTION_STREAM_CONSTANTS	= 14,	/* bytes: what the DMA reads, all streams */
	KESTREL_GRAPH_SECTION_PLACEMENT		= 15,	/* struct kestrel_graph_placement[] */
};

/*
 * A string is named by its byte offset in STRINGS. STRINGS must begin and end
 * with a 0 byte; offset 0 is the empty string.
 */

/* Rounding profile the graph was compiled for (npuc --numerics). Informative:
 * every operator carries its own mode.
 */
enum kestrel_graph_numerics {
	KESTREL_GRAPH_NUMERICS_TFLITE_REFERENCE	= 1,	/* TensorFlow Lite 2.14.1, BUILTIN_REF */
	KESTREL_GRAPH_NUMERICS_TFLITE		= 2,	/* its optimised kernels */
	KESTREL_GRAPH_NUMERICS_TFLM		= 3,	/* TensorFlow Lite Micro */
	KESTREL_GRAPH_NUMERICS_ONNX		= 4,	/* quantise-dequantise, ONNX Runtime */
};

struct kestrel_graph_info {
	uint32_t producer;		/* string: program and version that wrote the file */
	uint32_t source_name;		/* string: file name of the source model, no directory */
	uint32_t source_format;		/* string: "tflite" or "onnx" */
	uint32_t numerics;		/* enum kestrel_graph_numerics */
	uint8_t source_hash[KESTREL_GRAPH_HASH_BYTES];	/* SHA-256 of the source file */
	uint64_t macs;			/* multiply-accumulates of one run */
	uint32_t source_operator_count;	/* operators of the source model */
	uint32_t reserved;
};

/* Element types. The value also fixes the element size. */
enum kestrel_graph_type {
	KESTREL_GRAPH_TYPE_INT8		= 1,
	KESTREL_GRAPH_TYPE_UINT8	= 2,
	KESTREL_GRAPH_TYPE_INT16	= 3,
	KESTREL_GRAPH_TYPE_INT32	= 4,
	KESTREL_GRAPH_TYPE_INT64	= 5,
	KESTREL_GRAPH_TYPE_FLOAT32	= 6,
	KESTREL_GRAPH_TYPE_BOOL		= 7,	/* one byte, 0 or 1 */
};

/* Where a tensor's bytes are. */
enum kestrel_graph_storage {
	/* Computed or given in each run; the reader plans the memory. */
	KESTREL_GRAPH_STORAGE_VARIABLE	= 1,
	/* data_offset in CONSTANTS; never an operator's output. */
	KESTREL_GRAPH_STORAGE_CONSTANT	= 2,
	/*
	 * Kept from run to run, per job. Set at the start and by a reset to
	 * the bytes at data_offset in CONSTANTS, or to the byte
	 * initial_byte where data_offset is KESTREL_GRAPH_NO_DATA.
	 */
	KESTREL_GRAPH_STORAGE_STATE	= 3,
	/* A constant that KESTREL_GRAPH_FLAG_NPU_ONLY dropped. */
	KESTREL_GRAPH_STORAGE_DROPPED	= 4,
};

#define KESTREL_GRAPH_NO_DATA		0xffffffffffffffffull

/*
 * A tensor: dense, row major, dims[0] slowest (NHWC as in the source model;
 * weights OHWI, depthwise weights 1HWO). Elements are real values
 * scale * (q - zero_point); the scales here inform the user of inputs and
 * outputs, no integer operator reads them.
 */
struct kestrel_graph_tensor {
	uint32_t name;			/* string */
	uint32_t source_tensor;		/* index in the source model, or NONE if made by the compiler */
	uint8_t type;			/* enum kestrel_graph_type */
	uint8_t rank;			/* 0 (one element) .. KESTREL_GRAPH_RANK_MAX */
	uint8_t storage;		/* enum kestrel_graph_storage */
	uint8_t initial_byte;		/* STATE without data only */
	uint32_t dims[KESTREL_GRAPH_RANK_MAX];	/* each >= 1; unused ones 0 */
	uint32_t reserved0;
	uint64_t size;			/* bytes; must be product of dims x element size, < 2^31 */
	uint64_t data_offset;		/* bytes in CONSTANTS, multiple of 64, or NO_DATA */
	uint32_t scale;			/* float32 bits; 0 if not quantised */
	int32_t zero_point;
	/*
	 * Per axis quantisation: axis_count floats at axis_scales and
	 * axis_count int32 at axis_zero_points, byte offsets in PARAMETERS,
	 * both multiples of 4; axis_count 0 where there is none.
	 */
	uint32_t axis;
	uint32_t axis_count;
	uint32_t axis_scales;
	uint32_t axis_zero_points;	/* or NONE: all zero */
};

/*
 * Operators. The names are those of TensorFlow Lite where one exists; unary
 * functions of 8-bit values are KESTREL_GRAPH_TABLE, fused activations are
 * the clamp of their operator. Attributes: the union member named in the
 * comment; "-" has none. in: tensors in order, [x] may be NONE.
 */
enum kestrel_graph_opcode {
	/* Arithmetic with weights. in: input, weights, [bias]. */
	KESTREL_GRAPH_CONV_2D			= 1,	/* convolution; groups = C / weights C */
	KESTREL_GRAPH_DEPTHWISE_CONV_2D		= 2,	/* convolution; output channel = c * multiplier + j */
	KESTREL_GRAPH_TRANSPOSE_CONV		= 3,	/* convolution */
	KESTREL_GRAPH_FULLY_CONNECTED		= 4,	/* convolution (zero points, requantise only) */
	KESTREL_GRAPH_BATCH_MATMUL		= 5,	/* matmul. in: a, b; of 8 bits each its own type */
	/* Elementwise with broadcasting. in: a, b. */
	KESTREL_GRAPH_ADD			= 16,	/* elementwise */
	KESTREL_GRAPH_SUB			= 17,	/* elementwise */
	KESTREL_GRAPH_MUL			= 18,	/* elementwise */
	KESTREL_GRAPH_DIV			= 19,	/* elementwise */
	KESTREL_GRAPH_MINIMUM			= 20,	/* elementwise, equal quantisation */
	KESTREL_GRAPH_MAXIMUM			= 21,	/* elementwise, equal quantisation */
	KESTREL_GRAPH_SQUARED_DIFFERENCE	= 22,	/* elementwise */
	KESTREL_GRAPH_PRELU			= 23,	/* leaky. in: input, alpha */
	KESTREL_GRAPH_COMPARE			= 24,	/* compare; output bool */
	KESTREL_GRAPH_SELECT			= 25,	/* -. in: condition (bool), a, b; also SELECT_V2 */
	KESTREL_GRAPH_LOGICAL_AND		= 26,	/* -; bool */
	KESTREL_GRAPH_LOGICAL_OR		= 27,	/* -; bool */
	/* Pooling and reduction. in: input. */
	KESTREL_GRAPH_AVERAGE_POOL_2D		= 32,	/* pool */
	KESTREL_GRAPH_MAX_POOL_2D		= 33,	/* pool */
	KESTREL_GRAPH_MEAN			= 34,	/* reduce */
	KESTREL_GRAPH_SUM			= 35,	/* reduce */
	KESTREL_GRAPH_REDUCE_MAX		= 36,	/* reduce */
	KESTREL_GRAPH_REDUCE_MIN		= 37,	/* reduce */
	KESTREL_GRAPH_ARG_MAX			= 38,	/* axis; first maximum wins; output int32 or int64 */
	KESTREL_GRAPH_ARG_MIN			= 39,	/* axis; first minimum wins */
	KESTREL_GRAPH_REDUCE_PROD		= 40,	/* reduce */
	/* One input, same shape. */
	KESTREL_GRAPH_TABLE			= 48,	/* table: 8 bit to 8 bit, or to float32 */
	KESTREL_GRAPH_QUANTIZE			= 49,	/* quantize: float32 to integer */
	KESTREL_GRAPH_DEQUANTIZE		= 50,	/* quantize: integer to float32 */
	KESTREL_GRAPH_RESCALE		= 51,	/* rescale: integer to integer */
	KESTREL_GRAPH_SOFTMAX			= 52,	/* softmax, along the last dimension */
	KESTREL_GRAPH_LOG_SOFTMAX		= 53,	/* softmax */
	KESTREL_GRAPH_LEAKY_RELU		= 54,	/* leaky (int16; int8 is a TABLE) */
	KESTREL_GRAPH_UNARY			= 55,	/* unary: float32, or int16 by its own formula */
	KESTREL_GRAPH_CAST			= 56,	/* -; types rule: float to integer towards zero, saturated */
	KESTREL_GRAPH_L2_NORMALIZATION		= 57,	/* normalization, along the last dimension */
	KESTREL_GRAPH_LAYER_NORM		= 58,	/* layer_norm, along the last dimension */
	/* Bytes moved, never changed. */
	KESTREL_GRAPH_RESHAPE			= 64,	/* -; also SQUEEZE, EXPAND_DIMS. Output dims rule */
	KESTREL_GRAPH_COPY			= 65,	/* -; also READ_VARIABLE, ASSIGN_VARIABLE */
	KESTREL_GRAPH_PAD			= 66,	/* pad */
	KESTREL_GRAPH_MIRROR_PAD		= 67,	/* pad */
	KESTREL_GRAPH_CONCATENATION		= 68,	/* axis. in: any number */
	KESTREL_GRAPH_SPLIT			= 69,	/* axis; also SPLIT_V, UNPACK. outputs: any number */
	KESTREL_GRAPH_PACK			= 70,	/* axis. in: any number */
	KESTREL_GRAPH_SLICE			= 71,	/* slice; also STRIDED_SLICE, REVERSE_V2 */
	KESTREL_GRAPH_TRANSPOSE			= 72,	/* transpose */
	KESTREL_GRAPH_GATHER			= 73,	/* axis. in: input, indices (int32 or int64) */
	KESTREL_GRAPH_SPACE_TO_DEPTH		= 74,	/* block */
	KESTREL_GRAPH_DEPTH_TO_SPACE		= 75,	/* block */
	KESTREL_GRAPH_BROADCAST_TO		= 76,	/* -; output dims rule */
	KESTREL_GRAPH_TILE			= 77,	/* -; the input again and again in every dimension */
	KESTREL_GRAPH_SPACE_TO_BATCH		= 78,	/* batch_block */
	KESTREL_GRAPH_BATCH_TO_SPACE		= 79,	/* batch_block */
	/* Resampling. in: input. */
	KESTREL_GRAPH_RESIZE_BILINEAR		= 80,	/* resize */
	KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR	= 81,	/* resize */
	/* Recurrent. */
	KESTREL_GRAPH_SVDF			= 96,	/* svdf. in: input, feature, time, [bias], state */
	KESTREL_GRAPH_LSTM			= 97,	/* lstm */
	/*
	 * lstm, int8: functions by the table of LOGISTIC and TANH of int16, uint16[256]
	 * behind the scales, products in mode DOUBLE, as TensorFlow Lite Micro has it.
	 */
	KESTREL_GRAPH_LSTM_TABLE		= 98,
	/* Detection. */
	KESTREL_GRAPH_DETECTION_POSTPROCESS	= 112,	/* detection. outputs: 4 */
	/* Values that say where something is or in what order: for processors, or ROW bases. */
	KESTREL_GRAPH_DYNAMIC_UPDATE_SLICE	= 128,	/* -. in: input, update, positions */
	KESTREL_GRAPH_GATHER_ND			= 129,	/* -. in: input, indices, the last dimension of
							 * which counts dimensions of the input
							 */
	KESTREL_GRAPH_TOP_K			= 130,	/* -; along the last dimension. outputs: the
							 * largest values, falling; int32 indices
							 */
	KESTREL_GRAPH_ONE_HOT			= 131,	/* axis of the output. in: indices, the value
							 * at an index, the value elsewhere
							 */
	KESTREL_GRAPH_CUMULATIVE_SUM		= 132,	/* cumulative_sum */
	/* Elementwise of values that are not quantised, mode NONE. in: a, b. */
	KESTREL_GRAPH_FLOOR_DIV			= 133,	/* elementwise */
	KESTREL_GRAPH_FLOOR_MOD			= 134,	/* elementwise */
	KESTREL_GRAPH_POWER			= 135,	/* elementwise; float32, int32 */
	/* Products whose zero points are data. */
	KESTREL_GRAPH_DYNAMIC_QUANTIZE		= 136,	/* -. in: float32; outputs: uint8, its scale
							 * (float32) and zero point (uint8)
							 */
	KESTREL_GRAPH_MATMUL_INTEGER		= 137,	/* -. in: a, b, [zero point of a], [of b: one,
							 * or one a column]; output int32
							 */
	KESTREL_GRAPH_CONV_INTEGER		= 138,	/* convolution (window only). in: input, weights,
							 * [zero point of the input], [of the weights:
							 * one, or one an output channel]; output int32
							 */
};

/*
 * How an integer accumulator x becomes an output q. Each mode is a formula
 * of exact integers (docs/graph-format.md, "Arithmetic"); H is the saturating
 * rounding doubling high multiply, R the rounding shift right, ties away
 * from zero.
 */
enum kestrel_graph_requantise_mode {
	/* No requantisation: float32 operators; clamps are float32 bits. */
	KESTREL_GRAPH_REQUANTISE_NONE	= 0,
	/* shift > 0: H(x << shift, m); else R(H(x, m), -shift). */
	KESTREL_GRAPH_REQUANTISE_DOUBLE	= 1,
	/* floor((x * m + 2^(30 - shift)) / 2^(31 - shift)). */
	KESTREL_GRAPH_REQUANTISE_SINGLE	= 2,
	/* x to float32, times float32 m, to integer; each to nearest even. */
	KESTREL_GRAPH_REQUANTISE_F32	= 3,
	/*
	 * 64-bit accumulators of int16 activations: m' = m < 0x7fff0000 ?
	 * (m + 2^15) >> 16 : 0x7fff; floor((x * m' + 2^(14 - shift)) /
	 * 2^(15 - shift)).
	 */
	KESTREL_GRAPH_REQUANTISE_WIDE	= 4,
	/*
	 * Operators with weights whose input, bias and output are float32 and
	 * whose weights are int8: the input is quantised in every run, see
	 * struct kestrel_graph_convolution. multiplier holds the float32 bits of
	 * the weights' scale, shift is 0; clamps are float32 bits.
	 */
	KESTREL_GRAPH_REQUANTISE_HYBRID	= 5,
	/* As DOUBLE, but the shift right rounds ties towards plus infinity. */
	KESTREL_GRAPH_REQUANTISE_UPWARD	= 6,
};

/*
 * A factor in fixed point: m * 2^(shift - 31), m in 2^30..2^31-1 or 0,
 * shift in -31..30. In mode F32 multiplier holds the float32 bits of the
 * factor and shift is 0.
 */
struct kestrel_graph_scale {
	int32_t multiplier;
	int32_t shift;
};

/* Requantisation of a whole operator: q = clamp(mode(x) + zero_point). */
struct kestrel_graph_requantise {
	uint32_t mode;			/* enum kestrel_graph_requantise_mode */
	uint32_t scale_count;		/* 1, or the number of output channels */
	uint32_t scales;		/* byte offset in PARAMETERS of kestrel_graph_scale[], multiple of 8 */
	int32_t zero_point;		/* of the output */
	int32_t minimum;		/* clamp, quantised; the fused activation is in it */
	int32_t maximum;		/* minimum <= maximum, both in the range of the type */
};

/*
 * Taps outside the input contribute nothing (they read the input's zero
 * point). The padding numbers are explicit; bottom and right say how far the
 * last window reaches over the border and may be negative.
 */
struct kestrel_graph_convolution {
	uint32_t stride_height;		/* >= 1 */
	uint32_t stride_width;
	uint32_t dilation_height;	/* >= 1 */
	uint32_t dilation_width;
	int32_t pad_top;		/* TRANSPOSE_CONV: rows cut from the top of the full result */
	int32_t pad_left;
	int32_t pad_bottom;
	int32_t pad_right;
	uint32_t depth_multiplier;	/* DEPTHWISE_CONV_2D: output channels an input channel; else 1 */
	int32_t input_zero_point;	/* subtracted from the input */
	int32_t weight_zero_point;	/* subtracted from the weights; 0 except for legacy uint8 */
	struct kestrel_graph_requantise requantise;
	/*
	 * Mode HYBRID: how each batch (FULLY_CONNECTED: each row) of the input
	 * becomes int8: 0 symmetric, 1 with a zero point of its own. Else 0.
	 */
	uint32_t input_asymmetric;
};

struct kestrel_graph_matmul {
	uint32_t transpose_a;		/* 0 or 1: a is [.., k, m] instead of [.., m, k] */
	uint32_t transpose_b;		/* 0 or 1: b is [.., n, k] instead of [.., k, n] */
	int32_t a_zero_point;
	int32_t b_zero_point;
	struct kestrel_graph_requantise requantise;
};

/*
 * Integer ADD, SUB: y = out(a'((a - za) << left_shift) +- b'((b - zb) << left_shift)),
 * where a', b', out are factors in the operator's mode; then + zero_point,
 * clamp. MUL: out((a - za) * (b - zb)); a', b', left_shift unused (0).
 * SQUARED_DIFFERENCE: out(d * d) with d that of SUB before out, left_shift 7.
 * DIV (8 bit, mode DOUBLE): (a - za) / (b - zb) x out by a reciprocal of 31
 * bits (docs/graph-format.md); 0 divided by and into is 0 and the clamp.
 * MINIMUM, MAXIMUM: factors unused. Float: only minimum, maximum (float32 bits).
 * ADD, SUB, MUL, DIV, FLOOR_DIV, FLOOR_MOD of int32 and int64, FLOOR_DIV and FLOOR_MOD of
 * int8 and int16, SQUARED_DIFFERENCE and POWER of int32, in mode NONE: the values as they
 * are, results wrap, a division by 0 and a power below 0 give 0; int32 is clamped.
 */
struct kestrel_graph_elementwise {
	uint32_t mode;			/* enum kestrel_graph_requantise_mode */
	uint32_t left_shift;		/* 20 for 8 bit, 15 for int16 */
	int32_t a_zero_point;
	int32_t b_zero_point;
	struct kestrel_graph_scale a_scale;
	struct kestrel_graph_scale b_scale;
	struct kestrel_graph_scale output_scale;
	int32_t zero_point;
	int32_t minimum;
	int32_t maximum;
};

enum kestrel_graph_comparison {
	KESTREL_GRAPH_COMPARISON_EQUAL		= 1,
	KESTREL_GRAPH_COMPARISON_NOT_EQUAL	= 2,
	KESTREL_GRAPH_COMPARISON_LESS		= 3,
	KESTREL_GRAPH_COMPARISON_LESS_EQUAL	= 4,
	KESTREL_GRAPH_COMPARISON_GREATER	= 5,
	KESTREL_GRAPH_COMPARISON_GREATER_EQUAL	= 6,
};

/*
 * Integers are compared as they are, or, where left_shift is not 0, as
 * a'((a - za) << left_shift) and b'((b - zb) << left_shift), mode DOUBLE.
 */
struct kestrel_graph_compare {
	uint32_t comparison;		/* enum kestrel_graph_comparison */
	uint32_t left_shift;
	int32_t a_zero_point;
	int32_t b_zero_point;
	struct kestrel_graph_scale a_scale;
	struct kestrel_graph_scale b_scale;
};

/*
 * AVERAGE_POOL_2D divides the sum of the valid taps by their number, half away
 * from zero; input and output have one quantisation.
 */
struct kestrel_graph_pool {
	uint32_t filter_height;		/* >= 1 */
	uint32_t filter_width;
	uint32_t stride_height;		/* >= 1 */
	uint32_t stride_width;
	int32_t pad_top;
	int32_t pad_left;
	int32_t pad_bottom;
	int32_t pad_right;
	int32_t minimum;		/* clamp; float32 bits for float32 */
	int32_t maximum;
};

/*
 * MEAN, SUM of integers: requantise(sum of q - n * input_zero_point). For MEAN
 * the division by n is already in the scale, and the output's zero point may lie
 * outside the type's range, at most 2^24 from 0. REDUCE_PROD of integers: p begins
 * as the first q - input_zero_point, each further one makes it
 * mode(p * (q - input_zero_point)); at last requantise(p). int32, and
 * REDUCE_MAX, REDUCE_MIN of any type: no requantisation, mode NONE.
 * float32: mode NONE; sums and products run in the order of the elements.
 */
struct kestrel_graph_reduce {
	uint32_t axes;			/* bit i: dimension i of the input is reduced */
	int32_t input_zero_point;
	struct kestrel_graph_requantise requantise;	/* one scale */
};

struct kestrel_graph_axis {
	uint32_t axis;			/* dimension of the input (PACK: of the output) */
	/*
	 * GATHER: so many dimensions, counted from the first, input and indices
	 * have in common; at most axis. Else 0. An index beyond the dimension
	 * reads its last element, a negative one its first.
	 */
	uint32_t batch_dims;
};

/* Sums of the elements before and at each place along an axis; integers wrap. */
struct kestrel_graph_cumulative_sum {
	uint32_t axis;
	uint32_t exclusive;		/* 1: without the element at the place itself */
	uint32_t reverse;		/* 1: of those behind it instead of before it */
};

/*
 * Entry i is the output element for the input byte i (int8: its two's
 * complement): a byte, or a float32 where the output is float32.
 */
struct kestrel_graph_table {
	uint32_t table;			/* byte offset in PARAMETERS of 256 bytes, or of 256 float32 */
};

/*
 * QUANTIZE: clamp(round(x / scale) + zero_point), division in float32;
 * DEQUANTIZE: scale * (q - zero_point) in float32.
 */
struct kestrel_graph_quantize {
	uint32_t scale;			/* float32 bits, > 0, finite */
	int32_t zero_point;
	uint32_t rounding;		/* QUANTIZE: 0 half away from zero, 1 half to even */
	int32_t minimum;		/* QUANTIZE: clamp */
	int32_t maximum;
};

struct kestrel_graph_rescale {
	int32_t input_zero_point;
	struct kestrel_graph_requantise requantise;
};

/*
 * Fixed-point softmax of 8-bit values: e = table[max - q] (Q0.31), S = sum of
 * R(e, 12), at most 2^32 - 1, k = count of leading zeros of S, c = 1 / (1 + f) of the normalised
 * rest, q = clamp(R(H(c, e), output_shift - k) + zero_point).
 * Only a processor runs the other kinds; docs/graph-format.md has their formulas.
 */
struct kestrel_graph_softmax {
	uint32_t kind;			/* enum kestrel_graph_softmax_kind */
	uint32_t table;			/* byte offset in PARAMETERS, multiple of 4 */
	int32_t zero_point;		/* -128 for int8, 0 for uint8, -32768 for int16 */
	int32_t minimum;		/* clamp */
	int32_t maximum;
	uint32_t output_shift;		/* 35 for 8-bit outputs, 27 for int16 */
	uint32_t beta;			/* FLOAT: float32 bits; LOG_FLOAT_TABLE: of the input's scale */
	uint32_t output_scale;		/* FLOAT_TABLE, LOG_FLOAT_TABLE: float32 bits */
	struct kestrel_graph_scale input_scale;		/* INT16: of q - maximum */
	/* LOG_FIXED: from Q5.26 back to the input, and the least distance that counts. */
	struct kestrel_graph_scale reverse_scale;
	int32_t difference_minimum;
};

enum kestrel_graph_softmax_kind {
	KESTREL_GRAPH_SOFTMAX_FIXED		= 0,	/* 256 int32 at table */
	KESTREL_GRAPH_SOFTMAX_FLOAT		= 1,	/* float32 tensors, no table */
	KESTREL_GRAPH_SOFTMAX_FLOAT_TABLE	= 2,	/* 256 float32 at table, 8-bit tensors */
	/* LOG_SOFTMAX of 8-bit tensors: 256 float32 at table, as for FLOAT_TABLE */
	KESTREL_GRAPH_SOFTMAX_LOG_FLOAT_TABLE	= 3,
	/* int16: two tables of 513 int16, exp then 1 / (1 + x). */
	KESTREL_GRAPH_SOFTMAX_INT16		= 4,
	/*
	 * LOG_SOFTMAX of 8 bits in fixed point: 256 int32 as for FIXED, then 256
	 * int32, the distances themselves in Q5.26 (not above 0).
	 */
	KESTREL_GRAPH_SOFTMAX_LOG_FIXED		= 5,
};

/*
 * LEAKY_RELU, PRELU: x >= 0 ? identity(x) : alpha(x * (a - alpha_zero_point)),
 * a = 1 and alpha_zero_point = 0 for LEAKY_RELU; then + zero_point, clamp.
 */
struct kestrel_graph_leaky {
	uint32_t mode;			/* enum kestrel_graph_requantise_mode */
	int32_t input_zero_point;
	int32_t alpha_zero_point;
	int32_t zero_point;
	struct kestrel_graph_scale identity_scale;
	struct kestrel_graph_scale alpha_scale;
	int32_t minimum;
	int32_t maximum;
	uint32_t alpha;			/* LEAKY_RELU float32: float32 bits */
	uint32_t alpha_negative;	/* 1: alpha < 0, its multiplier is to be negated */
};

/*
 * float32 in and out, or int32 (ABS, NEG) or bool (LOGICAL_NOT), or int16:
 * ABS with a factor in mode DOUBLE and no table; LOGISTIC and TANH with a table
 * of 256 uint16, 65536 / (1 + exp(-i / 24)), and x = round(q * multiplier /
 * 2^shift), ties upward, of input_scale (multiplier 0..32767, shift 0..31) as
 * 12288 times the argument; any other function with a table of 513 int16, one for
 * every 128th input, and lines between them. docs/graph-format.md has the formulas.
 */
struct kestrel_graph_unary {
	uint32_t function;		/* enum kestrel_graph_function */
	uint32_t table;			/* int16: byte offset in PARAMETERS of its table, else NONE */
	struct kestrel_graph_scale input_scale;	/* int16 */
};

enum kestrel_graph_function {
	KESTREL_GRAPH_FUNCTION_LOGISTIC		= 1,
	KESTREL_GRAPH_FUNCTION_TANH		= 2,
	KESTREL_GRAPH_FUNCTION_RELU		= 3,
	KESTREL_GRAPH_FUNCTION_RELU6		= 4,
	KESTREL_GRAPH_FUNCTION_RELU_N1_TO_1	= 5,
	KESTREL_GRAPH_FUNCTION_HARD_SWISH	= 6,
	KESTREL_GRAPH_FUNCTION_EXP		= 7,
	KESTREL_GRAPH_FUNCTION_LOG		= 8,
	KESTREL_GRAPH_FUNCTION_SQRT		= 9,
	KESTREL_GRAPH_FUNCTION_RSQRT		= 10,
	KESTREL_GRAPH_FUNCTION_ABS		= 11,
	KESTREL_GRAPH_FUNCTION_NEG		= 12,
	KESTREL_GRAPH_FUNCTION_SQUARE		= 13,
	KESTREL_GRAPH_FUNCTION_ELU		= 14,
	KESTREL_GRAPH_FUNCTION_GELU		= 15,
	KESTREL_GRAPH_FUNCTION_GELU_TANH	= 16,	/* by its approximation with tanh */
	KESTREL_GRAPH_FUNCTION_SIN		= 17,
	KESTREL_GRAPH_FUNCTION_COS		= 18,
	KESTREL_GRAPH_FUNCTION_FLOOR		= 19,
	KESTREL_GRAPH_FUNCTION_CEIL		= 20,
	KESTREL_GRAPH_FUNCTION_ROUND		= 21,	/* half to even */
	KESTREL_GRAPH_FUNCTION_LOGICAL_NOT	= 22,
	KESTREL_GRAPH_FUNCTION_RELU_0_TO_1	= 23,
	/* float32 only. */
	KESTREL_GRAPH_FUNCTION_ERF		= 24,
	KESTREL_GRAPH_FUNCTION_RECIPROCAL	= 25,
	KESTREL_GRAPH_FUNCTION_SIGN		= 26,	/* -1, 0 or 1 */
	KESTREL_GRAPH_FUNCTION_SOFTPLUS		= 27,	/* log(1 + exp(x)) */
	KESTREL_GRAPH_FUNCTION_SOFTSIGN		= 28,	/* x / (1 + |x|) */
	KESTREL_GRAPH_FUNCTION_MISH		= 29,	/* x tanh(softplus(x)) */
};

/* 8 bit: the row x - input_zero_point divided by its length, in 1/128. float32: no numbers. */
struct kestrel_graph_normalization {
	int32_t input_zero_point;
	int32_t zero_point;		/* of the output: 0 for int8, 128 for uint8 */
};

/*
 * LAYER_NORM of 8-bit values, rows of C elements, C at most
 * KESTREL_GRAPH_LAYER_NORM_CHANNELS: less their mean, divided by the root of their
 * variance plus epsilon, in 1/1024; times gain, plus bias; then
 * clamp(mode(.., scale) + zero_point). docs/graph-format.md has the formulas, which
 * are those of the NPU (docs/hardware.md, "Layer normalisation").
 */
#define KESTREL_GRAPH_LAYER_NORM_CHANNELS	4096

struct kestrel_graph_layer_norm {
	int32_t input_zero_point;
	uint32_t channels;		/* C: the last dimension */
	uint32_t epsilon;		/* in units of the input's square, times C^2 */
	/* Byte offset in PARAMETERS, multiple of 4: int32 biases[C], then int16 gains[C]. */
	uint32_t table;
	uint32_t mode;			/* enum kestrel_graph_requantise_mode, not WIDE or NONE */
	struct kestrel_graph_scale scale;
	int32_t zero_point;		/* of the output */
	int32_t minimum;		/* clamp */
	int32_t maximum;
};

/* Per dimension of the input; output dim = before + input dim + after. */
struct kestrel_graph_pad {
	uint32_t before[KESTREL_GRAPH_RANK_MAX];
	uint32_t after[KESTREL_GRAPH_RANK_MAX];
	int32_t value;			/* PAD: element value, sign extended; float32 bits for float32 */
	uint32_t reflect;		/* MIRROR_PAD: 1 REFLECT, 0 SYMMETRIC */
};

/*
 * output[i] = input[begin + i * stride] in every dimension of the input; the
 * number of elements is that of the output, whose rank may be smaller
 * (dropped dimensions have count 1).
 */
struct kestrel_graph_slice {
	uint32_t begin[KESTREL_GRAPH_RANK_MAX];
	int32_t stride[KESTREL_GRAPH_RANK_MAX];		/* != 0 */
	uint32_t count[KESTREL_GRAPH_RANK_MAX];		/* >= 1 */
};

/* Output dimension i is input dimension permutation[i]. */
struct kestrel_graph_transpose {
	uint32_t permutation[KESTREL_GRAPH_RANK_MAX];
};

struct kestrel_graph_block {
	uint32_t block_size;		/* >= 1 */
};

/*
 * Of a tensor [N, H, W, C] or [N, H, C] every block[0]-th row and block[1]-th column makes
 * an image of its own: image (by * block[1] + bx) * N + n of the other tensor has at row y
 * and column x what image n has at row y * block[0] + by - before[0] and column
 * x * block[1] + bx - before[1]. SPACE_TO_BATCH puts `value` where that is outside,
 * BATCH_TO_SPACE drops it.
 */
struct kestrel_graph_batch_block {
	uint32_t block[2];		/* >= 1; rank 3: block[1] = 1, before[1] = 0 */
	uint32_t before[2];
	int32_t value;			/* SPACE_TO_BATCH: as in struct kestrel_graph_pad */
};

struct kestrel_graph_resize {
	uint32_t align_corners;		/* 0 or 1 */
	uint32_t half_pixel_centers;	/* 0 or 1, not both */
	/* BILINEAR of 8 bits: 1: weights in float32, the sum + 0.5 cut off, as
	 * TensorFlow Lite has it for uint8; 0: weights of 10 bits.
	 */
	uint32_t float_weights;
};

/* Tensors of SVDF: feature int8 [filters, in], time int8 or int16 [filters, memory]. */
struct kestrel_graph_svdf {
	uint32_t rank;			/* filters = units * rank */
	uint32_t mode;			/* enum kestrel_graph_requantise_mode */
	int32_t input_zero_point;
	int32_t state_zero_point;	/* of the state; int16: 0 */
	int32_t zero_point;		/* of the output */
	struct kestrel_graph_scale feature_scale;
	struct kestrel_graph_scale time_scale;
	int32_t minimum;
	int32_t maximum;
};

/* Scales of KESTREL_GRAPH_LSTM, in this order, four of a kind for the gates
 * input, forget, cell, output.
 */
enum kestrel_graph_lstm_scale {
	KESTREL_GRAPH_LSTM_INPUT	= 0,	/* input x weights to Q3.12 */
	KESTREL_GRAPH_LSTM_RECURRENT	= 4,	/* output state x recurrent weights to Q3.12 */
	KESTREL_GRAPH_LSTM_HIDDEN	= 8,	/* Q0.15 x Q0.15 to the output */
	KESTREL_GRAPH_LSTM_SCALES	= 9,
};

/*
 * int8 with int16 gates, in steps along time; docs/graph-format.md has the
 * formulas. Tensors: input [batch, time, in] (time first if time_major), four
 * input weights [cells, in], four recurrent weights [cells, cells], four biases
 * int32 [cells], output state int8 [batch, cells], cell state int16
 * [batch, cells]; gates in the order of enum kestrel_graph_lstm_scale. All
 * float32: the same tensors as float32, scales and zero points unused.
 */
struct kestrel_graph_lstm {
	uint32_t scales;		/* byte offset in PARAMETERS of kestrel_graph_scale[9] */
	int32_t input_zero_point;
	int32_t state_zero_point;	/* of the output state, which is the output too */
	int32_t cell_exponent;		/* cell state = q * 2^cell_exponent, -15..-11 */
	int32_t cell_clip;		/* the cell state stays within +- this; 0: no clip;
					 * float32 bits for float32
					 */
	uint32_t time_major;		/* 0 or 1 */
};

/* A real value is scale x (q - zero_point); for float32 tensors both are 0. */
struct kestrel_graph_affine {
	uint32_t scale;			/* float32 bits */
	int32_t zero_point;
};

/*
 * Box decoding and non-maximum suppression in float32. in: boxes
 * [1, anchors, 4] (y, x, height, width), scores [1, anchors, classes], anchors
 * [anchors, 4]; scores may have one class more, in front, that is background.
 * outputs, float32: boxes [1, n, 4] (top, left, bottom, right), classes [1, n],
 * scores [1, n], number of detections [1]; n = max_detections *
 * max_classes_per_detection.
 */
struct kestrel_graph_detection {
	uint32_t max_detections;
	uint32_t max_classes_per_detection;
	uint32_t class_count;
	uint32_t nms_score_threshold;	/* float32 bits, as the next five */
	uint32_t nms_iou_threshold;
	uint32_t y_scale;
	uint32_t x_scale;
	uint32_t height_scale;
	uint32_t width_scale;
	struct kestrel_graph_affine boxes;
	struct kestrel_graph_affine scores;
	struct kestrel_graph_affine anchors;
};

#define KESTREL_GRAPH_ATTRIBUTE_BYTES	96

union kestrel_graph_attributes {
	struct kestrel_graph_convolution convolution;
	struct kestrel_graph_matmul matmul;
	struct kestrel_graph_elementwise elementwise;
	struct kestrel_graph_compare compare;
	struct kestrel_graph_pool pool;
	struct kestrel_graph_reduce reduce;
	struct kestrel_graph_axis axis;
	struct kestrel_graph_table table;
	struct kestrel_graph_quantize quantize;
	struct kestrel_graph_rescale rescale;
	struct kestrel_graph_softmax softmax;
	struct kestrel_graph_leaky leaky;
	struct kestrel_graph_unary unary;
	struct kestrel_graph_normalization normalization;
	struct kestrel_graph_layer_norm layer_norm;
	struct kestrel_graph_pad pad;
	struct kestrel_graph_slice slice;
	struct kestrel_graph_transpose transpose;
	struct kestrel_graph_block block;
	struct kestrel_graph_batch_block batch_block;
	struct kestrel_graph_resize resize;
	struct kestrel_graph_svdf svdf;
	struct kestrel_graph_lstm lstm;
	struct kestrel_graph_detection detection;
	struct kestrel_graph_cumulative_sum cumulative_sum;
	uint8_t bytes[KESTREL_GRAPH_ATTRIBUTE_BYTES];	/* unused ones are 0 */
};

/*
 * An operator. They stand in an order of execution: an input is a constant, a
 * state, a graph input, or the output of an earlier operator. Every VARIABLE
 * tensor is written by at most one operator; graph inputs by none. A STATE
 * tensor may be read and written (by COPY, or as SVDF's last input) in any
 * order of operators.
 */
struct kestrel_graph_operator {
	uint32_t opcode;		/* enum kestrel_graph_opcode */
	uint32_t flags;			/* 0 */
	uint32_t source_operator;	/* index in the source model; NONE if made by the compiler */
	uint32_t inputs;		/* index in INDICES of the first input */
	uint32_t input_count;
	uint32_t outputs;		/* index in INDICES of the first output */
	uint32_t output_count;		/* >= 1 */
	uint32_t reserved;
	union kestrel_graph_attributes attributes;
};

/*
 * One configuration's way to run the graph. Its segments, in order, hold every
 * operator exactly once; no segment belongs to two streams. It runs on a device with
 * the same ISA major and macs_per_cycle, at least this ISA minor and SRAM, and all the
 * features.
 */
struct kestrel_graph_stream {
	uint32_t target;		/* string, e.g. "kestrel-256" */
	uint16_t isa_major;		/* uapi/kestrel/isa.h */
	uint16_t isa_minor;
	uint32_t macs_per_cycle;	/* int8 x int8 */
	uint32_t sram_bytes;		/* bytes of engine SRAM that must exist */
	uint64_t features;		/* feature bits of uapi/kestrel/regs.h that must be set */
	uint32_t first_segment;		/* in SEGMENTS */
	uint32_t segment_count;
	uint64_t scratch_size;		/* bytes of device memory for SCRATCH bases, 0 if none */
	uint64_t predicted_cycles;	/* of one run, NPU segments only */
	uint64_t preemption_interval;	/* cycles, longest between two preemption points */
	uint64_t sram_peak_bytes;
	uint64_t spill_bytes;		/* bytes of one run put in memory and fetched again, both ways */
	uint64_t macs;			/* multiply-accumulates that run on the NPU */
	uint8_t reserved[48];
};

enum kestrel_graph_segment_kind {
	KESTREL_GRAPH_SEGMENT_CPU	= 1,
	KESTREL_GRAPH_SEGMENT_NPU	= 2,
};

/*
 * Operators first_operator .. first_operator + operator_count - 1, as one
 * range for the processor or as one NPU job. Tensors that pass from a segment
 * to another, or are inputs or outputs of the graph, are dense row major.
 */
struct kestrel_graph_segment {
	uint32_t kind;			/* enum kestrel_graph_segment_kind */
	uint32_t first_operator;	/* follows the previous segment's last */
	uint32_t operator_count;	/* >= 1 */
	uint32_t first_base;		/* NPU: in BASES; else 0 */
	uint32_t base_count;		/* NPU: 0..16; else 0 */
	uint32_t reserved;
	uint64_t command_offset;	/* NPU: in STREAM_COMMANDS, multiple of 64; else 0 */
	uint64_t command_size;		/* NPU: bytes, a multiple of 4, >= 4; else 0 */
	uint64_t predicted_cycles;
};

enum kestrel_graph_base_kind {
	/* A part of STREAM_CONSTANTS, read only. offset, size: that part. */
	KESTREL_GRAPH_BASE_CONSTANTS	= 1,
	/* A part of the stream's scratch memory; undefined when a run begins,
	 * kept from segment to segment within the run. offset, size: that part.
	 */
	KESTREL_GRAPH_BASE_SCRATCH	= 2,
	/* The bytes of a VARIABLE or STATE tensor. offset 0; size: tensor size, or up to the next
	 * multiple of 64 (the bytes after the tensor are undefined and may be
	 * overwritten).
	 */
	KESTREL_GRAPH_BASE_TENSOR	= 3,
	/*
	 * Since 1.1: a VARIABLE or STATE tensor from a position on that is found anew for
	 * each submission, struct kestrel_graph_row_base. offset 0; size: what lies there
	 * whatever the position.
	 */
	KESTREL_GRAPH_BASE_ROW		= 4,
};

enum kestrel_graph_base_flags {
	KESTREL_GRAPH_BASE_READ		= 1u << 0,
	KESTREL_GRAPH_BASE_WRITE	= 1u << 1,
};

/* What the stream's base index `index` addresses during an NPU job. */
struct kestrel_graph_base {
	uint32_t index;			/* 0..15, rising within a segment */
	uint32_t kind;			/* enum kestrel_graph_base_kind */
	uint32_t flags;			/* enum kestrel_graph_base_flags, at least one */
	uint32_t tensor;		/* TENSOR, ROW: index in TENSORS; else NONE */
	uint64_t offset;		/* bytes, multiple of 64 */
	uint64_t size;			/* bytes, >= 1 */
};

/*
 * Since 1.1, a record of BASES in a file that has a base of kind ROW; all but `base` is 0
 * in those of other kinds. The base begins p * row_bytes behind the tensor's first byte:
 * p is the element's value when the job is submitted, but 0 where that is less and
 * position_count - 1 where it is more.
 */
struct kestrel_graph_row_base {
	struct kestrel_graph_base base;
	/* Index in TENSORS of an int32 VARIABLE: an input, or written before the segment. */
	uint32_t position_tensor;
	uint32_t position_element;	/* which of its elements */
	/* >= 1; the last position's base ends with the tensor:
	 * base.size + (position_count - 1) * row_bytes is the tensor's size.
	 */
	uint32_t position_count;
	uint32_t row_bytes;		/* from a position to the next, >= 1 */
};

enum kestrel_graph_place {
	KESTREL_GRAPH_PLACE_NPU		= 1,	/* an NPU command writes its output bytes */
	KESTREL_GRAPH_PLACE_CPU		= 2,
	KESTREL_GRAPH_PLACE_REMOVED	= 3,	/* folded into another or without effect */
};

/*
 * Where an operator of the source model went in a stream. For each stream,
 * one record for each of info.source_operator_count operators, in order; for
 * a graph without streams the same once with stream NONE.
 */
struct kestrel_graph_placement {
	uint32_t stream;		/* index in STREAMS, or NONE */
	uint32_t source_operator;	/* index in the source model */
	uint32_t name;			/* string: type, e.g. "CONV_2D" */
	uint32_t location;		/* string: name of its first output tensor */
	uint32_t place;			/* enum kestrel_graph_place */
	uint32_t reason;		/* string: why, never empty for CPU and REMOVED */
	uint64_t predicted_cycles;	/* NPU: its share; else 0 */
	uint64_t macs;			/* of the operator */
};

#ifdef __cplusplus
#define KESTREL_GRAPH_ASSERT(condition) static_assert(condition, #condition)
#else
#define KESTREL_GRAPH_ASSERT(condition) _Static_assert(condition, #condition)
#endif

KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_header) == 128);
KESTREL_GRAPH_ASSERT(__builtin_offsetof(struct kestrel_graph_header, table_hash) == 32);
KESTREL_GRAPH_ASSERT(__builtin_offsetof(struct kestrel_graph_header, signature_offset) == 96);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_section) == 64);
KESTREL_GRAPH_ASSERT(__builtin_offsetof(struct kestrel_graph_section, hash) == 32);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_info) == 64);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_tensor) == 80);
KESTREL_GRAPH_ASSERT(__builtin_offsetof(struct kestrel_graph_tensor, size) == 40);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_requantise) == 24);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_convolution) == 72);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_elementwise) == 52);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_slice) == 72);
KESTREL_GRAPH_ASSERT(sizeof(union kestrel_graph_attributes) == KESTREL_GRAPH_ATTRIBUTE_BYTES);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_operator) == 128);
KESTREL_GRAPH_ASSERT(__builtin_offsetof(struct kestrel_graph_operator, attributes) == 32);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_stream) == 128);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_segment) == 48);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_base) == 32);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_row_base) == 48);
KESTREL_GRAPH_ASSERT(sizeof(struct kestrel_graph_placement) == 40);

#undef KESTREL_GRAPH_ASSERT

#endif
