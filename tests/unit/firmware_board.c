// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware_board.h"

#define TABLE_ROOT 0x1000u
#define TABLE_MIDDLE 0x2000u
#define LEAF_BYTES (2u << 20)
#define PTE_VALID 1u
#define PTE_LEAF 0xc7u	/* valid, readable, writable, accessed, dirty */

struct board board;

static uint8_t *image;
static size_t image_bytes;

static int memory_read(void *opaque, uint64_t address, void *data, size_t length)
{
	(void)opaque;
	if (address > BOARD_MEMORY_BYTES || length > BOARD_MEMORY_BYTES - address)
		return -1;
	memcpy(data, board.memory + address, length);
	return 0;
}

static int memory_write(void *opaque, uint64_t address, const void *data, size_t length)
{
	(void)opaque;
	if (address > BOARD_MEMORY_BYTES || length > BOARD_MEMORY_BYTES - address)
		return -1;
	memcpy(board.memory + address, data, length);
	return 0;
}

static void interrupt(void *opaque, bool level)
{
	(void)opaque;
	(void)level;
}

bool board_image_load(const char *program, const char *name)
{
	const char *slash = strrchr(program, '/');
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%.*s../../firmware/%s",
		 slash ? (int)(slash - program + 1) : 0, program, name);
	file = fopen(path, "rb");
	if (!file) {
		printf("not ok - no firmware image at %s\n", path);
		return false;
	}
	image = realloc(image, KESTREL_FW_IMAGE_MAX_BYTES);
	image_bytes = fread(image, 1, KESTREL_FW_IMAGE_MAX_BYTES, file);
	fclose(file);
	return true;
}

void board_on(void)
{
	static const struct kestrel_emulator_host host = {
		.memory_read = memory_read,
		.memory_write = memory_write,
		.interrupt = interrupt,
	};
	struct kestrel_configuration configuration;
	uint64_t *root, *middle;
	unsigned int i;

	kestrel_configuration_get("kestrel-256", &configuration);
	memset(&board, 0, sizeof(board));
	board.memory = calloc(1, BOARD_MEMORY_BYTES);
	board.emulator = kestrel_emulator_create(&configuration, &host);
	board.control = (void *)(board.memory + BOARD_CONTROL);
	board.event = (void *)(board.memory + BOARD_EVENT);
	board.log = (void *)(board.memory + BOARD_LOG);
	board.crash = (void *)(board.memory + BOARD_CRASH);

	root = (void *)(board.memory + TABLE_ROOT);
	middle = (void *)(board.memory + TABLE_MIDDLE);
	root[0] = (uint64_t)TABLE_MIDDLE >> 12 << 10 | PTE_VALID;
	for (i = 0; i < BOARD_MEMORY_BYTES / LEAF_BYTES; i++)
		middle[i] = (uint64_t)i * LEAF_BYTES >> 12 << 10 | PTE_LEAF;
	board_register_set(KESTREL_REG_ASID_TABLE_LO(0), TABLE_ROOT >> 12);
	board_register_set(KESTREL_REG_ASID_TABLE_HI(0), KESTREL_ASID_TABLE_HI_VALID);

	memcpy(board.memory + BOARD_IMAGE, image, image_bytes);
	board_register_set(KESTREL_REG_IMAGE_ADDRESS_LO, BOARD_IMAGE);
	board_register_set(KESTREL_REG_IMAGE_SIZE, (uint32_t)image_bytes);
	board_register_set(KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_ADDRESS),
			   BOARD_CONTROL);
	board_register_set(KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_SIZE),
			   sizeof(struct kestrel_fw_control));
	board_register_set(KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_LOG_LEVEL),
			   KESTREL_FW_LOG_DEBUG);
	board.control->host = (struct kestrel_fw_control_host){
		.magic = KESTREL_FW_CONTROL_MAGIC,
		.interface_major = KESTREL_FW_INTERFACE_MAJOR,
		.interface_minor = KESTREL_FW_INTERFACE_MINOR,
		.event_address = BOARD_EVENT,
		.event_entries = BOARD_EVENTS,
		.log_address = BOARD_LOG,
		.log_entries = BOARD_LOGS,
		.crash_address = BOARD_CRASH,
	};
}

void board_off(void)
{
	kestrel_emulator_destroy(board.emulator);
	free(board.memory);
	board.memory = NULL;
}

void board_start(void)
{
	board_register_set(KESTREL_REG_MCU_START, 1);
	board_run(1000000);
}

void board_boot(void)
{
	board_on();
	board_start();
}

