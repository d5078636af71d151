// SPDX-License-Identifier: MIT
#include "control.h"
#include "event.h"
#include "host.h"
#include "registers.h"
#include "ring.h"

static struct {
	uint32_t address;
	uint32_t entries;
	uint32_t write_index;
	/* The host's index when it was last looked at. */
	uint32_t read_index;
} ring;

void event_init(uint32_t address, uint32_t entries)
{
	ring.address = address;
	ring.entries = entries;
	ring.write_index = 0;
	ring.read_index = 0;
}

bool event_has_room(void)
{
	/* Looking costs a memory latency: only when it matters. */
	if (ring_fill(ring.write_index, ring.read_index) < ring.entries)
		return true;
	ring.read_index = control_event_read_index();
	return ring_fill(ring.write_index, ring.read_index) < ring.entries;
}

void event_send(const struct kestrel_fw_event *event)
{
	host_copy_out(ring.address + ring_position(ring.write_index, ring.entries) * sizeof(*event),
		      event, sizeof(*event));
	host_publish();
	control_set_event_index(++ring.write_index);
	host_interrupt_raise();
}
