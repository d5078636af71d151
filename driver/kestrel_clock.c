// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: clock
 *
 * The NPU runs on a clock of the SoC where the device tree names one, else on its
 * own PLL, which is shown to the clock framework: whoever sets the rate, devfreq
 * or another, comes through here.
 *
 * The rate may change only while the engines stand. The firmware holds them at a
 * command boundary (HOLD) until the new clock is there (CONTINUE); a running job
 * notices nothing but the time. A device that is off remembers the rate and gets
 * it when it is switched on, before there is firmware.
 *
 * The clock framework's lock is taken outside &kestrel_firmware.request_lock, and
 * so is every clk_*() call: memory is allocated under that lock, which must not
 * be where fences are signalled.
 */

#include <linux/clk.h>
#include <linux/clkdev.h>
#include <linux/device.h>
#include <linux/iopoll.h>
#include <linux/of.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "kestrel_clock.h"
#include "kestrel_device.h"
#include "kestrel_trace.h"

/* Far more than the PLL needs, because an emulator's time may lag. */
#define KESTREL_PLL_TIMEOUT_US	1000000

static const struct kestrel_fw_request kestrel_clock_hold = {
	.type = KESTREL_FW_REQUEST_HOLD,
};

static const struct kestrel_fw_request kestrel_clock_continue = {
	.type = KESTREL_FW_REQUEST_CONTINUE,
};

static struct kestrel_device *kestrel_clock_device(struct clk_hw *hw)
{
	return container_of(hw, struct kestrel_device, clock.pll);
}

/* The engines stand. -EBUSY when the PLL does not think so. */
static int kestrel_clock_pll_write(struct kestrel_device *kdev, u32 khz)
{
	u32 status;
	int ret;

	kestrel_write(kdev, KESTREL_REG_CLOCK_REQUEST, khz);
	ret = readl_poll_timeout(kdev->registers + KESTREL_REG_CLOCK_STATUS, status,
				 status & (KESTREL_CLOCK_LOCKED | KESTREL_CLOCK_REJECTED), 10,
				 KESTREL_PLL_TIMEOUT_US);
	if (!ret && status & KESTREL_CLOCK_REJECTED)
		ret = -EBUSY;
	if (ret)
		drm_err(&kdev->drm, "the PLL does not take %u kHz: %d\n", khz, ret);
	return ret;
}

static int kestrel_clock_pll_change(struct kestrel_device *kdev, u32 khz)
{
	int ret, result;

	ret = kestrel_firmware_request(kdev, &kestrel_clock_hold);
	if (ret)
		return ret;
	result = kestrel_clock_pll_write(kdev, khz);
	ret = kestrel_firmware_request(kdev, &kestrel_clock_continue);
	return ret ?: result;
}

static unsigned long kestrel_clock_pll_rate(struct clk_hw *hw, unsigned long parent_rate)
{
	return READ_ONCE(kestrel_clock_device(hw)->clock.khz) * 1000ul;
}

static int kestrel_clock_pll_determine(struct clk_hw *hw, struct clk_rate_request *request)
{
	const struct kestrel_hardware *hardware = &kestrel_clock_device(hw)->hardware;

	request->rate = clamp(request->rate / 1000, (unsigned long)hardware->clock_min_khz,
			      (unsigned long)hardware->clock_max_khz) * 1000;
	return 0;
}

static int kestrel_clock_pll_set(struct clk_hw *hw, unsigned long rate, unsigned long parent_rate)
{
	struct kestrel_device *kdev = kestrel_clock_device(hw);
	u32 khz = rate / 1000;
	int idx, ret = 0;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return -ENODEV;

	mutex_lock(&kdev->firmware.request_lock);
	if (kdev->power.on)
		ret = kestrel_clock_pll_change(kdev, khz);
	/*
	 * The clock framework drops this error, and the operating points believe
	 * that they have what they asked for and never ask again. So what failed
	 * is not undone: the reset that follows sets the rate.
	 */
	WRITE_ONCE(kdev->clock.khz, khz);
	trace_kestrel_frequency(khz);
	if (ret)
		kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
	mutex_unlock(&kdev->firmware.request_lock);

	drm_dev_exit(idx);
	return ret;
}

static const struct clk_ops kestrel_clock_pll_ops = {
	.recalc_rate = kestrel_clock_pll_rate,
	.determine_rate = kestrel_clock_pll_determine,
	.set_rate = kestrel_clock_pll_set,
};

static int kestrel_clock_notify(struct notifier_block *notifier, unsigned long event, void *data)
{
	struct kestrel_device *kdev = container_of(notifier, struct kestrel_device,
						   clock.notifier);
	const struct clk_notifier_data *change = data;
	struct kestrel_clock *clock = &kdev->clock;
	int idx, ret = 0;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return NOTIFY_OK;

	mutex_lock(&kdev->firmware.request_lock);
	clock->changing = event == PRE_RATE_CHANGE;
	if (clock->changing) {
		if (kdev->power.on)
			ret = kestrel_firmware_request(kdev, &kestrel_clock_hold);
		clock->held = kdev->power.on && !ret;
	} else {
		if (clock->held && kdev->power.on)
			ret = kestrel_firmware_request(kdev, &kestrel_clock_continue);
		clock->held = false;
		if (event == POST_RATE_CHANGE) {
			WRITE_ONCE(clock->khz, change->new_rate / 1000);
			trace_kestrel_frequency(clock->khz);
		}
	}
	if (ret == -ETIMEDOUT || ret == -EPROTO)
		kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
	mutex_unlock(&kdev->firmware.request_lock);

	drm_dev_exit(idx);
	return notifier_from_errno(ret);
}

