/* SPDX-License-Identifier: MIT */
/*
 * What the resolvers of operators have in common: checks that name operator
 * and tensor, and the forms that they fill. All return 0 or a negative errno
 * with a message in graph->error.
 */
#ifndef COMPILER_RESOLVE_CHECK_H
#define COMPILER_RESOLVE_CHECK_H

#include "ir.h"

/* A rounding profile: which of the runtimes' arithmetics an operator gets. */
struct resolve_profile {
	const char *name;
	/* Rounding of convolutions and fully connected layers of 8 bits. */
	enum ir_rounding convolution;
	/* Optimised kernels: mean with its own factor, softmax with float tables. */
	bool optimised;
	/* TensorFlow Lite Micro: logistic and tanh in fixed point, MUL's factor in double. */
	bool micro;
};

/* least .. most inputs, of which the first `least` must be there, and one output. */
int resolve_check_counts(struct ir_graph *graph, const struct ir_operator *op,
			 unsigned int least, unsigned int most);

/* int8, uint8 or int16 (zero point 0) with one positive scale, as activations must be. */
int resolve_check_activation(struct ir_graph *graph, const struct ir_operator *op, int tensor);
/* The first input and the output, of one type, which may be float32. */
int resolve_check_activations(struct ir_graph *graph, const struct ir_operator *op);
/* As resolve_check_counts(); and the output has as many elements as the first input. */
int resolve_check_counts_and_elements(struct ir_graph *graph, const struct ir_operator *op,
				      unsigned int least, unsigned int most);
/* First input and output have equal scale and zero point. */
int resolve_check_same_quantisation(struct ir_graph *graph, const struct ir_operator *op);
/* First input and output have one type, and one quantisation where they have any. */
int resolve_check_moved(struct ir_graph *graph, const struct ir_operator *op, int from, int to);

/*
 * The output has the shape that the first two inputs broadcast to, in the
 * dimensions that are at least `innermost` away from the innermost one.
 */
int resolve_check_broadcast(struct ir_graph *graph, const struct ir_operator *op,
			    unsigned int innermost);

/*
 * Zero points of first input and output, and the clamp with the fused activation;
 * float32 operators get IR_ROUNDING_NONE.
 */
int resolve_output_range(struct ir_graph *graph, struct ir_operator *op);

/* Whether first input and output are float32. */
bool resolve_is_float(const struct ir_graph *graph, const struct ir_operator *op);

/* op->scales with one entry; a factor of 2^30 or more is refused. */
int resolve_one_scale(struct ir_graph *graph, struct ir_operator *op, double factor);

/* Gives the operator a portable form with so many zero bytes of parameters. */
int resolve_portable(struct ir_graph *graph, struct ir_operator *op, uint32_t opcode,
		     uint32_t parameter_bytes);

/*
 * A constant list of int32 or int64 in input `input`: at most `most` values,
 * each within int32.
 */
int resolve_list(struct ir_graph *graph, const struct ir_operator *op, unsigned int input,
		 unsigned int most, int32_t *values, unsigned int *count);

/*
 * What operators that move elements by a constant list in input 1 begin with: checks,
 * the list of at most IR_RANK_MAX values, and a portable form.
 */
int resolve_moved_by_list(struct ir_graph *graph, struct ir_operator *op, uint32_t opcode,
			  int32_t *values, unsigned int *count);

/* A dimension of a tensor of `rank`, counted from the end where negative. */
int resolve_dimension(struct ir_graph *graph, const struct ir_operator *op, int32_t axis,
		 unsigned int rank, uint32_t *dimension);

/* The dimension of the first input that the constant in input `input` states; none: the first. */
int resolve_stated_dimension(struct ir_graph *graph, const struct ir_operator *op,
			     unsigned int input, uint32_t *dimension);

/* Bits of a float, as attributes hold them. */
uint32_t resolve_float_bits(float value);

/* resolve_elementwise.c */
int resolve_elementwise(struct ir_graph *graph, struct ir_operator *op,
			const struct resolve_profile *profile);
int resolve_leaky(struct ir_graph *graph, struct ir_operator *op,
		  const struct resolve_profile *profile);

/* resolve_reduce.c */
int resolve_reduction(struct ir_graph *graph, struct ir_operator *op,
		      const struct resolve_profile *profile);
/* REDUCE_ANY and REDUCE_ALL: the largest and the least truth. */
int resolve_truth_reduction(struct ir_graph *graph, struct ir_operator *op);
int resolve_arg_extreme(struct ir_graph *graph, struct ir_operator *op);

