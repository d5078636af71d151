/* SPDX-License-Identifier: MIT */
/* Whether libnpu loads what the compiler writes: its own checks decide. */
#ifndef COMPILER_LOADABLE_H
#define COMPILER_LOADABLE_H

#include "buffer.h"
#include "error.h"

/*
 * Returns 0, or the negative errno and the message with which libnpu refuses the graph
 * file: it names operator and output, or section and record.
 */
int loadable_check(const struct buffer *file, struct error *error);

#endif
