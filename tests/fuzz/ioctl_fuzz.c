// SPDX-License-Identifier: MIT
/*
 * Random and mutated ioctls from many threads, for the guest.
 *
 * Every thread makes calls whose arguments make sense three times out of four:
 * identifiers are small numbers, the smaller the likelier, so that most name
 * something, whoever made it. Now and then it makes one again that went well, with
 * damage. How often each call went well and with which errors it was refused is
 * told in the end, since a fuzzer whose calls are all refused tests little.
 * What a thread's n-th call is follows from seed, thread and n, which objects it names
 * also from what earlier calls have given away; with --threads 1 a run repeats
 * exactly. With --log RUN the thread of every call is noted in a file in memory before the
 * call, where tests/fuzz/calls.py finds it in that of a machine that has died, by this number
 * of the run. --replay FILE, what it wrote, has one thread make the calls of all of
 * them in this order, one behind the other: the same calls, but without what two
 * did to each other while both were under way. A timer interrupts calls all the time. With
 * --fail-allocations on, failslab and fail_page_alloc, set up by the caller with
 * task-filter, hit the threads that make the calls. The kernel must
 * not mind (its debugging says so), each error must be one that the interface
 * knows, the device may never be given up or reset, and must work afterwards.
 */
#include "../kselftest/kestrel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <kestrel/isa.h>

#include "ioctl_fuzz.h"

/* An ioctl of the driver. */
struct ioctl_row {
	const char *name;
	unsigned long request;
	/* How often it comes, beside the others. */
	uint32_t weight;
	/* Makes an argument that makes sense, of one that is zero. */
	void (*fill)(struct worker *w, void *argument);
	/*
	 * Whose number the call gives or asks for, OBJECTS for nothing's; where that is in
	 * the argument. One that is destroyed, or that a refused call asked for, has gone.
	 */
	enum object object;
	uint32_t number_at;
	bool makes;
	/* Keeps a spoilt argument from harming this program or its memory; may be NULL. */
	void (*tame)(struct worker *w, void *argument);
};

atomic_int files[FILES];
atomic_uint known[FILES][OBJECTS][KNOWN_NUMBERS];
static atomic_ulong calls_left;
static atomic_int unknown_error;
/*
 * A page of the log of --log, as tests/fuzz/calls.py looks for it: the threads of calls
 * in their order, LOG_NONE where none was made yet. The letter that the magic number
 * begins with is not in the program's own copy, which is in the memory, too.
 */
#define LOG_MAGIC	"?estrel calls  1"
#define LOG_MAGIC_FIRST	'k'
#define LOG_PAGE_BYTES	4096
#define LOG_NONE	0xfe
struct log_page {
	char magic[16];
	/* Of the run, as --log names it, and of the page in it. */
	uint32_t run, page;
	uint8_t thread[LOG_PAGE_BYTES - 24];
};
_Static_assert(sizeof(struct log_page) == LOG_PAGE_BYTES, "pages lie one behind the other");
/* NULL: none. */
static struct log_page *log_pages;
static atomic_ulong log_length;
/* In a log that is replayed: a run begins. */
#define LOG_BEGIN	0xff
/* Allocations fail as the kernel's fault injection is set up. */
static bool allocations_fail;

static void number_given(struct worker *w, enum object object, uint32_t number)
{
	known[w->file][object][below(w, KNOWN_NUMBERS)] = number;
}

/* Nothing more to be had of it. */
static void number_gone(struct worker *w, enum object object, uint32_t number)
{
	uint32_t i;

	for (i = 0; i < KNOWN_NUMBERS; i++)
		if (known[w->file][object][i] == number)
			known[w->file][object][i] = 0;
}

