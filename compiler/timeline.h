/* SPDX-License-Identifier: MIT */
/* When an NPU job's commands run and what its SRAM holds, as predicted. */
#ifndef COMPILER_TIMELINE_H
#define COMPILER_TIMELINE_H

#include "search.h"
#include "stream.h"

/*
 * Fills commands and rooms of `segment` from the candidate that it became; they lie
 * in the graph's arena. Returns 0 or -ENOMEM with a message.
 */
int timeline_take(const struct candidate *candidate, struct stream_segment *segment);

#endif
