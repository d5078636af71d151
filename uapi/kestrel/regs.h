/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Kestrel NPU v1: the registers.
 *
 * DOC: overview
 *
 * The device shows the host one block of 64 KiB and shows its own management
 * core (MCU) another one; the two share nothing but what is said here.
 *
 *   host block, offsets from the block's base (KESTREL_REG_*)
 *   0x0000  identity, capabilities, reset
 *   0x1000  interrupts to the host
 *   0x2000  MCU: boot, reset, post-mortem
 *   0x3000  doorbells
 *   0x4000  clock, power, sensors
 *   0x5000  counters
 *   0x6000  MMU: invalidation, fault records
 *   0x8000  MMU: address space table
 *
 *   MCU address map (KESTREL_MCU_*)
 *   0x00000000  tightly coupled memory (TCM): code, data, stack
 *   0x40000000  peripherals: interrupts, timer, doorbells, host interrupt
 *   0x40001000  engine 0 (one page an engine)
 *   0x80000000  window to host memory: address space 0, VA 0..0x7fffffff
 *
 * Rules for the whole of both blocks:
 *
 * - Accesses are 32 bits wide, aligned, little endian. Any other access to
 *   the host block is ignored and reads zero; the MCU traps on it.
 * - A 64-bit value is a pair _LO at the offset given, _HI at offset + 4. For
 *   values that run (times, cycle counts) reading _LO latches _HI, so read
 *   _LO first. Written pairs are used as they stand at the operation that
 *   uses them, unless said otherwise.
 * - Unnamed offsets and read-only registers ignore writes; unnamed offsets
 *   and write-only registers read zero. The host must not rely on it.
 * - Reading 0xffffffff from KESTREL_REG_ID means that the device is gone; no
 *   register of the identity page ever holds that value.
 *
 * Access is given as RO, RW, WO, W1C (write one to clear; reads the bits) or
 * W1S (write one to do; reads zero). Reset values are those after power-on
 * and KESTREL_RESET_DEVICE; "cap" means that the configuration decides.
 *
 * Plain numbers only, so that kernel, firmware, emulator and assembler can
 * include this file.
 */
#ifndef KESTREL_REGS_H
#define KESTREL_REGS_H

#define KESTREL_REG_BLOCK_BYTES			0x10000

/*
 * As a PCI endpoint the block is BAR 0 (memory, 32 bits). The interrupt is one
 * MSI, sent whenever INTERRUPT_STATUS becomes non-zero, or
 * INTA, asserted while it is. The ids are those of the emulated device: a real
 * one carries its vendor's. The class is "processing accelerator".
 */
#define KESTREL_PCI_VENDOR_ID			0x1234
#define KESTREL_PCI_DEVICE_ID			0x4b4e
#define KESTREL_PCI_CLASS			0x1200

/* ------------------------------------------------------------------------
 * 0x0000 identity, capabilities, reset
 */

/* RO. The bytes 'K' 'N' 'P' 'U'. */
#define KESTREL_REG_ID				0x0000
#define KESTREL_ID_MAGIC			0x55504e4b

/*
 * RO. Version of this register block and of the firmware's peripherals:
 * major << 16 | minor. A driver refuses another major; a higher minor only
 * adds. v1 is 1.0.
 */
#define KESTREL_REG_ARCHITECTURE		0x0004
/* RO. Version of the command stream (isa.h): major << 16 | minor. */
#define KESTREL_REG_ISA				0x0008
#define KESTREL_VERSION(major, minor)		((major) << 16 | (minor))
#define KESTREL_VERSION_MAJOR(version)		((version) >> 16)
#define KESTREL_VERSION_MINOR(version)		((version) & 0xffff)
#define KESTREL_ARCHITECTURE_MAJOR		1
#define KESTREL_ARCHITECTURE_MINOR		0

