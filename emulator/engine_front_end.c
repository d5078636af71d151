// SPDX-License-Identifier: MIT
/*
 * Front end: fetches the command stream ahead in bursts, decodes record by
 * record, and fills the units' queues. docs/hardware.md, "Front end".
 */

#include <string.h>

#include "engine_internal.h"

#define DECODE_BYTES 4
#define EXECUTE_CYCLES 2
#define PREEMPT_CYCLES 8

static const uint32_t register_count[KESTREL_UNIT_COUNT] = {
	KESTREL_DMA_REGISTER_COUNT, KESTREL_DMA_REGISTER_COUNT, KESTREL_MAC_REGISTER_COUNT,
	KESTREL_VECTOR_REGISTER_COUNT,
};

void engine_front_end_registers_reset(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;
	uint32_t *mac = front->reg[KESTREL_UNIT_MAC];
	uint32_t *vector = front->reg[KESTREL_UNIT_VECTOR];

	memset(front->reg, 0, sizeof(front->reg));
	front->selected = KESTREL_UNIT_DMA_IN;
	for (uint32_t u = KESTREL_UNIT_DMA_IN; u <= KESTREL_UNIT_DMA_OUT; u++) {
		front->reg[u][KESTREL_DMA_COUNT0] = 1;
		front->reg[u][KESTREL_DMA_COUNT1] = 1;
		front->reg[u][KESTREL_DMA_COUNT2] = 1;
		front->reg[u][KESTREL_DMA_COUNT3] = 1;
		front->reg[u][KESTREL_DMA_ELEMENT_BYTES] = 1;
	}
	mac[KESTREL_MAC_IFM_PIXEL_STRIDE] = 16;
	mac[KESTREL_MAC_IFM_WIDTH] = 1;
	mac[KESTREL_MAC_IFM_HEIGHT] = 1;
	mac[KESTREL_MAC_IFM_CHANNELS] = 1;
	mac[KESTREL_MAC_KERNEL_WIDTH] = 1;
	mac[KESTREL_MAC_KERNEL_HEIGHT] = 1;
	mac[KESTREL_MAC_STRIDE_X] = 1;
	mac[KESTREL_MAC_STRIDE_Y] = 1;
	mac[KESTREL_MAC_DILATION_X] = 1;
	mac[KESTREL_MAC_DILATION_Y] = 1;
	mac[KESTREL_MAC_OFM_PIXEL_STRIDE] = 16;
	mac[KESTREL_MAC_OFM_WIDTH] = 1;
	mac[KESTREL_MAC_OFM_HEIGHT] = 1;
	mac[KESTREL_MAC_OFM_CHANNELS] = 1;
	mac[KESTREL_MAC_DEPTH_MULTIPLIER] = 1;
	vector[KESTREL_VECTOR_IFM_PIXEL_STRIDE] = 16;
	vector[KESTREL_VECTOR_IFM_WIDTH] = 1;
	vector[KESTREL_VECTOR_IFM_HEIGHT] = 1;
	vector[KESTREL_VECTOR_IFM2_PIXEL_STRIDE] = 16;
	vector[KESTREL_VECTOR_OFM_PIXEL_STRIDE] = 16;
	vector[KESTREL_VECTOR_OFM_WIDTH] = 1;
	vector[KESTREL_VECTOR_OFM_HEIGHT] = 1;
	vector[KESTREL_VECTOR_OFM_CHANNELS] = 1;
	vector[KESTREL_VECTOR_KERNEL_WIDTH] = 1;
	vector[KESTREL_VECTOR_KERNEL_HEIGHT] = 1;
	vector[KESTREL_VECTOR_STRIDE_X] = 1;
	vector[KESTREL_VECTOR_STRIDE_Y] = 1;
}

void engine_front_end_reset(struct engine *engine, uint32_t offset)
{
	struct engine_front_end *front = &engine->front_end;

	*front = (struct engine_front_end){
		.offset = offset,
		.arrived = offset,
		.requested = offset,
		.previous_page = UINT64_MAX,
	};
	engine_front_end_registers_reset(engine);
}

static void refuse(struct engine *engine, uint32_t code, uint32_t detail)
{
	struct engine_fault fault = {
		.code = code,
		.unit = KESTREL_UNIT_FRONT_END,
		.offset = engine->front_end.offset,
		.detail = detail,
	};

	engine_fault_raise(engine, &fault);
}

