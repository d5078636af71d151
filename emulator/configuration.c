// SPDX-License-Identifier: MIT
/* Reference configurations and the keys of --set. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configuration.h"

#define BURST_BYTES 128
#define KIB 1024u
#define AMBIENT 40000u
#define AMBIENT_MAX 150000u

/* The table of docs/hardware.md, section 2; rates in 1/256 byte a cycle. */
#define TWO_PORTS(name_, macs_)							\
	{									\
		.name = (name_), .macs = (macs_), .clock_khz = 500000,		\
		.sram_bytes = 384 * KIB, .sram_banks = 32, .port_count = 2,	\
		.port = {							\
			{ CONFIGURATION_RATE_ONE, 64, 64, BURST_BYTES, 16 },	\
			{ 8 * CONFIGURATION_RATE_ONE, 32, 32, BURST_BYTES, 16 },\
		},								\
		.weight_rate = 32, .decode_rate = 4,				\
		.page_bytes = 4096, .spill = true, .ambient = AMBIENT,		\
	}

#define ONE_PORT(name_, macs_, sram_, banks_, rate_, outstanding_, weights_)	\
	{									\
		.name = (name_), .macs = (macs_), .clock_khz = 1000000,		\
		.sram_bytes = (sram_), .sram_banks = (banks_), .port_count = 1,	\
		.port = {							\
			{ (rate_), 500, 250, BURST_BYTES, (outstanding_) },	\
			{ (rate_), 500, 250, BURST_BYTES, (outstanding_) },	\
		},								\
		.weight_rate = (weights_), .decode_rate = 8,			\
		.page_bytes = 4096, .spill = true, .ambient = AMBIENT,		\
	}

static const struct kestrel_configuration reference[] = {
	TWO_PORTS("kestrel-64", 64),
	TWO_PORTS("kestrel-128", 128),
	TWO_PORTS("kestrel-256", 256),
	ONE_PORT("kestrel-512", 512, 384 * KIB, 32, 960, 16, 32),
	ONE_PORT("kestrel-1024", 1024, 384 * KIB, 64, 1920, 32, 64),
	ONE_PORT("kestrel-2048", 2048, 1024 * KIB, 128, 3840, 64, 64),
	TWO_PORTS("kestrel-256-u55like", 256),
};

#define REFERENCES (sizeof(reference) / sizeof(reference[0]))

enum key_kind {
	/* A whole number. */
	KEY_NUMBER,
	/* MHz, kept in kHz. */
	KEY_MEGAHERTZ,
	/* Bytes a cycle, may have a fraction. */
	KEY_RATE,
	KEY_SWITCH,
	KEY_SCHEDULE,
	/* 32 bytes as 64 hexadecimal digits. */
	KEY_PUBLIC_KEY,
	/* A whole number that holds for both ports. */
	KEY_OUTSTANDING,
};

struct key {
	const char *name;
	enum key_kind kind;
	size_t offset;
	const char *help;
};

#define FIELD(member) offsetof(struct kestrel_configuration, member)

