// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "kestrel_compat.h"
#include "kestrel_fault.h"

static int fault_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct kestrel_fault_ring), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void push(struct kunit *test, u64 count)
{
	struct kestrel_fault_ring *ring = test->priv;
	u64 i;

	for (i = 0; i < count; i++) {
		struct drm_kestrel_fault fault = { .seqno = ring->written };

		kestrel_fault_push(ring, &fault);
	}
}

static void expect(struct kunit *test, u64 cursor, u32 capacity, u64 first, u32 count, u32 lost)
{
	struct kestrel_fault_ring *ring = test->priv;
	u32 got_count, got_lost, i;
	u64 got_first;

	KUNIT_ASSERT_EQ(test, kestrel_fault_range(ring, cursor, capacity, &got_first, &got_count,
						  &got_lost), 0);
	KUNIT_EXPECT_EQ(test, got_first, first);
	KUNIT_EXPECT_EQ(test, got_count, count);
	KUNIT_EXPECT_EQ(test, got_lost, lost);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(test, ring->records[(first + i) % KESTREL_FAULT_RECORDS].seqno,
				first + i);
}

static void fault_reads_in_order(struct kunit *test)
{
	expect(test, 0, 10, 0, 0, 0);
	push(test, 5);
	expect(test, 0, 10, 0, 5, 0);
	expect(test, 0, 3, 0, 3, 0);
	expect(test, 3, 10, 3, 2, 0);
	expect(test, 5, 10, 5, 0, 0);
	expect(test, 2, 0, 2, 0, 0);
}

static void fault_counts_what_is_lost(struct kunit *test)
{
	push(test, KESTREL_FAULT_RECORDS + 7);
	expect(test, 0, 1000, 7, KESTREL_FAULT_RECORDS, 7);
	expect(test, 6, 1, 7, 1, 1);
	expect(test, 7, 1000, 7, KESTREL_FAULT_RECORDS, 0);
}

static void fault_refuses_the_future(struct kunit *test)
{
	struct kestrel_fault_ring *ring = test->priv;
	u32 count, lost;
	u64 first;

	push(test, 3);
	KUNIT_EXPECT_EQ(test, kestrel_fault_range(ring, 4, 1, &first, &count, &lost), -EINVAL);
	KUNIT_EXPECT_EQ(test, kestrel_fault_range(ring, U64_MAX, 1, &first, &count, &lost),
			-EINVAL);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(fault_reads_in_order),
	KUNIT_CASE(fault_counts_what_is_lost),
	KUNIT_CASE(fault_refuses_the_future),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "kestrel_fault",
	.init = fault_test_init,
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);

KESTREL_COMPAT_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Unit tests of the Kestrel NPU driver");
MODULE_AUTHOR("The Kestrel authors");
MODULE_LICENSE("GPL");