/* Asks for bursts while the buffer has room for a whole one. */
static void bursts_request(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;
	uint32_t size = engine->operands.command_size;

	while (front->requested < size && front->burst_count < ENGINE_FETCH_BURSTS &&
	       front->requested - front->offset <= ENGINE_FETCH_BYTES - ENGINE_FETCH_BURST) {
		struct engine_burst *burst = &front->burst[front->burst_count++];
		struct engine_access access = {
			.asid = engine->operands.asid,
			.tag = engine->operands.tag,
			.unit = KESTREL_UNIT_FRONT_END,
			.type = KESTREL_ACCESS_FETCH,
			.address = engine->operands.command_address + front->requested,
		};
		uint64_t bytes, cycles;

		burst->offset = front->requested;
		burst->length = size - front->requested < ENGINE_FETCH_BURST
					? size - front->requested : ENGINE_FETCH_BURST;
		burst->on_port = false;
		access.length = burst->length;
		bytes = (burst->length + 7) / 8 * 8;
		cycles = engine_port_cycles(engine, 0, false, bytes);
		burst->data_start = engine->now +
				    engine->host.translation_cost(engine->host.opaque, &access,
								  &front->previous_page) +
				    engine->configuration.port[0].read_latency;
		if (burst->data_start < front->last_burst_end)
			burst->data_start = front->last_burst_end;
		burst->arrival = burst->data_start + cycles;
		front->last_burst_end = burst->arrival;
		front->requested += burst->length;
	}
}

/* Bursts whose time on the port begins now, and those that have arrived. */
static void bursts_arrive(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;

	for (uint32_t i = 0; i < front->burst_count; i++) {
		struct engine_burst *burst = &front->burst[i];

		if (!burst->on_port && burst->data_start <= engine->now) {
			burst->on_port = true;
			engine_port_fetch(engine, burst->arrival - burst->data_start);
		}
	}
	while (front->burst_count && front->burst[0].arrival <= engine->now) {
		struct engine_burst *burst = &front->burst[0];
		struct engine_access access = {
			.asid = engine->operands.asid,
			.tag = engine->operands.tag,
			.unit = KESTREL_UNIT_FRONT_END,
			.type = KESTREL_ACCESS_FETCH,
			.address = engine->operands.command_address + burst->offset,
			.length = burst->length,
		};
		uint8_t data[ENGINE_FETCH_BURST];
		uint64_t failed = 0;
		uint32_t cause = engine->host.access(engine->host.opaque, &access, data, &failed);

		if (cause) {
			struct engine_fault fault = {
				.code = KESTREL_FAULT_MMU,
				.unit = KESTREL_UNIT_FRONT_END,
				.offset = burst->offset,
				.detail = cause,
				.address = failed,
			};

			engine_fault_raise(engine, &fault);
			return;
		}
		for (uint32_t i = 0; i < burst->length; i++)
			front->buffer[(burst->offset + i) % ENGINE_FETCH_BYTES] = data[i];
		front->arrived += burst->length;
		engine_counter_add(engine, KESTREL_COUNTER_PORT0_READ_BYTES,
				   (burst->length + 7) / 8 * 8);
		engine->since_reset.command_bytes += burst->length;
		front->burst_count--;
		memmove(front->burst, front->burst + 1,
			front->burst_count * sizeof(front->burst[0]));
	}
}

enum parse {
	PARSE_GOOD,
	/* The record's bytes are not all there. */
	PARSE_SHORT,
	PARSE_FAULT,
};

/* The next byte of the record at *length. */
static enum parse byte_parse(const struct engine_front_end *front, uint32_t *length, uint8_t *byte)
{
	if (front->arrived - front->offset <= *length)
		return PARSE_SHORT;
	*byte = front->buffer[(front->offset + (*length)++) % ENGINE_FETCH_BYTES];
	return PARSE_GOOD;
}

static enum parse number_parse(const struct engine_front_end *front, uint32_t *length,
			       uint32_t *number)
{
	uint64_t value = 0;
	uint8_t byte = 0x80;

	for (uint32_t shift = 0; byte & 0x80; shift += 7) {
		enum parse parse;

		if (shift > 28)
			return PARSE_FAULT;
		parse = byte_parse(front, length, &byte);
		if (parse != PARSE_GOOD)
			return parse;
		value |= (uint64_t)(byte & 0x7f) << shift;
	}
	if (value > UINT32_MAX)
		return PARSE_FAULT;
	*number = (uint32_t)value;
	return PARSE_GOOD;
}

