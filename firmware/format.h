/* SPDX-License-Identifier: MIT */
/* Text for the log. */
#ifndef KESTREL_FIRMWARE_FORMAT_H
#define KESTREL_FIRMWARE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most size - 1 characters and a NUL; size is at least 1. Knows %s,
 * %u and %x (uint32_t), and %%; anything else appears as it stands. Returns
 * the characters written without the NUL.
 */
size_t format_text(char *text, size_t size, const char *format, va_list arguments);

#endif
