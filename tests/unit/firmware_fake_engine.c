// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "firmware_fake_engine.h"

#define KILL_CYCLES 100
#define HOLD_CYCLES 50
#define TRANSFER_CYCLES 5000
#define SCRUB_CYCLES 768
#define NEVER UINT64_MAX
/* Save areas that a test uses. */
#define FAKE_CONTEXTS 128

struct fake_record fake;

struct context {
	uint64_t address;
	uint32_t asid;
	uint32_t resume_offset;
};

struct engine {
	uint64_t now;
	/* The state that is reached at `due`. */
	uint64_t due;
	uint32_t next;
	struct engine_status status;
	/* RUNNING since; engine cycles before that, in this START. */
	uint64_t running_since;
	uint64_t active;
	/* Of the job as a whole, at the beginning of this START. */
	uint64_t progress;
	bool hung;
	/* Whose data the SRAM holds, 0 nobody's. */
	uint32_t owner;
	struct context context[FAKE_CONTEXTS];
	const struct context *restored;
	uint64_t total[KESTREL_COUNTER_COUNT];
};

static void violate(const char *rule)
{
	if (!fake.violation)
		fake.violation = rule;
}

struct engine *engine_create(const struct kestrel_configuration *configuration,
			     const struct engine_host *host)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	(void)configuration;
	(void)host;
	engine->due = NEVER;
	/* What was in the SRAM at power-on is somebody's. */
	engine->owner = UINT32_MAX;
	return engine;
}

void engine_destroy(struct engine *engine)
{
	free(engine);
}

static uint64_t active_cycles(const struct engine *engine)
{
	return engine->active + (engine->status.state == KESTREL_ENGINE_STATUS_RUNNING ?
				 engine->now - engine->running_since : 0);
}

/* Time goes by in the present state. */
static void time_pass(struct engine *engine, uint64_t now)
{
	if (engine->status.state == KESTREL_ENGINE_STATUS_RUNNING && engine->owner < FAKE_SPACES)
		fake.used[engine->owner] += now - engine->now;
	engine->now = now;
}

void engine_reset(struct engine *engine, uint64_t now)
{
	engine->now = now;
	engine->due = NEVER;
	engine->status = (struct engine_status){ 0 };
	engine->owner = 0;
}

/* Any address names some script. */
static const struct fake_script *script(void)
{
	return &fake.script[((fake.operands.command_address >> 12) - 1) % FAKE_SCRIPTS];
}

/* The end of the script, as seen from now. */
static void run_on(struct engine *engine)
{
	uint64_t done = engine->progress + engine->active;

	engine->status.state = KESTREL_ENGINE_STATUS_RUNNING;
	engine->running_since = engine->now;
	engine->next = script()->fault_code ? KESTREL_ENGINE_STATUS_FAULTED :
					      KESTREL_ENGINE_STATUS_DONE;
	engine->due = script()->cycles == UINT64_MAX ? NEVER :
		      engine->now + script()->cycles - done;
}

/* The job stands in the engine where it stopped, or its context has been restored. */
static bool can_resume(const struct engine *engine, const struct engine_operands *operands)
{
	if (engine->status.state == KESTREL_ENGINE_STATUS_PREEMPTED)
		return engine->owner == operands->asid && fake.operands.tag == operands->tag &&
		       engine->status.resume_offset == operands->resume_offset;
	return engine->restored && engine->restored->asid == operands->asid &&
	       engine->restored->resume_offset == operands->resume_offset;
}

static void start(struct engine *engine, const struct engine_operands *operands)
{
	bool resumable = can_resume(engine, operands);

	fake.operands = *operands;
	if (engine->owner && engine->owner != operands->asid)
		violate("START over another address space's data");
	if (operands->resume_offset && !resumable)
		violate("START of a preempted job without its context");
	engine->restored = NULL;
	engine->owner = operands->asid;
	if (fake.starts < FAKE_STARTS)
		fake.start[fake.starts++] = (struct fake_start){
			operands->asid, operands->tag, operands->resume_offset, engine->now,
		};
	engine->active = 0;
	engine->progress = operands->resume_offset;
	run_on(engine);
}

static void preempt(struct engine *engine)
{
	uint64_t done = engine->progress + active_cycles(engine);
	uint64_t point;

	if (!script()->points)
		return;
	point = (done / script()->points + 1) * script()->points;
	if (point >= script()->cycles)
		return;
	engine->due = engine->now + point - done;
	engine->next = KESTREL_ENGINE_STATUS_PREEMPTED;
}

static struct context *context_find(struct engine *engine, uint64_t address)
{
	unsigned int i;

	for (i = 0; i < FAKE_CONTEXTS; i++)
		if (!engine->context[i].address || engine->context[i].address == address)
			return &engine->context[i];
	abort();
}

