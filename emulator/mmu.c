// SPDX-License-Identifier: MIT
/* MMU: table walks, accesses and fault records. mmu_tlb.c has the cost. */

#include <string.h>

#include "mmu.h"

#define PAGE_BYTES UINT64_C(4096)
#define PAGE_SHIFT 12
#define LEVEL_BITS 9

/* Entry of a page table. */
#define ENTRY_VALID (UINT64_C(1) << 0)
#define ENTRY_READ (UINT64_C(1) << 1)
#define ENTRY_WRITE (UINT64_C(1) << 2)
#define ENTRY_EXECUTE (UINT64_C(1) << 3)
#define ENTRY_ACCESSED (UINT64_C(1) << 6)
#define ENTRY_DIRTY (UINT64_C(1) << 7)
#define ENTRY_FLAGS UINT64_C(0x3ff)
#define ENTRY_PPN_SHIFT 10
#define ENTRY_PPN_MASK ((UINT64_C(1) << 44) - 1)
#define ENTRY_RESERVED (UINT64_C(0x3ff) << 54)

#define SPACE_VALID (UINT64_C(1) << 63)

void mmu_init(struct mmu *mmu, const struct kestrel_emulator_host *host, uint32_t walk_latency)
{
	memset(mmu, 0, sizeof(*mmu));
	mmu->host = host;
	mmu->walk_latency = walk_latency;
	mmu_tlb_reset(mmu);
	mmu->mcu_page = MMU_NO_PAGE;
	mmu->mcu_region = MMU_NO_PAGE;
}

static uint32_t mmu_read_entry(struct mmu *mmu, uint64_t address, uint64_t *entry)
{
	uint8_t bytes[8];
	unsigned int i;

	if (mmu->host->memory_read(mmu->host->opaque, address, bytes, sizeof(bytes)) < 0)
		return KESTREL_MMU_CAUSE_BUS;
	*entry = 0;
	for (i = 0; i < 8; i++)
		*entry |= (uint64_t)bytes[i] << i * 8;
	return 0;
}

/* Walks the tables for a canonical address (bits 63..39 equal bit 38). */
static uint32_t mmu_walk(struct mmu *mmu, uint32_t asid, uint64_t address,
			 struct mmu_page *found)
{
	uint64_t page = address >> PAGE_SHIFT;
	uint64_t table;
	int level;

	if (asid >= KESTREL_ASID_MAX || !(mmu->space[asid] & SPACE_VALID))
		return KESTREL_MMU_CAUSE_ASID;
	table = (mmu->space[asid] & ENTRY_PPN_MASK) << PAGE_SHIFT;

	for (level = 2; level >= 0; level--) {
		uint64_t index = page >> (level * LEVEL_BITS) & 511;
		uint64_t entry, number;
		uint32_t cause;

		cause = mmu_read_entry(mmu, table + index * 8, &entry);
		if (cause)
			return cause;
		if (!(entry & ENTRY_VALID))
			return KESTREL_MMU_CAUSE_NOT_PRESENT;
		if ((entry & ENTRY_RESERVED) || (entry & (ENTRY_READ | ENTRY_WRITE)) == ENTRY_WRITE)
			return KESTREL_MMU_CAUSE_MALFORMED;
		number = entry >> ENTRY_PPN_SHIFT & ENTRY_PPN_MASK;
		if (!(entry & (ENTRY_READ | ENTRY_EXECUTE))) {
			table = number << PAGE_SHIFT;
			continue;
		}
		if (level == 2 || (level == 1 && (number & 511)))
			return KESTREL_MMU_CAUSE_MALFORMED;
		if (level == 1)
			number += page & 511;
		found->page = page;
		found->asid = asid;
		found->flags = (uint16_t)(entry & ENTRY_FLAGS);
		found->leaf_pages = level == 1 ? 512 : 1;
		found->physical = number << PAGE_SHIFT;
		return 0;
	}
	return KESTREL_MMU_CAUSE_MALFORMED;
}

static uint32_t mmu_permission(uint32_t flags, uint32_t type)
{
	uint64_t needed = type == KESTREL_ACCESS_WRITE ? ENTRY_WRITE :
			  type == KESTREL_ACCESS_FETCH ? ENTRY_EXECUTE : ENTRY_READ;

	if (!(flags & needed))
		return KESTREL_MMU_CAUSE_PERMISSION;
	if (!(flags & ENTRY_ACCESSED))
		return KESTREL_MMU_CAUSE_ACCESSED;
	if (type == KESTREL_ACCESS_WRITE && !(flags & ENTRY_DIRTY))
		return KESTREL_MMU_CAUSE_DIRTY;
	return 0;
}

