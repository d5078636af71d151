// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lane.h"
#include "trace.h"

#define PREFIX ": kestrel_"
#define LINE_BYTES 1024
/* Far more than a device has. */
#define QUEUES_MAX 1024

/* A job that has not ended yet; times in nanoseconds, 0 when unknown. */
struct job {
	uint32_t queue;
	uint64_t seqno;
	uint64_t user_tag;
	uint64_t submitted;
	uint64_t started;
	uint64_t preemptions;
};

struct converter {
	FILE *out;
	struct trace_summary *summary;
	struct job *jobs;
	size_t count;
	size_t room;
	/* When the last job of a queue ended. */
	uint64_t ended[QUEUES_MAX];
	/* Of each queue: jobs that wait, and those that the firmware has. */
	struct lanes lanes[2 * QUEUES_MAX];
	/* Time of the newest event. */
	uint64_t now;
	int first;
	/* Of slices that could not be placed. */
	int error;
};

/* An event of the driver, in the line that it was found in. */
struct event {
	char name[32];
	const char *fields;
	uint64_t time;
};

/* The number behind " key=", or `otherwise`. */
static uint64_t field(const struct event *event, const char *key, uint64_t otherwise)
{
	size_t length = strlen(key);
	const char *at = event->fields;

	for (at = strstr(at, key); at; at = strstr(at + 1, key)) {
		if (at > event->fields && at[-1] == ' ' && at[length] == '=')
			return strtoull(at + length + 1, NULL, 0);
	}
	return otherwise;
}

/* "seconds.fraction" that ends before `end`; in nanoseconds. */
static uint64_t time_before(const char *line, const char *end)
{
	const char *at = end;
	uint64_t seconds, fraction = 0;
	unsigned int digits;
	char *point;

	while (at > line && ((at[-1] >= '0' && at[-1] <= '9') || at[-1] == '.'))
		at--;
	seconds = strtoull(at, &point, 10);
	if (*point == '.')
		point++;
	for (digits = 0; digits < 9; digits++) {
		int more = point < end;

		fraction = fraction * 10 + (uint64_t)(more ? *point - '0' : 0);
		point += more;
	}
	return seconds * 1000000000 + fraction;
}

/* Whether the line is an event of the driver. */
static int event_parse(const char *line, struct event *event)
{
	const char *found = NULL, *at, *end;
	size_t length;

	/* What stands before it may be the name of any program. */
	for (at = strstr(line, PREFIX); at; at = strstr(at + 1, PREFIX))
		found = at;
	if (!found)
		return 0;
	at = found + sizeof(PREFIX) - 1;
	end = strchr(at, ':');
	length = end ? (size_t)(end - at) : 0;
	if (!length || length >= sizeof(event->name))
		return 0;
	memcpy(event->name, at, length);
	event->name[length] = '\0';
	event->fields = end + 1;
	event->time = time_before(line, found);
	return 1;
}

static void record_begin(struct converter *converter)
{
	fputs(converter->first ? "\n" : ",\n", converter->out);
	converter->first = 0;
}

/* As the format wants it: microseconds. */
static void time_write(FILE *out, const char *key, uint64_t nanoseconds)
{
	fprintf(out, ", \"%s\": %" PRIu64 ".%03u", key, nanoseconds / 1000,
		(unsigned int)(nanoseconds % 1000));
}

/* "queue 3 waiting", "queue 3 waiting 2" and so on. */
static void lane_name(struct converter *converter, size_t thread, uint32_t queue, uint32_t row,
		      size_t lane)
{
	record_begin(converter);
	fprintf(converter->out,
		"{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": 1, \"tid\": %zu"
		", \"args\": {\"name\": \"queue %" PRIu32 " %s", thread, queue,
		row ? "running" : "waiting");
	if (lane)
		fprintf(converter->out, " %zu", lane + 1);
	fputs("\"}}", converter->out);
}

