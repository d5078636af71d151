// SPDX-License-Identifier: MIT
/* kestrel-fw: packs, signs, prints and checks firmware images. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"
#include "image.h"
#include "signature.h"

/* Far more than any image or its ELF file with debug information. */
#define FILE_MAX_BYTES (64u << 20)

enum {
	EXIT_DEFECT = 1,
	EXIT_USAGE = 2,
};

static const char usage[] =
"Usage: kestrel-fw pack INPUT -o IMAGE [OPTION...]\n"
"       kestrel-fw print IMAGE [--json]\n"
"       kestrel-fw check IMAGE [--json] [--public-key HEX]\n"
"       kestrel-fw keygen -o KEY\n"
"       kestrel-fw sign IMAGE -o IMAGE --key KEY\n"
"\n"
"Makes, shows, signs and checks firmware images of the Kestrel NPU.\n"
"\n"
"pack   makes an image of a linked ELF program, or of a raw binary.\n"
"       -o, --output IMAGE        where it goes\n"
"       --version MAJOR.MINOR.PATCH   firmware version (default 0.0.0)\n"
"       --security-version N      roll-back counter (default 0)\n"
"       --build TEXT              what it was built from, at most 47 characters\n"
"       --load-address ADDRESS    raw: where it goes in TCM (default 0)\n"
"       --entry ADDRESS           raw: first instruction (default: load address)\n"
"print  shows header and sections.\n"
"check  names every defect for which a device would refuse the image.\n"
"       --public-key HEX          one that is fused with this Ed25519 key\n"
"keygen makes a key pair: the private key goes to KEY (PEM, readable by its\n"
"       owner alone, must not exist), the public one as 64 digits to the output.\n"
"sign   adds a signature, or replaces the one that is there.\n"
"       -o, --output IMAGE        where it goes\n"
"       --key KEY                 Ed25519 private key, PEM\n"
"\n"
"Exit status: 0 good, 1 a defect or an error, 2 wrong use.\n";

static int fail_usage(const char *what, const char *argument)
{
	fprintf(stderr, "kestrel-fw: %s%s%s; see kestrel-fw --help\n", what, argument ? ": " : "",
		argument ? argument : "");
	return EXIT_USAGE;
}

static uint8_t *file_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL, *larger;
	size_t room = 0, length = 0;

	if (!file) {
		fprintf(stderr, "kestrel-fw: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	for (;;) {
		if (length == room) {
			room = room ? room * 2 : 65536;
			larger = room <= FILE_MAX_BYTES ? realloc(bytes, room) : NULL;
			if (!larger) {
				fprintf(stderr, "kestrel-fw: %s: too large\n", path);
				break;
			}
			bytes = larger;
		}
		length += fread(bytes + length, 1, room - length, file);
		if (ferror(file)) {
			fprintf(stderr, "kestrel-fw: %s: %s\n", path, strerror(errno));
			break;
		}
		if (feof(file)) {
			fclose(file);
			*size = length;
			return bytes;
		}
	}
	fclose(file);
	free(bytes);
	return NULL;
}

static bool file_write(const char *path, const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	bool good;

	if (!file) {
		fprintf(stderr, "kestrel-fw: %s: %s\n", path, strerror(errno));
		return false;
	}
	good = fwrite(bytes, 1, size, file) == size;
	good = !fclose(file) && good;
	if (!good)
		fprintf(stderr, "kestrel-fw: %s: %s\n", path, strerror(errno));
	return good;
}

static bool number_parse(const char *text, uint32_t *value)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || number > UINT32_MAX)
		return false;
	*value = (uint32_t)number;
	return true;
}

static bool version_parse(const char *text, uint32_t *version)
{
	unsigned int major, minor, patch;
	int length = 0;

	if (sscanf(text, "%3u.%3u.%5u%n", &major, &minor, &patch, &length) != 3 ||
	    text[length] || major > 255 || minor > 255 || patch > 65535)
		return false;
	*version = KESTREL_FW_VERSION(major, minor, patch);
	return true;
}

