// SPDX-License-Identifier: MIT
/* Queues and jobs: running them, ordering them, every field that can be wrong. */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kestrel/isa.h>

#include "kestrel.h"

#include "kselftest_harness.h"

FIXTURE(jobs)
{
	struct client client;
};

FIXTURE_SETUP(jobs)
{
	ASSERT_EQ(client_open(&self->client, 0), 0);
}

FIXTURE_TEARDOWN(jobs)
{
	client_close(&self->client);
}

static int submit(struct client *client, struct drm_kestrel_submit *args,
		  struct drm_kestrel_job *jobs, uint32_t count)
{
	*args = (struct drm_kestrel_submit) {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(*jobs), .count = count, .ptr = (uintptr_t)jobs },
	};
	return device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, args);
}

static void job_syncs(struct drm_kestrel_job *job, struct drm_kestrel_sync *syncs,
		      uint32_t count)
{
	job->syncs = (struct drm_kestrel_array) {
		.stride = sizeof(*syncs), .count = count, .ptr = (uintptr_t)syncs,
	};
}

TEST_F(jobs, end_only)
{
	size_t size = stream_end(&self->client, 0);
	struct drm_kestrel_queue_state state;

	EXPECT_EQ(client_run(&self->client, 0, size), 0);
	ASSERT_EQ(queue_state(self->client.fd, self->client.queue, &state), 0);
	EXPECT_EQ(state.status, DRM_KESTREL_QUEUE_OK);
	EXPECT_EQ(state.submitted, 1);
	EXPECT_EQ(state.completed, 1);
	EXPECT_EQ(state.fault_count, 0);
	EXPECT_GT(state.active_cycles, 0);
}

TEST_F(jobs, copies_memory)
{
	struct client *client = &self->client;
	size_t size = stream_copy(client, 0, 0, 8192, 4096);
	unsigned int i;

	for (i = 0; i < 4096; i++)
		client->data[i] = i * 7 + i / 256;
	memset(client->data + 8192, 0xcc, 4096);
	ASSERT_EQ(bo_fini(client->fd, client->data_handle, DATA_SIZE), 0);

	EXPECT_EQ(client_run(client, 0, size), 0);
	ASSERT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
			  deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(memcmp(client->data, client->data + 8192, 4096), 0);
}

TEST_F(jobs, prep_waits_for_job)
{
	struct client *client = &self->client;
	size_t size = stream_copy(client, 0, 0, 32768, 16384);
	unsigned int round;

	for (round = 1; round < 20; round++) {
		memset(client->data, round, 16384);
		ASSERT_EQ(bo_fini(client->fd, client->data_handle, DATA_SIZE), 0);
		ASSERT_EQ(client_submit(client, 0, size, 0), 0);
		ASSERT_EQ(bo_prep(client->fd, client->data_handle,
				  DRM_KESTREL_PREP_READ | DRM_KESTREL_PREP_WRITE, DATA_SIZE,
				  deadline(LONG_TIMEOUT_S)), 0);
		ASSERT_EQ(client->data[32768], round);
		ASSERT_EQ(client->data[32768 + 16383], round);
	}
}

TEST_F(jobs, run_in_order)
{
	struct client *client = &self->client;
	struct drm_kestrel_submit args;
	struct drm_kestrel_job jobs[8];
	unsigned int i;

	/* Each job copies what the one before it wrote. */
	for (i = 0; i < 8; i++) {
		size_t size = stream_copy(client, i * 256, i * 4096, (i + 1) * 4096, 4096);

		jobs[i] = client_job(client, i * 256, size);
	}
	memset(client->data, 0x3c, 4096);
	ASSERT_EQ(bo_fini(client->fd, client->data_handle, DATA_SIZE), 0);

	ASSERT_EQ(submit(client, &args, jobs, 8), 0);
	EXPECT_EQ(args.first_seqno, 1);
	EXPECT_EQ(args.error_index, DRM_KESTREL_NO_INDEX);
	ASSERT_EQ(submit(client, &args, jobs, 1), 0);
	EXPECT_EQ(args.first_seqno, 9);
	ASSERT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
			  deadline(LONG_TIMEOUT_S)), 0);
	for (i = 0; i <= 8; i++)
		EXPECT_EQ(client->data[i * 4096 + 4095], 0x3c);
}

