// SPDX-License-Identifier: MIT
/*
 * Random programs: their order keeps every dependency, and the check of the
 * finished bytes accepts them, but not when a WAIT or a SIGNAL is taken out.
 */
#include <string.h>

#include "compiler_test.h"
#include "emit.h"
#include "schedule.h"
#include "verify.h"

#define COMMANDS 60
#define BLOCK 256
#define BLOCKS 24
/* More than a semaphore counts. */
#define LOADS 400

/* A copy between memory and SRAM, or a VECTOR or MAC command from block to block. */
static void add_command(struct command_list *list, enum kestrel_unit unit, uint64_t from,
			uint64_t to)
{
	struct command *command = command_append(list, unit, list->count);

	if (unit == KESTREL_UNIT_DMA_IN || unit == KESTREL_UNIT_DMA_OUT) {
		command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_COPY);
		command_set(command, KESTREL_DMA_BASE, 0);
		command_set(command, KESTREL_DMA_OFFSET, (int64_t)from);
		command_set(command, KESTREL_DMA_SRAM_ADDRESS, (int64_t)to);
		command_set(command, KESTREL_DMA_COUNT0, BLOCK);
		command_access(command, COMMAND_SPACE_SRAM, unit == KESTREL_UNIT_DMA_IN, to,
			       to + BLOCK);
		command_access(command, COMMAND_SPACE_BASE, unit == KESTREL_UNIT_DMA_OUT, from,
			       from + BLOCK);
		return;
	}
	if (unit == KESTREL_UNIT_VECTOR) {
		command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_COPY);
		command_set(command, KESTREL_VECTOR_IFM_ADDRESS, (int64_t)from);
		command_set(command, KESTREL_VECTOR_IFM_ROW_STRIDE, BLOCK);
		command_set(command, KESTREL_VECTOR_OFM_ADDRESS, (int64_t)to);
		command_set(command, KESTREL_VECTOR_OFM_ROW_STRIDE, BLOCK);
		command_set(command, KESTREL_VECTOR_OFM_WIDTH, BLOCK / 16);
		command_set(command, KESTREL_VECTOR_OFM_CHANNELS, 16);
	} else {
		command_set(command, KESTREL_MAC_IFM_ADDRESS, (int64_t)from);
		command_set(command, KESTREL_MAC_IFM_ROW_STRIDE, BLOCK);
		command_set(command, KESTREL_MAC_IFM_WIDTH, BLOCK / 16);
		command_set(command, KESTREL_MAC_IFM_CHANNELS, 16);
		command_set(command, KESTREL_MAC_OFM_ADDRESS, (int64_t)to);
		command_set(command, KESTREL_MAC_OFM_ROW_STRIDE, BLOCK);
		command_set(command, KESTREL_MAC_OFM_WIDTH, BLOCK / 16);
		command_set(command, KESTREL_MAC_OFM_CHANNELS, 16);
		command_set(command, KESTREL_MAC_WEIGHT_ADDRESS, (int64_t)from);
		command_set(command, KESTREL_MAC_RECORD_ADDRESS, (int64_t)from);
	}
	command_access(command, COMMAND_SPACE_SRAM, false, from, from + BLOCK);
	command_access(command, COMMAND_SPACE_SRAM, true, to, to + BLOCK);
}

static bool conflict(const struct command *a, const struct command *b)
{
	for (unsigned int i = 0; i < a->access_count; i++)
		for (unsigned int j = 0; j < b->access_count; j++)
			if (a->accesses[i].space == b->accesses[j].space &&
			    (a->accesses[i].write || b->accesses[j].write) &&
			    a->accesses[i].from < b->accesses[j].to &&
			    b->accesses[j].from < a->accesses[i].to)
				return true;
	return false;
}