/* RO, cap. Engines; v1 devices have 1. */
#define KESTREL_REG_ENGINE_COUNT		0x000c
/* RO, cap. 8x8-bit multiply-accumulates a cycle: 64, 128, 256, ... 2048. */
#define KESTREL_REG_MACS_PER_CYCLE		0x0010
/* RO, cap. Outputs a cycle of the MAC unit's output stage (MACs/16). */
#define KESTREL_REG_OUTPUTS_PER_CYCLE		0x0014
/* RO, cap. Local memory of an engine, bytes, a multiple of 4096. */
#define KESTREL_REG_SRAM_BYTES			0x0018
/* RO, cap. SRAM banks of 16 bytes, interleaved by 16-byte line. */
#define KESTREL_REG_SRAM_BANKS			0x001c
/* RO, cap. Pixels of 16 channels that the accumulator RAM holds (isa.h). */
#define KESTREL_REG_ACCUMULATOR_PIXELS		0x0020
/* RO, cap. Address spaces, including 0 (firmware); at most 256. */
#define KESTREL_REG_ASID_COUNT			0x0024
/* RO. Bits of a virtual address: 39 (Sv39). */
#define KESTREL_REG_VA_BITS			0x0028
/* RO, cap. Bits of a physical (bus) address the device can send; <= 56. */
#define KESTREL_REG_PA_BITS			0x002c
/* RO, cap. TLB entries of an engine. */
#define KESTREL_REG_TLB_ENTRIES			0x0030
/* RO, cap. Queue doorbells; 128 in v1. */
#define KESTREL_REG_QUEUE_COUNT			0x0034
/* RO, cap. Range of KESTREL_REG_CLOCK_REQUEST, kHz. */
#define KESTREL_REG_CLOCK_MIN			0x0038
#define KESTREL_REG_CLOCK_MAX			0x003c
/* RO, cap. Bytes of tightly coupled memory of the MCU. */
#define KESTREL_REG_TCM_BYTES			0x0040
/* RO, cap. KESTREL_FEATURE_* bits. */
#define KESTREL_REG_FEATURES			0x0044
#define KESTREL_FEATURE_PLL			(1u << 0)	/* own clock: page 0x4000 works */
#define KESTREL_FEATURE_SENSORS			(1u << 1)	/* temperature, power, energy */
#define KESTREL_FEATURE_PREEMPTION		(1u << 2)	/* preemption points work */
#define KESTREL_FEATURE_ECC			(1u << 3)	/* memory errors are reported */
#define KESTREL_FEATURE_VOLTAGE			(1u << 4)	/* KESTREL_REG_VOLTAGE is wired */
/* RO, cap. Fuses: what the boot ROM demands of an image. */
#define KESTREL_REG_FUSES			0x0048
#define KESTREL_FUSE_SECURE			(1u << 0)	/* refuse an unsigned image */
/* RO, cap. Lowest security version that the boot ROM accepts (roll-back). */
#define KESTREL_REG_FUSED_SECURITY_VERSION	0x004c

/* RO, cap. Memory ports: 1 or 2. Port 0 carries constants and commands. */
#define KESTREL_REG_PORT_COUNT			0x0050
/*
 * RO, cap. One record of 32 bytes a port: what the cycle model charges.
 * RATE is in 1/256 byte a cycle, LATENCY_* in cycles, BURST in bytes,
 * OUTSTANDING in bursts.
 */
#define KESTREL_REG_PORT(port)			(0x0060 + (port) * 0x20)
#define KESTREL_PORT_RATE			0x00
#define KESTREL_PORT_READ_LATENCY		0x04
#define KESTREL_PORT_WRITE_LATENCY		0x08
#define KESTREL_PORT_BURST			0x0c
#define KESTREL_PORT_OUTSTANDING		0x10
#define KESTREL_PORT_MAX			2

/*
 * W1S; reads the bits still at work.
 * DEVICE: as power-on: every register of this block, MMU, engines, MCU.
 * ENGINE: engines stop at once and are scrubbed; MCU, MMU, interrupts stay.
 *         The MCU sees KESTREL_ENGINE_STATUS_KILLED if a job ran.
 */
#define KESTREL_REG_RESET			0x0100
#define KESTREL_RESET_DEVICE			(1u << 0)
#define KESTREL_RESET_ENGINE			(1u << 1)

/* RW, reset 0. Holds what is written; for bring-up and bus tests. */
#define KESTREL_REG_SCRATCH			0x0108

/* ------------------------------------------------------------------------
 * 0x1000 interrupts to the host: one level-triggered line, high while
 * INTERRUPT_STATUS is not zero.
 */

/* RO, reset 0. Causes, masked or not. */
#define KESTREL_REG_INTERRUPT_RAW		0x1000
/* RO, reset 0. RAW & ENABLE. */
#define KESTREL_REG_INTERRUPT_STATUS		0x1004
/* RW, reset 0. Causes that may raise the line. */
#define KESTREL_REG_INTERRUPT_ENABLE		0x1008
/*
 * WO. Each 1 clears that bit of RAW. MMU_FAULT comes back at once while the
 * fault FIFO still holds a record.
 */
