// SPDX-License-Identifier: MIT
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void line_print(const char *format, va_list arguments)
{
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int tool_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_print(format, arguments);
	va_end(arguments);
	return TOOL_FAILED;
}

void tool_notice(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_print(format, arguments);
	va_end(arguments);
}

int tool_usage_error(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nTry %s --help.\n", program_invocation_short_name);
	return TOOL_USAGE;
}

int tool_next(struct tool_arguments *arguments)
{
	static char name[64];
	const char *text, *equals;

	if (arguments->position >= arguments->count)
		return 0;
	text = arguments->values[arguments->position++];
	arguments->value = NULL;
	if (text[0] != '-' || !text[1]) {
		arguments->option = "";
		arguments->value = text;
		return 1;
	}
	equals = strchr(text, '=');
	if (equals && (size_t)(equals - text) < sizeof(name)) {
		memcpy(name, text, (size_t)(equals - text));
		name[equals - text] = 0;
		arguments->option = name;
		arguments->value = equals + 1;
	} else {
		arguments->option = text;
	}
	return 1;
}

const char *tool_value(struct tool_arguments *arguments)
{
	if (arguments->value)
		return arguments->value;
	if (arguments->position >= arguments->count) {
		tool_usage_error("%s needs a value", arguments->option);
		return NULL;
	}
	return arguments->values[arguments->position++];
}

int tool_values(struct tool_arguments *arguments, struct tool_list *list)
{
	size_t before = list->count;

	for (;;) {
		const char **items;
		const char *text;

		if (arguments->value) {
			text = arguments->value;
			arguments->value = NULL;
		} else if (arguments->position < arguments->count &&
			   arguments->values[arguments->position][0] != '-') {
			text = arguments->values[arguments->position++];
		} else {
			break;
		}
		items = realloc(list->items, (list->count + 1) * sizeof(*items));
		if (!items)
			return tool_error("out of memory");
		list->items = items;
		list->items[list->count++] = text;
	}
	if (list->count == before)
		return tool_usage_error("%s needs a file", arguments->option);
	return 0;
}

int tool_number(struct tool_arguments *arguments, uint32_t least, uint32_t most,
		uint32_t *number)
{
	const char *text = tool_value(arguments);
	unsigned long value;
	char *end;

	if (!text)
		return TOOL_USAGE;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < least || value > most)
		return tool_usage_error("%s: \"%s\" is not a number of %u..%u", arguments->option,
					text, least, most);
	*number = (uint32_t)value;
	return 0;
}

/* 1 if it was one of the options that several programs take, 0 if not, -1 after a message. */
static int common_option(struct tool_common *common, struct tool_arguments *arguments)
{
	const char *option = arguments->option;
	const char **text = NULL;
	int *flag = NULL;

	if (!*option && common->model) {
		tool_usage_error("what is \"%s\"?", arguments->value);
		return -1;
	}
	if (!strcmp(option, "--threads"))
		return tool_number(arguments, 1, 256, &common->options.threads) ? -1 : 1;
	if (!*option)
		text = &common->model;
	else if (!strcmp(option, "--device"))
		text = &common->device;
	else if (!strcmp(option, "--target"))
		text = &common->options.target;
	else if (!strcmp(option, "--set"))
		text = &common->options.settings;
	else if (!strcmp(option, "--json"))
		flag = &common->json;
	else if (!strcmp(option, "--help") || !strcmp(option, "-h"))
		flag = &common->help;
	else if (!strcmp(option, "--version"))
		flag = &common->version;
	if (flag)
		*flag = 1;
	if (!text)
		return flag != NULL;
	*text = tool_value(arguments);
	return *text ? 1 : -1;
}

int tool_common_next(struct tool_common *common, struct tool_arguments *arguments)
{
	common->options.size = sizeof(common->options);
	while (tool_next(arguments)) {
		int taken = common_option(common, arguments);

		if (taken <= 0)
			return taken < 0 ? -1 : 1;
	}
	return 0;
}

int tool_answer(int help, int version, const char *text)
{
	if (help)
		fputs(text, stdout);
	else if (version)
		printf("%s (libnpu %s)\n", program_invocation_short_name, npu_version());
	return help || version;
}

int tool_common_answer(const struct tool_common *common, const char *help)
{
	return tool_answer(common->help, common->version, help);
}

int tool_finish(int status)
{
	int failed = fflush(stdout);

	if (status != TOOL_OK || (!failed && !ferror(stdout)))
		return status;
	/* The reason of an earlier failure is not known any more. */
	return tool_error("standard output: %s",
			  failed ? strerror(errno) : "not all of it could be written");
}

uint8_t *tool_file_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t room = 0;

	*size = 0;
	if (!file) {
		tool_error("%s: %s", path, strerror(errno));
		return NULL;
	}
	for (;;) {
		size_t got;

		if (*size == room) {
			uint8_t *larger = realloc(data, room ? 2 * room : 65536);

			if (!larger) {
				tool_error("%s: out of memory", path);
				break;
			}
			data = larger;
			room = room ? 2 * room : 65536;
		}
		got = fread(data + *size, 1, room - *size, file);
		*size += got;
		if (got)
			continue;
		if (ferror(file)) {
			tool_error("%s: %s", path, strerror(errno));
			break;
		}
		fclose(file);
		return data;
	}
	free(data);
	fclose(file);
	return NULL;
}

/* A device or a pipe is not ours to remove, and of a link the name would go, not the half file. */
static void half_remove(const char *path)
{
	struct stat status;

	if (!lstat(path, &status) && S_ISREG(status.st_mode))
		unlink(path);
}

int tool_file_write(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");
	int reason = 0;

	if (!file)
		return tool_error("%s: %s", path, strerror(errno));
	if (fwrite(data, 1, size, file) != size)
		reason = errno;
	if (fclose(file) && !reason)
		reason = errno;
	if (!reason)
		return 0;
	half_remove(path);
	return tool_error("%s: %s", path, strerror(reason));
}

int tool_file_close(FILE *file, const char *path)
{
	int failed = ferror(file);

	if (fclose(file))
		failed = tool_error("%s: %s", path, strerror(errno));
	else if (failed)
		failed = tool_error("%s: not all of it could be written", path);
	if (failed)
		half_remove(path);
	return failed;
}

void tool_file_drop(FILE *file, const char *path)
{
	fclose(file);
	half_remove(path);
}

/* Bytes of the UTF-8 character that begins here; 0: these bytes are none. */
static size_t character_bytes(const char *text)
{
	/* The least character that needs so many bytes: no other form of it is legal. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)text[0];
	size_t bytes = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 :
		       first < 0xf8 ? 4 : 0;
	uint32_t character;

	if (bytes < 2)
		return bytes;
	character = first & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | ((unsigned char)text[i] & 0x3f);
	}
	return character < least[bytes] || character > 0x10ffff ||
	       (character >= 0xd800 && character < 0xe000) ? 0 : bytes;
}

void tool_json_string(FILE *file, const char *text)
{
	fputc('"', file);
	while (*text) {
		unsigned char c = (unsigned char)*text;
		size_t bytes = character_bytes(text);

		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20)
			fprintf(file, "\\u%04x", c);
		else if (bytes)
			fwrite(text, 1, bytes, file);
		else
			fputs("\\ufffd", file);
		text += bytes ? bytes : 1;
	}
	fputc('"', file);
}
