/* SPDX-License-Identifier: MIT */
/*
 * The operator graph on the processor.
 *
 * A program is what is prepared once per model: kernels, weights in the form
 * the kernels want, sizes. It is immutable; any number of threads may run it,
 * each with its own tensor addresses and scratch memory. A run allocates
 * nothing and cannot fail: everything was checked when the graph was opened.
 */
#ifndef NPU_CPU_H
#define NPU_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "arithmetic.h"
#include "graph.h"
#include "team.h"

struct cpu_program;

/* One operator during a run. */
struct cpu_call {
	const struct graph *graph;
	const struct kestrel_graph_operator *operator;
	uint8_t *const *addresses;	/* of every tensor, NULL where it has none */
	const void *pack;		/* what prepare made of the weights, or NULL */
	void *scratch;			/* at least the kernel's scratch bytes, 64-byte aligned */
	uint32_t part;			/* of the work, for kernels that can share it */
	uint32_t parts;
};

/* Called after each operator with its number, while its outputs are in place. */
typedef void cpu_observe_fn(void *opaque, uint32_t operator);

/*
 * Prepares the operators whose byte in `wanted` is not 0 (all if NULL).
 * -ENOMEM; -ENODATA where an operator's weights were dropped from the file.
 * graph must outlive the program.
 */
int cpu_program_create(const struct graph *graph, const uint8_t *wanted,
		       struct cpu_program **program, struct message *message);
void cpu_program_free(struct cpu_program *program);

/* Bytes of scratch that each thread of a run needs; a multiple of 64. */
size_t cpu_program_scratch(const struct cpu_program *program);

/*
 * Runs operators first .. first + count - 1, all prepared. addresses: one
 * for each tensor of the graph; of constants they are ignored. team: NULL, or
 * threads that share large operators.
 */
void cpu_program_run(const struct cpu_program *program, uint8_t *const *addresses,
		     void *scratch, struct team *team, uint32_t first, uint32_t count,
		     cpu_observe_fn *observe, void *opaque);

/* Input or output number i of a call as an array; data NULL where it is absent. */
struct array cpu_input(const struct cpu_call *call, uint32_t i);
struct array cpu_output(const struct cpu_call *call, uint32_t i);

/* A table of the call's graph. */
static inline const void *cpu_parameters(const struct cpu_call *call, uint32_t offset)
{
	return call->graph->parameters + offset;
}

/*
 * cpu_convolution.c: CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of 8-bit
 * activations as dot products of 16-bit operands. *_pack_size is 0 where the
 * operator is left to the plain loops of arithmetic.c.
 */
size_t cpu_convolution_pack_size(const struct graph *graph,
				 const struct kestrel_graph_operator *operator);
void cpu_convolution_pack(const struct graph *graph,
			  const struct kestrel_graph_operator *operator, void *pack);
size_t cpu_convolution_scratch(const struct graph *graph,
			       const struct kestrel_graph_operator *operator);
/* Worth to be shared by several threads? */
int cpu_convolution_is_large(const struct graph *graph,
			     const struct kestrel_graph_operator *operator);
/* Part number call->part of call->parts; parts write different bytes. */
void cpu_convolution(const struct cpu_call *call);

/* cpu_elementwise.c: operators on two tensors, and those that a sign decides. */
void cpu_elementwise(const struct cpu_call *call);
void cpu_leaky(const struct cpu_call *call);
/* COMPARE, LOGICAL_AND and LOGICAL_OR. */
void cpu_compare(const struct cpu_call *call);
void cpu_select(const struct cpu_call *call);

/* cpu_reduce.c */
void cpu_reduce(const struct cpu_call *call);
void cpu_arg_extreme(const struct cpu_call *call);

/* cpu_matmul.c */
void cpu_matmul(const struct cpu_call *call);

/* cpu_unary.c: functions of one value that are no table of bytes. */
void cpu_unary(const struct cpu_call *call);
/* Q0.15 of 12288 times the argument, by the table of 256 that UNARY of int16 has. */
int32_t cpu_table_logistic(const uint16_t *table, int32_t x);
int32_t cpu_table_tanh(const uint16_t *table, int32_t x);

/* cpu_softmax.c */
void cpu_softmax(const struct cpu_call *call);

/* cpu_normalization.c */
void cpu_normalization(const struct cpu_call *call);
/* cpu_layer_norm.c */
void cpu_layer_norm(const struct cpu_call *call);

/* cpu_cast.c */
void cpu_cast(const struct cpu_call *call);

/* cpu_resize.c */
void cpu_resize(const struct cpu_call *call);

/* cpu_hybrid.c: operators with weights in mode HYBRID. */
void cpu_hybrid_convolution(const struct cpu_call *call);
size_t cpu_hybrid_scratch(const struct graph *graph,
			  const struct kestrel_graph_operator *operator);

/* cpu_move.c: operators that move elements and change none. */
void cpu_copy(const struct cpu_call *call);
void cpu_pad(const struct cpu_call *call);
void cpu_concatenate(const struct cpu_call *call);
void cpu_split(const struct cpu_call *call);
void cpu_slice(const struct cpu_call *call);
void cpu_transpose(const struct cpu_call *call);
void cpu_gather(const struct cpu_call *call);
void cpu_mirror_pad(const struct cpu_call *call);
void cpu_space_to_batch(const struct cpu_call *call);
void cpu_space_to_depth(const struct cpu_call *call);
void cpu_broadcast(const struct cpu_call *call);
void cpu_tile(const struct cpu_call *call);

/* cpu_recurrent.c: operators with state. */
void cpu_svdf(const struct cpu_call *call);
void cpu_lstm(const struct cpu_call *call);
size_t cpu_lstm_scratch(const struct graph *graph, const struct kestrel_graph_operator *operator);

/* cpu_index.c: where something is, and in what order. */
void cpu_dynamic_update_slice(const struct cpu_call *call);
void cpu_gather_nd(const struct cpu_call *call);
void cpu_top_k(const struct cpu_call *call);
void cpu_one_hot(const struct cpu_call *call);
void cpu_cumulative_sum(const struct cpu_call *call);

/* cpu_dynamic.c: scales and zero points that each run finds. */
void cpu_dynamic_quantize(const struct cpu_call *call);
void cpu_matmul_integer(const struct cpu_call *call);
void cpu_convolution_integer(const struct cpu_call *call);

/* cpu_detection.c */
void cpu_detection(const struct cpu_call *call);
size_t cpu_detection_scratch(const struct graph *graph,
			     const struct kestrel_graph_operator *operator);

/* cpu_float.c: operators on float32 tensors. */
void cpu_float_softmax(const struct cpu_call *call);
void cpu_float_convolution(const struct cpu_call *call);
void cpu_float_pool(const struct cpu_call *call);
float cpu_float_elementwise(uint32_t opcode, const struct kestrel_graph_elementwise *attributes,
			    float a, float b);

#endif