/* The errors that kestrel_accel.h names; EIO is not for a device that works. */
static const struct known_error {
	int error;
	const char *name;
} known_errors[] = {
#define KNOWN(error) { error, #error }
	KNOWN(EINVAL), KNOWN(ENOENT), KNOWN(EFAULT), KNOWN(E2BIG), KNOWN(ENOMEM), KNOWN(EACCES),
	KNOWN(EPERM), KNOWN(ENOSPC), KNOWN(ECANCELED), KNOWN(EINTR), KNOWN(EAGAIN),
	KNOWN(ETIMEDOUT), KNOWN(EBADF),	/* the file was closed meanwhile */
#undef KNOWN
};

#define KNOWN_ERRORS (sizeof(known_errors) / sizeof(known_errors[0]))

/* Its place in known_errors; KNOWN_ERRORS when the interface does not name it. */
static size_t error_index(int error)
{
	size_t i;

	for (i = 0; i < KNOWN_ERRORS && known_errors[i].error != error; i++)
		;
	return i;
}

/* Makes a call of an argument that is as large as any; its error, or 0. */
static int call(struct worker *w, unsigned long request, void *argument)
{
	int ret = ioctl(files[w->file], request, argument);

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

/* Something into a BO: streams that end, short ones of records that exist, or anything. */
static bool bo_write(struct worker *w)
{
	struct drm_kestrel_bo_info info = { .handle = identifier(w, HANDLES) };
	int fd = files[w->file];
	uint32_t i, k, offset;
	uint8_t *bytes;

	if (ioctl(fd, DRM_IOCTL_KESTREL_BO_INFO, &info) || info.size > 0x100000)
		return false;
	bytes = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, info.mmap_offset);
	if (bytes == MAP_FAILED)
		return false;
	for (i = 0; i < 4; i++) {
		offset = i * 64;
		/* Half of them do what a stream has to. */
		if (below(w, 2)) {
			bytes[offset] = KESTREL_ISA_END;
			continue;
		}
		for (k = 0; k < 64; k++) {
			static const uint8_t records[] = { 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x90,
							   0xa0, 0xb0 };

			bytes[offset + k] = below(w, 3) ? below(w, 48) :
					    below(w, 2) ? records[below(w, sizeof(records))] :
							  fuzz_random32(&w->random);
		}
	}
	return !munmap(bytes, info.size);
}

/* Calls that are not the driver's own, but are made of its objects. */
enum other {
	OTHER_SYNCOBJ_CREATE,
	OTHER_SYNCOBJ_DESTROY,
	OTHER_SYNCOBJ_SIGNAL,
	OTHER_TIMELINE,
	OTHER_SYNC_FILE,
	OTHER_SHARE,
	OTHER_GEM_CLOSE,
	OTHER_FDINFO,
	OTHER_FILE_CLOSE,
	OTHER_REQUEST,
	OTHER_REMAP,
	OTHER_WRITE,
	OTHERS,
};

/* How often each comes: what takes long in a guest less often. */
static const struct other_row {
	const char *name;
	uint32_t weight;
} other_rows[OTHERS] = {
	[OTHER_SYNCOBJ_CREATE] = { "syncobj create", 96 },
	[OTHER_SYNCOBJ_DESTROY] = { "syncobj destroy", 32 },
	[OTHER_SYNCOBJ_SIGNAL] = { "syncobj signal", 80 },
	[OTHER_TIMELINE] = { "timeline", 80 },
	[OTHER_SYNC_FILE] = { "sync file", 80 },
	[OTHER_SHARE] = { "share", 80 },
	[OTHER_GEM_CLOSE] = { "gem close", 64 },
	[OTHER_FDINFO] = { "fdinfo", 8 },
	[OTHER_FILE_CLOSE] = { "file close", 1 },
	[OTHER_REQUEST] = { "any request", 80 },
	[OTHER_REMAP] = { "remap", 16 },
	[OTHER_WRITE] = { "write to bo", 32 },
};

static bool request_call(struct worker *w);

static atomic_ulong others_made[OTHERS];
static atomic_ulong others_good[OTHERS];

