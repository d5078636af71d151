// SPDX-License-Identifier: MIT
/* npuc: compiles a TensorFlow Lite or ONNX model into a Kestrel graph file. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npuc.h"
#include "operators.h"
#include "version.h"

static const char usage[] =
	"usage: npuc MODEL -o GRAPH.npu [options]\n"
	"       npuc MODEL --report FILE | --explain OPERATOR | --verify | --sweep KEYS\n"
	"            [options]\n"
	"       npuc --list-ops[=markdown]\n"
	"Compiles a quantised TensorFlow Lite (.tflite) or ONNX (.onnx) model into a\n"
	"Kestrel graph file.\n"
	"\n"
	"  -o, --output FILE     the graph file to write; \"-\" is standard output\n"
	"  -t, --target NAME,... configurations, the graph gets a stream for each:\n"
	"                        kestrel-64, -128, -256 (default), -512, -1024, -2048,\n"
	"                        or kestrel-256-u55like\n"
	"  -s, --set K=V,...     change single values of the configuration (sram=65536)\n"
	"  -n, --numerics NAME   rounding profile: tflite-ref (default), tflite, tflm; of\n"
	"                        ONNX models onnx\n"
	"  -r, --report FILE     write predicted cycles, memory, placement and timeline:\n"
	"                        a page for a browser if FILE ends in .html, text if in\n"
	"                        .txt, else JSON; \"-\" is JSON to standard output\n"
	"      --no-stream       the portable operator graph alone\n"
	"      --npu-only        without the weights that the NPU computes with; such a graph\n"
	"                        runs nowhere but where one of its streams does\n"
	"      --explain OP      tell everything about the operator with this index, output\n"
	"                        or type\n"
	"      --verify          run the graph with random inputs on the simulated NPU and on\n"
	"                        the processor, and compare every byte\n"
	"      --sweep KEYS      compile for every combination of macs, sram (bytes) and\n"
	"                        bandwidth (bytes a cycle of the constant port) and compare:\n"
	"                        \"macs,sram,bandwidth\", or each with a list (macs=64:256) or\n"
	"                        a doubling range (macs=64..512) of values; without one it is\n"
	"                        macs=" SWEEP_MACS ", sram=" SWEEP_SRAM ", bandwidth=" SWEEP_BANDWIDTH "\n"
	"      --json            --sweep: as JSON\n"
	"      --search-seed N   not the fastest way of computing that is found but any, the\n"
	"                        same for the same N: to test all of them\n"
	"      --list-ops[=markdown]\n"
	"                        the operators that are known, with their NPU forms\n"
	"  -h, --help            this text\n"
	"      --version         the compiler's version\n"
	"\n"
	"Exit status: 0 done, 1 the model cannot be compiled or a file fails, 2 bad usage,\n"
	"3 --verify found a byte that differs.\n";

enum { OPTION_NO_STREAM = 256, OPTION_NPU_ONLY, OPTION_VERSION, OPTION_EXPLAIN, OPTION_VERIFY, OPTION_SWEEP,
       OPTION_JSON, OPTION_LIST, OPTION_SEARCH_SEED };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "target", required_argument, NULL, 't' },
	{ "set", required_argument, NULL, 's' },
	{ "numerics", required_argument, NULL, 'n' },
	{ "report", required_argument, NULL, 'r' },
	{ "no-stream", no_argument, NULL, OPTION_NO_STREAM },
	{ "npu-only", no_argument, NULL, OPTION_NPU_ONLY },
	{ "explain", required_argument, NULL, OPTION_EXPLAIN },
	{ "verify", no_argument, NULL, OPTION_VERIFY },
	{ "sweep", required_argument, NULL, OPTION_SWEEP },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "search-seed", required_argument, NULL, OPTION_SEARCH_SEED },
	{ "list-ops", optional_argument, NULL, OPTION_LIST },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *model, *output, *report, *sweep;
	bool verify, json;
	/* The names of all --target, with commas between. */
	char *targets;
	struct compile_request request;
};

