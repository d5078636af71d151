/* SPDX-License-Identifier: MIT */
/* A model on a device, and files for all runs of it, as several programs have them. */
#ifndef NPU_TOOL_SESSION_H
#define NPU_TOOL_SESSION_H

#include "tool.h"

/* The bytes of one input or output for all runs, one after the other. */
struct tool_stream {
	uint8_t *data;
	size_t bytes;		/* of one run */
};

/* All zero before tool_session_open(). */
struct tool_session {
	struct npu_device *device;
	struct npu_model *model;
	/* Made by the program; freed with the rest. */
	struct npu_job *job;
	struct npu_model_info info;
	struct tool_stream *inputs, *outputs;
	size_t runs;
};

/* Functions that return int: 0, or a code of enum tool_exit after a message. */

/* Opens the device, loads the model and fills `info`. */
int tool_session_open(struct tool_session *session, const char *device,
		      const struct npu_open_options *options, const char *model);
/*
 * On an NPU, where none of the model's operators runs on it: a line that says why.
 * That is no error, the outputs are the same.
 */
void tool_session_tell(const struct tool_session *session, const char *model);
/* Reads a file for each input, which tells the number of runs; makes room for outputs. */
int tool_session_read(struct tool_session *session, const struct tool_list *inputs,
		      const struct tool_list *outputs);
/* Run number `run` of the job, after its state has been cleared if that is wanted. */
int tool_session_run(struct tool_session *session, size_t run, int reset_state);
/* Writes the outputs of all runs. */
int tool_session_write(const struct tool_session *session, const struct tool_list *outputs);
/* After any of the above, and after none. */
void tool_session_close(struct tool_session *session);

/* The begin of an object: `{"model": ..., "device": ..., "target": ..., "reason": ...`. */
void tool_session_json(const struct tool_session *session, const char *model);

#endif
