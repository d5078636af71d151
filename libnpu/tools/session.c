// SPDX-License-Identifier: MIT
#include "session.h"

#include <stdlib.h>

int tool_session_open(struct tool_session *session, const char *device,
		      const struct npu_open_options *options, const char *model)
{
	if (npu_open_with(device, options, &session->device) ||
	    npu_model_load_file(session->device, model, &session->model))
		return tool_error("%s", session->device ? npu_errmsg(session->device) :
							  "out of memory");
	session->info.size = sizeof(session->info);
	npu_model_info(session->model, &session->info);
	return 0;
}

void tool_session_tell(const struct tool_session *session, const char *model)
{
	struct npu_capabilities capabilities = { .size = sizeof(capabilities) };

	npu_capabilities(session->device, &capabilities);
	if (capabilities.kind == NPU_DEVICE_CPU || session->info.operators_npu)
		return;
	if (*session->info.target)
		tool_notice("%s runs on the processor: the NPU has no form of its operators, npu-info tells why",
			    model);
	else
		tool_notice("%s runs on the processor: %s", model, session->info.reason);
}

static int stream_read(struct tool_session *session, const struct tool_list *files, uint32_t index,
		       const char *name)
{
	struct tool_stream *stream = &session->inputs[index];
	const char *path = files->items[index];
	size_t size;

	stream->data = tool_file_read(path, &size);
	if (!stream->data)
		return TOOL_FAILED;
	if (!size || size % stream->bytes)
		return tool_error("%s: %zu bytes are not whole tensors of %zu (input %u, \"%s\")",
				  path, size, stream->bytes, index, name);
	if (index && size / stream->bytes != session->runs)
		return tool_error("%s: %zu tensors, %s has %zu", path, size / stream->bytes,
				  files->items[0], session->runs);
	session->runs = size / stream->bytes;
	return 0;
}

static int streams_open(struct tool_session *session, enum npu_direction direction,
			const struct tool_list *files, uint32_t count,
			struct tool_stream **streams)
{
	const char *what = direction == NPU_INPUT ? "input" : "output";
	int ret = 0;

	if (files->count != count)
		return tool_usage_error("%zu --%s files, the model has %u %ss", files->count, what,
					count, what);
	*streams = calloc(count + 1, sizeof(**streams));
	if (!*streams)
		return tool_error("out of memory");
	for (uint32_t i = 0; i < count && !ret; i++) {
		struct npu_tensor tensor = { .size = sizeof(tensor) };
		struct tool_stream *stream = &(*streams)[i];

		npu_tensor(session->model, direction, i, &tensor);
		stream->bytes = tensor.bytes;
		if (direction == NPU_INPUT) {
			ret = stream_read(session, files, i, tensor.name);
			continue;
		}
		stream->data = calloc(session->runs + 1, stream->bytes);
		if (!stream->data)
			ret = tool_error("out of memory");
	}
	return ret;
}

int tool_session_read(struct tool_session *session, const struct tool_list *inputs,
		      const struct tool_list *outputs)
{
	int ret;

	session->runs = 1;
	ret = streams_open(session, NPU_INPUT, inputs, session->info.input_count,
			   &session->inputs);
	return ret ? ret : streams_open(session, NPU_OUTPUT, outputs, session->info.output_count,
					&session->outputs);
}

int tool_session_run(struct tool_session *session, size_t run, int reset_state)
{
	int ret = 0;

	for (uint32_t i = 0; i < session->info.input_count; i++)
		ret |= npu_job_bind_memory(session->job, NPU_INPUT, i, session->inputs[i].data +
					   run * session->inputs[i].bytes);
	for (uint32_t i = 0; i < session->info.output_count; i++)
		ret |= npu_job_bind_memory(session->job, NPU_OUTPUT, i, session->outputs[i].data +
					   run * session->outputs[i].bytes);
	if (reset_state)
		ret |= npu_job_reset(session->job);
	if (!ret)
		ret = npu_job_run(session->job);
	return ret ? tool_error("run %zu: %s", run, npu_job_errmsg(session->job)) : 0;
}

int tool_session_write(const struct tool_session *session, const struct tool_list *outputs)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < session->info.output_count; i++)
		ret = tool_file_write(outputs->items[i], session->outputs[i].data,
				      session->runs * session->outputs[i].bytes);
	return ret;
}

static void streams_free(struct tool_stream *streams, uint32_t count)
{
	for (uint32_t i = 0; streams && i < count; i++)
		free(streams[i].data);
	free(streams);
}

void tool_session_close(struct tool_session *session)
{
	npu_job_free(session->job);
	streams_free(session->inputs, session->info.input_count);
	streams_free(session->outputs, session->info.output_count);
	npu_model_free(session->model);
	npu_close(session->device);
}

void tool_session_json(const struct tool_session *session, const char *model)
{
	struct npu_capabilities capabilities = { .size = sizeof(capabilities) };

	npu_capabilities(session->device, &capabilities);
	printf("{\"model\": ");
	tool_json_string(stdout, model);
	printf(", \"device\": ");
	tool_json_string(stdout, capabilities.name);
	printf(", \"target\": ");
	tool_json_string(stdout, session->info.target);
	printf(", \"reason\": ");
	tool_json_string(stdout, session->info.reason);
}
