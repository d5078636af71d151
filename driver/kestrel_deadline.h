/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_DEADLINE_H_
#define _KESTREL_DEADLINE_H_

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/pm_qos.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct kestrel_device;
struct kestrel_queue;

/**
 * struct kestrel_deadline_entry - the deadline of one fence
 */
struct kestrel_deadline_entry {
	/** @queue: of the job, which keeps it until the fence has signalled; constant. */
	struct kestrel_queue *queue;
	/** @seqno: of the job; constant. */
	u64 seqno;
	/** @node: in &kestrel_deadline.entries, or clear. Guarded by &kestrel_deadline.lock. */
	struct rb_node node;
	/** @link: in &kestrel_deadline.near, or empty. Guarded by &kestrel_deadline.lock. */
	struct list_head link;
	/** @time: when it is needed. Guarded by &kestrel_deadline.lock. */
	ktime_t time;
};

/**
 * struct kestrel_deadline - deadlines of jobs that have not ended
 */
struct kestrel_deadline {
	/** @lock: spinlock (irq): guards the members down to @release. */
	spinlock_t lock;
	/** @entries: deadlines that are not near, the next one first. Guarded by @lock. */
	struct rb_root_cached entries;
	/** @near: those that are, of which the firmware was told. Guarded by @lock. */
	struct list_head near;
	/** @started: @work may run. Guarded by @lock. */
	bool started;
	/** @raised: the clock is held up. Guarded by @lock. */
	bool raised;
	/** @release: when it may go down, once @near is empty. Guarded by @lock. */
	ktime_t release;
	/** @work: tells the firmware, raises the clock and lets go of it. */
	struct delayed_work work;
	/** @clock: there is a clock to raise; constant while @work may run. */
	bool clock;
	/** @request: lowest clock that devfreq may choose; belongs to @work. */
	struct dev_pm_qos_request request;
};

void kestrel_deadline_init(struct kestrel_device *kdev);
void kestrel_deadline_start(struct kestrel_device *kdev);
void kestrel_deadline_stop(struct kestrel_device *kdev);
void kestrel_deadline_entry_init(struct kestrel_deadline_entry *entry,
				 struct kestrel_queue *queue, u64 seqno);
void kestrel_deadline_set(struct kestrel_deadline *deadline, struct kestrel_deadline_entry *entry,
			  ktime_t time);
void kestrel_deadline_forget(struct kestrel_deadline *deadline,
			     struct kestrel_deadline_entry *entry);

#endif /* _KESTREL_DEADLINE_H_ */