/**
 * kestrel_clock_restore - give a device that was reset its rate again
 * @kdev: device without firmware; the caller holds request_lock
 *
 * Return: 0 or a negative error code.
 */
int kestrel_clock_restore(struct kestrel_device *kdev)
{
	u32 khz = kdev->clock.khz;

	/* The firmware that held the engines is no more. */
	kdev->clock.held = false;
	if (kdev->clock.external || !khz || khz == kestrel_read(kdev, KESTREL_REG_CLOCK_PRESENT))
		return 0;
	return kestrel_clock_pll_write(kdev, khz);
}

/**
 * kestrel_clock_booted - hold the engines of new firmware when the clock changes
 * @kdev: device with new firmware; the caller holds request_lock
 *
 * Return: 0 or a negative error code.
 */
int kestrel_clock_booted(struct kestrel_device *kdev)
{
	int ret = 0;

	if (kdev->clock.changing) {
		ret = kestrel_firmware_request(kdev, &kestrel_clock_hold);
		kdev->clock.held = !ret;
	}
	return ret;
}

/**
 * kestrel_clock_get - find out what the device runs on
 * @kdev: device, not yet touched
 *
 * Return: 0 or a negative error code.
 */
int kestrel_clock_get(struct kestrel_device *kdev)
{
	struct clk *clk = devm_clk_get_optional(kdev->drm.dev, NULL);

	if (IS_ERR(clk))
		return dev_err_probe(kdev->drm.dev, PTR_ERR(clk), "no clock\n");
	kdev->clock.external = clk;
	return 0;
}

/**
 * kestrel_clock_on - let the device have its clock
 * @kdev: device; not with request_lock held
 *
 * Return: 0 or a negative error code.
 */
int kestrel_clock_on(struct kestrel_device *kdev)
{
	return clk_prepare_enable(kdev->clock.external);
}

/**
 * kestrel_clock_off - undo kestrel_clock_on()
 * @kdev: device
 */
void kestrel_clock_off(struct kestrel_device *kdev)
{
	clk_disable_unprepare(kdev->clock.external);
}

/* Not a managed clock of the device: the framework would wake the NPU to ask. */
static int kestrel_clock_pll_register(struct kestrel_device *kdev)
{
	struct kestrel_clock *clock = &kdev->clock;
	struct device *dev = kdev->drm.dev;
	struct clk_init_data init = {
		.ops = &kestrel_clock_pll_ops,
	};
	int ret;

	if (!IS_ENABLED(CONFIG_COMMON_CLK))
		return -EOPNOTSUPP;

	init.name = kasprintf(GFP_KERNEL, "%s-pll", dev_name(dev));
	if (!init.name)
		return -ENOMEM;
	clock->pll.init = &init;
	ret = clk_hw_register(NULL, &clock->pll);
	kfree(init.name);
	if (ret)
		return ret;

	clock->lookup = clkdev_hw_create(&clock->pll, NULL, "%s", dev_name(dev));
	if (!clock->lookup) {
		ret = -ENOMEM;
		goto err_clock;
	}
	if (device_property_present(dev, "#clock-cells")) {
		ret = of_clk_add_hw_provider(dev->of_node, of_clk_hw_simple_get, &clock->pll);
		if (ret)
			goto err_lookup;
	}
	return 0;

err_lookup:
	clkdev_drop(clock->lookup);
	clock->lookup = NULL;
err_clock:
	clk_hw_unregister(&clock->pll);
	return ret;
}

/**
 * kestrel_clock_start - let the rate be changed
 * @kdev: device that has been started, and is on
 *
 * Return: 0 or a negative error code, with which the rate stays as it is.
 */
int kestrel_clock_start(struct kestrel_device *kdev)
{
	struct kestrel_clock *clock = &kdev->clock;
	int ret;

	if (clock->external) {
		clock->notifier.notifier_call = kestrel_clock_notify;
		ret = clk_notifier_register(clock->external, &clock->notifier);
		if (!ret)
			clock->khz = clk_get_rate(clock->external) / 1000;
		return ret;
	}

	if (!(kdev->hardware.features & KESTREL_FEATURE_PLL))
		return -EOPNOTSUPP;
	clock->khz = kestrel_read(kdev, KESTREL_REG_CLOCK_PRESENT);
	ret = kestrel_clock_pll_register(kdev);
	if (ret)
		clock->khz = 0;
	return ret;
}

/**
 * kestrel_clock_variable - whether kestrel_clock_start() has worked
 * @kdev: device
 *
 * Return: true when the rate can be changed.
 */
bool kestrel_clock_variable(const struct kestrel_device *kdev)
{
	return kdev->clock.khz;
}

/**
 * kestrel_clock_stop - undo kestrel_clock_start()
 * @kdev: device
 */
void kestrel_clock_stop(struct kestrel_device *kdev)
{
	struct kestrel_clock *clock = &kdev->clock;
	struct device *dev = kdev->drm.dev;

	if (!kestrel_clock_variable(kdev))
		return;
	if (clock->external) {
		clk_notifier_unregister(clock->external, &clock->notifier);
		return;
	}
	if (device_property_present(dev, "#clock-cells"))
		of_clk_del_provider(dev->of_node);
	clkdev_drop(clock->lookup);
	clk_hw_unregister(&clock->pll);
}
