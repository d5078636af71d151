// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * The firmware image, checked before the device sees it. The boot ROM checks it
 * again and has the last word; the check here gives the reason in words, and
 * refuses what the boot ROM does not look at: the host interface.
 */

#include <crypto/sha2.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include <kestrel/firmware.h>
#include <kestrel/regs.h>

#include "kestrel_image.h"

#define KESTREL_IMAGE_DATA_ALIGN	16
#define KESTREL_IMAGE_TABLE_BYTES_MAX \
	(KESTREL_FW_IMAGE_MAX_SECTIONS * sizeof(struct kestrel_fw_image_section))

static const char *kestrel_image_check_header(const struct kestrel_fw_image_header *header,
					      size_t size)
{
	u64 table_bytes;

	if (header->magic != KESTREL_FW_IMAGE_MAGIC)
		return "it does not begin with the magic of a Kestrel firmware image";
	if (header->header_version != KESTREL_FW_IMAGE_HEADER_VERSION)
		return "its header version is unknown";
	if (header->architecture_major != KESTREL_ARCHITECTURE_MAJOR)
		return "it was made for another architecture";
	if (header->image_size != size)
		return "its size is not the one that its header states";
	if (header->interface_major != KESTREL_FW_INTERFACE_MAJOR)
		return "it speaks another host interface version";
	if (!header->section_count || header->section_count > KESTREL_FW_IMAGE_MAX_SECTIONS)
		return "its number of sections is out of range";
	if (header->section_entry_size != sizeof(struct kestrel_fw_image_section))
		return "its section table entries have another size";

	table_bytes = (u64)header->section_count * header->section_entry_size;
	if (header->section_table_offset < sizeof(*header) || header->section_table_offset % 8 ||
	    header->section_table_offset + table_bytes > size)
		return "its section table is out of range";
	if (strnlen(header->build, sizeof(header->build)) == sizeof(header->build))
		return "its build string is not terminated";
	if (header->reserved0 || memchr_inv(header->reserved1, 0, sizeof(header->reserved1)))
		return "its header uses reserved fields";

	return NULL;
}

static const char *kestrel_image_check_section(const struct kestrel_fw_image_section *section,
					       const u8 *data, size_t size, u32 tcm_bytes)
{
	u8 hash[SHA256_DIGEST_SIZE];

	if (section->data_offset % KESTREL_IMAGE_DATA_ALIGN ||
	    (u64)section->data_offset + section->data_size > size)
		return "a section lies outside of it";

	if (section->flags & ~KESTREL_FW_SECTION_REQUIRED ||
	    memchr_inv(section->reserved, 0, sizeof(section->reserved)))
		return "a section uses unknown flags or reserved fields";

	switch (section->type) {
	case KESTREL_FW_SECTION_TCM:
		if (section->load_address % 4 || section->memory_size < section->data_size ||
		    (u64)section->load_address + section->memory_size > tcm_bytes)
			return "a section does not fit the memory of the management core";
		break;
	case KESTREL_FW_SECTION_SIGNATURE:
		/* Its hash field is zero: it signs the hash that would cover it. */
		return NULL;
	default:
		if (section->flags & KESTREL_FW_SECTION_REQUIRED)
			return "it has a required section of an unknown type";
		break;
	}

	sha256(data + section->data_offset, section->data_size, hash);
	if (memcmp(hash, section->hash, sizeof(hash)))
		return "the hash of a section is wrong: the file is damaged";

	return NULL;
}

static const char *kestrel_image_check_hash(const struct kestrel_fw_image_header *header,
					    const u8 *data)
{
	u8 covered[sizeof(*header) + KESTREL_IMAGE_TABLE_BYTES_MAX];
	size_t table_bytes = header->section_count * sizeof(struct kestrel_fw_image_section);
	u8 hash[SHA256_DIGEST_SIZE];

	memcpy(covered, header, sizeof(*header));
	memset(covered + offsetof(struct kestrel_fw_image_header, header_hash), 0,
	       sizeof(header->header_hash));
	memcpy(covered + sizeof(*header), data + header->section_table_offset, table_bytes);

	sha256(covered, sizeof(*header) + table_bytes, hash);
	if (memcmp(hash, header->header_hash, sizeof(hash)))
		return "the hash of its header is wrong: the file is damaged";

	return NULL;
}

/**
 * kestrel_image_check - check a firmware image
 * @data: the file
 * @size: its bytes
 * @tcm_bytes: memory of the management core
 * @reason: set to what is wrong with it when -EINVAL is returned
 * @header: set to its header when 0 is returned
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_image_check(const void *data, size_t size, u32 tcm_bytes, const char **reason,
			struct kestrel_fw_image_header *header)
{
	struct kestrel_fw_image_section section;
	unsigned int i;

	if (size < sizeof(*header)) {
		*reason = "it is shorter than a header";
		return -EINVAL;
	}
	if (size > KESTREL_FW_IMAGE_MAX_BYTES) {
		*reason = "it is too large";
		return -EINVAL;
	}

	memcpy(header, data, sizeof(*header));
	*reason = kestrel_image_check_header(header, size);
	if (!*reason)
		*reason = kestrel_image_check_hash(header, data);

	for (i = 0; !*reason && i < header->section_count; i++) {
		memcpy(&section, data + header->section_table_offset + i * sizeof(section),
		       sizeof(section));
		*reason = kestrel_image_check_section(&section, data, size, tcm_bytes);
	}

	return *reason ? -EINVAL : 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_image_check);
