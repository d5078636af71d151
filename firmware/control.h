/* SPDX-License-Identifier: MIT */
/* The control block in host memory: handshake, requests, state. */
#ifndef KESTREL_FIRMWARE_CONTROL_H
#define KESTREL_FIRMWARE_CONTROL_H

#include <stdint.h>

#include <kestrel/firmware.h>

/*
 * The handshake: checks what the host has set up, or refuses it and halts.
 * Afterwards log, events and crash record work.
 */
void control_boot(void);

/* Handles all requests that wait. */
void control_serve(void);

/* Answers requests whose end had to be awaited. */
void control_settle(void);

/* One turn of the main loop. */
void control_beat(void);

/* What the others publish in the control block. */
void control_set_state(enum kestrel_fw_state state);
void control_set_running(uint32_t queue, uint64_t seqno, uint64_t since);
void control_set_event_index(uint32_t index);
void control_set_log_index(uint32_t index);
void control_count_job(void);
void control_count_preemption(void);

/* The host's index; anything. */
uint32_t control_event_read_index(void);

#endif