/* The page of a canonical address, from the cache or by a walk. */
static uint32_t mmu_find(struct mmu *mmu, uint32_t asid, uint64_t address,
			 struct mmu_page **found)
{
	uint64_t page = address >> PAGE_SHIFT;
	struct mmu_page *cached = &mmu->cache[(page ^ asid * 31) % MMU_CACHE_ENTRIES];
	struct mmu_page walked;
	uint32_t cause;

	if ((uint64_t)((int64_t)(address << 25) >> 25) != address)
		return KESTREL_MMU_CAUSE_CANONICAL;
	if (cached->page != page || cached->asid != asid) {
		cause = mmu_walk(mmu, asid, address, &walked);
		if (cause)
			return cause;
		*cached = walked;
	}
	*found = cached;
	return 0;
}

uint32_t mmu_translate(struct mmu *mmu, uint32_t asid, uint64_t address, uint32_t type,
		       uint64_t *physical)
{
	struct mmu_page *found;
	uint32_t cause;

	cause = mmu_find(mmu, asid, address, &found);
	if (cause)
		return cause;
	cause = mmu_permission(found->flags, type);
	if (cause) {
		/* Tables may gain rights without an invalidation: look again next time. */
		found->page = MMU_NO_PAGE;
		return cause;
	}
	*physical = found->physical | (address & (PAGE_BYTES - 1));
	return 0;
}

uint32_t mmu_leaf_pages(struct mmu *mmu, uint32_t asid, uint64_t address)
{
	struct mmu_page *found;

	return mmu_find(mmu, asid, address, &found) ? 1 : found->leaf_pages;
}

static void mmu_fault_record(struct mmu *mmu, const struct engine_access *access,
			     uint64_t address, uint32_t cause)
{
	struct mmu_fault *fault;

	if (mmu->fault_count == KESTREL_MMU_FAULT_FIFO_RECORDS) {
		mmu->fault_overflow = true;
		return;
	}
	fault = &mmu->fault[mmu->fault_count++];
	fault->asid = access->asid;
	fault->info = KESTREL_MMU_FAULT_INFO(access->type, access->unit, cause);
	fault->tag = access->tag;
	fault->address = address;
}

uint32_t mmu_access(struct mmu *mmu, const struct engine_access *access, void *data,
		    uint64_t *fault_address)
{
	const struct kestrel_emulator_host *host = mmu->host;
	uint64_t address = access->address;
	uint64_t left = access->length;
	uint8_t *bytes = data;

	while (left) {
		uint64_t take = PAGE_BYTES - (address & (PAGE_BYTES - 1));
		uint64_t physical;
		uint32_t cause;

		if (take > left)
			take = left;
		cause = mmu_translate(mmu, access->asid, address, access->type, &physical);
		if (!cause && bytes) {
			int error = access->type == KESTREL_ACCESS_WRITE ?
				host->memory_write(host->opaque, physical, bytes, take) :
				host->memory_read(host->opaque, physical, bytes, take);

			if (error < 0)
				cause = KESTREL_MMU_CAUSE_BUS;
		}
		if (cause) {
			mmu_fault_record(mmu, access, address, cause);
			if (fault_address)
				*fault_address = address;
			return cause;
		}
		address += take;
		left -= take;
		if (bytes)
			bytes += take;
	}
	return 0;
}

void mmu_invalidate(struct mmu *mmu, uint32_t type, uint32_t asid, uint64_t address,
		    uint64_t length)
{
	uint64_t first = 0;
	uint64_t last = UINT64_MAX >> PAGE_SHIFT;
	bool all = type != KESTREL_INVALIDATE_RANGE && type != KESTREL_INVALIDATE_ASID;
	unsigned int i;

	if (type == KESTREL_INVALIDATE_RANGE) {
		if (!length)
			return;
		first = address >> PAGE_SHIFT;
		if (length - 1 <= UINT64_MAX - address)
			last = (address + length - 1) >> PAGE_SHIFT;
	}
	for (i = 0; i < MMU_CACHE_ENTRIES; i++) {
		struct mmu_page *cached = &mmu->cache[i];

		if (all || (cached->asid == asid && cached->page >= first && cached->page <= last))
			cached->page = MMU_NO_PAGE;
	}
	for (i = 0; i < MMU_TLB_ENTRIES; i++) {
		struct mmu_tlb_entry *entry = &mmu->tlb[i];

		if (all || (entry->asid == asid && entry->page <= last &&
			    entry->page + (entry->pages - 1) >= first))
			entry->used = 0;
	}
	/* The walk caches are small enough to go with any invalidation. */
	mmu->walk_region = MMU_NO_PAGE;
	mmu->mcu_page = MMU_NO_PAGE;
	mmu->mcu_region = MMU_NO_PAGE;
}

void mmu_fault_pop(struct mmu *mmu)
{
	mmu->fault_overflow = false;
	if (!mmu->fault_count)
		return;
	mmu->fault_count--;
	memmove(&mmu->fault[0], &mmu->fault[1], mmu->fault_count * sizeof(mmu->fault[0]));
}
