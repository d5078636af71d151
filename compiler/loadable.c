// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "graph.h"
#include "loadable.h"

int loadable_check(const struct buffer *file, struct error *error)
{
	struct message message = { "" };
	struct graph view;
	size_t bytes = (file->bytes + KESTREL_GRAPH_ALIGNMENT - 1) / KESTREL_GRAPH_ALIGNMENT *
		       KESTREL_GRAPH_ALIGNMENT;
	void *aligned = aligned_alloc(KESTREL_GRAPH_ALIGNMENT, bytes);
	int ret;

	if (!aligned)
		return error_memory(error);
	memcpy(aligned, file->data, file->bytes);
	ret = graph_open(&view, aligned, file->bytes, &message);
	if (ret)
		error_set(error, ret, "%s", message.text);
	else
		graph_close(&view);
	free(aligned);
	return ret;
}
