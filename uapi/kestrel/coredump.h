/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Kestrel NPU: the dump that the driver leaves when a job or the device fails.
 * Version 1.0.
 *
 * DOC: overview
 *
 * A dump is offered by the kernel's devcoredump: read
 * /sys/class/devcoredump/devcdN/data, then write anything to it to let it go; the
 * kernel drops it by itself after five minutes. Only root can read it. While one
 * is there, and for a while after (the driver's parameter coredump_interval_ms),
 * no other is made, so that the first failure of a row is the one that is kept.
 * npu-coredump(1) prints it.
 *
 *	struct kestrel_coredump_header
 *	struct kestrel_coredump_section [section_count]
 *	contents of the sections, each at its offset, a multiple of 8
 *
 * All numbers are little endian. Structures have the same layout for 32 and 64
 * bits; reserved fields are 0. A section is an array of `count` elements of
 * element_size bytes. Readers step by element_size, use what they know of an
 * element and skip sections of types that they do not know: so a higher minor
 * version may append fields and sections. A section may be absent.
 *
 * What is in it belongs to the failure: the address space and the command stream
 * are those of the failed job alone (after a reset: of the job that the firmware
 * said was on the engine); of other clients there are queues with their counts,
 * and what the firmware itself remembered of them on its stack.
 */
#ifndef KESTREL_COREDUMP_H
#define KESTREL_COREDUMP_H

#include "firmware.h"

/* The bytes 'K' 'D' 'M' 'P'. */
#define KESTREL_COREDUMP_MAGIC			0x504d444b
#define KESTREL_COREDUMP_VERSION_MAJOR		1
#define KESTREL_COREDUMP_VERSION_MINOR		0

/* Largest contents of these sections; what is longer is cut, and says so. */
#define KESTREL_COREDUMP_COMMANDS_MAX		0x100000	/* bytes, from the stream's start */
#define KESTREL_COREDUMP_MAPPINGS_MAX		4096

enum kestrel_coredump_reason {
	/* The firmware ended a job, and its queue with it. */
	KESTREL_COREDUMP_JOB = 1,
	/* The firmware was ill: the management core was reset. */
	KESTREL_COREDUMP_MCU_RESET = 2,
	/* That did not help: the whole device was reset. */
	KESTREL_COREDUMP_DEVICE_RESET = 3,
	/* Nor did that: the device was given up. */
	KESTREL_COREDUMP_WEDGED = 4,
};

struct kestrel_coredump_header {
	/* KESTREL_COREDUMP_MAGIC. */
	__u32 magic;
	/* KESTREL_COREDUMP_VERSION_*. Another major cannot be read. */
	__u16 version_major;
	__u16 version_minor;
	/* Bytes of the whole dump. */
	__u64 size;
	/* Byte offset of the section table, a multiple of 8. */
	__u32 section_table_offset;
	/* Sections, and bytes from one entry of the table to the next. */
	__u32 section_count;
	__u32 section_entry_size;
	/* enum kestrel_coredump_reason. */
	__u32 reason;
	/* When it happened: CLOCK_REALTIME and CLOCK_MONOTONIC, nanoseconds. */
	__u64 time_ns;
	__u64 monotonic_ns;
	__u64 reserved[2];
};

enum kestrel_coredump_section_type {
	/* One struct kestrel_coredump_device. */
	KESTREL_COREDUMP_SECTION_DEVICE = 1,
	/* struct kestrel_coredump_register. */
	KESTREL_COREDUMP_SECTION_REGISTERS = 2,
	/* One struct kestrel_coredump_mcu. */
	KESTREL_COREDUMP_SECTION_MCU = 3,
	/* struct kestrel_fw_log_record, oldest first; text is printable. */
	KESTREL_COREDUMP_SECTION_LOG = 4,
	/* One struct kestrel_fw_crash; absent when the firmware wrote none. */
	KESTREL_COREDUMP_SECTION_CRASH = 5,
	/* One struct kestrel_coredump_job; absent when no job was to blame. */
	KESTREL_COREDUMP_SECTION_JOB = 6,
	/* Bytes: the job's command stream from its start, as far as it is mapped. */
	KESTREL_COREDUMP_SECTION_COMMANDS = 7,
	/* struct kestrel_coredump_mapping, in order of addresses. */
	KESTREL_COREDUMP_SECTION_MAPPINGS = 8,
	/* struct kestrel_coredump_queue, all that the device has. */
	KESTREL_COREDUMP_SECTION_QUEUES = 9,
};

/* There was more than the section holds. */
#define KESTREL_COREDUMP_SECTION_CUT		(1u << 0)

struct kestrel_coredump_section {
	/* enum kestrel_coredump_section_type; each at most once. */
	__u32 type;
	/* KESTREL_COREDUMP_SECTION_CUT or 0. */
	__u32 flags;
	/* Byte offset in the dump. */
	__u64 offset;
	/* Elements, and bytes of one. */
	__u32 count;
	__u32 element_size;
};

struct kestrel_coredump_device {
	/* Kernel release and name of the bus device, NUL-terminated. */
	char kernel[64];
	char device[64];
	/* Interface of the driver (DRM_IOCTL_VERSION). */
	__u32 driver_major;
	__u32 driver_minor;
	/* KESTREL_REG_ARCHITECTURE, KESTREL_REG_ISA. */
	__u32 architecture;
	__u32 isa;
	/* KESTREL_FW_VERSION(), and the interface it speaks. */
	__u32 firmware_version;
	__u16 interface_major;
	__u16 interface_minor;
	/* As in the image header. */
	char firmware_build[48];
	__u32 macs_per_cycle;
	__u32 sram_bytes;
	/* Steps of recovery since the driver was bound, this one included. */
	__u32 queue_kills;
	__u32 mcu_resets;
	__u32 device_resets;
	__u32 wedged;
};

/* A register of the host block as it read when the failure was seen. */
struct kestrel_coredump_register {
	/* KESTREL_REG_*. */
	__u32 offset;
	__u32 value;
};

struct kestrel_coredump_mcu {
	/* KESTREL_REG_MCU_STATUS, BOOT_CODE, MCU_HALT_CODE. */
	__u32 status;
	__u32 boot_code;
	__u32 halt_code;
	/* KESTREL_REG_MCU_PC, CAUSE, EPC, TVAL. */
	__u32 pc;
	__u32 cause;
	__u32 epc;
	__u32 tval;
	/* What the firmware says of itself: enum kestrel_fw_state and so on. */
	__u32 state;
	__u32 heartbeat;
	/* Queue whose job is on the engine, or 0xffffffff; its job; since when. */
	__u32 running_queue;
	__u64 running_seqno;
	__u64 running_since;
	/* Jobs ever ended; jobs ever preempted. */
	__u64 jobs_ended;
	__u64 preemptions;
};

struct kestrel_coredump_job {
	__u64 seqno;
	/* The client's tag. */
	__u64 user_tag;
	/* Index of the queue and its address space. */
	__u32 queue;
	__u32 asid;
	/* As in struct kestrel_fw_job. */
	__u64 command_address;
	__u32 command_size;
	__u32 base_count;
	/* The error of its fence, a positive errno. */
	__u32 error;
	/*
	 * The firmware's event: enum kestrel_fw_event_type and what belongs to it;
	 * all 0 when the job was lost in a reset.
	 */
	__u32 event;
	__u32 fault_code;
	__u32 fault_unit;
	__u32 fault_offset;
	__u32 fault_detail;
	__u64 fault_address;
	/* Engine time so far, NPU cycles; times that it was preempted. */
	__u64 active_cycles;
	__u32 preemptions;
	__u32 reserved;
	struct kestrel_fw_base base[KESTREL_FW_BASES_MAX];
};

/* permissions and flags of a mapping. */
#define KESTREL_COREDUMP_MAPPING_READ		(1u << 0)
#define KESTREL_COREDUMP_MAPPING_WRITE		(1u << 1)
#define KESTREL_COREDUMP_MAPPING_EXECUTE	(1u << 2)

struct kestrel_coredump_mapping {
	/* First address, and bytes. */
	__u64 address;
	__u64 size;
	/* Byte of the buffer object that is there, and bytes of the object. */
	__u64 object_offset;
	__u64 object_size;
	/* KESTREL_COREDUMP_MAPPING_*. */
	__u32 permissions;
	/* Equal numbers are the same object; numbered from 1. */
	__u32 object;
};

struct kestrel_coredump_queue {
	__u32 queue;
	__u32 asid;
	/* enum kestrel_fw_priority. */
	__u32 priority;
	/* enum drm_kestrel_queue_status, and enum kestrel_fw_queue_status. */
	__u32 status;
	__u32 firmware_status;
	/* Indices of its ring. */
	__u32 write_index;
	__u32 read_index;
	/* Jobs submitted and not ended; faults and timeouts. */
	__u32 pending;
	__u32 fault_count;
	__u32 reserved;
	/* Sequence number of the last job that ended; engine cycles of all. */
	__u64 completed;
	__u64 active_cycles;
};

#ifndef __cplusplus
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_header, 64);
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_section, 24);
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_device, 224);
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_register, 8);
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_mcu, 72);
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_job, 344);
KESTREL_FW_ASSERT_OFFSET(kestrel_coredump_job, base, 88);
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_mapping, 40);
KESTREL_FW_ASSERT_SIZE(kestrel_coredump_queue, 56);
#endif

#endif /* KESTREL_COREDUMP_H */
