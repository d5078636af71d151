// SPDX-License-Identifier: MIT
/*
 * A hostile machine around the emulated device: register accesses of every kind,
 * page tables and memory that change at any time, firmware that is no firmware.
 * Looks for crashes (under sanitizers), for calls that take too long, and for a
 * device that a reset does not bring back.
 *
 * registers  host registers, memory and injected faults; no image
 * core       images with random programs that work on peripherals, the engine's
 *            page, the window and their own code; all of the above beside them
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kestrel/firmware.h>
#include <kestrel/isa.h>
#include <kestrel/regs.h>

#include "emulator.h"
#include "fuzz.h"
#include "image.h"

#define MEMORY_BYTES 0x100000u
#define IMAGE 0x40000u
#define TABLES 0x1000u
#define TABLE_COUNT 8u
/* Where command streams are most of the time. */
#define STREAM(index) (0x80000u + (index) * 0x400u)
#define STREAMS 16u
/* Host time of one call, in seconds: what keeps a processor of a machine waiting. */
#define CALL_LIMIT 2.0
#define SLICE_CYCLES 20000u
#define PROGRAM_WORDS 512u

static struct {
	struct fuzz_random random;
	struct kestrel_emulator *emulator;
	uint8_t *memory;
	uint32_t image_size;
	uint64_t seed;
	bool line;
	bool failed;
} now;

static uint32_t below(uint32_t limit)
{
	return fuzz_below(&now.random, limit);
}

static void fail(const char *what)
{
	if (!now.failed)
		printf("# seed %" PRIu64 ": %s\n", now.seed, what);
	now.failed = true;
}

static int memory_read(void *opaque, uint64_t address, void *data, size_t length)
{
	(void)opaque;
	if (length > 4096 || address / 4096 != (address + length - 1) / 4096)
		fail("an access of more than a page, or across two");
	if (address > MEMORY_BYTES || length > MEMORY_BYTES - address)
		return -1;
	memcpy(data, now.memory + address, length);
	return 0;
}

static int memory_write(void *opaque, uint64_t address, const void *data, size_t length)
{
	(void)opaque;
	if (length > 4096 || address / 4096 != (address + length - 1) / 4096)
		fail("an access of more than a page, or across two");
	if (address > MEMORY_BYTES || length > MEMORY_BYTES - address)
		return -1;
	memcpy(now.memory + address, data, length);
	return 0;
}

static void interrupt(void *opaque, bool level)
{
	(void)opaque;
	if (level == now.line)
		fail("the interrupt line is told the level that it has");
	now.line = level;
}

static double processor_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void device_advance(uint64_t cycles)
{
	double since = processor_seconds();
	uint64_t before = kestrel_emulator_now(now.emulator);

	kestrel_emulator_advance(now.emulator, cycles);
	if (processor_seconds() - since > CALL_LIMIT)
		fail("one call of advance() takes too long");
	if (kestrel_emulator_now(now.emulator) < before)
		fail("time goes backwards");
}

static void set(uint32_t offset, uint32_t value)
{
	kestrel_emulator_register_write(now.emulator, offset, value);
}

/* An entry that points to a table or a page of memory, or nonsense. */
static uint64_t table_entry(void)
{
	uint64_t flags = below(4) ? 0xcf : below(1024);

	switch (below(5)) {
	case 0:
		return (uint64_t)(TABLES / 4096 + below(TABLE_COUNT)) << 10 | 1;
	case 1:
	case 2:
		return (uint64_t)below(MEMORY_BYTES / 4096) << 10 | flags;
	case 3:
		return (uint64_t)fuzz_value(&now.random) << 32 | fuzz_value(&now.random);
	default:
		return 0;
	}
}

static void tables_fill(void)
{
	uint32_t i;

	for (i = 0; i < 400; i++) {
		uint64_t entry = table_entry();
		uint32_t index = below(4) ? below(64) : below(512);

		memcpy(now.memory + TABLES + below(TABLE_COUNT) * 4096 + index * 8, &entry, 8);
	}
}

