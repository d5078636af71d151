// SPDX-License-Identifier: MIT
/*
 * Every way in which the device or a client can fail, injected by the machine
 * around the guest: that the right fences fail, that guilty and innocent are told
 * apart, that everybody else goes on, and that the driver took exactly the step
 * of its ladder that the failure asks for.
 *
 * KESTREL_HANGS is how often the engine hangs in a row (default 20).
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/udmabuf.h>

#include <kestrel/firmware.h>
#include <kestrel/isa.h>
#include <kestrel/regs.h>

#include "bystander.h"
#include "kestrel.h"
#include "machine.h"

#include "kselftest_harness.h"

/* Engine time, long enough for any good job. */
#define SHORT_TIMEOUT_MS	20

/* At this level the firmware writes to its log why it stops a queue. */
#define LOG_STOPS		KESTREL_FW_LOG_DEBUG

FIXTURE(recovery)
{
	struct client client;
	struct counters before;
	unsigned long log_level;
};

FIXTURE_SETUP(recovery)
{
	ASSERT_EQ(machine_open(), 0);
	/* A test that went wrong is not to take the others with it. */
	if (counters_read(&self->before)) {
		ASSERT_EQ(device_bind(), 0);
		ASSERT_EQ(counters_read(&self->before), 0);
	}
	if (self->before.wedged) {
		ASSERT_EQ(device_unbind(), 0);
		ASSERT_EQ(device_bind(), 0);
	}
	ASSERT_EQ(coredump_discard(), 0);
	ASSERT_EQ(log_level_read(&self->log_level), 0);
	ASSERT_EQ(client_open(&self->client, SHORT_TIMEOUT_MS), 0);
	ASSERT_EQ(counters_read(&self->before), 0);
}

FIXTURE_TEARDOWN(recovery)
{
	unsigned long log_level;

	if (!log_level_read(&log_level) && log_level != self->log_level)
		EXPECT_EQ(log_level_set(self->log_level), 0);
	client_close(&self->client);
	machine_heal();
	machine_close();
}

/* The ladder: how many steps of each kind since the test began. */
#define EXPECT_STEPS(kills, mcu, device, is_wedged)				\
	do {									\
		struct counters now;						\
										\
		ASSERT_EQ(counters_read(&now), 0);				\
		EXPECT_EQ(now.queue_kills - self->before.queue_kills, kills);	\
		EXPECT_EQ(now.mcu_resets - self->before.mcu_resets, mcu);	\
		EXPECT_EQ(now.device_resets - self->before.device_resets, device); \
		EXPECT_EQ(now.wedged, is_wedged);				\
		EXPECT_EQ(counters_query(self->client.fd, &now), 0);		\
	} while (0)

#define EXPECT_STATUS(expected, faults)						\
	do {									\
		struct drm_kestrel_queue_state state;				\
										\
		ASSERT_EQ(queue_state(self->client.fd, self->client.queue, &state), 0); \
		EXPECT_EQ(state.status, expected);				\
		EXPECT_EQ(state.fault_count, faults);				\
		EXPECT_EQ(state.completed, state.submitted);			\
	} while (0)

/* The client has exactly one record, of this type; a stranger cannot read it. */
#define EXPECT_RECORD(expected_type, number)					\
	do {									\
		struct drm_kestrel_fault fault;					\
		struct client stranger;						\
		uint64_t cursor = 0;						\
										\
		ASSERT_EQ(faults_read(self->client.fd, self->client.vm, &fault, 1, &cursor, NULL), 1); \
		EXPECT_EQ(fault.type, expected_type);				\
		EXPECT_EQ(fault.queue_id, self->client.queue);			\
		EXPECT_EQ(fault.seqno, number);					\
		EXPECT_EQ(fault.user_tag, 0x7a6);				\
		EXPECT_EQ(faults_read(self->client.fd, self->client.vm, &fault, 1, &cursor, NULL), 0); \
		ASSERT_EQ(client_open(&stranger, 0), 0);			\
		cursor = 0;							\
		EXPECT_EQ(faults_read(stranger.fd, stranger.vm, &fault, 1, &cursor, NULL), 0); \
		EXPECT_EQ(faults_read(stranger.fd, self->client.vm + 1, &fault, 1, &cursor, NULL), \
			  -ENOENT);						\
		client_close(&stranger);					\
	} while (0)

