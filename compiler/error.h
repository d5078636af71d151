/* SPDX-License-Identifier: MIT */
/* An error is a negative errno plus a sentence that says what and where. */
#ifndef COMPILER_ERROR_H
#define COMPILER_ERROR_H

#define ERROR_BYTES 512

struct error {
	char text[ERROR_BYTES];
};

/* Writes the message and returns `code`, so that callers can return it on. */
int error_set(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The message for an allocation that failed; returns -ENOMEM. */
int error_memory(struct error *error);

#endif
