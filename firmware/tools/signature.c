// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "image.h"
#include "signature.h"

EVP_PKEY *signature_key_make(void)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

EVP_PKEY *signature_key_read(FILE *file)
{
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

bool signature_key_write(FILE *file, EVP_PKEY *key)
{
	return PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
}

bool signature_public_key(EVP_PKEY *key, uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES])
{
	size_t bytes = KESTREL_FW_PUBLIC_KEY_BYTES;

	return EVP_PKEY_get_raw_public_key(key, public_key, &bytes) == 1 &&
	       bytes == KESTREL_FW_PUBLIC_KEY_BYTES;
}

static int digit_parse(char digit)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) % 16 : -1;
}

bool signature_public_key_parse(const char *text,
				uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES])
{
	size_t i;

	if (strlen(text) != 2 * KESTREL_FW_PUBLIC_KEY_BYTES)
		return false;
	for (i = 0; i < KESTREL_FW_PUBLIC_KEY_BYTES; i++) {
		int high = digit_parse(text[2 * i]), low = digit_parse(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		public_key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static struct kestrel_fw_image_section section_get(const uint8_t *image, uint32_t index)
{
	struct kestrel_fw_image_header header;
	struct kestrel_fw_image_section section;

	memcpy(&header, image, sizeof(header));
	memcpy(&section, image + header.section_table_offset +
	       (size_t)index * header.section_entry_size, sizeof(section));
	return section;
}

static bool hash_sign(EVP_PKEY *key, const uint8_t *hash,
		      struct kestrel_fw_image_signature *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t bytes = sizeof(signature->signature);
	bool good = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestSign(context, signature->signature, &bytes, hash,
				   KESTREL_FW_HASH_BYTES) == 1 &&
		    bytes == sizeof(signature->signature) &&
		    signature_public_key(key, signature->public_key);

	EVP_MD_CTX_free(context);
	return good;
}

int signature_add(const uint8_t *image, EVP_PKEY *key, uint8_t **signed_image,
		  size_t *signed_size)
{
	struct kestrel_fw_image_section table[KESTREL_FW_IMAGE_MAX_SECTIONS] = { 0 };
	struct kestrel_fw_image_signature signature;
	const uint8_t *data[KESTREL_FW_IMAGE_MAX_SECTIONS];
	struct kestrel_fw_image_header header;
	uint32_t count = 0, i;
	uint8_t *bytes;
	size_t total;

	memcpy(&header, image, sizeof(header));
	for (i = 0; i < header.section_count; i++) {
		struct kestrel_fw_image_section section = section_get(image, i);

		if (section.type == KESTREL_FW_SECTION_SIGNATURE)
			continue;
		data[count] = image + section.data_offset;
		table[count++] = section;
	}
	if (count == KESTREL_FW_IMAGE_MAX_SECTIONS)
		return -E2BIG;
	table[count].type = KESTREL_FW_SECTION_SIGNATURE;
	table[count].data_size = sizeof(signature);
	data[count++] = NULL;

	total = sizeof(header) + count * sizeof(table[0]);
	for (i = 0; i < count; i++) {
		table[i].data_offset = (uint32_t)image_align(total);
		total = table[i].data_offset + table[i].data_size;
	}
	if (total > KESTREL_FW_IMAGE_MAX_BYTES)
		return -E2BIG;
	header.image_size = (uint32_t)total;
	header.section_table_offset = sizeof(header);
	header.section_count = count;
	header.section_entry_size = sizeof(table[0]);

	bytes = calloc(1, total);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), table, count * sizeof(table[0]));
	for (i = 0; i < count - 1; i++)
		memcpy(bytes + table[i].data_offset, data[i], table[i].data_size);
	if (!image_hash_header(bytes, sizeof(header) + count * sizeof(table[0]),
			       header.header_hash) ||
	    !hash_sign(key, header.header_hash, &signature)) {
		free(bytes);
		return -ENOMEM;
	}
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + table[count - 1].data_offset, &signature, sizeof(signature));
	*signed_image = bytes;
	*signed_size = total;
	return 0;
}

static bool hash_verify(const struct kestrel_fw_image_signature *signature, const uint8_t *hash)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, signature->public_key,
						    sizeof(signature->public_key));
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = key && context &&
		    EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(context, signature->signature, sizeof(signature->signature),
				     hash, KESTREL_FW_HASH_BYTES) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return good;
}

const char *signature_check(const uint8_t *image,
			    const uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES])
{
	struct kestrel_fw_image_signature signature;
	struct kestrel_fw_image_header header;
	struct kestrel_fw_image_section section = { 0 };
	uint32_t i;

	memcpy(&header, image, sizeof(header));
	for (i = 0; i < header.section_count; i++) {
		section = section_get(image, i);
		if (section.type == KESTREL_FW_SECTION_SIGNATURE)
			break;
	}
	if (i == header.section_count)
		return "not signed";
	memcpy(&signature, image + section.data_offset, sizeof(signature));
	if (memcmp(signature.public_key, public_key, sizeof(signature.public_key)))
		return "signed by another key";
	return hash_verify(&signature, header.header_hash) ? NULL : "wrong signature";
}
