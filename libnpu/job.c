// SPDX-License-Identifier: MIT
/* Jobs: their life, bindings, and runs in the background. */
#include "job.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static void *aligned_memory(size_t size)
{
	size_t rounded = (size + PLAN_ALIGNMENT) / PLAN_ALIGNMENT * PLAN_ALIGNMENT;
	void *memory = aligned_alloc(PLAN_ALIGNMENT, rounded);

	if (memory)
		memset(memory, 0, rounded);
	return memory;
}

static void state_reset(struct npu_job *job)
{
	const struct graph *graph = &job->model->graph;

	for (uint32_t i = 0; i < graph->tensor_count; i++) {
		const struct kestrel_graph_tensor *tensor = &graph->tensors[i];
		const struct plan_tensor *place = &job->model->plan.tensors[i];
		uint8_t *state;

		if (tensor->storage != KESTREL_GRAPH_STORAGE_STATE || place->place == PLAN_NONE)
			continue;
		state = place->offset + (place->place == PLAN_DEVICE ?
					 (uint8_t *)job->memory.data : job->state);
		if (tensor->data_offset == KESTREL_GRAPH_NO_DATA)
			memset(state, tensor->initial_byte, tensor->size);
		else
			memcpy(state, graph->constants + tensor->data_offset, tensor->size);
	}
}

static int memory_create(struct npu_job *job, struct message *message)
{
	const struct npu_model *model = job->model;
	const struct graph *graph = &model->graph;
	uint32_t threads = model->device->threads > 1 ? model->device->threads : 1;
	int ret;

	job->arena = aligned_memory(model->plan.arena_size);
	job->state = aligned_memory(model->plan.state_size);
	job->scratch = aligned_memory(cpu_program_scratch(model->program) * threads);
	job->addresses = calloc((size_t)graph->tensor_count + 1, sizeof(*job->addresses));
	job->device_addresses = calloc((size_t)graph->tensor_count + 1,
				       sizeof(*job->device_addresses));
	job->inputs = calloc((size_t)graph->input_count + 1, sizeof(*job->inputs));
	job->outputs = calloc((size_t)graph->output_count + 1, sizeof(*job->outputs));
	if (!job->arena || !job->state || !job->scratch || !job->addresses ||
	    !job->device_addresses || !job->inputs || !job->outputs)
		return message_set(message, -ENOMEM, "out of memory for a job");
	ret = threads > 1 ? team_create(threads, &job->team) : 0;
	if (ret)
		return message_set(message, ret, "%" PRIu32 " threads: %s", threads, strerror(-ret));
	return 0;
}

static int device_create(struct npu_job *job, struct message *message)
{
	struct npu_model *model = job->model;
	struct npu_device *device = model->device;
	int ret = 0;

	if (!model->stream)
		return 0;
	if (model->plan.device_size)
		ret = device_memory_create(device, model->plan.device_size,
					   DEVICE_READ | DEVICE_WRITE | DEVICE_PRIVATE,
					   &job->memory, message);
	if (!ret && model->stream->scratch_size)
		ret = device_memory_create(device, model->stream->scratch_size,
					   DEVICE_READ | DEVICE_WRITE | DEVICE_PRIVATE,
					   &job->device_scratch, message);
	/* Nobody but the NPU looks at the scratch memory. */
	if (!ret && job->device_scratch.device)
		ret = device->operations->memory_end(&job->device_scratch, NPU_WRITE, message);
	if (!ret)
		ret = device->operations->queue_create(device, &job->queue, message);
	job->has_queue = !ret;
	return ret;
}

