// SPDX-License-Identifier: MIT
/* How the values of a segment lie in SRAM: packed or in bricks, and what lies between rows. */
#include "predict.h"
#include "segment_builder.h"

/* Bricks of padding a row that are tried. */
#define SPREAD_MAX 8

/* Whether a value is, or lies inside, another. */
static bool is_of(const struct segment *segment, int value, int whole)
{
	return value == whole || segment->values[value].whole == whole;
}

/* What a command that reads a map sees of a window: a transposed one has phases. */
static struct ir_window command_window(const struct segment_node *node)
{
	struct ir_window window = node->window;

	if (!node->transposed)
		return window;
	window.kernel_h = (window.kernel_h + window.stride_h - 1) / window.stride_h;
	window.kernel_w = (window.kernel_w + window.stride_w - 1) / window.stride_w;
	window.stride_h = window.stride_w = 1;
	return window;
}

/*
 * Pads the rows so that kernel rows which a depthwise or packed convolution
 * reads at once lie in different banks, where a little padding helps.
 */
static void spread_rows(struct layout *layout, const struct target *target,
			const struct ir_window *window, bool depthwise)
{
	uint32_t stride = layout->row_stride, best = 0, best_cycles = UINT32_MAX;

	/* A pass of others reads one row. */
	if (!depthwise && !layout->packed)
		return;
	for (uint32_t extra = 0; extra < SPREAD_MAX && layout->height > 1; extra++) {
		uint32_t cycles;

		layout->row_stride = stride + extra * KESTREL_ISA_BRICK_BYTES;
		cycles = predict_window_cycles(target, layout, window, depthwise);
		if (cycles < best_cycles) {
			best_cycles = cycles;
			best = extra;
		}
	}
	layout->row_stride = stride + best * KESTREL_ISA_BRICK_BYTES;
}

struct layout segment_columns_layout(const struct segment *segment, unsigned int index,
				     int32_t width)
{
	const struct segment_value *value = &segment->values[index];
	struct layout layout = layout_make(value->layout.element_bytes, value->height, width,
					   value->channels, value->layout.packed);

	for (unsigned int n = 0; n < segment->node_count; n++) {
		const struct segment_node *node = &segment->nodes[n];
		const struct ir_window window = command_window(node);

		if (node->inputs[0] == (int)index && node->is_mac && !node->is_product)
			spread_rows(&layout, segment->target, &window, node->depthwise);
	}
	return layout;
}

void segment_choose_layouts(struct segment *segment)
{
	for (unsigned int v = 0; v < segment->value_count; v++) {
		struct segment_value *value = &segment->values[v];
		uint32_t element_bytes = ir_type_bytes(value->type);
		bool packed = element_bytes == 1 && value->channels < 16;

		if (value->whole >= 0)
			continue;
		for (unsigned int n = 0; n < segment->node_count; n++) {
			const struct segment_node *node = &segment->nodes[n];

			if (is_of(segment, node->inputs[0], (int)v) && node->is_mac &&
			    (node->depthwise || node->window.dilation_w > 1 ||
			     /* A part may begin anywhere but in bricks. */
			     segment->values[node->inputs[0]].whole >= 0))
				packed = false;
			/* One column again and again is read in bricks. */
			for (unsigned int i = 0; i < node->input_count; i++)
				if (is_of(segment, node->inputs[i], (int)v) &&
				    ((ir_is_elementwise(node->op->kind) &&
				      value->width < segment->values[node->output].width) ||
				     node->is_product))
					packed = false;
			/* The pixels of a phase lie apart. */
			if (is_of(segment, node->output, (int)v) && node->transposed)
				packed = false;
		}
		value->layout.element_bytes = element_bytes;
		value->layout.packed = packed;
		value->layout = segment_columns_layout(segment, v, value->width);
	}
	for (unsigned int v = 0; v < segment->value_count; v++) {
		struct segment_value *value = &segment->values[v];

		if (value->whole < 0)
			continue;
		value->layout = segment->values[value->whole].layout;
		value->layout.height = value->height;
		value->layout.width = value->width;
		value->layout.channels = value->channels;
	}
	for (unsigned int n = 0; n < segment->node_count; n++) {
		struct segment_node *node = &segment->nodes[n];

		if (node->is_mac)
			node->weights.mode = node->depthwise ? KESTREL_MAC_DEPTHWISE :
				segment->values[node->inputs[0]].layout.packed ?
				KESTREL_MAC_PACKED_CONVOLUTION : KESTREL_MAC_CONVOLUTION;
	}
}
