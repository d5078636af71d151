// SPDX-License-Identifier: MIT
/*
 * Work for the NPU in tests of its power: jobs of millions of cycles that cost the
 * emulator little, on a device whose port 0 moves a byte in 16 cycles. Prints one
 * line, ends with 0 when every job gave the right bytes.
 *
 * usage: kestrel-load latency           what a few jobs one behind the other take at
 *                                   least: `CYCLES MICROSECONDS`
 *        kestrel-load work SECONDS      keeps one queue full, and another waiting for
 *                                   it, so long, or until SIGTERM: `JOBS`
 *        kestrel-load busy SECONDS      the same, beside long jobs of another client,
 *                                   some seconds of which are always waiting: the NPU
 *                                   is busy all the time, also where the CPU is slow
 */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../kselftest/kestrel.h"

#define COPY_BYTES	30720u
#define COPY_TO		32768u
/* Of a job of work, and of the short one that is measured. */
#define WORK_COPIES	2
#define LATENCY_COPIES	16
/* A quarter of a second at the highest clock; a queue takes 16 of these jobs. */
#define BUSY_COPIES	128
/* How much longer the long one is; the best of some counts: the host does other things, too. */
#define LONG_COPIES	(4 * LATENCY_COPIES)
#define ROUNDS		4
/* Jobs between two looks at the result. */
#define WORK_BATCH	24

static struct client client;
static size_t stream_size;
static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* So that the bytes of the result are those of this round. */
static void data_fill(uint32_t round)
{
	for (uint32_t i = 0; i < COPY_BYTES; i++)
		client.data[i] = (uint8_t)(i * 7 + round);
	memset(client.data + COPY_TO, 0, COPY_BYTES);
	bo_fini(client.fd, client.data_handle, DATA_SIZE);
}

static int data_check(void)
{
	int ret = bo_prep(client.fd, client.data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
			  deadline(LONG_TIMEOUT_S));

	if (!ret && memcmp(client.data, client.data + COPY_TO, COPY_BYTES))
		ret = -EBADMSG;
	return ret;
}

/* Waits for the last of what was submitted. */
static int last_wait(uint32_t done)
{
	int ret = client_submit(&client, 0, stream_size, done);

	if (!ret)
		ret = syncobj_wait(client.fd, done, 0, deadline(LONG_TIMEOUT_S));
	return ret ? ret : syncobj_status(client.fd, done);
}

/* The least time of a job of so many copies in some rounds, and its engine cycles. */
static int job_time(uint32_t done, uint32_t copies, int64_t *best_ns, uint64_t *cycles)
{
	struct drm_kestrel_queue_state before, after;
	int64_t start;
	int ret = 0;

	*best_ns = INT64_MAX;
	stream_size = stream_copies(&client, 0, 0, COPY_TO, COPY_BYTES, copies);
	for (int round = 0; !ret && round < ROUNDS; round++) {
		data_fill(round);
		/* The NPU is on when the time starts. */
		ret = last_wait(done);
		if (!ret)
			ret = queue_state(client.fd, client.queue, &before);
		start = now_ns();
		if (!ret)
			ret = last_wait(done);
		if (!ret && now_ns() - start < *best_ns)
			*best_ns = now_ns() - start;
		if (!ret)
			ret = queue_state(client.fd, client.queue, &after);
		if (!ret)
			ret = data_check();
	}
	*cycles = ret ? 0 : after.active_cycles - before.active_cycles;
	return ret;
}

/* Of the engine alone: what submitting and waking up take is in both times. */
static int latency(uint32_t done)
{
	uint64_t short_cycles, long_cycles;
	int64_t short_ns, long_ns;
	int ret;

	ret = job_time(done, LATENCY_COPIES, &short_ns, &short_cycles);
	if (!ret)
		ret = job_time(done, LONG_COPIES, &long_ns, &long_cycles);
	if (!ret)
		printf("%llu %lld\n", (unsigned long long)(long_cycles - short_cycles),
		       (long long)(long_ns - short_ns) / 1000);
	return ret;
}

/* In a queue of its own: a job that waits for the fence in @before. */
static int follower_submit(uint32_t queue, uint32_t before, uint32_t done)
{
	struct drm_kestrel_sync syncs[2] = {
		{ .handle = before, .flags = DRM_KESTREL_SYNC_WAIT },
		{ .handle = done, .flags = DRM_KESTREL_SYNC_SIGNAL },
	};
	struct drm_kestrel_job job = client_job(&client, 0, stream_size);
	struct drm_kestrel_submit submit = {
		.queue_id = queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};

	job.syncs.stride = sizeof(syncs[0]);
	job.syncs.count = 2;
	job.syncs.ptr = (uintptr_t)syncs;
	return device_ioctl(client.fd, DRM_IOCTL_KESTREL_SUBMIT, &submit);
}

/* SUBMIT waits while the queue is full; what is in it at last goes with the client. */
static void *others_submit(void *result)
{
	struct client other;
	int *ret = result;
	size_t size;

	*ret = client_open(&other, 0);
	if (!*ret) {
		size = stream_copies(&other, 0, 0, COPY_TO, COPY_BYTES, BUSY_COPIES);
		while (!*ret && !stopped)
			*ret = client_submit(&other, 0, size, 0);
	}
	client_close(&other);
	return NULL;
}

static int work(uint32_t done, double seconds)
{
	int64_t end = now_ns() + (int64_t)(seconds * 1e9);
	uint32_t follower, before, jobs = 0;
	int ret;

	ret = syncobj_create(client.fd, &before);
	if (!ret)
		ret = queue_create(client.fd, client.vm, 4, 0, &follower);
	while (!ret && !stopped && now_ns() < end) {
		data_fill(jobs);
		for (int i = 1; !ret && i < WORK_BATCH; i++)
			ret = client_submit(&client, 0, stream_size, 0);
		if (!ret)
			ret = client_submit(&client, 0, stream_size, before);
		if (!ret)
			ret = follower_submit(follower, before, done);
		if (!ret)
			ret = syncobj_wait(client.fd, done, 0, deadline(LONG_TIMEOUT_S));
		if (!ret)
			ret = syncobj_status(client.fd, done);
		if (!ret)
			ret = data_check();
		jobs += WORK_BATCH + 1;
	}
	printf("%u\n", jobs);
	return ret;
}

static int busy(uint32_t done, double seconds)
{
	int ret, others;
	pthread_t thread;

	ret = -pthread_create(&thread, NULL, others_submit, &others);
	if (ret)
		return ret;
	ret = work(done, seconds);
	stopped = 1;
	pthread_join(thread, NULL);
	return ret ? ret : others;
}

int main(int argc, char **argv)
{
	uint32_t done;
	int ret;

	if (argc < 2) {
		fprintf(stderr, "usage: kestrel-load latency | work SECONDS | busy SECONDS\n");
		return 2;
	}
	signal(SIGTERM, stop);
	ret = client_open(&client, 0);
	if (!ret)
		ret = syncobj_create(client.fd, &done);
	if (!ret) {
		stream_size = stream_copies(&client, 0, 0, COPY_TO, COPY_BYTES, WORK_COPIES);
		if (argc == 2)
			ret = latency(done);
		else if (!strcmp(argv[1], "busy"))
			ret = busy(done, atof(argv[2]));
		else
			ret = work(done, atof(argv[2]));
	}
	if (ret)
		fprintf(stderr, "kestrel-load: %s\n", strerror(-ret));
	client_close(&client);
	return ret ? 1 : 0;
}