#define KESTREL_REG_INTERRUPT_CLEAR		0x100c

/* Firmware rang: events, a reply, or a change of its state. */
#define KESTREL_INTERRUPT_MCU_EVENT		(1u << 0)
/* A record is in the MMU fault FIFO. */
#define KESTREL_INTERRUPT_MMU_FAULT		(1u << 1)
/* The MCU stopped: image refused, HALT written, or trap within a trap. */
#define KESTREL_INTERRUPT_MCU_HALT		(1u << 2)
/* An invalidation has finished. */
#define KESTREL_INTERRUPT_INVALIDATE_DONE	(1u << 3)
/* An uncorrectable memory error in SRAM or TCM. */
#define KESTREL_INTERRUPT_ECC			(1u << 4)
/* The PLL locked to a newly requested frequency. */
#define KESTREL_INTERRUPT_PLL_LOCKED		(1u << 5)
/* Temperature crossed KESTREL_REG_TEMPERATURE_LIMIT upwards. */
#define KESTREL_INTERRUPT_THERMAL		(1u << 6)
#define KESTREL_INTERRUPT_ALL			0x7fu

/* ------------------------------------------------------------------------
 * 0x2000 MCU control
 *
 * Boot: write IMAGE_ADDRESS, IMAGE_SIZE and BOOT_ARGUMENT, then START. The
 * boot ROM reads the image (firmware.h) through address space 0, checks it,
 * copies its sections to TCM, zeroes the rest of TCM and starts the MCU at
 * the image's entry. MCU_STATUS goes OFF, BOOTING, then RUNNING or REFUSED;
 * BOOT_CODE then has the reason and MCU_HALT is raised.
 */

/* RW, reset 0. VA of the image in address space 0, 64-byte aligned. */
#define KESTREL_REG_IMAGE_ADDRESS_LO		0x2000
#define KESTREL_REG_IMAGE_ADDRESS_HI		0x2004
/* RW, reset 0. Bytes of the image. */
#define KESTREL_REG_IMAGE_SIZE			0x2008
/* W1S. Boot; ignored unless MCU_STATUS is OFF. */
#define KESTREL_REG_MCU_START			0x200c
/*
 * W1S. Fast reset: MCU and its peripherals go to reset and MCU_STATUS to
 * OFF; engines stop at once and are scrubbed; doorbells, counters of the
 * engine's present job and INTERRUPT_RAW.MCU_* are cleared. The MMU, its
 * address space table and its fault records, clock and IMAGE_*,
 * BOOT_ARGUMENT stay. Finished when this register reads 0.
 */
#define KESTREL_REG_MCU_RESET			0x2010
/* RO, reset OFF. */
#define KESTREL_REG_MCU_STATUS			0x2014
#define KESTREL_MCU_STATUS_OFF			0
#define KESTREL_MCU_STATUS_BOOTING		1
#define KESTREL_MCU_STATUS_RUNNING		2
#define KESTREL_MCU_STATUS_HALTED		3	/* MCU_HALT_CODE says why */
#define KESTREL_MCU_STATUS_REFUSED		4	/* BOOT_CODE says why */
/* RO, reset 0. Why the boot ROM refused the image. */
#define KESTREL_REG_BOOT_CODE			0x2018
#define KESTREL_BOOT_OK				0
#define KESTREL_BOOT_MAGIC			1	/* not a Kestrel image */
#define KESTREL_BOOT_HEADER_VERSION		2	/* unknown header_version */
#define KESTREL_BOOT_ARCHITECTURE		3	/* for another architecture */
#define KESTREL_BOOT_SIZE			4	/* IMAGE_SIZE and header disagree */
#define KESTREL_BOOT_SECTION			5	/* section table or entry out of range */
#define KESTREL_BOOT_HASH			6	/* header or section SHA-256 differs */
#define KESTREL_BOOT_SIGNATURE			7	/* fused secure: none, or wrong */
#define KESTREL_BOOT_ROLLBACK			8	/* security version below the fuse's */
#define KESTREL_BOOT_MEMORY_FAULT		9	/* reading the image faulted */
/* RO, reset 0. Why the MCU halted. */
#define KESTREL_REG_MCU_HALT_CODE		0x201c
/* 1..0x7fffffff: what firmware wrote to KESTREL_MCU_HALT (firmware.h). */
#define KESTREL_HALT_DOUBLE_TRAP		0x80000000u
/* RW, reset 0. Eight words that the MCU can read (firmware.h). */
#define KESTREL_REG_BOOT_ARGUMENT(index)	(0x2020 + (index) * 4)
#define KESTREL_BOOT_ARGUMENT_COUNT		8
/*
 * RO, reset 0. Snapshot for the coredump, taken when the register is read:
 * of a running MCU its present pc; PC of a halted one is where it stopped.
 * CAUSE, EPC and TVAL are mcause, mepc and mtval of the last trap.
 */