TEST_F(jobs, many_jobs)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct drm_kestrel_queue_state state;
	uint32_t done, i;

	ASSERT_EQ(syncobj_create(client->fd, &done), 0);
	for (i = 0; i < 500; i++)
		ASSERT_EQ(client_submit(client, 0, size, done), 0);
	ASSERT_EQ(syncobj_wait(client->fd, done, 0, deadline(LONG_TIMEOUT_S)), 0);
	ASSERT_EQ(queue_state(client->fd, client->queue, &state), 0);
	EXPECT_EQ(state.completed, 500);
}

TEST_F(jobs, empty_job_is_a_sync_point)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct drm_kestrel_job jobs[2];
	struct drm_kestrel_submit args;
	struct drm_kestrel_sync sync = { .flags = DRM_KESTREL_SYNC_SIGNAL };
	struct drm_kestrel_queue_state state;

	ASSERT_EQ(syncobj_create(client->fd, &sync.handle), 0);
	jobs[0] = client_job(client, 0, size);
	jobs[1] = (struct drm_kestrel_job) { 0 };
	job_syncs(&jobs[1], &sync, 1);
	ASSERT_EQ(submit(client, &args, jobs, 2), 0);
	ASSERT_EQ(syncobj_wait(client->fd, sync.handle, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(client->fd, sync.handle), 0);
	ASSERT_EQ(queue_state(client->fd, client->queue, &state), 0);
	EXPECT_EQ(state.completed, 2);
}

TEST_F(jobs, binary_syncobj_orders_queues)
{
	struct client *client = &self->client;
	size_t first = stream_copy(client, 0, 0, 16384, 16384);
	size_t second = stream_copy(client, 256, 16384, 32768, 16384);
	struct drm_kestrel_sync syncs[2];
	struct drm_kestrel_submit args;
	struct drm_kestrel_job job;
	uint32_t middle, done, other, round;

	ASSERT_EQ(syncobj_create(client->fd, &middle), 0);
	ASSERT_EQ(syncobj_create(client->fd, &done), 0);
	ASSERT_EQ(queue_create(client->fd, client->vm, 16, 0, &other), 0);

	for (round = 1; round < 10; round++) {
		memset(client->data, round, 16384);
		ASSERT_EQ(bo_fini(client->fd, client->data_handle, DATA_SIZE), 0);
		ASSERT_EQ(client_submit(client, 0, first, middle), 0);

		job = client_job(client, 256, second);
		syncs[0] = (struct drm_kestrel_sync) { middle, DRM_KESTREL_SYNC_WAIT, 0 };
		syncs[1] = (struct drm_kestrel_sync) { done, DRM_KESTREL_SYNC_SIGNAL, 0 };
		job_syncs(&job, syncs, 2);
		args = (struct drm_kestrel_submit) {
			.queue_id = other,
			.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
		};
		ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
		ASSERT_EQ(syncobj_wait(client->fd, done, 0, deadline(LONG_TIMEOUT_S)), 0);
		ASSERT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ,
				  DATA_SIZE, 0), 0);
		ASSERT_EQ(client->data[32768], round);
		ASSERT_EQ(client->data[49151], round);
	}
}

