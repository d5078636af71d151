/* SPDX-License-Identifier: MIT */
/*
 * Somebody who has nothing to do with it: copies all the time. Only where the
 * device was reset it may lose jobs, is told that it is innocent, and goes on.
 * All functions return 0 or -errno.
 */
#ifndef KESTREL_TEST_BYSTANDER_H
#define KESTREL_TEST_BYSTANDER_H

#include <pthread.h>
#include <stdatomic.h>

#include "kestrel.h"

struct bystander {
	pthread_t thread;
	atomic_bool stop;
	atomic_uint rounds;
	atomic_uint lost;
	atomic_int result;
};

/* A copy by this client, whose bytes follow from the round; -EILSEQ: they are wrong. */
int bystander_round(struct client *client, unsigned int round);

/* Runs one in a thread of its own. */
int bystander_start(struct bystander *bystander);
/* Waits until it has done something since it had these rounds. */
int bystander_goes_on(struct bystander *bystander, unsigned int rounds);
/* Ends it; what went wrong for it, if anything. */
int bystander_stop(struct bystander *bystander);

#endif
