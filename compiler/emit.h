/* SPDX-License-Identifier: MIT */
/* From ordered commands to the bytes of a stream (uapi/kestrel/isa.h, "Records"). */
#ifndef COMPILER_EMIT_H
#define COMPILER_EMIT_H

#include "buffer.h"
#include "command.h"
#include "predict.h"

/* SRAM bytes that are live at a preemption point: multiples of 16, rising. */
struct emit_ranges {
	unsigned int count;
	struct {
		uint32_t address, bytes;
	} range[KESTREL_ISA_PREEMPT_RANGES];
};

/*
 * Appends the stream of `list` to `out`; `ranges` has one entry for each
 * preemption point, in order. Fills records[i] for each command. Failure to
 * allocate is left in out->failed.
 */
void emit_stream(const struct command_list *list, const struct emit_ranges *ranges,
		 struct buffer *out, struct predict_records *records);

#endif
