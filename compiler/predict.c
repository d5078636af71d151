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
/* What memory smaller than 2 MiB is mapped with. */
#define PAGE_BYTES 4096
#define PAGES_KNOWN 64
/* Whose upper levels a walk leaves known. */
#define REGION_BYTES (2u << 20)
/* Runs of a transfer whose pages are looked up; bounds the work that a model can cause. */
#define RUNS_MAX 4096
#define PREEMPT_CYCLES 8
#define PASSES 4

/* What stands in a unit's queue: a wait for a command of a unit, a command, a signal. */
struct entry {
	enum { ENTRY_WAIT, ENTRY_COMMAND, ENTRY_SIGNAL } kind;
	/* Index in the list. */
	unsigned int command;
	/* A wait's unit. */
	unsigned int unit;
	/* When it stands in the queue. */
	uint64_t entered;
};

struct unit_state {
	/* When the next entry can be taken up, and when everything so far has retired. */
	uint64_t issue, retired;
	/* When the entry that used a queue slot left it. */
	uint64_t left[QUEUE];
	/* All entries; how many of them have been queued, and how many have been handled. */
	struct entry *entries;
	unsigned int queued, handled;
	/* Retirement of each command, and how many of these are known. */
	uint64_t *finish;
	unsigned int finished;
};

/* A burst of commands on port 0, which goes before transfers. */
struct burst {
	uint64_t start, cycles;
};

struct front_end {
	/* Bytes decoded so far, of how many; time of the last record. */
	uint64_t bytes, total, now;
	/* Bursts that have been asked for; when each of the last ones was used up. */
	struct burst *bursts;
	uint64_t burst_count;
	uint64_t used[FETCH_BURSTS];
};

/* A page in the TLB, and which look-up was its last; 0: none. */
struct known_page {
	uint64_t page, used;
};

struct machine {
	const struct target *target;
	struct unit_state unit[KESTREL_UNIT_COUNT];
	struct front_end front_end;
	struct command_list *list;
	const struct predict_records *records;
	const struct predict_cost *costs;
	/* The command whose records come next, and whether they have been decoded. */
	unsigned int next;
	bool decoded;
	/* Entries of it that have been queued. */
	unsigned int entry;
	/* The bursts as the pass before has found them. */
	const struct burst *bursts;
	uint64_t burst_count;
	uint64_t port_free[2];
	uint64_t table_ready[KESTREL_CODEC_TABLES];
	/* Pages looked up, the number of look-ups, and the region of the last walk. */
	struct known_page pages[PAGES_KNOWN];
	uint64_t page_uses, region;
	/* Of bases: constants behind the commands, then tensors, then scratch. */
	uint64_t base_offsets[KESTREL_ISA_BASES];
};

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Whether a page has been looked up lately; from now on it has. */
static bool page_known(struct machine *machine, uint64_t page)
{
	struct known_page *oldest = &machine->pages[0];

	machine->page_uses++;
	for (unsigned int i = 0; i < PAGES_KNOWN; i++) {
		struct known_page *known = &machine->pages[i];

		if (known->used && known->page == page) {
			known->used = machine->page_uses;
			return true;
		}
		if (known->used < oldest->used)
			oldest = known;
	}
	*oldest = (struct known_page){ .page = page, .used = machine->page_uses };
	return false;
}

/* Bytes of memory that a transfer touches, as runs that are `strides` apart. */
struct runs {
	uint64_t first, bytes;
	unsigned int dimensions;
	int64_t counts[3], strides[3];
};

static struct runs transfer_runs(const struct machine *machine, const struct command *command)
{
	uint64_t index = (uint64_t)command_get(command, KESTREL_DMA_BASE);
	struct runs runs = {
		.first = machine->base_offsets[index] +
			 (uint64_t)command_get(command, KESTREL_DMA_OFFSET),
		.bytes = (uint64_t)command_get(command, KESTREL_DMA_SOURCE_BYTES),
	};

