// SPDX-License-Identifier: MIT
/* The management core's instructions, traps and registers, one by one. */

#include <stdlib.h>

#include "emulator_test.h"
#include "mcu.h"

#define MEMORY_BYTES 0x1000u
#define CODE 0x100u
#define HANDLER 0x800u
/* A bus address that answers, and one that does not. */
#define BUS_GOOD 0x40000000u
#define BUS_BAD 0x50000000u

struct bus_record {
	uint32_t address;
	uint32_t value;
	unsigned int size;
	unsigned int loads;
	unsigned int stores;
};

static int bus_load(void *opaque, uint32_t address, unsigned int size, uint32_t *value)
{
	struct bus_record *record = opaque;

	if (address >= BUS_BAD)
		return -1;
	record->address = address;
	record->size = size;
	record->loads++;
	*value = record->value;
	return 7;
}

static int bus_store(void *opaque, uint32_t address, unsigned int size, uint32_t value)
{
	struct bus_record *record = opaque;

	if (address >= BUS_BAD)
		return -1;
	record->address = address;
	record->size = size;
	record->value = value;
	record->stores++;
	return 3;
}

/* Encodings, as the RISC-V specification numbers the fields. */
static uint32_t encode_r(uint32_t funct7, uint32_t funct3, uint32_t rd, uint32_t rs1,
			 uint32_t rs2)
{
	return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33;
}

