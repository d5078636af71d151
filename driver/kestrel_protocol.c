// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * What the firmware says is not believed. All that comes from shared memory is
 * copied, then checked here, then used. Functions without hardware.
 */

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/time64.h>

#include <kunit/visibility.h>

#include <drm/kestrel_accel.h>
#include <kestrel/firmware.h>
#include <kestrel/isa.h>

#include "kestrel_protocol.h"

/**
 * kestrel_protocol_pending - how many entries of a ring wait to be read
 * @write_index: entries ever written, as the firmware says
 * @read_index: entries ever read
 * @entries: size of the ring
 * @pending: set to their number
 *
 * Return: 0, or -EPROTO when the index is impossible.
 */
int kestrel_protocol_pending(u32 write_index, u32 read_index, u32 entries, u32 *pending)
{
	*pending = write_index - read_index;
	if (*pending <= entries)
		return 0;

	*pending = 0;
	return -EPROTO;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_protocol_pending);

/**
 * kestrel_protocol_event_check - check a copy of an event
 * @event: the copy
 * @queues: queues that the device has
 *
 * Return: 0, or -EPROTO when it has an unknown type or queue.
 */
int kestrel_protocol_event_check(const struct kestrel_fw_event *event, u32 queues)
{
	if (event->type < KESTREL_FW_EVENT_JOB_DONE ||
	    event->type > KESTREL_FW_EVENT_QUEUE_BROKEN)
		return -EPROTO;
	return event->queue < queues ? 0 : -EPROTO;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_protocol_event_check);

/**
 * kestrel_protocol_hello_check - check what the firmware says after boot
 * @hello: copy of the firmware's part of the control block
 * @queues: queues that the device has
 * @reason: set to what is wrong when -EPROTO is returned
 *
 * Return: 0 or -EPROTO.
 */
int kestrel_protocol_hello_check(const struct kestrel_fw_control_firmware *hello, u32 queues,
				 const char **reason)
{
	*reason = NULL;

	if (hello->interface_major != KESTREL_FW_INTERFACE_MAJOR)
		*reason = "its interface version is not the one of its image";
	else if (!hello->queues_max || hello->queues_max > queues)
		*reason = "its number of queues is out of range";
	else if (!is_power_of_2(hello->ring_entries_max) || hello->ring_entries_max < 2 ||
		 hello->ring_entries_max > KESTREL_FW_RING_ENTRIES_MAX)
		*reason = "its largest ring is out of range";
	else if (!hello->time_slice_min_cycles ||
		 hello->time_slice_min_cycles > KESTREL_FW_TIME_SLICE_MAX_CYCLES)
		*reason = "its shortest time slice is out of range";
	else if (hello->job_timeout_max_cycles < KESTREL_FW_JOB_TIMEOUT_DEFAULT_CYCLES ||
		 hello->job_timeout_max_cycles > KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES)
		*reason = "its longest job timeout is out of range";

	return *reason ? -EPROTO : 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_protocol_hello_check);

/**
 * kestrel_protocol_text_clean - make text of the firmware fit to be printed
 * @text: the text; every byte that is not printable ASCII becomes '?'
 * @size: bytes of the array; the last one becomes NUL
 */
void kestrel_protocol_text_clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text; text++) {
		if (!isascii(*text) || !isprint(*text))
			*text = '?';
	}
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_protocol_text_clean);

/**
 * kestrel_protocol_cycles_ns - how long so many cycles are
 * @cycles: cycles, as the firmware says
 * @khz: clock, not 0
 *
 * Without the product that may be too large for 64 bits: on x86 that is a trap, in
 * which impossible counts must not end.
 *
 * Return: nanoseconds; any number when that is more than 64 bits hold.
 */
u64 kestrel_protocol_cycles_ns(u64 cycles, u32 khz)
{
	u64 milliseconds;
	u32 rest;

	milliseconds = div_u64_rem(cycles, khz, &rest);
	return milliseconds * NSEC_PER_MSEC + div_u64((u64)rest * NSEC_PER_MSEC, khz);
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_protocol_cycles_ns);

/**
 * kestrel_protocol_fence_error - the error of a job's fence
 * @event: how the job ended
 *
 * Return: 0 for a job that is done, else a negative error code.
 */
int kestrel_protocol_fence_error(const struct kestrel_fw_event *event)
{
	switch (event->type) {
	case KESTREL_FW_EVENT_JOB_DONE:
		return 0;
	case KESTREL_FW_EVENT_JOB_FAULT:
		switch (event->fault_code) {
		case KESTREL_FAULT_MMU:
			return -EFAULT;
		case KESTREL_FAULT_ECC:
			return -EIO;
		default:
			return -EINVAL;
		}
	case KESTREL_FW_EVENT_JOB_TIMEOUT:
	case KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT:
		return -ETIMEDOUT;
	case KESTREL_FW_EVENT_JOB_REJECTED:
		return -EINVAL;
	default:
		return -ECANCELED;
	}
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_protocol_fence_error);

/**
 * kestrel_protocol_fault_type - how a failed job is reported to its owner
 * @event: how the job ended; not JOB_DONE
 *
 * Return: enum drm_kestrel_fault_type.
 */
u32 kestrel_protocol_fault_type(const struct kestrel_fw_event *event)
{
	switch (kestrel_protocol_fence_error(event)) {
	case -EFAULT:
		return DRM_KESTREL_FAULT_MMU;
	case -EIO:
		return DRM_KESTREL_FAULT_HARDWARE;
	case -ETIMEDOUT:
		return DRM_KESTREL_FAULT_TIMEOUT;
	case -EINVAL:
		return DRM_KESTREL_FAULT_COMMAND;
	default:
		return DRM_KESTREL_FAULT_RESET;
	}
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_protocol_fault_type);
