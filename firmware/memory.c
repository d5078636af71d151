// SPDX-License-Identifier: MIT
/* What the compiler may call on its own in a freestanding program. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memset(void *destination, int value, size_t size);

/* Structures are words; only text has odd bytes. */
static int is_words(const void *first, const void *second, size_t size)
{
	return !(((uintptr_t)first | (uintptr_t)second | size) & 3);
}

void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
	char *to = destination;
	const char *from = source;
	const char *end = from + size;

	if (is_words(to, from, size)) {
		for (; from != end; from += 4, to += 4)
			*(uint32_t *)to = *(const uint32_t *)from;
		return destination;
	}
	while (from != end)
		*to++ = *from++;
	return destination;
}

void *memset(void *destination, int value, size_t size)
{
	char *to = destination;
	char *end = to + size;

	if (!value && is_words(to, to, size)) {
		for (; to != end; to += 4)
			*(uint32_t *)to = 0;
		return destination;
	}
	while (to != end)
		*to++ = (char)value;
	return destination;
}
