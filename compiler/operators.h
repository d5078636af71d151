/* SPDX-License-Identifier: MIT */
/* The operators that the compiler knows, out of its own tables. */
#ifndef COMPILER_OPERATORS_H
#define COMPILER_OPERATORS_H

#include "buffer.h"
#include "ir.h"

/*
 * The NPU forms of a kind of operator as a model file has it, one a line, each
 * beginning with `prefix`; "none" where there is no form.
 */
void operators_describe(enum ir_kind kind, const char *prefix, struct buffer *text);

/* All of them with their forms, as text or as a page of Markdown. */
void operators_list(bool markdown, struct buffer *text);

#endif