static const struct key keys[] = {
	{ "macs", KEY_NUMBER, FIELD(macs), "8-bit multiply-accumulates a cycle" },
	{ "clock", KEY_MEGAHERTZ, FIELD(clock_khz), "clock in MHz" },
	{ "sram", KEY_NUMBER, FIELD(sram_bytes), "bytes of local memory" },
	{ "banks", KEY_NUMBER, FIELD(sram_banks), "banks of 16 bytes of local memory" },
	{ "ports", KEY_NUMBER, FIELD(port_count), "memory ports, 1 or 2" },
	{ "port0_rate", KEY_RATE, FIELD(port[0].rate), "bytes a cycle of port 0" },
	{ "port0_latency", KEY_NUMBER, FIELD(port[0].read_latency), "read latency, cycles" },
	{ "port0_write_latency", KEY_NUMBER, FIELD(port[0].write_latency),
	  "write latency, cycles" },
	{ "port1_rate", KEY_RATE, FIELD(port[1].rate), "bytes a cycle of port 1" },
	{ "port1_latency", KEY_NUMBER, FIELD(port[1].read_latency), "read latency, cycles" },
	{ "port1_write_latency", KEY_NUMBER, FIELD(port[1].write_latency),
	  "write latency, cycles" },
	{ "outstanding", KEY_OUTSTANDING, FIELD(port[0].outstanding),
	  "bursts of 128 bytes under way on a port" },
	{ "weight_rate", KEY_NUMBER, FIELD(weight_rate), "bytes of weights a cycle" },
	{ "decode_rate", KEY_NUMBER, FIELD(decode_rate), "decoded symbols a cycle" },
	{ "output_limit", KEY_NUMBER, FIELD(output_limit),
	  "comparison: outputs a cycle of the MAC unit, 0 for no limit" },
	{ "depthwise_limit", KEY_NUMBER, FIELD(depthwise_limit),
	  "comparison: depthwise MACs a cycle, 0 for no limit" },
	{ "vector_sram_limit", KEY_NUMBER, FIELD(vector_sram_limit),
	  "comparison: bytes a cycle between VECTOR and SRAM, 0 for no limit" },
	{ "page", KEY_NUMBER, FIELD(page_bytes), "page size that the simulator maps with" },
	{ "spill", KEY_SWITCH, FIELD(spill), "on or off: the compiler may spill" },
	{ "timing", KEY_SWITCH, FIELD(timing), "on or off: jobs take their modelled time" },
	{ "checked", KEY_SWITCH, FIELD(checked),
	  "on or off: poison SRAM, refuse undefined reads and unordered accesses" },
	{ "schedule", KEY_SCHEDULE, FIELD(schedule), "exact or random:SEED" },
	{ "secure", KEY_SWITCH, FIELD(secure), "on or off: boot signed firmware only" },
	{ "public_key", KEY_PUBLIC_KEY, FIELD(public_key),
	  "64 hexadecimal digits: the Ed25519 key that firmware must be signed by" },
	{ "security_version", KEY_NUMBER, FIELD(security_version),
	  "lowest security version of firmware that boots" },
	{ "ambient", KEY_NUMBER, FIELD(ambient),
	  "temperature around the device, millidegrees Celsius, at most 150000" },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

const char *kestrel_configuration_name(unsigned int index)
{
	return index < REFERENCES ? reference[index].name : NULL;
}

const char *kestrel_configuration_key(unsigned int index, const char **help)
{
	if (index >= KEYS)
		return NULL;
	if (help)
		*help = keys[index].help;
	return keys[index].name;
}

int kestrel_configuration_get(const char *name, struct kestrel_configuration *configuration)
{
	size_t i;

	for (i = 0; i < REFERENCES; i++) {
		if (strcmp(reference[i].name, name))
			continue;
		*configuration = reference[i];
		if (!strcmp(name, "kestrel-256-u55like")) {
			configuration->output_limit = 4;
			configuration->depthwise_limit = 24;
			configuration->vector_sram_limit = 8;
		}
		return 0;
	}
	return -EINVAL;
}

static bool parse_number(const char *text, uint64_t limit, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	return !*end && !errno && *value <= limit;
}

/* "3.75" in 1/256; the fraction must be a multiple of that. */
static bool parse_rate(const char *text, uint32_t *rate)
{
	uint64_t whole = 0, fraction = 0, unit = 1;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9' && whole < 100000; text++)
		whole = whole * 10 + (uint64_t)(*text - '0');
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9' && unit < 1000000000; text++) {
			fraction = fraction * 10 + (uint64_t)(*text - '0');
			unit *= 10;
		}
	if (*text || whole > 65536 || fraction * CONFIGURATION_RATE_ONE % unit)
		return false;
	*rate = (uint32_t)(whole * CONFIGURATION_RATE_ONE +
			   fraction * CONFIGURATION_RATE_ONE / unit);
	return true;
}

static bool parse_switch(const char *text, bool *value)
{
	*value = !strcmp(text, "on");
	return *value || !strcmp(text, "off");
}

static bool parse_schedule(const char *text, struct kestrel_configuration *configuration)
{
	if (!strcmp(text, "exact")) {
		configuration->schedule = CONFIGURATION_SCHEDULE_EXACT;
		return true;
	}
	if (strncmp(text, "random:", 7))
		return false;
	configuration->schedule = CONFIGURATION_SCHEDULE_RANDOM;
	return parse_number(text + 7, UINT64_MAX, &configuration->schedule_seed);
}

static int parse_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static bool parse_public_key(const char *text, uint8_t *key, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		int high = parse_digit(text[2 * i]);
		int low = high < 0 ? -1 : parse_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return !text[2 * bytes];
}

static bool parse_value(const struct key *key, const char *text,
			struct kestrel_configuration *configuration)
{
	void *field = (char *)configuration + key->offset;
	uint64_t number;

	switch (key->kind) {
	case KEY_NUMBER:
		if (!parse_number(text, UINT32_MAX, &number))
			return false;
		*(uint32_t *)field = (uint32_t)number;
		return true;
	case KEY_MEGAHERTZ:
		if (!parse_number(text, 4000, &number))
			return false;
		*(uint32_t *)field = (uint32_t)number * 1000;
		return true;
	case KEY_OUTSTANDING:
		if (!parse_number(text, UINT32_MAX, &number))
			return false;
		configuration->port[0].outstanding = (uint32_t)number;
		configuration->port[1].outstanding = (uint32_t)number;
		return true;
	case KEY_RATE:
		return parse_rate(text, field);
	case KEY_SWITCH:
		return parse_switch(text, field);
	case KEY_SCHEDULE:
		return parse_schedule(text, configuration);
	case KEY_PUBLIC_KEY:
		return parse_public_key(text, configuration->public_key,
					sizeof(configuration->public_key));
	}
	return false;
}