uint32_t board_register(uint32_t offset)
{
	return kestrel_emulator_register_read(board.emulator, offset);
}

void board_register_set(uint32_t offset, uint32_t value)
{
	kestrel_emulator_register_write(board.emulator, offset, value);
}

void board_run(uint64_t cycles)
{
	uint64_t end = kestrel_emulator_now(board.emulator) + cycles;

	while (kestrel_emulator_now(board.emulator) < end) {
		uint64_t now = kestrel_emulator_now(board.emulator);
		uint64_t next;

		switch (kestrel_emulator_run(board.emulator, end - now)) {
		case KESTREL_EMULATOR_BUSY:
			break;
		case KESTREL_EMULATOR_WAITING:
			now = kestrel_emulator_now(board.emulator);
			next = kestrel_emulator_next_event(board.emulator);
			kestrel_emulator_advance(board.emulator,
						 (next < end ? next : end) - now + 1);
			break;
		case KESTREL_EMULATOR_IDLE:
			now = kestrel_emulator_now(board.emulator);
			kestrel_emulator_advance(board.emulator, end - now);
			break;
		}
	}
}

void board_request_send(unsigned int slot, uint32_t type, uint32_t queue, uint32_t argument)
{
	struct kestrel_fw_request *request = &board.control->request[slot];

	if (type != KESTREL_FW_REQUEST_CREATE_QUEUE)
		request->create = (struct kestrel_fw_create_queue){ 0 };
	request->type = type;
	request->queue = queue;
	request->argument = argument;
	request->seqno = ++board.request_seqno;
	board_register_set(KESTREL_REG_CONTROL_DOORBELL, 1);
}

bool board_request_answered(unsigned int slot)
{
	return board.control->request[slot].reply_seqno == board.control->request[slot].seqno;
}

uint32_t board_request(uint32_t type, uint32_t queue, uint32_t argument)
{
	unsigned int i;

	board_request_send(0, type, queue, argument);
	for (i = 0; i < 100 && !board_request_answered(0); i++)
		board_run(1000);
	return board_request_answered(0) ? board.control->request[0].result : UINT32_MAX;
}

struct kestrel_fw_create_queue board_queue_plain(uint32_t queue, uint32_t asid, uint32_t priority)
{
	return (struct kestrel_fw_create_queue){
		.ring_address = BOARD_RING(queue),
		.ring_entries = BOARD_RING_ENTRIES,
		.asid = asid,
		.priority = priority,
		.save_address = 0x1000000000 + queue * 0x100000ull,
		.save_size = 0x100000,
	};
}

uint32_t board_queue_create(uint32_t queue, const struct kestrel_fw_create_queue *create)
{
	board.submitted[queue] = 0;
	memset(board_ring(queue), 0, KESTREL_FW_RING_BYTES(BOARD_RING_ENTRIES));
	board.control->request[0].create = *create;
	return board_request(KESTREL_FW_REQUEST_CREATE_QUEUE, queue, 0);
}

struct kestrel_fw_ring *board_ring(uint32_t queue)
{
	return (void *)(board.memory + BOARD_RING(queue));
}

struct kestrel_fw_job *board_ring_entry(uint32_t queue, uint32_t index)
{
	return (struct kestrel_fw_job *)(board_ring(queue) + 1) + index % BOARD_RING_ENTRIES;
}

uint64_t board_submit(uint32_t queue, unsigned int script, bool ring)
{
	struct kestrel_fw_ring *header = board_ring(queue);

	*board_ring_entry(queue, header->write_index) = (struct kestrel_fw_job){
		.seqno = ++board.submitted[queue],
		.command_address = ((uint64_t)script + 1) << 12,
		.command_size = 64,
		.base_count = 2,
		.base = { { 0x10000 + queue, 4096 }, { 0x7fffffffff000, 64 } },
	};
	header->write_index++;
	if (ring)
		board_doorbell(queue);
	return board.submitted[queue];
}

void board_doorbell(uint32_t queue)
{
	board_register_set(KESTREL_REG_DOORBELL, queue);
}

bool board_event(struct kestrel_fw_event *event)
{
	struct kestrel_fw_control_host *host = &board.control->host;

	if (host->event_read_index == board.control->firmware.event_write_index)
		return false;
	*event = board.event[host->event_read_index++ % BOARD_EVENTS];
	return true;
}

bool board_log_has(const char *text)
{
	uint32_t i;

	for (i = 0; i < board.control->firmware.log_write_index; i++)
		if (board.log[i % BOARD_LOGS].sequence == i &&
		    strstr(board.log[i % BOARD_LOGS].text, text))
			return true;
	return false;
}
