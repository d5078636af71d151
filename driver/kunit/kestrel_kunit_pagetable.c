// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "kestrel_pagetable.h"

#define RW		(KESTREL_PTE_READ | KESTREL_PTE_WRITE)
#define PAGE		((u64)KESTREL_PAGE_SIZE)
#define BLOCK		((u64)KESTREL_BLOCK_SIZE)
#define GIGABYTE	((u64)SZ_1G)
#define MEMORY		0x80000000ull

/* Memory for tables that counts, and that can run out. */
struct table_memory {
	struct kestrel_pagetable pt;
	unsigned int tables;
	unsigned int limit;
};

static __le64 *table_alloc(void *context, dma_addr_t *address)
{
	struct table_memory *memory = context;
	__le64 *entries;

	if (memory->tables == memory->limit)
		return NULL;
	entries = (__le64 *)get_zeroed_page(GFP_KERNEL);
	if (entries) {
		memory->tables++;
		*address = virt_to_phys(entries);
	}
	return entries;
}

static void table_free(void *context, __le64 *entries, dma_addr_t address)
{
	struct table_memory *memory = context;

	memory->tables--;
	free_page((unsigned long)entries);
}

static const struct kestrel_pagetable_ops table_ops = {
	.alloc = table_alloc,
	.free = table_free,
};

static int pagetable_test_init(struct kunit *test)
{
	struct table_memory *memory = kunit_kzalloc(test, sizeof(*memory), GFP_KERNEL);

	if (!memory)
		return -ENOMEM;
	memory->limit = UINT_MAX;
	test->priv = memory;
	return kestrel_pagetable_init(&memory->pt, &table_ops, memory);
}

static void pagetable_test_exit(struct kunit *test)
{
	struct table_memory *memory = test->priv;

	kestrel_pagetable_fini(&memory->pt);
	KUNIT_EXPECT_EQ(test, memory->tables, 0);
}

static void map_reserved(struct kestrel_pagetable *pt, u64 va, dma_addr_t address, u64 size,
			 u64 permissions)
{
	mutex_lock(&pt->lock);
	kestrel_pagetable_map(pt, va, address, size, permissions);
	mutex_unlock(&pt->lock);
}

static void unmap_reserved(struct kestrel_pagetable *pt, u64 va, u64 size)
{
	mutex_lock(&pt->lock);
	kestrel_pagetable_unmap(pt, va, size);
	mutex_unlock(&pt->lock);
}

static void prune(struct kestrel_pagetable *pt, u64 va, u64 size)
{
	mutex_lock(&pt->lock);
	kestrel_pagetable_prune(pt, va, size);
	mutex_unlock(&pt->lock);
}

static void map(struct kunit *test, u64 va, u64 address, u64 size, u64 permissions)
{
	struct table_memory *memory = test->priv;

	KUNIT_ASSERT_EQ(test, kestrel_pagetable_reserve_map(&memory->pt, va, address, size), 0);
	map_reserved(&memory->pt, va, address, size, permissions);
}

static void unmap(struct kunit *test, u64 va, u64 size)
{
	struct table_memory *memory = test->priv;

	KUNIT_ASSERT_EQ(test, kestrel_pagetable_reserve_unmap(&memory->pt, va, size), 0);
	unmap_reserved(&memory->pt, va, size);
	prune(&memory->pt, va, size);
	kestrel_pagetable_release(&memory->pt);
}

static u64 lookup(struct kunit *test, u64 va)
{
	struct table_memory *memory = test->priv;

	return kestrel_pagetable_lookup(&memory->pt, va, NULL);
}

static u64 leaf_address(u64 pte)
{
	return (pte & KESTREL_PTE_PPN) >> KESTREL_PTE_PPN_SHIFT << KESTREL_PAGE_SHIFT;
}

static void pagetable_maps_pages(struct kunit *test)
{
	u64 va = 0x12345000;
	unsigned int i;

	map(test, va, MEMORY + 3 * PAGE, 4 * PAGE, RW);
	KUNIT_EXPECT_EQ(test, lookup(test, va - PAGE), 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, va + i * PAGE)),
				MEMORY + (3 + i) * PAGE);
	KUNIT_EXPECT_EQ(test, lookup(test, va + 4 * PAGE), 0);
}

static void pagetable_sets_bits(struct kunit *test)
{
	const u64 mask = 0x3ff;

	map(test, BLOCK, MEMORY, PAGE, KESTREL_PTE_READ);
	map(test, BLOCK + PAGE, MEMORY, PAGE, RW);
	map(test, BLOCK + 2 * PAGE, MEMORY, PAGE, KESTREL_PTE_EXECUTE);

	/* V, A, R; with W also D; X alone is legal in Sv39. */
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK) & mask, 0x43);
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK + PAGE) & mask, 0xc7);
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK + 2 * PAGE) & mask, 0x49);
	/* Reserved bits. */
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK) >> 54, 0);
}

