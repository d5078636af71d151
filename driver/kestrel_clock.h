/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_CLOCK_H_
#define _KESTREL_CLOCK_H_

#include <linux/clk-provider.h>
#include <linux/notifier.h>
#include <linux/types.h>

struct clk;
struct clk_lookup;
struct kestrel_device;

/**
 * struct kestrel_clock - what the NPU runs on
 *
 * Either a clock that the SoC gives, or the NPU's own PLL, which this driver
 * provides to the clock framework.
 */
struct kestrel_clock {
	/** @external: clock of the SoC, or NULL. */
	struct clk *external;
	/** @notifier: told when the rate of @external changes. */
	struct notifier_block notifier;
	/** @pll: the own PLL; unused with @external. */
	struct clk_hw pll;
	/** @lookup: finds @pll by the name of the device. */
	struct clk_lookup *lookup;
	/**
	 * @khz: rate that the device has, or gets when it is switched on; 0 when
	 * nobody can tell. Written with &kestrel_firmware.request_lock held.
	 */
	u32 khz;
	/**
	 * @changing: the rate of @external is about to change. Guarded by
	 * &kestrel_firmware.request_lock.
	 */
	bool changing;
	/** @held: the firmware holds the engines for it. As @changing. */
	bool held;
};

int kestrel_clock_get(struct kestrel_device *kdev);
int kestrel_clock_on(struct kestrel_device *kdev);
void kestrel_clock_off(struct kestrel_device *kdev);
int kestrel_clock_start(struct kestrel_device *kdev);
void kestrel_clock_stop(struct kestrel_device *kdev);
int kestrel_clock_restore(struct kestrel_device *kdev);
int kestrel_clock_booted(struct kestrel_device *kdev);
bool kestrel_clock_variable(const struct kestrel_device *kdev);

#endif /* _KESTREL_CLOCK_H_ */
