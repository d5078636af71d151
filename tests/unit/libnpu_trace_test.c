// SPDX-License-Identifier: MIT
/*
 * The timeline of a trace: what each event becomes, traces that begin and end under
 * way, programs with misleading names, and lines changed at random.
 */
#include <ctype.h>
#include <inttypes.h>

#include "libnpu_test.h"
#include "tools/trace.h"

#define AT(time, text) "         npu-run-342     [001] .....  " time ": kestrel_" text "\n"

static char timeline[1 << 20];

/* Returns whether it was converted; what came out is in `timeline`. */
static int convert(const char *text, size_t size, struct trace_summary *summary)
{
	FILE *in = tmpfile(), *out = tmpfile();
	size_t got = 0;
	int ret = -1;

	if (in && out && fwrite(text, 1, size, in) == size) {
		rewind(in);
		ret = trace_convert(in, out, summary);
		rewind(out);
		got = fread(timeline, 1, sizeof(timeline) - 1, out);
	}
	timeline[got] = '\0';
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	return !ret;
}

static int converts(const char *text, struct trace_summary *summary)
{
	return convert(text, strlen(text), summary);
}

static int has(const char *text)
{
	return strstr(timeline, text) != NULL;
}

/* Enough of JSON to see that a value ends where it should. */
static int is_whole(void)
{
	int depth = 0, quoted = 0;

	for (const char *at = timeline; *at; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (!quoted && (*at == '{' || *at == '['))
			depth++;
		else if (!quoted && (*at == '}' || *at == ']'))
			depth--;
		if (depth < 0 || (!isprint((unsigned char)*at) && *at != '\n'))
			return 0;
	}
	return !depth && !quoted && !has(",\n]") && !has(",,");
}

static const char two_jobs[] =
	"# tracer: nop\n"
	AT("12.000100", "power: on=1")
	AT("12.000200", "job_submit: queue=3 asid=1 seqno=7 user_tag=0xabc")
	AT("12.000250", "job_submit: queue=3 asid=1 seqno=8 user_tag=0x0")
	AT("12.000300", "job_start: queue=3 asid=1 seqno=7 user_tag=0xabc")
	AT("12.000310", "job_start: queue=3 asid=1 seqno=8 user_tag=0x0")
	AT("12.001000", "job_preempt: queue=3 seqno=7 preemptions=2")
	AT("12.001300", "job_end: queue=3 seqno=7 user_tag=0xabc error=0 start_cycle=100 end_cycle=500 active_cycles=400")
	AT("12.001500", "frequency: khz=250000")
	AT("12.001900", "fault: asid=1 va=0x4000 access=2 unit=1 cause=3")
	AT("12.002000", "job_end: queue=3 seqno=8 user_tag=0x0 error=-14 start_cycle=510 end_cycle=900 active_cycles=390")
	AT("12.003000", "reset: level=2");

static int test_jobs(void)
{
	struct trace_summary summary;

	return converts(two_jobs, &summary) && is_whole() && summary.events == 11 &&
	       summary.jobs == 2 && !summary.partial && !summary.lost &&
	       has("\"name\": \"job 7\", \"pid\": 1, \"tid\": 6, \"ts\": 12000200.000, \"dur\": 100.000") &&
	       has("\"name\": \"job 7\", \"pid\": 1, \"tid\": 7, \"ts\": 12000300.000, \"dur\": 1000.000, \"args\": {\"user_tag\": \"0xabc\", \"error\": 0, \"preemptions\": 2, \"start_cycle\": 100, \"end_cycle\": 500, \"active_cycles\": 400}}") &&
	       /* It waited while the one before it did, in another row. */
	       has("\"name\": \"job 8\", \"pid\": 1, \"tid\": 2054, \"ts\": 12000250.000, \"dur\": 60.000") &&
	       has("\"tid\": 2054, \"args\": {\"name\": \"queue 3 waiting 2\"}") && !has("waiting 3") &&
	       /* It begins where the one before it ended. */
	       has("\"name\": \"job 8\", \"pid\": 1, \"tid\": 7, \"ts\": 12001300.000, \"dur\": 700.000") &&
	       has("\"error\": -14") && has("\"name\": \"queue 3 waiting\"") &&
	       has("\"name\": \"clock\", \"pid\": 1, \"ts\": 12001500.000, \"args\": {\"khz\": 250000}") &&
	       has("\"name\": \"power\", \"pid\": 1, \"ts\": 12000100.000, \"args\": {\"on\": 1}") &&
	       has("\"name\": \"fault\"") && has("\"va\": \"0x4000\"") &&
	       has("\"name\": \"reset\"") && has("\"level\": 2");
}

