/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * The Kestrel simulator as a library: libkestrel-simulator.so.
 *
 * The simulator is the emulated device together with its own host half: it
 * loads the packed firmware image, boots it on the emulated management core,
 * and sends every job through the firmware's rings, as the kernel driver does.
 * libnpu opens the library when its `sim` device is asked for; other programs
 * may do the same:
 *
 *	void *library = dlopen(KESTREL_SIMULATOR_LIBRARY, RTLD_NOW | RTLD_LOCAL);
 *	kestrel_simulator_interface_fn *get = dlsym(library, KESTREL_SIMULATOR_SYMBOL);
 *	const struct kestrel_simulator_interface *simulator = get(KESTREL_SIMULATOR_VERSION);
 *
 * The objects, each owned by the one before it: a simulator holds address
 * spaces and buffers; buffers are mapped into address spaces; a queue runs in
 * one address space; jobs are submitted to queues. Closing the simulator frees
 * all of them.
 *
 * Threads: a simulator has no lock. Calls on one simulator, its address spaces,
 * buffers and queues must be serialised by the caller; different simulators are
 * independent. There is no global state.
 *
 * Time: nothing happens between calls. Modelled time advances only in open()
 * (the firmware boots) and in wait(), queue_create(), queue_destroy() and
 * unmap(), always by the same amount for the same calls: results, cycles and
 * statistics are reproducible.
 *
 * Errors: functions return 0 or a negative errno value. last_error() then holds
 * a sentence that says what was wrong and where.
 */

#ifndef KESTREL_SIMULATOR_H
#define KESTREL_SIMULATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Version of the function table and of all structures here; a library answers for
 * the versions that it has. Within a version the table may grow at its end (`size`
 * tells); structures do not: another layout is another version.
 */
#define KESTREL_SIMULATOR_VERSION 1

/* File name of the library and of the one function that it exports. */
#define KESTREL_SIMULATOR_LIBRARY "libkestrel-simulator.so"
#define KESTREL_SIMULATOR_SYMBOL "kestrel_simulator_interface"

/* Bases that a job may name, as in the command stream. */
#define KESTREL_SIMULATOR_BASES 16

/* Engine units in statistics and trace events, numbered as in isa.h. */
enum kestrel_simulator_unit {
	KESTREL_SIMULATOR_UNIT_DMA_IN = 0,
	KESTREL_SIMULATOR_UNIT_DMA_OUT = 1,
	KESTREL_SIMULATOR_UNIT_MAC = 2,
	KESTREL_SIMULATOR_UNIT_VECTOR = 3,
	/* Command fetch and decode, and job control: trace events only. */
	KESTREL_SIMULATOR_UNIT_FRONT_END = 4,
	KESTREL_SIMULATOR_UNITS = 5,
};

/* Memory ports of the engine, in the order of the statistics. */
enum kestrel_simulator_port {
	/* Weights, constants and commands. */
	KESTREL_SIMULATOR_PORT_CONSTANT = 0,
	/* Inputs and outputs, page walks, save areas. */
	KESTREL_SIMULATOR_PORT_DATA = 1,
	KESTREL_SIMULATOR_PORTS = 2,
};

/*
 * What the engine has done since the simulator was opened or the statistics
 * were reset. Counters are cumulative over jobs; sram_peak_bytes is a maximum.
 */
struct kestrel_simulator_statistics {
	/* Sum over the jobs of the cycles from start to the last output byte in memory. */
	uint64_t cycles_total;
	/* Cycles in which a unit worked on a command (the front end: fetched or decoded). */
	uint64_t unit_busy_cycles[KESTREL_SIMULATOR_UNITS];
	/* Multiply-accumulates that the operators need, without padding lanes. */
	uint64_t macs;
	/* Bytes moved per port, bursts counted whole. */
	uint64_t dma_bytes_in[KESTREL_SIMULATOR_PORTS];
	uint64_t dma_bytes_out[KESTREL_SIMULATOR_PORTS];
	/* Bytes of commands fetched (part of dma_bytes_in of their port). */
	uint64_t command_bytes;
	/* Bytes that DMA commands marked as spill moved, both directions. */
	uint64_t spill_bytes;
	/* One more than the highest SRAM byte address that any command touched. */
	uint64_t sram_peak_bytes;
	/* Translations that missed the TLB, and the cycles their walks took. */
	uint64_t tlb_misses;
	uint64_t walk_cycles;
	/* Cycles lost to SRAM bank conflicts. */
	uint64_t bank_conflict_cycles;
	/* Commands retired, and jobs that ended in whatever way. */
	uint64_t commands;
	uint64_t jobs;
	/* Instructions that the management core retired. */
	uint64_t mcu_instructions;
};

