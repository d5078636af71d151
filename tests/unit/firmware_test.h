/* SPDX-License-Identifier: MIT */
/* One line for a group of checks; the first check that fails is named. */
#ifndef KESTREL_FIRMWARE_TEST_H
#define KESTREL_FIRMWARE_TEST_H

#include <stdbool.h>
#include <stdio.h>

static unsigned int test_failures;
static bool test_group_failed;

#define CHECK(condition)							\
	do {									\
		if (!(condition)) {						\
			if (!test_group_failed)					\
				printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			test_group_failed = true;				\
		}								\
	} while (0)

static inline void test_group(const char *name, void (*run)(void))
{
	test_group_failed = false;
	run();
	printf("%s - %s\n", test_group_failed ? "not ok" : "ok", name);
	test_failures += test_group_failed;
}

#endif