static int test_under_way(void)
{
	static const char text[] =
		AT("1.5", "job_end: queue=0 seqno=1 user_tag=0x0 error=0")
		AT("2.0", "job_start: queue=0 asid=1 seqno=2 user_tag=0x5")
		AT("2.000000001", "job_end: queue=0 seqno=2 user_tag=0x5 error=0")
		AT("3.0", "job_submit: queue=0 asid=1 seqno=3 user_tag=0x6")
		"CPU:0 [LOST 41 EVENTS]\n"
		AT("4.0", "job_submit: queue=0 asid=1 seqno=4 user_tag=0x7")
		AT("4.25", "job_start: queue=0 asid=1 seqno=4 user_tag=0x7")
		AT("5.0", "power: on=0");
	struct trace_summary summary;

	return converts(text, &summary) && is_whole() && summary.jobs == 1 &&
	       summary.partial == 3 && summary.lost == 41 &&
	       has("\"ts\": 2000000.000, \"dur\": 0.001") &&
	       has("\"name\": \"job 3\", \"pid\": 1, \"tid\": 0, \"ts\": 3000000.000, \"dur\": 2000000.000, \"args\": {\"user_tag\": \"0x6\", \"unfinished\": true}}") &&
	       has("\"name\": \"job 4\", \"pid\": 1, \"tid\": 1, \"ts\": 4250000.000, \"dur\": 750000.000");
}

static int test_never_begun(void)
{
	static const char text[] =
		AT("1.0", "job_submit: queue=2 asid=1 seqno=9 user_tag=0x1")
		AT("1.5", "job_end: queue=2 seqno=9 user_tag=0x1 error=-125 start_cycle=0 end_cycle=0 active_cycles=0");
	struct trace_summary summary;

	return converts(text, &summary) && is_whole() && summary.jobs == 1 && !summary.partial &&
	       has("\"name\": \"job 9\", \"pid\": 1, \"tid\": 4, \"ts\": 1000000.000, \"dur\": 500000.000, \"args\": {\"user_tag\": \"0x1\", \"error\": -125}}");
}

/* A queue that was destroyed leaves its number, and its jobs' numbers, to the next. */
static int test_number_used_again(void)
{
	static const char text[] =
		AT("1.0", "job_submit: queue=0 asid=1 seqno=1 user_tag=0x1")
		AT("2.0", "job_submit: queue=0 asid=2 seqno=1 user_tag=0x2")
		AT("3.0", "job_start: queue=0 asid=2 seqno=1 user_tag=0x2")
		AT("4.0", "job_end: queue=0 seqno=1 user_tag=0x2 error=0");
	struct trace_summary summary;

	return converts(text, &summary) && is_whole() && summary.jobs == 1 &&
	       summary.partial == 1 && has("\"ts\": 2000000.000, \"dur\": 1000000.000");
}

static int test_other_lines(void)
{
	static const char text[] =
		" x: kestrel_job_-9 [000] ..... 1.0: sched_switch: prev_comm=a: kestrel_ next\n"
		" : kestrel_power:-9 [000] ..... 2.5: kestrel_power: on=1\n"
		"kestrel_job_submit: queue=1\n"
		AT("3.0", "job_submit: queue=4294967295 asid=1 seqno=1 user_tag=0x1")
		AT("3.0", "a_name_that_is_longer_than_any_that_the_driver_has: queue=1")
		AT("3.5", "tomorrow: colour=7");
	struct trace_summary summary;

	return converts(text, &summary) && is_whole() && summary.events == 3 && !summary.jobs &&
	       has("\"name\": \"power\", \"pid\": 1, \"ts\": 2500000.000") && !has("colour");
}

static int test_damaged(void)
{
	char text[sizeof(two_jobs)];
	uint32_t random = 1;

	for (unsigned int round = 0; round < 20000; round++) {
		struct trace_summary summary;
		size_t size = sizeof(two_jobs) - 1;

		memcpy(text, two_jobs, size);
		for (uint32_t i = test_random(&random) % 8; i; i--)
			text[test_random(&random) % size] = (char)test_random(&random);
		size -= test_random(&random) % 4 ? 0 : test_random(&random) % size;
		if (!convert(text, size, &summary) || !is_whole())
			return 0;
	}
	return 1;
}

int main(void)
{
	test_result("jobs, faults, clock, power and resets are on the timeline", test_jobs());
	test_result("a trace may begin and end under way", test_under_way());
	test_result("a job that was never begun waits to its end", test_never_begun());
	test_result("a number that is used again is another job", test_number_used_again());
	test_result("other lines are passed over", test_other_lines());
	test_result("20000 damaged traces become whole timelines", test_damaged());
	return test_failures ? 1 : 0;
}