#define KESTREL_REG_MCU_PC			0x2040
#define KESTREL_REG_MCU_CAUSE			0x2044
#define KESTREL_REG_MCU_EPC			0x2048
#define KESTREL_REG_MCU_TVAL			0x204c

/* ------------------------------------------------------------------------
 * 0x3000 doorbells
 */

/* WO. Write a queue index 0..QUEUE_COUNT-1; other values are ignored. */
#define KESTREL_REG_DOORBELL			0x3000
/* WO. Any value: a control request waits for the firmware. */
#define KESTREL_REG_CONTROL_DOORBELL		0x3004

/* ------------------------------------------------------------------------
 * 0x4000 clock, power, sensors
 *
 * The frequency may change only with the engines stopped: idle, or held at a
 * command boundary (KESTREL_ENGINE_HOLD). A request at another time is
 * refused: CLOCK_STATUS.REJECTED is set and the clock stays. MCU time stands
 * still while the PLL locks.
 */

/* RW, cap. kHz, CLOCK_MIN..CLOCK_MAX; writing starts the change. */
#define KESTREL_REG_CLOCK_REQUEST		0x4000
/* RO, cap. kHz that the engines and the MCU run at now. */
#define KESTREL_REG_CLOCK_PRESENT		0x4004
/* RO, reset LOCKED. */
#define KESTREL_REG_CLOCK_STATUS		0x4008
#define KESTREL_CLOCK_LOCKED			(1u << 0)
#define KESTREL_CLOCK_REJECTED			(1u << 1)	/* the last request */
/* RO, cap. Time that the PLL takes to lock, microseconds. */
#define KESTREL_REG_PLL_LOCK_TIME		0x400c
/* RW, cap. Supply that the host has set, microvolts; a hint for the power model. */
#define KESTREL_REG_VOLTAGE			0x4010
/* RO. Millidegrees Celsius, two's complement. */
#define KESTREL_REG_TEMPERATURE			0x4020
/* RW, reset 95000. Millidegrees Celsius; see KESTREL_INTERRUPT_THERMAL. */
#define KESTREL_REG_TEMPERATURE_LIMIT		0x4024
/* RO. Microwatts, averaged over the last millisecond. */
#define KESTREL_REG_POWER			0x4028
/* RO, 64 bits, runs. Microjoules since power-on. */
#define KESTREL_REG_ENERGY_LO			0x4030
#define KESTREL_REG_ENERGY_HI			0x4034

/* ------------------------------------------------------------------------
 * 0x5000 counters: 64 bits, free running, cleared by KESTREL_RESET_DEVICE
 * only. Writing COUNTER_LATCH copies all of them at one instant to
 * COUNTER(n), which is what the host reads.
 */

/* W1S. */
#define KESTREL_REG_COUNTER_LATCH		0x5000
/* RO, 64 bits. The value latched last. n is one of KESTREL_COUNTER_*. */
#define KESTREL_REG_COUNTER_LO(n)		(0x5100 + (n) * 8)
#define KESTREL_REG_COUNTER_HI(n)		(0x5104 + (n) * 8)

/* NPU clock cycles: the engine time base. Runs whether or not a job does. */
#define KESTREL_COUNTER_CYCLES			0
/* Cycles in which an engine ran a job, blocked or not. */
#define KESTREL_COUNTER_ACTIVE			1
/* Cycles in which the unit executed a command. */
#define KESTREL_COUNTER_BUSY_DMA_IN		2
#define KESTREL_COUNTER_BUSY_DMA_OUT		3
#define KESTREL_COUNTER_BUSY_MAC		4
#define KESTREL_COUNTER_BUSY_VECTOR		5
/* Multiply-accumulates that the model asked for (padding not counted). */
#define KESTREL_COUNTER_MACS			6
/* Bytes over port 0 and port 1, in either direction as named. */
#define KESTREL_COUNTER_PORT0_READ_BYTES	7
#define KESTREL_COUNTER_PORT0_WRITE_BYTES	8
#define KESTREL_COUNTER_PORT1_READ_BYTES	9
#define KESTREL_COUNTER_PORT1_WRITE_BYTES	10
#define KESTREL_COUNTER_TLB_MISSES		11
/* Commands retired, all units. */
#define KESTREL_COUNTER_COMMANDS		12
/* Jobs that reached END. */
#define KESTREL_COUNTER_JOBS			13
#define KESTREL_COUNTER_COUNT			14

