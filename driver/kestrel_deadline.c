// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: deadlines
 *
 * Whoever waits for a fence may say by when it is needed: SYNC_IOC_SET_DEADLINE, a
 * syncobj wait with a deadline, or another driver. From one look of the governor at
 * the load before that time until the job has ended, the clock is the highest that
 * the user's and the thermal limits leave: a request to PM QoS, which every governor
 * obeys. It is a hint: nothing fails because of it.
 *
 * A job that still waits for others counts as well, for they may be jobs of ours.
 */

#include <drm/drm_print.h>

#include "kestrel_deadline.h"
#include "kestrel_device.h"

/* Before that the governor sees to it by itself: it looks that often. */
#define KESTREL_DEADLINE_LEAD_MS	KESTREL_DEVFREQ_POLL_MS
/* Between jobs that all have one, the clock would go down and up for each. */
#define KESTREL_DEADLINE_RELEASE_MS	KESTREL_DEVFREQ_POLL_MS
/* Timers are looked after at least that often; what is farther away waits again. */
#define KESTREL_DEADLINE_WAIT_MAX_MS	(60 * MSEC_PER_SEC)

static struct kestrel_deadline_entry *kestrel_deadline_entry(struct rb_node *node)
{
	return rb_entry(node, struct kestrel_deadline_entry, node);
}

static bool kestrel_deadline_before(struct rb_node *a, const struct rb_node *b)
{
	return ktime_before(kestrel_deadline_entry(a)->time,
			    rb_entry(b, struct kestrel_deadline_entry, node)->time);
}

/* How long the next deadline can wait, in ms; 0: it cannot, negative: there is none. */
static long kestrel_deadline_wait(struct kestrel_deadline *deadline)
{
	struct rb_node *first = rb_first_cached(&deadline->entries);
	s64 left_ms;

	lockdep_assert_held(&deadline->lock);

	if (!first)
		return -1;
	left_ms = ktime_ms_delta(kestrel_deadline_entry(first)->time, ktime_get());
	return clamp_t(s64, left_ms - KESTREL_DEADLINE_LEAD_MS, 0, KESTREL_DEADLINE_WAIT_MAX_MS);
}

static void kestrel_deadline_schedule(struct kestrel_deadline *deadline, long wait_ms)
{
	lockdep_assert_held(&deadline->lock);

	/* It does not run while the system sleeps: there is no clock to raise then. */
	if (deadline->started)
		mod_delayed_work(system_freezable_wq, &deadline->work, msecs_to_jiffies(wait_ms));
}

static void kestrel_deadline_work(struct work_struct *work)
{
	struct kestrel_device *kdev = container_of(to_delayed_work(work), struct kestrel_device,
						   deadline.work);
	struct kestrel_deadline *deadline = &kdev->deadline;
	bool raised;
	long wait_ms;

	spin_lock_irq(&deadline->lock);
	wait_ms = kestrel_deadline_wait(deadline);
	raised = !wait_ms;
	deadline->raised = raised;
	if (wait_ms > 0)
		kestrel_deadline_schedule(deadline, wait_ms);
	spin_unlock_irq(&deadline->lock);

	dev_pm_qos_update_request(&deadline->request,
				  raised ? kdev->hardware.clock_max_khz :
					   PM_QOS_MIN_FREQUENCY_DEFAULT_VALUE);
}

/**
 * kestrel_deadline_set - a job that has not ended has a deadline
 * @deadline: of the device
 * @entry: of the job's fence, under whose lock this is called
 * @time: monotonic time, by which it is needed
 *
 * Of several the earliest counts. May be called anywhere, and allocates nothing.
 */
void kestrel_deadline_set(struct kestrel_deadline *deadline, struct kestrel_deadline_entry *entry,
			  ktime_t time)
{
	ktime_t now = ktime_get();
	unsigned long flags;

	/* What is over stands for now. */
	if (ktime_before(time, now))
		time = now;

	spin_lock_irqsave(&deadline->lock, flags);
	if (RB_EMPTY_NODE(&entry->node) || ktime_before(time, entry->time)) {
		if (!RB_EMPTY_NODE(&entry->node))
			rb_erase_cached(&entry->node, &deadline->entries);
		entry->time = time;
		rb_add_cached(&entry->node, &deadline->entries, kestrel_deadline_before);
		/* While the clock is up, the work comes when it may go down. */
		if (!deadline->raised && rb_first_cached(&deadline->entries) == &entry->node)
			kestrel_deadline_schedule(deadline, kestrel_deadline_wait(deadline));
	}
	spin_unlock_irqrestore(&deadline->lock, flags);
}

/**
 * kestrel_deadline_forget - a job has ended
 * @deadline: of the device
 * @entry: of the job's fence, under whose lock this is called
 *
 * May be called anywhere.
 */
void kestrel_deadline_forget(struct kestrel_deadline *deadline,
			     struct kestrel_deadline_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&deadline->lock, flags);
	if (!RB_EMPTY_NODE(&entry->node)) {
		rb_erase_cached(&entry->node, &deadline->entries);
		RB_CLEAR_NODE(&entry->node);
		if (deadline->raised && kestrel_deadline_wait(deadline))
			kestrel_deadline_schedule(deadline, KESTREL_DEADLINE_RELEASE_MS);
	}
	spin_unlock_irqrestore(&deadline->lock, flags);
}

/**
 * kestrel_deadline_init - prepare; comes before the first job
 * @kdev: device
 */
void kestrel_deadline_init(struct kestrel_device *kdev)
{
	struct kestrel_deadline *deadline = &kdev->deadline;

	spin_lock_init(&deadline->lock);
	deadline->entries = RB_ROOT_CACHED;
	INIT_DELAYED_WORK(&deadline->work, kestrel_deadline_work);
}

/**
 * kestrel_deadline_start - let deadlines raise the clock
 * @kdev: device, after kestrel_devfreq_start()
 */
void kestrel_deadline_start(struct kestrel_device *kdev)
{
	struct kestrel_deadline *deadline = &kdev->deadline;

	if (!kdev->devfreq.devfreq)
		return;
	if (dev_pm_qos_add_request(kdev->drm.dev, &deadline->request, DEV_PM_QOS_MIN_FREQUENCY,
				   PM_QOS_MIN_FREQUENCY_DEFAULT_VALUE) < 0) {
		drm_info(&kdev->drm, "deadlines of fences do not raise the clock\n");
		return;
	}
	spin_lock_irq(&deadline->lock);
	deadline->started = true;
	spin_unlock_irq(&deadline->lock);
}

/**
 * kestrel_deadline_stop - undo kestrel_deadline_start(), before kestrel_devfreq_stop()
 * @kdev: device
 */
void kestrel_deadline_stop(struct kestrel_device *kdev)
{
	struct kestrel_deadline *deadline = &kdev->deadline;
	bool started;

	spin_lock_irq(&deadline->lock);
	started = deadline->started;
	deadline->started = false;
	spin_unlock_irq(&deadline->lock);
	if (!started)
		return;
	cancel_delayed_work_sync(&deadline->work);
	dev_pm_qos_remove_request(&deadline->request);
}
