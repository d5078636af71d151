// SPDX-License-Identifier: MIT
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "elf.h"

bool elf_recognise(const uint8_t *file, size_t size)
{
	return size >= SELFMAG && !memcmp(file, ELFMAG, SELFMAG);
}

int elf_read(const uint8_t *file, size_t size, struct image_input *sections, uint32_t *entry,
	     const char **error)
{
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	int count = 0;
	unsigned int i;

	*error = "ELF header is truncated";
	if (size < sizeof(header))
		return -EINVAL;
	memcpy(&header, file, sizeof(header));
	*error = "not a linked little-endian 32-bit RISC-V program";
	if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_machine != EM_RISCV || header.e_type != ET_EXEC ||
	    header.e_phentsize != sizeof(segment))
		return -EINVAL;
	*error = "program headers lie outside the file";
	if ((uint64_t)header.e_phoff + (uint64_t)header.e_phnum * sizeof(segment) > size)
		return -EINVAL;
	for (i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, file + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD || !segment.p_filesz)
			continue;
		*error = "a segment lies outside the file";
		if ((uint64_t)segment.p_offset + segment.p_filesz > size ||
		    segment.p_memsz < segment.p_filesz)
			return -EINVAL;
		*error = "too many segments";
		if (count == KESTREL_FW_IMAGE_MAX_SECTIONS)
			return -EINVAL;
		sections[count++] = (struct image_input){
			.load_address = segment.p_paddr,
			.memory_size = segment.p_memsz,
			.data_size = segment.p_filesz,
			.data = file + segment.p_offset,
		};
	}
	*error = "no segment holds data";
	if (!count)
		return -EINVAL;
	*entry = header.e_entry;
	return count;
}
