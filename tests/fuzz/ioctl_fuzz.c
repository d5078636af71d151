// SPDX-License-Identifier: MIT
/*
 * Random and mutated ioctls from many threads, for the guest.
 *
 * Every thread makes calls whose arguments make sense three times out of four:
 * identifiers are small numbers, so that most name something, whoever made it. Now
 * and then it makes one again that went well, with damage.
 * All that a thread does follows from seed and thread number; with --threads 1 a
 * run repeats exactly. A timer interrupts calls all the time. With
 * --fail-allocations on, failslab and fail_page_alloc, set up by the caller with
 * task-filter, hit the threads that make the calls. The kernel must
 * not mind (its debugging says so), each error must be one that the interface
 * knows, the device may never be given up or reset, and must work afterwards.
 */
#include "../kselftest/kestrel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "fuzz.h"

#define THREADS_MAX 64
/* Open files that all threads share. */
#define FILES 3
#define VMS 6
#define QUEUES 10
#define HANDLES 24
#define SYNCOBJS 20
#define SLOT_BYTES 0x4000u
#define SLOTS 24u
#define LISTS_BYTES 65536u
#define PLAYGROUND_PAGES 2048u
/* Of an ioctl, at most: what fits into a request's size field is more. */
#define ARGUMENT_BYTES 512u
#define REMEMBERED 64u

struct worker;

/* An ioctl of the driver. */
struct ioctl_row {
	const char *name;
	unsigned long request;
	/* How often it comes, beside the others. */
	uint32_t weight;
	/* Makes an argument that makes sense, of one that is zero. */
	void (*fill)(struct worker *w, void *argument);
	/* Keeps a spoilt argument from harming this program or its memory; may be NULL. */
	void (*tame)(struct worker *w, void *argument);
};

static atomic_int files[FILES];
static atomic_ulong calls_left;
static atomic_int unknown_error;
/* Allocations fail as the kernel's fault injection is set up. */
static bool allocations_fail;

struct worker {
	pthread_t thread;
	struct fuzz_random random;
	/* Lists that calls point to, with nothing mapped behind them. */
	uint8_t *lists;
	uint32_t lists_used;
	/* Memory that jobs may write. */
	uint8_t *playground;
	uint32_t playground_used;
	/* Calls that went well, to be made again with damage. */
	struct remembered {
		uint32_t row;
		uint8_t argument[ARGUMENT_BYTES] __attribute__((aligned(8)));
	} remembered[REMEMBERED];
	uint32_t remembered_count;
};

static uint32_t below(struct worker *w, uint32_t limit)
{
	return fuzz_below(&w->random, limit);
}

/* One of the small numbers, or any. */
static uint32_t identifier(struct worker *w, uint32_t count)
{
	return below(w, 16) ? 1 + below(w, count) : fuzz_value(&w->random);
}

static uint64_t value64(struct worker *w)
{
	return (uint64_t)fuzz_value(&w->random) << (below(w, 2) ? 32 : 0) | fuzz_value(&w->random);
}

/* The errors that kestrel_accel.h names; EIO is not for a device that works. */
static bool error_known(int error)
{
	switch (error) {
	case EINVAL:
	case ENOENT:
	case EFAULT:
	case E2BIG:
	case ENOMEM:
	case EACCES:
	case EPERM:
	case ENOSPC:
	case ECANCELED:
	case EINTR:
	case EAGAIN:
	case ETIMEDOUT:
	case EBADF:	/* the file was closed meanwhile */
		return true;
	}
	return false;
}

/*
 * What the kernel writes through must not be this program's own memory: another
 * address than that of a list becomes one where nothing is.
 */
static void pointer_tame(struct worker *w, __u64 *pointer)
{
	__u64 lists = (uintptr_t)w->lists;

	if (*pointer && *pointer >> 63 == 0 &&
	    (*pointer < lists || *pointer >= lists + LISTS_BYTES))
		*pointer = lists + LISTS_BYTES + *pointer % PAGE;
}

/* Makes a call of an argument that is as large as any; its error, or 0. */
static int call(struct worker *w, unsigned long request, void *argument)
{
	int ret = ioctl(files[below(w, FILES)], request, argument);

	return ret < 0 ? errno : 0;
}

/* Some damage, and now and then another size than the interface's. */
static unsigned long spoil(struct worker *w, unsigned long request, uint8_t *argument)
{
	uint32_t damages;

	for (damages = 1 + below(w, 3); damages; damages--)
		fuzz_damage(&w->random, argument, _IOC_SIZE(request));
	if (below(w, 8))
		return request;
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), below(w, 256));
}

