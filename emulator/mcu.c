// SPDX-License-Identifier: MIT
/* The management core's execution loop. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mcu.h"

int mcu_init(struct mcu *mcu, uint32_t memory_bytes, const struct mcu_bus *bus)
{
	memset(mcu, 0, sizeof(*mcu));
	mcu->bus = *bus;
	mcu->memory_bytes = memory_bytes;
	mcu->memory = malloc(memory_bytes);
	mcu->decoded = malloc(memory_bytes / 2 * sizeof(*mcu->decoded));
	if (!mcu->memory || !mcu->decoded) {
		mcu_free(mcu);
		return -ENOMEM;
	}
	mcu_reset(mcu);
	return 0;
}

void mcu_free(struct mcu *mcu)
{
	free(mcu->memory);
	free(mcu->decoded);
	mcu->memory = NULL;
	mcu->decoded = NULL;
}

void mcu_reset(struct mcu *mcu)
{
	memset(mcu->memory, 0, mcu->memory_bytes);
	memset(mcu->decoded, 0, mcu->memory_bytes / 2 * sizeof(*mcu->decoded));
	memset(mcu->x, 0, sizeof(mcu->x));
	mcu->pc = 0;
	mcu->mstatus = MCU_MSTATUS_MPP;
	mcu->mie = 0;
	mcu->mip = 0;
	mcu->mtvec = 0;
	mcu->mscratch = 0;
	mcu->mepc = 0;
	mcu->mcause = 0;
	mcu->mtval = 0;
	mcu->sleeping = false;
	mcu->halted = true;
	mcu->in_exception = false;
	mcu->yield = false;
}

void mcu_load(struct mcu *mcu, uint32_t address, const void *data, uint32_t length)
{
	memcpy(mcu->memory + address, data, length);
	memset(mcu->decoded, 0, mcu->memory_bytes / 2 * sizeof(*mcu->decoded));
}

void mcu_start(struct mcu *mcu, uint32_t entry, uint64_t now)
{
	mcu->pc = entry;
	mcu->now = now;
	mcu->halted = false;
}

static void mcu_trap(struct mcu *mcu, uint32_t cause, uint32_t value)
{
	bool interrupt = cause >> 31;

	mcu->mepc = mcu->pc;
	mcu->mcause = cause;
	mcu->mtval = value;
	if (!interrupt) {
		if (mcu->in_exception) {
			mcu->halted = true;
			return;
		}
		mcu->in_exception = true;
	}
	mcu->mstatus = MCU_MSTATUS_MPP | (mcu->mstatus & MCU_MSTATUS_MIE ? MCU_MSTATUS_MPIE : 0);
	mcu->pc = mcu->mtvec;
}

/* Loads and stores; true when the instruction has trapped. */
static bool mcu_read(struct mcu *mcu, uint32_t address, unsigned int size, uint32_t *value)
{
	int cycles;

	mcu->now++;
	if (address & (size - 1)) {
		mcu_trap(mcu, MCU_CAUSE_LOAD_MISALIGNED, address);
		return true;
	}
	if (address < mcu->memory_bytes) {
		const uint8_t *memory = mcu->memory + address;

		*value = memory[0];
		if (size > 1)
			*value |= (uint32_t)memory[1] << 8;
		if (size > 2)
			*value |= (uint32_t)memory[2] << 16 | (uint32_t)memory[3] << 24;
		return false;
	}
	cycles = mcu->bus.load(mcu->bus.opaque, address, size, value);
	if (cycles < 0) {
		mcu_trap(mcu, MCU_CAUSE_LOAD_ACCESS, address);
		return true;
	}
	mcu->now += (unsigned int)cycles;
	return false;
}

static bool mcu_write(struct mcu *mcu, uint32_t address, unsigned int size, uint32_t value)
{
	int cycles;

	mcu->now++;
	if (address & (size - 1)) {
		mcu_trap(mcu, MCU_CAUSE_STORE_MISALIGNED, address);
		return true;
	}
	if (address < mcu->memory_bytes) {
		struct mcu_instruction *decoded = &mcu->decoded[address / 2];
		unsigned int i;

		for (i = 0; i < size; i++)
			mcu->memory[address + i] = (uint8_t)(value >> i * 8);
		/* A four-byte instruction may begin one halfword before the store. */
		decoded[0].operation = MCU_UNDECODED;
		if (size == 4)
			decoded[1].operation = MCU_UNDECODED;
		if (address >= 2)
			decoded[-1].operation = MCU_UNDECODED;
		return false;
	}
	cycles = mcu->bus.store(mcu->bus.opaque, address, size, value);
	if (cycles < 0) {
		mcu_trap(mcu, MCU_CAUSE_STORE_ACCESS, address);
		return true;
	}
	mcu->now += (unsigned int)cycles;
	return false;
}

