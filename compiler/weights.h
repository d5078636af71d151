/* SPDX-License-Identifier: MIT */
/* Weights and channel records in the order in which the MAC unit reads them. */
#ifndef COMPILER_WEIGHTS_H
#define COMPILER_WEIGHTS_H

#include <kestrel/isa.h>

#include "buffer.h"
#include "ir.h"

/* Which of the model's kernel rows (or columns) a kernel's are: first + k x step. */
struct weights_taps {
	int32_t count;
	int32_t first, step;
};

/* Weights of a convolution as the model holds them. */
struct weights {
	const uint8_t *data;
	/* Output channel innermost (depthwise) instead of outermost. */
	bool channel_innermost;
	/* The weight that adds nothing. */
	uint8_t zero;
	/* Output channels, and input channels of one of them (1 for depthwise), in the model. */
	int32_t source_output_channels, source_channels;
	int32_t source_kernel_h, source_kernel_w;
	/*
	 * Output channels of a group: their input channels are source_channels of the
	 * input's, one group's behind the other's. 0: all channels are one group.
	 */
	int32_t group_outputs;
	/* The same as they are computed: output channels, and input channels from the first. */
	int32_t output_channels, channels;
	int32_t first_channel;
	/* The model's channel for each computed one; NULL: the same. */
	const int32_t *output_map, *channel_map;
	/* The kernel. Taps outside the model's are zero. */
	struct weights_taps rows, columns;
	enum kestrel_mac_mode mode;
	/* Elements of a pass: 16, or 8 of an input of 16 bits. */
	int32_t depth;
};

/* Part of a layer's weights. */
struct weights_part {
	int32_t channel_first, channel_count;
	/* Kernel rows. */
	int32_t kernel_first, kernel_end;
	/* Input channels; the first is one of a brick. */
	int32_t input_first, input_end;
};

bool weights_part_equal(const struct weights_part *a, const struct weights_part *b);

/* The weights of a part's kernel rows and input channels alone. */
struct weights weights_of_part(const struct weights *weights, const struct weights_part *part);

/*
 * The input channels that the part's output channels sum up: from the first of a
 * brick, not those of other groups.
 */
void weights_group_inputs(const struct weights *weights, struct weights_part *part);

/* All of them as a part. */
struct weights_part weights_whole(const struct weights *weights);

/* Appends the weights of output channels [first, first + count), `first` a multiple of 16. */
void weights_pack(const struct weights *weights, int32_t first, int32_t count,
		  struct buffer *out);

/* Bytes that a part has in the model, without the zeros of other groups. */
uint64_t weights_model_bytes(const struct weights *weights, const struct weights_part *part);

/* Bytes that weights_pack() appends. */
uint64_t weights_bytes(const struct weights *weights, int32_t count);

/*
 * Appends the channel records (bias, multiplier, shift) of such a range. `bias` by the
 * model's channel; NULL: all 0.
 */
void weights_pack_records(const struct weights *weights, const struct ir_operator *op,
			  const int32_t *bias, int32_t first, int32_t count, struct buffer *out);

/* The weight of an output channel at a tap and input channel. */
uint8_t weights_at(const struct weights *weights, int32_t output, int32_t tap, int32_t channel);

#endif
