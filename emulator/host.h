/* SPDX-License-Identifier: MIT */
/*
 * The simulator's host half: memory, page tables, rings and the handshake with
 * the firmware, all of it apart from any driver. uapi/kestrel/simulator.h is
 * what its users see.
 */

#ifndef KESTREL_EMULATOR_HOST_H
#define KESTREL_EMULATOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kestrel/firmware.h>
#include <kestrel/regs.h>
#include <kestrel/simulator.h>

#include "emulator.h"

#define HOST_PAGE_BYTES UINT64_C(4096)
#define HOST_ERROR_BYTES 512
#define HOST_RING_ENTRIES KESTREL_FW_RING_ENTRIES_MAX
#define HOST_EVENT_ENTRIES 256u
#define HOST_LOG_ENTRIES 256u

/*
 * Physical memory: a region of up to 4 GiB at each multiple of that, so that
 * the upper half of an address names the region.
 */
struct host_region {
	/* NULL: the place is free. */
	uint8_t *data;
	uint64_t size;
	/* Freed with the region; false for the caller's own memory. */
	bool owned;
};

struct host_memory {
	struct host_region *region;
	uint32_t count;
	/* Pages for page tables, cut from regions of their own. */
	uint64_t *free_table;
	uint32_t free_tables;
	uint32_t free_table_room;
};

/* host_memory.c */

/*
 * A zeroed region of `size` bytes (a multiple of the page size), or the caller's
 * memory when data is given. Returns 0 with its physical address, or -ENOMEM.
 */
int host_memory_add(struct host_memory *memory, void *data, uint64_t size, uint64_t *address);
void host_memory_remove(struct host_memory *memory, uint64_t address);
/* The bytes at a physical address, NULL unless length of them exist. */
void *host_memory_bytes(const struct host_memory *memory, uint64_t address, uint64_t length);
/* A zeroed page for a page table. */
int host_memory_table_get(struct host_memory *memory, uint64_t *address);
void host_memory_table_put(struct host_memory *memory, uint64_t address);
void host_memory_free(struct host_memory *memory);

/* host_table.c: Sv39 tables. rights are KESTREL_SIMULATOR_MAP_*. */

/* A leaf of this size or smaller ones: page_bytes is 4096 or 2 MiB. */
int host_table_map(struct host_memory *memory, uint64_t root, uint64_t address,
		   uint64_t physical, uint64_t size, uint32_t rights, uint32_t page_bytes);
void host_table_unmap(struct host_memory *memory, uint64_t root, uint64_t address,
		      uint64_t size);
/* Gives back all tables below and with the root. */
void host_table_free(struct host_memory *memory, uint64_t root);

struct host_mapping {
	uint64_t address;
	uint64_t size;
	struct kestrel_simulator_buffer *buffer;
};

struct kestrel_simulator_space {
	struct kestrel_simulator *simulator;
	struct kestrel_simulator_space *next;
	uint32_t asid;
	uint64_t root;
	/* Queues that run in it. */
	uint32_t queues;
	struct host_mapping *mapping;
	uint32_t mappings;
	uint32_t mapping_room;
};

struct kestrel_simulator_buffer {
	struct kestrel_simulator *simulator;
	struct kestrel_simulator_buffer *next;
	uint64_t physical;
	uint64_t size;
	void *data;
	uint32_t mapped;
};

struct kestrel_simulator_queue {
	struct kestrel_simulator *simulator;
	struct kestrel_simulator_queue *next;
	struct kestrel_simulator_space *space;
	uint32_t index;
	struct kestrel_fw_ring *ring;
	uint64_t ring_physical;
	uint64_t save_physical;
	uint64_t save_bytes;
	uint32_t write_index;
	/* Sequence number of the job submitted last. */
	uint64_t submitted;
	/* A job failed: the firmware takes no more, later ones are cancelled. */
	bool stopped;
	/* Jobs submitted and not waited for; status UINT32_MAX while not ended. */
	struct kestrel_simulator_result *result;
	uint32_t results;
	uint32_t result_room;
};

struct kestrel_simulator {
	struct kestrel_configuration configuration;
	struct kestrel_emulator *emulator;
	struct host_memory memory;
	char error[HOST_ERROR_BYTES];

