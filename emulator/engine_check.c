// SPDX-License-Identifier: MIT
/*
 * Checked mode: which SRAM bytes have a defined value, and whether accesses of
 * different units to the same byte are ordered. Order is what queues, semaphores
 * and preemption points give; it is kept as one counter of commands per unit
 * (vector clocks), with every byte remembering its last writer and readers.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

#define POISON 0xa5
#define CLOCK_BITS 30
#define CLOCK_MASK ((1u << CLOCK_BITS) - 1)
/* Clocks start again before they run out; only a barrier can make them. */
#define CLOCK_RESTART (1u << 29)
/* Bytes that the check of one command looks at; a bound on host work. */
#define BYTES_MAX (UINT64_C(1) << 28)
#define COLUMNS_MAX 65536

int engine_check_create(struct engine *engine)
{
	struct engine_check *check = &engine->check;
	size_t bytes = engine->configuration.sram_bytes;

	check->defined = calloc(1, bytes);
	check->writer = calloc(bytes, sizeof(*check->writer));
	check->reader = calloc(bytes, sizeof(*check->reader));
	check->column_read = calloc(1, COLUMNS_MAX);
	return check->defined && check->writer && check->reader && check->column_read &&
			       engine_check_memory_create(engine)
		       ? 0 : -ENOMEM;
}

void engine_check_destroy(struct engine *engine)
{
	free(engine->check.defined);
	free(engine->check.writer);
	free(engine->check.reader);
	free(engine->check.column_read);
	engine_check_memory_destroy(engine);
}

void engine_check_forget(struct engine *engine)
{
	memset(engine->check.defined, 0, engine->configuration.sram_bytes);
}

void engine_check_define(struct engine *engine, uint32_t address, uint32_t size)
{
	memset(engine->check.defined + address, 1, size);
}

static void poison(struct engine *engine, uint32_t start, uint32_t end)
{
	memset(engine->sram + start, POISON, end - start);
	memset(engine->check.defined + start, 0, end - start);
}

void engine_check_poison(struct engine *engine, const uint32_t (*range)[2], uint32_t range_count)
{
	uint32_t start = 0;

	for (uint32_t i = 0; i < range_count; i++) {
		poison(engine, start, range[i][0]);
		start = range[i][0] + range[i][1];
	}
	poison(engine, start, engine->configuration.sram_bytes);
}

void engine_check_barrier(struct engine *engine)
{
	struct engine_check *check = &engine->check;
	uint32_t joined[KESTREL_UNIT_COUNT] = { 0 };
	bool restart = false;

	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
		joined[u] = engine->unit[u].clock[u];
		restart = restart || joined[u] >= CLOCK_RESTART;
	}
	if (restart) {
		memset(joined, 0, sizeof(joined));
		memset(check->writer, 0,
		       engine->configuration.sram_bytes * sizeof(*check->writer));
		memset(check->reader, 0,
		       engine->configuration.sram_bytes * sizeof(*check->reader));
	}
	engine_check_memory_forget(engine);
	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++)
		memcpy(engine->unit[u].clock, joined, sizeof(joined));
}

/* The command under check. */
struct access {
	struct engine *engine;
	const struct engine_entry *entry;
	struct engine_fault *fault;
	uint64_t bytes_left;
	uint32_t unit;
	bool write;
};

static bool hazard(struct access *access, uint32_t address, uint32_t other)
{
	access->fault->address = other;
	return engine_value_refuse(access->fault, KESTREL_FAULT_HAZARD, address);
}

static bool read_byte(struct access *access, uint32_t address)
{
	struct engine_check *check = &access->engine->check;
	uint32_t writer = check->writer[address];
	uint32_t other = writer >> CLOCK_BITS;

	if (!check->defined[address])
		return engine_value_refuse(access->fault, KESTREL_FAULT_UNDEFINED_READ, address);
	if (other != access->unit && (writer & CLOCK_MASK) > access->entry->clock[other])
		return hazard(access, address, other);
	check->reader[address][access->unit] = access->entry->clock[access->unit];
	return true;
}

static bool write_byte(struct access *access, uint32_t address)
{
	struct engine_check *check = &access->engine->check;
	uint32_t writer = check->writer[address];
	uint32_t other = writer >> CLOCK_BITS;

	if (other != access->unit && (writer & CLOCK_MASK) > access->entry->clock[other])
		return hazard(access, address, other);
	for (other = 0; other < KESTREL_UNIT_COUNT; other++) {
		if (other != access->unit &&
		    check->reader[address][other] > access->entry->clock[other])
			return hazard(access, address, other);
	}
	check->writer[address] = access->unit << CLOCK_BITS | access->entry->clock[access->unit];
	check->defined[address] = 1;
	return true;
}

