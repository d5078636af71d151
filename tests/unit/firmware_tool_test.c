// SPDX-License-Identifier: MIT
/* kestrel-fw as a program: output, messages, exit codes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <kestrel/firmware.h>

#include "firmware_test.h"

static char tool[4096];
static char good_image[4096];
/* Scratch, beside the test program. */
static char directory[4096];
static char output[65536];
static uint8_t image[KESTREL_FW_IMAGE_MAX_BYTES];
static size_t image_bytes;

/* Runs the tool with arguments in the scratch directory; returns its exit code. */
static int run(const char *arguments)
{
	char command[16384];
	FILE *pipe;
	size_t length;
	int status;

	snprintf(command, sizeof(command), "cd %s && %s %s 2>&1", directory, tool, arguments);
	fflush(stdout);
	pipe = popen(command, "r");
	if (!pipe)
		return -1;
	length = fread(output, 1, sizeof(output) - 1, pipe);
	output[length] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool says(const char *words)
{
	if (strstr(output, words))
		return true;
	printf("# expected \"%s\", got: %s\n", words, output);
	return false;
}

static void file_write(const char *name, const void *bytes, size_t size)
{
	char path[8192];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	CHECK(file && fwrite(bytes, 1, size, file) == size);
	if (file)
		fclose(file);
}

/* check on the good image with `count` bytes at `offset` changed, cut to `size`. */
static int check_damaged(size_t offset, const void *bytes, size_t count, size_t size)
{
	static uint8_t copy[sizeof(image)];

	memcpy(copy, image, image_bytes);
	memcpy(copy + offset, bytes, count);
	file_write("damaged.bin", copy, size);
	return run("check damaged.bin");
}

static void use(void)
{
	CHECK(run("--help") == 0 && says("Usage: kestrel-fw pack"));
	CHECK(run("") == 2 && says("no command"));
	CHECK(run("bake x") == 2 && says("unknown command: bake"));
	CHECK(run("check") == 2 && says("no image"));
	CHECK(run("check --loud x") == 2 && says("--loud"));
	CHECK(run("pack x") == 2 && says("-o"));
	CHECK(run("pack x -o y --version 1.2") == 2 && says("not a version: 1.2"));
	CHECK(run("check nothing.bin") == 1 && says("nothing.bin: No such file"));
}

static void good(void)
{
	char arguments[8192];

	snprintf(arguments, sizeof(arguments), "check %s", good_image);
	CHECK(run(arguments) == 0 && says("good"));
	snprintf(arguments, sizeof(arguments), "print %s", good_image);
	CHECK(run(arguments) == 0 && says("firmware version  0.1.0") && says("tcm (required)"));
	snprintf(arguments, sizeof(arguments), "print --json %s", good_image);
	CHECK(run(arguments) == 0 && says("\"firmware_version\": \"0.1.0\""));
	/* The limit that the project has set itself. */
	CHECK(image_bytes < 32768);
}

static void damaged(void)
{
	const uint32_t wrong = 0x12345678;

	CHECK(check_damaged(offsetof(struct kestrel_fw_image_header, magic), &wrong, 4,
			    image_bytes) == 1);
	CHECK(says("damaged.bin: wrong magic") && says("boot code 1, magic"));
	CHECK(check_damaged(offsetof(struct kestrel_fw_image_header, header_version), &wrong, 4,
			    image_bytes) == 1);
	CHECK(says("wrong header version") && says("boot code 2, header-version"));
	CHECK(check_damaged(offsetof(struct kestrel_fw_image_header, architecture_major), &wrong,
			    2, image_bytes) == 1);
	CHECK(says("wrong architecture") && says("boot code 3, architecture"));
	CHECK(check_damaged(offsetof(struct kestrel_fw_image_header, image_size), &wrong, 4,
			    image_bytes) == 1);
	CHECK(says("header says 305419896") && says("boot code 4, size"));
	CHECK(check_damaged(0, image, 4, image_bytes - 1) == 1 && says("truncated"));
	CHECK(check_damaged(0, image, 4, 20) == 1 && says("truncated: 20 bytes"));
	CHECK(check_damaged(0, image, 4, 0) == 1 && says("truncated: 0 bytes"));
	CHECK(check_damaged(image_bytes - 4, &wrong, 4, image_bytes) == 1);
	CHECK(says("section 0: wrong hash") && says("boot code 6, hash"));
	CHECK(check_damaged(offsetof(struct kestrel_fw_image_header, build), &wrong, 4,
			    image_bytes) == 1);
	CHECK(says("do not have header_hash"));
	CHECK(run("check --json damaged.bin") == 1 && says("{\"code\": \"hash\""));
	CHECK(run("print damaged.bin") == 1 && says("wrong hash"));
}

static void pack(void)
{
	file_write("raw.bin", "some sixteen byte", 16);
	CHECK(run("pack raw.bin -o raw.img --load-address 0x100 --entry 0x102 --version 1.2.3 "
		  "--security-version 7 --build 'a \"text\"'") == 0);
	CHECK(run("check raw.img") == 0);
	CHECK(run("print raw.img") == 0 && says("1.2.3") && says("entry             0x102") &&
	      says("0x100..0x110") && says("security version  7"));
	CHECK(run("print --json raw.img") == 0 && says("\"build\": \"a \\\"text\\\"\""));
	CHECK(run("pack raw.bin -o raw.img --load-address 0x1fffc") == 1 && says("do not fit"));
	CHECK(run("pack raw.bin -o raw.img --entry 99") == 1 && says("do not fit"));
	CHECK(run("pack raw.bin -o nowhere/raw.img") == 1 && says("nowhere/raw.img"));
	file_write("broken.elf", "\x7f" "ELF and so on", 14);
	CHECK(run("pack broken.elf -o raw.img") == 1);
	CHECK(says("broken.elf: ELF header is truncated"));
	file_write("empty.bin", "", 0);
	CHECK(run("pack empty.bin -o raw.img") == 1);
}

static void signing(void)
{
	static char key[128], other[128];
	char arguments[16384];

	CHECK(run("keygen") == 2 && says("-o KEY"));
	CHECK(run("keygen -o nowhere/key") == 1 && says("nowhere/key"));
	CHECK(run("keygen -o key.pem") == 0 && strlen(output) == 65);
	memcpy(key, output, 64);
	CHECK(run("keygen -o other.pem") == 0 && strlen(output) == 65);
	memcpy(other, output, 64);
	CHECK(strcmp(key, other));
	/* Never over a key that is there. */
	CHECK(run("keygen -o key.pem") == 1 && says("key.pem: File exists"));

	CHECK(run("sign x") == 2 && says("--key KEY"));
	CHECK(run("sign raw.img -o signed.img --key nothing.pem") == 1 && says("nothing.pem"));
	CHECK(run("sign raw.img -o signed.img --key raw.bin") == 1 && says("no Ed25519 private key"));
	CHECK(run("sign raw.bin -o signed.img --key key.pem") == 1 && says("raw.bin: truncated"));
	snprintf(arguments, sizeof(arguments), "sign %s -o signed.img --key other.pem", good_image);
	CHECK(run(arguments) == 0);
	/* Replaces the first signature. */
	CHECK(run("sign signed.img -o signed.img --key key.pem") == 0);
	CHECK(run("check signed.img") == 0);
	CHECK(run("print signed.img") == 0 && says("signature: 96 bytes") &&
	      says("firmware version  0.1.0"));

	snprintf(arguments, sizeof(arguments), "check signed.img --public-key %s", key);
	CHECK(run(arguments) == 0 && says("good"));
	snprintf(arguments, sizeof(arguments), "check signed.img --public-key %s", other);
	CHECK(run(arguments) == 1 && says("signed by another key (boot code 7, signature)"));
	snprintf(arguments, sizeof(arguments), "check %s --public-key %s", good_image, key);
	CHECK(run(arguments) == 1 && says("not signed"));
	CHECK(run("check signed.img --public-key 0011") == 2 && says("64 hexadecimal digits"));
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	char here[2048], command[8192];
	FILE *file;

	(void)argc;
	if (argv[0][0] == '/')
		here[0] = '\0';
	else if (!getcwd(here, sizeof(here)))
		return 1;
	snprintf(here + strlen(here), sizeof(here) - strlen(here), "/%.*s",
		 slash ? (int)(slash - argv[0]) : 0, argv[0]);
	snprintf(directory, sizeof(directory), "%s/firmware_tool_test.XXXXXX", here);
	if (!mkdtemp(directory)) {
		printf("not ok - scratch directory\n");
		return 1;
	}
	snprintf(tool, sizeof(tool), "%s/../../bin/kestrel-fw", here);
	snprintf(good_image, sizeof(good_image), "%s/../../firmware/kestrel_fw.bin", here);
	file = fopen(good_image, "rb");
	if (!file) {
		printf("not ok - no firmware image at %s\n", good_image);
		return 1;
	}
	image_bytes = fread(image, 1, sizeof(image), file);
	fclose(file);

	test_group("use", use);
	test_group("the firmware's image", good);
	test_group("damaged images", damaged);
	test_group("packing", pack);
	test_group("keys and signing", signing);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command) || test_failures;
}
