// SPDX-License-Identifier: MIT
/*
 * The device behind its registers: boot and every refusal, interrupts, resets,
 * timer, clock, invalidation in bounded time, injected faults.
 */

#include <stdlib.h>

#include <kestrel/firmware.h>
#include <kestrel/isa.h>

#include "emulator_test.h"
#include "sha256.h"

/* Physical memory: tables of address space 0, then its pages from VA 0 on. */
#define ROOT 0x1000u
#define MIDDLE 0x2000u
#define LEAVES 0x3000u
#define PAGES_PHYSICAL 0x10000u
#define PAGES 64u

#define IMAGE_VA 0x4000u
#define IMAGE (PAGES_PHYSICAL + IMAGE_VA)
#define CODE_OFFSET 0x200u

/* Programs for the management core, without compressed instructions. */
static const uint32_t program_doorbell[] = {
	0x40000437, /* lui s0, 0x40000 */
	0x00100293, /* li t0, DOORBELL */
	0x00542223, /* sw t0, INTERRUPT_ENABLE(s0) */
	0x000012b7, /* lui t0, 1 */
	0x80028293, /* addi t0, t0, -2048 */
	0x30429073, /* csrw mie, t0 */
	0x10500073, /* 1: wfi */
	0x01c42303, /* lw t1, DOORBELL_PENDING 3(s0) */
	0x00642e23, /* sw t1, DOORBELL_PENDING 3(s0) */
	0x02642023, /* sw t1, HOST_INTERRUPT(s0) */
	0xff1ff06f, /* j 1b */
};

static const uint32_t program_halt[] = {
	0x40000437, /* lui s0, 0x40000 */
	0x04042283, /* lw t0, BOOT_ARGUMENT 0(s0) */
	0x02542223, /* sw t0, HALT(s0) */
	0x0000006f, /* j . */
};

static const uint32_t program_timer[] = {
	0x40000437, /* lui s0, 0x40000 */
	0x00800293, /* li t0, TIMER */
	0x00542223, /* sw t0, INTERRUPT_ENABLE(s0) */
	0x000012b7, /* lui t0, 1 */
	0x80028293, /* addi t0, t0, -2048 */
	0x30429073, /* csrw mie, t0 */
	0x03042303, /* lw t1, TIME_LO(s0) */
	0x3e830313, /* addi t1, t1, 1000 */
	0x02642c23, /* sw t1, TIME_COMPARE_LO(s0) */
	0x02042e23, /* sw zero, TIME_COMPARE_HI(s0) */
	0x10500073, /* wfi */
	0x00700313, /* li t1, 7 */
	0x02642223, /* sw t1, HALT(s0) */
	0x0000006f, /* j . */
};

static const uint32_t program_scrub[] = {
	0x40001437, /* lui s0, 0x40001 */
	0x00400293, /* li t0, SCRUB */
	0x00542023, /* sw t0, OPERATION(s0) */
	0x10500073, /* 1: wfi */
	0xffdff06f, /* j 1b */
};

static const uint32_t program_window[] = {
	0x80000437, /* lui s0, 0x80000 */
	0x00042283, /* lw t0, 0(s0) */
	0x00128293, /* addi t0, t0, 1 */
	0x00542223, /* sw t0, 4(s0) */
	0xffc42283, /* lw t0, -4(s0): no such address */
	0x0000006f, /* j . */
};

struct fixture {
	struct test *test;
	struct test_machine *machine;
	struct kestrel_emulator *emulator;
	struct kestrel_fw_image_header header;
	struct kestrel_fw_image_section section[2];
	uint32_t image_size;
};

static uint32_t get(struct fixture *f, uint32_t offset)
{
	return kestrel_emulator_register_read(f->emulator, offset);
}

static void set(struct fixture *f, uint32_t offset, uint32_t value)
{
	kestrel_emulator_register_write(f->emulator, offset, value);
}

