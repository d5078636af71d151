/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_SHA256_H
#define COMPILER_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

/* SHA-256 (FIPS 180-4) of `bytes` bytes at `data`. */
void sha256(const void *data, size_t bytes, uint8_t digest[SHA256_BYTES]);

#endif
