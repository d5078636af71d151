// SPDX-License-Identifier: MIT
#include "phases.h"

#define BRICK KESTREL_ISA_BRICK_BYTES

struct phase_axis phase_axis(int32_t kernel, int32_t stride, int32_t pad, int32_t phase)
{
	int32_t first = (phase + pad) % stride, count, before;

	count = (kernel - first + stride - 1) / stride;
	before = (phase + pad - first) / stride;
	if (first >= kernel)
		return (struct phase_axis){ .taps = { 1, -1, 1 } };
	return (struct phase_axis){
		.taps = { count, first + stride * (count - 1), -stride },
		.pad = count - 1 - before,
	};
}

int32_t phases_first(int32_t from, int32_t stride, int32_t phase)
{
	return from + (phase - from % stride + stride) % stride;
}

int32_t phases_count(const struct segment_node *node)
{
	return node->transposed ? node->window.stride_h * node->window.stride_w : 1;
}

struct weights phases_weights(const struct segment_node *node, const struct weights_part *part,
			      int32_t phase)
{
	const struct ir_window *w = &node->window;
	struct weights weights = weights_of_part(&node->weights, part);

	if (!node->transposed)
		return weights;
	weights.rows = phase_axis(w->kernel_h, w->stride_h, w->pad_top,
				  phase / w->stride_w).taps;
	weights.columns = phase_axis(w->kernel_w, w->stride_w, w->pad_left,
				     phase % w->stride_w).taps;
	return weights;
}

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + BRICK - 1) & ~(uint64_t)(BRICK - 1);
}

uint64_t phases_offset(const struct segment_node *node, const struct weights_part *part,
		       int32_t phase)
{
	uint64_t bytes = 0;

	for (int32_t p = 0; p < phase; p++) {
		struct weights weights = phases_weights(node, part, p);

		bytes += weights_bytes(&weights, part->channel_count);
		if (p + 1 < phases_count(node))
			bytes = aligned(bytes);
	}
	return bytes;
}

void phases_pack(const struct segment_node *node, const struct weights_part *part,
		 enum codec_form form, uint8_t value, const struct codec_table *table,
		 struct buffer *out)
{
	struct buffer brick = { 0 };
	int32_t end = part->channel_first + part->channel_count;

	for (int32_t p = 0; p < phases_count(node); p++) {
		struct weights weights = phases_weights(node, part, p);
		uint64_t rest = weights_bytes(&weights, part->channel_count) % BRICK;

		for (int32_t c = part->channel_first; c < end; c += BRICK) {
			brick.bytes = 0;
			weights_pack(&weights, c, end - c < BRICK ? end - c : BRICK, &brick);
			if (c + BRICK >= end && rest && p + 1 < phases_count(node))
				buffer_append(&brick, NULL, BRICK - rest);
			codec_symbols(brick.data, brick.bytes, form, value, table, out);
		}
	}
	out->failed |= brick.failed;
	buffer_release(&brick);
}
