// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: sensors
 *
 * The device measures its temperature, power and energy. User space sees them by
 * hwmon. The thermal framework is interrupted when the device becomes too hot,
 * and takes operating points away until it is not: by the zone of the device tree
 * that names the sensor, or, without a device tree, by one of this driver's own
 * at the limit that the device is made for.
 *
 * An NPU that is off is not switched on to be asked: it has no temperature, takes
 * no power, and its energy is as it was.
 *
 * Whether it is on changes with &kestrel_mmu.lock held, so that is what the
 * registers are read under.
 */

#include <linux/hwmon.h>
#include <linux/limits.h>
#include <linux/thermal.h>

#include <drm/drm_print.h>

#include "kestrel_device.h"
#include "kestrel_sensors.h"

#define KESTREL_SENSORS_POLL_MS		50
#define KESTREL_SENSORS_HYSTERESIS	2000

/* Whether the registers may be read. The caller holds &kestrel_mmu.lock. */
static bool kestrel_sensors_on(struct kestrel_device *kdev)
{
	lockdep_assert_held(&kdev->mmu.lock);
	return kdev->power.on && !kdev->mmu.stopped;
}

static int kestrel_sensors_temperature(struct kestrel_device *kdev, int *millidegrees)
{
	int ret = -ENODATA;

	mutex_lock(&kdev->mmu.lock);
	if (kestrel_sensors_on(kdev)) {
		*millidegrees = (s32)kestrel_read(kdev, KESTREL_REG_TEMPERATURE);
		ret = 0;
	}
	mutex_unlock(&kdev->mmu.lock);
	return ret;
}

static u32 kestrel_sensors_power(struct kestrel_device *kdev)
{
	u32 microwatts = 0;

	mutex_lock(&kdev->mmu.lock);
	if (kestrel_sensors_on(kdev))
		microwatts = kestrel_read(kdev, KESTREL_REG_POWER);
	mutex_unlock(&kdev->mmu.lock);
	return microwatts;
}

static u64 kestrel_sensors_energy(struct kestrel_device *kdev)
{
	u64 microjoules;

	mutex_lock(&kdev->mmu.lock);
	if (kestrel_sensors_on(kdev))
		kestrel_sensors_save(kdev);
	spin_lock(&kdev->sensors.lock);
	microjoules = kdev->sensors.energy_uj;
	spin_unlock(&kdev->sensors.lock);
	mutex_unlock(&kdev->mmu.lock);
	return microjoules;
}

/**
 * kestrel_sensors_save - note the energy, before the device is reset or switched off
 * @kdev: device, on
 */
void kestrel_sensors_save(struct kestrel_device *kdev)
{
	struct kestrel_sensors *sensors = &kdev->sensors;
	u64 seen;

	if (!(kdev->hardware.features & KESTREL_FEATURE_SENSORS))
		return;

	spin_lock(&sensors->lock);
	seen = kestrel_read64(kdev, KESTREL_REG_ENERGY_LO);
	/* All ones: the device is gone. */
	if (seen != U64_MAX) {
		if (seen > sensors->energy_seen)
			sensors->energy_uj += seen - sensors->energy_seen;
		sensors->energy_seen = seen;
	}
	spin_unlock(&sensors->lock);
}

/**
 * kestrel_sensors_restore - give a device that was reset its limit again
 * @kdev: device, on
 */
void kestrel_sensors_restore(struct kestrel_device *kdev)
{
	struct kestrel_sensors *sensors = &kdev->sensors;
	int limit = READ_ONCE(sensors->limit);

	if (!(kdev->hardware.features & KESTREL_FEATURE_SENSORS))
		return;

	spin_lock(&sensors->lock);
	sensors->energy_seen = 0;
	spin_unlock(&sensors->lock);
	if (limit)
		kestrel_write(kdev, KESTREL_REG_TEMPERATURE_LIMIT, limit);
}

