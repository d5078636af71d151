// SPDX-License-Identifier: MIT
/*
 * How queues share the engine, in engine cycles, on a device that keeps its own time:
 * equal priorities equally, every priority its sixteenth, and how long the lowest waits
 * for it; how long it takes until a high one has preempted a low one; what a deadline
 * does for its queue. Prints the figures.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <kestrel/firmware.h>
#include <kestrel/regs.h>

#include "kestrel.h"

#include "kselftest_harness.h"

/*
 * 65,000 cycles from one preemption point to the next, and a job that is long beside what
 * submitting it takes, so that no queue runs dry where the CPU is slow.
 */
#define COPIES		256
#define JOB_CYCLES	17600000
#define COPY_BYTES	32768
#define SECONDS		4
#define ROUNDS		40
/* docs/firmware.md: all of 384 KiB of SRAM through the port, at most. */
#define SAVE_CYCLES	400000
/* The records that a queue keeps: uapi/drm/kestrel_accel.h. */
#define RECORDS		64

/* What a queue's records tell of its jobs, one behind the other. */
struct history {
	uint64_t cursor;
	/* Jobs told of, and those that were not read in time. */
	unsigned int jobs, lost;
	unsigned int preemptions;
	/* A priority's cycles of each window, at least; 0: nothing of it is wanted. */
	uint64_t share_cycles;
	/* Jobs that stood behind another one, and the longest that one of them waited. */
	unsigned int waits;
	uint64_t longest_wait;
	/* How often so many cycles were run, and how long that took at most. */
	unsigned int shares;
	uint64_t longest_share;
	/* The jobs that make up the last share, a ring; their engine cycles. */
	struct drm_kestrel_perf_job last[RECORDS];
	unsigned int first, next;
	uint64_t active;
};

/* Somebody who always has work. */
struct worker {
	pthread_t thread;
	struct client client;
	uint32_t priority;
	/* Copies of a job, and jobs in the queue; 0: COPIES and 4. */
	uint32_t copies, max_jobs;
	size_t size;
	atomic_bool *stop;
	int result;
	/* Engine cycles of the jobs that have ended. */
	uint64_t cycles;
	/* Read behind each job where it is not NULL. */
	struct history *history;
};

static int queue_create_at(struct client *client, uint32_t priority, uint32_t max_jobs,
			   uint32_t *queue)
{
	struct drm_kestrel_queue_create create = {
		.vm_id = client->vm, .priority = priority, .max_jobs = max_jobs,
		.flags = DRM_KESTREL_QUEUE_PERF,
	};
	int ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create);

	*queue = create.queue_id;
	return ret;
}

static int client_open_at(struct client *client, uint32_t priority, uint32_t max_jobs)
{
	int ret = client_open(client, 0);

	if (!ret)
		ret = queue_destroy(client->fd, client->queue);
	return ret ? ret : queue_create_at(client, priority, max_jobs, &client->queue);
}

/* The device's counter of cycles, which the times of jobs are told in. */
static int cycles_now(const struct client *client, uint64_t *cycles)
{
	struct drm_kestrel_perf_device device = { 0 };
	int ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_PERF_DEVICE, &device);

	*cycles = device.counters[KESTREL_COUNTER_CYCLES];
	return ret;
}

/* One more job that has ended; its user_tag is the cycle of its submission. */
static void history_add(struct history *history, const struct drm_kestrel_perf_job *job)
{
	const struct drm_kestrel_perf_job *before =
		&history->last[(history->next + RECORDS - 1) % RECORDS];
	uint64_t ready = job->user_tag;
	const struct drm_kestrel_perf_job *begin;

	history->preemptions += job->preemptions;
	if (history->jobs++ && job->seqno == before->seqno + 1) {
		if (ready < before->end_cycle)
			ready = before->end_cycle;
		if (job->start_cycle > ready && job->start_cycle - ready > history->longest_wait)
			history->longest_wait = job->start_cycle - ready;
		history->waits++;
	}
	/* It was not ready all the time: another share begins. */
	if (ready != before->end_cycle || history->next - history->first == RECORDS) {
		history->first = history->next;
		history->active = 0;
	}
	history->last[history->next++ % RECORDS] = *job;
	history->active += job->active_cycles;
	if (!history->share_cycles)
		return;
	/* Without its oldest job it would be less than a share: this is one. */
	for (;;) {
		begin = &history->last[history->first % RECORDS];
		if (history->active - begin->active_cycles < history->share_cycles)
			break;
		history->active -= begin->active_cycles;
		history->first++;
	}
	if (history->active < history->share_cycles)
		return;
	history->shares++;
	if (job->end_cycle - begin->start_cycle > history->longest_share)
		history->longest_share = job->end_cycle - begin->start_cycle;
}

