// SPDX-License-Identifier: MIT
/* The whole job: docs/hardware.md, sections 6.1 and 6.2. */
#include <errno.h>
#include <stdlib.h>

#include "predict.h"
#include "segment.h"

#define QUEUE KESTREL_ISA_QUEUE_ENTRIES
#define BURST TARGET_BURST_BYTES
#define FETCH_BURSTS 4
/* Behind a SIGNAL: when a waiting unit sees it. */
#define SIGNAL_CYCLES 2
/* What memory smaller than 2 MiB is mapped with. */
#define PAGE_BYTES 4096
#define PAGES_KNOWN 64
/* Whose upper levels a walk leaves known. */
#define REGION_BYTES (2u << 20)
/* Runs of a transfer whose pages are looked up; bounds the work that a model can cause. */
#define RUNS_MAX 4096
#define PREEMPT_CYCLES 8

/* What stands in a unit's queue: a wait for a command of a unit, a command, a signal. */
struct entry {
	enum { ENTRY_WAIT, ENTRY_COMMAND, ENTRY_SIGNAL } kind;
	/* Index in the list. */
	unsigned int command;
	/* A wait's unit. */
	unsigned int unit;
	/* A command without signals, or the last of these. */
	bool last;
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
	/* When each command and its signals have retired, and of how many that is known. */
	uint64_t *finish;
	unsigned int finished;
};

/* A burst of commands: when it was asked for; on port 0 it goes before transfers. */
struct burst {
	uint64_t asked, start, cycles;
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
	/* The command that comes next, and whether what stands before its entries is done. */
	unsigned int next;
	bool begun;
	/* Its entry that comes next; if that has been decoded, where its records end. */
	unsigned int entry;
	bool entry_decoded;
	uint64_t entry_end;
	uint64_t port_free[2];
	/* Last byte of each decode table, and the port that it came over. */
	uint64_t table_end[KESTREL_CODEC_TABLES];
	int table_port[KESTREL_CODEC_TABLES];
	/* Pages looked up, the number of look-ups, and the region of the last walk. */
	struct known_page pages[PAGES_KNOWN];
	uint64_t page_uses, region;
	/* Of bases: constants behind the commands, then tensors, then scratch. */
	uint64_t base_offsets[KESTREL_ISA_BASES];
};

static unsigned int signal_count(const struct command *command)
{
	return (unsigned int)__builtin_popcount(command->signals);
}

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

/* Whether the front end had looked a page of the commands up by `time`, for its first burst. */
static bool page_fetched(const struct machine *machine, uint64_t page, uint64_t time)
{
	uint64_t begin = machine->list->commands_offset, address = page * PAGE_BYTES, burst;

	if (page < begin / PAGE_BYTES)
		return false;
	burst = address > begin ? (address - begin) / BURST : 0;
	return burst < machine->front_end.burst_count &&
	       machine->front_end.bursts[burst].asked <= time;
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
				if (page != before + 1 &&
				    !page_fetched(machine, page, command->start))
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
		burst->asked = front_end->used[front_end->burst_count % FETCH_BURSTS];
		burst->start = burst->asked + target->port[0].read_latency;
		if (front_end->burst_count)
			burst->start = most(burst->start, burst[-1].start + burst[-1].cycles);
		else
			burst->start += 3 * (uint64_t)target->port[target->ports - 1].read_latency;
		front_end->burst_count++;
	}
}

/* When the burst with the byte before `end` has arrived. */
static uint64_t arrival(const struct front_end *front_end, uint64_t end)
{
	const struct burst *burst = &front_end->bursts[(end - 1) / BURST];

	return burst->start + burst->cycles;
}

/* Records with the next bytes have taken effect; bursts may be asked for again. */
static void records_done(struct machine *machine, uint64_t bytes)
{
	struct front_end *front_end = &machine->front_end;
	uint64_t end = front_end->bytes + bytes;

	for (uint64_t b = front_end->bytes / BURST; b < end / BURST; b++)
		front_end->used[b % FETCH_BURSTS] = front_end->now;
	front_end->bytes = end;
	fetch(machine);
}

