// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

static bool is_printable(unsigned char c)
{
	return c >= 32 && c < 127;
}

void text_put(struct buffer *text, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length > 0)
		buffer_append(text, line, (size_t)length < sizeof(line) ? (size_t)length :
									  sizeof(line) - 1);
}

void text_put_json(struct buffer *text, const char *string)
{
	buffer_byte(text, '"');
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if (c == '"' || c == '\\')
			text_put(text, "\\%c", c);
		else if (!is_printable(c) || c == '<')
			text_put(text, "\\u%04x", c);
		else
			buffer_byte(text, c);
	}
	buffer_byte(text, '"');
}

void text_put_plain(struct buffer *text, const char *string)
{
	for (; *string; string++)
		buffer_byte(text, is_printable((unsigned char)*string) ? (uint8_t)*string : '?');
}