static void unknown_error_tell(const struct ioctl_row *row, int error, const uint8_t *argument)
{
	char text[2 * ARGUMENT_BYTES + 1];
	uint32_t i;

	for (i = 0; i < _IOC_SIZE(row->request); i++)
		snprintf(text + 2 * i, 3, "%02x", argument[i]);
	printf("# %s: %s, argument %s\n", row->name, strerror(error), text);
	unknown_error = error;
}

/* Room for a list of `bytes`; mostly so that it ends at the end of what is mapped. */
static void *list_room(struct worker *w, uint32_t bytes)
{
	w->lists_used = (w->lists_used + bytes + 15) & ~15u;
	return w->lists + LISTS_BYTES - w->lists_used;
}

static struct drm_kestrel_array list_of(struct worker *w, const void *elements, uint32_t stride,
					uint32_t count)
{
	struct drm_kestrel_array array = { .stride = stride, .count = count,
					   .ptr = count ? (uintptr_t)elements : 0 };

	switch (below(w, 40)) {
	case 0:
		array.stride = fuzz_value(&w->random);
		break;
	case 1:
		array.count = fuzz_value(&w->random);
		break;
	case 2:
		array.ptr = value64(w);
		break;
	case 3:
		array.ptr += stride;
		break;
	case 4:
		array.ptr = UINT64_C(0xffff800000000000) + below(w, 0x1000000);
		break;
	}
	return array;
}

static void fill_vm_bind(struct worker *w, void *argument)
{
	struct drm_kestrel_vm_bind *bind = argument;
	uint32_t count = 1 + below(w, below(w, 8) ? 2 : 40), i;
	struct drm_kestrel_bind_op *ops = list_room(w, count * sizeof(*ops));

	bind->vm_id = identifier(w, VMS);
	for (i = 0; i < count; i++) {
		bool map = below(w, 3);

		ops[i] = (struct drm_kestrel_bind_op){
			.op = !map,
			.flags = map ? 1 + below(w, 7) : 0,
			.handle = map ? identifier(w, HANDLES) : 0,
			.bo_offset = map ? below(w, 4) / 3 * PAGE : 0,
			.va = TEST_VA + below(w, SLOTS) * SLOT_BYTES + below(w, 4) / 3 * PAGE,
			.size = (1 + below(w, 5) / 4 * below(w, 4)) * PAGE,
		};
		/* Streams need what they need: read, write and fetch. */
		if (map && below(w, 2))
			ops[i].flags = 7;
		if (!below(w, 12))
			ops[i].va = TEST_VA + below(w, 64) * 0x200000ull;
		if (!map && !below(w, 8))
			ops[i].size = (1 + below(w, 2048)) * PAGE;
		if (!below(w, 24))
			fuzz_damage(&w->random, (uint8_t *)&ops[i], sizeof(ops[i]));
	}
	bind->ops = list_of(w, ops, sizeof(*ops), count);
}

static void fill_submit(struct worker *w, void *argument)
{
	struct drm_kestrel_submit *args = argument;
	uint32_t count = 1 + below(w, below(w, 4) ? 2 : 17), i, k;
	struct drm_kestrel_job *jobs = list_room(w, count * sizeof(*jobs));

	args->queue_id = identifier(w, QUEUES);
	args->flags = below(w, 4) ? DRM_KESTREL_SUBMIT_NONBLOCK : 0;
	for (i = 0; i < count; i++) {
		uint32_t bases = below(w, 4), syncs = below(w, 4) / 2;
		struct drm_kestrel_base *base = list_room(w, bases * sizeof(*base));
		struct drm_kestrel_sync *sync = list_room(w, syncs * sizeof(*sync));
		bool runs = below(w, 2);

		if (!runs)
			bases = 0;
		for (k = 0; k < bases; k++) {
			base[k].va = TEST_VA + below(w, SLOTS) * SLOT_BYTES;
			base[k].size = below(w, 8) ? SLOT_BYTES : value64(w);
		}
		for (k = 0; k < syncs; k++) {
			sync[k].handle = identifier(w, SYNCOBJS);
			sync[k].flags = below(w, 4) ? DRM_KESTREL_SYNC_SIGNAL :
						      DRM_KESTREL_SYNC_WAIT;
			sync[k].point = 0;
			if (!below(w, 3)) {
				sync[k].flags |= DRM_KESTREL_SYNC_TIMELINE;
				sync[k].point = 1 + below(w, 100);
			}
			if (!below(w, 24))
				fuzz_damage(&w->random, (uint8_t *)&sync[k], sizeof(sync[k]));
		}
		jobs[i] = (struct drm_kestrel_job){
			.cmd_va = runs ? TEST_VA + below(w, SLOTS) * SLOT_BYTES +
					 below(w, 4) * 64 : 0,
			.cmd_size = runs ? 16 + below(w, 64) : 0,
			.user_tag = fuzz_random32(&w->random),
			.bases = list_of(w, base, sizeof(*base), bases),
			.syncs = list_of(w, sync, sizeof(*sync), syncs),
		};
		if (!below(w, 24))
			fuzz_damage(&w->random, (uint8_t *)&jobs[i], sizeof(jobs[i]));
	}
	args->jobs = list_of(w, jobs, sizeof(*jobs), count);
}

