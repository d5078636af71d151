// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/capability.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/math64.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>

#include <kestrel/isa.h>

#include "kestrel_args.h"
#include "kestrel_bo.h"
#include "kestrel_compat.h"
#include "kestrel_debugfs.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_fault.h"
#include "kestrel_pci.h"
#include "kestrel_prime.h"
#include "kestrel_queue.h"
#include "kestrel_shrinker.h"
#include "kestrel_submit.h"
#include "kestrel_usage.h"
#include "kestrel_user.h"
#include "kestrel_userptr.h"
#include "kestrel_vm.h"

/**
 * kestrel_drv_limits - what the calling process may ask for
 * @kdev: device
 * @limits: filled in
 */
void kestrel_drv_limits(const struct kestrel_device *kdev,
			struct drm_kestrel_query_limits *limits)
{
	const struct kestrel_fw_control_firmware *hello = &kdev->firmware.hello;
	u32 khz = kdev->hardware.clock_max_khz;

	*limits = (struct drm_kestrel_query_limits) {
		.max_vms = min_t(u32, KESTREL_MAX_VMS, kdev->hardware.asid_count - 1),
		.max_queues = min_t(u32, KESTREL_MAX_QUEUES, hello->queues_max),
		.max_queue_jobs = hello->ring_entries_max,
		.max_submit_jobs = min_t(u32, KESTREL_MAX_SUBMIT_JOBS, hello->ring_entries_max),
		.max_bases = DRM_KESTREL_MAX_BASES,
		.max_syncs = KESTREL_MAX_SYNCS,
		.max_bind_ops = KESTREL_MAX_BIND_OPS,
		.priority_mask = BIT(DRM_KESTREL_PRIORITY_LOW) | BIT(DRM_KESTREL_PRIORITY_NORMAL),
		.default_job_timeout_ms = div_u64(KESTREL_FW_JOB_TIMEOUT_DEFAULT_CYCLES, khz),
		.max_job_timeout_ms = min_t(u64, div_u64(hello->job_timeout_max_cycles, khz),
					    U32_MAX),
		.default_timeslice_us =
			div_u64(KESTREL_FW_TIME_SLICE_DEFAULT_CYCLES * 1000ull, khz),
		.max_timeslice_us =
			div_u64(KESTREL_FW_TIME_SLICE_DEFAULT_CYCLES * 1000ull, khz),
		.max_command_size = KESTREL_ISA_STREAM_BYTES_MAX,
	};

	/* Asking is no use of the privilege, and nothing for the audit log. */
	if (!ns_capable_noaudit(&init_user_ns, CAP_SYS_NICE))
		return;
	limits->priority_mask |= BIT(DRM_KESTREL_PRIORITY_HIGH) |
				 BIT(DRM_KESTREL_PRIORITY_REALTIME);
	/* Turns go round: longer ones than everybody's are a larger share of the engine. */
	limits->max_timeslice_us = div_u64(KESTREL_FW_TIME_SLICE_MAX_CYCLES * 1000ull, khz);
}

static void kestrel_drv_query_hardware(const struct kestrel_device *kdev,
				       struct drm_kestrel_query_hardware *to)
{
	const struct kestrel_hardware *hw = &kdev->hardware;

	*to = (struct drm_kestrel_query_hardware) {
		.architecture = hw->architecture,
		.flags = hw->coherent ? DRM_KESTREL_HARDWARE_COHERENT : 0,
		.isa_major = KESTREL_VERSION_MAJOR(hw->isa),
		.isa_minor = KESTREL_VERSION_MINOR(hw->isa),
		.macs_per_cycle = hw->macs_per_cycle,
		.engine_count = hw->engine_count,
		.sram_bytes = hw->sram_bytes,
		.sram_banks = hw->sram_banks,
		.va_bits = hw->va_bits,
		.clock_min_khz = hw->clock_min_khz,
		.clock_max_khz = hw->clock_max_khz,
		.page_size_mask = KESTREL_PAGE_SIZE | KESTREL_BLOCK_SIZE,
		.features = hw->features,
	};
}

static void kestrel_drv_query_firmware(const struct kestrel_device *kdev,
				       struct drm_kestrel_query_firmware *to)
{
	const struct kestrel_fw_control_firmware *hello = &kdev->firmware.hello;

