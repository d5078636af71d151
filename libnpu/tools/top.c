// SPDX-License-Identifier: MIT
/* npu-top: what the NPUs are at, and for whom. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"
#include "usage.h"

static const char help[] =
"Usage: npu-top [OPTION...]\n"
"Shows the NPUs of this machine and their clients, again and again until it is\n"
"interrupted: share of the engine, jobs, memory; units, clock, temperature, power.\n"
"\n"
"  --once          one report, of one interval\n"
"  --count N       so many reports\n"
"  --interval MS   milliseconds from one to the next (default 1000)\n"
"  --json          as JSON, one line a report\n"
"  --help, --version\n"
"\n"
"Clients of other users are seen by root only, counters of the device with\n"
"CAP_PERFMON. Exits 0, 1 after an error, 2 where the command line makes no sense.\n";

static const struct {
	unsigned int counter;
	const char *name;
} units[] = {
	{ KESTREL_COUNTER_BUSY_DMA_IN, "dma_in" },
	{ KESTREL_COUNTER_BUSY_DMA_OUT, "dma_out" },
	{ KESTREL_COUNTER_BUSY_MAC, "mac" },
	{ KESTREL_COUNTER_BUSY_VECTOR, "vector" },
};

#define UNITS (sizeof(units) / sizeof(units[0]))

struct options {
	uint32_t count;
	uint32_t interval_ms;
	int json;
	int help;
	int version;
};

/* Two looks, and the time between them. */
struct report {
	const struct usage *before;
	const struct usage *now;
	double seconds;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };
	int ret = 0;

	while (!ret && tool_next(&arguments)) {
		if (!*arguments.option)
			ret = tool_usage_error("what is \"%s\"?", arguments.value);
		else if (!strcmp(arguments.option, "--once"))
			options->count = 1;
		else if (!strcmp(arguments.option, "--count"))
			ret = tool_number(&arguments, 1, UINT32_MAX, &options->count);
		else if (!strcmp(arguments.option, "--interval"))
			ret = tool_number(&arguments, 10, 3600000, &options->interval_ms);
		else if (!strcmp(arguments.option, "--json"))
			options->json = 1;
		else if (!strcmp(arguments.option, "--help") || !strcmp(arguments.option, "-h"))
			options->help = 1;
		else if (!strcmp(arguments.option, "--version"))
			options->version = 1;
		else
			ret = tool_usage_error("unknown option %s", arguments.option);
	}
	return ret;
}

/* ---- What is shown ---- */

/* Per second, or a share, of the counter of a device; -1 where it is not known. */
static double counter_rate(const struct report *report, const struct usage_device *device,
			   unsigned int counter)
{
	const struct usage_device *before = usage_device_find(report->before, device);

	if (!before || !before->counted || !device->counted)
		return -1;
	return (double)usage_since(device->counters[counter], before->counters[counter]) /
	       report->seconds;
}

/* Of the cycles that the clock ran. */
static double counter_share(const struct report *report, const struct usage_device *device,
			    unsigned int counter)
{
	double cycles = counter_rate(report, device, KESTREL_COUNTER_CYCLES);
	double busy = counter_rate(report, device, counter);

	if (cycles < 0)
		return -1;
	return cycles > 0 ? busy / cycles : 0;
}

/* Of a client that has just come, nothing is known of what it did in the interval. */
static double client_share(const struct report *report, const struct usage_client *client)
{
	const struct usage_client *before = usage_client_find(report->before, client);

	return !before ? 0 : (double)usage_since(client->engine_ns, before->engine_ns) /
			     (report->seconds * 1e9);
}

static double client_jobs(const struct report *report, const struct usage_client *client)
{
	const struct usage_client *before = usage_client_find(report->before, client);

	return !before ? 0 : (double)usage_since(client->jobs, before->jobs) / report->seconds;
}

/* ---- Text ---- */

static void text_bytes(uint64_t bytes)
{
	if (bytes >= 10 << 20)
		printf(" %7" PRIu64 "M", bytes >> 20);
	else
		printf(" %7" PRIu64 "K", bytes >> 10);
}

