/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), as the boot ROM computes it. */

#ifndef KESTREL_EMULATOR_SHA256_H
#define KESTREL_EMULATOR_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

struct sha256 {
	uint32_t state[8];
	uint64_t length;
	uint8_t block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *data, size_t length);
void sha256_final(struct sha256 *sha, uint8_t digest[SHA256_BYTES]);

/* All of it at once. */
void sha256_digest(const void *data, size_t length, uint8_t digest[SHA256_BYTES]);

#endif
