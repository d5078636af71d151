// SPDX-License-Identifier: MIT
/*
 * A device fused secure boots what its key has signed and nothing else; roll-back
 * below the fuse is refused, signed or not. Images come from kestrel-fw's parts.
 */

#include <stdlib.h>

#include "emulator_test.h"
#include "image.h"
#include "signature.h"

/* Physical memory: tables of address space 0, whose addresses are physical ones. */
#define ROOT 0x1000u
#define MIDDLE 0x2000u
#define IMAGE 0x10000u
#define HALT_CODE 0x1234u

static const uint32_t program_halt[] = {
	0x40000437, /* lui s0, 0x40000 */
	0x04042283, /* lw t0, BOOT_ARGUMENT 0(s0) */
	0x02542223, /* sw t0, HALT(s0) */
	0x0000006f, /* j . */
};

struct fixture {
	struct test *test;
	struct test_machine *machine;
	struct kestrel_emulator *emulator;
	EVP_PKEY *key;
	uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES];
	uint8_t *image;
	size_t size;
};

/* Packs the program with this security version; signed by the key unless NULL. */
static void image_make(struct fixture *f, uint32_t security_version, EVP_PKEY *key)
{
	const struct image_options options = {
		.security_version = security_version,
		.build = "test",
	};
	const struct image_input section = {
		.memory_size = 4096,
		.data_size = sizeof(program_halt),
		.data = (const void *)program_halt,
	};
	uint8_t *unsigned_image;
	size_t size;

	free(f->image);
	f->image = NULL;
	EQUAL(f->test, image_pack(&section, 1, &options, &unsigned_image, &size), 0);
	if (!key) {
		f->image = unsigned_image;
		f->size = size;
		return;
	}
	EQUAL(f->test, signature_add(unsigned_image, key, &f->image, &f->size), 0);
	EQUAL(f->test, image_check(f->image, f->size, NULL, NULL), 0);
	free(unsigned_image);
}

static struct kestrel_fw_image_section *section_of(struct fixture *f, uint32_t index)
{
	return (struct kestrel_fw_image_section *)(void *)
	       (f->image + sizeof(struct kestrel_fw_image_header)) + index;
}

static struct kestrel_fw_image_signature *signature_of(struct fixture *f)
{
	return (void *)(f->image + section_of(f, 1)->data_offset);
}

static void rehash(struct fixture *f)
{
	struct kestrel_fw_image_header *header = (void *)f->image;

	CHECK(f->test, image_hash_header(f->image, header->section_table_offset +
					 header->section_count * header->section_entry_size,
					 header->header_hash));
}

static uint32_t get(struct fixture *f, uint32_t offset)
{
	return kestrel_emulator_register_read(f->emulator, offset);
}

static void set(struct fixture *f, uint32_t offset, uint32_t value)
{
	kestrel_emulator_register_write(f->emulator, offset, value);
}

/* Boots the image; returns the boot code, having checked what goes with it. */
static uint32_t boot(struct fixture *f)
{
	uint32_t code;

	set(f, KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	test_store64(f->machine, ROOT, MIDDLE >> 12 << 10 | 1);
	test_store64(f->machine, MIDDLE, 0xc7);
	set(f, KESTREL_REG_ASID_TABLE_LO(0), ROOT >> 12);
	set(f, KESTREL_REG_ASID_TABLE_HI(0), KESTREL_ASID_TABLE_HI_VALID);
	memcpy(f->machine->memory + IMAGE, f->image, f->size);
	set(f, KESTREL_REG_IMAGE_ADDRESS_LO, IMAGE);
	set(f, KESTREL_REG_IMAGE_SIZE, (uint32_t)f->size);
	set(f, KESTREL_REG_BOOT_ARGUMENT(0), HALT_CODE);
	set(f, KESTREL_REG_MCU_START, 1);
	kestrel_emulator_run(f->emulator, 1000000);
	code = get(f, KESTREL_REG_BOOT_CODE);
	EQUAL(f->test, get(f, KESTREL_REG_MCU_STATUS),
	      code ? KESTREL_MCU_STATUS_REFUSED : KESTREL_MCU_STATUS_HALTED);
	EQUAL(f->test, get(f, KESTREL_REG_MCU_HALT_CODE), code ? 0 : HALT_CODE);
	return code;
}

static void test_signed(struct fixture *f)
{
	struct test *test = f->test;
	EVP_PKEY *other = signature_key_make();

	kestrel_emulator_set_fuses(f->emulator, true, 0, f->public_key);
	EQUAL(test, get(f, KESTREL_REG_FUSES), KESTREL_FUSE_SECURE);
	image_make(f, 0, f->key);
	EQUAL(test, boot(f), KESTREL_BOOT_OK);
	CHECK(test, !signature_check(f->image, f->public_key));
	test_group(test, "an image signed by the fused key boots");

	image_make(f, 0, NULL);
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	CHECK(test, signature_check(f->image, f->public_key));
	test_group(test, "refused: no signature");

	image_make(f, 0, other);
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	CHECK(test, signature_check(f->image, f->public_key));
	test_group(test, "refused: signed by another key");

	memcpy(signature_of(f)->public_key, f->public_key, sizeof(f->public_key));
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	CHECK(test, signature_check(f->image, f->public_key));
	test_group(test, "refused: signed by another key in the name of the fused one");

	for (unsigned int bit = 0; bit < 8 * KESTREL_FW_SIGNATURE_BYTES; bit += 37) {
		image_make(f, 0, f->key);
		signature_of(f)->signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	}
	test_group(test, "refused: a bit of the signature differs");

	image_make(f, 0, f->key);
	((struct kestrel_fw_image_header *)(void *)f->image)->firmware_version++;
	EQUAL(test, boot(f), KESTREL_BOOT_HASH);
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	test_group(test, "refused: changed and hashed anew");

	image_make(f, 0, f->key);
	section_of(f, 1)->data_size--;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	image_make(f, 0, f->key);
	section_of(f, 0)->type = KESTREL_FW_SECTION_SIGNATURE;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SECTION);
	test_group(test, "refused: a signature of another size, code called a signature");
	EVP_PKEY_free(other);
}

