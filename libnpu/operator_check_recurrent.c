// SPDX-License-Identifier: MIT
/* Operators with state, and detection. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

int check_svdf(const struct check *check)
{
	const struct kestrel_graph_svdf *attributes = &check->operator->attributes.svdf;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *feature = check_input(check, 1);
	const struct kestrel_graph_tensor *time = check_input(check, 2);
	const struct kestrel_graph_tensor *bias = check_input(check, 3);
	const struct kestrel_graph_tensor *state = check_input(check, 4);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (input->type != KESTREL_GRAPH_TYPE_INT8 || feature->type != input->type ||
	    output->type != input->type || time->type != state->type ||
	    (time->type != KESTREL_GRAPH_TYPE_INT8 && time->type != KESTREL_GRAPH_TYPE_INT16) ||
	    (bias && bias->type != KESTREL_GRAPH_TYPE_INT32))
		return check_fail(check, -ENOTSUP, "no kernel for input %s, state %s, output %s",
			    graph_type_name(input->type), graph_type_name(state->type),
			    graph_type_name(output->type));
	if (state->storage != KESTREL_GRAPH_STORAGE_STATE)
		return check_fail(check, -EINVAL, "the last input is no state");
	if (input->rank != 2 || feature->rank != 2 || time->rank != 2 || output->rank != 2 ||
	    !attributes->rank || feature->dims[0] % attributes->rank ||
	    feature->dims[1] != input->dims[1] || time->dims[0] != feature->dims[0] ||
	    output->dims[0] != input->dims[0] ||
	    output->dims[1] != feature->dims[0] / attributes->rank ||
	    check_count(state) != input->dims[0] * check_count(time) ||
	    (bias && check_count(bias) != output->dims[1]))
		return check_fail(check, -EINVAL, "the shapes do not fit each other");
	ret = check_mode(check, attributes->mode);
	if (!ret)
		ret = check_scale(check, attributes->mode, attributes->feature_scale);
	if (!ret)
		ret = check_scale(check, attributes->mode, attributes->time_scale);
	if (!ret)
		ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	if (!ret)
		ret = check_zero_point(check, "state", state->type, attributes->state_zero_point);
	if (!ret)
		ret = check_range(check, output->type, attributes->zero_point,
				  attributes->minimum, attributes->maximum);
	return ret;
}

/* Tensor i of an LSTM: its type and number of elements. */
static int lstm_tensor_check(const struct check *check, uint32_t i, uint64_t batches,
			     uint64_t depth, uint64_t cells)
{
	const struct kestrel_graph_tensor *tensor = check_input(check, i);
	uint32_t type = KESTREL_GRAPH_TYPE_INT8;
	int real = check_input(check, 0)->type == KESTREL_GRAPH_TYPE_FLOAT32;
	uint64_t count = i < 5 ? cells * depth : cells * cells;

	if (i >= 9 && i < 13) {
		type = KESTREL_GRAPH_TYPE_INT32;
		count = cells;
	}
	if (i >= 13) {
		type = i == 14 ? KESTREL_GRAPH_TYPE_INT16 : KESTREL_GRAPH_TYPE_INT8;
		count = batches * cells;
	}
	if (real)
		type = KESTREL_GRAPH_TYPE_FLOAT32;
	if (tensor->type != type || check_count(tensor) != count)
		return check_fail(check, -EINVAL, "input %" PRIu32 " is %" PRIu64 " of %s instead of %" PRIu64 " of %s",
			    i, check_count(tensor), graph_type_name(tensor->type), count,
			    graph_type_name(type));
	if (i < 9 && (tensor->rank != 2 || tensor->dims[0] != cells))
		return check_fail(check, -EINVAL, "weights %" PRIu32 " are not %" PRIu64 " rows", i, cells);
	if (i >= 13 && tensor->storage != KESTREL_GRAPH_STORAGE_STATE)
		return check_fail(check, -EINVAL, "input %" PRIu32 " is no state", i);
	return 0;
}

