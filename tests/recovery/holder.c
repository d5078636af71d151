// SPDX-License-Identifier: MIT
/*
 * Holds the fence of a job in a sync file, and nothing else of the driver; or holds up
 * an ioctl.
 *
 * usage: kestrel-holder done|pending|bind
 *
 *   done     the job ends well before
 *   pending  it would never end: the device has to go first
 *   bind     VM_BIND whose list is in memory that is not there yet: the device goes first
 *
 * Prints "held", waits for the end of its input, and tells what the fence (the ioctl)
 * says: exit status 0 when that is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/sync_file.h>
#include <linux/userfaultfd.h>

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

struct binder {
	int fd;
	uint32_t vm;
	void *list;
	int ret;
};

static void *binder_run(void *context)
{
	struct binder *binder = context;
	struct drm_kestrel_vm_bind bind = {
		.vm_id = binder->vm,
		.ops = { .stride = sizeof(struct drm_kestrel_bind_op), .count = 1,
			 .ptr = (uintptr_t)binder->list },
	};

	binder->ret = device_ioctl(binder->fd, DRM_IOCTL_KESTREL_VM_BIND, &bind);
	return NULL;
}

static void input_wait(void)
{
	char byte;

	puts("held");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
}

/* The kernel waits for a page of ours, as it would for one of a client's file system. */
static int bind_hold(void)
{
	struct uffdio_register range = { .range = { .len = 65536 },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct binder binder = { .fd = device_open() };
	struct uffd_msg message;
	pthread_t thread;

	binder.list = mmap(NULL, range.range.len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)binder.list;
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) ||
	    ioctl(faults, UFFDIO_REGISTER, &range) || vm_create(binder.fd, &binder.vm) ||
	    pthread_create(&thread, NULL, binder_run, &binder) ||
	    read(faults, &message, sizeof(message)) != sizeof(message)) {
		printf("no fault: %s\n", strerror(errno));
		return 1;
	}
	input_wait();
	if (ioctl(faults, UFFDIO_ZEROPAGE,
		  &(struct uffdio_zeropage){ .range = range.range }))
		return 1;
	pthread_join(thread, NULL);
	printf("VM_BIND: %s\n", strerror(-binder.ret));
	return binder.ret != -ENODEV;
}

int main(int argc, char **argv)
{
	bool pending = argc > 1 && !strcmp(argv[1], "pending");
	struct sync_file_info info = { 0 };
	struct client client;
	int fence;

	if (argc > 1 && !strcmp(argv[1], "bind"))
		return bind_hold();
	fence = job_start(&client, pending);
	if (fence < 0) {
		printf("no fence: %s\n", strerror(-fence));
		return 1;
	}
	/* The file of a job that has not ended keeps it alive. */
	if (!pending)
		client_close(&client);
	input_wait();
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
