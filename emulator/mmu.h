/* SPDX-License-Identifier: MIT */
/*
 * MMU: Sv39 page tables per address space (docs/hardware.md, section 3), the
 * engine's TLB for the cost of translations, and the fault FIFO.
 *
 * What an access does and what it costs are kept apart. mmu_access() translates
 * through a cache that only INVALIDATE, a job's start and a change of the address
 * space table empty, as the hardware's TLB may; mmu_cost() keeps the modelled
 * TLB of the stated size and order.
 */

#ifndef KESTREL_EMULATOR_MMU_H
#define KESTREL_EMULATOR_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kestrel/regs.h>

#include "emulator.h"
#include "engine.h"

#define MMU_TLB_ENTRIES 64
#define MMU_CACHE_ENTRIES 256
#define MMU_NO_PAGE UINT64_MAX

/* A 4 KiB page of a leaf that was found. */
struct mmu_page {
	/* Virtual page number (VA >> 12); MMU_NO_PAGE when empty. */
	uint64_t page;
	uint32_t asid;
	/* The leaf's bits 0..9, and its 4 KiB pages: 1 or 512. */
	uint16_t flags;
	uint16_t leaf_pages;
	/* Physical address of the 4 KiB page. */
	uint64_t physical;
};

struct mmu_tlb_entry {
	/* First virtual page number and the number of pages: 1 or 512. */
	uint64_t page;
	uint32_t pages;
	uint32_t asid;
	/* Larger is more recent; 0 when empty. */
	uint64_t used;
};

struct mmu_fault {
	uint32_t asid;
	uint32_t info;
	uint32_t tag;
	uint64_t address;
};

struct mmu {
	/* The machine's memory. */
	const struct kestrel_emulator_host *host;
	/* Cycles of one table access. */
	uint32_t walk_latency;
	/* Address space table, as the registers show it. */
	uint64_t space[KESTREL_ASID_MAX];

	struct mmu_page cache[MMU_CACHE_ENTRIES];

	struct mmu_tlb_entry tlb[MMU_TLB_ENTRIES];
	uint64_t tlb_clock;
	/* 2 MiB region of the last walk, and its address space. */
	uint64_t walk_region;
	uint32_t walk_asid;
	/* The MCU's one translation, and the region of its last walk. */
	uint64_t mcu_page;
	uint64_t mcu_region;
	uint64_t misses;
	uint64_t walk_cycles;

	/* The FIFO: fault[0] is the oldest. */
	struct mmu_fault fault[KESTREL_MMU_FAULT_FIFO_RECORDS];
	uint32_t fault_count;
	bool fault_overflow;
};

/* Power-on state; host must outlive the MMU. */
void mmu_init(struct mmu *mmu, const struct kestrel_emulator_host *host, uint32_t walk_latency);

/*
 * Translates one address for one KESTREL_ACCESS_* type. Returns 0 with the
 * physical address, or a KESTREL_MMU_CAUSE_*. Records nothing.
 */
uint32_t mmu_translate(struct mmu *mmu, uint32_t asid, uint64_t address, uint32_t type,
		       uint64_t *physical);

/* 4 KiB pages of the leaf that maps an address: 1 or 512; 1 where none does. */
uint32_t mmu_leaf_pages(struct mmu *mmu, uint32_t asid, uint64_t address);

/*
 * Moves access->length bytes, or only looks whether that would fault when data
 * is NULL. Returns 0, or the cause with the address in *fault_address (may be
 * NULL); the fault is then in the FIFO.
 */
uint32_t mmu_access(struct mmu *mmu, const struct engine_access *access, void *data,
		    uint64_t *fault_address);

/* As struct engine_host says of translation_cost. */
uint64_t mmu_cost(struct mmu *mmu, const struct engine_access *access, uint64_t *previous_page);

/* Cycles of the walk that an MCU access to this address of address space 0 needs. */
uint64_t mmu_mcu_cost(struct mmu *mmu, uint64_t address);

/* A job starts: the engine's TLB is empty. */
void mmu_tlb_reset(struct mmu *mmu);

/* Drops the entries that a KESTREL_INVALIDATE_* names; unknown types name all. */
void mmu_invalidate(struct mmu *mmu, uint32_t type, uint32_t asid, uint64_t address,
		    uint64_t length);

/* Drops the oldest record, if any, and the overflow mark. */
void mmu_fault_pop(struct mmu *mmu);

#endif
