// SPDX-License-Identifier: MIT
/*
 * RV32IMC decoder. A compressed instruction is first expanded to the 32-bit
 * instruction that the specification defines it as.
 */

#include <string.h>

#include "mcu.h"

/* An encoding that is illegal by definition stands for "no such expansion". */
#define ILLEGAL_ENCODING 0u

static uint32_t bits(uint32_t value, unsigned int high, unsigned int low)
{
	return value >> low & ((2u << (high - low)) - 1);
}

static int32_t sign_extend(uint32_t value, unsigned int width)
{
	return (int32_t)(value << (32 - width)) >> (32 - width);
}

static uint32_t encode_i(uint32_t opcode, uint32_t funct3, uint32_t rd, uint32_t rs1,
			 int32_t immediate)
{
	return (uint32_t)immediate << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static uint32_t encode_r(uint32_t funct7, uint32_t funct3, uint32_t rd, uint32_t rs1,
			 uint32_t rs2)
{
	return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33;
}

static uint32_t encode_sw(uint32_t rs1, uint32_t rs2, uint32_t immediate)
{
	return bits(immediate, 11, 5) << 25 | rs2 << 20 | rs1 << 15 | 2 << 12 |
	       bits(immediate, 4, 0) << 7 | 0x23;
}

static uint32_t encode_branch(uint32_t funct3, uint32_t rs1, int32_t offset)
{
	uint32_t immediate = (uint32_t)offset;

	return bits(immediate, 12, 12) << 31 | bits(immediate, 10, 5) << 25 | rs1 << 15 |
	       funct3 << 12 | bits(immediate, 4, 1) << 8 | bits(immediate, 11, 11) << 7 | 0x63;
}

static uint32_t encode_jal(uint32_t rd, int32_t offset)
{
	uint32_t immediate = (uint32_t)offset;

	return bits(immediate, 20, 20) << 31 | bits(immediate, 10, 1) << 21 |
	       bits(immediate, 11, 11) << 20 | bits(immediate, 19, 12) << 12 | rd << 7 | 0x6f;
}

static int32_t compressed_jump_offset(uint32_t c)
{
	return sign_extend(bits(c, 12, 12) << 11 | bits(c, 8, 8) << 10 | bits(c, 10, 9) << 8 |
			   bits(c, 6, 6) << 7 | bits(c, 7, 7) << 6 | bits(c, 2, 2) << 5 |
			   bits(c, 11, 11) << 4 | bits(c, 5, 3) << 1, 12);
}

static int32_t compressed_branch_offset(uint32_t c)
{
	return sign_extend(bits(c, 12, 12) << 8 | bits(c, 6, 5) << 6 | bits(c, 2, 2) << 5 |
			   bits(c, 11, 10) << 3 | bits(c, 4, 3) << 1, 9);
}

static uint32_t expand_quadrant0(uint32_t c)
{
	uint32_t rd = 8 + bits(c, 4, 2);
	uint32_t rs1 = 8 + bits(c, 9, 7);
	uint32_t word = bits(c, 5, 5) << 6 | bits(c, 12, 10) << 3 | bits(c, 6, 6) << 2;
	uint32_t stack;

	switch (bits(c, 15, 13)) {
	case 0: /* C.ADDI4SPN */
		stack = bits(c, 10, 7) << 6 | bits(c, 12, 11) << 4 | bits(c, 5, 5) << 3 |
			bits(c, 6, 6) << 2;
		return stack ? encode_i(0x13, 0, rd, 2, (int32_t)stack) : ILLEGAL_ENCODING;
	case 2: /* C.LW */
		return encode_i(0x03, 2, rd, rs1, (int32_t)word);
	case 6: /* C.SW */
		return encode_sw(rs1, rd, word);
	default:
		return ILLEGAL_ENCODING;
	}
}

static uint32_t expand_arithmetic(uint32_t c)
{
	static const uint8_t funct3[4] = { 0, 4, 6, 7 };
	uint32_t rd = 8 + bits(c, 9, 7);
	uint32_t rs2 = 8 + bits(c, 4, 2);
	uint32_t shift = bits(c, 6, 2);
	int32_t immediate = sign_extend(bits(c, 12, 12) << 5 | shift, 6);

	switch (bits(c, 11, 10)) {
	case 0: /* C.SRLI; a shift of 32 and more is RV64's */
		return bits(c, 12, 12) ? ILLEGAL_ENCODING :
					 encode_i(0x13, 5, rd, rd, (int32_t)shift);
	case 1: /* C.SRAI */
		return bits(c, 12, 12) ? ILLEGAL_ENCODING :
					 encode_i(0x13, 5, rd, rd, (int32_t)(0x400 | shift));
	case 2: /* C.ANDI */
		return encode_i(0x13, 7, rd, rd, immediate);
	default: /* C.SUB, C.XOR, C.OR, C.AND; bit 12 is RV64's */
		if (bits(c, 12, 12))
			return ILLEGAL_ENCODING;
		return encode_r(bits(c, 6, 5) ? 0 : 0x20, funct3[bits(c, 6, 5)], rd, rd, rs2);
	}
}

static uint32_t expand_quadrant1(uint32_t c)
{
	uint32_t rd = bits(c, 11, 7);
	int32_t immediate = sign_extend(bits(c, 12, 12) << 5 | bits(c, 6, 2), 6);

	switch (bits(c, 15, 13)) {
	case 0: /* C.ADDI, C.NOP */
		return encode_i(0x13, 0, rd, rd, immediate);
	case 1: /* C.JAL */
		return encode_jal(1, compressed_jump_offset(c));
	case 2: /* C.LI */
		return encode_i(0x13, 0, rd, 0, immediate);
	case 3:
		if (!immediate)
			return ILLEGAL_ENCODING;
		if (rd != 2) /* C.LUI */
			return (uint32_t)immediate << 12 | rd << 7 | 0x37;
		/* C.ADDI16SP */
		immediate = sign_extend(bits(c, 12, 12) << 9 | bits(c, 4, 3) << 7 |
					bits(c, 5, 5) << 6 | bits(c, 2, 2) << 5 |
					bits(c, 6, 6) << 4, 10);
		return encode_i(0x13, 0, 2, 2, immediate);
	case 4:
		return expand_arithmetic(c);
	case 5: /* C.J */
		return encode_jal(0, compressed_jump_offset(c));
	case 6: /* C.BEQZ */
		return encode_branch(0, 8 + bits(c, 9, 7), compressed_branch_offset(c));
	default: /* C.BNEZ */
		return encode_branch(1, 8 + bits(c, 9, 7), compressed_branch_offset(c));
	}
}

static uint32_t expand_quadrant2(uint32_t c)
{
	uint32_t rd = bits(c, 11, 7);
	uint32_t rs2 = bits(c, 6, 2);
	uint32_t offset;

	switch (bits(c, 15, 13)) {
	case 0: /* C.SLLI */
		return bits(c, 12, 12) ? ILLEGAL_ENCODING :
					 encode_i(0x13, 1, rd, rd, (int32_t)rs2);
	case 2: /* C.LWSP */
		offset = bits(c, 3, 2) << 6 | bits(c, 12, 12) << 5 | bits(c, 6, 4) << 2;
		return rd ? encode_i(0x03, 2, rd, 2, (int32_t)offset) : ILLEGAL_ENCODING;
	case 4:
		if (!bits(c, 12, 12)) {
			if (rs2) /* C.MV */
				return encode_r(0, 0, rd, 0, rs2);
			/* C.JR */
			return rd ? encode_i(0x67, 0, 0, rd, 0) : ILLEGAL_ENCODING;
		}
		if (rs2) /* C.ADD */
			return encode_r(0, 0, rd, rd, rs2);
		/* C.JALR, C.EBREAK */
		return rd ? encode_i(0x67, 0, 1, rd, 0) : 0x00100073;
	case 6: /* C.SWSP */
		return encode_sw(2, rs2, bits(c, 8, 7) << 6 | bits(c, 12, 9) << 2);
	default:
		return ILLEGAL_ENCODING;
	}
}

static uint32_t expand(uint32_t c)
{
	switch (c & 3) {
	case 0:
		return expand_quadrant0(c);
	case 1:
		return expand_quadrant1(c);
	default:
		return expand_quadrant2(c);
	}
}

static uint8_t decode_register_operation(uint32_t raw)
{
	static const uint8_t base[8] = {
		MCU_ADD, MCU_SLL, MCU_SLT, MCU_SLTU, MCU_XOR, MCU_SRL, MCU_OR, MCU_AND,
	};
	uint32_t funct3 = bits(raw, 14, 12);

	switch (raw >> 25) {
	case 0:
		return base[funct3];
	case 1:
		return (uint8_t)(MCU_MUL + funct3);
	case 0x20:
		return funct3 == 0 ? MCU_SUB : funct3 == 5 ? MCU_SRA : MCU_ILLEGAL;
	default:
		return MCU_ILLEGAL;
	}
}

static uint8_t decode_immediate_operation(uint32_t raw)
{
	static const uint8_t base[8] = {
		MCU_ADDI, MCU_SLLI, MCU_SLTI, MCU_SLTIU, MCU_XORI, MCU_SRLI, MCU_ORI, MCU_ANDI,
	};
	uint32_t funct3 = bits(raw, 14, 12);
	uint32_t funct7 = raw >> 25;

	if (funct3 == 5 && funct7 == 0x20)
		return MCU_SRAI;
	if ((funct3 == 1 || funct3 == 5) && funct7)
		return MCU_ILLEGAL;
	return base[funct3];
}

static void decode_system(uint32_t raw, struct mcu_instruction *instruction)
{
	static const uint8_t csr[8] = {
		MCU_ILLEGAL, MCU_CSRRW, MCU_CSRRS, MCU_CSRRC,
		MCU_ILLEGAL, MCU_CSRRWI, MCU_CSRRSI, MCU_CSRRCI,
	};

	instruction->operation = csr[bits(raw, 14, 12)];
	instruction->immediate = (int32_t)(raw >> 20);
	switch (raw) {
	case 0x00000073:
		instruction->operation = MCU_ECALL;
		break;
	case 0x00100073:
		instruction->operation = MCU_EBREAK;
		break;
	case 0x30200073:
		instruction->operation = MCU_MRET;
		break;
	case 0x10500073:
		instruction->operation = MCU_WFI;
		break;
	}
}

static void decode_full(uint32_t raw, struct mcu_instruction *instruction)
{
	static const uint8_t branch[8] = {
		MCU_BEQ, MCU_BNE, MCU_ILLEGAL, MCU_ILLEGAL, MCU_BLT, MCU_BGE, MCU_BLTU, MCU_BGEU,
	};
	static const uint8_t load[8] = {
		MCU_LB, MCU_LH, MCU_LW, MCU_ILLEGAL,
		MCU_LBU, MCU_LHU, MCU_ILLEGAL, MCU_ILLEGAL,
	};
	static const uint8_t store[8] = {
		MCU_SB, MCU_SH, MCU_SW, MCU_ILLEGAL,
		MCU_ILLEGAL, MCU_ILLEGAL, MCU_ILLEGAL, MCU_ILLEGAL,
	};
	uint32_t funct3 = bits(raw, 14, 12);

	instruction->rd = (uint8_t)bits(raw, 11, 7);
	instruction->rs1 = (uint8_t)bits(raw, 19, 15);
	instruction->rs2 = (uint8_t)bits(raw, 24, 20);
	instruction->immediate = (int32_t)raw >> 20;

	switch (raw & 0x7f) {
	case 0x37:
		instruction->operation = MCU_LUI;
		instruction->immediate = (int32_t)(raw & 0xfffff000);
		break;
	case 0x17:
		instruction->operation = MCU_AUIPC;
		instruction->immediate = (int32_t)(raw & 0xfffff000);
		break;
	case 0x6f:
		instruction->operation = MCU_JAL;
		instruction->immediate =
			sign_extend(bits(raw, 31, 31) << 20 | bits(raw, 19, 12) << 12 |
				    bits(raw, 20, 20) << 11 | bits(raw, 30, 21) << 1, 21);
		break;
	case 0x67:
		instruction->operation = funct3 ? MCU_ILLEGAL : MCU_JALR;
		break;
	case 0x63:
		instruction->operation = branch[funct3];
		instruction->immediate =
			sign_extend(bits(raw, 31, 31) << 12 | bits(raw, 7, 7) << 11 |
				    bits(raw, 30, 25) << 5 | bits(raw, 11, 8) << 1, 13);
		break;
	case 0x03:
		instruction->operation = load[funct3];
		break;
	case 0x23:
		instruction->operation = store[funct3];
		instruction->immediate =
			sign_extend(bits(raw, 31, 25) << 5 | bits(raw, 11, 7), 12);
		break;
	case 0x13:
		instruction->operation = decode_immediate_operation(raw);
		if (funct3 == 1 || funct3 == 5)
			instruction->immediate = instruction->rs2;
		break;
	case 0x33:
		instruction->operation = decode_register_operation(raw);
		break;
	case 0x0f:
		instruction->operation = funct3 <= 1 ? MCU_FENCE : MCU_ILLEGAL;
		break;
	case 0x73:
		decode_system(raw, instruction);
		break;
	default:
		instruction->operation = MCU_ILLEGAL;
	}
	if (instruction->rd == 0)
		instruction->rd = 32;
}

void mcu_decode(const struct mcu *mcu, uint32_t address, struct mcu_instruction *instruction)
{
	const uint8_t *memory = mcu->memory + address;
	uint32_t raw = memory[0] | (uint32_t)memory[1] << 8;

	memset(instruction, 0, sizeof(*instruction));
	if ((raw & 3) != 3) {
		uint32_t full = expand(raw);

		instruction->length = 2;
		if (full == ILLEGAL_ENCODING)
			instruction->operation = MCU_ILLEGAL;
		else
			decode_full(full, instruction);
	} else if (mcu->memory_bytes - address < 4) {
		instruction->length = 4;
		instruction->operation = MCU_FETCH_FAULT;
	} else {
		raw |= (uint32_t)memory[2] << 16 | (uint32_t)memory[3] << 24;
		instruction->length = 4;
		decode_full(raw, instruction);
	}
	/* The trap value of an illegal instruction is the instruction itself. */
	if (instruction->operation == MCU_ILLEGAL)
		instruction->immediate = (int32_t)raw;
}
