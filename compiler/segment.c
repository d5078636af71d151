// SPDX-License-Identifier: MIT
/* What the nodes of a segment read of their inputs. */
#include "segment.h"

bool segment_takes_whole(const struct segment_node *node)
{
	return node->rearrangement.active || (node->op->kind == IR_PAD && !node->store);
}

void segment_find_readers(struct segment *segment)
{
	for (unsigned int v = 0; v < segment->value_count; v++) {
		segment->values[v].last_reader = -1;
		segment->values[v].read_whole = false;
	}
	for (unsigned int n = 0; n < segment->node_count; n++)
		for (unsigned int i = 0; i < segment->nodes[n].input_count; i++) {
			struct segment_value *input =
				&segment->values[segment->nodes[n].inputs[i]];

			input->last_reader = (int)n;
			input->read_whole |= segment_takes_whole(&segment->nodes[n]);
		}
}

int32_t segment_image_first(const struct segment_node *node, int32_t input_height, int32_t row)
{
	return node->image_rows ? row / node->image_rows * (input_height / node->images) : 0;
}

/* A window along one axis. */
struct axis {
	int32_t kernel, stride, pad, dilation;
};

/* Rows or columns of an input of `inputs` that those [from, to) of the output need. */
static void axis_inputs(const struct axis *w, bool transposed, int32_t inputs, int32_t from,
			int32_t to, int32_t *first, int32_t *end)
{
	int64_t low, high;

	if (transposed) {
		/* Rows that have a tap in some row of the output. */
		low = from + w->pad - (w->kernel - 1);
		low = low < 0 ? 0 : (low + w->stride - 1) / w->stride;
		high = (to - 1 + w->pad) / w->stride + 1;
		/* Rows without any tap read what they name, for nothing. */
		if (w->kernel < w->stride) {
			low = low < from / w->stride ? low : from / w->stride;
			high = high > (to - 1) / w->stride + 1 ? high : (to - 1) / w->stride + 1;
		}
	} else {
		low = (int64_t)from * w->stride - w->pad;
		high = (int64_t)(to - 1) * w->stride - w->pad +
		       (int64_t)(w->kernel - 1) * w->dilation + 1;
	}
	if (low < 0)
		low = 0;
	if (low > inputs - 1)
		low = inputs - 1;
	if (high > inputs)
		high = inputs;
	if (high < low + 1)
		high = low + 1;
	*first = (int32_t)low;
	*end = (int32_t)high;
}

void segment_input_rows(const struct segment_node *node, int32_t input_height, int32_t from,
			int32_t to, int32_t *first, int32_t *end)
{
	const struct ir_window *w = &node->window;
	const struct axis axis = { w->kernel_h, w->stride_h, w->pad_top, w->dilation_h };
	int32_t image_first = segment_image_first(node, input_height, from);
	int32_t image_height = node->image_rows ? input_height / node->images : input_height;

	if (node->image_rows) {
		to -= from / node->image_rows * node->image_rows;
		from %= node->image_rows;
	}
	if (node->is_resize) {
		segment_resize_rows(&node->resize_y, image_height, from, to, first, end);
		*first += image_first;
		*end += image_first;
		return;
	}
	axis_inputs(&axis, node->transposed, image_height, from, to, first, end);
	*first += image_first;
	*end += image_first;
}

void segment_operand_rows(const struct segment_node *node, unsigned int input,
			  int32_t input_height, int32_t from, int32_t to, int32_t *first,
			  int32_t *end)
{
	if (node->row_broadcast[input]) {
		*first = 0;
		*end = 1;
		return;
	}
	segment_input_rows(node, input_height, from, to, first, end);
}

void segment_operand_columns(const struct segment_node *node, int32_t input_width,
			     int32_t output_width, int32_t from, int32_t to, int32_t *first,
			     int32_t *end)
{
	const struct ir_window *w = &node->window;
	const struct axis axis = { w->kernel_w, w->stride_w, w->pad_left, w->dilation_w };

	*first = 0;
	*end = input_width;
	/* One column can stand for all. */
	if ((!from && to == output_width) ||
	    (ir_is_elementwise(node->op->kind) && input_width < output_width))
		return;
	if (node->is_resize)
		segment_resize_rows(&node->resize_x, input_width, from, to, first, end);
	else
		axis_inputs(&axis, node->transposed, input_width, from, to, first, end);
}