static void slice_begin(struct converter *converter, const struct job *job, uint32_t row,
			uint64_t begin, uint64_t end)
{
	struct lanes *lanes = &converter->lanes[2 * job->queue + row];
	size_t known = lanes->count, lane = 0, thread;

	if (lane_take(lanes, begin, end, &lane))
		converter->error = -ENOMEM;
	thread = 2 * (lane * QUEUES_MAX + job->queue) + row;
	if (lane >= known)
		lane_name(converter, thread, job->queue, row, lane);
	record_begin(converter);
	fprintf(converter->out,
		"{\"ph\": \"X\", \"name\": \"job %" PRIu64 "\", \"pid\": 1, \"tid\": %zu",
		job->seqno, thread);
	time_write(converter->out, "ts", begin);
	time_write(converter->out, "dur", end > begin ? end - begin : 0);
	fprintf(converter->out, ", \"args\": {\"user_tag\": \"0x%" PRIx64 "\"", job->user_tag);
}

static struct job *job_find(struct converter *converter, uint32_t queue, uint64_t seqno)
{
	for (size_t i = 0; i < converter->count; i++) {
		if (converter->jobs[i].queue == queue && converter->jobs[i].seqno == seqno)
			return &converter->jobs[i];
	}
	return NULL;
}

static struct job *job_add(struct converter *converter, uint32_t queue, uint64_t seqno)
{
	struct job *job;

	if (converter->count == converter->room) {
		size_t room = converter->room ? 2 * converter->room : 64;

		job = realloc(converter->jobs, room * sizeof(*job));
		if (!job)
			return NULL;
		converter->jobs = job;
		converter->room = room;
	}
	job = &converter->jobs[converter->count++];
	*job = (struct job){ .queue = queue, .seqno = seqno };
	return job;
}

static void job_remove(struct converter *converter, struct job *job)
{
	*job = converter->jobs[--converter->count];
}

/* Jobs of a queue run one after the other, however early the firmware has them. */
static uint64_t job_begin(const struct converter *converter, const struct job *job)
{
	uint64_t ended = converter->ended[job->queue];

	return job->started > ended ? job->started : ended;
}

static void job_end(struct converter *converter, struct job *job, const struct event *event)
{
	if (!job->started && job->submitted) {
		/* Its queue died before its turn came. */
		slice_begin(converter, job, 0, job->submitted, event->time);
		fprintf(converter->out, ", \"error\": %" PRId64 "}}",
			(int64_t)field(event, "error", 0));
		converter->summary->jobs++;
	} else if (!job->started) {
		converter->summary->partial++;
	} else {
		if (job->submitted) {
			slice_begin(converter, job, 0, job->submitted, job->started);
			fputs("}}", converter->out);
		}
		slice_begin(converter, job, 1, job_begin(converter, job), event->time);
		fprintf(converter->out,
			", \"error\": %" PRId64 ", \"preemptions\": %" PRIu64
			", \"start_cycle\": %" PRIu64 ", \"end_cycle\": %" PRIu64
			", \"active_cycles\": %" PRIu64 "}}",
			(int64_t)field(event, "error", 0), job->preemptions,
			field(event, "start_cycle", 0), field(event, "end_cycle", 0),
			field(event, "active_cycles", 0));
		converter->summary->jobs++;
	}
	converter->ended[job->queue] = event->time;
	job_remove(converter, job);
}

static int job_event(struct converter *converter, const struct event *event)
{
	const char *what = event->name + strlen("job_");
	uint64_t queue = field(event, "queue", QUEUES_MAX);
	uint64_t seqno = field(event, "seqno", 0);
	struct job *job;

	if (queue >= QUEUES_MAX)
		return 0;
	job = job_find(converter, (uint32_t)queue, seqno);
	/* The trace may begin under way. A number comes again with a new queue. */
	if (job && !strcmp(what, "submit")) {
		converter->summary->partial++;
		job_remove(converter, job);
		job = NULL;
	}
	if (!job)
		job = job_add(converter, (uint32_t)queue, seqno);
	if (!job)
		return -ENOMEM;
	job->user_tag = field(event, "user_tag", job->user_tag);
	if (!strcmp(what, "submit"))
		job->submitted = event->time;
	else if (!strcmp(what, "start"))
		job->started = event->time;
	else if (!strcmp(what, "preempt"))
		job->preemptions = field(event, "preemptions", 0);
	else if (!strcmp(what, "end"))
		job_end(converter, job, event);
	return 0;
}