static int history_read(struct history *history, const struct client *client)
{
	struct drm_kestrel_perf_job jobs[RECORDS];
	uint32_t count = RECORDS, lost, i;
	int ret = jobs_read(client, jobs, &count, &history->cursor, &lost);

	if (ret)
		return ret;
	history->lost += lost;
	for (i = 0; i < count; i++)
		history_add(history, &jobs[i]);
	return 0;
}

static int worker_submit(struct worker *worker)
{
	struct drm_kestrel_job job = client_job(&worker->client, 0, worker->size);
	struct drm_kestrel_submit submit = {
		.queue_id = worker->client.queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	uint64_t now;
	int ret = cycles_now(&worker->client, &now);

	job.user_tag = now;
	return ret ? ret : device_ioctl(worker->client.fd, DRM_IOCTL_KESTREL_SUBMIT, &submit);
}

static void *worker_run(void *context)
{
	struct worker *worker = context;

	/* SUBMIT waits while the queue is full. */
	while (!worker->result && !*worker->stop) {
		worker->result = worker_submit(worker);
		if (!worker->result && worker->history)
			worker->result = history_read(worker->history, &worker->client);
	}
	return NULL;
}

static int worker_open(struct worker *worker, atomic_bool *stop)
{
	worker->stop = stop;
	worker->result = client_open_at(&worker->client, worker->priority,
					worker->max_jobs ? worker->max_jobs : 4);
	if (!worker->result)
		worker->size = stream_copies(&worker->client, 0, 0, COPY_BYTES, COPY_BYTES,
					     worker->copies ? worker->copies : COPIES);
	return worker->result;
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
		ASSERT_EQ(worker_open(&workers[i], &stop), 0);
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
		EXPECT_GT((workers[i].cycles + JOB_CYCLES) * 16, sum);
		/* How much more: as often as a late host has its next job ready in time. */
		if (i != DRM_KESTREL_PRIORITY_REALTIME)
			EXPECT_GT(workers[DRM_KESTREL_PRIORITY_REALTIME].cycles, workers[i].cycles);
	}
}

/*
 * Small jobs of the lowest priority, of which its queue never runs dry, under three
 * others: how long each waits from when it could start, and how long it takes until a
 * window's share of the engine has been theirs.
 */