/* A sound image of one section with the program; written by image_write(). */
static void image_make(struct fixture *f, const uint32_t *program, uint32_t bytes)
{
	memset(&f->header, 0, sizeof(f->header));
	memset(f->section, 0, sizeof(f->section));
	f->header.magic = KESTREL_FW_IMAGE_MAGIC;
	f->header.header_version = KESTREL_FW_IMAGE_HEADER_VERSION;
	f->header.image_size = CODE_OFFSET + bytes;
	f->header.architecture_major = KESTREL_ARCHITECTURE_MAJOR;
	f->header.security_version = 3;
	f->header.entry = 0x40;
	f->header.section_table_offset = sizeof(f->header);
	f->header.section_count = 1;
	f->header.section_entry_size = sizeof(f->section[0]);
	f->section[0].type = KESTREL_FW_SECTION_TCM;
	f->section[0].flags = KESTREL_FW_SECTION_REQUIRED;
	f->section[0].data_offset = CODE_OFFSET;
	f->section[0].data_size = bytes;
	f->section[0].load_address = 0x40;
	f->section[0].memory_size = bytes + 64;
	sha256_digest(program, bytes, f->section[0].hash);
	f->image_size = f->header.image_size;
	memcpy(f->machine->memory + IMAGE + CODE_OFFSET, program, bytes);
}

static void image_write(struct fixture *f)
{
	uint32_t table = f->header.section_count * (uint32_t)sizeof(f->section[0]);
	struct sha256 sha;

	if (table > sizeof(f->section))
		table = sizeof(f->section);
	memset(f->header.header_hash, 0, sizeof(f->header.header_hash));
	sha256_init(&sha);
	sha256_update(&sha, &f->header, sizeof(f->header));
	sha256_update(&sha, f->section, table);
	sha256_final(&sha, f->header.header_hash);
	memcpy(f->machine->memory + IMAGE, &f->header, sizeof(f->header));
	memcpy(f->machine->memory + IMAGE + sizeof(f->header), f->section, sizeof(f->section));
}

static void space_write(struct fixture *f)
{
	unsigned int i;

	test_store64(f->machine, ROOT, MIDDLE >> 12 << 10 | 1);
	test_store64(f->machine, MIDDLE, LEAVES >> 12 << 10 | 1);
	for (i = 0; i < PAGES; i++)
		test_store64(f->machine, LEAVES + i * 8,
			     (uint64_t)(PAGES_PHYSICAL + i * 4096) >> 12 << 10 | 0xc7);
	set(f, KESTREL_REG_ASID_TABLE_LO(0), ROOT >> 12);
	set(f, KESTREL_REG_ASID_TABLE_HI(0), KESTREL_ASID_TABLE_HI_VALID);
}

/* Boots what image_write() wrote; returns when the device has settled. */
static void boot(struct fixture *f)
{
	set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	space_write(f);
	set(f, KESTREL_REG_INTERRUPT_ENABLE, KESTREL_INTERRUPT_ALL);
	set(f, KESTREL_REG_IMAGE_ADDRESS_LO, IMAGE_VA);
	set(f, KESTREL_REG_IMAGE_SIZE, f->image_size);
	set(f, KESTREL_REG_BOOT_ARGUMENT(0), 0x1234);
	set(f, KESTREL_REG_MCU_START, 1);
	EQUAL(f->test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_BOOTING);
	kestrel_emulator_run(f->emulator, 100000);
}

static void boot_program(struct fixture *f, const uint32_t *program, uint32_t bytes)
{
	image_make(f, program, bytes);
	image_write(f);
	boot(f);
}

static void expect_refusal(struct fixture *f, uint32_t code)
{
	boot(f);
	EQUAL(f->test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_REFUSED);
	EQUAL(f->test, get(f, KESTREL_REG_BOOT_CODE), code);
	CHECK(f->test, f->machine->line);
	CHECK(f->test, get(f, KESTREL_REG_INTERRUPT_STATUS) & KESTREL_INTERRUPT_MCU_HALT);
}

