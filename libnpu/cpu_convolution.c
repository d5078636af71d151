// SPDX-License-Identifier: MIT
/*
 * Convolutions of 8-bit activations as dot products of 16-bit operands.
 *
 * Subtracting the zero points makes every operand a 9-bit number, so 16-bit
 * products pair up in one 32-bit lane (pmaddwd, smlal) and padding is 0.
 * Weights are widened once, when the model is loaded. Sums stay below 2^31
 * while a dot product has at most DEPTH_MAX taps; longer ones, and int16
 * activations with their 64-bit sums, go to the plain loops of arithmetic.c.
 */
#include "cpu.h"
#include "cpu_kernels.h"

#define DEPTH_MAX 32768
/* Arrays in the pack and in the scratch memory begin at multiples of this. */
#define ARRAY_ALIGNMENT 64
#define CHANNEL_ARRAYS 4
/* Multiply-accumulates above which several threads are faster than one. */
#define LARGE_MACS 200000

/* Shape of the work, the same for all three operators. */
struct shape {
	size_t depth;		/* taps of a dot product */
	size_t padded;		/* depth, rounded up */
	size_t outputs;		/* output channels */
	size_t groups;
	size_t group_outputs;
	size_t group_rows;	/* group_outputs, rounded up: each group has its own rows */
};

static int is_byte(uint32_t type)
{
	return type == KESTREL_GRAPH_TYPE_INT8 || type == KESTREL_GRAPH_TYPE_UINT8;
}

static const struct kestrel_graph_tensor *
tensor_get(const struct graph *graph, const struct kestrel_graph_operator *operator, uint32_t i)
{
	return &graph->tensors[graph_operator_input(graph, operator, i)];
}

/* Returns 0 where the plain loops have to do it. */
static int shape_get(const struct graph *graph, const struct kestrel_graph_operator *operator,
		     struct shape *shape)
{
	const struct kestrel_graph_tensor *input = tensor_get(graph, operator, 0);
	const struct kestrel_graph_tensor *weights = tensor_get(graph, operator, 1);
	uint32_t bias = graph_operator_input(graph, operator, 2);
	uint32_t output = graph_operator_output(graph, operator, 0);

	shape->groups = 1;
	if (!is_byte(input->type) || !is_byte(graph->tensors[output].type) ||
	    weights->storage != KESTREL_GRAPH_STORAGE_CONSTANT ||
	    (bias != KESTREL_GRAPH_NONE &&
	     (graph->tensors[bias].type != KESTREL_GRAPH_TYPE_INT32 ||
	      graph->tensors[bias].storage != KESTREL_GRAPH_STORAGE_CONSTANT)))
		return 0;
	switch (operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
		shape->outputs = weights->dims[0];
		shape->depth = (size_t)weights->dims[1] * weights->dims[2] * weights->dims[3];
		shape->groups = input->dims[3] / weights->dims[3];
		break;
	case KESTREL_GRAPH_FULLY_CONNECTED:
		shape->outputs = weights->dims[0];
		shape->depth = weights->dims[1];
		break;
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
		shape->outputs = weights->dims[3];
		shape->depth = (size_t)weights->dims[1] * weights->dims[2];
		break;
	default:
		return 0;
	}
	shape->group_outputs = shape->outputs / shape->groups;
	shape->group_rows = (shape->group_outputs + CPU_ROWS - 1) / CPU_ROWS * CPU_ROWS;
	shape->padded = (shape->depth + CPU_DEPTH_ALIGNMENT - 1) / CPU_DEPTH_ALIGNMENT * CPU_DEPTH_ALIGNMENT;
	return shape->depth <= DEPTH_MAX;
}

/* Bytes of an array of `count` elements, rounded up. */
static size_t array_bytes(size_t count, size_t size)
{
	return (count * size + ARRAY_ALIGNMENT - 1) / ARRAY_ALIGNMENT * ARRAY_ALIGNMENT;
}

/* A pack is: CHANNEL_ARRAYS arrays for the requantisation, then the weights. */
static size_t weights_offset(const struct shape *shape)
{
	return CHANNEL_ARRAYS * array_bytes(shape->outputs, sizeof(int32_t));
}

static struct cpu_channels channels_get(const struct shape *shape, const void *pack)
{
	size_t bytes = array_bytes(shape->outputs, sizeof(int32_t));
	const uint8_t *arrays = pack;

	return (struct cpu_channels){
		.bias = (const void *)arrays,
		.multiplier = (const void *)(arrays + bytes),
		.left = (const void *)(arrays + 2 * bytes),
		.right = (const void *)(arrays + 3 * bytes),
	};
}