static umode_t kestrel_sensors_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				       int channel)
{
	/* Power and energy tell of the data of others' jobs: not for everybody. */
	return type == hwmon_temp ? 0444 : 0440;
}

static int kestrel_sensors_read(struct device *dev, enum hwmon_sensor_types type, u32 attr,
				int channel, long *value)
{
	struct kestrel_device *kdev = dev_get_drvdata(dev);
	int millidegrees, ret = 0;

	switch (type) {
	case hwmon_temp:
		ret = kestrel_sensors_temperature(kdev, &millidegrees);
		if (!ret)
			*value = millidegrees;
		break;
	case hwmon_power:
		*value = kestrel_sensors_power(kdev);
		break;
	case hwmon_energy:
		*value = min_t(u64, kestrel_sensors_energy(kdev), LONG_MAX);
		break;
	default:
		ret = -EOPNOTSUPP;
	}
	return ret;
}

static const struct hwmon_ops kestrel_sensors_ops = {
	.is_visible = kestrel_sensors_visible,
	.read = kestrel_sensors_read,
};

static const struct hwmon_channel_info * const kestrel_sensors_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT),
	HWMON_CHANNEL_INFO(power, HWMON_P_AVERAGE),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT),
	NULL
};

static const struct hwmon_chip_info kestrel_sensors_chip = {
	.ops = &kestrel_sensors_ops,
	.info = kestrel_sensors_channels,
};

static int kestrel_sensors_zone_temperature(struct thermal_zone_device *zone, int *millidegrees)
{
	if (kestrel_sensors_temperature(thermal_zone_device_priv(zone), millidegrees))
		*millidegrees = THERMAL_TEMP_INVALID;
	return 0;
}

/* The device interrupts upwards only; while it is too hot the framework polls. */
static int kestrel_sensors_zone_trips(struct thermal_zone_device *zone, int low, int high)
{
	struct kestrel_device *kdev = thermal_zone_device_priv(zone);
	struct kestrel_sensors *sensors = &kdev->sensors;

	mutex_lock(&kdev->mmu.lock);
	WRITE_ONCE(sensors->limit, high);
	if (kestrel_sensors_on(kdev)) {
		kestrel_write(kdev, KESTREL_REG_TEMPERATURE_LIMIT, high);
		/* It crossed the limit before the limit was there. */
		if (sensors->zone_works &&
		    (s32)kestrel_read(kdev, KESTREL_REG_TEMPERATURE) >= high)
			schedule_work(&sensors->work);
	}
	mutex_unlock(&kdev->mmu.lock);
	return 0;
}

static bool kestrel_sensors_zone_bind(struct thermal_zone_device *zone,
				      const struct thermal_trip *trip,
				      struct thermal_cooling_device *cooling,
				      struct cooling_spec *spec)
{
	struct kestrel_device *kdev = thermal_zone_device_priv(zone);

	return trip->type == THERMAL_TRIP_PASSIVE && cooling == kdev->devfreq.devfreq->cdev;
}

static const struct thermal_zone_device_ops kestrel_sensors_tree_ops = {
	.get_temp = kestrel_sensors_zone_temperature,
	.set_trips = kestrel_sensors_zone_trips,
};

static const struct thermal_zone_device_ops kestrel_sensors_own_ops = {
	.should_bind = kestrel_sensors_zone_bind,
	.get_temp = kestrel_sensors_zone_temperature,
	.set_trips = kestrel_sensors_zone_trips,
};

/* A zone that throttles from the limit on that the device comes with. */
static struct thermal_zone_device *kestrel_sensors_zone_own(struct kestrel_device *kdev)
{
	static const struct thermal_zone_params parameters = {
		.no_hwmon = true,
	};
	struct thermal_trip trip = {
		.type = THERMAL_TRIP_PASSIVE,
		.temperature = (s32)kestrel_read(kdev, KESTREL_REG_TEMPERATURE_LIMIT),
		.hysteresis = KESTREL_SENSORS_HYSTERESIS,
		.flags = THERMAL_TRIP_FLAG_RW_TEMP,
	};
	struct thermal_zone_device *zone;
	int ret;

