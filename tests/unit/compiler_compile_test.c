// SPDX-License-Identifier: MIT
/*
 * The whole compiler on the demo model: every configuration and small SRAM,
 * the same bytes each time, the same stream from the graph as from the model,
 * options refused by name.
 */
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include <kestrel/compiler.h>
#include <kestrel/graph.h>

#include "compile.h"
#include "compiler_test.h"

static const char *const targets[] = {
	"kestrel-64", "kestrel-128", "kestrel-256", "kestrel-512", "kestrel-1024", "kestrel-2048",
};

static const struct kestrel_graph_section *section(const struct buffer *graph, uint32_t type)
{
	const struct kestrel_graph_header *header = (const void *)graph->data;
	const struct kestrel_graph_section *table = (const void *)(graph->data +
								   header->header_size);

	for (uint32_t i = 0; i < header->section_count; i++)
		if (table[i].type == type)
			return &table[i];
	return NULL;
}

static bool sections_equal(const struct buffer *a, const struct buffer *b, uint32_t type)
{
	const struct kestrel_graph_section *x = section(a, type), *y = section(b, type);

	return x && y && x->size == y->size &&
	       !memcmp(a->data + x->offset, b->data + y->offset, x->size);
}

static void check_targets(struct test *test, const struct buffer *model)
{
	static const char *const settings[] = { NULL, "sram=65536", "sram=16384", "sram=8192" };

	for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++)
		for (size_t s = 0; s < sizeof(settings) / sizeof(settings[0]); s++) {
			struct compile_request request = {
				.data = model->data, .bytes = model->bytes, .name = "model.tflite",
				.target = targets[t], .settings = settings[s],
			};
			struct compile_request again = { .is_graph = true, .target = targets[t],
							 .settings = settings[s] };
			struct compile_result first, second, third;
			struct error error = { "" };

			CHECK(test, !compile(&request, &first, &error));
			CHECK(test, !compile(&request, &second, &error));
			CHECK(test, first.graph.bytes == second.graph.bytes && first.graph.bytes &&
			      !memcmp(first.graph.data, second.graph.data, first.graph.bytes));
			again.data = first.graph.data;
			again.bytes = first.graph.bytes;
			CHECK(test, !compile(&again, &third, &error));
			for (uint32_t type = KESTREL_GRAPH_SECTION_CONSTANTS;
			     type <= KESTREL_GRAPH_SECTION_STREAM_CONSTANTS; type++)
				CHECK(test, sections_equal(&first.graph, &third.graph, type));
			if (error.text[0])
				printf("# %s: %s\n", targets[t], error.text);
			compile_release(&first);
			compile_release(&second);
			compile_release(&third);
		}
	test_end(test, "every configuration, the same bytes each time and from the graph");
}

static const char *operators_of(const struct compile_result *result)
{
	return strstr((const char *)result->report.data, "\"operators\": ");
}

static void check_report(struct test *test, const struct buffer *model)
{
	struct compile_request request = {
		.data = model->data, .bytes = model->bytes, .wants_report = true,
	};
	struct compile_request again = { .is_graph = true, .wants_report = true };
	struct compile_result result, recompiled;
	struct error error;

	CHECK(test, !compile(&request, &result, &error));
	CHECK(test, result.report.bytes && !result.report.data[result.report.bytes - 1]);
	if (result.report.bytes) {
		const char *report = (const char *)result.report.data;

		CHECK(test, strstr(report, "\"predicted_cycles\": ") != NULL);
		CHECK(test, strstr(report, "\"sram_peak_bytes\": ") != NULL);
		CHECK(test, strstr(report, "\"ops_cpu\": 0,") != NULL);
		CHECK(test, strstr(report, "\"place\": \"npu\"") != NULL);
	}
	again.data = result.graph.data;
	again.bytes = result.graph.bytes;
	CHECK(test, !compile(&again, &recompiled, &error));
	/* Names, places and reasons of all operators, removed ones too. */
	CHECK(test, recompiled.report.bytes && operators_of(&recompiled) && operators_of(&result) &&
	      !strcmp(operators_of(&recompiled), operators_of(&result)));
	compile_release(&recompiled);
	compile_release(&result);
	test_end(test, "the report, every operator on the NPU, and the same from the graph");
}

