/* SPDX-License-Identifier: MIT */
/*
 * Firmware images (uapi/kestrel/firmware.h) as bytes in memory: making one, and
 * finding what is wrong with one. No files, no output.
 */
#ifndef KESTREL_FIRMWARE_IMAGE_H
#define KESTREL_FIRMWARE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kestrel/firmware.h>
#include <kestrel/regs.h>

/* One section to pack: data is copied, the rest up to memory_size is zero. */
struct image_input {
	uint32_t load_address;
	uint32_t memory_size;
	uint32_t data_size;
	const uint8_t *data;
};

struct image_options {
	uint32_t entry;
	uint32_t firmware_version;
	uint32_t security_version;
	/* Printable, at most 47 characters. */
	const char *build;
};

/*
 * Makes an image of count sections. Returns 0 with *image, which the caller
 * frees, and *size; -EINVAL for sections, entry or build that no device would
 * take; -E2BIG beyond KESTREL_FW_IMAGE_MAX_BYTES; -ENOMEM.
 */
int image_pack(const struct image_input *sections, uint32_t count,
	       const struct image_options *options, uint8_t **image, size_t *size);

/*
 * Told of one defect: the KESTREL_BOOT_* code with which the boot ROM would
 * refuse the image, and a sentence that says what is wrong and where.
 */
typedef void image_defect_fn(void *opaque, uint32_t boot_code, const char *message);

/*
 * Checks all that the boot ROM checks, and reserved fields; goes on after a
 * defect as long as what follows still has a meaning. Returns the number of
 * defects. defect may be NULL.
 */
unsigned int image_check(const uint8_t *image, size_t size, image_defect_fn *defect,
			 void *opaque);

/* Where section data may begin: the next multiple of its alignment. */
size_t image_align(size_t value);

/*
 * header_hash of the header and section table at image, which reach to
 * table_end; what it holds now counts as zero. False: no memory.
 */
bool image_hash_header(const uint8_t *image, size_t table_end, uint8_t *hash);

/* Name of a KESTREL_BOOT_* code, e.g. "hash". */
const char *image_boot_code_name(uint32_t boot_code);

#endif
