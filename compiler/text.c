// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

/* Stands for what is no character. */
#define REPLACEMENT 0xfffdu

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

/* Takes a character of UTF-8 from `*at`; a byte that is of none is U+FFFD. */
static uint32_t take_character(const char **at)
{
	static const uint32_t least[] = { 0x80, 0x800, 0x10000 };
	uint32_t first = (uint8_t)*(*at)++;
	uint32_t character = first & 0x1f;
	unsigned int more = 1;

	if (first < 0x80)
		return first;
	if (first >= 0xe0) {
		more = first < 0xf0 ? 2 : 3;
		character = first & (0x3f >> more);
	}
	for (unsigned int i = 0; i < more; i++) {
		if (((uint8_t)(*at)[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		character = character << 6 | ((uint8_t)(*at)[i] & 0x3f);
	}
	if (first < 0xc0 || first > 0xf7 || character < least[more - 1] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return REPLACEMENT;
	*at += more;
	return character;
}

void text_put_json(struct buffer *text, const char *string)
{
	buffer_byte(text, '"');
	while (*string) {
		uint32_t c = take_character(&string);

		if (c == '"' || c == '\\')
			text_put(text, "\\%c", (int)c);
		else if (c > 0xffff)
			text_put(text, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
		else if (c > 126 || c < 32 || c == '<')
			text_put(text, "\\u%04x", c);
		else
			buffer_byte(text, (uint8_t)c);
	}
	buffer_byte(text, '"');
}

void text_put_plain(struct buffer *text, const char *string)
{
	for (; *string; string++)
		buffer_byte(text, is_printable((unsigned char)*string) ? (uint8_t)*string : '?');
}
