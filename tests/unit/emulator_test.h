/* SPDX-License-Identifier: MIT */
/* What the emulator's unit tests share: checks, groups, a machine around the device. */

#ifndef EMULATOR_TEST_H
#define EMULATOR_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <kestrel/regs.h>

#include "emulator.h"

struct test {
	unsigned int failures;
	/* Failures when the present group began. */
	unsigned int before;
};

static inline void test_check(struct test *test, bool good, const char *text, int line)
{
	if (good)
		return;
	test->failures++;
	printf("# line %d: %s\n", line, text);
}

static inline void test_equal(struct test *test, uint64_t got, uint64_t expected,
			      const char *text, int line)
{
	if (got == expected)
		return;
	test->failures++;
	printf("# line %d: %s is 0x%llx, expected 0x%llx\n", line, text,
	       (unsigned long long)got, (unsigned long long)expected);
}

#define CHECK(test, condition) test_check(test, condition, #condition, __LINE__)
#define EQUAL(test, got, expected) \
	test_equal(test, (uint64_t)(got), (uint64_t)(expected), #got, __LINE__)

/* Ends a group of checks with its line. */
static inline void test_group(struct test *test, const char *name)
{
	printf("%s - %s\n", test->failures == test->before ? "ok" : "not ok", name);
	test->before = test->failures;
}

/* A machine with memory from physical address 0 and an interrupt line. */
#define TEST_MEMORY_BYTES 0x400000u

struct test_machine {
	uint8_t memory[TEST_MEMORY_BYTES];
	bool line;
	unsigned int rises;
};

static inline int test_memory_read(void *opaque, uint64_t address, void *data, size_t length)
{
	struct test_machine *machine = opaque;

	if (address >= TEST_MEMORY_BYTES || length > TEST_MEMORY_BYTES - address)
		return -1;
	memcpy(data, machine->memory + address, length);
	return 0;
}

static inline int test_memory_write(void *opaque, uint64_t address, const void *data,
				    size_t length)
{
	struct test_machine *machine = opaque;

	if (address >= TEST_MEMORY_BYTES || length > TEST_MEMORY_BYTES - address)
		return -1;
	memcpy(machine->memory + address, data, length);
	return 0;
}

static inline void test_interrupt(void *opaque, bool level)
{
	struct test_machine *machine = opaque;

	machine->rises += level && !machine->line;
	machine->line = level;
}

static inline struct kestrel_emulator_host test_host(struct test_machine *machine)
{
	struct kestrel_emulator_host host = {
		.opaque = machine,
		.memory_read = test_memory_read,
		.memory_write = test_memory_write,
		.interrupt = test_interrupt,
	};

	return host;
}

static inline void test_store64(struct test_machine *machine, uint64_t address, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		machine->memory[address + i] = (uint8_t)(value >> i * 8);
}

static inline void test_store32(struct test_machine *machine, uint64_t address, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		machine->memory[address + i] = (uint8_t)(value >> i * 8);
}

#endif