static void test_boot(struct fixture *f)
{
	struct test *test = f->test;

	boot_program(f, program_halt, sizeof(program_halt));
	EQUAL(test, get(f, KESTREL_REG_BOOT_CODE), KESTREL_BOOT_OK);
	EQUAL(test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_HALTED);
	EQUAL(test, get(f, KESTREL_REG_MCU_HALT_CODE), 0x1234);
	CHECK(test, f->machine->line);
	set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
	CHECK(test, !f->machine->line);
	/* START is for a core that is OFF only. */
	set(f, KESTREL_REG_MCU_START, 1);
	EQUAL(test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_HALTED);
	set(f, KESTREL_REG_MCU_RESET, 1);
	EQUAL(test, get(f, KESTREL_REG_MCU_RESET), 0);
	EQUAL(test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_OFF);
	EQUAL(test, get(f, KESTREL_REG_IMAGE_SIZE), f->image_size);
	set(f, KESTREL_REG_MCU_START, 1);
	kestrel_emulator_run(f->emulator, 100000);
	EQUAL(test, get(f, KESTREL_REG_MCU_HALT_CODE), 0x1234);
	test_group(test, "an image boots, halts, and boots again after a fast reset");
}

#define REFUSED(f, change, code)						\
	do {									\
		image_make(f, program_halt, sizeof(program_halt));		\
		change;								\
		image_write(f);							\
		expect_refusal(f, code);					\
	} while (0)

static void test_refusals(struct fixture *f)
{
	static const uint8_t no_key[KESTREL_FW_PUBLIC_KEY_BYTES];
	struct test *test = f->test;

	REFUSED(f, f->header.magic ^= 1, KESTREL_BOOT_MAGIC);
	REFUSED(f, f->header.header_version++, KESTREL_BOOT_HEADER_VERSION);
	REFUSED(f, f->header.architecture_major++, KESTREL_BOOT_ARCHITECTURE);
	REFUSED(f, f->header.image_size++, KESTREL_BOOT_SIZE);
	REFUSED(f, f->header.image_size = 8, KESTREL_BOOT_SIZE);
	REFUSED(f, f->image_size = 16, KESTREL_BOOT_SIZE);
	REFUSED(f, f->header.section_table_offset = 0xfffffff8, KESTREL_BOOT_SIZE);
	REFUSED(f, f->header.section_table_offset = 8, KESTREL_BOOT_SIZE);
	REFUSED(f, f->header.section_entry_size = 0xffffffff, KESTREL_BOOT_SIZE);
	test_group(test, "refused: magic, versions, sizes");

	REFUSED(f, f->header.section_count = 0, KESTREL_BOOT_SECTION);
	REFUSED(f, f->header.section_entry_size = 32, KESTREL_BOOT_SECTION);
	REFUSED(f, f->header.entry = 0x41, KESTREL_BOOT_SECTION);
	REFUSED(f, f->header.entry = 0x3e, KESTREL_BOOT_SECTION);
	REFUSED(f, f->header.entry = 0x40 + sizeof(program_halt) + 64, KESTREL_BOOT_SECTION);
	REFUSED(f, f->section[0].data_offset = 0xfffffff0, KESTREL_BOOT_SECTION);
	REFUSED(f, f->section[0].data_size = 0xffffffff, KESTREL_BOOT_SECTION);
	REFUSED(f, f->section[0].memory_size = 4, KESTREL_BOOT_SECTION);
	REFUSED(f, f->section[0].memory_size = 0xffffffff, KESTREL_BOOT_SECTION);
	REFUSED(f, f->section[0].load_address = KESTREL_MCU_TCM_BYTES, KESTREL_BOOT_SECTION);
	REFUSED(f, f->section[0].load_address = 0x42, KESTREL_BOOT_SECTION);
	REFUSED(f, f->section[0].type = 99, KESTREL_BOOT_SECTION);
	REFUSED(f, f->header.section_count = 2; f->header.image_size += 0;
		f->section[1] = f->section[0], KESTREL_BOOT_SECTION);
	test_group(test, "refused: sections and entry");

	image_make(f, program_halt, sizeof(program_halt));
	image_write(f);
	f->machine->memory[IMAGE + CODE_OFFSET + 5] ^= 0x10;
	expect_refusal(f, KESTREL_BOOT_HASH);
	image_make(f, program_halt, sizeof(program_halt));
	image_write(f);
	f->machine->memory[IMAGE + offsetof(struct kestrel_fw_image_header, build)] ^= 1;
	expect_refusal(f, KESTREL_BOOT_HASH);
	REFUSED(f, f->section[0].hash[31] ^= 0x80, KESTREL_BOOT_HASH);
	test_group(test, "refused: hashes of header and section");

	kestrel_emulator_set_fuses(f->emulator, false, 4, no_key);
	REFUSED(f, (void)0, KESTREL_BOOT_ROLLBACK);
	EQUAL(test, get(f, KESTREL_REG_FUSED_SECURITY_VERSION), 4);
	kestrel_emulator_set_fuses(f->emulator, true, 0, no_key);
	REFUSED(f, (void)0, KESTREL_BOOT_SIGNATURE);
	kestrel_emulator_set_fuses(f->emulator, false, 3, no_key);
	boot_program(f, program_halt, sizeof(program_halt));
	EQUAL(test, get(f, KESTREL_REG_BOOT_CODE), KESTREL_BOOT_OK);
	kestrel_emulator_set_fuses(f->emulator, false, 0, no_key);
	test_group(test, "refused: roll-back and missing signature");

	image_make(f, program_halt, sizeof(program_halt));
	image_write(f);
	set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	space_write(f);
	set(f, KESTREL_REG_IMAGE_ADDRESS_LO, PAGES * 4096);
	set(f, KESTREL_REG_IMAGE_SIZE, f->image_size);
	set(f, KESTREL_REG_MCU_START, 1);
	kestrel_emulator_run(f->emulator, 100000);
	EQUAL(test, get(f, KESTREL_REG_BOOT_CODE), KESTREL_BOOT_MEMORY_FAULT);
	CHECK(test, get(f, KESTREL_REG_MMU_FAULT_STATUS) & KESTREL_MMU_FAULT_STATUS_VALID);
	EQUAL(test, get(f, KESTREL_REG_MMU_FAULT_VA_LO), PAGES * 4096);
	EQUAL(test, get(f, KESTREL_REG_MMU_FAULT_TAG), UINT32_MAX);
	EQUAL(test, KESTREL_MMU_FAULT_INFO_UNIT(get(f, KESTREL_REG_MMU_FAULT_INFO)),
	      KESTREL_UNIT_MCU);
	/* The cause comes back while a record waits. */
	set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
	EQUAL(test, get(f, KESTREL_REG_INTERRUPT_RAW), KESTREL_INTERRUPT_MMU_FAULT);
	set(f, KESTREL_REG_MMU_FAULT_POP, 1);
	set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
	EQUAL(test, get(f, KESTREL_REG_INTERRUPT_RAW), 0);
	test_group(test, "refused: an image that cannot be read, with a fault record");
}

