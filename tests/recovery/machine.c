// SPDX-License-Identifier: MIT
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/klog.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/netlink.h>

#include "kestrel.h"

#define DEVICE_NAME	"b000000.npu"
#define DEVICE		"/sys/bus/platform/devices/" DEVICE_NAME
#define DRIVER		"/sys/bus/platform/drivers/kestrel"
#define DEVFREQ		"/sys/class/devfreq/" DEVICE_NAME
#define PORTS		"/sys/class/virtio-ports"
#define COREDUMP	DEVICE "/devcoredump/data"
#define OUT		"/out/coredump"
#define ATTACHMENTS	"/sys/kernel/debug/dma_buf/bufinfo"
#define INVALIDATE_TIMEOUT "/sys/module/kestrel/parameters/invalidate_timeout_ms"

static int port = -1;
static int events = -1;

static int file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
	int error = -errno;

	if (fd >= 0)
		close(fd);
	if (got < 0)
		return error;
	text[got] = 0;
	return 0;
}

static int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t put = fd < 0 ? -1 : write(fd, text, strlen(text));
	int error = -errno;

	if (fd >= 0)
		close(fd);
	return put < 0 ? error : 0;
}

static int number_read(const char *path, unsigned long *number)
{
	char text[32];
	int ret = file_read(path, text, sizeof(text));

	if (!ret && sscanf(text, "%lu", number) != 1)
		ret = -EBADMSG;
	return ret;
}

/* A file in the device's directory of debugfs, wherever the kernel has that. */
static int debugfs_path(const char *name, char *path, size_t size)
{
	static const char * const directories[] = { "accel", "dri" };
	glob_t found = { 0 };
	int ret = -ENOENT;
	unsigned int i;

	for (i = 0; ret && i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, size, "/sys/kernel/debug/%s/*/%s", directories[i], name);
		if (!glob(path, 0, NULL, &found)) {
			snprintf(path, size, "%s", found.gl_pathv[0]);
			ret = 0;
		}
		globfree(&found);
	}
	return ret;
}