TEST(the_lowest_priority_does_not_starve)
{
	struct worker workers[KESTREL_FW_PRIORITY_COUNT] = { 0 };
	struct drm_kestrel_perf_device before = { 0 }, after = { 0 };
	struct history history = { 0 };
	uint64_t window;
	unsigned int i;
	int fd = device_open();

	ASSERT_EQ(device_ioctl(fd, DRM_IOCTL_KESTREL_PERF_DEVICE, &before), 0);
	window = (uint64_t)before.clock_khz * KESTREL_FW_LEVEL_WINDOW_MS;
	ASSERT_GT(window, 0);
	history.share_cycles = window / KESTREL_FW_LEVEL_SHARE_DIVISOR;
	for (i = 0; i < KESTREL_FW_PRIORITY_COUNT; i++)
		workers[i].priority = i;
	workers[DRM_KESTREL_PRIORITY_LOW].copies = 4;
	workers[DRM_KESTREL_PRIORITY_LOW].max_jobs = RECORDS / 2;
	workers[DRM_KESTREL_PRIORITY_LOW].history = &history;
	workers_run(_metadata, workers, KESTREL_FW_PRIORITY_COUNT);
	ASSERT_EQ(device_ioctl(fd, DRM_IOCTL_KESTREL_PERF_DEVICE, &after), 0);
	close(fd);
	printf("# starvation: none of %u jobs of the lowest priority waited longer than %llu cycles; %u times %llu cycles of them took %llu at most; a window has %llu\n",
	       history.waits, (unsigned long long)history.longest_wait, history.shares,
	       (unsigned long long)history.share_cycles,
	       (unsigned long long)history.longest_share, (unsigned long long)window);
	/* Else the windows were others. */
	EXPECT_EQ(after.clock_khz, before.clock_khz);
	EXPECT_EQ(history.lost, 0);
	EXPECT_GT(history.waits, 40);
	EXPECT_GT(history.shares, 20);
	/* The share of one window at its begin, that of the next one at its end. */
	EXPECT_LT(history.longest_wait, 2 * (window - history.share_cycles));
	/* However two windows lie, one whole one is among them. */
	EXPECT_LT(history.longest_share, 2 * window);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * From before SUBMIT until the engine has started a job that does nothing, by the
 * device's counter of cycles.
 */
static int latencies(struct client *client, int64_t *cycles)
{
	size_t size = stream_end(client, 0);
	int ret = 0;
	int round;

	for (round = 0; !ret && round < ROUNDS; round++) {
		struct drm_kestrel_perf_job job;
		struct drm_kestrel_queue_state state;
		uint64_t cursor, before;
		uint32_t count = 1, lost;

		usleep(20000);
		ret = queue_state(client->fd, client->queue, &state);
		cursor = state.completed;
		if (!ret)
			ret = cycles_now(client, &before);
		if (!ret)
			ret = client_run(client, 0, size);
		if (!ret)
			ret = jobs_read(client, &job, &count, &cursor, &lost);
		if (!ret && count != 1)
			ret = -ENODATA;
		if (!ret)
			cycles[round] = (int64_t)(job.start_cycle - before);
	}
	qsort(cycles, ROUNDS, sizeof(*cycles), compare);
	return ret;
}

TEST(high_priority_preempts_soon)
{
	struct history history = { 0 };
	struct worker worker = { .priority = DRM_KESTREL_PRIORITY_LOW, .history = &history };
	struct drm_kestrel_query_hardware hardware;
	int64_t idle[ROUNDS], busy[ROUNDS], bound;
	atomic_bool stop = false;
	struct client client;

	ASSERT_EQ(client_open_at(&client, DRM_KESTREL_PRIORITY_HIGH, 4), 0);
	ASSERT_EQ(query(client.fd, DRM_KESTREL_QUERY_HARDWARE, &hardware, sizeof(hardware)), 0);
	ASSERT_EQ(latencies(&client, idle), 0);

	ASSERT_EQ(worker_open(&worker, &stop), 0);
	ASSERT_EQ(pthread_create(&worker.thread, NULL, worker_run, &worker), 0);
	EXPECT_EQ(latencies(&client, busy), 0);
	stop = true;
	pthread_join(worker.thread, NULL);
	EXPECT_EQ(worker.result, 0);
	/* docs/firmware.md: to the point, save, and scrub; each at its worst. */
	bound = KESTREL_FW_PREEMPT_LIMIT_CYCLES + SAVE_CYCLES + hardware.sram_bytes / 16;
	printf("# cycles from SUBMIT to the start of a job: idle engine %lld least, %lld median, %lld most; busy one %lld, %lld, %lld; a preemption may take %lld\n",
	       (long long)idle[0], (long long)idle[ROUNDS / 2], (long long)idle[ROUNDS - 1],
	       (long long)busy[0], (long long)busy[ROUNDS / 2], (long long)busy[ROUNDS - 1],
	       (long long)bound);
	printf("# the low one's %u jobs were preempted %u times for %u of the high one\n",
	       history.jobs, history.preemptions, ROUNDS);
	EXPECT_GT(idle[0], 0);
	/*
	 * A point is never farther than 66,000 cycles; the rest is the host's, which may
	 * be slow more often than not: the least tells what a preemption takes. A job
	 * that is not preempted keeps the other one waiting for half of it on average.
	 */
	EXPECT_LT(busy[0] - idle[0], KESTREL_FW_PREEMPT_LIMIT_CYCLES / 2);
	EXPECT_LT(busy[ROUNDS / 2] - idle[ROUNDS / 2], JOB_CYCLES / 4);
	/* Between two jobs of a client that was late there is nothing to preempt. */
	EXPECT_GT(history.preemptions, ROUNDS / 4);
	client_close(&worker.client);
	client_close(&client);
}

/*
 * While a job of one queue has a long turn, others of the same priority get one job
 * each; that of the last one has a deadline, or not. Where it comes in (1 is first);
 * 0: the long turn was over too soon, or had to be ended on a host that was late.
 */
#define ORDER_QUEUES	5
#define ORDER_ATTEMPTS	10
/* About 40,000,000 cycles: some time, but less than half a turn. */
#define LONG_COPIES	1225

static unsigned int order_run(struct __test_metadata *_metadata, bool hurry)
{
	struct drm_kestrel_queue_create create = {
		.priority = DRM_KESTREL_PRIORITY_NORMAL, .max_jobs = 2, .timeslice_us = 200000,
	};
	uint32_t queues[ORDER_QUEUES], done[ORDER_QUEUES], busy;
	uint64_t end[ORDER_QUEUES];
	struct client client;
	unsigned int i, place = 1;
	size_t often, size;
	bool in_time;

	ASSERT_EQ(client_open(&client, 0), 0);
	create.vm_id = client.vm;
	ASSERT_EQ(device_ioctl(client.fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), 0);
	client.queue = create.queue_id;
	ASSERT_EQ(syncobj_create(client.fd, &busy), 0);
	for (i = 0; i < ORDER_QUEUES; i++) {
		ASSERT_EQ(queue_create_at(&client, DRM_KESTREL_PRIORITY_NORMAL, 2, &queues[i]), 0);
		ASSERT_EQ(syncobj_create(client.fd, &done[i]), 0);
	}
	often = stream_copy_often(&client, 0, 0, 0, 0, COPY_BYTES, COPY_BYTES, LONG_COPIES);
	size = stream_copies(&client, STREAM_SIZE / 2, 0, COPY_BYTES, COPY_BYTES, 8);

	ASSERT_EQ(client_submit(&client, 0, often, busy), 0);
	for (i = 0; i < ORDER_QUEUES; i++) {
		client.queue = queues[i];
		ASSERT_EQ(client_submit(&client, STREAM_SIZE / 2, size, done[i]), 0);
	}
	if (hurry)
		ASSERT_EQ(deadline_set(client.fd, done[ORDER_QUEUES - 1], 0), -ETIME);
	/* The driver has to tell the firmware. */
	usleep(20000);
	in_time = syncobj_wait(client.fd, busy, 0, 0) == -ETIME;

	for (i = 0; i < ORDER_QUEUES; i++) {
		struct drm_kestrel_perf_job job;
		uint32_t count = 1, lost;
		uint64_t cursor = 0;

		ASSERT_EQ(syncobj_wait(client.fd, done[i], 0, deadline(LONG_TIMEOUT_S)), 0);
		EXPECT_EQ(syncobj_status(client.fd, done[i]), 0);
		client.queue = queues[i];
		ASSERT_EQ(jobs_read(&client, &job, &count, &cursor, &lost), 0);
		ASSERT_EQ(count, 1);
		end[i] = job.end_cycle;
	}
	in_time = in_time && !syncobj_status(client.fd, busy);
	for (i = 0; i + 1 < ORDER_QUEUES; i++)
		place += end[i] < end[ORDER_QUEUES - 1];
	client_close(&client);
	return in_time ? place : 0;
}

TEST(a_deadline_goes_ahead_of_its_turn)
{
	unsigned int attempt, with = 0, without = 0;

	for (attempt = 0; !without && attempt < ORDER_ATTEMPTS; attempt++)
		without = order_run(_metadata, false);
	for (attempt = 0; !with && attempt < ORDER_ATTEMPTS; attempt++)
		with = order_run(_metadata, true);
	printf("# order: of %u queues the last one comes in as number %u, with a deadline as number %u\n",
	       ORDER_QUEUES, without, with);
	/* The turns go by the numbers of the queues; a host that is late may move one. */
	EXPECT_GT(without, 2);
	EXPECT_EQ(with, 1);
}

TEST_HARNESS_MAIN
