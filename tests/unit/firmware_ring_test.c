// SPDX-License-Identifier: MIT
/* Ring indices, job entries and queue requests: what the firmware lets pass. */
#include <kestrel/isa.h>
#include <kestrel/regs.h>

#include "firmware_test.h"
#include "ring.h"

#define ASIDS 256
#define SRAM 393216

static struct kestrel_fw_job good_job(void)
{
	return (struct kestrel_fw_job){
		.seqno = 7,
		.command_address = 0x10000,
		.command_size = 4096,
		.base_count = 2,
		.base = { { 0x200000, 65536 }, { 0x400000, 1 } },
	};
}

static void sizes(void)
{
	CHECK(ring_size_valid(2, 2, 64));
	CHECK(ring_size_valid(64, 2, 64));
	CHECK(!ring_size_valid(0, 0, 64));
	CHECK(!ring_size_valid(1, 2, 64));
	CHECK(!ring_size_valid(128, 2, 64));
	CHECK(!ring_size_valid(48, 2, 64));
	CHECK(!ring_size_valid(0xffffffff, 2, 64));
}

static void indices(void)
{
	CHECK(ring_fill(5, 5) == 0);
	CHECK(ring_fill(5, 3) == 2);
	/* Across the wrap of 2^32, and behind the reader: larger than any ring. */
	CHECK(ring_fill(1, 0xffffffff) == 2);
	CHECK(ring_fill(3, 5) > KESTREL_FW_RING_ENTRIES_MAX);
	CHECK(ring_position(0xffffffff, 16) == 15);
	CHECK(ring_position(0, 16) == 0);
}

static void windows(void)
{
	CHECK(ring_window_valid(0, 64));
	CHECK(ring_window_valid(KESTREL_MCU_WINDOW_BYTES - 64, 64));
	CHECK(!ring_window_valid(KESTREL_MCU_WINDOW_BYTES - 64, 65));
	CHECK(!ring_window_valid(32, 64));
	CHECK(!ring_window_valid(KESTREL_MCU_WINDOW_BYTES, 64));
	CHECK(!ring_window_valid(~0ull & ~63ull, 128));
	CHECK(!ring_window_valid(64, ~0ull));
}

static void jobs(void)
{
	struct kestrel_fw_job job = good_job();
	uint32_t detail = 99;

	CHECK(ring_job_check(&job, 6) == 0);
	CHECK(ring_job_check_bases(&job, &detail) == 0);
	CHECK(ring_job_check(&job, 7) == KESTREL_FW_JOB_ERROR_SEQNO);
	CHECK(ring_job_check(&job, 8) == KESTREL_FW_JOB_ERROR_SEQNO);

	job.command_address = 0x10008;
	CHECK(ring_job_check(&job, 6) == KESTREL_FW_JOB_ERROR_COMMAND);
	job.command_address = ~0ull & ~15ull;
	CHECK(ring_job_check(&job, 6) == KESTREL_FW_JOB_ERROR_COMMAND);
	job = good_job();
	job.command_size = KESTREL_ISA_STREAM_BYTES_MAX + 1;
	CHECK(ring_job_check(&job, 6) == KESTREL_FW_JOB_ERROR_COMMAND);

	job = good_job();
	job.base_count = KESTREL_FW_BASES_MAX;
	CHECK(ring_job_check(&job, 6) == 0);
	job.base_count = KESTREL_FW_BASES_MAX + 1;
	CHECK(ring_job_check(&job, 6) == KESTREL_FW_JOB_ERROR_BASE_COUNT);
	job.base_count = 0xffffffff;
	CHECK(ring_job_check(&job, 6) == KESTREL_FW_JOB_ERROR_BASE_COUNT);

	job = good_job();
	job.reserved = 1;
	CHECK(ring_job_check(&job, 6) == KESTREL_FW_JOB_ERROR_RESERVED);
}