static uint32_t encode_i(uint32_t opcode, uint32_t funct3, uint32_t rd, uint32_t rs1,
			 int32_t immediate)
{
	return (uint32_t)immediate << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static uint32_t encode_s(uint32_t funct3, uint32_t rs1, uint32_t rs2, int32_t immediate)
{
	uint32_t value = (uint32_t)immediate;

	return (value >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 |
	       (value & 0x1f) << 7 | 0x23;
}

static uint32_t encode_b(uint32_t funct3, uint32_t rs1, uint32_t rs2, int32_t offset)
{
	uint32_t value = (uint32_t)offset;

	return (value >> 12 & 1) << 31 | (value >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 |
	       funct3 << 12 | (value >> 1 & 0xf) << 8 | (value >> 11 & 1) << 7 | 0x63;
}

#define ECALL 0x00000073u
#define EBREAK 0x00100073u
#define MRET 0x30200073u
#define WFI 0x10500073u
#define NOP 0x00000013u
#define CSRRW 1
#define CSRRS 2
#define CSRRC 3

static void put32(struct mcu *mcu, uint32_t address, uint32_t instruction)
{
	uint8_t bytes[4] = { (uint8_t)instruction, (uint8_t)(instruction >> 8),
			     (uint8_t)(instruction >> 16), (uint8_t)(instruction >> 24) };

	mcu_load(mcu, address, bytes, 4);
}

static void put16(struct mcu *mcu, uint32_t address, uint32_t instruction)
{
	uint8_t bytes[2] = { (uint8_t)instruction, (uint8_t)(instruction >> 8) };

	mcu_load(mcu, address, bytes, 2);
}

/* A core about to execute at CODE, with a handler address set. */
static void begin(struct mcu *mcu)
{
	mcu_reset(mcu);
	mcu->mtvec = HANDLER;
	mcu_start(mcu, CODE, 0);
}

/* Executes exactly one instruction, however many cycles it takes. */
static void step(struct mcu *mcu)
{
	mcu_run(mcu, mcu->now + 1);
}

static uint32_t run_r(struct mcu *mcu, uint32_t funct7, uint32_t funct3, uint32_t a, uint32_t b)
{
	begin(mcu);
	put32(mcu, CODE, encode_r(funct7, funct3, 10, 11, 12));
	mcu->x[11] = a;
	mcu->x[12] = b;
	step(mcu);
	return mcu->x[10];
}

static uint32_t run_i(struct mcu *mcu, uint32_t funct3, uint32_t a, int32_t immediate)
{
	begin(mcu);
	put32(mcu, CODE, encode_i(0x13, funct3, 10, 11, immediate));
	mcu->x[11] = a;
	step(mcu);
	return mcu->x[10];
}

static void test_arithmetic(struct test *test, struct mcu *mcu)
{
	EQUAL(test, run_r(mcu, 0, 0, 0xffffffff, 2), 1);
	EQUAL(test, run_r(mcu, 0x20, 0, 1, 2), 0xffffffff);
	EQUAL(test, run_r(mcu, 0, 1, 1, 33), 2);
	EQUAL(test, run_r(mcu, 0, 2, 0xffffffff, 0), 1);
	EQUAL(test, run_r(mcu, 0, 3, 0xffffffff, 0), 0);
	EQUAL(test, run_r(mcu, 0, 4, 0xff00ff00, 0x0ff00ff0), 0xf0f0f0f0);
	EQUAL(test, run_r(mcu, 0, 5, 0x80000000, 31), 1);
	EQUAL(test, run_r(mcu, 0x20, 5, 0x80000000, 31), 0xffffffff);
	EQUAL(test, run_r(mcu, 0, 6, 0xf0, 0x0f), 0xff);
	EQUAL(test, run_r(mcu, 0, 7, 0xf0, 0x3c), 0x30);
	EQUAL(test, run_i(mcu, 0, 5, -7), 0xfffffffe);
	EQUAL(test, run_i(mcu, 2, 0x80000000, 0), 1);
	EQUAL(test, run_i(mcu, 3, 5, -1), 1);
	EQUAL(test, run_i(mcu, 4, 0x0f, -1), 0xfffffff0);
	EQUAL(test, run_i(mcu, 6, 0x100, 0x0ff), 0x1ff);
	EQUAL(test, run_i(mcu, 7, 0x1ff, 0x0f0), 0x0f0);
	EQUAL(test, run_i(mcu, 1, 3, 30), 0xc0000000);
	EQUAL(test, run_i(mcu, 5, 0x80000000, 4), 0x08000000);
	EQUAL(test, run_i(mcu, 5, 0x80000000, 0x404), 0xf8000000);
	test_group(test, "integer operations");

	EQUAL(test, run_r(mcu, 1, 0, 0x10001, 0x10001), 0x20001);
	EQUAL(test, run_r(mcu, 1, 1, 0x80000000, 0x80000000), 0x40000000);
	EQUAL(test, run_r(mcu, 1, 1, 0xffffffff, 1), 0xffffffff);
	EQUAL(test, run_r(mcu, 1, 2, 0xffffffff, 0xffffffff), 0xffffffff);
	EQUAL(test, run_r(mcu, 1, 2, 0x80000000, 0xffffffff), 0x80000000);
	EQUAL(test, run_r(mcu, 1, 3, 0xffffffff, 0xffffffff), 0xfffffffe);
	EQUAL(test, run_r(mcu, 1, 4, (uint32_t)-7, 2), (uint32_t)-3);
	EQUAL(test, run_r(mcu, 1, 4, 7, 0), 0xffffffff);
	EQUAL(test, run_r(mcu, 1, 4, 0x80000000, 0xffffffff), 0x80000000);
	EQUAL(test, run_r(mcu, 1, 5, 0xfffffff9, 2), 0x7ffffffc);
	EQUAL(test, run_r(mcu, 1, 5, 7, 0), 0xffffffff);
	EQUAL(test, run_r(mcu, 1, 6, (uint32_t)-7, 2), (uint32_t)-1);
	EQUAL(test, run_r(mcu, 1, 6, (uint32_t)-7, 0), (uint32_t)-7);
	EQUAL(test, run_r(mcu, 1, 6, 0x80000000, 0xffffffff), 0);
	EQUAL(test, run_r(mcu, 1, 7, 7, 4), 3);
	EQUAL(test, run_r(mcu, 1, 7, 7, 0), 7);
	test_group(test, "multiplication and division");
}

static bool branches(struct mcu *mcu, uint32_t funct3, uint32_t a, uint32_t b)
{
	begin(mcu);
	put32(mcu, CODE, encode_b(funct3, 11, 12, -64));
	mcu->x[11] = a;
	mcu->x[12] = b;
	step(mcu);
	return mcu->pc == CODE - 64;
}

static void test_control(struct test *test, struct mcu *mcu)
{
	CHECK(test, branches(mcu, 0, 5, 5) && !branches(mcu, 0, 5, 6));
	CHECK(test, branches(mcu, 1, 5, 6) && !branches(mcu, 1, 5, 5));
	CHECK(test, branches(mcu, 4, 0xffffffff, 0) && !branches(mcu, 4, 0, 0xffffffff));
	CHECK(test, branches(mcu, 5, 0, 0xffffffff) && branches(mcu, 5, 3, 3));
	CHECK(test, branches(mcu, 6, 0, 0xffffffff) && !branches(mcu, 6, 0xffffffff, 0));
	CHECK(test, branches(mcu, 7, 0xffffffff, 0) && !branches(mcu, 7, 0, 1));

	begin(mcu);
	put32(mcu, CODE, 0x010000ef); /* jal ra, +16 */
	step(mcu);
	EQUAL(test, mcu->pc, CODE + 16);
	EQUAL(test, mcu->x[1], CODE + 4);

	begin(mcu);
	put32(mcu, CODE, encode_i(0x67, 0, 11, 11, 5)); /* jalr with rd = rs1, odd target */
	mcu->x[11] = 0x200;
	step(mcu);
	EQUAL(test, mcu->pc, 0x204);
	EQUAL(test, mcu->x[11], CODE + 4);

	begin(mcu);
	put32(mcu, CODE, 0xfffff537); /* lui a0, 0xfffff */
	put32(mcu, CODE + 4, 0x00001597); /* auipc a1, 1 */
	put32(mcu, CODE + 8, encode_i(0x13, 0, 0, 0, 99)); /* writes x0 */
	step(mcu);
	step(mcu);
	step(mcu);
	EQUAL(test, mcu->x[10], 0xfffff000);
	EQUAL(test, mcu->x[11], CODE + 4 + 0x1000);
	EQUAL(test, mcu->x[0], 0);
	test_group(test, "branches, jumps, upper immediates");
}

static uint32_t run_load(struct mcu *mcu, uint32_t funct3, uint32_t address)
{
	begin(mcu);
	put32(mcu, 0x200, 0x8182f384);
	put32(mcu, CODE, encode_i(0x03, funct3, 10, 11, -4));
	mcu->x[11] = address + 4;
	step(mcu);
	return mcu->x[10];
}

static void test_memory(struct test *test, struct mcu *mcu, struct bus_record *bus)
{
	EQUAL(test, run_load(mcu, 0, 0x201), 0xfffffff3);
	EQUAL(test, run_load(mcu, 4, 0x201), 0xf3);
	EQUAL(test, run_load(mcu, 1, 0x202), 0xffff8182);
	EQUAL(test, run_load(mcu, 5, 0x202), 0x8182);
	EQUAL(test, run_load(mcu, 2, 0x200), 0x8182f384);

	begin(mcu);
	put32(mcu, CODE, encode_s(0, 11, 12, 1));
	put32(mcu, CODE + 4, encode_s(1, 11, 12, 2));
	mcu->x[11] = 0x200;
	mcu->x[12] = 0xaabbccdd;
	step(mcu);
	step(mcu);
	EQUAL(test, mcu->memory[0x200], 0);
	EQUAL(test, mcu->memory[0x201], 0xdd);
	EQUAL(test, mcu->memory[0x202], 0xdd);
	EQUAL(test, mcu->memory[0x203], 0xcc);
	test_group(test, "loads and stores");

	bus->value = 0x1234f678;
	EQUAL(test, run_load(mcu, 1, BUS_GOOD), 0xfffff678);
	EQUAL(test, bus->address, BUS_GOOD);
	EQUAL(test, bus->size, 2);
	EQUAL(test, mcu->now, 2 + 7);
	begin(mcu);
	put32(mcu, CODE, encode_s(2, 11, 12, 0));
	mcu->x[11] = BUS_GOOD + 8;
	mcu->x[12] = 42;
	step(mcu);
	EQUAL(test, bus->value, 42);
	EQUAL(test, mcu->now, 2 + 3);
	test_group(test, "bus accesses and their cycles");
}

static void expect_trap(struct test *test, struct mcu *mcu, uint32_t instruction, uint32_t cause,
			uint32_t value)
{
	begin(mcu);
	put32(mcu, CODE, instruction);
	mcu->mstatus |= MCU_MSTATUS_MIE;
	mcu->x[10] = 77;
	mcu->x[11] = 0x201;
	mcu->x[12] = BUS_BAD;
	step(mcu);
	EQUAL(test, mcu->pc, HANDLER);
	EQUAL(test, mcu->mepc, CODE);
	EQUAL(test, mcu->mcause, cause);
	EQUAL(test, mcu->mtval, value);
	EQUAL(test, mcu->x[10], 77);
	EQUAL(test, mcu->mstatus, MCU_MSTATUS_MPP | MCU_MSTATUS_MPIE);
}

static void test_traps(struct test *test, struct mcu *mcu)
{
	uint64_t before;

	expect_trap(test, mcu, ECALL, MCU_CAUSE_ECALL, 0);
	expect_trap(test, mcu, EBREAK, MCU_CAUSE_BREAKPOINT, CODE);
	expect_trap(test, mcu, 0xffffffff, MCU_CAUSE_ILLEGAL, 0xffffffff);
	expect_trap(test, mcu, 0x00000000, MCU_CAUSE_ILLEGAL, 0);
	expect_trap(test, mcu, encode_i(0x03, 3, 10, 11, 0), MCU_CAUSE_ILLEGAL,
		    encode_i(0x03, 3, 10, 11, 0));
	expect_trap(test, mcu, encode_i(0x73, CSRRS, 10, 0, 0x123), MCU_CAUSE_ILLEGAL,
		    encode_i(0x73, CSRRS, 10, 0, 0x123));
	expect_trap(test, mcu, encode_i(0x73, CSRRW, 10, 11, 0xf14 - 0x1000), MCU_CAUSE_ILLEGAL,
		    encode_i(0x73, CSRRW, 10, 11, 0xf14 - 0x1000));
	expect_trap(test, mcu, encode_i(0x03, 1, 10, 11, 0), MCU_CAUSE_LOAD_MISALIGNED, 0x201);
	expect_trap(test, mcu, encode_i(0x03, 2, 10, 11, 1), MCU_CAUSE_LOAD_MISALIGNED, 0x202);
	expect_trap(test, mcu, encode_s(2, 11, 10, 0), MCU_CAUSE_STORE_MISALIGNED, 0x201);
	expect_trap(test, mcu, encode_i(0x03, 2, 10, 12, 4), MCU_CAUSE_LOAD_ACCESS, BUS_BAD + 4);
	expect_trap(test, mcu, encode_s(0, 12, 10, 3), MCU_CAUSE_STORE_ACCESS, BUS_BAD + 3);
	test_group(test, "exceptions are precise");

	begin(mcu);
	put32(mcu, CODE, encode_i(0x67, 0, 0, 11, 0));
	mcu->x[11] = 0x40000000;
	step(mcu);
	step(mcu);
	EQUAL(test, mcu->pc, HANDLER);
	EQUAL(test, mcu->mcause, MCU_CAUSE_FETCH_ACCESS);
	EQUAL(test, mcu->mtval, 0x40000000);
	/* The handler is zeroes: a second exception before MRET. */
	step(mcu);
	CHECK(test, mcu->halted);
	before = mcu->now;
	mcu_run(mcu, before + 100);
	EQUAL(test, mcu->now, before);

	begin(mcu);
	put32(mcu, CODE, ECALL);
	put32(mcu, HANDLER, MRET);
	mcu->mstatus |= MCU_MSTATUS_MIE;
	step(mcu);
	step(mcu);
	EQUAL(test, mcu->pc, CODE);
	CHECK(test, mcu->mstatus & MCU_MSTATUS_MIE);
	step(mcu);
	CHECK(test, !mcu->halted);
	test_group(test, "trap inside a trap halts, after MRET it does not");
}

static void test_interrupts(struct test *test, struct mcu *mcu)
{
	begin(mcu);
	put32(mcu, CODE, WFI);
	put32(mcu, CODE + 4, NOP);
	mcu->mie = MCU_INTERRUPT_EXTERNAL;
	mcu_run(mcu, 1000);
	CHECK(test, mcu->sleeping);
	EQUAL(test, mcu->now, 1);
	EQUAL(test, mcu->pc, CODE + 4);
	mcu->mip = MCU_INTERRUPT_EXTERNAL;
	CHECK(test, mcu_wakes(mcu));
	mcu->sleeping = false;
	/* Interrupts are off: it goes on behind WFI. */
	step(mcu);
	EQUAL(test, mcu->pc, CODE + 8);

	begin(mcu);
	put32(mcu, CODE, NOP);
	put32(mcu, HANDLER, NOP);
	mcu->mie = MCU_INTERRUPT_EXTERNAL;
	mcu->mip = MCU_INTERRUPT_EXTERNAL;
	mcu->mstatus |= MCU_MSTATUS_MIE;
	step(mcu);
	EQUAL(test, mcu->mepc, CODE);
	EQUAL(test, mcu->mcause, MCU_CAUSE_EXTERNAL_INTERRUPT);
	EQUAL(test, mcu->pc, HANDLER + 4);
	CHECK(test, !(mcu->mstatus & MCU_MSTATUS_MIE));
	test_group(test, "WFI and interrupts");
}

static void test_registers(struct test *test, struct mcu *mcu)
{
	begin(mcu);
	put32(mcu, CODE, encode_i(0x73, CSRRW, 10, 11, 0x340));
	put32(mcu, CODE + 4, encode_i(0x73, CSRRS, 12, 13, 0x340));
	put32(mcu, CODE + 8, encode_i(0x73, CSRRC + 4, 14, 3, 0x340)); /* csrrci 3 */
	put32(mcu, CODE + 12, encode_i(0x73, CSRRS, 15, 0, 0xc00 - 0x1000)); /* read-only, no write */
	put32(mcu, CODE + 16, encode_i(0x73, CSRRS, 16, 0, 0x301));
	mcu->x[11] = 0x70;
	mcu->x[13] = 0x0f;
	mcu->mscratch = 5;
	mcu_run(mcu, 5);
	EQUAL(test, mcu->x[10], 5);
	EQUAL(test, mcu->x[12], 0x70);
	EQUAL(test, mcu->x[14], 0x7f);
	EQUAL(test, mcu->mscratch, 0x7c);
	EQUAL(test, mcu->x[15], 4);
	EQUAL(test, mcu->x[16], 0x40001104);
	EQUAL(test, mcu->pc, CODE + 20);
	test_group(test, "control and status registers");
}

/* Compressed instructions: encodings taken from an assembler's listing. */
static void test_compressed(struct test *test, struct mcu *mcu)
{
	begin(mcu);
	mcu->x[2] = 0x400;
	mcu->x[8] = 0x200;
	mcu->x[9] = 3;
	put16(mcu, CODE, 0x0808); /* addi a0, sp, 16 */
	put16(mcu, CODE + 2, 0x1541); /* addi a0, a0, -16 */
	put16(mcu, CODE + 4, 0xc044); /* sw s1, 4(s0) */
	put16(mcu, CODE + 6, 0x404c); /* lw a1, 4(s0) */
	put16(mcu, CODE + 8, 0x55fd); /* li a1, -1 */
	put16(mcu, CODE + 10, 0x767d); /* lui a2, 0xfffff */
	put16(mcu, CODE + 12, 0x6141); /* addi sp, sp, 16 */
	put16(mcu, CODE + 14, 0x8191); /* srli a1, a1, 4 */
	put16(mcu, CODE + 16, 0x8611); /* srai a2, a2, 4 */
	put16(mcu, CODE + 18, 0x99bd); /* andi a1, a1, -17 */
	put16(mcu, CODE + 20, 0x8e0d); /* sub a2, a2, a1 */
	put16(mcu, CODE + 22, 0x0486); /* slli s1, s1, 1 */
	put16(mcu, CODE + 24, 0xc226); /* sw s1, 4(sp) */
	put16(mcu, CODE + 26, 0x4692); /* lw a3, 4(sp) */
	put16(mcu, CODE + 28, 0x8736); /* mv a4, a3 */
	put16(mcu, CODE + 30, 0x9736); /* add a4, a4, a3 */
	put16(mcu, CODE + 32, 0xa011); /* j +4 */
	put16(mcu, CODE + 36, 0xc319); /* beqz a4, +6: not taken */
	put16(mcu, CODE + 38, 0xe311); /* bnez a4, +4 */
	put16(mcu, CODE + 42, 0x2019); /* jal +6 */
	put16(mcu, CODE + 48, 0x8082); /* ret */
	while (mcu->pc != CODE + 44 && mcu->now < 1000)
		step(mcu);
	EQUAL(test, mcu->pc, CODE + 44);
	EQUAL(test, mcu->x[10], 0x400);
	EQUAL(test, mcu->x[2], 0x410);
	EQUAL(test, mcu->memory[0x204], 3);
	EQUAL(test, mcu->x[11], 0x0fffffef);
	EQUAL(test, mcu->x[12], 0xffffff00u - 0x0fffffefu);
	EQUAL(test, mcu->x[9], 6);
	EQUAL(test, mcu->x[13], 6);
	EQUAL(test, mcu->x[14], 12);
	EQUAL(test, mcu->x[1], CODE + 44);

	begin(mcu);
	put16(mcu, CODE, 0x9002); /* ebreak */
	step(mcu);
	EQUAL(test, mcu->mcause, MCU_CAUSE_BREAKPOINT);
	begin(mcu);
	put16(mcu, CODE, 0x1482); /* a shift by 32: RV64 only */
	step(mcu);
	EQUAL(test, mcu->mcause, MCU_CAUSE_ILLEGAL);
	EQUAL(test, mcu->mtval, 0x1482);
	test_group(test, "compressed instructions");
}

static void test_cycles(struct test *test, struct mcu *mcu)
{
	begin(mcu);
	put32(mcu, CODE, NOP);
	put32(mcu, CODE + 4, encode_r(1, 4, 10, 11, 12));
	put32(mcu, CODE + 8, encode_i(0x03, 2, 10, 0, 0));
	put32(mcu, CODE + 12, encode_b(0, 0, 0, 8));
	step(mcu);
	EQUAL(test, mcu->now, 1);
	step(mcu);
	EQUAL(test, mcu->now, 17);
	step(mcu);
	EQUAL(test, mcu->now, 19);
	step(mcu);
	EQUAL(test, mcu->now, 21);
	test_group(test, "cycles of instructions");

	/* A store into code that has been executed before. */
	begin(mcu);
	put32(mcu, CODE, encode_s(2, 0, 11, CODE + 4));
	put32(mcu, CODE + 4, encode_i(0x13, 0, 10, 0, 1));
	mcu->x[11] = encode_i(0x13, 0, 10, 0, 2);
	mcu_decode(mcu, CODE + 4, &mcu->decoded[(CODE + 4) / 2]);
	step(mcu);
	step(mcu);
	EQUAL(test, mcu->x[10], 2);
	/* The second half of an instruction at an odd halfword. */
	begin(mcu);
	put32(mcu, CODE, encode_s(1, 0, 11, CODE + 8));
	put16(mcu, CODE + 4, 0x0001);
	put32(mcu, CODE + 6, encode_i(0x13, 0, 10, 0, 1));
	mcu->x[11] = encode_i(0x13, 0, 10, 0, 3) >> 16;
	mcu_decode(mcu, CODE + 6, &mcu->decoded[(CODE + 6) / 2]);
	step(mcu);
	step(mcu);
	step(mcu);
	EQUAL(test, mcu->x[10], 3);
	test_group(test, "stores into code take effect");
}

int main(void)
{
	struct test test = { 0 };
	struct bus_record record = { 0 };
	struct mcu_bus bus = { .opaque = &record, .load = bus_load, .store = bus_store };
	struct mcu mcu;

	if (mcu_init(&mcu, MEMORY_BYTES, &bus)) {
		printf("not ok - no memory\n");
		return 1;
	}
	test_arithmetic(&test, &mcu);
	test_control(&test, &mcu);
	test_memory(&test, &mcu, &record);
	test_traps(&test, &mcu);
	test_interrupts(&test, &mcu);
	test_registers(&test, &mcu);
	test_compressed(&test, &mcu);
	test_cycles(&test, &mcu);
	mcu_free(&mcu);
	return test.failures != 0;
}
