/* SPDX-License-Identifier: MIT */
/*
 * Ring indices and job entries as pure functions. Indices come from the host:
 * whatever they hold, the answers stay within bounds.
 */
#ifndef KESTREL_FIRMWARE_RING_H
#define KESTREL_FIRMWARE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/firmware.h>

/* Is `entries` a power of two from minimum to maximum? */
bool ring_size_valid(uint32_t entries, uint32_t minimum, uint32_t maximum);

/*
 * Entries between read_index and write_index, both free running. More than
 * `entries` means that one of the two is wrong.
 */
static inline uint32_t ring_fill(uint32_t write_index, uint32_t read_index)
{
	return write_index - read_index;
}

/* Position of a free-running index; entries is a power of two. */
static inline uint32_t ring_position(uint32_t index, uint32_t entries)
{
	return index & (entries - 1);
}

/*
 * Checks the fixed part of a job, before its bases are copied. Returns 0 or
 * enum kestrel_fw_job_error.
 */
uint32_t ring_job_check(const struct kestrel_fw_job *job, uint64_t completed_seqno);

/*
 * Checks the bases in use. Returns 0 or enum kestrel_fw_job_error with the
 * index of the base in *detail.
 */
uint32_t ring_job_check_bases(const struct kestrel_fw_job *job, uint32_t *detail);

/* Checks CREATE_QUEUE. Returns 0, or 1 with the offset of the wrong field in *field. */
int ring_create_check(const struct kestrel_fw_create_queue *create, uint32_t asid_count,
		      uint32_t sram_bytes, uint32_t *field);

/* Does [address, address + size) lie in the MCU's window, aligned to 64 bytes? */
bool ring_window_valid(uint64_t address, uint64_t size);

#endif