static void text_device(const struct report *report, const struct usage_device *device)
{
	double read, written;

	printf("%s (%s)  %s", device->node, device->name,
	       !device->power[0] ? "?" : !strcmp(device->power, "suspended") ? "off" : "on");
	if (device->clock != USAGE_UNKNOWN)
		printf("  %lld MHz", (long long)device->clock / 1000000);
	if (device->clock_max != USAGE_UNKNOWN)
		printf(" of %lld to %lld", (long long)device->clock_min / 1000000,
		       (long long)device->clock_max / 1000000);
	if (device->temperature != USAGE_UNKNOWN)
		printf("  %.1f C", (double)device->temperature / 1000);
	if (device->watts != USAGE_UNKNOWN)
		printf("  %.3f W", (double)device->watts / 1e6);
	printf("\n");
	if (counter_rate(report, device, KESTREL_COUNTER_CYCLES) < 0) {
		printf("  counters of the device: not permitted (CAP_PERFMON)\n");
		return;
	}
	printf("  busy %5.1f %%  ",
	       100 * counter_share(report, device, KESTREL_COUNTER_ACTIVE));
	for (size_t i = 0; i < UNITS; i++)
		printf("  %s %5.1f %%", units[i].name,
		       100 * counter_share(report, device, units[i].counter));
	read = counter_rate(report, device, KESTREL_COUNTER_PORT0_READ_BYTES) +
	       counter_rate(report, device, KESTREL_COUNTER_PORT1_READ_BYTES);
	written = counter_rate(report, device, KESTREL_COUNTER_PORT0_WRITE_BYTES) +
		  counter_rate(report, device, KESTREL_COUNTER_PORT1_WRITE_BYTES);
	printf("\n  %.0f jobs/s  %.1f MB/s read  %.1f MB/s written  %.3f GMAC/s\n",
	       counter_rate(report, device, KESTREL_COUNTER_JOBS), read / 1e6, written / 1e6,
	       counter_rate(report, device, KESTREL_COUNTER_MACS) / 1e9);
}

static void text_client(const struct report *report, const struct usage_client *client)
{
	printf("%8ld %6.1f %8.0f", (long)client->pid, 100 * client_share(report, client),
	       client_jobs(report, client));
	text_bytes(client->total);
	text_bytes(client->resident);
	text_bytes(client->active);
	/* A process may call itself anything. */
	printf("  ");
	for (const char *c = client->name; *c; c++)
		putchar(*c >= ' ' && *c < 127 ? *c : '?');
	printf("\n");
}

static void text_print(const struct report *report)
{
	const struct usage *now = report->now;

	if (!now->device_count)
		printf("no NPU with the kernel's driver\n");
	for (size_t i = 0; i < now->device_count; i++) {
		const struct usage_device *device = &now->devices[i];

		text_device(report, device);
		printf("     PID   NPU%%   JOBS/S    TOTAL RESIDENT   ACTIVE  NAME\n");
		for (size_t k = 0; k < now->client_count; k++)
			if (!strcmp(now->clients[k].node, device->node))
				text_client(report, &now->clients[k]);
	}
	if (now->hidden)
		printf("processes that may not be looked at: %zu\n", now->hidden);
}

/* ---- JSON ---- */

static void json_number(const char *key, int64_t number)
{
	if (number == USAGE_UNKNOWN)
		printf(", \"%s\": null", key);
	else
		printf(", \"%s\": %lld", key, (long long)number);
}

static void json_share(const char *key, double share)
{
	if (share < 0)
		printf("\"%s\": null", key);
	else
		printf("\"%s\": %.6f", key, share);
}

