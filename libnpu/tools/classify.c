// SPDX-License-Identifier: MIT
/* npu-classify: which class a model sees in pictures. */
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

static const char help[] =
"Usage: npu-classify MODEL --labels FILE --image FILE... [OPTION...]\n"
"Shows pictures to a classifier and tells the class and its probability.\n"
"\n"
"  --labels FILE        name of class i in line i + 1\n"
"  --image FILE...      8-bit grey PNG files of exactly the model's size\n"
"  --device DEVICE      auto (default), cpu, sim, npu, or a device node\n"
"  --target TARGET      configuration to simulate or compile for\n"
"  --set KEY=VALUE,...  settings of simulator and compiler\n"
"  --threads N          threads of the processor path (default 1)\n"
"  --json               one JSON object per picture and line\n"
"  --help, --version\n"
"\n"
"The model has one input, int8 or uint8 of 1 x height x width x 1, and one\n"
"output, a probability per class. A pixel is the input's byte (uint8) or\n"
"128 more than it (int8).\n"
"\n"
"Exits 0, 1 after an error, 2 where the command line makes no sense.\n";

struct options {
	struct tool_common common;
	const char *labels;
	struct tool_list images;
};

struct session {
	struct tool_session tool;
	struct npu_capabilities capabilities;
	struct npu_tensor input;
	struct npu_tensor output;
	char *label_text;
	char **labels;
	uint8_t *pixels;
	uint8_t *scores;
};

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };
	int more;

	while ((more = tool_common_next(&options->common, &arguments)) > 0) {
		const char *option = arguments.option;
		int ret;

		if (!strcmp(option, "--labels"))
			ret = (options->labels = tool_value(&arguments)) ? 0 : TOOL_USAGE;
		else if (!strcmp(option, "--image"))
			ret = tool_values(&arguments, &options->images);
		else
			return tool_usage_error("unknown option %s", option);
		if (ret)
			return ret;
	}
	if (more < 0)
		return TOOL_USAGE;
	if (options->common.help || options->common.version)
		return 0;
	if (!options->common.model || !options->labels || !options->images.count)
		return tool_usage_error("model, --labels and --image are needed");
	return 0;
}

/* Line i of the file is label i; there must be one for each output. */
static int labels_read(struct session *session, const char *path, size_t classes)
{
	size_t size;
	uint8_t *text = tool_file_read(path, &size);
	size_t count = 0;
	char *line;

	if (!text)
		return TOOL_FAILED;
	session->label_text = realloc(text, size + 1);
	session->labels = calloc(classes, sizeof(*session->labels));
	if (!session->label_text || !session->labels)
		return tool_error("out of memory");
	session->label_text[size] = 0;
	line = session->label_text;
	while (*line) {
		size_t length = strcspn(line, "\n");
		int last = !line[length];

		line[length] = 0;
		if (count < classes)
			session->labels[count] = line;
		count++;
		line += length + !last;
	}
	if (count != classes)
		return tool_error("%s: %zu labels, the model has %zu classes", path, count, classes);
	return 0;
}

static int model_check(const struct session *session, const char *path)
{
	const struct npu_tensor *input = &session->input;
	struct npu_model_info info = { .size = sizeof(info) };

	npu_model_info(session->tool.model, &info);
	if (info.input_count != 1 || info.output_count != 1 || input->rank != 4 ||
	    input->dims[0] != 1 || input->dims[3] != 1 ||
	    (input->type != NPU_INT8 && input->type != NPU_UINT8) ||
	    (session->output.type != NPU_INT8 && session->output.type != NPU_UINT8))
		return tool_error("%s is not a classifier of grey pictures", path);
	return 0;
}

static int image_read(struct session *session, const char *path)
{
	uint32_t height = session->input.dims[1];
	uint32_t width = session->input.dims[2];
	png_image image = { .version = PNG_IMAGE_VERSION };
	FILE *file = fopen(path, "rb");
	uint8_t header[33];
	size_t got;
	int error;

	/* Colour type and depth as in the file: nothing is converted. */
	if (!file)
		return tool_error("%s: %s", path, strerror(errno));
	got = fread(header, 1, sizeof(header), file);
	error = ferror(file) ? errno : 0;
	fclose(file);
	if (error)
		return tool_error("%s: %s", path, strerror(error));
	if (got != sizeof(header) || png_sig_cmp(header, 0, 8) || header[24] != 8 || header[25] != 0 || header[28] != 0)
		return tool_error("%s is not an 8-bit grey PNG without interlace", path);
	if (!png_image_begin_read_from_file(&image, path))
		return tool_error("%s: %s", path, image.message);
	if (image.width != width || image.height != height) {
		png_image_free(&image);
		return tool_error("%s is %ux%u, the model reads %ux%u", path, image.width,
				  image.height, width, height);
	}
	image.format = PNG_FORMAT_GRAY;
	if (!png_image_finish_read(&image, NULL, session->pixels, (png_int_32)width, NULL))
		return tool_error("%s: %s", path, image.message);
	if (session->input.type == NPU_INT8)
		for (size_t i = 0; i < session->input.bytes; i++)
			session->pixels[i] ^= 0x80;
	return 0;
}

