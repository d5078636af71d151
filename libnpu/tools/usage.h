/* SPDX-License-Identifier: MIT */
/*
 * Who uses the NPUs of a machine, and what they are at: fdinfo of all processes
 * (drm-usage-stats), sysfs, and the counters of the device where that is permitted.
 */
#ifndef NPU_TOOL_USAGE_H
#define NPU_TOOL_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <kestrel/regs.h>

/* What is not known: temperature, power and clocks of a device that does not say. */
#define USAGE_UNKNOWN INT64_MIN

/* One open file of an NPU. */
struct usage_client {
	/* Node, such as "accel0": that of a usage_device. */
	char node[32];
	/* Of the DRM client; one that is open several times counts once. */
	uint64_t id;
	/* The first process that has it open, and its name. */
	pid_t pid;
	char name[32];
	/* Engine time, in ns at the highest clock, and cycles, of jobs that have ended. */
	uint64_t engine_ns;
	uint64_t cycles;
	/* Jobs that have ended. */
	uint64_t jobs;
	/* Bytes. */
	uint64_t total, shared, resident, active;
};

struct usage_device {
	char node[32];
	/* Of the bus device, such as "b000000.npu". */
	char name[64];
	/* As power/runtime_status says: "active", "suspended" and so on; "" unknown. */
	char power[16];
	/* Hz, or USAGE_UNKNOWN. */
	int64_t clock, clock_min, clock_max;
	/* Thousandths of a degree Celsius; microwatts. */
	int64_t temperature, watts;
	/* KESTREL_COUNTER_*, where counted is not 0. */
	int counted;
	uint64_t counters[KESTREL_COUNTER_COUNT];
};

/* One look at everything. */
struct usage {
	/* CLOCK_MONOTONIC in ns. */
	uint64_t time_ns;
	struct usage_device *devices;
	size_t device_count;
	struct usage_client *clients;
	size_t client_count;
	/* Processes whose files may not be looked at. */
	size_t hidden;
};

/*
 * Reads the text of one fdinfo file into *client, whose node, pid and name it leaves
 * alone. Returns 1 if it is a file of the driver, else 0. Pure.
 */
int usage_fdinfo_parse(const char *text, struct usage_client *client);

/*
 * Looks at all devices and clients but those of the calling process. `root` is put
 * in front of /proc, /sys and /dev: "" but in tests. Returns 0, or -errno when there is
 * no memory or /proc cannot be read. usage_free() frees what it has put into *usage.
 */
int usage_read(const char *root, struct usage *usage);
void usage_free(struct usage *usage);

/* The same client, device, in another look; NULL if it is not there. */
const struct usage_client *usage_client_find(const struct usage *usage,
					     const struct usage_client *client);
const struct usage_device *usage_device_find(const struct usage *usage,
					     const struct usage_device *device);

/* What has been counted since: 0 for a counter that has begun anew. */
uint64_t usage_since(uint64_t now, uint64_t before);

#endif
