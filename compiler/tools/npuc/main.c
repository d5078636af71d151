// SPDX-License-Identifier: MIT
/* npuc: compiles a TensorFlow Lite or ONNX model into a Kestrel graph file. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
#include "version.h"

#define EXIT_USAGE 2

static const char usage[] =
	"usage: npuc MODEL -o GRAPH.npu [options]\n"
	"Compiles a quantised TensorFlow Lite (.tflite) or ONNX (.onnx) model into a\n"
	"Kestrel graph file.\n"
	"\n"
	"  -o, --output FILE     the graph file to write\n"
	"  -t, --target NAME     configuration: kestrel-64, -128, -256 (default), -512,\n"
	"                        -1024, -2048\n"
	"  -s, --set K=V,...     change single values of the configuration (sram=65536)\n"
	"  -n, --numerics NAME   rounding profile: tflite-ref (default), tflite, tflm; of\n"
	"                        ONNX models onnx\n"
	"  -r, --report FILE     write predicted cycles, memory and placement as JSON;\n"
	"                        \"-\" is standard output\n"
	"      --no-stream       the portable operator graph alone\n"
	"  -h, --help            this text\n"
	"      --version         the compiler's version\n"
	"\n"
	"Exit status: 0 done, 1 the model cannot be compiled or a file fails, 2 bad usage.\n";

enum { OPTION_NO_STREAM = 256, OPTION_VERSION };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "target", required_argument, NULL, 't' },
	{ "set", required_argument, NULL, 's' },
	{ "numerics", required_argument, NULL, 'n' },
	{ "report", required_argument, NULL, 'r' },
	{ "no-stream", no_argument, NULL, OPTION_NO_STREAM },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int file_read(const char *path, struct buffer *contents)
{
	FILE *file = fopen(path, "rb");
	char block[65536];
	size_t bytes;
	int ret = 0;

	if (!file)
		return -errno;
	while ((bytes = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(contents, block, bytes);
	if (ferror(file))
		ret = -EIO;
	else if (contents->failed)
		ret = -ENOMEM;
	fclose(file);
	return ret;
}

static int file_write(const char *path, const void *data, size_t bytes)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "wb") : stdout;
	int ret = 0;

	if (!file)
		return -errno;
	if (fwrite(data, 1, bytes, file) != bytes)
		ret = -EIO;
	if ((file == stdout ? fflush(file) : fclose(file)) && !ret)
		ret = -errno;
	if (ret && file != stdout)
		unlink(path);
	return ret;
}

static int run(const char *model, const char *output, const char *report,
	       struct compile_request *request)
{
	struct compile_result result = { 0 };
	struct buffer contents = { 0 };
	const char *failed = model;
	struct error error;
	int ret = file_read(model, &contents);

	if (!ret) {
		request->data = contents.data;
		request->bytes = contents.bytes;
		request->name = strrchr(model, '/') ? strrchr(model, '/') + 1 : model;
		ret = compile(request, &result, &error);
		if (ret) {
			fprintf(stderr, "npuc: %s: %s\n", model, error.text);
			goto out;
		}
		failed = output;
		ret = file_write(output, result.graph.data, result.graph.bytes);
	}
	if (!ret && report) {
		failed = report;
		ret = file_write(report, result.report.data, result.report.bytes - 1);
	}
	if (ret)
		fprintf(stderr, "npuc: %s: %s\n", failed, strerror(-ret));
out:
	compile_release(&result);
	buffer_release(&contents);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *output = NULL, *report = NULL;
	struct compile_request request = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "o:t:s:n:r:h", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			output = optarg;
			break;
		case 't':
			request.target = optarg;
			break;
		case 's':
			request.settings = optarg;
			break;
		case 'n':
			request.numerics = optarg;
			break;
		case 'r':
			report = optarg;
			break;
		case OPTION_NO_STREAM:
			request.no_stream = true;
			break;
		case OPTION_VERSION:
			puts("npuc " COMPILER_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind + 1 != argc || !output) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return run(argv[optind], output, report, &request);
}
