// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <crypto/sha2.h>
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <kestrel/firmware.h>
#include <kestrel/regs.h>

#include "kestrel_image.h"

#define SECTIONS	2
#define DATA_OFFSET	(sizeof(struct kestrel_fw_image_header) + \
			 SECTIONS * sizeof(struct kestrel_fw_image_section))
#define DATA_SIZE	64
#define TCM_BYTES	0x20000

struct test_image {
	struct kestrel_fw_image_header header;
	struct kestrel_fw_image_section section[SECTIONS];
	u8 data[SECTIONS][DATA_SIZE];
};

static_assert(DATA_OFFSET % 16 == 0);
static_assert(offsetof(struct test_image, data) == DATA_OFFSET);

/* Makes the header's hash fit what the image holds now. */
static void image_seal(struct test_image *image)
{
	memset(image->header.header_hash, 0, sizeof(image->header.header_hash));
	sha256((const u8 *)image, DATA_OFFSET, image->header.header_hash);
}

static void image_fill(struct test_image *image)
{
	unsigned int i;

	*image = (struct test_image) {
		.header = {
			.magic = KESTREL_FW_IMAGE_MAGIC,
			.header_version = KESTREL_FW_IMAGE_HEADER_VERSION,
			.image_size = sizeof(*image),
			.architecture_major = KESTREL_ARCHITECTURE_MAJOR,
			.interface_major = KESTREL_FW_INTERFACE_MAJOR,
			.interface_minor = KESTREL_FW_INTERFACE_MINOR,
			.section_table_offset = sizeof(image->header),
			.section_count = SECTIONS,
			.section_entry_size = sizeof(image->section[0]),
			.build = "test",
		},
	};

	for (i = 0; i < SECTIONS; i++) {
		memset(image->data[i], 0x5a + i, DATA_SIZE);
		image->section[i] = (struct kestrel_fw_image_section) {
			.type = KESTREL_FW_SECTION_TCM,
			.flags = KESTREL_FW_SECTION_REQUIRED,
			.data_offset = DATA_OFFSET + i * DATA_SIZE,
			.data_size = DATA_SIZE,
			.load_address = i * 0x1000,
			.memory_size = 2 * DATA_SIZE,
		};
		sha256(image->data[i], DATA_SIZE, image->section[i].hash);
	}
	image_seal(image);
}

static int image_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct test_image), GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	image_fill(test->priv);
	return 0;
}

static int check(struct kunit *test, size_t size, const char **reason)
{
	struct kestrel_fw_image_header header;

	*reason = NULL;
	return kestrel_image_check(test->priv, size, TCM_BYTES, reason, &header);
}

static void expect_refused(struct kunit *test, const char *reason_part)
{
	const char *reason;

	KUNIT_EXPECT_EQ(test, check(test, sizeof(struct test_image), &reason), -EINVAL);
	KUNIT_ASSERT_NOT_NULL(test, reason);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(reason, reason_part), "reason: %s", reason);
}

static void image_accepts_good(struct kunit *test)
{
	struct kestrel_fw_image_header header;
	const char *reason;

	KUNIT_EXPECT_EQ(test, kestrel_image_check(test->priv, sizeof(struct test_image), TCM_BYTES,
						  &reason, &header), 0);
	KUNIT_EXPECT_STREQ(test, header.build, "test");
}

static void image_refuses_every_length(struct kunit *test)
{
	const char *reason;
	size_t size;

	for (size = 0; size < sizeof(struct test_image); size++) {
		KUNIT_EXPECT_EQ(test, check(test, size, &reason), -EINVAL);
		KUNIT_EXPECT_NOT_NULL(test, reason);
	}
	KUNIT_EXPECT_EQ(test, check(test, KESTREL_FW_IMAGE_MAX_BYTES + 1, &reason), -EINVAL);
}

/* Whatever bit of it is damaged. */
static void image_refuses_every_damage(struct kunit *test)
{
	u8 *bytes = test->priv;
	const char *reason;
	size_t i;

	for (i = 0; i < sizeof(struct test_image); i++) {
		bytes[i] ^= 1 << i % 8;
		KUNIT_EXPECT_EQ_MSG(test, check(test, sizeof(struct test_image), &reason), -EINVAL,
				    "byte %zu", i);
		bytes[i] ^= 1 << i % 8;
	}
}

