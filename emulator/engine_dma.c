// SPDX-License-Identifier: MIT
/* DMA_IN and DMA_OUT: checks of a transfer, and its effect. */

#include <string.h>

#include "engine_internal.h"

/* What one call of the host moves at most. */
#define CHUNK_BYTES 4096u
/* Budget of one chunk besides its bytes. */
#define CHUNK_COST 256

static const uint32_t count_register[4] = { KESTREL_DMA_COUNT0, KESTREL_DMA_COUNT1,
					    KESTREL_DMA_COUNT2, KESTREL_DMA_COUNT3 };

/* Modes that describe one row by COUNT0 alone. */
bool engine_dma_one_row(uint32_t mode)
{
	return mode == KESTREL_DMA_DECODE || mode == KESTREL_DMA_LOAD_TABLE ||
	       mode == KESTREL_DMA_EXPAND_INT4;
}

static bool memory_used(uint32_t unit, uint32_t mode)
{
	return unit == KESTREL_UNIT_DMA_OUT || mode != KESTREL_DMA_FILL_BYTES;
}

/* Registers that the mode uses, in the order of their numbers. */
static bool registers_check(uint32_t unit, const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t mode = reg[KESTREL_DMA_MODE];
	bool brick = mode == KESTREL_DMA_BRICK;
	uint32_t align = brick ? ENGINE_LINE_BYTES : 1;
	uint32_t modes = unit == KESTREL_UNIT_DMA_OUT ? KESTREL_DMA_BRICK + 1
						      : KESTREL_DMA_MODE_COUNT;

	if (!engine_value_check(reg, KESTREL_DMA_MODE, 0, modes - 1, 1, fault))
		return false;
	if (memory_used(unit, mode) &&
	    (!engine_value_check(reg, KESTREL_DMA_PORT, 0, 1, 1, fault) ||
	     !engine_value_check(reg, KESTREL_DMA_BASE, 0, KESTREL_ISA_BASES - 1, 1, fault)))
		return false;
	if (mode != KESTREL_DMA_LOAD_TABLE &&
	    (!engine_value_check(reg, KESTREL_DMA_SRAM_ADDRESS, 0, UINT32_MAX, align, fault) ||
	     !engine_value_check(reg, KESTREL_DMA_COUNT0, 1, 1u << 24, 1, fault)))
		return false;
	if (!engine_dma_one_row(mode)) {
		for (uint32_t d = 1; d < 4; d++) {
			uint32_t most = brick && d == 3 ? 1 : 65536;

			if (!engine_value_check(reg, count_register[d], 1, most, 1, fault))
				return false;
		}
		if (!engine_value_check(reg, KESTREL_DMA_SRAM_STRIDE1, 0, UINT32_MAX, align,
					fault) ||
		    !engine_value_check(reg, KESTREL_DMA_SRAM_STRIDE2, 0, UINT32_MAX, align,
					fault) ||
		    !engine_value_check(reg, KESTREL_DMA_RING_ROWS, 0, 65536, 1, fault) ||
		    !engine_value_check(reg, KESTREL_DMA_FIRST_ROW, 0, 65535, 1, fault))
			return false;
	}
	if (brick && (!engine_value_check(reg, KESTREL_DMA_BRICK_STRIDE, 0, UINT32_MAX, align,
					  fault) ||
		      !engine_value_check(reg, KESTREL_DMA_ELEMENT_BYTES, 1, 2, 1, fault)))
		return false;
	if (mode == KESTREL_DMA_FILL_BYTES &&
	    !engine_value_check(reg, KESTREL_DMA_FILL, 0, 255, 1, fault))
		return false;
	if ((mode == KESTREL_DMA_DECODE || mode == KESTREL_DMA_LOAD_TABLE) &&
	    (!engine_value_check(reg, KESTREL_DMA_SOURCE_BYTES, 1, 1u << 24, 1, fault) ||
	     !engine_value_check(reg, KESTREL_DMA_TABLE, 0,
				 KESTREL_CODEC_PAIR + KESTREL_CODEC_TABLES - 1, 1, fault)))
		return false;
	if (mode == KESTREL_DMA_DECODE)
		return engine_value_check(reg, KESTREL_DMA_SYMBOLS, 0, 1u << 24, 1, fault) &&
		       engine_value_check(reg, KESTREL_DMA_RUN_VALUE, 0, 255, 1, fault);
	return true;
}