	kestrel_simulator_trace_fn *trace;
	void *trace_opaque;

	/* Address space 0 and what the firmware shares with us there. */
	struct kestrel_simulator_space firmware_space;
	struct kestrel_fw_control *control;
	struct kestrel_fw_event *event;
	struct kestrel_fw_log_record *log;
	struct kestrel_fw_crash *crash;
	uint32_t event_read_index;
	uint32_t request_seqno;
	char *firmware_path;
	char firmware_version[80];

	bool asid_used[KESTREL_ASID_MAX];
	struct kestrel_simulator_space *spaces;
	struct kestrel_simulator_buffer *buffers;
	struct kestrel_simulator_queue *queues;
	struct kestrel_simulator_queue *queue[KESTREL_FW_QUEUES_MAX];
};

/* Stores the sentence for last_error() and returns `error`. */
int host_fail(struct kestrel_simulator *simulator, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

uint32_t host_register_read(struct kestrel_simulator *simulator, uint32_t offset);
void host_register_write(struct kestrel_simulator *simulator, uint32_t offset, uint32_t value);

/* host_space.c */
int host_space_create(struct kestrel_simulator *simulator, struct kestrel_simulator_space **space);
int host_space_destroy(struct kestrel_simulator_space *space);
int host_buffer_create(struct kestrel_simulator *simulator, uint64_t size,
		       struct kestrel_simulator_buffer **buffer);
int host_buffer_import(struct kestrel_simulator *simulator, void *data, uint64_t size,
		       struct kestrel_simulator_buffer **buffer);
void *host_buffer_data(const struct kestrel_simulator_buffer *buffer);
int host_buffer_destroy(struct kestrel_simulator_buffer *buffer);
int host_map(struct kestrel_simulator_space *space, struct kestrel_simulator_buffer *buffer,
	     uint64_t offset, uint64_t address, uint64_t size, uint32_t rights);
int host_unmap(struct kestrel_simulator_space *space, uint64_t address, uint64_t size);
/* Gives the space's root to the device; 0 takes it away. */
void host_space_install(struct kestrel_simulator *simulator, uint32_t asid, uint64_t root);
/* Drops what the MMU knows of an address space, or of all. */
int host_invalidate(struct kestrel_simulator *simulator, uint32_t type, uint32_t asid,
		    uint64_t address, uint64_t size);

/* host_firmware.c */
/* Finds, loads and boots the image; `path` as in the options. */
int host_firmware_start(struct kestrel_simulator *simulator, const char *path);
/*
 * Sends one request and waits for the answer. Returns 0, or -EIO when the
 * firmware died or refused.
 */
int host_firmware_request(struct kestrel_simulator *simulator,
			  const struct kestrel_fw_request *request);
/*
 * Lets the device work for at most `cycles`; returns those that passed, 0 when
 * the firmware sleeps for good, or -EIO when it died.
 */
int64_t host_firmware_run(struct kestrel_simulator *simulator, uint64_t cycles);
/* Maps new memory into address space 0; returns 0 with pointer and physical address. */
int host_firmware_share(struct kestrel_simulator *simulator, uint64_t address, uint64_t size,
			void **data, uint64_t *physical);
/* Undoes it. */
void host_firmware_unshare(struct kestrel_simulator *simulator, uint64_t address, uint64_t size,
			   uint64_t physical);

/* host_queue.c */
int host_queue_create(struct kestrel_simulator_space *space, uint32_t priority,
		      uint64_t job_timeout_cycles, struct kestrel_simulator_queue **queue);
int host_queue_destroy(struct kestrel_simulator_queue *queue);
void host_queue_free(struct kestrel_simulator_queue *queue);
int host_submit(struct kestrel_simulator_queue *queue, const struct kestrel_simulator_job *job,
		uint64_t *sequence_number);
int host_wait(struct kestrel_simulator_queue *queue, uint64_t sequence_number,
	      uint64_t max_cycles, struct kestrel_simulator_result *result);
/* Takes the events that the firmware has written. */
int host_events_take(struct kestrel_simulator *simulator);

#endif
