/* SPDX-License-Identifier: MIT */
/*
 * Check of a finished stream by replaying its bytes: every record legal, with a value
 * that its register takes in some mode, no semaphore that overflows or is waited for
 * in vain, no two units at the same bytes without a semaphore between them, every
 * byte inside SRAM and bases. It decodes the bytes by itself and knows nothing of how
 * they were made.
 */
#ifndef COMPILER_VERIFY_H
#define COMPILER_VERIFY_H

#include "buffer.h"
#include "error.h"
#include "stream.h"
#include "target.h"

/* Returns 0, -ENOMEM, or -EPROTO with a message that says where the stream is wrong. */
int verify_stream(const struct target *target, const struct stream_segment *segment,
		  const struct buffer *commands, struct error *error);

#endif
