/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_PAGETABLE_H_
#define _KESTREL_PAGETABLE_H_

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/types.h>

/*
 * Sv39 page tables, as functions without hardware: they know no devices. The
 * caller serialises all calls on one &struct kestrel_pagetable and does the
 * invalidations.
 *
 * Beside that there is &kestrel_pagetable.lock, under which nothing is allocated
 * and nothing waits for memory. The reserve functions take it; for map, unmap
 * and prune the caller holds it. Who holds nothing else may unmap what was
 * mapped in one piece, in spite of the caller's serialisation: a notifier of the
 * CPU's memory management must not wait for more.
 *
 * Changes are made in two steps so that a list of operations can be applied
 * all or nothing: the reserve functions allocate what may be needed and may
 * fail; map and unmap only use what was reserved, and cannot.
 */

#define KESTREL_PTE_VALID	BIT_ULL(0)
#define KESTREL_PTE_READ	BIT_ULL(1)
#define KESTREL_PTE_WRITE	BIT_ULL(2)
#define KESTREL_PTE_EXECUTE	BIT_ULL(3)
#define KESTREL_PTE_ACCESSED	BIT_ULL(6)
#define KESTREL_PTE_DIRTY	BIT_ULL(7)
#define KESTREL_PTE_PPN_SHIFT	10
#define KESTREL_PTE_PPN		GENMASK_ULL(53, 10)

/* The NPU's pages; the CPU's may be larger. */
#define KESTREL_PAGE_SHIFT	12
#define KESTREL_PAGE_SIZE	SZ_4K
#define KESTREL_BLOCK_SIZE	SZ_2M
#define KESTREL_TABLE_ENTRIES	512

/* User space gets the lower half of the 39 bits, but for a guard at 0. */
#define KESTREL_VA_START	SZ_64K
#define KESTREL_VA_END		BIT_ULL(38)

/**
 * struct kestrel_table - one page of a page table
 */
struct kestrel_table {
	/** @entries: its KESTREL_TABLE_ENTRIES entries, as the device reads them. */
	__le64 *entries;
	/** @children: tables that entries point to; NULL in a last-level table. */
	struct kestrel_table **children;
	/** @address: bus address of @entries. */
	dma_addr_t address;
	/** @used: entries that are not 0. */
	unsigned int used;
	/** @link: in the spare or the retired list of the page table. */
	struct list_head link;
};

/**
 * struct kestrel_pagetable_ops - where the memory of tables comes from
 */
struct kestrel_pagetable_ops {
	/**
	 * @alloc: 4 KiB of zeroes that the device can read; NULL when there is
	 * no memory. Stores the bus address, a multiple of 4 KiB.
	 */
	__le64 *(*alloc)(void *context, dma_addr_t *address);
	/** @free: gives it back. */
	void (*free)(void *context, __le64 *entries, dma_addr_t address);
};

/**
 * struct kestrel_pagetable - the page table of one address space
 *
 * All other members are guarded by the caller's lock.
 */
struct kestrel_pagetable {
	/** @lock: guards tables and entries. */
	struct mutex lock;
	/** @ops: memory of tables. */
	const struct kestrel_pagetable_ops *ops;
	/** @context: first argument of @ops. */
	void *context;
	/** @root: level 2 table; its address is that of the page table. */
	struct kestrel_table *root;
	/** @spare: last-level tables reserved for splits. */
	struct list_head spare;
	/** @retired: tables out of use, to be freed after an invalidation. */
	struct list_head retired;
	/**
	 * @reserved_block: 2 MiB block for which the last spare was taken, so
	 * that a run of small pieces does not take one each.
	 */
	u64 reserved_block;
};

int kestrel_pagetable_init(struct kestrel_pagetable *pt,
			   const struct kestrel_pagetable_ops *ops, void *context);
void kestrel_pagetable_fini(struct kestrel_pagetable *pt);
int kestrel_pagetable_reserve_map(struct kestrel_pagetable *pt, u64 va, dma_addr_t address,
				  u64 size);
int kestrel_pagetable_reserve_unmap(struct kestrel_pagetable *pt, u64 va, u64 size);
void kestrel_pagetable_map(struct kestrel_pagetable *pt, u64 va, dma_addr_t address, u64 size,
			   u64 permissions);
void kestrel_pagetable_unmap(struct kestrel_pagetable *pt, u64 va, u64 size);
void kestrel_pagetable_prune(struct kestrel_pagetable *pt, u64 va, u64 size);
void kestrel_pagetable_release(struct kestrel_pagetable *pt);
u64 kestrel_pagetable_lookup(const struct kestrel_pagetable *pt, u64 va, u64 *page_size);

#endif /* _KESTREL_PAGETABLE_H_ */
