// SPDX-License-Identifier: MIT
/* Checks that many operators need. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int check_fail(const struct check *check, int code, const char *format, ...)
{
	const struct kestrel_graph_operator *operator = check->operator;
	char text[MESSAGE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return message_set(check->message, code,
			   "operator %" PRIu32 " (%s, source operator %" PRId32 ", output \"%.64s\"): %.300s",
			   check->index, graph_opcode_name(operator->opcode),
			   (int32_t)operator->source_operator,
			   graph_string(check->graph, check->graph->tensors[
				check->graph->indices[operator->outputs]].name), text);
}

const struct kestrel_graph_tensor *check_input(const struct check *check, uint32_t i)
{
	uint32_t tensor = graph_operator_input(check->graph, check->operator, i);

	return tensor == KESTREL_GRAPH_NONE ? NULL : &check->graph->tensors[tensor];
}

const struct kestrel_graph_tensor *check_output(const struct check *check, uint32_t i)
{
	return &check->graph->tensors[graph_operator_output(check->graph, check->operator, i)];
}

uint64_t check_count(const struct kestrel_graph_tensor *tensor)
{
	return tensor->size / graph_type_size(tensor->type);
}

int check_is_byte(uint32_t type)
{
	return type == KESTREL_GRAPH_TYPE_INT8 || type == KESTREL_GRAPH_TYPE_UINT8;
}

int check_is_integer(uint32_t type)
{
	return check_is_byte(type) || type == KESTREL_GRAPH_TYPE_INT16 ||
	       type == KESTREL_GRAPH_TYPE_INT32;
}

int check_same_shape(const struct kestrel_graph_tensor *a, const struct kestrel_graph_tensor *b)
{
	return a->rank == b->rank && !memcmp(a->dims, b->dims, sizeof(a->dims));
}

int check_parameters(const struct check *check, const char *what, uint64_t offset,
			    uint64_t size, uint32_t alignment)
{
	if (offset % alignment || offset > check->graph->parameters_size ||
	    size > check->graph->parameters_size - offset)
		return check_fail(check, -EINVAL,
			    "%s: %" PRIu64 "+%" PRIu64 " is not an aligned part of PARAMETERS",
			    what, offset, size);
	return 0;
}

int check_range(const struct check *check, uint32_t type, int32_t zero_point,
		       int32_t minimum, int32_t maximum)
{
	int32_t low, high;

	switch (type) {
	case KESTREL_GRAPH_TYPE_INT8:
		low = INT8_MIN;
		high = INT8_MAX;
		break;
	case KESTREL_GRAPH_TYPE_UINT8:
		low = 0;
		high = UINT8_MAX;
		break;
	case KESTREL_GRAPH_TYPE_INT16:
		low = INT16_MIN;
		high = INT16_MAX;
		break;
	case KESTREL_GRAPH_TYPE_INT32:
		low = INT32_MIN;
		high = INT32_MAX;
		break;
	default:
		return check_fail(check, -ENOTSUP, "no kernel for output type %s", graph_type_name(type));
	}
	if (zero_point < low || zero_point > high)
		return check_fail(check, -EINVAL, "zero point %" PRId32 " is not in %" PRId32 "..%" PRId32,
			    zero_point, low, high);
	if (minimum > maximum || minimum < low || maximum > high)
		return check_fail(check, -EINVAL,
			    "clamp %" PRId32 "..%" PRId32 " is not in %" PRId32 "..%" PRId32,
			    minimum, maximum, low, high);
	return 0;
}

int check_zero_point(const struct check *check, const char *what, uint32_t type,
			    int32_t zero_point)
{
	int32_t low = type == KESTREL_GRAPH_TYPE_UINT8 ? 0 :
		      type == KESTREL_GRAPH_TYPE_INT8 ? INT8_MIN : INT16_MIN;
	int32_t high = type == KESTREL_GRAPH_TYPE_UINT8 ? UINT8_MAX :
		       type == KESTREL_GRAPH_TYPE_INT8 ? INT8_MAX : INT16_MAX;

	if (zero_point < low || zero_point > high)
		return check_fail(check, -EINVAL, "%s zero point %" PRId32 " is not in %" PRId32 "..%" PRId32,
			    what, zero_point, low, high);
	return 0;
}

int check_scale(const struct check *check, uint32_t mode,
		       struct kestrel_graph_scale scale)
{
	float value;

	if (mode == KESTREL_GRAPH_REQUANTISE_F32 || mode == KESTREL_GRAPH_REQUANTISE_HYBRID) {
		memcpy(&value, &scale.multiplier, sizeof(value));
		if (!isfinite(value) || value < 0)
			return check_fail(check, -EINVAL, "factor is not a finite positive float");
		if (scale.shift)
			return check_fail(check, -EINVAL, "a float factor has the shift %" PRId32,
					  scale.shift);
		return 0;
	}
	if (scale.multiplier < 0 || scale.shift < -31 || scale.shift > 30)
		return check_fail(check, -EINVAL, "factor %" PRId32 " with shift %" PRId32 " is out of range",
			    scale.multiplier, scale.shift);
	return 0;
}

int check_mode(const struct check *check, uint32_t mode)
{
	if (mode < KESTREL_GRAPH_REQUANTISE_DOUBLE || mode > KESTREL_GRAPH_REQUANTISE_UPWARD ||
	    mode == KESTREL_GRAPH_REQUANTISE_HYBRID)
		return check_fail(check, -ENOTSUP, "unknown requantisation mode %" PRIu32, mode);
	return 0;
}

int check_float_range(const struct check *check, int32_t minimum, int32_t maximum)
{
	float low, high;

	memcpy(&low, &minimum, sizeof(low));
	memcpy(&high, &maximum, sizeof(high));
	if (!(low <= high))
		return check_fail(check, -EINVAL, "clamp %g..%g makes no sense", (double)low,
				  (double)high);
	return 0;
}

int check_scales(const struct check *check, const struct kestrel_graph_requantise *requantise,
		 uint32_t channels)
{
	const struct kestrel_graph_scale *scales;
	int ret;

	if (requantise->scale_count != 1 && requantise->scale_count != channels)
		return check_fail(check, -EINVAL, "%" PRIu32 " scales for %" PRIu32 " channels",
			    requantise->scale_count, channels);
	ret = check_parameters(check, "scales", requantise->scales,
			       (uint64_t)requantise->scale_count * sizeof(*scales), 8);
	if (ret)
		return ret;
	scales = (const void *)(check->graph->parameters + requantise->scales);
	for (uint32_t i = 0; i < requantise->scale_count && !ret; i++)
		ret = check_scale(check, requantise->mode, scales[i]);
	return ret;
}

int check_requantise(const struct check *check,
		     const struct kestrel_graph_requantise *requantise,
		     uint32_t type, uint32_t channels)
{
	int ret = check_mode(check, requantise->mode);

	if (!ret)
		ret = check_scales(check, requantise, channels);
	return ret ? ret : check_range(check, type, requantise->zero_point, requantise->minimum,
				       requantise->maximum);
}

/* The limit of a zero point that holds a part of the sum. */
#define OFFSET_MAX (1 << 24)

int check_requantise_mean(const struct check *check,
			  const struct kestrel_graph_requantise *requantise, uint32_t type)
{
	int ret = check_mode(check, requantise->mode);

	if (!ret)
		ret = check_scales(check, requantise, 1);
	if (!ret && (requantise->zero_point < -OFFSET_MAX || requantise->zero_point > OFFSET_MAX))
		return check_fail(check, -EINVAL, "zero point %" PRId32 " is not in %d..%d",
				  requantise->zero_point, -OFFSET_MAX, OFFSET_MAX);
	return ret ? ret : check_range(check, type, requantise->minimum, requantise->minimum,
				       requantise->maximum);
}

int check_broadcast(const struct check *check, const struct kestrel_graph_tensor *input,
		    uint32_t innermost)
{
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (input->rank > output->rank)
		return check_fail(check, -EINVAL, "input has a higher rank than the output");
	for (uint32_t d = 0; d + innermost < input->rank; d++) {
		uint32_t wide = output->dims[output->rank - input->rank + d];

		if (input->dims[d] != 1 && input->dims[d] != wide)
			return check_fail(check, -EINVAL, "dimension %" PRIu32 " does not broadcast to %" PRIu32,
				    input->dims[d], wide);
	}
	return 0;
}