static void test_mcu(struct fixture *f)
{
	struct test *test = f->test;
	uint64_t before;

	boot_program(f, program_doorbell, sizeof(program_doorbell));
	EQUAL(test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_RUNNING);
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_IDLE);
	before = kestrel_emulator_now(f->emulator);
	set(f, KESTREL_REG_DOORBELL, 128);
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_IDLE);
	set(f, KESTREL_REG_DOORBELL, 127);
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_BUSY);
	EQUAL(test, kestrel_emulator_run(f->emulator, 1000), KESTREL_EMULATOR_IDLE);
	CHECK(test, get(f, KESTREL_REG_INTERRUPT_STATUS) == KESTREL_INTERRUPT_MCU_EVENT);
	CHECK(test, f->machine->line);
	CHECK(test, kestrel_emulator_now(f->emulator) - before < 20);
	test_group(test, "a doorbell wakes the core, which rings the host");

	boot_program(f, program_timer, sizeof(program_timer));
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_WAITING);
	before = kestrel_emulator_next_event(f->emulator);
	CHECK(test, before > kestrel_emulator_now(f->emulator));
	kestrel_emulator_advance(f->emulator, 990);
	EQUAL(test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_RUNNING);
	kestrel_emulator_advance(f->emulator, 100);
	EQUAL(test, get(f, KESTREL_REG_MCU_HALT_CODE), 7);
	CHECK(test, kestrel_emulator_now(f->emulator) >= before);
	test_group(test, "the timer wakes the core at its cycle");

	test_store32(f->machine, PAGES_PHYSICAL, 41);
	boot_program(f, program_window, sizeof(program_window));
	EQUAL(test, f->machine->memory[PAGES_PHYSICAL + 4], 42);
	EQUAL(test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_HALTED);
	EQUAL(test, get(f, KESTREL_REG_MCU_HALT_CODE), KESTREL_HALT_DOUBLE_TRAP);
	EQUAL(test, get(f, KESTREL_REG_MCU_CAUSE), 2);
	test_group(test, "window to host memory, and a trap inside a trap");
}

