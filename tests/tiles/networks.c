// SPDX-License-Identifier: MIT
/*
 * Models whose maps are wide, of many channels or both, so that rows of them do not fit a
 * small SRAM. Written to DIRECTORY/NAME.tflite, with an input in DIRECTORY/NAME.bin.
 *
 * usage: networks DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>

#include "network.h"
#include "random.h"

#define LAYERS_MAX 12

enum kind { END, CONVOLUTION, DEPTHWISE, TRANSPOSED, ADD, MAX_POOL, LOGISTIC };

struct layer {
	enum kind kind;
	/* Channels of a convolution's output; of ADD: the layer whose output it adds too. */
	int32_t channels;
	int32_t kernel, stride;
};

struct model {
	const char *name;
	int32_t height, width, channels;
	struct layer layers[LAYERS_MAX];
};

static const struct model models[] = {
	/* A row takes 128 KiB. */
	{ "row", 4, 2048, 64, { { CONVOLUTION, 64, 3, 1 } } },
	/* Of which there is only one. */
	{ "line", 1, 8192, 32, {
		{ CONVOLUTION, 48, 3, 1 }, { DEPTHWISE, 0, 3, 2 }, { CONVOLUTION, 32, 1, 1 } } },
	{ "rows", 6, 1024, 48, {
		{ CONVOLUTION, 96, 1, 1 }, { DEPTHWISE, 0, 3, 1 }, { CONVOLUTION, 48, 1, 1 },
		{ CONVOLUTION, 96, 1, 1 }, { DEPTHWISE, 0, 5, 2 }, { CONVOLUTION, 64, 1, 1 } } },
	{ "residual", 24, 384, 32, {
		{ CONVOLUTION, 32, 3, 1 }, { CONVOLUTION, 64, 1, 1 }, { DEPTHWISE, 0, 3, 1 },
		{ CONVOLUTION, 32, 1, 1 }, { ADD, 0, 1, 1 }, { CONVOLUTION, 64, 1, 1 },
		{ DEPTHWISE, 0, 3, 1 }, { CONVOLUTION, 32, 1, 1 }, { ADD, 4, 1, 1 },
		{ MAX_POOL, 0, 2, 2 } } },
	/* Many layers between two small maps: a ring for each, or what two need. */
	{ "deep", 64, 128, 16, {
		{ CONVOLUTION, 48, 3, 1 }, { CONVOLUTION, 48, 3, 1 }, { CONVOLUTION, 48, 3, 1 },
		{ CONVOLUTION, 48, 3, 1 }, { CONVOLUTION, 48, 3, 1 }, { CONVOLUTION, 48, 3, 1 },
		{ CONVOLUTION, 8, 3, 4 } } },
	{ "upscale", 8, 640, 32, {
		{ TRANSPOSED, 16, 4, 2 }, { LOGISTIC, 0, 1, 1 }, { DEPTHWISE, 0, 3, 1 },
		{ CONVOLUTION, 16, 3, 2 } } },
	{ "mask", 64, 64, 32, { { TRANSPOSED, 1, 2, 2 }, { LOGISTIC, 0, 1, 1 } } },
};

static int weights_add(struct network *network, const int32_t *shape, int32_t channels,
		       int dimension, struct random *random)
{
	int index = network_tensor_add(network, NETWORK_INT8, 4, shape, channels, 0.004f);
	struct network_tensor *tensor = &network->tensors[index];
	int8_t *data = malloc(tensor->elements);

	tensor->quantised_dimension = dimension;
	tensor->data = data;
	for (size_t i = 0; data && i < tensor->elements; i++)
		data[i] = (int8_t)random_range(random, -127, 127);
	return index;
}

static int constant_add(struct network *network, int32_t count, int scales, const int32_t *from)
{
	int index = network_tensor_add(network, NETWORK_INT32, 1, &count, scales, 0.00008f);
	int32_t *data = calloc((size_t)count, sizeof(*data));

	network->tensors[index].data = data;
	for (int32_t i = 0; data && from && i < count; i++)
		data[i] = from[i];
	return index;
}

