// SPDX-License-Identifier: MIT
#include "usage.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <drm/kestrel_accel.h>

/* Names in a directory have up to 255 bytes. */
#define PATH_BYTES 1024

/* A file of /proc or /sys, without the newline at its end. 0 or -errno. */
static int text_read(char *text, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	text[0] = 0;
	if (fd < 0)
		return -errno;
	got = read(fd, text, size - 1);
	close(fd);
	if (got < 0)
		return -EIO;
	text[got] = 0;
	if (got && text[got - 1] == '\n')
		text[got - 1] = 0;
	return 0;
}

static int64_t attribute_read(const char *directory, const char *name)
{
	char path[PATH_BYTES + 128], text[32], *end;
	long long number;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (text_read(text, sizeof(text), path) || !text[0])
		return USAGE_UNKNOWN;
	number = strtoll(text, &end, 10);
	return *end ? USAGE_UNKNOWN : number;
}

/* The last part of where a link points to. 0 or -errno. */
static int link_read(char *name, size_t size, const char *path)
{
	char target[PATH_BYTES];
	ssize_t got = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	if (got < 0)
		return -errno;
	target[got] = 0;
	slash = strrchr(target, '/');
	snprintf(name, size, "%.*s", (int)size - 1, slash ? slash + 1 : target);
	return 0;
}

/* The only, or first, entry of a directory whose name begins so: PATH/entry. */
static int entry_find(char *path, size_t size, const char *prefix)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int found = 0;

	while (directory && !found && (entry = readdir(directory))) {
		size_t used = strlen(path);

		if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		found = (size_t)snprintf(path + used, size - used, "/%s", entry->d_name) <
			size - used;
	}
	if (directory)
		closedir(directory);
	return found;
}

/* "12 KiB" in bytes. */
static uint64_t bytes_parse(const char *value)
{
	char *end;
	uint64_t number = strtoull(value, &end, 10);

	while (*end == ' ')
		end++;
	if (!strncmp(end, "KiB", 3))
		return number << 10;
	if (!strncmp(end, "MiB", 3))
		return number << 20;
	return number;
}

int usage_fdinfo_parse(const char *text, struct usage_client *client)
{
	const struct {
		const char *key;
		uint64_t *value;
	} keys[] = {
		{ "drm-client-id", &client->id },
		{ "drm-engine-npu", &client->engine_ns },
		{ "drm-cycles-npu", &client->cycles },
		{ "kestrel-jobs", &client->jobs },
		{ "drm-total-memory", &client->total },
		{ "drm-shared-memory", &client->shared },
		{ "drm-resident-memory", &client->resident },
		{ "drm-active-memory", &client->active },
	};
	int ours = 0;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		*keys[i].value = 0;
	while (*text) {
		size_t length = strcspn(text, "\n");
		const char *colon = memchr(text, ':', length);
		const char *value = colon;

		if (colon) {
			size_t key = (size_t)(colon - text);

			for (value++; *value == ' ' || *value == '\t'; value++)
				;
			if (key == strlen("drm-driver") && !strncmp(text, "drm-driver", key))
				ours = (size_t)(text + length - value) ==
					strlen(DRM_KESTREL_DRIVER_NAME) &&
				       !strncmp(value, DRM_KESTREL_DRIVER_NAME,
						strlen(DRM_KESTREL_DRIVER_NAME));
			for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
				if (key == strlen(keys[i].key) && !strncmp(text, keys[i].key, key))
					*keys[i].value = bytes_parse(value);
		}
		text += length + (text[length] == '\n');
	}
	return ours;
}

/* Room for one more element, zeroed; NULL without memory. */
static void *array_add(void **items, size_t *count, size_t size)
{
	/* Doubled whenever the count is a power of two. */
	if (!(*count & (*count - 1))) {
		void *more = realloc(*items, (*count ? 2 * *count : 1) * size);

		if (!more)
			return NULL;
		*items = more;
	}
	memset((char *)*items + *count * size, 0, size);
	return (char *)*items + (*count)++ * size;
}

static void counters_read(struct usage_device *device, const char *root)
{
	struct drm_kestrel_perf_device perf = { 0 };
	char path[PATH_BYTES];
	int fd;

	snprintf(path, sizeof(path), "%s/dev/%s/%s", root,
		 strncmp(device->node, "accel", 5) ? "dri" : "accel", device->node);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!ioctl(fd, DRM_IOCTL_KESTREL_PERF_DEVICE, &perf)) {
		device->counted = 1;
		memcpy(device->counters, perf.counters, sizeof(device->counters));
	}
	close(fd);
}

