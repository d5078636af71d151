// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: users
 *
 * Address spaces and queues of a device are few, and whoever may open its node
 * could take all of them. So each user, that is the uid which opened a file, has
 * a share. Who has CAP_SYS_RESOURCE goes beyond it.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>

#include "kestrel_device.h"
#include "kestrel_user.h"

static unsigned int user_max_vms = 128;
module_param(user_max_vms, uint, 0644);
MODULE_PARM_DESC(user_max_vms, "VMs that all files of one user may have (default 128)");

static unsigned int user_max_queues = 64;
module_param(user_max_queues, uint, 0644);
MODULE_PARM_DESC(user_max_queues, "Queues that all files of one user may have (default 64)");

static unsigned int user_max_memory_mib;
module_param(user_max_memory_mib, uint, 0644);
MODULE_PARM_DESC(user_max_memory_mib,
		 "Memory that all files of one user may have, in MiB (default 0: half of the machine's)");

static u64 kestrel_user_limit(enum kestrel_user_resource resource)
{
	switch (resource) {
	case KESTREL_USER_VMS:
		return READ_ONCE(user_max_vms);
	case KESTREL_USER_QUEUES:
		return READ_ONCE(user_max_queues);
	default:
		if (READ_ONCE(user_max_memory_mib))
			return (u64)READ_ONCE(user_max_memory_mib) * SZ_1M;
		return ((u64)totalram_pages() << PAGE_SHIFT) / 2;
	}
}

static struct kestrel_user *kestrel_user_find(struct kestrel_device *kdev, kuid_t uid)
{
	struct kestrel_user *user;

	list_for_each_entry(user, &kdev->users, link) {
		if (uid_eq(user->uid, uid) && kref_get_unless_zero(&user->refcount))
			return user;
	}
	return NULL;
}

/**
 * kestrel_user_open - find or make the calling user
 * @kdev: device
 *
 * Return: the user with a reference, or an ERR_PTR().
 */
struct kestrel_user *kestrel_user_open(struct kestrel_device *kdev)
{
	struct kestrel_user *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	struct kestrel_user *user;

	if (!fresh)
		return ERR_PTR(-ENOMEM);

	kref_init(&fresh->refcount);
	fresh->kdev = kdev;
	fresh->uid = current_uid();

	spin_lock(&kdev->user_lock);
	user = kestrel_user_find(kdev, fresh->uid);
	if (!user) {
		list_add(&fresh->link, &kdev->users);
		drm_dev_get(&kdev->drm);
	}
	spin_unlock(&kdev->user_lock);

	if (!user)
		return fresh;
	kfree(fresh);
	return user;
}

/**
 * kestrel_user_ref - take one more reference
 * @user: user
 *
 * Return: @user.
 */
struct kestrel_user *kestrel_user_ref(struct kestrel_user *user)
{
	kref_get(&user->refcount);
	return user;
}

static void kestrel_user_release(struct kref *refcount)
{
	struct kestrel_user *user = container_of(refcount, struct kestrel_user, refcount);
	struct kestrel_device *kdev = user->kdev;

	spin_lock(&kdev->user_lock);
	list_del(&user->link);
	spin_unlock(&kdev->user_lock);

	kfree(user);
	drm_dev_put(&kdev->drm);
}

/**
 * kestrel_user_put - drop a reference
 * @user: user
 */
void kestrel_user_put(struct kestrel_user *user)
{
	kref_put(&user->refcount, kestrel_user_release);
}

/**
 * kestrel_user_charge - take some of a resource
 * @user: user
 * @resource: which
 * @amount: how much
 *
 * Return: 0, or -EDQUOT when that is more than the user's share.
 */
int kestrel_user_charge(struct kestrel_user *user, enum kestrel_user_resource resource,
			u64 amount)
{
	struct kestrel_device *kdev = user->kdev;
	u64 limit = kestrel_user_limit(resource);
	bool exceeds;

	spin_lock(&kdev->user_lock);
	user->used[resource] += amount;
	exceeds = user->used[resource] > limit;
	spin_unlock(&kdev->user_lock);

	/* Asked only by who needs it, and where it may be written to a log. */
	if (!exceeds || capable(CAP_SYS_RESOURCE))
		return 0;

	kestrel_user_uncharge(user, resource, amount);
	return -EDQUOT;
}

/**
 * kestrel_user_uncharge - give some of a resource back
 * @user: user
 * @resource: which
 * @amount: how much
 */
void kestrel_user_uncharge(struct kestrel_user *user, enum kestrel_user_resource resource,
			   u64 amount)
{
	struct kestrel_device *kdev = user->kdev;

	spin_lock(&kdev->user_lock);
	user->used[resource] -= amount;
	spin_unlock(&kdev->user_lock);
}
