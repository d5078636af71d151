// SPDX-License-Identifier: MIT
/* Page-table walks, fault records, invalidation, and what translations cost. */

#include <stdlib.h>

#include <kestrel/isa.h>

#include "emulator_test.h"
#include "mmu.h"

#define LATENCY 32u
#define ASID 5u
#define ROOT 0x1000u
#define MIDDLE 0x2000u
#define LEAVES 0x3000u
#define HIGH_MIDDLE 0x4000u

#define V 0x01u
#define R 0x02u
#define W 0x04u
#define X 0x08u
#define U 0x10u
#define G 0x20u
#define A 0x40u
#define D 0x80u

static uint64_t entry(uint64_t physical, uint64_t flags)
{
	return physical >> 12 << 10 | flags;
}

/* Address space 5: VA 0x40000000 + n pages is described by LEAVES[n]. */
#define BASE UINT64_C(0x40000000)

static void build(struct test_machine *machine, struct kestrel_emulator_host *host,
		  struct mmu *mmu)
{
	memset(machine, 0, sizeof(*machine));
	*host = test_host(machine);
	mmu_init(mmu, host, LATENCY);
	mmu->space[ASID] = UINT64_C(1) << 63 | ROOT >> 12;
	test_store64(machine, ROOT + (BASE >> 30) * 8, entry(MIDDLE, V));
	test_store64(machine, MIDDLE, entry(LEAVES, V));
}

static void leaf(struct test_machine *machine, unsigned int page, uint64_t value)
{
	test_store64(machine, LEAVES + page * 8, value);
}

static uint32_t translate(struct mmu *mmu, uint64_t address, uint32_t type, uint64_t *physical)
{
	mmu_invalidate(mmu, KESTREL_INVALIDATE_ALL, 0, 0, 0);
	return mmu_translate(mmu, ASID, address, type, physical);
}

static void test_walks(struct test *test, struct test_machine *machine)
{
	struct kestrel_emulator_host host;
	struct mmu mmu;
	uint64_t physical = 0;

	build(machine, &host, &mmu);
	leaf(machine, 0, entry(0x123000, V | R | W | A | D));
	leaf(machine, 1, entry(0x124000, V | X | A));
	leaf(machine, 2, entry(0x125000, V | R | A | U | G | 0x300));
	EQUAL(test, translate(&mmu, BASE + 0x123, KESTREL_ACCESS_READ, &physical), 0);
	EQUAL(test, physical, 0x123123);
	EQUAL(test, translate(&mmu, BASE + 8, KESTREL_ACCESS_WRITE, &physical), 0);
	EQUAL(test, translate(&mmu, BASE, KESTREL_ACCESS_FETCH, &physical),
	      KESTREL_MMU_CAUSE_PERMISSION);
	EQUAL(test, translate(&mmu, BASE + 0x1000, KESTREL_ACCESS_FETCH, &physical), 0);
	EQUAL(test, physical, 0x124000);
	EQUAL(test, translate(&mmu, BASE + 0x1000, KESTREL_ACCESS_READ, &physical),
	      KESTREL_MMU_CAUSE_PERMISSION);
	EQUAL(test, translate(&mmu, BASE + 0x2000, KESTREL_ACCESS_READ, &physical), 0);
	EQUAL(test, translate(&mmu, BASE + 0x2000, KESTREL_ACCESS_WRITE, &physical),
	      KESTREL_MMU_CAUSE_PERMISSION);
	test_group(test, "4 KiB pages and their rights");

	test_store64(machine, MIDDLE + 8, entry(0x200000, V | R | W | A | D));
	EQUAL(test, translate(&mmu, BASE + 0x3abcde, KESTREL_ACCESS_WRITE, &physical), 0);
	EQUAL(test, physical, 0x3abcde);
	test_store64(machine, MIDDLE + 8, entry(0x201000, V | R | A));
	EQUAL(test, translate(&mmu, BASE + 0x200000, KESTREL_ACCESS_READ, &physical),
	      KESTREL_MMU_CAUSE_MALFORMED);
	test_store64(machine, ROOT + 8 * 3, entry(0, V | R | A));
	EQUAL(test, translate(&mmu, UINT64_C(3) << 30, KESTREL_ACCESS_READ, &physical),
	      KESTREL_MMU_CAUSE_MALFORMED);
	/* The upper half of the 39 bits is reached by sign-extended addresses only. */
	test_store64(machine, ROOT + 511 * 8, entry(HIGH_MIDDLE, V));
	test_store64(machine, HIGH_MIDDLE + 511 * 8, entry(0, V | R | A));
	EQUAL(test, translate(&mmu, UINT64_MAX - 0xff, KESTREL_ACCESS_READ, &physical), 0);
	EQUAL(test, physical, 0x1fff00);
	EQUAL(test, translate(&mmu, UINT64_C(0x7fffffff00), KESTREL_ACCESS_READ, &physical),
	      KESTREL_MMU_CAUSE_CANONICAL);
	test_group(test, "2 MiB pages, 1 GiB leaves, canonical addresses");
}