/* Something into a BO: short streams of records that exist, or anything. */
static void bo_write(struct worker *w)
{
	struct drm_kestrel_bo_info info = { .handle = identifier(w, HANDLES) };
	int fd = files[below(w, FILES)];
	uint32_t i, k, offset;
	uint8_t *bytes;

	if (ioctl(fd, DRM_IOCTL_KESTREL_BO_INFO, &info) || info.size > 0x100000)
		return;
	bytes = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, info.mmap_offset);
	if (bytes == MAP_FAILED)
		return;
	for (i = 0; i < 4; i++) {
		offset = i * 64;
		for (k = 0; k < 64; k++) {
			static const uint8_t records[] = { 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x90,
							   0xa0, 0xb0 };

			bytes[offset + k] = below(w, 3) ? below(w, 48) :
					    below(w, 2) ? records[below(w, sizeof(records))] :
							  fuzz_random32(&w->random);
		}
	}
	munmap(bytes, info.size);
}

/* What other drivers' ioctls, and the rest of the kernel, do with our objects. */
static void others(struct worker *w)
{
	struct drm_syncobj_create create = { 0 };
	struct drm_syncobj_handle handle = { 0 };
	struct drm_syncobj_array array = { 0 };
	struct drm_gem_close close_handle = { 0 };
	struct drm_prime_handle prime = { 0 };
	struct drm_syncobj_timeline_array timeline = { 0 };
	uint32_t *handles = list_room(w, 4 * sizeof(*handles));
	uint64_t *points = list_room(w, 4 * sizeof(*points));
	int fd = files[below(w, FILES)], file, i;
	char path[64], text[2048];

	for (i = 0; i < 4; i++) {
		handles[i] = identifier(w, SYNCOBJS);
		points[i] = below(w, 100);
	}
	switch (below(w, 13)) {
	case 0:
	case 1:
		create.flags = below(w, 8) == 0;
		call(w, DRM_IOCTL_SYNCOBJ_CREATE, &create);
		break;
	case 2:
		handle.handle = handles[0];
		if (!below(w, 4))
			ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &handle);
		break;
	case 3:
		array.handles = (uintptr_t)handles;
		array.count_handles = 1 + below(w, 4);
		ioctl(fd, below(w, 2) ? DRM_IOCTL_SYNCOBJ_RESET : DRM_IOCTL_SYNCOBJ_SIGNAL, &array);
		break;
	case 4:
		timeline.handles = (uintptr_t)handles;
		timeline.points = (uintptr_t)points;
		timeline.count_handles = 1 + below(w, 4);
		ioctl(fd, below(w, 2) ? DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL :
					DRM_IOCTL_SYNCOBJ_QUERY, &timeline);
		break;
	case 5:
		/* A sync file may outlive all that made it. */
		handle.handle = handles[0];
		handle.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
		if (ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle) == 0) {
			handle.handle = handles[1];
			handle.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
			ioctl(files[below(w, FILES)], DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle);
			close(handle.fd);
		}
		break;
	case 6:
		/* From one file to another, or back to the same. */
		prime.handle = identifier(w, HANDLES);
		prime.flags = DRM_CLOEXEC | DRM_RDWR;
		if (ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) == 0) {
			ioctl(files[below(w, FILES)], DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
			close(prime.fd);
		}
		break;
	case 7:
		close_handle.handle = identifier(w, HANDLES);
		if (!below(w, 3))
			ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close_handle);
		break;
	case 8:
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file >= 0) {
			while (read(file, text, sizeof(text)) > 0)
				;
			close(file);
		}
		break;
	case 9:
		/* Everything of a file goes at once, under jobs; its number is used again. */
		if (!below(w, 20)) {
			file = device_open();
			if (file >= 0) {
				dup3(file, fd, O_CLOEXEC);
				close(file);
			}
		}
		break;
	case 10:
		call(w, _IOC(below(w, 4), 'd', DRM_COMMAND_BASE + below(w, 32), below(w, 200)),
		     text);
		break;
	case 11:
		/* Under jobs, if it comes so. */
		mmap(w->playground + below(w, PLAYGROUND_PAGES) * PAGE, 8 * PAGE,
		     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	default:
		bo_write(w);
		break;
	}
}

