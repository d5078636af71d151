/* SPDX-License-Identifier: MIT */
/*
 * libnpu: run compiled neural networks on a Kestrel NPU, on its simulator, or
 * on the processor. The bytes that come out are the same on all three.
 *
 * The short way, four calls:
 *
 *	struct npu_device *device;
 *	struct npu_model *model;
 *
 *	npu_open(NULL, &device);
 *	npu_model_load_file(device, "model.npu", &model);
 *	npu_run(model, inputs, outputs);
 *	...
 *	npu_model_free(model);
 *	npu_close(device);
 *
 * The objects: a device holds models and buffers; a model holds jobs. Free
 * them in the reverse order (npu_close() with models left is an error of the
 * caller's that the library does not notice).
 *
 * Errors: functions return 0, or a negative errno value. npu_errmsg() of the
 * device, npu_job_errmsg() of the job then hold a sentence that says what was
 * wrong and where. Nothing prints, nothing aborts, there is no global state.
 *
 * Threads: a device may be used by several threads, only the text of
 * npu_errmsg() is the last one's, and must not be read while another thread's
 * call may fail. A model does not change once it is loaded and may be shared. A
 * job belongs to one thread at a time, and so does a buffer. Whatever opens,
 * loads or frees an object is the only one to use it meanwhile.
 *
 * Structures that the library fills begin with `size`: the caller sets it to
 * sizeof the structure, the library writes no more than that. -EINVAL: it is
 * larger than this library's, which is older than the caller's header then.
 *
 * Ownership: what a function gives through a pointer to a pointer is the
 * caller's, who frees it with the function that is named for it, also where
 * this page says nothing of it; after an error it is NULL (but see npu_open()).
 * Strings stay the library's.
 */
#ifndef NPU_H
#define NPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define NPU_VERSION_MAJOR 0
#define NPU_VERSION_MINOR 1

struct npu_device;
struct npu_model;
struct npu_job;
struct npu_buffer;
struct kestrel_simulator;
struct kestrel_simulator_interface;
struct kestrel_simulator_options;

/* Version of the library that runs, "0.1"; a constant string. */
const char *npu_version(void);

/* ---- Devices ---- */

enum npu_device_kind {
	NPU_DEVICE_CPU = 1,
	NPU_DEVICE_SIMULATOR = 2,
	NPU_DEVICE_KERNEL = 3,
};

/*
 * Opens a device. name: "cpu"; "sim", the simulator; "npu", the first NPU of
 * this machine; the path of a device node; "auto" or NULL: what the
 * environment variable NPU_DEVICE names, else an NPU if there is one, else the
 * processor (npu_capabilities() tells which, and why).
 *
 * -ENOENT: no such device; -ENODEV: the node belongs to another driver;
 * -EACCES; -ENOTSUP: driver or simulator speak another version; -ENOMEM.
 *
 * After a failure *device is NULL only for -ENOMEM; otherwise it is good for
 * npu_errmsg() and must be given to npu_close().
 */
int npu_open(const char *name, struct npu_device **device);

struct npu_open_options {
	size_t size;			/* sizeof(struct npu_open_options) */
	/*
	 * Configuration to simulate or, on another device, to compile models
	 * for, e.g. "kestrel-512"; NULL: what the device is; for the simulator
	 * the one of the first model's first stream, else "kestrel-256".
	 */
	const char *target;
	/* "key=value,..." for simulator and compiler, or NULL. */
	const char *settings;
	/* Firmware image and trace callback of the simulator, or NULL. Copied. */
	const struct kestrel_simulator_options *simulator;
	/* Threads of the processor path; 0 means 1. */
	uint32_t threads;
	uint32_t reserved;
};

/*
 * Same, with options; NULL: those of npu_open(). They are copied. Also -EINVAL: options->size
 * is not this library's. A target or a setting that does not exist is an error of
 * the call that first needs it, the simulator's configuration or the load of a model.
 */
int npu_open_with(const char *name, const struct npu_open_options *options,
		  struct npu_device **device);

/* NULL is allowed. All its models and buffers must have been freed. */
void npu_close(struct npu_device *device);

/*
 * The sentence of the last failed call on this device, its models or its buffers; never
 * NULL, "out of memory" for a device that is NULL. Valid until the next call that fails.
 */
const char *npu_errmsg(const struct npu_device *device);

struct npu_capabilities {
	size_t size;			/* in */
	uint32_t kind;			/* enum npu_device_kind */
	uint32_t isa_major;		/* of the command stream; 0.0 for the processor */
	uint32_t isa_minor;
	uint32_t macs_per_cycle;
	uint64_t sram_bytes;
	uint64_t clock_khz;		/* highest */
	uint64_t features;		/* bits of uapi/kestrel/regs.h */
	char name[64];			/* "cpu", "kestrel-256", or the device node */
	char driver[64];		/* driver or simulator, and firmware, with versions */
	char reason[192];		/* why this device was chosen */
};