/* One command's stay in its unit, for timelines. */
struct kestrel_simulator_trace_event {
	/* enum kestrel_simulator_unit */
	uint32_t unit;
	/* Byte offset of the command in its job's stream. */
	uint32_t stream_offset;
	/* Modelled cycles: the unit took the command, the command retired. */
	uint64_t start_cycle;
	uint64_t end_cycle;
	/* Name of the operation, a constant string of the library. */
	const char *name;
};

typedef void
kestrel_simulator_trace_fn(void *opaque, const struct kestrel_simulator_trace_event *event);

/* How to open a simulator. Zero the whole structure, then set what is needed. */
struct kestrel_simulator_options {
	/* Named configuration, e.g. "kestrel-256"; NULL means "kestrel-256". */
	const char *target;
	/* Comma-separated KEY=VALUE overrides as of --set, or NULL. */
	const char *settings;
	/*
	 * Path of the packed firmware image. NULL: the file that the environment
	 * variable KESTREL_FIRMWARE names, else firmware/kestrel_fw.bin beside the
	 * library's directory or in it, else
	 * /lib/firmware/kestrel/arch1.0/kestrel_fw.bin.
	 */
	const char *firmware_path;
	/* Called for every retired command from inside wait(), or NULL. */
	kestrel_simulator_trace_fn *trace;
	void *trace_opaque;
};

/* What the opened device is; the strings live as long as the simulator. */
struct kestrel_simulator_information {
	const char *target;
	/* Path of the image that runs, and its version with git id. */
	const char *firmware_path;
	const char *firmware_version;
	uint32_t isa_major;
	uint32_t isa_minor;
	uint32_t macs_per_cycle;
	uint32_t sram_bytes;
	/* Nominal clock in kHz: cycles / clock_khz are milliseconds. */
	uint32_t clock_khz;
	uint32_t reserved;
};

/* Rights of a mapping, or-ed. */
#define KESTREL_SIMULATOR_MAP_READ (1u << 0)
#define KESTREL_SIMULATOR_MAP_WRITE (1u << 1)
/* Command streams may be fetched from it. */
#define KESTREL_SIMULATOR_MAP_EXECUTE (1u << 2)

/* Alignment in bytes of mapped addresses, offsets and sizes. */
#define KESTREL_SIMULATOR_PAGE_SIZE 4096u

struct kestrel_simulator;
struct kestrel_simulator_space;
struct kestrel_simulator_buffer;
struct kestrel_simulator_queue;

struct kestrel_simulator_base {
	/* Device virtual address and size in bytes of what the base gives access to. */
	uint64_t address;
	uint64_t size;
};

struct kestrel_simulator_job {
	/* Device virtual address of the command stream, and its size in bytes. */
	uint64_t command_address;
	uint32_t command_size;
	/* Entries of base[] in use, at most KESTREL_SIMULATOR_BASES. */
	uint32_t base_count;
	struct kestrel_simulator_base base[KESTREL_SIMULATOR_BASES];
	/* Any value of the caller's; comes back in the result. */
	uint64_t user_tag;
};

/* How a job ended. */
enum kestrel_simulator_status {
	KESTREL_SIMULATOR_JOB_DONE = 0,
	/* The engine or the MMU refused a command or an access. */
	KESTREL_SIMULATOR_JOB_FAULT = 1,
	/* The firmware killed it after its time limit. */
	KESTREL_SIMULATOR_JOB_TIMEOUT = 2,
	/* Its queue had a job before it that did not end well, or was reset. */
	KESTREL_SIMULATOR_JOB_CANCELLED = 3,
	/* The firmware did not accept it: fault_code is enum kestrel_fw_job_error. */
	KESTREL_SIMULATOR_JOB_REJECTED = 4,
};

struct kestrel_simulator_result {
	uint64_t sequence_number;
	uint64_t user_tag;
	/* enum kestrel_simulator_status */
	uint32_t status;
	/*
	 * Of a fault, as the firmware reported it: enum kestrel_fault_code and enum
	 * kestrel_unit of isa.h, stream offset, detail and address beside the code.
	 */
	uint32_t fault_code;
	uint32_t fault_unit;
	uint32_t fault_offset;
	uint32_t fault_detail;
	uint32_t reserved;
	uint64_t fault_address;
	/* Engine time of the job in cycles. */
	uint64_t cycles;
};

/*
 * The function table. `size` is sizeof the table as the library was built, which
 * may be longer than the caller's.
 */
struct kestrel_simulator_interface {
	uint32_t version;
	uint32_t size;

