/* SPDX-License-Identifier: MIT */
/* Whether the MAC unit's 32-bit accumulators hold what an operator sums up. */
#ifndef COMPILER_ACCUMULATOR_H
#define COMPILER_ACCUMULATOR_H

#include "ir.h"

/*
 * True when no input can make sum and bias of any output leave int32. Sums of 8-bit
 * values wrap in the reference too; those of int16 values have 64 bits there, so
 * that only a proof lets them run with 32.
 */
bool accumulator_fits(const struct ir_graph *graph, const struct ir_operator *op);

/*
 * The biases of a convolution or fully connected layer as 32-bit numbers, NULL
 * where it has none. False: one needs more bits, or there is no memory.
 */
bool accumulator_bias(const struct ir_graph *graph, const struct ir_operator *op,
		      const int32_t **bias);

#endif