	if (runs.bytes)
		return runs;
	runs.bytes = (uint64_t)command_get(command, KESTREL_DMA_COUNT0);
	if (command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_EXPAND_INT4) {
		runs.bytes = (runs.bytes + 1) / 2;
		return runs;
	}
	if (command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_BRICK)
		runs.bytes *= (uint64_t)command_get(command, KESTREL_DMA_ELEMENT_BYTES);
	for (unsigned int d = 0; d < 3; d++) {
		int64_t count = command_get(command, KESTREL_DMA_COUNT1 + d);
		int64_t stride = command_get(command, KESTREL_DMA_MEMORY_STRIDE1 + d);

		/* No page is left out between runs that are less than one apart. */
		if (!runs.dimensions && stride >= 0 &&
		    stride <= PAGE_BYTES) {
			runs.bytes += (uint64_t)((count - 1) * stride);
		} else if (count > 1) {
			runs.counts[runs.dimensions] = count;
			runs.strides[runs.dimensions++] = stride;
		}
	}
	return runs;
}

/* Cycles of the page walks that a transfer waits for. */
static uint64_t walk_cycles(struct machine *machine, const struct command *command)
{
	const struct target *target = machine->target;
	const struct runs runs = transfer_runs(machine, command);
	uint64_t before = UINT64_MAX, total = 1, walks = 0;

	for (unsigned int d = 0; d < runs.dimensions; d++)
		total *= (uint64_t)runs.counts[d];
	for (uint64_t i = 0; i < total && i < RUNS_MAX; i++) {
		uint64_t from = runs.first, page, rest = i;

		for (unsigned int d = 0; d < runs.dimensions; d++) {
			from += (uint64_t)((int64_t)(rest % (uint64_t)runs.counts[d]) *
					   runs.strides[d]);
			rest /= (uint64_t)runs.counts[d];
		}
		for (page = from / PAGE_BYTES;
		     page <= (from + runs.bytes - 1) / PAGE_BYTES; page++) {
			uint64_t region = page * PAGE_BYTES / REGION_BYTES;

			if (page == before)
				continue;
			if (!page_known(machine, page)) {
				/* The page behind the one before has been prefetched. */
				if (page != before + 1)
					walks += region == machine->region ? 1 : 3;
				machine->region = region;
			}
			before = page;
		}
	}
	return walks * target->port[target->ports - 1].read_latency;
}

/* Asks for bursts while the buffer has room for a whole one. */
static void fetch(struct machine *machine)
{
	struct front_end *front_end = &machine->front_end;
	const struct target *target = machine->target;
	uint64_t rate = target_port_rate(target, 0, false), at = front_end->burst_count * BURST;

	for (; at < front_end->total && at <= front_end->bytes / BURST * BURST +
						 (FETCH_BURSTS - 1) * BURST; at += BURST) {
		struct burst *burst = &front_end->bursts[front_end->burst_count];
		uint64_t bytes = front_end->total - at < BURST ? front_end->total - at : BURST;

		bytes = (bytes + 7) / 8 * 8;
		burst->cycles = (bytes * TARGET_RATE_ONE + rate - 1) / rate;
		burst->start = front_end->used[front_end->burst_count % FETCH_BURSTS] +
			       target->port[0].read_latency;
		if (front_end->burst_count)
			burst->start = most(burst->start, burst[-1].start + burst[-1].cycles);
		else
			burst->start += 3 * (uint64_t)target->port[target->ports - 1].read_latency;
		front_end->burst_count++;
	}
}

/* The records before a command: decoded when all their bytes are there. */
static void front_end_run(struct machine *machine, const struct predict_records *records)
{
	struct front_end *front_end = &machine->front_end;
	uint64_t end = front_end->bytes + records->bytes;
	const struct burst *last;

	fetch(machine);
	last = &front_end->bursts[end ? (end - 1) / BURST : 0];
	front_end->now = most(front_end->now, last->start + last->cycles) +
			 records->decode_cycles;
	for (uint64_t b = front_end->bytes / BURST; b < end / BURST; b++)
		front_end->used[b % FETCH_BURSTS] = front_end->now;
	front_end->bytes = end;
}

/*
 * A burst by its number: as this pass has found it, else as the one before did. NULL:
 * there is no such burst.
 */
static const struct burst *burst_at(const struct machine *machine, uint64_t index)
{
	if (index < machine->front_end.burst_count)
		return &machine->front_end.bursts[index];
	return index < machine->burst_count ? &machine->bursts[index] : NULL;
}