static void test_fuses(struct fixture *f)
{
	static const uint8_t no_key[KESTREL_FW_PUBLIC_KEY_BYTES];
	struct test *test = f->test;

	kestrel_emulator_set_fuses(f->emulator, true, 3, f->public_key);
	EQUAL(test, get(f, KESTREL_REG_FUSED_SECURITY_VERSION), 3);
	image_make(f, 2, f->key);
	EQUAL(test, boot(f), KESTREL_BOOT_ROLLBACK);
	image_make(f, 3, f->key);
	EQUAL(test, boot(f), KESTREL_BOOT_OK);
	/* Who cannot sign cannot raise the version either. */
	image_make(f, 2, f->key);
	((struct kestrel_fw_image_header *)(void *)f->image)->security_version = 9;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	test_group(test, "refused: signed, but older than the fuse allows");

	kestrel_emulator_set_fuses(f->emulator, true, 0, no_key);
	image_make(f, 0, f->key);
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	/* A point of small order, for which signatures can be made up. */
	memset(signature_of(f)->public_key, 0, KESTREL_FW_PUBLIC_KEY_BYTES);
	EQUAL(test, boot(f), KESTREL_BOOT_SIGNATURE);
	test_group(test, "a secure device without a key boots nothing");

	kestrel_emulator_set_fuses(f->emulator, false, 0, f->public_key);
	image_make(f, 0, NULL);
	EQUAL(test, boot(f), KESTREL_BOOT_OK);
	image_make(f, 0, f->key);
	EQUAL(test, boot(f), KESTREL_BOOT_OK);
	signature_of(f)->signature[0] ^= 1;
	EQUAL(test, boot(f), KESTREL_BOOT_OK);
	test_group(test, "a device that is not secure looks at no signature");
}

static struct kestrel_fw_image_header *header_of(struct fixture *f)
{
	return (void *)f->image;
}

/* What this device does not know is not passed over. */
static void test_unknown(struct fixture *f)
{
	struct test *test = f->test;

	kestrel_emulator_set_fuses(f->emulator, false, 0, f->public_key);
	image_make(f, 0, NULL);
	header_of(f)->reserved0 = 1;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SECTION);
	image_make(f, 0, NULL);
	header_of(f)->reserved1[3] = 1;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SECTION);
	image_make(f, 0, NULL);
	section_of(f, 0)->reserved[1] = 1;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SECTION);
	image_make(f, 0, NULL);
	section_of(f, 0)->flags |= 2;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_SECTION);
	test_group(test, "refused: reserved fields and unknown flags");

	image_make(f, 0, NULL);
	header_of(f)->architecture_minor = KESTREL_ARCHITECTURE_MINOR + 1;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_ARCHITECTURE);
	image_make(f, 0, NULL);
	header_of(f)->interface_major++;
	header_of(f)->interface_minor++;
	rehash(f);
	EQUAL(test, boot(f), KESTREL_BOOT_OK);
	test_group(test, "refused: for a later device; the interface is the driver's to check");
}

static void test_settings(struct test *test)
{
	struct kestrel_configuration configuration;
	char error[256] = "";

	kestrel_configuration_get("kestrel-64", &configuration);
	EQUAL(test, kestrel_configuration_set(&configuration, "secure=on,security_version=7,"
					      "public_key=00112233445566778899aabbccddeeff"
					      "00112233445566778899AABBCCDDEEFF", error,
					      sizeof(error)), 0);
	CHECK(test, configuration.secure);
	EQUAL(test, configuration.security_version, 7);
	EQUAL(test, configuration.public_key[1], 0x11);
	EQUAL(test, configuration.public_key[31], 0xff);
	CHECK(test, kestrel_configuration_set(&configuration, "public_key=0011", error,
					      sizeof(error)) < 0);
	CHECK(test, strstr(error, "64 hexadecimal digits"));
	CHECK(test, kestrel_configuration_set(&configuration,
					      "public_key=00112233445566778899aabbccddeeff"
					      "00112233445566778899aabbccddeeffA", error,
					      sizeof(error)) < 0);
	test_group(test, "fuses are settings of the configuration");
}

int main(void)
{
	struct test test = { 0 };
	struct fixture f = { .test = &test };
	struct kestrel_configuration configuration;
	struct kestrel_emulator_host host;

	f.machine = calloc(1, sizeof(*f.machine));
	host = test_host(f.machine);
	kestrel_configuration_get("kestrel-64", &configuration);
	f.emulator = kestrel_emulator_create(&configuration, &host);
	f.key = signature_key_make();
	if (!f.emulator || !f.key || !signature_public_key(f.key, f.public_key)) {
		printf("not ok - no device or no key\n");
		return 1;
	}
	test_signed(&f);
	test_fuses(&f);
	test_unknown(&f);
	test_settings(&test);
	free(f.image);
	EVP_PKEY_free(f.key);
	kestrel_emulator_destroy(f.emulator);
	free(f.machine);
	return test.failures != 0;
}
