// SPDX-License-Identifier: MIT
#include "compile.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/compiler.h>
#include <kestrel/graph.h>

typedef const struct kestrel_compiler_functions *functions_fn(void);

static const struct kestrel_compiler_functions *functions_get(void *library)
{
	functions_fn *get = (functions_fn *)(uintptr_t)dlsym(library, KESTREL_COMPILER_SYMBOL);
	const struct kestrel_compiler_functions *functions = get ? get() : NULL;

	if (!functions || functions->version != KESTREL_COMPILER_VERSION ||
	    functions->size < sizeof(*functions))
		return NULL;
	return functions;
}

static int compile(int is_model, const void *data, size_t size, const char *target,
		   const char *settings, uint32_t flags, void **graph, size_t *graph_size,
		   struct message *message)
{
	struct kestrel_compiler_options options = {
		.size = sizeof(options),
		.flags = flags | KESTREL_COMPILER_NO_REPORT,
		.target = target,
		.settings = settings,
	};
	struct kestrel_compiler_result result = { 0 };
	const struct kestrel_compiler_functions *functions;
	char error[MESSAGE_BYTES - 32] = "";
	void *library = dlopen(KESTREL_COMPILER_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	int ret;

	*graph = NULL;
	if (!library)
		return message_set(message, -ENOENT, "no compiler: %s", dlerror());
	functions = functions_get(library);
	if (!functions) {
		dlclose(library);
		return message_set(message, -ENOTSUP,
				   "%s does not speak version %d of its interface",
				   KESTREL_COMPILER_LIBRARY, KESTREL_COMPILER_VERSION);
	}
	if (is_model)
		ret = functions->compile_model(data, size, &options, &result, error, sizeof(error));
	else
		ret = functions->compile_graph(data, size, &options, &result, error, sizeof(error));
	if (ret) {
		message_set(message, ret, "compiler: %s", error);
	} else {
		size_t rounded = (result.graph_bytes + KESTREL_GRAPH_ALIGNMENT - 1) /
				 KESTREL_GRAPH_ALIGNMENT * KESTREL_GRAPH_ALIGNMENT;

		*graph = aligned_alloc(KESTREL_GRAPH_ALIGNMENT, rounded);
		*graph_size = result.graph_bytes;
		if (*graph)
			memcpy(*graph, result.graph, result.graph_bytes);
		else
			ret = message_set(message, -ENOMEM, "out of memory for the graph");
	}
	functions->result_free(&result);
	dlclose(library);
	return ret;
}

int compile_model(const void *data, size_t size, const char *target, const char *settings,
		  uint32_t flags, void **graph, size_t *graph_size, struct message *message)
{
	return compile(1, data, size, target, settings, flags, graph, graph_size, message);
}

int compile_graph(const void *data, size_t size, const char *target, const char *settings,
		  uint32_t flags, void **graph, size_t *graph_size, struct message *message)
{
	return compile(0, data, size, target, settings, flags, graph, graph_size, message);
}