static void json_client(const struct report *report, const struct usage_client *client)
{
	printf("{\"pid\": %ld, \"client_id\": %" PRIu64 ", \"name\": ", (long)client->pid,
	       client->id);
	tool_json_string(stdout, client->name);
	printf(", ");
	json_share("engine_share", client_share(report, client));
	printf(", \"engine_ns\": %" PRIu64 ", \"cycles\": %" PRIu64 ", \"jobs\": %" PRIu64,
	       client->engine_ns, client->cycles, client->jobs);
	printf(", \"jobs_per_second\": %.3f", client_jobs(report, client));
	printf(", \"memory_bytes\": {\"total\": %" PRIu64 ", \"shared\": %" PRIu64
	       ", \"resident\": %" PRIu64 ", \"active\": %" PRIu64 "}}",
	       client->total, client->shared, client->resident, client->active);
}

static void json_device(const struct report *report, const struct usage_device *device)
{
	const struct usage *now = report->now;
	const char *separator = "";

	printf("{\"node\": \"%s\", \"name\": ", device->node);
	tool_json_string(stdout, device->name);
	printf(", \"power\": \"%s\"", device->power);
	json_number("clock_hz", device->clock);
	json_number("clock_min_hz", device->clock_min);
	json_number("clock_max_hz", device->clock_max);
	json_number("temperature_millidegrees", device->temperature);
	json_number("power_microwatts", device->watts);
	printf(", ");
	json_share("busy", counter_share(report, device, KESTREL_COUNTER_ACTIVE));
	printf(", \"units\": {");
	for (size_t i = 0; i < UNITS; i++) {
		printf("%s", i ? ", " : "");
		json_share(units[i].name, counter_share(report, device, units[i].counter));
	}
	printf("}, ");
	json_share("jobs_per_second", counter_rate(report, device, KESTREL_COUNTER_JOBS));
	printf(", ");
	json_share("macs_per_second", counter_rate(report, device, KESTREL_COUNTER_MACS));
	printf(", \"clients\": [");
	for (size_t k = 0; k < now->client_count; k++) {
		if (strcmp(now->clients[k].node, device->node))
			continue;
		printf("%s", separator);
		json_client(report, &now->clients[k]);
		separator = ", ";
	}
	printf("]}");
}

static void json_print(const struct report *report)
{
	const struct usage *now = report->now;

	printf("{\"time_ns\": %" PRIu64 ", \"interval_seconds\": %.6f, \"hidden_processes\": %zu",
	       now->time_ns, report->seconds, now->hidden);
	printf(", \"devices\": [");
	for (size_t i = 0; i < now->device_count; i++) {
		printf("%s", i ? ", " : "");
		json_device(report, &now->devices[i]);
	}
	printf("]}\n");
}

/* ---- Again and again ---- */

/* Interrupted by a signal it is over sooner. */
static void interval_wait(uint32_t ms)
{
	struct timespec interval = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	nanosleep(&interval, NULL);
}

static int look(struct usage *usage)
{
	int ret = usage_read("", usage);

	return ret ? tool_error("cannot look at processes: %s", strerror(-ret)) : 0;
}

static int reports_print(const struct options *options)
{
	int terminal = isatty(STDOUT_FILENO) && options->count != 1 && !options->json;
	struct usage before, now;
	int ret = look(&before);

	for (uint32_t i = 0; !ret && !stopped && (!options->count || i < options->count); i++) {
		struct report report = { .before = &before, .now = &now };

		interval_wait(options->interval_ms);
		/* What was asked for once is worth a report of a shorter interval. */
		if (stopped && options->count != 1)
			break;
		ret = look(&now);
		if (ret)
			break;
		report.seconds = (double)(now.time_ns - before.time_ns) / 1e9;
		/* From the top of the screen, over what was there. */
		if (terminal)
			printf("\033[H\033[2J");
		(options->json ? json_print : text_print)(&report);
		ret = tool_finish(TOOL_OK);
		usage_free(&before);
		before = now;
	}
	usage_free(&before);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = { .interval_ms = 1000 };
	struct sigaction action = { .sa_handler = stop };
	int ret = options_parse(&options, argc, argv);

	if (ret || tool_answer(options.help, options.version, help))
		return tool_finish(ret);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return reports_print(&options);
}
