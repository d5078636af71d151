/* SPDX-License-Identifier: MIT */
/*
 * The devices behind one table of operations: the processor alone, the
 * simulator, the kernel's driver. The processor has neither memory of its own
 * nor queues; models run on it wherever no stream does.
 */
#ifndef NPU_DEVICE_H
#define NPU_DEVICE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <npu.h>

#include "address_space.h"
#include "graph.h"
#include "message.h"

#define DEVICE_PAGE_SIZE 4096
#define DEVICE_BASES 16

struct npu_device;

/* Memory that jobs can address. */
struct device_memory {
	struct npu_device *device;
	struct address_range range;	/* device address, page aligned */
	void *data;			/* the processor's view */
	size_t size;			/* bytes asked for */
	size_t mapped;			/* bytes, whole pages */
	size_t first;			/* kernel: bytes of the mapping before data */
	int wrapped;			/* data is the caller's */
	void *handle;			/* simulator: its buffer */
	uint32_t gem;			/* kernel: its handle */
};

enum device_rights {
	DEVICE_READ = 1 << 0,
	DEVICE_WRITE = 1 << 1,
	DEVICE_EXECUTE = 1 << 2,	/* command streams */
	DEVICE_PRIVATE = 1 << 3,	/* never exported */
};

struct device_queue {
	struct npu_device *device;
	void *handle;			/* simulator: its queue */
	uint32_t id;			/* kernel: its queue */
	uint32_t syncobj;		/* kernel: signalled by each job */
};

struct device_job {
	uint64_t command_address;
	uint32_t command_size;
	uint32_t base_count;
	struct {
		uint64_t address;
		uint64_t size;		/* 0: not in use */
	} bases[DEVICE_BASES];
};

struct device_operations {
	void (*close)(struct npu_device *device);
	/*
	 * Before the first stream of `graph` (may be NULL) is chosen: makes the
	 * device's capabilities known. Called for every model.
	 */
	int (*configure)(struct npu_device *device, const struct graph *graph,
			 struct message *message);
	/* rights: enum device_rights. Fills everything but size. Memory is zeroed. */
	int (*memory_create)(struct npu_device *device, size_t size, uint32_t rights,
			     struct device_memory *memory, struct message *message);
	int (*memory_import)(struct npu_device *device, int dmabuf,
			     struct device_memory *memory, struct message *message);
	/*
	 * Memory of the caller's, which keeps it: data, size and device are set.
	 * NULL, or an error without a message worth telling: copy instead.
	 */
	int (*memory_wrap)(struct npu_device *device, uint32_t rights,
			   struct device_memory *memory, struct message *message);
	int (*memory_export)(struct device_memory *memory, int *dmabuf, struct message *message);
	void (*memory_destroy)(struct device_memory *memory);
	/* Ownership to the processor, and back to the device. access: enum npu_access. */
	int (*memory_begin)(struct device_memory *memory, uint32_t access, int64_t timeout_ns,
			    struct message *message);
	int (*memory_end)(struct device_memory *memory, uint32_t access,
			  struct message *message);
	int (*queue_create)(struct npu_device *device, struct device_queue *queue,
			    struct message *message);
	void (*queue_destroy)(struct device_queue *queue);
	/* Runs one job to its end. cycles: engine time. */
	int (*run)(struct device_queue *queue, const struct device_job *job, uint64_t *cycles,
		   struct message *message);
};

struct npu_device {
	const struct device_operations *operations;
	struct npu_capabilities capabilities;	/* isa_major.. valid when configured */
	int configured;
	int kind;
	char *target;			/* options, or NULL */
	char *settings;
	uint32_t threads;
	pthread_mutex_t lock;		/* of what follows, and of the simulator */
	struct address_space space;
	struct message message;		/* npu_errmsg() */
	void *private;			/* of the operations */
};

/* What npu_open() found; `message` is the device's own. */
int device_cpu_open(struct npu_device *device, struct message *message);
int device_simulator_open(struct npu_device *device,
			  const struct kestrel_simulator_options *options,
			  struct message *message);
/* path NULL: search. -ENOENT: there is none. */
int device_kernel_open(struct npu_device *device, const char *path, struct message *message);

/* The operations of a kind, NULL-safe for close. */
int device_memory_create(struct npu_device *device, size_t size, uint32_t rights,
			 struct device_memory *memory, struct message *message);
void device_memory_destroy(struct device_memory *memory);

#endif