/* Address space 0 maps memory one to one but for what tables_fill() breaks. */
static void space_make(bool sound)
{
	uint64_t entry;
	uint32_t i;

	tables_fill();
	if (!sound)
		return;
	entry = (uint64_t)(TABLES / 4096 + 1) << 10 | 1;
	memcpy(now.memory + TABLES, &entry, 8);
	entry = (uint64_t)(TABLES / 4096 + 2) << 10 | 1;
	memcpy(now.memory + TABLES + 4096, &entry, 8);
	for (i = 0; i < MEMORY_BYTES / 4096; i++) {
		entry = (uint64_t)i << 10 | 0xcf;
		memcpy(now.memory + TABLES + 2 * 4096 + i * 8, &entry, 8);
	}
	set(KESTREL_REG_ASID_TABLE_LO(0), TABLES / 4096);
	set(KESTREL_REG_ASID_TABLE_HI(0), KESTREL_ASID_TABLE_HI_VALID);
	/* Most of what a random program starts is for a small address space. */
	for (i = 1; i < 4; i++) {
		set(KESTREL_REG_ASID_TABLE_LO(i), TABLES / 4096);
		set(KESTREL_REG_ASID_TABLE_HI(i), KESTREL_ASID_TABLE_HI_VALID);
	}
}

/* A program under construction. */
struct code {
	uint32_t word[PROGRAM_WORDS];
	uint32_t count;
};

static void emit(struct code *code, uint32_t word)
{
	if (code->count < PROGRAM_WORDS)
		code->word[code->count++] = word;
}

/* li: lui and addi. */
static void emit_load(struct code *code, uint32_t reg, uint32_t value)
{
	uint32_t low = value & 0xfff;

	emit(code, ((value + 0x800) & 0xfffff000) | reg << 7 | 0x37);
	emit(code, low << 20 | reg << 15 | reg << 7 | 0x13);
}

static uint32_t program_address(void)
{
	switch (below(8)) {
	case 0:
	case 1:
		return KESTREL_MCU_PERIPHERAL_BASE + 4 * below(48);
	case 2:
	case 3:
	case 4:
		return KESTREL_MCU_ENGINE_BASE(0) + 4 * below(200);
	case 5:
		return KESTREL_MCU_WINDOW_BASE + below(MEMORY_BYTES);
	case 6:
		return 4 * below(4096);
	default:
		return fuzz_value(&now.random);
	}
}

/* What makes the engine do something: a stream, bases, an operation. */
static void emit_job(struct code *code)
{
	const uint32_t engine = KESTREL_MCU_ENGINE_BASE(0);
	const uint32_t writes[][2] = {
		{ KESTREL_ENGINE_ASID, below(4) },
		{ KESTREL_ENGINE_COMMAND_VA_LO, below(8) ? STREAM(below(STREAMS)) :
						  below(MEMORY_BYTES) },
		{ KESTREL_ENGINE_COMMAND_VA_HI, below(32) == 0 },
		{ KESTREL_ENGINE_COMMAND_SIZE, below(8) ? 0x400 : fuzz_value(&now.random) },
		{ KESTREL_ENGINE_RESUME_OFFSET, below(8) ? 0 : below(1200) },
		{ KESTREL_ENGINE_CONTEXT_ADDRESS_LO, below(4096) * 64 },
		{ KESTREL_ENGINE_RANGE_COUNT, below(18) },
		{ KESTREL_ENGINE_RANGE_OFFSET(below(16)), below(0x10000) * 16 },
		{ KESTREL_ENGINE_RANGE_SIZE(below(16)), below(0x10000) * 16 },
		{ KESTREL_ENGINE_BASE_COUNT, below(18) },
		{ KESTREL_ENGINE_BASE_VA_LO(0), below(MEMORY_BYTES) },
		{ KESTREL_ENGINE_BASE_SIZE_LO(0), below(MEMORY_BYTES) },
		{ KESTREL_ENGINE_OPERATION, below(2) ? KESTREL_ENGINE_START : below(9) },
	};
	uint32_t i;

	for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		emit_load(code, 10, engine + writes[i][0]);
		emit_load(code, 11, writes[i][1]);
		emit(code, 11u << 20 | 10u << 15 | 2u << 12 | 0x23);	/* sw a1, 0(a0) */
	}
}

