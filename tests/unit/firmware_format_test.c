// SPDX-License-Identifier: MIT
/* Text of the firmware's log. */
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "firmware_test.h"
#include "format.h"

static char text[32];

static size_t print(size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length;

	memset(text, '#', sizeof(text));
	va_start(arguments, format);
	length = format_text(text, size, format, arguments);
	va_end(arguments);
	return length;
}

static void conversions(void)
{
	CHECK(print(32, "plain") == 5 && !strcmp(text, "plain"));
	CHECK(print(32, "%u %u", (uint32_t)0, (uint32_t)4294967295u) == 12);
	CHECK(!strcmp(text, "0 4294967295"));
	print(32, "%x/%x", (uint32_t)0xdeadbeef, (uint32_t)0);
	CHECK(!strcmp(text, "0xdeadbeef/0x0"));
	print(32, "<%s>", "in");
	CHECK(!strcmp(text, "<in>"));
	print(32, "5%% %d");
	CHECK(!strcmp(text, "5% %d"));
	print(32, "end%");
	CHECK(!strcmp(text, "end%"));
}

static void limits(void)
{
	CHECK(print(8, "%s", "longer than that") == 7 && !strcmp(text, "longer "));
	CHECK(text[8] == '#');
	CHECK(print(1, "x") == 0 && text[0] == '\0' && text[1] == '#');
	CHECK(print(4, "%u", (uint32_t)123456) == 3 && !strcmp(text, "123"));
}

int main(void)
{
	test_group("conversions", conversions);
	test_group("limits", limits);
	return test_failures != 0;
}
