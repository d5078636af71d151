/* SPDX-License-Identifier: MIT */
/* What a linked firmware holds: the loaded segments of a 32-bit RISC-V ELF file. */
#ifndef KESTREL_FIRMWARE_ELF_H
#define KESTREL_FIRMWARE_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"

/* Does the file begin as an ELF file does? */
bool elf_recognise(const uint8_t *file, size_t size);

/*
 * Finds the segments that hold data and the entry; segments of zeroes only are
 * left out, because TCM starts zeroed. sections has room for
 * KESTREL_FW_IMAGE_MAX_SECTIONS; their data stay in the file's bytes. Returns
 * the number of sections or -EINVAL with a sentence in *error.
 */
int elf_read(const uint8_t *file, size_t size, struct image_input *sections, uint32_t *entry,
	     const char **error);

#endif
