/* SPDX-License-Identifier: MIT */
/* Ed25519 for the boot ROM, by OpenSSL's libcrypto. */

#ifndef KESTREL_EMULATOR_ED25519_H
#define KESTREL_EMULATOR_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether the 64 bytes are the signature of the message by the owner of the
 * public key (32 bytes). False also where the key is none, or memory is short.
 */
bool ed25519_verify(const uint8_t *public_key, const uint8_t *message, size_t bytes,
		    const uint8_t *signature);

#endif
