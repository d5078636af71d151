// SPDX-License-Identifier: MIT
#include "dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4)))
static int refuse(char *text, size_t text_size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, text_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int section_read(struct dump *dump, uint32_t number, const uint8_t *bytes, char *text,
			size_t text_size)
{
	const struct kestrel_coredump_header *header = &dump->header;
	const uint8_t *at = bytes + header->section_table_offset +
			    (size_t)number * header->section_entry_size;
	struct kestrel_coredump_section entry;
	struct dump_section *section;

	memcpy(&entry, at, sizeof(entry));
	if (entry.offset % 8 || entry.offset > header->size)
		return refuse(text, text_size, "section %" PRIu32 " begins at byte %" PRIu64
			      " of %" PRIu64, number, (uint64_t)entry.offset,
			      (uint64_t)header->size);
	if (entry.count && (!entry.element_size ||
			    entry.count > (header->size - entry.offset) / entry.element_size))
		return refuse(text, text_size, "section %" PRIu32 ": %" PRIu32
			      " elements of %" PRIu32 " bytes do not fit behind byte %" PRIu64,
			      number, entry.count, entry.element_size, (uint64_t)entry.offset);
	if (!entry.type || entry.type >= DUMP_SECTION_TYPES) {
		dump->unknown_sections++;
		return 0;
	}
	section = &dump->sections[entry.type];
	if (section->present)
		return refuse(text, text_size, "section %" PRIu32 ": a second one of type %" PRIu32,
			      number, entry.type);
	*section = (struct dump_section) {
		.data = bytes + entry.offset,
		.count = entry.count,
		.element_size = entry.element_size,
		.cut = !!(entry.flags & KESTREL_COREDUMP_SECTION_CUT),
		.present = 1,
	};
	return 0;
}

int dump_open(struct dump *dump, const void *bytes, size_t size, char *text, size_t text_size)
{
	struct kestrel_coredump_header *header = &dump->header;
	int ret = 0;

	memset(dump, 0, sizeof(*dump));
	if (size < sizeof(*header))
		return refuse(text, text_size, "%zu bytes are too few for a dump", size);
	memcpy(header, bytes, sizeof(*header));
	if (header->magic != KESTREL_COREDUMP_MAGIC)
		return refuse(text, text_size, "not a dump of a Kestrel NPU");
	if (header->version_major != KESTREL_COREDUMP_VERSION_MAJOR)
		return refuse(text, text_size, "its version is %u.%u, this program reads %u.x",
			      header->version_major, header->version_minor,
			      KESTREL_COREDUMP_VERSION_MAJOR);
	if (header->size > size)
		return refuse(text, text_size, "cut off: %zu bytes of %" PRIu64, size,
			      (uint64_t)header->size);
	if (header->section_entry_size < sizeof(struct kestrel_coredump_section) ||
	    header->section_table_offset % 8 || header->section_table_offset > header->size ||
	    header->section_count >
	    (header->size - header->section_table_offset) / header->section_entry_size)
		return refuse(text, text_size, "its section table, %" PRIu32 " entries of %" PRIu32
			      " bytes at byte %" PRIu32 ", does not fit", header->section_count,
			      header->section_entry_size, header->section_table_offset);
	for (uint32_t i = 0; !ret && i < header->section_count; i++)
		ret = section_read(dump, i, bytes, text, text_size);
	return ret;
}

int dump_element(const struct dump *dump, uint32_t type, uint32_t index, void *element,
		 size_t size)
{
	const struct dump_section *section = &dump->sections[type];
	size_t known = section->element_size < size ? section->element_size : size;

	if (index >= section->count)
		return 0;
	memset(element, 0, size);
	memcpy(element, section->data + (size_t)index * section->element_size, known);
	return 1;
}

void dump_text(char *text, size_t size)
{
	text[size - 1] = 0;
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}