/* Appends a layer that reads tensor `input`; returns its output. */
static int layer_add(struct network *network, const struct layer *layer, const int *outputs,
		     int input, struct random *random)
{
	const int32_t *in = network->tensors[input].shape;
	bool up = layer->kind == TRANSPOSED;
	int32_t channels = layer->channels && layer->kind != ADD ? layer->channels : in[3];
	int32_t out[4] = {
		1, up ? in[1] * layer->stride : (in[1] + layer->stride - 1) / layer->stride,
		up ? in[2] * layer->stride : (in[2] + layer->stride - 1) / layer->stride, channels,
	};
	int32_t kernel[4] = { layer->kind == DEPTHWISE ? 1 : channels, layer->kernel,
			      layer->kernel, layer->kind == DEPTHWISE ? channels : in[3] };
	struct network_operator operator = {
		.inputs = { input }, .input_count = 1,
		.options = {
			.stride_h = layer->stride, .stride_w = layer->stride, .dilation_h = 1,
			.dilation_w = 1, .multiplier = 1, .filter_h = layer->kernel,
			.filter_w = layer->kernel,
		},
	};

	switch (layer->kind) {
	case ADD:
		operator.code = NETWORK_ADD;
		operator.inputs[operator.input_count++] = outputs[layer->channels];
		break;
	case MAX_POOL:
		operator.code = NETWORK_MAX_POOL;
		break;
	case LOGISTIC:
		operator.code = NETWORK_LOGISTIC;
		break;
	case TRANSPOSED:
		operator.code = NETWORK_TRANSPOSE_CONVOLUTION;
		operator.inputs[0] = constant_add(network, 4, 0, out);
		operator.inputs[1] = weights_add(network, kernel, channels, 0, random);
		operator.inputs[2] = input;
		operator.input_count = 3;
		break;
	default:
		operator.code = layer->kind == DEPTHWISE ? NETWORK_DEPTHWISE : NETWORK_CONVOLUTION;
		operator.inputs[1] = weights_add(network, kernel, channels,
						 layer->kind == DEPTHWISE ? 3 : 0, random);
		operator.inputs[2] = constant_add(network, channels, channels, NULL);
		operator.input_count = 3;
		break;
	}
	operator.output = network_tensor_add(network, NETWORK_INT8, 4, out, 1,
					     layer->kind == LOGISTIC ? 1.0f / 256 : 0.02f);
	if (layer->kind == LOGISTIC)
		network->tensors[operator.output].zero_point = -128;
	network->operators[network->operator_count++] = operator;
	return operator.output;
}

static struct network *model_network(const struct model *model)
{
	struct network *network = calloc(1, sizeof(*network));
	struct random random = random_stream(1, 1);
	const int32_t shape[4] = { 1, model->height, model->width, model->channels };
	int outputs[LAYERS_MAX], last;

	if (!network)
		return NULL;
	last = network_tensor_add(network, NETWORK_INT8, 4, shape, 1, 0.02f);
	for (int l = 0; l < LAYERS_MAX && model->layers[l].kind != END; l++)
		last = outputs[l] = layer_add(network, &model->layers[l], outputs, last, &random);
	network->input_count = network->output_count = 1;
	network->outputs[0] = last;
	return network;
}

static bool put(const char *directory, const char *name, const char *suffix, const void *data,
		size_t bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s.%s", directory, name, suffix);
	return network_file_put("networks", path, data, bytes);
}

static bool model_write(const struct model *model, const char *directory)
{
	struct network *network = model_network(model);
	size_t bytes = 0;
	uint8_t *file = network ? network_write(network, &bytes) : NULL;
	uint8_t *input = file ? malloc(network->tensors[0].elements) : NULL;
	bool good = false;

	if (input) {
		network_fill(&network->tensors[0], 1, input);
		good = put(directory, model->name, "tflite", file, bytes) &&
		       put(directory, model->name, "bin", input, network->tensors[0].elements);
	}
	free(input);
	free(file);
	network_free(network);
	return good;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: networks DIRECTORY\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (!model_write(&models[i], argv[1]))
			return 1;
	return 0;
}
