// SPDX-License-Identifier: MIT
/* Physical memory of the simulated machine. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define REGION_SHIFT 32
#define REGION_BYTES_MAX (UINT64_C(1) << REGION_SHIFT)
#define REGIONS_MAX 65535u
#define TABLE_PAGES 64u

static int host_memory_place(struct host_memory *memory, uint32_t *place)
{
	struct host_region *grown;
	uint32_t i;

	for (i = 0; i < memory->count; i++) {
		if (!memory->region[i].data) {
			*place = i;
			return 0;
		}
	}
	if (memory->count == REGIONS_MAX)
		return -ENOMEM;
	grown = realloc(memory->region, (memory->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memory->region = grown;
	*place = memory->count++;
	return 0;
}

int host_memory_add(struct host_memory *memory, void *data, uint64_t size, uint64_t *address)
{
	struct host_region region = { .data = data, .size = size };
	uint32_t place;

	if (!size || size > REGION_BYTES_MAX)
		return -ENOMEM;
	if (!region.data) {
		region.owned = true;
		region.data = aligned_alloc(HOST_PAGE_BYTES, size);
		if (!region.data)
			return -ENOMEM;
		memset(region.data, 0, size);
	}
	if (host_memory_place(memory, &place)) {
		if (region.owned)
			free(region.data);
		return -ENOMEM;
	}
	memory->region[place] = region;
	*address = (uint64_t)(place + 1) << REGION_SHIFT;
	return 0;
}

void host_memory_remove(struct host_memory *memory, uint64_t address)
{
	struct host_region *region = &memory->region[(address >> REGION_SHIFT) - 1];

	if (region->owned)
		free(region->data);
	memset(region, 0, sizeof(*region));
}

void *host_memory_bytes(const struct host_memory *memory, uint64_t address, uint64_t length)
{
	uint64_t place = (address >> REGION_SHIFT) - 1;
	uint64_t offset = address & (REGION_BYTES_MAX - 1);

	if (place >= memory->count || !memory->region[place].data ||
	    offset > memory->region[place].size ||
	    length > memory->region[place].size - offset)
		return NULL;
	return memory->region[place].data + offset;
}

static int host_memory_table_keep(struct host_memory *memory, uint64_t address)
{
	uint64_t *grown;

	if (memory->free_tables == memory->free_table_room) {
		grown = realloc(memory->free_table,
				(memory->free_table_room + TABLE_PAGES) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memory->free_table = grown;
		memory->free_table_room += TABLE_PAGES;
	}
	memory->free_table[memory->free_tables++] = address;
	return 0;
}

int host_memory_table_get(struct host_memory *memory, uint64_t *address)
{
	uint64_t region;
	uint32_t i;

	if (!memory->free_tables) {
		if (host_memory_add(memory, NULL, TABLE_PAGES * HOST_PAGE_BYTES, &region))
			return -ENOMEM;
		for (i = TABLE_PAGES; i-- > 0;)
			if (host_memory_table_keep(memory, region + i * HOST_PAGE_BYTES))
				return -ENOMEM;
	}
	*address = memory->free_table[--memory->free_tables];
	memset(host_memory_bytes(memory, *address, HOST_PAGE_BYTES), 0, HOST_PAGE_BYTES);
	return 0;
}

void host_memory_table_put(struct host_memory *memory, uint64_t address)
{
	/* Room for it was made when it was cut from its region. */
	memory->free_table[memory->free_tables++] = address;
}

void host_memory_free(struct host_memory *memory)
{
	uint32_t i;

	for (i = 0; i < memory->count; i++)
		if (memory->region[i].owned)
			free(memory->region[i].data);
	free(memory->region);
	free(memory->free_table);
	memset(memory, 0, sizeof(*memory));
}