TEST_F(jobs, timeline_syncobj)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct drm_kestrel_sync syncs[4];
	struct drm_kestrel_submit args;
	struct drm_kestrel_job jobs[4];
	uint32_t timeline, i;
	uint64_t point;
	struct drm_syncobj_timeline_array query_args = {
		.handles = (uintptr_t)&timeline, .points = (uintptr_t)&point, .count_handles = 1,
	};

	ASSERT_EQ(syncobj_create(client->fd, &timeline), 0);
	for (i = 0; i < 4; i++) {
		jobs[i] = client_job(client, 0, size);
		syncs[i] = (struct drm_kestrel_sync) {
			timeline, DRM_KESTREL_SYNC_SIGNAL | DRM_KESTREL_SYNC_TIMELINE, 10 * (i + 1),
		};
		job_syncs(&jobs[i], &syncs[i], 1);
	}
	ASSERT_EQ(submit(client, &args, jobs, 4), 0);
	EXPECT_EQ(syncobj_wait(client->fd, timeline, 15, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_wait(client->fd, timeline, 40, deadline(LONG_TIMEOUT_S)), 0);
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_SYNCOBJ_QUERY, &query_args), 0);
	EXPECT_EQ(point, 40);

	/* A point that has passed, and one that nobody has promised. */
	syncs[0] = (struct drm_kestrel_sync) {
		timeline, DRM_KESTREL_SYNC_WAIT | DRM_KESTREL_SYNC_TIMELINE, 20,
	};
	EXPECT_EQ(submit(client, &args, jobs, 1), 0);
	syncs[0].point = 41;
	EXPECT_EQ(submit(client, &args, jobs, 1), -EINVAL);
	EXPECT_EQ(args.error_index, 0);
}

TEST_F(jobs, waits_for_earlier_job_of_same_call)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct drm_kestrel_sync syncs[3];
	struct drm_kestrel_submit args;
	struct drm_kestrel_job jobs[3];
	uint32_t binary, timeline;

	ASSERT_EQ(syncobj_create(client->fd, &binary), 0);
	ASSERT_EQ(syncobj_create(client->fd, &timeline), 0);
	jobs[0] = client_job(client, 0, size);
	jobs[1] = jobs[0];
	jobs[2] = jobs[0];

	syncs[0] = (struct drm_kestrel_sync) { binary, DRM_KESTREL_SYNC_SIGNAL, 0 };
	syncs[1] = (struct drm_kestrel_sync) { binary, DRM_KESTREL_SYNC_WAIT, 0 };
	syncs[2] = (struct drm_kestrel_sync) {
		timeline, DRM_KESTREL_SYNC_SIGNAL | DRM_KESTREL_SYNC_TIMELINE, 7,
	};
	job_syncs(&jobs[0], &syncs[0], 1);
	job_syncs(&jobs[1], &syncs[1], 2);

	/* Nobody has signalled it before the job that comes first here. */
	EXPECT_EQ(submit(client, &args, &jobs[1], 1), -EINVAL);
	ASSERT_EQ(submit(client, &args, jobs, 2), 0);
	EXPECT_EQ(args.first_seqno, 1);
	EXPECT_EQ(syncobj_wait(client->fd, timeline, 7, deadline(LONG_TIMEOUT_S)), 0);
}

TEST_F(jobs, submit_is_all_or_nothing)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct drm_kestrel_sync syncs[2];
	struct drm_kestrel_queue_state state;
	struct drm_kestrel_submit args;
	struct drm_kestrel_job jobs[2];
	uint32_t done, never;

	ASSERT_EQ(syncobj_create(client->fd, &done), 0);
	ASSERT_EQ(syncobj_create(client->fd, &never), 0);
	jobs[0] = client_job(client, 0, size);
	jobs[1] = jobs[0];
	syncs[0] = (struct drm_kestrel_sync) { done, DRM_KESTREL_SYNC_SIGNAL, 0 };
	syncs[1] = (struct drm_kestrel_sync) { never, DRM_KESTREL_SYNC_WAIT, 0 };
	job_syncs(&jobs[0], &syncs[0], 1);
	job_syncs(&jobs[1], &syncs[1], 1);

	EXPECT_EQ(submit(client, &args, jobs, 2), -EINVAL);
	EXPECT_EQ(args.error_index, 1);
	ASSERT_EQ(queue_state(client->fd, client->queue, &state), 0);
	EXPECT_EQ(state.submitted, 0);
	EXPECT_EQ(syncobj_status(client->fd, done), -EINVAL);
	/* The queue goes on as if nothing had been. */
	EXPECT_EQ(client_run(client, 0, size), 0);
}

