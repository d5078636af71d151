// SPDX-License-Identifier: MIT
#include "control.h"
#include "dispatch.h"
#include "engine.h"
#include "event.h"
#include "host.h"
#include "log.h"
#include "queue.h"
#include "registers.h"
#include "scheduler.h"

#define NO_QUEUE 0xffffffffu
/*
 * Nobody's data is in the engine, or that of nobody who may find it there again.
 * The scrub comes before the next job, so that the host hears of the last one
 * even from an engine that is too broken to be scrubbed.
 */
#define OWNER_NONE 0xffffffffu
#define OWNER_GONE 0xfffffffeu

static struct scheduler scheduler;

static struct {
	/* Queue whose job is on the engine, or NO_QUEUE. */
	uint32_t queue;
	/* Engine cycles of this START that were charged to the queue. */
	uint64_t charged;
	/* How many of them the host was told of. */
	uint64_t told;
	/* Preemption was asked for, at this many cycles of this START. */
	bool asked;
	uint64_t asked_at;
	/* Where it was, likewise, when the host wanted it held. */
	uint64_t hold_at;
} running;

/* Address space whose data is in the engine, or OWNER_*. */
static uint32_t engine_owner;
static bool suspended;
static bool held;
/* The hold has reached a job on the engine. */
static bool held_running;

static uint32_t window_cycles(void)
{
	return peripheral_read(KESTREL_MCU_CLOCK) * KESTREL_FW_LEVEL_WINDOW_MS;
}

void dispatch_init(void)
{
	running.queue = NO_QUEUE;
	scheduler_init(&scheduler, time_now(), window_cycles());
	engine_scrub();
	engine_owner = OWNER_NONE;
}

void dispatch_describe(uint32_t *queue, uint64_t *seqno)
{
	*queue = running.queue;
	*seqno = running.queue == NO_QUEUE ? 0 : queue_get(running.queue)->job.seqno;
}

/* The queue is ready: has the host said that it is in a hurry? */
static void hurry_look(uint32_t index)
{
	scheduler_set_hurried(&scheduler, index, queue_hurries(queue_get(index)));
}

void dispatch_ring(uint32_t index)
{
	const struct queue *queue;

	if (index >= KESTREL_FW_QUEUES_MAX)
		return;
	queue = queue_get(index);
	if (queue->status != KESTREL_FW_QUEUE_ACTIVE)
		return;
	/*
	 * On a free engine the queue's turn comes at once, and finds out. A job
	 * that runs must not be preempted for nothing.
	 */
	if (running.queue == NO_QUEUE || queue_has_jobs(queue))
		scheduler_set_ready(&scheduler, index, time_now());
	if (scheduler_is_ready(&scheduler, index))
		hurry_look(index);
}

void dispatch_add(uint32_t index, uint32_t priority)
{
	scheduler_set_level(&scheduler, index, priority);
	if (queue_has_jobs(queue_get(index)))
		scheduler_set_ready(&scheduler, index, time_now());
}

/*
 * Ends the job that the queue is at, or (QUEUE_BROKEN) the queue itself: event,
 * ring header, and whether the queue goes on.
 */
static void job_end(uint32_t index, uint32_t type, const struct engine_fault *fault)
{
	struct queue *queue = queue_get(index);
	struct kestrel_fw_event event = {
		.type = type,
		.queue = index,
		.seqno = queue->completed_seqno,
		.end_time = time_now(),
	};

	if (type == KESTREL_FW_EVENT_QUEUE_BROKEN) {
		queue->status = KESTREL_FW_QUEUE_BROKEN;
	} else {
		event.seqno = queue->job.seqno;
		event.active_cycles = queue->job_cycles;
		event.start_time = queue->job_start_time;
		event.preemptions = queue->job_preemptions;
		event.busy_cycles[0] = queue->job_counters.busy_cycles[0];
		event.busy_cycles[1] = queue->job_counters.busy_cycles[1];
		event.busy_cycles[2] = queue->job_counters.busy_cycles[2];
		event.busy_cycles[3] = queue->job_counters.busy_cycles[3];
		event.macs = queue->job_counters.macs;
		event.read_bytes = queue->job_counters.read_bytes;
		event.write_bytes = queue->job_counters.write_bytes;
		/* A rejected job's seqno means nothing; the count must not go back. */
		if (event.seqno > queue->completed_seqno)
			queue->completed_seqno = event.seqno;
		queue->total_cycles += queue->job_cycles;
		if (type != KESTREL_FW_EVENT_JOB_DONE)
			queue->status = KESTREL_FW_QUEUE_STOPPED;
	}
	if (fault) {
		event.fault_code = fault->code;
		event.fault_unit = fault->unit;
		event.fault_offset = fault->offset;
		event.fault_detail = fault->detail;
		event.fault_address = fault->address;
	}
	queue->preempted = false;
	if (type != KESTREL_FW_EVENT_JOB_DONE)
		log_write(KESTREL_FW_LOG_DEBUG, "queue %u stops: event %u code %u unit %u at %x",
			  index, type, event.fault_code, event.fault_unit, event.fault_offset);
	queue_publish(queue);
	control_count_job();
	event_send(&event);
	if (queue->status != KESTREL_FW_QUEUE_ACTIVE || !queue_has_jobs(queue))
		scheduler_clear_ready(&scheduler, index);
	else
		hurry_look(index);
}