/* A new queue on the same VM works. */
static int client_works_again(struct client *client)
{
	int ret = queue_destroy(client->fd, client->queue);

	if (!ret)
		ret = queue_create(client->fd, client->vm, 16, SHORT_TIMEOUT_MS, &client->queue);
	return ret ? ret : bystander_round(client, 77);
}

/* ---- One queue is killed ---- */

TEST_F(recovery, bad_stream)
{
	struct bystander bystander;

	ASSERT_EQ(log_level_set(LOG_STOPS), 0);
	ASSERT_EQ(bystander_start(&bystander), 0);
	EXPECT_EQ(client_run(&self->client, 0, stream_illegal(&self->client, 0)), -EINVAL);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_FAULT, 1);
	EXPECT_RECORD(DRM_KESTREL_FAULT_COMMAND, 1);
	EXPECT_EQ(bystander_goes_on(&bystander, bystander.rounds), 0);
	EXPECT_EQ(bystander_stop(&bystander), 0);
	EXPECT_EQ(bystander.lost, 0);
	EXPECT_STEPS(1, 0, 0, 0);
	EXPECT_EQ(coredump_keep("bad_stream"), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
}

TEST_F(recovery, endless_stream)
{
	struct bystander bystander;

	ASSERT_EQ(log_level_set(LOG_STOPS), 0);
	ASSERT_EQ(bystander_start(&bystander), 0);
	EXPECT_EQ(client_run(&self->client, 0, stream_endless(&self->client, 0)), -ETIMEDOUT);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_TIMEDOUT, 1);
	EXPECT_RECORD(DRM_KESTREL_FAULT_TIMEOUT, 1);
	EXPECT_EQ(bystander_goes_on(&bystander, bystander.rounds), 0);
	EXPECT_EQ(bystander_stop(&bystander), 0);
	EXPECT_EQ(bystander.lost, 0);
	EXPECT_STEPS(1, 0, 0, 0);
	EXPECT_EQ(coredump_keep("endless_stream"), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
}

/* No one else's job is on the engine, and the firmware gets rid of this one. */
TEST_F(recovery, hung_engine)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);

	ASSERT_EQ(log_level_set(LOG_STOPS), 0);
	/* A job on the engine hangs, and not the scrub before the first one. */
	ASSERT_EQ(client_run(&self->client, 0, size), 0);
	ASSERT_EQ(machine_inject("hung-engine", 1), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -ETIMEDOUT);
	ASSERT_EQ(machine_inject("hung-engine", 0), 0);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_TIMEDOUT, 1);
	EXPECT_RECORD(DRM_KESTREL_FAULT_TIMEOUT, 2);
	EXPECT_STEPS(1, 0, 0, 0);
	EXPECT_EQ(coredump_keep("hung_engine"), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
}

TEST_F(recovery, memory_error)
{
	struct client patient;
	struct drm_kestrel_queue_state state;
	uint32_t done, queue;

	ASSERT_EQ(log_level_set(LOG_STOPS), 0);
	ASSERT_EQ(client_open(&patient, 0), 0);
	ASSERT_EQ(queue_create_patient(patient.fd, patient.vm, 4, &queue), 0);
	patient.queue = queue;
	ASSERT_EQ(syncobj_create(patient.fd, &done), 0);
	ASSERT_EQ(client_submit(&patient, 0, stream_endless(&patient, 0), done), 0);
	/* The error strikes a job that runs, so it is tried until one does. */
	while (syncobj_wait(patient.fd, done, 0, deadline(0.02)) == -ETIME)
		ASSERT_EQ(machine_inject("ecc", 1), 0);

	EXPECT_EQ(syncobj_status(patient.fd, done), -EIO);
	ASSERT_EQ(queue_state(patient.fd, queue, &state), 0);
	EXPECT_EQ(state.status, DRM_KESTREL_QUEUE_INNOCENT);
	EXPECT_EQ(state.fault_count, 0);
	EXPECT_STEPS(1, 0, 0, 0);
	EXPECT_EQ(coredump_keep("memory_error"), 0);
	EXPECT_EQ(bystander_round(&self->client, 1), 0);
	client_close(&patient);
}

/* Cycles of the engine with a job, of whomever. */
static int engine_active(struct client *client, uint64_t *cycles)
{
	struct drm_kestrel_perf_device device = { 0 };
	int ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_PERF_DEVICE, &device);

	*cycles = device.counters[KESTREL_COUNTER_ACTIVE];
	return ret;
}

