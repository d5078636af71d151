// SPDX-License-Identifier: MIT
/*
 * Kestrel's firmware: boots, shakes hands, then sleeps until host, engine or
 * timer want something. There are no interrupt handlers: one loop looks at what
 * is pending, so nothing ever happens between two of its lines.
 */
#include <stdbool.h>
#include <stdnoreturn.h>

#include <kestrel/firmware.h>

#include "bits.h"
#include "control.h"
#include "dispatch.h"
#include "log.h"
#include "registers.h"
#include "version.h"

#define WAKE_SOURCES \
	(KESTREL_MCU_INTERRUPT_DOORBELL | KESTREL_MCU_INTERRUPT_CONTROL_DOORBELL | \
	 KESTREL_MCU_INTERRUPT_ENGINE | KESTREL_MCU_INTERRUPT_TIMER)

noreturn void main(void);

static void doorbells_serve(void)
{
	uint32_t word;

	for (word = 0; word < KESTREL_FW_QUEUES_MAX / 32; word++) {
		uint32_t rung = peripheral_read(KESTREL_MCU_DOORBELL_PENDING(word));

		/* Clear first: a ring that comes while we look counts again. */
		peripheral_write(KESTREL_MCU_DOORBELL_PENDING(word), rung);
		for (; rung; rung &= rung - 1)
			dispatch_ring(word * 32 + bits_lowest(rung));
	}
}

void main(void)
{
	timer_set(UINT64_MAX);
	control_boot();
	peripheral_write(KESTREL_MCU_INTERRUPT_ENABLE, WAKE_SOURCES);
	dispatch_init();
	log_write(KESTREL_FW_LOG_INFO, "Kestrel firmware %u.%u.%u, %s", FIRMWARE_VERSION >> 24,
		  FIRMWARE_VERSION >> 16 & 0xff, FIRMWARE_VERSION & 0xffff, FIRMWARE_BUILD);
	control_set_state(KESTREL_FW_STATE_READY);
	host_interrupt_raise();

	for (;;) {
		uint32_t pending = peripheral_read(KESTREL_MCU_INTERRUPT_PENDING);
		bool more;

		peripheral_write(KESTREL_MCU_INTERRUPT_PENDING, pending);
		if (pending & KESTREL_MCU_INTERRUPT_CONTROL_DOORBELL)
			control_serve();
		if (pending & KESTREL_MCU_INTERRUPT_DOORBELL)
			doorbells_serve();
		more = dispatch_run();
		control_beat();
		if (more)
			continue;
		control_settle();
		wait_for_interrupt();
	}
}
