// SPDX-License-Identifier: MIT
#include <string.h>

#include "emit.h"

#define SELECT_CYCLES 1
#define SEMAPHORE_CYCLES 1
#define EXECUTE_CYCLES 2
#define PREEMPT_CYCLES 8
/* Readers want whole words; nothing behind END is executed. */
#define STREAM_ALIGNMENT 4

struct emitter {
	struct buffer *out;
	/* Values that the front end's registers hold. */
	int64_t registers[KESTREL_UNIT_COUNT][COMMAND_REGISTERS];
	enum kestrel_unit selected;
	uint32_t cycles;
};

static void reset(struct emitter *emitter)
{
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		for (unsigned int r = 0; r < COMMAND_REGISTERS; r++)
			emitter->registers[u][r] = command_reset_value(u, r);
	emitter->selected = KESTREL_UNIT_DMA_IN;
}

static unsigned int put_leb128(struct buffer *out, uint32_t value)
{
	unsigned int bytes = 0;

	do {
		uint8_t low = value & 0x7f;

		value >>= 7;
		buffer_byte(out, value ? low | 0x80 : low);
		bytes++;
	} while (value);
	return bytes;
}

static void put_set(struct emitter *emitter, enum kestrel_unit unit, unsigned int reg,
		    int64_t value)
{
	uint32_t coded = (uint32_t)value;
	unsigned int bytes;

	if (command_is_signed(unit, reg))
		coded = value >= 0 ? (uint32_t)(2 * value) : (uint32_t)(-2 * value - 1);
	buffer_byte(emitter->out, (uint8_t)reg);
	bytes = 1 + put_leb128(emitter->out, coded);
	emitter->cycles += (bytes + 3) / 4;
	emitter->registers[unit][reg] = value;
}

static void put_preempt(struct emitter *emitter, const struct emit_ranges *ranges)
{
	buffer_byte(emitter->out, KESTREL_ISA_PREEMPT);
	put_leb128(emitter->out, ranges->count);
	for (unsigned int i = 0; i < ranges->count; i++) {
		put_leb128(emitter->out, ranges->range[i].address);
		put_leb128(emitter->out, ranges->range[i].bytes);
	}
	emitter->cycles += PREEMPT_CYCLES;
	reset(emitter);
}

static void put_semaphores(struct emitter *emitter, uint16_t semaphores, uint8_t opcode)
{
	for (unsigned int s = 0; s < KESTREL_ISA_SEMAPHORES; s++) {
		if (!(semaphores >> s & 1))
			continue;
		buffer_byte(emitter->out, (uint8_t)(opcode + s));
		emitter->cycles += SEMAPHORE_CYCLES;
	}
}

static void put_command(struct emitter *emitter, const struct command *command)
{
	if (command->unit != emitter->selected) {
		buffer_byte(emitter->out, (uint8_t)(KESTREL_ISA_SELECT + command->unit));
		emitter->cycles += SELECT_CYCLES;
		emitter->selected = command->unit;
	}
	put_semaphores(emitter, command->waits, KESTREL_ISA_WAIT);
	for (unsigned int r = 0; r < COMMAND_REGISTERS; r++)
		if (command->used >> r & 1 &&
		    command->registers[r] != emitter->registers[command->unit][r])
			put_set(emitter, command->unit, r, command->registers[r]);
	buffer_byte(emitter->out, KESTREL_ISA_EXECUTE);
	emitter->cycles += EXECUTE_CYCLES;
	put_semaphores(emitter, command->signals, KESTREL_ISA_SIGNAL);
}

void emit_stream(const struct command_list *list, const struct emit_ranges *ranges,
		 struct buffer *out, struct predict_records *records)
{
	struct emitter emitter = { .out = out };

	reset(&emitter);
	for (unsigned int i = 0; i < list->count; i++) {
		size_t before = out->bytes;

		emitter.cycles = 0;
		records[i].preempt = list->commands[i].preempt_before;
		if (records[i].preempt)
			put_preempt(&emitter, ranges++);
		put_command(&emitter, &list->commands[i]);
		records[i].bytes = (uint32_t)(out->bytes - before);
		records[i].decode_cycles = emitter.cycles;
	}
	buffer_byte(out, KESTREL_ISA_END);
	buffer_align(out, STREAM_ALIGNMENT);
}