/* The first burst that starts at `time` or later. */
static uint64_t first_burst(const struct machine *machine, uint64_t time)
{
	uint64_t low = 0, high = most(machine->burst_count, machine->front_end.burst_count);

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (burst_at(machine, middle)->start < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * When port 0 is free, as it looks at `time`: what was asked for before ends by then
 * and the bursts that have started, not those to come.
 */
static uint64_t free_as_of(const struct machine *machine, uint64_t time)
{
	uint64_t first = first_burst(machine, time), end = machine->port_free[0];
	const struct burst *burst;

	for (uint64_t i = first; (burst = burst_at(machine, i)) &&
				 burst->start < machine->port_free[0]; i++)
		end -= burst->cycles;
	if (first) {
		burst = burst_at(machine, first - 1);
		end = most(end, burst->start + burst->cycles);
	}
	return end;
}

/*
 * A transfer on port 0, asked for at `request`, whose data would take [*begin, *end):
 * every burst that starts meanwhile puts it off by as much, and the next one's
 * request, if that is still to come.
 */
static void give_way(const struct machine *machine, uint64_t request, uint64_t *begin,
		     uint64_t *end, uint64_t *next)
{
	const struct burst *burst;

	for (uint64_t i = first_burst(machine, request);
	     (burst = burst_at(machine, i)) && burst->start < *end; i++) {
		if (burst->start <= *begin)
			*begin += burst->cycles;
		if (burst->start < *next)
			*next += burst->cycles;
		*end += burst->cycles;
	}
}

static void run_transfer(struct machine *machine, struct command *command,
			 const struct predict_cost *cost, struct unit_state *unit)
{
	uint64_t request = unit->issue, begin, end, next;
	unsigned int table = (unsigned int)command_get(command, KESTREL_DMA_TABLE) %
			     KESTREL_CODEC_PAIR;
	int64_t mode = command_get(command, KESTREL_DMA_MODE);

	if (cost->port < 0) {
		end = request + cost->busy;
		unit->issue = end;
	} else {
		request += walk_cycles(machine, command);
		begin = most(request + cost->latency, cost->port ? machine->port_free[1] :
						      free_as_of(machine, command->start));
		if (mode == KESTREL_DMA_DECODE)
			begin = most(begin, machine->table_ready[table]);
		end = begin + cost->busy;
		next = end - cost->latency;
		if (!cost->port)
			give_way(machine, command->start, &begin, &end, &next);
		machine->port_free[cost->port] = most(machine->port_free[cost->port], end);
		unit->issue = most(request, next);
		if (mode == KESTREL_DMA_LOAD_TABLE)
			machine->table_ready[table] = end + KESTREL_CODEC_STATES / 4;
	}
	unit->retired = most(unit->retired, end + cost->drain);
}

/* The entry's time, if all is known that it depends on. */
static bool entry_ready(const struct machine *machine, const struct unit_state *unit,
			uint64_t *time)
{
	const struct entry *entry = &unit->entries[unit->handled];
	const struct unit_state *source;
	unsigned int after;

	if (unit->handled == unit->queued)
		return false;
	*time = most(unit->issue, entry->entered);
	if (entry->kind != ENTRY_WAIT)
		return true;
	source = &machine->unit[entry->unit];
	after = machine->list->commands[entry->command].after[entry->unit];
	if (source->finished < after)
		return false;
	*time = most(*time, source->finish[after - 1] + SIGNAL_DELAY);
	return true;
}

static void entry_handle(struct machine *machine, struct unit_state *unit, uint64_t time)
{
	const struct entry *entry = &unit->entries[unit->handled];
	struct command *command = &machine->list->commands[entry->command];
	uint64_t left = unit->retired + 1;

	if (entry->kind == ENTRY_WAIT) {
		unit->issue = left = time + 1;
	} else if (entry->kind == ENTRY_COMMAND) {
		const struct predict_cost *cost = &machine->costs[entry->command];

		unit->issue = command->start = time;
		if (command->unit == KESTREL_UNIT_DMA_IN ||
		    command->unit == KESTREL_UNIT_DMA_OUT) {
			run_transfer(machine, command, cost, unit);
		} else {
			unit->issue += cost->busy;
			unit->retired = most(unit->retired, unit->issue + cost->drain);
		}
		command->finish = left = unit->retired;
		unit->finish[unit->finished++] = unit->retired;
	}
	unit->left[unit->handled++ % QUEUE] = left;
}

/* Whether the front end has room for an entry of the unit, as far as is known. */
static bool unit_has_room(const struct unit_state *unit)
{
	return unit->queued < QUEUE || unit->handled > unit->queued - QUEUE;
}

/* PREEMPT waits until all that stands before it has retired. */
static bool preempt(struct machine *machine)
{
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		if (machine->unit[u].handled < machine->unit[u].queued)
			return false;
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		machine->front_end.now = most(machine->front_end.now, machine->unit[u].retired);
	machine->front_end.now += PREEMPT_CYCLES;
	return true;
}

/* Queues one entry. Without records all is queued from the beginning. */
static void queue_enter(struct machine *machine, struct unit_state *unit, struct entry entry)
{
	if (machine->records) {
		if (unit->queued >= QUEUE)
			machine->front_end.now = most(machine->front_end.now,
						      unit->left[unit->queued % QUEUE]);
		entry.entered = machine->front_end.now;
	}
	unit->entries[unit->queued++] = entry;
}

/* Lets the front end go as far as is known; whether it went at all. */
static bool front_end_go(struct machine *machine)
{
	bool went = false;

	for (; machine->next < machine->list->count; machine->next++) {
		const struct command *command = &machine->list->commands[machine->next];
		struct unit_state *unit = &machine->unit[command->unit];
		/* Waits by unit, the command, its signal. */
		const unsigned int last = KESTREL_UNIT_COUNT + 1;

		if (!machine->decoded) {
			if (machine->records && machine->records[machine->next].preempt &&
			    !preempt(machine))
				return went;
			if (machine->records)
				front_end_run(machine, &machine->records[machine->next]);
			machine->decoded = true;
			machine->entry = 0;
		}
		for (; machine->entry <= last; machine->entry++) {
			struct entry entry = {
				.kind = machine->entry < KESTREL_UNIT_COUNT ? ENTRY_WAIT :
					machine->entry < last ? ENTRY_COMMAND : ENTRY_SIGNAL,
				.command = machine->next, .unit = machine->entry,
			};

			if ((entry.kind == ENTRY_WAIT && !command->after[machine->entry]) ||
			    (entry.kind == ENTRY_SIGNAL && !command->signals))
				continue;
			if (machine->records && !unit_has_room(unit))
				return went;
			queue_enter(machine, unit, entry);
			went = true;
		}
		machine->decoded = false;
	}
	return went;
}

/* Lets a unit that shares nothing with others go as far as is known. */
static bool unit_go(struct machine *machine, struct unit_state *unit)
{
	bool went = false;
	uint64_t time;

	for (; entry_ready(machine, unit, &time); went = true)
		entry_handle(machine, unit, time);
	return went;
}

/*
 * One entry of the DMA units, whose transfers have the ports in order of request:
 * that of the earlier one. What the other waits for, if it is not known by now, can
 * only be behind this one.
 */
static bool transfer_go(struct machine *machine)
{
	struct unit_state *in = &machine->unit[KESTREL_UNIT_DMA_IN];
	struct unit_state *out = &machine->unit[KESTREL_UNIT_DMA_OUT];
	uint64_t in_time = 0, out_time = 0;
	bool in_ready = entry_ready(machine, in, &in_time);
	bool out_ready = entry_ready(machine, out, &out_time);

	if (in_ready && (!out_ready || in_time <= out_time))
		entry_handle(machine, in, in_time);
	else if (out_ready)
		entry_handle(machine, out, out_time);
	return in_ready || out_ready;
}

/* What one pass over the list works with. */
struct pass_memory {
	struct predict_cost *costs;
	uint64_t *finish[KESTREL_UNIT_COUNT];
	struct entry *entries[KESTREL_UNIT_COUNT];
	/* Of the pass at hand and the one before. */
	struct burst *bursts[2];
	uint64_t burst_count;
};

static int memory_get(struct pass_memory *memory, const struct target *target,
		      const struct command_list *list, uint64_t stream_bytes)
{
	size_t commands[KESTREL_UNIT_COUNT] = { 0 }, entries[KESTREL_UNIT_COUNT] = { 0 };
	bool good = true;

	memory->costs = calloc(list->count + 1, sizeof(*memory->costs));
	for (unsigned int i = 0; i < list->count; i++) {
		const struct command *command = &list->commands[i];

		commands[command->unit]++;
		entries[command->unit] += 1 + !!command->signals;
		for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
			entries[command->unit] += command->after[u] > 0;
	}
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		memory->finish[u] = calloc(commands[u] + 1, sizeof(uint64_t));
		memory->entries[u] = calloc(entries[u] + 1, sizeof(struct entry));
		good &= memory->finish[u] && memory->entries[u];
	}
	for (unsigned int i = 0; i < 2; i++) {
		memory->bursts[i] = calloc(stream_bytes / BURST + 2, sizeof(struct burst));
		good &= memory->bursts[i] != NULL;
	}
	if (!good || !memory->costs)
		return -ENOMEM;
	for (unsigned int i = 0; i < list->count; i++)
		memory->costs[i] = predict_command(target, &list->commands[i]);
	return 0;
}

static void memory_free(struct pass_memory *memory)
{
	free(memory->costs);
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		free(memory->finish[u]);
		free(memory->entries[u]);
	}
	free(memory->bursts[0]);
	free(memory->bursts[1]);
}

