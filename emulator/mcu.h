/* SPDX-License-Identifier: MIT */
/*
 * Management core: an RV32IMC hart with machine mode only and tightly coupled
 * memory at address 0. Instructions come from that memory alone.
 *
 * Cycles as docs/hardware.md, section 6.5: one an instruction; loads and stores
 * one more, or what the bus says; taken branches and jumps 2, divisions 16.
 * Traps are precise. Misaligned loads and stores trap. An
 * exception inside an exception handler (before MRET) halts the core.
 */

#ifndef KESTREL_EMULATOR_MCU_H
#define KESTREL_EMULATOR_MCU_H

#include <stdbool.h>
#include <stdint.h>

/* Bit of mip and mie: the one interrupt, from the interrupt controller. */
#define MCU_INTERRUPT_EXTERNAL (1u << 11)

/* mcause of exceptions. */
enum mcu_cause {
	MCU_CAUSE_FETCH_ACCESS = 1,
	MCU_CAUSE_ILLEGAL = 2,
	MCU_CAUSE_BREAKPOINT = 3,
	MCU_CAUSE_LOAD_MISALIGNED = 4,
	MCU_CAUSE_LOAD_ACCESS = 5,
	MCU_CAUSE_STORE_MISALIGNED = 6,
	MCU_CAUSE_STORE_ACCESS = 7,
	MCU_CAUSE_ECALL = 11,
};

/* mcause of the external interrupt. */
#define MCU_CAUSE_EXTERNAL_INTERRUPT 0x8000000bu

/*
 * Loads and stores outside the core's own memory: address aligned to size, size
 * 1, 2 or 4. Returns the cycles beyond one, or negative for an access fault.
 */
struct mcu_bus {
	void *opaque;
	int (*load)(void *opaque, uint32_t address, unsigned int size, uint32_t *value);
	int (*store)(void *opaque, uint32_t address, unsigned int size, uint32_t value);
};

/* One instruction, decoded; kept for every halfword of memory. */
struct mcu_instruction {
	uint8_t operation;
	/* x0 as destination is register 32, which nobody reads. */
	uint8_t rd;
	uint8_t rs1;
	uint8_t rs2;
	int32_t immediate;
	/* Bytes: 2 or 4. */
	uint32_t length;
};

struct mcu {
	uint32_t x[33];
	uint32_t pc;

	uint32_t mstatus;
	uint32_t mie;
	/* Set by the device: the level of the external interrupt. */
	uint32_t mip;
	uint32_t mtvec;
	uint32_t mscratch;
	uint32_t mepc;
	uint32_t mcause;
	uint32_t mtval;

	/* Cycle of the next instruction, on the device's time base. */
	uint64_t now;
	uint64_t instructions;
	/* mcycle and minstret are these plus what was written. */
	uint64_t cycle_offset;
	uint64_t instret_offset;

	/* In WFI; not running at all. */
	bool sleeping;
	bool halted;
	bool in_exception;
	/* The bus asks the run loop to return: other parts have to catch up. */
	bool yield;

	struct mcu_bus bus;
	uint32_t memory_bytes;
	uint8_t *memory;
	struct mcu_instruction *decoded;
};

/* -ENOMEM. The core is halted until mcu_start(). */
int mcu_init(struct mcu *mcu, uint32_t memory_bytes, const struct mcu_bus *bus);
void mcu_free(struct mcu *mcu);

/* Zeroes the memory and all registers; halted. */
void mcu_reset(struct mcu *mcu);

/* Copies into the memory; the range must lie inside. */
void mcu_load(struct mcu *mcu, uint32_t address, const void *data, uint32_t length);

/* Begins to execute at `entry`, at cycle `now`. */
void mcu_start(struct mcu *mcu, uint32_t entry, uint64_t now);

/*
 * Executes until cycle `until`, WFI, a halt or a yield. mcu->now is then the
 * cycle reached, which the last instruction may have pushed beyond `until`.
 */
void mcu_run(struct mcu *mcu, uint64_t until);

/* True when a WFI would end: the device calls this after changing mip. */
static inline bool mcu_wakes(const struct mcu *mcu)
{
	return (mcu->mip & mcu->mie) != 0;
}

/* mcu_decode.c: the instruction at `address`, which is even and inside the memory. */
void mcu_decode(const struct mcu *mcu, uint32_t address, struct mcu_instruction *instruction);

/*
 * mcu_csr.c: reads and writes a control and status register. False: there is no
 * such register, or it is read-only.
 */
bool mcu_csr_read(struct mcu *mcu, uint32_t number, uint32_t *value);
bool mcu_csr_write(struct mcu *mcu, uint32_t number, uint32_t value);

#define MCU_MSTATUS_MIE (1u << 3)
#define MCU_MSTATUS_MPIE (1u << 7)
#define MCU_MSTATUS_MPP (3u << 11)

enum mcu_operation {
	/* Zero: not decoded yet. */
	MCU_UNDECODED = 0,
	MCU_ILLEGAL,
	MCU_FETCH_FAULT,
	MCU_LUI,
	MCU_AUIPC,
	MCU_JAL,
	MCU_JALR,
	MCU_BEQ,
	MCU_BNE,
	MCU_BLT,
	MCU_BGE,
	MCU_BLTU,
	MCU_BGEU,
	MCU_LB,
	MCU_LH,
	MCU_LW,
	MCU_LBU,
	MCU_LHU,
	MCU_SB,
	MCU_SH,
	MCU_SW,
	MCU_ADDI,
	MCU_SLTI,
	MCU_SLTIU,
	MCU_XORI,
	MCU_ORI,
	MCU_ANDI,
	MCU_SLLI,
	MCU_SRLI,
	MCU_SRAI,
	MCU_ADD,
	MCU_SUB,
	MCU_SLL,
	MCU_SLT,
	MCU_SLTU,
	MCU_XOR,
	MCU_SRL,
	MCU_SRA,
	MCU_OR,
	MCU_AND,
	MCU_MUL,
	MCU_MULH,
	MCU_MULHSU,
	MCU_MULHU,
	MCU_DIV,
	MCU_DIVU,
	MCU_REM,
	MCU_REMU,
	MCU_FENCE,
	MCU_ECALL,
	MCU_EBREAK,
	MCU_MRET,
	MCU_WFI,
	MCU_CSRRW,
	MCU_CSRRS,
	MCU_CSRRC,
	MCU_CSRRWI,
	MCU_CSRRSI,
	MCU_CSRRCI,
};

#endif