/* Gives the client a patient queue, at work on a job without an end; `done` is its syncobj. */
static int endless_start(struct client *client, uint32_t *done)
{
	int64_t end = deadline(LONG_TIMEOUT_S);
	uint64_t before, active = 0;
	int ret = queue_destroy(client->fd, client->queue);

	if (!ret)
		ret = queue_create_patient(client->fd, client->vm, 4, &client->queue);
	if (!ret)
		ret = syncobj_create(client->fd, done);
	if (!ret)
		ret = engine_active(client, &before);
	if (!ret)
		ret = client_submit(client, 0, stream_endless(client, 0), *done);
	while (!ret) {
		usleep(1000);
		ret = engine_active(client, &active);
		if (!ret && active != before)
			return 0;
		if (!ret && deadline(0) >= end)
			ret = -ETIME;
	}
	return ret;
}

TEST_F(recovery, destroyed_at_work)
{
	uint32_t done;

	ASSERT_EQ(endless_start(&self->client, &done), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
	EXPECT_EQ(syncobj_status(self->client.fd, done), -ECANCELED);
	EXPECT_STEPS(1, 0, 0, 0);
}

/* ---- Nothing is killed ---- */

TEST_F(recovery, lost_interrupt)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);
	long interrupts;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(machine_inject("lost-interrupt", 1), 0);
		EXPECT_EQ(client_run(&self->client, 0, size), 0);
	}
	/* What was lost does not take the interrupts to come with it. */
	interrupts = machine_interrupts();
	/* Where the CPU is slow, one look at the events finds those of two. */
	for (i = 0; i < 20 && machine_interrupts() - interrupts < 10; i++)
		EXPECT_EQ(client_run(&self->client, 0, size), 0);
	EXPECT_GE(machine_interrupts() - interrupts, 10);
	EXPECT_STEPS(0, 0, 0, 0);
	EXPECT_EQ(coredump_absent(), 0);
}

/* ---- Fast reset ---- */

/* The engine hangs, and somebody else waits for it: it cannot be scrubbed. */
TEST_F(recovery, hung_engine_and_a_waiting_client)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);
	struct bystander bystander;

	ASSERT_EQ(log_level_set(LOG_STOPS), 0);
	ASSERT_EQ(client_run(&self->client, 0, size), 0);
	ASSERT_EQ(machine_inject("hung-engine", 2), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -ETIMEDOUT);
	EXPECT_EQ(coredump_keep("hung_engine_kill"), 0);
	ASSERT_EQ(bystander_start(&bystander), 0);
	EXPECT_EQ(bystander_goes_on(&bystander, 0), 0);
	EXPECT_EQ(bystander_stop(&bystander), 0);
	EXPECT_EQ(bystander.lost, 1);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_TIMEDOUT, 1);
	EXPECT_RECORD(DRM_KESTREL_FAULT_TIMEOUT, 2);
	EXPECT_STEPS(1, 1, 0, 0);
	EXPECT_EQ(coredump_keep("crash"), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
}

TEST_F(recovery, dead_mcu)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);
	struct bystander bystander;

	ASSERT_EQ(bystander_start(&bystander), 0);
	ASSERT_EQ(bystander_goes_on(&bystander, 0), 0);
	ASSERT_EQ(machine_inject("dead-mcu", 2), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -ECANCELED);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_INNOCENT, 0);
	EXPECT_RECORD(DRM_KESTREL_FAULT_RESET, 1);
	EXPECT_EQ(bystander_goes_on(&bystander, bystander.rounds), 0);
	EXPECT_EQ(bystander_stop(&bystander), 0);
	EXPECT_LE(bystander.lost, 1);
	EXPECT_STEPS(0, 1, 0, 0);
	EXPECT_EQ(coredump_keep("dead_mcu"), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
}

/* A kill that the firmware does not answer is a reason, too. */
TEST_F(recovery, dead_mcu_at_a_kill)
{
	uint32_t idle;

	ASSERT_EQ(queue_create(self->client.fd, self->client.vm, 4, 0, &idle), 0);
	ASSERT_EQ(machine_inject("dead-mcu", 2), 0);
	EXPECT_EQ(queue_destroy(self->client.fd, idle), 0);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_OK, 0);
	EXPECT_STEPS(0, 1, 0, 0);
	EXPECT_EQ(bystander_round(&self->client, 1), 0);
}

