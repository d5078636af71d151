// SPDX-License-Identifier: MIT
/*
 * Memory ports: when a DMA command's data moves, and what command fetch takes
 * from it. docs/hardware.md, "Memory ports and DMA".
 */

#include "engine_internal.h"

#define BEAT_BYTES 8
/*
 * Runs and pages of a command that are looked up in the TLB one by one. A bound
 * on host work: a command that has more takes longer than any job may.
 */
#define TRANSLATED_PAGES (1u << 20)
#define TRANSLATED_BYTES (1u << 28)

/* How many runs start at each address modulo `size`. */
struct residues {
	uint32_t size;
	uint64_t count[ENGINE_LINE_BYTES];
};

static uint64_t saturated(unsigned __int128 value)
{
	return value > ENGINE_NEVER ? ENGINE_NEVER : (uint64_t)value;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	return saturated((unsigned __int128)a * b);
}

static void residues_start(struct residues *residues, uint32_t size, uint64_t address)
{
	*residues = (struct residues){ .size = size };
	residues->count[address % size] = 1;
}

/* Adds to `sum` the residues of `from` moved by first + i, i < count, times stride. */
static void residues_add(struct residues *sum, const struct residues *from, uint64_t first,
			 uint64_t count, uint64_t stride)
{
	uint32_t size = sum->size;

	for (uint32_t step = 0; step < size && step < count; step++) {
		uint64_t times = (count - step - 1) / size + 1;
		uint32_t move = (uint32_t)((first + step) % size * (stride % size) % size);

		for (uint32_t i = 0; i < size; i++)
			sum->count[(i + move) % size] =
				saturated(sum->count[(i + move) % size] +
					  (unsigned __int128)from->count[i] * times);
	}
}

static void residues_repeat(struct residues *residues, uint64_t count, uint64_t stride)
{
	struct residues from = *residues;

	*residues = (struct residues){ .size = from.size };
	residues_add(residues, &from, 0, count, stride);
}

static void residues_repeat_ring(struct residues *residues, uint32_t count, uint64_t stride,
				 uint32_t first_row, uint32_t ring_rows)
{
	struct residues from = *residues;
	uint32_t row = first_row % ring_rows;
	uint32_t head = count < ring_rows - row ? count : ring_rows - row;

	*residues = (struct residues){ .size = from.size };
	residues_add(residues, &from, row, head, stride);
	count -= head;
	for (uint32_t turn = 0; turn < count / ring_rows && turn < 1; turn++) {
		struct residues whole = { .size = from.size };

		residues_add(&whole, &from, 0, ring_rows, stride);
		for (uint32_t i = 0; i < from.size; i++)
			residues->count[i] = saturated(residues->count[i] +
						       (unsigned __int128)whole.count[i] *
							       (count / ring_rows));
	}
	residues_add(residues, &from, 0, count % ring_rows, stride);
}

/* Pieces of residues->size bytes that runs of `length` bytes touch. */
static uint64_t residues_pieces(const struct residues *residues, uint64_t length)
{
	unsigned __int128 sum = 0;

	for (uint32_t i = 0; i < residues->size; i++)
		sum += (unsigned __int128)residues->count[i] *
		       ((i + length + residues->size - 1) / residues->size);
	return saturated(sum);
}

uint32_t engine_port_select(const struct engine *engine, uint32_t port)
{
	return engine->configuration.port_count > 1 ? port : 0;
}

uint64_t engine_port_cycles(const struct engine *engine, uint32_t port, bool write, uint64_t bytes)
{
	const struct configuration_port *p = &engine->configuration.port[port];
	uint64_t latency = write ? p->write_latency : p->read_latency;
	uint64_t rate = p->rate;
	unsigned __int128 cycles;

	if (latency) {
		uint64_t limit = (uint64_t)p->outstanding * p->burst_bytes *
				 CONFIGURATION_RATE_ONE / latency;

		if (limit < rate)
			rate = limit;
	}
	if (!rate)
		rate = 1;
	cycles = ((unsigned __int128)bytes * CONFIGURATION_RATE_ONE + rate - 1) / rate;
	return saturated(cycles);
}

