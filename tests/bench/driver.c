// SPDX-License-Identifier: MIT
/*
 * Measures the driver, in the guest; driver.py runs it and puts the figures
 * together. Regions whose instructions are to be counted lie between two marks
 * (see instruction_counter.c); without the plugin the marks do nothing.
 *
 * Prints a line `region NAME VALUE JOBS SLEPT NANOSECONDS` for each, in the order
 * of their ends: VALUE is what was varied, SLEPT how often the waiter went to
 * sleep in it.
 */
#include "../kselftest/kestrel.h"
#include "../recovery/machine.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <kestrel/isa.h>

#include "trivial/trivial.h"

#if defined(__aarch64__)
#define MARK_BEGIN()	__asm__ volatile("hint #112" ::: "memory")
#define MARK_END()	__asm__ volatile("hint #113" ::: "memory")
#else
#error "the marks are arm64 instructions"
#endif

#define CLIENTS_MAX	64
/* Rounds for each that is wanted, at most. */
#define TRIES		20u
/* Addresses of the buffers that only lie there. */
#define BALLAST_VA	0x100000000ull
#define BIND_OPS	64u

struct region {
	struct timespec begin;
	long switches;
};

static long switches_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static int64_t nanoseconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - begin->tv_sec) * INT64_C(1000000000) + now.tv_nsec - begin->tv_nsec;
}

static void region_begin(struct region *region)
{
	region->switches = switches_now();
	clock_gettime(CLOCK_MONOTONIC, &region->begin);
	MARK_BEGIN();
}

/* True when the waiter has been asleep in it. */
static bool region_end(const struct region *region, const char *name, uint32_t value,
		       uint32_t jobs)
{
	int64_t nanoseconds;
	long slept;

	MARK_END();
	nanoseconds = nanoseconds_since(&region->begin);
	slept = switches_now() - region->switches;
	printf("region %s %" PRIu32 " %" PRIu32 " %ld %" PRId64 "\n", name, value, jobs, slept,
	       nanoseconds);
	return slept > 0;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "driver-bench: %s: %s\n", what, strerror(-error));
	return 1;
}

static int syncobj_reset(int fd, uint32_t handle)
{
	struct drm_syncobj_array array = { .handles = (uintptr_t)&handle, .count_handles = 1 };

	return device_ioctl(fd, DRM_IOCTL_SYNCOBJ_RESET, &array);
}

/*
 * Submits the stream at offset 0 again and again, each time waiting for its end,
 * until the waiter has been asleep in so many rounds: a busy host may be done
 * with a job before the guest's processor gets to the wait.
 */
static int rounds_run(struct client *client, size_t size, const char *name, uint32_t rounds)
{
	uint32_t done, tries = rounds * TRIES;
	struct region region;
	int ret = syncobj_create(client->fd, &done);

	while (!ret && rounds && tries--) {
		/* Alone on its processor, after whatever the last round left to do. */
		usleep(2000);
		region_begin(&region);
		ret = client_submit(client, 0, size, done);
		if (!ret)
			ret = syncobj_wait(client->fd, done, 0, deadline(LONG_TIMEOUT_S));
		rounds -= region_end(&region, name, 0, 1);
		if (!ret)
			ret = syncobj_reset(client->fd, done);
	}
	return ret;
}

static int noop(uint32_t rounds)
{
	struct client client;
	int ret = client_open(&client, 0);

	if (!ret)
		ret = rounds_run(&client, stream_end(&client, 0), "noop", rounds);
	client_close(&client);
	return ret ? fail("no-op jobs", ret) : 0;
}