/* What other drivers' ioctls, and the rest of the kernel, do with our objects. */
static bool other_call(struct worker *w, enum other other)
{
	struct drm_syncobj_create create = { 0 };
	struct drm_syncobj_handle handle = { 0 };
	struct drm_syncobj_array array = { 0 };
	struct drm_gem_close close_handle = { 0 };
	struct drm_prime_handle prime = { 0 };
	struct drm_syncobj_timeline_array timeline = { 0 };
	uint32_t *handles = list_room(w, 4 * sizeof(*handles));
	uint64_t *points = list_room(w, 4 * sizeof(*points));
	int fd = files[w->file], file, i;
	char path[64], text[2048];
	bool good = false;

	for (i = 0; i < 4; i++) {
		handles[i] = identifier(w, SYNCOBJS);
		points[i] = below(w, 100);
	}
	switch (other) {
	case OTHER_SYNCOBJ_CREATE:
		create.flags = below(w, 8) == 0;
		if (call(w, DRM_IOCTL_SYNCOBJ_CREATE, &create))
			return false;
		number_given(w, SYNCOBJS, create.handle);
		return true;
	case OTHER_SYNCOBJ_DESTROY:
		handle.handle = handles[0];
		number_gone(w, SYNCOBJS, handle.handle);
		return !ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &handle);
	case OTHER_SYNCOBJ_SIGNAL:
		array.handles = (uintptr_t)handles;
		array.count_handles = 1 + below(w, 4);
		return !ioctl(fd, below(w, 2) ? DRM_IOCTL_SYNCOBJ_RESET :
						DRM_IOCTL_SYNCOBJ_SIGNAL, &array);
	case OTHER_TIMELINE:
		timeline.handles = (uintptr_t)handles;
		timeline.points = (uintptr_t)points;
		timeline.count_handles = 1 + below(w, 4);
		return !ioctl(fd, below(w, 2) ? DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL :
						DRM_IOCTL_SYNCOBJ_QUERY, &timeline);
	case OTHER_SYNC_FILE:
		/* A sync file may outlive all that made it. */
		handle.handle = handles[0];
		handle.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
		if (ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle))
			return false;
		handle.handle = handles[1];
		handle.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
		good = !ioctl(files[below(w, FILES)], DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle);
		close(handle.fd);
		return good;
	case OTHER_SHARE:
		/* From one file to another, or back to the same. */
		prime.handle = identifier(w, HANDLES);
		prime.flags = DRM_CLOEXEC | DRM_RDWR;
		if (ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime))
			return false;
		good = !ioctl(files[below(w, FILES)], DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
		close(prime.fd);
		return good;
	case OTHER_GEM_CLOSE:
		close_handle.handle = identifier(w, HANDLES);
		number_gone(w, HANDLES, close_handle.handle);
		return !ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close_handle);
	case OTHER_FDINFO:
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return false;
		while (read(file, text, sizeof(text)) > 0)
			good = true;
		close(file);
		return good;
	case OTHER_FILE_CLOSE:
		/* Everything of a file goes at once, under jobs; its number is used again. */
		file = device_open();
		if (file < 0)
			return false;
		good = dup3(file, fd, O_CLOEXEC) >= 0;
		close(file);
		memset(known[w->file], 0, sizeof(known[w->file]));
		return good;
	case OTHER_REQUEST:
		return request_call(w);
	case OTHER_REMAP:
		/* Under jobs, if it comes so. */
		return mmap(w->playground + below(w, PLAYGROUND_PAGES) * PAGE, 8 * PAGE,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) != MAP_FAILED;
	default:
		return bo_write(w);
	}
}

/* One of the weights at random; `sum` is what they add up to. */
static void others(struct worker *w)
{
	uint32_t sum = 0, at, i;
	bool good;

	for (i = 0; i < OTHERS; i++)
		sum += other_rows[i].weight;
	at = below(w, sum);
	for (i = 0; at >= other_rows[i].weight; i++)
		at -= other_rows[i].weight;
	good = other_call(w, i);
	atomic_fetch_add(&others_made[i], 1);
	atomic_fetch_add(&others_good[i], good);
}