int check_lstm(const struct check *check)
{
	const struct kestrel_graph_lstm *attributes = &check->operator->attributes.lstm;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int by_table = check->operator->opcode == KESTREL_GRAPH_LSTM_TABLE;
	const struct kestrel_graph_scale *scales;
	int ret;

	if ((input->type != KESTREL_GRAPH_TYPE_INT8 &&
	     (input->type != KESTREL_GRAPH_TYPE_FLOAT32 || by_table)) ||
	    output->type != input->type)
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (input->rank != 3 || output->rank != 3 || input->dims[0] != output->dims[0] ||
	    input->dims[1] != output->dims[1] || attributes->time_major > 1)
		return check_fail(check, -EINVAL, "input and output do not fit each other");
	for (uint32_t i = 1; i < check->operator->input_count; i++) {
		ret = lstm_tensor_check(check, i, input->dims[attributes->time_major ? 1 : 0],
					input->dims[2], output->dims[2]);
		if (ret)
			return ret;
	}
	if (input->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return check_float_range(check, 0, attributes->cell_clip);
	ret = check_parameters(check, "scales", attributes->scales,
			       KESTREL_GRAPH_LSTM_SCALES * sizeof(*scales) +
			       (by_table ? 256 * sizeof(uint16_t) : 0), 8);
	if (ret)
		return ret;
	scales = (const void *)(check->graph->parameters + attributes->scales);
	for (uint32_t i = 0; i < KESTREL_GRAPH_LSTM_SCALES && !ret; i++)
		ret = check_scale(check, KESTREL_GRAPH_REQUANTISE_DOUBLE, scales[i]);
	if (!ret)
		ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	if (!ret)
		ret = check_zero_point(check, "state", input->type, attributes->state_zero_point);
	if (!ret && (attributes->cell_exponent < -15 || attributes->cell_exponent > -11 ||
		     attributes->cell_clip < 0 || attributes->cell_clip > INT16_MAX))
		ret = check_fail(check, -EINVAL, "cell exponent %" PRId32 ", clip %" PRId32,
			   attributes->cell_exponent, attributes->cell_clip);
	return ret;
}

int check_detection(const struct check *check)
{
	const struct kestrel_graph_detection *attributes =
		&check->operator->attributes.detection;
	const struct kestrel_graph_tensor *scores = check_input(check, 1);
	const struct kestrel_graph_tensor *anchors = check_input(check, 2);
	uint64_t count = (uint64_t)attributes->max_detections *
			 attributes->max_classes_per_detection;
	const uint64_t counts[] = { 4 * count, count, count, 1 };

	if (check->operator->output_count != 4)
		return check_fail(check, -EINVAL, "%" PRIu32 " outputs instead of 4",
			    check->operator->output_count);
	for (uint32_t i = 0; i < 3; i++)
		if (!check_is_byte(check_input(check, i)->type) &&
		    check_input(check, i)->type != KESTREL_GRAPH_TYPE_FLOAT32)
			return check_fail(check, -ENOTSUP, "no kernel for input %" PRIu32 " of type %s",
				    i, graph_type_name(check_input(check, i)->type));
	for (uint32_t i = 0; i < 4; i++)
		if (check_output(check, i)->type != KESTREL_GRAPH_TYPE_FLOAT32 ||
		    check_count(check_output(check, i)) != counts[i])
			return check_fail(check, -EINVAL, "output %" PRIu32 " is not %" PRIu64 " of float32",
				    i, counts[i]);
	if (anchors->rank != 2 || anchors->dims[1] != 4 ||
	    check_count(check_input(check, 0)) != check_count(anchors) || !scores->rank ||
	    check_count(scores) / scores->dims[scores->rank - 1] != anchors->dims[0] ||
	    scores->dims[scores->rank - 1] - attributes->class_count > 1 ||
	    !attributes->class_count || !attributes->max_classes_per_detection ||
	    attributes->max_classes_per_detection > attributes->class_count)
		return check_fail(check, -EINVAL, "boxes, scores and anchors do not fit each other");
	return 0;
}