/* A run of bytes inside SRAM. */
static bool run_check(struct access *access, uint64_t address, uint64_t length)
{
	if (length > access->bytes_left)
		return true;
	access->bytes_left -= length;
	for (uint64_t i = 0; i < length; i++) {
		if (!(access->write ? write_byte(access, (uint32_t)(address + i))
				    : read_byte(access, (uint32_t)(address + i))))
			return false;
	}
	return true;
}

/* Bytes of brick `brick` that hold channels; a writer writes the whole line. */
static uint32_t line_bytes(const struct access *access, const struct engine_map *map,
			   uint32_t brick)
{
	uint32_t lanes = engine_map_lanes(map);
	uint32_t left = map->channels - brick * lanes;

	if (map->packed)
		return map->channels;
	return access->write || left >= lanes ? ENGINE_LINE_BYTES : left * map->element_bytes;
}

/* One row of a map, with all its columns or those in check->column_read. */
static bool row_check(struct access *access, const struct engine_map *map, uint32_t y,
		      bool some_columns, uint32_t width)
{
	const uint8_t *column_read = access->engine->check.column_read;
	uint64_t row = map->address + engine_map_row(map, y);

	if (!map->pixel_stride)
		width = 1;
	for (uint32_t brick = 0; brick < engine_map_bricks(map); brick++) {
		uint64_t line = row + (map->packed ? 0 : (uint64_t)brick * map->brick_stride);

		for (uint32_t column = 0; column < width; column++) {
			if (access->bytes_left < ENGINE_LINE_BYTES)
				return true;
			if (some_columns && !column_read[column])
				continue;
			if (!run_check(access, line + (uint64_t)column * map->pixel_stride,
				       line_bytes(access, map, brick)))
				return false;
		}
		if (!map->packed && !map->brick_stride)
			break;
	}
	return true;
}

static bool map_check(struct access *access, const struct engine_map *map,
		      const struct engine_axis *y, const struct engine_axis *x)
{
	uint32_t height = y ? y->inputs : map->height;
	uint32_t width = x ? x->inputs : map->width;

	if (!map->row_stride)
		height = 1;
	for (uint32_t column = 0; x && column < width; column++)
		access->engine->check.column_read[column] = engine_axis_reads(x, column);
	for (uint32_t row = 0; row < height && access->bytes_left >= ENGINE_LINE_BYTES; row++) {
		if (y && !engine_axis_reads(y, row))
			continue;
		if (!row_check(access, map, row, x != NULL, width))
			return false;
	}
	return true;
}

static bool dma_check(struct access *access, const struct engine_dma_command *command)
{
	struct engine_map map = {
		.address = command->sram_address,
		.row_stride = (uint32_t)command->sram_stride[2],
		.brick_stride = command->brick_stride,
		.pixel_stride = (uint32_t)command->sram_stride[1],
		.ring_rows = command->ring_rows,
		.first_row = command->first_row,
		.width = command->count[1],
		.height = command->count[2],
		.channels = command->count[0],
		.element_bytes = command->element_bytes,
	};

	if (command->mode == KESTREL_DMA_LOAD_TABLE)
		return true;
	if (engine_dma_one_row(command->mode))
		return run_check(access, command->sram_address, command->count[0]);
	if (command->mode == KESTREL_DMA_BRICK)
		return map_check(access, &map, NULL, NULL);
	if (!access->write && command->mode == KESTREL_DMA_FILL_BYTES)
		return true;
	for (uint32_t i3 = 0; i3 < command->count[3]; i3++) {
		for (uint32_t i2 = 0; i2 < command->count[2]; i2++) {
			uint64_t row = command->sram_address + i3 * command->sram_stride[3] +
				       engine_map_row(&map, i2);

			for (uint32_t i1 = 0; i1 < command->count[1]; i1++) {
				if (access->bytes_left < command->count[0])
					return true;
				if (!run_check(access, row + i1 * command->sram_stride[1],
					       command->count[0]))
					return false;
			}
		}
	}
	return true;
}

