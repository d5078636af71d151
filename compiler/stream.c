// SPDX-License-Identifier: MIT
#include "stream.h"

unsigned int stream_base_memory(const struct stream_segment *segment, unsigned int base,
				uint64_t *reach)
{
	const struct stream_base *row = &segment->bases[base];

	*reach = 0;
	if (row->kind != KESTREL_GRAPH_BASE_ROW)
		return base;
	*reach = (uint64_t)(row->position_count - 1) * row->row_bytes;
	while (segment->bases[base].kind != KESTREL_GRAPH_BASE_TENSOR ||
	       segment->bases[base].tensor != row->tensor)
		base--;
	return base;
}

void stream_release(struct stream *stream)
{
	for (unsigned int s = 0; s < stream->segment_count; s++)
		buffer_release(&stream->segments[s].commands);
	stream->segment_count = 0;
}
