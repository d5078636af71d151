// SPDX-License-Identifier: MIT
/*
 * The reader of dumps and the disassembler: a dump that a driver wrote, every
 * field of its header and table changed, cut off anywhere, bytes changed at
 * random; streams of every record and of nonsense.
 */
#include <errno.h>
#include <stddef.h>

#include <kestrel/isa.h>
#include <npu.h>

#include "libnpu_test.h"
#include "tools/dump.h"

static _Alignas(8) uint8_t golden[16384];
static size_t golden_size;

static int golden_read(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return 0;
	golden_size = fread(golden, 1, sizeof(golden), file);
	fclose(file);
	return golden_size > sizeof(struct kestrel_coredump_header) &&
	       golden_size < sizeof(golden);
}

static int device_is_right(const struct dump *dump, uint32_t mcu_resets)
{
	struct kestrel_coredump_device device;

	return dump_element(dump, KESTREL_COREDUMP_SECTION_DEVICE, 0, &device, sizeof(device)) &&
	       device.macs_per_cycle == 256 && device.mcu_resets == mcu_resets &&
	       !strcmp(device.device, "b000000.npu") && !dump->unknown_sections &&
	       dump->sections[KESTREL_COREDUMP_SECTION_REGISTERS].count > 30;
}

static int crash_contents(void)
{
	struct kestrel_coredump_queue queue;
	struct kestrel_coredump_mcu mcu;
	struct kestrel_fw_log_record record;
	struct kestrel_fw_crash crash;
	struct dump dump;
	char text[256];

	return !dump_open(&dump, golden, golden_size, text, sizeof(text)) &&
	       dump.header.reason == KESTREL_COREDUMP_MCU_RESET && device_is_right(&dump, 1) &&
	       dump_element(&dump, KESTREL_COREDUMP_SECTION_MCU, 0, &mcu, sizeof(mcu)) &&
	       mcu.halt_code == KESTREL_FW_HALT_CRASHED && mcu.state == KESTREL_FW_STATE_CRASHED &&
	       dump_element(&dump, KESTREL_COREDUMP_SECTION_CRASH, 0, &crash, sizeof(crash)) &&
	       crash.cause == 0xffffffff && crash.register_x[2] == 0x1ff80 &&
	       dump_element(&dump, KESTREL_COREDUMP_SECTION_LOG, 0, &record, sizeof(record)) &&
	       !strncmp(record.text, "crash: cause 0xffffffff", 23) &&
	       !dump.sections[KESTREL_COREDUMP_SECTION_JOB].present &&
	       dump_element(&dump, KESTREL_COREDUMP_SECTION_QUEUES, 1, &queue, sizeof(queue)) &&
	       queue.asid == 2 && queue.completed == 1;
}

static int job_contents(void)
{
	struct kestrel_coredump_mapping mapping;
	struct kestrel_coredump_job job;
	struct dump dump;
	char text[256];

	return !dump_open(&dump, golden, golden_size, text, sizeof(text)) &&
	       dump.header.reason == KESTREL_COREDUMP_JOB && device_is_right(&dump, 0) &&
	       dump_element(&dump, KESTREL_COREDUMP_SECTION_JOB, 0, &job, sizeof(job)) &&
	       job.event == KESTREL_FW_EVENT_JOB_TIMEOUT && job.error == ETIMEDOUT &&
	       job.command_size == dump.sections[KESTREL_COREDUMP_SECTION_COMMANDS].count &&
	       dump_element(&dump, KESTREL_COREDUMP_SECTION_MAPPINGS, 1, &mapping,
			    sizeof(mapping)) &&
	       mapping.address == 0x3000000 && mapping.permissions ==
	       (KESTREL_COREDUMP_MAPPING_READ | KESTREL_COREDUMP_MAPPING_WRITE) &&
	       !dump_element(&dump, KESTREL_COREDUMP_SECTION_MAPPINGS, 2, &mapping,
			     sizeof(mapping));
}

/* Everything that a reader does with a dump that opens; 0 when it does not. */
static int dump_use(const uint8_t *bytes, size_t size)
{
	struct npu_disassembly state = { .offset = 0 };
	const struct dump_section *commands;
	uint64_t element[64];
	struct dump dump;
	char text[256] = "";

	if (dump_open(&dump, bytes, size, text, sizeof(text)))
		return text[0] ? 0 : -1;
	for (uint32_t type = 0; type < DUMP_SECTION_TYPES; type++) {
		for (uint32_t i = 0; i < 8; i++)
			dump_element(&dump, type, i, element, sizeof(element));
		if (dump.sections[type].count)
			dump_element(&dump, type, dump.sections[type].count - 1, element,
				     sizeof(element));
	}
	commands = &dump.sections[KESTREL_COREDUMP_SECTION_COMMANDS];
	while (commands->element_size == 1 &&
	       npu_disassemble(commands->data, commands->count, &state, text, sizeof(text)) > 0)
		;
	return 1;
}