/* ------------------------------------------------------------------------
 * 0x6000 MMU
 *
 * RISC-V Sv39 page-table format, three levels, leaves of 4 KiB and 2 MiB (a
 * 1 GiB leaf faults). V, R, W, X, A, D are honoured, U, G and the software
 * bits ignored; bits 54..63 must be zero. The device never writes a table:
 * A=0 faults, a write with D=0 faults, W without R faults. X permits command
 * fetch, which R does not. A VA that is not canonical faults.
 *
 * Order for the driver: change the tables, make them visible to the device,
 * INVALIDATE, wait for DONE, only then reuse pages.
 */

/* RW, reset 0. Operands of an invalidation. Length in bytes; both ends are
 * rounded outwards to 4 KiB. */
#define KESTREL_REG_INVALIDATE_ASID		0x6000
#define KESTREL_REG_INVALIDATE_VA_LO		0x6008
#define KESTREL_REG_INVALIDATE_VA_HI		0x600c
#define KESTREL_REG_INVALIDATE_LENGTH_LO	0x6010
#define KESTREL_REG_INVALIDATE_LENGTH_HI	0x6014
/*
 * WO. Write a type to start. Walks stop, accesses under way drain, entries
 * go; bounded (at most 10,000 cycles) even with a hung engine or a dead MCU.
 * Ignored while BUSY.
 */
#define KESTREL_REG_INVALIDATE_START		0x6018
#define KESTREL_INVALIDATE_RANGE		1	/* ASID, VA, LENGTH */
#define KESTREL_INVALIDATE_ASID			2	/* ASID */
#define KESTREL_INVALIDATE_ALL			3
/* RO, reset 0. */
#define KESTREL_REG_INVALIDATE_STATUS		0x601c
#define KESTREL_INVALIDATE_BUSY			(1u << 0)

/*
 * Fault FIFO of 8 records; the registers show the oldest. While VALID is
 * clear they read zero. A fault that finds the FIFO full is dropped and sets
 * OVERFLOW, which POP clears.
 */
/* RO, reset 0. */
#define KESTREL_REG_MMU_FAULT_STATUS		0x6040
#define KESTREL_MMU_FAULT_STATUS_VALID		(1u << 0)
#define KESTREL_MMU_FAULT_STATUS_OVERFLOW		(1u << 1)
#define KESTREL_MMU_FAULT_STATUS_COUNT(status)	((status) >> 8 & 0xf)
#define KESTREL_MMU_FAULT_FIFO_RECORDS		8
/* RO. */
#define KESTREL_REG_MMU_FAULT_ASID			0x6044
#define KESTREL_REG_MMU_FAULT_VA_LO			0x6048
#define KESTREL_REG_MMU_FAULT_VA_HI			0x604c
/* RO. access | unit << 8 | cause << 16; unit is enum kestrel_unit (isa.h). */
#define KESTREL_REG_MMU_FAULT_INFO			0x6050
#define KESTREL_MMU_FAULT_INFO(access, unit, cause)	((access) | (unit) << 8 | (cause) << 16)
#define KESTREL_MMU_FAULT_INFO_ACCESS(info)		((info) & 0xff)
#define KESTREL_MMU_FAULT_INFO_UNIT(info)		((info) >> 8 & 0xff)
#define KESTREL_MMU_FAULT_INFO_CAUSE(info)		((info) >> 16 & 0xff)
#define KESTREL_ACCESS_READ			1
#define KESTREL_ACCESS_WRITE			2
#define KESTREL_ACCESS_FETCH			3	/* of commands */
#define KESTREL_MMU_CAUSE_ASID			1	/* no valid table entry */
#define KESTREL_MMU_CAUSE_CANONICAL		2	/* VA bits 39..63 differ from bit 38 */
#define KESTREL_MMU_CAUSE_NOT_PRESENT		3	/* V=0 */
#define KESTREL_MMU_CAUSE_MALFORMED		4	/* reserved bits, W only, leaf level */
#define KESTREL_MMU_CAUSE_PERMISSION		5	/* R, W or X missing */
#define KESTREL_MMU_CAUSE_ACCESSED		6	/* A=0 */
#define KESTREL_MMU_CAUSE_DIRTY			7	/* write with D=0 */
#define KESTREL_MMU_CAUSE_BUS			8	/* table or page outside memory */
/* RO. KESTREL_ENGINE_TAG of the job; 0xffffffff for the MCU and the boot ROM. */
#define KESTREL_REG_MMU_FAULT_TAG			0x6054
/* W1S. Drops the oldest record. */
#define KESTREL_REG_MMU_FAULT_POP			0x6058