	*to = (struct drm_kestrel_query_firmware) {
		.interface_major = hello->interface_major,
		.interface_minor = hello->interface_minor,
		.version = hello->firmware_version,
	};
	strscpy(to->build, hello->build, sizeof(to->build));
}

static void kestrel_drv_query_resets(struct kestrel_device *kdev,
				     struct drm_kestrel_query_resets *to)
{
	*to = (struct drm_kestrel_query_resets) {
		.mcu = atomic_read(&kdev->reset.mcu_count),
		.device = atomic_read(&kdev->reset.full_count),
		.wedged = kestrel_reset_wedged(kdev),
		.queue_kills = atomic_read(&kdev->reset.kill_count),
	};
}

static int kestrel_query_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_device *kdev = to_kestrel_device(drm);
	struct drm_kestrel_query *args = data;
	void __user *to = u64_to_user_ptr(args->ptr);
	union {
		struct drm_kestrel_query_hardware hardware;
		struct drm_kestrel_query_firmware firmware;
		struct drm_kestrel_query_limits limits;
		struct drm_kestrel_query_resets resets;
	} answer = {};
	u32 size, known;

	switch (args->type) {
	case DRM_KESTREL_QUERY_HARDWARE:
		kestrel_drv_query_hardware(kdev, &answer.hardware);
		size = sizeof(answer.hardware);
		break;
	case DRM_KESTREL_QUERY_FIRMWARE:
		kestrel_drv_query_firmware(kdev, &answer.firmware);
		size = sizeof(answer.firmware);
		break;
	case DRM_KESTREL_QUERY_LIMITS:
		kestrel_drv_limits(kdev, &answer.limits);
		size = sizeof(answer.limits);
		break;
	case DRM_KESTREL_QUERY_RESETS:
		kestrel_drv_query_resets(kdev, &answer.resets);
		size = sizeof(answer.resets);
		break;
	default:
		return -EINVAL;
	}

	if (args->ptr) {
		if (!args->size || args->size > KESTREL_MAX_QUERY_SIZE)
			return -EINVAL;
		known = min(args->size, size);
		if (copy_to_user(to, &answer, known) ||
		    clear_user(to + known, args->size - known))
			return -EFAULT;
	}

	args->size = size;
	return 0;
}

/**
 * kestrel_file_queue_close - close a queue that a file has let go of
 * @file: file
 * @queue: queue, with the file's reference, which is dropped
 */
void kestrel_file_queue_close(struct kestrel_file *file, struct kestrel_queue *queue)
{
	kestrel_queue_close(queue);

	spin_lock(&queue->lock);
	/* What has been shown is not taken back, though its job never ended. */
	atomic64_add(max(queue->active_cycles, queue->used_cycles), &file->closed_cycles);
	/* All that it was given: what the scheduler has not come to ends when it does. */
	atomic64_add(queue->submitted, &file->closed_jobs);
	spin_unlock(&queue->lock);
	kestrel_queue_put(queue);
}

static int kestrel_drv_open(struct drm_device *drm, struct drm_file *drm_file)
{
	struct kestrel_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!file)
		return -ENOMEM;

	file->kdev = to_kestrel_device(drm);
	file->user = kestrel_user_open(file->kdev);
	if (IS_ERR(file->user)) {
		ret = PTR_ERR(file->user);
		kfree(file);
		return ret;
	}
	mutex_init(&file->lock);
	xa_init_flags(&file->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->queues, XA_FLAGS_ALLOC1);
	drm_file->driver_priv = file;
	return 0;
}

static void kestrel_drv_postclose(struct drm_device *drm, struct drm_file *drm_file)
{
	struct kestrel_file *file = drm_file->driver_priv;
	struct kestrel_queue *queue;
	struct kestrel_vm *vm;
	unsigned long id;

	xa_for_each(&file->queues, id, queue) {
		xa_erase(&file->queues, id);
		kestrel_file_queue_close(file, queue);
	}
	xa_for_each(&file->vms, id, vm) {
		xa_erase(&file->vms, id);
		kestrel_vm_clear(vm);
		kestrel_vm_put(vm);
	}

	xa_destroy(&file->queues);
	xa_destroy(&file->vms);
	mutex_destroy(&file->lock);
	kestrel_user_put(file->user);
	kfree(file);
}

