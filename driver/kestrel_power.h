/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_POWER_H_
#define _KESTREL_POWER_H_

#include <linux/mutex.h>
#include <linux/pm.h>
#include <linux/sysfs.h>
#include <linux/types.h>

struct kestrel_device;
struct regulator;
struct reset_control;

/**
 * struct kestrel_power - whether the NPU is on
 *
 * Whoever needs the hardware holds a runtime PM reference: a job from its
 * submission to its end, a request to the firmware while it lasts.
 */
struct kestrel_power {
	/** @supply: supply of the NPU, or NULL; constant. */
	struct regulator *supply;
	/** @reset: reset line of the NPU, or NULL; constant. */
	struct reset_control *reset;
	/** @supplied: the device has supply and clock. Changes with its runtime PM status. */
	bool supplied;
	/**
	 * @lock: held for a reset, for going to sleep or waking up, and while the
	 * firmware is told of a new queue.
	 */
	struct mutex lock;
	/**
	 * @on: the device works: it is switched on, and not given up. Its registers are
	 * touched where this is known only. Written with &kestrel_firmware.request_lock
	 * and &kestrel_mmu.lock held, read with either.
	 */
	bool on;
	/** @asleep: the system sleeps. Guarded by @lock. */
	bool asleep;
	/** @wakes_on: the device was on when the system went to sleep. Guarded by @lock. */
	bool wakes_on;
	/** @wake_count: times it was switched on since probe; atomic. */
	u32 wake_count;
	/** @wake_time_us: how long that took the last time; atomic. */
	u32 wake_time_us;
};

extern const struct dev_pm_ops kestrel_power_ops;
extern const struct attribute_group kestrel_power_group;

int kestrel_power_supply(struct kestrel_device *kdev);
int kestrel_power_init(struct kestrel_device *kdev);
void kestrel_power_started(struct kestrel_device *kdev);
void kestrel_power_stop(struct kestrel_device *kdev);
void kestrel_power_stopped(struct kestrel_device *kdev);
int kestrel_power_get(struct kestrel_device *kdev);
void kestrel_power_get_again(struct kestrel_device *kdev);
void kestrel_power_put(struct kestrel_device *kdev);

bool kestrel_power_cut(struct kestrel_device *kdev);

#endif /* _KESTREL_POWER_H_ */