/*
 * RW, reset 0. Address space table: entry n is a 64-bit pair, root PPN
 * (physical address >> 12 of the level-2 table) in bits 0..43, VALID in bit
 * 63. Write _LO first: the pair takes effect with _HI. Changing a valid
 * entry needs INVALIDATE_ASID before the old tables are released. Entry 0 is
 * the firmware's address space.
 */
#define KESTREL_REG_ASID_TABLE_LO(asid)		(0x8000 + (asid) * 8)
#define KESTREL_REG_ASID_TABLE_HI(asid)		(0x8004 + (asid) * 8)
#define KESTREL_ASID_TABLE_HI_VALID		(1u << 31)
#define KESTREL_ASID_TABLE_HI_PPN_MASK		0xfffu
#define KESTREL_ASID_MAX			256
#define KESTREL_ASID_FIRMWARE			0

/* ------------------------------------------------------------------------
 * MCU: RV32IMC (with Zicsr), machine mode only, at the NPU clock.
 *
 * CSRs: mstatus (MIE, MPIE, MPP = machine), mie, mip, mtvec (direct mode),
 * mepc, mcause, mtval, mscratch, mcycle[h], minstret[h], misa, mhartid (0).
 * The interrupt controller below drives mip.MEIP (bit 11), high while
 * PENDING & ENABLE is not zero; there are no others. WFI sleeps until
 * mip & mie is not zero, whatever mstatus.MIE says.
 *
 * An access outside the map, or one that the MMU refuses, traps with mcause
 * 5 (load), 7 (store) or 1 (fetch; only TCM can be executed) and the address
 * in mtval. An exception taken between another exception and the MRET that
 * ends it halts the MCU with KESTREL_HALT_DOUBLE_TRAP.
 *
 * After boot: pc = entry, all integer registers and TCM outside the sections
 * zero, interrupts off, every peripheral at its reset value.
 */

#define KESTREL_MCU_TCM_BASE			0x00000000u
#define KESTREL_MCU_TCM_BYTES			0x00020000u	/* of v1; KESTREL_REG_TCM_BYTES */
#define KESTREL_MCU_PERIPHERAL_BASE		0x40000000u
#define KESTREL_MCU_ENGINE_BASE(engine)		(0x40001000u + (engine) * 0x1000u)
/* The window: MCU address WINDOW_BASE + x is VA x of address space 0. */
#define KESTREL_MCU_WINDOW_BASE			0x80000000u
#define KESTREL_MCU_WINDOW_BYTES		0x80000000u

/* Offsets from KESTREL_MCU_PERIPHERAL_BASE. */

/*
 * W1C, reset 0. CONTROL_DOORBELL and ENGINE latch and are cleared by writing
 * them. DOORBELL is high while a DOORBELL_PENDING word is not zero, TIMER
 * while TIME >= TIME_COMPARE; writing these two does nothing.
 */
#define KESTREL_MCU_INTERRUPT_PENDING		0x000
/* RW, reset 0. */
#define KESTREL_MCU_INTERRUPT_ENABLE		0x004
#define KESTREL_MCU_INTERRUPT_DOORBELL		(1u << 0)
#define KESTREL_MCU_INTERRUPT_CONTROL_DOORBELL	(1u << 1)
#define KESTREL_MCU_INTERRUPT_ENGINE		(1u << 2)
#define KESTREL_MCU_INTERRUPT_TIMER		(1u << 3)
/* W1C, reset 0. Bit b of word w: queue 32 * w + b was rung. w is 0..3. */
#define KESTREL_MCU_DOORBELL_PENDING(word)	(0x010 + (word) * 4)
/* WO. Any value raises KESTREL_INTERRUPT_MCU_EVENT on the host side. */
#define KESTREL_MCU_HOST_INTERRUPT		0x020
/* WO. Stops the MCU for good; the value goes to KESTREL_REG_MCU_HALT_CODE. */
#define KESTREL_MCU_HALT			0x024
/* RO. Present NPU clock, kHz. */
#define KESTREL_MCU_CLOCK			0x028
/*
 * RO, 64 bits, runs. NPU cycles since power-on: KESTREL_COUNTER_CYCLES.
 * While a job runs it advances in step with KESTREL_ENGINE_ACTIVE_CYCLES,
 * also when all units are blocked or hung.
 */
