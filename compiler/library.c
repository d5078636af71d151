// SPDX-License-Identifier: MIT
/* The function table of uapi/kestrel/compiler.h. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/compiler.h>
#include <kestrel/graph.h>

#include "compile.h"

/*
 * Options of a caller older than us are shorter; the rest is as if zero. Those of a
 * later one are longer, and may not ask there for what we do not know.
 */
static int take_options(const struct kestrel_compiler_options *given,
			struct kestrel_compiler_options *options, struct error *error)
{
	memset(options, 0, sizeof(*options));
	if (!given)
		return 0;
	if (given->size < offsetof(struct kestrel_compiler_options, target))
		return error_set(error, -EINVAL, "options: size %u is too small", given->size);
	memcpy(options, given, given->size < sizeof(*options) ? given->size : sizeof(*options));
	for (uint32_t i = sizeof(*options); i < given->size; i++)
		if (((const unsigned char *)given)[i])
			return error_set(error, -EINVAL,
					 "options: byte %u of %u is not 0; this library knows %zu",
					 i, given->size, sizeof(*options));
	if (options->reserved)
		return error_set(error, -EINVAL, "options: the reserved field is not 0");
	if (options->flags & ~(KESTREL_COMPILER_NO_STREAM | KESTREL_COMPILER_NO_REPORT))
		return error_set(error, -EINVAL, "options: flags 0x%x are unknown", options->flags);
	return 0;
}

/*
 * Settings and reports have numbers with a point, whatever the locale of the program:
 * this thread's is another while it compiles.
 */
static int compile_with_points(const struct compile_request *request,
			       struct compile_result *result, struct error *error)
{
	locale_t points = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), before;
	int ret;

	if (!points)
		return error_memory(error);
	before = uselocale(points);
	ret = compile(request, result, error);
	uselocale(before);
	freelocale(points);
	return ret;
}

static int run(struct compile_request *request, const struct kestrel_compiler_options *given,
	       struct kestrel_compiler_result *result, char *text, size_t text_bytes)
{
	struct kestrel_compiler_options options;
	struct compile_result compiled = { 0 };
	struct error error = { "" };
	int ret;

	memset(result, 0, sizeof(*result));
	ret = take_options(given, &options, &error);
	if (!ret) {
		request->target = options.target;
		request->settings = options.settings;
		request->numerics = options.numerics;
		request->search_seed = options.search_seed;
		request->no_stream = options.flags & KESTREL_COMPILER_NO_STREAM;
		request->wants_report = !(options.flags & KESTREL_COMPILER_NO_REPORT);
		ret = compile_with_points(request, &compiled, &error);
	}
	if (!ret) {
		result->graph = aligned_alloc(KESTREL_GRAPH_ALIGNMENT, compiled.graph.bytes);
		if (result->graph) {
			memcpy(result->graph, compiled.graph.data, compiled.graph.bytes);
			result->graph_bytes = compiled.graph.bytes;
			result->report = (char *)compiled.report.data;
			compiled.report = (struct buffer){ 0 };
		} else {
			ret = error_memory(&error);
		}
	}
	compile_release(&compiled);
	if (text && text_bytes) {
		strncpy(text, error.text, text_bytes - 1);
		text[text_bytes - 1] = 0;
	}
	return ret;
}

static int compile_model(const void *model, size_t model_bytes,
			 const struct kestrel_compiler_options *options,
			 struct kestrel_compiler_result *result, char *error, size_t error_bytes)
{
	struct compile_request request = { .data = model, .bytes = model_bytes };

	return run(&request, options, result, error, error_bytes);
}

static int compile_graph(const void *graph, size_t graph_bytes,
			 const struct kestrel_compiler_options *options,
			 struct kestrel_compiler_result *result, char *error, size_t error_bytes)
{
	struct compile_request request = { .data = graph, .bytes = graph_bytes, .is_graph = true };

	return run(&request, options, result, error, error_bytes);
}

static void result_free(struct kestrel_compiler_result *result)
{
	free(result->graph);
	free(result->report);
	memset(result, 0, sizeof(*result));
}

__attribute__((visibility("default")))
const struct kestrel_compiler_functions *kestrel_compiler_functions(void)
{
	static const struct kestrel_compiler_functions functions = {
		.size = sizeof(functions),
		.version = KESTREL_COMPILER_VERSION,
		.compile_model = compile_model,
		.compile_graph = compile_graph,
		.result_free = result_free,
	};

	return &functions;
}
