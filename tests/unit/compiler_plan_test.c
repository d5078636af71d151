// SPDX-License-Identifier: MIT
/* The SRAM planner: nothing overlaps, loads come in order, too much is refused. */
#include "compiler_test.h"
#include "layout.h"
#include "plan.h"

#define BUFFERS 60
#define SRAM 65536

static bool overlap(const struct plan_buffer *a, const struct plan_buffer *b)
{
	return a->start <= b->last && b->start <= a->last &&
	       a->address < b->address + b->bytes && b->address < a->address + a->bytes;
}

static void check_plan(struct test *test, const struct plan_buffer *buffers, unsigned int count,
		       uint64_t peak)
{
	unsigned int start = 0;
	uint64_t highest = 0;

	for (unsigned int i = 0; i < count; i++) {
		CHECK(test, buffers[i].address % PLAN_ALIGNMENT == 0);
		CHECK(test, buffers[i].address + buffers[i].bytes <= SRAM);
		if (buffers[i].address + buffers[i].bytes > highest)
			highest = buffers[i].address + buffers[i].bytes;
		for (unsigned int j = 0; j < i; j++)
			CHECK(test, !overlap(&buffers[i], &buffers[j]));
		if (!buffers[i].is_load) {
			CHECK(test, buffers[i].start == buffers[i].first);
			continue;
		}
		CHECK(test, buffers[i].start >= start && buffers[i].start <= buffers[i].first);
		CHECK(test, buffers[i].start >= buffers[i].earliest);
		start = buffers[i].start;
	}
	CHECK(test, peak == highest);
}

static void check_random_plans(struct test *test)
{
	uint64_t random = 3;
	unsigned int placed = 0, refused = 0;

	for (int round = 0; round < 500; round++) {
		struct plan_buffer buffers[BUFFERS] = { 0 };
		unsigned int step = 0;
		uint64_t peak, bound;
		int failed;

		for (unsigned int i = 0; i < BUFFERS; i++) {
			step += test_random(&random) % 2;
			buffers[i].bytes = 1 + test_random(&random) % (round < 250 ? 6000 : 20000);
			buffers[i].first = step;
			buffers[i].last = step + test_random(&random) % 4;
			buffers[i].is_load = test_random(&random) % 2;
			if (buffers[i].is_load)
				buffers[i].earliest = step > 5 ? step - 5 : 0;
		}
		failed = plan_place(buffers, BUFFERS, SRAM, &peak, &bound);
		if (failed < 0) {
			check_plan(test, buffers, BUFFERS, peak);
			CHECK(test, bound <= SRAM);
		}
		CHECK(test, failed < BUFFERS);
		placed += failed < 0;
		refused += failed >= 0;
	}
	CHECK(test, placed > 100 && refused > 10);
	test_end(test, "random plans");
}

static void check_prefetch(struct test *test)
{
	struct plan_buffer buffers[] = {
		{ .bytes = 40000, .first = 0, .last = 3 },
		{ .bytes = 20000, .first = 2, .last = 2, .is_load = true },
		{ .bytes = 20000, .first = 4, .last = 4, .is_load = true },
	};
	uint64_t peak, bound;

	CHECK(test, plan_place(buffers, 3, SRAM, &peak, &bound) < 0);
	/* The first load fits from the beginning, the second behind it. */
	CHECK(test, buffers[1].start == 0 && buffers[2].start == 3);
	buffers[0].bytes = SRAM + 1;
	CHECK(test, bound == 60000);
	CHECK(test, plan_place(buffers, 3, SRAM, &peak, &bound) == 0);
	test_end(test, "loads come as early as there is room");
}

/*
 * Cuts the SRAM over `steps` steps into buffers that fill it: blocks are cut in two, in
 * time or in bytes. There is a way to place them, and only ways without any gap.
 */
static unsigned int cut_plan(struct plan_buffer *buffers, unsigned int count, unsigned int steps,
			     uint64_t *random)
{
	unsigned int made = 1;

	buffers[0] = (struct plan_buffer){ .bytes = SRAM, .last = steps - 1 };
	while (made < count) {
		struct plan_buffer *whole = &buffers[test_random(random) % made];
		struct plan_buffer *part = &buffers[made];

		*part = *whole;
		if (test_random(random) % 2 && whole->last > whole->first) {
			whole->last = whole->first + (unsigned int)
				      (test_random(random) % (whole->last - whole->first));
			part->first = whole->last + 1;
		} else if (whole->bytes >= 2 * PLAN_ALIGNMENT) {
			whole->bytes = PLAN_ALIGNMENT *
				       (1 + test_random(random) %
						    (whole->bytes / PLAN_ALIGNMENT - 1));
			part->bytes -= whole->bytes;
		} else {
			continue;
		}
		made++;
	}
	return made;
}

static void check_tight_plans(struct test *test, unsigned int count, unsigned int least)
{
	uint64_t random = 17;
	unsigned int placed = 0;

	for (int round = 0; round < 100; round++) {
		struct plan_buffer buffers[BUFFERS] = { 0 };
		uint64_t peak, bound;

		cut_plan(buffers, count, 12, &random);
		if (plan_place(buffers, count, SRAM, &peak, &bound) < 0) {
			check_plan(test, buffers, count, peak);
			placed++;
		}
		CHECK(test, bound == SRAM);
	}
	CHECK(test, placed >= least);
	printf("# %u of 100 plans of %u buffers without a gap\n", placed, count);
	test_end(test, "plans that leave no room");
}

static void check_layouts(struct test *test)
{
	struct layout bricks = layout_make(1, 7, 5, 33, false);
	struct layout packed = layout_make(1, 7, 5, 3, true);
	struct layout wide = layout_make(2, 7, 5, 33, false);

	CHECK(test, bricks.brick_stride == 5 * 16 && bricks.row_stride == 3 * 5 * 16);
	CHECK(test, layout_bytes(&bricks, 7) == 7 * 3 * 5 * 16);
	CHECK(test, packed.pixel_stride == 3 && packed.row_stride == 16);
	CHECK(test, layout_channel_offset(&bricks, 15) == 0);
	CHECK(test, layout_channel_offset(&bricks, 32) == 2 * bricks.brick_stride);
	CHECK(test, wide.row_stride == 5 * 5 * 16);
	CHECK(test, layout_channel_offset(&wide, 32) == 4 * wide.brick_stride);
	test_end(test, "layouts");
}

int main(void)
{
	struct test test = { 0 };

	check_random_plans(&test);
	check_prefetch(&test);
	check_tight_plans(&test, 9, 100);
	check_tight_plans(&test, 16, 100);
	check_tight_plans(&test, 40, 80);
	check_layouts(&test);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