static void device_read(struct usage_device *device, const char *root, const char *class)
{
	char base[PATH_BYTES], path[PATH_BYTES + 64];

	snprintf(base, sizeof(base), "%s/sys/class/%s/%s/device", root, class, device->node);
	link_read(device->name, sizeof(device->name), base);
	snprintf(path, sizeof(path), "%s/power/runtime_status", base);
	text_read(device->power, sizeof(device->power), path);

	device->clock = device->clock_min = device->clock_max = USAGE_UNKNOWN;
	snprintf(path, sizeof(path), "%s/devfreq", base);
	if (entry_find(path, sizeof(path), "")) {
		device->clock = attribute_read(path, "cur_freq");
		device->clock_min = attribute_read(path, "min_freq");
		device->clock_max = attribute_read(path, "max_freq");
	}

	device->temperature = device->watts = USAGE_UNKNOWN;
	snprintf(path, sizeof(path), "%s/hwmon", base);
	if (entry_find(path, sizeof(path), "hwmon")) {
		device->temperature = attribute_read(path, "temp1_input");
		device->watts = attribute_read(path, "power1_average");
	}
	counters_read(device, root);
}

/* Render and accel nodes of the driver; a card node is the same device again. */
static int devices_read(struct usage *usage, const char *root, const char *class,
			const char *prefix)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	DIR *directory;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/sys/class/%s", root, class);
	directory = opendir(path);
	while (!ret && directory && (entry = readdir(directory))) {
		struct usage_device *device;
		char driver[64];

		if (strncmp(entry->d_name, prefix, strlen(prefix)) ||
		    strlen(entry->d_name) >= sizeof(device->node))
			continue;
		snprintf(path, sizeof(path), "%s/sys/class/%s/%s/device/driver", root, class,
			 entry->d_name);
		/* On PCI the driver of the bus has its name, too. */
		if (link_read(driver, sizeof(driver), path) ||
		    strcmp(driver, DRM_KESTREL_DRIVER_NAME))
			continue;
		device = array_add((void **)&usage->devices, &usage->device_count,
				   sizeof(*device));
		if (!device) {
			ret = -ENOMEM;
			break;
		}
		memcpy(device->node, entry->d_name, strlen(entry->d_name) + 1);
		device_read(device, root, class);
	}
	if (directory)
		closedir(directory);
	return ret;
}

static int is_number(const char *name)
{
	return isdigit((unsigned char)name[0]);
}

/* One file of a process: 0 or -ENOMEM. */
static int file_read(struct usage *usage, const char *root, const char *process,
		     const char *number)
{
	struct usage_client client = { 0 }, *added;
	char path[PATH_BYTES], text[4096];

	snprintf(path, sizeof(path), "%s/proc/%s/fdinfo/%s", root, process, number);
	if (text_read(text, sizeof(text), path) || !usage_fdinfo_parse(text, &client))
		return 0;
	snprintf(path, sizeof(path), "%s/proc/%s/fd/%s", root, process, number);
	if (link_read(client.node, sizeof(client.node), path) ||
	    usage_client_find(usage, &client))
		return 0;
	client.pid = (pid_t)strtol(process, NULL, 10);
	snprintf(path, sizeof(path), "%s/proc/%s/comm", root, process);
	text_read(client.name, sizeof(client.name), path);
	added = array_add((void **)&usage->clients, &usage->client_count, sizeof(client));
	if (!added)
		return -ENOMEM;
	*added = client;
	return 0;
}

static int process_read(struct usage *usage, const char *root, const char *process)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	DIR *directory;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/proc/%s/fdinfo", root, process);
	directory = opendir(path);
	if (!directory) {
		/* It may have ended meanwhile; or it is somebody else's. */
		usage->hidden += errno == EACCES || errno == EPERM;
		return 0;
	}
	while (!ret && (entry = readdir(directory)))
		if (is_number(entry->d_name))
			ret = file_read(usage, root, process, entry->d_name);
	closedir(directory);
	return ret;
}

static int clients_read(struct usage *usage, const char *root)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	DIR *directory;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/proc", root);
	directory = opendir(path);
	if (!directory)
		return -errno;
	while (!ret && (entry = readdir(directory)))
		if (is_number(entry->d_name) && strtol(entry->d_name, NULL, 10) != getpid())
			ret = process_read(usage, root, entry->d_name);
	closedir(directory);
	return ret;
}

int usage_read(const char *root, struct usage *usage)
{
	struct timespec now;
	int ret;

	memset(usage, 0, sizeof(*usage));
	clock_gettime(CLOCK_MONOTONIC, &now);
	usage->time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	ret = devices_read(usage, root, "accel", "accel");
	if (!ret)
		ret = devices_read(usage, root, "drm", "renderD");
	if (!ret)
		ret = clients_read(usage, root);
	if (ret)
		usage_free(usage);
	return ret;
}

void usage_free(struct usage *usage)
{
	free(usage->devices);
	free(usage->clients);
	memset(usage, 0, sizeof(*usage));
}

const struct usage_client *usage_client_find(const struct usage *usage,
					     const struct usage_client *client)
{
	for (size_t i = 0; i < usage->client_count; i++)
		if (usage->clients[i].id == client->id &&
		    !strcmp(usage->clients[i].node, client->node))
			return &usage->clients[i];
	return NULL;
}

const struct usage_device *usage_device_find(const struct usage *usage,
					     const struct usage_device *device)
{
	for (size_t i = 0; i < usage->device_count; i++)
		if (!strcmp(usage->devices[i].node, device->node))
			return &usage->devices[i];
	return NULL;
}

uint64_t usage_since(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}