/* On an accel node DRM_RENDER_ALLOW changes nothing. */
#define KESTREL_IOCTL(id, function) \
	DRM_IOCTL_DEF_DRV(KESTREL_##id, function, DRM_RENDER_ALLOW)

static const struct drm_ioctl_desc kestrel_ioctls[] = {
	KESTREL_IOCTL(QUERY, kestrel_query_ioctl),
	KESTREL_IOCTL(VM_CREATE, kestrel_vm_create_ioctl),
	KESTREL_IOCTL(VM_DESTROY, kestrel_vm_destroy_ioctl),
	KESTREL_IOCTL(VM_BIND, kestrel_vm_bind_ioctl),
	KESTREL_IOCTL(BO_CREATE, kestrel_bo_create_ioctl),
	KESTREL_IOCTL(BO_USERPTR, kestrel_bo_userptr_ioctl),
	KESTREL_IOCTL(BO_INFO, kestrel_bo_info_ioctl),
	KESTREL_IOCTL(BO_PREP, kestrel_bo_prep_ioctl),
	KESTREL_IOCTL(BO_FINI, kestrel_bo_fini_ioctl),
	KESTREL_IOCTL(QUEUE_CREATE, kestrel_queue_create_ioctl),
	KESTREL_IOCTL(QUEUE_DESTROY, kestrel_queue_destroy_ioctl),
	KESTREL_IOCTL(SUBMIT, kestrel_submit_ioctl),
	KESTREL_IOCTL(QUEUE_STATE, kestrel_queue_state_ioctl),
	KESTREL_IOCTL(FAULT_READ, kestrel_fault_read_ioctl),
	KESTREL_IOCTL(PERF_JOBS, kestrel_perf_jobs_ioctl),
	KESTREL_IOCTL(PERF_DEVICE, kestrel_perf_device_ioctl),
};

static const struct file_operations kestrel_fops = {
	.owner = THIS_MODULE,
	.show_fdinfo = drm_show_fdinfo,
	KESTREL_COMPAT_NODE_FOPS,
};

static const struct drm_driver kestrel_drm_driver = {
	.driver_features = KESTREL_COMPAT_NODE_FEATURE | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.open = kestrel_drv_open,
	.postclose = kestrel_drv_postclose,
	.show_fdinfo = kestrel_usage_show,
	.ioctls = kestrel_ioctls,
	.num_ioctls = ARRAY_SIZE(kestrel_ioctls),
	.fops = &kestrel_fops,
	.gem_create_object = kestrel_bo_create_object,
	.gem_prime_import = kestrel_prime_import,
	.gem_prime_import_sg_table = kestrel_prime_import_sgt,
	.name = DRM_KESTREL_DRIVER_NAME,
	.desc = "Kestrel NPU",
	.major = DRM_KESTREL_VERSION_MAJOR,
	.minor = DRM_KESTREL_VERSION_MINOR,
};

/* Says what is lost with a device that could not be stopped. */
static void kestrel_drv_kept(struct kestrel_device *kdev)
{
	u64 bytes = atomic64_read(&kdev->reset.kept_bytes);

	if (bytes)
		drm_warn(&kdev->drm, "%llu KiB that it may access stay allocated\n", bytes >> 10);
}

/* The opposite of all that probe does to the hardware. */
static void kestrel_drv_stop(struct kestrel_device *kdev)
{
	kestrel_reset_stop(kdev);
	kestrel_coredump_flush(kdev);
	/* All that its clients had is about to be freed. */
	mutex_lock(&kdev->firmware.request_lock);
	kestrel_reset_halt(kdev);
	mutex_unlock(&kdev->firmware.request_lock);
	kestrel_mmu_stop(kdev);
	complete_all(&kdev->silent);
	kestrel_queues_shutdown(kdev);
	/* The system may have put it to sleep, and never wakes it now. */
	kestrel_queues_resume(kdev);
	kestrel_vms_shutdown(kdev);
	kestrel_bos_shutdown(kdev);
	kestrel_firmware_fini(kdev);
	kestrel_drv_kept(kdev);
	destroy_workqueue(kdev->reset.wq);
}

/* The schedulers of queues may outlive the hardware, as files do. */
static void kestrel_drv_sched_wq_destroy(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}

static int kestrel_drv_start(struct kestrel_device *kdev)
{
	int ret;

	INIT_LIST_HEAD(&kdev->bos);
	ret = drmm_mutex_init(&kdev->drm, &kdev->bo_lock);
	if (ret)
		return ret;
	ret = drmm_mutex_init(&kdev->drm, &kdev->usage_lock);
	if (ret)
		return ret;

	kdev->huge_mount = kestrel_compat_huge_mount(&kdev->drm);
	ret = kestrel_shrinker_init(kdev);
	if (ret)
		return ret;

	kdev->sched_wq = alloc_workqueue("kestrel-sched", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!kdev->sched_wq)
		return -ENOMEM;

	ret = drmm_add_action_or_reset(&kdev->drm, kestrel_drv_sched_wq_destroy, kdev->sched_wq);
	if (ret)
		return ret;

	ret = kestrel_coredump_init(kdev);
	if (ret)
		return ret;

	ret = kestrel_perf_init(kdev);
	if (ret)
		return ret;

	ret = kestrel_power_init(kdev);
	if (ret)
		return ret;

	ret = kestrel_devfreq_init(kdev);
	if (ret)
		return ret;
	kestrel_deadline_init(kdev);

	ret = kestrel_reset_init(kdev);
	if (ret)
		return ret;

	ret = kestrel_device_reset(kdev);
	if (ret)
		goto err_reset_wq;

	ret = kestrel_mmu_init(kdev);
	if (ret)
		goto err_reset_wq;

	/* It has nothing to access before it boots. */
	ret = kestrel_firmware_init(kdev);
	if (ret) {
		/* There is no firmware that a reset could start. */
		kestrel_reset_stop(kdev);
		goto err_memory;
	}

	ret = kestrel_firmware_boot(kdev);
	if (!ret)
		ret = kestrel_device_irq_init(kdev);
	if (ret)
		goto err_firmware;

	kestrel_device_irq_enable(kdev);
	ret = kestrel_clock_start(kdev);
	if (ret)
		drm_info(&kdev->drm, "the clock cannot be changed (%d)\n", ret);
	kestrel_devfreq_start(kdev);
	kestrel_deadline_start(kdev);
	kestrel_sensors_start(kdev);
	kestrel_power_started(kdev);
	ret = drm_dev_register(&kdev->drm, 0);
	if (ret)
		goto err_irq;

	kestrel_debugfs_init(kdev);
	return 0;

err_irq:
	kestrel_power_stop(kdev);
	kestrel_sensors_stop(kdev);
	kestrel_deadline_stop(kdev);
	kestrel_devfreq_stop(kdev);
	kestrel_clock_stop(kdev);
	kestrel_power_stopped(kdev);
	disable_irq(kdev->irq);
err_firmware:
	kestrel_reset_stop(kdev);
	kestrel_coredump_flush(kdev);
	mutex_lock(&kdev->firmware.request_lock);
	kestrel_reset_halt(kdev);
	mutex_unlock(&kdev->firmware.request_lock);
err_memory:
	kestrel_firmware_fini(kdev);
	kestrel_drv_kept(kdev);
err_reset_wq:
	destroy_workqueue(kdev->reset.wq);
	return ret;
}

/**
 * kestrel_drv_alloc - make the device of a bus device
 * @dev: bus device, which owns it
 *
 * Return: the device, for the bus to fill in registers, irq and
 * hardware.coherent, or an error pointer.
 */
struct kestrel_device *kestrel_drv_alloc(struct device *dev)
{
	struct kestrel_device *kdev = devm_drm_dev_alloc(dev, &kestrel_drm_driver,
							 struct kestrel_device, drm);

	if (!IS_ERR(kdev)) {
		dev_set_drvdata(dev, kdev);
		spin_lock_init(&kdev->slot_lock);
		spin_lock_init(&kdev->user_lock);
		INIT_LIST_HEAD(&kdev->users);
		kestrel_sensors_init(kdev);
		init_completion(&kdev->silent);
	}
	return kdev;
}

/**
 * kestrel_drv_attach - start the NPU and show it to user space
 * @kdev: device, filled in by its bus
 *
 * Return: 0 or a negative error code.
 */
int kestrel_drv_attach(struct kestrel_device *kdev)
{
	struct device *dev = kdev->drm.dev;
	int ret;

	ret = kestrel_power_supply(kdev);
	if (ret)
		return ret;

	ret = kestrel_device_identify(kdev);
	if (ret)
		return ret;

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(kdev->hardware.pa_bits));
	if (ret)
		return dev_err_probe(dev, ret, "no DMA with %u bits\n", kdev->hardware.pa_bits);
	dma_set_max_seg_size(dev, UINT_MAX);

	ret = kestrel_drv_start(kdev);
	if (ret)
		return dev_err_probe(dev, ret, "the NPU does not start\n");

	drm_info(&kdev->drm, "%u MACs a cycle, %u KiB of SRAM, ISA %u.%u\n",
		 kdev->hardware.macs_per_cycle, kdev->hardware.sram_bytes / SZ_1K,
		 KESTREL_VERSION_MAJOR(kdev->hardware.isa),
		 KESTREL_VERSION_MINOR(kdev->hardware.isa));
	return 0;
}

