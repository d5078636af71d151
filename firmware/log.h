/* SPDX-License-Identifier: MIT */
/* The log ring in host memory. */
#ifndef KESTREL_FIRMWARE_LOG_H
#define KESTREL_FIRMWARE_LOG_H

#include <stdint.h>

#include <kestrel/firmware.h>

/* address in the window, entries a power of two; before that nothing is kept. */
void log_init(uint32_t address, uint32_t entries, uint32_t level);
void log_set_level(uint32_t level);

/* One line, cut to fit; format as format.h has it. Records above the level are dropped. */
void log_write(enum kestrel_fw_log_level level, const char *format, ...);

#endif