/*
 * Fills `capabilities`. Of a simulator that no model has configured yet:
 * -EAGAIN, unless its target was given when it was opened, with which it starts then:
 * -EINVAL for a target or setting that does not exist, -ENOENT without firmware.
 */
int npu_capabilities(struct npu_device *device, struct npu_capabilities *capabilities);

/*
 * The simulator behind a "sim" device, for its statistics: -ENODEV for other
 * devices, -EAGAIN before the first model is loaded. Owned by the device.
 */
int npu_simulator(struct npu_device *device,
		  const struct kestrel_simulator_interface **interface,
		  struct kestrel_simulator **simulator);

/* ---- Models ---- */

/*
 * Loads a compiled graph from memory (copied), or a .tflite or .onnx model if the
 * compiler library is installed. Everything in it is checked.
 *
 * -EINVAL damaged; -ENOTSUP of another version, or an operator that nothing
 * here runs; -ENODATA the file holds only NPU code and none of it suits the
 * device; -ENOENT no compiler library; -ENOMEM; or the device's error.
 */
int npu_model_load(struct npu_device *device, const void *data, size_t size,
		   struct npu_model **model);
/*
 * Same, from a file, which is read and not needed afterwards; also the errors of open()
 * and read(), and -EINVAL for what is no regular file of at most 2 GiB.
 */
int npu_model_load_file(struct npu_device *device, const char *path,
			struct npu_model **model);
/* NULL is allowed. All jobs of the model must have been freed, and no npu_run() be under way. */
void npu_model_free(struct npu_model *model);

struct npu_model_info {
	size_t size;			/* in */
	uint32_t input_count;
	uint32_t output_count;
	uint32_t operator_count;	/* of the source model; see npu_placement() */
	uint32_t operators_npu;		/* an NPU command writes their output bytes */
	uint32_t operators_cpu;
	uint32_t operators_removed;	/* the three sum to operator_count */
	uint32_t segment_count;		/* NPU jobs of one run */
	uint32_t has_state;		/* 1: outputs depend on earlier runs */
	uint64_t macs;			/* multiply-accumulates of one run */
	uint64_t macs_npu;
	uint64_t predicted_cycles;	/* NPU cycles of one run, 0 without an NPU */
	uint64_t preemption_interval;	/* cycles, longest between preemption points */
	uint64_t arena_bytes;		/* memory a job needs for tensors, on the processor */
	uint64_t device_bytes;		/* and on the device */
	/* Strings that live as long as the model: */
	const char *target;		/* of the stream in use, "" if none */
	const char *reason;		/* why this stream, or why none */
	const char *producer;		/* program that compiled the model */
	const char *source;		/* file name of the source model */
	const char *numerics;		/* rounding profile */
	/* Bytes of one run that NPU jobs put in memory and fetch again, both ways. */
	uint64_t spill_bytes;
};

/* Fills `info`. -EINVAL: info->size. */
int npu_model_info(struct npu_model *model, struct npu_model_info *info);

enum npu_place {
	NPU_PLACE_NPU = 1,
	NPU_PLACE_CPU = 2,
	NPU_PLACE_REMOVED = 3,
};

struct npu_placement {
	size_t size;			/* in */
	uint32_t place;			/* enum npu_place */
	uint32_t reserved;
	uint64_t predicted_cycles;
	uint64_t macs;
	const char *name;		/* operator type, e.g. "CONV_2D" */
	const char *location;		/* name of its first output tensor */
	const char *reason;		/* of CPU and REMOVED; never NULL */
};

/* Where operator number i of the source model runs. -ERANGE past the last one; -EINVAL: size. */
int npu_placement(struct npu_model *model, uint32_t i, struct npu_placement *placement);

/* One configuration that the model has commands for, whether or not it is the device's. */
struct npu_stream {
	size_t size;			/* in */
	const char *target;		/* its name; lives as long as the model */
	uint32_t in_use;		/* 1: npu_run() and jobs use this one */
	uint32_t macs_per_cycle;
	uint32_t sram_bytes;		/* that the device must have */
	uint32_t segment_count;		/* NPU jobs of one run */
	uint64_t macs;			/* multiply-accumulates of one run on the NPU */
	uint64_t predicted_cycles;	/* NPU cycles of one run */
	uint64_t preemption_interval;	/* cycles, longest between preemption points */
	uint64_t sram_peak_bytes;
	uint64_t spill_bytes;		/* of one run, as in npu_model_info */
};

/* Stream number i of the model, in the order of the file. -ERANGE past the last one. */
int npu_stream(struct npu_model *model, uint32_t i, struct npu_stream *stream);