size_t cpu_convolution_pack_size(const struct graph *graph,
				 const struct kestrel_graph_operator *operator)
{
	struct shape shape;
	size_t count;

	if (!shape_get(graph, operator, &shape))
		return 0;
	if (operator->opcode == KESTREL_GRAPH_DEPTHWISE_CONV_2D)
		count = shape.depth * shape.outputs;
	else
		count = shape.padded * shape.groups * shape.group_rows;
	return weights_offset(&shape) + array_bytes(count, sizeof(int16_t));
}

/* One entry for each output channel, whatever the file has. */
static void channels_pack(const struct graph *graph,
			  const struct kestrel_graph_operator *operator,
			  const struct shape *shape, uint8_t *pack)
{
	const struct kestrel_graph_requantise *requantise =
		&operator->attributes.convolution.requantise;
	const struct kestrel_graph_scale *scales =
		(const void *)(graph->parameters + requantise->scales);
	uint32_t bias = graph_operator_input(graph, operator, 2);
	size_t bytes = array_bytes(shape->outputs, sizeof(int32_t));

	if (bias != KESTREL_GRAPH_NONE)
		memcpy(pack, graph->constants + graph->tensors[bias].data_offset,
		       shape->outputs * sizeof(int32_t));
	for (size_t o = 0; o < shape->outputs; o++) {
		struct kestrel_graph_scale scale = scales[requantise->scale_count > 1 ? o : 0];
		int32_t left = scale.shift > 0 ? scale.shift : 0;
		int32_t right = scale.shift > 0 ? 0 : -scale.shift;

		memcpy(pack + bytes + o * sizeof(int32_t), &scale.multiplier, sizeof(int32_t));
		memcpy(pack + 2 * bytes + o * sizeof(int32_t), &left, sizeof(int32_t));
		memcpy(pack + 3 * bytes + o * sizeof(int32_t), &right, sizeof(int32_t));
	}
}

void cpu_convolution_pack(const struct graph *graph,
			  const struct kestrel_graph_operator *operator, void *pack)
{
	const struct cpu_kernels *kernels = cpu_kernels_get();
	const struct kestrel_graph_tensor *weights = tensor_get(graph, operator, 1);
	const uint8_t *data = graph->constants + weights->data_offset;
	int32_t zero_point = operator->attributes.convolution.weight_zero_point;
	struct shape shape;
	int16_t *to;

	shape_get(graph, operator, &shape);
	memset(pack, 0, cpu_convolution_pack_size(graph, operator));
	channels_pack(graph, operator, &shape, pack);
	to = (int16_t *)((uint8_t *)pack + weights_offset(&shape));
	if (operator->opcode == KESTREL_GRAPH_DEPTHWISE_CONV_2D) {
		kernels->widen(data, weights->type, shape.depth * shape.outputs, zero_point, to);
		return;
	}
	for (size_t o = 0; o < shape.outputs; o++) {
		size_t row = o / shape.group_outputs * shape.group_rows + o % shape.group_outputs;

		kernels->widen(data + o * shape.depth, weights->type, shape.depth, zero_point,
			       to + row * shape.padded);
	}
}

size_t cpu_convolution_scratch(const struct graph *graph,
			       const struct kestrel_graph_operator *operator)
{
	struct shape shape;

	if (!shape_get(graph, operator, &shape))
		return 0;
	/* The sums, and the patch or one pixel's channels. */
	return array_bytes(shape.outputs + CPU_ROWS, sizeof(int32_t)) +
	       array_bytes(shape.padded > shape.outputs ? shape.padded : shape.outputs,
			   sizeof(int16_t));
}

int cpu_convolution_is_large(const struct graph *graph,
			     const struct kestrel_graph_operator *operator)
{
	uint32_t output = graph_operator_output(graph, operator, 0);
	struct shape shape;

	return shape_get(graph, operator, &shape) &&
	       graph->tensors[output].size * shape.depth >= LARGE_MACS;
}

/* What the three operators have in common during a run. */
struct work {
	const struct cpu_kernels *kernels;
	const struct kestrel_graph_convolution *attributes;
	const struct kestrel_graph_scale *scales;
	struct shape shape;
	struct cpu_channels channels;
	const int16_t *rows;		/* of weights */
	struct array input;
	struct array weights;
	struct array output;
	int32_t *sums;			/* in the scratch memory */
	int16_t *patch;
	size_t first;			/* rows of the output, or channels, of this part */
	size_t end;
};

