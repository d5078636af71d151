// SPDX-License-Identifier: MIT
/* PERF_JOBS and PERF_DEVICE: what jobs did, and what the device did. */
#include <unistd.h>

#include <kestrel/regs.h>

#include "kestrel.h"

#include "kselftest_harness.h"

#define COPIED	4096u
/* Of a queue that is asked for them. */
#define RECORDS	64

FIXTURE(perf) {
	struct client client;
};

FIXTURE_SETUP(perf)
{
	struct drm_kestrel_queue_create create = {
		.priority = DRM_KESTREL_PRIORITY_NORMAL, .max_jobs = 16,
		.flags = DRM_KESTREL_QUEUE_PERF,
	};

	ASSERT_EQ(client_open(&self->client, 0), 0);
	create.vm_id = self->client.vm;
	ASSERT_EQ(queue_destroy(self->client.fd, self->client.queue), 0);
	ASSERT_EQ(device_ioctl(self->client.fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), 0);
	self->client.queue = create.queue_id;
}

FIXTURE_TEARDOWN(perf)
{
	client_close(&self->client);
}

static int device_read(struct client *client, struct drm_kestrel_perf_device *device)
{
	*device = (struct drm_kestrel_perf_device){ 0 };
	return device_ioctl(client->fd, DRM_IOCTL_KESTREL_PERF_DEVICE, device);
}

TEST_F(perf, a_job_is_counted)
{
	struct client *client = &self->client;
	struct drm_kestrel_perf_job jobs[4] = { 0 };
	uint32_t count = 4, lost;
	uint64_t cursor = 0;
	size_t size = stream_copy(client, 0, 0, 8192, COPIED);

	ASSERT_EQ(client_run(client, 0, size), 0);
	ASSERT_EQ(jobs_read(client, jobs, &count, &cursor, &lost), 0);
	ASSERT_EQ(count, 1);
	EXPECT_EQ(cursor, 1);
	EXPECT_EQ(lost, 0);
	EXPECT_EQ(jobs[0].seqno, 1);
	EXPECT_EQ(jobs[0].error, 0);
	EXPECT_EQ(jobs[0].macs, 0);
	/* The stream is read, too. */
	EXPECT_GE(jobs[0].read_bytes, COPIED);
	EXPECT_LT(jobs[0].read_bytes, 2 * COPIED);
	EXPECT_EQ(jobs[0].write_bytes, COPIED);
	EXPECT_GT(jobs[0].busy_cycles[0], 0);
	EXPECT_GT(jobs[0].busy_cycles[1], 0);
	EXPECT_EQ(jobs[0].busy_cycles[2], 0);
	EXPECT_EQ(jobs[0].busy_cycles[3], 0);
	EXPECT_GE(jobs[0].active_cycles, jobs[0].busy_cycles[0]);
	EXPECT_GE(jobs[0].end_cycle - jobs[0].start_cycle, jobs[0].active_cycles);
	EXPECT_NE(jobs[0].end_time_ns, 0);
}

TEST_F(perf, a_failed_job_is_counted)
{
	struct client *client = &self->client;
	struct drm_kestrel_perf_job job = { 0 };
	uint32_t count = 1, lost;
	uint64_t cursor = 0;

	EXPECT_NE(client_run(client, 0, stream_illegal(client, 0)), 0);
	ASSERT_EQ(jobs_read(client, &job, &count, &cursor, &lost), 0);
	ASSERT_EQ(count, 1);
	EXPECT_LT(job.error, 0);
}

TEST_F(perf, old_records_are_lost)
{
	struct client *client = &self->client;
	struct drm_kestrel_perf_job jobs[RECORDS + 1];
	uint32_t count = RECORDS + 1, lost, i;
	uint64_t cursor = 1;
	size_t size = stream_end(client, 0);

	for (i = 0; i < RECORDS + 5; i++)
		ASSERT_EQ(client_run(client, 0, size), 0);
	ASSERT_EQ(jobs_read(client, jobs, &count, &cursor, &lost), 0);
	EXPECT_EQ(count, RECORDS);
	EXPECT_EQ(lost, 4);
	EXPECT_EQ(cursor, RECORDS + 5);
	for (i = 0; i < RECORDS; i++)
		EXPECT_EQ(jobs[i].seqno, 6 + i);
	count = 0;
	ASSERT_EQ(jobs_read(client, NULL, &count, &cursor, &lost), 0);
	EXPECT_EQ(count, 0);
}