	if (!kdev->devfreq.devfreq || !kdev->devfreq.devfreq->cdev)
		return ERR_PTR(-ENODEV);

	zone = thermal_zone_device_register_with_trips("kestrel", &trip, 1, kdev,
						       &kestrel_sensors_own_ops, &parameters,
						       KESTREL_SENSORS_POLL_MS, 0);
	if (IS_ERR(zone))
		return zone;
	ret = thermal_zone_device_enable(zone);
	if (ret) {
		thermal_zone_device_unregister(zone);
		return ERR_PTR(ret);
	}
	return zone;
}

static void kestrel_sensors_work(struct work_struct *work)
{
	struct kestrel_device *kdev = container_of(work, struct kestrel_device, sensors.work);

	thermal_zone_device_update(kdev->sensors.zone, THERMAL_TRIP_VIOLATED);
}

/**
 * kestrel_sensors_hot - act on the interrupt of a device that is too hot
 * @kdev: device
 *
 * May be called where fences are signalled.
 */
void kestrel_sensors_hot(struct kestrel_device *kdev)
{
	mutex_lock(&kdev->mmu.lock);
	if (kdev->sensors.zone_works)
		schedule_work(&kdev->sensors.work);
	mutex_unlock(&kdev->mmu.lock);
}

/**
 * kestrel_sensors_init - prepare; comes before all others
 * @kdev: device
 */
void kestrel_sensors_init(struct kestrel_device *kdev)
{
	spin_lock_init(&kdev->sensors.lock);
	INIT_WORK(&kdev->sensors.work, kestrel_sensors_work);
}

/**
 * kestrel_sensors_start - show the sensors
 * @kdev: device that has been started, and is on
 *
 * The NPU works without them as well.
 */
void kestrel_sensors_start(struct kestrel_device *kdev)
{
	struct kestrel_sensors *sensors = &kdev->sensors;
	struct device *dev = kdev->drm.dev;
	struct thermal_zone_device *zone;
	struct device *hwmon;

	if (!(kdev->hardware.features & KESTREL_FEATURE_SENSORS))
		return;

	if (IS_REACHABLE(CONFIG_HWMON)) {
		hwmon = devm_hwmon_device_register_with_info(dev, "kestrel", kdev,
							     &kestrel_sensors_chip, NULL);
		if (IS_ERR(hwmon))
			drm_info(&kdev->drm, "no hwmon device (%pe)\n", hwmon);
	}

	if (dev->of_node)
		zone = devm_thermal_of_zone_register(dev, 0, kdev, &kestrel_sensors_tree_ops);
	else
		zone = kestrel_sensors_zone_own(kdev);
	if (IS_ERR(zone)) {
		drm_dbg_driver(&kdev->drm, "no thermal zone (%pe)\n", zone);
		return;
	}

	mutex_lock(&kdev->mmu.lock);
	sensors->zone = zone;
	sensors->zone_works = true;
	mutex_unlock(&kdev->mmu.lock);
}

/**
 * kestrel_sensors_stop - undo kestrel_sensors_start()
 * @kdev: device
 */
void kestrel_sensors_stop(struct kestrel_device *kdev)
{
	struct kestrel_sensors *sensors = &kdev->sensors;
	struct device *dev = kdev->drm.dev;

	mutex_lock(&kdev->mmu.lock);
	sensors->zone_works = false;
	mutex_unlock(&kdev->mmu.lock);
	cancel_work_sync(&sensors->work);

	if (!sensors->zone)
		return;
	if (dev->of_node)
		devm_thermal_of_zone_unregister(dev, sensors->zone);
	else
		thermal_zone_device_unregister(sensors->zone);
	sensors->zone = NULL;
}