/* This part's share of `count` things, in steps of `step`. */
static void share(struct work *work, const struct cpu_call *call, size_t count, size_t step)
{
	size_t steps = (count + step - 1) / step;

	work->first = steps * call->part / call->parts * step;
	work->end = steps * (call->part + 1) / call->parts * step;
	if (work->end > count)
		work->end = count;
}

/*
 * Mode FLOAT. Clamping before rounding gives the same, since the limits are whole
 * numbers, and leaves so small a product that adding 1.5 x 2^23 rounds it.
 */
static void requantise_float_row(const struct work *work, const int32_t *bias, size_t first,
				 size_t count, uint8_t *to)
{
	const struct kestrel_graph_requantise *requantise = &work->attributes->requantise;
	const struct kestrel_graph_scale *scales = work->scales;
	float low = (float)(requantise->minimum - requantise->zero_point);
	float high = (float)(requantise->maximum - requantise->zero_point);
	const float whole = 0x1.8p23f;

	for (size_t i = 0; i < count; i++) {
		int32_t sum = (int32_t)((uint32_t)work->sums[i] + (uint32_t)bias[i]);
		size_t channel = requantise->scale_count > 1 ? first + i : 0;
		float product = (float)sum *
				arithmetic_float((uint32_t)scales[channel].multiplier);

		product = product > low ? product : low;
		product = product < high ? product : high;
		to[i] = (uint8_t)((int32_t)((product + whole) - whole) + requantise->zero_point);
	}
}

/* Sums of `count` channels, from `first` on, to output bytes. */
static void requantise_row(const struct work *work, size_t first, size_t count, uint8_t *to)
{
	const struct kestrel_graph_requantise *requantise = &work->attributes->requantise;
	struct cpu_channels channels = {
		.bias = work->channels.bias + first,
		.multiplier = work->channels.multiplier + first,
		.left = work->channels.left + first,
		.right = work->channels.right + first,
	};

	if (requantise->mode == KESTREL_GRAPH_REQUANTISE_DOUBLE) {
		work->kernels->requantise(work->sums, &channels, count, requantise->zero_point,
					  requantise->minimum, requantise->maximum, to);
		return;
	}
	if (requantise->mode == KESTREL_GRAPH_REQUANTISE_F32) {
		requantise_float_row(work, channels.bias, first, count, to);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		int32_t sum = (int32_t)((uint32_t)work->sums[i] + (uint32_t)channels.bias[i]);

		to[i] = (uint8_t)arithmetic_requantise(requantise, work->scales,
						       (uint32_t)(first + i), sum);
	}
}

/* Channels of one window as the dot product wants them; 0 outside the input. */
static void patch_fill(const struct work *work, size_t n, size_t y, size_t x, size_t channel)
{
	const struct kestrel_graph_convolution *attributes = work->attributes;
	const struct array *input = &work->input;
	size_t count = work->weights.dims[3];
	const uint8_t *data = input->data;
	int16_t *patch = work->patch;

	for (size_t ky = 0; ky < work->weights.dims[1]; ky++) {
		int64_t row = (int64_t)(y * attributes->stride_height +
			      ky * attributes->dilation_height) - attributes->pad_top;

		for (size_t kx = 0; kx < work->weights.dims[2]; kx++, patch += count) {
			int64_t column = (int64_t)(x * attributes->stride_width +
				      kx * attributes->dilation_width) - attributes->pad_left;

			if (row < 0 || row >= input->dims[1] ||
			    column < 0 || column >= input->dims[2])
				memset(patch, 0, count * sizeof(*patch));
			else
				work->kernels->widen(data + ((n * input->dims[1] + row) *
							     input->dims[2] + column) *
						     input->dims[3] + channel,
						     input->type, count,
						     attributes->input_zero_point, patch);
		}
	}
}

static void convolution_run(const struct work *work)
{
	const struct shape *shape = &work->shape;
	const struct array *output = &work->output;
	size_t height = output->dims[1];
	uint8_t *to = (uint8_t *)output->data + work->first * output->dims[2] * shape->outputs;

	memset(work->patch, 0, shape->padded * sizeof(*work->patch));
	for (size_t row = work->first; row < work->end; row++)
	for (size_t x = 0; x < output->dims[2]; x++)
	for (size_t g = 0; g < shape->groups; g++) {
		const int16_t *rows = work->rows + g * shape->group_rows * shape->padded;

		patch_fill(work, row / height, row % height, x, g * work->weights.dims[3]);
		for (size_t o = 0; o < shape->group_outputs; o += CPU_ROWS)
			work->kernels->dot(work->patch, rows + o * shape->padded, shape->padded,
					   work->sums + o);
		requantise_row(work, g * shape->group_outputs, shape->group_outputs, to);
		to += shape->group_outputs;
	}
}

