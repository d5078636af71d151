// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: page tables
 *
 * Three levels of 512 entries: level 2 (the root, 1 GiB an entry), level 1
 * (2 MiB an entry: a table or a leaf), level 0 (4 KiB leaves). Beside the
 * entries that the device reads, the upper two levels keep pointers to the
 * tables below, because a bus address cannot be turned back into a pointer.
 *
 * The device may walk the tables at any time, so an entry is written once, in
 * one piece, and a table that it could still be walking is retired, and freed
 * only when the caller has invalidated.
 */

#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include "kestrel_pagetable.h"

#define KESTREL_GIGABYTE	SZ_1G
#define KESTREL_NO_BLOCK	(~0ull)

static unsigned int kestrel_table_index(u64 va, unsigned int level)
{
	return va >> (KESTREL_PAGE_SHIFT + 9 * level) & (KESTREL_TABLE_ENTRIES - 1);
}

static struct kestrel_table *kestrel_table_create(struct kestrel_pagetable *pt, bool leaf)
{
	struct kestrel_table *table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);

	if (!table)
		return NULL;

	INIT_LIST_HEAD(&table->link);
	if (!leaf) {
		table->children = kcalloc(KESTREL_TABLE_ENTRIES, sizeof(*table->children),
					  GFP_KERNEL_ACCOUNT);
		if (!table->children)
			goto err_free;
	}

	table->entries = pt->ops->alloc(pt->context, &table->address);
	if (!table->entries)
		goto err_free;

	return table;

err_free:
	kfree(table->children);
	kfree(table);
	return NULL;
}

static void kestrel_table_free(struct kestrel_pagetable *pt, struct kestrel_table *table)
{
	pt->ops->free(pt->context, table->entries, table->address);
	kfree(table->children);
	kfree(table);
}

static void kestrel_table_write(struct kestrel_table *table, unsigned int index, u64 value)
{
	bool was = table->entries[index] != 0;
	bool is = value != 0;

	WRITE_ONCE(table->entries[index], cpu_to_le64(value));
	table->used += is;
	table->used -= was;
}

static void kestrel_table_link(struct kestrel_table *parent, unsigned int index,
			       struct kestrel_table *child)
{
	parent->children[index] = child;
	/* What the child holds must be there before the device can find it. */
	dma_wmb();
	kestrel_table_write(parent, index,
			    KESTREL_PTE_VALID |
			    (u64)child->address >> KESTREL_PAGE_SHIFT << KESTREL_PTE_PPN_SHIFT);
}

static u64 kestrel_pte_leaf(dma_addr_t address, u64 permissions)
{
	return KESTREL_PTE_VALID | KESTREL_PTE_ACCESSED | permissions |
	       (permissions & KESTREL_PTE_WRITE ? KESTREL_PTE_DIRTY : 0) |
	       (u64)address >> KESTREL_PAGE_SHIFT << KESTREL_PTE_PPN_SHIFT;
}

static dma_addr_t kestrel_pte_address(u64 pte)
{
	return (pte & KESTREL_PTE_PPN) >> KESTREL_PTE_PPN_SHIFT << KESTREL_PAGE_SHIFT;
}

/* The level 1 table of an address, or NULL. */
static struct kestrel_table *kestrel_pagetable_level1(const struct kestrel_pagetable *pt, u64 va)
{
	return pt->root->children[kestrel_table_index(va, 2)];
}

static u64 kestrel_block_end(u64 va, u64 end)
{
	return min(end, ALIGN_DOWN(va, KESTREL_BLOCK_SIZE) + KESTREL_BLOCK_SIZE);
}

/* Whether one 2 MiB leaf can stand for [va, end), which is part of one block. */
static bool kestrel_block_fits(u64 va, u64 end, dma_addr_t address)
{
	return end - va == KESTREL_BLOCK_SIZE && IS_ALIGNED(address, KESTREL_BLOCK_SIZE);
}

