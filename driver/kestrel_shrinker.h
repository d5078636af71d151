/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_SHRINKER_H_
#define _KESTREL_SHRINKER_H_

struct kestrel_device;

int kestrel_shrinker_init(struct kestrel_device *kdev);

#endif /* _KESTREL_SHRINKER_H_ */
