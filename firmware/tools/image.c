// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "image.h"

#define DATA_ALIGNMENT 16

static bool hash_bytes(const uint8_t *data, size_t size, uint8_t *hash)
{
	return EVP_Digest(data, size, hash, NULL, EVP_sha256(), NULL) == 1;
}

bool image_hash_header(const uint8_t *image, size_t table_end, uint8_t *hash)
{
	uint8_t *copy = malloc(table_end);
	bool good;

	if (!copy)
		return false;
	memcpy(copy, image, table_end);
	memset(copy + offsetof(struct kestrel_fw_image_header, header_hash), 0,
	       KESTREL_FW_HASH_BYTES);
	good = hash_bytes(copy, table_end, hash);
	free(copy);
	return good;
}

size_t image_align(size_t value)
{
	return (value + DATA_ALIGNMENT - 1) & ~(size_t)(DATA_ALIGNMENT - 1);
}

int image_pack(const struct image_input *sections, uint32_t count,
	       const struct image_options *options, uint8_t **image, size_t *size)
{
	struct kestrel_fw_image_header header = {
		.magic = KESTREL_FW_IMAGE_MAGIC,
		.header_version = KESTREL_FW_IMAGE_HEADER_VERSION,
		.architecture_major = KESTREL_ARCHITECTURE_MAJOR,
		.architecture_minor = KESTREL_ARCHITECTURE_MINOR,
		.interface_major = KESTREL_FW_INTERFACE_MAJOR,
		.interface_minor = KESTREL_FW_INTERFACE_MINOR,
		.firmware_version = options->firmware_version,
		.security_version = options->security_version,
		.entry = options->entry,
		.section_table_offset = sizeof(header),
		.section_count = count,
		.section_entry_size = sizeof(struct kestrel_fw_image_section),
	};
	struct kestrel_fw_image_section table[KESTREL_FW_IMAGE_MAX_SECTIONS] = { 0 };
	size_t table_end = sizeof(header) + count * sizeof(table[0]);
	size_t total = table_end;
	uint8_t *bytes;
	uint32_t i;

	if (!count || count > KESTREL_FW_IMAGE_MAX_SECTIONS ||
	    strlen(options->build) >= sizeof(header.build))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		total = image_align(total) + sections[i].data_size;
		if (total > KESTREL_FW_IMAGE_MAX_BYTES)
			return -E2BIG;
	}
	bytes = calloc(1, total);
	if (!bytes)
		return -ENOMEM;

	total = table_end;
	for (i = 0; i < count; i++) {
		total = image_align(total);
		table[i].type = KESTREL_FW_SECTION_TCM;
		table[i].flags = KESTREL_FW_SECTION_REQUIRED;
		table[i].data_offset = (uint32_t)total;
		table[i].data_size = sections[i].data_size;
		table[i].load_address = sections[i].load_address;
		table[i].memory_size = sections[i].memory_size;
		memcpy(bytes + total, sections[i].data, sections[i].data_size);
		total += sections[i].data_size;
		if (!hash_bytes(sections[i].data, sections[i].data_size, table[i].hash)) {
			free(bytes);
			return -ENOMEM;
		}
	}
	header.image_size = (uint32_t)total;
	memcpy(header.build, options->build, strlen(options->build));
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), table, count * sizeof(table[0]));
	if (!image_hash_header(bytes, table_end,
			 bytes + offsetof(struct kestrel_fw_image_header, header_hash))) {
		free(bytes);
		return -ENOMEM;
	}
	/* Overlaps, TCM bounds and entry are the checker's to know. */
	if (image_check(bytes, total, NULL, NULL)) {
		free(bytes);
		return -EINVAL;
	}
	*image = bytes;
	*size = total;
	return 0;
}

struct checker {
	const uint8_t *image;
	size_t size;
	struct kestrel_fw_image_header header;
	image_defect_fn *defect;
	void *opaque;
	unsigned int defects;
};

__attribute__((format(printf, 3, 4)))
static void report(struct checker *checker, uint32_t boot_code, const char *format, ...)
{
	char message[200];
	va_list arguments;

	checker->defects++;
	if (!checker->defect)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	checker->defect(checker->opaque, boot_code, message);
}

static struct kestrel_fw_image_section section_get(const struct checker *checker, uint32_t index)
{
	struct kestrel_fw_image_section section;

	memcpy(&section, checker->image + checker->header.section_table_offset +
	       (size_t)index * checker->header.section_entry_size, sizeof(section));
	return section;
}

