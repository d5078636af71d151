/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzers of the readers share. They are libFuzzer's: it calls
 * LLVMFuzzerTestOneInput() again and again with bytes that reach new code.
 * A finding is a crash: of a sanitizer, or abort() with a line that says why.
 */
#ifndef KESTREL_FUZZ_READER_H
#define KESTREL_FUZZ_READER_H

#include <stddef.h>
#include <stdint.h>

/* Called by libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
/* libFuzzer's own mutations. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/*
 * Compiles a model with one of `count` numerics profiles: a refusal has a message, and
 * libnpu takes what comes out, and runs it on the processor where that is little work. A
 * few of them get a command stream too. The bytes decide which and which profile.
 */
void reader_model(const uint8_t *data, size_t size, const char *const *profiles, size_t count);

/* Loads a graph file, which libnpu may refuse with a message, and runs it like the above. */
void reader_graph(const uint8_t *data, size_t size);

#endif
