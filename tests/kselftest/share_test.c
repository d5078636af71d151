// SPDX-License-Identifier: MIT
/* PRIME: buffers of others that jobs use, and ours that others use. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include <drm_mode.h>

#include "kestrel.h"

#include "kselftest_harness.h"

#define OTHER_VA	0x8000000ull
#define READ_WRITE	(DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE)

FIXTURE(share)
{
	struct client client;
};

FIXTURE_SETUP(share)
{
	ASSERT_EQ(client_open(&self->client, 0), 0);
}

FIXTURE_TEARDOWN(share)
{
	client_close(&self->client);
}

static int buffer_sync(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return device_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

static int handle_export(int fd, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = device_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	return ret ? ret : prime.fd;
}

/*
 * A buffer of DATA_SIZE bytes from elsewhere goes in: a job reads what the CPU
 * wrote into it and writes what the CPU then reads. 0 or -errno.
 */
static int import_works(struct client *client, int dmabuf)
{
	struct drm_kestrel_bo_info info = { 0 };
	uint32_t handle;
	uint8_t *map;
	int ret;

	ret = handle_import(client->fd, dmabuf, &handle);
	if (ret)
		return ret;
	info.handle = handle;
	ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_BO_INFO, &info);
	if (ret || !(info.flags & DRM_KESTREL_BO_IMPORTED) || info.size != DATA_SIZE)
		return ret ? ret : -EILSEQ;

	map = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	if (map == MAP_FAILED)
		return -errno;
	/* Once by the ioctls of the driver, once by that of dma-buf. */
	ret = client_copies_through(client, handle, map);
	if (!ret)
		ret = vm_map(client->fd, client->vm, handle, OTHER_VA, DATA_SIZE, READ_WRITE);
	if (!ret)
		ret = buffer_sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	if (!ret) {
		memset(map, 0x77, 4096);
		ret = buffer_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	}
	if (!ret)
		ret = client_copy_at(client, OTHER_VA, OTHER_VA + 8192, 4096);
	if (!ret)
		ret = buffer_sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	if (!ret) {
		if (memcmp(map, map + 8192, 4096) || map[8192] != 0x77)
			ret = -EILSEQ;
		buffer_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	}
	munmap(map, DATA_SIZE);
	vm_unmap(client->fd, client->vm, OTHER_VA, DATA_SIZE);
	bo_close(client->fd, handle);
	return ret;
}

TEST_F(share, dma_heap_buffer_goes_in)
{
	struct dma_heap_allocation_data allocation = {
		.len = DATA_SIZE, .fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);

	if (heap < 0)
		SKIP(return, "this kernel has no dma-heap \"system\"");
	ASSERT_EQ(device_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &allocation), 0);
	EXPECT_EQ(import_works(&self->client, allocation.fd), 0);
	close(allocation.fd);
	close(heap);
}

/* A node of the driver vgem, or -ENOENT. */
static int vgem_open(void)
{
	DIR *nodes = opendir("/dev/dri");
	struct dirent *entry;
	char path[320];
	int fd = -ENOENT;

	while (nodes && fd < 0 && (entry = readdir(nodes))) {
		char name[32] = "";
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

		if (strncmp(entry->d_name, "card", 4))
			continue;
		snprintf(path, sizeof(path), "/dev/dri/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (device_ioctl(fd, DRM_IOCTL_VERSION, &version) || strcmp(name, "vgem")) {
			close(fd);
			fd = -ENOENT;
		}
	}
	if (nodes)
		closedir(nodes);
	return fd < 0 ? -ENOENT : fd;
}

