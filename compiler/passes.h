/* SPDX-License-Identifier: MIT */
/*
 * The passes of the MAC unit: which kernel elements the array's depth takes
 * at once (uapi/kestrel/isa.h, "Passes and weights"). The order of weights and
 * the cost of a command both follow from them.
 */
#ifndef COMPILER_PASSES_H
#define COMPILER_PASSES_H

#include <stdint.h>

#include <kestrel/isa.h>

struct passes {
	enum kestrel_mac_mode mode;
	int32_t kernel_h, kernel_w;
	/* Input channels; DEPTHWISE: any. */
	int32_t channels;
	/* Elements of a pass: 16, or 8 of an input of 16 bits. */
	int32_t depth;
	/* Iteration state; zero to begin with. */
	int32_t brick, element;
};

/* One pass: elements [element, element + count) of the kernel's nesting. */
struct pass {
	/* CONVOLUTION: the brick of input channels and the tap. */
	int32_t brick, tap;
	/* PACKED_CONVOLUTION: element = tap x channels + channel; DEPTHWISE: tap. */
	int32_t first;
	int32_t count;
};

/* The next pass; 0 when there is none. */
int passes_next(struct passes *passes, struct pass *pass);

#endif