/**
 * kestrel_pagetable_init - make an empty page table
 * @pt: page table
 * @ops: memory of tables; must outlive @pt
 * @context: first argument of @ops
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_pagetable_init(struct kestrel_pagetable *pt,
			   const struct kestrel_pagetable_ops *ops, void *context)
{
	mutex_init(&pt->lock);
	pt->ops = ops;
	pt->context = context;
	INIT_LIST_HEAD(&pt->spare);
	INIT_LIST_HEAD(&pt->retired);
	pt->reserved_block = KESTREL_NO_BLOCK;
	pt->root = kestrel_table_create(pt, false);
	return pt->root ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_init);

static void kestrel_pagetable_free_below(struct kestrel_pagetable *pt, struct kestrel_table *table)
{
	unsigned int i;

	for (i = 0; table->children && i < KESTREL_TABLE_ENTRIES; i++) {
		if (table->children[i])
			kestrel_pagetable_free_below(pt, table->children[i]);
	}
	kestrel_table_free(pt, table);
}

/**
 * kestrel_pagetable_fini - free all tables
 * @pt: page table that no device walks any more
 *
 * Does nothing when @pt was never made, or is gone already. Its lock stays usable.
 */
void kestrel_pagetable_fini(struct kestrel_pagetable *pt)
{
	if (!pt->root)
		return;

	kestrel_pagetable_release(pt);
	kestrel_pagetable_free_below(pt, pt->root);
	pt->root = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_fini);

static int kestrel_pagetable_reserve_spare(struct kestrel_pagetable *pt, u64 va)
{
	u64 block = ALIGN_DOWN(va, KESTREL_BLOCK_SIZE);
	struct kestrel_table *table;

	if (pt->reserved_block == block)
		return 0;

	table = kestrel_table_create(pt, true);
	if (!table)
		return -ENOMEM;

	list_add(&table->link, &pt->spare);
	pt->reserved_block = block;
	return 0;
}

/**
 * kestrel_pagetable_reserve_map - allocate what a map may need
 * @pt: page table
 * @va: first address, page-aligned
 * @address: bus address that it will be mapped to, page-aligned
 * @size: bytes, a multiple of the page size
 *
 * Goes with one later kestrel_pagetable_map() of the same arguments, whatever
 * other reserved operations come before it.
 *
 * Return: 0 or -ENOMEM; what was allocated by then stays reserved until
 * kestrel_pagetable_prune() and kestrel_pagetable_release().
 */
int kestrel_pagetable_reserve_map(struct kestrel_pagetable *pt, u64 va, dma_addr_t address,
				  u64 size)
{
	u64 end = va + size;
	u64 next;
	int ret;

	for (; va < end; address += next - va, va = next) {
		struct kestrel_table *level1 = kestrel_pagetable_level1(pt, va);
		unsigned int index = kestrel_table_index(va, 1);

		next = kestrel_block_end(va, end);
		if (!level1) {
			level1 = kestrel_table_create(pt, false);
			if (!level1)
				return -ENOMEM;
			mutex_lock(&pt->lock);
			kestrel_table_link(pt->root, kestrel_table_index(va, 2), level1);
			mutex_unlock(&pt->lock);
		}

		if (level1->children[index] || kestrel_block_fits(va, next, address))
			continue;

		if (level1->entries[index]) {
			ret = kestrel_pagetable_reserve_spare(pt, va);
			if (ret)
				return ret;
		} else {
			struct kestrel_table *level0 = kestrel_table_create(pt, true);

			if (!level0)
				return -ENOMEM;
			mutex_lock(&pt->lock);
			kestrel_table_link(level1, index, level0);
			mutex_unlock(&pt->lock);
		}
	}

	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_reserve_map);

/**
 * kestrel_pagetable_reserve_unmap - allocate what an unmap may need
 * @pt: page table
 * @va: first address, page-aligned
 * @size: bytes, a multiple of the page size
 *
 * An unmap that begins or ends inside a 2 MiB leaf has to split it. The leaf
 * may come from an operation that is reserved, but not done yet.
 *
 * Return: 0 or -ENOMEM, as kestrel_pagetable_reserve_map().
 */
