// SPDX-License-Identifier: MIT
/*
 * How queues share the engine, in engine cycles, on a device that keeps its own time:
 * equal priorities equally, every priority its sixteenth, and how long it takes until
 * a high one has preempted a low one. Prints the figures.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <kestrel/firmware.h>

#include "kestrel.h"

#include "kselftest_harness.h"

/* About 2,000,000 cycles a job, and 65,000 from one preemption point to the next. */
#define COPIES		32
#define COPY_BYTES	32768
#define SECONDS		4
#define ROUNDS		20

/* Somebody who always has work. */
struct worker {
	pthread_t thread;
	struct client client;
	uint32_t priority;
	size_t size;
	atomic_bool *stop;
	int result;
	/* Engine cycles of the jobs that have ended. */
	uint64_t cycles;
};

static int queue_create_at(struct client *client, uint32_t priority)
{
	struct drm_kestrel_queue_create create = {
		.vm_id = client->vm, .priority = priority, .max_jobs = 4,
	};
	int ret = queue_destroy(client->fd, client->queue);

	if (!ret)
		ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create);
	client->queue = create.queue_id;
	return ret;
}

static int client_open_at(struct client *client, uint32_t priority)
{
	int ret = client_open(client, 0);

	return ret ? ret : queue_create_at(client, priority);
}

static void *worker_run(void *context)
{
	struct worker *worker = context;

	/* SUBMIT waits while the queue is full. */
	while (!worker->result && !*worker->stop)
		worker->result = client_submit(&worker->client, 0, worker->size, 0);
	return NULL;
}

/* Lets them all work for a while; their cycles, and the sum. */
static uint64_t workers_run(struct __test_metadata *_metadata, struct worker *workers,
			    unsigned int count)
{
	struct drm_kestrel_queue_state state;
	atomic_bool stop = false;
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		workers[i].stop = &stop;
		workers[i].result = client_open_at(&workers[i].client, workers[i].priority);
		ASSERT_EQ(workers[i].result, 0);
		workers[i].size = stream_copies(&workers[i].client, 0, 0, COPY_BYTES, COPY_BYTES,
						COPIES);
	}
	for (i = 0; i < count; i++)
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]), 0);
	sleep(SECONDS);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(queue_state(workers[i].client.fd, workers[i].client.queue, &state), 0);
		EXPECT_EQ(state.status, DRM_KESTREL_QUEUE_OK);
		workers[i].cycles = state.active_cycles;
		sum += state.active_cycles;
	}
	stop = true;
	for (i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(workers[i].result, 0);
		client_close(&workers[i].client);
	}
	return sum;
}

TEST(equal_priorities_share_equally)
{
	struct worker workers[3] = { 0 };
	uint64_t sum;
	unsigned int i;

	for (i = 0; i < 3; i++)
		workers[i].priority = DRM_KESTREL_PRIORITY_NORMAL;
	sum = workers_run(_metadata, workers, 3);
	ASSERT_GT(sum, 0);
	for (i = 0; i < 3; i++) {
		printf("# equal: queue %u has %.1f %% of %llu cycles\n", i,
		       100.0 * workers[i].cycles / sum, (unsigned long long)sum);
		/* A third, give or take 15 % of it and the job that has not ended yet. */
		EXPECT_GT(workers[i].cycles * 100, sum * 28);
		EXPECT_LT(workers[i].cycles * 100, sum * 39);
	}
}

TEST(every_priority_has_its_sixteenth)
{
	struct worker workers[KESTREL_FW_PRIORITY_COUNT] = { 0 };
	uint64_t sum;
	unsigned int i;

	for (i = 0; i < KESTREL_FW_PRIORITY_COUNT; i++)
		workers[i].priority = i;
	sum = workers_run(_metadata, workers, KESTREL_FW_PRIORITY_COUNT);
	ASSERT_GT(sum, 0);
	for (i = 0; i < KESTREL_FW_PRIORITY_COUNT; i++) {
		printf("# priorities: %u has %.1f %% of %llu cycles\n", i,
		       100.0 * workers[i].cycles / sum, (unsigned long long)sum);
		/* Cycles count when a job has ended: one of them may be missing. */
		EXPECT_GT((workers[i].cycles + 2200000) * 16, sum);
	}
	EXPECT_GT(workers[DRM_KESTREL_PRIORITY_REALTIME].cycles * 2, sum);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* From SUBMIT to the end of a job that does nothing, in cycles of the engine's clock. */
static int latencies(struct client *client, uint32_t khz, int64_t *cycles)
{
	size_t size = stream_end(client, 0);
	int ret = 0;
	int round;

	for (round = 0; !ret && round < ROUNDS; round++) {
		int64_t start;

		usleep(20000);
		start = now_ns();
		ret = client_run(client, 0, size);
		cycles[round] = (now_ns() - start) * khz / 1000000;
	}
	qsort(cycles, ROUNDS, sizeof(*cycles), compare);
	return ret;
}

TEST(high_priority_preempts_soon)
{
	struct worker worker = { .priority = DRM_KESTREL_PRIORITY_LOW };
	struct drm_kestrel_query_hardware hardware;
	int64_t idle[ROUNDS], busy[ROUNDS];
	atomic_bool stop = false;
	struct client client;

	ASSERT_EQ(client_open_at(&client, DRM_KESTREL_PRIORITY_HIGH), 0);
	ASSERT_EQ(query(client.fd, DRM_KESTREL_QUERY_HARDWARE, &hardware, sizeof(hardware)), 0);
	ASSERT_EQ(latencies(&client, hardware.clock_max_khz, idle), 0);

	worker.stop = &stop;
	ASSERT_EQ(client_open_at(&worker.client, worker.priority), 0);
	worker.size = stream_copies(&worker.client, 0, 0, COPY_BYTES, COPY_BYTES, COPIES);
	ASSERT_EQ(pthread_create(&worker.thread, NULL, worker_run, &worker), 0);
	EXPECT_EQ(latencies(&client, hardware.clock_max_khz, busy), 0);
	stop = true;
	pthread_join(worker.thread, NULL);
	EXPECT_EQ(worker.result, 0);
	printf("# latency in cycles: %lld median, %lld at least on an idle engine; %lld, %lld on a busy one\n",
	       (long long)idle[ROUNDS / 2], (long long)idle[0],
	       (long long)busy[ROUNDS / 2], (long long)busy[0]);
	/*
	 * A point is never farther than 66,000 cycles; the rest is the host's. A job that
	 * was not preempted would keep it waiting for a million on average.
	 */
	EXPECT_LT(busy[0] - idle[0], KESTREL_FW_PREEMPT_LIMIT_CYCLES / 2);
	client_close(&worker.client);
	client_close(&client);
}

TEST_HARNESS_MAIN