static void test_invalidation(struct fixture *f)
{
	struct test *test = f->test;
	uint64_t before;

	boot_program(f, program_doorbell, sizeof(program_doorbell));
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_HUNG_ENGINE, 1);
	boot_program(f, program_scrub, sizeof(program_scrub));
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_BUSY);
	kestrel_emulator_advance(f->emulator, 1000000);
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_BUSY);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_DEAD_MCU, 1);

	before = kestrel_emulator_now(f->emulator);
	set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
	set(f, KESTREL_REG_INVALIDATE_START, KESTREL_INVALIDATE_ALL);
	EQUAL(test, get(f, KESTREL_REG_INVALIDATE_STATUS), KESTREL_INVALIDATE_BUSY);
	while (get(f, KESTREL_REG_INVALIDATE_STATUS) &&
	       kestrel_emulator_now(f->emulator) - before < 100000)
		kestrel_emulator_advance(f->emulator, 16);
	CHECK(test, kestrel_emulator_now(f->emulator) - before <= 4096);
	EQUAL(test, get(f, KESTREL_REG_INTERRUPT_STATUS), KESTREL_INTERRUPT_INVALIDATE_DONE);
	CHECK(test, f->machine->line);
	test_group(test, "INVALIDATE is bounded with a hung engine and a dead core");

	/* A fast reset ends both; the address space table stays. */
	set(f, KESTREL_REG_MCU_RESET, 1);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_HUNG_ENGINE, 0);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_DEAD_MCU, 0);
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_IDLE);
	CHECK(test, get(f, KESTREL_REG_ASID_TABLE_HI(0)) & KESTREL_ASID_TABLE_HI_VALID);
	set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	EQUAL(test, get(f, KESTREL_REG_ASID_TABLE_HI(0)), 0);
	EQUAL(test, get(f, KESTREL_REG_ASID_TABLE_LO(0)), 0);
	test_group(test, "levels of reset");
}

