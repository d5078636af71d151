// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: power
 *
 * An NPU without jobs is switched off after a while, and switched on by the next
 * job. Off means that nothing is left in it: when it comes back the address
 * space table is written, the firmware booted, and the living queues made anew,
 * as after a reset of the whole device. Supply, clock and reset line are this
 * driver's to switch where the device tree names them, a power domain is the
 * kernel's.
 *
 * When the system sleeps, jobs that were started end first. Those that were not
 * stay in the list of their queue, and go into its new ring when it wakes up.
 */

#include <linux/device.h>
#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/pm_runtime.h>
#include <linux/regulator/consumer.h>
#include <linux/reset.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_power.h"
#include "kestrel_queue.h"
#include "kestrel_trace.h"

static unsigned int autosuspend_ms = 100;
module_param(autosuspend_ms, uint, 0444);
MODULE_PARM_DESC(autosuspend_ms,
		 "Time without jobs after which the NPU is switched off, in ms (default 100)");

static unsigned int suspend_timeout_ms = 5000;
module_param(suspend_timeout_ms, uint, 0644);
MODULE_PARM_DESC(suspend_timeout_ms,
		 "Time that started jobs have to end before the system sleeps, in ms (default 5000)");

/* Not with request_lock held: memory is allocated on the way. */
static int kestrel_power_supply_on(struct kestrel_device *kdev)
{
	struct kestrel_power *power = &kdev->power;
	int ret = 0;

	if (power->supply)
		ret = regulator_enable(power->supply);
	if (ret)
		return ret;
	ret = kestrel_clock_on(kdev);
	if (ret)
		goto err_supply;
	ret = kestrel_devfreq_supply_on(kdev);
	if (ret)
		goto err_clock;
	ret = reset_control_deassert(power->reset);
	if (ret)
		goto err_devfreq;
	power->supplied = true;
	return 0;

err_devfreq:
	kestrel_devfreq_supply_off(kdev);
err_clock:
	kestrel_clock_off(kdev);
err_supply:
	if (power->supply)
		regulator_disable(power->supply);
	return ret;
}

static void kestrel_power_supply_off(void *data)
{
	struct kestrel_device *kdev = data;
	struct kestrel_power *power = &kdev->power;

	if (!power->supplied)
		return;
	reset_control_assert(power->reset);
	kestrel_devfreq_supply_off(kdev);
	kestrel_clock_off(kdev);
	if (power->supply)
		regulator_disable(power->supply);
	power->supplied = false;
}

static void kestrel_power_set(struct kestrel_device *kdev, bool on)
{
	lockdep_assert_held(&kdev->firmware.request_lock);

	if (kdev->power.on == on)
		return;
	mutex_lock(&kdev->mmu.lock);
	kdev->power.on = on;
	mutex_unlock(&kdev->mmu.lock);
	trace_kestrel_power(on);
}

/* No job can be started meanwhile. */
static void kestrel_power_off(struct kestrel_device *kdev)
{
	static const struct kestrel_fw_request request = {
		.type = KESTREL_FW_REQUEST_SUSPEND,
	};
	bool stopped = false, cookie;
	int ret;

	/* Jobs end here, so this is in order with request_lock as in a reset. */
	cookie = dma_fence_begin_signalling();
	mutex_lock(&kdev->firmware.request_lock);
	/* What was given up has its interrupt off and is left alone. */
	if (kdev->power.on) {
		ret = kestrel_firmware_request_wait(kdev, &request, suspend_timeout_ms);
		kestrel_device_irq_disable(kdev);
		kestrel_perf_update(kdev);
		kestrel_sensors_save(kdev);
		/* What cannot be stopped may be at work for as long as it has power. */
		stopped = !kestrel_firmware_stop(kdev);
		if (!stopped)
			kestrel_reset_halt(kdev);
		/* Jobs that ended until here did end. */
		kestrel_firmware_events_process(kdev);
		/* Firmware that does not answer may have begun any of the others. */
		if (ret)
			kestrel_queues_lose(kdev, DRM_KESTREL_QUEUE_INNOCENT, -ECANCELED, false);
	}
	kestrel_power_set(kdev, false);
	/* An invalidation got no answer meanwhile, and the reset for it finds the device off. */
	if (stopped && kestrel_reset_uncontained(kdev))
		kestrel_device_reset(kdev);
	mutex_unlock(&kdev->firmware.request_lock);
	dma_fence_end_signalling(cookie);

	kestrel_power_supply_off(kdev);
}