#define ROW(id, times, fill, tame) \
	{ #id, DRM_IOCTL_KESTREL_##id, times, fill, OBJECTS, 0, false, tame }
#define MAKER(id, times, fill, tame, object, type, number) \
	{ #id, DRM_IOCTL_KESTREL_##id, times, fill, object, offsetof(struct type, number), true, \
	  tame }
#define TAKER(id, times, fill, object, type, number) \
	{ #id, DRM_IOCTL_KESTREL_##id, times, fill, object, offsetof(struct type, number), false, \
	  NULL }

/*
 * Every ioctl of the driver; a new one is a row and what fills its argument. A queue
 * or a VM is thousands of allocations to make and to take down, which an emulator
 * that watches each of them needs tens of milliseconds for: they live for many calls.
 */
static const struct ioctl_row rows[] = {
	ROW(QUERY, 12, fill_query, tame_query),
	MAKER(VM_CREATE, 3, fill_nothing, NULL, VMS, drm_kestrel_vm_create, vm_id),
	TAKER(VM_DESTROY, 2, fill_vm_destroy, VMS, drm_kestrel_vm_destroy, vm_id),
	ROW(VM_BIND, 40, fill_vm_bind, NULL),
	MAKER(BO_CREATE, 12, fill_bo_create, tame_bo_create, HANDLES, drm_kestrel_bo_create, handle),
	MAKER(BO_USERPTR, 6, fill_bo_userptr, tame_bo_userptr, HANDLES, drm_kestrel_bo_userptr, handle),
	ROW(BO_INFO, 12, fill_bo_info, NULL),
	ROW(BO_PREP, 12, fill_bo_prep, NULL),
	ROW(BO_FINI, 12, fill_bo_fini, NULL),
	MAKER(QUEUE_CREATE, 3, fill_queue_create, NULL, QUEUES, drm_kestrel_queue_create,
	      queue_id),
	TAKER(QUEUE_DESTROY, 2, fill_queue_destroy, QUEUES, drm_kestrel_queue_destroy, queue_id),
	ROW(QUEUE_STATE, 16, fill_queue_state, NULL),
	TAKER(SUBMIT, 96, fill_submit, QUEUES, drm_kestrel_submit, queue_id),
	ROW(FAULT_READ, 16, fill_fault_read, tame_fault_read),
	ROW(PERF_JOBS, 16, fill_perf_jobs, tame_perf_jobs),
	ROW(PERF_DEVICE, 8, fill_nothing, NULL),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
/* Any of the driver's requests, with an argument of any size and content. */
static bool request_call(struct worker *w)
{
	uint8_t argument[ARGUMENT_BYTES] __attribute__((aligned(8))) = { 0 };
	uint32_t number = DRM_COMMAND_BASE + below(w, 32), size = below(w, 200), i;

	for (i = 0; i < size; i++)
		argument[i] = (uint8_t)fuzz_random32(&w->random);
	for (i = 0; i < ROWS; i++)
		if (_IOC_NR(rows[i].request) == number && rows[i].tame)
			rows[i].tame(w, argument);
	return !call(w, _IOC(below(w, 4), 'd', number, size), argument);
}

/* Beside the weights of the rows: calls that are not the driver's own. */
#define OTHERS_WEIGHT 80u

static atomic_ulong succeeded[ROWS];
static atomic_ulong failed[ROWS];
/* Which errors, the last one for those that the interface does not name. */
static atomic_ulong refused[ROWS][KNOWN_ERRORS + 1];

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
	if (row->object != OBJECTS) {
		uint32_t number;

		memcpy(&number, copy + row->number_at, sizeof(number));
		if (row->makes && !error)
			number_given(w, row->object, number);
		else if (!row->makes && (!error ? row->fill != fill_submit :
			  error == ECANCELED || (error == ENOENT && !below(w, 4))))
			number_gone(w, row->object, number);
	}
	atomic_fetch_add(error ? &failed[index] : &succeeded[index], 1);
	if (error) {
		atomic_fetch_add(&refused[index][error_index(error)], 1);
		if (error_index(error) == KNOWN_ERRORS)
			unknown_error_tell(row, error, copy);
		return;
	}
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

	/* So that a call that comes out otherwise does not change all that follow. */
	w->random = fuzz_random_start((w->seed << 32) + w->calls++);
	w->lists_used = 0;
	w->file = below(w, FILES);
	w->sound = below(w, 2);
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
	row_call(w, index, argument, odd(w, 2));
}

/* Room for as many calls, in a file that stays when the program ends; false: there is none. */
static bool log_begin(uint32_t run, unsigned long calls)
{
	const size_t room = sizeof(log_pages->thread);
	const size_t pages = (calls + room - 1) / room;
	char path[64];
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "/tmp/kestrel-ioctl-fuzz-%u", run);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)(pages * LOG_PAGE_BYTES)))
		return false;
	log_pages = mmap(NULL, pages * LOG_PAGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	if (log_pages == MAP_FAILED)
		return false;
	for (i = 0; i < pages; i++) {
		memset(log_pages[i].thread, LOG_NONE, room);
		log_pages[i].run = run;
		log_pages[i].page = (uint32_t)i;
		memcpy(log_pages[i].magic, LOG_MAGIC, sizeof(log_pages[i].magic));
		log_pages[i].magic[0] = LOG_MAGIC_FIRST;
	}
	return true;
}

