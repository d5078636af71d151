// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "target.h"

#define TWO_PORTS { { 256, 64, 64 }, { 2048, 32, 32 } }
#define ONE_PORT(rate) { { rate, 500, 250 }, { rate, 500, 250 } }

static const struct target targets[] = {
	{ "kestrel-256", 256, 500000, 393216, 32, 2, TWO_PORTS, 16, 32, 4, 4096, true, 0, 0, 0 },
	{ "kestrel-64", 64, 500000, 393216, 32, 2, TWO_PORTS, 16, 32, 4, 4096, true, 0, 0, 0 },
	{ "kestrel-128", 128, 500000, 393216, 32, 2, TWO_PORTS, 16, 32, 4, 4096, true, 0, 0, 0 },
	{ "kestrel-512", 512, 1000000, 393216, 32, 1, ONE_PORT(960), 16, 32, 8, 4096, true,
	  0, 0, 0 },
	{ "kestrel-1024", 1024, 1000000, 393216, 64, 1, ONE_PORT(1920), 32, 64, 8, 4096, true,
	  0, 0, 0 },
	{ "kestrel-2048", 2048, 1000000, 1048576, 128, 1, ONE_PORT(3840), 64, 64, 8, 4096, true,
	  0, 0, 0 },
	{ "kestrel-256-u55like", 256, 500000, 393216, 32, 2, TWO_PORTS, 16, 32, 4, 4096, true,
	  4, 24, 8 },
};

enum setting_kind { SETTING_NUMBER, SETTING_RATE, SETTING_SWITCH, SETTING_IGNORED };

/* Keys of --set; the ignored ones concern the device that runs the stream. */
static const struct setting {
	const char *key;
	enum setting_kind kind;
	size_t offset;
	uint32_t least, most;
} settings_known[] = {
	{ "macs", SETTING_NUMBER, offsetof(struct target, macs_per_cycle), 64, 2048 },
	{ "sram", SETTING_NUMBER, offsetof(struct target, sram_bytes), 4096, 1u << 26 },
	{ "banks", SETTING_NUMBER, offsetof(struct target, banks), 1, 1024 },
	{ "ports", SETTING_NUMBER, offsetof(struct target, ports), 1, 2 },
	{ "port0_rate", SETTING_RATE, offsetof(struct target, port[0].rate), 1, 1u << 20 },
	{ "port0_latency", SETTING_NUMBER, offsetof(struct target, port[0].read_latency), 0, 100000 },
	{ "port0_write_latency", SETTING_NUMBER, offsetof(struct target, port[0].write_latency), 0,
	  100000 },
	{ "port1_rate", SETTING_RATE, offsetof(struct target, port[1].rate), 1, 1u << 20 },
	{ "port1_latency", SETTING_NUMBER, offsetof(struct target, port[1].read_latency), 0, 100000 },
	{ "port1_write_latency", SETTING_NUMBER, offsetof(struct target, port[1].write_latency), 0,
	  100000 },
	{ "outstanding", SETTING_NUMBER, offsetof(struct target, outstanding), 1, 1024 },
	{ "weight_rate", SETTING_NUMBER, offsetof(struct target, weight_rate), 1, 4096 },
	{ "decode_rate", SETTING_NUMBER, offsetof(struct target, decode_rate), 1, 4096 },
	{ "page", SETTING_NUMBER, offsetof(struct target, page_bytes), 4096, 2097152 },
	{ "output_limit", SETTING_NUMBER, offsetof(struct target, output_limit), 0, 4096 },
	{ "depthwise_limit", SETTING_NUMBER, offsetof(struct target, depthwise_limit), 0, 4096 },
	{ "vector_sram_limit", SETTING_NUMBER, offsetof(struct target, vector_sram_limit), 0, 4096 },
	{ "spill", SETTING_SWITCH, offsetof(struct target, spill), 0, 1 },
	{ "clock", SETTING_IGNORED, 0, 0, 0 },
	{ "timing", SETTING_IGNORED, 0, 0, 0 },
	{ "checked", SETTING_IGNORED, 0, 0, 0 },
	{ "schedule", SETTING_IGNORED, 0, 0, 0 },
	{ "secure", SETTING_IGNORED, 0, 0, 0 },
	{ "public_key", SETTING_IGNORED, 0, 0, 0 },
	{ "security_version", SETTING_IGNORED, 0, 0, 0 },
	{ "ambient", SETTING_IGNORED, 0, 0, 0 },
};

