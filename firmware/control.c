// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <stddef.h>

#include "control.h"
#include "crash.h"
#include "dispatch.h"
#include "event.h"
#include "host.h"
#include "log.h"
#include "queue.h"
#include "registers.h"
#include "ring.h"
#include "version.h"

#define FIRMWARE_FIELD(field) \
	(block + offsetof(struct kestrel_fw_control, firmware) + \
	 offsetof(struct kestrel_fw_control_firmware, field))
#define HOST_FIELD(field) \
	(block + offsetof(struct kestrel_fw_control, host) + \
	 offsetof(struct kestrel_fw_control_host, field))
#define REQUEST_FIELD(slot, field) \
	(block + offsetof(struct kestrel_fw_control, request) + \
	 (slot) * sizeof(struct kestrel_fw_request) + \
	 offsetof(struct kestrel_fw_request, field))

/* Address of the control block in the window. */
static uint32_t block;
static uint32_t heartbeat;
static uint64_t jobs_ended;
static uint64_t preemptions;

/* seqno of the request that each slot saw last, and its type while it waits. */
static uint32_t slot_seqno[KESTREL_FW_REQUEST_SLOTS];
static uint32_t slot_waits[KESTREL_FW_REQUEST_SLOTS];
static unsigned int slots_waiting;
static bool suspended;
static bool held;

void control_set_state(enum kestrel_fw_state state)
{
	host_publish();
	host_write(FIRMWARE_FIELD(state), state);
}

void control_set_running(uint32_t queue, uint64_t seqno, uint64_t since)
{
	host_write(FIRMWARE_FIELD(running_queue), queue);
	host_write_pair(FIRMWARE_FIELD(running_seqno), seqno);
	host_write_pair(FIRMWARE_FIELD(running_since), since);
}

void control_set_event_index(uint32_t index)
{
	host_write(FIRMWARE_FIELD(event_write_index), index);
}

void control_set_log_index(uint32_t index)
{
	host_write(FIRMWARE_FIELD(log_write_index), index);
}

uint32_t control_event_read_index(void)
{
	return host_read(HOST_FIELD(event_read_index));
}

void control_count_job(void)
{
	host_write_pair(FIRMWARE_FIELD(jobs_ended), ++jobs_ended);
}

void control_count_preemption(void)
{
	host_write_pair(FIRMWARE_FIELD(preemptions), ++preemptions);
}

void control_beat(void)
{
	host_write(FIRMWARE_FIELD(heartbeat), ++heartbeat);
}

static bool all_zero(const void *data, uint32_t bytes)
{
	const uint32_t *word = data;
	uint32_t i;

	for (i = 0; i < bytes / 4; i++)
		if (word[i])
			return false;
	return true;
}

static uint32_t host_part_check(const struct kestrel_fw_control_host *host, uint32_t log_level)
{
	if (host->magic != KESTREL_FW_CONTROL_MAGIC)
		return KESTREL_FW_BOOT_ERROR_MAGIC;
	if (host->interface_major != KESTREL_FW_INTERFACE_MAJOR)
		return KESTREL_FW_BOOT_ERROR_INTERFACE;
	if (!ring_size_valid(host->event_entries, KESTREL_FW_EVENT_ENTRIES_MIN,
			     KESTREL_FW_EVENT_ENTRIES_MAX) ||
	    !ring_window_valid(host->event_address,
			       host->event_entries * sizeof(struct kestrel_fw_event)))
		return KESTREL_FW_BOOT_ERROR_EVENT_RING;
	if (!ring_size_valid(host->log_entries, KESTREL_FW_LOG_ENTRIES_MIN,
			     KESTREL_FW_LOG_ENTRIES_MAX) ||
	    !ring_window_valid(host->log_address,
			       host->log_entries * sizeof(struct kestrel_fw_log_record)))
		return KESTREL_FW_BOOT_ERROR_LOG_RING;
	if (!ring_window_valid(host->crash_address, sizeof(struct kestrel_fw_crash)))
		return KESTREL_FW_BOOT_ERROR_CRASH;
	if (log_level >= KESTREL_FW_LOG_LEVEL_COUNT)
		return KESTREL_FW_BOOT_ERROR_LOG_LEVEL;
	if (!all_zero(host->reserved0, sizeof(host->reserved0)) ||
	    !all_zero(host->reserved1, sizeof(host->reserved1)))
		return KESTREL_FW_BOOT_ERROR_RESERVED;
	return KESTREL_FW_BOOT_ERROR_NONE;
}