static int image_make(const char *input, const char *output, struct image_options *options,
		      uint32_t load_address, bool has_entry)
{
	struct image_input sections[KESTREL_FW_IMAGE_MAX_SECTIONS];
	const char *error = NULL;
	uint8_t *file, *image;
	size_t size, image_size;
	int count = 1, result;

	file = file_read(input, &size);
	if (!file)
		return EXIT_DEFECT;
	if (elf_recognise(file, size)) {
		count = elf_read(file, size, sections, &options->entry, &error);
		if (count < 0) {
			fprintf(stderr, "kestrel-fw: %s: %s\n", input, error);
			free(file);
			return EXIT_DEFECT;
		}
	} else {
		sections[0] = (struct image_input){
			.load_address = load_address,
			.memory_size = (uint32_t)size,
			.data_size = (uint32_t)size,
			.data = file,
		};
		if (!has_entry)
			options->entry = load_address;
	}
	result = image_pack(sections, (uint32_t)count, options, &image, &image_size);
	free(file);
	if (result) {
		fprintf(stderr, "kestrel-fw: %s: %s\n", input,
			result == -E2BIG ? "larger than an image may be" :
			result == -EINVAL ? "sections or entry do not fit the device" :
			strerror(-result));
		return EXIT_DEFECT;
	}
	result = file_write(output, image, image_size) ? 0 : EXIT_DEFECT;
	free(image);
	return result;
}

static int command_pack(int argc, char **argv)
{
	struct image_options options = { .build = "" };
	const char *input = NULL, *output = NULL;
	uint32_t load_address = 0;
	bool has_entry = false;
	int i;

	for (i = 0; i < argc; i++) {
		const char *option = argv[i];

		if (option[0] != '-') {
			if (input)
				return fail_usage("more than one input", option);
			input = option;
			continue;
		}
		if (++i == argc)
			return fail_usage("option without value or unknown", option);
		if (!strcmp(option, "-o") || !strcmp(option, "--output")) {
			output = argv[i];
		} else if (!strcmp(option, "--version")) {
			if (!version_parse(argv[i], &options.firmware_version))
				return fail_usage("not a version", argv[i]);
		} else if (!strcmp(option, "--security-version")) {
			if (!number_parse(argv[i], &options.security_version))
				return fail_usage("not a number", argv[i]);
		} else if (!strcmp(option, "--build")) {
			options.build = argv[i];
			if (strlen(argv[i]) >= sizeof(((struct kestrel_fw_image_header *)0)->build))
				return fail_usage("build text too long", argv[i]);
		} else if (!strcmp(option, "--load-address")) {
			if (!number_parse(argv[i], &load_address))
				return fail_usage("not an address", argv[i]);
		} else if (!strcmp(option, "--entry")) {
			if (!number_parse(argv[i], &options.entry))
				return fail_usage("not an address", argv[i]);
			has_entry = true;
		} else {
			return fail_usage("unknown option", option);
		}
	}
	if (!input || !output)
		return fail_usage("pack needs an input and -o IMAGE", NULL);
	return image_make(input, output, &options, load_address, has_entry);
}

static void hash_print(const uint8_t *hash)
{
	unsigned int i;

	for (i = 0; i < KESTREL_FW_HASH_BYTES; i++)
		printf("%02x", hash[i]);
}

/* As the inside of a JSON string; plain text gets the same. */
static void text_print(const char *text, size_t limit)
{
	size_t i;

	for (i = 0; i < limit && text[i]; i++) {
		unsigned char character = (unsigned char)text[i];

		if (character == '"' || character == '\\')
			printf("\\%c", character);
		else if (character < 0x20 || character > 0x7e)
			printf("\\u%04x", character);
		else
			putchar(character);
	}
}

static const char *section_type_name(uint32_t type)
{
	return type == KESTREL_FW_SECTION_TCM ? "tcm" :
	       type == KESTREL_FW_SECTION_SIGNATURE ? "signature" : "unknown";
}

static void image_print_text(const uint8_t *image, const struct kestrel_fw_image_header *header)
{
	struct kestrel_fw_image_section section;
	uint32_t i;

	printf("image size        %" PRIu32 "\n", header->image_size);
	printf("architecture      %u.%u\n", header->architecture_major, header->architecture_minor);
	printf("interface         %u.%u\n", header->interface_major, header->interface_minor);
	printf("firmware version  %" PRIu32 ".%" PRIu32 ".%" PRIu32 "\n",
	       header->firmware_version >> 24, header->firmware_version >> 16 & 0xff,
	       header->firmware_version & 0xffff);
	printf("security version  %" PRIu32 "\n", header->security_version);
	printf("build             ");
	text_print(header->build, sizeof(header->build));
	printf("\nentry             0x%" PRIx32 "\nheader hash       ", header->entry);
	hash_print(header->header_hash);
	printf("\n");
	for (i = 0; i < header->section_count; i++) {
		memcpy(&section, image + header->section_table_offset +
		       (size_t)i * header->section_entry_size, sizeof(section));
		printf("section %" PRIu32 "         %s%s: %" PRIu32 " bytes at offset %" PRIu32
		       " to 0x%" PRIx32 "..0x%" PRIx32 "\n                  ", i,
		       section_type_name(section.type),
		       section.flags & KESTREL_FW_SECTION_REQUIRED ? " (required)" : "",
		       section.data_size, section.data_offset, section.load_address,
		       section.load_address + section.memory_size);
		hash_print(section.hash);
		printf("\n");
	}
}