/*
 * So is a change of the clock. The operating points take it for done whatever comes of
 * it, and do not ask again: the reset has to see to it.
 */
TEST_F(recovery, dead_mcu_at_a_change_of_the_clock)
{
	unsigned long lowest, highest, now;
	struct counters counters;
	int64_t end;

	ASSERT_EQ(clock_take(), 0);
	ASSERT_EQ(clock_limits(&lowest, &highest), 0);
	ASSERT_LT(lowest, highest);
	ASSERT_EQ(clock_set(highest), 0);
	ASSERT_EQ(clock_read(&now), 0);
	ASSERT_EQ(now, highest);
	ASSERT_EQ(machine_inject("dead-mcu", 2), 0);
	clock_set(lowest);
	end = deadline(LONG_TIMEOUT_S);
	do {
		usleep(10000);
		ASSERT_EQ(counters_read(&counters), 0);
	} while (counters.mcu_resets == self->before.mcu_resets && deadline(0) < end);
	EXPECT_EQ(bystander_round(&self->client, 1), 0);
	EXPECT_STEPS(0, 1, 0, 0);
	clock_set(lowest);
	EXPECT_EQ(clock_read(&now), 0);
	EXPECT_EQ(now, lowest);
	EXPECT_EQ(clock_set(highest), 0);
	EXPECT_EQ(clock_read(&now), 0);
	EXPECT_EQ(now, highest);
	EXPECT_EQ(bystander_round(&self->client, 2), 0);
	EXPECT_STEPS(0, 1, 0, 0);
	EXPECT_EQ(clock_give_back(), 0);
}

/* So is a change of the firmware's log level, which then is what it was. */
TEST_F(recovery, dead_mcu_at_a_change_of_the_log_level)
{
	const unsigned long debugging = 3;
	unsigned long before, now;
	struct counters counters;
	int64_t end;

	ASSERT_EQ(log_level_read(&before), 0);
	ASSERT_LT(before, debugging);
	/* Awake, so that the request is all that finds the core dead. */
	ASSERT_EQ(bystander_round(&self->client, 1), 0);
	ASSERT_EQ(machine_inject("dead-mcu", 2), 0);
	EXPECT_EQ(log_level_set(debugging), -ETIMEDOUT);
	end = deadline(LONG_TIMEOUT_S);
	do {
		usleep(10000);
		ASSERT_EQ(counters_read(&counters), 0);
	} while (counters.mcu_resets == self->before.mcu_resets && deadline(0) < end);
	EXPECT_EQ(log_level_read(&now), 0);
	EXPECT_EQ(now, before);
	/* The firmware does as the file says. */
	EXPECT_EQ(bystander_round(&self->client, 2), 0);
	EXPECT_EQ(log_records(debugging), 0);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_OK, 0);
	EXPECT_STEPS(0, 1, 0, 0);

	EXPECT_EQ(log_level_set(debugging), 0);
	EXPECT_EQ(log_level_read(&now), 0);
	EXPECT_EQ(now, debugging);
	EXPECT_EQ(bystander_round(&self->client, 3), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
	EXPECT_GT(log_records(debugging), 0);
	EXPECT_EQ(log_level_set(before), 0);
	EXPECT_STEPS(0, 1, 0, 0);
	EXPECT_EQ(coredump_keep("log_level"), 0);
}

TEST_F(recovery, lying_firmware)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);
	struct bystander bystander;

	ASSERT_EQ(machine_inject("lying-firmware", UINT32_MAX), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -ECANCELED);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_INNOCENT, 0);
	EXPECT_RECORD(DRM_KESTREL_FAULT_RESET, 1);
	EXPECT_STEPS(0, 1, 0, 0);
	EXPECT_EQ(coredump_keep("lying_firmware"), 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
	ASSERT_EQ(bystander_start(&bystander), 0);
	EXPECT_EQ(bystander_goes_on(&bystander, 0), 0);
	EXPECT_EQ(bystander_stop(&bystander), 0);
	EXPECT_EQ(bystander.lost, 0);
}

/* ---- Reset of the whole device ---- */