/* "-" is standard output. */
static enum npuc_exit file_write(const char *path, const void *data, size_t bytes)
{
	if (strcmp(path, "-"))
		return tool_file_write(path, data, bytes) ? NPUC_FAILED : NPUC_DONE;
	if (fwrite(data, 1, bytes, stdout) == bytes && !fflush(stdout))
		return NPUC_DONE;
	tool_error("standard output: %s", strerror(errno));
	return NPUC_FAILED;
}

static bool has_suffix(const char *path, const char *suffix)
{
	size_t bytes = strlen(path);

	return bytes > strlen(suffix) && !strcmp(path + bytes - strlen(suffix), suffix);
}

static enum npuc_exit report_write(const struct arguments *arguments,
				   const struct compile_result *result)
{
	const struct buffer *text = &result->report;

	if (arguments->request.wants_html)
		text = &result->report_html;
	else if (arguments->request.wants_text)
		text = &result->report_text;
	return file_write(arguments->report, text->data, text->bytes - 1);
}

static enum npuc_exit results_write(const struct arguments *arguments,
				    const struct compile_result *result)
{
	enum npuc_exit status = NPUC_DONE;

	if (arguments->request.explain)
		status = file_write("-", result->explanation.data, result->explanation.bytes - 1);
	if (status == NPUC_DONE && arguments->report)
		status = report_write(arguments, result);
	if (status == NPUC_DONE && arguments->verify)
		status = compare(result->graph.data, result->graph.bytes, &arguments->request);
	/* A graph that differs is not handed out. */
	if (status == NPUC_DONE && arguments->output)
		status = file_write(arguments->output, result->graph.data, result->graph.bytes);
	return status;
}

static enum npuc_exit run(struct arguments *arguments)
{
	struct compile_request *request = &arguments->request;
	struct compile_result result = { 0 };
	struct waiting waiting;
	struct error error;
	enum npuc_exit status;
	uint8_t *contents = tool_file_read(arguments->model, &request->bytes);
	int ret;

	if (!contents)
		return NPUC_FAILED;
	request->data = contents;
	request->name = strrchr(arguments->model, '/') ? strrchr(arguments->model, '/') + 1 :
			arguments->model;
	if (arguments->sweep) {
		status = sweep(request, arguments->sweep, arguments->json);
		goto out;
	}
	waiting_begin(&waiting);
	request->progress = waiting_progress;
	request->opaque = &waiting;
	if (arguments->report) {
		request->wants_html = has_suffix(arguments->report, ".html");
		request->wants_text = has_suffix(arguments->report, ".txt");
		request->wants_report = !request->wants_html && !request->wants_text;
	}
	ret = compile(request, &result, &error);
	waiting_end(&waiting);
	if (ret) {
		fprintf(stderr, "npuc: %s: %s\n", arguments->model, error.text);
		status = NPUC_FAILED;
	} else {
		status = results_write(arguments, &result);
	}
out:
	compile_release(&result);
	free(contents);
	return status;
}

static enum npuc_exit list_operators(const char *format)
{
	struct buffer text = { 0 };
	enum npuc_exit status;

	if (format && strcmp(format, "markdown")) {
		fprintf(stderr, "npuc: --list-ops=%s: not \"markdown\"\n", format);
		return NPUC_USAGE;
	}
	operators_list(format, &text);
	if (text.failed) {
		fprintf(stderr, "npuc: out of memory\n");
		status = NPUC_FAILED;
	} else {
		status = file_write("-", text.data, text.bytes);
	}
	buffer_release(&text);
	return status;
}

/* Each --target adds its names; false when out of memory. */
static bool target_add(struct arguments *arguments, const char *names)
{
	size_t before = arguments->targets ? strlen(arguments->targets) + 1 : 0;
	size_t bytes = strlen(names) + 1;
	char *targets = realloc(arguments->targets, before + bytes);

	if (!targets)
		return false;
	if (before)
		targets[before - 1] = ',';
	memcpy(targets + before, names, bytes);
	arguments->targets = targets;
	arguments->request.target = targets;
	return true;
}

