// SPDX-License-Identifier: MIT
#include <openssl/evp.h>

#include "graph_file.h"

/* As many sections as libnpu takes; damaged files name any number. */
#define SECTIONS_MAX 64

static struct kestrel_graph_section *entry_get(uint8_t *file, size_t size, uint32_t index)
{
	const struct kestrel_graph_header *header = (const void *)file;
	uint64_t offset;

	if (size < sizeof(*header) || index >= header->section_count || index >= SECTIONS_MAX)
		return NULL;
	offset = header->header_size + (uint64_t)index * header->section_entry_size;
	if (offset % 8 || offset > size || size - offset < sizeof(struct kestrel_graph_section))
		return NULL;
	return (void *)(file + offset);
}

struct kestrel_graph_section *graph_file_section(uint8_t *file, size_t size, uint32_t type)
{
	struct kestrel_graph_section *section;

	for (uint32_t i = 0; (section = entry_get(file, size, i)); i++)
		if (section->type == type)
			return section;
	return NULL;
}

void *graph_file_record(uint8_t *file, size_t size, uint32_t type, uint32_t record)
{
	const struct kestrel_graph_section *section = graph_file_section(file, size, type);

	if (!section || record >= section->record_count)
		return NULL;
	return file + section->offset + (size_t)record * section->record_size;
}

void graph_file_rehash(uint8_t *file, size_t size)
{
	struct kestrel_graph_header *header = (void *)file;
	struct kestrel_graph_section *section;
	uint64_t table;

	for (uint32_t i = 0; (section = entry_get(file, size, i)); i++)
		if (section->offset <= size && section->size <= size - section->offset)
			EVP_Digest(file + section->offset, section->size, section->hash, NULL,
				   EVP_sha256(), NULL);
	if (size < sizeof(*header))
		return;
	table = (uint64_t)header->section_count * header->section_entry_size;
	if (header->header_size <= size && table <= size - header->header_size)
		EVP_Digest(file + header->header_size, table, header->table_hash, NULL,
			   EVP_sha256(), NULL);
}
