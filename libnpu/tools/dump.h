/* SPDX-License-Identifier: MIT */
/* Reads a device's dump (uapi/kestrel/coredump.h). Pure; believes nothing. */
#ifndef NPU_TOOLS_DUMP_H
#define NPU_TOOLS_DUMP_H

#include <stddef.h>
#include <stdint.h>

#include <kestrel/coredump.h>

/* A section: where its elements are. A section that is absent has count 0. */
struct dump_section {
	const uint8_t *data;
	uint32_t count;
	uint32_t element_size;
	/* There was more in the driver. */
	int cut;
	int present;
};

#define DUMP_SECTION_TYPES (KESTREL_COREDUMP_SECTION_QUEUES + 1)

/* Points into the bytes that it was opened with. */
struct dump {
	struct kestrel_coredump_header header;
	/* Sections of types that this reader does not know. */
	uint32_t unknown_sections;
	/* By type. */
	struct dump_section sections[DUMP_SECTION_TYPES];
};

/*
 * Checks header and section table. 0, or -EINVAL with what is wrong and where as
 * `text`. The bytes must stay while the dump is used.
 */
int dump_open(struct dump *dump, const void *bytes, size_t size, char *text, size_t text_size);

/*
 * Copies element `index` of a section: what the file has of it, the rest zero.
 * Returns 1, or 0 when there is no such element.
 */
int dump_element(const struct dump *dump, uint32_t type, uint32_t index, void *element,
		 size_t size);

/* A char array of a dump as a string: printable, and with an end. */
void dump_text(char *text, size_t size);

#endif