/* Position of each command of the program in the stream, by its operator index. */
static void check_order(struct test *test, const struct command_list *program,
			const struct command_list *stream)
{
	unsigned int position[COMMANDS];

	for (unsigned int i = 0; i < stream->count; i++)
		position[stream->commands[i].operator_index] = i;
	for (unsigned int i = 0; i < program->count; i++)
		for (unsigned int j = 0; j < i; j++) {
			const struct command *a = &program->commands[j], *b = &program->commands[i];

			if (a->unit == b->unit || conflict(a, b))
				CHECK(test, position[j] < position[i]);
		}
}

/* Takes the n-th record of a kind out of a stream; false when there is none. */
static bool remove_record(struct buffer *stream, uint8_t first, unsigned int n)
{
	size_t at = 0;

	while (at < stream->bytes) {
		uint8_t opcode = stream->data[at];
		size_t bytes = 1;

		if (opcode < KESTREL_ISA_END)
			while (stream->data[at + bytes++] & 0x80)
				;
		if (opcode >= first && opcode < first + KESTREL_ISA_SEMAPHORES && !n--) {
			memmove(stream->data + at, stream->data + at + bytes,
				stream->bytes - at - bytes);
			stream->bytes -= bytes;
			return true;
		}
		at += bytes;
	}
	return false;
}

/* Many loads, each of which a slow command waits for: signals must not overflow. */
static void check_signals(struct test *test, const struct target *target)
{
	struct command_list list = { 0 };
	unsigned int ahead = 0, most = 0;

	for (unsigned int i = 0; i < 2 * LOADS; i++) {
		bool load = i < LOADS;
		uint64_t block = (uint64_t)BLOCK * (i % LOADS);
		struct command *command = command_append(&list, load ? KESTREL_UNIT_DMA_IN :
							 KESTREL_UNIT_VECTOR, i);

		if (load) {
			command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
			command_set(command, KESTREL_DMA_COUNT0, 1);
		} else {
			command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_COPY);
			command_set(command, KESTREL_VECTOR_OFM_HEIGHT, 1000);
		}
		command_access(command, COMMAND_SPACE_SRAM, load, block, block + BLOCK);
	}
	CHECK(test, schedule(target, &list, true) == 0);
	for (unsigned int i = 0; i < list.count; i++) {
		ahead += list.commands[i].signals != 0;
		ahead -= list.commands[i].waits != 0;
		most = ahead > most ? ahead : most;
	}
	CHECK(test, list.count == 2 * LOADS && !ahead);
	CHECK(test, most > 100 && most + KESTREL_ISA_QUEUE_ENTRIES < KESTREL_ISA_SEMAPHORE_MAX);
	command_release(&list);
	test_end(test, "signals do not overflow");
}

/* Whether the check of the finished bytes accepts a list in its order. */
static bool accepted(const struct target *target, const struct command_list *list)
{
	struct stream_segment segment = { .base_count = 1, .bases[0].size = BLOCK * BLOCKS };
	struct predict_records *records = calloc(list->count, sizeof(*records));
	struct buffer bytes = { 0 };
	struct error error = { 0 };
	bool good;

	emit_stream(list, NULL, &bytes, records);
	good = verify_stream(target, &segment, &bytes, &error) == 0;
	if (!good)
		printf("# %s\n", error.text);
	buffer_release(&bytes);
	free(records);
	return good;
}

/*
 * Half of what each of two units does waits for the other half of the other's: no order
 * of the commands keeps one of them from getting ahead.
 */
