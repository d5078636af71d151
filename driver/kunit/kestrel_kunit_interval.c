// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "kestrel_interval.h"

static int object_a;
static int object_b;

static struct kestrel_interval *make(struct kunit *test, u64 start, u64 size, u64 offset,
				     void *object)
{
	struct kestrel_interval *interval = kunit_kzalloc(test, sizeof(*interval), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, interval);
	INIT_LIST_HEAD(&interval->link);
	interval->start = start;
	interval->size = size;
	interval->offset = offset;
	interval->object = object;
	return interval;
}

static void expect(struct kunit *test, const struct kestrel_interval *interval, u64 start,
		   u64 size, u64 offset, const void *object)
{
	KUNIT_ASSERT_NOT_NULL(test, interval);
	KUNIT_EXPECT_EQ(test, interval->start, start);
	KUNIT_EXPECT_EQ(test, interval->size, size);
	KUNIT_EXPECT_EQ(test, interval->offset, offset);
	KUNIT_EXPECT_PTR_EQ(test, interval->object, object);
}

static void interval_finds_first(struct kunit *test)
{
	struct kestrel_interval_tree tree = { RB_ROOT };

	kestrel_interval_insert(&tree, make(test, 100, 50, 0, &object_a));
	kestrel_interval_insert(&tree, make(test, 200, 50, 0, &object_b));

	KUNIT_EXPECT_NULL(test, kestrel_interval_first(&tree, 0, 100));
	expect(test, kestrel_interval_first(&tree, 0, 101), 100, 50, 0, &object_a);
	expect(test, kestrel_interval_first(&tree, 149, 1), 100, 50, 0, &object_a);
	KUNIT_EXPECT_NULL(test, kestrel_interval_first(&tree, 150, 50));
	expect(test, kestrel_interval_first(&tree, 150, 51), 200, 50, 0, &object_b);
	KUNIT_EXPECT_NULL(test, kestrel_interval_first(&tree, 250, 1000));
}

static void interval_removes_whole(struct kunit *test)
{
	struct kestrel_interval_tree tree = { RB_ROOT };
	LIST_HEAD(spares);
	LIST_HEAD(removed);

	kestrel_interval_insert(&tree, make(test, 100, 50, 0, &object_a));
	kestrel_interval_insert(&tree, make(test, 150, 50, 0, &object_b));
	kestrel_interval_insert(&tree, make(test, 300, 50, 0, &object_b));
	list_add(&make(test, 0, 0, 0, NULL)->link, &spares);

	KUNIT_EXPECT_NULL(test, kestrel_interval_cut(&tree, 100, 100, &spares, &removed));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&removed), 2);
	expect(test, kestrel_interval_first(&tree, 0, 1000), 300, 50, 0, &object_b);
}

static void interval_shortens_both_neighbours(struct kunit *test)
{
	struct kestrel_interval_tree tree = { RB_ROOT };
	struct kestrel_interval *first;
	LIST_HEAD(spares);
	LIST_HEAD(removed);

	kestrel_interval_insert(&tree, make(test, 100, 50, 1000, &object_a));
	kestrel_interval_insert(&tree, make(test, 150, 50, 2000, &object_b));
	list_add(&make(test, 0, 0, 0, NULL)->link, &spares);

	KUNIT_EXPECT_NULL(test, kestrel_interval_cut(&tree, 140, 30, &spares, &removed));
	KUNIT_EXPECT_TRUE(test, list_empty(&removed));
	first = kestrel_interval_first(&tree, 0, 1000);
	expect(test, first, 100, 40, 1000, &object_a);
	expect(test, kestrel_interval_next(first), 170, 30, 2020, &object_b);
}

static void interval_splits_in_two(struct kunit *test)
{
	struct kestrel_interval_tree tree = { RB_ROOT };
	struct kestrel_interval *first, *upper;
	LIST_HEAD(spares);
	LIST_HEAD(removed);

	kestrel_interval_insert(&tree, make(test, 100, 100, 500, &object_a));
	list_add(&make(test, 0, 0, 0, NULL)->link, &spares);

	upper = kestrel_interval_cut(&tree, 130, 20, &spares, &removed);
	expect(test, upper, 150, 50, 550, &object_a);
	KUNIT_EXPECT_TRUE(test, list_empty(&spares));
	first = kestrel_interval_first(&tree, 0, 1000);
	expect(test, first, 100, 30, 500, &object_a);
	KUNIT_EXPECT_PTR_EQ(test, kestrel_interval_next(first), upper);
}

static void interval_leaves_holes_alone(struct kunit *test)
{
	struct kestrel_interval_tree tree = { RB_ROOT };
	LIST_HEAD(spares);
	LIST_HEAD(removed);

	kestrel_interval_insert(&tree, make(test, 100, 100, 0, &object_a));
	KUNIT_EXPECT_NULL(test, kestrel_interval_cut(&tree, 0, 100, &spares, &removed));
	KUNIT_EXPECT_NULL(test, kestrel_interval_cut(&tree, 200, 100, &spares, &removed));
	KUNIT_EXPECT_TRUE(test, list_empty(&removed));
	expect(test, kestrel_interval_first(&tree, 0, 1000), 100, 100, 0, &object_a);
}