/* The port whose name the machine has given it. */
static int port_open(void)
{
	DIR *directory = opendir(PORTS);
	struct dirent *entry;
	int fd = -ENODEV;

	while (fd < 0 && directory && (entry = readdir(directory))) {
		char path[320], name[64] = "";

		snprintf(path, sizeof(path), PORTS "/%s/name", entry->d_name);
		if (entry->d_name[0] == '.' || file_read(path, name, sizeof(name)) ||
		    strcmp(name, "kestrel.inject\n"))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	if (directory)
		closedir(directory);
	return fd;
}

int machine_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	port = port_open();
	if (port < 0)
		return port;
	events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (events < 0 || bind(events, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	/* An NPU that is off does not fail. */
	if (file_write(DEVICE "/power/control", "on"))
		return -ENODEV;
	return machine_heal();
}

void machine_close(void)
{
	close(port);
	close(events);
	port = -1;
	events = -1;
}

int machine_inject(const char *property, uint32_t value)
{
	char line[256];
	size_t got = 0;
	int length = snprintf(line, sizeof(line), "%s %u\n", property, value);

	if (write(port, line, length) != length)
		return -EIO;
	while (!got || line[got - 1] != '\n') {
		ssize_t count = read(port, line + got, sizeof(line) - 1 - got);

		/* 0: the other end is not there yet. */
		if (count < 0 || got == sizeof(line) - 1)
			return -EIO;
		if (!count)
			usleep(10000);
		got += count;
	}
	line[got - 1] = 0;
	if (!strcmp(line, "ok"))
		return 0;
	fprintf(stderr, "%s %u: %s\n", property, value, line);
	return -EINVAL;
}

int machine_heal(void)
{
	static const char * const properties[] = {
		"hung-engine", "dead-mcu", "lost-interrupt", "all-ones", "lying-firmware",
		"endless-reset", "hung-invalidation",
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(properties) / sizeof(properties[0]); i++)
		ret = machine_inject(properties[i], 0);
	return ret;
}

long machine_interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	long count = -ENODEV;
	char line[1024];

	while (file && count < 0 && fgets(line, sizeof(line), file)) {
		const char *at = strchr(line, ':');
		char *end;
		long each;

		if (!at || !strstr(at, "kestrel"))
			continue;
		/* A count for each processor, then words. */
		count = 0;
		for (at++; each = strtol(at, &end, 10), end != at; at = end)
			count += each;
	}
	if (file)
		fclose(file);
	return count;
}

int machine_wedged_event(void)
{
	int64_t end = deadline(LONG_TIMEOUT_S);
	struct pollfd poller = { .fd = events, .events = POLLIN };
	char text[4096];

	while (deadline(0) < end) {
		ssize_t got, at;

		if (poll(&poller, 1, 100) <= 0)
			continue;
		got = recv(events, text, sizeof(text) - 1, 0);
		if (got < 0)
			continue;
		text[got] = 0;
		for (at = 0; at < got; at += strlen(text + at) + 1) {
			if (!strcmp(text + at, "WEDGED=rebind"))
				return 0;
		}
	}
	return -ETIME;
}

static int counter_read(const char *name, unsigned int *value)
{
	char path[256], text[32];
	int ret;

	snprintf(path, sizeof(path), DEVICE "/recovery/%s", name);
	ret = file_read(path, text, sizeof(text));
	if (!ret && sscanf(text, "%u", value) != 1)
		ret = -EBADMSG;
	return ret;
}

int counters_read(struct counters *counters)
{
	int ret = counter_read("queue_kills", &counters->queue_kills);

	if (!ret)
		ret = counter_read("mcu_resets", &counters->mcu_resets);
	if (!ret)
		ret = counter_read("device_resets", &counters->device_resets);
	return ret ? ret : counter_read("wedged", &counters->wedged);
}

int counters_query(int fd, const struct counters *counters)
{
	struct drm_kestrel_query_resets resets;
	int ret = query(fd, DRM_KESTREL_QUERY_RESETS, &resets, sizeof(resets));

	if (ret)
		return ret;
	return resets.queue_kills == counters->queue_kills && resets.mcu == counters->mcu_resets &&
	       resets.device == counters->device_resets && resets.wedged == counters->wedged ?
	       0 : -EBADMSG;
}

int counters_wait_wedged(void)
{
	int64_t end = deadline(LONG_TIMEOUT_S);
	struct counters counters = { 0 };
	int ret;

	do {
		usleep(10000);
		ret = counters_read(&counters);
	} while (!ret && !counters.wedged && deadline(0) < end);
	return ret ? ret : counters.wedged ? 0 : -ETIME;
}

int clock_take(void)
{
	return file_write(DEVFREQ "/governor", "userspace");
}

int clock_give_back(void)
{
	return file_write(DEVFREQ "/governor", "simple_ondemand");
}

int clock_limits(unsigned long *lowest, unsigned long *highest)
{
	int ret = number_read(DEVFREQ "/min_freq", lowest);

	return ret ? ret : number_read(DEVFREQ "/max_freq", highest);
}

int clock_set(unsigned long hertz)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", hertz);
	return file_write(DEVFREQ "/userspace/set_freq", text);
}

int clock_read(unsigned long *hertz)
{
	return number_read(DEVFREQ "/cur_freq", hertz);
}

int log_level_read(unsigned long *level)
{
	char path[256];
	int ret = debugfs_path("firmware_log_level", path, sizeof(path));

	return ret ? ret : number_read(path, level);
}

int log_level_set(unsigned long level)
{
	char path[256], text[32];
	int ret = debugfs_path("firmware_log_level", path, sizeof(path));

	snprintf(text, sizeof(text), "%lu", level);
	return ret ? ret : file_write(path, text);
}

int log_records(unsigned int level)
{
	char path[256], line[512], mark[16];
	int ret = debugfs_path("firmware_log", path, sizeof(path)), count = 0;
	FILE *file;

	if (ret)
		return ret;
	snprintf(mark, sizeof(mark), "] <%u> ", level);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		count += !!strstr(line, mark);
	fclose(file);
	return count;
}

int step_inject(const char *step)
{
	char path[256];
	int ret = debugfs_path("inject", path, sizeof(path));

	return ret ? ret : file_write(path, step);
}

int queue_busy(unsigned int *slot)
{
	unsigned int pending, entry, count = 0;
	char path[256], line[256];
	int ret = debugfs_path("queues", path, sizeof(path));
	FILE *file = ret ? NULL : fopen(path, "re");

	if (!file)
		return ret ? ret : -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u %*u %*u %u", &entry, &pending) != 2 || !pending)
			continue;
		*slot = entry;
		count++;
	}
	fclose(file);
	return count == 1 ? 0 : -ENOENT;
}

int kept_memory_read(unsigned long *bytes)
{
	char path[256];
	int ret = debugfs_path("kept_memory", path, sizeof(path));

	return ret ? ret : number_read(path, bytes);
}

