// SPDX-License-Identifier: MIT
/* What one client does wrong: that it is told, and that nobody else notices. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kestrel/isa.h>

#include "kestrel.h"

#include "kselftest_harness.h"

/* Short, but long enough for any good job, in engine time. */
#define SHORT_TIMEOUT_MS	20

FIXTURE(faults)
{
	struct client guilty;
	struct client innocent;
};

FIXTURE_SETUP(faults)
{
	ASSERT_EQ(client_open(&self->guilty, SHORT_TIMEOUT_MS), 0);
	ASSERT_EQ(client_open(&self->innocent, 0), 0);
}

FIXTURE_TEARDOWN(faults)
{
	client_close(&self->guilty);
	client_close(&self->innocent);
}

static int innocent_still_works(struct client *client)
{
	size_t size = stream_copy(client, 1024, 0, 4096, 4096);
	struct drm_kestrel_queue_state state;
	int ret;

	memset(client->data, 0x96, 4096);
	memset(client->data + 4096, 0, 4096);
	bo_fini(client->fd, client->data_handle, DATA_SIZE);
	ret = client_run(client, 1024, size);
	if (ret)
		return ret;
	ret = bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
		      deadline(LONG_TIMEOUT_S));
	if (ret)
		return ret;
	if (memcmp(client->data, client->data + 4096, 4096))
		return -EILSEQ;
	ret = queue_state(client->fd, client->queue, &state);
	return ret ? ret : state.status == DRM_KESTREL_QUEUE_OK ? 0 : -ECANCELED;
}

/* The first and only fault record of a client. */
static int the_fault(struct client *client, struct drm_kestrel_fault *fault)
{
	uint64_t cursor = 0;
	int count = faults_read(client->fd, client->vm, fault, 1, &cursor, NULL);

	return count == 1 ? 0 : count < 0 ? count : -ENODATA;
}

#define EXPECT_DEAD(client, expected_status, faults)				\
	do {									\
		struct drm_kestrel_queue_state state;				\
										\
		ASSERT_EQ(queue_state((client)->fd, (client)->queue, &state), 0); \
		EXPECT_EQ(state.status, expected_status);			\
		EXPECT_EQ(state.fault_count, faults);				\
		EXPECT_EQ(state.completed, state.submitted);			\
		EXPECT_EQ(client_submit(client, 0, 1, 0), -ECANCELED);		\
	} while (0)

TEST_F(faults, illegal_command)
{
	size_t size = stream_illegal(&self->guilty, 0);
	struct drm_kestrel_fault fault;

	EXPECT_EQ(client_run(&self->guilty, 0, size), -EINVAL);
	EXPECT_DEAD(&self->guilty, DRM_KESTREL_QUEUE_FAULT, 1);
	ASSERT_EQ(the_fault(&self->guilty, &fault), 0);
	EXPECT_EQ(fault.type, DRM_KESTREL_FAULT_COMMAND);
	EXPECT_EQ(fault.code, KESTREL_FAULT_ILLEGAL_OPCODE);
	EXPECT_EQ(fault.unit, KESTREL_UNIT_FRONT_END);
	/* Behind the SET record of two bytes. */
	EXPECT_EQ(fault.stream_offset, 2);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_NONE);
	EXPECT_EQ(fault.queue_id, self->guilty.queue);
	EXPECT_EQ(fault.seqno, 1);
	EXPECT_EQ(fault.user_tag, 0x7a6);
	EXPECT_EQ(fault.va, 0);
	EXPECT_NE(fault.time_ns, 0);
	EXPECT_EQ(innocent_still_works(&self->innocent), 0);
	EXPECT_EQ(the_fault(&self->innocent, &fault), -ENODATA);
}

TEST_F(faults, stream_without_end)
{
	struct drm_kestrel_fault fault;

	stream_copy(&self->guilty, 0, 0, 4096, 16);
	EXPECT_EQ(client_run(&self->guilty, 0, 4), -EINVAL);
	ASSERT_EQ(the_fault(&self->guilty, &fault), 0);
	EXPECT_EQ(fault.code, KESTREL_FAULT_STREAM_END);
	EXPECT_EQ(innocent_still_works(&self->innocent), 0);
}

TEST_F(faults, outside_of_base)
{
	size_t size = stream_copy(&self->guilty, 0, DATA_SIZE - 8, 0, 16);
	struct drm_kestrel_fault fault;

	EXPECT_EQ(client_run(&self->guilty, 0, size), -EINVAL);
	ASSERT_EQ(the_fault(&self->guilty, &fault), 0);
	EXPECT_EQ(fault.code, KESTREL_FAULT_BASE_RANGE);
	EXPECT_EQ(fault.unit, KESTREL_UNIT_DMA_IN);
}

