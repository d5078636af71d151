// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/dma-fence.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "kestrel_device.h"

/* Bounded by the specification; a device that takes longer is broken. */
#define KESTREL_RESET_TIMEOUT_US	100000

#define KESTREL_INTERRUPTS_USED \
	(KESTREL_INTERRUPT_MCU_EVENT | KESTREL_INTERRUPT_MMU_FAULT | \
	 KESTREL_INTERRUPT_MCU_HALT | KESTREL_INTERRUPT_ECC | KESTREL_INTERRUPT_THERMAL)

/* More rounds keep the thread too long; the next interrupt goes on. */
#define KESTREL_IRQ_ROUNDS		64

/**
 * kestrel_device_gone - whether the bus answers with all ones
 * @kdev: device, entered
 *
 * Return: true when the device does not answer any more.
 */
bool kestrel_device_gone(const struct kestrel_device *kdev)
{
	return kestrel_read(kdev, KESTREL_REG_ID) == ~0u;
}

/**
 * kestrel_device_identify - read and check the identity page
 * @kdev: device with its registers mapped
 *
 * Return: 0, or -ENODEV when it is no Kestrel NPU that this driver knows.
 */
int kestrel_device_identify(struct kestrel_device *kdev)
{
	struct kestrel_hardware *hw = &kdev->hardware;
	u32 id = kestrel_read(kdev, KESTREL_REG_ID);

	if (id != KESTREL_ID_MAGIC) {
		drm_err(&kdev->drm, "not a Kestrel NPU: its identity is %#x\n", id);
		return -ENODEV;
	}
	hw->architecture = kestrel_read(kdev, KESTREL_REG_ARCHITECTURE);
	if (KESTREL_VERSION_MAJOR(hw->architecture) != KESTREL_ARCHITECTURE_MAJOR) {
		drm_err(&kdev->drm, "architecture %u.%u is unknown\n",
			KESTREL_VERSION_MAJOR(hw->architecture),
			KESTREL_VERSION_MINOR(hw->architecture));
		return -ENODEV;
	}

	hw->isa = kestrel_read(kdev, KESTREL_REG_ISA);
	hw->engine_count = kestrel_read(kdev, KESTREL_REG_ENGINE_COUNT);
	hw->macs_per_cycle = kestrel_read(kdev, KESTREL_REG_MACS_PER_CYCLE);
	hw->sram_bytes = kestrel_read(kdev, KESTREL_REG_SRAM_BYTES);
	hw->sram_banks = kestrel_read(kdev, KESTREL_REG_SRAM_BANKS);
	hw->asid_count = kestrel_read(kdev, KESTREL_REG_ASID_COUNT);
	hw->va_bits = kestrel_read(kdev, KESTREL_REG_VA_BITS);
	hw->pa_bits = kestrel_read(kdev, KESTREL_REG_PA_BITS);
	hw->queue_count = kestrel_read(kdev, KESTREL_REG_QUEUE_COUNT);
	hw->clock_min_khz = kestrel_read(kdev, KESTREL_REG_CLOCK_MIN);
	hw->clock_max_khz = kestrel_read(kdev, KESTREL_REG_CLOCK_MAX);
	hw->tcm_bytes = kestrel_read(kdev, KESTREL_REG_TCM_BYTES);
	hw->features = kestrel_read(kdev, KESTREL_REG_FEATURES);

	/* These size tables and divide; the rest is only passed on. */
	if (hw->asid_count < 2 || hw->asid_count > KESTREL_ASID_MAX || !hw->queue_count ||
	    hw->queue_count > KESTREL_FW_QUEUES_MAX || hw->va_bits != 39 || hw->pa_bits < 32 ||
	    hw->pa_bits > 56 || !hw->clock_max_khz || !hw->sram_bytes ||
	    hw->sram_bytes > KESTREL_SHARED_SAVE_MAX) {
		drm_err(&kdev->drm, "the capability registers hold nonsense\n");
		return -ENODEV;
	}

	return 0;
}

/**
 * kestrel_device_reset - reset the whole device
 * @kdev: device, entered
 *
 * Return: 0, -ETIMEDOUT, or -ENODEV when the device is gone.
 */
