// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: recovery
 *
 * The firmware times jobs; the driver times only the firmware. Three things
 * show that the firmware is ill: the device says that the management core has
 * halted, a request is not answered in time, or the heartbeat stands still
 * while jobs are outstanding. So recovery goes up this ladder, one level at a time,
 * and counts what it does:
 *
 * 1. one queue is killed, by the firmware for what its job did, or because its
 *    owner destroys it at work;
 * 2. where the firmware is ill, fast reset of management core and engines, boot,
 *    make the queues anew;
 * 3. where that fails, reset of the whole device, then the same;
 * 4. where that fails, the device is wedged: every fence signals with EIO.
 *
 * Jobs that were with the firmware are lost (ECANCELED) and their queues die as
 * innocent: it was the firmware that failed. Queues without such jobs go on.
 */

#include <linux/device.h>
#include <linux/dma-fence.h>
#include <linux/moduleparam.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_pci.h"
#include "kestrel_queue.h"
#include "kestrel_trace.h"

#define KESTREL_WATCHDOG_PERIOD_MS	100

static unsigned int heartbeat_timeout_ms = 1000;
module_param(heartbeat_timeout_ms, uint, 0644);
MODULE_PARM_DESC(heartbeat_timeout_ms,
		 "Time in which working firmware has to show its heartbeat, in ms (default 1000)");

/**
 * kestrel_reset_doubt - note that the device may access memory that it is to leave
 * @kdev: device that does not do what it is told
 *
 * What is freed stays allocated from here on, until kestrel_reset_halt() or a reset
 * tells more: the one that is asked for now comes too late while the device is unbound.
 */
void kestrel_reset_doubt(struct kestrel_device *kdev)
{
	WRITE_ONCE(kdev->reset.uncontained, true);
}

/**
 * kestrel_reset_halt - stop a device before its memory is freed or it is switched off
 * @kdev: device that may be at work; the caller holds request_lock
 *
 * One that finishes its reset runs nothing until it is told to. Of any other what
 * it has is taken away, and where nothing is known to have stopped it the memory
 * that it had stays allocated: see kestrel_reset_keeps(). Its registers are not
 * touched after this, until kestrel_power_on() if it comes to that.
 */
void kestrel_reset_halt(struct kestrel_device *kdev)
{
	bool contained;

	if (!kdev->power.on)
		return;

	contained = !kestrel_device_reset(kdev);
	if (!contained) {
		kestrel_mmu_revoke(kdev);
		/*
		 * Before the cut: whoever waits for the MMU frees memory as soon as it
		 * finds the device off. What is kept meanwhile may be so in vain.
		 */
		kestrel_reset_doubt(kdev);
	}
	contained |= kestrel_power_cut(kdev);
	contained |= kestrel_pci_silence(kdev->drm.dev);
	if (contained)
		WRITE_ONCE(kdev->reset.uncontained, false);
	else
		drm_err(&kdev->drm,
			"it may access memory until its power is off: what it had stays allocated\n");
}

/**
 * kestrel_reset_halted - note that a reset has stopped the device
 * @kdev: device that has finished its reset
 *
 * What it has once been kept for stays allocated; what it gets from here on does not.
 */
void kestrel_reset_halted(struct kestrel_device *kdev)
{
	kestrel_pci_unsilence(kdev->drm.dev);
	WRITE_ONCE(kdev->reset.uncontained, false);
}

/**
 * kestrel_reset_uncontained - whether the device may access memory that it is to leave
 * @kdev: device
 *
 * Who has found it off, in kestrel_mmu_invalidate(), is told right after that.
 *
 * Return: true when it did not do as told, and nothing is known to have stopped it.
 */
bool kestrel_reset_uncontained(struct kestrel_device *kdev)
{
	return READ_ONCE(kdev->reset.uncontained);
}

/**
 * kestrel_reset_keeps - whether memory must not be freed
 * @kdev: device
 * @size: bytes that the device had and does not need any more
 *
 * Return: true when it could not be stopped and may access them still: the caller
 * leaves them allocated for good, and they are counted.
 */
