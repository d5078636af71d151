/* SPDX-License-Identifier: MIT */
/*
 * A board for the firmware's tests: the emulated device around the RV32
 * interpreter that executes the packed image, some memory, the host's half of
 * the protocol in its plainest form, and the fake engine.
 */
#ifndef KESTREL_FIRMWARE_BOARD_H
#define KESTREL_FIRMWARE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kestrel/firmware.h>
#include <kestrel/regs.h>

#include "emulator.h"

#define BOARD_MEMORY_BYTES (8u << 20)
#define BOARD_EVENTS 16
#define BOARD_LOGS 64
#define BOARD_RING_ENTRIES 16

/* Where things are: physical address and VA in address space 0. */
#define BOARD_IMAGE 0x10000u
#define BOARD_CONTROL 0x80000u
#define BOARD_EVENT 0x90000u
#define BOARD_LOG 0xa0000u
#define BOARD_CRASH 0xc0000u
#define BOARD_RING(queue) (0x100000u + (queue) * 0x2000u)
/* Mapped nowhere. */
#define BOARD_HOLE 0x40000000u

struct board {
	uint8_t *memory;
	struct kestrel_emulator *emulator;
	struct kestrel_fw_control *control;
	struct kestrel_fw_event *event;
	struct kestrel_fw_log_record *log;
	struct kestrel_fw_crash *crash;
	uint32_t request_seqno;
	uint64_t submitted[KESTREL_FW_QUEUES_MAX];
};

extern struct board board;

/*
 * Reads an image of build/firmware, which is found from the path of the test
 * program; false with a message when it is not there.
 */
bool board_image_load(const char *program, const char *name);

/* Power-on, memory set up, but not started; and off. */
void board_on(void);
void board_off(void);
/* Starts the MCU and lets it come to rest. */
void board_start(void);
/* Both, to the ready firmware. */
void board_boot(void);

uint32_t board_register(uint32_t offset);
void board_register_set(uint32_t offset, uint32_t value);

/* Lets the device work, at most so many cycles; sleeping with a timer counts. */
void board_run(uint64_t cycles);

/* Sends a request in a slot without waiting. */
void board_request_send(unsigned int slot, uint32_t type, uint32_t queue, uint32_t argument);
bool board_request_answered(unsigned int slot);
/* Sends it in slot 0 and waits; returns the result. */
uint32_t board_request(uint32_t type, uint32_t queue, uint32_t argument);

/* Requests a queue with a ring of BOARD_RING_ENTRIES in address space asid. */
struct kestrel_fw_create_queue board_queue_plain(uint32_t queue, uint32_t asid,
						 uint32_t priority);
uint32_t board_queue_create(uint32_t queue, const struct kestrel_fw_create_queue *create);

struct kestrel_fw_ring *board_ring(uint32_t queue);
struct kestrel_fw_job *board_ring_entry(uint32_t queue, uint32_t index);
/* Puts a job that runs a fake script into the ring; ring == true rings the doorbell. */
uint64_t board_submit(uint32_t queue, unsigned int script, bool ring);
void board_doorbell(uint32_t queue);

/* Takes the next event; false if there is none. */
bool board_event(struct kestrel_fw_event *event);

/* Is there a log line with this text in it? */
bool board_log_has(const char *text);

#endif
