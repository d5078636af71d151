// SPDX-License-Identifier: MIT
/*
 * Work for the NPU in tests of its power: jobs of about a million cycles that
 * cost the emulator little. Prints one line, ends with 0 when every job gave the
 * right bytes.
 *
 * usage: kestrel-load latency           jobs one behind the other: `CYCLES MICROSECONDS`
 *        kestrel-load work SECONDS      keeps one queue full, and another waiting for
 *                                   it, so long: `JOBS`
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../kselftest/kestrel.h"

#define COPY_BYTES	30720u
#define COPY_TO		32768u
#define COPIES		16
#define BATCH		8
#define ROUNDS		3

static struct client client;
static size_t stream_size;

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

static int latency(uint32_t done)
{
	struct drm_kestrel_queue_state before, after;
	int64_t best = INT64_MAX;
	int ret = 0;

	for (int round = 0; !ret && round < ROUNDS; round++) {
		int64_t start;

		/* The NPU is on when the time starts. */
		data_fill(round);
		ret = last_wait(done);
		if (!ret)
			ret = queue_state(client.fd, client.queue, &before);
		start = now_ns();
		for (int i = 1; !ret && i < BATCH; i++)
			ret = client_submit(&client, 0, stream_size, 0);
		if (!ret)
			ret = last_wait(done);
		if (!ret && now_ns() - start < best)
			best = now_ns() - start;
		if (!ret)
			ret = queue_state(client.fd, client.queue, &after);
		if (!ret)
			ret = data_check();
	}
	if (!ret)
		printf("%llu %lld\n",
		       (unsigned long long)(after.active_cycles - before.active_cycles),
		       (long long)best / 1000);
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

static int work(uint32_t done, double seconds)
{
	int64_t end = now_ns() + (int64_t)(seconds * 1e9);
	uint32_t follower, before, jobs = 0;
	int ret;

	ret = syncobj_create(client.fd, &before);
	if (!ret)
		ret = queue_create(client.fd, client.vm, 4, 0, &follower);
	while (!ret && now_ns() < end) {
		data_fill(jobs);
		for (int i = 1; !ret && i < 3 * BATCH; i++)
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
		jobs += 3 * BATCH + 1;
	}
	printf("%u\n", jobs);
	return ret;
}

int main(int argc, char **argv)
{
	uint32_t done;
	int ret;

	if (argc < 2) {
		fprintf(stderr, "usage: kestrel-load latency | work SECONDS\n");
		return 2;
	}
	ret = client_open(&client, 0);
	if (!ret)
		ret = syncobj_create(client.fd, &done);
	if (!ret) {
		stream_size = stream_copies(&client, 0, 0, COPY_TO, COPY_BYTES, COPIES);
		ret = argc > 2 ? work(done, atof(argv[2])) : latency(done);
	}
	if (ret)
		fprintf(stderr, "kestrel-load: %s\n", strerror(-ret));
	client_close(&client);
	return ret ? 1 : 0;
}