bool kestrel_reset_keeps(struct kestrel_device *kdev, size_t size)
{
	if (!kestrel_reset_uncontained(kdev))
		return false;
	atomic64_add(size, &kdev->reset.kept_bytes);
	return true;
}

/**
 * kestrel_reset_give_up - wedge the device: all that it has and gets fails
 * @kdev: device that does not come back; the caller holds request_lock, and sends the
 *        event, kestrel_compat_wedged_event(), when it has let go of it
 */
void kestrel_reset_give_up(struct kestrel_device *kdev)
{
	drm_err(&kdev->drm, "the device does not come back: giving it up\n");
	trace_kestrel_reset(KESTREL_RESET_GIVE_UP);
	WRITE_ONCE(kdev->reset.wedged, true);
	/* It may still write: before the fences let memory go. */
	kestrel_reset_halt(kdev);
	kestrel_queues_lose(kdev, DRM_KESTREL_QUEUE_WEDGED, -EIO, true);
}

static int kestrel_reset_try(struct kestrel_device *kdev, enum kestrel_reset_level level)
{
	int ret;

	trace_kestrel_reset(level);
	kestrel_perf_update(kdev);
	if (level == KESTREL_RESET_FULL) {
		drm_warn(&kdev->drm, "resetting the device\n");
		atomic_inc(&kdev->reset.full_count);
		ret = kestrel_device_reset(kdev);
		if (!ret)
			kestrel_mmu_restore(kdev);
	} else {
		drm_warn(&kdev->drm, "resetting the management core\n");
		atomic_inc(&kdev->reset.mcu_count);
		ret = kestrel_firmware_stop(kdev);
	}
	if (ret)
		return ret;

	/*
	 * What the jobs were writing is stopped, so their fences may signal;
	 * and they must before their queues' rings start from zero.
	 */
	kestrel_queues_lose(kdev, DRM_KESTREL_QUEUE_INNOCENT, -ECANCELED, false);

	ret = kestrel_clock_restore(kdev);
	if (!ret)
		ret = kestrel_firmware_boot(kdev);
	if (!ret)
		ret = kestrel_clock_booted(kdev);
	return ret ?: kestrel_queues_restore(kdev);
}

static enum kestrel_reset_level kestrel_reset_take_level(struct kestrel_reset *reset)
{
	enum kestrel_reset_level level;

	spin_lock(&reset->lock);
	level = reset->level;
	reset->level = KESTREL_RESET_NONE;
	spin_unlock(&reset->lock);
	return level;
}

static void kestrel_reset_work(struct work_struct *work)
{
	struct kestrel_device *kdev = container_of(work, struct kestrel_device, reset.work);
	struct kestrel_reset *reset = &kdev->reset;
	enum kestrel_reset_level level;
	bool cookie;
	int idx, ret = 0;

	level = kestrel_reset_take_level(reset);
	if (level == KESTREL_RESET_NONE || reset->wedged || !drm_dev_enter(&kdev->drm, &idx))
		return;

	mutex_lock(&kdev->power.lock);
	/* It starts anew anyway when the system wakes up. */
	if (kdev->power.asleep)
		goto out_unlock;

	kestrel_queues_pause(kdev);

	cookie = dma_fence_begin_signalling();
	mutex_lock(&kdev->firmware.request_lock);
	/* Nor is there anything to reset in a device that is off. */
	if (!kdev->power.on)
		goto out_resume;

	kestrel_device_irq_disable(kdev);
	/* Jobs that ended before the firmware fell ill did end. */
	kestrel_firmware_events_process(kdev);
	/* Whoever found fault with the firmware since means this reset, too. */
	level = max(level, kestrel_reset_take_level(reset));

	kestrel_coredump_reset_begin(kdev);
	ret = level == KESTREL_RESET_GIVE_UP ? -EIO : kestrel_reset_try(kdev, level);
	if (ret && level < KESTREL_RESET_FULL) {
		level = KESTREL_RESET_FULL;
		ret = kestrel_reset_try(kdev, level);
	}
	/* The interrupt of a device that is given up stays off. */
	if (ret)
		kestrel_reset_give_up(kdev);
	else
		kestrel_device_irq_enable(kdev);
	kestrel_coredump_reset_end(kdev, ret ? KESTREL_COREDUMP_WEDGED :
				   level == KESTREL_RESET_FULL ? KESTREL_COREDUMP_DEVICE_RESET :
				   KESTREL_COREDUMP_MCU_RESET);

out_resume:
	mutex_unlock(&kdev->firmware.request_lock);
	dma_fence_end_signalling(cookie);

	/* It allocates, so not before the fences have signalled. */
	if (ret)
		kestrel_compat_wedged_event(&kdev->drm);
	WRITE_ONCE(reset->heartbeat_time, jiffies);
	kestrel_queues_resume(kdev);
out_unlock:
	mutex_unlock(&kdev->power.lock);
	drm_dev_exit(idx);
}

