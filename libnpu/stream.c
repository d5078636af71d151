// SPDX-License-Identifier: MIT
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Why the device cannot run a stream, or "". */
static void mismatch(const struct kestrel_graph_stream *stream,
		     const struct npu_capabilities *device, char *text, size_t size)
{
	text[0] = 0;
	if (stream->isa_major != device->isa_major)
		snprintf(text, size, "ISA %u.%u, device has %" PRIu32 ".%" PRIu32,
			 stream->isa_major, stream->isa_minor, device->isa_major,
			 device->isa_minor);
	else if (stream->isa_minor > device->isa_minor)
		snprintf(text, size, "needs ISA %u.%u, device has %" PRIu32 ".%" PRIu32,
			 stream->isa_major, stream->isa_minor, device->isa_major,
			 device->isa_minor);
	else if (stream->macs_per_cycle != device->macs_per_cycle)
		snprintf(text, size, "%" PRIu32 " MACs a cycle, device has %" PRIu32,
			 stream->macs_per_cycle, device->macs_per_cycle);
	else if (stream->sram_bytes > device->sram_bytes)
		snprintf(text, size, "needs %" PRIu32 " bytes of SRAM, device has %" PRIu64,
			 stream->sram_bytes, device->sram_bytes);
	else if (stream->features & ~device->features)
		snprintf(text, size, "needs features 0x%" PRIx64 ", device has 0x%" PRIx64,
			 stream->features, device->features);
}

const struct kestrel_graph_stream *stream_choose(const struct graph *graph,
						 const struct npu_capabilities *device,
						 struct message *reason)
{
	const struct kestrel_graph_stream *best = NULL;
	char rejected[MESSAGE_BYTES] = "";
	int best_named = 0;

	for (uint32_t i = 0; i < graph->stream_count; i++) {
		const struct kestrel_graph_stream *stream = &graph->streams[i];
		const char *target = graph_string(graph, stream->target);
		int named = !strcmp(target, device->name);
		size_t used = strlen(rejected);
		char text[128];

		mismatch(stream, device, text, sizeof(text));
		if (text[0]) {
			snprintf(rejected + used, sizeof(rejected) - used, "%sstream \"%.32s\": %s",
				 used ? "; " : "", target, text);
			continue;
		}
		if (!best || named > best_named ||
		    (named == best_named && stream->predicted_cycles < best->predicted_cycles)) {
			best = stream;
			best_named = named;
		}
	}
	if (best)
		message_set(reason, 0, "stream \"%.32s\" suits %.64s",
			    graph_string(graph, best->target), device->name);
	else if (!graph->stream_count)
		message_set(reason, 0, "the graph has no stream");
	else
		message_set(reason, 0, "%.480s", rejected);
	return best;
}