static void log_write(uint8_t thread)
{
	const size_t room = sizeof(log_pages->thread);
	unsigned long at;

	if (!log_pages)
		return;
	at = atomic_fetch_add(&log_length, 1);
	log_pages[at / room].thread[at % room] = thread;
}

/* Whether allocations of the calling thread may fail. */
static void failing_set(bool fail)
{
	int fd = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, fail ? "1" : "0", 1) != 1)
		perror("make-it-fail");
	close(fd);
}

static void *worker_run(void *argument)
{
	struct worker *w = argument;
	unsigned long left;

	if (allocations_fail)
		failing_set(true);
	while ((left = atomic_load(&calls_left)) > 0) {
		if (!atomic_compare_exchange_weak(&calls_left, &left, left - 1))
			continue;
		if (left % 10000 == 0) {
			printf("# %lu calls to go\n", left);
			fflush(stdout);
		}
		log_write(w->number);
		step(w);
	}
	return NULL;
}

/* What a log tells of its last run, in this thread; how many calls that were. */
static unsigned long workers_replay(struct worker *workers, unsigned int threads, FILE *log)
{
	unsigned long calls = 0;
	int number;

	if (allocations_fail)
		failing_set(true);
	while ((number = fgetc(log)) != EOF) {
		if ((unsigned int)number >= threads) {
			printf("# the log has a thread %d\n", number);
			return 0;
		}
		log_write((uint8_t)number);
		step(&workers[number]);
		calls++;
	}
	if (allocations_fail)
		failing_set(false);
	return calls;
}

