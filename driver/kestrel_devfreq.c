// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: operating points
 *
 * They come from the device tree, which also names a supply where one is scaled
 * with the clock; or they are quarters of the highest clock. A governor chooses
 * among them by how much of the time the firmware had jobs. The device is a
 * cooling device: the thermal framework takes the upper ones away.
 *
 * While the NPU is off nobody looks at its load, and the time does not count. Nor
 * while the system goes to sleep, from before its work queues freeze: devfreq's own
 * queue is freezable and unbound, and there the kernel's workqueues forget, when a
 * look that waits in a frozen queue is cancelled, that nobody waits any more. What
 * is queued after that never runs: the clock would stay for good.
 */

#include <linux/pm_opp.h>
#include <linux/property.h>
#include <linux/suspend.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "kestrel_devfreq.h"
#include "kestrel_device.h"

#define KESTREL_DEVFREQ_OPP_STEPS	4
/* Percent of the time: above it, the highest clock; that much below it, a lower one. */
#define KESTREL_DEVFREQ_UP		45
#define KESTREL_DEVFREQ_DOWN		5

static int kestrel_devfreq_target(struct device *dev, unsigned long *hz, u32 flags)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	struct kestrel_devfreq *df = &kdev->devfreq;
	struct dev_pm_opp *opp = devfreq_recommended_opp(dev, hz, flags);
	int ret = 0;

	if (IS_ERR(opp))
		return PTR_ERR(opp);
	dev_pm_opp_put(opp);

	mutex_lock(&df->target_lock);
	/* To set it would switch the supply on. */
	if (df->off)
		df->target = *hz;
	else
		ret = dev_pm_opp_set_rate(dev, *hz);
	mutex_unlock(&df->target_lock);
	return ret;
}

static int kestrel_devfreq_frequency(struct device *dev, unsigned long *hz)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	struct kestrel_devfreq *df = &kdev->devfreq;

	mutex_lock(&df->target_lock);
	*hz = df->off ? df->target : READ_ONCE(kdev->clock.khz) * 1000ul;
	mutex_unlock(&df->target_lock);
	return 0;
}

static void kestrel_devfreq_account(struct kestrel_devfreq *df)
{
	ktime_t now = ktime_get();
	ktime_t *sum = df->jobs ? &df->busy : &df->idle;

	lockdep_assert_held(&df->lock);

	*sum = ktime_add(*sum, ktime_sub(now, df->since));
	df->since = now;
}

static int kestrel_devfreq_status(struct device *dev, struct devfreq_dev_status *status)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	struct kestrel_devfreq *df = &kdev->devfreq;

	spin_lock(&df->lock);
	kestrel_devfreq_account(df);
	status->busy_time = ktime_to_us(df->busy);
	status->total_time = ktime_to_us(ktime_add(df->busy, df->idle));
	df->busy = 0;
	df->idle = 0;
	spin_unlock(&df->lock);

	return kestrel_devfreq_frequency(dev, &status->current_frequency);
}

static void kestrel_devfreq_job(struct kestrel_device *kdev, int change)
{
	struct kestrel_devfreq *df = &kdev->devfreq;

	spin_lock(&df->lock);
	kestrel_devfreq_account(df);
	df->jobs += change;
	spin_unlock(&df->lock);
}

/**
 * kestrel_devfreq_job_started - note that the firmware has got a job
 * @kdev: device
 */
void kestrel_devfreq_job_started(struct kestrel_device *kdev)
{
	kestrel_devfreq_job(kdev, 1);
}

/**
 * kestrel_devfreq_job_ended - note that a job that was started has ended
 * @kdev: device
 */
void kestrel_devfreq_job_ended(struct kestrel_device *kdev)
{
	kestrel_devfreq_job(kdev, -1);
}