TEST_F(recovery, dead_mcu_until_a_full_reset)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);
	struct bystander bystander;

	ASSERT_EQ(bystander_start(&bystander), 0);
	ASSERT_EQ(bystander_goes_on(&bystander, 0), 0);
	ASSERT_EQ(machine_inject("dead-mcu", 3), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -ECANCELED);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_INNOCENT, 0);
	EXPECT_EQ(bystander_goes_on(&bystander, bystander.rounds), 0);
	EXPECT_EQ(bystander_stop(&bystander), 0);
	EXPECT_LE(bystander.lost, 1);
	EXPECT_STEPS(0, 1, 1, 0);
	EXPECT_EQ(coredump_keep("full_reset"), 0);
	/* The address spaces came back. */
	EXPECT_EQ(client_works_again(&self->client), 0);
}

/* Long enough for an MMU that works, and shorter than a heartbeat's. */
#define MMU_TIMEOUT_MS	1000

/* Whoever waits for it gets what he asked for; queues without jobs go on. */
TEST_F(recovery, hung_invalidation)
{
	unsigned long timeout_ms, kept;
	struct client other;

	ASSERT_EQ(client_open(&other, 0), 0);
	ASSERT_EQ(bystander_round(&self->client, 1), 0);
	ASSERT_EQ(invalidate_timeout_set(MMU_TIMEOUT_MS, &timeout_ms), 0);
	ASSERT_EQ(machine_inject("hung-invalidation", 2), 0);
	EXPECT_EQ(queue_destroy(other.fd, other.queue), 0);
	EXPECT_STEPS(0, 0, 1, 0);
	EXPECT_EQ(bystander_round(&self->client, 2), 0);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_OK, 0);
	client_close(&other);
	/* The reset has stopped it: what it had is freed. */
	EXPECT_EQ(kept_memory_read(&kept), 0);
	EXPECT_EQ(kept, 0);
	EXPECT_STEPS(0, 0, 1, 0);
	EXPECT_EQ(invalidate_timeout_set(timeout_ms, NULL), 0);
	EXPECT_EQ(coredump_keep("hung_invalidation"), 0);
}

/* ---- Given up ---- */

/* What a device that is given up says to everything; then it is bound anew. */
#define EXPECT_WEDGED(mcu, device)						\
	do {									\
		struct drm_kestrel_vm_create create = { 0 };			\
		struct drm_kestrel_queue_state state;				\
		uint32_t queue;							\
										\
		/* Sent when all queues have lost their jobs. */		\
		EXPECT_EQ(machine_wedged_event(), 0);				\
		ASSERT_EQ(queue_state(self->client.fd, self->client.queue, &state), 0); \
		EXPECT_EQ(state.status, DRM_KESTREL_QUEUE_WEDGED);		\
		EXPECT_EQ(client_submit(&self->client, 0, 16, 0), -EIO);	\
		EXPECT_EQ(device_ioctl(self->client.fd, DRM_IOCTL_KESTREL_VM_CREATE, &create), \
			  -EIO);						\
		EXPECT_EQ(queue_create(self->client.fd, self->client.vm, 4, 0, &queue), -EIO); \
		EXPECT_STEPS(0, mcu, device, 1);				\
	} while (0)

static void bind_anew(struct __test_metadata *_metadata, struct client *client)
{
	machine_heal();
	EXPECT_EQ(device_unbind(), 0);
	EXPECT_EQ(client_submit(client, 0, 16, 0), -ENODEV);
	client_close(client);
	ASSERT_EQ(device_bind(), 0);
	ASSERT_EQ(client_open(client, SHORT_TIMEOUT_MS), 0);
	EXPECT_EQ(bystander_round(client, 1), 0);
}

TEST_F(recovery, dead_mcu_for_good)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);

	ASSERT_EQ(machine_inject("dead-mcu", 1), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -ECANCELED);
	ASSERT_EQ(counters_wait_wedged(), 0);
	EXPECT_STEPS(0, 1, 1, 1);
	EXPECT_EQ(machine_wedged_event(), 0);
	EXPECT_EQ(coredump_keep("wedged"), 0);
	bind_anew(_metadata, &self->client);
}

TEST_F(recovery, all_ones)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);

	ASSERT_EQ(machine_inject("all-ones", 1), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -EIO);
	ASSERT_EQ(counters_wait_wedged(), 0);
	EXPECT_WEDGED(1, 1);
	EXPECT_EQ(coredump_keep("all_ones"), 0);
	bind_anew(_metadata, &self->client);
}