/* Where stream number `stream` would run operator i. -ERANGE past the last of either. */
int npu_stream_placement(struct npu_model *model, uint32_t stream, uint32_t i,
			 struct npu_placement *placement);

/* ---- Tensors ---- */

enum npu_direction {
	NPU_INPUT = 0,
	NPU_OUTPUT = 1,
};

enum npu_type {
	NPU_INT8 = 1,
	NPU_UINT8 = 2,
	NPU_INT16 = 3,
	NPU_INT32 = 4,
	NPU_INT64 = 5,
	NPU_FLOAT32 = 6,
	NPU_BOOL = 7,
};

#define NPU_RANK_MAX 6

/* A dense row-major tensor. Real value = scale * (q - zero_point). */
struct npu_tensor {
	size_t size;			/* in */
	const char *name;		/* lives as long as the model */
	uint32_t type;			/* enum npu_type */
	uint32_t rank;
	uint32_t dims[NPU_RANK_MAX];
	uint64_t bytes;
	float scale;			/* 0: not quantised */
	int32_t zero_point;
};

/* Input or output number i, in the order of the source model. -ERANGE past the last. */
int npu_tensor(struct npu_model *model, enum npu_direction direction, uint32_t i,
	       struct npu_tensor *tensor);
/* Number of the input or output of that name, or -ENOENT. */
int npu_tensor_find(struct npu_model *model, enum npu_direction direction, const char *name);

/*
 * Where a disassembly is: all zero at the start of a stream (byte `offset`, with
 * unit number `unit` of uapi/kestrel/isa.h selected).
 */
struct npu_disassembly {
	size_t offset;
	uint32_t unit;
	uint32_t reserved;
};

/*
 * The record of a command stream (uapi/kestrel/isa.h) at state->offset as one line
 * of text, NUL-terminated, cut to text_size bytes (128 hold nearly all of them).
 * Returns its bytes and moves state on; 0 at the stream's end; -EILSEQ where
 * there is no record: the text says why, and nothing behind can be read; -EINVAL
 * for a state that cannot be. Thread-safe.
 */
int npu_disassemble(const void *stream, size_t size, struct npu_disassembly *state, char *text,
		    size_t text_size);

/* "int8" and so on; "?" for an unknown type. */
const char *npu_type_name(uint32_t type);

/* ---- Buffers: memory that a device reads and writes in place ---- */

/*
 * Zeroed memory, at least `bytes` long. -EINVAL: 0 bytes, or 2 GiB and more; -ENOMEM,
 * -EDQUOT; or the device's error.
 */
int npu_buffer_alloc(struct npu_device *device, size_t bytes, struct npu_buffer **buffer);
/*
 * A dma-buf of another driver. The descriptor stays the caller's and may be closed
 * afterwards. On devices that are no kernel driver the memory is mapped (-EINVAL if that
 * is impossible). Also -EBADF, -ENOMEM, or the device's error.
 */
int npu_buffer_import(struct npu_device *device, int dmabuf, struct npu_buffer **buffer);
enum npu_access {
	NPU_READ = 1,
	NPU_WRITE = 2,
};

/*
 * Memory of the caller's, which must stay until npu_buffer_free(). access (enum
 * npu_access): NPU_WRITE where jobs may have outputs in it. An NPU reads and
 * writes it in place when it is anonymous memory (malloc(), mmap()), may be
 * pinned (RLIMIT_MEMLOCK), and tensors lie at multiples of 64 bytes and have room
 * for whole 64 bytes; else, and on other devices, runs copy. It holds all pages
 * that the memory touches, but jobs reach none of their other bytes unless the
 * command stream is malicious. -EINVAL: no memory, no bytes, access; -ENOMEM.
 */
int npu_buffer_wrap(struct npu_device *device, void *memory, size_t bytes, uint32_t access,
		    struct npu_buffer **buffer);
/* Whether jobs reach the memory itself (1), or a copy of what is in it (0). */
int npu_buffer_in_place(const struct npu_buffer *buffer);
/*
 * A new dma-buf descriptor, which the caller closes. -ENOTSUP without an NPU, and of
 * memory that is the caller's; -EMFILE and other errors of the kernel.
 */
int npu_buffer_export(struct npu_buffer *buffer, int *dmabuf);
/* The memory and its size. Valid until npu_buffer_free(). */
void *npu_buffer_data(struct npu_buffer *buffer);
size_t npu_buffer_size(const struct npu_buffer *buffer);

/*
 * Around every access of the processor to a buffer that jobs use: begin waits
 * for jobs that use it and makes their writes visible, end makes the
 * processor's writes visible. access: enum npu_access, or-ed. timeout_ns: 0 does not
 * wait, negative waits without limit. -ETIME: jobs use it still; -EINVAL: access; or the
 * device's error.
 */