static int trivial_open(void)
{
	char path[32], name[32];
	int node;

	for (node = 128; node < 132; node++) {
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/renderD%d", node);
		fd = open(path, O_RDWR | O_CLOEXEC);
		memset(name, 0, sizeof(name));
		if (fd >= 0 && !device_ioctl(fd, DRM_IOCTL_VERSION, &version) &&
		    !strcmp(name, TRIVIAL_DRIVER_NAME))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

static int trivial(uint32_t rounds)
{
	struct drm_trivial_submit submit = { 0 };
	uint32_t tries = rounds * TRIES;
	struct region region;
	int fd = trivial_open(), ret;

	ret = fd < 0 ? fd : syncobj_create(fd, &submit.syncobj);
	while (!ret && rounds && tries--) {
		usleep(2000);
		region_begin(&region);
		ret = device_ioctl(fd, DRM_IOCTL_TRIVIAL_SUBMIT, &submit);
		if (!ret)
			ret = syncobj_wait(fd, submit.syncobj, 0, deadline(LONG_TIMEOUT_S));
		rounds -= region_end(&region, "trivial", 0, 1);
		if (!ret)
			ret = syncobj_reset(fd, submit.syncobj);
	}
	return ret ? fail("trivial jobs", ret) : 0;
}

/* A client's life in a process of its own: jobs one after the other. */
static int client_process(uint32_t jobs, int ready, int start, int finish)
{
	struct client client;
	uint32_t done;
	size_t size;
	char byte;
	int ret = client_open(&client, 0);

	if (!ret)
		ret = syncobj_create(client.fd, &done);
	if (ret)
		return fail("client", ret);
	size = stream_end(&client, 0);
	/* The first job pays for what is done once. */
	ret = client_run(&client, 0, size);
	if (write(ready, "r", 1) != 1 || read(start, &byte, 1) != 1)
		return 1;
	for (; !ret && jobs; jobs--) {
		ret = client_submit(&client, 0, size, done);
		if (!ret)
			ret = syncobj_wait(client.fd, done, 0, deadline(10 * LONG_TIMEOUT_S));
		if (!ret)
			ret = syncobj_reset(client.fd, done);
	}
	/* What its end costs is not what its jobs cost: it waits for the pipe's end. */
	if (write(ready, "r", 1) != 1 || read(finish, &byte, 1) != 0)
		return 1;
	client_close(&client);
	return ret ? fail("client", ret) : 0;
}

static int all_read(int fd, uint32_t count)
{
	char byte;

	for (; count; count--) {
		if (read(fd, &byte, 1) != 1)
			return -EIO;
	}
	return 0;
}

static int clients(uint32_t count, uint32_t jobs, uint32_t rounds)
{
	char bytes[CLIENTS_MAX] = { 0 };
	int ready[2], start[2], finish[2], status, ret = 0;
	struct region region;
	uint32_t i, each = jobs / count;

	if (count > CLIENTS_MAX)
		return fail("clients", -EINVAL);
	for (; !ret && rounds; rounds--) {
		if (pipe(ready) || pipe(start) || pipe(finish))
			return fail("pipe", -errno);
		fflush(stdout);
		for (i = 0; i < count; i++) {
			pid_t child = fork();

			if (child < 0)
				return fail("fork", -errno);
			if (!child) {
				close(ready[0]);
				close(start[1]);
				close(finish[1]);
				_exit(client_process(each, ready[1], start[0], finish[0]));
			}
		}
		close(ready[1]);
		close(start[0]);
		close(finish[0]);
		ret = all_read(ready[0], count);
		usleep(10000);
		region_begin(&region);
		if (!ret && write(start[1], bytes, count) != (ssize_t)count)
			ret = -errno;
		if (!ret)
			ret = all_read(ready[0], count);
		region_end(&region, "clients", count, each * count);
		close(finish[1]);
		close(start[1]);
		close(ready[0]);
		for (i = 0; i < count; i++) {
			wait(&status);
			if (status)
				ret = -EIO;
		}
	}
	return ret ? fail("clients at once", ret) : 0;
}

/* So many buffers of a page each, mapped in the client's address space. */
static int ballast_add(struct client *client, uint32_t from, uint32_t to)
{
	struct drm_kestrel_bind_op ops[BIND_OPS];
	struct drm_kestrel_vm_bind bind = { .vm_id = client->vm };
	uint32_t i, count = 0;
	int ret = 0;

	for (i = from; !ret && i < to; i++) {
		uint32_t handle;

		ret = bo_create(client->fd, PAGE, &handle);
		ops[count++] = (struct drm_kestrel_bind_op){
			.op = DRM_KESTREL_BIND_MAP, .flags = DRM_KESTREL_BIND_READ,
			.handle = handle, .va = BALLAST_VA + i * 2 * PAGE, .size = PAGE,
		};
		if (ret || (count < BIND_OPS && i + 1 < to))
			continue;
		bind.ops = (struct drm_kestrel_array){
			.stride = sizeof(ops[0]), .count = count, .ptr = (uintptr_t)ops,
		};
		ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_VM_BIND, &bind);
		count = 0;
	}
	return ret;
}

/* So many jobs, one after the other, as one region. */
static int batch_run(struct client *client, size_t size, uint32_t value, uint32_t rounds)
{
	struct region region;
	uint32_t i;
	int ret = client_run(client, 0, size);

	usleep(2000);
	region_begin(&region);
	for (i = 0; !ret && i < rounds; i++)
		ret = client_run(client, 0, size);
	region_end(&region, "buffers", value, rounds);
	return ret;
}

/* A buffer more, and away again. */
static int bind_run(struct client *client, uint32_t handle, uint32_t value, uint32_t rounds)
{
	struct region region;
	uint32_t i;
	int ret = 0;

	usleep(2000);
	region_begin(&region);
	for (i = 0; !ret && i < rounds; i++) {
		ret = vm_map(client->fd, client->vm, handle, TEST_VA, PAGE, DRM_KESTREL_BIND_READ);
		if (!ret)
			ret = vm_unmap(client->fd, client->vm, TEST_VA, PAGE);
	}
	region_end(&region, "bind", value, rounds);
	return ret;
}

/* Waits for a buffer that no job uses any more. */
static int prep_run(struct client *client, uint32_t value, uint32_t rounds)
{
	struct region region;
	uint32_t i;
	int ret = 0;

	usleep(2000);
	region_begin(&region);
	for (i = 0; !ret && i < rounds; i++)
		ret = bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
			      deadline(LONG_TIMEOUT_S));
	region_end(&region, "prep", value, rounds);
	return ret;
}