/* Its line stays up, and must neither hold a CPU nor have the kernel give it up. */
TEST_F(recovery, all_ones_and_an_interrupt)
{
	long interrupts = machine_interrupts();

	ASSERT_EQ(machine_inject("all-ones", 2), 0);
	ASSERT_EQ(counters_wait_wedged(), 0);
	EXPECT_EQ(machine_interrupts() - interrupts, 1);
	EXPECT_WEDGED(1, 1);
	bind_anew(_metadata, &self->client);
}

/* At least so much of a client is memory that the device reaches. */
#define CLIENT_BYTES	(STREAM_SIZE + DATA_SIZE)

/*
 * Nothing is known to have stopped the device: what it could reach stays allocated when
 * its clients, and then the driver, have let go of it.
 */
static void expect_kept(struct __test_metadata *_metadata, struct client *client)
{
	int messages = kernel_log_count("KiB that it may access stay allocated");
	unsigned long before, kept;
	struct client other = *client;

	ASSERT_EQ(kept_memory_read(&before), 0);
	client_close(&other);
	ASSERT_EQ(kept_memory_read(&kept), 0);
	EXPECT_GE(kept - before, CLIENT_BYTES);
	machine_heal();
	EXPECT_EQ(device_unbind(), 0);
	EXPECT_EQ(kernel_log_count("KiB that it may access stay allocated"), messages + 1);
	ASSERT_EQ(device_bind(), 0);
	ASSERT_EQ(client_open(client, SHORT_TIMEOUT_MS), 0);
	EXPECT_EQ(bystander_round(client, 1), 0);
	/* The driver knows that this time it has stopped. */
	ASSERT_EQ(kept_memory_read(&kept), 0);
	EXPECT_EQ(kept, 0);
}

/* Nothing else of a client is there. */
#define IMPORT_VA	0x8000000ull

/* Lets a client have a buffer of somebody else, mapped where jobs reach it. */
static int client_import(struct client *client)
{
	struct udmabuf_create create = { .size = DATA_SIZE, .flags = UDMABUF_FLAGS_CLOEXEC };
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), buffer = -1, ret = -ENODEV;
	int memory = memfd_create("kestrel", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	uint32_t handle;

	create.memfd = memory;
	if (device >= 0 && memory >= 0 && !ftruncate(memory, DATA_SIZE) &&
	    !fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK))
		buffer = ioctl(device, UDMABUF_CREATE, &create);
	if (buffer >= 0)
		ret = handle_import(client->fd, buffer, &handle);
	if (!ret)
		ret = vm_map(client->fd, client->vm, handle, IMPORT_VA, DATA_SIZE,
			     DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE);
	close(buffer);
	close(memory);
	close(device);
	return ret;
}

TEST_F(recovery, endless_reset)
{
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);
	int attached = device_attachments();
	struct client other;

	ASSERT_GE(attached, 0);
	ASSERT_EQ(client_open(&other, 0), 0);
	ASSERT_EQ(client_import(&self->client), 0);
	ASSERT_EQ(client_import(&other), 0);
	EXPECT_EQ(device_attachments(), attached + 2);
	ASSERT_EQ(machine_inject("endless-reset", 1), 0);
	ASSERT_EQ(machine_inject("dead-mcu", 3), 0);
	EXPECT_EQ(client_run(&self->client, 0, size), -ECANCELED);
	ASSERT_EQ(counters_wait_wedged(), 0);
	EXPECT_EQ(machine_wedged_event(), 0);
	EXPECT_STEPS(0, 1, 1, 1);
	EXPECT_EQ(coredump_keep("endless_reset"), 0);
	expect_kept(_metadata, &self->client);
	client_close(&other);
	/* One was closed while the device was there, one when the driver had let go of it. */
	EXPECT_EQ(device_attachments(), attached + 2);
}

/* It cannot be stopped when it is to be switched off, and goes on with its power. */
TEST_F(recovery, all_ones_at_suspend)
{
	unsigned long before, kept;
	struct client other;

	ASSERT_EQ(client_open(&other, 0), 0);
	EXPECT_EQ(bystander_round(&self->client, 1), 0);
	ASSERT_EQ(kept_memory_read(&before), 0);
	/* A change of the clock would be what finds out. */
	ASSERT_EQ(clock_take(), 0);
	ASSERT_EQ(machine_inject("all-ones", 1), 0);
	ASSERT_EQ(device_switch_off(), 0);
	client_close(&other);
	ASSERT_EQ(kept_memory_read(&kept), 0);
	EXPECT_GE(kept - before, CLIENT_BYTES);

	/* What switches it on has stopped it: what it has from there on is freed. */
	machine_heal();
	EXPECT_EQ(bystander_round(&self->client, 2), 0);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_OK, 0);
	ASSERT_EQ(client_open(&other, 0), 0);
	client_close(&other);
	ASSERT_EQ(kept_memory_read(&before), 0);
	EXPECT_EQ(before, kept);
	EXPECT_EQ(clock_give_back(), 0);
	EXPECT_STEPS(0, 0, 0, 0);
}

