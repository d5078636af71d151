// SPDX-License-Identifier: MIT
/* npu-coredump: prints the dump that the driver leaves of a failure. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/regs.h>

#include "dump.h"
#include "tool.h"

static const char help[] =
"Usage: npu-coredump FILE [OPTION...]\n"
"Prints the dump of a failed NPU: /sys/class/devcoredump/devcdN/data, or a copy.\n"
"\n"
"  --commands N   commands to show around the one that failed (default 16)\n"
"  --all          all commands of the failed job\n"
"  --json         as JSON\n"
"  --help, --version\n"
"\n"
"Exits 0, 1 when the file cannot be read or is no dump, 2 where the command line\n"
"makes no sense.\n";

#define NAME(names, value) name_of(names, sizeof(names) / sizeof((names)[0]), value)

static const char *const reasons[] = {
	"?", "job", "mcu-reset", "device-reset", "wedged",
};
static const char *const events[] = {
	"lost in a reset", "done", "fault", "timeout", "preempt-timeout", "rejected", "lost",
	"queue-broken",
};
static const char *const faults[] = {
	"none", "illegal-opcode", "illegal-register", "illegal-value", "illegal-encoding",
	"stream-end", "sram-range", "base-range", "mmu", "unsupported", "semaphore-overflow",
	"decode", "preempt-state", "ecc", "undefined-read", "hazard", "killed",
};
static const char *const unit_names[] = {
	"dma_in", "dma_out", "mac", "vector", "front-end", "mcu",
};
static const char *const mcu_statuses[] = {
	"off", "booting", "running", "halted", "refused",
};
static const char *const states[] = {
	"none", "ready", "suspended", "refused", "crashed",
};
static const char *const priorities[] = { "low", "normal", "high", "realtime" };
static const char *const queue_statuses[] = {
	"ok", "timedout", "fault", "innocent", "wedged",
};
static const char *const firmware_statuses[] = { "none", "active", "stopped", "broken" };
static const char *const levels[] = { "error", "warning", "info", "debug" };

static const struct {
	uint32_t offset;
	const char *name;
} register_names[] = {
	{ KESTREL_REG_ID, "ID" },
	{ KESTREL_REG_ARCHITECTURE, "ARCHITECTURE" },
	{ KESTREL_REG_ISA, "ISA" },
	{ KESTREL_REG_FEATURES, "FEATURES" },
	{ KESTREL_REG_FUSES, "FUSES" },
	{ KESTREL_REG_FUSED_SECURITY_VERSION, "FUSED_SECURITY_VERSION" },
	{ KESTREL_REG_RESET, "RESET" },
	{ KESTREL_REG_SCRATCH, "SCRATCH" },
	{ KESTREL_REG_INTERRUPT_RAW, "INTERRUPT_RAW" },
	{ KESTREL_REG_INTERRUPT_STATUS, "INTERRUPT_STATUS" },
	{ KESTREL_REG_INTERRUPT_ENABLE, "INTERRUPT_ENABLE" },
	{ KESTREL_REG_IMAGE_ADDRESS_LO, "IMAGE_ADDRESS_LO" },
	{ KESTREL_REG_IMAGE_ADDRESS_HI, "IMAGE_ADDRESS_HI" },
	{ KESTREL_REG_IMAGE_SIZE, "IMAGE_SIZE" },
	{ KESTREL_REG_MCU_RESET, "MCU_RESET" },
	{ KESTREL_REG_MCU_STATUS, "MCU_STATUS" },
	{ KESTREL_REG_BOOT_CODE, "BOOT_CODE" },
	{ KESTREL_REG_MCU_HALT_CODE, "MCU_HALT_CODE" },
	{ KESTREL_REG_BOOT_ARGUMENT(0), "BOOT_ARGUMENT(0)" },
	{ KESTREL_REG_BOOT_ARGUMENT(1), "BOOT_ARGUMENT(1)" },
	{ KESTREL_REG_BOOT_ARGUMENT(2), "BOOT_ARGUMENT(2)" },
	{ KESTREL_REG_MCU_PC, "MCU_PC" },
	{ KESTREL_REG_MCU_CAUSE, "MCU_CAUSE" },
	{ KESTREL_REG_MCU_EPC, "MCU_EPC" },
	{ KESTREL_REG_MCU_TVAL, "MCU_TVAL" },
	{ KESTREL_REG_CLOCK_REQUEST, "CLOCK_REQUEST" },
	{ KESTREL_REG_CLOCK_PRESENT, "CLOCK_PRESENT" },
	{ KESTREL_REG_CLOCK_STATUS, "CLOCK_STATUS" },
	{ KESTREL_REG_VOLTAGE, "VOLTAGE" },
	{ KESTREL_REG_TEMPERATURE, "TEMPERATURE" },
	{ KESTREL_REG_TEMPERATURE_LIMIT, "TEMPERATURE_LIMIT" },
	{ KESTREL_REG_POWER, "POWER" },
	{ KESTREL_REG_INVALIDATE_ASID, "INVALIDATE_ASID" },
	{ KESTREL_REG_INVALIDATE_VA_LO, "INVALIDATE_VA_LO" },
	{ KESTREL_REG_INVALIDATE_VA_HI, "INVALIDATE_VA_HI" },
	{ KESTREL_REG_INVALIDATE_LENGTH_LO, "INVALIDATE_LENGTH_LO" },
	{ KESTREL_REG_INVALIDATE_LENGTH_HI, "INVALIDATE_LENGTH_HI" },
	{ KESTREL_REG_INVALIDATE_STATUS, "INVALIDATE_STATUS" },
	{ KESTREL_REG_MMU_FAULT_STATUS, "MMU_FAULT_STATUS" },
};

struct options {
	const char *file;
	uint32_t commands;
	int all;
	int json;
	int help;
	int version;
};

static const char *name_of(const char *const *names, size_t count, uint32_t value)
{
	return value < count ? names[value] : "?";
}

static const char *register_name(uint32_t offset)
{
	for (size_t i = 0; i < sizeof(register_names) / sizeof(register_names[0]); i++) {
		if (register_names[i].offset == offset)
			return register_names[i].name;
	}
	return "?";
}

/*
 * The output, as text or as JSON: objects and lists of fields. In text a field is
 * a line "name value", an element of a list one line.
 */
