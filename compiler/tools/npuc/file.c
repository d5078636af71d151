// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "npuc.h"

static enum npuc_exit finish(const char *path, int ret)
{
	if (!ret)
		return NPUC_DONE;
	fprintf(stderr, "npuc: %s: %s\n", path, strerror(-ret));
	return NPUC_FAILED;
}

enum npuc_exit file_read(const char *path, struct buffer *contents)
{
	FILE *file = fopen(path, "rb");
	char block[65536];
	size_t bytes;
	int ret = 0;

	if (!file)
		return finish(path, -errno);
	while ((bytes = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(contents, block, bytes);
	if (ferror(file))
		ret = -EIO;
	else if (contents->failed)
		ret = -ENOMEM;
	fclose(file);
	return finish(path, ret);
}

enum npuc_exit file_write(const char *path, const void *data, size_t bytes)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "wb") : stdout;
	int ret = 0;

	if (!file)
		return finish(path, -errno);
	if (fwrite(data, 1, bytes, file) != bytes)
		ret = -EIO;
	if ((file == stdout ? fflush(file) : fclose(file)) && !ret)
		ret = -errno;
	if (ret && file != stdout)
		unlink(path);
	return finish(path, ret);
}
