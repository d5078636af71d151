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

static void set_transfer(struct command *command, int64_t base, int64_t offset, int64_t sram)
{
	command_set(command, KESTREL_DMA_BASE, base);
	command_set(command, KESTREL_DMA_OFFSET, offset);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS, sram);
	command_set(command, KESTREL_DMA_COUNT0, 16);
}

/* Whether a transfer from a base may follow one to a row of tensor 7, without a wait. */
static bool follows_row(const struct target *target, int64_t base, int64_t offset)
{
	struct stream_segment segment = {
		.base_count = 3,
		.bases = {
			{ .kind = KESTREL_GRAPH_BASE_TENSOR, .tensor = 7, .size = 128 },
			{ .kind = KESTREL_GRAPH_BASE_TENSOR, .tensor = 8, .size = 128 },
			{ .kind = KESTREL_GRAPH_BASE_ROW, .tensor = 7, .size = 80,
			  .position_count = 4, .row_bytes = 16 },
		},
	};
	struct command_list list = { 0 };
	struct predict_records records[2];
	struct buffer bytes = { 0 };
	struct error error = { 0 };
	int ret;

	set_transfer(command_append(&list, KESTREL_UNIT_DMA_OUT, 0), 2, 0, 0);
	set_transfer(command_append(&list, KESTREL_UNIT_DMA_IN, 0), base, offset, 64);
	emit_stream(&list, NULL, &bytes, records);
	ret = verify_stream(target, &segment, &bytes, &error);
	buffer_release(&bytes);
	command_release(&list);
	return !ret || !strstr(error.text, "without waiting for it");
}

static void check_rows(struct test *test, const struct target *target)
{
	CHECK(test, !follows_row(target, 0, 0));
	CHECK(test, !follows_row(target, 0, 48));
	CHECK(test, follows_row(target, 0, 64));
	CHECK(test, follows_row(target, 1, 0));
	CHECK(test, !follows_row(target, 2, 0));
	CHECK(test, !follows_row(target, 2, 48));
	test_end(test, "a row lies in its tensor, at any position");
}

int main(void)
{
	struct target target;
	struct test test = { 0 };
	struct error error;

	target_set(&target, "kestrel-256", NULL, &error);
	check_limits(&test, &target);
	check_multiples(&test, &target);
	check_rows(&test, &target);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
