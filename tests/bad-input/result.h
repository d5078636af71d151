/* SPDX-License-Identifier: MIT */
/* Results of the bad-input programs: TAP lines, counted. */
#ifndef BAD_INPUT_RESULT_H
#define BAD_INPUT_RESULT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct results {
	/* Goes before every name, "graph" for example. */
	const char *subject;
	unsigned int failed;
	unsigned int count;
};

/* One line; `explanation` is printed for a failure and may be NULL. */
static inline void result_add(struct results *results, bool good, const char *name,
			      const char *explanation)
{
	results->count++;
	if (!good) {
		results->failed++;
		if (explanation)
			printf("# %s\n", explanation);
	}
	printf("%s - %s: %s\n", good ? "ok" : "not ok", results->subject, name);
	fflush(stdout);
}

/*
 * A refusal is good when it came with a negative code and a message that holds
 * all of `words` (ended by NULL).
 */
static inline void result_refusal(struct results *results, const char *name, int code,
				  const char *message, const char *const *words)
{
	char explanation[1400];
	bool good = code < 0;

	snprintf(explanation, sizeof(explanation), "%.250s: code %d, message \"%.1024s\"", name, code,
		 message ? message : "");
	for (; *words; words++)
		good = good && message && strstr(message, *words);
	result_add(results, good, name, explanation);
}

/* Exit code of the program: 0 when there were results and all were good. */
static inline int result_code(const struct results *results)
{
	return results->failed || !results->count;
}

/* A whole file in memory; NULL with a message on stderr when it cannot be read. */
static inline uint8_t *file_load(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long length;

	if (!file || fseek(file, 0, SEEK_END) || (length = ftell(file)) < 0 ||
	    fseek(file, 0, SEEK_SET)) {
		perror(path);
		if (file)
			fclose(file);
		return NULL;
	}
	bytes = malloc((size_t)length + 1);
	*size = bytes ? fread(bytes, 1, (size_t)length, file) : 0;
	fclose(file);
	return bytes;
}

static inline bool file_save(const char *path, const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	bool good = file && fwrite(bytes, 1, size, file) == size;

	if (file && fclose(file))
		good = false;
	if (!good)
		perror(path);
	return good;
}

#endif
