// SPDX-License-Identifier: MIT
/*
 * Cost of translations (docs/hardware.md, section 6.2): a fully associative TLB
 * in order of last use, and a walk cache of one 2 MiB region.
 */

#include "mmu.h"

#define PAGE_SHIFT 12
#define REGION_SHIFT 9

void mmu_tlb_reset(struct mmu *mmu)
{
	unsigned int i;

	for (i = 0; i < MMU_TLB_ENTRIES; i++) {
		mmu->tlb[i].used = 0;
		mmu->tlb[i].pages = 1;
	}
	mmu->tlb_clock = 0;
	mmu->walk_region = MMU_NO_PAGE;
	/* What accesses use may hold no more than the TLB of a job that starts. */
	for (i = 0; i < MMU_CACHE_ENTRIES; i++)
		mmu->cache[i].page = MMU_NO_PAGE;
}

static struct mmu_tlb_entry *tlb_find(struct mmu *mmu, uint32_t asid, uint64_t page)
{
	unsigned int i;

	for (i = 0; i < MMU_TLB_ENTRIES; i++) {
		struct mmu_tlb_entry *entry = &mmu->tlb[i];

		if (entry->used && entry->asid == asid && page - entry->page < entry->pages)
			return entry;
	}
	return NULL;
}

/* Replaces the least recently used entry. */
static void tlb_insert(struct mmu *mmu, uint32_t asid, uint64_t page)
{
	struct mmu_tlb_entry *oldest = &mmu->tlb[0];
	unsigned int i;

	for (i = 1; i < MMU_TLB_ENTRIES; i++)
		if (mmu->tlb[i].used < oldest->used)
			oldest = &mmu->tlb[i];
	oldest->pages = mmu_leaf_pages(mmu, asid, page << PAGE_SHIFT);
	oldest->page = page & ~(uint64_t)(oldest->pages - 1);
	oldest->asid = asid;
	oldest->used = ++mmu->tlb_clock;
}

uint64_t mmu_cost(struct mmu *mmu, const struct engine_access *access, uint64_t *previous_page)
{
	uint64_t page = access->address >> PAGE_SHIFT;
	uint64_t pages = ((access->address & 4095) + access->length + 4095) >> PAGE_SHIFT;
	uint64_t cycles = 0;

	for (; pages; pages--, page++) {
		struct mmu_tlb_entry *entry;

		if (page == *previous_page)
			continue;
		entry = tlb_find(mmu, access->asid, page);
		if (entry) {
			entry->used = ++mmu->tlb_clock;
		} else {
			if (page != *previous_page + 1) {
				bool near = mmu->walk_region == page >> REGION_SHIFT &&
					    mmu->walk_asid == access->asid;
				uint64_t walk = (near ? 1u : 3u) * (uint64_t)mmu->walk_latency;

				mmu->misses++;
				mmu->walk_cycles += walk;
				cycles += walk;
			}
			mmu->walk_region = page >> REGION_SHIFT;
			mmu->walk_asid = access->asid;
			tlb_insert(mmu, access->asid, page);
		}
		*previous_page = page;
	}
	return cycles;
}

uint64_t mmu_mcu_cost(struct mmu *mmu, uint64_t address)
{
	uint64_t page = address >> PAGE_SHIFT;
	uint64_t region = page >> REGION_SHIFT;
	uint64_t cycles;

	if (page == mmu->mcu_page)
		return 0;
	cycles = (region == mmu->mcu_region ? 1u : 3u) * (uint64_t)mmu->walk_latency;
	mmu->mcu_page = page;
	mmu->mcu_region = region;
	return cycles;
}
