/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_PARTITION_H
#define COMPILER_PARTITION_H

#include "ir.h"

/* Why the operator has no NPU form; NULL: it has one. */
const char *partition_reason(const struct ir_graph *graph, const struct ir_operator *op);

#endif
