// SPDX-License-Identifier: MIT
#include <math.h>

#include "segment_resize.h"

#define BILINEAR_SHIFT 10
#define NEAREST_SHIFT 16
/* Steps to either side of the quotient that are tried. */
#define STEPS_TRIED 8

static void bilinear_axis(const struct kestrel_graph_resize *resize, int64_t in, int64_t out,
			  struct segment_resize *axis)
{
	int64_t one = 1 << BILINEAR_SHIFT;

	axis->shift = BILINEAR_SHIFT;
	if (resize->align_corners && out > 1)
		axis->step = (one * (in - 1) + (out - 1) / 2) / (out - 1);
	else
		axis->step = (one * in + out / 2) / out;
	axis->start = resize->half_pixel_centers ? axis->step / 2 - one / 2 : 0;
}

static int32_t nearest_input(const struct kestrel_graph_resize *resize, int32_t in, int32_t out,
			     int32_t o)
{
	bool corners = resize->align_corners && out > 1;
	float scale = corners ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
	float at = ((float)o + (resize->half_pixel_centers ? 0.5f : 0.0f)) * scale;
	int32_t input = (int32_t)(resize->align_corners ? roundf(at) : floorf(at));

	return input < in ? input : in - 1;
}

/* The starts with which `step` gives every output its input; false: there is none. */
static bool nearest_start(const struct kestrel_graph_resize *resize, int32_t in, int32_t out,
			  struct segment_resize *axis)
{
	int64_t one = 1 << NEAREST_SHIFT, low = INT32_MIN, high = INT32_MAX;

	for (int32_t o = 0; o < out; o++) {
		int64_t input = nearest_input(resize, in, out, o);
		int64_t least = input * one - o * axis->step;

		/* The first and the last input take what lies beyond them too. */
		if (input > 0 && least > low)
			low = least;
		if (input < in - 1 && least + one - 1 < high)
			high = least + one - 1;
	}
	axis->start = low == INT32_MIN ? 0 : low;
	if (axis->start > high)
		axis->start = high;
	return low <= high;
}

static bool nearest_axis(const struct kestrel_graph_resize *resize, int32_t in, int32_t out,
			 struct segment_resize *axis)
{
	bool corners = resize->align_corners && out > 1;
	int64_t step = corners ? ((int64_t)(in - 1) << NEAREST_SHIFT) / (out - 1) :
		       ((int64_t)in << NEAREST_SHIFT) / out;

	axis->shift = NEAREST_SHIFT;
	for (int64_t off = 0; off <= STEPS_TRIED; off++) {
		axis->step = step + off;
		if (nearest_start(resize, in, out, axis))
			return true;
		axis->step = step - off;
		if (step >= off && nearest_start(resize, in, out, axis))
			return true;
	}
	return false;
}

bool segment_resize_axis(const struct ir_graph *graph, const struct ir_operator *op,
			 unsigned int from_innermost, struct segment_resize *axis)
{
	const struct kestrel_graph_resize *resize = &op->portable->attributes.resize;
	int32_t in = ir_extent(&graph->tensors[op->inputs[0]], from_innermost);
	int32_t out = ir_extent(&graph->tensors[op->outputs[0]], from_innermost);

	if (op->kind == IR_RESIZE_NEAREST)
		return nearest_axis(resize, in, out, axis);
	bilinear_axis(resize, in, out, axis);
	return true;
}

static int32_t kept(int64_t row, int32_t inputs)
{
	return (int32_t)(row < 0 ? 0 : row >= inputs ? inputs - 1 : row);
}

int64_t segment_resize_needed(const struct segment_resize *axis, int64_t to)
{
	int64_t position = axis->start + (to - 1) * axis->step;

	if (axis->shift == BILINEAR_SHIFT)
		position += (1 << BILINEAR_SHIFT) - 1;
	return (position >> axis->shift) + 1;
}

void segment_resize_rows(const struct segment_resize *axis, int32_t inputs, int32_t from,
			 int32_t to, int32_t *first, int32_t *end)
{
	*first = kept((axis->start + from * axis->step) >> axis->shift, inputs);
	*end = kept(segment_resize_needed(axis, to) - 1, inputs) + 1;
}