TEST_F(jobs, sync_file_outlives_queue_and_file)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct drm_syncobj_handle export = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, .fd = -1,
	};
	struct pollfd poll_fd;

	ASSERT_EQ(syncobj_create(client->fd, &export.handle), 0);
	ASSERT_EQ(client_submit(client, 0, size, export.handle), 0);
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export), 0);
	client_close(client);

	poll_fd = (struct pollfd) { .fd = export.fd, .events = POLLIN };
	EXPECT_EQ(poll(&poll_fd, 1, LONG_TIMEOUT_S * 1000), 1);
	close(export.fd);
}

/*
 * Fills a new queue with jobs that do not end by themselves. An emulator need not
 * spend the time that blocked units are charged for, so even the longest timeout
 * passes soon.
 */
static int fill_queue(struct client *client)
{
	struct drm_kestrel_job jobs[16];
	struct drm_kestrel_submit args;
	size_t stuck = stream_endless(client, 0);
	uint32_t i;
	int ret;

	ret = queue_create_patient(client->fd, client->vm, 16, &client->queue);
	if (ret)
		return ret;
	for (i = 0; i < 16; i++)
		jobs[i] = client_job(client, 0, stuck);
	return submit(client, &args, jobs, 16);
}

TEST_F(jobs, full_queue)
{
	struct client *client = &self->client;
	struct drm_kestrel_job job = client_job(client, 0, 2);
	struct drm_kestrel_submit args = {
		.flags = DRM_KESTREL_SUBMIT_NONBLOCK,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	int full, busy, busy_past, busy_later, attempt;

	for (attempt = 0; attempt < 10; attempt++) {
		ASSERT_EQ(fill_queue(client), 0);
		args.queue_id = client->queue;
		full = device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args);
		busy = bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, PAGE, 0);
		busy_past = bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, PAGE,
				    INT64_MIN);
		busy_later = bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, PAGE,
				     deadline(0.001));
		/* Destroying it kills what runs. */
		ASSERT_EQ(queue_destroy(client->fd, client->queue), 0);
		ASSERT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, PAGE, 0),
			  0);
		ASSERT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, PAGE,
				  INT64_MIN), 0);
		/* Otherwise the first job has timed out before we came to look. */
		if (full != -ECANCELED && busy && busy_past && busy_later)
			break;
	}
	EXPECT_EQ(full, -EAGAIN);
	EXPECT_EQ(busy, -ETIMEDOUT);
	EXPECT_EQ(busy_past, -ETIMEDOUT);
	EXPECT_EQ(busy_later, -ETIMEDOUT);
}

static void *submit_one_more(void *context)
{
	struct client *client = context;
	struct drm_kestrel_job job = client_job(client, 0, 2);
	struct drm_kestrel_submit args;

	return (void *)(intptr_t)submit(client, &args, &job, 1);
}

TEST_F(jobs, blocked_submit_ends_with_its_queue)
{
	struct client *client = &self->client;
	pthread_t thread;
	void *result;

	ASSERT_EQ(fill_queue(client), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, submit_one_more, client), 0);
	usleep(50000);
	EXPECT_EQ(queue_destroy(client->fd, client->queue), 0);
	ASSERT_EQ(pthread_join(thread, &result), 0);
	EXPECT_TRUE((intptr_t)result == -ENOENT || (intptr_t)result == -ECANCELED);
}

