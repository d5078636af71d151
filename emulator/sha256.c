// SPDX-License-Identifier: MIT
/*
 * SHA-256 (FIPS 180-4). Part of the device model, which is also compiled into
 * QEMU and so brings its own.
 */

#include <string.h>

#include "sha256.h"

static const uint32_t sha256_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate_right(uint32_t value, unsigned int bits)
{
	return value >> bits | value << (32 - bits);
}

static void sha256_block(struct sha256 *sha, const uint8_t *block)
{
	uint32_t w[64];
	uint32_t s[8];
	unsigned int i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 |
		       (uint32_t)block[i * 4 + 2] << 8 | block[i * 4 + 3];
	for (; i < 64; i++) {
		uint32_t low = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^
			       w[i - 15] >> 3;
		uint32_t high = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^
				w[i - 2] >> 10;

		w[i] = w[i - 16] + low + w[i - 7] + high;
	}

	memcpy(s, sha->state, sizeof(s));
	for (i = 0; i < 64; i++) {
		uint32_t e = rotate_right(s[4], 6) ^ rotate_right(s[4], 11) ^
			     rotate_right(s[4], 25);
		uint32_t a = rotate_right(s[0], 2) ^ rotate_right(s[0], 13) ^
			     rotate_right(s[0], 22);
		uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint32_t first = s[7] + e + choice + sha256_constant[i] + w[i];

		memmove(&s[1], &s[0], 7 * sizeof(s[0]));
		s[4] += first;
		s[0] = first + a + majority;
	}
	for (i = 0; i < 8; i++)
		sha->state[i] += s[i];
}

void sha256_init(struct sha256 *sha)
{
	static const uint32_t initial[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(sha->state, initial, sizeof(initial));
	sha->length = 0;
}

void sha256_update(struct sha256 *sha, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length) {
		size_t used = sha->length % 64;
		size_t take = 64 - used < length ? 64 - used : length;

		if (take == 64) {
			sha256_block(sha, bytes);
		} else {
			memcpy(sha->block + used, bytes, take);
			if (used + take == 64)
				sha256_block(sha, sha->block);
		}
		sha->length += take;
		bytes += take;
		length -= take;
	}
}

void sha256_final(struct sha256 *sha, uint8_t digest[SHA256_BYTES])
{
	static const uint8_t padding[64] = { 0x80 };
	uint64_t bits = sha->length * 8;
	uint8_t big_endian[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		big_endian[i] = (uint8_t)(bits >> (56 - i * 8));
	sha256_update(sha, padding, 1 + (119 - sha->length % 64) % 64);
	sha256_update(sha, big_endian, sizeof(big_endian));
	for (i = 0; i < SHA256_BYTES; i++)
		digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - i % 4 * 8));
}

void sha256_digest(const void *data, size_t length, uint8_t digest[SHA256_BYTES])
{
	struct sha256 sha;

	sha256_init(&sha);
	sha256_update(&sha, data, length);
	sha256_final(&sha, digest);
}