TEST_F(faults, base_that_the_job_has_not)
{
	size_t size = stream_copy_bases(&self->guilty, 0, 5, 0, 0, 0, 16);
	struct drm_kestrel_fault fault;

	EXPECT_EQ(client_run(&self->guilty, 0, size), -EINVAL);
	ASSERT_EQ(the_fault(&self->guilty, &fault), 0);
	EXPECT_EQ(fault.code, KESTREL_FAULT_BASE_RANGE);
}

/* Runs a copy whose bases user space chooses; 0 or the error of the fence. */
static int run_with_bases(struct client *client, size_t size,
			  const struct drm_kestrel_base *bases, uint32_t count)
{
	struct drm_kestrel_sync sync = { .flags = DRM_KESTREL_SYNC_SIGNAL };
	struct drm_kestrel_job job = client_job(client, 0, size);
	struct drm_kestrel_submit args = {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	int ret;

	ret = syncobj_create(client->fd, &sync.handle);
	if (ret)
		return ret;
	job.bases = (struct drm_kestrel_array) {
		.stride = sizeof(*bases), .count = count, .ptr = (uintptr_t)bases,
	};
	job.syncs = (struct drm_kestrel_array) {
		.stride = sizeof(sync), .count = 1, .ptr = (uintptr_t)&sync,
	};
	ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args);
	if (!ret)
		ret = syncobj_wait(client->fd, sync.handle, 0, deadline(LONG_TIMEOUT_S));
	if (!ret)
		ret = syncobj_status(client->fd, sync.handle);
	syncobj_destroy(client->fd, sync.handle);
	return ret;
}

#define ELSEWHERE_VA	0x7000000ull

/*
 * The other client has its secret at the same kind of address; this one has
 * nothing there.
 */
TEST_F(faults, cannot_read_the_other_client)
{
	struct client *guilty = &self->guilty;
	struct client *innocent = &self->innocent;
	const struct drm_kestrel_base bases[] = {
		{ DATA_VA, DATA_SIZE }, { ELSEWHERE_VA, DATA_SIZE },
	};
	size_t size = stream_copy_bases(guilty, 0, 1, 0x1230, 0, 0, 4096);
	struct drm_kestrel_fault fault;
	unsigned int i;

	ASSERT_EQ(vm_map(innocent->fd, innocent->vm, innocent->data_handle, ELSEWHERE_VA,
			 DATA_SIZE, DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE), 0);
	memset(innocent->data, 0x5e, DATA_SIZE);
	memset(guilty->data, 0, DATA_SIZE);
	bo_fini(innocent->fd, innocent->data_handle, DATA_SIZE);
	bo_fini(guilty->fd, guilty->data_handle, DATA_SIZE);

	EXPECT_EQ(run_with_bases(guilty, size, bases, 2), -EFAULT);
	EXPECT_DEAD(guilty, DRM_KESTREL_QUEUE_FAULT, 1);
	ASSERT_EQ(the_fault(guilty, &fault), 0);
	EXPECT_EQ(fault.type, DRM_KESTREL_FAULT_MMU);
	EXPECT_EQ(fault.code, KESTREL_FAULT_MMU);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_READ);
	EXPECT_EQ(fault.unit, KESTREL_UNIT_DMA_IN);
	EXPECT_EQ(fault.va & ~0xfffull, ELSEWHERE_VA + 0x1000);
	EXPECT_EQ(fault.queue_id, guilty->queue);

	bo_prep(guilty->fd, guilty->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
		deadline(LONG_TIMEOUT_S));
	for (i = 0; i < DATA_SIZE; i++)
		ASSERT_EQ(guilty->data[i], 0);
	EXPECT_EQ(innocent_still_works(innocent), 0);
	EXPECT_EQ(the_fault(innocent, &fault), -ENODATA);
}