TEST_F(jobs, submit_refuses)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct drm_kestrel_job job = client_job(client, 0, size);
	const struct drm_kestrel_submit good = {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	struct drm_kestrel_submit bad;

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &bad), error) \
			TH_LOG(#change);					\
		EXPECT_EQ(bad.error_index, DRM_KESTREL_NO_INDEX);		\
	} while (0)

	EXPECT_BAD(queue_id = 0, -ENOENT);
	EXPECT_BAD(queue_id += 1000, -ENOENT);
	EXPECT_BAD(flags = 2, -EINVAL);
	EXPECT_BAD(pad = 1, -EINVAL);
	EXPECT_BAD(jobs.count = 0, -EINVAL);
	EXPECT_BAD(jobs.count = 17, -EINVAL);
	EXPECT_BAD(jobs.count = ~0u, -EINVAL);
	EXPECT_BAD(jobs.stride = sizeof(job) - 8, -EINVAL);
	EXPECT_BAD(jobs.stride = ~0u, -EINVAL);
	EXPECT_BAD(jobs.ptr = 0, -EINVAL);
#undef EXPECT_BAD

	bad = good;
	bad.jobs.ptr = 8;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &bad), -EFAULT);
	EXPECT_EQ(bad.error_index, 0);
}

TEST_F(jobs, submit_refuses_job)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	const struct drm_kestrel_job good = client_job(client, 0, size);
	struct drm_kestrel_base bases[17] = { { DATA_VA, DATA_SIZE } };
	struct drm_kestrel_sync sync = { 0 };
	struct drm_kestrel_submit args;
	struct drm_kestrel_job jobs[2];
	uint32_t syncobj;

	ASSERT_EQ(syncobj_create(client->fd, &syncobj), 0);

/* Job 1 of two is the bad one; "job" is what is changed of it. */
#define EXPECT_BAD(change, error)						\
	do {									\
		struct drm_kestrel_job *job = &jobs[1];				\
										\
		jobs[0] = good;							\
		jobs[1] = good;							\
		sync = (struct drm_kestrel_sync) {				\
			.handle = syncobj, .flags = DRM_KESTREL_SYNC_SIGNAL	\
		};								\
		job_syncs(job, &sync, 1);					\
		change;								\
		EXPECT_EQ(submit(client, &args, jobs, 2), error) TH_LOG(#change); \
		EXPECT_EQ(args.error_index, 1);					\
	} while (0)

	EXPECT_BAD(job->command_va += 1, -EINVAL);
	EXPECT_BAD((job->command_va = -16ull, job->command_size = 32), -EINVAL);
	EXPECT_BAD(job->command_size = KESTREL_ISA_STREAM_BYTES_MAX + 1, -EINVAL);
	EXPECT_BAD(job->command_size = 0, -EINVAL);
	EXPECT_BAD(job->flags = 1, -EINVAL);
	EXPECT_BAD((job->bases.ptr = (uintptr_t)bases, job->bases.count = 17), -EINVAL);
	EXPECT_BAD(job->bases.stride = 8, -EINVAL);
	EXPECT_BAD(job->bases.stride = 8192, -EINVAL);
	EXPECT_BAD((job->command_va = 0, job->command_size = 0), -EINVAL);
	EXPECT_BAD(job->bases.ptr = 0, -EINVAL);
	EXPECT_BAD(job->bases.count = 0, -EINVAL);
	EXPECT_BAD(job->bases.ptr = 8, -EFAULT);
	EXPECT_BAD((bases[1].size = -1ull, bases[1].va = 2, job->bases.ptr = (uintptr_t)bases,
		    job->bases.count = 2), -EINVAL);
	EXPECT_BAD(job->syncs.count = 65, -EINVAL);
	EXPECT_BAD(job->syncs.count = 0, -EINVAL);
	EXPECT_BAD(job->syncs.stride = 8, -EINVAL);
	EXPECT_BAD(job->syncs.stride = 8192, -EINVAL);
	EXPECT_BAD(job->syncs.ptr = 0, -EINVAL);
	EXPECT_BAD(job->syncs.ptr = 8, -EFAULT);
	EXPECT_BAD(sync.handle = 0, -ENOENT);
	EXPECT_BAD(sync.handle += 1000, -ENOENT);
	EXPECT_BAD(sync.flags = 0, -EINVAL);
	EXPECT_BAD(sync.flags |= DRM_KESTREL_SYNC_WAIT, -EINVAL);
	EXPECT_BAD(sync.flags |= 8, -EINVAL);
	EXPECT_BAD(sync.point = 1, -EINVAL);
	EXPECT_BAD(sync.flags |= DRM_KESTREL_SYNC_TIMELINE, -EINVAL);
#undef EXPECT_BAD
}