static int setting_unknown(const char *key, size_t bytes, struct error *error)
{
	char known[ERROR_BYTES - 80] = "";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(settings_known) / sizeof(settings_known[0]) &&
			   at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, " %s",
				       settings_known[i].key);
	return error_set(error, -EINVAL, "setting \"%.*s\" is unknown; there are%s",
			 (int)(bytes < 40 ? bytes : 40), key, known);
}

static int set_one(struct target *target, const char *key, size_t key_bytes, const char *value,
		   struct error *error)
{
	const struct setting *setting = NULL;
	uint8_t *member;
	double number, unit;
	char *end;

	for (size_t i = 0; i < sizeof(settings_known) / sizeof(settings_known[0]); i++)
		if (strlen(settings_known[i].key) == key_bytes &&
		    !memcmp(settings_known[i].key, key, key_bytes))
			setting = &settings_known[i];
	if (!setting)
		return setting_unknown(key, key_bytes, error);
	if (setting->kind == SETTING_IGNORED)
		return 0;
	member = (uint8_t *)target + setting->offset;
	if (setting->kind == SETTING_SWITCH) {
		if (strcmp(value, "on") && strcmp(value, "off"))
			return error_set(error, -EINVAL, "setting %s: \"%s\" is neither on nor off",
					 setting->key, value);
		*(bool *)member = !strcmp(value, "on");
		return 0;
	}
	unit = setting->kind == SETTING_RATE ? TARGET_RATE_ONE : 1;
	number = strtod(value, &end);
	number *= unit;
	if (end == value || *end || !(number >= setting->least && number <= setting->most) ||
	    number != (double)(uint32_t)number)
		return error_set(error, -EINVAL, "setting %s: \"%s\" is not %s of %.10g..%.10g",
				 setting->key, value,
				 setting->kind == SETTING_RATE ? "a rate" : "a whole number",
				 setting->least / unit, setting->most / unit);
	*(uint32_t *)(void *)member = (uint32_t)number;
	return 0;
}

static int check(const struct target *target, struct error *error)
{
	if (target->macs_per_cycle & (target->macs_per_cycle - 1))
		return error_set(error, -EINVAL, "setting macs: %u is not a power of two",
				 target->macs_per_cycle);
	if (target->banks & (target->banks - 1))
		return error_set(error, -EINVAL, "setting banks: %u is not a power of two",
				 target->banks);
	if (target->sram_bytes % 4096)
		return error_set(error, -EINVAL, "setting sram: %u is not a multiple of 4096",
				 target->sram_bytes);
	return 0;
}

static int error_unknown(const char *name, struct error *error)
{
	char known[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]) && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, " %s", targets[i].name);
	return error_set(error, -EINVAL, "target \"%s\" is unknown; there are%s", name, known);
}

int target_set(struct target *target, const char *name, const char *settings,
	       struct error *error)
{
	char value[128];
	int ret;

	if (!name)
		name = targets[0].name;
	target->name = NULL;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i].name, name))
			*target = targets[i];
	if (!target->name)
		return error_unknown(name, error);
	while (settings && *settings) {
		size_t bytes = strcspn(settings, ",");
		size_t key_bytes = strcspn(settings, "=,");

		if (settings[key_bytes] != '=' || bytes - key_bytes - 1 >= sizeof(value))
			return error_set(error, -EINVAL, "setting \"%.*s\" is not key=value",
					 (int)bytes, settings);
		memcpy(value, settings + key_bytes + 1, bytes - key_bytes - 1);
		value[bytes - key_bytes - 1] = 0;
		ret = set_one(target, settings, key_bytes, value, error);
		if (ret)
			return ret;
		settings += bytes + (settings[bytes] == ',');
	}
	if (target->ports == 1)
		target->port[1] = target->port[0];
	return check(target, error);
}

uint32_t target_lanes(const struct target *target)
{
	return target->macs_per_cycle / 16 < 16 ? target->macs_per_cycle / 16 : 16;
}

uint32_t target_pixels(const struct target *target)
{
	return target->macs_per_cycle > 256 ? target->macs_per_cycle / 256 : 1;
}

uint32_t target_accumulator_pixels(const struct target *target)
{
	return 256 * target_pixels(target);
}

uint32_t target_vector_lanes(const struct target *target)
{
	return target->macs_per_cycle / 16;
}

uint32_t target_port_rate(const struct target *target, unsigned int port, bool write)
{
	const struct target_port *p = &target->port[target->ports == 1 ? 0 : port];
	uint32_t latency = write ? p->write_latency : p->read_latency;
	uint64_t most;

	if (!latency)
		return p->rate;
	most = (uint64_t)target->outstanding * TARGET_BURST_BYTES * TARGET_RATE_ONE / latency;
	return p->rate < most ? p->rate : (uint32_t)most;
}
