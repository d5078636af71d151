/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_PROTOCOL_H_
#define _KESTREL_PROTOCOL_H_

#include <linux/types.h>

struct kestrel_fw_control_firmware;
struct kestrel_fw_event;

int kestrel_protocol_pending(u32 write_index, u32 read_index, u32 entries, u32 *pending);
int kestrel_protocol_event_check(const struct kestrel_fw_event *event, u32 queues);
int kestrel_protocol_hello_check(const struct kestrel_fw_control_firmware *hello, u32 queues,
				 const char **reason);
void kestrel_protocol_text_clean(char *text, size_t size);
int kestrel_protocol_fence_error(const struct kestrel_fw_event *event);
u64 kestrel_protocol_cycles_ns(u64 cycles, u32 khz);
u32 kestrel_protocol_fault_type(const struct kestrel_fw_event *event);

#endif /* _KESTREL_PROTOCOL_H_ */