static void test_faults(struct fixture *f)
{
	struct test *test = f->test;
	unsigned int rises;

	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_ALL_ONES, 1);
	EQUAL(test, get(f, KESTREL_REG_ID), UINT32_MAX);
	set(f, KESTREL_REG_SCRATCH, 5);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_ALL_ONES, 0);
	EQUAL(test, get(f, KESTREL_REG_ID), KESTREL_ID_MAGIC);
	EQUAL(test, get(f, KESTREL_REG_SCRATCH), 0);
	rises = f->machine->rises;
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_ALL_ONES, 2);
	EQUAL(test, f->machine->rises, rises + 1);
	EQUAL(test, f->machine->line, true);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_ALL_ONES, 0);
	EQUAL(test, f->machine->line, false);

	boot_program(f, program_doorbell, sizeof(program_doorbell));
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_LOST_INTERRUPT, 1);
	rises = f->machine->rises;
	set(f, KESTREL_REG_DOORBELL, 100);
	kestrel_emulator_run(f->emulator, 1000);
	CHECK(test, get(f, KESTREL_REG_INTERRUPT_STATUS) != 0);
	EQUAL(test, f->machine->rises, rises);
	set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
	set(f, KESTREL_REG_DOORBELL, 100);
	kestrel_emulator_run(f->emulator, 1000);
	EQUAL(test, f->machine->rises, rises + 1);

	set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_DEAD_MCU, 1);
	set(f, KESTREL_REG_DOORBELL, 100);
	EQUAL(test, kestrel_emulator_activity(f->emulator), KESTREL_EMULATOR_IDLE);
	kestrel_emulator_advance(f->emulator, 100000);
	EQUAL(test, get(f, KESTREL_REG_INTERRUPT_RAW), 0);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_DEAD_MCU, 0);
	kestrel_emulator_run(f->emulator, 1000);
	EQUAL(test, get(f, KESTREL_REG_INTERRUPT_RAW), KESTREL_INTERRUPT_MCU_EVENT);

	test_store32(f->machine, PAGES_PHYSICAL, 41);
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_LYING_FIRMWARE, 1);
	boot_program(f, program_window, sizeof(program_window));
	EQUAL(test, f->machine->memory[PAGES_PHYSICAL + 4], 0xff - 42);

	/* Those that a reset ends. */
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_LYING_FIRMWARE, UINT32_MAX);
	boot_program(f, program_window, sizeof(program_window));
	EQUAL(test, f->machine->memory[PAGES_PHYSICAL + 4], 42);
	boot_program(f, program_doorbell, sizeof(program_doorbell));
	for (uint32_t value = 2; value <= 3; value++) {
		kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_DEAD_MCU, value);
		set(f, KESTREL_REG_DOORBELL, 100);
		kestrel_emulator_advance(f->emulator, 1000);
		EQUAL(test, get(f, KESTREL_REG_INTERRUPT_RAW) & KESTREL_INTERRUPT_MCU_EVENT, 0);
		if (value == 3)
			set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
		boot_program(f, program_doorbell, sizeof(program_doorbell));
		EQUAL(test, get(f, KESTREL_REG_MCU_STATUS), KESTREL_MCU_STATUS_RUNNING);
		set(f, KESTREL_REG_DOORBELL, 100);
		kestrel_emulator_run(f->emulator, 1000);
		EQUAL(test, get(f, KESTREL_REG_INTERRUPT_RAW), KESTREL_INTERRUPT_MCU_EVENT);
		set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
	}

	/* One reset that ends, then one that does not, until it is healed. */
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_ENDLESS_RESET, 2);
	for (uint32_t round = 0; round < 2; round++) {
		set(f, KESTREL_REG_SCRATCH, 7);
		set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
		kestrel_emulator_run(f->emulator, 100000);
		EQUAL(test, get(f, KESTREL_REG_RESET), round ? KESTREL_RESET_DEVICE : 0);
		EQUAL(test, get(f, KESTREL_REG_SCRATCH), round ? 7 : 0);
	}
	kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_ENDLESS_RESET, 0);
	EQUAL(test, get(f, KESTREL_REG_RESET), 0);

	/* Busy until it is healed, or with 2, until the device is reset. */
	for (uint32_t value = 1; value <= 2; value++) {
		set(f, KESTREL_REG_INTERRUPT_CLEAR, KESTREL_INTERRUPT_ALL);
		kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULT_HUNG_INVALIDATION,
					value);
		set(f, KESTREL_REG_INVALIDATE_START, KESTREL_INVALIDATE_ALL);
		kestrel_emulator_run(f->emulator, 100000);
		EQUAL(test, get(f, KESTREL_REG_INVALIDATE_STATUS), KESTREL_INVALIDATE_BUSY);
		EQUAL(test, get(f, KESTREL_REG_INTERRUPT_RAW) & KESTREL_INTERRUPT_INVALIDATE_DONE,
		      0);
		set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
		set(f, KESTREL_REG_INVALIDATE_START, KESTREL_INVALIDATE_ALL);
		kestrel_emulator_run(f->emulator, 100000);
		EQUAL(test, get(f, KESTREL_REG_INVALIDATE_STATUS),
		      value == 1 ? KESTREL_INVALIDATE_BUSY : 0);
	}

	EQUAL(test, kestrel_emulator_inject(f->emulator, KESTREL_EMULATOR_FAULTS, 1), -22);
	CHECK(test, !strcmp(kestrel_emulator_fault_name(1), "dead-mcu"));
	CHECK(test, !kestrel_emulator_fault_name(KESTREL_EMULATOR_FAULTS));
	test_group(test, "injected faults");
}

