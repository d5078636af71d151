/* SPDX-License-Identifier: MIT */
/*
 * Makes a timeline of the driver's tracepoints: reads the text of ftrace, writes
 * trace events as Chrome and Perfetto read them. Knows nothing of devices.
 */
#ifndef NPU_TOOLS_TRACE_H
#define NPU_TOOLS_TRACE_H

#include <stdint.h>
#include <stdio.h>

struct trace_summary {
	/* Lines that are events of the driver. */
	uint64_t events;
	/* Jobs that the timeline shows from start to end. */
	uint64_t jobs;
	/* Jobs whose end the trace does not tell, or whose start. */
	uint64_t partial;
	/* Events that ftrace had no room for, by its own count. */
	uint64_t lost;
};

/*
 * Reads all of `in`. Lines that are no events of the driver are passed over, and so
 * are fields of them that are not known. Returns 0, -ENOMEM, or -EIO when `in`
 * cannot be read or `out` not be written.
 */
int trace_convert(FILE *in, FILE *out, struct trace_summary *summary);

#endif