/* The rows of a DMA command in memory. */
static bool memory_check(struct access *access, const struct engine_dma_command *command)
{
	uint64_t length = engine_dma_row_bytes(command);
	bool one_row = engine_dma_one_row(command->mode);

	if (access->unit == KESTREL_UNIT_DMA_IN && command->mode == KESTREL_DMA_FILL_BYTES)
		return true;
	access->bytes_left = BYTES_MAX;
	for (uint32_t i3 = 0; i3 < (one_row ? 1 : command->count[3]); i3++) {
		for (uint32_t i2 = 0; i2 < (one_row ? 1 : command->count[2]); i2++) {
			for (uint32_t i1 = 0; i1 < (one_row ? 1 : command->count[1]); i1++) {
				uint64_t address = command->address +
						   (uint64_t)(i1 * command->memory_stride[1] +
							      i2 * command->memory_stride[2] +
							      i3 * command->memory_stride[3]);

				if (access->bytes_left < length)
					return true;
				access->bytes_left -= length;
				if (!engine_check_memory(access->engine, access->unit,
							 access->entry->clock, address, length,
							 access->fault))
					return false;
			}
		}
	}
	return true;
}

static bool weights_check(struct access *access, const struct engine_mac_command *command)
{
	uint32_t channels = command->ifm.channels;

	if (!(command->flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES))
		return run_check(access, command->weight_address,
				 engine_mac_weight_end(command) - command->weight_address);
	for (uint32_t brick = 0; brick * 16 < channels; brick++) {
		uint32_t lanes = channels - brick * 16 < 16 ? channels - brick * 16 : 16;

		for (uint32_t oc = 0; oc < command->ofm.channels; oc++) {
			if (!run_check(access, command->weight_address + (uint64_t)oc * 16 +
						       (uint64_t)brick *
							       command->weight_brick_stride,
				       lanes))
				return false;
		}
	}
	return true;
}

/* Spilled accumulators: readers use the channels that there are, writers whole lines. */
static bool spill_check(struct access *access, const struct engine_mac_command *command)
{
	uint64_t pixels = (uint64_t)command->ofm.width * command->ofm.height;

	for (uint32_t brick = 0; brick * 16 < command->ofm.channels; brick++) {
		uint32_t left = command->ofm.channels - brick * 16;
		uint32_t lanes = left < 16 && !access->write ? left : 16;

		for (uint64_t pixel = 0; pixel < pixels; pixel++) {
			if (!run_check(access, command->spill_address +
						       (brick * pixels + pixel) * 64,
				       lanes * 4))
				return false;
		}
	}
	return true;
}

static bool mac_check(struct access *access, const struct engine_mac_command *command)
{
	bool output = command->accumulate_to == KESTREL_ACCUMULATE_FRESH;

	if (!map_check(access, &command->ifm, &command->y, &command->x) ||
	    !weights_check(access, command))
		return false;
	if (output && !(command->flags & KESTREL_MAC_FLAG_SCALE_PER_TENSOR) &&
	    !run_check(access, command->record_address, UINT64_C(9) * command->ofm.channels))
		return false;
	if (command->accumulate_from == KESTREL_ACCUMULATE_SRAM && !spill_check(access, command))
		return false;
	access->write = true;
	if (command->accumulate_to == KESTREL_ACCUMULATE_SRAM)
		return spill_check(access, command);
	return !output || map_check(access, &command->ofm, NULL, NULL);
}

/* The pixels that a resize takes. */
static bool resize_check(struct access *access, const struct engine_vector_command *command)
{
	const struct engine_map *map = &command->ifm;

	for (uint32_t column = 0; column < map->width; column++)
		access->engine->check.column_read[column] =
			engine_resize_reads(&command->resize_x, column);
	for (uint32_t row = 0; row < map->height && access->bytes_left >= ENGINE_LINE_BYTES; row++)
		if (engine_resize_reads(&command->resize_y, row) &&
		    !row_check(access, map, row, true, map->width))
			return false;
	return true;
}

static bool vector_check(struct access *access, const struct engine_vector_command *command)
{
	bool resize = engine_vector_resizes(command);

	if (!(resize ? resize_check(access, command) :
	      map_check(access, &command->ifm, &command->y, &command->x)) ||
	    (engine_vector_binary(command) && !map_check(access, &command->ifm2, NULL, NULL)) ||
	    !run_check(access, command->table_address, engine_vector_table_bytes(command)))
		return false;
	access->write = true;
	return map_check(access, &command->ofm, NULL, NULL);
}

bool engine_check_command(struct engine *engine, uint32_t unit, const struct engine_entry *entry,
			  struct engine_fault *fault)
{
	struct access access = {
		.engine = engine,
		.entry = entry,
		.fault = fault,
		.bytes_left = BYTES_MAX,
		.unit = unit,
		.write = unit == KESTREL_UNIT_DMA_IN,
	};

	switch (unit) {
	case KESTREL_UNIT_MAC:
		return mac_check(&access, &entry->command.mac);
	case KESTREL_UNIT_VECTOR:
		return vector_check(&access, &entry->command.vector);
	default:
		return dma_check(&access, &entry->command.dma) &&
		       memory_check(&access, &entry->command.dma);
	}
}