/* Adds what the engine did since START to the job, and to its level. */
static uint64_t job_account(struct queue *queue)
{
	uint64_t cycles = engine_active_cycles();

	scheduler_charge(&scheduler, running.queue, (uint32_t)(cycles - running.charged));
	running.charged = cycles;
	return queue->job_cycles + cycles;
}

/* The job is no longer on the engine. */
static void job_leave(struct queue *queue)
{
	queue->job_cycles = job_account(queue);
	engine_add_counters(&queue->job_counters);
	running.queue = NO_QUEUE;
	held_running = false;
	control_set_running(NO_QUEUE, 0, 0);
}

/* Nothing is left in the engine that address space asid (OWNER_NONE: anybody) may not see. */
static void engine_clean_for(uint32_t asid)
{
	if (engine_owner == OWNER_NONE || engine_owner == asid)
		return;
	engine_scrub();
	engine_owner = OWNER_NONE;
}

static void job_put_on_engine(uint32_t index, uint32_t resume_offset)
{
	struct queue *queue = queue_get(index);
	uint64_t now = time_now();

	running.queue = index;
	running.charged = 0;
	running.told = 0;
	running.asked = false;
	if (!resume_offset)
		queue->job_start_time = now;
	engine_owner = queue->asid;
	engine_start(&queue->job, queue->asid, KESTREL_FW_TAG(index, queue->job.seqno),
		     resume_offset);
	control_set_running(index, queue->job.seqno, now);
}

/* The engine was made to stop, or stopped by itself, with this status. */
static void job_stopped(uint32_t status, uint32_t reason)
{
	uint32_t index = running.queue;
	struct queue *queue = queue_get(index);
	struct engine_fault fault;

	job_leave(queue);
	switch (status) {
	case KESTREL_ENGINE_STATUS_DONE:
		job_end(index, KESTREL_FW_EVENT_JOB_DONE, NULL);
		return;
	case KESTREL_ENGINE_STATUS_PREEMPTED:
		/* It was only asked whether it would: it is to end, so it goes on. */
		if (suspended && !held) {
			job_put_on_engine(index, engine_resume_offset());
			return;
		}
		/* A time limit that passed at the same time comes up again later. */
		if (engine_save(queue->save_address, &queue->context)) {
			queue->preempted = true;
			queue->job_preemptions++;
			queue->preemptions++;
			control_count_preemption();
			queue_publish(queue);
			hurry_look(index);
			return;
		}
		engine_owner = OWNER_GONE;
		engine_read_fault(&fault);
		job_end(index, KESTREL_FW_EVENT_JOB_LOST, &fault);
		return;
	case KESTREL_ENGINE_STATUS_FAULTED:
		engine_owner = OWNER_GONE;
		engine_read_fault(&fault);
		job_end(index, KESTREL_FW_EVENT_JOB_FAULT, &fault);
		return;
	default:
		engine_owner = OWNER_GONE;
		job_end(index, reason, NULL);
		return;
	}
}

/* Lets a preempted job go on. */
static void job_resume(uint32_t index)
{
	struct queue *queue = queue_get(index);
	struct engine_fault fault;

	engine_clean_for(queue->asid);
	if (!engine_restore(queue->save_address, &queue->context)) {
		engine_owner = OWNER_GONE;
		engine_read_fault(&fault);
		job_end(index, KESTREL_FW_EVENT_JOB_LOST, &fault);
		return;
	}
	queue->preempted = false;
	job_put_on_engine(index, queue->context.resume_offset);
}

/* Takes the queue's next job and starts it. */
static void job_begin(uint32_t index)
{
	struct queue *queue = queue_get(index);
	struct engine_fault fault = { 0 };

	switch (queue_fetch(queue, &fault.code, &fault.detail)) {
	case QUEUE_FETCH_EMPTY:
		scheduler_clear_ready(&scheduler, index);
		return;
	case QUEUE_FETCH_BROKEN:
		job_end(index, KESTREL_FW_EVENT_QUEUE_BROKEN, NULL);
		return;
	case QUEUE_FETCH_REJECTED:
		queue->job_start_time = time_now();
		job_end(index, KESTREL_FW_EVENT_JOB_REJECTED, &fault);
		return;
	case QUEUE_FETCH_JOB:
		break;
	}
	if (!queue->job.command_size) {
		queue->job_start_time = time_now();
		job_end(index, KESTREL_FW_EVENT_JOB_DONE, NULL);
		return;
	}
	engine_clean_for(queue->asid);
	job_put_on_engine(index, 0);
}

/* A started job that waits to go on, or NO_QUEUE. */
static uint32_t queue_preempted_find(void)
{
	uint32_t index;

	for (index = 0; index < KESTREL_FW_QUEUES_MAX; index++)
		if (queue_get(index)->status == KESTREL_FW_QUEUE_ACTIVE &&
		    queue_get(index)->preempted)
			return index;
	return NO_QUEUE;
}

