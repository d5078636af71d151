// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: deadlines
 *
 * Whoever waits for a fence may say by when it is needed: SYNC_IOC_SET_DEADLINE, a
 * syncobj wait with a deadline, or another driver. One look of the governor at the
 * load before that time the deadline is near, and does two things until the job has
 * ended:
 *
 * - The clock is the highest that the user's and the thermal limits leave: a request
 *   to PM QoS, which every governor obeys.
 * - The job's queue has its turns ahead of others of the same priority, once in a
 *   round: the firmware sees to it that nobody gains more than the order.
 *
 * It is a hint: nothing fails because of it. A job that still waits for others counts
 * as well, for they may be jobs of ours.
 */

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "kestrel_deadline.h"
#include "kestrel_device.h"
#include "kestrel_queue.h"

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

/* How long @time can wait, in ms; 0: it cannot. */
static long kestrel_deadline_left(ktime_t time, long lead_ms)
{
	return clamp_t(s64, ktime_ms_delta(time, ktime_get()) - lead_ms, 0,
		       KESTREL_DEADLINE_WAIT_MAX_MS);
}

/* How long until the next deadline is near, in ms; negative: there is none. */
static long kestrel_deadline_wait(struct kestrel_deadline *deadline)
{
	struct rb_node *first = rb_first_cached(&deadline->entries);

	lockdep_assert_held(&deadline->lock);

	return first ? kestrel_deadline_left(kestrel_deadline_entry(first)->time,
					     KESTREL_DEADLINE_LEAD_MS) : -1;
}

/* The work comes when there is something to do next. */
static void kestrel_deadline_schedule(struct kestrel_deadline *deadline)
{
	long wait_ms = kestrel_deadline_wait(deadline);

	if (deadline->raised && list_empty(&deadline->near)) {
		/* A jiffy more, so that it is not too early. */
		long release_ms = kestrel_deadline_left(deadline->release, -1);

		wait_ms = wait_ms < 0 ? release_ms : min(wait_ms, release_ms);
	}
	/* It does not run while the system sleeps: there is nothing to hurry then. */
	if (wait_ms >= 0 && deadline->started)
		mod_delayed_work(system_freezable_wq, &deadline->work, msecs_to_jiffies(wait_ms));
}

/* Takes the next deadline that has come near; returns its queue with a reference, or NULL. */
static struct kestrel_queue *kestrel_deadline_take(struct kestrel_deadline *deadline, u64 *seqno)
{
	struct kestrel_deadline_entry *entry;

	lockdep_assert_held(&deadline->lock);

	if (kestrel_deadline_wait(deadline))
		return NULL;
	entry = kestrel_deadline_entry(rb_first_cached(&deadline->entries));
	rb_erase_cached(&entry->node, &deadline->entries);
	RB_CLEAR_NODE(&entry->node);
	list_add_tail(&entry->link, &deadline->near);
	*seqno = entry->seqno;
	/* The job has a reference, and its fence has not signalled. */
	kref_get(&entry->queue->refcount);
	return entry->queue;
}

/* Tells the firmware that a job, which may have ended meanwhile, is needed soon. */
static void kestrel_deadline_tell(struct kestrel_queue *queue, u64 seqno)
{
	struct kestrel_device *kdev = queue->kdev;
	struct kestrel_fw_ring *ring;
	int idx;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return;
	/* Neither a reset nor a change of power comes in between. */
	mutex_lock(&kdev->firmware.request_lock);
	spin_lock(&queue->lock);
	/* A queue that is not dead has its ring. */
	if (queue->status == DRM_KESTREL_QUEUE_OK && seqno > queue->hurry_seqno) {
		queue->hurry_seqno = seqno;
		ring = queue->ring.cpu;
		WRITE_ONCE(ring->hurry_seqno, lower_32_bits(seqno));
		/* Where the firmware has no job the next one rings. */
		if (kdev->power.on && !list_empty(&queue->running)) {
			dma_wmb();
			kestrel_write(kdev, KESTREL_REG_DOORBELL, queue->slot);
		}
	}
	spin_unlock(&queue->lock);
	mutex_unlock(&kdev->firmware.request_lock);
	drm_dev_exit(idx);
}