/* What another compiler has made has no operator of the source. */
static void check_sourceless(struct test *test, const struct buffer *model)
{
	struct compile_request request = { .data = model->data, .bytes = model->bytes };
	struct compile_request again = { .is_graph = true };
	struct compile_result result, recompiled;
	const struct kestrel_graph_section *operators, *placements;
	struct kestrel_graph_operator operator;
	struct error error;

	CHECK(test, !compile(&request, &result, &error));
	operators = section(&result.graph, KESTREL_GRAPH_SECTION_OPERATORS);
	for (uint32_t i = 0; operators && i < operators->record_count; i++) {
		uint8_t *at = result.graph.data + operators->offset + i * operators->record_size;

		memcpy(&operator, at, sizeof(operator));
		operator.source_operator = KESTREL_GRAPH_NONE;
		memcpy(at, &operator, sizeof(operator));
	}
	again.data = result.graph.data;
	again.bytes = result.graph.bytes;
	CHECK(test, !compile(&again, &recompiled, &error));
	placements = recompiled.graph.data ?
		     section(&recompiled.graph, KESTREL_GRAPH_SECTION_PLACEMENT) : NULL;
	CHECK(test, placements && placements->record_count ==
	      section(&result.graph, KESTREL_GRAPH_SECTION_PLACEMENT)->record_count);
	compile_release(&recompiled);
	compile_release(&result);
	test_end(test, "operators that are none of the source");
}