/* False: the header is not even the header of an image. */
static bool check_header(struct checker *checker)
{
	struct kestrel_fw_image_header *header = &checker->header;
	unsigned int before;

	if (checker->size < sizeof(*header)) {
		report(checker, KESTREL_BOOT_SIZE,
		       "truncated: %zu bytes, the header alone has %zu", checker->size,
		       sizeof(*header));
		return false;
	}
	memcpy(header, checker->image, sizeof(*header));
	if (header->magic != KESTREL_FW_IMAGE_MAGIC) {
		report(checker, KESTREL_BOOT_MAGIC,
		       "wrong magic: 0x%08" PRIx32 " instead of 0x%08x", header->magic,
		       KESTREL_FW_IMAGE_MAGIC);
		return false;
	}
	if (header->header_version != KESTREL_FW_IMAGE_HEADER_VERSION) {
		report(checker, KESTREL_BOOT_HEADER_VERSION,
		       "wrong header version: %" PRIu32 ", this tool knows %u",
		       header->header_version, KESTREL_FW_IMAGE_HEADER_VERSION);
		return false;
	}
	if (header->architecture_major != KESTREL_ARCHITECTURE_MAJOR)
		report(checker, KESTREL_BOOT_ARCHITECTURE,
		       "wrong architecture: made for %u.%u, this tool knows %u.x",
		       header->architecture_major, header->architecture_minor,
		       KESTREL_ARCHITECTURE_MAJOR);
	if (!memchr(header->build, 0, sizeof(header->build)))
		report(checker, KESTREL_BOOT_SIZE, "build text has no end");

	before = checker->defects;
	if (header->image_size > checker->size)
		report(checker, KESTREL_BOOT_SIZE,
		       "truncated: the file has %zu bytes, the header says %" PRIu32,
		       checker->size, header->image_size);
	else if (header->image_size < checker->size)
		report(checker, KESTREL_BOOT_SIZE,
		       "wrong size: the file has %zu bytes, the header says %" PRIu32,
		       checker->size, header->image_size);
	if (header->image_size > KESTREL_FW_IMAGE_MAX_BYTES)
		report(checker, KESTREL_BOOT_SIZE, "wrong size: %" PRIu32 " bytes, the limit is %u",
		       header->image_size, KESTREL_FW_IMAGE_MAX_BYTES);
	if (!header->section_count || header->section_count > KESTREL_FW_IMAGE_MAX_SECTIONS ||
	    header->section_entry_size != sizeof(struct kestrel_fw_image_section) ||
	    header->section_table_offset % 8 ||
	    header->section_table_offset < sizeof(*header) ||
	    (uint64_t)header->section_table_offset +
	    (uint64_t)header->section_count * header->section_entry_size > checker->size) {
		report(checker, KESTREL_BOOT_SECTION,
		       "section table of %" PRIu32 " entries of %" PRIu32 " bytes at %" PRIu32
		       " does not fit", header->section_count, header->section_entry_size,
		       header->section_table_offset);
		return false;
	}
	if (before != checker->defects)
		return true;
	if (header->reserved0 || header->reserved1[0] || header->reserved1[1] ||
	    header->reserved1[2] || header->reserved1[3])
		report(checker, KESTREL_BOOT_SECTION, "reserved header fields are not zero");
	return true;
}

static void check_tcm(struct checker *checker, uint32_t index,
		      const struct kestrel_fw_image_section *section)
{
	uint64_t end = (uint64_t)section->load_address + section->memory_size;
	uint32_t other;

	if (section->load_address % 4 || section->memory_size < section->data_size ||
	    end > KESTREL_MCU_TCM_BYTES) {
		report(checker, KESTREL_BOOT_SECTION,
		       "section %" PRIu32 ": %" PRIu32 " bytes at TCM address 0x%" PRIx32
		       " do not fit", index, section->memory_size, section->load_address);
		return;
	}
	for (other = 0; other < index; other++) {
		struct kestrel_fw_image_section before = section_get(checker, other);

		if (before.type == KESTREL_FW_SECTION_TCM && section->load_address <
		    (uint64_t)before.load_address + before.memory_size &&
		    before.load_address < end)
			report(checker, KESTREL_BOOT_SECTION,
			       "sections %" PRIu32 " and %" PRIu32 " overlap in TCM", other, index);
	}
}

