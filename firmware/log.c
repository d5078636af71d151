// SPDX-License-Identifier: MIT
#include <stdarg.h>

#include "control.h"
#include "format.h"
#include "host.h"
#include "log.h"
#include "registers.h"
#include "ring.h"

static struct {
	uint32_t address;
	uint32_t entries;
	uint32_t level;
	uint32_t write_index;
} ring;

void log_init(uint32_t address, uint32_t entries, uint32_t level)
{
	ring.address = address;
	ring.entries = entries;
	ring.level = level;
	ring.write_index = 0;
}

void log_set_level(uint32_t level)
{
	ring.level = level;
}

void log_write(enum kestrel_fw_log_level level, const char *format, ...)
{
	struct kestrel_fw_log_record record = { .level = level };
	uint32_t address, length;
	va_list arguments;

	if (!ring.entries || level > ring.level)
		return;
	record.time = time_now();
	va_start(arguments, format);
	length = format_text(record.text, sizeof(record.text), format, arguments) + 1;
	va_end(arguments);

	address = ring.address +
		  ring_position(ring.write_index, ring.entries) * sizeof(record);
	/* While the record is in the making its sequence fits neither lap. */
	host_write(address, ring.write_index - 1);
	host_publish();
	host_copy_out(address + sizeof(record.sequence), &record.level,
		      (offsetof(struct kestrel_fw_log_record, text) - sizeof(record.sequence) +
		       length + 3) & ~3u);
	host_publish();
	host_write(address, ring.write_index);
	control_set_log_index(++ring.write_index);
	if (level == KESTREL_FW_LOG_ERROR)
		host_interrupt_raise();
}