static void image_print_json(const uint8_t *image, const struct kestrel_fw_image_header *header)
{
	struct kestrel_fw_image_section section;
	uint32_t i;

	printf("{\n  \"image_size\": %" PRIu32 ",\n", header->image_size);
	printf("  \"header_version\": %" PRIu32 ",\n", header->header_version);
	printf("  \"architecture\": \"%u.%u\",\n", header->architecture_major,
	       header->architecture_minor);
	printf("  \"interface\": \"%u.%u\",\n", header->interface_major, header->interface_minor);
	printf("  \"firmware_version\": \"%" PRIu32 ".%" PRIu32 ".%" PRIu32 "\",\n",
	       header->firmware_version >> 24, header->firmware_version >> 16 & 0xff,
	       header->firmware_version & 0xffff);
	printf("  \"security_version\": %" PRIu32 ",\n  \"build\": \"", header->security_version);
	text_print(header->build, sizeof(header->build));
	printf("\",\n  \"entry\": %" PRIu32 ",\n  \"header_hash\": \"", header->entry);
	hash_print(header->header_hash);
	printf("\",\n  \"sections\": [");
	for (i = 0; i < header->section_count; i++) {
		memcpy(&section, image + header->section_table_offset +
		       (size_t)i * header->section_entry_size, sizeof(section));
		printf("%s\n    {\"type\": \"%s\", \"required\": %s, \"data_offset\": %" PRIu32
		       ", \"data_size\": %" PRIu32 ", \"load_address\": %" PRIu32
		       ", \"memory_size\": %" PRIu32 ", \"hash\": \"", i ? "," : "",
		       section_type_name(section.type),
		       section.flags & KESTREL_FW_SECTION_REQUIRED ? "true" : "false",
		       section.data_offset, section.data_size, section.load_address,
		       section.memory_size);
		hash_print(section.hash);
		printf("\"}");
	}
	printf("\n  ]\n}\n");
}

struct defect_output {
	const char *path;
	bool json;
	unsigned int count;
};

static void defect_print(void *opaque, uint32_t boot_code, const char *message)
{
	struct defect_output *output = opaque;

	if (output->json) {
		printf("%s\n  {\"code\": \"%s\", \"message\": \"", output->count ? "," : "",
		       image_boot_code_name(boot_code));
		text_print(message, strlen(message));
		printf("\"}");
	} else {
		fprintf(stderr, "kestrel-fw: %s: %s (boot code %" PRIu32 ", %s)\n", output->path,
			message, boot_code, image_boot_code_name(boot_code));
	}
	output->count++;
}

/* print and check: one image, perhaps --json. */
static int command_show(int argc, char **argv, bool print)
{
	struct defect_output output = { 0 };
	uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES];
	struct kestrel_fw_image_header header;
	const char *key_text = NULL, *wrong;
	unsigned int defects;
	uint8_t *image;
	size_t size;
	bool json = false;
	int i;

	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!print && !strcmp(argv[i], "--public-key") && i + 1 < argc)
			key_text = argv[++i];
		else if (argv[i][0] == '-')
			return fail_usage("unknown option", argv[i]);
		else if (output.path)
			return fail_usage("more than one image", argv[i]);
		else
			output.path = argv[i];
	}
	if (!output.path)
		return fail_usage("no image given", NULL);
	if (key_text && !signature_public_key_parse(key_text, public_key))
		return fail_usage("not a public key of 64 hexadecimal digits", key_text);
	image = file_read(output.path, &size);
	if (!image)
		return EXIT_DEFECT;

	output.json = json && !print;
	if (output.json)
		printf("[");
	defects = image_check(image, size, defect_print, &output);
	wrong = key_text && !defects ? signature_check(image, public_key) : NULL;
	if (wrong)
		defect_print(&output, KESTREL_BOOT_SIGNATURE, wrong);
	defects = output.count;
	if (output.json)
		printf("%s]\n", defects ? "\n" : "");
	if (!defects && print) {
		memcpy(&header, image, sizeof(header));
		if (json)
			image_print_json(image, &header);
		else
			image_print_text(image, &header);
	} else if (!defects && !json) {
		printf("%s: good\n", output.path);
	}
	free(image);
	return defects ? EXIT_DEFECT : 0;
}