static void check_options(struct test *test, const struct buffer *model)
{
	static const struct {
		struct compile_request request;
		const char *message;
	} cases[] = {
		{ { .target = "kestrel-7" }, "kestrel-7" },
		{ { .settings = "sram" }, "sram" },
		{ { .settings = "sram=12" }, "sram" },
		{ { .settings = "sram=65536x" }, "sram" },
		{ { .settings = "colour=red" }, "colour" },
		{ { .settings = "spill=maybe" }, "spill" },
		{ { .settings = "banks=33" }, "banks" },
		{ { .numerics = "float" }, "float" },
		{ { .numerics = "onnx" }, "onnx" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct compile_request request = cases[i].request;
		struct compile_result result;
		struct error error = { "" };

		request.data = model->data;
		request.bytes = model->bytes;
		CHECK(test, compile(&request, &result, &error) < 0);
		CHECK(test, strstr(error.text, cases[i].message) != NULL);
		CHECK(test, !result.graph.data && !result.report.data);
	}
	test_end(test, "options that make no sense are refused by name");
}

static void check_library(struct test *test, const struct buffer *model)
{
	const struct kestrel_compiler_functions *functions = kestrel_compiler_functions();
	struct kestrel_compiler_options options = { .size = sizeof(options) };
	struct {
		struct kestrel_compiler_options options;
		uint8_t tail[8];
	} later = { 0 };
	struct kestrel_compiler_result result;
	char message[64];

	CHECK(test, functions->version == KESTREL_COMPILER_VERSION);
	CHECK(test, !functions->compile_model(model->data, model->bytes, &options, &result, message,
					      sizeof(message)));
	CHECK(test, result.graph && (uintptr_t)result.graph % KESTREL_GRAPH_ALIGNMENT == 0);
	CHECK(test, result.report && result.report[0] == '{');
	functions->result_free(&result);
	CHECK(test, !result.graph && !result.report);
	functions->result_free(&result);
	options.flags = KESTREL_COMPILER_NO_REPORT;
	CHECK(test, !functions->compile_model(model->data, model->bytes, &options, &result, message,
					      sizeof(message)));
	CHECK(test, result.graph && !result.report);
	functions->result_free(&result);
	options.flags = 1u << 31;
	CHECK(test, functions->compile_model(model->data, model->bytes, &options, &result, message,
					     sizeof(message)) == -EINVAL);
	CHECK(test, strstr(message, "flags") != NULL);
	options.flags = KESTREL_COMPILER_NO_STREAM;
	options.numerics = "tflm";
	CHECK(test, !functions->compile_model(model->data, model->bytes, &options, &result, NULL, 0));
	functions->result_free(&result);
	later.options = options;
	later.options.size = sizeof(later);
	CHECK(test, !functions->compile_model(model->data, model->bytes, &later.options, &result,
					      NULL, 0));
	functions->result_free(&result);
	later.tail[7] = 1;
	CHECK(test, functions->compile_model(model->data, model->bytes, &later.options, &result,
					     message, sizeof(message)) == -EINVAL);
	CHECK(test, strstr(message, "is not 0") != NULL);
	/* As short as the first caller's can be. */
	options.size = offsetof(struct kestrel_compiler_options, target);
	CHECK(test, !functions->compile_model(model->data, model->bytes, &options, &result, NULL,
					      0));
	functions->result_free(&result);
	options.size--;
	CHECK(test, functions->compile_model(model->data, model->bytes, &options, &result,
					     message, sizeof(message)) == -EINVAL);
	test_end(test, "the library's function table");
}

/* A locale of this process's own, "comma", made by libc-bin's localedef in `directory`. */
static bool locale_make(const char *directory)
{
	char path[80], command[280];
	FILE *file;

	snprintf(path, sizeof(path), "%s/source", directory);
	file = fopen(path, "w");
	if (!file)
		return false;
	fputs("LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\nEND LC_NUMERIC\n",
	      file);
	fclose(file);
	/* It warns of all the categories that are not there. */
	snprintf(command, sizeof(command),
		 "localedef -c --no-archive -i %s/source %s/comma >/dev/null 2>&1", directory,
		 directory);
	if (system(command) < 0)
		return false;
	setenv("LOCPATH", directory, 1);
	return setlocale(LC_NUMERIC, "comma") && !strcmp(localeconv()->decimal_point, ",");
}

/* A program whose numbers have commas gets the same graph and the same report. */
static void check_locale(struct test *test, const struct buffer *model)
{
	const struct kestrel_compiler_functions *functions = kestrel_compiler_functions();
	struct kestrel_compiler_options options = {
		.size = sizeof(options), .settings = "port0_rate=1.5",
	};
	struct kestrel_compiler_result points, commas;
	char directory[] = "/tmp/kestrel-locale-XXXXXX", command[64], message[200] = "";

	CHECK(test, !functions->compile_model(model->data, model->bytes, &options, &points, message,
					      sizeof(message)));
	CHECK(test, mkdtemp(directory) != NULL);
	CHECK(test, locale_make(directory));
	CHECK(test, !functions->compile_model(model->data, model->bytes, &options, &commas, message,
					      sizeof(message)));
	CHECK(test, !*message);
	CHECK(test, points.graph_bytes == commas.graph_bytes && points.graph_bytes &&
	      !memcmp(points.graph, commas.graph, points.graph_bytes));
	CHECK(test, points.report && commas.report && !strcmp(points.report, commas.report));
	/* The program's own is as it was. */
	CHECK(test, !strcmp(localeconv()->decimal_point, ","));
	functions->result_free(&points);
	functions->result_free(&commas);
	setlocale(LC_NUMERIC, "C");
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	CHECK(test, !system(command));
	test_end(test, "a locale with a decimal comma");
}

int main(void)
{
	struct buffer model = test_file(DEMO_MODEL);
	struct test test = { 0 };

	CHECK(&test, model.bytes > 0);
	test_end(&test, "the demo model is there");
	if (model.bytes) {
		check_targets(&test, &model);
		check_report(&test, &model);
		check_sourceless(&test, &model);
		check_options(&test, &model);
		check_library(&test, &model);
		check_locale(&test, &model);
	}
	buffer_release(&model);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
