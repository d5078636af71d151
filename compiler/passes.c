// SPDX-License-Identifier: MIT
#include "passes.h"

#define ROWS_MAX 4

static int32_t least(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static int next_brick_pass(struct passes *passes, struct pass *pass)
{
	if (passes->brick * passes->depth >= passes->channels)
		return 0;
	pass->brick = passes->brick;
	pass->tap = passes->element;
	pass->first = 0;
	pass->count = least(passes->depth, passes->channels - passes->brick * passes->depth);
	if (++passes->element == passes->kernel_h * passes->kernel_w) {
		passes->element = 0;
		passes->brick++;
	}
	return 1;
}

int passes_next(struct passes *passes, struct pass *pass)
{
	int32_t row_elements, total, end;

	if (passes->mode == KESTREL_MAC_CONVOLUTION)
		return next_brick_pass(passes, pass);
	row_elements = passes->kernel_w;
	if (passes->mode == KESTREL_MAC_PACKED_CONVOLUTION)
		row_elements *= passes->channels;
	total = row_elements * passes->kernel_h;
	if (passes->element >= total)
		return 0;
	/* At most four kernel rows, the one of the first element included. */
	end = (passes->element / row_elements + ROWS_MAX) * row_elements;
	pass->brick = 0;
	pass->tap = 0;
	pass->first = passes->element;
	pass->count = least(passes->depth, least(end, total) - passes->element);
	passes->element += pass->count;
	return 1;
}
