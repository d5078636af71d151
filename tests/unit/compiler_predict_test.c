// SPDX-License-Identifier: MIT
/*
 * Costs against figures worked out by hand from docs/hardware.md, passes against
 * the rule of isa.h, windows against TFLite's padding.
 */
#include <string.h>

#include "compiler_test.h"
#include "error.h"
#include "passes.h"
#include "predict.h"
#include "resolve.h"

struct layer {
	enum kestrel_mac_mode mode;
	int channels, out_channels, out_width, out_height, kernel, stride;
	/* Bytes of an input row and pixel. */
	int row_stride, pixel_stride;
	uint64_t cycles;
};

static void check_layers(struct test *test)
{
	/*
	 * The three microbenchmarks on kestrel-256, without the 8 cycles of the
	 * drain. Depthwise: (8 + 2 + 1 + 256) x 33/32. Convolution: blocks of 5 rows
	 * of 48 pixels, 9 of them and one of 3 rows, two passes each:
	 * (8 + 9 x (2 + 2 x 241) + 2 + 2 x 145) x 33/32.
	 */
	static const struct layer layers[] = {
		{ KESTREL_MAC_DEPTHWISE, 16, 16, 16, 16, 3, 1, 18 * 16, 16, 276 },
		{ KESTREL_MAC_DEPTHWISE, 16, 16, 16, 16, 3, 2, 36 * 16, 16, 276 },
		{ KESTREL_MAC_PACKED_CONVOLUTION, 3, 16, 48, 48, 3, 2, 304, 3, 4802 },
	};
	struct target target;
	struct error error;

	CHECK(test, !target_set(&target, "kestrel-256", NULL, &error));
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		const struct layer *l = &layers[i];
		struct command command = { .unit = KESTREL_UNIT_MAC };
		struct predict_cost cost;

		command_set(&command, KESTREL_MAC_MODE, l->mode);
		command_set(&command, KESTREL_MAC_IFM_CHANNELS, l->channels);
		command_set(&command, KESTREL_MAC_IFM_ROW_STRIDE, l->row_stride);
		command_set(&command, KESTREL_MAC_IFM_PIXEL_STRIDE, l->pixel_stride);
		command_set(&command, KESTREL_MAC_OFM_CHANNELS, l->out_channels);
		command_set(&command, KESTREL_MAC_OFM_WIDTH, l->out_width);
		command_set(&command, KESTREL_MAC_OFM_HEIGHT, l->out_height);
		command_set(&command, KESTREL_MAC_KERNEL_WIDTH, l->kernel);
		command_set(&command, KESTREL_MAC_KERNEL_HEIGHT, l->kernel);
		command_set(&command, KESTREL_MAC_STRIDE_X, l->stride);
		command_set(&command, KESTREL_MAC_STRIDE_Y, l->stride);
		cost = predict_command(&target, &command);
		CHECK(test, cost.busy == l->cycles && cost.drain == 8);
		if (cost.busy != l->cycles)
			printf("# layer %zu: %llu cycles, by hand %llu\n", i,
			       (unsigned long long)cost.busy, (unsigned long long)l->cycles);
	}
	test_end(test, "the three microbenchmarks");
}

static void check_transfers(struct test *test)
{
	struct command command = { .unit = KESTREL_UNIT_DMA_IN };
	struct predict_cost cost;
	struct target target;
	struct error error;

	CHECK(test, !target_set(&target, "kestrel-256", NULL, &error));
	command_set(&command, KESTREL_DMA_COUNT0, 1000);
	cost = predict_command(&target, &command);
	CHECK(test, cost.port == 0 && cost.port_time == 1000 && cost.latency == 64);
	/* An odd address takes part of one more beat. */
	command_set(&command, KESTREL_DMA_OFFSET, 4);
	CHECK(test, predict_command(&target, &command).port_time == 1008);
	command_set(&command, KESTREL_DMA_PORT, 1);
	CHECK(test, predict_command(&target, &command).port_time == 126);
	/* Ten runs of 100 bytes, each 13 or 14 beats. */
	command_set(&command, KESTREL_DMA_OFFSET, 0);
	command_set(&command, KESTREL_DMA_COUNT0, 100);
	command_set(&command, KESTREL_DMA_COUNT1, 10);
	command_set(&command, KESTREL_DMA_MEMORY_STRIDE1, 128);
	CHECK(test, predict_command(&target, &command).port_time == 130);
	command_set(&command, KESTREL_DMA_MEMORY_STRIDE1, 100);
	CHECK(test, predict_command(&target, &command).port_time == 125);
	test_end(test, "transfers");
}

/* Elements and passes that a kernel is cut into. */
static void count_passes(struct passes passes, int32_t *count, int32_t *elements)
{
	struct pass pass;

	*count = *elements = 0;
	while (passes_next(&passes, &pass)) {
		(*count)++;
		*elements += pass.count;
	}
}

static void check_passes(struct test *test)
{
	static const struct {
		struct passes passes;
		int32_t count, elements;
	} cases[] = {
		{ { KESTREL_MAC_CONVOLUTION, 3, 3, 40, 16, 0, 0 }, 27, 360 },
		{ { KESTREL_MAC_CONVOLUTION, 1, 1, 16, 16, 0, 0 }, 1, 16 },
		{ { KESTREL_MAC_PACKED_CONVOLUTION, 3, 3, 3, 16, 0, 0 }, 2, 27 },
		/* One element a row: four rows a pass. */
		{ { KESTREL_MAC_PACKED_CONVOLUTION, 10, 1, 1, 16, 0, 0 }, 3, 10 },
		{ { KESTREL_MAC_DEPTHWISE, 3, 3, 64, 16, 0, 0 }, 1, 9 },
		{ { KESTREL_MAC_DEPTHWISE, 5, 5, 1, 16, 0, 0 }, 2, 25 },
		{ { KESTREL_MAC_DEPTHWISE, 7, 1, 1, 16, 0, 0 }, 2, 7 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int32_t count, elements;

		count_passes(cases[i].passes, &count, &elements);
		CHECK(test, count == cases[i].count && elements == cases[i].elements);
	}
	test_end(test, "passes");
}

static void check_windows(struct test *test)
{
	struct resolve_axis axis;

	axis = resolve_axis_window(IR_PADDING_SAME, 49, 10, 2, 1);
	CHECK(test, axis.output == 25 && axis.before == 4 && axis.after == 5);
	axis = resolve_axis_window(IR_PADDING_SAME, 96, 3, 2, 1);
	CHECK(test, axis.output == 48 && axis.before == 0 && axis.after == 1);
	axis = resolve_axis_window(IR_PADDING_SAME, 8, 1, 2, 1);
	CHECK(test, axis.output == 4 && axis.before == 0 && axis.after == -1);
	axis = resolve_axis_window(IR_PADDING_VALID, 10, 3, 2, 2);
	CHECK(test, axis.output == 3 && axis.before == 0 && axis.after == -1);
	axis = resolve_axis_window(IR_PADDING_VALID, 2, 3, 1, 1);
	CHECK(test, axis.output == 0);
	test_end(test, "windows");
}

int main(void)
{
	struct test test = { 0 };

	check_layers(&test);
	check_transfers(&test);
	check_passes(&test);
	check_windows(&test);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