/* Elements may be longer than the kernel knows, but then say nothing more. */
TEST_F(jobs, submit_takes_longer_elements)
{
	struct client *client = &self->client;
	struct {
		struct drm_kestrel_base base;
		uint64_t future;
	} base = { { DATA_VA, DATA_SIZE }, 0 };
	struct {
		struct drm_kestrel_sync sync;
		uint64_t future;
	} sync = { { 0, DRM_KESTREL_SYNC_SIGNAL, 0 }, 0 };
	struct {
		struct drm_kestrel_job job;
		uint64_t future;
	} job = { client_job(client, 0, stream_end(client, 0)), 0 };
	struct drm_kestrel_submit args = {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};

	ASSERT_EQ(syncobj_create(client->fd, &sync.sync.handle), 0);
	job.job.bases = (struct drm_kestrel_array) { sizeof(base), 1, (uintptr_t)&base };
	job.job.syncs = (struct drm_kestrel_array) { sizeof(sync), 1, (uintptr_t)&sync };
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
	EXPECT_EQ(syncobj_wait(client->fd, sync.sync.handle, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(client->fd, sync.sync.handle), 0);

#define EXPECT_BAD(field)							\
	do {									\
		field = 1;							\
		EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), -E2BIG) \
			TH_LOG(#field);						\
		EXPECT_EQ(args.error_index, 0);					\
		field = 0;							\
	} while (0)

	EXPECT_BAD(job.future);
	EXPECT_BAD(base.future);
	EXPECT_BAD(sync.future);
#undef EXPECT_BAD
}

TEST_F(jobs, queue_create_refuses)
{
	struct client *client = &self->client;
	struct drm_kestrel_query_limits limits;
	const struct drm_kestrel_queue_create good = {
		.vm_id = client->vm, .priority = DRM_KESTREL_PRIORITY_NORMAL, .max_jobs = 4,
	};
	struct drm_kestrel_queue_create bad;

	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &bad), error) \
			TH_LOG(#change);					\
	} while (0)

	EXPECT_BAD(vm_id = 0, -ENOENT);
	EXPECT_BAD(vm_id += 1000, -ENOENT);
	EXPECT_BAD(priority = 4, -EINVAL);
	EXPECT_BAD(flags = DRM_KESTREL_QUEUE_PERF << 1, -EINVAL);
	EXPECT_BAD(max_jobs = 0, -EINVAL);
	EXPECT_BAD(max_jobs = 3, -EINVAL);
	EXPECT_BAD(max_jobs = 2 * limits.max_queue_jobs, -EINVAL);
	EXPECT_BAD(job_timeout_ms = limits.max_job_timeout_ms + 1, -EINVAL);
	EXPECT_BAD(timeslice_us = limits.max_timeslice_us + 1, -EINVAL);
	EXPECT_BAD(pad = 1, -EINVAL);
#undef EXPECT_BAD
}

TEST_F(jobs, queue_create_takes_limits)
{
	struct client *client = &self->client;
	struct drm_kestrel_query_limits limits;
	struct drm_kestrel_queue_create create;
	uint32_t priority;

	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	for (priority = 0; priority <= DRM_KESTREL_PRIORITY_REALTIME; priority++) {
		create = (struct drm_kestrel_queue_create) {
			.vm_id = client->vm, .priority = priority,
			.max_jobs = priority & 1 ? 1 : limits.max_queue_jobs,
			.job_timeout_ms = priority & 2 ? 1 : limits.max_job_timeout_ms,
			.timeslice_us = priority & 1 ? 1 : limits.max_timeslice_us,
		};
		EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), 0);
		EXPECT_EQ(queue_destroy(client->fd, create.queue_id), 0);
	}
}

