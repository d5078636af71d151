// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: debugfs
 *
 * Files in the device's directory of debugfs, for root alone; docs/driver.md
 * describes them. They are no interface: their form may change at any time.
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_drv.h>

#include "kestrel_debugfs.h"
#include "kestrel_device.h"
#include "kestrel_firmware.h"
#include "kestrel_queue.h"
#include "kestrel_vm.h"

static int kestrel_debugfs_queues_show(struct seq_file *file, void *unused)
{
	static const char *const status[] = {
		[DRM_KESTREL_QUEUE_OK] = "ok", [DRM_KESTREL_QUEUE_FAULT] = "fault",
		[DRM_KESTREL_QUEUE_TIMEDOUT] = "timed out",
		[DRM_KESTREL_QUEUE_INNOCENT] = "innocent",
	};
	struct kestrel_device *kdev = file->private;
	u32 slot;

	seq_puts(file, "slot asid priority pending completed active_cycles faults status\n");
	for (slot = 0; slot < kdev->hardware.queue_count; slot++) {
		struct kestrel_queue *queue = kestrel_queue_at(kdev, slot);

		if (!queue)
			continue;
		spin_lock(&queue->lock);
		seq_printf(file, "%4u %4u %8u %7u %9llu %13llu %6u %s\n", slot,
			   queue->create.asid, queue->create.priority, queue->pending,
			   queue->completed, queue->active_cycles, queue->fault_count,
			   queue->status < ARRAY_SIZE(status) && status[queue->status] ?
			   status[queue->status] : "wedged");
		spin_unlock(&queue->lock);
		kestrel_queue_put(queue);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kestrel_debugfs_queues);

static struct kestrel_vm *kestrel_debugfs_vm(struct kestrel_device *kdev, u32 asid)
{
	struct kestrel_vm *vm;

	spin_lock(&kdev->slot_lock);
	vm = kdev->vm_slots[asid];
	if (vm && !kref_get_unless_zero(&vm->refcount))
		vm = NULL;
	spin_unlock(&kdev->slot_lock);
	return vm;
}

/* What the device finds in a mapping: pages of 4 KiB and of 2 MiB. */
static void kestrel_debugfs_pages(struct kestrel_vm *vm, const struct kestrel_interval *interval,
				  u64 *small, u64 *large)
{
	u64 va = interval->start, size = KESTREL_PAGE_SIZE;

	*small = 0;
	*large = 0;
	mutex_lock(&vm->pagetable.lock);
	for (; va < interval->start + interval->size; va += size) {
		if (!kestrel_pagetable_lookup(&vm->pagetable, va, &size)) {
			size = KESTREL_PAGE_SIZE;
			continue;
		}
		if (size == KESTREL_PAGE_SIZE)
			++*small;
		else
			++*large;
	}
	mutex_unlock(&vm->pagetable.lock);
}

static int kestrel_debugfs_maps_show(struct seq_file *file, void *unused)
{
	struct kestrel_device *kdev = file->private;
	const struct kestrel_interval *interval;
	u32 asid;

	seq_puts(file, "asid start size offset 4k 2m access\n");
	for (asid = 1; asid < kdev->hardware.asid_count; asid++) {
		struct kestrel_vm *vm = kestrel_debugfs_vm(kdev, asid);

		if (!vm)
			continue;
		mutex_lock(&vm->lock);
		for (interval = kestrel_interval_first(&vm->mappings, 0, KESTREL_VA_END);
		     interval; interval = kestrel_interval_next(interval)) {
			u64 entry = kestrel_pagetable_lookup(&vm->pagetable, interval->start,
							     NULL);
			u64 small, large;

			kestrel_debugfs_pages(vm, interval, &small, &large);
			seq_printf(file, "%4u %#llx %#llx %#llx %llu %llu %c%c%c\n", asid,
				   interval->start, interval->size, interval->offset, small, large,
				   entry & KESTREL_PTE_READ ? 'r' : '-',
				   entry & KESTREL_PTE_WRITE ? 'w' : '-',
				   entry & KESTREL_PTE_EXECUTE ? 'x' : '-');
		}
		mutex_unlock(&vm->lock);
		kestrel_vm_put(vm);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kestrel_debugfs_maps);

static int kestrel_debugfs_log_show(struct seq_file *file, void *unused)
{
	struct kestrel_device *kdev = file->private;
	struct kestrel_fw_log_record *records;
	u32 count, i;

	records = kcalloc(KESTREL_LOG_ENTRIES, sizeof(*records), GFP_KERNEL);
	if (!records)
		return -ENOMEM;

	count = kestrel_firmware_log_read(kdev, records);
	for (i = 0; i < count; i++)
		seq_printf(file, "[%llu] <%u> %s\n", records[i].time, records[i].level,
			   records[i].text);
	kfree(records);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kestrel_debugfs_log);

static int kestrel_debugfs_level_get(void *data, u64 *level)
{
	struct kestrel_device *kdev = data;

	*level = READ_ONCE(kdev->firmware.log_level);
	return 0;
}

static int kestrel_debugfs_level_set(void *data, u64 level)
{
	struct kestrel_device *kdev = data;

	if (level >= KESTREL_FW_LOG_LEVEL_COUNT)
		return -EINVAL;
	return kestrel_firmware_log_level_set(kdev, level);
}
DEFINE_DEBUGFS_ATTRIBUTE(kestrel_debugfs_level_fops, kestrel_debugfs_level_get,
			 kestrel_debugfs_level_set, "%llu\n");

static int kestrel_debugfs_kept_get(void *data, u64 *bytes)
{
	struct kestrel_device *kdev = data;

	*bytes = atomic64_read(&kdev->reset.kept_bytes);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(kestrel_debugfs_kept_fops, kestrel_debugfs_kept_get, NULL, "%llu\n");

/* A step of recovery, as if the failure had been seen that asks for it. */
static int kestrel_debugfs_inject(struct kestrel_device *kdev, const char *text)
{
	/* From KESTREL_RESET_MCU on. */
	static const char *const levels[] = { "mcu-reset", "device-reset", "wedged" };
	int level, ret;
	char rest;
	u32 slot;

	if (sscanf(text, "queue-kill %u%c", &slot, &rest) == 1)
		return kestrel_queue_kill(kdev, slot);
	level = __sysfs_match_string(levels, ARRAY_SIZE(levels), text);
	if (level < 0)
		return -EINVAL;

	/* Nothing can be reset in a device that is off. */
	ret = kestrel_power_get(kdev);
	if (ret)
		return -EIO;
	kestrel_reset_run(kdev, KESTREL_RESET_MCU + level);
	kestrel_power_put(kdev);
	return 0;
}

static ssize_t kestrel_debugfs_inject_write(struct file *file, const char __user *from,
					    size_t size, loff_t *position)
{
	struct kestrel_device *kdev = file_inode(file)->i_private;
	char *text = memdup_user_nul(from, min_t(size_t, size, 32));
	int ret = -ENODEV, idx;

	if (IS_ERR(text))
		return PTR_ERR(text);
	if (drm_dev_enter(&kdev->drm, &idx)) {
		ret = kestrel_debugfs_inject(kdev, strim(text));
		drm_dev_exit(idx);
	}
	kfree(text);
	return ret ?: size;
}

static const struct file_operations kestrel_debugfs_inject_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = kestrel_debugfs_inject_write,
};

/**
 * kestrel_debugfs_init - make the files
 * @kdev: device; they go with its directory
 */
void kestrel_debugfs_init(struct kestrel_device *kdev)
{
	struct dentry *root = kdev->drm.debugfs_root;

	debugfs_create_file("queues", 0400, root, kdev, &kestrel_debugfs_queues_fops);
	debugfs_create_file("maps", 0400, root, kdev, &kestrel_debugfs_maps_fops);
	debugfs_create_file("firmware_log", 0400, root, kdev, &kestrel_debugfs_log_fops);
	debugfs_create_file("firmware_log_level", 0600, root, kdev, &kestrel_debugfs_level_fops);
	debugfs_create_file("kept_memory", 0400, root, kdev, &kestrel_debugfs_kept_fops);
	debugfs_create_file("inject", 0200, root, kdev, &kestrel_debugfs_inject_fops);
}
