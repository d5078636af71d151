/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/* Copyright The Kestrel authors */
#ifndef _UAPI_KESTREL_ACCEL_H_
#define _UAPI_KESTREL_ACCEL_H_

#include "drm.h"

#ifdef __KERNEL__
#include <linux/build_bug.h>
#else
#include <assert.h>
#endif

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: Kestrel NPU user interface
 *
 * How the objects fit together:
 *
 * - A *VM* is one address space of the NPU (an ASID of its MMU). A file may
 *   have several. Nothing is visible to a job but what its VM maps.
 * - A *BO* is memory. It is mapped into a VM by VM_BIND at an address that user
 *   space chooses, and into the CPU by mmap() at the offset that BO_INFO gives.
 * - A *queue* belongs to one VM, has a priority, and runs its jobs in order.
 *   Different queues are ordered only by syncobjs.
 * - A *job* is one command stream (uapi/kestrel/isa.h) with up to 16 base
 *   entries {address, size}. Every address in a stream is (base index, offset);
 *   the engine checks it against the size of that entry, then the MMU checks it
 *   against the VM.
 *
 * The device is found by the DRM driver name "kestrel" (DRM_IOCTL_VERSION), on
 * an accel node (/dev/accel/accelN) or, on kernels without CONFIG_DRM_ACCEL, on
 * a render node (/dev/dri/renderDN). The ioctls are the same on both.
 *
 * Rules that hold for every ioctl:
 *
 * - Structures have the same layout for 32 and 64 bit callers. Pointers are
 *   carried as __u64. There are no unions and no implicit padding.
 * - Bits of a flags field that are not listed with it, and padding that is not
 *   zero, give EINVAL.
 * - Identifiers (VM, queue, handle) are never 0. They belong to the open file.
 * - Lists are &struct drm_kestrel_array. Elements of a shorter stride than the
 *   kernel's are filled up with zeros; a stride below the element of version 1.0
 *   or above 4096 gives EINVAL; elements of a longer stride than the kernel's are
 *   accepted when the tail that it does not know is zero (else E2BIG). The count
 *   is limited as QUERY_LIMITS says (else EINVAL); @ptr must be 0 when count is 0.
 * - VM_BIND and SUBMIT do everything or nothing. On failure @error_index names
 *   the entry of the list which was refused; it is DRM_KESTREL_NO_INDEX when the
 *   failure is not that of one entry. It is written on failure too.
 * - Timeouts are absolute CLOCK_MONOTONIC times in nanoseconds; 0 or any time in
 *   the past polls.
 * - All calls may be made from any thread at any time.
 *
 * Errors that mean the same everywhere (others stand with the ioctl):
 *
 * - EINVAL: an argument is out of its range.
 * - ENOENT: no such VM, queue or handle in this file.
 * - EFAULT: a user pointer cannot be read or written.
 * - E2BIG: an array element has a non-zero tail that this kernel does not know.
 * - ENOMEM: no memory.
 * - EACCES: the caller lacks a capability.
 * - EPERM: the object does not allow it.
 * - ENOSPC: a limit of the file or the device is reached (VMs, queues, address
 *   space identifiers).
 * - EDQUOT: a limit of the user is reached: the VMs, queues or bytes of all files
 *   that this user opened. The limits are parameters of the module; they do not
 *   bind who has CAP_SYS_RESOURCE.
 * - ECANCELED: the queue is dead (see &enum drm_kestrel_queue_status).
 * - EIO: the device is wedged: it did not come back from a full reset.
 * - ENODEV: the device was unplugged or the driver unbound.
 * - EINTR/ERESTARTSYS: a signal arrived; the call can be made again.
 *
 * How the interface grows (docs/compatibility.md has the rules of all contracts):
 * new fields are appended to a structure, new flags and enum values take unused
 * numbers, zero keeps the old behaviour, and the driver's minor version goes up by
 * one. A program may use what its own header has and the driver's minor version
 * covers: an older driver refuses flags and values that it does not know and list
 * elements with a tail that is not zero, but it does not look at what an argument
 * has behind its own structure. Another major version is another interface.
 *
 * Driver version history (DRM_IOCTL_VERSION):
 *
 * - 1.0: all that is here.
 */

/** DRM_KESTREL_DRIVER_NAME: name that DRM_IOCTL_VERSION reports. */
#define DRM_KESTREL_DRIVER_NAME		"kestrel"
/** DRM_KESTREL_VERSION_MAJOR: major version of this header. */
#define DRM_KESTREL_VERSION_MAJOR	1
/** DRM_KESTREL_VERSION_MINOR: minor version of this header. */
#define DRM_KESTREL_VERSION_MINOR	0

/** DRM_KESTREL_NO_INDEX: error_index when no entry of a list is to blame. */
#define DRM_KESTREL_NO_INDEX		0xffffffffu

/** DRM_KESTREL_MAX_BASES: base entries that one job can have. */
#define DRM_KESTREL_MAX_BASES		16

/*
 * Command numbers, relative to DRM_COMMAND_BASE. Numbers are never reused.
 */
#define DRM_KESTREL_QUERY		0x00
#define DRM_KESTREL_VM_CREATE		0x01
#define DRM_KESTREL_VM_DESTROY		0x02
#define DRM_KESTREL_VM_BIND		0x03
#define DRM_KESTREL_BO_CREATE		0x04
#define DRM_KESTREL_BO_INFO		0x05
#define DRM_KESTREL_BO_PREP		0x06
#define DRM_KESTREL_BO_FINI		0x07
#define DRM_KESTREL_QUEUE_CREATE	0x08
#define DRM_KESTREL_QUEUE_DESTROY	0x09
#define DRM_KESTREL_SUBMIT		0x0a
#define DRM_KESTREL_QUEUE_STATE		0x0b
#define DRM_KESTREL_FAULT_READ		0x0c
#define DRM_KESTREL_BO_USERPTR		0x0d
#define DRM_KESTREL_PERF_JOBS		0x0e
#define DRM_KESTREL_PERF_DEVICE		0x0f

