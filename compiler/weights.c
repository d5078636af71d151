// SPDX-License-Identifier: MIT
#include "quantise.h"
#include "weights.h"

#define BRICK_CHANNELS 16

uint8_t weights_at(const struct weights *weights, int32_t output, int32_t tap, int32_t channel)
{
	int32_t kernel_h = weights->source_kernel_h ? weights->source_kernel_h : weights->kernel_h;
	size_t taps = (size_t)kernel_h * (size_t)weights->kernel_w;
	size_t index;

	tap += weights->kernel_first * weights->kernel_w;
	if (weights->output_map)
		output = weights->output_map[output];
	if (weights->channel_map)
		channel = weights->channel_map[channel];
	if (weights->channel_innermost)
		index = (size_t)tap * (size_t)weights->source_output_channels + (size_t)output;
	else
		index = ((size_t)output * taps + (size_t)tap) * (size_t)weights->source_channels +
			(size_t)channel;
	return weights->data[index];
}

struct weights weights_rows(const struct weights *weights, int32_t first, int32_t end)
{
	struct weights rows = *weights;

	if (!rows.source_kernel_h)
		rows.source_kernel_h = rows.kernel_h;
	rows.kernel_first += first;
	rows.kernel_h = end - first;
	return rows;
}

static uint8_t pass_weight(const struct weights *weights, int32_t output,
			   const struct pass *pass, int32_t e)
{
	switch (weights->mode) {
	case KESTREL_MAC_CONVOLUTION:
		return weights_at(weights, output, pass->tap, pass->brick * weights->depth + e);
	case KESTREL_MAC_PACKED_CONVOLUTION:
		return weights_at(weights, output, (pass->first + e) / weights->channels,
				 (pass->first + e) % weights->channels);
	default:
		return weights_at(weights, output, pass->first + e, 0);
	}
}

void weights_pack(const struct weights *weights, int32_t first, int32_t count,
		  struct buffer *out)
{
	for (int32_t brick = first; brick < first + count; brick += BRICK_CHANNELS) {
		int32_t rows = first + count - brick;
		struct passes passes = {
			.mode = weights->mode,
			.kernel_h = weights->kernel_h, .kernel_w = weights->kernel_w,
			.channels = weights->channels, .depth = weights->depth,
		};
		struct pass pass;

		if (rows > BRICK_CHANNELS)
			rows = BRICK_CHANNELS;
		while (passes_next(&passes, &pass))
			for (int32_t row = 0; row < rows; row++)
				for (int32_t e = 0; e < pass.count; e++)
					buffer_byte(out, pass_weight(weights, brick + row, &pass,
								     e));
	}
}

uint64_t weights_bytes(const struct weights *weights, int32_t count)
{
	return (uint64_t)weights->kernel_h * (uint64_t)weights->kernel_w *
	       (uint64_t)weights->channels * (uint64_t)count;
}

static void put_word(struct buffer *out, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		buffer_byte(out, (uint8_t)(value >> (8 * i)));
}

/* The model's number of an output channel. */
static int32_t source_channel(const struct weights *weights, int32_t channel)
{
	return weights->output_map ? weights->output_map[channel] : channel;
}

void weights_pack_records(const struct weights *weights, const struct ir_operator *op,
			  const int32_t *bias, int32_t first, int32_t count, struct buffer *out)
{
	for (int32_t brick = first; brick < first + count; brick += BRICK_CHANNELS) {
		int32_t end = brick + BRICK_CHANNELS;

		if (end > first + count)
			end = first + count;
		for (int32_t c = brick; c < end; c++)
			put_word(out, bias ? (uint32_t)bias[source_channel(weights, c)] : 0);
		for (int32_t c = brick; c < end; c++)
			put_word(out, quantise_record(op->rounding,
						      op->scales[source_channel(weights, c)]));
		for (int32_t c = brick; c < end; c++)
			buffer_byte(out, (uint8_t)op->scales[source_channel(weights, c)].shift);
	}
}
