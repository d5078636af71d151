/* SPDX-License-Identifier: MIT */
/* What the command line programs of libnpu have in common. */
#ifndef NPU_TOOL_H
#define NPU_TOOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <npu.h>

/* Exit codes. */
enum tool_exit {
	TOOL_OK = 0,
	TOOL_FAILED = 1,	/* the work went wrong */
	TOOL_USAGE = 2,		/* the command line */
};

/* File names after --input and the like. */
struct tool_list {
	const char **items;
	size_t count;
};

/* "program: text" to standard error. Returns TOOL_FAILED. */
int tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same of what is no error. */
void tool_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a hint at --help. Returns TOOL_USAGE. */
int tool_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Walks over the arguments. next() returns 1 with an option in `option`
 * ("--name", or "" for a positional argument in `value`), 0 at the end.
 */
struct tool_arguments {
	int count;
	char **values;
	int position;
	const char *option;
	const char *value;		/* positional argument, or of "--name=value" */
};

int tool_next(struct tool_arguments *arguments);
/* The value of the present option; NULL after a message if there is none. */
const char *tool_value(struct tool_arguments *arguments);
/* One or more values up to the next option. 0, or TOOL_USAGE or TOOL_FAILED. */
int tool_values(struct tool_arguments *arguments, struct tool_list *list);
/* A decimal number of least..most. 0 or TOOL_USAGE. */
int tool_number(struct tool_arguments *arguments, uint32_t least, uint32_t most,
		uint32_t *number);

/*
 * What programs that run a model take: the model, --device, --target, --set, --threads,
 * --json, --help, --version. All zero at first.
 */
struct tool_common {
	const char *model;
	const char *device;
	struct npu_open_options options;
	int json;
	int help;
	int version;
};

/*
 * Takes those options up to the next one that is not among them. Returns 1 with that in
 * `option`, 0 at the end, -1 after an error message (TOOL_USAGE).
 */
int tool_common_next(struct tool_common *common, struct tool_arguments *arguments);

/* Prints `text` for --help or the version for --version: 1, or 0 where neither is asked for. */
int tool_answer(int help, int version, const char *text);
/* The same by the options that several programs take. */
int tool_common_answer(const struct tool_common *common, const char *help);

/*
 * The last thing a program does: `status`, or TOOL_FAILED after a message where
 * that is TOOL_OK but not all of standard output could be written.
 */
int tool_finish(int status);

/* A whole file, malloc()ed; NULL after a message. */
uint8_t *tool_file_read(const char *path, size_t *size);

/*
 * Files that programs write. What is not written whole is removed, if `path` itself is an
 * ordinary file: a device stays, and so does a symbolic link with the half file behind it.
 * 0, or TOOL_FAILED after a message.
 */
int tool_file_write(const char *path, const void *data, size_t size);
/* Closes a file that the program has written piece by piece. */
int tool_file_close(FILE *file, const char *path);
/* The same where the program failed with no more than a half of it, and has said so. */
void tool_file_drop(FILE *file, const char *path);

/* A string with quotes, as JSON; U+FFFD stands for each byte that is not UTF-8. */
void tool_json_string(FILE *file, const char *text);

#endif
