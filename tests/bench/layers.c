// SPDX-License-Identifier: MIT
/*
 * Models of one layer each, for the microbenchmarks of the MAC unit. Written to
 * DIRECTORY/NAME/model.tflite with one input vector, input_0.bin.
 *
 * usage: layers DIRECTORY
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "network.h"
#include "random.h"

struct layer {
	const char *name;
	bool depthwise;
	int height, width, channels, output_channels, stride;
};

#define SCALE 0.02f

/* 3x3 windows; maps that fit the SRAM of the smallest configuration whole. */
static const struct layer layers[] = {
	{ "depthwise_3x3_stride_1", true, 48, 48, 64, 64, 1 },
	{ "depthwise_3x3_stride_2", true, 48, 48, 64, 64, 2 },
	{ "first_layer_3x3_stride_2", false, 96, 96, 3, 32, 2 },
};

/* Tensors: 0 input, 1 weights, 2 bias, 3 output. */
static struct network *layer_network(const struct layer *layer)
{
	struct network *network = calloc(1, sizeof(*network));
	struct random random = random_stream(1, 1);
	int32_t channels = layer->output_channels;
	int32_t kernel[4] = { layer->depthwise ? 1 : channels, 3, 3,
			      layer->depthwise ? channels : layer->channels };
	int32_t in[4] = { 1, layer->height, layer->width, layer->channels };
	int32_t out[4] = { 1, (layer->height + layer->stride - 1) / layer->stride,
			   (layer->width + layer->stride - 1) / layer->stride, channels };
	struct network_tensor *weights, *bias;

	if (!network)
		return NULL;
	network_tensor_add(network, NETWORK_INT8, 4, in, 1, SCALE);
	weights = &network->tensors[network_tensor_add(network, NETWORK_INT8, 4, kernel, channels,
						       SCALE)];
	bias = &network->tensors[network_tensor_add(network, NETWORK_INT32, 1, &channels, channels,
						    SCALE)];
	network_tensor_add(network, NETWORK_INT8, 4, out, 1, SCALE);
	weights->quantised_dimension = layer->depthwise ? 3 : 0;
	weights->data = malloc(weights->elements);
	bias->data = calloc((size_t)channels, sizeof(int32_t));
	if (!weights->data || !bias->data || !weights->scales || !bias->scales ||
	    !network->tensors[0].scales || !network->tensors[3].scales) {
		network_free(network);
		return NULL;
	}
	for (size_t i = 0; i < weights->elements; i++)
		((int8_t *)weights->data)[i] = (int8_t)random_range(&random, -127, 127);
	network->operator_count = network->input_count = network->output_count = 1;
	network->outputs[0] = 3;
	network->operators[0] = (struct network_operator){
		.code = layer->depthwise ? NETWORK_DEPTHWISE : NETWORK_CONVOLUTION,
		.inputs = { 0, 1, 2 }, .input_count = 3, .output = 3,
		.options = { .stride_h = layer->stride, .stride_w = layer->stride,
			     .dilation_h = 1, .dilation_w = 1, .multiplier = 1 },
	};
	return network;
}

static bool put(const char *directory, const char *name, const void *data, size_t bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return network_file_put("layers", path, data, bytes);
}

static bool layer_write(const struct layer *layer, const char *top)
{
	struct network *network = layer_network(layer);
	size_t bytes = 0;
	uint8_t *model = network ? network_write(network, &bytes) : NULL, *input = NULL;
	char directory[512];
	bool good = false;

	snprintf(directory, sizeof(directory), "%s/%s", top, layer->name);
	if (model && (!mkdir(directory, 0777) || errno == EEXIST))
		input = malloc(network->tensors[0].elements);
	if (input) {
		network_fill(&network->tensors[0], 1, input);
		good = put(directory, "model.tflite", model, bytes) &&
		       put(directory, "input_0.bin", input, network->tensors[0].elements);
	}
	free(input);
	free(model);
	network_free(network);
	return good;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: layers DIRECTORY\n");
		return 2;
	}
	if (mkdir(argv[1], 0777) && errno != EEXIST) {
		fprintf(stderr, "layers: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (!layer_write(&layers[i], argv[1]))
			return 1;
	return 0;
}