/* Its place only: whether it is the right one depends on the device's key. */
static void check_signature(struct checker *checker, uint32_t index,
			    const struct kestrel_fw_image_section *section)
{
	uint32_t other;

	if (section->data_size != sizeof(struct kestrel_fw_image_signature))
		report(checker, KESTREL_BOOT_SIGNATURE,
		       "section %" PRIu32 ": a signature of %" PRIu32 " bytes instead of %zu", index,
		       section->data_size, sizeof(struct kestrel_fw_image_signature));
	for (other = 0; other < index; other++)
		if (section_get(checker, other).type == KESTREL_FW_SECTION_SIGNATURE)
			report(checker, KESTREL_BOOT_SIGNATURE,
			       "sections %" PRIu32 " and %" PRIu32 " are both signatures", other,
			       index);
}

static void check_section(struct checker *checker, uint32_t index, bool *has_entry)
{
	struct kestrel_fw_image_section section = section_get(checker, index);
	uint64_t data_end = (uint64_t)section.data_offset + section.data_size;
	uint8_t hash[KESTREL_FW_HASH_BYTES];

	switch (section.type) {
	case KESTREL_FW_SECTION_TCM:
		check_tcm(checker, index, &section);
		if (checker->header.entry >= section.load_address &&
		    checker->header.entry - section.load_address < section.data_size)
			*has_entry = true;
		break;
	case KESTREL_FW_SECTION_SIGNATURE:
		check_signature(checker, index, &section);
		break;
	default:
		if (section.flags & KESTREL_FW_SECTION_REQUIRED)
			report(checker, KESTREL_BOOT_SECTION,
			       "section %" PRIu32 ": unknown type %" PRIu32 " is required", index,
			       section.type);
		break;
	}
	if (section.flags & ~KESTREL_FW_SECTION_REQUIRED || section.reserved[0] ||
	    section.reserved[1])
		report(checker, KESTREL_BOOT_SECTION,
		       "section %" PRIu32 ": unknown flags or reserved fields", index);
	if (section.data_offset % DATA_ALIGNMENT || data_end > checker->header.image_size) {
		report(checker, KESTREL_BOOT_SECTION,
		       "section %" PRIu32 ": %" PRIu32 " bytes at offset %" PRIu32
		       " do not lie in the image", index, section.data_size, section.data_offset);
		return;
	}
	/* Beyond a truncated file's end: reported already. */
	if (data_end > checker->size || section.type == KESTREL_FW_SECTION_SIGNATURE)
		return;
	if (!hash_bytes(checker->image + section.data_offset, section.data_size, hash) ||
	    memcmp(hash, section.hash, sizeof(hash)))
		report(checker, KESTREL_BOOT_HASH, "section %" PRIu32 ": wrong hash: its data do "
		       "not have the SHA-256 of the table", index);
}

unsigned int image_check(const uint8_t *image, size_t size, image_defect_fn *defect, void *opaque)
{
	struct checker checker = {
		.image = image, .size = size, .defect = defect, .opaque = opaque,
	};
	uint8_t hash[KESTREL_FW_HASH_BYTES];
	bool has_entry = false;
	size_t table_end;
	uint32_t i;

	if (!check_header(&checker))
		return checker.defects;
	for (i = 0; i < checker.header.section_count; i++)
		check_section(&checker, i, &has_entry);
	if (!has_entry || checker.header.entry % 2)
		report(&checker, KESTREL_BOOT_SECTION, "entry 0x%" PRIx32 " lies in no section",
		       checker.header.entry);
	table_end = checker.header.section_table_offset +
		    (size_t)checker.header.section_count * checker.header.section_entry_size;
	if (!image_hash_header(image, table_end, hash) ||
	    memcmp(hash, checker.header.header_hash, sizeof(hash)))
		report(&checker, KESTREL_BOOT_HASH,
		       "wrong hash: header and section table do not have header_hash");
	return checker.defects;
}

const char *image_boot_code_name(uint32_t boot_code)
{
	static const char *const names[] = {
		[KESTREL_BOOT_OK] = "ok",
		[KESTREL_BOOT_MAGIC] = "magic",
		[KESTREL_BOOT_HEADER_VERSION] = "header-version",
		[KESTREL_BOOT_ARCHITECTURE] = "architecture",
		[KESTREL_BOOT_SIZE] = "size",
		[KESTREL_BOOT_SECTION] = "section",
		[KESTREL_BOOT_HASH] = "hash",
		[KESTREL_BOOT_SIGNATURE] = "signature",
		[KESTREL_BOOT_ROLLBACK] = "rollback",
		[KESTREL_BOOT_MEMORY_FAULT] = "memory-fault",
	};

	return boot_code < sizeof(names) / sizeof(names[0]) ? names[boot_code] : "unknown";
}