static int json;
static int first;

static void separate(void)
{
	if (json && !first)
		fputs(", ", stdout);
	first = 0;
}

static void section_begin(const char *name, char bracket)
{
	separate();
	if (json)
		printf("\"%s\": %c", name, bracket);
	else
		printf("%s\n", name);
	first = 1;
}

static void section_end(const struct dump_section *section, char bracket)
{
	if (json)
		putchar(bracket);
	else if (section && section->cut)
		printf("  (there was more)\n");
	first = 0;
}

static void field_text(const char *name, const char *value)
{
	separate();
	if (json) {
		printf("\"%s\": ", name);
		tool_json_string(stdout, value);
	} else {
		printf("  %-20s%s\n", name, value);
	}
}

static void field_number(const char *name, uint64_t value)
{
	separate();
	if (json)
		printf("\"%s\": %" PRIu64, name, value);
	else
		printf("  %-20s%" PRIu64 "\n", name, value);
}

static void field_hex(const char *name, uint64_t value)
{
	separate();
	if (json)
		printf("\"%s\": %" PRIu64, name, value);
	else
		printf("  %-20s0x%" PRIx64 "\n", name, value);
}

static void element_begin(void)
{
	separate();
	if (json)
		putchar('{');
	first = 1;
}

static void element_end(void)
{
	if (json)
		putchar('}');
	first = 0;
}

static void header_print(const struct dump *dump)
{
	section_begin("dump", '{');
	field_text("reason", NAME(reasons, dump->header.reason));
	field_number("time_ns", dump->header.time_ns);
	field_number("monotonic_ns", dump->header.monotonic_ns);
	field_number("version_minor", dump->header.version_minor);
	field_number("unknown_sections", dump->unknown_sections);
	section_end(NULL, '}');
}