static void emit_something(struct code *code)
{
	uint32_t reg = 5 + below(3);

	switch (below(12)) {
	case 0:
	case 1:
		emit_job(code);
		break;
	case 2:
		if (!below(4))
			emit(code, fuzz_random32(&now.random));
		break;
	case 3:
		emit(code, 0x10500073);		/* wfi */
		break;
	case 4:					/* csrrw t0, mscratch and others, t1 */
		emit(code, (0x340 + (below(8) ? 0 : below(0x50))) << 20 | 6u << 15 |
		     (1 + below(3)) << 12 | 5u << 7 | 0x73);
		break;
	case 5:				/* load, any width */
		emit_load(code, reg, program_address());
		emit(code, reg << 15 | below(8) << 12 | (5 + below(3)) << 7 | 0x03);
		break;
	default:				/* store, any width */
		emit_load(code, reg, program_address());
		emit_load(code, 28, fuzz_value(&now.random));
		emit(code, 28u << 20 | reg << 15 | (below(8) ? 2 : below(8)) << 12 | 0x23);
		break;
	}
}

static void image_write(void)
{
	const struct image_options options = { .build = "fuzz" };
	struct code code = { .count = 0 };
	struct image_input section;
	uint32_t length = 16 + below(PROGRAM_WORDS - 64);
	uint8_t *image;
	size_t size;

	/* A trap goes on behind the instruction that made it. */
	emit(&code, 0x0140006f);			/* j main */
	emit(&code, 0x34102ff3);			/* csrr t6, mepc */
	emit(&code, 0x004f8f93);			/* addi t6, t6, 4 */
	emit(&code, 0x341f9073);			/* csrw mepc, t6 */
	emit(&code, 0x30200073);			/* mret */
	emit_load(&code, 5, 4);
	emit(&code, 0x30529073);			/* main: csrw mtvec, t0 */
	/* Everything wakes it. */
	emit_load(&code, 5, KESTREL_MCU_PERIPHERAL_BASE + KESTREL_MCU_INTERRUPT_ENABLE);
	emit_load(&code, 6, 0xf);
	emit(&code, 6u << 20 | 5u << 15 | 2u << 12 | 0x23);
	emit_load(&code, 6, 0x800);
	emit(&code, 0x30431073);			/* csrw mie, t1 */
	while (code.count < length)
		emit_something(&code);
	/* j main: less than 2 KiB back. */
	emit(&code, 0x801ff06fu | ((0x800 - (code.count * 4 - 20)) & 0x7fe) << 20);
	section = (struct image_input){
		.memory_size = sizeof(code.word),
		.data_size = sizeof(code.word),
		.data = (const void *)code.word,
	};
	now.image_size = 0;
	if (image_pack(&section, 1, &options, &image, &size))
		return;
	memcpy(now.memory + IMAGE, image, size);
	now.image_size = (uint32_t)size;
	free(image);
}

/* Records of a command stream; their values make sense now and then. */
static void streams_write(void)
{
	uint32_t at = STREAM(below(STREAMS)), end = at + 0x3f0, value;

	while (at < end) {
		switch (below(10)) {
		case 0:
			now.memory[at++] = (uint8_t)(KESTREL_ISA_SELECT + below(4));
			break;
		case 1:
			now.memory[at++] = KESTREL_ISA_EXECUTE;
			break;
		case 2:
			now.memory[at++] = (uint8_t)(below(2) ? KESTREL_ISA_SIGNAL + below(2) :
						     below(8) ? KESTREL_ISA_EXECUTE :
						     fuzz_random32(&now.random));
			break;
		default:
			now.memory[at++] = (uint8_t)below(22);
			value = below(3) ? below(4) : below(3) ? 16 * below(16) :
				fuzz_value(&now.random);
			for (; value > 0x7f; value >>= 7)
				now.memory[at++] = (uint8_t)(value | 0x80);
			now.memory[at++] = (uint8_t)value;
			break;
		}
	}
	now.memory[at] = KESTREL_ISA_END;
}

static uint32_t register_offset(void)
{
	switch (below(4)) {
	case 0:
		return below(KESTREL_EMULATOR_REGISTER_BYTES);
	case 1:
		return 0x8000 + below(64);
	default:
		return below(7) * 0x1000 + 4 * below(32);
	}
}

