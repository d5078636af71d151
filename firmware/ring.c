// SPDX-License-Identifier: MIT
#include <stddef.h>

#include <kestrel/isa.h>
#include <kestrel/regs.h>

#include "ring.h"

/* What is shared with the host starts at a cache line. */
#define SHARED_ALIGNMENT 64
#define COMMAND_ALIGNMENT 16

bool ring_size_valid(uint32_t entries, uint32_t minimum, uint32_t maximum)
{
	return entries && entries >= minimum && entries <= maximum && !(entries & (entries - 1));
}

bool ring_window_valid(uint64_t address, uint64_t size)
{
	return !(address % SHARED_ALIGNMENT) && size <= KESTREL_MCU_WINDOW_BYTES &&
	       address <= KESTREL_MCU_WINDOW_BYTES - size;
}

uint32_t ring_job_check(const struct kestrel_fw_job *job, uint64_t completed_seqno)
{
	if (job->seqno <= completed_seqno)
		return KESTREL_FW_JOB_ERROR_SEQNO;
	if (job->reserved)
		return KESTREL_FW_JOB_ERROR_RESERVED;
	if (job->base_count > KESTREL_FW_BASES_MAX)
		return KESTREL_FW_JOB_ERROR_BASE_COUNT;
	if (!job->command_size) {
		if (job->command_address)
			return KESTREL_FW_JOB_ERROR_COMMAND;
		return job->base_count ? KESTREL_FW_JOB_ERROR_BASE_COUNT : 0;
	}
	if (job->command_address % COMMAND_ALIGNMENT ||
	    job->command_size > KESTREL_ISA_STREAM_BYTES_MAX ||
	    job->command_address + job->command_size < job->command_address)
		return KESTREL_FW_JOB_ERROR_COMMAND;
	return 0;
}

uint32_t ring_job_check_bases(const struct kestrel_fw_job *job, uint32_t *detail)
{
	uint32_t i;

	for (i = 0; i < job->base_count; i++) {
		uint64_t end = job->base[i].address + job->base[i].size;

		/* end == 0: the base reaches to the very top. */
		if (end && end < job->base[i].address) {
			*detail = i;
			return KESTREL_FW_JOB_ERROR_BASE;
		}
	}
	return 0;
}

int ring_create_check(const struct kestrel_fw_create_queue *create, uint32_t asid_count,
		      uint32_t sram_bytes, uint32_t *field)
{
	uint64_t save_end = create->save_address + create->save_size;

	*field = offsetof(struct kestrel_fw_create_queue, ring_entries);
	if (!ring_size_valid(create->ring_entries, 2, KESTREL_FW_RING_ENTRIES_MAX))
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, ring_address);
	if (!ring_window_valid(create->ring_address, KESTREL_FW_RING_BYTES(create->ring_entries)))
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, asid);
	if (create->asid == KESTREL_ASID_FIRMWARE || create->asid >= asid_count)
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, priority);
	if (create->priority >= KESTREL_FW_PRIORITY_COUNT)
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, time_slice_cycles);
	if (create->time_slice_cycles &&
	    (create->time_slice_cycles < KESTREL_FW_TIME_SLICE_MIN_CYCLES ||
	     create->time_slice_cycles > KESTREL_FW_TIME_SLICE_MAX_CYCLES))
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, job_timeout_cycles);
	if (create->job_timeout_cycles &&
	    (create->job_timeout_cycles < KESTREL_FW_JOB_TIMEOUT_MIN_CYCLES ||
	     create->job_timeout_cycles > KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES))
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, save_size);
	if (create->save_size && create->save_size < sram_bytes)
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, save_address);
	if (create->save_address % SHARED_ALIGNMENT || save_end < create->save_address ||
	    (!create->save_size && create->save_address))
		return 1;
	*field = offsetof(struct kestrel_fw_create_queue, reserved);
	return create->reserved != 0;
}