static void fill_query(struct worker *w, void *argument)
{
	struct drm_kestrel_query *query = argument;

	query->type = below(w, 6);
	query->size = below(w, 200);
	query->ptr = (uintptr_t)list_room(w, 200);
}

static void tame_query(struct worker *w, void *argument)
{
	pointer_tame(w, &((struct drm_kestrel_query *)argument)->ptr);
}

static void fill_vm_destroy(struct worker *w, void *argument)
{
	struct drm_kestrel_vm_destroy *destroy = argument;

	destroy->vm_id = identifier(w, VMS);
}

static void fill_bo_create(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_create *create = argument;

	create->size = 1 + below(w, 8 * PAGE);
	create->flags = below(w, 2) ? 0 : below(w, 4) << 1;
	create->vm_id = below(w, 4) ? 0 : identifier(w, VMS);
}

/* Memory for one and all: what is created is small, or refused. */
static void tame_bo_create(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_create *create = argument;

	(void)w;
	if (create->size > 0x100000 && create->size <= UINT64_C(1) << 38)
		create->size = 1 + create->size % 0x100000;
}

static void fill_bo_userptr(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_userptr *user = argument;

	user->size = (1 + below(w, 2)) * PAGE;
	user->flags = below(w, 3) ? 0 : DRM_KESTREL_BO_READ_ONLY;
	user->vm_id = identifier(w, VMS);
}

/* Jobs write it: nothing but the playground may be theirs. */
static void tame_bo_userptr(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_userptr *user = argument;

	/* The debugging of DMA counts no page more than seven times. */
	w->playground_used = (w->playground_used + 2) % (PLAYGROUND_PAGES - 2);
	user->address = (uintptr_t)w->playground + w->playground_used * PAGE + user->address % PAGE;
	if (user->size <= UINT64_C(1) << 38)
		user->size %= 3 * PAGE;
}

static void fill_bo_info(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_info *info = argument;

	info->handle = identifier(w, HANDLES);
}

static void fill_bo_prep(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_prep *prep = argument;

	prep->handle = identifier(w, HANDLES);
	prep->flags = 1 + below(w, 7);
	prep->offset = below(w, PAGE);
	prep->size = below(w, PAGE);
	prep->timeout_ns = below(w, 4) ? 0 : deadline(0.002);
}

static void fill_bo_fini(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_fini *fini = argument;

	fini->handle = identifier(w, HANDLES);
	fini->offset = below(w, PAGE);
	fini->size = below(w, PAGE);
}

static void fill_queue_create(struct worker *w, void *argument)
{
	struct drm_kestrel_queue_create *create = argument;

	create->vm_id = identifier(w, VMS);
	create->priority = below(w, 4);
	create->max_jobs = 1u << below(w, 7);
	create->job_timeout_ms = 1 + below(w, 3);
	create->timeslice_us = below(w, 2) ? 0 : 1 + below(w, 1000);
	/* So that PERF_JOBS finds something; spoilt arguments leave it out. */
	create->flags = DRM_KESTREL_QUEUE_PERF;
}

static void fill_queue_destroy(struct worker *w, void *argument)
{
	struct drm_kestrel_queue_destroy *destroy = argument;

	destroy->queue_id = identifier(w, QUEUES);
}

static void fill_queue_state(struct worker *w, void *argument)
{
	struct drm_kestrel_queue_state *state = argument;

	state->queue_id = identifier(w, QUEUES);
}

static void fill_fault_read(struct worker *w, void *argument)
{
	struct drm_kestrel_fault_read *read = argument;
	uint32_t faults = below(w, 8);

	read->vm_id = identifier(w, VMS);
	read->cursor = below(w, 8);
	read->faults = list_of(w, list_room(w, faults * 128), sizeof(struct drm_kestrel_fault),
			       faults);
}

static void tame_fault_read(struct worker *w, void *argument)
{
	pointer_tame(w, &((struct drm_kestrel_fault_read *)argument)->faults.ptr);
}

