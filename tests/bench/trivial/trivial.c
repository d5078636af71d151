// SPDX-License-Identifier: MIT
/*
 * The least that a driver on the DRM scheduler can do: one scheduler, an entity
 * for each file, jobs that a timer's interrupt ends, a syncobj out. It checks
 * nothing and has no hardware; what its job costs is what the kernel takes
 * anyhow. tests/bench/driver.py compares.
 */

#include <linux/dma-fence.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_syncobj.h>
#include <drm/gpu_scheduler.h>

#include "kestrel_compat.h"
#include "trivial.h"

struct trivial_device {
	struct drm_device drm;
	struct drm_gpu_scheduler sched;
	spinlock_t lock;
	u64 context;
	u64 seqno;
};

/* The "hardware's" fence, with the timer that stands for its interrupt. */
struct trivial_fence {
	struct dma_fence base;
	struct hrtimer timer;
};

struct trivial_job {
	struct drm_sched_job base;
	struct trivial_device *device;
};

static struct platform_device *trivial_platform;

static const char *trivial_name(struct dma_fence *fence)
{
	return TRIVIAL_DRIVER_NAME;
}

static const struct dma_fence_ops trivial_fence_ops = {
	.get_driver_name = trivial_name,
	.get_timeline_name = trivial_name,
};

static enum hrtimer_restart trivial_interrupt(struct hrtimer *timer)
{
	struct trivial_fence *fence = container_of(timer, struct trivial_fence, timer);

	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
	return HRTIMER_NORESTART;
}

static struct dma_fence *trivial_job_run(struct drm_sched_job *base)
{
	struct trivial_device *device = container_of(base, struct trivial_job, base)->device;
	struct trivial_fence *fence = kzalloc(sizeof(*fence), GFP_ATOMIC);

	if (!fence)
		return ERR_PTR(-ENOMEM);
	dma_fence_init(&fence->base, &trivial_fence_ops, &device->lock, device->context,
		       ++device->seqno);
	hrtimer_init(&fence->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	fence->timer.function = trivial_interrupt;
	dma_fence_get(&fence->base);
	hrtimer_start(&fence->timer, ns_to_ktime(TRIVIAL_DELAY_US * NSEC_PER_USEC), HRTIMER_MODE_REL_HARD);
	return &fence->base;
}

static void trivial_job_free(struct drm_sched_job *base)
{
	drm_sched_job_cleanup(base);
	kfree(container_of(base, struct trivial_job, base));
}

static const struct drm_sched_backend_ops trivial_sched_ops = {
	.run_job = trivial_job_run,
	.free_job = trivial_job_free,
};

static int trivial_open(struct drm_device *drm, struct drm_file *file)
{
	struct trivial_device *device = container_of(drm, struct trivial_device, drm);
	struct drm_gpu_scheduler *sched = &device->sched;
	struct drm_sched_entity *entity = kzalloc(sizeof(*entity), GFP_KERNEL);
	int ret;

	if (!entity)
		return -ENOMEM;
	ret = drm_sched_entity_init(entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		kfree(entity);
	else
		file->driver_priv = entity;
	return ret;
}

static void trivial_postclose(struct drm_device *drm, struct drm_file *file)
{
	drm_sched_entity_destroy(file->driver_priv);
	kfree(file->driver_priv);
}

static int trivial_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_trivial_submit *args = data;
	struct trivial_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	struct drm_syncobj *syncobj;
	int ret;

	if (!job)
		return -ENOMEM;
	job->device = container_of(drm, struct trivial_device, drm);
	ret = kestrel_compat_sched_job_init(&job->base, file->driver_priv, file, file->client_id);
	if (ret)
		goto err_free;
	syncobj = drm_syncobj_find(file, args->syncobj);
	if (!syncobj) {
		ret = -ENOENT;
		goto err_cleanup;
	}

	drm_sched_job_arm(&job->base);
	drm_syncobj_replace_fence(syncobj, &job->base.s_fence->finished);
	drm_sched_entity_push_job(&job->base);
	drm_syncobj_put(syncobj);
	return 0;

err_cleanup:
	drm_sched_job_cleanup(&job->base);
err_free:
	kfree(job);
	return ret;
}

static const struct drm_ioctl_desc trivial_ioctls[] = {
	DRM_IOCTL_DEF_DRV(TRIVIAL_SUBMIT, trivial_submit, DRM_RENDER_ALLOW),
};

static const struct file_operations trivial_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

static const struct drm_driver trivial_driver = {
	.driver_features = DRIVER_RENDER | DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE,
	.open = trivial_open,
	.postclose = trivial_postclose,
	.ioctls = trivial_ioctls,
	.num_ioctls = ARRAY_SIZE(trivial_ioctls),
	.fops = &trivial_fops,
	.name = TRIVIAL_DRIVER_NAME,
	.desc = "A job that does nothing",
};

static int trivial_probe(struct platform_device *platform)
{
	struct trivial_device *device;
	int ret;

	device = devm_drm_dev_alloc(&platform->dev, &trivial_driver, struct trivial_device, drm);
	if (IS_ERR(device))
		return PTR_ERR(device);
	platform_set_drvdata(platform, device);
	spin_lock_init(&device->lock);
	device->context = dma_fence_context_alloc(1);
	ret = kestrel_compat_sched_init(&device->sched, &trivial_sched_ops, NULL, 64, "trivial",
					&platform->dev);
	if (ret)
		return ret;
	ret = drm_dev_register(&device->drm, 0);
	if (ret)
		drm_sched_fini(&device->sched);
	return ret;
}

static void trivial_remove(struct platform_device *platform)
{
	struct trivial_device *device = platform_get_drvdata(platform);

	drm_dev_unregister(&device->drm);
	drm_sched_fini(&device->sched);
}

static struct platform_driver trivial_platform_driver = {
	.probe = trivial_probe,
	.remove = trivial_remove,
	.driver = { .name = TRIVIAL_DRIVER_NAME },
};

static int __init trivial_init(void)
{
	int ret = platform_driver_register(&trivial_platform_driver);

	if (ret)
		return ret;
	trivial_platform = platform_device_register_simple(TRIVIAL_DRIVER_NAME, -1, NULL, 0);
	if (IS_ERR(trivial_platform)) {
		platform_driver_unregister(&trivial_platform_driver);
		return PTR_ERR(trivial_platform);
	}
	return 0;
}

static void __exit trivial_exit(void)
{
	platform_device_unregister(trivial_platform);
	platform_driver_unregister(&trivial_platform_driver);
}

module_init(trivial_init);
module_exit(trivial_exit);

MODULE_DESCRIPTION("The least that a driver on the DRM scheduler can do");
MODULE_LICENSE("Dual MIT/GPL");
