/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_SENSORS_H_
#define _KESTREL_SENSORS_H_

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct kestrel_device;
struct thermal_zone_device;

/**
 * struct kestrel_sensors - temperature, power and energy
 */
struct kestrel_sensors {
	/** @lock: guards @energy_uj and @energy_seen, and the register's two halves. */
	spinlock_t lock;
	/** @energy_uj: used since probe until the register was read last. */
	u64 energy_uj;
	/** @energy_seen: what the register, which starts anew with the device, then said. */
	u64 energy_seen;
	/**
	 * @limit: temperature at which the device interrupts, in millidegrees; 0: as
	 * after reset. Guarded by &kestrel_mmu.lock.
	 */
	int limit;
	/** @zone: thermal zone, or NULL where there is none. */
	struct thermal_zone_device *zone;
	/** @zone_works: @work may be queued. Guarded by &kestrel_mmu.lock. */
	bool zone_works;
	/** @work: tells @zone that the device is too hot. */
	struct work_struct work;
};

void kestrel_sensors_init(struct kestrel_device *kdev);
void kestrel_sensors_start(struct kestrel_device *kdev);
void kestrel_sensors_stop(struct kestrel_device *kdev);
void kestrel_sensors_save(struct kestrel_device *kdev);
void kestrel_sensors_restore(struct kestrel_device *kdev);
void kestrel_sensors_hot(struct kestrel_device *kdev);

#endif /* _KESTREL_SENSORS_H_ */
