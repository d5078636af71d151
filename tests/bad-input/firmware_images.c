// SPDX-License-Identifier: MIT
/*
 * Writes damaged copies of a good firmware image, NAME.bin for each defect; the
 * hashes are made good again where the defect lies behind them. Who refuses
 * them with what words is in the file firmware-defects.
 *
 * usage: firmware_images IMAGE DIRECTORY
 */
#include <openssl/evp.h>

#include <kestrel/firmware.h>

#include "result.h"

struct image {
	uint8_t bytes[KESTREL_FW_IMAGE_MAX_BYTES + 64];
	size_t size;
};

static struct kestrel_fw_image_header *header_of(struct image *image)
{
	return (void *)image->bytes;
}

static struct kestrel_fw_image_section *section_of(struct image *image)
{
	return (void *)(image->bytes + header_of(image)->section_table_offset);
}

static void defect_empty(struct image *image)
{
	image->size = 0;
}

static void defect_short(struct image *image)
{
	image->size = sizeof(struct kestrel_fw_image_header) - 1;
}

static void defect_truncated(struct image *image)
{
	image->size -= 1;
}

static void defect_halved(struct image *image)
{
	image->size /= 2;
}

static void defect_extended(struct image *image)
{
	image->size += 16;
}

static void defect_magic(struct image *image)
{
	header_of(image)->magic ^= 1;
}

static void defect_header_version(struct image *image)
{
	header_of(image)->header_version++;
}

static void defect_architecture(struct image *image)
{
	header_of(image)->architecture_major++;
}

static void defect_image_size(struct image *image)
{
	header_of(image)->image_size += 4096;
}

static void defect_section_count_0(struct image *image)
{
	header_of(image)->section_count = 0;
}

static void defect_section_count_9(struct image *image)
{
	header_of(image)->section_count = KESTREL_FW_IMAGE_MAX_SECTIONS + 1;
}

static void defect_table_offset(struct image *image)
{
	header_of(image)->section_table_offset = 0xfffffff8;
}

static void defect_section_outside(struct image *image)
{
	section_of(image)->data_offset = 0x7ffffff0;
}

static void defect_section_size(struct image *image)
{
	section_of(image)->data_size = 0xffffffff;
}

static void defect_section_beyond_tcm(struct image *image)
{
	section_of(image)->load_address = 0x10000000;
}

static void defect_section_unknown(struct image *image)
{
	section_of(image)->type = 77;
}

static void defect_header_hash(struct image *image)
{
	header_of(image)->build[0] ^= 1;
}

static void defect_section_hash(struct image *image)
{
	image->bytes[section_of(image)->data_offset + section_of(image)->data_size / 2] ^= 4;
}

static const struct {
	const char *name;
	void (*make)(struct image *image);
	bool rehash;
} defects[] = {
	{ "empty", defect_empty, false },
	{ "short", defect_short, false },
	{ "truncated", defect_truncated, false },
	{ "halved", defect_halved, false },
	{ "extended", defect_extended, false },
	{ "magic", defect_magic, true },
	{ "header-version", defect_header_version, true },
	{ "architecture", defect_architecture, true },
	{ "image-size", defect_image_size, true },
	{ "section-count-0", defect_section_count_0, true },
	{ "section-count-9", defect_section_count_9, false },
	{ "table-offset", defect_table_offset, false },
	{ "section-outside", defect_section_outside, true },
	{ "section-size", defect_section_size, true },
	{ "section-beyond-tcm", defect_section_beyond_tcm, true },
	{ "section-unknown", defect_section_unknown, true },
	{ "header-hash", defect_header_hash, false },
	{ "section-hash", defect_section_hash, false },
};

static void header_rehash(struct image *image)
{
	struct kestrel_fw_image_header *header = header_of(image);
	size_t end = header->section_table_offset +
		     (size_t)header->section_count * header->section_entry_size;

	memset(header->header_hash, 0, sizeof(header->header_hash));
	EVP_Digest(image->bytes, end, header->header_hash, NULL, EVP_sha256(), NULL);
}

int main(int argc, char **argv)
{
	static struct image image;
	char path[4096];
	uint8_t *good;
	size_t size;
	bool written = true;

	if (argc != 3) {
		fprintf(stderr, "usage: firmware_images IMAGE DIRECTORY\n");
		return 2;
	}
	good = file_load(argv[1], &size);
	if (!good || size > KESTREL_FW_IMAGE_MAX_BYTES)
		return 2;
	for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++) {
		memset(&image, 0, sizeof(image));
		memcpy(image.bytes, good, size);
		image.size = size;
		defects[i].make(&image);
		if (defects[i].rehash)
			header_rehash(&image);
		snprintf(path, sizeof(path), "%s/%s.bin", argv[2], defects[i].name);
		written = file_save(path, image.bytes, image.size) && written;
	}
	free(good);
	return !written;
}