/* -o and one other option with a value, and at most one argument. */
static int options_parse(int argc, char **argv, const char **input, const char **output,
			 const char *name, const char **value)
{
	int i;

	for (i = 0; i < argc; i++) {
		const char *option = argv[i];

		if (option[0] != '-') {
			if (*input)
				return fail_usage("more than one input", option);
			*input = option;
			continue;
		}
		if (++i == argc)
			return fail_usage("option without value or unknown", option);
		if (!strcmp(option, "-o") || !strcmp(option, "--output"))
			*output = argv[i];
		else if (name && !strcmp(option, name))
			*value = argv[i];
		else
			return fail_usage("unknown option", option);
	}
	return 0;
}

static int command_keygen(int argc, char **argv)
{
	const char *input = NULL, *output = NULL;
	uint8_t public_key[KESTREL_FW_PUBLIC_KEY_BYTES];
	EVP_PKEY *key;
	FILE *file;
	bool good;
	int fd;

	if (options_parse(argc, argv, &input, &output, NULL, NULL))
		return EXIT_USAGE;
	if (input || !output)
		return fail_usage("keygen needs -o KEY and nothing else", input);
	/* A private key that is overwritten is lost for ever. */
	fd = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		fprintf(stderr, "kestrel-fw: %s: %s\n", output, strerror(errno));
		if (fd >= 0)
			close(fd);
		return EXIT_DEFECT;
	}
	key = signature_key_make();
	good = key && signature_key_write(file, key) && signature_public_key(key, public_key);
	good = !fclose(file) && good;
	EVP_PKEY_free(key);
	if (!good) {
		fprintf(stderr, "kestrel-fw: %s: cannot make or write the key\n", output);
		unlink(output);
		return EXIT_DEFECT;
	}
	hash_print(public_key);
	printf("\n");
	return 0;
}

static int command_sign(int argc, char **argv)
{
	const char *input = NULL, *output = NULL, *key_path = NULL;
	struct defect_output defects = { 0 };
	uint8_t *image, *signed_image;
	size_t size, signed_size;
	EVP_PKEY *key;
	FILE *file;
	int result;

	if (options_parse(argc, argv, &input, &output, "--key", &key_path))
		return EXIT_USAGE;
	if (!input || !output || !key_path)
		return fail_usage("sign needs an image, -o IMAGE and --key KEY", NULL);
	file = fopen(key_path, "r");
	if (!file) {
		fprintf(stderr, "kestrel-fw: %s: %s\n", key_path, strerror(errno));
		return EXIT_DEFECT;
	}
	key = signature_key_read(file);
	fclose(file);
	if (!key) {
		fprintf(stderr, "kestrel-fw: %s: no Ed25519 private key\n", key_path);
		return EXIT_DEFECT;
	}
	image = file_read(input, &size);
	defects.path = input;
	if (!image || image_check(image, size, defect_print, &defects)) {
		EVP_PKEY_free(key);
		free(image);
		return EXIT_DEFECT;
	}
	result = signature_add(image, key, &signed_image, &signed_size);
	EVP_PKEY_free(key);
	free(image);
	if (result) {
		fprintf(stderr, "kestrel-fw: %s: %s\n", input, result == -E2BIG ?
			"no room for a signature" : strerror(-result));
		return EXIT_DEFECT;
	}
	result = file_write(output, signed_image, signed_size) ? 0 : EXIT_DEFECT;
	free(signed_image);
	return result;
}

static int command_run(int argc, char **argv)
{
	if (argc < 2)
		return fail_usage("no command given", NULL);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(usage, stdout);
		return 0;
	}
	if (!strcmp(argv[1], "pack"))
		return command_pack(argc - 2, argv + 2);
	if (!strcmp(argv[1], "print"))
		return command_show(argc - 2, argv + 2, true);
	if (!strcmp(argv[1], "check"))
		return command_show(argc - 2, argv + 2, false);
	if (!strcmp(argv[1], "keygen"))
		return command_keygen(argc - 2, argv + 2);
	if (!strcmp(argv[1], "sign"))
		return command_sign(argc - 2, argv + 2);
	return fail_usage("unknown command", argv[1]);
}

int main(int argc, char **argv)
{
	int result = command_run(argc, argv);
	bool failed = fflush(stdout);

	if (result || (!failed && !ferror(stdout)))
		return result;
	/* The reason of an earlier failure is not known any more. */
	fprintf(stderr, "kestrel-fw: standard output: %s\n",
		failed ? strerror(errno) : "not all of it could be written");
	return EXIT_DEFECT;
}
