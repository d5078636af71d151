/* SPDX-License-Identifier: MIT */
/* What the compiler's unit tests share: groups of checks, files, random numbers. */
#ifndef COMPILER_TEST_H
#define COMPILER_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "buffer.h"

/* Tests run from the top of the tree. */
#define DEMO_MODEL "tests/demo/model.tflite"

struct test {
	const char *group;
	unsigned int failed_here, failed;
};

static inline void test_check(struct test *test, bool holds, const char *what, int line)
{
	if (holds)
		return;
	if (test->failed_here++ < 5)
		printf("# line %d: %s does not hold\n", line, what);
	test->failed++;
}

#define CHECK(test, condition) test_check(test, condition, #condition, __LINE__)

static inline void test_end(struct test *test, const char *group)
{
	printf("%s - %s\n", test->failed_here ? "not ok" : "ok", group);
	test->failed_here = 0;
}

static inline uint32_t test_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

/* The whole file, or an empty buffer. */
static inline struct buffer test_file(const char *path)
{
	struct buffer contents = { 0 };
	FILE *file = fopen(path, "rb");
	uint8_t block[4096];
	size_t bytes;

	while (file && (bytes = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(&contents, block, bytes);
	if (file)
		fclose(file);
	return contents;
}

#endif
