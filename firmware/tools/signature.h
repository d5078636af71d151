/* SPDX-License-Identifier: MIT */
/*
 * Signatures of firmware images: Ed25519 by OpenSSL's libcrypto. Keys are
 * PKCS#8 (private) and SubjectPublicKeyInfo (public) in PEM, as openssl(1)
 * writes and reads them.
 */
#ifndef KESTREL_FIRMWARE_SIGNATURE_H
#define KESTREL_FIRMWARE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>

#include <kestrel/firmware.h>

/* A new key pair, to be freed by EVP_PKEY_free(); NULL: no memory or entropy. */
EVP_PKEY *signature_key_make(void);

/* An Ed25519 private key from PEM text; NULL: there is none. Passwords are asked for. */
EVP_PKEY *signature_key_read(FILE *file);

/* The private key as PEM, not encrypted; false: errno. */
bool signature_key_write(FILE *file, EVP_PKEY *key);

/* The public half of a key pair. */
bool signature_public_key(EVP_PKEY *key, uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES]);

/* A public key from 64 hexadecimal digits. */
bool signature_public_key_parse(const char *text,
				uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES]);

/*
 * Makes a signed copy of a sound image (image_check() found no defect), without
 * the signature that it may have had. Returns 0 with *signed_image, which the
 * caller frees, and *signed_size; -E2BIG when it has no room for one section
 * more; -ENOMEM.
 */
int signature_add(const uint8_t *image, EVP_PKEY *key, uint8_t **signed_image,
		  size_t *signed_size);

/*
 * Checks a sound image as a device does that is fused with this public key.
 * Returns NULL, or what is wrong.
 */
const char *signature_check(const uint8_t *image,
			    const uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES]);

#endif
