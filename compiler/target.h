/* SPDX-License-Identifier: MIT */
/*
 * An NPU configuration as the compiler needs it: sizes and rates of
 * docs/hardware.md, section 2.
 */
#ifndef COMPILER_TARGET_H
#define COMPILER_TARGET_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/* Rates are in 1/256 byte a cycle, latencies in cycles. */
#define TARGET_RATE_ONE 256u
#define TARGET_BURST_BYTES 128u

struct target_port {
	uint32_t rate;
	uint32_t read_latency;
	uint32_t write_latency;
};

struct target {
	const char *name;
	uint32_t macs_per_cycle;
	/* kHz. */
	uint32_t clock;
	uint32_t sram_bytes;
	uint32_t banks;
	/* 1 or 2; with one, port[1] equals port[0]. */
	uint32_t ports;
	struct target_port port[2];
	uint32_t outstanding;
	/* Weight bytes a cycle into the array; symbols a cycle of the decoder. */
	uint32_t weight_rate;
	uint32_t decode_rate;
	/* Bytes of a page, for the cost of translation. */
	uint32_t page_bytes;
	/* Whether feature maps may go to memory for lack of SRAM. */
	bool spill;
	/* Limits of the comparison setting, 0: none. */
	uint32_t output_limit, depthwise_limit, vector_sram_limit;
};

/*
 * Fills `target` from a configuration name (NULL: kestrel-256) and settings
 * "key=value,..." (NULL: none). Returns 0 or -EINVAL with a message that names
 * the key.
 */
int target_set(struct target *target, const char *name, const char *settings,
	       struct error *error);

/* What follows from the MACs: docs/hardware.md, section 2. */
uint32_t target_lanes(const struct target *target);
uint32_t target_pixels(const struct target *target);
uint32_t target_accumulator_pixels(const struct target *target);
uint32_t target_vector_lanes(const struct target *target);

/* Rate of a port as its outstanding bursts allow, 1/256 byte a cycle. */
uint32_t target_port_rate(const struct target *target, unsigned int port, bool write);

#endif
