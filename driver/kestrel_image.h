/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_IMAGE_H_
#define _KESTREL_IMAGE_H_

#include <linux/types.h>

struct kestrel_fw_image_header;

int kestrel_image_check(const void *data, size_t size, u32 tcm_bytes, const char **reason,
			struct kestrel_fw_image_header *header);

#endif /* _KESTREL_IMAGE_H_ */