static void kestrel_deadline_work(struct work_struct *work)
{
	struct kestrel_device *kdev = container_of(to_delayed_work(work), struct kestrel_device,
						   deadline.work);
	struct kestrel_deadline *deadline = &kdev->deadline;
	struct kestrel_queue *queue;
	bool raised;
	u64 seqno;

	spin_lock_irq(&deadline->lock);
	while ((queue = kestrel_deadline_take(deadline, &seqno))) {
		spin_unlock_irq(&deadline->lock);
		kestrel_deadline_tell(queue, seqno);
		kestrel_queue_put(queue);
		cond_resched();
		spin_lock_irq(&deadline->lock);
	}
	raised = !list_empty(&deadline->near) ||
		 (deadline->raised && ktime_before(ktime_get(), deadline->release));
	deadline->raised = raised;
	kestrel_deadline_schedule(deadline);
	spin_unlock_irq(&deadline->lock);

	if (deadline->clock)
		dev_pm_qos_update_request(&deadline->request,
					  raised ? kdev->hardware.clock_max_khz :
						   PM_QOS_MIN_FREQUENCY_DEFAULT_VALUE);
}

/**
 * kestrel_deadline_entry_init - a job without a deadline
 * @entry: of the job's fence
 * @queue: of the job, which keeps it until kestrel_deadline_forget()
 * @seqno: sequence number of the job
 */
void kestrel_deadline_entry_init(struct kestrel_deadline_entry *entry,
				 struct kestrel_queue *queue, u64 seqno)
{
	entry->queue = queue;
	entry->seqno = seqno;
	RB_CLEAR_NODE(&entry->node);
	INIT_LIST_HEAD(&entry->link);
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
	/* One that is near is as urgent as it can be. */
	if (list_empty(&entry->link) &&
	    (RB_EMPTY_NODE(&entry->node) || ktime_before(time, entry->time))) {
		if (!RB_EMPTY_NODE(&entry->node))
			rb_erase_cached(&entry->node, &deadline->entries);
		entry->time = time;
		rb_add_cached(&entry->node, &deadline->entries, kestrel_deadline_before);
		if (rb_first_cached(&deadline->entries) == &entry->node)
			kestrel_deadline_schedule(deadline);
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
	} else if (!list_empty(&entry->link)) {
		list_del_init(&entry->link);
		if (list_empty(&deadline->near)) {
			deadline->release = ktime_add_ms(ktime_get(), KESTREL_DEADLINE_RELEASE_MS);
			kestrel_deadline_schedule(deadline);
		}
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
	INIT_LIST_HEAD(&deadline->near);
	INIT_DELAYED_WORK(&deadline->work, kestrel_deadline_work);
}

/**
 * kestrel_deadline_start - let deadlines raise the clock and change the order
 * @kdev: device, after kestrel_devfreq_start()
 */
void kestrel_deadline_start(struct kestrel_device *kdev)
{
	struct kestrel_deadline *deadline = &kdev->deadline;

	if (kdev->devfreq.devfreq) {
		deadline->clock = dev_pm_qos_add_request(kdev->drm.dev, &deadline->request,
							 DEV_PM_QOS_MIN_FREQUENCY,
							 PM_QOS_MIN_FREQUENCY_DEFAULT_VALUE) >= 0;
		if (!deadline->clock)
			drm_info(&kdev->drm, "deadlines of fences do not raise the clock\n");
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

	spin_lock_irq(&deadline->lock);
	deadline->started = false;
	spin_unlock_irq(&deadline->lock);
	cancel_delayed_work_sync(&deadline->work);
	if (deadline->clock)
		dev_pm_qos_remove_request(&deadline->request);
	deadline->clock = false;
}
