/* SPDX-License-Identifier: MIT */
/*
 * Weights of groups without the zeros that stand for the other groups' inputs: what is
 * stored of them, and the strides with which a copy puts it into its places in SRAM.
 */
#ifndef COMPILER_SPREAD_H
#define COMPILER_SPREAD_H

#include "weights.h"

#define SPREAD_DIMENSIONS 4

struct spread {
	/* By dimension, innermost first: how many, and how many bytes apart; [0] is 1 apart. */
	uint32_t count[SPREAD_DIMENSIONS], stride[SPREAD_DIMENSIONS];
	/* Bytes from the buffer's beginning to the first. */
	uint64_t offset;
	/* What lies between them. */
	uint8_t fill;
};

/*
 * Appends the model's weights of a part of `weights`, in the order of weights_pack(),
 * and says where they lie in what that gives. Returns 1; 0, with nothing appended, when
 * the weights have no groups or lie in no such order; -ENOMEM.
 */
int spread_pack(const struct weights *weights, const struct weights_part *part,
		struct spread *spread, struct buffer *out);

#endif