/* CSR instructions; true when trapped. */
static bool mcu_csr(struct mcu *mcu, const struct mcu_instruction *in)
{
	bool immediate = in->operation >= MCU_CSRRWI;
	uint32_t operand = immediate ? in->rs1 : mcu->x[in->rs1];
	uint32_t number = (uint32_t)in->immediate;
	bool writes = true;
	uint32_t old = 0;

	if (!mcu_csr_read(mcu, number, &old))
		goto illegal;
	switch (in->operation) {
	case MCU_CSRRS:
	case MCU_CSRRSI:
		writes = in->rs1 != 0;
		operand |= old;
		break;
	case MCU_CSRRC:
	case MCU_CSRRCI:
		writes = in->rs1 != 0;
		operand = old & ~operand;
		break;
	}
	if (writes && !mcu_csr_write(mcu, number, operand))
		goto illegal;
	mcu->x[in->rd] = old;
	return false;

illegal:
	/* CSR instructions have no compressed form: the four bytes are the value. */
	mcu_trap(mcu, MCU_CAUSE_ILLEGAL,
		 mcu->memory[mcu->pc] | (uint32_t)mcu->memory[mcu->pc + 1] << 8 |
		 (uint32_t)mcu->memory[mcu->pc + 2] << 16 |
		 (uint32_t)mcu->memory[mcu->pc + 3] << 24);
	return true;
}

/* Where a conditional branch goes; taken ones take a cycle more. */
static uint32_t mcu_branch(struct mcu *mcu, bool taken, uint32_t target, uint32_t next)
{
	if (!taken)
		return next;
	mcu->now++;
	return target;
}

static uint32_t divide_signed(uint32_t a, uint32_t b)
{
	if (b == 0)
		return UINT32_MAX;
	if (a == 0x80000000u && b == UINT32_MAX)
		return a;
	return (uint32_t)((int32_t)a / (int32_t)b);
}

static uint32_t remainder_signed(uint32_t a, uint32_t b)
{
	if (b == 0)
		return a;
	if (a == 0x80000000u && b == UINT32_MAX)
		return 0;
	return (uint32_t)((int32_t)a % (int32_t)b);
}

/*
 * Executes one instruction. Returns the address of the next one; when it has
 * trapped, *trapped is set and mcu->pc is where the trap goes.
 */