TEST_F(share, vgem_buffer_goes_in)
{
	struct drm_mode_create_dumb dumb = {
		.width = DATA_SIZE / 4 / 16, .height = 16, .bpp = 32,
	};
	int vgem = vgem_open();
	int dmabuf;

	if (vgem < 0)
		SKIP(return, "this kernel has no vgem");
	ASSERT_EQ(device_ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	ASSERT_EQ(dumb.size, DATA_SIZE);
	dmabuf = handle_export(vgem, dumb.handle);
	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(import_works(&self->client, dmabuf), 0);
	close(dmabuf);
	close(vgem);
}

TEST_F(share, udmabuf_buffer_goes_in)
{
	struct udmabuf_create create = { .size = DATA_SIZE, .flags = UDMABUF_FLAGS_CLOEXEC };
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int dmabuf;

	if (device < 0)
		SKIP(return, "this kernel has no udmabuf");
	create.memfd = memfd_create("kestrel", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_GE((int)create.memfd, 0);
	ASSERT_EQ(ftruncate(create.memfd, DATA_SIZE), 0);
	ASSERT_EQ(fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	dmabuf = ioctl(device, UDMABUF_CREATE, &create);
	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(import_works(&self->client, dmabuf), 0);
	close(dmabuf);
	close(create.memfd);
	close(device);
}

/* Another driver maps our buffer, and keeps it when we are gone. */
TEST_F(share, our_buffer_goes_to_vgem)
{
	struct client *client = &self->client;
	int vgem = vgem_open();
	int dmabuf, again;
	uint32_t handle;
	uint8_t *map;

	if (vgem < 0)
		SKIP(return, "this kernel has no vgem");
	dmabuf = handle_export(client->fd, client->data_handle);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(handle_import(vgem, dmabuf, &handle), 0);
	close(dmabuf);

	memset(client->data, 0x3e, 4096);
	ASSERT_EQ(bo_fini(client->fd, client->data_handle, DATA_SIZE), 0);
	ASSERT_EQ(client_copy_at(client, DATA_VA, DATA_VA + 8192, 4096), 0);
	client_close(client);

	again = handle_export(vgem, handle);
	ASSERT_GE(again, 0);
	close(vgem);
	map = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
	ASSERT_NE(map, MAP_FAILED);
	EXPECT_EQ(buffer_sync(again, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), 0);
	EXPECT_EQ(map[8192], 0x3e);
	EXPECT_EQ(map[8192 + 4095], 0x3e);
	EXPECT_EQ(buffer_sync(again, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ), 0);
	munmap(map, DATA_SIZE);
	close(again);
}

/* The dma-buf alone keeps the memory, and its ioctl does what BO_PREP does. */
TEST_F(share, our_buffer_outlives_its_file)
{
	struct client *client = &self->client;
	uint8_t *map;
	int dmabuf;

	dmabuf = handle_export(client->fd, client->data_handle);
	ASSERT_GE(dmabuf, 0);
	map = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(map, MAP_FAILED);
	ASSERT_EQ(buffer_sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), 0);
	memset(map, 0x5c, 4096);
	ASSERT_EQ(buffer_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), 0);
	ASSERT_EQ(client_copy_at(client, DATA_VA, DATA_VA + 4096, 4096), 0);
	client_close(client);

	ASSERT_EQ(buffer_sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), 0);
	EXPECT_EQ(memcmp(map, map + 4096, 4096), 0);
	EXPECT_EQ(map[4096], 0x5c);
	ASSERT_EQ(buffer_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ), 0);
	munmap(map, DATA_SIZE);
	close(dmabuf);
}

TEST_F(share, our_own_buffer_is_recognised)
{
	struct client *client = &self->client;
	struct drm_kestrel_bo_info info = { 0 };
	int dmabuf = handle_export(client->fd, client->data_handle);
	uint32_t handle;

	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(handle_import(client->fd, dmabuf, &handle), 0);
	EXPECT_EQ(handle, client->data_handle);
	info.handle = handle;
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), 0);
	EXPECT_EQ(info.flags, 0);
	close(dmabuf);
}

TEST_F(share, what_is_no_buffer_is_refused)
{
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint32_t handle;

	EXPECT_EQ(handle_import(self->client.fd, -1, &handle), -EBADF);
	EXPECT_EQ(handle_import(self->client.fd, file, &handle), -EINVAL);
	close(file);
}

TEST_HARNESS_MAIN
