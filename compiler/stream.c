// SPDX-License-Identifier: MIT
#include "stream.h"

void stream_release(struct stream *stream)
{
	for (unsigned int s = 0; s < stream->segment_count; s++)
		buffer_release(&stream->segments[s].commands);
	stream->segment_count = 0;
}
