/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzers share: arguments, random numbers, and a parent process that
 * outlives the case that kills or hangs the program and tells its seed.
 *
 * A target is a function that runs one case, all of it decided by its seed. The
 * cases of a target run one after the other in a child; after a crash, a hang or
 * a finding the next child goes on behind that case. Every finding prints the
 * command that repeats it.
 */
#ifndef KESTREL_FUZZ_H
#define KESTREL_FUZZ_H

#include <stdbool.h>
#include <stdint.h>

/* Random numbers of one case. */
struct fuzz_random {
	uint64_t state;
};

struct fuzz_random fuzz_random_start(uint64_t seed);
uint32_t fuzz_random32(struct fuzz_random *random);
/* 0 .. limit - 1; limit is not 0. */
uint32_t fuzz_below(struct fuzz_random *random, uint32_t limit);
/* True once in `times` on average. */
bool fuzz_once_in(struct fuzz_random *random, uint32_t times);
/* Mostly small, round or extreme values, now and then any. */
uint32_t fuzz_value(struct fuzz_random *random);
/* Damages one place of the bytes: bits, a byte, a word, or a copy of another place. */
void fuzz_damage(struct fuzz_random *random, uint8_t *bytes, uint32_t size);

struct fuzz_target {
	/* Of --target and of the result. */
	const char *name;
	/* Cases of a run without --count. */
	uint64_t count;
	/* Runs a case; false with a line that begins with '#' on stdout: a finding. */
	bool (*run)(uint64_t seed);
};

/*
 * The program: [--target NAME] [--count N] [--seed S] [--limit SECONDS], then
 * arguments of its own, which *arguments names afterwards (ended by NULL).
 * `targets` ends with one that has no name. Prints a TAP line for each target;
 * returns the exit code. prepare() is called once in each child before its first
 * case; false with a '#' line: nothing can be done. May be NULL.
 */
int fuzz_main(int argc, char **argv, const struct fuzz_target *targets, bool (*prepare)(void),
	      char ***arguments);

#endif