TEST_F(faults, cannot_write_the_other_client)
{
	struct client *guilty = &self->guilty;
	struct client *innocent = &self->innocent;
	const struct drm_kestrel_base bases[] = {
		{ DATA_VA, DATA_SIZE }, { ELSEWHERE_VA, DATA_SIZE },
	};
	size_t size = stream_copy_bases(guilty, 0, 0, 0, 1, 0, 4096);
	struct drm_kestrel_fault fault;
	unsigned int i;

	ASSERT_EQ(vm_map(innocent->fd, innocent->vm, innocent->data_handle, ELSEWHERE_VA,
			 DATA_SIZE, DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE), 0);
	memset(innocent->data, 0x5e, DATA_SIZE);
	bo_fini(innocent->fd, innocent->data_handle, DATA_SIZE);

	EXPECT_EQ(run_with_bases(guilty, size, bases, 2), -EFAULT);
	ASSERT_EQ(the_fault(guilty, &fault), 0);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_WRITE);
	EXPECT_EQ(fault.unit, KESTREL_UNIT_DMA_OUT);
	EXPECT_EQ(fault.va & ~0xfffull, ELSEWHERE_VA);
	bo_prep(innocent->fd, innocent->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
		deadline(LONG_TIMEOUT_S));
	for (i = 0; i < DATA_SIZE; i++)
		ASSERT_EQ(innocent->data[i], 0x5e);
	EXPECT_EQ(innocent_still_works(innocent), 0);
}

TEST_F(faults, read_only_mapping)
{
	struct client *guilty = &self->guilty;
	const struct drm_kestrel_base bases[] = {
		{ DATA_VA, DATA_SIZE }, { ELSEWHERE_VA, DATA_SIZE },
	};
	size_t size = stream_copy_bases(guilty, 0, 1, 0, 1, 4096, 16);
	struct drm_kestrel_fault fault;

	ASSERT_EQ(vm_map(guilty->fd, guilty->vm, guilty->data_handle, ELSEWHERE_VA, DATA_SIZE,
			 DRM_KESTREL_BIND_READ), 0);
	EXPECT_EQ(run_with_bases(guilty, size, bases, 2), -EFAULT);
	ASSERT_EQ(the_fault(guilty, &fault), 0);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_WRITE);
	EXPECT_EQ(fault.va & ~0xfffull, ELSEWHERE_VA + 0x1000);
}

TEST_F(faults, data_is_not_executed)
{
	struct client *guilty = &self->guilty;
	struct drm_kestrel_job job = client_job(guilty, 0, 1);
	struct drm_kestrel_submit args = {
		.queue_id = guilty->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	struct drm_kestrel_fault fault;

	guilty->data[0] = KESTREL_ISA_END;
	bo_fini(guilty->fd, guilty->data_handle, DATA_SIZE);
	job.command_va = DATA_VA;
	ASSERT_EQ(device_ioctl(guilty->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
	bo_prep(guilty->fd, guilty->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
		deadline(LONG_TIMEOUT_S));
	ASSERT_EQ(the_fault(guilty, &fault), 0);
	EXPECT_EQ(fault.type, DRM_KESTREL_FAULT_MMU);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_FETCH);
	EXPECT_EQ(fault.unit, KESTREL_UNIT_FRONT_END);
	EXPECT_EQ(fault.va & ~0xfffull, DATA_VA);
}

/* Command streams are mapped to be fetched, and for nothing else. */
TEST_F(faults, streams_are_not_data)
{
	struct client *guilty = &self->guilty;
	struct drm_kestrel_fault fault;
	uint64_t cursor = 0;

	EXPECT_EQ(client_copy_at(guilty, STREAM_VA, DATA_VA, 16), -EFAULT);
	ASSERT_EQ(faults_read(guilty->fd, guilty->vm, &fault, 1, &cursor, NULL), 1);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_READ);
	EXPECT_EQ(fault.va & ~0xfffull, STREAM_VA);

	ASSERT_EQ(queue_destroy(guilty->fd, guilty->queue), 0);
	ASSERT_EQ(queue_create(guilty->fd, guilty->vm, 4, 0, &guilty->queue), 0);
	EXPECT_EQ(client_copy_at(guilty, DATA_VA, STREAM_VA, 16), -EFAULT);
	ASSERT_EQ(faults_read(guilty->fd, guilty->vm, &fault, 1, &cursor, NULL), 1);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_WRITE);
	EXPECT_EQ(fault.va & ~0xfffull, STREAM_VA);
}

TEST_F(faults, unmapped_memory_is_not_reached)
{
	struct client *guilty = &self->guilty;
	size_t size = stream_copy(guilty, 0, 0, 4096, 16);
	struct drm_kestrel_fault fault;

	ASSERT_EQ(client_run(guilty, 0, size), 0);
	ASSERT_EQ(vm_unmap(guilty->fd, guilty->vm, DATA_VA + 4096, 4096), 0);
	EXPECT_EQ(client_run(guilty, 0, size), -EFAULT);
	ASSERT_EQ(the_fault(guilty, &fault), 0);
	EXPECT_EQ(fault.va & ~0xfffull, DATA_VA + 4096);
	EXPECT_EQ(fault.seqno, 2);
}