static uint64_t aligned(uint64_t offset)
{
	return (offset + KESTREL_GRAPH_ALIGNMENT - 1) & ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
}

/* Where bases begin. */
static void place_bases(struct machine *machine, uint64_t stream_bytes)
{
	const struct command_list *list = machine->list;
	uint64_t end = machine->base_offsets[SEGMENT_BASE_CONSTANTS] = aligned(stream_bytes);

	for (unsigned int i = 0; i < list->count; i++) {
		const struct command *command = &list->commands[i];

		if (machine->costs[i].port >= 0 &&
		    command_get(command, KESTREL_DMA_BASE) == SEGMENT_BASE_CONSTANTS) {
			struct runs runs = transfer_runs(machine, command);

			end = most(end, runs.first + runs.bytes);
		}
	}
	end = (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	for (unsigned int b = SEGMENT_BASE_TENSORS; b < KESTREL_ISA_BASES; b++)
		machine->base_offsets[b] = end + list->tensor_offsets[b];
	end += list->tensor_bytes;
	machine->base_offsets[SEGMENT_BASE_SCRATCH] =
		(end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Runs the list once; returns the job's cycles. */
static uint64_t run_pass(const struct target *target, struct command_list *list,
			 const struct predict_records *records, struct pass_memory *memory,
			 uint64_t stream_bytes)
{
	struct machine machine = {
		.target = target, .list = list, .records = records, .costs = memory->costs,
		.bursts = memory->bursts[0], .burst_count = memory->burst_count,
		.front_end = { .total = stream_bytes, .bursts = memory->bursts[1] },
	};
	uint64_t total;

	place_bases(&machine, stream_bytes);
	/* The page where the constants begin is the commands' last. */
	if (records)
		page_known(&machine, stream_bytes / PAGE_BYTES);
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		machine.unit[u].finish = memory->finish[u];
		machine.unit[u].entries = memory->entries[u];
	}
	do {
		while (front_end_go(&machine) |
		       unit_go(&machine, &machine.unit[KESTREL_UNIT_MAC]) |
		       unit_go(&machine, &machine.unit[KESTREL_UNIT_VECTOR]))
			;
	} while (transfer_go(&machine));
	total = machine.front_end.now;
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		total = most(total, machine.unit[u].retired);
	memory->burst_count = machine.front_end.burst_count;
	return total;
}

/*
 * Bursts of commands delay transfers, and those what the front end waits for. A pass
 * takes the bursts from the one before; a few agree.
 */
int predict_run(const struct target *target, struct command_list *list,
		const struct predict_records *records, uint64_t *total)
{
	struct pass_memory memory = { 0 };
	uint64_t stream_bytes = 0, before;
	int ret;

	for (unsigned int i = 0; i < list->count && records; i++)
		stream_bytes += records[i].bytes;
	ret = memory_get(&memory, target, list, stream_bytes);
	if (!ret)
		*total = run_pass(target, list, records, &memory, stream_bytes);
	for (unsigned int pass = 1; pass < PASSES && records && !ret; pass++) {
		struct burst *bursts = memory.bursts[0];

		memory.bursts[0] = memory.bursts[1];
		memory.bursts[1] = bursts;
		before = *total;
		*total = run_pass(target, list, records, &memory, stream_bytes);
		if (*total == before)
			break;
	}
	memory_free(&memory);
	return ret;
}