#define KESTREL_MCU_TIME_LO			0x030
#define KESTREL_MCU_TIME_HI			0x034
/* RW, reset all ones. Takes effect when _HI is written. */
#define KESTREL_MCU_TIME_COMPARE_LO		0x038
#define KESTREL_MCU_TIME_COMPARE_HI		0x03c
/* RO. What the host wrote to KESTREL_REG_BOOT_ARGUMENT. */
#define KESTREL_MCU_BOOT_ARGUMENT(index)	(0x040 + (index) * 4)
/* RO, cap. As the host's registers of the same names. */
#define KESTREL_MCU_SRAM_BYTES			0x060
#define KESTREL_MCU_ASID_COUNT			0x064
#define KESTREL_MCU_QUEUE_COUNT			0x068
#define KESTREL_MCU_FEATURES			0x06c

/* ------------------------------------------------------------------------
 * Engine, as the MCU sees it: offsets from KESTREL_MCU_ENGINE_BASE(n).
 *
 * One operation at a time. Firmware sets the operands, writes OPERATION, and
 * is told of the end by the ENGINE interrupt; STATUS then says how it went.
 * Operands must not change while STATUS is a busy one (writes are ignored).
 */

/*
 * WO. START, SAVE, RESTORE and SCRUB are ignored while busy. PREEMPT, HOLD
 * and CONTINUE are ignored unless STATUS is RUNNING or HELD, KILL unless it is
 * RUNNING, HELD or TRANSFERRING.
 */
#define KESTREL_ENGINE_OPERATION		0x000
/*
 * Run the stream from RESUME_OFFSET. Stream registers, tables and semaphores
 * get their reset values, the TLB is emptied and ACTIVE_CYCLES and the job
 * counters start at 0. SRAM and accumulators are left as they are.
 */
#define KESTREL_ENGINE_START			1
/* Copy the RANGE list out of SRAM to CONTEXT_ADDRESS, one after the other. */
#define KESTREL_ENGINE_SAVE			2
/* Copy it back. The rest of SRAM stays as it is. */
#define KESTREL_ENGINE_RESTORE			3
/* Zero SRAM, accumulators, tables, stream registers and semaphores. */
#define KESTREL_ENGINE_SCRUB			4
/*
 * Stop at the next preemption point in the stream; the job goes on until
 * then, and may end first.
 */
#define KESTREL_ENGINE_PREEMPT			5
/*
 * Stop at once: nothing more is issued, the command that each unit executes
 * retires or is dropped whole, memory accesses drain; bounded (at most
 * 10,000 cycles) whatever the job does. Legal while TRANSFERRING, too.
 */
#define KESTREL_ENGINE_KILL			6
/* Stop issuing; STATUS becomes HELD when every unit is at a command boundary. */
#define KESTREL_ENGINE_HOLD			7
/* Undo HOLD. */
#define KESTREL_ENGINE_CONTINUE			8

/* RO, reset IDLE. RUNNING, HELD, TRANSFERRING and SCRUBBING are busy. */
#define KESTREL_ENGINE_STATUS			0x004
#define KESTREL_ENGINE_STATUS_IDLE		0	/* reset; SAVE, RESTORE, SCRUB done */
#define KESTREL_ENGINE_STATUS_RUNNING		1
#define KESTREL_ENGINE_STATUS_HELD		2	/* raises the ENGINE interrupt too */
#define KESTREL_ENGINE_STATUS_TRANSFERRING	3	/* SAVE or RESTORE at work */
#define KESTREL_ENGINE_STATUS_SCRUBBING		4
#define KESTREL_ENGINE_STATUS_DONE		5	/* END reached, every unit drained */
#define KESTREL_ENGINE_STATUS_PREEMPTED		6	/* RESUME_OFFSET and RANGE are set */
#define KESTREL_ENGINE_STATUS_FAULTED		7	/* FAULT_* are set; SAVE, RESTORE too */
#define KESTREL_ENGINE_STATUS_KILLED		8