/* resolve_matmul.c */
int resolve_matmul(struct ir_graph *graph, struct ir_operator *op,
		   const struct resolve_profile *profile);

/* resolve_rearrange.c */
int resolve_mirror_pad(struct ir_graph *graph, struct ir_operator *op);
int resolve_batch_block(struct ir_graph *graph, struct ir_operator *op);
int resolve_block(struct ir_graph *graph, struct ir_operator *op);
int resolve_repeat(struct ir_graph *graph, struct ir_operator *op);
int resolve_reverse(struct ir_graph *graph, struct ir_operator *op);

/* resolve_compare.c */
int resolve_compare(struct ir_graph *graph, struct ir_operator *op);
int resolve_logical(struct ir_graph *graph, struct ir_operator *op);
int resolve_select(struct ir_graph *graph, struct ir_operator *op);
int resolve_cast(struct ir_graph *graph, struct ir_operator *op);

/* resolve_normalization.c */
int resolve_normalization(struct ir_graph *graph, struct ir_operator *op);

/* resolve_hybrid.c: float32 with int8 weights, which take the place of resolve_weights(). */
bool resolve_is_hybrid(const struct ir_graph *graph, const struct ir_operator *op);
int resolve_hybrid_weights(struct ir_graph *graph, struct ir_operator *op, uint32_t dimension,
			   int32_t channels);

/* resolve_gather.c */
int resolve_gather(struct ir_graph *graph, struct ir_operator *op);
int resolve_embedding(struct ir_graph *graph, struct ir_operator *op);

/* resolve_index.c: where something is, and in what order. */
int resolve_dynamic_update_slice(struct ir_graph *graph, struct ir_operator *op);
int resolve_gather_nd(struct ir_graph *graph, struct ir_operator *op);
int resolve_top_k(struct ir_graph *graph, struct ir_operator *op);
int resolve_one_hot(struct ir_graph *graph, struct ir_operator *op);
int resolve_cumulative_sum(struct ir_graph *graph, struct ir_operator *op);

/* resolve_plain.c: FLOOR_DIV, FLOOR_MOD, POWER, and others of values that are not quantised. */
bool resolve_is_plain(const struct ir_graph *graph, const struct ir_operator *op);
int resolve_plain_elementwise(struct ir_graph *graph, struct ir_operator *op);
/* Puts ADDs of two operands in the place of each ADD_N. */
int resolve_long_sums(struct ir_graph *graph);

/* resolve_unary.c: functions of one value; 8 bits become IR_TABLE. */
int resolve_unary(struct ir_graph *graph, struct ir_operator *op,
		  const struct resolve_profile *profile);
int resolve_quantise(struct ir_graph *graph, struct ir_operator *op,
		     const struct resolve_profile *profile);
int resolve_dequantise(struct ir_graph *graph, struct ir_operator *op);
int resolve_softmax(struct ir_graph *graph, struct ir_operator *op,
		    const struct resolve_profile *profile);

/* resolve_move.c: operators that move elements. */
int resolve_reshape(struct ir_graph *graph, struct ir_operator *op);
int resolve_pad(struct ir_graph *graph, struct ir_operator *op);
/* Fills pad_before and pad_after from the constant in input 1; they make the output's shape. */
int resolve_paddings(struct ir_graph *graph, struct ir_operator *op);
/*
 * Puts a table before each input of a uint8 concatenation that has another
 * scale or zero point than the output: legacy models let the operator rescale.
 */
int resolve_scaled_concatenations(struct ir_graph *graph);
int resolve_concatenation(struct ir_graph *graph, struct ir_operator *op);
int resolve_split(struct ir_graph *graph, struct ir_operator *op);
int resolve_slice(struct ir_graph *graph, struct ir_operator *op);
int resolve_transpose(struct ir_graph *graph, struct ir_operator *op);
int resolve_resize(struct ir_graph *graph, struct ir_operator *op);

/* READ_VARIABLE and ASSIGN_VARIABLE, of which the reader made copies of states. */
int resolve_copy(struct ir_graph *graph, struct ir_operator *op);

/* resolve_recurrent.c */
int resolve_svdf(struct ir_graph *graph, struct ir_operator *op);
int resolve_lstm(struct ir_graph *graph, struct ir_operator *op,
		 const struct resolve_profile *profile);

/* resolve_detection.c */
int resolve_detection(struct ir_graph *graph, struct ir_operator *op);

#endif
