// SPDX-License-Identifier: MIT
#include <string.h>

#include "passes.h"
#include "quantise.h"
#include "weights.h"

#define BRICK_CHANNELS 16

/* The model's row or column of a kernel's; -1: none, the tap is zero. */
static int32_t source_tap(const struct weights_taps *taps, int32_t index, int32_t count)
{
	int32_t tap = taps->first + index * taps->step;

	return tap < 0 || tap >= count ? -1 : tap;
}

/* Weights of an output channel at a tap: input channels [channel, channel + count). */
static void tap_weights(const struct weights *weights, int32_t output, int32_t tap,
			int32_t channel, int32_t count, uint8_t *to)
{
	int32_t ky = source_tap(&weights->rows, tap / weights->columns.count,
				weights->source_kernel_h);
	int32_t kx = source_tap(&weights->columns, tap % weights->columns.count,
				weights->source_kernel_w);
	size_t taps = (size_t)weights->source_kernel_h * (size_t)weights->source_kernel_w;
	size_t source = (size_t)ky * (size_t)weights->source_kernel_w + (size_t)kx;
	int32_t group_first = 0;

	if (weights->output_map)
		output = weights->output_map[output];
	if (weights->group_outputs)
		group_first = output / weights->group_outputs * weights->source_channels;
	if (ky >= 0 && kx >= 0 && !weights->channel_map && !weights->group_outputs &&
	    !weights->channel_innermost) {
		memcpy(to, weights->data + ((size_t)output * taps + source) *
					   (size_t)weights->source_channels +
			   (size_t)(weights->first_channel + channel), (size_t)count);
		return;
	}
	for (int32_t i = 0; i < count; i++) {
		int32_t c = weights->first_channel + channel + i;

		if (weights->channel_map)
			c = weights->channel_map[c];
		c -= group_first;
		if (ky < 0 || kx < 0 || c < 0 || c >= weights->source_channels)
			to[i] = weights->zero;
		else if (weights->channel_innermost)
			to[i] = weights->data[source * (size_t)weights->source_output_channels +
					      (size_t)output];
		else
			to[i] = weights->data[((size_t)output * taps + source) *
					      (size_t)weights->source_channels + (size_t)c];
	}
}

uint8_t weights_at(const struct weights *weights, int32_t output, int32_t tap, int32_t channel)
{
	uint8_t weight;

	tap_weights(weights, output, tap, channel, 1, &weight);
	return weight;
}

bool weights_part_equal(const struct weights_part *a, const struct weights_part *b)
{
	return a->channel_first == b->channel_first && a->channel_count == b->channel_count &&
	       a->kernel_first == b->kernel_first && a->kernel_end == b->kernel_end &&
	       a->input_first == b->input_first && a->input_end == b->input_end;
}

struct weights weights_of_part(const struct weights *weights, const struct weights_part *part)
{
	struct weights some = *weights;

	some.rows.first += part->kernel_first * some.rows.step;
	some.rows.count = part->kernel_end - part->kernel_first;
	some.first_channel += part->input_first;
	some.channels = part->input_end - part->input_first;
	return some;
}

void weights_group_inputs(const struct weights *weights, struct weights_part *part)
{
	int32_t first = part->channel_first, last = first + part->channel_count - 1;

	part->input_first = 0;
	part->input_end = weights->channels;
	if (!weights->group_outputs || weights->mode != KESTREL_MAC_CONVOLUTION)
		return;
	part->input_first = first / weights->group_outputs * weights->source_channels /
			    weights->depth * weights->depth;
	part->input_end = (last / weights->group_outputs + 1) * weights->source_channels;
}

struct weights_part weights_whole(const struct weights *weights)
{
	return (struct weights_part){
		.channel_count = weights->output_channels, .kernel_end = weights->rows.count,
		.input_end = weights->channels,
	};
}

static void pack_pass(const struct weights *weights, int32_t output, const struct pass *pass,
		      struct buffer *out)
{
	uint8_t row[BRICK_CHANNELS];
	int32_t channels = weights->channels;

	switch (weights->mode) {
	case KESTREL_MAC_CONVOLUTION:
		tap_weights(weights, output, pass->tap, pass->brick * weights->depth, pass->count,
			    row);
		break;
	case KESTREL_MAC_PACKED_CONVOLUTION:
		for (int32_t e = 0, run; e < pass->count; e += run) {
			int32_t channel = (pass->first + e) % channels;

			run = channels - channel;
			if (run > pass->count - e)
				run = pass->count - e;
			tap_weights(weights, output, (pass->first + e) / channels, channel, run,
				    row + e);
		}
		break;
	default:
		for (int32_t e = 0; e < pass->count; e++)
			tap_weights(weights, output, pass->first + e, 0, 1, row + e);
		break;
	}
	buffer_append(out, row, (size_t)pass->count);
}

void weights_pack(const struct weights *weights, int32_t first, int32_t count,
		  struct buffer *out)
{
	for (int32_t brick = first; brick < first + count; brick += BRICK_CHANNELS) {
		int32_t rows = first + count - brick;
		struct passes passes = {
			.mode = weights->mode,
			.kernel_h = weights->rows.count, .kernel_w = weights->columns.count,
			.channels = weights->channels, .depth = weights->depth,
		};
		struct pass pass;

		if (rows > BRICK_CHANNELS)
			rows = BRICK_CHANNELS;
		while (passes_next(&passes, &pass))
			for (int32_t row = 0; row < rows; row++)
				pack_pass(weights, brick + row, &pass, out);
	}
}

uint64_t weights_bytes(const struct weights *weights, int32_t count)
{
	return (uint64_t)weights->rows.count * (uint64_t)weights->columns.count *
	       (uint64_t)weights->channels * (uint64_t)count;
}

uint64_t weights_model_bytes(const struct weights *weights, const struct weights_part *part)
{
	struct weights some = weights_of_part(weights, part);

	if (some.group_outputs && some.channels > some.source_channels)
		some.channels = some.source_channels;
	return weights_bytes(&some, part->channel_count);
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