/* Takes the capabilities of this process away for good. */
static int capabilities_drop(void)
{
	/* A user other than root keeps none. */
	return setresuid(65534, 65534, 65534);
}

/* Turns go round: who has longer ones than everybody else has more of the engine. */
TEST_F(jobs, long_time_slices_need_a_capability)
{
	struct client *client = &self->client;
	struct drm_kestrel_queue_create create = {
		.vm_id = client->vm, .priority = DRM_KESTREL_PRIORITY_NORMAL, .max_jobs = 4,
	};
	struct drm_kestrel_query_limits limits;

	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	EXPECT_GT(limits.max_timeslice_us, limits.default_timeslice_us);
	create.timeslice_us = limits.max_timeslice_us;

	ASSERT_EQ(capabilities_drop(), 0);
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), -EINVAL);
	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	EXPECT_EQ(limits.max_timeslice_us, limits.default_timeslice_us);
	create.timeslice_us = limits.default_timeslice_us + 1;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), -EINVAL);
	create.timeslice_us = limits.default_timeslice_us;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), 0);
}

TEST_F(jobs, high_priorities_need_a_capability)
{
	struct client *client = &self->client;
	struct drm_kestrel_queue_create create = {
		.vm_id = client->vm, .priority = DRM_KESTREL_PRIORITY_HIGH, .max_jobs = 4,
	};
	struct drm_kestrel_query_limits limits;

	ASSERT_EQ(capabilities_drop(), 0);
	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	EXPECT_EQ(limits.priority_mask, 0x3);
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), -EACCES);
	create.priority = DRM_KESTREL_PRIORITY_REALTIME;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), -EACCES);
	create.priority = DRM_KESTREL_PRIORITY_LOW;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), 0);
}

TEST_F(jobs, queue_create_ends_at_limit)
{
	struct client *client = &self->client;
	struct drm_kestrel_query_limits limits;
	uint32_t queue, i;

	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	for (i = 1; i < limits.max_queues; i++)
		ASSERT_EQ(queue_create(client->fd, client->vm, 2, 0, &queue), 0);
	EXPECT_EQ(queue_create(client->fd, client->vm, 2, 0, &queue), -ENOSPC);
	EXPECT_EQ(queue_destroy(client->fd, client->queue), 0);
	EXPECT_EQ(queue_create(client->fd, client->vm, 2, 0, &queue), 0);
}

static int realtime_create(struct client *client, uint32_t *queue)
{
	struct drm_kestrel_queue_create create = {
		.vm_id = client->vm, .priority = DRM_KESTREL_PRIORITY_REALTIME, .max_jobs = 2,
	};
	int ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create);

	*queue = create.queue_id;
	return ret;
}

/* A quarter of the device's 128 queues, which is what one file may have of any. */
TEST_F(jobs, realtime_is_for_few)
{
	struct client *client = &self->client, other;
	struct drm_kestrel_query_limits limits;
	uint32_t queue, first = 0, i;

	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	ASSERT_EQ(limits.max_queues, 128 / 4);
	ASSERT_EQ(queue_destroy(client->fd, client->queue), 0);
	for (i = 0; i < limits.max_queues; i++) {
		ASSERT_EQ(realtime_create(client, &queue), 0);
		first = first ? first : queue;
	}

	ASSERT_EQ(client_open(&other, 0), 0);
	EXPECT_EQ(realtime_create(&other, &queue), -ENOSPC);
	/* The others are there for everybody. */
	EXPECT_EQ(queue_create(other.fd, other.vm, 2, 0, &queue), 0);
	EXPECT_EQ(queue_destroy(client->fd, first), 0);
	EXPECT_EQ(realtime_create(&other, &queue), 0);
	client_close(&other);
	EXPECT_EQ(realtime_create(client, &client->queue), 0);
}

