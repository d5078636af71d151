// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/isa.h>

#include "verify.h"
#include "verify_access.h"
#include "verify_range.h"

struct semaphore {
	/* Signals given and taken, as the stream lists them. */
	unsigned int given, taken;
	/* The units that use it; -1: none yet. */
	int giver, taker;
	/* What each signal tells: commands of each unit that had retired. */
	unsigned int (*clocks)[KESTREL_UNIT_COUNT];
	unsigned int capacity;
};

struct executed {
	struct verify_access access[VERIFY_ACCESSES];
	unsigned int access_count;
};

/* What a unit has executed, in its order. */
struct executed_list {
	struct executed *commands;
	unsigned int count, capacity;
};

struct verifier {
	const struct target *target;
	const struct stream_segment *segment;
	const uint8_t *data;
	size_t bytes, at;
	struct error *error;
	unsigned int selected;
	uint32_t registers[KESTREL_UNIT_COUNT][VERIFY_REGISTERS];
	/* known[a][b]: commands of unit b that have retired when unit a goes on. */
	unsigned int known[KESTREL_UNIT_COUNT][KESTREL_UNIT_COUNT];
	struct semaphore semaphores[KESTREL_ISA_SEMAPHORES];
	struct executed_list executed[KESTREL_UNIT_COUNT];
};

static const char *const unit_names[] = { "DMA_IN", "DMA_OUT", "MAC", "VECTOR" };

static int fail(struct verifier *verifier, const char *what)
{
	return error_set(verifier->error, -EPROTO,
			 "internal check of the command stream, byte %zu: %s", verifier->at, what);
}

static int take_leb128(struct verifier *verifier, uint32_t *value)
{
	uint64_t result = 0;

	for (unsigned int i = 0; i < 5; i++) {
		uint8_t byte;

		if (verifier->at >= verifier->bytes)
			return fail(verifier, "a number runs over the end");
		byte = verifier->data[verifier->at++];
		result |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*value = (uint32_t)result;
			return result > UINT32_MAX ? fail(verifier, "a number is too large") : 0;
		}
	}
	return fail(verifier, "a number has more than five bytes");
}

static int give(struct verifier *verifier, unsigned int index)
{
	struct semaphore *semaphore = &verifier->semaphores[index];
	unsigned int unit = verifier->selected;

	if (semaphore->giver >= 0 && semaphore->giver != (int)unit)
		return fail(verifier, "two units signal one semaphore");
	semaphore->giver = (int)unit;
	if (semaphore->given == semaphore->capacity) {
		unsigned int capacity = 2 * semaphore->capacity + 16;
		void *grown = realloc(semaphore->clocks, capacity * sizeof(*semaphore->clocks));

		if (!grown)
			return error_memory(verifier->error);
		semaphore->clocks = grown;
		semaphore->capacity = capacity;
	}
	memcpy(semaphore->clocks[semaphore->given++], verifier->known[unit],
	       sizeof(verifier->known[unit]));
	/* The taker may be as far behind as its queue is long. */
	if (semaphore->given - semaphore->taken + KESTREL_ISA_QUEUE_ENTRIES >
	    KESTREL_ISA_SEMAPHORE_MAX)
		return fail(verifier, "a semaphore can overflow");
	return 0;
}

static int take(struct verifier *verifier, unsigned int index)
{
	struct semaphore *semaphore = &verifier->semaphores[index];
	unsigned int unit = verifier->selected;

	if (semaphore->taker >= 0 && semaphore->taker != (int)unit)
		return fail(verifier, "two units wait for one semaphore");
	semaphore->taker = (int)unit;
	if (semaphore->taken == semaphore->given)
		return fail(verifier, "a WAIT stands before its SIGNAL");
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		if (semaphore->clocks[semaphore->taken][u] > verifier->known[unit][u])
			verifier->known[unit][u] = semaphore->clocks[semaphore->taken][u];
	semaphore->taken++;
	return 0;
}

/* Everything has retired, and every semaphore must be 0. */
static int drain(struct verifier *verifier)
{
	unsigned int count[KESTREL_UNIT_COUNT];

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		count[u] = verifier->known[u][u];
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		memcpy(verifier->known[u], count, sizeof(count));
	for (unsigned int s = 0; s < KESTREL_ISA_SEMAPHORES; s++) {
		if (verifier->semaphores[s].given != verifier->semaphores[s].taken)
			return fail(verifier, "a semaphore is not 0 where the units are idle");
		verifier->semaphores[s].giver = verifier->semaphores[s].taker = -1;
	}
	return 0;
}

static void reset(struct verifier *verifier)
{
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		verify_reset(u, verifier->registers[u]);
	verifier->selected = KESTREL_UNIT_DMA_IN;
}

static int preempt(struct verifier *verifier)
{
	uint32_t count, address, bytes, end = 0;
	int ret = take_leb128(verifier, &count);

	if (!ret && count > KESTREL_ISA_PREEMPT_RANGES)
		ret = fail(verifier, "too many live ranges");
	for (uint32_t i = 0; i < count && !ret; i++) {
		ret = take_leb128(verifier, &address);
		if (!ret)
			ret = take_leb128(verifier, &bytes);
		if (!ret && (address < end || address % 16 || bytes % 16 ||
			     (uint64_t)address + bytes > verifier->target->sram_bytes))
			ret = fail(verifier, "live ranges out of order or outside SRAM");
		if (!ret)
			end = address + bytes;
	}
	if (!ret)
		ret = drain(verifier);
	reset(verifier);
	return ret;
}

