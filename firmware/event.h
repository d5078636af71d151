/* SPDX-License-Identifier: MIT */
/* The event ring in host memory. */
#ifndef KESTREL_FIRMWARE_EVENT_H
#define KESTREL_FIRMWARE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/firmware.h>

/* address in the window; entries is a power of two. */
void event_init(uint32_t address, uint32_t entries);

/*
 * Is there room for one event? A job may start only then: so its end always
 * finds room. An impossible index of the host counts as no room.
 */
bool event_has_room(void);

/* Puts the event into the ring and interrupts the host. */
void event_send(const struct kestrel_fw_event *event);

#endif
