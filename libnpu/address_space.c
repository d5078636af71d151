// SPDX-License-Identifier: MIT
#include "address_space.h"

#include <errno.h>

int address_space_take(struct address_space *space, struct address_range *range,
		       uint64_t size, uint64_t alignment)
{
	struct address_range **link = &space->first;
	uint64_t end = space->start + space->size;
	uint64_t address = space->start;

	for (;;) {
		uint64_t limit = *link ? (*link)->address : end;

		address = (address + alignment - 1) & ~(alignment - 1);
		if (address <= limit && size <= limit - address)
			break;
		if (!*link)
			return -ENOSPC;
		address = (*link)->address + (*link)->size;
		link = &(*link)->next;
	}
	range->address = address;
	range->size = size;
	range->next = *link;
	*link = range;
	return 0;
}

void address_space_release(struct address_space *space, struct address_range *range)
{
	struct address_range **link = &space->first;

	while (*link && *link != range)
		link = &(*link)->next;
	if (*link)
		*link = range->next;
}