static void fill_perf_jobs(struct worker *w, void *argument)
{
	struct drm_kestrel_perf_jobs *perf = argument;
	uint32_t jobs = below(w, 8);

	perf->queue_id = identifier(w, QUEUES);
	/* No further than what jobs have written, which is often nothing. */
	perf->cursor = below(w, 4) ? 0 : below(w, 8);
	perf->jobs = list_of(w, list_room(w, jobs * 128), sizeof(struct drm_kestrel_perf_job),
			     jobs);
}

static void tame_perf_jobs(struct worker *w, void *argument)
{
	pointer_tame(w, &((struct drm_kestrel_perf_jobs *)argument)->jobs.ptr);
}

/* VM_CREATE and PERF_DEVICE have nothing to say. */
static void fill_nothing(struct worker *w, void *argument)
{
	(void)w;
	(void)argument;
}

#define ROW(id, times, fill, tame) { #id, DRM_IOCTL_KESTREL_##id, times, fill, tame }

/* Every ioctl of the driver; a new one is a row and what fills its argument. */
static const struct ioctl_row rows[] = {
	ROW(QUERY, 4, fill_query, tame_query),
	ROW(VM_CREATE, 4, fill_nothing, NULL),
	ROW(VM_DESTROY, 1, fill_vm_destroy, NULL),
	ROW(VM_BIND, 16, fill_vm_bind, NULL),
	ROW(BO_CREATE, 8, fill_bo_create, tame_bo_create),
	ROW(BO_USERPTR, 4, fill_bo_userptr, tame_bo_userptr),
	ROW(BO_INFO, 4, fill_bo_info, NULL),
	ROW(BO_PREP, 4, fill_bo_prep, NULL),
	ROW(BO_FINI, 4, fill_bo_fini, NULL),
	ROW(QUEUE_CREATE, 8, fill_queue_create, NULL),
	ROW(QUEUE_DESTROY, 8, fill_queue_destroy, NULL),
	ROW(QUEUE_STATE, 4, fill_queue_state, NULL),
	ROW(SUBMIT, 32, fill_submit, NULL),
	ROW(FAULT_READ, 4, fill_fault_read, tame_fault_read),
	ROW(PERF_JOBS, 4, fill_perf_jobs, tame_perf_jobs),
	ROW(PERF_DEVICE, 2, fill_nothing, NULL),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
/* Beside the weights of the rows: calls that are not the driver's own. */
#define OTHERS_WEIGHT 44u

static atomic_ulong succeeded[ROWS];
static atomic_ulong failed[ROWS];

/* The argument as it is, or spoilt. */
static void row_call(struct worker *w, uint32_t index, const uint8_t *argument, bool spoilt)
{
	const struct ioctl_row *row = &rows[index];
	uint8_t copy[ARGUMENT_BYTES] __attribute__((aligned(8)));
	unsigned long request = row->request;
	struct remembered *slot;
	int error;

	memcpy(copy, argument, sizeof(copy));
	if (spoilt)
		request = spoil(w, request, copy);
	if (row->tame)
		row->tame(w, copy);
	error = call(w, request, copy);
	atomic_fetch_add(error ? &failed[index] : &succeeded[index], 1);
	if (error && !error_known(error))
		unknown_error_tell(row, error, copy);
	if (error)
		return;
	slot = &w->remembered[w->remembered_count++ % REMEMBERED];
	slot->row = index;
	memcpy(slot->argument, argument, sizeof(slot->argument));
}

/* One of the rows, as often as their weights say; ROWS: something else. */
static uint32_t row_choose(struct worker *w)
{
	uint32_t sum = OTHERS_WEIGHT, i, at;

	for (i = 0; i < ROWS; i++)
		sum += rows[i].weight;
	at = below(w, sum);
	for (i = 0; i < ROWS && at >= rows[i].weight; i++)
		at -= rows[i].weight;
	return i;
}

static void step(struct worker *w)
{
	uint8_t argument[ARGUMENT_BYTES] __attribute__((aligned(8))) = { 0 };
	uint32_t index;

	w->lists_used = 0;
	/* Something that went well, changed a little; its lists are others by now. */
	if (w->remembered_count >= REMEMBERED && !below(w, 10)) {
		const struct remembered *again = &w->remembered[below(w, REMEMBERED)];

		memcpy(argument, again->argument, sizeof(argument));
		row_call(w, again->row, argument, true);
		return;
	}
	index = row_choose(w);
	if (index == ROWS) {
		others(w);
		return;
	}
	rows[index].fill(w, argument);
	row_call(w, index, argument, !below(w, 4));
}

static void *worker_run(void *argument)
{
	struct worker *w = argument;
	unsigned long left;

	if (allocations_fail) {
		int fd = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "1", 1) != 1)
			perror("make-it-fail");
		close(fd);
	}
	while ((left = atomic_load(&calls_left)) > 0) {
		if (!atomic_compare_exchange_weak(&calls_left, &left, left - 1))
			continue;
		if (left % 10000 == 0) {
			printf("# %lu calls to go\n", left);
			fflush(stdout);
		}
		step(w);
	}
	return NULL;
}