/* Behind the last LOG_BEGIN; NULL when it cannot be read or has none. */
static FILE *log_open(const char *path)
{
	FILE *log = fopen(path, "rb");
	long at = 0, begin = 0;
	int byte;

	if (!log)
		return NULL;
	while ((byte = fgetc(log)) != EOF) {
		at++;
		if (byte == LOG_BEGIN)
			begin = at;
	}
	if (begin && !fseek(log, begin, SEEK_SET))
		return log;
	fclose(log);
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

/* So many calls of a kind have both outcomes but for one run in hundreds. */
#define CALLS_TELLING	300

/* How many calls of each kind went well; true when some of each did, and some not. */
static bool coverage_tell(void)
{
	unsigned long made;
	bool all = true;
	size_t i, k;

	for (i = 0; i < ROWS; i++) {
		made = succeeded[i] + failed[i];
		printf("# %-15s %8lu calls, %3lu %% went well", rows[i].name, made,
		       made ? 100 * succeeded[i] / made : 0);
		for (k = 0; k < KNOWN_ERRORS; k++)
			if (refused[i][k])
				printf(", %s %lu", known_errors[k].name, refused[i][k]);
		printf("\n");
		all = all && (made < CALLS_TELLING || (succeeded[i] && failed[i]));
	}
	for (i = 0; i < OTHERS; i++) {
		printf("# %-15s %8lu calls, %3lu %% went well\n", other_rows[i].name, others_made[i],
		       others_made[i] ? 100 * others_good[i] / others_made[i] : 0);
	}
	return all;
}

static bool workers_make(struct worker *workers, unsigned int threads, uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < threads; i++) {
		workers[i].number = (uint8_t)i;
		workers[i].seed = seed * THREADS_MAX + i;
		workers[i].playground = mmap(NULL, (PLAYGROUND_PAGES + 8) * PAGE, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		workers[i].lists = mmap(NULL, LISTS_BYTES + PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (workers[i].lists == MAP_FAILED || workers[i].playground == MAP_FAILED ||
		    mprotect(workers[i].lists + LISTS_BYTES, PAGE, PROT_NONE))
			return false;
	}
	return true;
}

static bool workers_run(struct worker *workers, unsigned int threads)
{
	unsigned int i;

	for (i = 0; i < threads; i++)
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]))
			return false;
	for (i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	return true;
}

int main(int argc, char **argv)
{
	const struct itimerval tick = { { 0, 7000 }, { 0, 7000 } }, off = { 0 };
	struct sigaction action = { .sa_handler = interrupted };
	struct drm_kestrel_query_resets before = { 0 }, after = { 0 };
	static struct worker workers[THREADS_MAX];
	const char *log_run = NULL, *replay_path = NULL;
	unsigned long calls = 5000;
	unsigned int threads = 4;
	FILE *replay = NULL;
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
		else if (!strcmp(argv[i], "--log"))
			log_run = argv[i + 1];
		else if (!strcmp(argv[i], "--replay"))
			replay_path = argv[i + 1];
		else if (!strcmp(argv[i], "--fail-allocations"))
			allocations_fail = !strcmp(argv[i + 1], "on");
		else
			break;
	}
	if (i != argc || !threads || threads > THREADS_MAX) {
		fprintf(stderr, "usage: %s [--calls N] [--threads N, at most %d] [--seed S] "
			"[--fail-allocations on|off] [--log RUN] [--replay FILE]\n", argv[0],
			THREADS_MAX);
		return 2;
	}
	if (replay_path)
		replay = log_open(replay_path);
	if (replay_path && !replay) {
		fprintf(stderr, "%s: %s: no log\n", argv[0], replay_path);
		return 2;
	}
	if (log_run && !log_begin((uint32_t)strtoul(log_run, NULL, 0), calls)) {
		fprintf(stderr, "%s: no memory for the log\n", argv[0]);
		return 2;
	}
	printf("# to repeat%s: %s --calls %lu --threads %u --seed %" PRIu64
	       " --fail-allocations %s%s\n", threads == 1 ? " exactly" : "", argv[0], calls,
	       threads, seed, allocations_fail ? "on" : "off",
	       log_run && threads > 1 ? " --replay LOG" : "");
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
	good = workers_make(workers, threads, seed);
	if (good && replay) {
		calls = workers_replay(workers, threads, replay);
		good = calls > 0;
		fclose(replay);
	} else if (good) {
		good = workers_run(workers, threads);
	}
	setitimer(ITIMER_REAL, &off, NULL);
	for (i = 0; i < FILES; i++)
		close(files[i]);

	all = coverage_tell();
	snprintf(name, sizeof(name), "%lu calls from %u threads, seed %" PRIu64, calls, threads,
		 seed);
	good = result(good, name) && good;
	good = result(!unknown_error, "every error is one that the interface names") && good;
	good = result(all, "every ioctl succeeded and was refused") && good;
	good = result(device_works(), "the device works afterwards") && good;
	good = result(resets_read(&after) && !after.wedged && after.mcu == before.mcu &&
		      after.device == before.device, "no client could cause a reset") && good;
	return !good;
}
