/* SPDX-License-Identifier: MIT */
/* The one thing that options of custom operators need of FlexBuffers. */
#ifndef COMPILER_FLEXBUFFER_H
#define COMPILER_FLEXBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The number or truth value under `key` in the map that the buffer holds.
 * Returns false where there is none or the buffer is damaged.
 */
bool flexbuffer_number(const uint8_t *data, size_t bytes, const char *key, double *value);

#endif
