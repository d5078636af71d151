// SPDX-License-Identifier: MIT
/* The ioctl fuzzer: arguments that make sense, and numbers of what exists. */
#include "../kselftest/kestrel.h"

#include "ioctl_fuzz.h"

static const uint32_t object_count[OBJECTS] = {
	[VMS] = 6, [QUEUES] = 10, [HANDLES] = 24, [SYNCOBJS] = 20,
};

uint32_t below(struct worker *w, uint32_t limit)
{
	return fuzz_below(&w->random, limit);
}

bool odd(struct worker *w, uint32_t times)
{
	return !below(w, times) && !w->sound;
}

uint32_t identifier(struct worker *w, enum object object)
{
	uint32_t number = known[w->file][object][below(w, KNOWN_NUMBERS)];

	if (number && (w->sound || below(w, 2)))
		return number;
	return !odd(w, 8) ? 1 + below(w, 1 + below(w, object_count[object])) :
			    fuzz_value(&w->random);
}

uint64_t value64(struct worker *w)
{
	return (uint64_t)fuzz_value(&w->random) << (below(w, 2) ? 32 : 0) | fuzz_value(&w->random);
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

void *list_room(struct worker *w, uint32_t bytes)
{
	w->lists_used = (w->lists_used + bytes + 15) & ~15u;
	return w->lists + LISTS_BYTES - w->lists_used;
}

static struct drm_kestrel_array list_of(struct worker *w, const void *elements, uint32_t stride,
					uint32_t count)
{
	struct drm_kestrel_array array = { .stride = stride, .count = count,
					   .ptr = count ? (uintptr_t)elements : 0 };

	switch (w->sound ? UINT32_MAX : below(w, 20)) {
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

void fill_vm_bind(struct worker *w, void *argument)
{
	struct drm_kestrel_vm_bind *bind = argument;
	uint32_t count = 1 + below(w, below(w, 32) ? 2 : 40), i;
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
		if (odd(w, 12))
			fuzz_damage(&w->random, (uint8_t *)&ops[i], sizeof(ops[i]));
	}
	bind->ops = list_of(w, ops, sizeof(*ops), count);
}

void fill_submit(struct worker *w, void *argument)
{
	struct drm_kestrel_submit *args = argument;
	uint32_t count = 1 + below(w, below(w, 16) ? 2 : 17), i, k;
	struct drm_kestrel_job *jobs = list_room(w, count * sizeof(*jobs));
	/* A job that fails takes its queue with it: not everybody's fate each time. */
	bool runs_some = !below(w, 12);

	args->queue_id = identifier(w, QUEUES);
	args->flags = below(w, 4) ? DRM_KESTREL_SUBMIT_NONBLOCK : 0;
	for (i = 0; i < count; i++) {
		uint32_t bases = below(w, 4), syncs = below(w, 4) / 2;
		struct drm_kestrel_base *base = list_room(w, bases * sizeof(*base));
		struct drm_kestrel_sync *sync = list_room(w, syncs * sizeof(*sync));
		bool runs = runs_some && below(w, 2);

		if (!runs)
			bases = 0;
		for (k = 0; k < bases; k++) {
			base[k].va = TEST_VA + below(w, SLOTS) * SLOT_BYTES;
			base[k].size = odd(w, 4) ? value64(w) : SLOT_BYTES;
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
			if (odd(w, 12))
				fuzz_damage(&w->random, (uint8_t *)&sync[k], sizeof(sync[k]));
		}
		jobs[i] = (struct drm_kestrel_job){
			.command_va = runs ? TEST_VA + below(w, SLOTS) * SLOT_BYTES +
					 below(w, 4) * 64 : 0,
			.command_size = runs ? 16 + below(w, 64) : 0,
			.user_tag = fuzz_random32(&w->random),
			.bases = list_of(w, base, sizeof(*base), bases),
			.syncs = list_of(w, sync, sizeof(*sync), syncs),
		};
		if (odd(w, 12))
			fuzz_damage(&w->random, (uint8_t *)&jobs[i], sizeof(jobs[i]));
	}
	args->jobs = list_of(w, jobs, sizeof(*jobs), count);
}

void fill_query(struct worker *w, void *argument)
{
	struct drm_kestrel_query *query = argument;

	query->type = below(w, 6);
	query->size = below(w, 200);
	query->ptr = (uintptr_t)list_room(w, 200);
}

void tame_query(struct worker *w, void *argument)
{
	pointer_tame(w, &((struct drm_kestrel_query *)argument)->ptr);
}

void fill_vm_destroy(struct worker *w, void *argument)
{
	struct drm_kestrel_vm_destroy *destroy = argument;

	destroy->vm_id = identifier(w, VMS);
}

void fill_bo_create(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_create *create = argument;

	create->size = 1 + below(w, 8 * PAGE);
	create->flags = below(w, 2) ? 0 : below(w, 4) << 1;
	create->vm_id = below(w, 4) ? 0 : identifier(w, VMS);
}

/* Memory for one and all: what is created is small, or refused. */
void tame_bo_create(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_create *create = argument;

	(void)w;
	if (create->size > 0x100000 && create->size <= UINT64_C(1) << 38)
		create->size = 1 + create->size % 0x100000;
}

void fill_bo_userptr(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_userptr *user = argument;

	user->size = (1 + below(w, 2)) * PAGE;
	user->flags = below(w, 3) ? 0 : DRM_KESTREL_BO_READ_ONLY;
	user->vm_id = identifier(w, VMS);
}

/* Jobs write it: nothing but the playground may be theirs. */
void tame_bo_userptr(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_userptr *user = argument;

	/* The debugging of DMA counts no page more than seven times. */
	w->playground_used = (w->playground_used + 2) % (PLAYGROUND_PAGES - 2);
	user->address = (uintptr_t)w->playground + w->playground_used * PAGE + user->address % PAGE;
	if (user->size <= UINT64_C(1) << 38)
		user->size %= 3 * PAGE;
}

void fill_bo_info(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_info *info = argument;

	info->handle = identifier(w, HANDLES);
}

void fill_bo_prep(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_prep *prep = argument;

	prep->handle = identifier(w, HANDLES);
	prep->flags = 1 + below(w, 7);
	prep->offset = below(w, PAGE);
	prep->size = below(w, PAGE);
	prep->timeout_ns = below(w, 4) ? 0 : deadline(0.002);
}

void fill_bo_fini(struct worker *w, void *argument)
{
	struct drm_kestrel_bo_fini *fini = argument;

	fini->handle = identifier(w, HANDLES);
	fini->offset = below(w, PAGE);
	fini->size = below(w, PAGE);
}

void fill_queue_create(struct worker *w, void *argument)
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

void fill_queue_destroy(struct worker *w, void *argument)
{
	struct drm_kestrel_queue_destroy *destroy = argument;

	destroy->queue_id = identifier(w, QUEUES);
}

void fill_queue_state(struct worker *w, void *argument)
{
	struct drm_kestrel_queue_state *state = argument;

	state->queue_id = identifier(w, QUEUES);
}

/* Room for records of a ring, from a cursor on. */
static struct drm_kestrel_array records_of(struct worker *w, uint32_t record_size, __u64 *cursor)
{
	uint32_t records = 1 + below(w, 8);

	/* No further than what jobs have written, which is often nothing. */
	*cursor = odd(w, 2) ? below(w, 8) : 0;
	return list_of(w, list_room(w, records * 128), record_size, records);
}

void fill_fault_read(struct worker *w, void *argument)
{
	struct drm_kestrel_fault_read *read = argument;

	read->vm_id = identifier(w, VMS);
	read->faults = records_of(w, sizeof(struct drm_kestrel_fault), &read->cursor);
}

void tame_fault_read(struct worker *w, void *argument)
{
	pointer_tame(w, &((struct drm_kestrel_fault_read *)argument)->faults.ptr);
}

void fill_perf_jobs(struct worker *w, void *argument)
{
	struct drm_kestrel_perf_jobs *perf = argument;

	perf->queue_id = identifier(w, QUEUES);
	perf->jobs = records_of(w, sizeof(struct drm_kestrel_perf_job), &perf->cursor);
}

void tame_perf_jobs(struct worker *w, void *argument)
{
	pointer_tame(w, &((struct drm_kestrel_perf_jobs *)argument)->jobs.ptr);
}

/* VM_CREATE and PERF_DEVICE have nothing to say. */
void fill_nothing(struct worker *w, void *argument)
{
	(void)w;
	(void)argument;
}
