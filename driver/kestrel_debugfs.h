/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_DEBUGFS_H_
#define _KESTREL_DEBUGFS_H_

struct kestrel_device;

void kestrel_debugfs_init(struct kestrel_device *kdev);

#endif /* _KESTREL_DEBUGFS_H_ */