/* Live ranges of a PREEMPT record: multiples of a line, ascending, apart. */
static enum parse ranges_parse(struct engine_front_end *front, uint32_t *length)
{
	uint64_t end = 0;
	enum parse parse = number_parse(front, length, &front->range_count);

	if (parse != PARSE_GOOD)
		return parse;
	if (front->range_count > KESTREL_ISA_PREEMPT_RANGES)
		return PARSE_FAULT;
	for (uint32_t i = 0; i < front->range_count; i++) {
		uint32_t *range = front->range[i];

		for (uint32_t word = 0; word < 2; word++) {
			parse = number_parse(front, length, &range[word]);
			if (parse != PARSE_GOOD)
				return parse;
			if (range[word] % ENGINE_LINE_BYTES)
				return PARSE_FAULT;
		}
		if (range[0] < end)
			return PARSE_FAULT;
		end = (uint64_t)range[0] + range[1];
	}
	return PARSE_GOOD;
}

/* Takes the record at the stream offset apart; *cycles it takes to decode. */
static enum parse record_parse(struct engine_front_end *front, uint64_t *cycles)
{
	uint32_t length = 0;
	enum parse parse = byte_parse(front, &length, &front->opcode);

	if (parse != PARSE_GOOD)
		return parse;
	*cycles = 1;
	if (front->opcode < 0x80) {
		parse = number_parse(front, &length, &front->operand);
		*cycles = (length + DECODE_BYTES - 1) / DECODE_BYTES;
	} else if (front->opcode == KESTREL_ISA_PREEMPT) {
		parse = ranges_parse(front, &length);
	} else if (front->opcode == KESTREL_ISA_EXECUTE) {
		*cycles = EXECUTE_CYCLES;
	}
	front->record_bytes = length;
	return parse;
}

static bool opcode_check(struct engine *engine)
{
	const struct engine_front_end *front = &engine->front_end;
	uint8_t opcode = front->opcode;

	if (opcode < 0x80) {
		if (opcode < register_count[front->selected])
			return true;
		refuse(engine, KESTREL_FAULT_ILLEGAL_REGISTER, opcode);
		return false;
	}
	if (opcode == KESTREL_ISA_END || opcode == KESTREL_ISA_EXECUTE ||
	    opcode == KESTREL_ISA_PREEMPT ||
	    (opcode >= KESTREL_ISA_SELECT && opcode < KESTREL_ISA_SELECT + KESTREL_UNIT_COUNT) ||
	    (opcode >= KESTREL_ISA_SIGNAL && opcode < KESTREL_ISA_WAIT + KESTREL_ISA_SEMAPHORES))
		return true;
	refuse(engine, KESTREL_FAULT_ILLEGAL_OPCODE, opcode);
	return false;
}

/* Looks for the next record; false when it must wait for bytes. */
static bool record_find(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;
	uint64_t cycles;

	switch (record_parse(front, &cycles)) {
	case PARSE_SHORT:
		if (front->arrived == engine->operands.command_size)
			refuse(engine, KESTREL_FAULT_STREAM_END, 0);
		return false;
	case PARSE_FAULT:
		refuse(engine, KESTREL_FAULT_ILLEGAL_ENCODING, front->opcode);
		return false;
	case PARSE_GOOD:
		break;
	}
	if (!opcode_check(engine))
		return false;
	front->ready = engine->now + cycles + engine_random_delay(engine);
	engine->since_reset.front_end_cycles += cycles;
	front->state = ENGINE_FRONT_END_RECORD;
	if (front->opcode == KESTREL_ISA_PREEMPT)
		front->state = ENGINE_FRONT_END_DRAIN;
	return true;
}

static void record_done(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;

	front->offset += front->record_bytes;
	front->state = ENGINE_FRONT_END_FETCH;
	bursts_request(engine);
}

