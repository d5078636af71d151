// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * The pages of a BO stay pinned and mapped for DMA after its last mapping in a VM
 * is gone, for the next one comes soon as a rule. When memory is short they are
 * let go: their contents stay, but can be written to swap. The next mapping gets
 * them back.
 *
 * Called from memory reclaim, which may come from anywhere that allocates, so all
 * locks are tried only.
 */

#include <linux/dma-resv.h>
#include <linux/shrinker.h>

#include <drm/drm_managed.h>

#include "kestrel_bo.h"
#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_shrinker.h"

/* What nobody has pinned now, unless the device may access it all the same. */
static bool kestrel_shrinker_may_take(const struct kestrel_bo *bo)
{
	return !atomic_read_acquire(&bo->pins) && !bo->userptr &&
	       !bo->base.base.import_attach && bo->base.sgt &&
	       !kestrel_reset_uncontained(to_kestrel_device(bo->base.base.dev));
}

static unsigned long kestrel_shrinker_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct kestrel_device *kdev = shrinker->private_data;
	unsigned long pages = 0;
	struct kestrel_bo *bo;

	if (!mutex_trylock(&kdev->bo_lock))
		return 0;

	list_for_each_entry(bo, &kdev->bos, link) {
		if (kestrel_shrinker_may_take(bo))
			pages += bo->base.base.size >> PAGE_SHIFT;
	}
	mutex_unlock(&kdev->bo_lock);
	return pages ?: SHRINK_EMPTY;
}

/* Returns the number of pages that nobody has pinned any more. */
static unsigned long kestrel_shrinker_take(struct kestrel_bo *bo)
{
	struct dma_resv *resv = bo->base.base.resv;
	unsigned long pages = 0;

	if (!dma_resv_trylock(resv))
		return 0;

	/* Who pins it from here on waits for the lock, and maps it again. */
	if (kestrel_shrinker_may_take(bo)) {
		list_del_init(&bo->link);
		kestrel_bo_dma_unmap(bo);
		kestrel_compat_shmem_put_pages(&bo->base);
		/* The CPU, or another driver, may have them still. */
		if (!bo->base.pages)
			pages = bo->base.base.size >> PAGE_SHIFT;
	}
	dma_resv_unlock(resv);
	return pages;
}

static unsigned long kestrel_shrinker_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct kestrel_device *kdev = shrinker->private_data;
	struct kestrel_bo *bo, *next;
	unsigned long pages = 0;

	if (!mutex_trylock(&kdev->bo_lock))
		return SHRINK_STOP;

	list_for_each_entry_safe_reverse(bo, next, &kdev->bos, link) {
		if (pages >= sc->nr_to_scan)
			break;
		pages += kestrel_shrinker_take(bo);
	}
	mutex_unlock(&kdev->bo_lock);
	return pages ?: SHRINK_STOP;
}

static void kestrel_shrinker_free(struct drm_device *drm, void *shrinker)
{
	shrinker_free(shrinker);
}

/**
 * kestrel_shrinker_init - let memory reclaim have idle BOs
 * @kdev: device, with its list of BOs
 *
 * Not on hardware that is not coherent: whether the device or the CPU has the
 * newer bytes of a BO is known to its owner only.
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_shrinker_init(struct kestrel_device *kdev)
{
	struct shrinker *shrinker;

	if (!kdev->hardware.coherent)
		return 0;

	shrinker = shrinker_alloc(0, "drm-kestrel");
	if (!shrinker)
		return -ENOMEM;

	shrinker->count_objects = kestrel_shrinker_count;
	shrinker->scan_objects = kestrel_shrinker_scan;
	shrinker->private_data = kdev;
	shrinker_register(shrinker);
	return drmm_add_action_or_reset(&kdev->drm, kestrel_shrinker_free, shrinker);
}
