/* SPDX-License-Identifier: MIT */
/*
 * The ioctl fuzzer: what its threads are and how they make arguments that make sense.
 */
#ifndef KESTREL_IOCTL_FUZZ_H
#define KESTREL_IOCTL_FUZZ_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fuzz.h"

#define THREADS_MAX 64
/* Open files that all threads share. */
#define FILES 3
/* Of what was made last in a file, so many numbers are known to all threads. */
#define KNOWN_NUMBERS 8
#define SLOT_BYTES 0x4000u
#define SLOTS 24u
#define LISTS_BYTES 65536u
#define PLAYGROUND_PAGES 2048u
/* Of an ioctl, at most: what fits into a request's size field is more. */
#define ARGUMENT_BYTES 512u
#define REMEMBERED 64u

/* What numbers of a file name, and up to where those lie that come by chance. */
enum object { VMS, QUEUES, HANDLES, SYNCOBJS, OBJECTS };

extern atomic_int files[FILES];
/* Numbers that were given away; 0 where one is known to be of no use any more. */
extern atomic_uint known[FILES][OBJECTS][KNOWN_NUMBERS];

struct worker {
	pthread_t thread;
	/* Counted from 0. */
	uint8_t number;
	/* Of the call; they begin anew with each, from `seed` and how many there were. */
	struct fuzz_random random;
	uint64_t seed;
	uint32_t calls;
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
	/* The file of this call, and whether it is to make sense in all its parts. */
	uint32_t file;
	bool sound;
};

uint32_t below(struct worker *w, uint32_t limit);
/* True once in `times` on average, unless the call is to make sense. */
bool odd(struct worker *w, uint32_t times);
/* One that was given away lately, one of the small numbers, which are first, or any. */
uint32_t identifier(struct worker *w, enum object object);
uint64_t value64(struct worker *w);
/* Room for a list of `bytes`; mostly so that it ends at the end of what is mapped. */
void *list_room(struct worker *w, uint32_t bytes);

/* Each makes an argument that makes sense, of one that is zero. */
void fill_vm_bind(struct worker *w, void *argument);
void fill_submit(struct worker *w, void *argument);
void fill_query(struct worker *w, void *argument);
void fill_vm_destroy(struct worker *w, void *argument);
void fill_bo_create(struct worker *w, void *argument);
void fill_bo_userptr(struct worker *w, void *argument);
void fill_bo_info(struct worker *w, void *argument);
void fill_bo_prep(struct worker *w, void *argument);
void fill_bo_fini(struct worker *w, void *argument);
void fill_queue_create(struct worker *w, void *argument);
void fill_queue_destroy(struct worker *w, void *argument);
void fill_queue_state(struct worker *w, void *argument);
void fill_fault_read(struct worker *w, void *argument);
void fill_perf_jobs(struct worker *w, void *argument);
void fill_nothing(struct worker *w, void *argument);
/* Each keeps a spoilt argument from harming this program or its memory. */
void tame_query(struct worker *w, void *argument);
void tame_bo_create(struct worker *w, void *argument);
void tame_bo_userptr(struct worker *w, void *argument);
void tame_fault_read(struct worker *w, void *argument);
void tame_perf_jobs(struct worker *w, void *argument);

#endif