/* Returns NULL, or what is wrong with options that are each right by themselves. */
static const char *arguments_check(const struct arguments *arguments)
{
	const struct compile_request *request = &arguments->request;
	bool report_prints = arguments->report && !strcmp(arguments->report, "-");
	bool output_prints = arguments->output && !strcmp(arguments->output, "-");

	if (!arguments->model)
		return "no model";
	if (arguments->sweep && (arguments->output || arguments->report || request->explain ||
				 arguments->verify || request->no_stream))
		return "--sweep compares configurations and makes no graph: it goes with none of "
		       "-o, --report, --explain, --verify and --no-stream";
	if (arguments->json && !arguments->sweep)
		return "--json is for --sweep; --report FILE writes JSON of one compilation";
	if (!arguments->output && !arguments->report && !request->explain && !arguments->verify &&
	    !arguments->sweep)
		return "nothing to do: none of -o, --report, --explain, --verify and --sweep";
	if (arguments->verify && request->npu_only)
		return "--verify runs on the processor too, which --npu-only rules out";
	if (report_prints + output_prints +
	    ((report_prints || output_prints) && (request->explain || arguments->verify)) > 1)
		return "-o - and --report - need standard output for themselves, "
		       "and --explain and --verify print there";
	return NULL;
}

static enum npuc_exit complain(const char *text, const char *argument)
{
	fprintf(stderr, "npuc: %s%s%s\nTry npuc --help.\n", text, argument ? ": " : "",
		argument ? argument : "");
	return NPUC_USAGE;
}

/* Where the value of an option goes that is kept as it is; NULL: it is none of those. */
static const char **option_text(struct arguments *arguments, int option)
{
	switch (option) {
	case 'o':
		return &arguments->output;
	case 's':
		return &arguments->request.settings;
	case 'n':
		return &arguments->request.numerics;
	case 'r':
		return &arguments->report;
	case OPTION_EXPLAIN:
		return &arguments->request.explain;
	case OPTION_SWEEP:
		return &arguments->sweep;
	default:
		return NULL;
	}
}

/* What an option without a value sets; NULL: it sets nothing. */
static bool *option_flag(struct arguments *arguments, int option)
{
	switch (option) {
	case OPTION_NO_STREAM:
		return &arguments->request.no_stream;
	case OPTION_NPU_ONLY:
		return &arguments->request.npu_only;
	case OPTION_VERIFY:
		return &arguments->verify;
	case OPTION_JSON:
		return &arguments->json;
	default:
		return NULL;
	}
}

/* Any other option. Returns whether to go on; else `status` is final. */
static bool option_take(struct arguments *arguments, int option, enum npuc_exit *status)
{
	char *end;

	switch (option) {
	case 't':
		if (target_add(arguments, optarg))
			return true;
		*status = (enum npuc_exit)tool_error("out of memory");
		return false;
	case OPTION_SEARCH_SEED:
		arguments->request.search_seed = strtoull(optarg, &end, 0);
		if (end != optarg && !*end && isdigit((unsigned char)*optarg))
			return true;
		*status = complain("--search-seed is not a number", optarg);
		return false;
	case OPTION_LIST:
		*status = list_operators(optarg);
		return false;
	case OPTION_VERSION:
		puts("npuc " COMPILER_VERSION);
		return false;
	case 'h':
		fputs(usage, stdout);
		return false;
	default:
		/* getopt_long() has said what is wrong. */
		fprintf(stderr, "Try npuc --help.\n");
		*status = NPUC_USAGE;
		return false;
	}
}

/* Returns whether the command line asks for work on a model; else `status` is final. */
static bool arguments_parse(struct arguments *arguments, int argc, char **argv,
			    enum npuc_exit *status)
{
	const char *wrong;
	int option;

	*status = NPUC_DONE;
	while ((option = getopt_long(argc, argv, "o:t:s:n:r:h", options, NULL)) != -1) {
		const char **text = option_text(arguments, option);
		bool *flag = option_flag(arguments, option);

		if (text)
			*text = optarg;
		else if (flag)
			*flag = true;
		else if (!option_take(arguments, option, status))
			return false;
	}
	arguments->model = argv[optind];
	wrong = arguments_check(arguments);
	if (wrong)
		*status = complain(wrong, NULL);
	else if (optind + 1 != argc)
		*status = complain("one model at a time", argv[optind + 1]);
	return *status == NPUC_DONE;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .model = NULL };
	enum npuc_exit status;

	if (arguments_parse(&arguments, argc, argv, &status))
		status = run(&arguments);
	free(arguments.targets);
	return tool_finish((int)status);
}