static uint32_t mcu_execute(struct mcu *mcu, const struct mcu_instruction *in, bool *trapped)
{
	uint32_t *x = mcu->x;
	uint32_t pc = mcu->pc;
	uint32_t next = pc + in->length;
	uint32_t a = x[in->rs1];
	uint32_t b = x[in->rs2];
	uint32_t immediate = (uint32_t)in->immediate;
	uint32_t value = 0;

	switch (in->operation) {
	case MCU_LUI:
		x[in->rd] = immediate;
		break;
	case MCU_AUIPC:
		x[in->rd] = pc + immediate;
		break;
	case MCU_JAL:
		x[in->rd] = next;
		return mcu_branch(mcu, true, pc + immediate, next);
	case MCU_JALR:
		x[in->rd] = next;
		return mcu_branch(mcu, true, (a + immediate) & ~1u, next);
	case MCU_BEQ:
		return mcu_branch(mcu, a == b, pc + immediate, next);
	case MCU_BNE:
		return mcu_branch(mcu, a != b, pc + immediate, next);
	case MCU_BLT:
		return mcu_branch(mcu, (int32_t)a < (int32_t)b, pc + immediate, next);
	case MCU_BGE:
		return mcu_branch(mcu, (int32_t)a >= (int32_t)b, pc + immediate, next);
	case MCU_BLTU:
		return mcu_branch(mcu, a < b, pc + immediate, next);
	case MCU_BGEU:
		return mcu_branch(mcu, a >= b, pc + immediate, next);
	case MCU_LB:
		*trapped = mcu_read(mcu, a + immediate, 1, &value);
		if (!*trapped)
			x[in->rd] = (uint32_t)(int32_t)(int8_t)value;
		break;
	case MCU_LH:
		*trapped = mcu_read(mcu, a + immediate, 2, &value);
		if (!*trapped)
			x[in->rd] = (uint32_t)(int32_t)(int16_t)value;
		break;
	case MCU_LW:
		*trapped = mcu_read(mcu, a + immediate, 4, &value);
		if (!*trapped)
			x[in->rd] = value;
		break;
	case MCU_LBU:
		*trapped = mcu_read(mcu, a + immediate, 1, &value);
		if (!*trapped)
			x[in->rd] = value & 0xff;
		break;
	case MCU_LHU:
		*trapped = mcu_read(mcu, a + immediate, 2, &value);
		if (!*trapped)
			x[in->rd] = value & 0xffff;
		break;
	case MCU_SB:
		*trapped = mcu_write(mcu, a + immediate, 1, b);
		break;
	case MCU_SH:
		*trapped = mcu_write(mcu, a + immediate, 2, b);
		break;
	case MCU_SW:
		*trapped = mcu_write(mcu, a + immediate, 4, b);
		break;
	case MCU_ADDI:
		x[in->rd] = a + immediate;
		break;
	case MCU_SLTI:
		x[in->rd] = (int32_t)a < in->immediate;
		break;
	case MCU_SLTIU:
		x[in->rd] = a < immediate;
		break;
	case MCU_XORI:
		x[in->rd] = a ^ immediate;
		break;
	case MCU_ORI:
		x[in->rd] = a | immediate;
		break;
	case MCU_ANDI:
		x[in->rd] = a & immediate;
		break;
	case MCU_SLLI:
		x[in->rd] = a << immediate;
		break;
	case MCU_SRLI:
		x[in->rd] = a >> immediate;
		break;
	case MCU_SRAI:
		x[in->rd] = (uint32_t)((int32_t)a >> immediate);
		break;
	case MCU_ADD:
		x[in->rd] = a + b;
		break;
	case MCU_SUB:
		x[in->rd] = a - b;
		break;
	case MCU_SLL:
		x[in->rd] = a << (b & 31);
		break;
	case MCU_SLT:
		x[in->rd] = (int32_t)a < (int32_t)b;
		break;
	case MCU_SLTU:
		x[in->rd] = a < b;
		break;
	case MCU_XOR:
		x[in->rd] = a ^ b;
		break;
	case MCU_SRL:
		x[in->rd] = a >> (b & 31);
		break;
	case MCU_SRA:
		x[in->rd] = (uint32_t)((int32_t)a >> (b & 31));
		break;
	case MCU_OR:
		x[in->rd] = a | b;
		break;
	case MCU_AND:
		x[in->rd] = a & b;
		break;
	case MCU_MUL:
		x[in->rd] = a * b;
		break;
	case MCU_MULH:
		x[in->rd] = (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int32_t)b) >> 32);
		break;
	case MCU_MULHSU:
		x[in->rd] = (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int64_t)b) >> 32);
		break;
	case MCU_MULHU:
		x[in->rd] = (uint32_t)((uint64_t)a * b >> 32);
		break;
	case MCU_DIV:
		x[in->rd] = divide_signed(a, b);
		mcu->now += 15;
		break;
	case MCU_DIVU:
		x[in->rd] = b ? a / b : UINT32_MAX;
		mcu->now += 15;
		break;
	case MCU_REM:
		x[in->rd] = remainder_signed(a, b);
		mcu->now += 15;
		break;
	case MCU_REMU:
		x[in->rd] = b ? a % b : a;
		mcu->now += 15;
		break;
	case MCU_FENCE:
		break;
	case MCU_ECALL:
		*trapped = true;
		mcu_trap(mcu, MCU_CAUSE_ECALL, 0);
		break;
	case MCU_EBREAK:
		*trapped = true;
		mcu_trap(mcu, MCU_CAUSE_BREAKPOINT, pc);
		break;
	case MCU_MRET:
		mcu->in_exception = false;
		mcu->mstatus = MCU_MSTATUS_MPP | MCU_MSTATUS_MPIE |
			       (mcu->mstatus & MCU_MSTATUS_MPIE ? MCU_MSTATUS_MIE : 0);
		return mcu_branch(mcu, true, mcu->mepc, next);
	case MCU_WFI:
		mcu->sleeping = !mcu_wakes(mcu);
		break;
	case MCU_CSRRW:
	case MCU_CSRRS:
	case MCU_CSRRC:
	case MCU_CSRRWI:
	case MCU_CSRRSI:
	case MCU_CSRRCI:
		*trapped = mcu_csr(mcu, in);
		break;
	case MCU_FETCH_FAULT:
		*trapped = true;
		mcu_trap(mcu, MCU_CAUSE_FETCH_ACCESS, pc);
		break;
	default:
		*trapped = true;
		mcu_trap(mcu, MCU_CAUSE_ILLEGAL, immediate);
		break;
	}
	return next;
}

void mcu_run(struct mcu *mcu, uint64_t until)
{
	mcu->yield = false;
	while (mcu->now < until && !mcu->halted && !mcu->sleeping && !mcu->yield) {
		struct mcu_instruction *in;
		bool trapped = false;
		uint32_t next;

		if (mcu_wakes(mcu) && (mcu->mstatus & MCU_MSTATUS_MIE))
			mcu_trap(mcu, MCU_CAUSE_EXTERNAL_INTERRUPT, 0);
		mcu->now++;
		if (mcu->pc >= mcu->memory_bytes) {
			mcu_trap(mcu, MCU_CAUSE_FETCH_ACCESS, mcu->pc);
			continue;
		}
		in = &mcu->decoded[mcu->pc / 2];
		if (in->operation == MCU_UNDECODED)
			mcu_decode(mcu, mcu->pc, in);
		next = mcu_execute(mcu, in, &trapped);
		if (!trapped) {
			mcu->pc = next;
			mcu->instructions++;
		}
	}
}