void control_boot(void)
{
	static const struct kestrel_fw_control_firmware self = {
		.interface_major = KESTREL_FW_INTERFACE_MAJOR,
		.interface_minor = KESTREL_FW_INTERFACE_MINOR,
		.firmware_version = FIRMWARE_VERSION,
		.build = FIRMWARE_BUILD,
		.queues_max = KESTREL_FW_QUEUES_MAX,
		.ring_entries_max = KESTREL_FW_RING_ENTRIES_MAX,
		.time_slice_min_cycles = KESTREL_FW_TIME_SLICE_MIN_CYCLES,
		.job_timeout_max_cycles = KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES,
		.running_queue = 0xffffffff,
	};
	uint32_t address = peripheral_read(KESTREL_MCU_BOOT_ARGUMENT(
		KESTREL_FW_BOOT_CONTROL_ADDRESS));
	uint32_t size = peripheral_read(KESTREL_MCU_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_SIZE));
	uint32_t level = peripheral_read(KESTREL_MCU_BOOT_ARGUMENT(KESTREL_FW_BOOT_LOG_LEVEL));
	struct kestrel_fw_control_host host;
	uint32_t error, i;

	for (i = KESTREL_FW_BOOT_LOG_LEVEL + 1; i < KESTREL_BOOT_ARGUMENT_COUNT; i++)
		if (peripheral_read(KESTREL_MCU_BOOT_ARGUMENT(i)))
			crash_halt(KESTREL_FW_HALT_BOOT_ARGUMENTS);
	if (size < sizeof(struct kestrel_fw_control) || !ring_window_valid(address, size))
		crash_halt(KESTREL_FW_HALT_BOOT_ARGUMENTS);
	block = host_address(address);
	host_copy_in(&host, HOST_FIELD(magic), sizeof(host));
	error = host_part_check(&host, level);
	host_copy_out(FIRMWARE_FIELD(state), &self, sizeof(self));
	if (error) {
		host_write(FIRMWARE_FIELD(boot_error), error);
		control_set_state(KESTREL_FW_STATE_REFUSED);
		host_interrupt_raise();
		crash_halt(KESTREL_FW_HALT_REFUSED);
	}
	crash_set_record(host_address(host.crash_address));
	log_init(host_address(host.log_address), host.log_entries, level);
	event_init(host_address(host.event_address), host.event_entries);
}

static void slot_answer(unsigned int slot, uint32_t result, uint64_t value)
{
	if (slot_waits[slot])
		slots_waiting--;
	slot_waits[slot] = 0;
	host_write(REQUEST_FIELD(slot, result), result);
	host_write_pair(REQUEST_FIELD(slot, value), value);
	host_publish();
	host_write(REQUEST_FIELD(slot, reply_seqno), slot_seqno[slot]);
	host_interrupt_raise();
}

static uint32_t queue_request(const struct kestrel_fw_request *request, uint64_t *value)
{
	struct queue *queue;
	uint32_t field;

	if (request->queue >= KESTREL_FW_QUEUES_MAX)
		return KESTREL_FW_RESULT_QUEUE;
	queue = queue_get(request->queue);
	if (request->type == KESTREL_FW_REQUEST_CREATE_QUEUE) {
		if (queue->status != KESTREL_FW_QUEUE_NONE)
			return KESTREL_FW_RESULT_QUEUE;
		if (queue_create(request->queue, &request->create, &field)) {
			*value = field;
			return KESTREL_FW_RESULT_ARGUMENT;
		}
		dispatch_add(request->queue, request->create.priority);
	} else {
		if (queue->status == KESTREL_FW_QUEUE_NONE)
			return KESTREL_FW_RESULT_QUEUE;
		dispatch_destroy(request->queue);
		*value = queue->completed_seqno;
	}
	log_write(KESTREL_FW_LOG_DEBUG, "queue %u: request %u", request->queue, request->type);
	return KESTREL_FW_RESULT_OK;
}