static void pagetable_uses_blocks(struct kunit *test)
{
	struct table_memory *memory = test->priv;
	u64 page_size = 0;

	map(test, 4 * BLOCK, MEMORY, BLOCK, RW);
	kestrel_pagetable_lookup(&memory->pt, 4 * BLOCK, &page_size);
	KUNIT_EXPECT_EQ(test, page_size, BLOCK);
	/* Root and level 1. */
	KUNIT_EXPECT_EQ(test, memory->tables, 2);

	/* Memory that is not aligned as the address is needs pages. */
	map(test, 5 * BLOCK, MEMORY + PAGE, BLOCK, RW);
	kestrel_pagetable_lookup(&memory->pt, 5 * BLOCK, &page_size);
	KUNIT_EXPECT_EQ(test, page_size, PAGE);
	KUNIT_EXPECT_EQ(test, memory->tables, 3);
}

static void pagetable_splits_blocks(struct kunit *test)
{
	struct table_memory *memory = test->priv;
	u64 page_size = 0;

	map(test, 4 * BLOCK, MEMORY, 2 * BLOCK, RW);
	unmap(test, 5 * BLOCK - PAGE, 2 * PAGE);

	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, 4 * BLOCK)), MEMORY);
	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, 5 * BLOCK - 2 * PAGE)),
			MEMORY + BLOCK - 2 * PAGE);
	KUNIT_EXPECT_EQ(test, lookup(test, 5 * BLOCK - PAGE), 0);
	KUNIT_EXPECT_EQ(test, lookup(test, 5 * BLOCK), 0);
	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, 5 * BLOCK + PAGE)),
			MEMORY + BLOCK + PAGE);
	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, 6 * BLOCK - PAGE)),
			MEMORY + 2 * BLOCK - PAGE);
	kestrel_pagetable_lookup(&memory->pt, 4 * BLOCK, &page_size);
	KUNIT_EXPECT_EQ(test, page_size, PAGE);
	KUNIT_EXPECT_EQ(test, lookup(test, 4 * BLOCK) & 0x3ff, 0xc7);
}

static void pagetable_remaps_block_with_pages(struct kunit *test)
{
	struct table_memory *memory = test->priv;
	unsigned int i;

	map(test, 4 * BLOCK, MEMORY, BLOCK, RW);

	/* As VM_BIND does it: all reservations, then unmap and map. */
	KUNIT_ASSERT_EQ(test, kestrel_pagetable_reserve_unmap(&memory->pt, 4 * BLOCK, BLOCK), 0);
	for (i = 0; i < KESTREL_TABLE_ENTRIES; i++)
		KUNIT_ASSERT_EQ(test,
				kestrel_pagetable_reserve_map(&memory->pt, 4 * BLOCK + i * PAGE,
							      MEMORY + 2 * i * PAGE, PAGE), 0);
	/* One spare table, however many pieces. */
	KUNIT_EXPECT_EQ(test, memory->tables, 3);

	unmap_reserved(&memory->pt, 4 * BLOCK, BLOCK);
	for (i = 0; i < KESTREL_TABLE_ENTRIES; i++)
		map_reserved(&memory->pt, 4 * BLOCK + i * PAGE, MEMORY + 2 * i * PAGE, PAGE,
			     RW);
	for (i = 0; i < KESTREL_TABLE_ENTRIES; i++)
		KUNIT_ASSERT_EQ(test, leaf_address(lookup(test, 4 * BLOCK + i * PAGE)),
				MEMORY + 2 * i * PAGE);
}

/* Operations of one call, where a later one splits what an earlier one made. */
static void pagetable_reserves_for_operations_to_come(struct kunit *test)
{
	struct table_memory *memory = test->priv;
	struct kestrel_pagetable *pt = &memory->pt;

	KUNIT_ASSERT_EQ(test, kestrel_pagetable_reserve_map(pt, BLOCK, MEMORY, BLOCK), 0);
	KUNIT_ASSERT_EQ(test, kestrel_pagetable_reserve_unmap(pt, BLOCK + PAGE, PAGE), 0);

	map_reserved(pt, BLOCK, MEMORY, BLOCK, RW);
	unmap_reserved(pt, BLOCK + PAGE, PAGE);

	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, BLOCK)), MEMORY);
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK + PAGE), 0);
	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, BLOCK + 2 * PAGE)), MEMORY + 2 * PAGE);
}

static void pagetable_frees_empty_tables(struct kunit *test)
{
	struct table_memory *memory = test->priv;

	map(test, GIGABYTE - PAGE, MEMORY, 2 * PAGE, RW);
	/* Root, two of level 1, two of level 0. */
	KUNIT_EXPECT_EQ(test, memory->tables, 5);
	unmap(test, GIGABYTE, PAGE);
	KUNIT_EXPECT_EQ(test, memory->tables, 3);
	/* A wide range that is mostly empty. */
	unmap(test, KESTREL_VA_START, KESTREL_VA_END - KESTREL_VA_START);
	KUNIT_EXPECT_EQ(test, memory->tables, 1);
}