static void device_print(const struct dump *dump)
{
	struct kestrel_coredump_device device;
	char version[64];

	if (!dump_element(dump, KESTREL_COREDUMP_SECTION_DEVICE, 0, &device, sizeof(device)))
		return;
	dump_text(device.kernel, sizeof(device.kernel));
	dump_text(device.device, sizeof(device.device));
	dump_text(device.firmware_build, sizeof(device.firmware_build));
	section_begin("device", '{');
	field_text("name", device.device);
	field_text("kernel", device.kernel);
	snprintf(version, sizeof(version), "%" PRIu32 ".%" PRIu32, device.driver_major,
		 device.driver_minor);
	field_text("driver", version);
	snprintf(version, sizeof(version), "%" PRIu32 ".%" PRIu32 ".%" PRIu32,
		 device.firmware_version >> 24, device.firmware_version >> 16 & 0xff,
		 device.firmware_version & 0xffff);
	field_text("firmware", version);
	field_text("firmware_build", device.firmware_build);
	snprintf(version, sizeof(version), "%u.%u", device.interface_major,
		 device.interface_minor);
	field_text("interface", version);
	snprintf(version, sizeof(version), "%" PRIu32 ".%" PRIu32,
		 KESTREL_VERSION_MAJOR(device.isa), KESTREL_VERSION_MINOR(device.isa));
	field_text("isa", version);
	field_number("macs_per_cycle", device.macs_per_cycle);
	field_number("sram_bytes", device.sram_bytes);
	field_number("queue_kills", device.queue_kills);
	field_number("mcu_resets", device.mcu_resets);
	field_number("device_resets", device.device_resets);
	field_number("wedged", device.wedged);
	section_end(NULL, '}');
}

static void job_print(const struct dump *dump)
{
	struct kestrel_coredump_job job;

	if (!dump_element(dump, KESTREL_COREDUMP_SECTION_JOB, 0, &job, sizeof(job)))
		return;
	section_begin("job", '{');
	field_number("queue", job.queue);
	field_number("seqno", job.seqno);
	field_hex("user_tag", job.user_tag);
	field_number("asid", job.asid);
	field_number("error", job.error);
	field_text("event", NAME(events, job.event));
	field_text("fault", NAME(faults, job.fault_code));
	field_text("unit", job.fault_code ? NAME(unit_names, job.fault_unit) : "none");
	field_number("stream_offset", job.fault_offset);
	field_hex("detail", job.fault_detail);
	field_hex("address", job.fault_address);
	field_number("active_cycles", job.active_cycles);
	field_number("preemptions", job.preemptions);
	field_hex("command_address", job.command_address);
	field_number("command_size", job.command_size);
	section_end(NULL, '}');
	section_begin("bases", '[');
	for (uint32_t i = 0; i < job.base_count && i < KESTREL_FW_BASES_MAX; i++) {
		if (json) {
			element_begin();
			field_number("address", job.base[i].address);
			field_number("size", job.base[i].size);
			element_end();
		} else {
			printf("  %-2" PRIu32 " 0x%010" PRIx64 " %" PRIu64 " bytes\n", i,
			       (uint64_t)job.base[i].address, (uint64_t)job.base[i].size);
		}
	}
	section_end(NULL, ']');
}

static void command_print(size_t offset, const char *text, int failed)
{
	if (json) {
		element_begin();
		field_number("offset", offset);
		field_text("text", text);
		if (failed)
			field_number("failed", 1);
		element_end();
	} else {
		printf("%s %6zu  %s\n", failed ? "->" : "  ", offset, text);
	}
}

/* Records of the stream up to an offset, to know from where to show them. */
static size_t records_before(const struct dump_section *section, size_t offset)
{
	struct npu_disassembly state = { .offset = 0 };
	size_t count = 0;
	char text[8];

	while (state.offset < offset &&
	       npu_disassemble(section->data, section->count, &state, text, sizeof(text)) > 0)
		count++;
	return count;
}

static void commands_print(const struct dump *dump, const struct options *options)
{
	const struct dump_section *section = &dump->sections[KESTREL_COREDUMP_SECTION_COMMANDS];
	struct npu_disassembly state = { .offset = 0 };
	struct kestrel_coredump_job job;
	size_t before, number = 0;
	char text[512];
	int ret = 1;

	if (!section->present || section->element_size != 1 ||
	    !dump_element(dump, KESTREL_COREDUMP_SECTION_JOB, 0, &job, sizeof(job)))
		return;
	before = records_before(section, job.fault_offset);
	section_begin("commands", '[');
	for (; ret > 0; number++) {
		size_t offset = state.offset;

		ret = npu_disassemble(section->data, section->count, &state, text, sizeof(text));
		if (ret && (options->all || (number + options->commands >= before &&
					     number <= before + options->commands)))
			command_print(offset, text, job.fault_code && offset == job.fault_offset);
	}
	section_end(section, ']');
}