static void interval_finds_objects(struct kunit *test)
{
	struct kestrel_interval_tree tree = { RB_ROOT };
	struct kestrel_interval *first;
	LIST_HEAD(spares);
	LIST_HEAD(removed);

	KUNIT_EXPECT_NULL(test, kestrel_interval_of_object(&tree, &object_a));
	KUNIT_EXPECT_NULL(test, kestrel_interval_next_object(&tree, NULL));
	kestrel_interval_insert(&tree, make(test, 300, 50, 0, &object_a));
	kestrel_interval_insert(&tree, make(test, 200, 50, 0, &object_b));
	kestrel_interval_insert(&tree, make(test, 100, 50, 0, &object_a));
	list_add(&make(test, 0, 0, 0, NULL)->link, &spares);

	first = kestrel_interval_of_object(&tree, &object_b);
	expect(test, first, 200, 50, 0, &object_b);
	KUNIT_EXPECT_NULL(test, kestrel_interval_next_of_object(first));
	first = kestrel_interval_of_object(&tree, &object_a);
	expect(test, first, 100, 50, 0, &object_a);
	first = kestrel_interval_next_of_object(first);
	expect(test, first, 300, 50, 0, &object_a);
	KUNIT_EXPECT_NULL(test, kestrel_interval_next_of_object(first));

	/* Both parts of what is split, and nothing of what is gone. */
	KUNIT_EXPECT_NOT_NULL(test, kestrel_interval_cut(&tree, 310, 10, &spares, &removed));
	KUNIT_EXPECT_NULL(test, kestrel_interval_cut(&tree, 100, 150, &spares, &removed));
	KUNIT_EXPECT_NULL(test, kestrel_interval_of_object(&tree, &object_b));
	first = kestrel_interval_of_object(&tree, &object_a);
	expect(test, first, 300, 10, 0, &object_a);
	expect(test, kestrel_interval_next_of_object(first), 320, 30, 20, &object_a);
}

/*
 * Random cuts and inserts against an array that says, for each address, which
 * byte of which object is there.
 */
#define MODEL_SIZE	256
#define MODEL_STEPS	2000
#define MODEL_OBJECTS	8

struct model_byte {
	u32 object;
	u32 offset;
};

static void interval_compare(struct kunit *test, const struct kestrel_interval_tree *tree,
			     const struct model_byte *model)
{
	unsigned int at;

	for (at = 0; at < MODEL_SIZE; at++) {
		struct kestrel_interval *interval = kestrel_interval_first(tree, at, 1);
		u32 object = interval ? (uintptr_t)interval->object : 0;

		KUNIT_ASSERT_EQ(test, object, model[at].object);
		if (interval)
			KUNIT_ASSERT_EQ(test, (u32)(interval->offset + (at - interval->start)),
					model[at].offset);
	}
}

/* Every interval of the tree is found by its object, in the order of their addresses. */
static void interval_compare_objects(struct kunit *test, const struct kestrel_interval_tree *tree)
{
	struct kestrel_interval *by_object[MODEL_OBJECTS + 1], *interval;
	uintptr_t object;

	interval = kestrel_interval_next_object(tree, NULL);
	for (object = 1; object <= MODEL_OBJECTS; object++) {
		by_object[object] = kestrel_interval_of_object(tree, (void *)object);
		if (!by_object[object])
			continue;
		KUNIT_ASSERT_PTR_EQ(test, interval, by_object[object]);
		interval = kestrel_interval_next_object(tree, interval->object);
	}
	KUNIT_ASSERT_NULL(test, interval);
	for (interval = kestrel_interval_first(tree, 0, MODEL_SIZE); interval;
	     interval = kestrel_interval_next(interval)) {
		object = (uintptr_t)interval->object;
		KUNIT_ASSERT_PTR_EQ(test, by_object[object], interval);
		by_object[object] = kestrel_interval_next_of_object(interval);
	}
	for (object = 1; object <= MODEL_OBJECTS; object++)
		KUNIT_ASSERT_NULL(test, by_object[object]);
}

static void interval_agrees_with_model(struct kunit *test)
{
	struct model_byte *model = kunit_kcalloc(test, MODEL_SIZE, sizeof(*model), GFP_KERNEL);
	struct kestrel_interval_tree tree = { RB_ROOT };
	struct kestrel_interval *interval;
	struct rnd_state random;
	LIST_HEAD(spares);
	unsigned int step, i;

	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&random, 20260101);
	for (i = 0; i < 2 * MODEL_SIZE; i++)
		list_add(&make(test, 0, 0, 0, NULL)->link, &spares);

	for (step = 1; step <= MODEL_STEPS; step++) {
		u32 start = prandom_u32_state(&random) % MODEL_SIZE;
		u32 size = 1 + prandom_u32_state(&random) % (MODEL_SIZE - start);
		u32 object = prandom_u32_state(&random) % 3 ?
			     1 + prandom_u32_state(&random) % MODEL_OBJECTS : 0;
		u32 offset = prandom_u32_state(&random) % 1000;

		/* What is removed is used again. */
		kestrel_interval_cut(&tree, start, size, &spares, &spares);
		if (object) {
			interval = list_first_entry(&spares, struct kestrel_interval, link);
			list_del(&interval->link);
			interval->start = start;
			interval->size = size;
			interval->offset = offset;
			interval->object = (void *)(uintptr_t)object;
			kestrel_interval_insert(&tree, interval);
		}
		for (i = start; i < start + size; i++) {
			model[i].object = object;
			model[i].offset = offset + (i - start);
		}
		interval_compare(test, &tree, model);
		interval_compare_objects(test, &tree);
	}
}

static struct kunit_case interval_cases[] = {
	KUNIT_CASE(interval_finds_first),
	KUNIT_CASE(interval_removes_whole),
	KUNIT_CASE(interval_shortens_both_neighbours),
	KUNIT_CASE(interval_splits_in_two),
	KUNIT_CASE(interval_leaves_holes_alone),
	KUNIT_CASE(interval_finds_objects),
	KUNIT_CASE(interval_agrees_with_model),
	{}
};

static struct kunit_suite interval_suite = {
	.name = "kestrel_interval",
	.test_cases = interval_cases,
};

kunit_test_suite(interval_suite);