static int cut_off(void)
{
	for (size_t size = 0; size < golden_size; size++) {
		uint8_t *copy = malloc(size ? size : 1);
		int opened;

		if (!copy)
			return 0;
		memcpy(copy, golden, size);
		opened = dump_use(copy, size);
		free(copy);
		if (opened)
			return 0;
	}
	return 1;
}

/* A 32-bit word of the copy is changed: the dump must be refused, with a reason. */
static int refused(size_t offset, uint32_t value)
{
	uint8_t *copy = malloc(golden_size);
	int opened;

	if (!copy)
		return 0;
	memcpy(copy, golden, golden_size);
	memcpy(copy + offset, &value, sizeof(value));
	opened = dump_use(copy, golden_size);
	free(copy);
	return opened == 0;
}

static int bad_fields(void)
{
	const size_t table = sizeof(struct kestrel_coredump_header);
	const size_t second = table + sizeof(struct kestrel_coredump_section);

	return refused(offsetof(struct kestrel_coredump_header, magic), 0) &&
	       refused(offsetof(struct kestrel_coredump_header, version_major),
		       KESTREL_COREDUMP_VERSION_MAJOR + 1) &&
	       refused(offsetof(struct kestrel_coredump_header, size), (uint32_t)golden_size + 1) &&
	       refused(offsetof(struct kestrel_coredump_header, size) + 4, 1) &&
	       refused(offsetof(struct kestrel_coredump_header, section_table_offset), 4) &&
	       refused(offsetof(struct kestrel_coredump_header, section_table_offset),
		       0xfffffff8) &&
	       refused(offsetof(struct kestrel_coredump_header, section_count), 0xffffffff) &&
	       refused(offsetof(struct kestrel_coredump_header, section_entry_size), 0) &&
	       refused(offsetof(struct kestrel_coredump_header, section_entry_size), 8) &&
	       refused(second + offsetof(struct kestrel_coredump_section, type),
		       KESTREL_COREDUMP_SECTION_DEVICE) &&
	       refused(table + offsetof(struct kestrel_coredump_section, offset), 3) &&
	       refused(table + offsetof(struct kestrel_coredump_section, offset) + 4, 1) &&
	       refused(table + offsetof(struct kestrel_coredump_section, offset), 0x7ffffff8) &&
	       refused(table + offsetof(struct kestrel_coredump_section, count), 0xffffffff) &&
	       refused(table + offsetof(struct kestrel_coredump_section, element_size), 0) &&
	       refused(table + offsetof(struct kestrel_coredump_section, element_size), 0xffffffff);
}

/* A later minor version: longer elements, sections that nobody knows. */
static int later_version(void)
{
	struct kestrel_coredump_header *header = (struct kestrel_coredump_header *)golden;
	struct kestrel_coredump_section *section = (struct kestrel_coredump_section *)(header + 1);
	struct kestrel_coredump_section saved = *section;
	struct kestrel_coredump_device device;
	struct dump dump;
	char text[256];
	int good;

	section->type = 4711;
	good = !dump_open(&dump, golden, golden_size, text, sizeof(text)) &&
	       dump.unknown_sections == 1 &&
	       !dump_element(&dump, KESTREL_COREDUMP_SECTION_DEVICE, 0, &device, sizeof(device));
	*section = saved;
	section->element_size = 72;
	good = good && !dump_open(&dump, golden, golden_size, text, sizeof(text)) &&
	       dump_element(&dump, KESTREL_COREDUMP_SECTION_DEVICE, 0, &device, sizeof(device)) &&
	       !strcmp(device.device, "b000000.") && !device.macs_per_cycle;
	*section = saved;
	return good;
}

static int mutations(void)
{
	uint32_t random = 0x2545f491;

	for (int round = 0; round < 20000; round++) {
		uint8_t *copy = malloc(golden_size);
		size_t limit = test_random(&random) % 2 ? 400 : golden_size;
		int opened;

		if (!copy)
			return 0;
		memcpy(copy, golden, golden_size);
		for (uint32_t i = test_random(&random) % 4; i < 4; i++)
			copy[test_random(&random) % limit] = (uint8_t)test_random(&random);
		opened = dump_use(copy, golden_size);
		free(copy);
		if (opened < 0)
			return 0;
	}
	return 1;
}

struct record {
	uint8_t bytes[12];
	uint8_t size;
	/* 0, or the error. */
	int error;
	const char *text;
};

