// SPDX-License-Identifier: MIT
/* What the compiler may call on its own in a freestanding program. */
#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memset(void *destination, int value, size_t size);

void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
	char *to = destination;
	const char *from = source;

	while (size--)
		*to++ = *from++;
	return destination;
}

void *memset(void *destination, int value, size_t size)
{
	char *to = destination;

	while (size--)
		*to++ = (char)value;
	return destination;
}