/**
 * struct drm_kestrel_array - a list in user memory
 */
struct drm_kestrel_array {
	/** @stride: bytes from one element to the next: sizeof(element). */
	__u32 stride;
	/** @count: number of elements. */
	__u32 count;
	/** @ptr: user address of the first element; 0 when @count is 0. */
	__u64 ptr;
};

/**
 * enum drm_kestrel_query_type - what DRM_IOCTL_KESTREL_QUERY returns
 */
enum drm_kestrel_query_type {
	/** @DRM_KESTREL_QUERY_HARDWARE: &struct drm_kestrel_query_hardware. */
	DRM_KESTREL_QUERY_HARDWARE = 0,
	/** @DRM_KESTREL_QUERY_FIRMWARE: &struct drm_kestrel_query_firmware. */
	DRM_KESTREL_QUERY_FIRMWARE = 1,
	/** @DRM_KESTREL_QUERY_LIMITS: &struct drm_kestrel_query_limits. */
	DRM_KESTREL_QUERY_LIMITS = 2,
	/** @DRM_KESTREL_QUERY_RESETS: &struct drm_kestrel_query_resets. */
	DRM_KESTREL_QUERY_RESETS = 3,
};

/**
 * struct drm_kestrel_query - argument of DRM_IOCTL_KESTREL_QUERY
 *
 * With @ptr 0 the kernel only writes its structure's size to @size. Otherwise
 * min(@size, kernel's size) bytes are written, the rest of a longer user buffer
 * is filled with zeros, and @size becomes the kernel's size.
 *
 * Errors: EINVAL (unknown @type, @size 0 with @ptr not 0, @size above 4096),
 * EFAULT.
 */
struct drm_kestrel_query {
	/** @type: &enum drm_kestrel_query_type. */
	__u32 type;
	/** @size: in: bytes at @ptr; out: bytes of the kernel's structure. */
	__u32 size;
	/** @ptr: user address of the structure to fill, or 0. */
	__u64 ptr;
};

/** DRM_KESTREL_HARDWARE_COHERENT: the NPU snoops CPU caches. */
#define DRM_KESTREL_HARDWARE_COHERENT	0x1u

/**
 * struct drm_kestrel_query_hardware - the hardware, constant while it is bound
 *
 * The register fields are those of the identity page in uapi/kestrel/regs.h.
 */
struct drm_kestrel_query_hardware {
	/** @architecture: version of the register block: major << 16 | minor. */
	__u32 architecture;
	/** @flags: DRM_KESTREL_HARDWARE_*. */
	__u32 flags;
	/** @isa_major: command stream ISA, major: streams must have the same. */
	__u32 isa_major;
	/** @isa_minor: command stream ISA, minor: streams must not be newer. */
	__u32 isa_minor;
	/** @macs_per_cycle: 8x8 multiplier-accumulators of one engine. */
	__u32 macs_per_cycle;
	/** @engine_count: engines; a job runs on one. */
	__u32 engine_count;
	/** @sram_bytes: local SRAM of one engine, in bytes. */
	__u32 sram_bytes;
	/** @sram_banks: banks of that SRAM, interleaved by 16 byte line. */
	__u32 sram_banks;
	/** @va_bits: bits of an NPU virtual address. */
	__u32 va_bits;
	/** @pad: 0. */
	__u32 pad;
	/** @clock_min_khz: lowest clock of the engines, in kHz. */
	__u32 clock_min_khz;
	/** @clock_max_khz: highest clock of the engines, in kHz. */
	__u32 clock_max_khz;
	/** @page_size_mask: page sizes of the MMU: bit n set = 2^n bytes. */
	__u64 page_size_mask;
	/** @features: feature bits of the identity page. */
	__u64 features;
};

/**
 * struct drm_kestrel_query_firmware - the firmware that is running
 */
struct drm_kestrel_query_firmware {
	/** @interface_major: host/firmware interface (uapi/kestrel/firmware.h). */
	__u32 interface_major;
	/** @interface_minor: host/firmware interface, minor. */
	__u32 interface_minor;
	/** @version: version of the image: major << 24 | minor << 16 | patch. */
	__u32 version;
	/** @pad: 0. */
	__u32 pad;
	/** @build: what it was built from, printable, NUL-terminated. */
	char build[48];
};

/**
 * struct drm_kestrel_query_limits - what this caller may ask for
 */