static uint64_t row_offset(const struct engine_dma_command *command, uint32_t i2)
{
	uint64_t row = (uint64_t)command->first_row + i2;

	if (command->ring_rows)
		row %= command->ring_rows;
	return row * command->sram_stride[2];
}

/* One more than the highest SRAM byte of the transfer. */
static uint64_t sram_end(const struct engine_dma_command *command)
{
	uint64_t end = command->sram_address;

	if (command->mode == KESTREL_DMA_LOAD_TABLE)
		return 0;
	if (engine_dma_one_row(command->mode))
		return end + command->count[0];
	if (command->mode == KESTREL_DMA_BRICK) {
		uint32_t lanes = ENGINE_LINE_BYTES / command->element_bytes;

		end += (uint64_t)((command->count[0] - 1) / lanes) * command->brick_stride +
		       ENGINE_LINE_BYTES;
	} else {
		end += command->count[0];
	}
	end += (command->count[1] - 1) * command->sram_stride[1];
	end += (command->count[3] - 1) * command->sram_stride[3];
	if (command->ring_rows) {
		uint64_t row = (uint64_t)command->first_row % command->ring_rows +
			       command->count[2] - 1;

		if (row >= command->ring_rows)
			row = command->ring_rows - 1;
		return end + row * command->sram_stride[2];
	}
	return end + ((uint64_t)command->first_row + command->count[2] - 1) *
			     command->sram_stride[2];
}

/* Bytes of a memory row of dimension 0. */
uint64_t engine_dma_row_bytes(const struct engine_dma_command *command)
{
	switch (command->mode) {
	case KESTREL_DMA_BRICK:
		return (uint64_t)command->count[0] * command->element_bytes;
	case KESTREL_DMA_DECODE:
	case KESTREL_DMA_LOAD_TABLE:
		return command->source_bytes;
	case KESTREL_DMA_EXPAND_INT4:
		return ((uint64_t)command->count[0] + 1) / 2;
	default:
		return command->count[0];
	}
}

static bool base_check(const struct engine *engine, const struct engine_dma_command *command,
		       uint32_t offset, struct engine_fault *fault)
{
	int64_t low = offset;
	int64_t high = (int64_t)(offset + engine_dma_row_bytes(command));
	uint64_t size = 0;

	if (command->base < engine->operands.base_count)
		size = engine->operands.base[command->base].size;
	for (uint32_t d = 1; d < 4 && !engine_dma_one_row(command->mode); d++) {
		int64_t reach = (int64_t)(command->count[d] - 1) * command->memory_stride[d];

		if (reach < 0)
			low += reach;
		else
			high += reach;
	}
	if (low >= 0 && (uint64_t)high <= size)
		return true;
	fault->address = low < 0 ? (uint64_t)low : (uint64_t)high - 1;
	return engine_value_refuse(fault, KESTREL_FAULT_BASE_RANGE, command->base);
}

bool engine_dma_decode(struct engine *engine, uint32_t unit, struct engine_entry *entry,
		       struct engine_fault *fault)
{
	const uint32_t *reg = entry->reg;
	struct engine_dma_command *command = &entry->command.dma;

	if (!registers_check(unit, reg, fault))
		return false;
	*command = (struct engine_dma_command){
		.mode = reg[KESTREL_DMA_MODE],
		.port = engine_port_select(engine, reg[KESTREL_DMA_PORT] & 1),
		.base = reg[KESTREL_DMA_BASE],
		.sram_address = reg[KESTREL_DMA_SRAM_ADDRESS],
		.count = { reg[KESTREL_DMA_COUNT0], 1, 1, 1 },
		.source_bytes = reg[KESTREL_DMA_SOURCE_BYTES],
		.table = reg[KESTREL_DMA_TABLE] % KESTREL_CODEC_PAIR,
		.runs = { reg[KESTREL_DMA_SYMBOLS], (uint8_t)reg[KESTREL_DMA_RUN_VALUE],
			  reg[KESTREL_DMA_TABLE] >= KESTREL_CODEC_PAIR },
		.fill = reg[KESTREL_DMA_FILL],
		.brick_stride = reg[KESTREL_DMA_BRICK_STRIDE],
		.element_bytes = reg[KESTREL_DMA_ELEMENT_BYTES],
	};
	if (!engine_dma_one_row(command->mode)) {
		for (uint32_t d = 1; d < 4; d++) {
			command->count[d] = reg[count_register[d]];
			command->memory_stride[d] =
				engine_zigzag(reg[KESTREL_DMA_MEMORY_STRIDE1 + d - 1]);
			command->sram_stride[d] = reg[KESTREL_DMA_SRAM_STRIDE1 + d - 1];
		}
		command->ring_rows = reg[KESTREL_DMA_RING_ROWS];
		command->first_row = reg[KESTREL_DMA_FIRST_ROW];
	}
	if ((unit == KESTREL_UNIT_DMA_IN || command->mode != KESTREL_DMA_FILL_BYTES) &&
	    !engine_sram_check(engine, sram_end(command), fault))
		return false;
	if (!memory_used(unit, command->mode))
		return true;
	command->address = engine->operands.base[command->base].address +
			   reg[KESTREL_DMA_OFFSET];
	return base_check(engine, command, reg[KESTREL_DMA_OFFSET], fault);
}