static uint32_t state_request(unsigned int slot, uint32_t type)
{
	switch (type) {
	case KESTREL_FW_REQUEST_SUSPEND:
		if (suspended)
			return KESTREL_FW_RESULT_STATE;
		suspended = true;
		slot_waits[slot] = type;
		slots_waiting++;
		dispatch_suspend(true);
		break;
	case KESTREL_FW_REQUEST_RESUME:
		if (!suspended)
			return KESTREL_FW_RESULT_STATE;
		suspended = false;
		dispatch_suspend(false);
		control_set_state(KESTREL_FW_STATE_READY);
		break;
	case KESTREL_FW_REQUEST_HOLD:
		if (held)
			return KESTREL_FW_RESULT_STATE;
		held = true;
		slot_waits[slot] = type;
		slots_waiting++;
		dispatch_hold(true);
		break;
	case KESTREL_FW_REQUEST_CONTINUE:
		if (!held)
			return KESTREL_FW_RESULT_STATE;
		held = false;
		dispatch_hold(false);
		break;
	}
	return KESTREL_FW_RESULT_OK;
}

/* Whether the host leaves alone what its request has no use for. */
static bool request_is_plain(const struct kestrel_fw_request *request)
{
	bool create = request->type == KESTREL_FW_REQUEST_CREATE_QUEUE;

	if (request->queue && !create && request->type != KESTREL_FW_REQUEST_DESTROY_QUEUE)
		return false;
	if (request->argument && request->type != KESTREL_FW_REQUEST_SET_LOG_LEVEL)
		return false;
	return (create || all_zero(&request->create, sizeof(request->create))) &&
	       all_zero(request->reserved0, sizeof(request->reserved0));
}

static uint32_t request_perform(unsigned int slot, const struct kestrel_fw_request *request,
				uint64_t *value)
{
	if (!request->type || request->type > KESTREL_FW_REQUEST_CONTINUE)
		return KESTREL_FW_RESULT_UNKNOWN;
	if (!request_is_plain(request))
		return KESTREL_FW_RESULT_RESERVED;
	switch (request->type) {
	case KESTREL_FW_REQUEST_CREATE_QUEUE:
	case KESTREL_FW_REQUEST_DESTROY_QUEUE:
		return queue_request(request, value);
	case KESTREL_FW_REQUEST_SET_LOG_LEVEL:
		if (request->argument >= KESTREL_FW_LOG_LEVEL_COUNT)
			return KESTREL_FW_RESULT_ARGUMENT;
		log_set_level(request->argument);
		return KESTREL_FW_RESULT_OK;
	case KESTREL_FW_REQUEST_PING:
		return KESTREL_FW_RESULT_OK;
	default:
		return state_request(slot, request->type);
	}
}

static void slot_serve(unsigned int slot)
{
	struct kestrel_fw_request request;
	uint64_t value = 0;
	uint32_t result;

	host_acquire();
	host_copy_in(&request, REQUEST_FIELD(slot, seqno),
		     offsetof(struct kestrel_fw_request, reply_seqno));
	result = request_perform(slot, &request, &value);
	if (result != KESTREL_FW_RESULT_OK)
		log_write(KESTREL_FW_LOG_WARNING, "request %u of queue %u refused: %u",
			  request.type, request.queue, result);
	if (!slot_waits[slot])
		slot_answer(slot, result, value);
}

void control_serve(void)
{
	unsigned int slot;

	for (slot = 0; slot < KESTREL_FW_REQUEST_SLOTS; slot++) {
		uint32_t seqno = host_read(REQUEST_FIELD(slot, seqno));

		/* A slot whose request waits takes no other. */
		if (seqno == slot_seqno[slot] || slot_waits[slot])
			continue;
		slot_seqno[slot] = seqno;
		slot_serve(slot);
	}
}

void control_settle(void)
{
	unsigned int slot;

	if (!slots_waiting)
		return;
	for (slot = 0; slot < KESTREL_FW_REQUEST_SLOTS; slot++) {
		if (slot_waits[slot] == KESTREL_FW_REQUEST_SUSPEND) {
			/* RESUME from another slot ends the wait, too. */
			if (!suspended) {
				slot_answer(slot, KESTREL_FW_RESULT_STATE, 0);
			} else if (dispatch_is_idle()) {
				control_set_state(KESTREL_FW_STATE_SUSPENDED);
				slot_answer(slot, KESTREL_FW_RESULT_OK, 0);
			}
		} else if (slot_waits[slot] == KESTREL_FW_REQUEST_HOLD) {
			if (!held)
				slot_answer(slot, KESTREL_FW_RESULT_STATE, 0);
			else if (dispatch_is_held())
				slot_answer(slot, KESTREL_FW_RESULT_OK, 0);
		}
	}
}
