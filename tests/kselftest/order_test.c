// SPDX-License-Identifier: MIT
/*
 * Very many jobs that do nothing, from eight clients: each fence signals, without
 * an error, and none before those of the jobs before it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kestrel.h"

#include "kselftest_harness.h"

#define CLIENTS		8
/* Jobs of a queue at once, as client_open() makes it. */
#define DEPTH		16
/* All clients together, unless KESTREL_NOOP_JOBS says otherwise. */
#define JOBS_DEFAULT	2000
#define TEST_SECONDS	14400

struct worker {
	pthread_t thread;
	uint64_t jobs;
	/* 0 or -errno; -EPROTO: out of order. */
	int result;
};

static int timeline_query(int fd, uint32_t handle, uint64_t *point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)point, .count_handles = 1,
	};

	return device_ioctl(fd, DRM_IOCTL_SYNCOBJ_QUERY, &array);
}

/* One job that signals its own syncobj and a point of the timeline. */
static int job_submit(struct client *client, size_t size, uint32_t own, uint32_t timeline,
		      uint64_t point)
{
	struct drm_kestrel_sync syncs[] = {
		{ .handle = own, .flags = DRM_KESTREL_SYNC_SIGNAL },
		{ .handle = timeline, .point = point,
		  .flags = DRM_KESTREL_SYNC_SIGNAL | DRM_KESTREL_SYNC_TIMELINE },
	};
	struct drm_kestrel_job job = client_job(client, 0, size);
	struct drm_kestrel_submit submit = {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};

	job.syncs = (struct drm_kestrel_array) {
		.stride = sizeof(syncs[0]), .count = 2, .ptr = (uintptr_t)syncs,
	};
	return device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &submit);
}

static int jobs_run(struct client *client, uint64_t jobs)
{
	uint32_t own[DEPTH], timeline;
	struct drm_kestrel_queue_state state;
	uint64_t job, signalled, before = 0;
	size_t size = stream_end(client, 0);
	int ret = syncobj_create(client->fd, &timeline);

	for (job = 0; !ret && job < DEPTH; job++)
		ret = syncobj_create(client->fd, &own[job]);
	for (job = 0; !ret && job < jobs + DEPTH; job++) {
		/* The job that had this syncobj before: it ended, and well. */
		if (job >= DEPTH) {
			ret = syncobj_wait(client->fd, own[job % DEPTH], 0,
					   deadline(LONG_TIMEOUT_S));
			if (!ret)
				ret = syncobj_status(client->fd, own[job % DEPTH]);
			if (ret)
				break;
		}
		ret = timeline_query(client->fd, timeline, &signalled);
		if (!ret && (signalled < before || signalled > job ||
			     (job >= DEPTH && signalled + DEPTH <= job)))
			ret = -EPROTO;
		before = signalled;
		if (!ret && job < jobs)
			ret = job_submit(client, size, own[job % DEPTH], timeline, job + 1);
	}
	if (ret)
		return ret;
	ret = queue_state(client->fd, client->queue, &state);
	if (!ret && (state.status != DRM_KESTREL_QUEUE_OK || state.submitted != jobs ||
		     state.completed != jobs || before != jobs))
		ret = -EPROTO;
	return ret;
}

static void *worker_run(void *context)
{
	struct worker *worker = context;
	struct client client;

	worker->result = client_open(&client, 0);
	if (!worker->result)
		worker->result = jobs_run(&client, worker->jobs);
	client_close(&client);
	return NULL;
}

FIXTURE(order)
{
	uint64_t jobs;
};

FIXTURE_SETUP(order)
{
	const char *jobs = getenv("KESTREL_NOOP_JOBS");

	self->jobs = jobs ? strtoull(jobs, NULL, 0) : JOBS_DEFAULT;
}

FIXTURE_TEARDOWN(order)
{
}

TEST_F_TIMEOUT(order, noop_jobs_of_eight_clients, TEST_SECONDS)
{
	struct worker workers[CLIENTS];
	unsigned int i;

	TH_LOG("%llu jobs", (unsigned long long)self->jobs);
	for (i = 0; i < CLIENTS; i++) {
		workers[i].jobs = self->jobs / CLIENTS + (i < self->jobs % CLIENTS);
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]), 0);
	}
	for (i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(pthread_join(workers[i].thread, NULL), 0);
		EXPECT_EQ(workers[i].result, 0) TH_LOG("client %u", i);
	}
}

TEST_HARNESS_MAIN