static void empty_jobs(void)
{
	struct kestrel_fw_job job = { .seqno = 1 };

	CHECK(ring_job_check(&job, 0) == 0);
	job.base_count = 1;
	CHECK(ring_job_check(&job, 0) == KESTREL_FW_JOB_ERROR_BASE_COUNT);
	job = (struct kestrel_fw_job){ .seqno = 1, .command_address = 16 };
	CHECK(ring_job_check(&job, 0) == KESTREL_FW_JOB_ERROR_COMMAND);
	job = (struct kestrel_fw_job){ .seqno = 0 };
	CHECK(ring_job_check(&job, 0) == KESTREL_FW_JOB_ERROR_SEQNO);
}

static void bases(void)
{
	struct kestrel_fw_job job = good_job();
	uint32_t detail = 99;

	job.base[1] = (struct kestrel_fw_base){ ~0ull - 9, 10 };
	CHECK(ring_job_check_bases(&job, &detail) == 0);
	job.base[1].size = 11;
	CHECK(ring_job_check_bases(&job, &detail) == KESTREL_FW_JOB_ERROR_BASE);
	CHECK(detail == 1);
	/* A base that is not in use may hold anything. */
	job.base_count = 1;
	CHECK(ring_job_check_bases(&job, &detail) == 0);
}

static void queue_requests(void)
{
	const struct kestrel_fw_create_queue good = {
		.ring_address = 0x100000,
		.ring_entries = 16,
		.asid = 3,
		.priority = KESTREL_FW_PRIORITY_HIGH,
		.save_address = 0x4000000000,
		.save_size = SRAM,
	};
	struct kestrel_fw_create_queue create = good;
	uint32_t field;

#define REFUSED(member, value)									\
	do {											\
		create = good;									\
		create.member = (value);							\
		CHECK(ring_create_check(&create, ASIDS, SRAM, &field));				\
		CHECK(field == offsetof(struct kestrel_fw_create_queue, member));		\
	} while (0)
#define TAKEN(member, value)									\
	do {											\
		create = good;									\
		create.member = (value);							\
		CHECK(!ring_create_check(&create, ASIDS, SRAM, &field));			\
	} while (0)

	CHECK(!ring_create_check(&create, ASIDS, SRAM, &field));
	REFUSED(ring_address, 0x100001);
	REFUSED(ring_address, 0x80000000);
	REFUSED(ring_address, 0x80000000 - 4096);
	REFUSED(ring_entries, 0);
	REFUSED(ring_entries, 1);
	REFUSED(ring_entries, 17);
	REFUSED(ring_entries, 128);
	REFUSED(asid, 0);
	REFUSED(asid, ASIDS);
	TAKEN(asid, ASIDS - 1);
	REFUSED(priority, KESTREL_FW_PRIORITY_COUNT);
	REFUSED(time_slice_cycles, KESTREL_FW_TIME_SLICE_MIN_CYCLES - 1);
	REFUSED(time_slice_cycles, KESTREL_FW_TIME_SLICE_MAX_CYCLES + 1);
	TAKEN(time_slice_cycles, KESTREL_FW_TIME_SLICE_MIN_CYCLES);
	REFUSED(job_timeout_cycles, KESTREL_FW_JOB_TIMEOUT_MIN_CYCLES - 1);
	REFUSED(job_timeout_cycles, KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES + 1);
	TAKEN(job_timeout_cycles, KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES);
	REFUSED(save_size, SRAM - 1);
	REFUSED(save_address, 0x4000000001);
	REFUSED(save_address, ~0ull & ~63ull);
	REFUSED(reserved, 1);
	/* No save area at all is a choice; an address without a size is not. */
	create = good;
	create.save_size = 0;
	CHECK(ring_create_check(&create, ASIDS, SRAM, &field));
	create.save_address = 0;
	CHECK(!ring_create_check(&create, ASIDS, SRAM, &field));
}

int main(void)
{
	test_group("ring sizes", sizes);
	test_group("ring indices", indices);
	test_group("addresses in the window", windows);
	test_group("jobs", jobs);
	test_group("jobs without commands", empty_jobs);
	test_group("bases of jobs", bases);
	test_group("queue requests", queue_requests);
	return test_failures != 0;
}