int npu_job_new(struct npu_model *model, struct npu_job **result)
{
	struct message message = { "" };
	struct npu_job *job = calloc(1, sizeof(*job));
	pthread_condattr_t attributes;
	int ret;

	*result = NULL;
	if (!job)
		return message_set(&model->device->message, -ENOMEM, "out of memory for a job");
	job->model = model;
	job->event_fd = -1;
	pthread_mutex_init(&job->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&job->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	ret = memory_create(job, &message);
	if (!ret)
		ret = device_create(job, &message);
	if (!ret)
		state_reset(job);
	if (ret) {
		npu_job_free(job);
		model->device->message = message;
		return ret;
	}
	*result = job;
	return 0;
}

void npu_job_free(struct npu_job *job)
{
	if (!job)
		return;
	if (job->has_thread) {
		pthread_mutex_lock(&job->lock);
		job->stop = 1;
		pthread_cond_broadcast(&job->changed);
		pthread_mutex_unlock(&job->lock);
		pthread_join(job->thread, NULL);
	}
	if (job->has_queue)
		job->model->device->operations->queue_destroy(&job->queue);
	device_memory_destroy(&job->memory);
	device_memory_destroy(&job->device_scratch);
	if (job->event_fd >= 0)
		close(job->event_fd);
	pthread_cond_destroy(&job->changed);
	pthread_mutex_destroy(&job->lock);
	team_free(job->team);
	free(job->arena);
	free(job->state);
	free(job->scratch);
	free(job->addresses);
	free(job->device_addresses);
	free(job->inputs);
	free(job->outputs);
	free(job);
}

const char *npu_job_errmsg(const struct npu_job *job)
{
	return job->message.text;
}

/* The binding of a tensor, and the tensor's size. */
static int binding_find(struct npu_job *job, enum npu_direction direction, uint32_t i,
			struct binding **binding, size_t *bytes)
{
	const struct graph *graph = &job->model->graph;
	uint32_t count = direction == NPU_INPUT ? graph->input_count : graph->output_count;

	if (i >= count)
		return message_set(&job->message, -ERANGE, "%s %" PRIu32 " of %" PRIu32,
				   direction == NPU_INPUT ? "input" : "output", i, count);
	*binding = direction == NPU_INPUT ? &job->inputs[i] : &job->outputs[i];
	*bytes = graph->tensors[direction == NPU_INPUT ? graph->inputs[i] :
				graph->outputs[i]].size;
	return 0;
}

static int busy_check(struct npu_job *job)
{
	int busy;

	pthread_mutex_lock(&job->lock);
	busy = job->job_state == JOB_SUBMITTED;
	pthread_mutex_unlock(&job->lock);
	return busy ? message_set(&job->message, -EBUSY, "a run is under way") : 0;
}

int npu_job_bind(struct npu_job *job, enum npu_direction direction, uint32_t i,
		 struct npu_buffer *buffer, size_t offset)
{
	struct binding *binding;
	size_t bytes;
	int ret = busy_check(job);

	if (!ret)
		ret = binding_find(job, direction, i, &binding, &bytes);
	if (ret)
		return ret;
	if (direction == NPU_OUTPUT && buffer->read_only)
		return message_set(&job->message, -EACCES,
				   "output %" PRIu32 ": the buffer was wrapped to be read", i);
	if (offset > buffer->memory.size || bytes > buffer->memory.size - offset)
		return message_set(&job->message, -ERANGE,
				   "%s %" PRIu32 ": %zu bytes at %zu do not fit a buffer of %zu",
				   direction == NPU_INPUT ? "input" : "output", i, bytes, offset,
				   buffer->memory.size);
	binding->buffer = buffer;
	binding->offset = offset;
	binding->memory = (uint8_t *)buffer->memory.data + offset;
	return 0;
}

int npu_job_bind_memory(struct npu_job *job, enum npu_direction direction, uint32_t i,
			void *memory)
{
	struct binding *binding;
	size_t bytes;
	int ret = busy_check(job);

	if (!ret)
		ret = binding_find(job, direction, i, &binding, &bytes);
	if (ret)
		return ret;
	if (!memory)
		return message_set(&job->message, -EINVAL, "%s %" PRIu32 ": no memory",
				   direction == NPU_INPUT ? "input" : "output", i);
	binding->buffer = NULL;
	binding->offset = 0;
	binding->memory = memory;
	return 0;
}

int npu_job_run(struct npu_job *job)
{
	int ret = busy_check(job);

	return ret ? ret : job_execute(job);
}

/* Waits for the descriptor that the caller wants to have waited for. */
static int fence_wait(struct npu_job *job, int fd)
{
	struct pollfd descriptor = { .fd = fd, .events = POLLIN };
	int ret;

	do
		ret = poll(&descriptor, 1, -1);
	while (ret < 0 && errno == EINTR);
	if (ret < 0 || descriptor.revents & (POLLERR | POLLNVAL))
		return message_set(&job->message, -EINVAL, "descriptor %d cannot be waited for", fd);
	return 0;
}

static void *background(void *opaque)
{
	struct npu_job *job = opaque;

	pthread_mutex_lock(&job->lock);
	for (;;) {
		uint64_t one = 1;
		int ret = 0;

		while (job->job_state != JOB_SUBMITTED && !job->stop)
			pthread_cond_wait(&job->changed, &job->lock);
		/* A submitted run is finished even if the job is being freed. */
		if (job->job_state != JOB_SUBMITTED)
			break;
		pthread_mutex_unlock(&job->lock);
		if (job->wait_fd >= 0)
			ret = fence_wait(job, job->wait_fd);
		if (!ret)
			ret = job_execute(job);
		pthread_mutex_lock(&job->lock);
		job->result = ret;
		job->job_state = JOB_DONE;
		if (write(job->event_fd, &one, sizeof(one)) != sizeof(one))
			job->result = ret ? ret : -EIO;
		pthread_cond_broadcast(&job->changed);
	}
	pthread_mutex_unlock(&job->lock);
	return NULL;
}

static int thread_start(struct npu_job *job)
{
	int ret;

	if (job->event_fd < 0) {
		job->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (job->event_fd < 0)
			return message_set(&job->message, -errno, "eventfd: %s", strerror(errno));
	}
	if (job->has_thread)
		return 0;
	ret = pthread_create(&job->thread, NULL, background, job);
	if (ret)
		return message_set(&job->message, -ret, "thread: %s", strerror(ret));
	job->has_thread = 1;
	return 0;
}

int npu_job_submit(struct npu_job *job, int wait_fd, int *event_fd)
{
	int ret;

	pthread_mutex_lock(&job->lock);
	if (job->job_state != JOB_IDLE) {
		ret = message_set(&job->message, -EBUSY,
				  "a run is under way or has not been waited for");
	} else {
		ret = thread_start(job);
		if (!ret) {
			uint64_t ignored;

			/* Not readable until this run has ended. */
			while (read(job->event_fd, &ignored, sizeof(ignored)) > 0)
				;
			job->wait_fd = wait_fd;
			job->job_state = JOB_SUBMITTED;
			pthread_cond_broadcast(&job->changed);
			if (event_fd)
				*event_fd = job->event_fd;
		}
	}
	pthread_mutex_unlock(&job->lock);
	return ret;
}

int npu_job_wait(struct npu_job *job, int64_t timeout_ns)
{
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	if (timeout_ns >= 0) {
		until.tv_sec += timeout_ns / 1000000000;
		until.tv_nsec += timeout_ns % 1000000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
	}
	pthread_mutex_lock(&job->lock);
	if (job->job_state == JOB_IDLE) {
		ret = message_set(&job->message, -EINVAL, "nothing was submitted");
	} else {
		while (job->job_state == JOB_SUBMITTED && !ret) {
			if (timeout_ns < 0)
				pthread_cond_wait(&job->changed, &job->lock);
			else if (pthread_cond_timedwait(&job->changed, &job->lock, &until))
				ret = -ETIME;
		}
		if (job->job_state == JOB_DONE) {
			ret = job->result;
			job->job_state = JOB_IDLE;
		}
	}
	pthread_mutex_unlock(&job->lock);
	return ret;
}

int npu_job_reset(struct npu_job *job)
{
	int ret = busy_check(job);

	if (!ret)
		state_reset(job);
	return ret;
}

int npu_job_stats(struct npu_job *job, struct npu_job_stats *stats)
{
	size_t size = stats->size;
	int ret = busy_check(job);

	if (ret)
		return ret;
	if (size < sizeof(size) || size > sizeof(*stats))
		return message_set(&job->message, -EINVAL,
				   "npu_job_stats: size %zu, this library knows %zu", size,
				   sizeof(*stats));
	memcpy(stats, &job->stats, size);
	stats->size = size;
	return 0;
}

void npu_job_observe(struct npu_job *job, npu_observe_fn *observe, void *opaque)
{
	job->observe = observe;
	job->observe_opaque = opaque;
}

int npu_run(struct npu_model *model, const void *const *inputs, void *const *outputs)
{
	struct npu_job *job;
	int ret = 0;

	pthread_mutex_lock(&model->run_lock);
	if (!model->run_job)
		ret = npu_job_new(model, &model->run_job);
	job = model->run_job;
	if (!ret) {
		/* Inputs are only read; one kind of binding serves both directions. */
		for (uint32_t i = 0; !ret && i < model->graph.input_count; i++)
			ret = npu_job_bind_memory(job, NPU_INPUT, i,
						  (void *)(uintptr_t)inputs[i]);
		for (uint32_t i = 0; !ret && i < model->graph.output_count; i++)
			ret = npu_job_bind_memory(job, NPU_OUTPUT, i, outputs[i]);
		if (!ret)
			ret = npu_job_run(job);
		if (ret)
			model->device->message = job->message;
	}
	pthread_mutex_unlock(&model->run_lock);
	return ret;
}