int npu_buffer_begin(struct npu_buffer *buffer, uint32_t access, int64_t timeout_ns);
int npu_buffer_end(struct npu_buffer *buffer, uint32_t access);
/* NULL is allowed. No job may be bound to it. */
void npu_buffer_free(struct npu_buffer *buffer);

/* ---- Running ---- */

/*
 * One run, synchronously: inputs[i] and outputs[i] point to the tensors' bytes
 * in model order; they stay the caller's, and no output may overlap an input or
 * another output. Several threads may call it on one model and take turns; a model's
 * state goes on from run to run. The errors of npu_job_new() and npu_job_run(), the
 * sentence in npu_errmsg().
 */
int npu_run(struct npu_model *model, const void *const *inputs, void *const *outputs);

/*
 * A job: the memory of one run at a time, and the model's state. All memory that runs
 * need is allocated here. -ENOMEM, -EDQUOT, or the device's error; the sentence is in
 * npu_errmsg() of the device.
 */
int npu_job_new(struct npu_model *model, struct npu_job **job);
/* NULL is allowed. A submitted job is waited for. */
void npu_job_free(struct npu_job *job);
/* The sentence of the job's last failed call. Valid until the next one that fails. */
const char *npu_job_errmsg(const struct npu_job *job);

/*
 * Memory of input or output i, from `offset` of the buffer on. It stays bound
 * for the following runs, and the buffer must stay as long. What is bound must not
 * overlap. -ERANGE: no such tensor, or it does not fit; -EACCES: an output in memory
 * that was wrapped to be read; -EBUSY: a run is under way.
 */
int npu_job_bind(struct npu_job *job, enum npu_direction direction, uint32_t i,
		 struct npu_buffer *buffer, size_t offset);
/*
 * Same, with memory of the caller's, tensor bytes long, of any alignment; it has to stay
 * until it is bound no more. -EINVAL: memory is NULL.
 */
int npu_job_bind_memory(struct npu_job *job, enum npu_direction direction, uint32_t i,
			void *memory);

/*
 * One run in this thread. -EINVAL: a tensor is not bound; -EBUSY: a run is under way; of
 * an NPU or the simulator: -EFAULT, -EINVAL: a job has faulted, -ETIMEDOUT: it took too long,
 * -ECANCELED: a reset took it along, -EIO, -ENODEV: the device is broken or gone. The
 * outputs have no meaning then, and a model's state is to be reset; the next run may succeed.
 */
int npu_job_run(struct npu_job *job);

/*
 * Starts a run in the background. wait_fd: a descriptor to poll for before the
 * run begins (a sync_file or eventfd), or -1; it stays the caller's. event_fd,
 * if not NULL, gets an eventfd that the library owns and makes readable when
 * the run has ended; npu_job_wait() has to follow all the same. -EBUSY: a run is under way
 * or has not been waited for; -EMFILE, -EAGAIN: no descriptor, no thread.
 */
int npu_job_submit(struct npu_job *job, int wait_fd, int *event_fd);
/*
 * Waits at most timeout_ns (negative: no limit) and returns the run's result, as
 * npu_job_run() has it, once; -ETIME if it is still under way, -EINVAL if nothing was
 * submitted, or wait_fd cannot be waited for.
 */
int npu_job_wait(struct npu_job *job, int64_t timeout_ns);

/* State of a streaming model back to its beginning. -EBUSY: a run is under way. */
int npu_job_reset(struct npu_job *job);

struct npu_job_stats {
	size_t size;			/* in */
	uint64_t runs;			/* since the job was made */
	/* of the last run: */
	uint64_t duration_ns;
	uint64_t npu_ns;		/* part spent waiting for the device */
	uint64_t npu_cycles;		/* engine time of the NPU jobs */
	uint32_t npu_jobs;
	uint32_t reserved;
};

/* Fills `stats`. -EINVAL: stats->size; -EBUSY: a run is under way. */
int npu_job_stats(struct npu_job *job, struct npu_job_stats *stats);

/* An operator's output during a run on the processor. */
struct npu_observation {
	size_t size;			/* set by the library */
	uint32_t source_operator;	/* number in the source model; UINT32_MAX: the compiler's */
	uint32_t output;		/* number among the operator's outputs */
	const char *name;		/* operator type */
	struct npu_tensor tensor;
	const void *data;		/* tensor.bytes long, valid during the call only */
};

typedef void npu_observe_fn(void *opaque, const struct npu_observation *observation);

/*
 * Calls `observe` (NULL: nothing) in every later run after each operator that
 * runs on the processor, from the thread of the run; not to be called while one is under
 * way. `observe` must not call the job's functions.
 */
void npu_job_observe(struct npu_job *job, npu_observe_fn *observe, void *opaque);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
