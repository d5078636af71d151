// SPDX-License-Identifier: MIT
/* The simulator's buffers and address spaces. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* Clients' addresses stay in the lower half of the 39 bits. */
#define ADDRESS_LIMIT (UINT64_C(1) << 38)

void host_space_install(struct kestrel_simulator *simulator, uint32_t asid, uint64_t root)
{
	uint64_t number = root / HOST_PAGE_BYTES;

	host_register_write(simulator, KESTREL_REG_ASID_TABLE_LO(asid), (uint32_t)number);
	host_register_write(simulator, KESTREL_REG_ASID_TABLE_HI(asid),
			    root ? (uint32_t)(number >> 32) | KESTREL_ASID_TABLE_HI_VALID : 0);
}

int host_invalidate(struct kestrel_simulator *simulator, uint32_t type, uint32_t asid,
		    uint64_t address, uint64_t size)
{
	unsigned int tries;

	host_register_write(simulator, KESTREL_REG_INVALIDATE_ASID, asid);
	host_register_write(simulator, KESTREL_REG_INVALIDATE_VA_LO, (uint32_t)address);
	host_register_write(simulator, KESTREL_REG_INVALIDATE_VA_HI, (uint32_t)(address >> 32));
	host_register_write(simulator, KESTREL_REG_INVALIDATE_LENGTH_LO, (uint32_t)size);
	host_register_write(simulator, KESTREL_REG_INVALIDATE_LENGTH_HI, (uint32_t)(size >> 32));
	host_register_write(simulator, KESTREL_REG_INVALIDATE_START, type);
	for (tries = 0; tries < 100; tries++) {
		if (!(host_register_read(simulator, KESTREL_REG_INVALIDATE_STATUS) &
		      KESTREL_INVALIDATE_BUSY))
			return 0;
		kestrel_emulator_advance(simulator->emulator, 128);
	}
	return host_fail(simulator, -EIO, "the MMU did not finish an invalidation");
}

int host_space_create(struct kestrel_simulator *simulator, struct kestrel_simulator_space **space)
{
	struct kestrel_simulator_space *created;
	uint32_t asid;

	*space = NULL;
	for (asid = 1; asid < KESTREL_ASID_MAX && simulator->asid_used[asid]; asid++)
		;
	if (asid == KESTREL_ASID_MAX)
		return host_fail(simulator, -ENOSPC, "all %d address spaces are in use",
				 KESTREL_ASID_MAX - 1);
	created = calloc(1, sizeof(*created));
	if (!created)
		return host_fail(simulator, -ENOMEM, "no memory for an address space");
	if (host_memory_table_get(&simulator->memory, &created->root)) {
		free(created);
		return host_fail(simulator, -ENOMEM, "no memory for a page table");
	}
	created->simulator = simulator;
	created->asid = asid;
	created->next = simulator->spaces;
	simulator->spaces = created;
	simulator->asid_used[asid] = true;
	host_space_install(simulator, asid, created->root);
	*space = created;
	return 0;
}

int host_space_destroy(struct kestrel_simulator_space *space)
{
	struct kestrel_simulator *simulator = space->simulator;
	struct kestrel_simulator_space **link;
	uint32_t i;
	int error;

	if (space->queues)
		return host_fail(simulator, -EBUSY, "%u queues still use the address space",
				 space->queues);
	host_space_install(simulator, space->asid, 0);
	error = host_invalidate(simulator, KESTREL_INVALIDATE_ASID, space->asid, 0, 0);
	if (error)
		return error;
	for (i = 0; i < space->mappings; i++)
		space->mapping[i].buffer->mapped--;
	host_table_free(&simulator->memory, space->root);
	simulator->asid_used[space->asid] = false;
	for (link = &simulator->spaces; *link != space; link = &(*link)->next)
		;
	*link = space->next;
	free(space->mapping);
	free(space);
	return 0;
}

static int host_buffer_add(struct kestrel_simulator *simulator, void *data, uint64_t size,
			   struct kestrel_simulator_buffer **buffer)
{
	struct kestrel_simulator_buffer *created = calloc(1, sizeof(*created));

	*buffer = NULL;
	if (!created)
		return host_fail(simulator, -ENOMEM, "no memory for a buffer");
	if (host_memory_add(&simulator->memory, data, size, &created->physical)) {
		free(created);
		return host_fail(simulator, -ENOMEM, "no memory for a buffer of %" PRIu64 " bytes",
				 size);
	}
	created->simulator = simulator;
	created->size = size;
	created->data = host_memory_bytes(&simulator->memory, created->physical, size);
	created->next = simulator->buffers;
	simulator->buffers = created;
	*buffer = created;
	return 0;
}