int kernel_log_count(const char *text)
{
	/* SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER */
	int size = klogctl(10, NULL, 0), count = 0, got;
	char *log = size > 0 ? malloc(size + 1) : NULL, *at;

	if (!log)
		return -ENOMEM;
	got = klogctl(3, log, size);
	log[got > 0 ? got : 0] = 0;
	for (at = log; (at = strstr(at, text)); at++)
		count++;
	free(log);
	return got < 0 ? -EIO : count;
}

int invalidate_timeout_set(unsigned long milliseconds, unsigned long *before)
{
	char text[32];
	int ret = before ? number_read(INVALIDATE_TIMEOUT, before) : 0;

	snprintf(text, sizeof(text), "%lu", milliseconds);
	return ret ? ret : file_write(INVALIDATE_TIMEOUT, text);
}

int device_switch_off(void)
{
	int ret = file_write(DEVICE "/power/control", "auto");
	int64_t end = deadline(LONG_TIMEOUT_S);
	char text[32] = "";

	while (!ret && strcmp(text, "suspended\n")) {
		usleep(10000);
		ret = file_read(DEVICE "/power/runtime_status", text, sizeof(text));
		if (!ret && deadline(0) >= end)
			ret = -ETIME;
	}
	return ret;
}

int device_attachments(void)
{
	FILE *file = fopen(ATTACHMENTS, "re");
	char line[512];
	int count = 0;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		count += !strcmp(line, "\t" DEVICE_NAME "\n");
	fclose(file);
	return count;
}

int device_unbind(void)
{
	return file_write(DRIVER "/unbind", DEVICE_NAME);
}

/* The code in which no allocation is made to fail, although others are, also of this. */
static void rejects_set(const char *start, const char *end)
{
	static const char *const files[] = {
		"failslab/reject-start", "fail_page_alloc/reject-start",
		"failslab/reject-end", "fail_page_alloc/reject-end",
	};
	char path[64];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", files[i]);
		while (file_write(path, i < 2 ? start : end) == -ENOMEM)
			;
	}
}

static int rejects_read(char *start, char *end, size_t size)
{
	int ret;

	do {
		ret = file_read("/sys/kernel/debug/failslab/reject-start", start, size);
		if (!ret)
			ret = file_read("/sys/kernel/debug/failslab/reject-end", end, size);
	} while (ret == -ENOMEM);
	return ret;
}

/*
 * Where allocations fail, KESTREL_BIND_REJECTS tells from where to where none may
 * while the device is bound.
 */
int device_bind(void)
{
	const char *rejects = getenv("KESTREL_BIND_REJECTS");
	char start[32], end[32], bind_start[32], bind_end[32];
	int ret;

	if (!rejects)
		return file_write(DRIVER "/bind", DEVICE_NAME);
	if (sscanf(rejects, "%31s %31s", bind_start, bind_end) != 2)
		return -EINVAL;
	ret = rejects_read(start, end, sizeof(start));
	if (ret)
		return ret;
	rejects_set(bind_start, bind_end);
	ret = file_write(DRIVER "/bind", DEVICE_NAME);
	rejects_set(start, end);
	return ret;
}

static int coredump_wait(double seconds)
{
	int64_t end = deadline(seconds);

	while (access(COREDUMP, R_OK)) {
		if (deadline(0) >= end)
			return -ENOENT;
		usleep(5000);
	}
	return 0;
}

int coredump_keep(const char *name)
{
	char path[256], piece[65536];
	int ret = coredump_wait(20), from, to;
	ssize_t got;

	if (ret)
		return ret;
	mkdir(OUT, 0755);
	snprintf(path, sizeof(path), OUT "/%s", name);
	from = open(COREDUMP, O_RDONLY | O_CLOEXEC);
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (from < 0 || to < 0)
		return -errno;
	while ((got = read(from, piece, sizeof(piece))) > 0) {
		if (write(to, piece, got) != got)
			ret = -EIO;
	}
	close(from);
	close(to);
	return got < 0 ? -EIO : ret ? ret : coredump_discard();
}

int coredump_discard(void)
{
	int ret = coredump_wait(0) ? 0 : file_write(COREDUMP, "1");
	int64_t end = deadline(10);

	/* It goes by and by. */
	while (!ret && !access(COREDUMP, F_OK) && deadline(0) < end)
		usleep(5000);
	return ret;
}

int coredump_absent(void)
{
	return coredump_wait(1) ? 0 : -EEXIST;
}