/*
 * The engine is free: gives it to the next queue, if there is one. True: there
 * may be more to do, since a job can end without having run.
 */
static bool engine_give(void)
{
	uint32_t index;
	int picked;

	if (held || !event_has_room())
		return false;
	if (suspended) {
		index = queue_preempted_find();
		if (index == NO_QUEUE)
			return false;
	} else {
		picked = scheduler_pick(&scheduler, time_now());
		if (picked == SCHEDULER_NONE)
			return false;
		index = (uint32_t)picked;
	}
	if (queue_get(index)->preempted)
		job_resume(index);
	else
		job_begin(index);
	return true;
}

/* Enforces the running job's limits; returns the cycles until the next look, 0 if it ended. */
static uint32_t job_watch(void)
{
	struct queue *queue = queue_get(running.queue);
	uint64_t used = job_account(queue);
	uint64_t slice = running.charged;
	uint64_t next = KESTREL_FW_HEARTBEAT_CYCLES;
	uint64_t left;

	if (used >= queue->job_timeout_cycles) {
		job_stopped(engine_kill(), KESTREL_FW_EVENT_JOB_TIMEOUT);
		return 0;
	}
	left = queue->job_timeout_cycles - used;
	if (left < next)
		next = left;
	/* Not of a short job, which would only wait for it. */
	if (slice - running.told >= KESTREL_FW_HEARTBEAT_CYCLES / 2) {
		running.told = slice;
		queue_publish_running(queue, used);
	}

	if (held) {
		if (slice - running.hold_at >= KESTREL_FW_PREEMPT_LIMIT_CYCLES) {
			job_stopped(engine_kill(), KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT);
			return 0;
		}
		left = running.hold_at + KESTREL_FW_PREEMPT_LIMIT_CYCLES - slice;
		if (left < next)
			next = left;
	}

	if (running.asked) {
		if (slice - running.asked_at >= KESTREL_FW_PREEMPT_LIMIT_CYCLES) {
			job_stopped(engine_kill(), KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT);
			return 0;
		}
		left = running.asked_at + KESTREL_FW_PREEMPT_LIMIT_CYCLES - slice;
		return left < next ? (uint32_t)left : (uint32_t)next;
	}
	if (!queue->preemptible)
		return (uint32_t)next;
	if (suspended || scheduler_preempts(&scheduler, time_now(), running.queue, slice,
			       queue->time_slice_cycles)) {
		engine_preempt();
		running.asked = true;
		running.asked_at = slice;
	} else if (scheduler_shares_level(&scheduler, running.queue)) {
		/* The slice is not over, or it would have been asked. */
		left = queue->time_slice_cycles - slice;
		if (left < next)
			next = left;
	}
	return (uint32_t)next;
}

bool dispatch_run(void)
{
	uint64_t now = time_now();
	uint32_t status, next;

	if (scheduler_window_is_over(&scheduler, now)) {
		if (running.queue != NO_QUEUE)
			job_account(queue_get(running.queue));
		scheduler_advance(&scheduler, now, window_cycles());
	}
	if (running.queue != NO_QUEUE) {
		status = engine_status();
		held_running = status == KESTREL_ENGINE_STATUS_HELD;
		if (status != KESTREL_ENGINE_STATUS_RUNNING && !held_running)
			job_stopped(status, KESTREL_FW_EVENT_JOB_LOST);
	}
	if (running.queue == NO_QUEUE) {
		if (engine_give())
			return true;
		/* A full event ring may keep jobs waiting: look again. */
		timer_set(event_has_room() ? UINT64_MAX :
			  time_now() + KESTREL_FW_HEARTBEAT_CYCLES);
		return false;
	}
	if (held_running) {
		timer_set(UINT64_MAX);
		return false;
	}
	next = job_watch();
	if (!next)
		return true;
	timer_set(time_now() + next);
	return false;
}

void dispatch_destroy(uint32_t index)
{
	struct queue *queue = queue_get(index);

	if (running.queue == index) {
		engine_kill();
		job_leave(queue);
		engine_owner = OWNER_GONE;
	}
	/* The address space may soon be another client's. */
	if (engine_owner == queue->asid)
		engine_owner = OWNER_GONE;
	scheduler_clear_ready(&scheduler, index);
	queue->preempted = false;
	queue_destroy(index);
}

void dispatch_suspend(bool suspend)
{
	suspended = suspend;
}

bool dispatch_is_idle(void)
{
	if (running.queue != NO_QUEUE || queue_preempted_find() != NO_QUEUE)
		return false;
	engine_clean_for(OWNER_NONE);
	return true;
}

void dispatch_hold(bool hold)
{
	held = hold;
	if (running.queue == NO_QUEUE)
		return;
	if (hold) {
		job_account(queue_get(running.queue));
		running.hold_at = running.charged;
		engine_hold();
	} else {
		engine_continue();
	}
}

bool dispatch_is_held(void)
{
	return running.queue == NO_QUEUE || held_running;
}
