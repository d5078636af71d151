// SPDX-License-Identifier: MIT
/* The custom operator TFLite_Detection_PostProcess. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "flexbuffer.h"
#include "resolve_check.h"

#define DETECTIONS_MAX 65536

struct option {
	const char *name;
	/* Where the number goes: bits of a float, or an integer. */
	uint32_t *to;
	bool is_float;
};

static int read_options(struct ir_graph *graph, const struct ir_operator *op,
			const struct option *options, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		double value;

		if (!flexbuffer_number(op->attributes.custom, op->attributes.custom_bytes,
				       options[i].name, &value))
			return error_set(graph->error, -EINVAL, "%s: no option \"%s\"",
					 ir_where(graph, op, -1), options[i].name);
		if (!isfinite(value) || (!options[i].is_float && (value < 1 ||
								  value > DETECTIONS_MAX)))
			return error_set(graph->error, -EINVAL, "%s: option \"%s\" is %g",
					 ir_where(graph, op, -1), options[i].name, value);
		*options[i].to = options[i].is_float ? resolve_float_bits((float)value) :
						       (uint32_t)value;
	}
	return 0;
}

static int read_affine(struct ir_graph *graph, const struct ir_operator *op, int index,
		       struct kestrel_graph_affine *affine)
{
	const struct ir_tensor *tensor = &graph->tensors[index];
	int ret;

	if (tensor->type == IR_FLOAT32)
		return 0;
	ret = resolve_check_activation(graph, op, index);
	if (ret)
		return ret;
	affine->scale = resolve_float_bits(tensor->scales[0]);
	affine->zero_point = (int32_t)tensor->zero_points[0];
	return 0;
}

/* The shapes follow from the options; the file need not state them. */
static int set_output(struct ir_graph *graph, const struct ir_operator *op, unsigned int output,
		      int32_t detections)
{
	struct ir_tensor *tensor = &graph->tensors[op->outputs[output]];
	int32_t shapes[4][3] = { { 1, detections, 4 }, { 1, detections }, { 1, detections }, { 1 } };
	static const unsigned int ranks[] = { 3, 2, 2, 1 };

	if (tensor->type != IR_FLOAT32)
		return error_set(graph->error, -ENOTSUP, "%s: type %s instead of float32",
				 ir_where(graph, op, op->outputs[output]),
				 ir_type_name(tensor->type));
	tensor->rank = ranks[output];
	memcpy(tensor->shape, shapes[output], sizeof(shapes[output]));
	tensor->elements = (uint64_t)shapes[output][0];
	for (unsigned int d = 1; d < tensor->rank; d++)
		tensor->elements *= (uint64_t)shapes[output][d];
	tensor->bytes = tensor->elements * sizeof(float);
	return 0;
}

static int check_shapes(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct kestrel_graph_detection *d = &op->portable->attributes.detection;
	const struct ir_tensor *boxes = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *scores = &graph->tensors[op->inputs[1]];
	const struct ir_tensor *anchors = &graph->tensors[op->inputs[2]];

	if (ir_extent(anchors, 0) != 4 || boxes->elements != anchors->elements ||
	    ir_extent(boxes, 0) != 4 ||
	    scores->elements / (uint64_t)ir_extent(scores, 0) != anchors->elements / 4 ||
	    (uint32_t)ir_extent(scores, 0) - d->class_count > 1)
		return error_set(graph->error, -EINVAL,
				 "%s: boxes, scores and anchors do not fit each other",
				 ir_where(graph, op, -1));
	return 0;
}

int resolve_detection(struct ir_graph *graph, struct ir_operator *op)
{
	struct kestrel_graph_detection *d;
	double regular = 0;
	int ret = 0;

	if (op->input_count != 3 || op->output_count != 4 || op->inputs[0] < 0 ||
	    op->inputs[1] < 0 || op->inputs[2] < 0)
		return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs",
				 ir_where(graph, op, -1), op->input_count, op->output_count);
	ret = resolve_portable(graph, op, KESTREL_GRAPH_DETECTION_POSTPROCESS, 0);
	if (ret)
		return ret;
	d = &op->portable->attributes.detection;
	if (flexbuffer_number(op->attributes.custom, op->attributes.custom_bytes,
			      "use_regular_nms", &regular) && regular != 0)
		return error_set(graph->error, -ENOTSUP, "%s: use_regular_nms is not supported",
				 ir_where(graph, op, -1));
	ret = read_options(graph, op, (const struct option[]){
		{ "max_detections", &d->max_detections, false },
		{ "max_classes_per_detection", &d->max_classes_per_detection, false },
		{ "num_classes", &d->class_count, false },
		{ "nms_score_threshold", &d->nms_score_threshold, true },
		{ "nms_iou_threshold", &d->nms_iou_threshold, true },
		{ "y_scale", &d->y_scale, true },
		{ "x_scale", &d->x_scale, true },
		{ "h_scale", &d->height_scale, true },
		{ "w_scale", &d->width_scale, true },
	}, 9);
	if (!ret)
		ret = check_shapes(graph, op);
	if (!ret)
		ret = read_affine(graph, op, op->inputs[0], &d->boxes);
	if (!ret)
		ret = read_affine(graph, op, op->inputs[1], &d->scores);
	if (!ret)
		ret = read_affine(graph, op, op->inputs[2], &d->anchors);
	if (!ret && d->max_classes_per_detection > d->class_count)
		d->max_classes_per_detection = d->class_count;
	for (unsigned int i = 0; i < 4 && !ret; i++)
		ret = set_output(graph, op, i, (int32_t)(d->max_detections *
							 d->max_classes_per_detection));
	return ret;
}
