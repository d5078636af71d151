// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
		ret = -errno;
	else if (contents->failed)
		ret = -ENOMEM;
	fclose(file);
	return finish(path, ret);
}

enum npuc_exit output_finish(enum npuc_exit status)
{
	bool failed = fflush(stdout);

	if (status != NPUC_DONE || (!failed && !ferror(stdout)))
		return status;
	/* The reason of an earlier failure is not known any more. */
	fprintf(stderr, "npuc: standard output: %s\n",
		failed ? strerror(errno) : "not all of it could be written");
	return NPUC_FAILED;
}

/* A device or a pipe is not ours to remove, and a link would be removed instead of its file. */
static void file_remove(const char *path)
{
	struct stat information;

	if (!lstat(path, &information) && S_ISREG(information.st_mode))
		unlink(path);
}

enum npuc_exit file_write(const char *path, const void *data, size_t bytes)
{
	FILE *file;
	int ret = 0;

	if (!strcmp(path, "-")) {
		if (fwrite(data, 1, bytes, stdout) != bytes || fflush(stdout))
			ret = -errno;
		return finish("standard output", ret);
	}
	file = fopen(path, "wb");
	if (!file)
		return finish(path, -errno);
	if (fwrite(data, 1, bytes, file) != bytes)
		ret = -errno;
	if (fclose(file) && !ret)
		ret = -errno;
	if (ret)
		file_remove(path);
	return finish(path, ret);
}