/* Decodes one record, which has yet to take effect. */
static void record_decode(struct machine *machine, uint32_t bytes, uint32_t cycles)
{
	struct front_end *front_end = &machine->front_end;

	front_end->now = most(front_end->now, arrival(front_end, front_end->bytes + bytes)) +
			 cycles;
}

/*
 * Decodes the registers that are set and EXECUTE. Where the last of them come in another
 * burst than the first, those are decoded before it has arrived.
 */
static void registers_decode(struct machine *machine, const struct predict_records *records)
{
	struct front_end *front_end = &machine->front_end;
	uint64_t end = front_end->bytes + records->set_bytes, before = (end - 1) / BURST * BURST;

	if (before > front_end->bytes) {
		front_end->now = most(front_end->now, arrival(front_end, before)) +
				 records->set_cycles - records->late_cycles;
		if (records->straddle_cycles)
			front_end->now = most(front_end->now, arrival(front_end, end)) +
					 records->straddle_cycles;
		records_done(machine, before - front_end->bytes);
		front_end->now = most(front_end->now, arrival(front_end, end)) +
				 records->late_cycles - records->straddle_cycles;
		return;
	}
	front_end->now = most(front_end->now, arrival(front_end, end)) + records->set_cycles;
}

/* A burst by its number; NULL: it has not been asked for. */
static const struct burst *burst_at(const struct machine *machine, uint64_t index)
{
	return index < machine->front_end.burst_count ? &machine->front_end.bursts[index] : NULL;
}