static void mappings_print(const struct dump *dump)
{
	const struct dump_section *section = &dump->sections[KESTREL_COREDUMP_SECTION_MAPPINGS];
	struct kestrel_coredump_mapping mapping;

	if (!section->present)
		return;
	section_begin("mappings", '[');
	for (uint32_t i = 0; dump_element(dump, KESTREL_COREDUMP_SECTION_MAPPINGS, i, &mapping,
					  sizeof(mapping)); i++) {
		const char permissions[] = {
			mapping.permissions & KESTREL_COREDUMP_MAPPING_READ ? 'r' : '-',
			mapping.permissions & KESTREL_COREDUMP_MAPPING_WRITE ? 'w' : '-',
			mapping.permissions & KESTREL_COREDUMP_MAPPING_EXECUTE ? 'x' : '-', 0,
		};

		if (json) {
			element_begin();
			field_number("address", mapping.address);
			field_number("size", mapping.size);
			field_text("permissions", permissions);
			field_number("object", mapping.object);
			field_number("object_offset", mapping.object_offset);
			field_number("object_size", mapping.object_size);
			element_end();
		} else {
			printf("  0x%010" PRIx64 " %10" PRIu64 " bytes %s  object %" PRIu32
			       " from byte %" PRIu64 " of %" PRIu64 "\n",
			       (uint64_t)mapping.address, (uint64_t)mapping.size, permissions,
			       mapping.object, (uint64_t)mapping.object_offset,
			       (uint64_t)mapping.object_size);
		}
	}
	section_end(section, ']');
}

static void mcu_print(const struct dump *dump)
{
	struct kestrel_coredump_mcu mcu;

	if (!dump_element(dump, KESTREL_COREDUMP_SECTION_MCU, 0, &mcu, sizeof(mcu)))
		return;
	section_begin("mcu", '{');
	field_text("status", NAME(mcu_statuses, mcu.status));
	field_text("state", NAME(states, mcu.state));
	field_hex("halt_code", mcu.halt_code);
	field_number("boot_code", mcu.boot_code);
	field_hex("pc", mcu.pc);
	field_hex("cause", mcu.cause);
	field_hex("epc", mcu.epc);
	field_hex("tval", mcu.tval);
	field_number("heartbeat", mcu.heartbeat);
	field_number("running_queue", mcu.running_queue);
	field_number("running_seqno", mcu.running_seqno);
	field_number("running_since", mcu.running_since);
	field_number("jobs_ended", mcu.jobs_ended);
	field_number("preemptions", mcu.preemptions);
	section_end(NULL, '}');
}

static void words_print(const char *name, const uint32_t *words, uint32_t count)
{
	section_begin(name, '[');
	for (uint32_t i = 0; i < count; i++) {
		separate();
		if (json)
			printf("%" PRIu32, words[i]);
		else
			printf("%s%08" PRIx32 "%s", i % 8 ? " " : "    ", words[i],
			       i % 8 == 7 ? "\n" : "");
	}
	section_end(NULL, ']');
}

static void crash_print(const struct dump *dump)
{
	struct kestrel_fw_crash crash;

	if (!dump_element(dump, KESTREL_COREDUMP_SECTION_CRASH, 0, &crash, sizeof(crash)))
		return;
	section_begin("crash", '{');
	field_hex("cause", crash.cause);
	field_hex("epc", crash.epc);
	field_hex("tval", crash.tval);
	field_hex("status", crash.status);
	field_number("queue", crash.queue);
	field_number("seqno", crash.seqno);
	field_number("time", crash.time);
	words_print("registers", crash.register_x, 32);
	words_print("stack", crash.stack, 64);
	section_end(NULL, '}');
}

static void log_print(const struct dump *dump)
{
	const struct dump_section *section = &dump->sections[KESTREL_COREDUMP_SECTION_LOG];
	struct kestrel_fw_log_record record;

	if (!section->present)
		return;
	section_begin("log", '[');
	for (uint32_t i = 0; dump_element(dump, KESTREL_COREDUMP_SECTION_LOG, i, &record,
					  sizeof(record)); i++) {
		dump_text(record.text, sizeof(record.text));
		if (json) {
			element_begin();
			field_number("time", record.time);
			field_text("level", NAME(levels, record.level));
			field_text("text", record.text);
			element_end();
		} else {
			printf("  %12" PRIu64 " %-8s%s\n", (uint64_t)record.time,
			       NAME(levels, record.level), record.text);
		}
	}
	section_end(section, ']');
}

