// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "fuzz.h"

/* Findings of one target after which it is not worth going on. */
#define FINDINGS_MAX 20
/* Exit code of a child that has found something and said so. */
#define CHILD_FINDING 3
#define CHILD_UNPREPARED 4

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The state counts: neighbouring seeds must begin far from each other. */
struct fuzz_random fuzz_random_start(uint64_t seed)
{
	return (struct fuzz_random){ mix(mix(seed + 1) + UINT64_C(0x2545f4914f6cdd1d)) };
}

/* SplitMix64: every state is a good one. */
uint32_t fuzz_random32(struct fuzz_random *random)
{
	random->state += UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(mix(random->state) >> 16);
}

uint32_t fuzz_below(struct fuzz_random *random, uint32_t limit)
{
	return (uint32_t)((uint64_t)fuzz_random32(random) * limit >> 32);
}

bool fuzz_once_in(struct fuzz_random *random, uint32_t times)
{
	return !fuzz_below(random, times);
}

uint32_t fuzz_value(struct fuzz_random *random)
{
	switch (fuzz_below(random, 8)) {
	case 0:
		return fuzz_below(random, 4);
	case 1:
		return fuzz_below(random, 64);
	case 2:
		return 16 * fuzz_below(random, 4096);
	case 3:
		return 1u << fuzz_below(random, 32);
	case 4:
		return (1u << fuzz_below(random, 32)) - 1;
	case 5:
		return UINT32_MAX - fuzz_below(random, 64);
	default:
		return fuzz_random32(random);
	}
}

void fuzz_damage(struct fuzz_random *random, uint8_t *bytes, uint32_t size)
{
	uint32_t at = fuzz_below(random, size), from, length, value;

	switch (fuzz_below(random, 4)) {
	case 0:
		bytes[at] ^= (uint8_t)(1u << fuzz_below(random, 8));
		break;
	case 1:
		bytes[at] = (uint8_t)fuzz_random32(random);
		break;
	case 2:
		value = fuzz_value(random);
		at &= ~3u;
		memcpy(bytes + at, &value, size - at < 4 ? size - at : 4);
		break;
	default:
		from = fuzz_below(random, size);
		length = 1 + fuzz_below(random, 32);
		if (length > size - at)
			length = size - at;
		if (length > size - from)
			length = size - from;
		memmove(bytes + at, bytes + from, length);
		break;
	}
}

/* Shared with the child: the case that it is at, and cases that are done. */
struct progress {
	volatile uint64_t seed;
	volatile uint64_t done;
};

static double seconds_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void child_run(const struct fuzz_target *target, struct progress *progress, uint64_t seed,
		      uint64_t end, bool (*prepare)(void))
{
	if (prepare && !prepare())
		exit(CHILD_UNPREPARED);
	for (; seed != end; seed++) {
		progress->seed = seed;
		if (!target->run(seed)) {
			fflush(stdout);
			_exit(CHILD_FINDING);
		}
		progress->done++;
	}
	/* With its exit handlers: the leak checker is one. */
	exit(0);
}

/* Waits for the child; kills it when one case takes longer than `limit`. */
static bool child_wait(pid_t child, struct progress *progress, unsigned int limit, int *status)
{
	uint64_t seed = progress->seed;
	double since = seconds_now();

	while (waitpid(child, status, WNOHANG) == 0) {
		const struct timespec pause = { .tv_nsec = 10000000 };

		nanosleep(&pause, NULL);
		if (progress->seed != seed) {
			seed = progress->seed;
			since = seconds_now();
		} else if (seconds_now() - since > limit) {
			kill(child, SIGKILL);
			waitpid(child, status, 0);
			return false;
		}
	}
	return true;
}

struct options {
	const char *program;
	const char *target;
	uint64_t count;
	uint64_t seed;
	unsigned int limit;
	char **arguments;
};

static void finding_print(const struct options *options, const struct fuzz_target *target,
			  uint64_t seed, const char *what)
{
	char **argument;

	printf("# %s: seed %" PRIu64 " %s; to repeat: %s --target %s --seed %" PRIu64
	       " --count 1", target->name, seed, what, options->program, target->name, seed);
	for (argument = options->arguments; *argument; argument++)
		printf(" %s", *argument);
	printf("\n");
}

/* Returns whether all cases of the target passed. */
static bool target_run(const struct options *options, const struct fuzz_target *target,
		       struct progress *progress, bool (*prepare)(void))
{
	uint64_t count = options->count ? options->count : target->count;
	uint64_t seed = options->seed, end = seed + count;
	unsigned int findings = 0;
	double since = seconds_now();

	progress->done = 0;
	while (seed != end && findings < FINDINGS_MAX) {
		int status = 0;
		pid_t child;

		progress->seed = seed;
		fflush(stdout);
		child = fork();
		if (child < 0) {
			perror("fork");
			return false;
		}
		if (!child)
			child_run(target, progress, seed, end, prepare);
		if (!child_wait(child, progress, options->limit, &status)) {
			finding_print(options, target, progress->seed, "hangs");
		} else if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_UNPREPARED) {
			findings++;
			break;
		} else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			seed = end;
			continue;
		} else {
			finding_print(options, target, progress->seed,
				      WIFEXITED(status) && WEXITSTATUS(status) == CHILD_FINDING ?
				      "fails" : "crashes");
		}
		findings++;
		seed = progress->seed + 1;
	}
	printf("%s - %s: %" PRIu64 " cases from seed %" PRIu64 " in %.1f s, %u findings\n",
	       findings ? "not ok" : "ok", target->name, progress->done, options->seed,
	       seconds_now() - since, findings);
	fflush(stdout);
	return !findings;
}

static int usage(const char *program, const struct fuzz_target *targets)
{
	fprintf(stderr, "usage: %s [--target NAME] [--count N] [--seed S] [--limit SECONDS] "
		"[ARGUMENT]...\ntargets:", program);
	for (; targets->name; targets++)
		fprintf(stderr, " %s", targets->name);
	fprintf(stderr, "\n");
	return 2;
}

int fuzz_main(int argc, char **argv, const struct fuzz_target *targets, bool (*prepare)(void),
	      char ***arguments)
{
	struct options options = { .program = argv[0], .seed = 1, .limit = 60 };
	const struct fuzz_target *target;
	struct progress *progress;
	bool good = true, found = false;
	int i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i += 2) {
		if (i + 1 == argc)
			return usage(argv[0], targets);
		if (!strcmp(argv[i], "--target"))
			options.target = argv[i + 1];
		else if (!strcmp(argv[i], "--count"))
			options.count = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			options.seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--limit"))
			options.limit = (unsigned int)strtoul(argv[i + 1], NULL, 0);
		else
			return usage(argv[0], targets);
	}
	options.arguments = argv + i;
	*arguments = options.arguments;
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (target = targets; target->name; target++) {
		if (options.target && strcmp(options.target, target->name))
			continue;
		found = true;
		good = target_run(&options, target, progress, prepare) && good;
	}
	return found ? !good : usage(argv[0], targets);
}
