/* SPDX-License-Identifier: MIT */
/*
 * Configuration of an emulated NPU: its sizes, and the rates that its cycle
 * model charges. docs/hardware.md, "Configurations", has the table of them and
 * says what each rate means; the fields are its keys of --set.
 */

#ifndef KESTREL_EMULATOR_CONFIGURATION_H
#define KESTREL_EMULATOR_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Port rates are in 1/256 byte a cycle. */
#define CONFIGURATION_RATE_ONE 256u

struct configuration_port {
	/* 1/256 byte a cycle, before the limit of outstanding x burst / latency. */
	uint32_t rate;
	/* Cycles. */
	uint32_t read_latency;
	uint32_t write_latency;
	/* Bytes of a burst; bursts under way at once. */
	uint32_t burst_bytes;
	uint32_t outstanding;
};

enum configuration_schedule {
	/* Units advance by the cycle model. */
	CONFIGURATION_SCHEDULE_EXACT = 0,
	/* Units are delayed arbitrarily within semaphore order, from schedule_seed. */
	CONFIGURATION_SCHEDULE_RANDOM = 1,
};

struct kestrel_configuration {
	/* e.g. "kestrel-256"; kept when single keys are overridden. */
	char name[32];

	/* 8x8-bit multiply-accumulates a cycle: 64, 128, ... 2048. */
	uint32_t macs;
	/* MHz times 1000; also the highest the PLL gives. The lowest is a fifth. */
	uint32_t clock_khz;
	/* Local memory: bytes, a multiple of 4096; banks of 16 bytes, a power of 2. */
	uint32_t sram_bytes;
	uint32_t sram_banks;
	/* 1 or 2. With one port, port[1] is a copy of port[0]. */
	uint32_t port_count;
	struct configuration_port port[2];
	/* Bytes of weights a cycle into the array. */
	uint32_t weight_rate;
	/* Symbols a cycle of the DECODE codec. */
	uint32_t decode_rate;
	/*
	 * Limits of the comparison setting kestrel-256-u55like, 0 for none:
	 * outputs a cycle of the MAC unit, MACs a cycle of DEPTHWISE, bytes a cycle
	 * between VECTOR and SRAM.
	 */
	uint32_t output_limit;
	uint32_t depthwise_limit;
	uint32_t vector_sram_limit;

	/* Page size that the simulator maps with: 4096 or 2097152. */
	uint32_t page_bytes;
	/* For the compiler; the device runs either. */
	bool spill;
	/* A user that has a clock of its own lets a job take its modelled time. */
	bool timing;
	/* Poison SRAM before each job, refuse undefined reads and unordered accesses. */
	bool checked;
	enum configuration_schedule schedule;
	uint64_t schedule_seed;

	/*
	 * Fuses: whether the boot ROM demands a signature, of which Ed25519 public
	 * key (all zero: none fits), and the lowest security version it accepts.
	 */
	bool secure;
	uint8_t public_key[32];
	uint32_t security_version;
	/* Millidegrees Celsius around the device: its temperature when it does nothing. */
	uint32_t ambient;
};

/* What follows from the number of MACs (docs/hardware.md, section 2). */
static inline uint32_t configuration_lanes(const struct kestrel_configuration *configuration)
{
	return configuration->macs / 16 < 16 ? configuration->macs / 16 : 16;
}

static inline uint32_t configuration_pixels(const struct kestrel_configuration *configuration)
{
	return configuration->macs / 256 > 1 ? configuration->macs / 256 : 1;
}

static inline uint32_t
configuration_accumulator_pixels(const struct kestrel_configuration *configuration)
{
	return 256 * configuration_pixels(configuration);
}

/* VECTOR lanes, and outputs a cycle of the MAC unit's output stage. */
static inline uint32_t
configuration_vector_lanes(const struct kestrel_configuration *configuration)
{
	return configuration->macs / 16;
}

/* Names of the reference configurations by index; NULL behind the last. */
const char *kestrel_configuration_name(unsigned int index);

/* Fills in the named configuration. -EINVAL: no such name. */
int kestrel_configuration_get(const char *name, struct kestrel_configuration *configuration);

/*
 * Applies comma-separated KEY=VALUE settings, e.g. "sram=65536,checked=on,
 * schedule=random:7". NULL and "" change nothing. Returns 0, or -EINVAL with a
 * sentence in error (error_size bytes, may be NULL) that names the key; the
 * configuration is then unchanged.
 */
int kestrel_configuration_set(struct kestrel_configuration *configuration, const char *settings,
			      char *error, size_t error_size);

/* Keys of --set by index, with a help text each (may be NULL); NULL behind the last. */
const char *kestrel_configuration_key(unsigned int index, const char **help);

/* 0, or -EINVAL with a sentence in error when the sizes make no device. */
int kestrel_configuration_check(const struct kestrel_configuration *configuration, char *error,
				size_t error_size);

#endif