static void fully_connected_run(const struct work *work)
{
	const struct shape *shape = &work->shape;
	const uint8_t *from = work->input.data;
	uint8_t *to = work->output.data;

	memset(work->patch, 0, shape->padded * sizeof(*work->patch));
	for (size_t n = 0; n < work->input.count / shape->depth; n++) {
		work->kernels->widen(from, work->input.type, shape->depth,
				     work->attributes->input_zero_point, work->patch);
		for (size_t o = work->first; o < work->end; o += CPU_ROWS)
			work->kernels->dot(work->patch, work->rows + o * shape->padded,
					   shape->padded, work->sums + o - work->first);
		requantise_row(work, work->first, work->end - work->first, to + work->first);
		from += shape->depth;
		to += shape->outputs;
	}
}

/* One input pixel at one tap, for all channels. */
static void depthwise_tap(const struct work *work, const uint8_t *pixel, const int16_t *weights)
{
	size_t channels = work->input.dims[3];
	size_t multiplier = work->attributes->depth_multiplier;

	work->kernels->widen(pixel, work->input.type, channels,
			     work->attributes->input_zero_point, work->patch);
	if (multiplier == 1) {
		work->kernels->accumulate(work->patch, weights, channels, work->sums);
		return;
	}
	for (size_t c = 0; c < channels; c++)
		for (size_t j = 0; j < multiplier; j++)
			work->sums[c * multiplier + j] +=
				work->patch[c] * weights[c * multiplier + j];
}

static void depthwise_run(const struct work *work)
{
	const struct kestrel_graph_convolution *attributes = work->attributes;
	const struct array *input = &work->input;
	const struct array *output = &work->output;
	const uint8_t *data = input->data;
	size_t outputs = work->shape.outputs;
	size_t height = output->dims[1];
	uint8_t *to = (uint8_t *)output->data + work->first * output->dims[2] * outputs;

	for (size_t out_row = work->first; out_row < work->end; out_row++)
	for (size_t x = 0; x < output->dims[2]; x++, to += outputs) {
		const int16_t *tap = work->rows;
		size_t n = out_row / height;
		size_t y = out_row % height;

		memset(work->sums, 0, outputs * sizeof(*work->sums));
		for (size_t ky = 0; ky < work->weights.dims[1]; ky++)
		for (size_t kx = 0; kx < work->weights.dims[2]; kx++, tap += outputs) {
			int64_t row = (int64_t)(y * attributes->stride_height +
				      ky * attributes->dilation_height) - attributes->pad_top;
			int64_t column = (int64_t)(x * attributes->stride_width +
				      kx * attributes->dilation_width) - attributes->pad_left;

			if (row < 0 || row >= input->dims[1] ||
			    column < 0 || column >= input->dims[2])
				continue;
			depthwise_tap(work, data + ((n * input->dims[1] + row) * input->dims[2] +
						    column) * input->dims[3], tap);
		}
		requantise_row(work, 0, outputs, to);
	}
}

void cpu_convolution(const struct cpu_call *call)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	struct work work = {
		.kernels = cpu_kernels_get(),
		.attributes = attributes,
		.scales = cpu_parameters(call, attributes->requantise.scales),
		.input = cpu_input(call, 0),
		.weights = cpu_input(call, 1),
		.output = cpu_output(call, 0),
		.sums = call->scratch,
	};

	shape_get(call->graph, call->operator, &work.shape);
	work.channels = channels_get(&work.shape, call->pack);
	work.rows = (const int16_t *)((const uint8_t *)call->pack + weights_offset(&work.shape));
	work.patch = (int16_t *)((uint8_t *)call->scratch +
				 array_bytes(work.shape.outputs + CPU_ROWS, sizeof(int32_t)));
	if (call->operator->opcode == KESTREL_GRAPH_FULLY_CONNECTED)
		share(&work, call, work.shape.outputs, CPU_ROWS);
	else
		share(&work, call, (size_t)work.output.dims[0] * work.output.dims[1], 1);
	switch (call->operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
		convolution_run(&work);
		break;
	case KESTREL_GRAPH_FULLY_CONNECTED:
		fully_connected_run(&work);
		break;
	default:
		depthwise_run(&work);
	}
}
