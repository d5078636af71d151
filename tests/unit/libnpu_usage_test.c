// SPDX-License-Identifier: MIT
/*
 * What npu-top reads: fdinfo of the driver and of others, and a tree of files laid out
 * as /proc and /sys are.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libnpu_test.h"
#include "tools/usage.h"

static const char fdinfo[] =
"pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t117\n"
"drm-driver:\tkestrel\ndrm-client-id:\t7\ndrm-engine-npu:\t1500000000 ns\n"
"drm-cycles-npu:\t750000000\ndrm-maxfreq-npu:\t500000000 Hz\nkestrel-jobs:\t42\n"
"drm-total-memory:\t3 MiB\ndrm-shared-memory:\t0\ndrm-resident-memory:\t2048 KiB\n"
"drm-active-memory:\t4096\n";

static int test_fdinfo(void)
{
	struct usage_client client;

	return usage_fdinfo_parse(fdinfo, &client) == 1 && client.id == 7 &&
	       client.engine_ns == 1500000000 && client.cycles == 750000000 &&
	       client.jobs == 42 && client.total == 3 << 20 && !client.shared &&
	       client.resident == 2 << 20 && client.active == 4096;
}

static int test_others(void)
{
	static const char *const texts[] = {
		"", ":", "drm-driver", "drm-driver:", "drm-driver:\tkestre", "\n\n:\n",
		"drm-driver:\tkestrel2\ndrm-client-id:\t1\n", "drm-driver:\tpanthor\n",
		"xdrm-driver:\tkestrel\n", "pos:\t0\nflags:\t02\n",
	};
	struct usage_client client;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (usage_fdinfo_parse(texts[i], &client))
			return 0;
	return usage_fdinfo_parse("drm-driver:\tkestrel", &client) && !client.id;
}

static int test_damaged(void)
{
	struct usage_client client;
	uint32_t random = 1;

	for (unsigned int round = 0; round < 20000; round++) {
		char text[sizeof(fdinfo)];

		memcpy(text, fdinfo, sizeof(text));
		for (uint32_t i = test_random(&random) % 8; i; i--)
			text[test_random(&random) % (sizeof(text) - 1)] = (char)test_random(&random);
		usage_fdinfo_parse(text, &client);
	}
	return 1;
}

/* ---- A tree of files ---- */

static char root[64];

/* With all directories above it. */
static int file_put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			return 0;
		*slash = '/';
	}
	if (!text)
		return mkdir(path, 0700) == 0 || errno == EEXIST;
	file = fopen(path, "w");
	return file && fputs(text, file) >= 0 && !fclose(file);
}

static int link_put(const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return !symlink(target, path);
}

/* A process with one file open, number 3. */
static int process_put(const char *pid, const char *name, const char *node, const char *info)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	if (!file_put(path, name))
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/fdinfo/3", pid);
	if (!file_put(path, info))
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if (!file_put(path, NULL))
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/fd/3", pid);
	return link_put(path, node);
}

static int tree_put(void)
{
	return file_put("/sys/devices/b000000.npu/power/runtime_status", "active\n") &&
	       file_put("/sys/devices/b000000.npu/devfreq/b000000.npu/cur_freq", "125000000\n") &&
	       file_put("/sys/devices/b000000.npu/devfreq/b000000.npu/min_freq", "125000000\n") &&
	       file_put("/sys/devices/b000000.npu/devfreq/b000000.npu/max_freq", "500000000\n") &&
	       file_put("/sys/devices/b000000.npu/hwmon/hwmon3/temp1_input", "-1500\n") &&
	       file_put("/sys/bus/kestrel/bind", "") && file_put("/sys/bus/panthor/bind", "") &&
	       link_put("/sys/devices/b000000.npu/driver", "../../bus/kestrel") &&
	       file_put("/sys/devices/gpu/uevent", "") &&
	       link_put("/sys/devices/gpu/driver", "../../bus/panthor") &&
	       file_put("/sys/class/drm/renderD128/dev", "226:128\n") &&
	       link_put("/sys/class/drm/renderD128/device", "../../../devices/gpu") &&
	       file_put("/sys/class/accel/accel0/dev", "261:0\n") &&
	       link_put("/sys/class/accel/accel0/device", "../../../devices/b000000.npu") &&
	       process_put("100", "infer\n", "/dev/accel/accel0", fdinfo) &&
	       /* A child that has inherited the file, somebody else's GPU, an end. */
	       process_put("101", "child\n", "/dev/accel/accel0", fdinfo) &&
	       process_put("102", "game\n", "/dev/dri/renderD128",
			   "drm-driver:\tpanthor\ndrm-client-id:\t8\n") &&
	       file_put("/proc/103/comm", "gone\n") && file_put("/proc/self/comm", "npu-top\n");
}

static int test_tree(void)
{
	const struct usage_client *client;
	const struct usage_device *device;
	struct usage usage, empty = { 0 };
	int good;

	if (!tree_put() || usage_read(root, &usage))
		return 0;
	device = usage.devices;
	client = usage.clients;
	good = usage.device_count == 1 && !strcmp(device->node, "accel0") &&
	       !strcmp(device->name, "b000000.npu") && !strcmp(device->power, "active") &&
	       device->clock == 125000000 && device->clock_max == 500000000 &&
	       device->temperature == -1500 && device->watts == USAGE_UNKNOWN &&
	       !device->counted && usage.client_count == 1 && client->id == 7 &&
	       (client->pid == 100 || client->pid == 101) && client->jobs == 42 &&
	       !strcmp(client->node, "accel0") &&
	       !strcmp(client->name, client->pid == 100 ? "infer" : "child") &&
	       usage_client_find(&usage, client) == client &&
	       usage_device_find(&usage, device) == device &&
	       !usage_client_find(&empty, client) && !usage_device_find(&empty, device);
	usage_free(&usage);
	return good;
}

static int test_absent(void)
{
	struct usage usage;

	return usage_read("/nonexistent", &usage) == -ENOENT && !usage.clients;
}

static int test_since(void)
{
	/* A device that was bound anew counts from 0. */
	return usage_since(5, 3) == 2 && usage_since(3, 5) == 0 && usage_since(3, 3) == 0;
}

int main(void)
{
	char command[128];
	int made;

	strcpy(root, "/tmp/usage-test-XXXXXX");
	made = mkdtemp(root) != NULL;
	test_result("fdinfo of a client is read", test_fdinfo());
	test_result("files of others are passed over", test_others());
	test_result("20000 damaged files are read", test_damaged());
	test_result("devices and clients of a machine are found", made && test_tree());
	test_result("a machine without processes is an error", test_absent());
	test_result("a counter that begins anew has counted nothing", test_since());
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return (made && system(command)) || test_failures ? 1 : 0;
}
