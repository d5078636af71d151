// SPDX-License-Identifier: MIT
/*
 * Holds the fence of a job in a sync file, and nothing else of the driver.
 *
 * usage: kestrel-holder done|pending
 *
 *   done     the job ends well before
 *   pending  it would never end: the device has to go first
 *
 * Prints "held", waits for the end of its input, and tells what the fence says:
 * exit status 0 when that is right.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>

#include <linux/sync_file.h>

#include "kestrel.h"

static int sync_file_export(int fd, uint32_t syncobj)
{
	struct drm_syncobj_handle export = {
		.handle = syncobj, .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	int ret = device_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	return ret ? ret : export.fd;
}

/* A job of the kind that is asked for; its fence as a sync file, or -errno. */
static int job_start(struct client *client, bool pending)
{
	uint32_t done;
	int ret = client_open(client, 0);

	if (!ret)
		ret = syncobj_create(client->fd, &done);
	if (!ret && pending)
		ret = queue_create_patient(client->fd, client->vm, 4, &client->queue);
	if (!ret)
		ret = client_submit(client, 0, pending ? stream_endless(client, 0) :
							 stream_end(client, 0), done);
	if (!ret && !pending)
		ret = syncobj_wait(client->fd, done, 0, deadline(LONG_TIMEOUT_S));
	return ret ? ret : sync_file_export(client->fd, done);
}

int main(int argc, char **argv)
{
	bool pending = argc > 1 && !strcmp(argv[1], "pending");
	struct sync_file_info info = { 0 };
	struct client client;
	int fence = job_start(&client, pending);
	char byte;

	if (fence < 0) {
		printf("no fence: %s\n", strerror(-fence));
		return 1;
	}
	/* The file of a job that has not ended keeps it alive. */
	if (!pending)
		client_close(&client);
	puts("held");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	if (pending) {
		/* The device has gone. */
		client_close(&client);
		puts("closed");
		fflush(stdout);
	}
	if (ioctl(fence, SYNC_IOC_FILE_INFO, &info))
		return 1;
	printf("%s %s: status %d\n", info.name, pending ? "pending" : "done", info.status);
	return info.status != (pending ? -ENODEV : 1);
}
