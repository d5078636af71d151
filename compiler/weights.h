/* SPDX-License-Identifier: MIT */
/* Weights and channel records in the order in which the MAC unit reads them. */
#ifndef COMPILER_WEIGHTS_H
#define COMPILER_WEIGHTS_H

#include "buffer.h"
#include "ir.h"
#include "passes.h"

/* Weights of a convolution as the model holds them. */
struct weights {
	const uint8_t *data;
	/* Output channel innermost (depthwise) instead of outermost. */
	bool channel_innermost;
	/* Output channels, and input channels of one of them (1 for depthwise), in the model. */
	int32_t source_output_channels, source_channels;
	/* The same as they are computed. */
	int32_t output_channels, channels;
	/* The model's channel for each computed one; NULL: the same. */
	const int32_t *output_map, *channel_map;
	int32_t kernel_h, kernel_w;
	/* The model's kernel rows when these are some of them, and the first; 0: all. */
	int32_t source_kernel_h, kernel_first;
	enum kestrel_mac_mode mode;
	/* Elements of a pass: 16, or 8 of an input of 16 bits. */
	int32_t depth;
};

/* The weights of kernel rows [first, end) alone. */
struct weights weights_rows(const struct weights *weights, int32_t first, int32_t end);

/* Appends the weights of output channels [first, first + count), `first` a multiple of 16. */
void weights_pack(const struct weights *weights, int32_t first, int32_t count,
		  struct buffer *out);

/* Bytes that weights_pack() appends. */
uint64_t weights_bytes(const struct weights *weights, int32_t count);

/* Appends the channel records (bias or NULL, multiplier, shift) of such a range. */
void weights_pack_records(const struct weights *weights, const struct ir_operator *op,
			  const int32_t *bias, int32_t first, int32_t count, struct buffer *out);

/* The weight of an output channel at a tap and input channel. */
uint8_t weights_at(const struct weights *weights, int32_t output, int32_t tap, int32_t channel);

#endif
