/* SPDX-License-Identifier: MIT */
/* Text that grows in a buffer. */
#ifndef COMPILER_TEXT_H
#define COMPILER_TEXT_H

#include "buffer.h"

/* printf to the end of the buffer; what is beyond 1,023 bytes is cut off. */
void text_put(struct buffer *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A JSON string with its quotes. Names come out of a hostile file: what is not
 * printable ASCII, and "<", which could end a script element of HTML, is escaped; U+FFFD
 * stands for bytes that are not UTF-8.
 */
void text_put_json(struct buffer *text, const char *string);

/* The string with everything but printable ASCII as "?". */
void text_put_plain(struct buffer *text, const char *string);

#endif