static void kestrel_reset_watchdog_arm(struct kestrel_device *kdev)
{
	queue_delayed_work(kdev->reset.wq, &kdev->reset.watchdog,
			   msecs_to_jiffies(KESTREL_WATCHDOG_PERIOD_MS));
}

static void kestrel_reset_watchdog(struct work_struct *work)
{
	struct kestrel_device *kdev =
		container_of(to_delayed_work(work), struct kestrel_device, reset.watchdog);
	struct kestrel_reset *reset = &kdev->reset;
	u32 heartbeat;
	bool cookie;
	int idx;

	if (!atomic_read(&reset->outstanding) || reset->wedged)
		return;
	if (!drm_dev_enter(&kdev->drm, &idx))
		return;

	cookie = dma_fence_begin_signalling();
	/* The last job may end, and the device be switched off, meanwhile. */
	mutex_lock(&kdev->firmware.request_lock);
	if (!kdev->power.on)
		goto out_unlock;

	/* An interrupt may have been lost: look without one, and for the next one. */
	kestrel_mmu_faults_process(kdev);
	kestrel_firmware_events_process(kdev);
	kestrel_device_irq_recover(kdev);

	heartbeat = kestrel_firmware_heartbeat(kdev);
	if (kestrel_firmware_halted(kdev)) {
		kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
	} else if (heartbeat != reset->heartbeat) {
		reset->heartbeat = heartbeat;
		WRITE_ONCE(reset->heartbeat_time, jiffies);
	} else if (time_after(jiffies, READ_ONCE(reset->heartbeat_time) +
				       msecs_to_jiffies(heartbeat_timeout_ms))) {
		drm_err(&kdev->drm, "the firmware's heartbeat has stopped\n");
		kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
	}

	kestrel_reset_watchdog_arm(kdev);
out_unlock:
	mutex_unlock(&kdev->firmware.request_lock);
	dma_fence_end_signalling(cookie);
	drm_dev_exit(idx);
}

/**
 * kestrel_reset_job_started - note that the firmware has got a job
 * @kdev: device
 *
 * Starts the watchdog. May be called where fences are signalled.
 */
void kestrel_reset_job_started(struct kestrel_device *kdev)
{
	/* The heartbeat stands still while the firmware is idle. */
	if (atomic_inc_return(&kdev->reset.outstanding) == 1)
		WRITE_ONCE(kdev->reset.heartbeat_time, jiffies);
	kestrel_reset_watchdog_arm(kdev);
	kestrel_devfreq_job_started(kdev);
}

/**
 * kestrel_reset_watchdog_restart - go on after the system slept
 * @kdev: device
 */
void kestrel_reset_watchdog_restart(struct kestrel_device *kdev)
{
	WRITE_ONCE(kdev->reset.heartbeat_time, jiffies);
	kestrel_reset_watchdog_arm(kdev);
}

/**
 * kestrel_reset_job_ended - note that a job that was started has ended
 * @kdev: device
 */
