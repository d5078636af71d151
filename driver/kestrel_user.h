/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_USER_H_
#define _KESTREL_USER_H_

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid_types.h>

struct kestrel_device;

/**
 * enum kestrel_user_resource - what a user has a limited share of
 */
enum kestrel_user_resource {
	/** @KESTREL_USER_VMS: address space identifiers. */
	KESTREL_USER_VMS,
	/** @KESTREL_USER_QUEUES: queues of the device. */
	KESTREL_USER_QUEUES,
	/** @KESTREL_USER_BYTES: memory of BOs, and of rings and save areas of queues. */
	KESTREL_USER_BYTES,
	/** @KESTREL_USER_RESOURCES: their number. */
	KESTREL_USER_RESOURCES
};

/**
 * struct kestrel_user - what the files of one user have of one device
 *
 * Referenced by each of its files, and by all that is charged to it.
 */
struct kestrel_user {
	/** @refcount: references. */
	struct kref refcount;
	/** @kdev: device; the user keeps it. */
	struct kestrel_device *kdev;
	/** @uid: who; constant. */
	kuid_t uid;
	/** @link: in &kestrel_device.users. Guarded by &kestrel_device.user_lock. */
	struct list_head link;
	/** @used: of each resource. Guarded by &kestrel_device.user_lock. */
	u64 used[KESTREL_USER_RESOURCES];
};

struct kestrel_user *kestrel_user_open(struct kestrel_device *kdev);
struct kestrel_user *kestrel_user_ref(struct kestrel_user *user);
void kestrel_user_put(struct kestrel_user *user);
int kestrel_user_charge(struct kestrel_user *user, enum kestrel_user_resource resource,
			u64 amount);
void kestrel_user_uncharge(struct kestrel_user *user, enum kestrel_user_resource resource,
			   u64 amount);

#endif /* _KESTREL_USER_H_ */
