// SPDX-License-Identifier: MIT
/* npu-timeline: a timeline of what the driver's tracepoints told. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"
#include "trace.h"

#define TRACE_FILE "/sys/kernel/tracing/trace"

static const char help[] =
"Usage: npu-timeline [TRACE] [OPTION...]\n"
"Makes a timeline, for Perfetto or chrome://tracing, of events/kestrel in the text\n"
"that ftrace or \"trace-cmd report\" gives.\n"
"\n"
"  TRACE           a file, or - for standard input (default " TRACE_FILE ")\n"
"  --output FILE   where to write it (default standard output)\n"
"  --help, --version\n"
"\n"
"Exits 0, 1 when TRACE cannot be read or has no event of the driver, 2 where the\n"
"command line makes no sense.\n";

struct options {
	const char *trace;
	const char *output;
	int help;
	int version;
};

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };

	options->trace = NULL;
	while (tool_next(&arguments)) {
		if (!*arguments.option && !options->trace) {
			options->trace = arguments.value;
		} else if (!*arguments.option) {
			return tool_usage_error("what is \"%s\"?", arguments.value);
		} else if (!strcmp(arguments.option, "--output")) {
			options->output = tool_value(&arguments);
			if (!options->output)
				return TOOL_USAGE;
		} else if (!strcmp(arguments.option, "--help") ||
			   !strcmp(arguments.option, "-h")) {
			options->help = 1;
		} else if (!strcmp(arguments.option, "--version")) {
			options->version = 1;
		} else {
			return tool_usage_error("unknown option %s", arguments.option);
		}
	}
	if (!options->trace)
		options->trace = TRACE_FILE;
	return 0;
}

static int convert(const struct options *options, FILE *in, FILE *out)
{
	struct trace_summary summary;
	int ret = trace_convert(in, out, &summary);

	if (ret)
		return tool_error("%s: %s", !ferror(out) ? options->trace :
				  options->output ? options->output : "standard output",
				  strerror(-ret));
	if (!summary.events)
		return tool_error("%s: no event of the driver; are events/kestrel enabled?",
				  options->trace);
	if (summary.lost)
		tool_error("%s: %" PRIu64 " events were lost", options->trace, summary.lost);
	return TOOL_OK;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	FILE *in = stdin, *out = stdout;
	int ret = options_parse(&options, argc, argv);

	if (ret || tool_answer(options.help, options.version, help))
		return tool_finish(ret);
	if (strcmp(options.trace, "-"))
		in = fopen(options.trace, "r");
	if (!in)
		return tool_error("%s: %s", options.trace, strerror(errno));
	if (options.output)
		out = fopen(options.output, "w");
	if (!out) {
		ret = tool_error("%s: %s", options.output, strerror(errno));
	} else {
		ret = convert(&options, in, out);
		if (options.output && ret)
			tool_file_drop(out, options.output);
		else if (options.output)
			ret = tool_file_close(out, options.output);
	}
	if (in != stdin)
		fclose(in);
	return ret;
}
