// SPDX-License-Identifier: MIT
/*
 * Boot ROM: checks the firmware image in address space 0 and loads it. The order
 * of the checks is the one that firmware.h gives.
 */

#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "ed25519.h"
#include "sha256.h"

typedef struct kestrel_fw_image_header image_header;
typedef struct kestrel_fw_image_section image_section;

/* What has been read of the image, and where the table is. */
struct boot {
	uint8_t *image;
	uint32_t size;
	image_header header;
	image_section section[KESTREL_FW_IMAGE_MAX_SECTIONS];
};

static uint32_t boot_read(struct kestrel_emulator *emulator, uint64_t offset, void *data,
			  uint32_t length)
{
	struct engine_access access = {
		.asid = KESTREL_ASID_FIRMWARE,
		.tag = DEVICE_TAG_MCU,
		.unit = KESTREL_UNIT_MCU,
		.type = KESTREL_ACCESS_READ,
		.address = emulator->image_address + offset,
		.length = length,
	};

	if (!mmu_access(&emulator->mmu, &access, data, NULL))
		return KESTREL_BOOT_OK;
	device_interrupt_raise(emulator, KESTREL_INTERRUPT_MMU_FAULT);
	return KESTREL_BOOT_MEMORY_FAULT;
}

static bool bytes_are_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t bits = 0;
	size_t i;

	for (i = 0; i < size; i++)
		bits |= bytes[i];
	return !bits;
}

static uint32_t boot_check_header(const image_header *header, uint32_t image_size)
{
	uint64_t table_end = header->section_table_offset +
			     (uint64_t)header->section_count * header->section_entry_size;

	if (header->magic != KESTREL_FW_IMAGE_MAGIC)
		return KESTREL_BOOT_MAGIC;
	if (header->header_version != KESTREL_FW_IMAGE_HEADER_VERSION)
		return KESTREL_BOOT_HEADER_VERSION;
	if (header->architecture_major != KESTREL_ARCHITECTURE_MAJOR ||
	    header->architecture_minor > KESTREL_ARCHITECTURE_MINOR)
		return KESTREL_BOOT_ARCHITECTURE;
	if (header->image_size > image_size || header->image_size > KESTREL_FW_IMAGE_MAX_BYTES ||
	    header->image_size < sizeof(*header) ||
	    header->section_table_offset < sizeof(*header) || table_end > header->image_size)
		return KESTREL_BOOT_SIZE;
	if (header->section_table_offset % 8 || !header->section_count ||
	    header->section_count > KESTREL_FW_IMAGE_MAX_SECTIONS ||
	    header->section_entry_size != sizeof(image_section) ||
	    !bytes_are_zero(&header->reserved0, sizeof(header->reserved0)) ||
	    !bytes_are_zero(header->reserved1, sizeof(header->reserved1)))
		return KESTREL_BOOT_SECTION;
	return KESTREL_BOOT_OK;
}

static bool section_is_sound(const image_section *section, uint32_t image_size)
{
	if (section->flags & ~KESTREL_FW_SECTION_REQUIRED ||
	    !bytes_are_zero(section->reserved, sizeof(section->reserved)))
		return false;
	if (section->data_offset % 16 || section->data_offset > image_size ||
	    section->data_size > image_size - section->data_offset)
		return false;
	switch (section->type) {
	case KESTREL_FW_SECTION_TCM:
		return section->load_address % 4 == 0 &&
		       section->memory_size >= section->data_size &&
		       section->load_address <= KESTREL_MCU_TCM_BYTES &&
		       section->memory_size <= KESTREL_MCU_TCM_BYTES - section->load_address;
	case KESTREL_FW_SECTION_SIGNATURE:
		return true;
	default:
		return !(section->flags & KESTREL_FW_SECTION_REQUIRED);
	}
}

static bool sections_overlap(const image_section *a, const image_section *b)
{
	return a->type == KESTREL_FW_SECTION_TCM && b->type == KESTREL_FW_SECTION_TCM &&
	       a->load_address < b->load_address + b->memory_size &&
	       b->load_address < a->load_address + a->memory_size;
}

static uint32_t boot_check_sections(const struct boot *boot)
{
	uint32_t count = boot->header.section_count;
	uint32_t entry = boot->header.entry;
	bool entry_found = false;
	uint32_t i, j;

	for (i = 0; i < count; i++) {
		const image_section *section = &boot->section[i];

		if (!section_is_sound(section, boot->header.image_size))
			return KESTREL_BOOT_SECTION;
		for (j = 0; j < i; j++)
			if (sections_overlap(section, &boot->section[j]))
				return KESTREL_BOOT_SECTION;
		if (section->type == KESTREL_FW_SECTION_TCM && entry >= section->load_address &&
		    entry - section->load_address < section->memory_size)
			entry_found = true;
	}
	return entry_found && entry % 2 == 0 ? KESTREL_BOOT_OK : KESTREL_BOOT_SECTION;
}

