// SPDX-License-Identifier: MIT
#include <string.h>

#include "portable.h"

/* The offset that the attributes hold, and how many bytes it is of; NULL for none. */
static uint32_t *offset_of(uint32_t opcode, union kestrel_graph_attributes *a, uint32_t *bytes)
{
	switch (opcode) {
	case KESTREL_GRAPH_REQUANTIZE:
		*bytes = a->requantize.requantise.scale_count *
			 (uint32_t)sizeof(struct kestrel_graph_scale);
		return &a->requantize.requantise.scales;
	case KESTREL_GRAPH_LSTM:
		*bytes = KESTREL_GRAPH_LSTM_SCALES * (uint32_t)sizeof(struct kestrel_graph_scale);
		return &a->lstm.scales;
	}
	return NULL;
}

void portable_relocate(uint32_t opcode, union kestrel_graph_attributes *attributes,
		       uint32_t base)
{
	uint32_t bytes;
	uint32_t *offset = offset_of(opcode, attributes, &bytes);

	if (offset)
		*offset += base;
}

struct ir_portable *portable_copy(struct arena *arena, uint32_t opcode,
				  const union kestrel_graph_attributes *attributes,
				  const uint8_t *parameters)
{
	struct ir_portable *portable = arena_alloc(arena, 1, sizeof(*portable));
	uint32_t *offset;

	if (!portable)
		return NULL;
	portable->opcode = opcode;
	portable->attributes = *attributes;
	offset = offset_of(opcode, &portable->attributes, &portable->parameter_bytes);
	if (!offset)
		return portable;
	portable->parameters = arena_copy(arena, parameters + *offset,
					  portable->parameter_bytes);
	*offset = 0;
	return portable->parameters ? portable : NULL;
}
