// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npuc.h"

#define VALUES_MAX 32
#define KEYS 3

enum key { KEY_MACS, KEY_SRAM, KEY_BANDWIDTH };

static const struct {
	const char *name;
	/* What is tried where nothing else is said. */
	const char *values;
} keys_known[KEYS] = {
	{ "macs", SWEEP_MACS }, { "sram", SWEEP_SRAM }, { "bandwidth", SWEEP_BANDWIDTH },
};

/* Values of a key as they were written; none: the key is not swept. */
struct axis {
	unsigned int count;
	double values[VALUES_MAX];
};

struct point {
	double values[KEYS];
	struct compile_summary summary;
	/* No other point is as fast with no more of anything. */
	bool is_best;
};

static enum npuc_exit complain(const char *keys)
{
	fprintf(stderr, "npuc: --sweep %s: not KEY, KEY=VALUE[:VALUE]... or KEY=FIRST..LAST "
		"(doubling; at most %d values) with macs, sram (bytes), bandwidth (bytes a cycle "
		"of the constant port), each once\n", keys, VALUES_MAX);
	return NPUC_USAGE;
}

static bool axis_add(struct axis *axis, double value)
{
	if (axis->count == VALUES_MAX || !(value > 0 && value <= UINT32_MAX))
		return false;
	axis->values[axis->count++] = value;
	return true;
}

/* A number that is all of the text. */
static bool number_parse(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end;
}

/* "V", or "FIRST..LAST": each twice the one before. */
static bool values_parse(struct axis *axis, char *text)
{
	char *range = strstr(text, "..");
	double value, last;

	if (range)
		*range = 0;
	if (!number_parse(text, &value))
		return false;
	last = value;
	if (range && (!number_parse(range + 2, &last) || !(last >= value)))
		return false;
	do {
		if (!axis_add(axis, value))
			return false;
		value *= 2;
	} while (value <= last);
	return true;
}

/* "VALUES:VALUES:..." */
static bool axis_parse(struct axis *axis, const char *text, size_t bytes)
{
	char part[64];

	for (const char *end = text + bytes; text <= end;) {
		size_t length = strcspn(text, ":,");

		if (!length || length >= sizeof(part))
			return false;
		memcpy(part, text, length);
		part[length] = 0;
		if (!values_parse(axis, part))
			return false;
		text += length + 1;
	}
	return true;
}

/* "KEY" or "KEY=VALUES" of so many bytes. */
static bool key_parse(struct axis axes[KEYS], const char *text, size_t bytes)
{
	size_t name = strcspn(text, "=,");

	for (unsigned int k = 0; k < KEYS; k++) {
		if (strlen(keys_known[k].name) != name || memcmp(text, keys_known[k].name, name))
			continue;
		if (axes[k].count)
			return false;
		return text[name] == '=' ?
		       axis_parse(&axes[k], text + name + 1, bytes - name - 1) :
		       axis_parse(&axes[k], keys_known[k].values, strlen(keys_known[k].values));
	}
	return false;
}

static bool axes_parse(struct axis axes[KEYS], const char *keys)
{
	for (;;) {
		size_t bytes = strcspn(keys, ",");

		if (!key_parse(axes, keys, bytes))
			return false;
		if (!keys[bytes])
			return true;
		keys += bytes + 1;
	}
}

/*
 * An array of more multiply-accumulates comes with the banks and the weight port
 * that feed it, as in the reference configurations.
 */
static void settings_write(const struct compile_request *request, const struct axis axes[KEYS],
			   const struct point *point, char *text, size_t bytes)
{
	int at = snprintf(text, bytes, "%s", request->settings ? request->settings : "");

	if (axes[KEY_MACS].count) {
		unsigned int macs = (unsigned int)point->values[KEY_MACS];

		at += snprintf(text + at, bytes - (size_t)at, ",macs=%u,banks=%u,weight_rate=%u",
			       macs, macs > 512 ? macs / 16 : 32, macs > 512 ? 64 : 32);
	}
	if (axes[KEY_SRAM].count)
		at += snprintf(text + at, bytes - (size_t)at, ",sram=%.0f",
			       point->values[KEY_SRAM]);
	if (axes[KEY_BANDWIDTH].count)
		snprintf(text + at, bytes - (size_t)at, ",port0_rate=%g",
			 point->values[KEY_BANDWIDTH]);
}

static enum npuc_exit point_compile(const struct compile_request *request,
				    const struct axis axes[KEYS], struct point *point,
				    struct waiting *waiting)
{
	struct compile_request one = *request;
	struct compile_result result;
	char settings[1024];
	struct error error;

