/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_DEVFREQ_H_
#define _KESTREL_DEVFREQ_H_

#include <linux/devfreq.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>

/* How often the governor looks at the load. */
#define KESTREL_DEVFREQ_POLL_MS	50

struct kestrel_device;

/**
 * struct kestrel_devfreq - who decides about the clock
 */
struct kestrel_devfreq {
	/** @devfreq: device of the framework, or NULL where there is none. */
	struct devfreq *devfreq;
	/** @profile: what it has been told. */
	struct devfreq_dev_profile profile;
	/** @ondemand: thresholds of simple_ondemand. */
	struct devfreq_simple_ondemand_data ondemand;
	/** @sleep_notifier: called before processes freeze, and when they are back. */
	struct notifier_block sleep_notifier;
	/** @suspend_lock: mutex: one at a time stops the looks at the load, or goes on. */
	struct mutex suspend_lock;
	/** @asleep: processes are frozen, or about to be. Of @sleep_notifier alone. */
	bool asleep;
	/** @supplies: what the operating points scale with the clock; 0: nothing. */
	int supplies;
	/** @target_lock: mutex: guards the members down to @target. */
	struct mutex target_lock;
	/** @off: the supply is off: there is no clock to set. Guarded by @target_lock. */
	bool off;
	/** @target: clock to be set when it is on again, in Hz. Guarded by @target_lock. */
	unsigned long target;
	/** @lock: guards the members below. */
	spinlock_t lock;
	/** @jobs: jobs that the firmware has. */
	u32 jobs;
	/** @since: until when @busy and @idle are accounted. */
	ktime_t since;
	/** @busy: time with jobs since the governor last asked. */
	ktime_t busy;
	/** @idle: time without. */
	ktime_t idle;
};

int kestrel_devfreq_init(struct kestrel_device *kdev);
void kestrel_devfreq_start(struct kestrel_device *kdev);
void kestrel_devfreq_stop(struct kestrel_device *kdev);
void kestrel_devfreq_suspend(struct kestrel_device *kdev);
void kestrel_devfreq_resume(struct kestrel_device *kdev);
void kestrel_devfreq_supply_off(struct kestrel_device *kdev);
int kestrel_devfreq_supply_on(struct kestrel_device *kdev);
void kestrel_devfreq_job_started(struct kestrel_device *kdev);
void kestrel_devfreq_job_ended(struct kestrel_device *kdev);

#endif /* _KESTREL_DEVFREQ_H_ */
