// SPDX-License-Identifier: MIT
#include "host.h"

void host_copy_in(void *destination, uint32_t address, uint32_t bytes)
{
	uint32_t *word = destination;
	uint32_t end = address + bytes;

#pragma GCC unroll 4
	for (; address != end; address += 4)
		*word++ = host_read(address);
}

void host_copy_out(uint32_t address, const void *source, uint32_t bytes)
{
	const uint32_t *word = source;
	uint32_t end = address + bytes;

#pragma GCC unroll 4
	for (; address != end; address += 4)
		host_write(address, *word++);
}