static uint64_t translate(struct engine *engine, uint32_t unit,
			  const struct engine_dma_command *command, uint64_t length,
			  uint32_t outer)
{
	struct engine_access access = {
		.asid = engine->operands.asid,
		.tag = engine->operands.tag,
		.unit = unit,
		.type = unit == KESTREL_UNIT_DMA_OUT ? KESTREL_ACCESS_WRITE : KESTREL_ACCESS_READ,
		.length = length < TRANSLATED_BYTES ? length : TRANSLATED_BYTES,
	};
	uint64_t previous = UINT64_MAX, last = UINT64_MAX, cycles = 0;
	uint32_t count[4] = { 1, 1, 1, 1 };
	uint64_t pages = 0;

	for (uint32_t d = outer; d < 4; d++)
		count[d] = command->count[d];
	for (uint32_t i3 = 0; i3 < count[3]; i3++) {
		for (uint32_t i2 = 0; i2 < count[2]; i2++) {
			for (uint32_t i1 = 0; i1 < count[1]; i1++) {
				access.address = command->address +
						 (uint64_t)(i3 * command->memory_stride[3] +
							    i2 * command->memory_stride[2] +
							    i1 * command->memory_stride[1]);
				pages += 1 + (access.length >> 12);
				if (pages > TRANSLATED_PAGES)
					return cycles;
				/* Still in the page that was looked up last. */
				if (access.address >> 12 == last &&
				    (access.address + access.length - 1) >> 12 == last)
					continue;
				cycles += engine->host.translation_cost(engine->host.opaque,
									&access, &previous);
				last = (access.address + access.length - 1) >> 12;
			}
		}
	}
	return cycles;
}

/* SRAM lines of the command, run by run. */
static uint64_t sram_lines(const struct engine_dma_command *command)
{
	struct residues residues;
	uint64_t length = command->count[0];
	uint32_t outer = 1;

	if (command->mode == KESTREL_DMA_LOAD_TABLE)
		return 0;
	if (command->mode == KESTREL_DMA_BRICK) {
		uint32_t lanes = ENGINE_LINE_BYTES / command->element_bytes;

		return multiply((uint64_t)command->count[1] * command->count[2],
				(command->count[0] + lanes - 1) / lanes);
	}
	residues_start(&residues, ENGINE_LINE_BYTES, command->sram_address);
	if (engine_dma_one_row(command->mode))
		return residues_pieces(&residues, length);
	while (outer < 4 && (command->count[outer] == 1 ||
			     (command->sram_stride[outer] == length &&
			      (outer != 2 || !command->ring_rows)))) {
		length = multiply(length, command->count[outer]);
		outer++;
	}
	for (; outer < 4; outer++) {
		if (outer == 2 && command->ring_rows)
			residues_repeat_ring(&residues, command->count[2], command->sram_stride[2],
					     command->first_row, command->ring_rows);
		else
			residues_repeat(&residues, command->count[outer],
					command->sram_stride[outer]);
	}
	return residues_pieces(&residues, length);
}