	/*
	 * Creates the device and boots the firmware. On failure *simulator is NULL
	 * and error (error_size bytes, may be NULL) holds the reason: -ENOENT no
	 * firmware image found, -EINVAL an unknown target or setting or an image
	 * that the device refuses, -EPROTO an interface version that this library
	 * does not speak, -EIO firmware that does not come up, -ENOMEM.
	 */
	int (*open)(const struct kestrel_simulator_options *options,
		    struct kestrel_simulator **simulator, char *error, size_t error_size);

	/* Frees everything; NULL is allowed. Jobs still queued are dropped. */
	void (*close)(struct kestrel_simulator *simulator);

	/* The reason of the last failed call on this simulator; never NULL. */
	const char *(*last_error)(const struct kestrel_simulator *simulator);

	void (*information)(const struct kestrel_simulator *simulator,
			    struct kestrel_simulator_information *information);

	/* An empty 39-bit address space. -ENOSPC when all address spaces are in use. */
	int (*space_create)(struct kestrel_simulator *simulator,
			    struct kestrel_simulator_space **space);
	/* -EBUSY while a queue uses it. Drops its mappings. */
	int (*space_destroy)(struct kestrel_simulator_space *space);

	/*
	 * Memory of `size` bytes (rounded up to pages), zeroed. The caller reads
	 * and writes it through buffer_data() whenever no job uses it.
	 */
	int (*buffer_create)(struct kestrel_simulator *simulator, uint64_t size,
			     struct kestrel_simulator_buffer **buffer);
	/*
	 * The caller's own memory, page aligned in address and size; stays the
	 * caller's and must outlive the buffer.
	 */
	int (*buffer_import)(struct kestrel_simulator *simulator, void *data, uint64_t size,
			     struct kestrel_simulator_buffer **buffer);
	void *(*buffer_data)(const struct kestrel_simulator_buffer *buffer);
	/* -EBUSY while it is mapped somewhere. */
	int (*buffer_destroy)(struct kestrel_simulator_buffer *buffer);

	/*
	 * Maps size bytes of the buffer from offset on at a device virtual address.
	 * All three are multiples of the page size. -EINVAL out of range, -EEXIST
	 * where something is mapped already.
	 */
	int (*map)(struct kestrel_simulator_space *space,
		   struct kestrel_simulator_buffer *buffer, uint64_t offset, uint64_t address,
		   uint64_t size, uint32_t rights);
	/* Unmaps exactly one earlier map() and invalidates the MMU. -ENOENT no such mapping. */
	int (*unmap)(struct kestrel_simulator_space *space, uint64_t address, uint64_t size);

	/*
	 * A queue in the space. priority 0 (low) .. 3 (realtime);
	 * job_timeout_cycles 0 means the firmware's default. -ENOSPC no queue left.
	 */
	int (*queue_create)(struct kestrel_simulator_space *space, uint32_t priority,
			    uint64_t job_timeout_cycles, struct kestrel_simulator_queue **queue);
	/* Kills what runs and drops what waits. */
	int (*queue_destroy)(struct kestrel_simulator_queue *queue);

	/*
	 * Puts a job into the queue's ring and rings its doorbell. The sequence
	 * number counts from 1 in each queue. -EAGAIN when the ring is full, -EIO
	 * when a job that did not end well has stopped the queue: destroy it.
	 */
	int (*submit)(struct kestrel_simulator_queue *queue,
		      const struct kestrel_simulator_job *job, uint64_t *sequence_number);

	/*
	 * Runs the device until the job has ended, at most max_cycles modelled
	 * cycles (0: no limit but the firmware's). Returns 0 with the result of a
	 * job that ended in whatever way, -ETIME when max_cycles passed,
	 * -EINVAL a number that was never submitted or was already waited for,
	 * -EIO when the firmware died; last_error() says why.
	 */
	int (*wait)(struct kestrel_simulator_queue *queue, uint64_t sequence_number,
		    uint64_t max_cycles, struct kestrel_simulator_result *result);

	void (*statistics)(const struct kestrel_simulator *simulator,
			   struct kestrel_simulator_statistics *statistics);
	void (*statistics_reset)(struct kestrel_simulator *simulator);
};

/*
 * The exported function. NULL when the library does not have the
 * version asked for.
 */
typedef const struct kestrel_simulator_interface *
kestrel_simulator_interface_fn(uint32_t version);
kestrel_simulator_interface_fn kestrel_simulator_interface;

#ifndef __cplusplus
_Static_assert(sizeof(struct kestrel_simulator_base) == 16, "base is two 64-bit words");
_Static_assert(sizeof(struct kestrel_simulator_job) == 16 + 16 * 16 + 8, "job has no padding");
_Static_assert(sizeof(struct kestrel_simulator_result) == 56, "result has no padding");
#endif

#ifdef __cplusplus
}
#endif

#endif
