// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <kunit/test.h>
#include <linux/module.h>

#include <drm/kestrel_accel.h>
#include <kestrel/firmware.h>
#include <kestrel/isa.h>

#include "kestrel_protocol.h"

static void protocol_pending(struct kunit *test)
{
	u32 pending;

	KUNIT_EXPECT_EQ(test, kestrel_protocol_pending(5, 5, 16, &pending), 0);
	KUNIT_EXPECT_EQ(test, pending, 0);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_pending(21, 5, 16, &pending), 0);
	KUNIT_EXPECT_EQ(test, pending, 16);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_pending(22, 5, 16, &pending), -EPROTO);
	KUNIT_EXPECT_EQ(test, pending, 0);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_pending(4, 5, 16, &pending), -EPROTO);
	/* Indices wrap. */
	KUNIT_EXPECT_EQ(test, kestrel_protocol_pending(2, U32_MAX, 16, &pending), 0);
	KUNIT_EXPECT_EQ(test, pending, 3);
}

static void protocol_event_check(struct kunit *test)
{
	struct kestrel_fw_event event = { .type = KESTREL_FW_EVENT_JOB_DONE, .queue = 7 };

	KUNIT_EXPECT_EQ(test, kestrel_protocol_event_check(&event, 8), 0);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_event_check(&event, 7), -EPROTO);
	event.queue = U32_MAX;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_event_check(&event, 8), -EPROTO);
	event.queue = 0;
	event.type = 0;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_event_check(&event, 8), -EPROTO);
	event.type = KESTREL_FW_EVENT_QUEUE_BROKEN;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_event_check(&event, 8), 0);
	event.type = KESTREL_FW_EVENT_QUEUE_BROKEN + 1;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_event_check(&event, 8), -EPROTO);
}

static void protocol_hello_check(struct kunit *test)
{
	const struct kestrel_fw_control_firmware good = {
		.state = KESTREL_FW_STATE_READY,
		.interface_major = KESTREL_FW_INTERFACE_MAJOR,
		.interface_minor = KESTREL_FW_INTERFACE_MINOR,
		.queues_max = 128,
		.ring_entries_max = KESTREL_FW_RING_ENTRIES_MAX,
		.time_slice_min_cycles = KESTREL_FW_TIME_SLICE_MIN_CYCLES,
		.job_timeout_max_cycles = KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES,
	};
	struct kestrel_fw_control_firmware hello = good;
	const char *reason;

	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), 0);
	KUNIT_EXPECT_NULL(test, reason);

	hello.interface_minor++;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), 0);
	hello.interface_major++;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	KUNIT_EXPECT_NOT_NULL(test, reason);
	hello = good;
	hello.queues_max = 0;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello.queues_max = 129;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello = good;
	hello.ring_entries_max = 48;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello.ring_entries_max = 1;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello.ring_entries_max = 2 * KESTREL_FW_RING_ENTRIES_MAX;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello = good;
	hello.time_slice_min_cycles = 0;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello.time_slice_min_cycles = U32_MAX;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello = good;
	hello.job_timeout_max_cycles = 0;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
	hello.job_timeout_max_cycles = U64_MAX;
	KUNIT_EXPECT_EQ(test, kestrel_protocol_hello_check(&hello, 128, &reason), -EPROTO);
}

static void protocol_text_clean(struct kunit *test)
{
	char text[8] = { 'a', '\n', '\x1b', '\xc3', '%', 's', 'x', 'y' };

	kestrel_protocol_text_clean(text, sizeof(text));
	KUNIT_EXPECT_STREQ(test, text, "a\?\?\?%sx");
}

static void protocol_errors(struct kunit *test)
{
	const struct {
		u32 type;
		u32 code;
		int error;
		u32 fault;
	} cases[] = {
		{ KESTREL_FW_EVENT_JOB_FAULT, KESTREL_FAULT_MMU, -EFAULT, DRM_KESTREL_FAULT_MMU },
		{ KESTREL_FW_EVENT_JOB_FAULT, KESTREL_FAULT_ECC, -EIO,
		  DRM_KESTREL_FAULT_HARDWARE },
		{ KESTREL_FW_EVENT_JOB_FAULT, KESTREL_FAULT_ILLEGAL_OPCODE, -EINVAL,
		  DRM_KESTREL_FAULT_COMMAND },
		{ KESTREL_FW_EVENT_JOB_FAULT, U32_MAX, -EINVAL, DRM_KESTREL_FAULT_COMMAND },
		{ KESTREL_FW_EVENT_JOB_TIMEOUT, 0, -ETIMEDOUT, DRM_KESTREL_FAULT_TIMEOUT },
		{ KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT, 0, -ETIMEDOUT, DRM_KESTREL_FAULT_TIMEOUT },
		{ KESTREL_FW_EVENT_JOB_REJECTED, 1, -EINVAL, DRM_KESTREL_FAULT_COMMAND },
		{ KESTREL_FW_EVENT_JOB_LOST, 0, -ECANCELED, DRM_KESTREL_FAULT_RESET },
	};
	struct kestrel_fw_event event = { .type = KESTREL_FW_EVENT_JOB_DONE };
	unsigned int i;

	KUNIT_EXPECT_EQ(test, kestrel_protocol_fence_error(&event), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		event.type = cases[i].type;
		event.fault_code = cases[i].code;
		KUNIT_EXPECT_EQ_MSG(test, kestrel_protocol_fence_error(&event), cases[i].error,
				    "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, kestrel_protocol_fault_type(&event), cases[i].fault,
				    "case %u", i);
	}
}

static void protocol_cycles(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kestrel_protocol_cycles_ns(0, 1), 0);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_cycles_ns(1, 500000), 2);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_cycles_ns(500001, 500000), 1000002);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_cycles_ns(999999, 1000000), 999999);
	KUNIT_EXPECT_EQ(test, kestrel_protocol_cycles_ns(3, U32_MAX), 0);
	/* More than fits must not trap. */
	kestrel_protocol_cycles_ns(U64_MAX, 1);
	kestrel_protocol_cycles_ns(U64_MAX, 500000);
}

static struct kunit_case protocol_cases[] = {
	KUNIT_CASE(protocol_pending),
	KUNIT_CASE(protocol_event_check),
	KUNIT_CASE(protocol_hello_check),
	KUNIT_CASE(protocol_text_clean),
	KUNIT_CASE(protocol_errors),
	KUNIT_CASE(protocol_cycles),
	{}
};

static struct kunit_suite protocol_suite = {
	.name = "kestrel_protocol",
	.test_cases = protocol_cases,
};

kunit_test_suite(protocol_suite);