TEST_F(faults, too_long_job)
{
	struct client *guilty = &self->guilty;
	struct client *innocent = &self->innocent;
	size_t size = stream_endless(guilty, 0);
	struct drm_kestrel_query_resets before, after;
	struct drm_kestrel_fault fault;
	uint32_t done;

	ASSERT_EQ(query(guilty->fd, DRM_KESTREL_QUERY_RESETS, &before, sizeof(before)), 0);
	/* The other one waits behind it, and gets its turn. */
	ASSERT_EQ(syncobj_create(innocent->fd, &done), 0);
	ASSERT_EQ(client_submit(guilty, 0, size, 0), 0);
	ASSERT_EQ(client_submit(innocent, 0, stream_end(innocent, 0), done), 0);

	EXPECT_EQ(syncobj_wait(innocent->fd, done, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(innocent->fd, done), 0);
	ASSERT_EQ(bo_prep(guilty->fd, guilty->data_handle, DRM_KESTREL_PREP_READ, PAGE,
			  deadline(LONG_TIMEOUT_S)), 0);

	EXPECT_DEAD(guilty, DRM_KESTREL_QUEUE_TIMEDOUT, 1);
	ASSERT_EQ(the_fault(guilty, &fault), 0);
	EXPECT_EQ(fault.type, DRM_KESTREL_FAULT_TIMEOUT);
	EXPECT_EQ(innocent_still_works(innocent), 0);
	/* The firmware did it alone. */
	ASSERT_EQ(query(guilty->fd, DRM_KESTREL_QUERY_RESETS, &after, sizeof(after)), 0);
	EXPECT_EQ(after.mcu, before.mcu);
	EXPECT_EQ(after.device, before.device);
}

TEST_F(faults, timeout_is_the_fence_error)
{
	size_t size = stream_endless(&self->guilty, 0);

	EXPECT_EQ(client_run(&self->guilty, 0, size), -ETIMEDOUT);
	EXPECT_EQ(innocent_still_works(&self->innocent), 0);
}

TEST_F(faults, jobs_behind_a_failed_one_are_cancelled)
{
	struct client *guilty = &self->guilty;
	struct drm_kestrel_sync syncs[3];
	struct drm_kestrel_job jobs[3];
	struct drm_kestrel_submit args = {
		.queue_id = guilty->queue,
		.jobs = { .stride = sizeof(jobs[0]), .count = 3, .ptr = (uintptr_t)jobs },
	};
	size_t bad = stream_illegal(guilty, 0);
	size_t good = stream_end(guilty, 256);
	unsigned int i;

	jobs[0] = client_job(guilty, 256, good);
	jobs[1] = client_job(guilty, 0, bad);
	jobs[2] = client_job(guilty, 256, good);
	for (i = 0; i < 3; i++) {
		syncs[i] = (struct drm_kestrel_sync) { .flags = DRM_KESTREL_SYNC_SIGNAL };
		ASSERT_EQ(syncobj_create(guilty->fd, &syncs[i].handle), 0);
		jobs[i].syncs = (struct drm_kestrel_array) {
			.stride = sizeof(syncs[i]), .count = 1, .ptr = (uintptr_t)&syncs[i],
		};
	}
	ASSERT_EQ(device_ioctl(guilty->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
	ASSERT_EQ(syncobj_wait(guilty->fd, syncs[2].handle, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(guilty->fd, syncs[0].handle), 0);
	EXPECT_EQ(syncobj_status(guilty->fd, syncs[1].handle), -EINVAL);
	EXPECT_EQ(syncobj_status(guilty->fd, syncs[2].handle), -ECANCELED);
}

TEST_F(faults, destroyed_queue_cancels_its_jobs)
{
	struct client *guilty = &self->guilty;
	size_t stuck = stream_endless(guilty, 0);
	uint32_t done, queue;

	/* One whose jobs would run on and on. */
	ASSERT_EQ(queue_create_patient(guilty->fd, guilty->vm, 4, &queue), 0);
	guilty->queue = queue;
	ASSERT_EQ(syncobj_create(guilty->fd, &done), 0);
	ASSERT_EQ(client_submit(guilty, 0, stuck, 0), 0);
	ASSERT_EQ(client_submit(guilty, 0, stuck, done), 0);
	usleep(20000);
	ASSERT_EQ(queue_destroy(guilty->fd, queue), 0);
	EXPECT_EQ(syncobj_wait(guilty->fd, done, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(guilty->fd, done), -ECANCELED);
	EXPECT_EQ(innocent_still_works(&self->innocent), 0);
}

TEST_F(faults, closed_file_ends_its_jobs)
{
	struct client *guilty = &self->guilty;
	size_t stuck = stream_endless(guilty, 0);
	struct drm_kestrel_job jobs[10];
	struct drm_kestrel_submit args = {
		.queue_id = guilty->queue,
		.jobs = { .stride = sizeof(jobs[0]), .count = 10, .ptr = (uintptr_t)jobs },
	};
	unsigned int i;

	for (i = 0; i < 10; i++)
		jobs[i] = client_job(guilty, 0, stuck);
	ASSERT_EQ(device_ioctl(guilty->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
	client_close(guilty);
	EXPECT_EQ(innocent_still_works(&self->innocent), 0);
}

TEST_F(faults, new_queue_after_a_fault)
{
	struct client *guilty = &self->guilty;

	EXPECT_EQ(client_run(guilty, 0, stream_illegal(guilty, 0)), -EINVAL);
	ASSERT_EQ(queue_destroy(guilty->fd, guilty->queue), 0);
	ASSERT_EQ(queue_create(guilty->fd, guilty->vm, 4, 0, &guilty->queue), 0);
	EXPECT_EQ(client_run(guilty, 0, stream_end(guilty, 0)), 0);
}

TEST_F(faults, records_are_numbered_and_lost)
{
	struct client *guilty = &self->guilty;
	struct drm_kestrel_fault faults[80];
	size_t bad = stream_illegal(guilty, 0);
	uint64_t cursor = 0;
	uint32_t lost, i;

	for (i = 0; i < 70; i++) {
		ASSERT_EQ(client_run(guilty, 0, bad), -EINVAL);
		ASSERT_EQ(queue_destroy(guilty->fd, guilty->queue), 0);
		ASSERT_EQ(queue_create(guilty->fd, guilty->vm, 4, 0, &guilty->queue), 0);
	}
	EXPECT_EQ(faults_read(guilty->fd, guilty->vm, faults, 80, &cursor, &lost), 64);
	EXPECT_EQ(lost, 6);
	EXPECT_EQ(cursor, 70);
	EXPECT_EQ(faults_read(guilty->fd, guilty->vm, faults, 80, &cursor, &lost), 0);
	EXPECT_EQ(lost, 0);
	cursor = 68;
	EXPECT_EQ(faults_read(guilty->fd, guilty->vm, faults, 1, &cursor, &lost), 1);
	EXPECT_EQ(cursor, 69);
}

TEST_F(faults, fault_read_refuses)
{
	struct client *client = &self->guilty;
	struct drm_kestrel_fault fault;
	const struct drm_kestrel_fault_read good = {
		.vm_id = client->vm,
		.faults = { .stride = sizeof(fault), .count = 1, .ptr = (uintptr_t)&fault },
	};
	struct drm_kestrel_fault_read bad;

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_FAULT_READ, &bad), error) \
			TH_LOG(#change);					\
	} while (0)

	EXPECT_BAD(vm_id = 0, -ENOENT);
	EXPECT_BAD(vm_id += 1000, -ENOENT);
	EXPECT_BAD(flags = 1, -EINVAL);
	EXPECT_BAD(pad = 1, -EINVAL);
	EXPECT_BAD(cursor = 1, -EINVAL);
	EXPECT_BAD(faults.stride = sizeof(fault) - 8, -EINVAL);
	EXPECT_BAD(faults.stride = 8192, -EINVAL);
	EXPECT_BAD(faults.ptr = 0, -EINVAL);
	EXPECT_BAD(faults.count = 0, -EINVAL);
	ASSERT_EQ(client_run(client, 0, stream_illegal(client, 0)), -EINVAL);
	EXPECT_BAD(faults.ptr = 8, -EFAULT);
#undef EXPECT_BAD

	/* Another file's VM is none of this one's business. */
	bad = good;
	EXPECT_EQ(device_ioctl(self->innocent.fd, DRM_IOCTL_KESTREL_FAULT_READ, &bad), 0);
	EXPECT_EQ(bad.faults.count, 0);
}

TEST_HARNESS_MAIN