static void test_faults(struct test *test, struct test_machine *machine)
{
	static const struct {
		uint64_t flags;
		uint32_t type;
		uint32_t cause;
	} row[] = {
		{ R | A, KESTREL_ACCESS_READ, KESTREL_MMU_CAUSE_NOT_PRESENT },
		{ V | W | A | D, KESTREL_ACCESS_WRITE, KESTREL_MMU_CAUSE_MALFORMED },
		{ V | R | A | UINT64_C(1) << 54, KESTREL_ACCESS_READ, KESTREL_MMU_CAUSE_MALFORMED },
		{ V | R | A | UINT64_C(1) << 63, KESTREL_ACCESS_READ, KESTREL_MMU_CAUSE_MALFORMED },
		{ V | R, KESTREL_ACCESS_READ, KESTREL_MMU_CAUSE_ACCESSED },
		{ V | R | W | A, KESTREL_ACCESS_WRITE, KESTREL_MMU_CAUSE_DIRTY },
		{ V | R | W | D, KESTREL_ACCESS_WRITE, KESTREL_MMU_CAUSE_ACCESSED },
		/* A pointer at the lowest level. */
		{ V, KESTREL_ACCESS_READ, KESTREL_MMU_CAUSE_MALFORMED },
	};
	struct kestrel_emulator_host host;
	struct mmu mmu;
	uint64_t physical;
	unsigned int i;

	build(machine, &host, &mmu);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		leaf(machine, 0, entry(0x123000, 0) | row[i].flags);
		EQUAL(test, translate(&mmu, BASE, row[i].type, &physical), row[i].cause);
	}
	EQUAL(test, mmu_translate(&mmu, 6, BASE, KESTREL_ACCESS_READ, &physical),
	      KESTREL_MMU_CAUSE_ASID);
	EQUAL(test, mmu_translate(&mmu, 1000, BASE, KESTREL_ACCESS_READ, &physical),
	      KESTREL_MMU_CAUSE_ASID);
	test_store64(machine, MIDDLE, entry(UINT64_C(1) << 40, V));
	EQUAL(test, translate(&mmu, BASE, KESTREL_ACCESS_READ, &physical),
	      KESTREL_MMU_CAUSE_BUS);
	test_group(test, "each cause of a fault");
}

static void test_accesses(struct test *test, struct test_machine *machine)
{
	struct engine_access access = {
		.asid = ASID, .tag = 0x77, .unit = KESTREL_UNIT_DMA_OUT,
		.type = KESTREL_ACCESS_WRITE, .address = BASE + 0xffc, .length = 8,
	};
	struct kestrel_emulator_host host;
	uint64_t address = 0;
	struct mmu mmu;
	unsigned int i;

	build(machine, &host, &mmu);
	leaf(machine, 0, entry(0x123000, V | R | W | A | D));
	leaf(machine, 1, entry(0x140000, V | R | W | A | D));
	EQUAL(test, mmu_access(&mmu, &access, (void *)"abcdefgh", &address), 0);
	CHECK(test, !memcmp(machine->memory + 0x123ffc, "abcd", 4));
	CHECK(test, !memcmp(machine->memory + 0x140000, "efgh", 4));
	EQUAL(test, mmu.fault_count, 0);

	/* The table loses the second page: seen only after the invalidation. */
	leaf(machine, 1, 0);
	EQUAL(test, mmu_access(&mmu, &access, (void *)"ABCDEFGH", &address), 0);
	mmu_invalidate(&mmu, KESTREL_INVALIDATE_RANGE, ASID + 1, BASE + 0x1000, 0x1000);
	EQUAL(test, mmu_access(&mmu, &access, NULL, &address), 0);
	mmu_invalidate(&mmu, KESTREL_INVALIDATE_RANGE, ASID, BASE + 0x2000, 0x1000);
	EQUAL(test, mmu_access(&mmu, &access, NULL, &address), 0);
	mmu_invalidate(&mmu, KESTREL_INVALIDATE_RANGE, ASID, BASE + 0x1fff, 1);
	EQUAL(test, mmu_access(&mmu, &access, (void *)"12345678", &address),
	      KESTREL_MMU_CAUSE_NOT_PRESENT);
	EQUAL(test, address, BASE + 0x1000);
	CHECK(test, !memcmp(machine->memory + 0x123ffc, "1234", 4));
	CHECK(test, !memcmp(machine->memory + 0x140000, "EFGH", 4));
	EQUAL(test, mmu.fault_count, 1);
	EQUAL(test, mmu.fault[0].asid, ASID);
	EQUAL(test, mmu.fault[0].tag, 0x77);
	EQUAL(test, mmu.fault[0].address, BASE + 0x1000);
	EQUAL(test, mmu.fault[0].info,
	      KESTREL_MMU_FAULT_INFO(KESTREL_ACCESS_WRITE, KESTREL_UNIT_DMA_OUT,
				     KESTREL_MMU_CAUSE_NOT_PRESENT));
	test_group(test, "accesses across pages, and invalidation");

	for (i = 0; i < KESTREL_MMU_FAULT_FIFO_RECORDS; i++) {
		access.tag = i;
		mmu_access(&mmu, &access, NULL, NULL);
	}
	EQUAL(test, mmu.fault_count, KESTREL_MMU_FAULT_FIFO_RECORDS);
	CHECK(test, mmu.fault_overflow);
	mmu_fault_pop(&mmu);
	CHECK(test, !mmu.fault_overflow);
	for (i = 0; i < KESTREL_MMU_FAULT_FIFO_RECORDS - 1; i++) {
		EQUAL(test, mmu.fault[0].tag, i);
		mmu_fault_pop(&mmu);
	}
	EQUAL(test, mmu.fault_count, 0);
	mmu_fault_pop(&mmu);
	test_group(test, "fault FIFO keeps order, drops the newest");
}