/**
 * kestrel_drv_detach - take the NPU from user space and stop it
 * @kdev: attached device, which may be gone
 */
void kestrel_drv_detach(struct kestrel_device *kdev)
{
	kestrel_power_stop(kdev);
	kestrel_sensors_stop(kdev);
	kestrel_deadline_stop(kdev);
	kestrel_devfreq_stop(kdev);
	kestrel_clock_stop(kdev);
	/* From here on nobody else touches the hardware. */
	drm_dev_unplug(&kdev->drm);
	disable_irq(kdev->irq);
	kestrel_drv_stop(kdev);
	kestrel_power_stopped(kdev);
}

const struct attribute_group *kestrel_drv_groups[] = {
	&kestrel_power_group,
	&kestrel_reset_group,
	NULL
};

static int kestrel_platform_probe(struct platform_device *pdev)
{
	struct kestrel_device *kdev = kestrel_drv_alloc(&pdev->dev);

	if (IS_ERR(kdev))
		return PTR_ERR(kdev);

	kdev->registers = devm_platform_ioremap_resource(pdev, 0);
	if (IS_ERR(kdev->registers))
		return PTR_ERR(kdev->registers);

	kdev->irq = platform_get_irq(pdev, 0);
	if (kdev->irq < 0)
		return kdev->irq;

	kdev->hardware.coherent = device_get_dma_attr(&pdev->dev) == DEV_DMA_COHERENT;
	return kestrel_drv_attach(kdev);
}