/* The address is fetched by pointer: the call that sets it is the argument before. */
static bool host_failed(struct engine_fault *fault, uint32_t cause, const uint64_t *address)
{
	if (!cause)
		return false;
	fault->code = KESTREL_FAULT_MMU;
	fault->detail = cause;
	fault->address = *address;
	return true;
}

/* One contiguous piece of a row between memory and SRAM. False: *fault. */
static bool piece_move(struct engine *engine, uint32_t unit,
		       const struct engine_dma_command *command, uint64_t address, uint64_t sram,
		       uint32_t first, uint32_t length, bool probe, struct engine_fault *fault)
{
	struct engine_access access = {
		.asid = engine->operands.asid,
		.tag = engine->operands.tag,
		.unit = unit,
		.type = unit == KESTREL_UNIT_DMA_OUT ? KESTREL_ACCESS_WRITE : KESTREL_ACCESS_READ,
		.address = address + first,
		.length = length,
	};
	uint8_t data[CHUNK_BYTES];
	uint8_t *memory = engine->sram + sram + first;
	uint64_t failed = 0;

	if (probe)
		return !host_failed(fault, engine->host.probe(engine->host.opaque, &access,
							      &failed), &failed);
	if (command->mode == KESTREL_DMA_BRICK) {
		uint32_t lane = ENGINE_LINE_BYTES;
		uint32_t end = first + length;

		memory = data;
		if (unit == KESTREL_UNIT_DMA_OUT) {
			for (uint32_t i = first; i < end; i += lane - i % lane) {
				uint32_t part = lane - i % lane < end - i ? lane - i % lane
									  : end - i;

				memcpy(data + (i - first),
				       engine->sram + sram +
					       (uint64_t)(i / lane) * command->brick_stride +
					       i % lane, part);
			}
		}
	} else if (command->mode == KESTREL_DMA_FILL_BYTES) {
		memory = data;
		memset(data, (int)command->fill, length);
	}
	if (host_failed(fault, engine->host.access(engine->host.opaque, &access, memory, &failed),
			&failed))
		return false;
	if (command->mode == KESTREL_DMA_BRICK && unit == KESTREL_UNIT_DMA_IN) {
		uint32_t lane = ENGINE_LINE_BYTES;
		uint32_t end = first + length;
		bool last = end == engine_dma_row_bytes(command);

		for (uint32_t i = first; i < end; i += lane - i % lane) {
			uint32_t part = lane - i % lane < end - i ? lane - i % lane : end - i;
			uint8_t *line = engine->sram + sram +
					(uint64_t)(i / lane) * command->brick_stride;

			memcpy(line + i % lane, data + (i - first), part);
			if (last && i + part == end && end % lane)
				memset(line + end % lane, 0, lane - end % lane);
		}
	}
	return true;
}

/*
 * Rows of bricks that lie in memory one behind the other move as one access:
 * most feature maps have few channels, and an access costs more than its bytes.
 */
static uint32_t pixels_joined(const struct engine_dma_command *command)
{
	uint64_t row = engine_dma_row_bytes(command);

	if (command->mode != KESTREL_DMA_BRICK || command->memory_stride[1] != (int64_t)row ||
	    row > CHUNK_BYTES)
		return 1;
	return (uint32_t)(CHUNK_BYTES / row);
}

