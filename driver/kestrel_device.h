/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_DEVICE_H_
#define _KESTREL_DEVICE_H_

#include <linux/completion.h>
#include <linux/io.h>
#include <linux/workqueue.h>

#include <drm/drm_device.h>

#include <kestrel/regs.h>

#include "kestrel_clock.h"
#include "kestrel_coredump.h"
#include "kestrel_deadline.h"
#include "kestrel_devfreq.h"
#include "kestrel_firmware.h"
#include "kestrel_mmu.h"
#include "kestrel_perf.h"
#include "kestrel_power.h"
#include "kestrel_reset.h"
#include "kestrel_sensors.h"

/*
 * DOC: locks
 *
 * From the outermost to the innermost:
 *
 *	kestrel_file.lock		mutex: VMs and queues of a file come and go
 *	kestrel_queue.submit_lock	mutex: order of submissions
 *	kestrel_queue.memory_lock	mutex: end of a queue's memory
 *	kestrel_device.usage_lock	mutex: what is looked at for fdinfo
 *	kestrel_vm.lock			mutex: mappings and page table of a VM
 *	kestrel_firmware.table_lock	mutex: page table of address space 0
 *	kestrel_device.bo_lock		mutex: list of BOs
 *	dma_resv of a BO		while its pages are pinned or let go
 *	kestrel_power.lock		mutex: one reset, system sleep or new queue at a time
 *	kestrel_devfreq.suspend_lock	mutex: devfreq stops looking, or goes on
 *	lock of devfreq
 *	kestrel_devfreq.target_lock	mutex: clock of a device that is off
 *	locks of operating points, clock framework
 *	kestrel_firmware.request_lock	mutex: one request, or a reset, at a time
 *	kestrel_firmware.event_lock	mutex: event and log ring
 *	kestrel_pagetable.lock		mutex: tables, entries and mappings of a VM
 *	kestrel_mmu.lock		mutex: address space table, invalidation, faults
 *	kestrel_perf.lock		mutex: counters
 *	kestrel_device.slot_lock	spinlock: index to queue, ASID to VM
 *	kestrel_queue.lock		spinlock: jobs with the firmware, state
 *	kestrel_vm.fault_lock		spinlock: fault records
 *	kestrel_devfreq.lock		spinlock: load
 *	kestrel_device.user_lock	spinlock: users' shares
 *	kestrel_sensors.lock		spinlock: energy
 *	kestrel_reset.lock		spinlock: what reset is asked for
 *	kestrel_coredump.lock		spinlock: who makes a dump
 *	kestrel_fence.lock		spinlock (irq): end of a fence
 *	kestrel_deadline.lock		spinlock (irq): deadlines
 *
 * kestrel_pagetable.lock and kestrel_mmu.lock are taken by MMU notifiers of
 * processes, with their mmap_lock held, and so from memory reclaim: nothing is
 * allocated under them either.
 *
 * Fences are signalled from the interrupt thread, from the watchdog, from the
 * reset work and from run_job. These take request_lock and what is below it,
 * so nothing may be allocated under request_lock or below.
 */

struct kestrel_queue;
struct kestrel_vm;
struct vfsmount;

/**
 * struct kestrel_hardware - what the identity page says; constant
 */
struct kestrel_hardware {
	/** @architecture: KESTREL_REG_ARCHITECTURE. */
	u32 architecture;
	/** @isa: KESTREL_REG_ISA. */
	u32 isa;
	/** @engine_count: engines. */
	u32 engine_count;
	/** @macs_per_cycle: multiply-accumulates of an engine. */
	u32 macs_per_cycle;
	/** @sram_bytes: SRAM of an engine. */
	u32 sram_bytes;
	/** @sram_banks: its banks. */
	u32 sram_banks;
	/** @asid_count: address spaces, with the firmware's. */
	u32 asid_count;
	/** @va_bits: bits of a virtual address. */
	u32 va_bits;
	/** @pa_bits: bits of a bus address. */
	u32 pa_bits;
	/** @queue_count: doorbells. */
	u32 queue_count;
	/** @clock_min_khz: lowest clock. */
	u32 clock_min_khz;
	/** @clock_max_khz: highest clock. */
	u32 clock_max_khz;
	/** @tcm_bytes: memory of the management core. */
	u32 tcm_bytes;
	/** @features: KESTREL_FEATURE_*. */
	u32 features;
	/** @coherent: the device snoops the CPU's caches. */
	bool coherent;
};