static void *queue_destroy_run(void *of)
{
	struct client *client = of;

	return (void *)(intptr_t)queue_destroy(client->fd, client->queue);
}

/* The reset for it comes too late, and finds a device that is off. */
TEST_F(recovery, hung_invalidation_while_switched_off)
{
	unsigned long timeout_ms, before, kept;
	struct client other;
	pthread_t thread;
	void *destroyed;

	ASSERT_EQ(client_open(&other, 0), 0);
	ASSERT_EQ(bystander_round(&self->client, 1), 0);
	ASSERT_EQ(kept_memory_read(&before), 0);
	ASSERT_EQ(clock_take(), 0);
	ASSERT_EQ(invalidate_timeout_set(MMU_TIMEOUT_MS, &timeout_ms), 0);
	ASSERT_EQ(machine_inject("hung-invalidation", 2), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, queue_destroy_run, &other), 0);
	usleep(100 * MMU_TIMEOUT_MS);
	EXPECT_EQ(device_switch_off(), 0);
	ASSERT_EQ(pthread_join(thread, &destroyed), 0);
	EXPECT_EQ((intptr_t)destroyed, 0);
	client_close(&other);
	/* It was reset before it was off. */
	ASSERT_EQ(kept_memory_read(&kept), 0);
	EXPECT_EQ(kept, before);
	EXPECT_EQ(bystander_round(&self->client, 2), 0);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_OK, 0);
	EXPECT_STEPS(0, 0, 0, 0);
	EXPECT_EQ(invalidate_timeout_set(timeout_ms, NULL), 0);
	EXPECT_EQ(clock_give_back(), 0);
}

