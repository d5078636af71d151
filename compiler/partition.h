/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_PARTITION_H
#define COMPILER_PARTITION_H

#include "ir.h"

/* Why the operator has no NPU form; NULL: it has one. */
const char *partition_reason(const struct ir_graph *graph, const struct ir_operator *op);

/* One NPU form of a kind of operator. */
struct partition_form {
	/* Types that activations and outputs may have, a bit for each enum ir_type. */
	uint32_t inputs, outputs;
	/* What else must hold, in words; "" for nothing. */
	const char *conditions;
	/* And of int16 alone; NULL for nothing. */
	const char *wide_conditions;
};

/* Fills `form` with the kind's form number `index`; false: there are no so many. */
bool partition_form(enum ir_kind kind, unsigned int index, struct partition_form *form);

#endif