int kestrel_device_reset(struct kestrel_device *kdev)
{
	u32 value;
	int ret;

	if (kestrel_device_gone(kdev))
		return -ENODEV;

	kestrel_sensors_save(kdev);
	kestrel_write(kdev, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	ret = readl_poll_timeout(kdev->registers + KESTREL_REG_RESET, value, !value, 10,
				 KESTREL_RESET_TIMEOUT_US);
	if (ret) {
		drm_err(&kdev->drm, "the device does not finish its reset\n");
		return ret;
	}
	kestrel_reset_halted(kdev);
	kestrel_sensors_restore(kdev);
	return 0;
}

static irqreturn_t kestrel_device_irq(int irq, void *data)
{
	struct kestrel_device *kdev = data;
	u32 status = kestrel_read(kdev, KESTREL_REG_INTERRUPT_STATUS);

	/* All ones: the thread deals with a device that is gone. */
	return status ? IRQ_WAKE_THREAD : IRQ_NONE;
}

/*
 * The device does not answer, so its line cannot be lowered: left on, it would
 * interrupt until the kernel gives the interrupt up, and hold a CPU until then.
 */
static void kestrel_device_irq_hold(struct kestrel_device *kdev)
{
	if (!kdev->irq_held) {
		disable_irq_nosync(kdev->irq);
		kdev->irq_held = true;
	}
	kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
}

static void kestrel_device_irq_again(struct kestrel_device *kdev)
{
	kestrel_write(kdev, KESTREL_REG_INTERRUPT_ENABLE, 0);
	kestrel_write(kdev, KESTREL_REG_INTERRUPT_ENABLE, KESTREL_INTERRUPTS_USED);
}

static irqreturn_t kestrel_device_irq_thread(int irq, void *data)
{
	struct kestrel_device *kdev = data;
	unsigned int round;

	for (round = 0; round < KESTREL_IRQ_ROUNDS; round++) {
		u32 status = kestrel_read(kdev, KESTREL_REG_INTERRUPT_STATUS);

		if (!status)
			break;
		if (status == ~0u) {
			kestrel_device_irq_hold(kdev);
			break;
		}

		/*
		 * A fault comes before the event about its job, so that the
		 * event finds the record. The FIFO is emptied before its bit is
		 * cleared: the bit would come back.
		 */
		if (status & KESTREL_INTERRUPT_MMU_FAULT)
			kestrel_mmu_faults_process(kdev);

		kestrel_write(kdev, KESTREL_REG_INTERRUPT_CLEAR, status);

		if (status & KESTREL_INTERRUPT_MCU_EVENT) {
			wake_up_all(&kdev->firmware.reply);
			kestrel_mmu_faults_process(kdev);
			kestrel_firmware_events_process(kdev);
		}
		if (status & KESTREL_INTERRUPT_THERMAL)
			kestrel_sensors_hot(kdev);
		if (status & KESTREL_INTERRUPT_ECC)
			dev_err_ratelimited(kdev->drm.dev, "uncorrectable memory error\n");
		if (status & KESTREL_INTERRUPT_MCU_HALT && kestrel_firmware_halted(kdev))
			kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
	}

	/* A message is sent only when the line rises, so let it fall first. */
	if (round == KESTREL_IRQ_ROUNDS)
		kestrel_device_irq_again(kdev);

	return IRQ_HANDLED;
}

/**
 * kestrel_device_irq_init - get the interrupt, switched off
 * @kdev: device
 *
 * Return: 0 or a negative error code.
 */
int kestrel_device_irq_init(struct kestrel_device *kdev)
{
	return devm_request_threaded_irq(kdev->drm.dev, kdev->irq, kestrel_device_irq,
					 kestrel_device_irq_thread,
					 IRQF_ONESHOT | IRQF_NO_AUTOEN, "kestrel", kdev);
}

/**
 * kestrel_device_irq_recover - interrupt once more, should an interrupt be lost
 * @kdev: device, entered, with its interrupt on; the caller holds request_lock
 *
 * What is lost is the line's rise. As long as a cause stands there is no other, so
 * none of those to come would be seen either.
 */
void kestrel_device_irq_recover(struct kestrel_device *kdev)
{
	if (kestrel_read(kdev, KESTREL_REG_INTERRUPT_STATUS))
		kestrel_device_irq_again(kdev);
}

/**
 * kestrel_device_irq_enable - let the device interrupt
 * @kdev: device, entered, with its interrupt off
 */
void kestrel_device_irq_enable(struct kestrel_device *kdev)
{
	kestrel_write(kdev, KESTREL_REG_INTERRUPT_ENABLE, KESTREL_INTERRUPTS_USED);
	enable_irq(kdev->irq);
}

/**
 * kestrel_device_irq_disable - stop interrupts and wait for their handler
 * @kdev: device, entered, with its interrupt on
 */
void kestrel_device_irq_disable(struct kestrel_device *kdev)
{
	/* In this order, because the handler may switch the device's interrupts on. */
	disable_irq(kdev->irq);
	if (kdev->irq_held) {
		kdev->irq_held = false;
		enable_irq(kdev->irq);
	}
	kestrel_write(kdev, KESTREL_REG_INTERRUPT_ENABLE, 0);
}
