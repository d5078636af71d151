// SPDX-License-Identifier: MIT
/* The whole job: docs/hardware.md, sections 6.1 and 6.2. */
#include <errno.h>
#include <stdlib.h>

#include "predict.h"
#include "segment.h"

#define QUEUE KESTREL_ISA_QUEUE_ENTRIES
#define BURST TARGET_BURST_BYTES
#define FETCH_BURSTS 4
#define SIGNAL_DELAY 3
#define PAGES_KNOWN 64
#define PREEMPT_CYCLES 8
#define SEPARATE_BASES 2

struct unit_state {
	/* When the next entry can be taken up, and when everything so far has retired. */
	uint64_t issue, retired;
	/* When the entry that used a queue slot left it. */
	uint64_t left[QUEUE];
	unsigned int entries;
	/* Retirement of each command. */
	uint64_t *finish;
	unsigned int commands;
};

struct front_end {
	/* Bytes decoded so far; time of the last record. */
	uint64_t bytes, now;
	/* Bursts that have come, and when each of the last ones was used up. */
	uint64_t bursts, arrival;
	uint64_t used[FETCH_BURSTS];
};

struct machine {
	const struct target *target;
	struct unit_state unit[KESTREL_UNIT_COUNT];
	struct front_end front_end;
	uint64_t port_free[2];
	uint64_t table_ready[KESTREL_CODEC_TABLES];
	/* Pages looked up, round robin in place of least recently used. */
	uint64_t pages[PAGES_KNOWN];
	unsigned int page_count;
	/* The constants lie behind the commands; 0: not known how many bytes those are. */
	uint64_t constants_offset;
};

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool page_known(struct machine *machine, uint64_t page)
{
	unsigned int known = machine->page_count < PAGES_KNOWN ? machine->page_count : PAGES_KNOWN;

	for (unsigned int i = 0; i < known; i++)
		if (machine->pages[i] == page)
			return true;
	machine->pages[machine->page_count++ % PAGES_KNOWN] = page;
	return false;
}

/* Cycles of the page walks that a transfer waits for. */
static uint64_t walk_cycles(struct machine *machine, const struct command *command)
{
	const struct target *target = machine->target;
	uint64_t latency = target->port[target->ports - 1].read_latency;
	/* Tensors lie next to each other: the first bases are spaces of their own. */
	uint64_t index = (uint64_t)command_get(command, KESTREL_DMA_BASE);
	uint64_t base = (index < SEPARATE_BASES ? index : SEPARATE_BASES) << 48;
	uint64_t offset = index == SEGMENT_BASE_CONSTANTS ? machine->constants_offset : 0;
	uint64_t from = offset + (uint64_t)command_get(command, KESTREL_DMA_OFFSET);
	uint64_t to = from + (uint64_t)command_get(command, KESTREL_DMA_COUNT0);
	uint64_t cycles = 0;

	for (unsigned int a = 0; a < command->access_count; a++)
		if (command->accesses[a].space != COMMAND_SPACE_SRAM)
			to = offset + command->accesses[a].to;
	if (command_get(command, KESTREL_DMA_SOURCE_BYTES) > 0)
		to = from + (uint64_t)command_get(command, KESTREL_DMA_SOURCE_BYTES);
	for (uint64_t page = from / target->page_bytes; page <= (to - 1) / target->page_bytes;
	     page++) {
		/*
		 * The page behind the one before has been prefetched. The front end's
		 * first walk has brought the region's upper levels.
		 */
		if (!page_known(machine, base | page) && page == from / target->page_bytes)
			cycles += latency;
	}
	return cycles;
}

/* Cycles that the records before a command take, and their fetch from port 0. */
static void front_end_run(struct machine *machine, const struct predict_records *records)
{
	struct front_end *front_end = &machine->front_end;
	const struct target *target = machine->target;
	uint64_t burst_cycles = (uint64_t)BURST * TARGET_RATE_ONE /
				target_port_rate(target, 0, false);
	uint64_t end = front_end->bytes + records->bytes;

	while (front_end->bursts * BURST < end) {
		uint64_t room = front_end->used[front_end->bursts % FETCH_BURSTS];
		uint64_t ready = room + target->port[0].read_latency + burst_cycles;

		if (!front_end->bursts)
			ready += 3 * (uint64_t)target->port[target->ports - 1].read_latency;
		front_end->arrival = most(front_end->arrival + burst_cycles, ready);
		/* Fetch goes before transfers. */
		machine->port_free[0] += burst_cycles;
		front_end->bursts++;
	}
	front_end->now = most(front_end->now, front_end->arrival) + records->decode_cycles;
	for (uint64_t b = front_end->bytes / BURST; b < end / BURST; b++)
		front_end->used[b % FETCH_BURSTS] = front_end->now;
	front_end->bytes = end;
}