static void test_registers(struct fixture *f)
{
	struct test *test = f->test;
	uint64_t before;

	set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	EQUAL(test, get(f, KESTREL_REG_MACS_PER_CYCLE), 256);
	EQUAL(test, get(f, KESTREL_REG_OUTPUTS_PER_CYCLE), 16);
	EQUAL(test, get(f, KESTREL_REG_SRAM_BYTES), 384 * 1024);
	EQUAL(test, get(f, KESTREL_REG_PORT_COUNT), 2);
	EQUAL(test, get(f, KESTREL_REG_PORT(1) + KESTREL_PORT_RATE), 8 * 256);
	EQUAL(test, get(f, KESTREL_REG_PORT(0) + KESTREL_PORT_READ_LATENCY), 64);
	EQUAL(test, get(f, KESTREL_REG_ID + 2), 0);
	EQUAL(test, get(f, 0xfffc), 0);
	set(f, KESTREL_REG_SCRATCH, 0x5a5a5a5a);
	EQUAL(test, get(f, KESTREL_REG_SCRATCH), 0x5a5a5a5a);
	/* The pair takes effect with its high half. */
	set(f, KESTREL_REG_ASID_TABLE_LO(7), 0x12345);
	set(f, KESTREL_REG_ASID_TABLE_HI(7), KESTREL_ASID_TABLE_HI_VALID | 0xabc);
	EQUAL(test, get(f, KESTREL_REG_ASID_TABLE_LO(7)), 0x12345);
	EQUAL(test, get(f, KESTREL_REG_ASID_TABLE_HI(7)), KESTREL_ASID_TABLE_HI_VALID | 0xabc);
	test_group(test, "identity, capabilities, scratch");

	set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	kestrel_emulator_advance(f->emulator, 12345);
	set(f, KESTREL_REG_COUNTER_LATCH, 1);
	EQUAL(test, get(f, KESTREL_REG_COUNTER_LO(KESTREL_COUNTER_CYCLES)), 12345);
	kestrel_emulator_advance(f->emulator, 5);
	EQUAL(test, get(f, KESTREL_REG_COUNTER_LO(KESTREL_COUNTER_CYCLES)), 12345);
	test_group(test, "counters are latched");

	set(f, KESTREL_REG_INTERRUPT_ENABLE, KESTREL_INTERRUPT_ALL);
	set(f, KESTREL_REG_CLOCK_REQUEST, 250000);
	EQUAL(test, get(f, KESTREL_REG_CLOCK_STATUS), 0);
	EQUAL(test, get(f, KESTREL_REG_CLOCK_PRESENT), 500000);
	before = kestrel_emulator_now(f->emulator);
	kestrel_emulator_advance(f->emulator, 4999);
	EQUAL(test, get(f, KESTREL_REG_CLOCK_STATUS), 0);
	EQUAL(test, kestrel_emulator_now(f->emulator), before);
	kestrel_emulator_advance(f->emulator, 2);
	EQUAL(test, get(f, KESTREL_REG_CLOCK_STATUS), KESTREL_CLOCK_LOCKED);
	EQUAL(test, get(f, KESTREL_REG_CLOCK_PRESENT), 250000);
	EQUAL(test, kestrel_emulator_clock_khz(f->emulator), 250000);
	EQUAL(test, kestrel_emulator_now(f->emulator), before + 1);
	EQUAL(test, get(f, KESTREL_REG_INTERRUPT_STATUS), KESTREL_INTERRUPT_PLL_LOCKED);
	set(f, KESTREL_REG_CLOCK_REQUEST, 500001);
	EQUAL(test, get(f, KESTREL_REG_CLOCK_STATUS),
	      KESTREL_CLOCK_LOCKED | KESTREL_CLOCK_REJECTED);
	set(f, KESTREL_REG_CLOCK_REQUEST, 99999);
	EQUAL(test, get(f, KESTREL_REG_CLOCK_PRESENT), 250000);
	/* Energy grows with time, and the die is warmer than its surroundings. */
	kestrel_emulator_advance(f->emulator, 50000000);
	CHECK(test, get(f, KESTREL_REG_ENERGY_LO) > 0);
	CHECK(test, get(f, KESTREL_REG_POWER) > 0);
	CHECK(test, (int32_t)get(f, KESTREL_REG_TEMPERATURE) > 40000);
	test_group(test, "clock, PLL lock time, sensors");
}

