// SPDX-License-Identifier: MIT
/* Boxes from anchors, and of overlapping ones the best: in float32. */
#include "cpu.h"

#include <math.h>

struct box {
	float top;
	float left;
	float bottom;
	float right;
};

static float value(const struct array *array, const struct kestrel_graph_affine *affine,
		   size_t index)
{
	if (array->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return ((const float *)array->data)[index];
	return arithmetic_float(affine->scale) *
	       (float)(array_read(array, index) - affine->zero_point);
}

/* The reference computes boxes in double and rounds once. */
static double part(const struct array *boxes, const struct kestrel_graph_detection *attributes,
		   size_t index, uint32_t scale)
{
	return (double)value(boxes, &attributes->boxes, index) / (double)arithmetic_float(scale);
}

static void boxes_decode(const struct cpu_call *call, struct box *decoded)
{
	const struct kestrel_graph_detection *a = &call->operator->attributes.detection;
	struct array boxes = cpu_input(call, 0);
	struct array anchors = cpu_input(call, 2);

	for (size_t i = 0; i < anchors.count / 4; i++) {
		double anchor_height = (double)value(&anchors, &a->anchors, 4 * i + 2);
		double anchor_width = (double)value(&anchors, &a->anchors, 4 * i + 3);
		float y = (float)(part(&boxes, a, 4 * i, a->y_scale) * anchor_height +
				  (double)value(&anchors, &a->anchors, 4 * i));
		float x = (float)(part(&boxes, a, 4 * i + 1, a->x_scale) * anchor_width +
				  (double)value(&anchors, &a->anchors, 4 * i + 1));
		float height = (float)(0.5 * exp(part(&boxes, a, 4 * i + 2, a->height_scale)) *
				       anchor_height);
		float width = (float)(0.5 * exp(part(&boxes, a, 4 * i + 3, a->width_scale)) *
				      anchor_width);

		decoded[i] = (struct box){ y - height, x - width, y + height, x + width };
	}
}

static float overlap(const struct box *a, const struct box *b)
{
	float a_area = (a->bottom - a->top) * (a->right - a->left);
	float b_area = (b->bottom - b->top) * (b->right - b->left);
	float height = fmaxf(fminf(a->bottom, b->bottom) - fmaxf(a->top, b->top), 0.0f);
	float width = fmaxf(fminf(a->right, b->right) - fmaxf(a->left, b->left), 0.0f);
	float common = height * width;

	if (a_area <= 0 || b_area <= 0)
		return 0;
	return common / (a_area + b_area - common);
}

/* The best class that comes after (score, class) in falling order; ties rise. */
static size_t class_next(const struct array *scores, const struct kestrel_graph_affine *affine,
			 size_t first, size_t count, float score, size_t after)
{
	size_t best = count;

	for (size_t c = 0; c < count; c++) {
		float s = value(scores, affine, first + c);

		if (s > score || (s == score && after < count && c <= after))
			continue;
		if (best == count || s > value(scores, affine, first + best))
			best = c;
	}
	return best < count ? best : 0;
}

/* The candidate with the highest score; of equal ones the first. -1: none. */
static int64_t candidate_best(const float *scores, size_t count, float threshold)
{
	int64_t best = -1;

	for (size_t i = 0; i < count; i++)
		if (scores[i] >= threshold && (best < 0 || scores[i] > scores[best]))
			best = (int64_t)i;
	return best;
}

void cpu_detection(const struct cpu_call *call)
{
	const struct kestrel_graph_detection *a = &call->operator->attributes.detection;
	struct array scores = cpu_input(call, 1);
	size_t anchors = cpu_input(call, 2).count / 4;
	size_t columns = scores.dims[scores.rank - 1];
	size_t background = columns - a->class_count;
	float *out_boxes = cpu_output(call, 0).data;
	float *out_classes = cpu_output(call, 1).data;
	float *out_scores = cpu_output(call, 2).data;
	struct box *boxes = call->scratch;
	float *best = (float *)(boxes + anchors);
	size_t detections = 0, out = 0;

	boxes_decode(call, boxes);
	for (size_t i = 0; i < anchors; i++) {
		size_t first = i * columns + background;

		best[i] = value(&scores, &a->scores,
				first + class_next(&scores, &a->scores, first, a->class_count,
						   INFINITY, a->class_count));
	}
	memset(out_boxes, 0, cpu_output(call, 0).count * sizeof(float));
	memset(out_classes, 0, cpu_output(call, 1).count * sizeof(float));
	memset(out_scores, 0, cpu_output(call, 2).count * sizeof(float));
	for (; detections < a->max_detections; detections++) {
		int64_t chosen = candidate_best(best, anchors,
						arithmetic_float(a->nms_score_threshold));
		float score = INFINITY;
		size_t class = a->class_count;
		size_t first;

		if (chosen < 0)
			break;
		first = (size_t)chosen * columns + background;
		for (uint32_t c = 0; c < a->max_classes_per_detection; c++, out++) {
			class = class_next(&scores, &a->scores, first, a->class_count, score, class);
			score = value(&scores, &a->scores, first + class);
			memcpy(out_boxes + 4 * out, &boxes[chosen], sizeof(*boxes));
			out_classes[out] = (float)class;
			out_scores[out] = score;
		}
		best[chosen] = -INFINITY;
		for (size_t i = 0; i < anchors; i++)
			if (best[i] > -INFINITY && overlap(&boxes[chosen], &boxes[i]) >
						   arithmetic_float(a->nms_iou_threshold))
				best[i] = -INFINITY;
	}
	*(float *)cpu_output(call, 3).data = (float)detections;
}

size_t cpu_detection_scratch(const struct graph *graph,
			     const struct kestrel_graph_operator *operator)
{
	const struct kestrel_graph_tensor *anchors =
		&graph->tensors[graph_operator_input(graph, operator, 2)];

	return (sizeof(struct box) + sizeof(float)) * anchors->dims[0];
}