/* RW, reset 0. Address space of every access of the job; 0 is legal only
 * for streams that the firmware itself trusts. */
#define KESTREL_ENGINE_ASID			0x008
/* RW, reset 0. Shown in MMU fault records; firmware.h gives its meaning. */
#define KESTREL_ENGINE_TAG			0x00c
/* RW, reset 0. The command stream: VA (low four bits are ignored) and bytes. */
#define KESTREL_ENGINE_COMMAND_VA_LO		0x010
#define KESTREL_ENGINE_COMMAND_VA_HI		0x014
#define KESTREL_ENGINE_COMMAND_SIZE		0x018
/*
 * RW, reset 0. Byte offset in the stream where START begins: 0 for a new
 * job. PREEMPTED sets it to the command after the preemption point.
 */
#define KESTREL_ENGINE_RESUME_OFFSET		0x01c
/* RW, reset 0. VA in address space 0 for SAVE and RESTORE, 64-byte aligned. */
#define KESTREL_ENGINE_CONTEXT_ADDRESS_LO	0x020
#define KESTREL_ENGINE_CONTEXT_ADDRESS_HI	0x024
/* RW, reset 0. Entries of BASE that the job has, 0..16; the others fault. */
#define KESTREL_ENGINE_BASE_COUNT		0x028
/*
 * RW, reset 0. Entries of RANGE, 0..16. PREEMPTED sets it. A SAVE or RESTORE
 * whose count or ranges are out of bounds faults with ILLEGAL_VALUE.
 */
#define KESTREL_ENGINE_RANGE_COUNT		0x02c
/*
 * RO, 64 bits, runs, reset 0. Engine time since START: counts at the clock
 * rate while STATUS is RUNNING, keeps its value after.
 */
#define KESTREL_ENGINE_ACTIVE_CYCLES_LO		0x030
#define KESTREL_ENGINE_ACTIVE_CYCLES_HI		0x034
/*
 * RO, reset 0. Valid while STATUS is FAULTED; a fault ends the job: nothing
 * more is issued, commands under way retire or are dropped whole, then STATUS
 * is FAULTED. CODE is enum kestrel_fault_code, UNIT enum kestrel_unit (isa.h;
 * DMA_OUT for SAVE, DMA_IN for RESTORE), DETAIL and ADDRESS what isa.h gives
 * beside the code, OFFSET the stream offset of the record whose execution
 * faulted.
 */
#define KESTREL_ENGINE_FAULT_CODE		0x038
#define KESTREL_ENGINE_FAULT_UNIT		0x03c
#define KESTREL_ENGINE_FAULT_OFFSET		0x040
#define KESTREL_ENGINE_FAULT_DETAIL		0x044
#define KESTREL_ENGINE_FAULT_ADDRESS_LO		0x048
#define KESTREL_ENGINE_FAULT_ADDRESS_HI		0x04c
/* RW, reset 0. Live SRAM: byte offset and bytes, multiples of 16. */
#define KESTREL_ENGINE_RANGE_OFFSET(index)	(0x080 + (index) * 8)
#define KESTREL_ENGINE_RANGE_SIZE(index)	(0x084 + (index) * 8)
#define KESTREL_ENGINE_RANGE_MAX		16
/* RW, reset 0. Base table of the job: VA and bytes, 64 bits each. */
#define KESTREL_ENGINE_BASE_VA_LO(index)	(0x100 + (index) * 16)
#define KESTREL_ENGINE_BASE_VA_HI(index)	(0x104 + (index) * 16)
#define KESTREL_ENGINE_BASE_SIZE_LO(index)	(0x108 + (index) * 16)
#define KESTREL_ENGINE_BASE_SIZE_HI(index)	(0x10c + (index) * 16)
#define KESTREL_ENGINE_BASE_MAX			16
/*
 * RO, 64 bits. The job's share of each counter since START, numbered as
 * KESTREL_COUNTER_*; steady once STATUS is no longer RUNNING.
 */
#define KESTREL_ENGINE_COUNTER_LO(n)		(0x200 + (n) * 8)
#define KESTREL_ENGINE_COUNTER_HI(n)		(0x204 + (n) * 8)

#endif /* KESTREL_REGS_H */