/*
 * Jobs, maps with unmaps of one more buffer, and waits for one of them, beside more and
 * more buffers.
 */
static int buffers(uint32_t jobs, uint32_t rounds)
{
	static const uint32_t counts[] = { 1, 10, 100, 1000, 10000 };
	struct client client;
	uint32_t i, k, have = 0, extra = 0;
	int ret = client_open(&client, 0);
	size_t size;

	if (!ret)
		ret = bo_create(client.fd, PAGE, &extra);
	if (ret)
		return fail("client", ret);
	size = stream_end(&client, 0);
	for (i = 0; !ret && i < sizeof(counts) / sizeof(counts[0]); i++) {
		ret = ballast_add(&client, have, counts[i]);
		have = counts[i];
		for (k = 0; !ret && k < rounds; k++) {
			ret = batch_run(&client, size, have, jobs);
			if (!ret)
				ret = bind_run(&client, extra, have, jobs);
			if (!ret)
				ret = prep_run(&client, have, jobs);
		}
	}
	client_close(&client);
	return ret ? fail("mapped buffers", ret) : 0;
}

/* Copies with a preemption point behind each; seconds of the device's time. */
static size_t stream_long(struct client *client, uint32_t copies)
{
	static const uint8_t select_in[] = {
		KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_IN,
		KESTREL_DMA_COUNT0, 0x80, 0x40,
		KESTREL_ISA_EXECUTE,
		KESTREL_ISA_PREEMPT, 0,
	};
	size_t size = 0;

	for (; copies && size + sizeof(select_in) < STREAM_SIZE; copies--) {
		memcpy(client->stream + size, select_in, sizeof(select_in));
		size += sizeof(select_in);
	}
	client->stream[size++] = KESTREL_ISA_END;
	bo_fini(client->fd, client->stream_handle, STREAM_SIZE);
	return size;
}

/* One job, from submission to the waiter's knowing of its end. */
static int single_run(struct client *client, size_t size, const char *name)
{
	struct region region;
	int ret;

	region_begin(&region);
	ret = client_run(client, 0, size);
	region_end(&region, name, 0, 1);
	return ret;
}

