// SPDX-License-Identifier: MIT
/* Firmware images: a good one passes, each defect is found and named. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "firmware_test.h"
#include "tools/image.h"

static uint8_t *image;
static size_t image_size;
static uint8_t *copy;

static uint32_t found_codes;
static char found_message[256];

static void defect_note(void *opaque, uint32_t boot_code, const char *message)
{
	(void)opaque;
	found_codes |= 1u << boot_code;
	snprintf(found_message, sizeof(found_message), "%s", message);
}

static struct kestrel_fw_image_header *header(void)
{
	return (struct kestrel_fw_image_header *)copy;
}

static struct kestrel_fw_image_section *section(uint32_t index)
{
	return (struct kestrel_fw_image_section *)(copy + header()->section_table_offset) + index;
}

static void start_over(void)
{
	memcpy(copy, image, image_size);
}

/* As a signer would: makes header_hash fit again, so that only the rest counts. */
static void hash_again(void)
{
	size_t end = header()->section_table_offset +
		     header()->section_count * sizeof(struct kestrel_fw_image_section);

	memset(header()->header_hash, 0, sizeof(header()->header_hash));
	EVP_Digest(copy, end, header()->header_hash, NULL, EVP_sha256(), NULL);
}

static uint32_t codes_of(size_t size)
{
	unsigned int defects;

	found_codes = 0;
	found_message[0] = '\0';
	defects = image_check(copy, size, defect_note, NULL);
	CHECK((defects != 0) == (found_codes != 0));
	return found_codes;
}

static bool finds(uint32_t boot_code, const char *words)
{
	return codes_of(image_size) == 1u << boot_code && strstr(found_message, words);
}

static void good(void)
{
	start_over();
	CHECK(codes_of(image_size) == 0);
	CHECK(header()->image_size == image_size);
	CHECK(header()->section_count == 2);
	CHECK(section(0)->data_offset % 16 == 0 && section(1)->data_offset % 16 == 0);
	CHECK(!memcmp(copy + section(1)->data_offset, "data", 4));
	hash_again();
	CHECK(!memcmp(copy, image, image_size));
}

static void header_defects(void)
{
	start_over();
	header()->magic ^= 1;
	CHECK(finds(KESTREL_BOOT_MAGIC, "wrong magic"));
	start_over();
	header()->header_version = 2;
	CHECK(finds(KESTREL_BOOT_HEADER_VERSION, "wrong header version: 2"));
	start_over();
	header()->architecture_major = 9;
	hash_again();
	CHECK(finds(KESTREL_BOOT_ARCHITECTURE, "9.0"));
	start_over();
	header()->image_size -= 16;
	CHECK(codes_of(image_size) & 1u << KESTREL_BOOT_SIZE);
	start_over();
	memset(header()->build, 'x', sizeof(header()->build));
	hash_again();
	CHECK(finds(KESTREL_BOOT_SIZE, "build"));
	start_over();
	header()->reserved1[3] = 1;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "reserved"));
	start_over();
	header()->build[0] ^= 1;
	CHECK(finds(KESTREL_BOOT_HASH, "header_hash"));
	start_over();
	header()->header_hash[31] ^= 1;
	CHECK(finds(KESTREL_BOOT_HASH, "header_hash"));
}

static void table_defects(void)
{
	start_over();
	header()->section_count = 0;
	CHECK(finds(KESTREL_BOOT_SECTION, "section table"));
	start_over();
	header()->section_count = KESTREL_FW_IMAGE_MAX_SECTIONS + 1;
	CHECK(finds(KESTREL_BOOT_SECTION, "section table"));
	start_over();
	header()->section_table_offset = 0xfffffff8;
	CHECK(finds(KESTREL_BOOT_SECTION, "section table"));
	start_over();
	header()->section_entry_size = 16;
	CHECK(finds(KESTREL_BOOT_SECTION, "section table"));
}