/* The record takes effect; false when its queue is full. */
static bool record_act(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;
	uint8_t opcode = front->opcode;
	enum engine_entry_kind kind = ENGINE_ENTRY_COMMAND;
	uint32_t semaphore = 0;

	if (opcode < 0x80) {
		front->reg[front->selected][opcode] = front->operand;
		record_done(engine);
		return true;
	}
	if (opcode == KESTREL_ISA_END) {
		front->state = ENGINE_FRONT_END_DRAIN;
		return true;
	}
	if (opcode >= KESTREL_ISA_SELECT && opcode < KESTREL_ISA_SELECT + KESTREL_UNIT_COUNT) {
		front->selected = opcode - KESTREL_ISA_SELECT;
		record_done(engine);
		return true;
	}
	if (opcode != KESTREL_ISA_EXECUTE) {
		kind = opcode < KESTREL_ISA_WAIT ? ENGINE_ENTRY_SIGNAL : ENGINE_ENTRY_WAIT;
		semaphore = opcode % KESTREL_ISA_SEMAPHORES;
	}
	if (engine->unit[front->selected].count == KESTREL_ISA_QUEUE_ENTRIES)
		return false;
	engine_unit_push(engine, front->selected, kind, semaphore, front->offset);
	record_done(engine);
	return true;
}

/* All queues have drained at END or PREEMPT. */
static void drained(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;

	if (front->opcode == KESTREL_ISA_END) {
		engine_operation_end(engine, KESTREL_ENGINE_STATUS_DONE);
		return;
	}
	for (uint32_t s = 0; s < KESTREL_ISA_SEMAPHORES; s++) {
		if (engine->semaphore[s].count) {
			refuse(engine, KESTREL_FAULT_PREEMPT_STATE, s);
			return;
		}
	}
	for (uint32_t i = 0; i < front->range_count; i++) {
		uint64_t end = (uint64_t)front->range[i][0] + front->range[i][1];

		if (end > engine->configuration.sram_bytes) {
			refuse(engine, KESTREL_FAULT_SRAM_RANGE,
			       end - 1 > UINT32_MAX ? UINT32_MAX : (uint32_t)(end - 1));
			return;
		}
	}
	front->ready = engine->now + PREEMPT_CYCLES;
	front->state = ENGINE_FRONT_END_PREEMPT;
}

static void preemption_point(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;

	engine_state_clear(engine);
	engine_front_end_registers_reset(engine);
	if (engine->configuration.checked) {
		engine_check_barrier(engine);
		engine_check_poison(engine, front->range, front->range_count);
	}
	if (!engine->preempt) {
		record_done(engine);
		return;
	}
	engine->range_count = front->range_count;
	memcpy(engine->range, front->range, sizeof(engine->range));
	engine->resume_offset = front->offset + front->record_bytes;
	engine_operation_end(engine, KESTREL_ENGINE_STATUS_PREEMPTED);
}

/*
 * What the front end does at the present cycle, up to and including one record
 * that has filled a queue: what the unit makes of that comes before what the
 * front end finds next. True when there may be more to do.
 */
bool engine_front_end_run(struct engine *engine)
{
	struct engine_front_end *front = &engine->front_end;
	bool moved = true;

	bursts_request(engine);
	bursts_arrive(engine);
	while (moved && engine->state == KESTREL_ENGINE_STATUS_RUNNING) {
		moved = false;
		switch (front->state) {
		case ENGINE_FRONT_END_FETCH:
			moved = record_find(engine);
			break;
		case ENGINE_FRONT_END_RECORD:
			if (front->ready <= engine->now)
				moved = record_act(engine);
			if (moved && front->opcode >= KESTREL_ISA_EXECUTE)
				return true;
			break;
		case ENGINE_FRONT_END_DRAIN:
			if (engine_units_drained(engine)) {
				drained(engine);
				moved = true;
			}
			break;
		case ENGINE_FRONT_END_PREEMPT:
			if (front->ready <= engine->now) {
				preemption_point(engine);
				moved = true;
			}
			break;
		}
	}
	return false;
}

/* The next cycle at which the front end does something by itself. */
uint64_t engine_front_end_next(const struct engine *engine)
{
	const struct engine_front_end *front = &engine->front_end;
	uint64_t next = ENGINE_NEVER;
	bool full = front->state == ENGINE_FRONT_END_RECORD && front->ready <= engine->now;

	for (uint32_t i = 0; i < front->burst_count; i++) {
		const struct engine_burst *burst = &front->burst[i];
		uint64_t time = burst->on_port ? burst->arrival : burst->data_start;

		if (time < next)
			next = time;
	}
	if ((front->state == ENGINE_FRONT_END_RECORD && !full) ||
	    front->state == ENGINE_FRONT_END_PREEMPT) {
		if (front->ready < next)
			next = front->ready;
	}
	return next;
}