static void step(void)
{
	uint32_t i;

	switch (below(12)) {
	case 0:
		space_make(below(2));
		break;
	case 1:
		streams_write();
		break;
	case 2:
		for (i = below(20); i; i--)
			fuzz_damage(&now.random, now.memory, MEMORY_BYTES);
		break;
	case 3:
		set(KESTREL_REG_IMAGE_ADDRESS_LO, below(4) ? IMAGE : fuzz_value(&now.random));
		set(KESTREL_REG_IMAGE_SIZE, below(4) ? now.image_size : fuzz_value(&now.random));
		set(KESTREL_REG_MCU_START, 1);
		break;
	case 4:
		kestrel_emulator_inject(now.emulator, below(KESTREL_EMULATOR_FAULTS + 2),
					below(2) ? 0 : fuzz_value(&now.random));
		break;
	case 5:
		if (below(8) == 0)
			set(KESTREL_REG_RESET, below(4));
		else
			set(KESTREL_REG_DOORBELL, below(140));
		break;
	case 6:
		for (i = below(50); i; i--)
			kestrel_emulator_register_read(now.emulator, register_offset());
		break;
	default:
		for (i = below(8); i; i--)
			set(register_offset(), fuzz_value(&now.random));
		break;
	}
	device_advance(below(4) ? below(SLICE_CYCLES) : below(200));
}

static bool case_run(uint64_t seed, bool image)
{
	static const struct kestrel_emulator_host host = {
		.memory_read = memory_read,
		.memory_write = memory_write,
		.interrupt = interrupt,
	};
	struct kestrel_configuration configuration;
	uint32_t steps, i;

	memset(&now, 0, sizeof(now));
	now.random = fuzz_random_start(seed);
	now.seed = seed;
	kestrel_configuration_get(kestrel_configuration_name(below(6)), &configuration);
	configuration.sram_bytes = 4096 << below(8);
	configuration.checked = below(3) == 0;
	configuration.schedule = below(4) ? CONFIGURATION_SCHEDULE_EXACT :
					    CONFIGURATION_SCHEDULE_RANDOM;
	configuration.schedule_seed = seed;
	now.memory = calloc(1, MEMORY_BYTES);
	now.emulator = kestrel_emulator_create(&configuration, &host);
	space_make(true);
	for (i = 0; i < 20; i++)
		streams_write();
	if (image) {
		image_write();
		set(KESTREL_REG_IMAGE_ADDRESS_LO, IMAGE);
		set(KESTREL_REG_IMAGE_SIZE, now.image_size);
		set(KESTREL_REG_MCU_START, 1);
		device_advance(SLICE_CYCLES);
	}
	for (steps = 20 + below(image ? 60 : 200); steps && !now.failed; steps--)
		step();

	for (i = 0; i < KESTREL_EMULATOR_FAULTS; i++)
		kestrel_emulator_inject(now.emulator, i, 0);
	set(KESTREL_REG_RESET, KESTREL_RESET_DEVICE);
	if (kestrel_emulator_register_read(now.emulator, KESTREL_REG_ID) != KESTREL_ID_MAGIC ||
	    kestrel_emulator_register_read(now.emulator, KESTREL_REG_MCU_STATUS) !=
		    KESTREL_MCU_STATUS_OFF ||
	    kestrel_emulator_register_read(now.emulator, KESTREL_REG_MMU_FAULT_STATUS) ||
	    kestrel_emulator_activity(now.emulator) != KESTREL_EMULATOR_IDLE || now.line)
		fail("a reset does not bring the device back");
	kestrel_emulator_destroy(now.emulator);
	free(now.memory);
	return !now.failed;
}

static bool registers_run(uint64_t seed)
{
	return case_run(seed, false);
}

static bool core_run(uint64_t seed)
{
	return case_run(seed, true);
}

int main(int argc, char **argv)
{
	static const struct fuzz_target targets[] = {
		{ "device-registers", 500, registers_run },
		{ "device-core", 1000, core_run },
		{ 0 },
	};
	char **arguments;

	return fuzz_main(argc, argv, targets, NULL, &arguments);
}