/**
 * struct kestrel_device - one NPU
 */
struct kestrel_device {
	/** @drm: DRM device. */
	struct drm_device drm;
	/** @registers: host register block; inside drm_dev_enter() only. */
	void __iomem *registers;
	/** @irq: interrupt number. */
	int irq;
	/**
	 * @irq_held: the interrupt is off because the device did not answer it.
	 * Written by the interrupt's thread, and where that cannot run.
	 */
	bool irq_held;
	/** @hardware: capabilities; constant after probe. */
	struct kestrel_hardware hardware;
	/** @mmu: address spaces. */
	struct kestrel_mmu mmu;
	/** @firmware: management core. */
	struct kestrel_firmware firmware;
	/** @power: on, off, asleep. */
	struct kestrel_power power;
	/** @clock: what it runs on. */
	struct kestrel_clock clock;
	/** @devfreq: who decides about the clock. */
	struct kestrel_devfreq devfreq;
	/** @deadline: what jobs are needed soon. */
	struct kestrel_deadline deadline;
	/** @perf: counters. */
	struct kestrel_perf perf;
	/** @sensors: temperature, power, energy. */
	struct kestrel_sensors sensors;
	/** @reset: watchdog, resets. */
	struct kestrel_reset reset;
	/** @coredump: the dump that is being made. */
	struct kestrel_coredump coredump;
	/**
	 * @silent: done when the device, unplugged, has been stopped. Between
	 * the two nobody may touch it, but it may still touch memory: whoever
	 * is about to free some waits here.
	 */
	struct completion silent;
	/** @sched_wq: where the queues' DRM schedulers run. */
	struct workqueue_struct *sched_wq;
	/** @bo_lock: mutex: guards @bos. */
	struct mutex bo_lock;
	/** @usage_lock: mutex: guards @usage_round and those of VMs and BOs. */
	struct mutex usage_lock;
	/** @usage_round: number of the last look. Guarded by @usage_lock. */
	u64 usage_round;
	/** @bos: BOs that are mapped for DMA. Guarded by @bo_lock. */
	struct list_head bos;
	/**
	 * @huge_mount: tmpfs of huge pages, where DRM has none of its own; constant,
	 * may be NULL.
	 */
	struct vfsmount *huge_mount;
	/** @slot_lock: guards @queue_slots and @vm_slots. */
	spinlock_t slot_lock;
	/**
	 * @queue_slots: queue of each doorbell, without a reference: a queue
	 * leaves the table before it dies. Guarded by @slot_lock.
	 */
	struct kestrel_queue *queue_slots[KESTREL_FW_QUEUES_MAX];
	/**
	 * @vm_slots: VM of each ASID, without a reference, as @queue_slots.
	 * Guarded by @slot_lock.
	 */
	struct kestrel_vm *vm_slots[KESTREL_ASID_MAX];
	/** @user_lock: guards @users and what they are charged. */
	spinlock_t user_lock;
	/** @users: who has files open, or owns what is left of them. */
	struct list_head users;
};

static inline struct kestrel_device *to_kestrel_device(struct drm_device *drm)
{
	return container_of(drm, struct kestrel_device, drm);
}

static inline u32 kestrel_read(const struct kestrel_device *kdev, u32 offset)
{
	return readl(kdev->registers + offset);
}

static inline void kestrel_write(const struct kestrel_device *kdev, u32 offset, u32 value)
{
	writel(value, kdev->registers + offset);
}

/* A register pair: the low half first, which latches or arms the high one. */
static inline u64 kestrel_read64(const struct kestrel_device *kdev, u32 offset)
{
	u32 low = kestrel_read(kdev, offset);

	return low | (u64)kestrel_read(kdev, offset + 4) << 32;
}

static inline void kestrel_write64(const struct kestrel_device *kdev, u32 offset, u64 value)
{
	kestrel_write(kdev, offset, lower_32_bits(value));
	kestrel_write(kdev, offset + 4, upper_32_bits(value));
}

int kestrel_device_identify(struct kestrel_device *kdev);
int kestrel_device_reset(struct kestrel_device *kdev);
bool kestrel_device_gone(const struct kestrel_device *kdev);
int kestrel_device_irq_init(struct kestrel_device *kdev);
void kestrel_device_irq_enable(struct kestrel_device *kdev);
void kestrel_device_irq_disable(struct kestrel_device *kdev);
void kestrel_device_irq_recover(struct kestrel_device *kdev);

#endif /* _KESTREL_DEVICE_H_ */
