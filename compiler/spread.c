// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spread.h"

/* What weights_pack() gives: `marks` is 1 where a weight of the model is, else 0. */
static int pack_marked(const struct weights *weights, const struct weights_part *part,
		       struct buffer *packed, struct buffer *marks)
{
	struct weights some = weights_of_part(weights, part), marked = some;
	size_t bytes = (size_t)some.source_output_channels * (size_t)some.source_kernel_h *
		       (size_t)some.source_kernel_w * (size_t)some.source_channels;
	uint8_t *ones = malloc(bytes);

	if (!ones)
		return -ENOMEM;
	memset(ones, 1, bytes);
	marked.data = ones;
	marked.zero = 0;
	weights_pack(&some, part->channel_first, part->channel_count, packed);
	weights_pack(&marked, part->channel_first, part->channel_count, marks);
	free(ones);
	return packed->failed || marks->failed ? -ENOMEM : 0;
}

/* How many of the first places lie equally far apart. */
static size_t first_run(const uint32_t *places, size_t count)
{
	size_t run = 2;

	while (run < count && places[run] - places[run - 1] == places[1] - places[0])
		run++;
	return run;
}

/* Keeps of each run of places the first, if all are as the first run is. */
static bool fold(uint32_t *places, size_t *count, size_t run, uint32_t stride)
{
	if (*count % run)
		return false;
	for (size_t i = 0; i < *count; i++)
		if (places[i] != places[i - i % run] + i % run * stride)
			return false;
	*count /= run;
	for (size_t i = 0; i < *count; i++)
		places[i] = places[i * run];
	return true;
}

/* Finds the strides of places, which are rising; they are lost. */
static bool find_strides(uint32_t *places, size_t count, struct spread *spread)
{
	for (unsigned int d = 0; d < SPREAD_DIMENSIONS; d++) {
		size_t run = 1;

		spread->stride[d] = 1;
		if (count > 1 && (d || places[1] == places[0] + 1)) {
			run = first_run(places, count);
			spread->stride[d] = places[1] - places[0];
		}
		spread->count[d] = (uint32_t)run;
		if (run > 1 && !fold(places, &count, run, spread->stride[d]))
			return false;
	}
	spread->offset = places[0];
	return count == 1;
}

int spread_pack(const struct weights *weights, const struct weights_part *part,
		struct spread *spread, struct buffer *out)
{
	struct buffer packed = { 0 }, marks = { 0 };
	uint32_t *places = NULL;
	size_t count = 0;
	int ret = 0;

	if (!weights->group_outputs)
		return 0;
	ret = pack_marked(weights, part, &packed, &marks);
	if (!ret) {
		places = malloc((packed.bytes + 1) * sizeof(*places));
		ret = places ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !ret && i < packed.bytes; i++)
		if (marks.data[i])
			places[count++] = (uint32_t)i;
	if (!ret && count) {
		spread->fill = weights->zero;
		ret = find_strides(places, count, spread);
	}
	for (size_t i = 0; ret > 0 && i < packed.bytes; i++)
		if (marks.data[i])
			buffer_byte(out, packed.data[i]);
	if (out->failed)
		ret = -ENOMEM;
	free(places);
	buffer_release(&packed);
	buffer_release(&marks);
	return ret;
}