/* Jobs of a queue of NORMAL while one of LOW has the engine. */
static int preempt(uint32_t rounds)
{
	struct drm_kestrel_queue_create create = { .priority = DRM_KESTREL_PRIORITY_LOW,
						   .max_jobs = 16 };
	struct client low, normal;
	int ret = client_open(&low, 0);
	size_t size, noop_size;
	uint32_t i;

	if (!ret)
		ret = client_open(&normal, 0);
	create.vm_id = low.vm;
	if (!ret)
		ret = device_ioctl(low.fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create);
	if (ret)
		return fail("clients", ret);
	low.queue = create.queue_id;
	size = stream_long(&low, UINT32_MAX);
	noop_size = stream_end(&normal, 0);
	ret = rounds_run(&normal, noop_size, "idle", rounds);
	for (i = 0; !ret && i < rounds; i++) {
		/* Several, so that the engine is not done before the other job comes. */
		uint32_t k;

		for (k = 0; !ret && k < 8; k++)
			ret = client_submit(&low, 0, size, 0);
		if (!ret)
			ret = single_run(&normal, noop_size, "preempt");
		if (!ret)
			ret = bo_prep(low.fd, low.data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
				      deadline(LONG_TIMEOUT_S));
	}
	client_close(&low);
	client_close(&normal);
	return ret ? fail("preemption", ret) : 0;
}

/* The device's runtime PM status, or "" where it has none. */
static bool suspended(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return !strncmp(text, "suspended", 9);
}

/* The first job of a device that has switched itself off, beside further ones. */
static int wake(uint32_t rounds, const char *status)
{
	struct client client;
	int ret = client_open(&client, 0);
	size_t size;
	uint32_t i, tries;

	if (ret)
		return fail("client", ret);
	size = stream_end(&client, 0);
	for (i = 0; !ret && i < rounds; i++) {
		for (tries = 0; !suspended(status) && tries < 100; tries++)
			usleep(100000);
		if (tries == 100) {
			printf("none wake\n");
			break;
		}
		ret = single_run(&client, size, "wake");
		if (!ret)
			ret = single_run(&client, size, "awake");
	}
	client_close(&client);
	return ret ? fail("wake", ret) : 0;
}

/*
 * Lets the management core die so that a reset of the given level brings it back,
 * and submits jobs: one that is lost, then, by another client, one that ends well.
 */
static int reset_once(const char *name, uint32_t fault)
{
	struct client client;
	struct region region;
	uint32_t tries;
	int ret = client_open(&client, 0);

	if (!ret)
		ret = machine_inject("dead-mcu", fault);
	if (ret)
		return ret;
	region_begin(&region);
	ret = client_run(&client, 0, stream_end(&client, 0));
	client_close(&client);
	if (ret != -ECANCELED)
		return ret ? ret : -EPROTO;
	for (tries = 0; tries < 100; tries++) {
		ret = client_open(&client, 0);
		if (!ret)
			ret = client_run(&client, 0, stream_end(&client, 0));
		client_close(&client);
		if (!ret)
			break;
		usleep(1000);
	}
	region_end(&region, name, 0, 1);
	return ret;
}

static int reset(uint32_t rounds)
{
	int ret = machine_open();

	for (; !ret && rounds; rounds--) {
		ret = reset_once("mcu-reset", 2);
		if (!ret)
			ret = reset_once("device-reset", 3);
	}
	machine_close();
	return ret ? fail("reset", ret) : 0;
}

int main(int argc, char **argv)
{
	uint32_t number[3] = { 0 };
	int i;

	for (i = 2; i < argc && i < 5; i++)
		number[i - 2] = (uint32_t)strtoul(argv[i], NULL, 0);
	if (argc == 3 && !strcmp(argv[1], "noop"))
		return noop(number[0]);
	if (argc == 3 && !strcmp(argv[1], "trivial"))
		return trivial(number[0]);
	if (argc == 5 && !strcmp(argv[1], "clients") && number[0])
		return clients(number[0], number[1], number[2]);
	if (argc == 4 && !strcmp(argv[1], "buffers"))
		return buffers(number[0], number[1]);
	if (argc == 3 && !strcmp(argv[1], "preempt"))
		return preempt(number[0]);
	if (argc == 4 && !strcmp(argv[1], "wake"))
		return wake(number[0], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "reset"))
		return reset(number[0]);
	fprintf(stderr, "usage: %s noop ROUNDS | trivial ROUNDS | clients COUNT JOBS ROUNDS | "
		"buffers JOBS ROUNDS | preempt ROUNDS | wake ROUNDS STATUS_FILE | reset ROUNDS\n", argv[0]);
	return 2;
}