static int kestrel_power_on(struct kestrel_device *kdev)
{
	ktime_t start = ktime_get();
	int ret;

	/* What was given up stays in reset, without clock and supply. */
	if (kestrel_reset_wedged(kdev))
		return 0;
	ret = kestrel_power_supply_on(kdev);
	if (ret)
		return ret;

	mutex_lock(&kdev->firmware.request_lock);
	if (kdev->power.on || kestrel_reset_wedged(kdev)) {
		mutex_unlock(&kdev->firmware.request_lock);
		return 0;
	}

	kestrel_power_set(kdev, true);
	ret = kestrel_device_reset(kdev);
	if (!ret) {
		kestrel_mmu_restore(kdev);
		ret = kestrel_clock_restore(kdev);
	}
	if (!ret)
		ret = kestrel_firmware_boot(kdev);
	kestrel_device_irq_enable(kdev);
	if (!ret)
		ret = kestrel_clock_booted(kdev);
	if (!ret)
		ret = kestrel_queues_restore(kdev);
	/* Whoever woke it gets an answer in any case: recovery sees to that. */
	if (ret)
		kestrel_reset_schedule(kdev, KESTREL_RESET_FULL);
	mutex_unlock(&kdev->firmware.request_lock);

	WRITE_ONCE(kdev->power.wake_time_us, ktime_us_delta(ktime_get(), start));
	WRITE_ONCE(kdev->power.wake_count, kdev->power.wake_count + 1);
	return 0;
}

static int kestrel_power_runtime_suspend(struct device *dev)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	int idx;

	if (drm_dev_enter(&kdev->drm, &idx)) {
		kestrel_devfreq_suspend(kdev);
		kestrel_power_off(kdev);
		drm_dev_exit(idx);
	}
	return 0;
}

static int kestrel_power_runtime_resume(struct device *dev)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	int idx, ret = 0;

	if (drm_dev_enter(&kdev->drm, &idx)) {
		ret = kestrel_power_on(kdev);
		if (!ret)
			kestrel_devfreq_resume(kdev);
		drm_dev_exit(idx);
	}
	return ret;
}

static int kestrel_power_sleep(struct device *dev)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	struct kestrel_power *power = &kdev->power;
	int idx;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return 0;

	mutex_lock(&power->lock);
	power->asleep = true;
	mutex_lock(&kdev->firmware.request_lock);
	power->wakes_on = power->on;
	mutex_unlock(&kdev->firmware.request_lock);
	if (power->wakes_on) {
		kestrel_queues_pause(kdev);
		cancel_delayed_work_sync(&kdev->reset.watchdog);
		kestrel_power_off(kdev);
	}
	mutex_unlock(&power->lock);

	drm_dev_exit(idx);
	return 0;
}

static int kestrel_power_wake(struct device *dev)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	struct kestrel_power *power = &kdev->power;
	int idx, ret = 0;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return 0;

	mutex_lock(&power->lock);
	power->asleep = false;
	if (power->wakes_on) {
		ret = kestrel_power_on(kdev);
		/* Without supply its jobs end as those of a device that is wedged. */
		if (ret) {
			mutex_lock(&kdev->firmware.request_lock);
			kestrel_reset_give_up(kdev);
			mutex_unlock(&kdev->firmware.request_lock);
			kestrel_compat_wedged_event(&kdev->drm);
		}
		kestrel_queues_resume(kdev);
		kestrel_reset_watchdog_restart(kdev);
	}
	mutex_unlock(&power->lock);

	drm_dev_exit(idx);
	return ret;
}

const struct dev_pm_ops kestrel_power_ops = {
	RUNTIME_PM_OPS(kestrel_power_runtime_suspend, kestrel_power_runtime_resume, NULL)
	SYSTEM_SLEEP_PM_OPS(kestrel_power_sleep, kestrel_power_wake)
};

static ssize_t wake_count_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", READ_ONCE(kdev->power.wake_count));
}
static DEVICE_ATTR_RO(wake_count);

static ssize_t wake_time_us_show(struct device *dev, struct device_attribute *attribute,
				 char *text)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", READ_ONCE(kdev->power.wake_time_us));
}
static DEVICE_ATTR_RO(wake_time_us);

static struct attribute *kestrel_power_attrs[] = {
	&dev_attr_wake_count.attr,
	&dev_attr_wake_time_us.attr,
	NULL
};

const struct attribute_group kestrel_power_group = {
	.attrs = kestrel_power_attrs,
};

/**
 * kestrel_power_supply - find supply, clock and reset line, and switch them on
 * @kdev: device, not yet touched
 *
 * Undone when the driver is unbound.
 *
 * Return: 0 or a negative error code.
 */