static void interrupted(int number)
{
	(void)number;
}

static bool result(bool good, const char *name)
{
	printf("%s - %s\n", good ? "ok" : "not ok", name);
	fflush(stdout);
	return good;
}

/* The device as somebody else finds it afterwards. */
static bool device_works(void)
{
	struct client client;
	bool works;

	if (client_open(&client, 0))
		return false;
	works = client_run(&client, 0, stream_end(&client, 0)) == 0;
	client_close(&client);
	return works;
}

static bool resets_read(struct drm_kestrel_query_resets *resets)
{
	int fd = device_open();
	bool good = fd >= 0 && !query(fd, DRM_KESTREL_QUERY_RESETS, resets, sizeof(*resets));

	close(fd);
	return good;
}

static bool workers_run(unsigned int threads, uint64_t seed)
{
	static struct worker workers[THREADS_MAX];
	unsigned int i;

	for (i = 0; i < threads; i++) {
		workers[i].random = fuzz_random_start(seed * THREADS_MAX + i);
		workers[i].playground = mmap(NULL, (PLAYGROUND_PAGES + 8) * PAGE, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		workers[i].lists = mmap(NULL, LISTS_BYTES + PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (workers[i].lists == MAP_FAILED || workers[i].playground == MAP_FAILED ||
		    mprotect(workers[i].lists + LISTS_BYTES, PAGE, PROT_NONE) ||
		    pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]))
			return false;
	}
	for (i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	return true;
}

int main(int argc, char **argv)
{
	const struct itimerval tick = { { 0, 7000 }, { 0, 7000 } }, off = { 0 };
	struct sigaction action = { .sa_handler = interrupted };
	struct drm_kestrel_query_resets before = { 0 }, after = { 0 };
	unsigned long calls = 5000;
	unsigned int threads = 4;
	uint64_t seed = 1;
	bool good = true, all = true;
	char name[128];
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--calls"))
			calls = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--threads"))
			threads = (unsigned int)strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--fail-allocations"))
			allocations_fail = !strcmp(argv[i + 1], "on");
		else
			break;
	}
	if (i != argc || !threads || threads > THREADS_MAX) {
		fprintf(stderr, "usage: %s [--calls N] [--threads N, at most %d] [--seed S] "
			"[--fail-allocations on|off]\n", argv[0], THREADS_MAX);
		return 2;
	}
	printf("# to repeat: %s --calls %lu --threads %u --seed %" PRIu64
	       " --fail-allocations %s\n", argv[0], calls, threads, seed,
	       allocations_fail ? "on" : "off");
	fflush(stdout);
	for (i = 0; i < FILES; i++) {
		files[i] = device_open();
		if (files[i] < 0)
			return !result(false, "the device opens");
	}
	resets_read(&before);
	calls_left = calls;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	good = workers_run(threads, seed);
	setitimer(ITIMER_REAL, &off, NULL);
	for (i = 0; i < FILES; i++)
		close(files[i]);

	for (i = 0; i < (int)ROWS; i++) {
		printf("# %-14s %8lu good %8lu refused\n", rows[i].name, succeeded[i], failed[i]);
		all = all && succeeded[i] && failed[i];
	}
	snprintf(name, sizeof(name), "%lu calls from %u threads, seed %" PRIu64, calls, threads,
		 seed);
	good = result(good, name) && good;
	good = result(!unknown_error, "every error is one that the interface names") && good;
	/* Fewer calls need not hit everything. */
	if (calls >= 5000)
		good = result(all, "every ioctl succeeded and was refused") && good;
	good = result(device_works(), "the device works afterwards") && good;
	good = result(resets_read(&after) && !after.wedged && after.mcu == before.mcu &&
		      after.device == before.device, "no client could cause a reset") && good;
	return !good;
}