struct drm_kestrel_query_limits {
	/** @max_vms: VMs per file. */
	__u32 max_vms;
	/** @max_queues: queues per file; the device may run out before (ENOSPC). */
	__u32 max_queues;
	/** @max_queue_jobs: largest max_jobs of QUEUE_CREATE. */
	__u32 max_queue_jobs;
	/** @max_submit_jobs: jobs in one SUBMIT. */
	__u32 max_submit_jobs;
	/** @max_bases: base entries of one job (DRM_KESTREL_MAX_BASES). */
	__u32 max_bases;
	/** @max_syncs: sync entries of one job. */
	__u32 max_syncs;
	/** @max_bind_ops: operations in one VM_BIND. */
	__u32 max_bind_ops;
	/** @priority_mask: priorities allowed to this caller: bit n set = value n. */
	__u32 priority_mask;
	/** @default_job_timeout_ms: job timeout of a queue that asks for 0. */
	__u32 default_job_timeout_ms;
	/** @max_job_timeout_ms: longest job timeout that a queue may ask for. */
	__u32 max_job_timeout_ms;
	/** @default_timeslice_us: time slice of a queue that asks for 0. */
	__u32 default_timeslice_us;
	/**
	 * @max_timeslice_us: longest time slice that a queue may ask for. Without
	 * CAP_SYS_NICE that is the default: longer turns are a larger share.
	 */
	__u32 max_timeslice_us;
	/** @max_command_size: longest command stream of a job, in bytes. */
	__u32 max_command_size;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * struct drm_kestrel_query_resets - what happened since the driver was bound
 */
struct drm_kestrel_query_resets {
	/** @mcu: fast resets of the management core. */
	__u32 mcu;
	/** @device: resets of the whole device. */
	__u32 device;
	/** @wedged: 1 when the device is given up (all calls fail with EIO). */
	__u32 wedged;
	/** @queue_kills: queues stopped with work in the firmware, without a reset. */
	__u32 queue_kills;
};

/**
 * struct drm_kestrel_vm_create - argument of DRM_IOCTL_KESTREL_VM_CREATE
 *
 * Creates an address space with nothing mapped. It is gone when the file is
 * closed at the latest.
 *
 * Errors: EINVAL, ENOMEM, ENOSPC (max_vms reached or no ASID free), EDQUOT, EIO,
 * ENODEV.
 */
struct drm_kestrel_vm_create {
	/** @flags: must be 0. */
	__u32 flags;
	/** @vm_id: out: the VM. */
	__u32 vm_id;
	/** @va_start: out: lowest address that VM_BIND accepts. */
	__u64 va_start;
	/** @va_size: out: bytes from there on. */
	__u64 va_size;
};

/**
 * struct drm_kestrel_vm_destroy - argument of DRM_IOCTL_KESTREL_VM_DESTROY
 *
 * All queues of the VM are destroyed as QUEUE_DESTROY does it, then everything
 * is unmapped.
 *
 * Errors: EINVAL, ENOENT.
 */
struct drm_kestrel_vm_destroy {
	/** @vm_id: the VM. */
	__u32 vm_id;
	/** @flags: must be 0. */
	__u32 flags;
};

/**
 * enum drm_kestrel_bind_op_type - operations of VM_BIND
 */
enum drm_kestrel_bind_op_type {
	/**
	 * @DRM_KESTREL_BIND_MAP: Map a part of a BO. Whatever was mapped in the
	 * range before is unmapped first, as by DRM_KESTREL_BIND_UNMAP.
	 */
	DRM_KESTREL_BIND_MAP = 0,
	/**
	 * @DRM_KESTREL_BIND_UNMAP: Unmap the range. Mappings that reach over its
	 * ends keep the parts outside; parts not mapped are no error.
	 */
	DRM_KESTREL_BIND_UNMAP = 1,
};

/** DRM_KESTREL_BIND_READ: commands may read the range. */
#define DRM_KESTREL_BIND_READ		0x1u
/** DRM_KESTREL_BIND_WRITE: commands may write it; needs BIND_READ too. */
#define DRM_KESTREL_BIND_WRITE		0x2u
/** DRM_KESTREL_BIND_EXECUTE: command streams may be fetched from it. */
#define DRM_KESTREL_BIND_EXECUTE	0x4u

/**
 * struct drm_kestrel_bind_op - one operation of VM_BIND
 */
struct drm_kestrel_bind_op {
	/** @op: &enum drm_kestrel_bind_op_type. */
	__u32 op;
	/** @flags: MAP: DRM_KESTREL_BIND_*, at least one; UNMAP: 0. */
	__u32 flags;
	/** @handle: MAP: GEM handle of the BO; UNMAP: 0. */
	__u32 handle;
	/** @pad: must be 0. */
	__u32 pad;
	/** @bo_offset: MAP: first byte of the BO, multiple of 4096; UNMAP: 0. */
	__u64 bo_offset;
	/** @va: address in the VM, multiple of 4096. */
	__u64 va;
	/** @size: bytes, multiple of 4096, not 0. */
	__u64 size;
};

/**
 * struct drm_kestrel_vm_bind - argument of DRM_IOCTL_KESTREL_VM_BIND
 *
 * Applies all operations in order, and returns when the MMU has let go of all
 * that was unmapped. Either all operations take effect or none does.
 *
 * An NPU access to an unmapped page ends its job with a fault; user space has to
 * wait for the jobs that use a range before it unmaps it. Unmapping under a
 * running job is safe for everybody else.
 *
 * A mapping keeps the BO's memory even when its handle is closed.
 *
 * Errors: EINVAL (alignment, range outside the VM or the BO, flags), ENOENT (VM
 * or handle), EPERM (the BO belongs to another VM, or is read-only), EFAULT (the
 * process has unmapped it), E2BIG, ENOMEM, EIO, ENODEV.
 */
struct drm_kestrel_vm_bind {
	/** @vm_id: the VM. */
	__u32 vm_id;
	/** @flags: must be 0. */
	__u32 flags;
	/** @ops: list of &struct drm_kestrel_bind_op, at least one. */
	struct drm_kestrel_array ops;
	/** @error_index: out: operation that failed, or DRM_KESTREL_NO_INDEX. */
	__u32 error_index;
	/** @pad: must be 0. */
	__u32 pad;
};

/**
 * DRM_KESTREL_BO_IMPORTED: the BO is a dma-buf of another device. Only BO_INFO
 * returns it.
 */
#define DRM_KESTREL_BO_IMPORTED		0x1u
/**
 * DRM_KESTREL_BO_WRITE_COMBINED: CPU mappings bypass the caches: fast to fill
 * from one end to the other, slow to read, and without upkeep of caches. Without
 * it they are cached. On coherent hardware they are cached in any case; the flag
 * is accepted and returned. The memory is allocated at once.
 */
#define DRM_KESTREL_BO_WRITE_COMBINED	0x2u
/** DRM_KESTREL_BO_NO_MMAP: the CPU never maps it: mmap() fails with EPERM. */
#define DRM_KESTREL_BO_NO_MMAP		0x4u
/** DRM_KESTREL_BO_USER: memory of a process (BO_USERPTR). Only BO_INFO returns it. */
#define DRM_KESTREL_BO_USER		0x8u
/** DRM_KESTREL_BO_READ_ONLY: no VM can map it with DRM_KESTREL_BIND_WRITE. */
#define DRM_KESTREL_BO_READ_ONLY	0x10u

/**
 * struct drm_kestrel_bo_create - argument of DRM_IOCTL_KESTREL_BO_CREATE
 *
 * Allocates zeroed memory. The CPU owns it until it is given to the device by
 * BO_FINI.
 *
 * A BO that is created for a VM is exclusive: no other VM can map it and it
 * cannot be exported as a dma-buf (both EPERM). It lives on when its VM is
 * destroyed, but nothing can map it then.
 *
 * Errors: EINVAL (size 0 or too large, flags, pad), ENOENT (VM), EDQUOT, ENOMEM,
 * ENODEV.
 */
struct drm_kestrel_bo_create {
	/** @size: in: bytes wanted; out: rounded up to the CPU's page size. */
	__u64 size;
	/** @flags: DRM_KESTREL_BO_WRITE_COMBINED, DRM_KESTREL_BO_NO_MMAP or 0. */
	__u32 flags;
	/** @handle: out: GEM handle. */
	__u32 handle;
	/** @vm_id: the only VM that may map it; 0: any. */
	__u32 vm_id;
	/** @pad: must be 0. */
	__u32 pad;
};

/**
 * struct drm_kestrel_bo_userptr - argument of DRM_IOCTL_KESTREL_BO_USERPTR
 *
 * Makes a BO of the calling process's own memory: of anonymous memory, that is
 * what malloc() and mmap(MAP_ANONYMOUS) give. It is exclusive to a VM, without
 * mmap(), and has DRM_KESTREL_BO_USER and _NO_MMAP set. The CPU owns it until it
 * is given to the device by BO_FINI.
 *
 * Its pages are pinned and count against RLIMIT_MEMLOCK, unless the caller has
 * CAP_IPC_LOCK, until the BO is gone.
 *
 * When any of the range is unmapped in the process (munmap(), mremap(), exit)
 * the NPU loses all of it before that call returns: from then on it is as if
 * VM_BIND had unmapped it, and MAP of it fails with EFAULT. A child of fork()
 * gets copies. After madvise(MADV_DONTNEED) process and NPU see different pages.
 *
 * Errors: EINVAL (address and size are no whole pages of the CPU, size 0, flags,
 * pad), ENOENT (VM), EFAULT (not all of the range is anonymous memory that the
 * process may read and, without READ_ONLY, write; or it was unmapped meanwhile),
 * ENOMEM (also: more than RLIMIT_MEMLOCK), EOPNOTSUPP (a kernel without MMU
 * notifiers), EIO, ENODEV, EINTR.
 */
struct drm_kestrel_bo_userptr {
	/** @address: first byte, a multiple of the CPU's page size. */
	__u64 address;
	/** @size: bytes, a multiple of the CPU's page size. */
	__u64 size;
	/** @flags: DRM_KESTREL_BO_READ_ONLY or 0. */
	__u32 flags;
	/** @vm_id: the only VM that may map it. */
	__u32 vm_id;
	/** @handle: out: GEM handle. */
	__u32 handle;
	/** @pad: must be 0. */
	__u32 pad;
};

/**
 * struct drm_kestrel_bo_info - argument of DRM_IOCTL_KESTREL_BO_INFO
 *
 * Errors: EINVAL, ENOENT, ENOMEM.
 */
struct drm_kestrel_bo_info {
	/** @handle: GEM handle. */
	__u32 handle;
	/** @flags: in: must be 0; out: DRM_KESTREL_BO_*. */
	__u32 flags;
	/** @size: out: bytes. */
	__u64 size;
	/** @mmap_offset: out: offset for mmap() of the device node; 0: it has none. */
	__u64 mmap_offset;
};

/** DRM_KESTREL_PREP_READ: the CPU is going to read. */
#define DRM_KESTREL_PREP_READ		0x1u
/** DRM_KESTREL_PREP_WRITE: the CPU is going to write. */
#define DRM_KESTREL_PREP_WRITE		0x2u
/** DRM_KESTREL_PREP_WAIT_ONLY: wait, but leave caches and ownership alone. */
#define DRM_KESTREL_PREP_WAIT_ONLY	0x4u

/**
 * struct drm_kestrel_bo_prep - argument of DRM_IOCTL_KESTREL_BO_PREP
 *
 * Waits for every job that was submitted, before this call, to a queue of a VM
 * of this file which maps the BO, and for the fences that other drivers attached
 * to it; then gives the range to the CPU. Nothing is given over when the wait
 * fails. On coherent hardware only the wait remains. For an imported BO this is
 * what DMA_BUF_IOCTL_SYNC does at its start, BO_FINI what it does at its end, and
 * for the whole of it; and that ioctl on an exported BO does as these two.
 *
 * A job's failure does not fail the wait: see QUEUE_STATE.
 *
 * Errors: EINVAL (flags, no direction, range outside the BO), ENOENT, ETIMEDOUT
 * (still busy at @timeout_ns), EINTR.
 */
struct drm_kestrel_bo_prep {
	/** @handle: GEM handle. */
	__u32 handle;
	/** @flags: DRM_KESTREL_PREP_*, at least READ or WRITE. */
	__u32 flags;
	/** @offset: first byte of the range. */
	__u64 offset;
	/** @size: bytes; @offset + @size must not exceed the BO's size. */
	__u64 size;
	/** @timeout_ns: absolute CLOCK_MONOTONIC time; 0 polls. */
	__s64 timeout_ns;
};

/**
 * struct drm_kestrel_bo_fini - argument of DRM_IOCTL_KESTREL_BO_FINI
 *
 * Gives a range to the device: what the CPU wrote becomes visible to jobs that
 * are submitted afterwards.
 *
 * Errors: EINVAL (flags, range outside the BO), ENOENT.
 */
struct drm_kestrel_bo_fini {
	/** @handle: GEM handle. */
	__u32 handle;
	/** @flags: must be 0. */
	__u32 flags;
	/** @offset: first byte of the range. */
	__u64 offset;
	/** @size: bytes; @offset + @size must not exceed the BO's size. */
	__u64 size;
};

/**
 * enum drm_kestrel_priority - priorities of queues
 *
 * The firmware guarantees every priority that has ready queues a sixteenth of
 * the engine's time; queues of one priority share it in turn.
 */
enum drm_kestrel_priority {
	/** @DRM_KESTREL_PRIORITY_LOW: background work. */
	DRM_KESTREL_PRIORITY_LOW = 0,
	/** @DRM_KESTREL_PRIORITY_NORMAL: the usual. */
	DRM_KESTREL_PRIORITY_NORMAL = 1,
	/** @DRM_KESTREL_PRIORITY_HIGH: needs CAP_SYS_NICE. */
	DRM_KESTREL_PRIORITY_HIGH = 2,
	/**
	 * @DRM_KESTREL_PRIORITY_REALTIME: needs CAP_SYS_NICE; no more than a quarter
	 * of the device's queues can have it.
	 */
	DRM_KESTREL_PRIORITY_REALTIME = 3,
};

/** DRM_KESTREL_QUEUE_PERF: the queue keeps what its last jobs did, for PERF_JOBS. */
#define DRM_KESTREL_QUEUE_PERF		0x1u

/**
 * struct drm_kestrel_queue_create - argument of DRM_IOCTL_KESTREL_QUEUE_CREATE
 *
 * Errors: EINVAL, ENOENT (VM), EACCES (priority without CAP_SYS_NICE), ENOSPC
 * (max_queues reached, or none of that priority free on the device), EDQUOT,
 * ENOMEM, EIO, ENODEV, EINTR.
 */
struct drm_kestrel_queue_create {
	/** @vm_id: the VM that its jobs run in. */
	__u32 vm_id;
	/** @priority: &enum drm_kestrel_priority. */
	__u32 priority;
	/** @flags: DRM_KESTREL_QUEUE_PERF or 0. */
	__u32 flags;
	/**
	 * @max_jobs: jobs that may be queued and not completed; a power of two
	 * up to max_queue_jobs of QUERY_LIMITS.
	 */
	__u32 max_jobs;
	/**
	 * @job_timeout_ms: engine time, at the highest clock, after which a job
	 * is killed; 0 for the default, at most max_job_timeout_ms. What is
	 * shorter than the firmware can measure is rounded up.
	 */
	__u32 job_timeout_ms;
	/**
	 * @timeslice_us: engine time, at the highest clock, after which a queue
	 * of the same priority may take over; 0 for the default, at most
	 * max_timeslice_us. Too short ones are rounded up.
	 */
	__u32 timeslice_us;
	/** @queue_id: out: the queue. */
	__u32 queue_id;
	/** @pad: must be 0. */
	__u32 pad;
};

/**
 * struct drm_kestrel_queue_destroy - argument of DRM_IOCTL_KESTREL_QUEUE_DESTROY
 *
 * Jobs that are not completed are killed; their fences signal with ECANCELED.
 * The call returns when the engine has let go of them.
 *
 * Errors: EINVAL, ENOENT.
 */
struct drm_kestrel_queue_destroy {
	/** @queue_id: the queue. */
	__u32 queue_id;
	/** @flags: must be 0. */
	__u32 flags;
};

/** DRM_KESTREL_SYNC_WAIT: the job starts when the fence has signalled. */
#define DRM_KESTREL_SYNC_WAIT		0x1u
/** DRM_KESTREL_SYNC_SIGNAL: the syncobj gets the job's fence. */
#define DRM_KESTREL_SYNC_SIGNAL		0x2u
/** DRM_KESTREL_SYNC_TIMELINE: the syncobj is a timeline, at @point. */
#define DRM_KESTREL_SYNC_TIMELINE	0x4u

/**
 * struct drm_kestrel_sync - one syncobj of a job
 *
 * Exactly one of WAIT and SIGNAL is set. A wait needs a fence to be there
 * already: from an earlier submission or from an earlier job of this one.
 */
struct drm_kestrel_sync {
	/** @handle: syncobj handle. */
	__u32 handle;
	/** @flags: DRM_KESTREL_SYNC_*. */
	__u32 flags;
	/** @point: point of the timeline, not 0; 0 for a binary syncobj. */
	__u64 point;
};

/**
 * struct drm_kestrel_base - one base entry of a job
 *
 * Commands name addresses as (index of the entry, offset). An entry of size 0
 * cannot be used. The range need not be mapped: what is not, faults.
 */
struct drm_kestrel_base {
	/** @va: address in the VM; @va + @size must not exceed 2^64 - 1. */
	__u64 va;
	/** @size: bytes. */
	__u64 size;
};

/**
 * struct drm_kestrel_job - one job of SUBMIT
 *
 * A job with @command_size 0 runs nothing on the NPU: its fence signals when the
 * jobs before it in the queue and its waits are done. It has no bases, and
 * @command_va is 0.
 */
struct drm_kestrel_job {
	/** @command_va: address of the command stream in the VM, multiple of 16. */
	__u64 command_va;
	/** @command_size: its bytes, at most max_command_size. */
	__u32 command_size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @user_tag: any value; comes back in fault records. */
	__u64 user_tag;
	/**
	 * @bases: list of &struct drm_kestrel_base, at most max_bases. It is
	 * copied by this call; entry n is base index n of the stream.
	 */
	struct drm_kestrel_array bases;
	/** @syncs: list of &struct drm_kestrel_sync, at most max_syncs. */
	struct drm_kestrel_array syncs;
};

/** DRM_KESTREL_SUBMIT_NONBLOCK: fail with EAGAIN where the queue is full. */
#define DRM_KESTREL_SUBMIT_NONBLOCK	0x1u

/**
 * struct drm_kestrel_submit - argument of DRM_IOCTL_KESTREL_SUBMIT
 *
 * Appends jobs to a queue: all of them or none. Job n gets the sequence number
 * @first_seqno + n; sequence numbers of a queue start at 1.
 *
 * While max_jobs are queued the call waits, interruptibly.
 *
 * A deadline of a fence (SYNC_IOC_SET_DEADLINE, a syncobj wait with
 * DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE) is a hint: shortly before it, until the job
 * has ended, the clock is raised, and the queue has its turns ahead of others of the
 * same priority, not more of them. Nothing fails because of it.
 *
 * The fence of a job that did not run to its end carries one of these errors
 * (as sync_file's status shows): EFAULT (MMU fault), EINVAL (the engine refused
 * a command), ETIMEDOUT (it ran longer than the queue's timeout), ECANCELED (it
 * was lost because of something else: the queue died or was destroyed, a job it
 * waits for failed is *not* such a reason), EIO (hardware error or wedged),
 * ENODEV (device unplugged). The first failed job kills its queue: all later
 * jobs of the queue fail with ECANCELED.
 *
 * Errors: EINVAL (a field, more jobs than max_jobs), ENOENT (queue, syncobj; a
 * WAIT without a fence gives EINVAL), EAGAIN (full, with NONBLOCK), E2BIG,
 * ENOMEM, ECANCELED, EIO, ENODEV, EINTR.
 */
struct drm_kestrel_submit {
	/** @queue_id: the queue. */
	__u32 queue_id;
	/** @flags: DRM_KESTREL_SUBMIT_NONBLOCK or 0. */
	__u32 flags;
	/** @jobs: list of &struct drm_kestrel_job, at least one. */
	struct drm_kestrel_array jobs;
	/** @first_seqno: out: sequence number of the first job. */
	__u64 first_seqno;
	/** @error_index: out: job that was refused, or DRM_KESTREL_NO_INDEX. */
	__u32 error_index;
	/** @pad: must be 0. */
	__u32 pad;
};

/**
 * enum drm_kestrel_queue_status - whether a queue takes jobs, and why not
 *
 * A queue that is not OK is dead: SUBMIT fails with ECANCELED; destroy it and
 * create another. TIMEDOUT and FAULT are this queue's own guilt.
 */
enum drm_kestrel_queue_status {
	/** @DRM_KESTREL_QUEUE_OK: it works. */
	DRM_KESTREL_QUEUE_OK = 0,
	/** @DRM_KESTREL_QUEUE_TIMEDOUT: a job of it ran too long. */
	DRM_KESTREL_QUEUE_TIMEDOUT = 1,
	/** @DRM_KESTREL_QUEUE_FAULT: a job of it did something illegal. */
	DRM_KESTREL_QUEUE_FAULT = 2,
	/** @DRM_KESTREL_QUEUE_INNOCENT: its jobs were lost in a reset, or hardware failed. */
	DRM_KESTREL_QUEUE_INNOCENT = 3,
	/** @DRM_KESTREL_QUEUE_WEDGED: the device does not work any more. */
	DRM_KESTREL_QUEUE_WEDGED = 4,
};

/**
 * struct drm_kestrel_queue_state - argument of DRM_IOCTL_KESTREL_QUEUE_STATE
 *
 * Errors: EINVAL, ENOENT.
 */
struct drm_kestrel_queue_state {
	/** @queue_id: the queue. */
	__u32 queue_id;
	/** @status: out: &enum drm_kestrel_queue_status. */
	__u32 status;
	/** @submitted: out: sequence number of the last job submitted. */
	__u64 submitted;
	/** @completed: out: jobs up to this one are done, well or not. */
	__u64 completed;
	/**
	 * @active_cycles: out: engine cycles of all jobs completed so far. The
	 * difference over a job is what that job took.
	 */
	__u64 active_cycles;
	/** @fault_count: out: faults and timeouts of this queue. */
	__u32 fault_count;
	/** @pad: must be 0. */
	__u32 pad;
};

/**
 * enum drm_kestrel_fault_type - what went wrong
 */
enum drm_kestrel_fault_type {
	/** @DRM_KESTREL_FAULT_MMU: no or no suitable mapping at @va. */
	DRM_KESTREL_FAULT_MMU = 0,
	/** @DRM_KESTREL_FAULT_COMMAND: the engine refused a command. */
	DRM_KESTREL_FAULT_COMMAND = 1,
	/** @DRM_KESTREL_FAULT_TIMEOUT: the job ran longer than allowed. */
	DRM_KESTREL_FAULT_TIMEOUT = 2,
	/** @DRM_KESTREL_FAULT_HARDWARE: the engine reports a hardware error. */
	DRM_KESTREL_FAULT_HARDWARE = 3,
	/** @DRM_KESTREL_FAULT_RESET: the job was lost in a reset. */
	DRM_KESTREL_FAULT_RESET = 4,
};

/**
 * enum drm_kestrel_access - kind of a faulting access
 */
enum drm_kestrel_access {
	/** @DRM_KESTREL_ACCESS_NONE: the fault is not that of an access. */
	DRM_KESTREL_ACCESS_NONE = 0,
	/** @DRM_KESTREL_ACCESS_READ: a read of data. */
	DRM_KESTREL_ACCESS_READ = 1,
	/** @DRM_KESTREL_ACCESS_WRITE: a write of data. */
	DRM_KESTREL_ACCESS_WRITE = 2,
	/** @DRM_KESTREL_ACCESS_FETCH: a fetch of commands. */
	DRM_KESTREL_ACCESS_FETCH = 3,
};

/**
 * struct drm_kestrel_fault - one fault record
 */
struct drm_kestrel_fault {
	/** @time_ns: CLOCK_MONOTONIC time at which the driver saw it. */
	__u64 time_ns;
	/** @seqno: sequence number of the job in its queue. */
	__u64 seqno;
	/** @user_tag: user_tag of the job. */
	__u64 user_tag;
	/** @va: MMU: address in the VM; else 0. */
	__u64 va;
	/** @queue_id: the queue. */
	__u32 queue_id;
	/** @type: &enum drm_kestrel_fault_type. */
	__u32 type;
	/** @access: &enum drm_kestrel_access. */
	__u32 access;
	/** @unit: unit of the engine, numbered as in uapi/kestrel/isa.h. */
	__u32 unit;
	/** @stream_offset: offset of the command in its stream, in bytes. */
	__u32 stream_offset;
	/** @code: fault code of the engine, as in uapi/kestrel/isa.h; or 0. */
	__u32 code;
};

/**
 * struct drm_kestrel_fault_read - argument of DRM_IOCTL_KESTREL_FAULT_READ
 *
 * Each VM keeps its last 64 fault records, numbered from 0. The call copies
 * those from record @cursor on that fit into @faults, sets @faults.count to the
 * number copied and @cursor to the record after the last one. Records that were
 * overwritten before they were read are counted in @lost and skipped. Records
 * of jobs whose queue is destroyed stay until the VM is.
 *
 * Errors: EINVAL (flags, pad, cursor beyond the newest record, stride shorter
 * than the record of version 1.0), ENOENT, EFAULT.
 */
struct drm_kestrel_fault_read {
	/** @vm_id: the VM. */
	__u32 vm_id;
	/** @flags: must be 0. */
	__u32 flags;
	/** @faults: where to write a list of &struct drm_kestrel_fault. */
	struct drm_kestrel_array faults;
	/** @cursor: in: first record wanted; out: next one to ask for. */
	__u64 cursor;
	/** @lost: out: records between @cursor and the first one copied. */
	__u32 lost;
	/** @pad: must be 0. */
	__u32 pad;
};

/**
 * struct drm_kestrel_perf_job - what one job did
 *
 * Times in cycles are those of the counter KESTREL_COUNTER_CYCLES
 * (uapi/kestrel/regs.h), which runs at the present clock and begins anew when the
 * device is reset or switched off. Other counts are over all time slices of the job.
 */
struct drm_kestrel_perf_job {
	/** @seqno: its sequence number. */
	__u64 seqno;
	/** @user_tag: as given to SUBMIT. */
	__u64 user_tag;
	/** @end_time_ns: CLOCK_MONOTONIC when the driver learnt of its end. */
	__u64 end_time_ns;
	/** @start_cycle: cycle at which an engine first started it. */
	__u64 start_cycle;
	/** @end_cycle: cycle at which it ended. */
	__u64 end_cycle;
	/** @active_cycles: cycles that an engine worked on it. */
	__u64 active_cycles;
	/** @busy_cycles: cycles of DMA_IN, DMA_OUT, MAC and VECTOR. */
	__u64 busy_cycles[4];
	/** @macs: multiply-accumulates. */
	__u64 macs;
	/** @read_bytes: bytes read from memory. */
	__u64 read_bytes;
	/** @write_bytes: bytes written to memory. */
	__u64 write_bytes;
	/** @error: error of its fence, or 0. */
	__s32 error;
	/** @preemptions: times that it made room for another job. */
	__u32 preemptions;
};

/**
 * struct drm_kestrel_perf_jobs - argument of DRM_IOCTL_KESTREL_PERF_JOBS
 *
 * A queue made with DRM_KESTREL_QUEUE_PERF keeps a record of each of its last 64
 * jobs that an engine ended, numbered from 0. The call copies those from record
 * @cursor on that fit into @jobs, sets @jobs.count to the number copied and @cursor
 * to the record after the last one. Records that were overwritten before they were
 * read are counted in @lost and skipped. Jobs that were lost in a reset have none.
 *
 * Errors: EINVAL (flags, pad, cursor beyond the newest record, stride shorter than
 * the record of version 1.0), ENOENT, EPERM (a queue without that flag), EFAULT,
 * ENOMEM.
 */
struct drm_kestrel_perf_jobs {
	/** @queue_id: the queue. */
	__u32 queue_id;
	/** @flags: must be 0. */
	__u32 flags;
	/** @jobs: where to write a list of &struct drm_kestrel_perf_job. */
	struct drm_kestrel_array jobs;
	/** @cursor: in: first record wanted; out: next one to ask for. */
	__u64 cursor;
	/** @lost: out: records between @cursor and the first one copied. */
	__u32 lost;
	/** @pad: must be 0. */
	__u32 pad;
};

/** DRM_KESTREL_PERF_COUNTERS: room for counters of the device. */
#define DRM_KESTREL_PERF_COUNTERS	16

/**
 * struct drm_kestrel_perf_device - argument of DRM_IOCTL_KESTREL_PERF_DEVICE
 *
 * The counters of the whole device, of all clients, since the driver was bound: over
 * resets and times without power. What was counted between the last look and a
 * device that dies is missing. The call wakes nothing up.
 *
 * Errors: EINVAL (flags), EACCES (without CAP_PERFMON), ENODEV.
 */
struct drm_kestrel_perf_device {
	/** @flags: must be 0. */
	__u32 flags;
	/** @clock_khz: out: the clock; 0 while the NPU is off. */
	__u32 clock_khz;
	/** @time_ns: out: CLOCK_MONOTONIC of the look. */
	__u64 time_ns;
	/**
	 * @counters: out: numbered by KESTREL_COUNTER_* of uapi/kestrel/regs.h; others 0.
	 * The last member: a later version makes room for more at its end.
	 */
	__u64 counters[DRM_KESTREL_PERF_COUNTERS];
};

/**
 * DRM_IOCTL_KESTREL() - ioctl request number
 * @__access: R, W or WR: whether the argument is copied out, in, or both ways
 * @__id: command number without DRM_KESTREL_
 * @__type: argument's structure without drm_kestrel_
 */
#define DRM_IOCTL_KESTREL(__access, __id, __type) \
	DRM_IO ## __access(DRM_COMMAND_BASE + DRM_KESTREL_ ## __id, \
			   struct drm_kestrel_ ## __type)

#define DRM_IOCTL_KESTREL_QUERY		DRM_IOCTL_KESTREL(WR, QUERY, query)
#define DRM_IOCTL_KESTREL_VM_CREATE	DRM_IOCTL_KESTREL(WR, VM_CREATE, vm_create)
#define DRM_IOCTL_KESTREL_VM_DESTROY	DRM_IOCTL_KESTREL(WR, VM_DESTROY, vm_destroy)
#define DRM_IOCTL_KESTREL_VM_BIND	DRM_IOCTL_KESTREL(WR, VM_BIND, vm_bind)
#define DRM_IOCTL_KESTREL_BO_CREATE	DRM_IOCTL_KESTREL(WR, BO_CREATE, bo_create)
#define DRM_IOCTL_KESTREL_BO_USERPTR	DRM_IOCTL_KESTREL(WR, BO_USERPTR, bo_userptr)
#define DRM_IOCTL_KESTREL_BO_INFO	DRM_IOCTL_KESTREL(WR, BO_INFO, bo_info)
#define DRM_IOCTL_KESTREL_BO_PREP	DRM_IOCTL_KESTREL(WR, BO_PREP, bo_prep)
#define DRM_IOCTL_KESTREL_BO_FINI	DRM_IOCTL_KESTREL(WR, BO_FINI, bo_fini)
#define DRM_IOCTL_KESTREL_QUEUE_CREATE	DRM_IOCTL_KESTREL(WR, QUEUE_CREATE, queue_create)
#define DRM_IOCTL_KESTREL_QUEUE_DESTROY	DRM_IOCTL_KESTREL(WR, QUEUE_DESTROY, queue_destroy)
#define DRM_IOCTL_KESTREL_SUBMIT	DRM_IOCTL_KESTREL(WR, SUBMIT, submit)
#define DRM_IOCTL_KESTREL_QUEUE_STATE	DRM_IOCTL_KESTREL(WR, QUEUE_STATE, queue_state)
#define DRM_IOCTL_KESTREL_FAULT_READ	DRM_IOCTL_KESTREL(WR, FAULT_READ, fault_read)
#define DRM_IOCTL_KESTREL_PERF_JOBS	DRM_IOCTL_KESTREL(WR, PERF_JOBS, perf_jobs)
#define DRM_IOCTL_KESTREL_PERF_DEVICE	DRM_IOCTL_KESTREL(WR, PERF_DEVICE, perf_device)

/* The layout is the same for every compiler and word size. */
#define DRM_KESTREL_ASSERT_SIZE(type, size) \
	static_assert(sizeof(struct type) == (size), "size of " #type)

DRM_KESTREL_ASSERT_SIZE(drm_kestrel_array, 16);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_query, 16);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_query_hardware, 64);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_query_firmware, 64);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_query_limits, 56);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_query_resets, 16);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_vm_create, 24);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_vm_destroy, 8);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_bind_op, 40);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_vm_bind, 32);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_bo_create, 24);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_bo_userptr, 32);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_bo_info, 24);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_bo_prep, 32);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_bo_fini, 24);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_queue_create, 32);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_queue_destroy, 8);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_sync, 16);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_base, 16);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_job, 56);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_submit, 40);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_queue_state, 40);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_fault, 56);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_fault_read, 40);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_perf_job, 112);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_perf_jobs, 40);
DRM_KESTREL_ASSERT_SIZE(drm_kestrel_perf_device, 144);

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_KESTREL_ACCEL_H_ */