int kestrel_pagetable_reserve_unmap(struct kestrel_pagetable *pt, u64 va, u64 size)
{
	u64 edges[] = { va, va + size };
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		struct kestrel_table *level1 = kestrel_pagetable_level1(pt, edges[i]);

		if (IS_ALIGNED(edges[i], KESTREL_BLOCK_SIZE))
			continue;
		if (level1 && level1->children[kestrel_table_index(edges[i], 1)])
			continue;
		ret = kestrel_pagetable_reserve_spare(pt, edges[i]);
		if (ret)
			return ret;
	}

	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_reserve_unmap);

static struct kestrel_table *kestrel_pagetable_take_spare(struct kestrel_pagetable *pt)
{
	struct kestrel_table *table = list_first_entry_or_null(&pt->spare, struct kestrel_table,
							       link);

	if (!WARN_ON_ONCE(!table))
		list_del_init(&table->link);
	return table;
}

/* Replaces a 2 MiB leaf by a table that says the same. */
static struct kestrel_table *kestrel_pagetable_split(struct kestrel_pagetable *pt,
						     struct kestrel_table *level1,
						     unsigned int index)
{
	struct kestrel_table *level0 = kestrel_pagetable_take_spare(pt);
	u64 pte = le64_to_cpu(level1->entries[index]);
	unsigned int i;

	if (!level0)
		return NULL;

	for (i = 0; pte && i < KESTREL_TABLE_ENTRIES; i++) {
		u64 step = (u64)i << KESTREL_PTE_PPN_SHIFT;

		kestrel_table_write(level0, i, pte + step);
	}

	kestrel_table_link(level1, index, level0);
	return level0;
}

/**
 * kestrel_pagetable_map - map a piece of contiguous memory
 * @pt: page table
 * @va: first address, page-aligned; nothing may be mapped in the range
 * @address: bus address, page-aligned
 * @size: bytes, a multiple of the page size
 * @permissions: KESTREL_PTE_READ, _WRITE and _EXECUTE
 *
 * Uses 2 MiB leaves where it can. Needs no invalidation: the device does not
 * remember that nothing was there.
 */
void kestrel_pagetable_map(struct kestrel_pagetable *pt, u64 va, dma_addr_t address, u64 size,
			   u64 permissions)
{
	u64 end = va + size;
	u64 next;

	lockdep_assert_held(&pt->lock);
	for (; va < end; address += next - va, va = next) {
		struct kestrel_table *level1 = kestrel_pagetable_level1(pt, va);
		unsigned int index = kestrel_table_index(va, 1);
		struct kestrel_table *level0 = level1->children[index];
		dma_addr_t page = address;
		u64 at;

		next = kestrel_block_end(va, end);
		if (!level0 && kestrel_block_fits(va, next, address)) {
			kestrel_table_write(level1, index, kestrel_pte_leaf(address, permissions));
			continue;
		}

		if (!level0)
			level0 = kestrel_pagetable_split(pt, level1, index);
		if (!level0)
			continue;

		for (at = va; at < next; at += KESTREL_PAGE_SIZE, page += KESTREL_PAGE_SIZE)
			kestrel_table_write(level0, kestrel_table_index(at, 0),
					    kestrel_pte_leaf(page, permissions));
	}
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_map);

/**
 * kestrel_pagetable_unmap - unmap a range
 * @pt: page table
 * @va: first address, page-aligned
 * @size: bytes, a multiple of the page size
 *
 * Parts that are not mapped are left alone. The caller has to invalidate the
 * range before it reuses the memory.
 */
