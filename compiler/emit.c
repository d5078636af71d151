// SPDX-License-Identifier: MIT
#include <string.h>

#include "emit.h"

#define EXECUTE_CYCLES 2
/* Readers want whole words; nothing behind END is executed. */
#define STREAM_ALIGNMENT 4

struct emitter {
	struct buffer *out;
	/* Values that the front end's registers hold. */
	int64_t registers[KESTREL_UNIT_COUNT][COMMAND_REGISTERS];
	enum kestrel_unit selected;
	/* Where the stream begins, and the records of the command at hand. */
	size_t begin;
	struct predict_records *records;
};

static void reset(struct emitter *emitter)
{
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		for (unsigned int r = 0; r < COMMAND_REGISTERS; r++)
			emitter->registers[u][r] = command_reset_value(u, r);
	emitter->selected = KESTREL_UNIT_DMA_IN;
}

static void put_leb128(struct buffer *out, uint32_t value)
{
	do {
		uint8_t low = value & 0x7f;

		value >>= 7;
		buffer_byte(out, value ? low | 0x80 : low);
	} while (value);
}

/* Counts a record among the registers of a command, which has been put behind `before`. */
static void count_record(struct emitter *emitter, size_t before, uint32_t cycles)
{
	struct predict_records *records = emitter->records;
	size_t first = (before - emitter->begin) / TARGET_BURST_BYTES;
	size_t last = (emitter->out->bytes - 1 - emitter->begin) / TARGET_BURST_BYTES;

	if (first != last || (before - emitter->begin) % TARGET_BURST_BYTES == 0) {
		records->late_cycles = 0;
		records->straddle_cycles = first != last ? cycles : 0;
	}
	records->late_cycles += cycles;
	records->set_cycles += cycles;
	records->set_bytes += (uint32_t)(emitter->out->bytes - before);
}

static void put_set(struct emitter *emitter, enum kestrel_unit unit, unsigned int reg,
		    int64_t value)
{
	uint32_t coded = (uint32_t)value;
	size_t before = emitter->out->bytes;

	if (command_is_signed(unit, reg))
		coded = value >= 0 ? (uint32_t)(2 * value) : (uint32_t)(-2 * value - 1);
	buffer_byte(emitter->out, (uint8_t)reg);
	put_leb128(emitter->out, coded);
	count_record(emitter, before, (uint32_t)(emitter->out->bytes - before + 3) / 4);
	emitter->registers[unit][reg] = value;
}

static void put_preempt(struct emitter *emitter, const struct emit_ranges *ranges)
{
	size_t before = emitter->out->bytes;

	buffer_byte(emitter->out, KESTREL_ISA_PREEMPT);
	put_leb128(emitter->out, ranges->count);
	for (unsigned int i = 0; i < ranges->count; i++) {
		put_leb128(emitter->out, ranges->range[i].address);
		put_leb128(emitter->out, ranges->range[i].bytes);
	}
	emitter->records->preempt_bytes = (uint32_t)(emitter->out->bytes - before);
	reset(emitter);
}

static void put_semaphores(struct emitter *emitter, uint16_t semaphores, uint8_t opcode)
{
	for (unsigned int s = 0; s < KESTREL_ISA_SEMAPHORES; s++)
		if (semaphores >> s & 1)
			buffer_byte(emitter->out, (uint8_t)(opcode + s));
}

static void put_command(struct emitter *emitter, const struct command *command)
{
	size_t before;

	if (command->unit != emitter->selected) {
		buffer_byte(emitter->out, (uint8_t)(KESTREL_ISA_SELECT + command->unit));
		emitter->records->select_bytes = 1;
		emitter->selected = command->unit;
	}
	put_semaphores(emitter, command->waits, KESTREL_ISA_WAIT);
	for (unsigned int r = 0; r < COMMAND_REGISTERS; r++)
		if (command->used >> r & 1 &&
		    command->registers[r] != emitter->registers[command->unit][r])
			put_set(emitter, command->unit, r, command->registers[r]);
	before = emitter->out->bytes;
	buffer_byte(emitter->out, KESTREL_ISA_EXECUTE);
	count_record(emitter, before, EXECUTE_CYCLES);
	put_semaphores(emitter, command->signals, KESTREL_ISA_SIGNAL);
}

void emit_stream(const struct command_list *list, const struct emit_ranges *ranges,
		 struct buffer *out, struct predict_records *records)
{
	struct emitter emitter = { .out = out, .begin = out->bytes };

	reset(&emitter);
	for (unsigned int i = 0; i < list->count; i++) {
		size_t before = out->bytes;

		records[i] = (struct predict_records){ 0 };
		emitter.records = &records[i];
		if (list->commands[i].preempt_before)
			put_preempt(&emitter, ranges++);
		put_command(&emitter, &list->commands[i]);
		records[i].bytes = (uint32_t)(out->bytes - before);
	}
	buffer_byte(out, KESTREL_ISA_END);
	buffer_align(out, STREAM_ALIGNMENT);
}