static double probability(const struct session *session, size_t i)
{
	int q = session->output.type == NPU_INT8 ? (int8_t)session->scores[i] :
		session->scores[i];

	return (q - session->output.zero_point) * (double)session->output.scale;
}

/* The answer, what it cost, and the raw output, for scripts that compare devices. */
static void answer_print_json(const struct session *session, const char *path, size_t best,
			      const struct npu_job_stats *stats)
{
	printf("{\"image\": ");
	tool_json_string(stdout, path);
	printf(", \"class\": %zu, \"label\": ", best);
	tool_json_string(stdout, session->labels[best]);
	printf(", \"probability\": %.8g, \"device\": ", probability(session, best));
	tool_json_string(stdout, session->capabilities.name);
	printf(", \"npu_cycles\": %llu, \"clock_khz\": %llu, \"latency_us\": %.3f, \"output\": \"",
	       (unsigned long long)stats->npu_cycles,
	       (unsigned long long)session->capabilities.clock_khz, stats->duration_ns / 1e3);
	for (size_t i = 0; i < session->output.bytes; i++)
		printf("%02x", session->scores[i]);
	printf("\"}\n");
}

static int image_classify(struct session *session, const char *path, int json)
{
	struct npu_job_stats stats = { .size = sizeof(stats) };
	size_t best = 0;

	if (image_read(session, path))
		return TOOL_FAILED;
	if (npu_job_run(session->tool.job) || npu_job_stats(session->tool.job, &stats))
		return tool_error("%s: %s", path, npu_job_errmsg(session->tool.job));
	for (size_t i = 1; i < session->output.bytes; i++)
		if (probability(session, i) > probability(session, best))
			best = i;
	if (json)
		answer_print_json(session, path, best, &stats);
	else
		printf("%s: %s (%.1f %%)\n", path, session->labels[best],
		       100 * probability(session, best));
	return 0;
}

/* The job with its memory; one run before the first picture pays for page faults. */
static int job_prepare(struct session *session)
{
	session->pixels = calloc(1, session->input.bytes);
	session->scores = calloc(1, session->output.bytes);
	if (!session->pixels || !session->scores)
		return tool_error("out of memory");
	if (npu_job_new(session->tool.model, &session->tool.job))
		return tool_error("%s", npu_errmsg(session->tool.device));
	if (npu_job_bind_memory(session->tool.job, NPU_INPUT, 0, session->pixels) ||
	    npu_job_bind_memory(session->tool.job, NPU_OUTPUT, 0, session->scores) ||
	    npu_job_run(session->tool.job))
		return tool_error("%s", npu_job_errmsg(session->tool.job));
	return 0;
}

static int session_run(struct session *session, const struct options *options)
{
	int ret = tool_session_open(&session->tool, options->common.device,
				    &options->common.options, options->common.model);

	if (ret)
		return ret;
	tool_session_tell(&session->tool, options->common.model);
	session->input.size = sizeof(session->input);
	session->output.size = sizeof(session->output);
	if (npu_tensor(session->tool.model, NPU_INPUT, 0, &session->input) ||
	    npu_tensor(session->tool.model, NPU_OUTPUT, 0, &session->output))
		return tool_error("%s: %s", options->common.model, npu_errmsg(session->tool.device));
	ret = model_check(session, options->common.model);
	if (!ret)
		ret = labels_read(session, options->labels, session->output.bytes);
	if (ret)
		return ret;
	session->capabilities.size = sizeof(session->capabilities);
	if (npu_capabilities(session->tool.device, &session->capabilities))
		return tool_error("%s", npu_errmsg(session->tool.device));
	ret = job_prepare(session);
	for (size_t i = 0; !ret && i < options->images.count; i++)
		ret = image_classify(session, options->images.items[i], options->common.json);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = { .common.model = NULL };
	struct session session = { .labels = NULL };
	int ret = options_parse(&options, argc, argv);

	if (!ret && !tool_common_answer(&options.common, help))
		ret = session_run(&session, &options);
	tool_session_close(&session.tool);
	free(session.label_text);
	free(session.labels);
	free(session.pixels);
	free(session.scores);
	free(options.images.items);
	return tool_finish(ret);
}