int host_buffer_create(struct kestrel_simulator *simulator, uint64_t size,
		       struct kestrel_simulator_buffer **buffer)
{
	*buffer = NULL;
	if (!size)
		return host_fail(simulator, -EINVAL, "a buffer of 0 bytes");
	if (size > UINT64_MAX - HOST_PAGE_BYTES)
		return host_fail(simulator, -ENOMEM, "no memory for a buffer of %" PRIu64 " bytes",
				 size);
	size = (size + HOST_PAGE_BYTES - 1) / HOST_PAGE_BYTES * HOST_PAGE_BYTES;
	return host_buffer_add(simulator, NULL, size, buffer);
}

int host_buffer_import(struct kestrel_simulator *simulator, void *data, uint64_t size,
		       struct kestrel_simulator_buffer **buffer)
{
	*buffer = NULL;
	if (!data || !size || (uintptr_t)data % HOST_PAGE_BYTES || size % HOST_PAGE_BYTES)
		return host_fail(simulator, -EINVAL,
				 "imported memory is not aligned to pages of %" PRIu64 " bytes",
				 HOST_PAGE_BYTES);
	return host_buffer_add(simulator, data, size, buffer);
}

void *host_buffer_data(const struct kestrel_simulator_buffer *buffer)
{
	return buffer->data;
}

int host_buffer_destroy(struct kestrel_simulator_buffer *buffer)
{
	struct kestrel_simulator *simulator = buffer->simulator;
	struct kestrel_simulator_buffer **link;

	if (buffer->mapped)
		return host_fail(simulator, -EBUSY, "the buffer has %u mappings", buffer->mapped);
	host_memory_remove(&simulator->memory, buffer->physical);
	for (link = &simulator->buffers; *link != buffer; link = &(*link)->next)
		;
	*link = buffer->next;
	free(buffer);
	return 0;
}

static int host_mapping_room(struct kestrel_simulator_space *space)
{
	uint32_t room = space->mapping_room ? space->mapping_room * 2 : 16;
	struct host_mapping *grown;

	if (space->mappings < space->mapping_room)
		return 0;
	grown = realloc(space->mapping, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	space->mapping = grown;
	space->mapping_room = room;
	return 0;
}

int host_map(struct kestrel_simulator_space *space, struct kestrel_simulator_buffer *buffer,
	     uint64_t offset, uint64_t address, uint64_t size, uint32_t rights)
{
	struct kestrel_simulator *simulator = space->simulator;
	uint32_t i;

	if (!size || (offset | address | size) % HOST_PAGE_BYTES)
		return host_fail(simulator, -EINVAL,
				 "mapping: offset 0x%" PRIx64 ", address 0x%" PRIx64
				 ", size 0x%" PRIx64 " are not multiples of the page size",
				 offset, address, size);
	if (address >= ADDRESS_LIMIT || size > ADDRESS_LIMIT - address)
		return host_fail(simulator, -EINVAL, "mapping: address 0x%" PRIx64
				 " and size 0x%" PRIx64 " leave the address space", address, size);
	if (offset > buffer->size || size > buffer->size - offset)
		return host_fail(simulator, -EINVAL, "mapping: offset 0x%" PRIx64
				 " and size 0x%" PRIx64 " leave the buffer", offset, size);
	if (!rights || (rights & ~(KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE |
				   KESTREL_SIMULATOR_MAP_EXECUTE)))
		return host_fail(simulator, -EINVAL, "mapping: rights 0x%x", rights);
	for (i = 0; i < space->mappings; i++)
		if (address < space->mapping[i].address + space->mapping[i].size &&
		    space->mapping[i].address < address + size)
			return host_fail(simulator, -EEXIST,
					 "mapping: address 0x%" PRIx64 " is mapped already",
					 space->mapping[i].address);
	if (host_mapping_room(space) ||
	    host_table_map(&simulator->memory, space->root, address, buffer->physical + offset,
			   size, rights, simulator->configuration.page_bytes))
		return host_fail(simulator, -ENOMEM, "no memory for a page table");
	space->mapping[space->mappings].address = address;
	space->mapping[space->mappings].size = size;
	space->mapping[space->mappings].buffer = buffer;
	space->mappings++;
	buffer->mapped++;
	return 0;
}

int host_unmap(struct kestrel_simulator_space *space, uint64_t address, uint64_t size)
{
	struct kestrel_simulator *simulator = space->simulator;
	uint32_t i;

	for (i = 0; i < space->mappings; i++)
		if (space->mapping[i].address == address && space->mapping[i].size == size)
			break;
	if (i == space->mappings)
		return host_fail(simulator, -ENOENT, "no mapping at 0x%" PRIx64 " of 0x%" PRIx64
				 " bytes", address, size);
	space->mapping[i].buffer->mapped--;
	space->mapping[i] = space->mapping[--space->mappings];
	host_table_unmap(&simulator->memory, space->root, address, size);
	return host_invalidate(simulator, KESTREL_INVALIDATE_RANGE, space->asid, address, size);
}