static void section_defects(void)
{
	start_over();
	copy[section(1)->data_offset] ^= 1;
	CHECK(finds(KESTREL_BOOT_HASH, "section 1"));
	start_over();
	section(1)->data_offset = 0xfffffff0;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "section 1"));
	start_over();
	section(1)->load_address = KESTREL_MCU_TCM_BYTES - 4;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "do not fit"));
	start_over();
	section(1)->load_address = 4;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "overlap"));
	start_over();
	section(1)->memory_size = 1;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "do not fit"));
	start_over();
	section(1)->type = 77;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "unknown type 77"));
	/* The same, but not required: passed over. */
	section(1)->flags = 0;
	hash_again();
	CHECK(codes_of(image_size) == 0);
	start_over();
	section(1)->flags |= 2;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "unknown flags"));
	start_over();
	header()->entry = 0x1000;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "entry"));
	start_over();
	header()->entry = 1;
	hash_again();
	CHECK(finds(KESTREL_BOOT_SECTION, "entry"));
}

static void truncation(void)
{
	size_t size;

	start_over();
	for (size = 0; size < image_size; size++) {
		/* A copy of its own size, so that a sanitizer sees any overrun. */
		uint8_t *part = malloc(size + !size);

		memcpy(part, image, size);
		CHECK(image_check(part, size, NULL, NULL) > 0);
		free(part);
	}
	CHECK(codes_of(image_size - 1) == 1u << KESTREL_BOOT_SIZE);
	CHECK(strstr(found_message, "truncated"));
}

static void every_bit_counts(void)
{
	size_t bit;

	for (bit = 0; bit < image_size * 8; bit++) {
		size_t byte = bit / 8;

		start_over();
		/* The gap before a section has no meaning. */
		if (byte >= sizeof(struct kestrel_fw_image_header) +
		    2 * sizeof(struct kestrel_fw_image_section) &&
		    (byte < section(0)->data_offset ||
		     (byte >= section(0)->data_offset + section(0)->data_size &&
		      byte < section(1)->data_offset)))
			continue;
		copy[byte] ^= 1u << bit % 8;
		CHECK(codes_of(image_size) != 0);
	}
}

static void pack_refusals(void)
{
	static const uint8_t bytes[8];
	struct image_input input = { .memory_size = 8, .data_size = 8, .data = bytes };
	struct image_options options = { .build = "" };
	uint8_t *made;
	size_t size;

	CHECK(image_pack(&input, 0, &options, &made, &size) < 0);
	CHECK(image_pack(&input, KESTREL_FW_IMAGE_MAX_SECTIONS + 1, &options, &made, &size) < 0);
	input.load_address = KESTREL_MCU_TCM_BYTES;
	CHECK(image_pack(&input, 1, &options, &made, &size) < 0);
	input.load_address = 0;
	options.entry = 8;
	CHECK(image_pack(&input, 1, &options, &made, &size) < 0);
	options.entry = 0;
	options.build = "a text that is longer than the forty-seven characters there are";
	CHECK(image_pack(&input, 1, &options, &made, &size) < 0);
}

int main(void)
{
	static const uint8_t code[37] = "some instructions";
	const struct image_input sections[] = {
		{ .load_address = 0, .memory_size = sizeof(code), .data_size = sizeof(code),
		  .data = code },
		{ .load_address = 64, .memory_size = 100, .data_size = 5,
		  .data = (const uint8_t *)"data" },
	};
	const struct image_options options = {
		.firmware_version = KESTREL_FW_VERSION(1, 2, 3), .build = "test",
	};

	if (image_pack(sections, 2, &options, &image, &image_size)) {
		printf("not ok - pack\n");
		return 1;
	}
	copy = malloc(image_size);
	test_group("good image", good);
	test_group("defects of the header", header_defects);
	test_group("defects of the section table", table_defects);
	test_group("defects of sections", section_defects);
	test_group("truncation", truncation);
	test_group("every bit counts", every_bit_counts);
	test_group("packing refuses", pack_refusals);
	free(copy);
	free(image);
	return test_failures != 0;
}
