/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_RESET_H_
#define _KESTREL_RESET_H_

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include <kestrel/firmware.h>

struct kestrel_device;
struct kestrel_queue;

/**
 * enum kestrel_reset_level - how much of the device starts anew
 */
enum kestrel_reset_level {
	/** @KESTREL_RESET_NONE: nothing. */
	KESTREL_RESET_NONE,
	/** @KESTREL_RESET_MCU: management core and engines; the MMU goes on. */
	KESTREL_RESET_MCU,
	/** @KESTREL_RESET_FULL: everything. */
	KESTREL_RESET_FULL,
	/** @KESTREL_RESET_GIVE_UP: nothing; as if it had not come back. For tests. */
	KESTREL_RESET_GIVE_UP,
};

/**
 * struct kestrel_reset - watchdog of the firmware, and resets
 */
struct kestrel_reset {
	/** @wq: ordered; runs @work and @watchdog, so never both at a time. */
	struct workqueue_struct *wq;
	/** @work: does the reset. */
	struct work_struct work;
	/** @watchdog: looks after the firmware while jobs are with it. */
	struct delayed_work watchdog;
	/** @lock: guards @level and @stopped. */
	spinlock_t lock;
	/** @level: what is asked for. Guarded by @lock. */
	enum kestrel_reset_level level;
	/** @stopped: no more resets: the device is being removed. Guarded by @lock. */
	bool stopped;
	/** @outstanding: jobs that the firmware has. */
	atomic_t outstanding;
	/** @heartbeat: last one seen; watchdog only. */
	u32 heartbeat;
	/** @heartbeat_time: when it changed, or work began, in jiffies; atomic. */
	unsigned long heartbeat_time;
	/** @kill_count: queues that were killed so far. */
	atomic_t kill_count;
	/** @mcu_count: fast resets so far. */
	atomic_t mcu_count;
	/** @full_count: resets of the whole device so far. */
	atomic_t full_count;
	/** @paused: queues whose schedulers stand still, with references; @work only. */
	struct kestrel_queue *paused[KESTREL_FW_QUEUES_MAX];
	/** @wedged: the device is given up; set once, read without a lock. */
	bool wedged;
	/**
	 * @uncontained: the device may access memory that it is to leave: it was to
	 * stop, or to forget translations. Set before &kestrel_power.on is cleared,
	 * until a reset works; read without a lock.
	 */
	bool uncontained;
	/** @kept_bytes: memory that is never freed for that reason. */
	atomic64_t kept_bytes;
};

int kestrel_reset_init(struct kestrel_device *kdev);
void kestrel_reset_stop(struct kestrel_device *kdev);
void kestrel_reset_schedule(struct kestrel_device *kdev, enum kestrel_reset_level level);
void kestrel_reset_wait(struct kestrel_device *kdev);
void kestrel_reset_run(struct kestrel_device *kdev, enum kestrel_reset_level level);
void kestrel_reset_doubt(struct kestrel_device *kdev);
void kestrel_reset_halt(struct kestrel_device *kdev);
void kestrel_reset_halted(struct kestrel_device *kdev);
bool kestrel_reset_uncontained(struct kestrel_device *kdev);
bool kestrel_reset_keeps(struct kestrel_device *kdev, size_t size);
void kestrel_reset_give_up(struct kestrel_device *kdev);
void kestrel_reset_watchdog_restart(struct kestrel_device *kdev);
void kestrel_reset_job_started(struct kestrel_device *kdev);
void kestrel_reset_job_ended(struct kestrel_device *kdev);
bool kestrel_reset_wedged(struct kestrel_device *kdev);

extern const struct attribute_group kestrel_reset_group;

#endif /* _KESTREL_RESET_H_ */