static void kestrel_platform_remove(struct platform_device *pdev)
{
	kestrel_drv_detach(platform_get_drvdata(pdev));
}

static const struct of_device_id kestrel_of_match[] = {
	{ .compatible = "kestrel,npu-v1" },
	{}
};
MODULE_DEVICE_TABLE(of, kestrel_of_match);

static struct platform_driver kestrel_platform_driver = {
	.probe = kestrel_platform_probe,
	.remove = kestrel_platform_remove,
	.driver = {
		.name = "kestrel",
		.of_match_table = kestrel_of_match,
		.pm = pm_ptr(&kestrel_power_ops),
		.dev_groups = kestrel_drv_groups,
	},
};

static int __init kestrel_drv_init(void)
{
	int ret;

	ret = kestrel_queue_module_init();
	if (ret)
		return ret;

	ret = kestrel_pci_register();
	if (ret)
		goto err_queue;

	ret = platform_driver_register(&kestrel_platform_driver);
	if (ret)
		goto err_pci;

	return 0;

err_pci:
	kestrel_pci_unregister();
err_queue:
	kestrel_queue_module_exit();
	return ret;
}
module_init(kestrel_drv_init);

static void __exit kestrel_drv_exit(void)
{
	platform_driver_unregister(&kestrel_platform_driver);
	kestrel_pci_unregister();
	kestrel_queue_module_exit();
}
module_exit(kestrel_drv_exit);

KESTREL_COMPAT_IMPORT_NS(DMA_BUF);
MODULE_DESCRIPTION("Kestrel NPU driver");
MODULE_AUTHOR("The Kestrel authors");
/* devfreq asks for its governor by name: without it the NPU stays at one clock. */
MODULE_SOFTDEP("pre: governor_simpleondemand");
MODULE_LICENSE("GPL");
