// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bystander.h"

int bystander_round(struct client *client, unsigned int round)
{
	size_t size = stream_copy(client, 0, 0, 16384, 16384);
	int ret;

	memset(client->data, (int)round, 16384);
	memset(client->data + 16384, ~(int)round, 16384);
	bo_fini(client->fd, client->data_handle, DATA_SIZE);
	ret = client_run(client, 0, size);
	if (ret)
		return ret;
	ret = bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
		      deadline(LONG_TIMEOUT_S));
	return ret ? ret : memcmp(client->data, client->data + 16384, 16384) ? -EILSEQ : 0;
}

/* A queue that died without its own fault is replaced. */
static int bystander_recover(struct client *client)
{
	struct drm_kestrel_queue_state state;
	int ret = queue_state(client->fd, client->queue, &state);

	if (ret)
		return ret;
	if (state.status != DRM_KESTREL_QUEUE_INNOCENT || state.fault_count)
		return -EBADE;
	ret = queue_destroy(client->fd, client->queue);
	return ret ? ret : queue_create_patient(client->fd, client->vm, 4, &client->queue);
}

static void *bystander_run(void *context)
{
	struct bystander *bystander = context;
	struct client client;
	uint32_t queue;
	int ret = client_open(&client, 0);

	if (!ret)
		ret = queue_destroy(client.fd, client.queue);
	if (!ret)
		ret = queue_create_patient(client.fd, client.vm, 4, &queue);
	client.queue = queue;
	while (!ret && !bystander->stop) {
		ret = bystander_round(&client, bystander->rounds);
		if (ret == -ECANCELED) {
			bystander->lost++;
			ret = bystander_recover(&client);
		} else if (!ret) {
			bystander->rounds++;
		}
	}
	bystander->result = ret;
	client_close(&client);
	return NULL;
}

int bystander_start(struct bystander *bystander)
{
	memset(bystander, 0, sizeof(*bystander));
	return pthread_create(&bystander->thread, NULL, bystander_run, bystander) ? -EAGAIN : 0;
}

int bystander_goes_on(struct bystander *bystander, unsigned int rounds)
{
	int64_t end = deadline(LONG_TIMEOUT_S);

	while (bystander->rounds <= rounds + 1 && !bystander->result && deadline(0) < end)
		usleep(1000);
	return bystander->rounds > rounds + 1 ? 0 : bystander->result ? bystander->result : -ETIME;
}

int bystander_stop(struct bystander *bystander)
{
	bystander->stop = true;
	pthread_join(bystander->thread, NULL);
	return bystander->result;
}
