/* SPDX-License-Identifier: MIT */
/*
 * Parts that the checks of operators are made of. Every function that returns
 * int returns 0, or a negative errno with a message that names the operator.
 */
#ifndef NPU_OPERATOR_CHECK_H
#define NPU_OPERATOR_CHECK_H

#include "graph.h"

#include <stdint.h>

struct check {
	const struct graph *graph;
	uint32_t index;
	const struct kestrel_graph_operator *operator;
	struct message *message;
};

/* Writes the message and returns `code`. */
int check_fail(const struct check *check, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Input number i, NULL where it is absent; output number i. */
const struct kestrel_graph_tensor *check_input(const struct check *check, uint32_t i);
const struct kestrel_graph_tensor *check_output(const struct check *check, uint32_t i);

uint64_t check_count(const struct kestrel_graph_tensor *tensor);
int check_is_byte(uint32_t type);
int check_is_integer(uint32_t type);
int check_same_shape(const struct kestrel_graph_tensor *a, const struct kestrel_graph_tensor *b);

/* `size` bytes at `offset` are an aligned part of PARAMETERS. */
int check_parameters(const struct check *check, const char *what, uint64_t offset,
		     uint64_t size, uint32_t alignment);
/* Zero point and clamp fit an integer type. */
int check_range(const struct check *check, uint32_t type, int32_t zero_point,
		int32_t minimum, int32_t maximum);
/* Clamps of a float32 operator, as float32 bits. */
int check_float_range(const struct check *check, int32_t minimum, int32_t maximum);
int check_zero_point(const struct check *check, const char *what, uint32_t type,
		     int32_t zero_point);
int check_mode(const struct check *check, uint32_t mode);
int check_scale(const struct check *check, uint32_t mode, struct kestrel_graph_scale scale);
/* The scales of a requantisation alone, one or one a channel. */
int check_scales(const struct check *check, const struct kestrel_graph_requantise *requantise,
		 uint32_t channels);
int check_requantise(const struct check *check,
		     const struct kestrel_graph_requantise *requantise,
		     uint32_t type, uint32_t channels);

/* The same with one scale and a zero point that holds a part of the sum, as of MEAN. */
int check_requantise_mean(const struct check *check,
			  const struct kestrel_graph_requantise *requantise, uint32_t type);

/*
 * The input broadcasts to the output: each dimension is the output's or 1. The
 * `innermost` last ones may be anything.
 */
int check_broadcast(const struct check *check, const struct kestrel_graph_tensor *input,
		    uint32_t innermost);

/* operator_check_move.c */
int check_copy(const struct check *check);
int check_pad(const struct check *check);
int check_parts(const struct check *check);
int check_slice(const struct check *check);
int check_transpose(const struct check *check);
int check_gather(const struct check *check);
int check_mirror_pad(const struct check *check);
int check_block(const struct check *check);
int check_batch_block(const struct check *check);
int check_broadcast_to(const struct check *check);
int check_tile(const struct check *check);
int check_cast(const struct check *check);

/* operator_check_elementwise.c */
int check_elementwise(const struct check *check);
int check_leaky(const struct check *check);
int check_matmul(const struct check *check);
int check_compare(const struct check *check);
int check_logical(const struct check *check);
int check_select(const struct check *check);

/* operator_check_unary.c */
int check_unary(const struct check *check);
int check_softmax(const struct check *check);
int check_normalization(const struct check *check);
int check_layer_norm(const struct check *check);

/* operator_check_index.c */
int check_dynamic_update_slice(const struct check *check);
int check_gather_nd(const struct check *check);
int check_top_k(const struct check *check);
int check_one_hot(const struct check *check);
int check_cumulative_sum(const struct check *check);

/* operator_check_dynamic.c */
int check_dynamic_quantize(const struct check *check);
int check_matmul_integer(const struct check *check);
/*
 * Bytes in, int32 out, and zero points of the operands' types: one, or `columns` of the
 * second operand's.
 */
int check_integers(const struct check *check, uint32_t columns);

/* operator_check_reduce.c */
int check_reduce(const struct check *check);
int check_arg_extreme(const struct check *check);

/* operator_check_recurrent.c */
int check_svdf(const struct check *check);
int check_lstm(const struct check *check);
int check_detection(const struct check *check);

#endif