static void preempt(struct machine *machine)
{
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		machine->front_end.now = most(machine->front_end.now, machine->unit[u].retired);
	machine->front_end.now += PREEMPT_CYCLES;
}

/* A queue entry: waits for a slot, and returns when it stands in it. */
static uint64_t queue_enter(struct machine *machine, struct unit_state *unit, bool front_end)
{
	if (!front_end)
		return 0;
	machine->front_end.now = most(machine->front_end.now, unit->left[unit->entries % QUEUE]);
	return machine->front_end.now;
}

static void queue_leave(struct unit_state *unit, uint64_t time)
{
	unit->left[unit->entries++ % QUEUE] = time;
}

static void run_transfer(struct machine *machine, struct command *command,
			 struct unit_state *unit)
{
	struct predict_cost cost = predict_command(machine->target, command);
	bool write = command->unit == KESTREL_UNIT_DMA_OUT;
	uint64_t request = unit->issue, begin, end;
	unsigned int table = (unsigned int)command_get(command, KESTREL_DMA_TABLE);
	int64_t mode = command_get(command, KESTREL_DMA_MODE);

	command->start = request;
	if (cost.port < 0) {
		end = request + cost.busy;
		unit->issue = end;
	} else {
		request += walk_cycles(machine, command);
		begin = most(request + cost.latency, machine->port_free[cost.port]);
		if (mode == KESTREL_DMA_DECODE)
			begin = most(begin, machine->table_ready[table]);
		end = begin + cost.busy;
		machine->port_free[cost.port] = end;
		unit->issue = write ? end : most(request, end - cost.latency);
		if (mode == KESTREL_DMA_LOAD_TABLE)
			machine->table_ready[table] = end + KESTREL_CODEC_STATES / 4;
	}
	unit->retired = most(unit->retired, end + cost.drain);
}

static void run_command(struct machine *machine, struct command *command, bool front_end)
{
	struct unit_state *unit = &machine->unit[command->unit];
	uint64_t entered;

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		uint64_t seen;

		if (!command->after[u])
			continue;
		entered = queue_enter(machine, unit, front_end);
		seen = machine->unit[u].finish[command->after[u] - 1] + SIGNAL_DELAY;
		unit->issue = most(most(unit->issue, entered), seen) + 1;
		queue_leave(unit, unit->issue);
	}
	entered = queue_enter(machine, unit, front_end);
	unit->issue = most(unit->issue, entered);
	if (command->unit == KESTREL_UNIT_DMA_IN || command->unit == KESTREL_UNIT_DMA_OUT) {
		run_transfer(machine, command, unit);
	} else {
		struct predict_cost cost = predict_command(machine->target, command);

		command->start = unit->issue;
		unit->issue += cost.busy;
		unit->retired = most(unit->retired, unit->issue + cost.drain);
	}
	command->finish = unit->retired;
	unit->finish[command->unit_index] = unit->retired;
	queue_leave(unit, unit->retired);
	if (!command->signals)
		return;
	queue_enter(machine, unit, front_end);
	queue_leave(unit, unit->retired + 1);
}

int predict_run(const struct target *target, struct command_list *list,
		const struct predict_records *records, uint64_t *total)
{
	struct machine machine = { .target = target };
	int ret = 0;

	for (unsigned int i = 0; i < list->count; i++) {
		machine.unit[list->commands[i].unit].commands++;
		if (records)
			machine.constants_offset += records[i].bytes;
	}
	/* The page where the constants begin is the commands' last. */
	if (records)
		machine.pages[machine.page_count++] =
			machine.constants_offset / target->page_bytes;
	machine.constants_offset = (machine.constants_offset + KESTREL_GRAPH_ALIGNMENT - 1) &
				   ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		machine.unit[u].finish = calloc(machine.unit[u].commands + 1, sizeof(uint64_t));
		if (!machine.unit[u].finish)
			ret = -ENOMEM;
	}
	for (unsigned int i = 0; i < list->count && !ret; i++) {
		if (records) {
			if (records[i].preempt)
				preempt(&machine);
			front_end_run(&machine, &records[i]);
		}
		run_command(&machine, &list->commands[i], records);
	}
	*total = machine.front_end.now;
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		*total = most(*total, machine.unit[u].retired);
		free(machine.unit[u].finish);
	}
	return ret;
}