/* The first burst that starts after `time`: one that starts then goes before a request. */
static uint64_t first_burst(const struct machine *machine, uint64_t time)
{
	uint64_t low = 0, high = machine->front_end.burst_count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (burst_at(machine, middle)->start <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * When a transfer on port 0 that ends at `end` seems to at `time`: without the bursts that
 * are still to come. What is asked for at `time` is itself delayed by those.
 */
static uint64_t end_as_of(const struct machine *machine, uint64_t end, uint64_t time)
{
	const struct burst *burst;
	uint64_t seen = end;

	for (uint64_t i = first_burst(machine, time); (burst = burst_at(machine, i)) &&
						      burst->start < end; i++)
		seen -= burst->cycles;
	return seen;
}

/* When port 0 is free, as it looks at `time`: behind transfers and bursts that have started. */
static uint64_t free_as_of(const struct machine *machine, uint64_t time)
{
	uint64_t first = first_burst(machine, time);
	uint64_t end = end_as_of(machine, machine->port_free[0], time);
	const struct burst *burst;

	if (first) {
		burst = burst_at(machine, first - 1);
		end = most(end, burst->start + burst->cycles);
	}
	return end;
}

/* When a decode table is ready, as it looks at `time`. */
static uint64_t table_ready_as_of(const struct machine *machine, unsigned int table,
				  uint64_t time)
{
	uint64_t end = machine->table_end[table];

	if (!end)
		return 0;
	if (!machine->table_port[table])
		end = end_as_of(machine, end, time);
	return end + KESTREL_CODEC_STATES / 4;
}

/* When a transfer's data ends, and when the one behind it can be asked for. */
struct transfer {
	uint64_t end, next;
};

/*
 * A transfer on port 0 that has been issued at `time`: every burst that starts meanwhile
 * puts it off by as much, and the next one's request, if that is still to come.
 */
static void give_way(const struct machine *machine, uint64_t time, struct transfer *transfer)
{
	const struct burst *burst;

	for (uint64_t i = first_burst(machine, time);
	     (burst = burst_at(machine, i)) && burst->start < transfer->end; i++) {
		if (burst->start < transfer->next)
			transfer->next += burst->cycles;
		transfer->end += burst->cycles;
	}
}

/* A transfer over a port, issued at `time` and asked for at `request`. */
static struct transfer transfer_time(const struct machine *machine, const struct command *command,
				     const struct predict_cost *cost, uint64_t time,
				     uint64_t request)
{
	unsigned int table = (unsigned int)command_get(command, KESTREL_DMA_TABLE) %
			     KESTREL_CODEC_PAIR;
	uint64_t begin = most(request + cost->latency, cost->port ? machine->port_free[1] :
							    free_as_of(machine, time));
	struct transfer transfer;

	if (command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_DECODE)
		begin = most(begin, table_ready_as_of(machine, table, time));
	transfer.end = begin + cost->busy;
	transfer.next = transfer.end - cost->latency;
	if (!cost->port)
		give_way(machine, time, &transfer);
	return transfer;
}

static void run_transfer(struct machine *machine, struct command *command,
			 const struct predict_cost *cost, struct unit_state *unit)
{
	uint64_t time = command->start;
	struct transfer transfer = { .end = time + cost->busy, .next = time + cost->busy };

	if (cost->port >= 0) {
		transfer = transfer_time(machine, command, cost, time,
					 time + walk_cycles(machine, command));
		machine->port_free[cost->port] = most(machine->port_free[cost->port],
						      transfer.end);
	}
	if (command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_LOAD_TABLE) {
		unsigned int table = (unsigned int)command_get(command, KESTREL_DMA_TABLE) %
				     KESTREL_CODEC_PAIR;

		machine->table_end[table] = transfer.end;
		machine->table_port[table] = cost->port;
	}
	unit->issue = transfer.next;
	unit->retired = most(unit->retired, transfer.end + cost->drain);
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
	*time = most(*time, source->finish[after - 1] + SIGNAL_CYCLES);
	return true;
}

static void entry_handle(struct machine *machine, struct unit_state *unit, uint64_t time)
{
	const struct entry *entry = &unit->entries[unit->handled];
	struct command *command = &machine->list->commands[entry->command];

	if (entry->kind != ENTRY_COMMAND) {
		unit->issue = time + 1;
		unit->retired = most(unit->retired, unit->issue);
	} else {
		const struct predict_cost *cost = &machine->costs[entry->command];

		unit->issue = command->start = time;
		if (command->unit == KESTREL_UNIT_DMA_IN ||
		    command->unit == KESTREL_UNIT_DMA_OUT) {
			run_transfer(machine, command, cost, unit);
		} else {
			unit->issue += cost->busy;
			unit->retired = most(unit->retired, unit->issue + cost->drain);
		}
		command->finish = unit->retired;
	}
	if (entry->last)
		unit->finish[unit->finished++] = unit->retired;
	unit->left[unit->handled++ % QUEUE] = unit->retired;
}

/* Whether the front end has room for an entry of the unit, as far as is known. */
static bool unit_has_room(const struct unit_state *unit)
{
	return unit->queued < QUEUE || unit->handled > unit->queued - QUEUE;
}

/* PREEMPT waits until all that stands before it has retired. */
static bool preempt(struct machine *machine, const struct predict_records *records)
{
	struct front_end *front_end = &machine->front_end;

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		if (machine->unit[u].handled < machine->unit[u].queued)
			return false;
	record_decode(machine, records->preempt_bytes, 0);
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		front_end->now = most(front_end->now, machine->unit[u].retired);
	front_end->now += PREEMPT_CYCLES;
	records_done(machine, records->preempt_bytes);
	return true;
}

/* What stands before the entries of a command; false: that is not known yet. */
static bool command_begin(struct machine *machine)
{
	const struct predict_records *records = machine->records ?
						&machine->records[machine->next] : NULL;

	if (records && records->preempt_bytes && !preempt(machine, records))
		return false;
	if (records && records->select_bytes) {
		record_decode(machine, records->select_bytes, 1);
		records_done(machine, records->select_bytes);
	}
	machine->begun = true;
	machine->entry = 0;
	return true;
}

/* Decodes what makes an entry; it has yet to find room in its queue. */
static void entry_decode(struct machine *machine, const struct entry *entry)
{
	if (machine->entry_decoded || !machine->records)
		return;
	machine->entry_decoded = true;
	machine->entry_end = machine->front_end.bytes + 1;
	if (entry->kind != ENTRY_COMMAND) {
		record_decode(machine, 1, 1);
		return;
	}
	machine->entry_end = machine->front_end.bytes + machine->records[machine->next].set_bytes;
	registers_decode(machine, &machine->records[machine->next]);
}

/* Queues one entry. Without records all is queued from the beginning. */
static void queue_enter(struct machine *machine, struct unit_state *unit, struct entry entry)
{
	struct front_end *front_end = &machine->front_end;

	if (machine->records) {
		if (unit->queued >= QUEUE)
			front_end->now = most(front_end->now, unit->left[unit->queued % QUEUE]);
		entry.entered = front_end->now;
		records_done(machine, machine->entry_end - front_end->bytes);
		machine->entry_decoded = false;
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
		/* Waits by unit, the command, its signals. */
		const unsigned int last = KESTREL_UNIT_COUNT + signal_count(command);

		if (!machine->begun && !command_begin(machine))
			return went;
		for (; machine->entry <= last; machine->entry++) {
			struct entry entry = {
				.kind = machine->entry < KESTREL_UNIT_COUNT ? ENTRY_WAIT :
					machine->entry > KESTREL_UNIT_COUNT ? ENTRY_SIGNAL :
									      ENTRY_COMMAND,
				.command = machine->next, .unit = machine->entry,
				.last = machine->entry == last,
			};

			if (entry.kind == ENTRY_WAIT && !command->after[machine->entry])
				continue;
			entry_decode(machine, &entry);
			if (machine->records && !unit_has_room(unit))
				return went;
			queue_enter(machine, unit, entry);
			went = true;
		}
		machine->begun = false;
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

/* The transfer at the head of a unit's queue; NULL: what stands there takes no port. */
static const struct predict_cost *port_transfer(const struct machine *machine,
						const struct unit_state *unit)
{
	const struct entry *entry = &unit->entries[unit->handled];
	const struct predict_cost *cost = &machine->costs[entry->command];

	return entry->kind == ENTRY_COMMAND && cost->port >= 0 ? cost : NULL;
}

/* Runs what takes no port and stands first in a DMA unit's queue; whether a transfer is next. */
static bool transfer_ready(struct machine *machine, struct unit_state *unit, uint64_t *time)
{
	while (entry_ready(machine, unit, time)) {
		if (port_transfer(machine, unit))
			return true;
		entry_handle(machine, unit, *time);
	}
	return false;
}

/*
 * Whether of the transfers at the heads of two units' queues the earlier one, at `time`,
 * is run before the other, at `other_time`. On one port they go in order of request. Else
 * bursts of commands that follow from the one on port 1 may delay the one on port 0, which
 * is therefore run later, unless what stands behind it is asked for before the one on
 * port 1 and may take that port first.
 */
static bool transfer_first(const struct machine *machine, const struct unit_state *unit,
			   uint64_t time, const struct unit_state *other, uint64_t other_time)
{
	const struct predict_cost *cost = port_transfer(machine, unit);
	const struct command *command;

	if (cost->port || !port_transfer(machine, other)->port)
		return true;
	command = &machine->list->commands[unit->entries[unit->handled].command];
	return transfer_time(machine, command, cost, time, time).next < other_time;
}

/*
 * Runs one transfer when nothing else goes on without one. Bursts of commands that have
 * not been asked for by then wait for its end, so that all that delay it are known.
 */
static bool transfer_go(struct machine *machine)
{
	struct unit_state *in = &machine->unit[KESTREL_UNIT_DMA_IN];
	struct unit_state *out = &machine->unit[KESTREL_UNIT_DMA_OUT];
	unsigned int before = in->handled + out->handled;
	uint64_t in_time = 0, out_time = 0;
	bool in_ready = transfer_ready(machine, in, &in_time);
	bool out_ready = transfer_ready(machine, out, &out_time);

	/* What took no port may let others go on. */
	if (in->handled + out->handled != before)
		return true;
	if (in_ready && out_ready)
		in_ready = in_time <= out_time ?
			   transfer_first(machine, in, in_time, out, out_time) :
			   !transfer_first(machine, out, out_time, in, in_time);
	if (in_ready)
		entry_handle(machine, in, in_time);
	else if (out_ready)
		entry_handle(machine, out, out_time);
	return in_ready || out_ready;
}

/* What a run over the list works with. */
struct run_memory {
	struct predict_cost *costs;
	uint64_t *finish[KESTREL_UNIT_COUNT];
	struct entry *entries[KESTREL_UNIT_COUNT];
	struct burst *bursts;
};

static int memory_get(struct run_memory *memory, const struct target *target,
		      const struct command_list *list, uint64_t stream_bytes)
{
	size_t commands[KESTREL_UNIT_COUNT] = { 0 }, entries[KESTREL_UNIT_COUNT] = { 0 };
	bool good = true;

	memory->costs = calloc(list->count + 1, sizeof(*memory->costs));
	for (unsigned int i = 0; i < list->count; i++) {
		const struct command *command = &list->commands[i];

		commands[command->unit]++;
		entries[command->unit] += 1 + signal_count(command);
		for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
			entries[command->unit] += command->after[u] > 0;
	}
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		memory->finish[u] = calloc(commands[u] + 1, sizeof(uint64_t));
		memory->entries[u] = calloc(entries[u] + 1, sizeof(struct entry));
		good &= memory->finish[u] && memory->entries[u];
	}
	memory->bursts = calloc(stream_bytes / BURST + 2, sizeof(struct burst));
	if (!good || !memory->bursts || !memory->costs)
		return -ENOMEM;
	for (unsigned int i = 0; i < list->count; i++)
		memory->costs[i] = predict_command(target, &list->commands[i]);
	return 0;
}

static void memory_free(struct run_memory *memory)
{
	free(memory->costs);
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		free(memory->finish[u]);
		free(memory->entries[u]);
	}
	free(memory->bursts);
}

static uint64_t aligned(uint64_t offset)
{
	return (offset + KESTREL_GRAPH_ALIGNMENT - 1) & ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
}

/* Where bases begin. */
static void place_bases(struct machine *machine, uint64_t stream_bytes)
{
	const struct command_list *list = machine->list;
	uint64_t end = aligned(list->commands_offset + stream_bytes);

	machine->base_offsets[SEGMENT_BASE_CONSTANTS] = end;
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

/* Runs the list; returns the job's cycles. */
static uint64_t run(const struct target *target, struct command_list *list,
		    const struct predict_records *records, const struct run_memory *memory,
		    uint64_t stream_bytes)
{
	struct machine machine = {
		.target = target, .list = list, .records = records, .costs = memory->costs,
		.front_end = { .total = stream_bytes, .bursts = memory->bursts },
	};
	uint64_t total;

	place_bases(&machine, stream_bytes);
	fetch(&machine);
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
	if (records)
		record_decode(&machine, 1, 1);
	total = machine.front_end.now;
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		total = most(total, machine.unit[u].retired);
	return total;
}

int predict_run(const struct target *target, struct command_list *list,
		const struct predict_records *records, uint64_t *total)
{
	struct run_memory memory = { 0 };
	uint64_t stream_bytes = 0;
	int ret;

	for (unsigned int i = 0; i < list->count && records; i++)
		stream_bytes += records[i].bytes;
	/* END, and what fills up its word. */
	if (records)
		stream_bytes = (stream_bytes + 4) / 4 * 4;
	ret = memory_get(&memory, target, list, stream_bytes);
	if (!ret)
		*total = run(target, list, records, &memory, stream_bytes);
	memory_free(&memory);
	return ret;
}