static void queues_print(const struct dump *dump)
{
	const struct dump_section *section = &dump->sections[KESTREL_COREDUMP_SECTION_QUEUES];
	struct kestrel_coredump_queue queue;

	if (!section->present)
		return;
	section_begin("queues", '[');
	for (uint32_t i = 0; dump_element(dump, KESTREL_COREDUMP_SECTION_QUEUES, i, &queue,
					  sizeof(queue)); i++) {
		const char *status = NAME(queue_statuses, queue.status);
		const char *firmware = NAME(firmware_statuses, queue.firmware_status);

		if (json) {
			element_begin();
			field_number("queue", queue.queue);
			field_number("asid", queue.asid);
			field_text("priority", NAME(priorities, queue.priority));
			field_text("status", status);
			field_text("firmware_status", firmware);
			field_number("write_index", queue.write_index);
			field_number("read_index", queue.read_index);
			field_number("pending", queue.pending);
			field_number("completed", queue.completed);
			field_number("fault_count", queue.fault_count);
			field_number("active_cycles", queue.active_cycles);
			element_end();
		} else {
			printf("  %3" PRIu32 " asid %-3" PRIu32 " %-8s %s (firmware: %s), %" PRIu32
			       " pending, %" PRIu64 " completed, ring %" PRIu32 "/%" PRIu32
			       ", %" PRIu32 " faults, %" PRIu64 " cycles\n", queue.queue,
			       queue.asid, NAME(priorities, queue.priority), status, firmware,
			       queue.pending, (uint64_t)queue.completed, queue.read_index,
			       queue.write_index, queue.fault_count,
			       (uint64_t)queue.active_cycles);
		}
	}
	section_end(section, ']');
}

static void registers_print(const struct dump *dump)
{
	const struct dump_section *section = &dump->sections[KESTREL_COREDUMP_SECTION_REGISTERS];
	struct kestrel_coredump_register entry;

	if (!section->present)
		return;
	section_begin("registers", '[');
	for (uint32_t i = 0; dump_element(dump, KESTREL_COREDUMP_SECTION_REGISTERS, i, &entry,
					  sizeof(entry)); i++) {
		if (json) {
			element_begin();
			field_number("offset", entry.offset);
			field_text("name", register_name(entry.offset));
			field_number("value", entry.value);
			element_end();
		} else {
			printf("  %04" PRIx32 " %-24s0x%08" PRIx32 "\n", entry.offset,
			       register_name(entry.offset), entry.value);
		}
	}
	section_end(section, ']');
}

static int dump_print(const struct options *options)
{
	struct dump dump;
	char text[256];
	uint8_t *bytes;
	size_t size;

	bytes = tool_file_read(options->file, &size);
	if (!bytes)
		return TOOL_FAILED;
	if (dump_open(&dump, bytes, size, text, sizeof(text))) {
		free(bytes);
		return tool_error("%s: %s", options->file, text);
	}
	json = options->json;
	first = 1;
	if (json)
		putchar('{');
	header_print(&dump);
	device_print(&dump);
	job_print(&dump);
	commands_print(&dump, options);
	mappings_print(&dump);
	queues_print(&dump);
	mcu_print(&dump);
	crash_print(&dump);
	log_print(&dump);
	registers_print(&dump);
	if (json)
		printf("}\n");
	free(bytes);
	return 0;
}

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };

	while (tool_next(&arguments)) {
		const char *option = arguments.option;
		int ret = 0;

		if (!*option && !options->file)
			options->file = arguments.value;
		else if (!*option)
			ret = tool_usage_error("what is \"%s\"?", arguments.value);
		else if (!strcmp(option, "--commands"))
			ret = tool_number(&arguments, 0, 1000000, &options->commands);
		else if (!strcmp(option, "--all"))
			options->all = 1;
		else if (!strcmp(option, "--json"))
			options->json = 1;
		else if (!strcmp(option, "--help") || !strcmp(option, "-h"))
			options->help = 1;
		else if (!strcmp(option, "--version"))
			options->version = 1;
		else
			ret = tool_usage_error("unknown option %s", option);
		if (ret)
			return ret;
	}
	if (!options->file && !options->help && !options->version)
		return tool_usage_error("which file?");
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { .commands = 16 };
	int ret = options_parse(&options, argc, argv);

	if (!ret && !tool_answer(options.help, options.version, help))
		ret = dump_print(&options);
	return tool_finish(ret);
}