static int kestrel_devfreq_opps_make(struct kestrel_device *kdev)
{
	const struct kestrel_hardware *hw = &kdev->hardware;
	struct device *dev = kdev->drm.dev;
	u32 step, khz, last = 0;
	int ret = 0;

	for (step = 1; !ret && step <= KESTREL_DEVFREQ_OPP_STEPS; step++) {
		khz = max(hw->clock_max_khz / KESTREL_DEVFREQ_OPP_STEPS * step, hw->clock_min_khz);
		if (khz != last)
			ret = dev_pm_opp_add(dev, khz * 1000ul, 0);
		last = khz;
	}
	return ret;
}

/* Not managed by the device: they must have let go of the clock when it goes. */
static void kestrel_devfreq_opps_remove(struct kestrel_device *kdev)
{
	struct device *dev = kdev->drm.dev;

	if (device_property_present(dev, "operating-points-v2"))
		dev_pm_opp_of_remove_table(dev);
	else
		dev_pm_opp_remove_all_dynamic(dev);
	dev_pm_opp_put_regulators(kdev->devfreq.supplies);
	kdev->devfreq.supplies = 0;
}

/* From the device tree, else from the capability registers. */
static int kestrel_devfreq_opps(struct kestrel_device *kdev)
{
	static const char * const supplies[] = { "npu", NULL };
	struct device *dev = kdev->drm.dev;
	int ret;

	/* Points without voltages, which are made up here, leave the supply as it is. */
	if (device_property_present(dev, "npu-supply") &&
	    device_property_present(dev, "operating-points-v2")) {
		ret = dev_pm_opp_set_regulators(dev, supplies);
		if (ret < 0)
			return ret;
		kdev->devfreq.supplies = ret;
	}
	if (device_property_present(dev, "operating-points-v2"))
		ret = dev_pm_opp_of_add_table(dev);
	else
		ret = kestrel_devfreq_opps_make(kdev);
	if (!ret)
		return 0;
	if (kdev->devfreq.supplies)
		drm_err(&kdev->drm, "operating points need opp-microvolt where there is npu-supply\n");
	kestrel_devfreq_opps_remove(kdev);
	return ret;
}

/**
 * kestrel_devfreq_init - prepare; comes before the first job
 * @kdev: device
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_devfreq_init(struct kestrel_device *kdev)
{
	int ret;

	spin_lock_init(&kdev->devfreq.lock);
	kdev->devfreq.since = ktime_get();
	ret = drmm_mutex_init(&kdev->drm, &kdev->devfreq.suspend_lock);
	return ret ?: drmm_mutex_init(&kdev->drm, &kdev->devfreq.target_lock);
}

/**
 * kestrel_devfreq_suspend - leave the clock alone, before NPU or system go to sleep
 * @kdev: device; not with request_lock held
 */
void kestrel_devfreq_suspend(struct kestrel_device *kdev)
{
	struct kestrel_devfreq *df = &kdev->devfreq;

	if (!df->devfreq)
		return;
	mutex_lock(&df->suspend_lock);
	devfreq_suspend_device(df->devfreq);
	mutex_unlock(&df->suspend_lock);
}

/**
 * kestrel_devfreq_resume - undo kestrel_devfreq_suspend()
 * @kdev: device; not with request_lock held
 */
void kestrel_devfreq_resume(struct kestrel_device *kdev)
{
	struct kestrel_devfreq *df = &kdev->devfreq;

	if (!df->devfreq)
		return;
	mutex_lock(&df->suspend_lock);
	spin_lock(&df->lock);
	df->since = ktime_get();
	df->busy = 0;
	df->idle = 0;
	spin_unlock(&df->lock);
	devfreq_resume_device(df->devfreq);
	mutex_unlock(&df->suspend_lock);
}

/* The PM core calls it from one place at a time. */
static int kestrel_devfreq_sleep(struct notifier_block *notifier, unsigned long event, void *data)
{
	struct kestrel_device *kdev = container_of(notifier, struct kestrel_device,
						   devfreq.sleep_notifier);
	bool asleep = event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE ||
		      event == PM_RESTORE_PREPARE;

	/* Of a sleep that had begun before the driver came only the end is told. */
	if (asleep && !kdev->devfreq.asleep)
		kestrel_devfreq_suspend(kdev);
	else if (!asleep && kdev->devfreq.asleep)
		kestrel_devfreq_resume(kdev);
	kdev->devfreq.asleep = asleep;
	return NOTIFY_OK;
}

