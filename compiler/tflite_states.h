/* SPDX-License-Identifier: MIT */
/* Resource variables as state tensors. */
#ifndef COMPILER_TFLITE_STATES_H
#define COMPILER_TFLITE_STATES_H

#include "ir.h"

/*
 * Gives each variable that the graph reads or writes a state tensor, behind
 * the tensors that it has (there must be room for one an operator), and turns
 * READ_VARIABLE and ASSIGN_VARIABLE into copies from and to it. `initial` is
 * the subgraph that runs once, for its constants. 0 or a negative errno.
 */
int tflite_states(struct ir_graph *graph, const struct ir_graph *initial);

#endif