void kestrel_reset_job_ended(struct kestrel_device *kdev)
{
	atomic_dec(&kdev->reset.outstanding);
	kestrel_devfreq_job_ended(kdev);
}

/**
 * kestrel_reset_wedged - whether the device has been given up
 * @kdev: device
 *
 * Return: true when every call has to fail with EIO.
 */
bool kestrel_reset_wedged(struct kestrel_device *kdev)
{
	return READ_ONCE(kdev->reset.wedged);
}

/**
 * kestrel_reset_schedule - ask for a reset
 * @kdev: device
 * @level: at least this one
 *
 * May be called from anywhere but hard interrupts. Who has seen a request fail calls
 * it before letting go of request_lock: a reset that somebody else has asked for
 * may take the lock then, and be the one that is meant.
 */
void kestrel_reset_schedule(struct kestrel_device *kdev, enum kestrel_reset_level level)
{
	struct kestrel_reset *reset = &kdev->reset;

	spin_lock(&reset->lock);
	if (!reset->stopped) {
		reset->level = max(reset->level, level);
		queue_work(reset->wq, &reset->work);
	}
	spin_unlock(&reset->lock);
}

/**
 * kestrel_reset_wait - wait for the end of the reset that was asked for
 * @kdev: device
 *
 * Must not be called with request_lock or one below it held.
 */
void kestrel_reset_wait(struct kestrel_device *kdev)
{
	flush_work(&kdev->reset.work);
}

/**
 * kestrel_reset_run - reset and wait for the end of it
 * @kdev: device
 * @level: at least this one
 *
 * Must not be called with request_lock or one below it held.
 */
void kestrel_reset_run(struct kestrel_device *kdev, enum kestrel_reset_level level)
{
	kestrel_reset_schedule(kdev, level);
	kestrel_reset_wait(kdev);
}

/**
 * kestrel_reset_init - prepare watchdog and reset
 * @kdev: device
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_reset_init(struct kestrel_device *kdev)
{
	struct kestrel_reset *reset = &kdev->reset;

	spin_lock_init(&reset->lock);
	INIT_WORK(&reset->work, kestrel_reset_work);
	INIT_DELAYED_WORK(&reset->watchdog, kestrel_reset_watchdog);
	reset->heartbeat_time = jiffies;
	reset->wq = alloc_ordered_workqueue("kestrel-reset", WQ_MEM_RECLAIM);
	return reset->wq ? 0 : -ENOMEM;
}

/**
 * kestrel_reset_stop - end watchdog and resets for good
 * @kdev: device, unplugged or not yet registered
 */
void kestrel_reset_stop(struct kestrel_device *kdev)
{
	struct kestrel_reset *reset = &kdev->reset;

	spin_lock(&reset->lock);
	reset->stopped = true;
	spin_unlock(&reset->lock);

	cancel_work_sync(&reset->work);
	cancel_delayed_work_sync(&reset->watchdog);
}

#define KESTREL_RESET_COUNTER(name, value)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *attribute,	\
			   char *text)							\
{											\
	struct kestrel_device *kdev = dev_get_drvdata(dev);				\
											\
	return sysfs_emit(text, "%d\n", value);					\
}											\
static DEVICE_ATTR_RO(name)

KESTREL_RESET_COUNTER(queue_kills, atomic_read(&kdev->reset.kill_count));
KESTREL_RESET_COUNTER(mcu_resets, atomic_read(&kdev->reset.mcu_count));
KESTREL_RESET_COUNTER(device_resets, atomic_read(&kdev->reset.full_count));
KESTREL_RESET_COUNTER(wedged, kestrel_reset_wedged(kdev));

static struct attribute *kestrel_reset_attributes[] = {
	&dev_attr_queue_kills.attr,
	&dev_attr_mcu_resets.attr,
	&dev_attr_device_resets.attr,
	&dev_attr_wedged.attr,
	NULL
};

/* Of the bus device; docs/sysfs-abi.md describes it. */
const struct attribute_group kestrel_reset_group = {
	.name = "recovery",
	.attrs = kestrel_reset_attributes,
};