static void pagetable_keeps_retired_tables_until_release(struct kunit *test)
{
	struct table_memory *memory = test->priv;

	map(test, BLOCK, MEMORY, PAGE, RW);
	unmap_reserved(&memory->pt, BLOCK, PAGE);
	prune(&memory->pt, BLOCK, PAGE);
	/* The device may still be walking them. */
	KUNIT_EXPECT_EQ(test, memory->tables, 3);
	kestrel_pagetable_release(&memory->pt);
	KUNIT_EXPECT_EQ(test, memory->tables, 1);
}

static void pagetable_survives_lack_of_memory(struct kunit *test)
{
	struct table_memory *memory = test->priv;
	unsigned int limit;

	for (limit = 1; limit < 5; limit++) {
		memory->limit = limit;
		KUNIT_EXPECT_EQ(test, kestrel_pagetable_reserve_map(&memory->pt, GIGABYTE - PAGE,
								    MEMORY, 2 * PAGE), -ENOMEM);
		KUNIT_EXPECT_EQ(test, lookup(test, GIGABYTE - PAGE), 0);
		prune(&memory->pt, GIGABYTE - PAGE, 2 * PAGE);
		kestrel_pagetable_release(&memory->pt);
		KUNIT_EXPECT_EQ(test, memory->tables, 1);
	}
}

static void pagetable_reaches_both_ends(struct kunit *test)
{
	map(test, KESTREL_VA_START, MEMORY, PAGE, RW);
	map(test, KESTREL_VA_END - PAGE, MEMORY + PAGE, PAGE, RW);
	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, KESTREL_VA_START)), MEMORY);
	KUNIT_EXPECT_EQ(test, leaf_address(lookup(test, KESTREL_VA_END - PAGE)), MEMORY + PAGE);
}

/* Pages of the CPU may be larger than the device's: 16 KiB, and 32 MiB. */
static void pagetable_large_cpu_pages(struct kunit *test)
{
	u64 i;

	for (i = 0; i < 8; i++)
		map(test, BLOCK + i * SZ_16K, MEMORY + (7 - i) * SZ_16K, SZ_16K, RW);
	for (i = 0; i < 8 * SZ_16K; i += PAGE)
		KUNIT_ASSERT_EQ(test, leaf_address(lookup(test, BLOCK + i)),
				MEMORY + (7 - i / SZ_16K) * SZ_16K + i % SZ_16K);
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK + 8 * SZ_16K), 0);

	/* Unmapped in the device's pages, from the middle of one of the CPU's. */
	unmap(test, BLOCK + SZ_16K + PAGE, SZ_16K);
	KUNIT_EXPECT_NE(test, lookup(test, BLOCK + SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK + SZ_16K + PAGE), 0);
	KUNIT_EXPECT_EQ(test, lookup(test, BLOCK + 2 * SZ_16K), 0);
	KUNIT_EXPECT_NE(test, lookup(test, BLOCK + 2 * SZ_16K + PAGE), 0);

	map(test, SZ_32M, SZ_1G, SZ_32M, RW);
	for (i = 0; i < SZ_32M; i += BLOCK) {
		struct table_memory *memory = test->priv;
		u64 size;

		KUNIT_EXPECT_EQ(test, leaf_address(kestrel_pagetable_lookup(&memory->pt,
									    SZ_32M + i, &size)),
				SZ_1G + i);
		KUNIT_EXPECT_EQ(test, size, BLOCK);
	}
}

/* What was mapped in one piece can go without anything being reserved. */
static void pagetable_unmap_of_a_whole_mapping_needs_nothing(struct kunit *test)
{
	struct table_memory *memory = test->priv;
	unsigned int tables;
	u64 at;

	map(test, BLOCK - 3 * PAGE, MEMORY - 3 * PAGE, 2 * BLOCK, RW);
	tables = memory->tables;
	unmap_reserved(&memory->pt, BLOCK - 3 * PAGE, 2 * BLOCK);
	KUNIT_EXPECT_EQ(test, memory->tables, tables);
	for (at = 0; at < 4 * BLOCK; at += PAGE)
		KUNIT_ASSERT_EQ(test, lookup(test, at), 0);
}

static struct kunit_case pagetable_cases[] = {
	KUNIT_CASE(pagetable_large_cpu_pages),
	KUNIT_CASE(pagetable_unmap_of_a_whole_mapping_needs_nothing),
	KUNIT_CASE(pagetable_maps_pages),
	KUNIT_CASE(pagetable_sets_bits),
	KUNIT_CASE(pagetable_uses_blocks),
	KUNIT_CASE(pagetable_splits_blocks),
	KUNIT_CASE(pagetable_remaps_block_with_pages),
	KUNIT_CASE(pagetable_reserves_for_operations_to_come),
	KUNIT_CASE(pagetable_frees_empty_tables),
	KUNIT_CASE(pagetable_keeps_retired_tables_until_release),
	KUNIT_CASE(pagetable_survives_lack_of_memory),
	KUNIT_CASE(pagetable_reaches_both_ends),
	{}
};

static struct kunit_suite pagetable_suite = {
	.name = "kestrel_pagetable",
	.init = pagetable_test_init,
	.exit = pagetable_test_exit,
	.test_cases = pagetable_cases,
};

kunit_test_suite(pagetable_suite);
