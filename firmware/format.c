// SPDX-License-Identifier: MIT
#include <stdint.h>

#include "format.h"

struct sink {
	char *text;
	size_t length;
	size_t limit;
};

static void sink_put(struct sink *sink, char character)
{
	if (sink->length < sink->limit)
		sink->text[sink->length++] = character;
}

static void sink_put_text(struct sink *sink, const char *text)
{
	while (*text)
		sink_put(sink, *text++);
}

static void sink_put_number(struct sink *sink, uint32_t value, uint32_t radix)
{
	char digits[10];
	size_t count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % radix];
		value /= radix;
	} while (value);
	while (count)
		sink_put(sink, digits[--count]);
}

size_t format_text(char *text, size_t size, const char *format, va_list arguments)
{
	struct sink sink = { .text = text, .limit = size - 1 };

	for (; *format; format++) {
		if (*format != '%') {
			sink_put(&sink, *format);
			continue;
		}
		switch (*++format) {
		case 's':
			sink_put_text(&sink, va_arg(arguments, const char *));
			break;
		case 'u':
			sink_put_number(&sink, va_arg(arguments, uint32_t), 10);
			break;
		case 'x':
			sink_put_text(&sink, "0x");
			sink_put_number(&sink, va_arg(arguments, uint32_t), 16);
			break;
		case '%':
			sink_put(&sink, '%');
			break;
		default:
			sink_put(&sink, '%');
			/* A lone % at the end: let the loop see the NUL. */
			format--;
			break;
		}
	}
	text[sink.length] = '\0';
	return sink.length;
}