void kestrel_pagetable_unmap(struct kestrel_pagetable *pt, u64 va, u64 size)
{
	u64 end = va + size;
	u64 next;

	lockdep_assert_held(&pt->lock);
	for (; va < end; va = next) {
		struct kestrel_table *level1 = kestrel_pagetable_level1(pt, va);
		unsigned int index = kestrel_table_index(va, 1);
		struct kestrel_table *level0;
		u64 at;

		if (!level1) {
			next = ALIGN_DOWN(va, KESTREL_GIGABYTE) + KESTREL_GIGABYTE;
			continue;
		}

		next = kestrel_block_end(va, end);
		level0 = level1->children[index];
		if (!level0) {
			if (!level1->entries[index])
				continue;
			if (next - va == KESTREL_BLOCK_SIZE) {
				kestrel_table_write(level1, index, 0);
				continue;
			}
			level0 = kestrel_pagetable_split(pt, level1, index);
			if (!level0)
				continue;
		}

		for (at = va; at < next; at += KESTREL_PAGE_SIZE)
			kestrel_table_write(level0, kestrel_table_index(at, 0), 0);
	}
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_unmap);

static void kestrel_pagetable_retire(struct kestrel_pagetable *pt, struct kestrel_table *parent,
				     unsigned int index)
{
	list_add(&parent->children[index]->link, &pt->retired);
	parent->children[index] = NULL;
	kestrel_table_write(parent, index, 0);
}

/**
 * kestrel_pagetable_prune - take empty tables out
 * @pt: page table
 * @va: first address
 * @size: bytes
 *
 * To be called when all reserved operations are done, or given up. The range is
 * rounded outwards to the tables that it touches. The caller invalidates before
 * kestrel_pagetable_release().
 */
void kestrel_pagetable_prune(struct kestrel_pagetable *pt, u64 va, u64 size)
{
	u64 end = va + size;
	u64 next;

	lockdep_assert_held(&pt->lock);
	for (va = ALIGN_DOWN(va, KESTREL_BLOCK_SIZE); va < end; va = next) {
		struct kestrel_table *level1 = kestrel_pagetable_level1(pt, va);
		unsigned int index = kestrel_table_index(va, 1);
		u64 gigabyte_end = ALIGN_DOWN(va, KESTREL_GIGABYTE) + KESTREL_GIGABYTE;

		if (!level1) {
			next = gigabyte_end;
			continue;
		}

		next = va + KESTREL_BLOCK_SIZE;
		if (level1->children[index] && !level1->children[index]->used)
			kestrel_pagetable_retire(pt, level1, index);
		if (!level1->used && (next >= end || next == gigabyte_end))
			kestrel_pagetable_retire(pt, pt->root, kestrel_table_index(va, 2));
	}
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_prune);

/**
 * kestrel_pagetable_release - free retired and unused reserved tables
 * @pt: page table, invalidated since the last kestrel_pagetable_prune()
 */
void kestrel_pagetable_release(struct kestrel_pagetable *pt)
{
	struct kestrel_table *table, *next;

	list_splice_init(&pt->spare, &pt->retired);
	list_for_each_entry_safe(table, next, &pt->retired, link) {
		list_del(&table->link);
		kestrel_table_free(pt, table);
	}
	pt->reserved_block = KESTREL_NO_BLOCK;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_release);

/**
 * kestrel_pagetable_lookup - find what the device would find
 * @pt: page table
 * @va: any address below KESTREL_VA_END
 * @page_size: set to KESTREL_PAGE_SIZE or KESTREL_BLOCK_SIZE; may be NULL
 *
 * Return: the leaf entry, or 0 when nothing is mapped.
 */
u64 kestrel_pagetable_lookup(const struct kestrel_pagetable *pt, u64 va, u64 *page_size)
{
	const struct kestrel_table *level1 = kestrel_pagetable_level1(pt, va);
	const struct kestrel_table *level0;
	unsigned int index = kestrel_table_index(va, 1);

	if (!level1)
		return 0;

	level0 = level1->children[index];
	if (page_size)
		*page_size = level0 ? KESTREL_PAGE_SIZE : KESTREL_BLOCK_SIZE;
	if (!level0)
		return le64_to_cpu(level1->entries[index]);

	/* Both views of the tree must agree: the device follows the address. */
	if (kestrel_pte_address(le64_to_cpu(level1->entries[index])) != level0->address)
		return 0;
	return le64_to_cpu(level0->entries[kestrel_table_index(va, 0)]);
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_pagetable_lookup);
