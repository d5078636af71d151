/* SPDX-License-Identifier: MIT */
/* What the trivial driver and its caller agree on. */
#ifndef TRIVIAL_H
#define TRIVIAL_H

#ifdef __KERNEL__
#include <drm/drm.h>
#else
#include <drm.h>
#endif

/* A job that ends TRIVIAL_DELAY_US after its start and then signals a syncobj. */
struct drm_trivial_submit {
	/* Handle of the syncobj. */
	__u32 syncobj;
	/* 0. */
	__u32 pad;
};

#define TRIVIAL_DRIVER_NAME "trivial"
#define TRIVIAL_DELAY_US 200

#define DRM_IOCTL_TRIVIAL_SUBMIT \
	DRM_IOW(DRM_COMMAND_BASE, struct drm_trivial_submit)

#endif
