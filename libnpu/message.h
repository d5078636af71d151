/* SPDX-License-Identifier: MIT */
/* The sentence that goes with an error code. */
#ifndef NPU_MESSAGE_H
#define NPU_MESSAGE_H

#define MESSAGE_BYTES 512

struct message {
	char text[MESSAGE_BYTES];
};

/* Stores the formatted sentence and returns `code`, so that an error path is one statement. */
int message_set(struct message *message, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
