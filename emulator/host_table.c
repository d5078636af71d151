// SPDX-License-Identifier: MIT
/*
 * Sv39 page tables as the simulator's host half writes them: little endian,
 * 4 KiB and 2 MiB leaves, accessed and dirty set from the start because the
 * device never writes a table.
 */

#include <errno.h>

#include "host.h"

#define LEVELS 3
#define ENTRIES 512u
#define MEGAPAGE_BYTES (HOST_PAGE_BYTES * ENTRIES)

#define V UINT64_C(0x01)
#define R UINT64_C(0x02)
#define W UINT64_C(0x04)
#define X UINT64_C(0x08)
#define A UINT64_C(0x40)
#define D UINT64_C(0x80)

static uint64_t entry_read(const uint8_t *entry)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		value |= (uint64_t)entry[i] << i * 8;
	return value;
}

static void entry_write(uint8_t *entry, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		entry[i] = (uint8_t)(value >> i * 8);
}

static uint64_t entry_make(uint64_t physical, uint64_t flags)
{
	return physical / HOST_PAGE_BYTES << 10 | flags;
}

static uint64_t entry_physical(uint64_t entry)
{
	return (entry >> 10 & ((UINT64_C(1) << 44) - 1)) * HOST_PAGE_BYTES;
}

static bool entry_is_leaf(uint64_t entry)
{
	return entry & (R | W | X);
}

/*
 * The entry for an address at `level` (0: 4 KiB, 1: 2 MiB). Makes missing tables
 * when asked to; NULL when there is none or memory is short.
 */
static uint8_t *table_entry(struct host_memory *memory, uint64_t root, uint64_t address,
			    int level, bool make)
{
	uint64_t table = root;
	int l;

	for (l = LEVELS - 1;; l--) {
		uint64_t index = address >> (12 + 9 * l) & (ENTRIES - 1);
		uint8_t *entry = host_memory_bytes(memory, table + index * 8, 8);
		uint64_t value = entry_read(entry);

		if (l == level)
			return entry;
		if (!(value & V)) {
			if (!make || host_memory_table_get(memory, &table))
				return NULL;
			/* Getting a table may not move regions' bytes: entry stays good. */
			entry_write(entry, entry_make(table, V));
		} else if (entry_is_leaf(value)) {
			return NULL;
		} else {
			table = entry_physical(value);
		}
	}
}

int host_table_map(struct host_memory *memory, uint64_t root, uint64_t address,
		   uint64_t physical, uint64_t size, uint32_t rights, uint32_t page_bytes)
{
	uint64_t flags = V | A | D;
	uint64_t done = 0;

	if (rights & (KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE))
		flags |= R;
	if (rights & KESTREL_SIMULATOR_MAP_WRITE)
		flags |= W;
	if (rights & KESTREL_SIMULATOR_MAP_EXECUTE)
		flags |= X;
	while (done < size) {
		bool mega = page_bytes == MEGAPAGE_BYTES && size - done >= MEGAPAGE_BYTES &&
			    !((address + done) % MEGAPAGE_BYTES) &&
			    !((physical + done) % MEGAPAGE_BYTES);
		uint8_t *entry = table_entry(memory, root, address + done, mega ? 1 : 0, true);

		/* A table of 4 KiB leaves stays where one was: use it on. */
		if (entry && mega && (entry_read(entry) & V) && !entry_is_leaf(entry_read(entry))) {
			mega = false;
			entry = table_entry(memory, root, address + done, 0, true);
		}
		if (!entry) {
			host_table_unmap(memory, root, address, done);
			return -ENOMEM;
		}
		entry_write(entry, entry_make(physical + done, flags));
		done += mega ? MEGAPAGE_BYTES : HOST_PAGE_BYTES;
	}
	return 0;
}

void host_table_unmap(struct host_memory *memory, uint64_t root, uint64_t address,
		      uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		uint8_t *mega = table_entry(memory, root, address + done, 1, false);
		uint8_t *entry;

		if (mega && (entry_read(mega) & V) && entry_is_leaf(entry_read(mega))) {
			entry_write(mega, 0);
			done += MEGAPAGE_BYTES;
			continue;
		}
		entry = table_entry(memory, root, address + done, 0, false);
		if (entry)
			entry_write(entry, 0);
		done += HOST_PAGE_BYTES;
	}
}

static void table_free(struct host_memory *memory, uint64_t table, int level)
{
	uint32_t i;

	for (i = 0; level && i < ENTRIES; i++) {
		uint64_t entry = entry_read(host_memory_bytes(memory, table + i * 8, 8));

		if ((entry & V) && !entry_is_leaf(entry))
			table_free(memory, entry_physical(entry), level - 1);
	}
	host_memory_table_put(memory, table);
}

void host_table_free(struct host_memory *memory, uint64_t root)
{
	table_free(memory, root, LEVELS - 1);
}
