// SPDX-License-Identifier: MIT
/* Control and status registers of the management core. */

#include "mcu.h"

/* misa: RV32, extensions C, I, M. */
#define MISA (1u << 30 | 1u << 2 | 1u << 8 | 1u << 12)

static uint32_t half(uint64_t value, bool high)
{
	return (uint32_t)(high ? value >> 32 : value);
}

static uint64_t with_half(uint64_t value, bool high, uint32_t half_value)
{
	return high ? (uint64_t)half_value << 32 | (uint32_t)value :
		      (value & ~UINT64_C(0xffffffff)) | half_value;
}

bool mcu_csr_read(struct mcu *mcu, uint32_t number, uint32_t *value)
{
	/* Bit 7 of a counter's number selects its upper half. */
	bool high = number & 0x80;

	switch (number) {
	case 0x300:
		*value = mcu->mstatus;
		return true;
	case 0x301:
		*value = MISA;
		return true;
	case 0x304:
		*value = mcu->mie;
		return true;
	case 0x305:
		*value = mcu->mtvec;
		return true;
	case 0x340:
		*value = mcu->mscratch;
		return true;
	case 0x341:
		*value = mcu->mepc;
		return true;
	case 0x342:
		*value = mcu->mcause;
		return true;
	case 0x343:
		*value = mcu->mtval;
		return true;
	case 0x344:
		*value = mcu->mip;
		return true;
	case 0xb00: /* mcycle, cycle */
	case 0xb80:
	case 0xc00:
	case 0xc80:
		*value = half(mcu->now + mcu->cycle_offset, high);
		return true;
	case 0xc01: /* time */
	case 0xc81:
		*value = half(mcu->now, high);
		return true;
	case 0xb02: /* minstret, instret */
	case 0xb82:
	case 0xc02:
	case 0xc82:
		*value = half(mcu->instructions + mcu->instret_offset, high);
		return true;
	case 0x310: /* mstatush */
	case 0xf11: /* mvendorid, marchid, mimpid, mhartid, mconfigptr */
	case 0xf12:
	case 0xf13:
	case 0xf14:
	case 0xf15:
		*value = 0;
		return true;
	default:
		return false;
	}
}

bool mcu_csr_write(struct mcu *mcu, uint32_t number, uint32_t value)
{
	bool high = number & 0x80;

	switch (number) {
	case 0x300:
		mcu->mstatus = (value & (MCU_MSTATUS_MIE | MCU_MSTATUS_MPIE)) | MCU_MSTATUS_MPP;
		return true;
	case 0x301: /* misa and mip have no writable bits here */
	case 0x310:
	case 0x344:
		return true;
	case 0x304:
		mcu->mie = value & MCU_INTERRUPT_EXTERNAL;
		return true;
	case 0x305: /* direct mode only */
		mcu->mtvec = value & ~3u;
		return true;
	case 0x340:
		mcu->mscratch = value;
		return true;
	case 0x341:
		mcu->mepc = value & ~1u;
		return true;
	case 0x342:
		mcu->mcause = value;
		return true;
	case 0x343:
		mcu->mtval = value;
		return true;
	case 0xb00:
	case 0xb80:
		mcu->cycle_offset =
			with_half(mcu->now + mcu->cycle_offset, high, value) - mcu->now;
		return true;
	case 0xb02:
	case 0xb82:
		mcu->instret_offset =
			with_half(mcu->instructions + mcu->instret_offset, high, value) -
			mcu->instructions;
		return true;
	default:
		return false;
	}
}