static void transfer(struct engine *engine, uint32_t operation,
		     const struct engine_operands *operands)
{
	struct context *context = context_find(engine, operands->context_address);

	if (operands->range_count != 1 || operands->range[0].offset != 0x100 ||
	    operands->range[0].size != 0x2000)
		violate("SAVE or RESTORE with other ranges than those of the point");
	if (operation == KESTREL_ENGINE_SAVE) {
		if (engine->status.state != KESTREL_ENGINE_STATUS_PREEMPTED)
			violate("SAVE of a job that was not preempted");
		*context = (struct context){ operands->context_address, engine->owner,
					     engine->status.resume_offset };
		fake.saves++;
	} else {
		if (engine->owner && engine->owner != context->asid)
			violate("RESTORE over another address space's data");
		engine->owner = context->asid;
		engine->restored = context;
		fake.restores++;
	}
	engine->status.state = KESTREL_ENGINE_STATUS_TRANSFERRING;
	engine->due = engine->now + TRANSFER_CYCLES;
	engine->next = fake.transfer_faults ? KESTREL_ENGINE_STATUS_FAULTED :
					      KESTREL_ENGINE_STATUS_IDLE;
}

void engine_operate(struct engine *engine, uint32_t operation,
		    const struct engine_operands *operands, uint64_t now)
{
	uint32_t state = engine->status.state;
	bool job = state == KESTREL_ENGINE_STATUS_RUNNING || state == KESTREL_ENGINE_STATUS_HELD;
	bool busy = job || state == KESTREL_ENGINE_STATUS_TRANSFERRING ||
		    state == KESTREL_ENGINE_STATUS_SCRUBBING;

	time_pass(engine, now);
	switch (operation) {
	case KESTREL_ENGINE_START:
		if (!busy)
			start(engine, operands);
		else
			violate("START while busy");
		break;
	case KESTREL_ENGINE_SAVE:
	case KESTREL_ENGINE_RESTORE:
		if (!busy)
			transfer(engine, operation, operands);
		else
			violate("SAVE or RESTORE while busy");
		break;
	case KESTREL_ENGINE_SCRUB:
		if (busy) {
			violate("SCRUB while busy");
			break;
		}
		if (!fake.scrubs++)
			fake.first_scrub = now;
		engine->owner = 0;
		engine->status.state = KESTREL_ENGINE_STATUS_SCRUBBING;
		engine->due = now + SCRUB_CYCLES;
		engine->next = KESTREL_ENGINE_STATUS_IDLE;
		break;
	case KESTREL_ENGINE_PREEMPT:
		if (job)
			preempt(engine);
		break;
	case KESTREL_ENGINE_KILL:
		if (!busy)
			break;
		fake.kills++;
		engine->due = now + KILL_CYCLES;
		engine->next = KESTREL_ENGINE_STATUS_KILLED;
		break;
	case KESTREL_ENGINE_HOLD:
		if (state != KESTREL_ENGINE_STATUS_RUNNING || script()->one_command)
			break;
		engine->due = now + HOLD_CYCLES;
		engine->next = KESTREL_ENGINE_STATUS_HELD;
		break;
	case KESTREL_ENGINE_CONTINUE:
		if (job) {
			engine->active = active_cycles(engine);
			run_on(engine);
		}
		break;
	default:
		violate("no such operation");
		break;
	}
}

static void state_reach(struct engine *engine)
{
	struct engine_status *status = &engine->status;

	engine->active = active_cycles(engine);
	status->state = engine->next;
	engine->due = NEVER;
	if (status->state == KESTREL_ENGINE_STATUS_PREEMPTED) {
		status->resume_offset = (uint32_t)(engine->progress + engine->active);
		status->range_count = 1;
		status->range[0].offset = 0x100;
		status->range[0].size = 0x2000;
	}
	if (status->state == KESTREL_ENGINE_STATUS_FAULTED) {
		status->fault_code = fake.transfer_faults ? KESTREL_FAULT_MMU :
							    script()->fault_code;
		status->fault_unit = KESTREL_UNIT_MAC;
		status->fault_offset = 0x44;
		status->fault_detail = 5;
		status->fault_address = 0x123456789a;
	}
}

uint64_t engine_step(struct engine *engine, uint64_t until, bool *ended)
{
	if (engine->due > until || (engine->hung && engine->next != KESTREL_ENGINE_STATUS_KILLED)) {
		time_pass(engine, until);
		return until;
	}
	time_pass(engine, engine->due);
	state_reach(engine);
	*ended = true;
	return engine->now;
}

bool engine_busy(const struct engine *engine)
{
	return engine->status.state == KESTREL_ENGINE_STATUS_RUNNING ||
	       engine->status.state == KESTREL_ENGINE_STATUS_TRANSFERRING ||
	       engine->status.state == KESTREL_ENGINE_STATUS_SCRUBBING || engine->due != NEVER;
}

bool engine_stopped(const struct engine *engine)
{
	return !engine_busy(engine);
}

void engine_status(const struct engine *engine, struct engine_status *status)
{
	*status = engine->status;
	status->active_cycles = active_cycles(engine);
}

void engine_counters(const struct engine *engine, uint64_t job[KESTREL_COUNTER_COUNT],
		     uint64_t total[KESTREL_COUNTER_COUNT])
{
	unsigned int i;

	/* Recognisable, and different for each counter and each slice. */
	for (i = 0; i < KESTREL_COUNTER_COUNT; i++) {
		job[i] = active_cycles(engine) * (i + 1);
		total[i] = 0;
	}
}

void engine_statistics(const struct engine *engine, struct kestrel_simulator_statistics *statistics)
{
	(void)engine;
	(void)statistics;
}

void engine_statistics_reset(struct engine *engine)
{
	(void)engine;
}

void engine_set_hung(struct engine *engine, bool hung)
{
	engine->hung = hung;
}

void engine_inject_ecc(struct engine *engine)
{
	(void)engine;
}
