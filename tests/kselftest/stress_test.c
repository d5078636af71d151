// SPDX-License-Identifier: MIT
/* Several clients at once, and signals all the time. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "kestrel.h"

#include "kselftest_harness.h"

#define CLIENTS	4

/* One client's life; its result is 0 or -errno. */
struct worker {
	pthread_t thread;
	unsigned int number;
	int result;
};

/* Copies in its own address space, checks that nobody else's data came. */
static int work_well(struct client *client, unsigned int number)
{
	size_t size = stream_copy(client, 0, 0, 16384, 16384);
	unsigned int round;
	int ret;

	for (round = 0; round < 25; round++) {
		memset(client->data, number * 31 + round, 16384);
		memset(client->data + 16384, 0xff, 16384);
		bo_fini(client->fd, client->data_handle, DATA_SIZE);
		ret = client_submit(client, 0, size, 0);
		if (!ret)
			ret = bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ,
				      DATA_SIZE, deadline(LONG_TIMEOUT_S));
		if (ret)
			return ret;
		if (memcmp(client->data, client->data + 16384, 16384))
			return -EILSEQ;
	}

	return 0;
}

/* Breaks its queue again and again. */
static int work_badly(struct client *client)
{
	unsigned int round;
	int ret;

	for (round = 0; round < 10; round++) {
		ret = client_run(client, 0, stream_illegal(client, 0));
		if (ret != -EINVAL)
			return ret ? ret : -EPROTO;
		ret = queue_destroy(client->fd, client->queue);
		if (!ret)
			ret = queue_create(client->fd, client->vm, 16, 20, &client->queue);
		if (ret)
			return ret;
		ret = client_submit(client, 0, stream_endless(client, 0), 0);
		if (!ret)
			ret = queue_destroy(client->fd, client->queue);
		if (!ret)
			ret = queue_create(client->fd, client->vm, 16, 20, &client->queue);
		if (ret)
			return ret;
	}

	return 0;
}

static void *worker_run(void *context)
{
	struct worker *worker = context;
	struct client client;

	worker->result = client_open(&client, 0);
	if (!worker->result)
		worker->result = worker->number ? work_well(&client, worker->number) :
						  work_badly(&client);
	client_close(&client);
	return NULL;
}

static void run_workers(struct __test_metadata *_metadata)
{
	struct worker workers[CLIENTS];
	unsigned int i;

	for (i = 0; i < CLIENTS; i++) {
		workers[i].number = i;
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]), 0);
	}
	for (i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(pthread_join(workers[i].thread, NULL), 0);
		EXPECT_EQ(workers[i].result, 0) TH_LOG("client %u", i);
	}
}

TEST(clients_at_once)
{
	run_workers(_metadata);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* Every call that can be interrupted is, and goes on as if it had not been. */
TEST(clients_under_signals)
{
	const struct itimerval storm = { { 0, 5000 }, { 0, 5000 } };
	const struct itimerval calm = { 0 };
	struct sigaction action = { .sa_handler = on_alarm };

	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &storm, NULL), 0);
	run_workers(_metadata);
	ASSERT_EQ(setitimer(ITIMER_REAL, &calm, NULL), 0);
}

/* Mapping and unmapping elsewhere does not disturb what runs. */
TEST(binding_while_jobs_run)
{
	struct client client;
	size_t size;
	uint32_t bo, i;

	ASSERT_EQ(client_open(&client, 0), 0);
	ASSERT_EQ(bo_create(client.fd, 1024 * PAGE, &bo), 0);
	size = stream_copy(&client, 0, 0, 32768, 32768);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(client_submit(&client, 0, size, 0), 0);
		ASSERT_EQ(vm_map(client.fd, client.vm, bo, 0x40000000 + i * PAGE, 1024 * PAGE,
				 DRM_KESTREL_BIND_READ), 0);
		ASSERT_EQ(vm_unmap(client.fd, client.vm, 0x40000000 + 512 * PAGE, 3 * PAGE), 0);
	}
	ASSERT_EQ(bo_prep(client.fd, client.data_handle, DRM_KESTREL_PREP_READ, PAGE,
			  deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(client_run(&client, 0, size), 0);
	client_close(&client);
}

TEST_HARNESS_MAIN