static uint64_t cost(struct mmu *mmu, uint64_t address, uint64_t length, uint64_t *previous)
{
	struct engine_access access = {
		.asid = ASID, .type = KESTREL_ACCESS_READ, .address = address, .length = length,
	};

	return mmu_cost(mmu, &access, previous);
}

static void test_cost(struct test *test, struct test_machine *machine)
{
	struct kestrel_emulator_host host;
	uint64_t previous = UINT64_MAX;
	struct mmu mmu;
	unsigned int i;

	build(machine, &host, &mmu);
	for (i = 0; i < 512; i++)
		leaf(machine, i, entry(0x100000, V | R | A));
	test_store64(machine, MIDDLE + 8, entry(0x200000, V | R | A));

	EQUAL(test, cost(&mmu, BASE, 4096, &previous), 3 * LATENCY);
	/* The page next to it is prefetched, and so on. */
	EQUAL(test, cost(&mmu, BASE + 4096, 8192, &previous), 0);
	/* A jump in the same 2 MiB, by this command and by another. */
	EQUAL(test, cost(&mmu, BASE + 0x10000, 1, &previous), LATENCY);
	previous = UINT64_MAX;
	EQUAL(test, cost(&mmu, BASE, 3 * 4096, &previous), 0);
	EQUAL(test, cost(&mmu, BASE + 0x100000, 1, &previous), LATENCY);
	EQUAL(test, mmu.misses, 3);
	EQUAL(test, mmu.walk_cycles, 5 * LATENCY);
	/* A 2 MiB page is one entry. */
	EQUAL(test, cost(&mmu, BASE + 0x200000, 1, &previous), 3 * LATENCY);
	EQUAL(test, cost(&mmu, BASE + 0x3f0000, 1, &previous), 0);
	/* Back in the first region the walk cache holds the other one. */
	EQUAL(test, cost(&mmu, BASE + 0x20000, 1, &previous), 3 * LATENCY);
	test_group(test, "walks, walk cache, prefetch");

	mmu_tlb_reset(&mmu);
	previous = UINT64_MAX;
	for (i = 0; i < MMU_TLB_ENTRIES; i++)
		cost(&mmu, BASE + i * 0x2000, 1, &previous);
	EQUAL(test, cost(&mmu, BASE, 1, &previous), 0);
	/* One more: the least recently used page, number 1, has to go. */
	EQUAL(test, cost(&mmu, BASE + MMU_TLB_ENTRIES * 0x2000, 1, &previous), LATENCY);
	EQUAL(test, cost(&mmu, BASE, 1, &previous), 0);
	EQUAL(test, cost(&mmu, BASE + 2 * 0x2000, 1, &previous), 0);
	EQUAL(test, cost(&mmu, BASE + 1 * 0x2000, 1, &previous), LATENCY);
	mmu_invalidate(&mmu, KESTREL_INVALIDATE_ASID, ASID, 0, 0);
	EQUAL(test, cost(&mmu, BASE + 2 * 0x2000, 1, &previous), 3 * LATENCY);
	/* The end of the 64 bits: bounded, not endless. */
	EQUAL(test, cost(&mmu, UINT64_MAX - 4095, 8192, &previous), 3 * LATENCY);
	test_group(test, "TLB of 64 entries in order of last use");
}

int main(void)
{
	struct test_machine *machine = malloc(sizeof(*machine));
	struct test test = { 0 };

	if (!machine) {
		printf("not ok - no memory\n");
		return 1;
	}
	test_walks(&test, machine);
	test_faults(&test, machine);
	test_accesses(&test, machine);
	test_cost(&test, machine);
	free(machine);
	return test.failures != 0;
}