static bool pixels_move(struct engine *engine, uint32_t unit,
			const struct engine_dma_command *command, uint64_t address, uint64_t sram,
			uint32_t pixels, bool probe, struct engine_fault *fault)
{
	uint32_t row = (uint32_t)engine_dma_row_bytes(command);
	struct engine_access access = {
		.asid = engine->operands.asid,
		.tag = engine->operands.tag,
		.unit = unit,
		.type = unit == KESTREL_UNIT_DMA_OUT ? KESTREL_ACCESS_WRITE : KESTREL_ACCESS_READ,
		.address = address,
		.length = (uint64_t)row * pixels,
	};
	uint8_t data[CHUNK_BYTES];
	bool in = unit == KESTREL_UNIT_DMA_IN;
	uint64_t failed = 0;

	if (probe)
		return !host_failed(fault, engine->host.probe(engine->host.opaque, &access,
							      &failed), &failed);
	if (in && host_failed(fault, engine->host.access(engine->host.opaque, &access, data,
							 &failed), &failed))
		return false;
	for (uint32_t pixel = 0; pixel < pixels; pixel++) {
		uint8_t *line = engine->sram + sram + pixel * command->sram_stride[1];
		uint8_t *linear = data + (size_t)pixel * row;

		for (uint32_t i = 0; i < row; i += ENGINE_LINE_BYTES) {
			uint32_t part = row - i < ENGINE_LINE_BYTES ? row - i : ENGINE_LINE_BYTES;

			if (in) {
				memcpy(line, linear + i, part);
				memset(line + part, 0, ENGINE_LINE_BYTES - part);
			} else {
				memcpy(linear + i, line, part);
			}
			line += command->brick_stride;
		}
	}
	return in || !host_failed(fault, engine->host.access(engine->host.opaque, &access, data,
							     &failed), &failed);
}

/*
 * All rows, or with `probe` only the question whether they are mapped. The
 * position counts rows, then bytes within a row that is cut into chunks.
 */
static enum engine_progress rows_move(struct engine *engine, uint32_t unit,
				      const struct engine_dma_command *command, bool probe,
				      struct engine_fault *fault)
{
	struct engine_work *work = &engine->work[unit];
	uint64_t rows = (uint64_t)command->count[1] * command->count[2] * command->count[3];
	uint64_t bytes = engine_dma_row_bytes(command);
	uint32_t joined = pixels_joined(command);
	bool memory = memory_used(unit, command->mode);

	while (work->position < rows) {
		uint32_t i1 = (uint32_t)(work->position % command->count[1]);
		uint64_t rest = work->position / command->count[1];
		uint32_t i2 = (uint32_t)(rest % command->count[2]);
		uint32_t i3 = (uint32_t)(rest / command->count[2]);
		uint64_t address = command->address +
				   (uint64_t)(i1 * command->memory_stride[1] +
					      i2 * command->memory_stride[2] +
					      i3 * command->memory_stride[3]);
		uint64_t sram = command->sram_address + i1 * command->sram_stride[1] +
				row_offset(command, i2) + i3 * command->sram_stride[3];
		uint32_t length;

		if (engine->budget <= 0)
			return ENGINE_PROGRESS_MORE;
		if (joined > 1) {
			uint32_t pixels = command->count[1] - i1 < joined ? command->count[1] - i1
									  : joined;

			if (!pixels_move(engine, unit, command, address, sram, pixels, probe,
					 fault))
				return ENGINE_PROGRESS_FAULT;
			engine->budget -= (int64_t)pixels * (int64_t)bytes + CHUNK_COST;
			work->position += pixels;
			continue;
		}
		length = bytes - work->brick < CHUNK_BYTES ? (uint32_t)(bytes - work->brick)
							   : CHUNK_BYTES;
		if (!memory)
			memset(engine->sram + sram + work->brick, (int)command->fill, length);
		else if (!piece_move(engine, unit, command, address, sram, work->brick, length,
				     probe, fault))
			return ENGINE_PROGRESS_FAULT;
		engine->budget -= length + CHUNK_COST;
		work->brick += length;
		if (work->brick == bytes) {
			work->brick = 0;
			work->position++;
		}
	}
	return ENGINE_PROGRESS_DONE;
}

/* Compressed or packed bytes of a command, a chunk at a time. */
struct chunks {
	struct engine *engine;
	const struct engine_dma_command *command;
	struct engine_fault *fault;
	uint32_t position;
	uint32_t size;
	uint8_t data[CHUNK_BYTES];
};

