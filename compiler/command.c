// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "command.h"

struct command *command_append(struct command_list *list, enum kestrel_unit unit,
			       unsigned int operator_index)
{
	struct command *command;

	if (list->count == list->capacity) {
		unsigned int capacity = list->capacity ? 2 * list->capacity : 64;
		struct command *grown = realloc(list->commands, capacity * sizeof(*grown));

		if (!grown) {
			list->failed = true;
			return NULL;
		}
		list->commands = grown;
		list->capacity = capacity;
	}
	command = &list->commands[list->count++];
	memset(command, 0, sizeof(*command));
	command->unit = unit;
	command->operator_index = operator_index;
	return command;
}

void command_set(struct command *command, unsigned int reg, int64_t value)
{
	if (!command)
		return;
	command->registers[reg] = value;
	command->used |= 1ull << reg;
}

void command_access(struct command *command, uint8_t space, bool write, uint64_t from,
		    uint64_t to)
{
	if (!command || from >= to || command->access_count == COMMAND_ACCESSES)
		return;
	command->accesses[command->access_count++] = (struct command_access){
		.space = space, .write = write, .from = from, .to = to,
	};
}

int64_t command_get(const struct command *command, unsigned int reg)
{
	if (command->used >> reg & 1)
		return command->registers[reg];
	return command_reset_value(command->unit, reg);
}

int64_t command_reset_value(enum kestrel_unit unit, unsigned int reg)
{
	static const uint64_t dma = 1ull << KESTREL_DMA_COUNT0 | 1ull << KESTREL_DMA_COUNT1 |
				    1ull << KESTREL_DMA_COUNT2 | 1ull << KESTREL_DMA_COUNT3 |
				    1ull << KESTREL_DMA_ELEMENT_BYTES;
	static const uint64_t mac = 1ull << KESTREL_MAC_IFM_WIDTH | 1ull << KESTREL_MAC_IFM_HEIGHT |
				    1ull << KESTREL_MAC_IFM_CHANNELS |
				    1ull << KESTREL_MAC_KERNEL_WIDTH |
				    1ull << KESTREL_MAC_KERNEL_HEIGHT | 1ull << KESTREL_MAC_STRIDE_X |
				    1ull << KESTREL_MAC_STRIDE_Y | 1ull << KESTREL_MAC_DILATION_X |
				    1ull << KESTREL_MAC_DILATION_Y | 1ull << KESTREL_MAC_OFM_WIDTH |
				    1ull << KESTREL_MAC_OFM_HEIGHT |
				    1ull << KESTREL_MAC_OFM_CHANNELS |
				    1ull << KESTREL_MAC_DEPTH_MULTIPLIER;
	static const uint64_t vector = 1ull << KESTREL_VECTOR_IFM_WIDTH |
				       1ull << KESTREL_VECTOR_IFM_HEIGHT |
				       1ull << KESTREL_VECTOR_OFM_WIDTH |
				       1ull << KESTREL_VECTOR_OFM_HEIGHT |
				       1ull << KESTREL_VECTOR_OFM_CHANNELS |
				       1ull << KESTREL_VECTOR_KERNEL_WIDTH |
				       1ull << KESTREL_VECTOR_KERNEL_HEIGHT |
				       1ull << KESTREL_VECTOR_STRIDE_X |
				       1ull << KESTREL_VECTOR_STRIDE_Y;

	switch (unit) {
	case KESTREL_UNIT_MAC:
		if (reg == KESTREL_MAC_IFM_PIXEL_STRIDE || reg == KESTREL_MAC_OFM_PIXEL_STRIDE)
			return 16;
		return mac >> reg & 1;
	case KESTREL_UNIT_VECTOR:
		if (reg == KESTREL_VECTOR_IFM_PIXEL_STRIDE ||
		    reg == KESTREL_VECTOR_IFM2_PIXEL_STRIDE ||
		    reg == KESTREL_VECTOR_OFM_PIXEL_STRIDE)
			return 16;
		return vector >> reg & 1;
	default:
		return dma >> reg & 1;
	}
}

bool command_is_signed(enum kestrel_unit unit, unsigned int reg)
{
	static const uint64_t dma = 1ull << KESTREL_DMA_MEMORY_STRIDE1 |
				    1ull << KESTREL_DMA_MEMORY_STRIDE2 |
				    1ull << KESTREL_DMA_MEMORY_STRIDE3;
	static const uint64_t mac = 1ull << KESTREL_MAC_IFM_ZERO_POINT |
				    1ull << KESTREL_MAC_PAD_LEFT | 1ull << KESTREL_MAC_PAD_TOP |
				    1ull << KESTREL_MAC_OFM_ZERO_POINT |
				    1ull << KESTREL_MAC_CLAMP_MIN | 1ull << KESTREL_MAC_CLAMP_MAX |
				    1ull << KESTREL_MAC_WEIGHT_ZERO_POINT |
				    1ull << KESTREL_MAC_SHIFT;
	static const uint64_t vector = 1ull << KESTREL_VECTOR_IFM_ZERO_POINT |
				       1ull << KESTREL_VECTOR_IFM2_ZERO_POINT |
				       1ull << KESTREL_VECTOR_OFM_ZERO_POINT |
				       1ull << KESTREL_VECTOR_CLAMP_MIN |
				       1ull << KESTREL_VECTOR_CLAMP_MAX |
				       1ull << KESTREL_VECTOR_IFM_SHIFT |
				       1ull << KESTREL_VECTOR_IFM2_SHIFT |
				       1ull << KESTREL_VECTOR_OFM_SHIFT |
				       1ull << KESTREL_VECTOR_PAD_LEFT |
				       1ull << KESTREL_VECTOR_PAD_TOP |
				       1ull << KESTREL_VECTOR_START_X |
				       1ull << KESTREL_VECTOR_START_Y;

	switch (unit) {
	case KESTREL_UNIT_MAC:
		return mac >> reg & 1;
	case KESTREL_UNIT_VECTOR:
		return vector >> reg & 1;
	default:
		return dma >> reg & 1;
	}
}

void command_release(struct command_list *list)
{
	free(list->commands);
	*list = (struct command_list){ 0 };
}
