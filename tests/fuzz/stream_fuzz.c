// SPDX-License-Identifier: MIT
/*
 * Damaged command streams of real graphs, through the firmware, on the real
 * engine. Whatever a stream holds: its job ends, nothing outside the client's
 * writable memory changes, and afterwards another client's sound job gives the
 * bytes that it always gives.
 *
 * Arguments: compiled graphs (.npu); each case takes one job of one of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/graph.h>
#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#include "fuzz.h"

#define PAGE UINT64_C(4096)
#define COMMAND_VA UINT64_C(0x10000000)
#define CONSTANT_VA UINT64_C(0x20000000)
#define DATA_VA(base) (UINT64_C(0x40000000) + (base) * UINT64_C(0x4000000))
#define FOREIGN_VA UINT64_C(0x30000000)
#define FOREIGN_BYTES 65536u
#define TIMEOUT_CYCLES 20000000u
#define BASES 16

struct graph_bytes {
	uint8_t *file;
	size_t size;
};

static struct graph_bytes *graphs;
static uint32_t graph_count;
static const char *program;
static char **paths;
static const struct kestrel_simulator_interface *simulator;

static const struct kestrel_graph_section *section_get(const struct graph_bytes *graph,
						       uint32_t type)
{
	const struct kestrel_graph_header *header = (const void *)graph->file;
	uint32_t i;

	for (i = 0; i < header->section_count; i++) {
		const struct kestrel_graph_section *section = (const void *)
			(graph->file + header->header_size + i * header->section_entry_size);

		if (section->type == type)
			return section;
	}
	return NULL;
}

/* The graphs are npuc's own: their records are not doubted here. */
static const void *records_get(const struct graph_bytes *graph, uint32_t type, uint64_t *size)
{
	const struct kestrel_graph_section *section = section_get(graph, type);

	*size = section ? section->size : 0;
	return section ? graph->file + section->offset : NULL;
}

static bool graph_load(const char *path, struct graph_bytes *graph)
{
	FILE *file = fopen(path, "rb");
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) <= 0) {
		printf("# %s: cannot be read\n", path);
		return false;
	}
	rewind(file);
	graph->file = malloc((size_t)size);
	graph->size = fread(graph->file, 1, (size_t)size, file);
	fclose(file);
	if (!section_get(graph, KESTREL_GRAPH_SECTION_STREAM_COMMANDS)) {
		printf("# %s: holds no command stream\n", path);
		return false;
	}
	return true;
}

/* One client with what one job of a graph needs. */
struct client {
	struct kestrel_simulator *owner;
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_queue *queue;
	struct kestrel_simulator_job job;
	uint8_t *commands;
	uint8_t *constants;
	uint64_t constants_bytes;
	/* Written by the job, one behind the other in `output`. */
	uint8_t *data[BASES];
	uint64_t bytes[BASES];
};