int kestrel_power_supply(struct kestrel_device *kdev)
{
	struct kestrel_power *power = &kdev->power;
	struct device *dev = kdev->drm.dev;
	int ret;

	power->supply = devm_regulator_get_optional(dev, "npu");
	if (power->supply == ERR_PTR(-ENODEV))
		power->supply = NULL;
	if (IS_ERR(power->supply))
		return dev_err_probe(dev, PTR_ERR(power->supply), "no supply\n");

	power->reset = devm_reset_control_get_optional_exclusive(dev, NULL);
	if (IS_ERR(power->reset))
		return dev_err_probe(dev, PTR_ERR(power->reset), "no reset line\n");

	ret = kestrel_clock_get(kdev);
	if (ret)
		return ret;

	ret = kestrel_power_supply_on(kdev);
	if (ret)
		return dev_err_probe(dev, ret, "the NPU gets no power\n");
	return devm_add_action_or_reset(dev, kestrel_power_supply_off, kdev);
}

/**
 * kestrel_power_cut - be done with a device, and hold it in reset where the board can
 * @kdev: device, on; the caller holds request_lock
 *
 * A device in reset accesses no memory. The registers of this one are not touched
 * again in any case: one that is ill may answer with an error of the bus, which
 * stops the machine.
 *
 * Return: whether it is held in reset.
 */
bool kestrel_power_cut(struct kestrel_device *kdev)
{
	bool held = kdev->power.reset && !reset_control_assert(kdev->power.reset);

	kestrel_power_set(kdev, false);
	return held;
}

/**
 * kestrel_power_init - prepare, with the device on
 * @kdev: device
 *
 * Return: 0 or a negative error code.
 */
int kestrel_power_init(struct kestrel_device *kdev)
{
	kdev->power.on = true;
	return drmm_mutex_init(&kdev->drm, &kdev->power.lock);
}

/**
 * kestrel_power_started - let the device be switched off when it is idle
 * @kdev: device that has been started
 */
void kestrel_power_started(struct kestrel_device *kdev)
{
	struct device *dev = kdev->drm.dev;

	pm_runtime_get_noresume(dev);
	pm_runtime_set_autosuspend_delay(dev, autosuspend_ms);
	pm_runtime_use_autosuspend(dev);
	/* PCI has done this by itself. */
	if (!pm_runtime_enabled(dev)) {
		pm_runtime_set_active(dev);
		devm_pm_runtime_enable(dev);
	}
	kestrel_power_put(kdev);
}

/**
 * kestrel_power_stop - switch the device on for good, before it is removed
 * @kdev: device that has been started
 */
void kestrel_power_stop(struct kestrel_device *kdev)
{
	pm_runtime_get_sync(kdev->drm.dev);
}

/**
 * kestrel_power_stopped - the end of kestrel_power_stop()
 * @kdev: unplugged device
 */
void kestrel_power_stopped(struct kestrel_device *kdev)
{
	pm_runtime_dont_use_autosuspend(kdev->drm.dev);
	pm_runtime_put_noidle(kdev->drm.dev);
}

/**
 * kestrel_power_get - switch the device on, and keep it on
 * @kdev: device
 *
 * Sleeps, and takes request_lock.
 *
 * Return: 0, or -EIO when it cannot be switched on.
 */
int kestrel_power_get(struct kestrel_device *kdev)
{
	int ret = pm_runtime_resume_and_get(kdev->drm.dev);

	if (!ret)
		return 0;
	/* Without its driver's device, runtime PM is off; and so on its removal. */
	if (drm_dev_is_unplugged(&kdev->drm))
		return -ENODEV;
	/* A client may ask again at will; so may it when the supply has come back. */
	drm_err_ratelimited(&kdev->drm, "the NPU cannot be switched on: %d\n", ret);
	pm_runtime_set_suspended(kdev->drm.dev);
	return -EIO;
}

/**
 * kestrel_power_get_again - one more reference for somebody who has one
 * @kdev: device, on
 *
 * May be called anywhere.
 */
void kestrel_power_get_again(struct kestrel_device *kdev)
{
	pm_runtime_get_noresume(kdev->drm.dev);
}

/**
 * kestrel_power_put - drop a reference
 * @kdev: device
 *
 * May be called anywhere; the device is switched off later.
 */
void kestrel_power_put(struct kestrel_device *kdev)
{
	pm_runtime_mark_last_busy(kdev->drm.dev);
	pm_runtime_put_autosuspend(kdev->drm.dev);
}