TEST_F(perf, jobs_refuses)
{
	struct client *client = &self->client;
	struct drm_kestrel_perf_job job;
	struct drm_kestrel_perf_jobs args;
	uint32_t plain;

	ASSERT_EQ(queue_create(client->fd, client->vm, 4, 0, &plain), 0);
#define EXPECT_BAD(change, error) do { \
	args = (struct drm_kestrel_perf_jobs) { \
		.queue_id = client->queue, \
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job }, \
	}; \
	args.change; \
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_PERF_JOBS, &args), error); \
} while (0)
	EXPECT_BAD(queue_id = client->queue + 1000, -ENOENT);
	EXPECT_BAD(queue_id = plain, -EPERM);
	EXPECT_BAD(flags = 1, -EINVAL);
	EXPECT_BAD(pad = 1, -EINVAL);
	EXPECT_BAD(cursor = 1, -EINVAL);
	EXPECT_BAD(jobs.stride = sizeof(job) - 8, -EINVAL);
	EXPECT_BAD(jobs.stride = 8192, -EINVAL);
	EXPECT_BAD(jobs.count = 0, -EINVAL);
	EXPECT_BAD(jobs.ptr = 0, -EINVAL);
#undef EXPECT_BAD
	ASSERT_EQ(client_run(client, 0, stream_end(client, 0)), 0);
	args = (struct drm_kestrel_perf_jobs) {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = 8 },
	};
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_PERF_JOBS, &args), -EFAULT);
}

TEST_F(perf, queue_create_refuses_other_flags)
{
	struct drm_kestrel_queue_create create = {
		.vm_id = self->client.vm, .max_jobs = 4, .flags = DRM_KESTREL_QUEUE_PERF << 1,
	};

	EXPECT_EQ(device_ioctl(self->client.fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), -EINVAL);
}

TEST_F(perf, the_device_is_counted)
{
	struct client *client = &self->client;
	struct drm_kestrel_perf_device before, after;
	size_t size = stream_copy(client, 0, 0, 8192, COPIED);
	uint64_t jobs;

	ASSERT_EQ(device_read(client, &before), 0);
	ASSERT_EQ(client_run(client, 0, size), 0);
	/* Long enough for it to be switched off, which must lose nothing. */
	usleep(300000);
	ASSERT_EQ(device_read(client, &after), 0);
	jobs = after.counters[KESTREL_COUNTER_JOBS] - before.counters[KESTREL_COUNTER_JOBS];
	EXPECT_EQ(jobs, 1);
	EXPECT_GE(after.counters[KESTREL_COUNTER_PORT0_WRITE_BYTES] +
		  after.counters[KESTREL_COUNTER_PORT1_WRITE_BYTES],
		  before.counters[KESTREL_COUNTER_PORT0_WRITE_BYTES] +
		  before.counters[KESTREL_COUNTER_PORT1_WRITE_BYTES] + COPIED);
	EXPECT_GT(after.counters[KESTREL_COUNTER_CYCLES], before.counters[KESTREL_COUNTER_CYCLES]);
	EXPECT_GT(after.time_ns, before.time_ns);
	EXPECT_EQ(after.counters[DRM_KESTREL_PERF_COUNTERS - 1], 0);
}

TEST_F(perf, the_device_needs_a_capability)
{
	struct drm_kestrel_perf_device device = { .flags = 1 };

	EXPECT_EQ(device_ioctl(self->client.fd, DRM_IOCTL_KESTREL_PERF_DEVICE, &device), -EINVAL);
	/* A user other than root keeps none. */
	ASSERT_EQ(setresuid(65534, 65534, 65534), 0);
	EXPECT_EQ(device_read(&self->client, &device), -EACCES);
}

TEST_HARNESS_MAIN
