// SPDX-License-Identifier: MIT
/*
 * A round is announced by a new number; each thread does its part and counts
 * itself off. Waiters look at the number for a while before they sleep, since
 * the next operator mostly follows at once.
 */
#include "team.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Looks before sleeping; a few microseconds. */
#define SPINS 2000

struct member {
	struct team *team;
	uint32_t part;
	pthread_t thread;
};

struct team {
	uint32_t threads;
	uint32_t started;		/* members with a thread */
	struct member *members;
	team_fn *work;
	void *opaque;
	int stop;
	atomic_uint round;
	atomic_uint unfinished;
	pthread_mutex_t lock;
	pthread_cond_t begun;
	pthread_cond_t ended;
};

static unsigned int round_wait(struct team *team, unsigned int last)
{
	unsigned int round;

	for (int i = 0; i < SPINS; i++) {
		round = atomic_load(&team->round);
		if (round != last)
			return round;
	}
	pthread_mutex_lock(&team->lock);
	while ((round = atomic_load(&team->round)) == last)
		pthread_cond_wait(&team->begun, &team->lock);
	pthread_mutex_unlock(&team->lock);
	return round;
}

static void *member_run(void *opaque)
{
	struct member *member = opaque;
	struct team *team = member->team;
	unsigned int round = 0;

	for (;;) {
		round = round_wait(team, round);
		if (team->stop)
			return NULL;
		team->work(team->opaque, member->part, team->threads);
		if (atomic_fetch_sub(&team->unfinished, 1) == 1) {
			pthread_mutex_lock(&team->lock);
			pthread_cond_signal(&team->ended);
			pthread_mutex_unlock(&team->lock);
		}
	}
}

static void round_begin(struct team *team)
{
	pthread_mutex_lock(&team->lock);
	atomic_fetch_add(&team->round, 1);
	pthread_cond_broadcast(&team->begun);
	pthread_mutex_unlock(&team->lock);
}

int team_create(uint32_t threads, struct team **result)
{
	struct team *team = calloc(1, sizeof(*team));
	int ret = 0;

	*result = NULL;
	if (!team)
		return -ENOMEM;
	pthread_mutex_init(&team->lock, NULL);
	pthread_cond_init(&team->begun, NULL);
	pthread_cond_init(&team->ended, NULL);
	team->threads = threads;
	team->members = calloc(threads, sizeof(*team->members));
	if (!team->members)
		ret = ENOMEM;
	for (uint32_t i = 1; !ret && i < threads; i++) {
		team->members[i].team = team;
		team->members[i].part = i;
		ret = pthread_create(&team->members[i].thread, NULL, member_run,
				     &team->members[i]);
		team->started += !ret;
	}
	if (ret) {
		team_free(team);
		return -ret;
	}
	*result = team;
	return 0;
}

void team_free(struct team *team)
{
	if (!team)
		return;
	team->stop = 1;
	round_begin(team);
	for (uint32_t i = 1; i <= team->started; i++)
		pthread_join(team->members[i].thread, NULL);
	pthread_cond_destroy(&team->begun);
	pthread_cond_destroy(&team->ended);
	pthread_mutex_destroy(&team->lock);
	free(team->members);
	free(team);
}

void team_run(struct team *team, team_fn *work, void *opaque)
{
	team->work = work;
	team->opaque = opaque;
	atomic_store(&team->unfinished, team->threads - 1);
	if (team->threads > 1)
		round_begin(team);
	work(opaque, 0, team->threads);
	for (int i = 0; i < SPINS; i++)
		if (!atomic_load(&team->unfinished))
			return;
	pthread_mutex_lock(&team->lock);
	while (atomic_load(&team->unfinished))
		pthread_cond_wait(&team->ended, &team->lock);
	pthread_mutex_unlock(&team->lock);
}

uint32_t team_threads(const struct team *team)
{
	return team->threads;
}