static uint32_t boot_check_hashes(const struct boot *boot)
{
	const image_header *header = &boot->header;
	image_header hashed = *header;
	uint8_t digest[SHA256_BYTES];
	struct sha256 sha;
	uint32_t i;

	memset(hashed.header_hash, 0, sizeof(hashed.header_hash));
	sha256_init(&sha);
	sha256_update(&sha, &hashed, sizeof(hashed));
	sha256_update(&sha, boot->image + header->section_table_offset,
		      (size_t)header->section_count * header->section_entry_size);
	sha256_final(&sha, digest);
	if (memcmp(digest, header->header_hash, sizeof(digest)))
		return KESTREL_BOOT_HASH;

	for (i = 0; i < header->section_count; i++) {
		const image_section *section = &boot->section[i];

		if (section->type == KESTREL_FW_SECTION_SIGNATURE)
			continue;
		sha256_digest(boot->image + section->data_offset, section->data_size, digest);
		if (memcmp(digest, section->hash, sizeof(digest)))
			return KESTREL_BOOT_HASH;
	}
	return KESTREL_BOOT_OK;
}

/* The hashes are known to be right: the signature of one covers all. */
static uint32_t boot_check_signature(const struct kestrel_emulator *emulator,
				     const struct boot *boot)
{
	const uint8_t *public_key = emulator->fused_public_key;
	const image_section *found = NULL;
	struct kestrel_fw_image_signature signature;
	uint32_t i;

	for (i = 0; i < boot->header.section_count; i++) {
		if (boot->section[i].type != KESTREL_FW_SECTION_SIGNATURE)
			continue;
		if (found)
			return KESTREL_BOOT_SIGNATURE;
		found = &boot->section[i];
	}
	/* A key of zeroes is no key: fuses that were never blown trust nobody. */
	if (!found || found->data_size != sizeof(signature) ||
	    bytes_are_zero(public_key, KESTREL_FW_PUBLIC_KEY_BYTES))
		return KESTREL_BOOT_SIGNATURE;
	memcpy(&signature, boot->image + found->data_offset, sizeof(signature));
	if (memcmp(signature.public_key, public_key, sizeof(signature.public_key)) ||
	    !ed25519_verify(public_key, boot->header.header_hash,
			      sizeof(boot->header.header_hash), signature.signature))
		return KESTREL_BOOT_SIGNATURE;
	return KESTREL_BOOT_OK;
}

static uint32_t boot_check(struct kestrel_emulator *emulator, struct boot *boot)
{
	uint32_t code, i;

	code = boot_check_header(&boot->header, boot->size);
	if (code)
		return code;
	boot->image = malloc(boot->header.image_size);
	if (!boot->image)
		return KESTREL_BOOT_MEMORY_FAULT;
	code = boot_read(emulator, 0, boot->image, boot->header.image_size);
	if (code)
		return code;
	/* Memory is the host's: what was checked above must be what is used below. */
	if (memcmp(boot->image, &boot->header, sizeof(boot->header)))
		return KESTREL_BOOT_HASH;
	for (i = 0; i < boot->header.section_count; i++)
		memcpy(&boot->section[i],
		       boot->image + boot->header.section_table_offset +
		       (size_t)i * boot->header.section_entry_size, sizeof(boot->section[i]));
	code = boot_check_sections(boot);
	if (code)
		return code;
	code = boot_check_hashes(boot);
	if (code)
		return code;
	if (emulator->fused_secure)
		code = boot_check_signature(emulator, boot);
	if (code)
		return code;
	if (boot->header.security_version < emulator->fused_security_version)
		return KESTREL_BOOT_ROLLBACK;
	return KESTREL_BOOT_OK;
}

uint32_t boot_image(struct kestrel_emulator *emulator, uint32_t *entry)
{
	struct boot boot = { .size = emulator->image_size };
	uint32_t code, i;

	if (boot.size < sizeof(boot.header))
		return KESTREL_BOOT_SIZE;
	code = boot_read(emulator, 0, &boot.header, sizeof(boot.header));
	if (!code)
		code = boot_check(emulator, &boot);
	if (!code) {
		mcu_reset(&emulator->mcu);
		for (i = 0; i < boot.header.section_count; i++) {
			const image_section *section = &boot.section[i];

			if (section->type == KESTREL_FW_SECTION_TCM)
				mcu_load(&emulator->mcu, section->load_address,
					 boot.image + section->data_offset, section->data_size);
		}
		*entry = boot.header.entry;
	}
	free(boot.image);
	return code;
}
