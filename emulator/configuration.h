/* SPDX-License-Identifier: MIT */
/*
 * Configuration of an emulated NPU: its sizes, and the rates that its cycle
 * model charges. Every rate is one of docs/hardware.md's, and a key of --set.
 */

#ifndef KESTREL_EMULATOR_CONFIGURATION_H
#define KESTREL_EMULATOR_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fixed-point fraction of the bytes-a-cycle rates: 256 is one byte a cycle. */
#define CONFIGURATION_RATE_ONE 256u

/* One memory port. Units: bytes per cycle / 256, cycles, bytes, transfers. */
struct configuration_port {
	uint32_t rate;
	uint32_t read_latency;
	uint32_t write_latency;
	uint32_t burst_bytes;
	uint32_t outstanding;
};

enum configuration_schedule {
	/* Units advance by the cycle model. */
	CONFIGURATION_SCHEDULE_MODELLED = 0,
	/* Units are delayed arbitrarily within semaphore order, from schedule_seed. */
	CONFIGURATION_SCHEDULE_RANDOM = 1,
};

struct kestrel_configuration {
	/* e.g. "kestrel-256"; kept when single keys are overridden. */
	char name[32];

	/* Multiplier array: 8x8 multiply-accumulates per cycle. */
	uint32_t macs;
	/* Accumulators of 32 bits. */
	uint32_t accumulators;
	/* Output stage: results requantised per cycle. */
	uint32_t outputs_per_cycle;
	/* Depthwise convolution: multipliers of the array in use, per 1000. */
	uint32_t depthwise_permille;
	/* Cycles to fill and to drain the array's pipeline, each per command. */
	uint32_t mac_fill_cycles;
	uint32_t mac_drain_cycles;

	/* VECTOR: 8-bit elements per cycle of simple operations; fill per command. */
	uint32_t vector_lanes;
	uint32_t vector_fill_cycles;

	/* Local memory: bytes, banks of 16 bytes a cycle interleaved by line. */
	uint32_t sram_bytes;
	uint32_t sram_banks;

	/* Memory ports: [0] constants and commands, [1] data, walks, save areas. */
	struct configuration_port port[2];
	/* True when both are one: their transfers then share its rate. */
	bool single_port;
	/* DMA: cycles per command besides the transfer, and per row of a strided copy. */
	uint32_t dma_setup_cycles;
	uint32_t dma_row_cycles;
	/* Weight decompression: symbols per cycle. */
	uint32_t decompress_symbols;

	/* Front end: bytes decoded per cycle, cycles to issue a command, queue depth. */
	uint32_t decode_bytes;
	uint32_t issue_cycles;
	uint32_t queue_depth;
	/* Cycles of a semaphore operation at the head of a unit's queue. */
	uint32_t semaphore_cycles;

	/* MMU: TLB entries; the page size that sim maps with (4096 or 2097152). */
	uint32_t tlb_entries;
	uint32_t page_bytes;

	/* Clock in kHz: after reset, and the range of the PLL; lock time in us. */
	uint32_t clock_khz;
	uint32_t clock_minimum_khz;
	uint32_t clock_maximum_khz;
	uint32_t pll_lock_us;

	/* spill=on|off: for the compiler; the device runs either. */
	bool spill;
	/* timing=on|off: a user that has a clock of its own paces the device by it. */
	bool timing;
	/* checked=on|off: poison SRAM before each job, report unordered accesses. */
	bool checked;
	enum configuration_schedule schedule;
	uint64_t schedule_seed;
};

/* Names of the reference configurations by index; NULL behind the last. */
const char *kestrel_configuration_name(unsigned int index);

/* Fills in the named configuration. -EINVAL: no such name. */
int kestrel_configuration_get(const char *name, struct kestrel_configuration *configuration);

/*
 * Applies comma-separated KEY=VALUE settings, e.g. "sram=65536,checked=on,
 * schedule=random:7". Numbers are decimal or 0x hexadecimal. Keys: those of
 * kestrel_configuration_key(). Returns 0, or -EINVAL with a sentence in error
 * (error_size bytes, may be NULL) that names the key; the configuration is then
 * unchanged.
 */
int kestrel_configuration_set(struct kestrel_configuration *configuration, const char *settings,
			      char *error, size_t error_size);

/* Keys of --set by index, with a help text each; NULL behind the last. */
const char *kestrel_configuration_key(unsigned int index, const char **help);

#endif
