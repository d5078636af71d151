/* SPDX-License-Identifier: MIT */
/* Repeatable random numbers: splitmix64. */
#ifndef RANDOM_H
#define RANDOM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* The numbers that belong to part `stream` of what `seed` stands for. */
static inline struct random random_stream(uint64_t seed, uint64_t stream)
{
	struct random random = { seed * 0xd1342543de82ef95u + stream };

	random.state = random_next(&random);
	return random;
}

/* low..high, both included. */
static inline int random_range(struct random *random, int low, int high)
{
	return low + (int)(random_next(random) % (uint64_t)(high - low + 1));
}

static inline bool random_chance(struct random *random, int percent)
{
	return random_range(random, 1, 100) <= percent;
}

/* From 0 up to, but not, 1. */
static inline double random_fraction(struct random *random)
{
	return (double)(random_next(random) >> 11) / 9007199254740992.0;
}

/* Equally likely in each octave. */
static inline double random_logarithmic(struct random *random, double low, double high)
{
	return low * pow(high / low, random_fraction(random));
}

#endif
