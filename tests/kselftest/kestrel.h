/* SPDX-License-Identifier: MIT */
/*
 * What the ioctl tests have in common: thin wrappers that return 0 or -errno,
 * and command streams written by hand.
 */
#ifndef KESTREL_TEST_KESTREL_H
#define KESTREL_TEST_KESTREL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drm/kestrel_accel.h>

#define PAGE		4096ull
#define TEST_VA		0x1000000ull
/* Long enough for anything that ends at all, also in a slow emulator. */
#define LONG_TIMEOUT_S	60
/* For a test of many jobs, where the emulator shares its processor. */
#define PATIENCE_S	600

/* Every node of the driver that can be opened; -ENOENT when there is none. */
int device_open(void);

/* The ioctl, again when a signal interrupts it: 0 or -errno. */
int device_ioctl(int fd, unsigned long request, void *argument);

/* CLOCK_MONOTONIC, so many seconds from now, as ioctls want it. */
int64_t deadline(double seconds);

int vm_create(int fd, uint32_t *vm);
int vm_destroy(int fd, uint32_t vm);
int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t va, uint64_t size, uint32_t flags);
int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size);

int bo_create(int fd, uint64_t size, uint32_t *handle);
/* A CPU mapping, or NULL. */
void *bo_map(int fd, uint32_t handle, uint64_t size);
int bo_prep(int fd, uint32_t handle, uint32_t flags, uint64_t size, int64_t timeout_ns);
int bo_fini(int fd, uint32_t handle, uint64_t size);
int bo_close(int fd, uint32_t handle);
/* A dma-buf, as an object of any DRM driver. */
int handle_import(int fd, int dmabuf, uint32_t *handle);

int queue_create(int fd, uint32_t vm, uint32_t max_jobs, uint32_t timeout_ms, uint32_t *queue);
/* With the longest job timeout that there is. */
int queue_create_patient(int fd, uint32_t vm, uint32_t max_jobs, uint32_t *queue);
int queue_destroy(int fd, uint32_t queue);
int queue_state(int fd, uint32_t queue, struct drm_kestrel_queue_state *state);
int query(int fd, uint32_t type, void *answer, uint32_t size);

int syncobj_create(int fd, uint32_t *handle);
int syncobj_destroy(int fd, uint32_t handle);
int syncobj_signal(int fd, uint32_t handle);
/* Polls the fence, and says by when it is needed: monotonic time. */
int deadline_set(int fd, uint32_t syncobj, int64_t time_ns);
/* Waits for a binary syncobj, or for a point of a timeline when it is not 0. */
int syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t timeout_ns);
/* The fence of a signalled binary syncobj: 0, or its error as -errno. */
int syncobj_status(int fd, uint32_t handle);
int faults_read(int fd, uint32_t vm, struct drm_kestrel_fault *faults, uint32_t capacity,
		uint64_t *cursor, uint32_t *lost);

/* A client with a VM, one BO for streams, one for data, and a queue. */
struct client {
	int fd;
	uint32_t vm;
	uint32_t queue;
	uint32_t stream_handle;
	uint32_t data_handle;
	uint8_t *stream;
	uint8_t *data;
};

#define STREAM_VA	0x2000000ull
#define DATA_VA		0x3000000ull
#define STREAM_SIZE	(16 * PAGE)
#define DATA_SIZE	(16 * PAGE)

/* 0 or -errno. The queue takes 16 jobs of up to timeout_ms (0: default). */
int client_open(struct client *client, uint32_t timeout_ms);
void client_close(struct client *client);

/* One job whose stream lies at an offset of the stream BO; base 0 is the data. */
struct drm_kestrel_job client_job(const struct client *client, size_t offset, size_t size);

/* Submits one job, signalling a binary syncobj when it is not 0: 0 or -errno. */
int client_submit(struct client *client, size_t offset, size_t size, uint32_t signal);

/* Submits and waits: 0, or the error of its fence. */
int client_run(struct client *client, size_t offset, size_t size);

/*
 * PERF_JOBS of its queue, made with DRM_KESTREL_QUEUE_PERF: up to *count records from
 * *cursor on; both are set, and the number of those that were lost in between.
 */
int jobs_read(const struct client *client, struct drm_kestrel_perf_job *jobs, uint32_t *count,
	      uint64_t *cursor, uint32_t *lost);

/* Runs a job that copies bytes between two addresses: 0, or the error of its fence. */
int client_copy_at(struct client *client, uint64_t from_va, uint64_t to_va, uint32_t bytes);

/*
 * Has jobs write a BO of DATA_SIZE bytes, which is mapped for as long as that
 * takes, and read it. map is the CPU's view of it, or NULL. 0 or -errno.
 */
int client_copies_through(struct client *client, uint32_t handle, uint8_t *map);

/*
 * Streams. Each writes at an offset of the client's stream BO, gives it to the
 * device and returns the bytes of the stream.
 */
size_t stream_end(struct client *client, size_t offset);
/* Copies bytes through SRAM, from one offset of base 0 to another. */
size_t stream_copy(struct client *client, size_t offset, uint32_t from, uint32_t to,
		   uint32_t bytes);
/* The same between any two bases. */
size_t stream_copy_bases(struct client *client, size_t offset, uint32_t from_base,
			 uint32_t from, uint32_t to_base, uint32_t to, uint32_t bytes);
/* The same so often, with a preemption point behind each time. */
size_t stream_copies(struct client *client, size_t offset, uint32_t from, uint32_t to,
		     uint32_t bytes, uint32_t count);
/* The same, but the second half of it many times. */
size_t stream_copy_often(struct client *client, size_t offset, uint32_t from_base,
			 uint32_t from, uint32_t to_base, uint32_t to, uint32_t bytes,
			 uint32_t times);
/* Waits for a semaphore that nobody signals. */
size_t stream_endless(struct client *client, size_t offset);
/* A record that does not exist. */
size_t stream_illegal(struct client *client, size_t offset);

/* A stream that is being written by hand, records of kestrel/isa.h. */
struct writer {
	uint8_t *at;
};

void write_byte(struct writer *writer, uint8_t byte);
/* As LEB128. */
void write_number(struct writer *writer, uint32_t value);
/* A register of the unit that is selected. */
void write_register(struct writer *writer, uint8_t number, uint32_t value);
/* Gives what began at an offset of the client's stream BO to the device; its bytes. */
size_t writer_finish(struct client *client, size_t offset, struct writer *writer);

#endif /* KESTREL_TEST_KESTREL_H */