static uint64_t maximum(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Data cycles of the command, and the walks that its request waits for; sets
 * command->port_bytes.
 */
static uint64_t data_cycles(struct engine *engine, uint32_t unit,
			    struct engine_dma_command *command, uint64_t *walk_cycles)
{
	bool write = unit == KESTREL_UNIT_DMA_OUT;
	bool memory = write || command->mode != KESTREL_DMA_FILL_BYTES;
	uint64_t cycles = sram_lines(command);

	*walk_cycles = 0;
	command->port_bytes = 0;
	if (write && command->mode == KESTREL_DMA_FILL_BYTES)
		cycles = 0;
	if (memory) {
		struct residues residues;
		uint64_t length = engine_dma_row_bytes(command);
		uint32_t outer = engine_dma_one_row(command->mode) ? 4 : 1;

		while (outer < 4 && (command->count[outer] == 1 ||
				     command->memory_stride[outer] == (int64_t)length)) {
			length = multiply(length, command->count[outer]);
			outer++;
		}
		residues_start(&residues, BEAT_BYTES, command->address);
		for (uint32_t d = outer; d < 4; d++)
			residues_repeat(&residues, command->count[d],
					(uint64_t)command->memory_stride[d]);
		command->port_bytes = multiply(residues_pieces(&residues, length), BEAT_BYTES);
		cycles = maximum(cycles, engine_port_cycles(engine, command->port, write,
							    command->port_bytes));
		*walk_cycles = translate(engine, unit, command, length, outer);
	}
	if (command->mode == KESTREL_DMA_DECODE) {
		uint32_t symbols = command->runs.symbols ? command->runs.symbols :
							   command->count[0];

		cycles = maximum(cycles, (symbols + engine->configuration.decode_rate - 1) /
						 engine->configuration.decode_rate);
	}
	if (command->mode == KESTREL_DMA_EXPAND_INT4)
		cycles = maximum(cycles, (command->count[0] + 15) / 16);
	return cycles;
}

void engine_port_issue(struct engine *engine, uint32_t unit, struct engine_entry *entry)
{
	struct engine_dma_command *command = &entry->command.dma;
	struct engine_port_state *port = &engine->port[command->port];
	const struct configuration_port *rates = &engine->configuration.port[command->port];
	struct engine_unit *queue = &engine->unit[unit];
	uint64_t walk_cycles;
	uint64_t cycles = data_cycles(engine, unit, command, &walk_cycles);
	uint64_t request = engine->now + walk_cycles;

	if (!command->port_bytes) {
		entry->data_start = request;
		entry->data_end = request + cycles;
		entry->retire = entry->data_end;
		queue->issue_time = entry->data_end;
	} else if (unit == KESTREL_UNIT_DMA_IN) {
		entry->data_start = maximum(request + rates->read_latency, port->free_time);
		if (command->mode == KESTREL_DMA_DECODE)
			entry->data_start = maximum(entry->data_start,
						    engine->table_ready[command->table]);
		entry->data_end = entry->data_start + cycles;
		entry->retire = entry->data_end;
		port->free_time = entry->data_end;
		queue->issue_time = maximum(request, entry->data_end - rates->read_latency);
	} else {
		entry->data_start = maximum(request, port->free_time);
		entry->data_end = entry->data_start + cycles;
		entry->retire = entry->data_end + rates->write_latency;
		port->free_time = entry->data_end;
		queue->issue_time = entry->data_end;
	}
	if (command->mode == KESTREL_DMA_LOAD_TABLE)
		engine->table_ready[command->table] = entry->data_end + KESTREL_CODEC_STATES / 4;
	entry->busy = cycles;
}

static void delay(struct engine *engine, struct engine_entry *entry, uint64_t cycles)
{
	if (entry->data_start >= engine->now)
		entry->data_start += cycles;
	entry->data_end += cycles;
	entry->retire += cycles;
	if (entry->command.dma.mode == KESTREL_DMA_LOAD_TABLE)
		engine->table_ready[entry->command.dma.table] += cycles;
}

void engine_port_fetch(struct engine *engine, uint64_t cycles)
{
	struct engine_port_state *port = &engine->port[0];

	port->free_time = maximum(port->free_time, engine->now) + cycles;
	for (uint32_t u = KESTREL_UNIT_DMA_IN; u <= KESTREL_UNIT_DMA_OUT; u++) {
		struct engine_unit *unit = &engine->unit[u];
		uint64_t previous_retire = 0;
		bool moved = false;

		for (uint32_t i = 0; i < unit->issued; i++) {
			struct engine_entry *entry = engine_unit_entry(unit, i);

			if (entry->kind == ENGINE_ENTRY_COMMAND) {
				moved = entry->command.dma.port == 0 &&
					entry->command.dma.port_bytes &&
					entry->data_end > engine->now;
				if (moved)
					delay(engine, entry, cycles);
			}
			/* Whatever stands behind a delayed command retires behind it. */
			entry->retire = maximum(entry->retire, previous_retire);
			previous_retire = entry->retire;
		}
		unit->last_retire = maximum(unit->last_retire, previous_retire);
		if (moved && unit->issue_time > engine->now)
			unit->issue_time += cycles;
	}
}