static int complain(char *error, size_t error_size, const char *key, const char *value,
		    const char *what)
{
	if (error && error_size)
		snprintf(error, error_size, "setting %s=%s: %s", key, value, what);
	return -EINVAL;
}

/* What cannot be guessed: the keys that there are. */
static int complain_unknown(char *error, size_t error_size, const char *key, const char *value)
{
	char known[512] = "";
	size_t at = 0;

	for (size_t i = 0; i < KEYS && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, " %s", keys[i].name);
	snprintf(error, error ? error_size : 0, "setting %.40s=%.40s: no such key; there are%s",
		 key, value, known);
	return -EINVAL;
}

static int configuration_set_one(struct kestrel_configuration *configuration, char *setting,
				 char *error, size_t error_size)
{
	char *value = strchr(setting, '=');
	size_t i;

	if (!value)
		return complain(error, error_size, setting, "", "expected KEY=VALUE");
	*value++ = '\0';
	for (i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].name, setting))
			continue;
		if (!parse_value(&keys[i], value, configuration))
			return complain(error, error_size, setting, value, keys[i].help);
		return 0;
	}
	return complain_unknown(error, error_size, setting, value);
}

int kestrel_configuration_set(struct kestrel_configuration *configuration, const char *settings,
			      char *error, size_t error_size)
{
	struct kestrel_configuration changed = *configuration;
	char *copy, *next;
	int result = 0;

	if (!settings || !*settings)
		return 0;
	copy = strdup(settings);
	if (!copy)
		return -ENOMEM;
	for (next = copy; next && !result;) {
		char *setting = next;

		next = strchr(next, ',');
		if (next)
			*next++ = '\0';
		result = configuration_set_one(&changed, setting, error, error_size);
	}
	free(copy);
	if (changed.port_count == 1)
		changed.port[1] = changed.port[0];
	if (!result)
		result = kestrel_configuration_check(&changed, error, error_size);
	if (!result)
		*configuration = changed;
	return result;
}

static bool is_power_of_two(uint32_t value)
{
	return value && !(value & (value - 1));
}

int kestrel_configuration_check(const struct kestrel_configuration *configuration, char *error,
				size_t error_size)
{
	const struct kestrel_configuration *c = configuration;
	char value[32];
	unsigned int i;

	if (!is_power_of_two(c->macs) || c->macs < 64 || c->macs > 2048) {
		snprintf(value, sizeof(value), "%" PRIu32, c->macs);
		return complain(error, error_size, "macs", value, "64, 128, ... 2048");
	}
	if (c->ambient > AMBIENT_MAX) {
		snprintf(value, sizeof(value), "%" PRIu32, c->ambient);
		return complain(error, error_size, "ambient", value, "at most 150000");
	}
	if (c->clock_khz < 1000) {
		snprintf(value, sizeof(value), "%" PRIu32, c->clock_khz / 1000);
		return complain(error, error_size, "clock", value, "at least 1 MHz");
	}
	if (c->sram_bytes % 4096 || c->sram_bytes < 4096 || c->sram_bytes > (64u << 20)) {
		snprintf(value, sizeof(value), "%" PRIu32, c->sram_bytes);
		return complain(error, error_size, "sram", value,
				"a multiple of 4096 up to 67108864");
	}
	if (!is_power_of_two(c->sram_banks) || c->sram_banks > 1024) {
		snprintf(value, sizeof(value), "%" PRIu32, c->sram_banks);
		return complain(error, error_size, "banks", value, "a power of 2 up to 1024");
	}
	if (c->port_count < 1 || c->port_count > 2) {
		snprintf(value, sizeof(value), "%" PRIu32, c->port_count);
		return complain(error, error_size, "ports", value, "1 or 2");
	}
	for (i = 0; i < 2; i++) {
		const struct configuration_port *port = &c->port[i];

		if (!port->rate)
			return complain(error, error_size, i ? "port1_rate" : "port0_rate", "0",
					"more than 0");
		if (!port->outstanding || port->outstanding > 4096)
			return complain(error, error_size, "outstanding", "", "1 to 4096");
		if (port->read_latency > 1000000 || port->write_latency > 1000000)
			return complain(error, error_size,
					i ? "port1_latency" : "port0_latency", "",
					"at most 1000000 cycles");
	}
	if (!c->weight_rate)
		return complain(error, error_size, "weight_rate", "0", "more than 0");
	if (!c->decode_rate)
		return complain(error, error_size, "decode_rate", "0", "more than 0");
	if (c->page_bytes != 4096 && c->page_bytes != 2097152) {
		snprintf(value, sizeof(value), "%" PRIu32, c->page_bytes);
		return complain(error, error_size, "page", value, "4096 or 2097152");
	}
	return 0;
}