TEST_F(jobs, queue_destroy_refuses)
{
	struct client *client = &self->client;
	struct drm_kestrel_queue_destroy destroy = { .queue_id = client->queue, .flags = 1 };
	int other = device_open();

	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_DESTROY, &destroy), -EINVAL);
	EXPECT_EQ(queue_destroy(client->fd, 0), -ENOENT);
	EXPECT_EQ(queue_destroy(client->fd, client->queue + 1000), -ENOENT);
	ASSERT_GE(other, 0);
	EXPECT_EQ(queue_destroy(other, client->queue), -ENOENT);
	close(other);
	EXPECT_EQ(queue_destroy(client->fd, client->queue), 0);
	EXPECT_EQ(queue_destroy(client->fd, client->queue), -ENOENT);
}

TEST_F(jobs, queue_state_refuses)
{
	struct client *client = &self->client;
	struct drm_kestrel_queue_state state = { .queue_id = client->queue, .pad = 1 };
	int other = device_open();

	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_STATE, &state), -EINVAL);
	EXPECT_EQ(queue_state(client->fd, 0, &state), -ENOENT);
	EXPECT_EQ(queue_state(client->fd, client->queue + 1000, &state), -ENOENT);
	ASSERT_GE(other, 0);
	EXPECT_EQ(queue_state(other, client->queue, &state), -ENOENT);
	close(other);
}

TEST_F(jobs, vm_destroy_takes_its_queues)
{
	struct client *client = &self->client;
	size_t stuck = stream_endless(client, 0);
	struct drm_kestrel_queue_state state;

	/* Its jobs run until something is done about them. */
	ASSERT_EQ(queue_create_patient(client->fd, client->vm, 16, &client->queue), 0);
	ASSERT_EQ(client_submit(client, 0, stuck, 0), 0);
	EXPECT_EQ(vm_destroy(client->fd, client->vm), 0);
	EXPECT_EQ(queue_state(client->fd, client->queue, &state), -ENOENT);
	EXPECT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, PAGE, 0), 0);
}

struct usage {
	unsigned long long cycles, jobs;
};

/* Of the file; 0 or -1. */
static int usage_read(int fd, struct usage *usage)
{
	char path[64], line[128];
	int found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		found += sscanf(line, "drm-cycles-npu: %llu", &usage->cycles) == 1 ||
			 sscanf(line, "kestrel-jobs: %llu", &usage->jobs) == 1;
	if (file)
		fclose(file);
	return found == 2 ? 0 : -1;
}

TEST_F(jobs, fdinfo)
{
	struct client *client = &self->client;
	size_t size = stream_end(client, 0);
	struct usage usage;

	ASSERT_EQ(client_run(client, 0, size), 0);
	ASSERT_EQ(usage_read(client->fd, &usage), 0);
	EXPECT_GT(usage.cycles, 0);
	EXPECT_EQ(usage.jobs, 1);
}

/* Counts a job of some 40 million cycles while it runs. */
TEST_F(jobs, fdinfo_of_a_running_job)
{
	struct client *client = &self->client;
	size_t size = stream_copy_often(client, 0, 0, 0, 0, 32768, 30720, 20000);
	struct usage last, now;
	int attempt, grew = 0;

	/* A slow guest may look too late. */
	for (attempt = 0; attempt < 20 && grew < 2; attempt++) {
		int64_t end = deadline(LONG_TIMEOUT_S);
		unsigned long long before;

		ASSERT_EQ(usage_read(client->fd, &last), 0);
		before = last.jobs;
		ASSERT_EQ(client_submit(client, 0, size, 0), 0);
		grew = 0;
		do {
			usleep(1000);
			ASSERT_EQ(usage_read(client->fd, &now), 0);
			ASSERT_GE(now.cycles, last.cycles);
			grew += now.jobs == before && now.cycles > last.cycles;
			last = now;
		} while (now.jobs == before && deadline(0) < end);
		ASSERT_EQ(now.jobs, before + 1);
	}
	EXPECT_GE(grew, 2);
}

TEST_HARNESS_MAIN
