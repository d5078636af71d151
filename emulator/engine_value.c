// SPDX-License-Identifier: MIT
/* Checks of register values, and buffers of the executing units. */

#include <stdlib.h>

#include "engine_internal.h"

bool engine_value_refuse(struct engine_fault *fault, uint32_t code, uint32_t detail)
{
	fault->code = code;
	fault->detail = detail;
	return false;
}

bool engine_value_check(const uint32_t *reg, uint32_t number, uint32_t low, uint32_t high,
			uint32_t multiple, struct engine_fault *fault)
{
	if (reg[number] >= low && reg[number] <= high && reg[number] % multiple == 0)
		return true;
	return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE, number);
}

int32_t engine_zigzag(uint32_t value)
{
	return (int32_t)(value >> 1 ^ (0u - (value & 1)));
}

bool engine_signed_check(const uint32_t *reg, uint32_t number, int32_t low, int32_t high,
			 struct engine_fault *fault)
{
	int32_t value = engine_zigzag(reg[number]);

	if (value >= low && value <= high)
		return true;
	return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE, number);
}

/* `end` is one more than the highest SRAM byte that an operand touches. */
bool engine_sram_check(struct engine *engine, uint64_t end, struct engine_fault *fault)
{
	if (end > engine->checked_end)
		engine->checked_end = end;
	if (end <= engine->configuration.sram_bytes)
		return true;
	return engine_value_refuse(fault, KESTREL_FAULT_SRAM_RANGE,
				   end - 1 > UINT32_MAX ? UINT32_MAX : (uint32_t)(end - 1));
}

bool engine_buffer_reserve(struct engine_buffer *buffer, size_t bytes)
{
	void *data;

	if (bytes <= buffer->bytes)
		return true;
	data = realloc(buffer->data, bytes);
	if (!data)
		return false;
	buffer->data = data;
	buffer->bytes = bytes;
	return true;
}