static int every_record(void)
{
	static const struct record records[] = {
		{ { 0, 2 }, 2, 0, "dma_in.mode = 2 (brick)" },
		{ { 3, 0xff, 0xff, 0xff, 0xff, 0x0f }, 6, 0, "dma_in.offset = 4294967295" },
		{ { 9, 1 }, 2, 0, "dma_in.memory_stride1 = -1" },
		{ { 9, 2 }, 2, 0, "dma_in.memory_stride1 = 1" },
		{ { 9, 0xff, 0xff, 0xff, 0xff, 0x0f }, 6, 0, "dma_in.memory_stride1 = -2147483648" },
		{ { 0x85 }, 1, 0, "select dma_out" },
		{ { 0x93 }, 1, 0, "dma_out signal 3" },
		{ { 0x86 }, 1, 0, "select mac" },
		{ { 30, 0xff, 1 }, 3, 0, "mac.clamp_min = -128" },
		{ { 40, 2 }, 2, 0, "mac.accumulate_from = 2 (sram)" },
		{ { 0xaf }, 1, 0, "mac wait 15" },
		{ { 0x81 }, 1, 0, "mac execute" },
		{ { 0x87 }, 1, 0, "select vector" },
		{ { 0, 11 }, 2, 0, "vector.operation = 11 (softmax)" },
		{ { 0, 99 }, 2, 0, "vector.operation = 99" },
		{ { 0x82, 0 }, 2, 0, "preempt" },
		{ { 0x82, 2, 0, 16, 0x20, 0x30 }, 6, 0, "preempt live 0x0+16, 0x20+48" },
		{ { 0x81 }, 1, 0, "dma_in execute" },
		{ { 0x80 }, 1, 0, "end" },
	};
	static const struct record bad[] = {
		{ { 24, 0 }, 2, -EILSEQ, "dma_in.24: no such register" },
		{ { 0, 0x80 }, 2, -EILSEQ, "dma_in.mode = a number that the stream's end cuts off" },
		{ { 0, 0xff, 0xff, 0xff, 0xff, 0x10 }, 6, -EILSEQ,
		  "dma_in.mode = a number that is too large" },
		{ { 0, 0xff, 0xff, 0xff, 0xff, 0xff }, 6, -EILSEQ,
		  "dma_in.mode = a number that is too large" },
		{ { 0x82, 17 }, 2, -EILSEQ, "preempt: 17 ranges are too many" },
		{ { 0x83 }, 1, -EILSEQ, "0x83: no such record" },
		{ { 0x88 }, 1, -EILSEQ, "0x88: no such record" },
		{ { 0xb0 }, 1, -EILSEQ, "0xb0: no such record" },
		{ { 0xff }, 1, -EILSEQ, "0xff: no such record" },
	};
	struct npu_disassembly state = { .offset = 0 };
	uint8_t stream[128];
	size_t size = 0;
	char text[64];

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		memcpy(stream + size, records[i].bytes, records[i].size);
		size += records[i].size;
	}
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		if (npu_disassemble(stream, size, &state, text, sizeof(text)) != records[i].size ||
		    strcmp(text, records[i].text)) {
			printf("# %s, not %s\n", text, records[i].text);
			return 0;
		}
	}
	if (npu_disassemble(stream, size, &state, text, sizeof(text)) || text[0])
		return 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		state = (struct npu_disassembly) { .offset = 0 };
		if (npu_disassemble(bad[i].bytes, bad[i].size, &state, text, sizeof(text)) !=
		    bad[i].error || strcmp(text, bad[i].text) || state.offset) {
			printf("# %s, not %s\n", text, bad[i].text);
			return 0;
		}
	}
	state = (struct npu_disassembly) { .unit = 9 };
	if (npu_disassemble(stream, size, &state, text, sizeof(text)) != -EINVAL)
		return 0;
	state = (struct npu_disassembly) { .offset = 0 };
	return npu_disassemble(stream, size, &state, text, 7) == 2 && !strcmp(text, "dma_in") &&
	       npu_disassemble(stream, size, &state, NULL, 0) == 6;
}

static int nonsense_streams(void)
{
	uint32_t random = 77;

	for (int round = 0; round < 20000; round++) {
		struct npu_disassembly state = { .offset = 0 };
		size_t size = test_random(&random) % 40;
		uint8_t *stream = malloc(size ? size : 1);
		char text[40];
		int ret = 1;

		if (!stream)
			return 0;
		for (size_t i = 0; i < size; i++)
			stream[i] = (uint8_t)test_random(&random);
		while (ret > 0)
			ret = npu_disassemble(stream, size, &state, text, sizeof(text));
		free(stream);
		if (ret != 0 && ret != -EILSEQ)
			return 0;
	}
	return 1;
}

int main(void)
{
	test_result("a dump of a crash can be read", golden_read("tests/unit/coredump-crash.bin"));
	test_result("it holds what it should", crash_contents());
	test_result("bytes of it changed are no harm", mutations());
	test_result("a dump of a job can be read", golden_read("tests/unit/coredump-job.bin"));
	test_result("it holds what it should about the job", job_contents());
	test_result("cut off anywhere, it is refused", cut_off());
	test_result("bad fields are refused with a reason", bad_fields());
	test_result("longer elements and new sections are no harm", later_version());
	test_result("changed bytes are no harm", mutations());
	test_result("every record of a stream as text", every_record());
	test_result("streams of nonsense are no harm", nonsense_streams());
	return test_failures != 0;
}