static bool chunk_refill(struct engine_codec_source *source)
{
	struct chunks *chunks = source->opaque;
	uint32_t left = chunks->size - chunks->position;
	struct engine_access access = {
		.asid = chunks->engine->operands.asid,
		.tag = chunks->engine->operands.tag,
		.unit = KESTREL_UNIT_DMA_IN,
		.type = KESTREL_ACCESS_READ,
		.address = chunks->command->address + chunks->position,
		.length = left < CHUNK_BYTES ? left : CHUNK_BYTES,
	};
	uint64_t failed = 0;

	if (!left || chunks->fault->code ||
	    host_failed(chunks->fault,
			chunks->engine->host.access(chunks->engine->host.opaque, &access,
						    chunks->data, &failed), &failed))
		return false;
	chunks->position += (uint32_t)access.length;
	source->data = chunks->data;
	source->left = access.length;
	return true;
}

static void int4_expand(struct engine_codec_source *source, uint8_t *data, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += 2) {
		uint8_t pair;

		if (!source->left && !source->refill(source))
			return;
		pair = *source->data++;
		source->left--;
		data[i] = (uint8_t)((pair & 15) - (pair << 1 & 16));
		if (i + 1 < count)
			data[i + 1] = (uint8_t)((pair >> 4) - (pair >> 3 & 16));
	}
}

/* DECODE, LOAD_TABLE, EXPAND_INT4: bounded by COUNT0 within SRAM and SOURCE_BYTES. */
static enum engine_progress stream_execute(struct engine *engine,
					   const struct engine_dma_command *command,
					   struct engine_fault *fault)
{
	struct chunks chunks = {
		.engine = engine,
		.command = command,
		.fault = fault,
		.size = (uint32_t)engine_dma_row_bytes(command),
	};
	struct engine_codec_source source = { .opaque = &chunks, .refill = chunk_refill };
	uint8_t *data = engine->sram + command->sram_address;
	bool good = true;

	engine->budget -= chunks.size + command->count[0] + command->runs.symbols;
	switch (command->mode) {
	case KESTREL_DMA_LOAD_TABLE:
		good = engine_codec_load(&engine->table[command->table], &source,
					 command->runs.pairs);
		break;
	case KESTREL_DMA_DECODE:
		good = engine_codec_decode(&engine->table[command->table], &source,
					   &command->runs, data, command->count[0]);
		break;
	default:
		int4_expand(&source, data, command->count[0]);
		break;
	}
	if (fault->code)
		return ENGINE_PROGRESS_FAULT;
	if (!good) {
		engine_value_refuse(fault, KESTREL_FAULT_DECODE, command->table);
		return ENGINE_PROGRESS_FAULT;
	}
	return ENGINE_PROGRESS_DONE;
}

static bool stream_probe(struct engine *engine, const struct engine_dma_command *command,
			 struct engine_fault *fault)
{
	struct engine_access access = {
		.asid = engine->operands.asid,
		.tag = engine->operands.tag,
		.unit = KESTREL_UNIT_DMA_IN,
		.type = KESTREL_ACCESS_READ,
		.address = command->address,
		.length = engine_dma_row_bytes(command),
	};
	uint64_t failed = 0;

	return !host_failed(fault, engine->host.probe(engine->host.opaque, &access, &failed),
			    &failed);
}

/* First a walk over all pages, so that a command that faults has no effect; then the data. */
enum engine_progress engine_dma_execute(struct engine *engine, uint32_t unit,
					struct engine_entry *entry, struct engine_fault *fault)
{
	const struct engine_dma_command *command = &entry->command.dma;
	struct engine_work *work = &engine->work[unit];
	enum engine_progress progress;

	if (engine_dma_one_row(command->mode)) {
		if (!stream_probe(engine, command, fault))
			return ENGINE_PROGRESS_FAULT;
		return stream_execute(engine, command, fault);
	}
	if (!work->begun) {
		work->begun = true;
		work->staged = !memory_used(unit, command->mode);
		work->position = 0;
		work->brick = 0;
	}
	if (!work->staged) {
		progress = rows_move(engine, unit, command, true, fault);
		if (progress != ENGINE_PROGRESS_DONE)
			return progress;
		work->staged = true;
		work->position = 0;
	}
	progress = rows_move(engine, unit, command, false, fault);
	if (progress == ENGINE_PROGRESS_DONE)
		work->begun = false;
	return progress;
}