static uint64_t pages(uint64_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

static uint8_t *memory_make(struct client *client, uint64_t bytes, uint64_t va, uint32_t rights)
{
	struct kestrel_simulator_buffer *buffer;

	if (simulator->buffer_create(client->owner, bytes, &buffer) ||
	    (rights && simulator->map(client->space, buffer, 0, va, pages(bytes), rights)))
		return NULL;
	return simulator->buffer_data(buffer);
}

static bool base_make(struct client *client, const struct graph_bytes *graph,
		      const struct kestrel_graph_base *base)
{
	struct kestrel_simulator_base *to = &client->job.base[base->index];
	uint64_t i;

	if (base->index >= client->job.base_count)
		client->job.base_count = base->index + 1;
	to->size = base->size;
	if (base->kind == KESTREL_GRAPH_BASE_CONSTANTS) {
		to->address = CONSTANT_VA + base->offset;
		return true;
	}
	to->address = DATA_VA(base->index);
	client->bytes[base->index] = pages(base->size);
	client->data[base->index] = memory_make(client, base->size, to->address,
						KESTREL_SIMULATOR_MAP_READ |
						KESTREL_SIMULATOR_MAP_WRITE);
	if (!client->data[base->index])
		return false;
	for (i = 0; i < base->size; i++)
		client->data[base->index][i] = (uint8_t)(i * 31 + base->index);
	(void)graph;
	return true;
}

static bool client_make(struct client *client, struct kestrel_simulator *owner,
			const struct graph_bytes *graph, uint32_t pick)
{
	const struct kestrel_graph_segment *segment, *npu = NULL;
	const struct kestrel_graph_base *base;
	const uint8_t *bytes;
	uint64_t size, commands_size;
	uint32_t count, jobs = 0, i;

	memset(client, 0, sizeof(*client));
	client->owner = owner;
	segment = records_get(graph, KESTREL_GRAPH_SECTION_SEGMENTS, &size);
	count = (uint32_t)(size / sizeof(*segment));
	for (i = 0; i < count; i++)
		jobs += segment[i].kind == KESTREL_GRAPH_SEGMENT_NPU;
	if (!jobs)
		return false;
	pick %= jobs;
	for (i = 0; i < count; i++)
		if (segment[i].kind == KESTREL_GRAPH_SEGMENT_NPU && !pick--)
			npu = &segment[i];

	if (simulator->space_create(owner, &client->space) ||
	    simulator->queue_create(client->space, 1, TIMEOUT_CYCLES, &client->queue))
		return false;
	bytes = records_get(graph, KESTREL_GRAPH_SECTION_STREAM_CONSTANTS,
			    &client->constants_bytes);
	if (client->constants_bytes) {
		client->constants = memory_make(client, client->constants_bytes, CONSTANT_VA,
						KESTREL_SIMULATOR_MAP_READ);
		if (!client->constants)
			return false;
		memcpy(client->constants, bytes, client->constants_bytes);
	}
	bytes = records_get(graph, KESTREL_GRAPH_SECTION_STREAM_COMMANDS, &commands_size);
	/* Room behind it, so that a record may be put in. */
	client->commands = memory_make(client, npu->command_size + PAGE, COMMAND_VA,
				       KESTREL_SIMULATOR_MAP_EXECUTE);
	if (!client->commands)
		return false;
	memcpy(client->commands, bytes + npu->command_offset, npu->command_size);
	client->job.command_address = COMMAND_VA;
	client->job.command_size = (uint32_t)npu->command_size;
	base = records_get(graph, KESTREL_GRAPH_SECTION_BASES, &size);
	for (i = 0; i < npu->base_count; i++)
		if (!base_make(client, graph, &base[npu->first_base + i]))
			return false;
	return true;
}

static int client_run(struct client *client, struct kestrel_simulator_result *result)
{
	uint64_t number;
	int error = simulator->submit(client->queue, &client->job, &number);

	return error ? error : simulator->wait(client->queue, number, 0, result);
}

static uint64_t client_hash(const struct client *client)
{
	uint64_t hash = 14695981039346656037u, i;
	uint32_t base;

	for (base = 0; base < BASES; base++)
		for (i = 0; i < client->bytes[base]; i++)
			hash = (hash ^ client->data[base][i]) * 1099511628211u;
	return hash;
}

/* Where the record begins that holds the byte, roughly: values have bit 7 set but for the last. */
static void stream_damage(struct fuzz_random *random, uint8_t *bytes, uint32_t *size, uint32_t room)
{
	static const uint8_t opcodes[] = {
		KESTREL_ISA_EXECUTE, KESTREL_ISA_SELECT, KESTREL_ISA_SELECT + 1,
		KESTREL_ISA_SELECT + 2, KESTREL_ISA_SELECT + 3, KESTREL_ISA_PREEMPT,
		KESTREL_ISA_SIGNAL + 1, KESTREL_ISA_WAIT + 1, KESTREL_ISA_END,
	};
	uint32_t at = fuzz_below(random, *size), length, i, value;

	switch (fuzz_below(random, 6)) {
	case 0:		/* another opcode or register */
		bytes[at] = fuzz_once_in(random, 2) ?
			    opcodes[fuzz_below(random, sizeof(opcodes))] :
			    (uint8_t)fuzz_below(random, 72);
		break;
	case 1:		/* SET of a register, put in or written over */
		value = fuzz_value(random);
		length = 2;
		for (i = value; i > 0x7f; i >>= 7)
			length++;
		if (at + length > *size)
			break;
		if (fuzz_once_in(random, 2) && *size + length <= room) {
			memmove(bytes + at + length, bytes + at, *size - at);
			*size += length;
		}
		bytes[at++] = (uint8_t)fuzz_below(random, 72);
		for (; value > 0x7f; value >>= 7)
			bytes[at++] = (uint8_t)(value | 0x80);
		bytes[at] = (uint8_t)value;
		break;
	case 2:		/* some bytes left out */
		length = 1 + fuzz_below(random, 12);
		if (length >= *size - at || *size < 64)
			break;
		memmove(bytes + at, bytes + at + length, *size - at - length);
		*size -= length;
		break;
	case 3:		/* cut */
		if (fuzz_once_in(random, 8))
			*size = at + 1;
		break;
	default:
		fuzz_damage(random, bytes, *size);
		break;
	}
}

static bool complain(uint64_t seed, const char *what, struct kestrel_simulator *owner)
{
	printf("# seed %" PRIu64 ": %s%s%s\n", seed, what, owner ? ": " : "",
	       owner ? simulator->last_error(owner) : "");
	simulator->close(owner);
	return false;
}

static bool stream_run(uint64_t seed)
{
	static const char *const settings[] = { "", "checked=on", "schedule=random:%u", "page=2097152" };
	struct fuzz_random random = fuzz_random_start(seed);
	const struct graph_bytes *graph = &graphs[fuzz_below(&random, graph_count)];
	struct kestrel_simulator_options options = { 0 };
	struct kestrel_simulator_result result;
	struct kestrel_simulator *owner;
	struct client good, bad;
	uint64_t expected, i;
	uint8_t *foreign;
	char setting[64], error[256], path[4096];
	uint32_t damages, pick = fuzz_random32(&random);
	int status;

	snprintf(path, sizeof(path), "%.*s../../firmware/kestrel_fw.bin",
		 (int)(strrchr(program, '/') ? strrchr(program, '/') - program + 1 : 0), program);
	options.firmware_path = path;
	snprintf(setting, sizeof(setting), settings[fuzz_below(&random, 4)], (unsigned int)seed);
	options.settings = setting;
	if (simulator->open(&options, &owner, error, sizeof(error))) {
		printf("# %s\n", error);
		return false;
	}
	if (!client_make(&good, owner, graph, pick) || !client_make(&bad, owner, graph, pick))
		return complain(seed, "no client can be made", owner);
	foreign = memory_make(&good, FOREIGN_BYTES, FOREIGN_VA, KESTREL_SIMULATOR_MAP_READ);
	if (!foreign)
		return complain(seed, "no memory can be mapped", owner);
	memset(foreign, 0xa5, FOREIGN_BYTES);
	if (client_run(&good, &result) || result.status != KESTREL_SIMULATOR_JOB_DONE)
		return complain(seed, "the sound job does not end well", owner);
	expected = client_hash(&good);
	/* The good client's memory back to what it was before its job. */
	for (i = 0; i < BASES; i++)
		for (uint64_t k = 0; good.data[i] && k < good.job.base[i].size; k++)
			good.data[i][k] = (uint8_t)(k * 31 + i);

	for (damages = 1 + fuzz_below(&random, 6); damages; damages--)
		stream_damage(&random, bad.commands, &bad.job.command_size,
			      bad.job.command_size + (uint32_t)PAGE);
	if (fuzz_once_in(&random, 4))
		bad.job.base[fuzz_below(&random, BASES)].size += fuzz_value(&random);
	if (fuzz_once_in(&random, 8))
		bad.job.base[fuzz_below(&random, BASES)].address = FOREIGN_VA;
	if (fuzz_once_in(&random, 8))
		bad.job.base_count = fuzz_below(&random, 17);
	status = client_run(&bad, &result);
	if (status)
		return complain(seed, "the damaged job does not end", owner);
	if (result.status > KESTREL_SIMULATOR_JOB_REJECTED)
		return complain(seed, "the damaged job ends in an unknown way", NULL);

	if (client_run(&good, &result) || result.status != KESTREL_SIMULATOR_JOB_DONE)
		return complain(seed, "the sound job does not end well after the damaged one", owner);
	if (client_hash(&good) != expected)
		return complain(seed, "the sound job gives other bytes after the damaged one", NULL);
	for (i = 0; i < FOREIGN_BYTES; i++)
		if (foreign[i] != 0xa5)
			return complain(seed, "memory of another client has changed", NULL);
	if (memcmp(bad.constants, good.constants, good.constants_bytes))
		return complain(seed, "memory mapped for reading has changed", NULL);
	simulator->close(owner);
	return true;
}

static bool prepare(void)
{
	uint32_t i;

	simulator = kestrel_simulator_interface(KESTREL_SIMULATOR_VERSION);
	for (i = 0; paths[i]; i++)
		graph_count++;
	graphs = calloc(graph_count, sizeof(*graphs));
	for (i = 0; i < graph_count; i++)
		if (!graph_load(paths[i], &graphs[i]))
			return false;
	if (!graph_count)
		printf("# no graph is given\n");
	return graph_count;
}

int main(int argc, char **argv)
{
	static const struct fuzz_target targets[] = {
		{ "command-streams", 300, stream_run },
		{ 0 },
	};

	program = argv[0];
	return fuzz_main(argc, argv, targets, prepare, &paths);
}