static void image_names_header_fields(struct kunit *test)
{
	struct test_image *image = test->priv;

	image->header.magic++;
	image_seal(image);
	expect_refused(test, "magic");
	image_fill(image);

	image->header.header_version++;
	image_seal(image);
	expect_refused(test, "header version");
	image_fill(image);

	image->header.architecture_major++;
	image_seal(image);
	expect_refused(test, "architecture");
	image_fill(image);

	image->header.image_size--;
	image_seal(image);
	expect_refused(test, "size");
	image_fill(image);

	image->header.interface_major++;
	image_seal(image);
	expect_refused(test, "interface");
	image_fill(image);

	image->header.section_count = 0;
	image_seal(image);
	expect_refused(test, "number of sections");
	image_fill(image);

	image->header.section_count = KESTREL_FW_IMAGE_MAX_SECTIONS + 1;
	image_seal(image);
	expect_refused(test, "number of sections");
	image_fill(image);

	image->header.section_entry_size += 8;
	image_seal(image);
	expect_refused(test, "another size");
	image_fill(image);

	image->header.section_table_offset = sizeof(*image) - 8;
	image_seal(image);
	expect_refused(test, "section table");
	image_fill(image);

	image->header.section_table_offset = U32_MAX - 7;
	image_seal(image);
	expect_refused(test, "section table");
	image_fill(image);

	memset(image->header.build, 'x', sizeof(image->header.build));
	image_seal(image);
	expect_refused(test, "build string");
	image_fill(image);

	image->header.reserved0 = 1;
	image_seal(image);
	expect_refused(test, "reserved");
	image_fill(image);

	image->header.reserved1[3] = 1;
	image_seal(image);
	expect_refused(test, "reserved");
}

static void image_names_section_fields(struct kunit *test)
{
	struct test_image *image = test->priv;

	image->section[1].data_offset = U32_MAX - 15;
	image_seal(image);
	expect_refused(test, "outside");
	image_fill(image);

	image->section[1].data_size += 16;
	image_seal(image);
	expect_refused(test, "outside");
	image_fill(image);

	image->section[1].load_address = TCM_BYTES - DATA_SIZE;
	image_seal(image);
	expect_refused(test, "does not fit");
	image_fill(image);

	image->section[1].memory_size = DATA_SIZE - 1;
	image_seal(image);
	expect_refused(test, "does not fit");
	image_fill(image);

	image->section[1].type = 99;
	image_seal(image);
	expect_refused(test, "unknown type");
	image_fill(image);

	image->section[1].flags |= 2;
	image_seal(image);
	expect_refused(test, "unknown flags");
	image_fill(image);

	image->section[1].reserved[1] = 1;
	image_seal(image);
	expect_refused(test, "reserved");
	image_fill(image);

	image->section[1].hash[0]++;
	image_seal(image);
	expect_refused(test, "hash of a section");
	image_fill(image);

	image->header.header_hash[31]++;
	expect_refused(test, "hash of its header");
}

static void image_skips_unknown_optional_section(struct kunit *test)
{
	struct test_image *image = test->priv;
	const char *reason;

	image->section[1].type = 99;
	image->section[1].flags = 0;
	image_seal(image);
	KUNIT_EXPECT_EQ(test, check(test, sizeof(*image), &reason), 0);
}

/* A later minor version of the interface only adds. */
static void image_accepts_other_minor(struct kunit *test)
{
	struct test_image *image = test->priv;
	const char *reason;

	image->header.interface_minor = KESTREL_FW_INTERFACE_MINOR + 1;
	image_seal(image);
	KUNIT_EXPECT_EQ(test, check(test, sizeof(*image), &reason), 0);
}

static struct kunit_case image_cases[] = {
	KUNIT_CASE(image_accepts_good),
	KUNIT_CASE(image_refuses_every_length),
	KUNIT_CASE(image_refuses_every_damage),
	KUNIT_CASE(image_names_header_fields),
	KUNIT_CASE(image_names_section_fields),
	KUNIT_CASE(image_accepts_other_minor),
	KUNIT_CASE(image_skips_unknown_optional_section),
	{}
};

static struct kunit_suite image_suite = {
	.name = "kestrel_image",
	.init = image_test_init,
	.test_cases = image_cases,
};

kunit_test_suite(image_suite);