	settings_write(request, axes, point, settings, sizeof(settings));
	one.settings = settings[0] == ',' ? settings + 1 : settings;
	one.progress = waiting_progress;
	one.opaque = waiting;
	if (compile(&one, &result, &error)) {
		waiting_end(waiting);
		fprintf(stderr, "npuc: %s with %s: %s\n", request->name, one.settings, error.text);
		return NPUC_FAILED;
	}
	point->summary = result.summary;
	compile_release(&result);
	return NPUC_DONE;
}

static double milliseconds(const struct point *point)
{
	return (double)point->summary.predicted_cycles / point->summary.clock_khz;
}

static void mark_best(struct point *points, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		points[i].is_best = true;
		for (unsigned int j = 0; j < count; j++) {
			bool smaller = false, larger = false;

			for (unsigned int k = 0; k < KEYS; k++) {
				smaller |= points[j].values[k] < points[i].values[k];
				larger |= points[j].values[k] > points[i].values[k];
			}
			smaller |= milliseconds(&points[j]) < milliseconds(&points[i]);
			larger |= milliseconds(&points[j]) > milliseconds(&points[i]);
			if (smaller && !larger)
				points[i].is_best = false;
		}
	}
}

static void print_text(const struct axis axes[KEYS], const struct point *points,
		       unsigned int count)
{
	for (unsigned int k = 0; k < KEYS; k++)
		if (axes[k].count)
			printf("%10s ", keys_known[k].name);
	printf("%12s %10s %7s %10s %10s %10s\n", "cycles", "ms", "array", "SRAM peak", "spilled",
	       "constants");
	for (unsigned int i = 0; i < count; i++) {
		const struct compile_summary *s = &points[i].summary;

		for (unsigned int k = 0; k < KEYS; k++)
			if (axes[k].count)
				printf("%10.10g ", points[i].values[k]);
		printf("%12" PRIu64 " %10.3f %5.1f %% %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "%s\n",
		       s->predicted_cycles, milliseconds(&points[i]),
		       s->predicted_cycles ? 100.0 * (double)s->npu_macs /
		       ((double)s->predicted_cycles * s->macs_per_cycle) : 0.0,
		       s->sram_peak_bytes, s->spill_bytes, s->constant_bytes,
		       points[i].is_best ? " *" : "");
	}
	printf("* nothing is as fast with no more of anything\n");
}

static void print_json(const struct axis axes[KEYS], const struct point *points,
		       unsigned int count)
{
	printf("[");
	for (unsigned int i = 0; i < count; i++) {
		const struct compile_summary *s = &points[i].summary;

		printf("%s\n  {", i ? "," : "");
		for (unsigned int k = 0; k < KEYS; k++)
			if (axes[k].count)
				printf("\"%s\": %.10g, ", keys_known[k].name, points[i].values[k]);
		printf("\"predicted_cycles\": %" PRIu64 ", \"milliseconds\": %.4f, "
		       "\"npu_macs\": %" PRIu64 ", \"sram_peak_bytes\": %" PRIu64
		       ", \"spill_bytes\": %" PRIu64 ", \"constant_bytes\": %" PRIu64
		       ", \"best\": %s}", s->predicted_cycles, milliseconds(&points[i]), s->npu_macs,
		       s->sram_peak_bytes, s->spill_bytes, s->constant_bytes,
		       points[i].is_best ? "true" : "false");
	}
	printf("\n]\n");
}

enum npuc_exit sweep(const struct compile_request *request, const char *keys, bool json)
{
	struct axis axes[KEYS] = { 0 };
	unsigned int counts[KEYS], count = 1;
	enum npuc_exit status = NPUC_DONE;
	struct waiting waiting;
	char what[64];
	struct point *points;

	if (request->settings && strlen(request->settings) > 800) {
		fprintf(stderr, "npuc: --sweep: --set is too long\n");
		return NPUC_USAGE;
	}
	if (!axes_parse(axes, keys))
		return complain(keys);
	for (unsigned int k = 0; k < KEYS; k++) {
		counts[k] = axes[k].count ? axes[k].count : 1;
		count *= counts[k];
	}
	points = calloc(count, sizeof(*points));
	if (!points) {
		fprintf(stderr, "npuc: out of memory\n");
		return NPUC_FAILED;
	}
	waiting_begin(&waiting);
	waiting.what = what;
	for (unsigned int i = 0; i < count && status == NPUC_DONE; i++) {
		unsigned int rest = i;

		for (unsigned int k = KEYS; k-- > 0; rest /= counts[k])
			points[i].values[k] = axes[k].values[rest % counts[k]];
		snprintf(what, sizeof(what), "configuration %u of %u", i + 1, count);
		waiting_tell(&waiting, "npuc: %s", what);
		status = point_compile(request, axes, &points[i], &waiting);
	}
	waiting_end(&waiting);
	if (status == NPUC_DONE) {
		mark_best(points, count);
		(json ? print_json : print_text)(axes, points, count);
	}
	free(points);
	return status;
}
