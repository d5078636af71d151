// SPDX-License-Identifier: MIT
/* The check of finished streams: values at the ends of what registers take, and beyond. */
#include <string.h>

#include "compiler_test.h"
#include "emit.h"
#include "verify.h"

struct limits {
	enum kestrel_unit unit;
	unsigned int number;
	int64_t least, most;
};

/* Whether a stream of one command is refused for the value of this register. */
static bool refused(const struct target *target, const struct limits *limits, int64_t value)
{
	struct stream_segment segment = { .base_count = 1, .bases[0].size = 1u << 25 };
	struct command_list list = { 0 };
	struct command *command = command_append(&list, limits->unit, 0);
	struct predict_records records;
	struct buffer bytes = { 0 };
	struct error error = { 0 };
	char name[32];

	command_set(command, limits->number, value);
	emit_stream(&list, NULL, &bytes, &records);
	verify_stream(target, &segment, &bytes, &error);
	buffer_release(&bytes);
	command_release(&list);
	snprintf(name, sizeof(name), "register %u of ", limits->number);
	return strstr(error.text, name) && strstr(error.text, "does not take");
}

static void check_limits(struct test *test, const struct target *target)
{
	static const struct limits limits[] = {
		{ KESTREL_UNIT_DMA_IN, KESTREL_DMA_COUNT0, 1, 1 << 24 },
		{ KESTREL_UNIT_DMA_OUT, KESTREL_DMA_COUNT3, 1, 65536 },
		{ KESTREL_UNIT_DMA_IN, KESTREL_DMA_ELEMENT_BYTES, 1, 2 },
		{ KESTREL_UNIT_MAC, KESTREL_MAC_KERNEL_WIDTH, 1, 1024 },
		{ KESTREL_UNIT_MAC, KESTREL_MAC_PAD_TOP, -65536, 65536 },
		{ KESTREL_UNIT_MAC, KESTREL_MAC_SHIFT, -31, 30 },
		{ KESTREL_UNIT_MAC, KESTREL_MAC_CLAMP_MAX, -32768, 32767 },
		{ KESTREL_UNIT_VECTOR, KESTREL_VECTOR_OFM_HEIGHT, 1, 65536 },
		{ KESTREL_UNIT_VECTOR, KESTREL_VECTOR_STRIDE_Y, 1, 64 },
		{ KESTREL_UNIT_VECTOR, KESTREL_VECTOR_OFM_ZERO_POINT, -32768, 32767 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		CHECK(test, !refused(target, &limits[i], limits[i].least));
		CHECK(test, !refused(target, &limits[i], limits[i].most));
		CHECK(test, refused(target, &limits[i], limits[i].least - 1));
		CHECK(test, refused(target, &limits[i], limits[i].most + 1));
	}
	test_end(test, "values beyond what a register takes are refused");
}

static void check_multiples(struct test *test, const struct target *target)
{
	static const struct limits limits[] = {
		{ .unit = KESTREL_UNIT_MAC, .number = KESTREL_MAC_WEIGHT_ADDRESS },
		{ .unit = KESTREL_UNIT_VECTOR, .number = KESTREL_VECTOR_TABLE_ADDRESS },
		{ .unit = KESTREL_UNIT_DMA_IN, .number = KESTREL_DMA_BRICK_STRIDE },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		CHECK(test, !refused(target, &limits[i], 4096 + 16));
		CHECK(test, refused(target, &limits[i], 4096 + 8));
	}
	test_end(test, "addresses that are no multiple of 16 are refused");
}

int main(void)
{
	struct target target;
	struct test test = { 0 };
	struct error error;

	target_set(&target, "kestrel-256", NULL, &error);
	check_limits(&test, &target);
	check_multiples(&test, &target);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
