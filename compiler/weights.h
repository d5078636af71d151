/* SPDX-License-Identifier: MIT */
/* Weights and channel records in the order in which the MAC unit reads them. */
#ifndef COMPILER_WEIGHTS_H
#define COMPILER_WEIGHTS_H

#include "buffer.h"
#include "ir.h"
#include "passes.h"

/* Weights of a convolution as the model holds them. */
struct weights {
	const int8_t *data;
	/* Output channel innermost (depthwise) instead of outermost. */
	bool channel_innermost;
	int32_t output_channels;
	int32_t kernel_h, kernel_w;
	/* Input channels of one output; 1 for depthwise. */
	int32_t channels;
	enum kestrel_mac_mode mode;
};

/* Appends the weights of output channels [first, first + count), `first` a multiple of 16. */
void weights_pack(const struct weights *weights, int32_t first, int32_t count,
		  struct buffer *out);

/* Bytes that weights_pack() appends. */
uint64_t weights_bytes(const struct weights *weights, int32_t count);

/* Appends the channel records (bias, multiplier, shift) of such a range. */
void weights_pack_records(const struct ir_operator *op, int32_t first, int32_t count,
			  struct buffer *out);

#endif