static void counter_write(struct converter *converter, const struct event *event,
			  const char *name, const char *key)
{
	record_begin(converter);
	fprintf(converter->out, "{\"ph\": \"C\", \"name\": \"%s\", \"pid\": 1", name);
	time_write(converter->out, "ts", event->time);
	fprintf(converter->out, ", \"args\": {\"%s\": %" PRIu64 "}}", key, field(event, key, 0));
}

static void instant_begin(struct converter *converter, const struct event *event)
{
	record_begin(converter);
	fprintf(converter->out, "{\"ph\": \"i\", \"s\": \"g\", \"name\": \"%s\", \"pid\": 1, \"tid\": 0",
		event->name);
	time_write(converter->out, "ts", event->time);
}

static int event_convert(struct converter *converter, const struct event *event)
{
	converter->summary->events++;
	converter->now = event->time;
	if (!strncmp(event->name, "job_", strlen("job_")))
		return job_event(converter, event);
	if (!strcmp(event->name, "power")) {
		counter_write(converter, event, "power", "on");
	} else if (!strcmp(event->name, "frequency")) {
		counter_write(converter, event, "clock", "khz");
	} else if (!strcmp(event->name, "reset")) {
		instant_begin(converter, event);
		fprintf(converter->out, ", \"args\": {\"level\": %" PRIu64 "}}",
			field(event, "level", 0));
	} else if (!strcmp(event->name, "fault")) {
		instant_begin(converter, event);
		fprintf(converter->out,
			", \"args\": {\"asid\": %" PRIu64 ", \"va\": \"0x%" PRIx64
			"\", \"access\": %" PRIu64 ", \"unit\": %" PRIu64 "}}",
			field(event, "asid", 0), field(event, "va", 0), field(event, "access", 0),
			field(event, "unit", 0));
	}
	return 0;
}

/* What had not ended when the trace did; or was lost in a reset. */
static void jobs_left(struct converter *converter)
{
	while (converter->count) {
		struct job *job = &converter->jobs[0];
		uint32_t row = !!job->started;

		if (job->submitted || job->started) {
			slice_begin(converter, job, row,
				    row ? job_begin(converter, job) : job->submitted,
				    converter->now);
			fputs(", \"unfinished\": true}}", converter->out);
		}
		converter->summary->partial++;
		job_remove(converter, job);
	}
}

int trace_convert(FILE *in, FILE *out, struct trace_summary *summary)
{
	struct converter *converter = calloc(1, sizeof(*converter));
	char line[LINE_BYTES];
	int ret = 0, error;

	if (!converter)
		return -ENOMEM;
	*summary = (struct trace_summary){ 0 };
	converter->out = out;
	converter->summary = summary;
	converter->first = 1;
	fputs("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [", out);
	while (!ret && fgets(line, sizeof(line), in)) {
		const char *lost = strstr(line, "[LOST ");
		struct event event;

		if (event_parse(line, &event))
			ret = event_convert(converter, &event);
		else if (lost)
			summary->lost += strtoull(lost + strlen("[LOST "), NULL, 10);
	}
	error = ferror(in) ? errno : 0;
	jobs_left(converter);
	fputs("\n]}\n", out);
	if (!ret)
		ret = converter->error;
	for (size_t i = 0; i < 2 * QUEUES_MAX; i++)
		lanes_release(&converter->lanes[i]);
	free(converter->jobs);
	free(converter);
	if (!ret && (error || fflush(out) || ferror(out)))
		ret = error ? -error : -EIO;
	return ret;
}
