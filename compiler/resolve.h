/* SPDX-License-Identifier: MIT */
/*
 * Passes over the model's graph that make every number explicit: shapes are
 * checked, padding, clamps, multipliers and tables computed, foldable
 * operators folded. Afterwards the graph can be written and lowered.
 */
#ifndef COMPILER_RESOLVE_H
#define COMPILER_RESOLVE_H

#include "ir.h"

/*
 * Resolves every operator for a numerics profile ("tflite-ref", "tflite" or
 * "tflm"; NULL: "tflite-ref"). Returns 0, or a negative errno with a message
 * that names operator and tensor.
 */
int resolve_graph(struct ir_graph *graph, const char *numerics);

/*
 * Folds PAD into the convolutions that read it and marks it removed. Purely
 * an optimisation: leaves alone what it cannot fold.
 */
void resolve_fold_pad(struct ir_graph *graph);

/* Window of a convolution along one axis, by TFLite's padding rule. */
struct resolve_axis {
	int32_t output;
	int32_t before;
	int32_t after;
};

struct resolve_axis resolve_axis_window(enum ir_padding padding, int32_t input, int32_t kernel,
					int32_t stride, int32_t dilation);

#endif