/* The jobs of somebody else are at work, and are not known to stop. */
TEST_F(recovery, hung_invalidation_and_endless_reset)
{
	unsigned long timeout_ms;
	struct client other;
	uint32_t done;

	ASSERT_EQ(client_open(&other, 0), 0);
	ASSERT_EQ(queue_destroy(self->client.fd, self->client.queue), 0);
	ASSERT_EQ(queue_create_patient(self->client.fd, self->client.vm, 4, &self->client.queue), 0);
	ASSERT_EQ(syncobj_create(self->client.fd, &done), 0);
	ASSERT_EQ(invalidate_timeout_set(MMU_TIMEOUT_MS, &timeout_ms), 0);
	ASSERT_EQ(machine_inject("endless-reset", 1), 0);
	ASSERT_EQ(machine_inject("hung-invalidation", 1), 0);
	ASSERT_EQ(client_submit(&self->client, 0, stream_endless(&self->client, 0), done), 0);
	client_close(&other);
	ASSERT_EQ(counters_wait_wedged(), 0);
	EXPECT_EQ(syncobj_wait(self->client.fd, done, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(self->client.fd, done), -EIO);
	EXPECT_WEDGED(0, 1);
	EXPECT_EQ(invalidate_timeout_set(timeout_ms, NULL), 0);
	EXPECT_EQ(coredump_keep("hung_invalidation_and_reset"), 0);
	expect_kept(_metadata, &self->client);
}

/* The driver gives a device up that it has booted, but cannot use. */
TEST_F(recovery, endless_reset_at_probe)
{
	int messages;

	ASSERT_EQ(device_unbind(), 0);
	client_close(&self->client);
	messages = kernel_log_count("KiB that it may access stay allocated");
	ASSERT_EQ(machine_inject("endless-reset", 2), 0);
	ASSERT_EQ(machine_inject("dead-mcu", 1), 0);
	EXPECT_EQ(device_bind(), -ETIMEDOUT);
	EXPECT_EQ(kernel_log_count("KiB that it may access stay allocated"), messages + 1);
	machine_heal();
	ASSERT_EQ(device_bind(), 0);
	ASSERT_EQ(client_open(&self->client, SHORT_TIMEOUT_MS), 0);
	EXPECT_EQ(bystander_round(&self->client, 1), 0);
}

/* ---- Asked for in debugfs ---- */

TEST_F(recovery, injected_queue_kill)
{
	unsigned int slot;
	char step[32];
	uint32_t done;

	ASSERT_EQ(endless_start(&self->client, &done), 0);
	ASSERT_EQ(queue_busy(&slot), 0);
	snprintf(step, sizeof(step), "queue-kill %u\n", slot);
	EXPECT_EQ(step_inject(step), 0);
	EXPECT_EQ(syncobj_wait(self->client.fd, done, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(self->client.fd, done), -ECANCELED);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_INNOCENT, 0);
	EXPECT_STEPS(1, 0, 0, 0);
	/* It has nothing more to lose. */
	EXPECT_EQ(step_inject(step), 0);
	EXPECT_STEPS(1, 0, 0, 0);
	EXPECT_EQ(client_works_again(&self->client), 0);
	EXPECT_STEPS(1, 0, 0, 0);
}

TEST_F(recovery, injected_resets)
{
	EXPECT_EQ(step_inject("mcu-reset\n"), 0);
	EXPECT_STEPS(0, 1, 0, 0);
	EXPECT_EQ(coredump_keep("injected_mcu_reset"), 0);
	EXPECT_EQ(bystander_round(&self->client, 1), 0);
	EXPECT_EQ(step_inject("device-reset\n"), 0);
	EXPECT_STEPS(0, 1, 1, 0);
	EXPECT_EQ(coredump_keep("injected_device_reset"), 0);
	EXPECT_EQ(bystander_round(&self->client, 2), 0);
	EXPECT_STATUS(DRM_KESTREL_QUEUE_OK, 0);
	EXPECT_STEPS(0, 1, 1, 0);
}

TEST_F(recovery, injected_wedge)
{
	EXPECT_EQ(step_inject("wedged\n"), 0);
	EXPECT_WEDGED(0, 0);
	EXPECT_EQ(coredump_keep("injected_wedge"), 0);
	bind_anew(_metadata, &self->client);
}

TEST_F(recovery, injected_nonsense)
{
	static const char * const nonsense[] = {
		"\n", "reset\n", "queue-kill\n", "queue-kill -1\n", "queue-kill 0 0\n", "wedged 1\n",
	};
	unsigned int i;

	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		EXPECT_EQ(step_inject(nonsense[i]), -EINVAL);
	EXPECT_EQ(step_inject("queue-kill 64000\n"), -ENOENT);
	EXPECT_EQ(bystander_round(&self->client, 1), 0);
	EXPECT_STEPS(0, 0, 0, 0);
}

/* ---- Again and again ---- */

TEST_F_TIMEOUT(recovery, hangs_in_a_row, 36000)
{
	const char *text = getenv("KESTREL_HANGS");
	unsigned long hangs = text ? strtoul(text, NULL, 0) : 20, i;
	size_t size = stream_copy(&self->client, 0, 0, 4096, 4096);

	ASSERT_EQ(client_run(&self->client, 0, size), 0);
	for (i = 0; i < hangs; i++) {
		uint32_t value = i % 10 == 9 ? 2 : 1;

		ASSERT_EQ(machine_inject("hung-engine", value), 0);
		ASSERT_EQ(client_run(&self->client, 0, size), -ETIMEDOUT);
		if (value == 1)
			ASSERT_EQ(machine_inject("hung-engine", 0), 0);
		ASSERT_EQ(queue_destroy(self->client.fd, self->client.queue), 0);
		ASSERT_EQ(queue_create(self->client.fd, self->client.vm, 16, SHORT_TIMEOUT_MS,
				       &self->client.queue), 0);
		/* An engine that cannot be scrubbed is the device's failure, not the job's. */
		if (value == 2) {
			ASSERT_EQ(client_run(&self->client, 0, size), -ECANCELED);
			EXPECT_STATUS(DRM_KESTREL_QUEUE_INNOCENT, 0);
			ASSERT_EQ(client_works_again(&self->client), 0);
		} else {
			ASSERT_EQ(bystander_round(&self->client, i), 0);
		}
	}
	EXPECT_STEPS(hangs, hangs / 10, 0, 0);
	printf("# %lu hangs in a row\n", hangs);
}

TEST_HARNESS_MAIN