/**
 * kestrel_devfreq_start - let the governor change the clock
 * @kdev: device that has been started, and is on
 *
 * Without a clock that can be changed, without operating points or without a
 * governor the device goes on at the clock that it has.
 */
void kestrel_devfreq_start(struct kestrel_device *kdev)
{
	struct kestrel_devfreq *df = &kdev->devfreq;
	struct device *dev = kdev->drm.dev;
	struct devfreq *devfreq;
	int ret;

	if (!kestrel_clock_variable(kdev))
		return;

	ret = kestrel_devfreq_opps(kdev);
	if (ret) {
		drm_info(&kdev->drm, "no operating points (%d): the clock stays\n", ret);
		return;
	}

	df->ondemand.upthreshold = KESTREL_DEVFREQ_UP;
	df->ondemand.downdifferential = KESTREL_DEVFREQ_DOWN;
	df->profile = (struct devfreq_dev_profile) {
		.initial_freq = kdev->clock.khz * 1000ul,
		.timer = DEVFREQ_TIMER_DELAYED,
		.polling_ms = KESTREL_DEVFREQ_POLL_MS,
		.target = kestrel_devfreq_target,
		.get_dev_status = kestrel_devfreq_status,
		.get_cur_freq = kestrel_devfreq_frequency,
		.is_cooling_device = true,
	};
	devfreq = devfreq_add_device(dev, &df->profile, DEVFREQ_GOV_SIMPLE_ONDEMAND,
				     &df->ondemand);
	if (IS_ERR(devfreq)) {
		drm_info(&kdev->drm, "no devfreq (%pe): the clock stays\n", devfreq);
		kestrel_devfreq_opps_remove(kdev);
		return;
	}
	df->devfreq = devfreq;
	df->sleep_notifier.notifier_call = kestrel_devfreq_sleep;
	register_pm_notifier(&df->sleep_notifier);
}

/**
 * kestrel_devfreq_supply_off - let go of the supply, which operating points keep on
 * @kdev: device that is off
 */
void kestrel_devfreq_supply_off(struct kestrel_device *kdev)
{
	struct kestrel_devfreq *df = &kdev->devfreq;

	if (!df->supplies)
		return;
	mutex_lock(&df->target_lock);
	if (!df->off) {
		df->off = true;
		df->target = READ_ONCE(kdev->clock.khz) * 1000ul;
		dev_pm_opp_set_rate(kdev->drm.dev, 0);
	}
	mutex_unlock(&df->target_lock);
}

/**
 * kestrel_devfreq_supply_on - undo kestrel_devfreq_supply_off()
 * @kdev: device with clock and supply, still in reset; not with request_lock held
 *
 * Return: 0 or a negative error code.
 */
int kestrel_devfreq_supply_on(struct kestrel_device *kdev)
{
	struct kestrel_devfreq *df = &kdev->devfreq;
	int ret = 0;

	if (!df->supplies)
		return 0;
	mutex_lock(&df->target_lock);
	if (df->off)
		ret = dev_pm_opp_set_rate(kdev->drm.dev, df->target);
	if (!ret)
		df->off = false;
	mutex_unlock(&df->target_lock);
	return ret;
}

/**
 * kestrel_devfreq_stop - undo kestrel_devfreq_start()
 * @kdev: device, still on
 */
void kestrel_devfreq_stop(struct kestrel_device *kdev)
{
	struct kestrel_devfreq *df = &kdev->devfreq;

	if (!df->devfreq)
		return;
	unregister_pm_notifier(&df->sleep_notifier);
	devfreq_remove_device(df->devfreq);
	df->devfreq = NULL;
	kestrel_devfreq_opps_remove(kdev);
}