static void test_configuration(struct test *test)
{
	struct kestrel_configuration configuration;
	char error[128];
	unsigned int i;

	for (i = 0; kestrel_configuration_name(i); i++) {
		EQUAL(test, kestrel_configuration_get(kestrel_configuration_name(i),
						      &configuration), 0);
		EQUAL(test, kestrel_configuration_check(&configuration, NULL, 0), 0);
	}
	EQUAL(test, i, 7);
	EQUAL(test, kestrel_configuration_get("kestrel-257", &configuration), -22);
	EQUAL(test, kestrel_configuration_get("kestrel-512", &configuration), 0);
	EQUAL(test, configuration.port[0].rate, 960);
	EQUAL(test, kestrel_configuration_set(&configuration,
					      "sram=0x10000,schedule=random:42,port0_rate=1.25",
					      error, sizeof(error)), 0);
	EQUAL(test, configuration.sram_bytes, 65536);
	EQUAL(test, configuration.schedule, CONFIGURATION_SCHEDULE_RANDOM);
	EQUAL(test, configuration.schedule_seed, 42);
	EQUAL(test, configuration.port[0].rate, 320);
	/* One port: both show its rate. */
	EQUAL(test, configuration.port[1].rate, 320);
	EQUAL(test, kestrel_configuration_set(&configuration, "checked=on,sram=5", error,
					      sizeof(error)), -22);
	CHECK(test, strstr(error, "sram=5"));
	CHECK(test, !configuration.checked);
	EQUAL(test, kestrel_configuration_set(&configuration, "colour=red", error,
					      sizeof(error)), -22);
	CHECK(test, strstr(error, "colour=red"));
	EQUAL(test, kestrel_configuration_set(&configuration, "spill", error, sizeof(error)), -22);
	EQUAL(test, kestrel_configuration_set(&configuration, "port0_rate=0.001", error,
					      sizeof(error)), -22);
	test_group(test, "configurations and their settings");
}

static void test_hash(struct test *test)
{
	static const uint8_t abc[4] = { 0xba, 0x78, 0x16, 0xbf };
	static const uint8_t empty[4] = { 0xe3, 0xb0, 0xc4, 0x42 };
	/* 56 bytes: the padding needs a block of its own. */
	static const uint8_t two_blocks[4] = { 0x24, 0x8d, 0x6a, 0x61 };
	uint8_t digest[SHA256_BYTES];

	sha256_digest("abc", 3, digest);
	CHECK(test, !memcmp(digest, abc, 4));
	sha256_digest("", 0, digest);
	CHECK(test, !memcmp(digest, empty, 4));
	sha256_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
	CHECK(test, !memcmp(digest, two_blocks, 4));
	test_group(test, "SHA-256");
}

int main(void)
{
	struct test_machine *machine = calloc(1, sizeof(*machine));
	struct kestrel_configuration configuration;
	struct kestrel_emulator_host host;
	struct test test = { 0 };
	struct fixture f = { .test = &test, .machine = machine };

	test_hash(&test);
	test_configuration(&test);
	if (!machine || kestrel_configuration_get("kestrel-256", &configuration)) {
		printf("not ok - no memory\n");
		return 1;
	}
	host = test_host(machine);
	f.emulator = kestrel_emulator_create(&configuration, &host);
	if (!f.emulator) {
		printf("not ok - the device cannot be created\n");
		return 1;
	}
	test_boot(&f);
	test_refusals(&f);
	test_mcu(&f);
	test_invalidation(&f);
	test_faults(&f);
	test_registers(&f);
	kestrel_emulator_destroy(f.emulator);
	free(machine);
	return test.failures != 0;
}