static int check_bounds(struct verifier *verifier, const struct verify_access *access)
{
	const struct stream_segment *segment = verifier->segment;
	uint64_t limit = verifier->target->sram_bytes;

	if (access->space) {
		if (access->space > segment->base_count)
			return fail(verifier, "a base that the segment does not have");
		limit = segment->bases[access->space - 1].size;
	}
	if (access->to > limit)
		return fail(verifier, access->space ? "an access leaves its base" :
						      "an access leaves the SRAM");
	return 0;
}

/* Two bases can be of one memory: from here on an access is of all that it may touch. */
static void widen(const struct verifier *verifier, struct verify_access *access)
{
	uint64_t reach;

	if (!access->space)
		return;
	access->space = stream_base_memory(verifier->segment, access->space - 1, &reach) + 1;
	access->to += reach;
}

static bool conflict(const struct executed *a, const struct executed *b)
{
	for (unsigned int i = 0; i < a->access_count; i++)
		for (unsigned int j = 0; j < b->access_count; j++) {
			const struct verify_access *x = &a->access[i], *y = &b->access[j];

			if (x->space == y->space && (x->write || y->write) && x->from < y->to &&
			    y->from < x->to)
				return true;
		}
	return false;
}

/* Whether a command must have waited for one of another unit and has not. */
static bool meets(const struct verifier *verifier, const struct executed *command, unsigned int other)
{
	const struct executed_list *list = &verifier->executed[other];
	unsigned int known = verifier->known[verifier->selected][other];

	for (unsigned int i = list->count; i-- > known;)
		if (conflict(command, &list->commands[i]))
			return true;
	return false;
}

static int execute(struct verifier *verifier)
{
	unsigned int unit = verifier->selected;
	struct executed_list *list = &verifier->executed[unit];
	struct executed *command;
	int ret = 0;

	if (list->count == list->capacity) {
		unsigned int capacity = 2 * list->capacity + 64;
		void *grown = realloc(list->commands, capacity * sizeof(*list->commands));

		if (!grown)
			return error_memory(verifier->error);
		list->commands = grown;
		list->capacity = capacity;
	}
	command = &list->commands[list->count];
	command->access_count = verify_accesses(unit, verifier->registers[unit], command->access);
	for (unsigned int i = 0; i < command->access_count && !ret; i++) {
		ret = check_bounds(verifier, &command->access[i]);
		if (!ret)
			widen(verifier, &command->access[i]);
	}
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT && !ret; u++)
		if (u != unit && meets(verifier, command, u))
			ret = error_set(verifier->error, -EPROTO,
					"internal check of the command stream, byte %zu: %s touches bytes of an earlier %s command without waiting for it",
					verifier->at, unit_names[unit], unit_names[u]);
	list->count++;
	verifier->known[unit][unit]++;
	return ret;
}

static int set_register(struct verifier *verifier, unsigned int number)
{
	unsigned int unit = verifier->selected;
	uint32_t *value = &verifier->registers[unit][number];
	int ret;

	if (number >= verify_register_count(unit))
		return fail(verifier, "a register that the unit does not have");
	ret = take_leb128(verifier, value);
	if (!ret && !verify_range(unit, number, *value))
		return error_set(verifier->error, -EPROTO,
				 "internal check of the command stream, byte %zu: register %u of %s does not take %u",
				 verifier->at, number, unit_names[unit], *value);
	return ret;
}

static int record(struct verifier *verifier, bool *ended)
{
	uint8_t opcode = verifier->data[verifier->at++];

	if (opcode < KESTREL_ISA_END)
		return set_register(verifier, opcode);
	if (opcode == KESTREL_ISA_END) {
		*ended = true;
		return drain(verifier);
	}
	if (opcode == KESTREL_ISA_EXECUTE)
		return execute(verifier);
	if (opcode == KESTREL_ISA_PREEMPT)
		return preempt(verifier);
	if (opcode >= KESTREL_ISA_SELECT && opcode < KESTREL_ISA_SELECT + KESTREL_UNIT_COUNT) {
		verifier->selected = opcode - KESTREL_ISA_SELECT;
		return 0;
	}
	if (opcode >= KESTREL_ISA_SIGNAL && opcode < KESTREL_ISA_SIGNAL + KESTREL_ISA_SEMAPHORES)
		return give(verifier, opcode - KESTREL_ISA_SIGNAL);
	if (opcode >= KESTREL_ISA_WAIT && opcode < KESTREL_ISA_WAIT + KESTREL_ISA_SEMAPHORES)
		return take(verifier, opcode - KESTREL_ISA_WAIT);
	return fail(verifier, "an opcode that does not exist");
}

int verify_stream(const struct target *target, const struct stream_segment *segment,
		  const struct buffer *commands, struct error *error)
{
	struct verifier verifier = {
		.target = target, .segment = segment, .error = error,
		.data = commands->data, .bytes = commands->bytes,
	};
	bool ended = false;
	int ret = 0;

	reset(&verifier);
	for (unsigned int s = 0; s < KESTREL_ISA_SEMAPHORES; s++)
		verifier.semaphores[s].giver = verifier.semaphores[s].taker = -1;
	while (!ret && !ended && verifier.at < verifier.bytes)
		ret = record(&verifier, &ended);
	if (!ret && !ended)
		ret = fail(&verifier, "it has no END");
	for (unsigned int s = 0; s < KESTREL_ISA_SEMAPHORES; s++)
		free(verifier.semaphores[s].clocks);
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		free(verifier.executed[u].commands);
	return ret;
}