static void check_joined(struct test *test, const struct target *target)
{
	const uint64_t source = (uint64_t)BLOCK * 2 * LOADS;
	struct command_list list = { 0 };
	unsigned int waits = 0, signals = 0;

	for (unsigned int i = 0; i < LOADS; i++)
		add_command(&list, KESTREL_UNIT_VECTOR, source, (uint64_t)BLOCK * i);
	for (unsigned int i = 0; i < LOADS; i++)
		add_command(&list, KESTREL_UNIT_MAC, source, (uint64_t)BLOCK * (LOADS + i));
	for (unsigned int i = 0; i < LOADS; i++)
		add_command(&list, KESTREL_UNIT_VECTOR, (uint64_t)BLOCK * (LOADS + i),
			    source + BLOCK);
	for (unsigned int i = 0; i < LOADS; i++)
		add_command(&list, KESTREL_UNIT_MAC, (uint64_t)BLOCK * i, source + 2 * BLOCK);
	CHECK(test, schedule(target, &list, true) == 0);
	CHECK(test, list.count == 4 * LOADS);
	for (unsigned int i = 0; i < list.count; i++)
		for (unsigned int s = 0; s < KESTREL_ISA_SEMAPHORES; s++) {
			signals += list.commands[i].signals >> s & 1;
			waits += list.commands[i].waits >> s & 1;
		}
	CHECK(test, signals == waits && signals && signals < 2 * LOADS);
	CHECK(test, accepted(target, &list));
	command_release(&list);
	test_end(test, "signals that would overflow in any order are joined");
}

/* A chain of units: what waits for its end waits for all of it, by one semaphore. */
static void check_thinned(struct test *test, const struct target *target)
{
	struct command_list list = { 0 };
	unsigned int waits = 0;

	add_command(&list, KESTREL_UNIT_DMA_IN, 0, 0);
	add_command(&list, KESTREL_UNIT_MAC, 0, BLOCK);
	add_command(&list, KESTREL_UNIT_VECTOR, BLOCK, 2 * BLOCK);
	/* Writes over what the load has written and the MAC has read. */
	add_command(&list, KESTREL_UNIT_VECTOR, 2 * BLOCK, 0);
	add_command(&list, KESTREL_UNIT_DMA_OUT, 0, 0);
	CHECK(test, schedule(target, &list, true) == 0);
	for (unsigned int i = 0; i < list.count; i++)
		waits += (unsigned int)__builtin_popcount(list.commands[i].waits);
	CHECK(test, waits == 3);
	CHECK(test, accepted(target, &list));
	command_release(&list);
	test_end(test, "nothing is waited for twice");
}

int main(void)
{
	struct stream_segment segment = { .base_count = 1 };
	struct target target;
	struct test test = { 0 };
	unsigned int removed = 0;
	uint64_t random = 11;
	struct error error;

	target_set(&target, "kestrel-256", NULL, &error);
	segment.bases[0].size = BLOCK * BLOCKS + 65536;
	for (int round = 0; round < 200; round++) {
		struct command_list program = { 0 }, stream = { 0 };
		struct predict_records records[COMMANDS];
		struct buffer bytes = { 0 };

		for (unsigned int i = 0; i < COMMANDS; i++) {
			enum kestrel_unit unit = test_random(&random) % KESTREL_UNIT_COUNT;
			uint64_t from = BLOCK * (test_random(&random) % BLOCKS);

			add_command(&program, unit, from, BLOCK * (test_random(&random) % BLOCKS));
		}
		for (unsigned int i = 0; i < COMMANDS; i++)
			*command_append(&stream, 0, 0) = program.commands[i];
		CHECK(&test, schedule(&target, &stream, round / 16 % 2) == 0);
		check_order(&test, &program, &stream);
		emit_stream(&stream, NULL, &bytes, records);
		error.text[0] = 0;
		CHECK(&test, verify_stream(&target, &segment, &bytes, &error) == 0);
		if (error.text[0])
			printf("# %s\n", error.text);
		if (remove_record(&bytes, round % 2 ? KESTREL_ISA_WAIT : KESTREL_ISA_SIGNAL,
				  (unsigned int)round / 2 % 8)) {
			removed++;
			CHECK(&test, verify_stream(&target, &segment, &bytes, &error) < 0);
		}
		buffer_release(&bytes);
		command_release(&program);
		command_release(&stream);
	}
	CHECK(&test, removed > 150);
	test_end(&test, "random programs are ordered, and a lost semaphore is noticed");
	check_signals(&test, &target);
	check_joined(&test, &target);
	check_thinned(&test, &target);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
