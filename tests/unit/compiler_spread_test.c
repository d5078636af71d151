// SPDX-License-Identifier: MIT
/* Weights of groups stored without zeros: copied as they say, they are what is packed. */
#include <stdlib.h>
#include <string.h>

#include "compiler_test.h"
#include "spread.h"

/* Whether the copy of what is stored gives what weights_pack() gives. */
static bool is_same(const struct spread *spread, const struct buffer *stored,
		    const struct buffer *packed)
{
	uint8_t *sram = malloc(packed->bytes);
	size_t at = 0;
	bool same;

	if (!sram)
		return false;
	memset(sram, spread->fill, packed->bytes);
	for (uint32_t d = 0; d < spread->count[3]; d++)
		for (uint32_t c = 0; c < spread->count[2]; c++)
			for (uint32_t b = 0; b < spread->count[1]; b++)
				for (uint32_t a = 0; a < spread->count[0]; a++)
					sram[spread->offset + d * spread->stride[3] +
					     c * spread->stride[2] + b * spread->stride[1] +
					     a * spread->stride[0]] = stored->data[at++];
	same = at == stored->bytes && !memcmp(sram, packed->data, packed->bytes);
	free(sram);
	return same;
}

/* All bricks of a convolution of `groups`; how many could be spread. */
static unsigned int check_groups(struct test *test, int32_t groups, int32_t outputs,
				 int32_t inputs, int32_t kernel)
{
	size_t bytes = (size_t)(groups * outputs * inputs * kernel);
	uint8_t *data = malloc(bytes);
	unsigned int spreads = 0;
	struct weights weights = {
		.data = data, .zero = 3, .mode = KESTREL_MAC_CONVOLUTION, .depth = 16,
		.source_output_channels = groups * outputs, .source_channels = inputs,
		.source_kernel_h = 1, .source_kernel_w = kernel, .group_outputs = outputs,
		.output_channels = groups * outputs, .channels = groups * inputs,
		.rows = { 1, 0, 1 }, .columns = { kernel, 0, 1 },
	};

	CHECK(test, data);
	for (size_t i = 0; data && i < bytes; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	for (int32_t c = 0; data && c < groups * outputs; c += 16) {
		struct weights_part part = weights_whole(&weights);
		struct buffer packed = { 0 }, stored = { 0 };
		struct spread spread;
		struct weights some;
		int ret;

		part.channel_first = c;
		part.channel_count = groups * outputs - c < 16 ? groups * outputs - c : 16;
		weights_group_inputs(&weights, &part);
		some = weights_of_part(&weights, &part);
		weights_pack(&some, part.channel_first, part.channel_count, &packed);
		ret = spread_pack(&weights, &part, &spread, &stored);
		CHECK(test, ret >= 0);
		CHECK(test, ret ? is_same(&spread, &stored, &packed) : !stored.bytes);
		if (ret > 0)
			CHECK(test, stored.bytes == (size_t)(part.channel_count * inputs * kernel));
		spreads += ret > 0;
		buffer_release(&packed);
		buffer_release(&stored);
	}
	free(data);
	return spreads;
}

int main(void)
{
	struct test test = { 0 };
	struct weights plain = { .output_channels = 16, .channels = 16 };
	struct weights_part part = weights_whole(&plain);
	struct buffer stored = { 0 };
	struct spread spread;

	/* The layers that SVDF becomes: one output a group. */
	CHECK(&test, check_groups(&test, 64, 1, 8, 1) == 4);
	CHECK(&test, check_groups(&test, 64, 1, 16, 1) == 4);
	CHECK(&test, check_groups(&test, 20, 1, 32, 1) == 2);
	CHECK(&test, check_groups(&test, 32, 1, 4, 3) > 0);
	test_end(&test, "layers with one output a group are spread");
	/* Any others: right, or not at all. */
	for (int32_t groups = 2; groups < 20; groups += 3)
		for (int32_t outputs = 1; outputs < 9; outputs++)
			for (int32_t inputs = 1; inputs < 19; inputs += 2)
				check_groups(&test, groups, outputs, inputs, 1 + inputs % 3);
	CHECK(&test, spread_pack(&plain, &part, &spread, &stored) == 0);
	buffer_release(&stored);
	test_end(&test, "weights of groups lie where they are packed");
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
