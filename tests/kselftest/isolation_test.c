// SPDX-License-Identifier: MIT
/*
 * What one client leaves behind is not there for the next: in SRAM, accumulators,
 * decoding tables and registers of the engine, however the first one's job ended, and
 * in memory that is handed out again. Each test also shows that it would see it.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kestrel/isa.h>

#include "kestrel.h"

#include "kselftest_harness.h"

#define DUMP_VA		0x10000000ull
/* Of the first client, at every offset that is a multiple of 8. */
#define SECRET		0x5ec2e7c0de5ec2e7ull
/* Of the second client's memory, which the device must overwrite. */
#define UNTOUCHED	0x33
#define BLOCK		65536u
/* Where the MAC unit's operands lie in SRAM. */
#define WEIGHTS		0x1000u
#define SPILL		0x2000u
#define SPILL_BYTES	64u
/* Description of a table in which every symbol has 4 states, and 8 symbols. */
#define TABLE_BYTES	160u
#define TABLE_OFFSET	0x1000u
#define SYMBOL_BYTES	10u
#define SYMBOLS		8u

FIXTURE(isolation)
{
	struct client first;
	struct client second;
	uint32_t sram_bytes;
	/* As large as SRAM; mapped for the second client's jobs. */
	uint32_t dump_handle;
	uint8_t *dump;
};

FIXTURE_SETUP(isolation)
{
	struct drm_kestrel_query_hardware hardware;
	struct client *second = &self->second;
	uint64_t i;

	ASSERT_EQ(client_open(&self->first, 50), 0);
	ASSERT_EQ(client_open(second, 0), 0);
	ASSERT_EQ(query(second->fd, DRM_KESTREL_QUERY_HARDWARE, &hardware, sizeof(hardware)), 0);
	self->sram_bytes = hardware.sram_bytes;
	ASSERT_EQ(bo_create(second->fd, self->sram_bytes, &self->dump_handle), 0);
	ASSERT_EQ(vm_map(second->fd, second->vm, self->dump_handle, DUMP_VA, self->sram_bytes,
			 DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE), 0);
	self->dump = bo_map(second->fd, self->dump_handle, self->sram_bytes);
	ASSERT_NE(self->dump, NULL);
	for (i = 0; i < DATA_SIZE / 8; i++)
		((uint64_t *)self->first.data)[i] = SECRET;
	ASSERT_EQ(bo_fini(self->first.fd, self->first.data_handle, DATA_SIZE), 0);
}

FIXTURE_TEARDOWN(isolation)
{
	munmap(self->dump, self->sram_bytes);
	client_close(&self->first);
	client_close(&self->second);
}

/* Copies between all SRAM and base 0; into SRAM the same block again and again. */
static void write_sram(struct writer *writer, uint32_t unit, uint32_t sram_bytes)
{
	uint32_t at;

	write_byte(writer, KESTREL_ISA_SELECT + unit);
	for (at = 0; at < sram_bytes; at += BLOCK) {
		write_register(writer, KESTREL_DMA_OFFSET, unit == KESTREL_UNIT_DMA_OUT ? at : 0);
		write_register(writer, KESTREL_DMA_SRAM_ADDRESS, at);
		write_register(writer, KESTREL_DMA_COUNT0,
			       sram_bytes - at < BLOCK ? sram_bytes - at : BLOCK);
		write_byte(writer, KESTREL_ISA_EXECUTE);
	}
}

/* Submits a stream at offset 0 and waits for it; base 0 is what is given. */
static int run_with(struct client *client, size_t size, uint64_t va, uint64_t bytes)
{
	struct drm_kestrel_base base = { .va = va, .size = bytes };
	struct drm_kestrel_sync sync = { .flags = DRM_KESTREL_SYNC_SIGNAL };
	struct drm_kestrel_job job = client_job(client, 0, size);
	struct drm_kestrel_submit submit = {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	int ret = syncobj_create(client->fd, &sync.handle);

	job.bases.ptr = (uintptr_t)&base;
	job.syncs = (struct drm_kestrel_array) {
		.stride = sizeof(sync), .count = 1, .ptr = (uintptr_t)&sync,
	};
	if (!ret)
		ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &submit);
	if (!ret)
		ret = syncobj_wait(client->fd, sync.handle, 0, deadline(LONG_TIMEOUT_S));
	if (!ret)
		ret = syncobj_status(client->fd, sync.handle);
	syncobj_destroy(client->fd, sync.handle);
	return ret;
}

/* The second client copies all SRAM to its memory. */
static int look_around(FIXTURE_DATA(isolation) *self)
{
	struct client *client = &self->second;
	struct writer writer = { client->stream };

	memset(self->dump, UNTOUCHED, self->sram_bytes);
	bo_fini(client->fd, self->dump_handle, self->sram_bytes);
	write_sram(&writer, KESTREL_UNIT_DMA_OUT, self->sram_bytes);
	write_byte(&writer, KESTREL_ISA_END);
	return run_with(client, writer_finish(client, 0, &writer), DUMP_VA, self->sram_bytes);
}

/* What it has found: bytes that are not zero. */
static uint32_t looked_at(FIXTURE_DATA(isolation) *self, bool *secret)
{
	struct client *client = &self->second;
	const uint64_t pattern = SECRET;
	uint32_t i, found = 0;

	bo_prep(client->fd, self->dump_handle, DRM_KESTREL_PREP_READ, self->sram_bytes, 0);
	for (i = 0; i < self->sram_bytes; i++)
		found += self->dump[i] != 0;
	*secret = memmem(self->dump, self->sram_bytes, &pattern, sizeof(pattern));
	return found;
}

/* The first client fills SRAM and ends its stream with `last`, and so in `error`. */
static void leave_behind(struct __test_metadata *_metadata, FIXTURE_DATA(isolation) *self,
			 uint8_t last, int error)
{
	struct client *client = &self->first;
	struct writer writer = { client->stream };
	bool secret;

	write_sram(&writer, KESTREL_UNIT_DMA_IN, self->sram_bytes);
	write_byte(&writer, last);
	write_byte(&writer, KESTREL_ISA_END);
	EXPECT_EQ(client_run(client, 0, writer_finish(client, 0, &writer)), error);
	ASSERT_EQ(look_around(self), 0);
	EXPECT_EQ(looked_at(self, &secret), 0);
	EXPECT_FALSE(secret);
}

TEST_F(isolation, sram_of_a_job_that_is_done)
{
	leave_behind(_metadata, self, KESTREL_ISA_END, 0);
}

TEST_F(isolation, sram_of_a_job_that_faulted)
{
	leave_behind(_metadata, self, 0xff, -EINVAL);
}

TEST_F(isolation, sram_of_a_job_that_was_killed)
{
	leave_behind(_metadata, self, KESTREL_ISA_WAIT, -ETIMEDOUT);
}

TEST_F(isolation, a_client_sees_its_own_sram)
{
	struct client *client = &self->second;
	struct writer writer = { client->stream };
	const uint64_t pattern = SECRET;
	uint64_t i;

	for (i = 0; i < BLOCK / 8; i++)
		((uint64_t *)self->dump)[i] = SECRET;
	write_sram(&writer, KESTREL_UNIT_DMA_IN, self->sram_bytes);
	write_byte(&writer, KESTREL_ISA_SIGNAL);
	write_byte(&writer, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	write_byte(&writer, KESTREL_ISA_WAIT);
	write_sram(&writer, KESTREL_UNIT_DMA_OUT, self->sram_bytes);
	write_byte(&writer, KESTREL_ISA_END);
	ASSERT_EQ(run_with(client, writer_finish(client, 0, &writer), DUMP_VA, self->sram_bytes),
		  0);
	EXPECT_EQ(memcmp(self->dump + self->sram_bytes - 8, &pattern, 8), 0);
}

/*
 * The first client's job holds all SRAM and gives way to the second's again and
 * again: neither sees the other's bytes.
 */
TEST_F(isolation, sram_of_a_job_that_was_preempted)
{
	struct drm_kestrel_queue_create create = {
		.vm_id = self->first.vm, .priority = DRM_KESTREL_PRIORITY_LOW, .max_jobs = 16,
		.job_timeout_ms = 4000,
	};
	struct client *client = &self->first;
	struct writer writer = { client->stream };
	struct drm_kestrel_queue_state state = { 0 };
	uint32_t i, during = 0, rounds = 0;
	uint64_t word, submitted = 0;
	size_t size;
	bool secret;

	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create), 0);
	client->queue = create.queue_id;
	write_sram(&writer, KESTREL_UNIT_DMA_IN, self->sram_bytes);
	for (i = 0; i < 3000; i++) {
		write_byte(&writer, KESTREL_ISA_PREEMPT);
		write_byte(&writer, 1);
		write_number(&writer, 0);
		write_number(&writer, self->sram_bytes);
		write_register(&writer, KESTREL_DMA_COUNT0, BLOCK / 2);
		write_byte(&writer, KESTREL_ISA_EXECUTE);
	}
	write_byte(&writer, KESTREL_ISA_SIGNAL);
	write_byte(&writer, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	write_byte(&writer, KESTREL_ISA_WAIT);
	/* From the end of SRAM, where nothing was written since. */
	write_register(&writer, KESTREL_DMA_SRAM_ADDRESS, self->sram_bytes - BLOCK);
	write_register(&writer, KESTREL_DMA_COUNT0, BLOCK);
	write_byte(&writer, KESTREL_ISA_EXECUTE);
	write_byte(&writer, KESTREL_ISA_END);
	size = writer_finish(client, 0, &writer);
	/* A slow processor may find the engine idle again when it looks. */
	for (; during < 3 && rounds < 100; rounds++) {
		for (; submitted - state.completed < 12; submitted++)
			ASSERT_EQ(client_submit(client, 0, size, 0), 0);
		ASSERT_EQ(look_around(self), 0);
		ASSERT_EQ(queue_state(client->fd, client->queue, &state), 0);
		ASSERT_EQ(state.status, DRM_KESTREL_QUEUE_OK);
		during += state.completed < submitted;
		EXPECT_EQ(looked_at(self, &secret), 0);
		EXPECT_FALSE(secret);
	}
	EXPECT_EQ(during, 3);
	ASSERT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ, DATA_SIZE,
			  deadline(LONG_TIMEOUT_S)), 0);
	for (word = 0; word < DATA_SIZE / 8; word++) {
		ASSERT_EQ(((uint64_t *)client->data)[word], SECRET);
	}
}

/* A MAC command of one pixel with 16 channels in and out. */
static void write_mac(struct writer *writer, uint32_t from, uint32_t to)
{
	write_register(writer, KESTREL_MAC_IFM_CHANNELS, 16);
	write_register(writer, KESTREL_MAC_OFM_CHANNELS, 16);
	write_register(writer, KESTREL_MAC_WEIGHT_ADDRESS, WEIGHTS);
	write_register(writer, KESTREL_MAC_SPILL_ADDRESS, SPILL);
	write_register(writer, KESTREL_MAC_ACCUMULATE_FROM, from);
	write_register(writer, KESTREL_MAC_ACCUMULATE_TO, to);
	write_byte(writer, KESTREL_ISA_EXECUTE);
}

/* What lies in SRAM where accumulators were spilled, to the begin of base 0. */
static void write_spill_out(struct writer *writer)
{
	write_byte(writer, KESTREL_ISA_SIGNAL + 1);
	write_byte(writer, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	write_byte(writer, KESTREL_ISA_WAIT + 1);
	write_register(writer, KESTREL_DMA_SRAM_ADDRESS, SPILL);
	write_register(writer, KESTREL_DMA_COUNT0, SPILL_BYTES);
	write_byte(writer, KESTREL_ISA_EXECUTE);
	write_byte(writer, KESTREL_ISA_END);
}

/* Sums of the first client's secrets, left in the accumulators or told to itself. */
static size_t stream_accumulate(struct client *client, bool tell)
{
	struct writer writer = { client->stream };

	write_sram(&writer, KESTREL_UNIT_DMA_IN, 2 * WEIGHTS);
	write_byte(&writer, KESTREL_ISA_SIGNAL);
	write_byte(&writer, KESTREL_ISA_SELECT + KESTREL_UNIT_MAC);
	write_byte(&writer, KESTREL_ISA_WAIT);
	write_mac(&writer, KESTREL_ACCUMULATE_FRESH, KESTREL_ACCUMULATE_RAM);
	if (tell) {
		write_mac(&writer, KESTREL_ACCUMULATE_RAM, KESTREL_ACCUMULATE_SRAM);
		write_spill_out(&writer);
	} else {
		write_byte(&writer, KESTREL_ISA_END);
	}
	return writer_finish(client, 0, &writer);
}

TEST_F(isolation, accumulators)
{
	struct client *first = &self->first, *second = &self->second;
	struct writer writer = { second->stream };
	uint8_t told[SPILL_BYTES], zeroes[SPILL_BYTES] = { 0 };
	int ret;

	ASSERT_EQ(client_run(first, 0, stream_accumulate(first, false)), 0);
	memset(self->dump, UNTOUCHED, self->sram_bytes);
	write_byte(&writer, KESTREL_ISA_SELECT + KESTREL_UNIT_MAC);
	write_mac(&writer, KESTREL_ACCUMULATE_RAM, KESTREL_ACCUMULATE_SRAM);
	write_spill_out(&writer);
	ret = run_with(second, writer_finish(second, 0, &writer), DUMP_VA, self->sram_bytes);
	/* Refused, for there are none to start from; or they are zero. */
	if (ret) {
		EXPECT_EQ(ret, -EINVAL);
	} else {
		EXPECT_EQ(memcmp(self->dump, zeroes, SPILL_BYTES), 0);
	}

	memset(first->data, 0x11, 2 * WEIGHTS);
	ASSERT_EQ(client_run(first, 0, stream_accumulate(first, true)), 0);
	memcpy(told, first->data, sizeof(told));
	EXPECT_NE(memcmp(told, zeroes, sizeof(told)), 0);
	/* Both commands have summed. */
	EXPECT_EQ(told[0], (2 * 16 * 0x11 * 0x11) & 0xff);
}

/* Loads table 0 or not, then decodes eight symbols with it. */
static size_t stream_decode(struct client *client, bool load)
{
	struct writer writer = { client->stream };

	if (load) {
		write_register(&writer, KESTREL_DMA_MODE, KESTREL_DMA_LOAD_TABLE);
		write_register(&writer, KESTREL_DMA_OFFSET, TABLE_OFFSET);
		write_register(&writer, KESTREL_DMA_SOURCE_BYTES, TABLE_BYTES);
		write_byte(&writer, KESTREL_ISA_EXECUTE);
	}
	write_register(&writer, KESTREL_DMA_MODE, KESTREL_DMA_DECODE);
	write_register(&writer, KESTREL_DMA_OFFSET, 0);
	write_register(&writer, KESTREL_DMA_SOURCE_BYTES, SYMBOL_BYTES);
	write_register(&writer, KESTREL_DMA_COUNT0, SYMBOLS);
	write_byte(&writer, KESTREL_ISA_EXECUTE);
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, 0, &writer);
}

/* Elias-gamma codes of 4 + 1, 256 of them: 0 0 1 1 0. */
static void table_write(struct client *client)
{
	uint32_t bit;

	memset(client->data, 0, DATA_SIZE);
	for (bit = 0; bit < TABLE_BYTES * 8; bit++) {
		if (bit % 5 == 2 || bit % 5 == 3)
			client->data[TABLE_OFFSET + bit / 8] |= 1u << bit % 8;
	}
	bo_fini(client->fd, client->data_handle, DATA_SIZE);
}

TEST_F(isolation, decoding_tables)
{
	struct client *first = &self->first, *second = &self->second;

	table_write(first);
	table_write(second);
	ASSERT_EQ(client_run(first, 0, stream_decode(first, true)), 0);
	/* The same symbols, by the table that the other one has loaded. */
	EXPECT_EQ(client_run(second, 0, stream_decode(second, false)), -EINVAL);
}

/* What no unit takes in a register that its command uses, but for those below. */
#define SECRET_VALUE	0xffffffffu

static const uint8_t register_count[KESTREL_UNIT_COUNT] = {
	[KESTREL_UNIT_DMA_IN] = KESTREL_DMA_REGISTER_COUNT,
	[KESTREL_UNIT_DMA_OUT] = KESTREL_DMA_REGISTER_COUNT,
	[KESTREL_UNIT_MAC] = KESTREL_MAC_REGISTER_COUNT,
	[KESTREL_UNIT_VECTOR] = KESTREL_VECTOR_REGISTER_COUNT,
};

/* Commands that rely on the reset values of all registers but a few. */
static const struct probe {
	uint8_t unit;
	/* Loads decoding table 0 first, from the client's data. */
	bool loads;
	struct {
		uint8_t number;
		uint32_t value;
	} set[3];
	uint32_t set_count;
} probes[] = {
	{ KESTREL_UNIT_DMA_IN, false, { }, 0 },
	{ KESTREL_UNIT_DMA_IN, false, { { KESTREL_DMA_COUNT1, 2 }, { KESTREL_DMA_COUNT2, 2 },
					{ KESTREL_DMA_COUNT3, 2 } }, 3 },
	{ KESTREL_UNIT_DMA_IN, false, { { KESTREL_DMA_MODE, KESTREL_DMA_BRICK } }, 1 },
	{ KESTREL_UNIT_DMA_IN, false, { { KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES } }, 1 },
	{ KESTREL_UNIT_DMA_IN, true, { { KESTREL_DMA_MODE, KESTREL_DMA_DECODE },
				       { KESTREL_DMA_SOURCE_BYTES, SYMBOL_BYTES },
				       { KESTREL_DMA_COUNT0, SYMBOLS } }, 3 },
	{ KESTREL_UNIT_DMA_OUT, false, { }, 0 },
	{ KESTREL_UNIT_DMA_OUT, false, { { KESTREL_DMA_COUNT1, 2 }, { KESTREL_DMA_COUNT2, 2 },
					 { KESTREL_DMA_COUNT3, 2 } }, 3 },
	{ KESTREL_UNIT_DMA_OUT, false, { { KESTREL_DMA_MODE, KESTREL_DMA_BRICK } }, 1 },
	{ KESTREL_UNIT_DMA_OUT, false, { { KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES } }, 1 },
	{ KESTREL_UNIT_MAC, false, { }, 0 },
	/* With 16 bits for the multiplier, so that it has values that are refused. */
	{ KESTREL_UNIT_MAC, false, { { KESTREL_MAC_FLAGS,
				       KESTREL_MAC_FLAG_SCALE_PER_TENSOR |
				       KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES },
				     { KESTREL_MAC_REQUANTISE, KESTREL_REQUANTISE_WIDE } }, 2 },
	{ KESTREL_UNIT_MAC, false, { { KESTREL_MAC_MODE, KESTREL_MAC_DEPTHWISE } }, 1 },
	{ KESTREL_UNIT_MAC, false, { { KESTREL_MAC_ACCUMULATE_TO, KESTREL_ACCUMULATE_SRAM } }, 1 },
	{ KESTREL_UNIT_VECTOR, false, { }, 0 },
	{ KESTREL_UNIT_VECTOR, false, { { KESTREL_VECTOR_REQUANTISE, KESTREL_REQUANTISE_WIDE } },
	  1 },
	{ KESTREL_UNIT_VECTOR, false, { { KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_MAX_POOL } },
	  1 },
	{ KESTREL_UNIT_VECTOR, false, { { KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_TABLE } }, 1 },
	{ KESTREL_UNIT_VECTOR, false, { { KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_TRANSPOSE } },
	  1 },
};

#define PROBES		(sizeof(probes) / sizeof(probes[0]))
#define NO_REGISTER	0xff

/* A probe; with one register that holds the secret, unless that is NO_REGISTER. */
static size_t stream_probe(struct client *client, const struct probe *probe, uint8_t secret)
{
	struct writer writer = { client->stream };
	uint32_t i;

	if (probe->loads) {
		write_register(&writer, KESTREL_DMA_MODE, KESTREL_DMA_LOAD_TABLE);
		write_register(&writer, KESTREL_DMA_OFFSET, TABLE_OFFSET);
		write_register(&writer, KESTREL_DMA_SOURCE_BYTES, TABLE_BYTES);
		write_byte(&writer, KESTREL_ISA_EXECUTE);
		write_register(&writer, KESTREL_DMA_OFFSET, 0);
	}
	write_byte(&writer, KESTREL_ISA_SELECT + probe->unit);
	for (i = 0; i < probe->set_count; i++)
		write_register(&writer, probe->set[i].number, probe->set[i].value);
	if (secret != NO_REGISTER)
		write_register(&writer, secret, SECRET_VALUE);
	write_byte(&writer, KESTREL_ISA_EXECUTE);
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, 0, &writer);
}

/* The secret in all registers of all units. */
static size_t stream_secrets(struct client *client)
{
	struct writer writer = { client->stream };
	uint32_t unit, number;

	for (unit = 0; unit < KESTREL_UNIT_COUNT; unit++) {
		write_byte(&writer, KESTREL_ISA_SELECT + unit);
		for (number = 0; number < register_count[unit]; number++)
			write_register(&writer, number, SECRET_VALUE);
	}
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, 0, &writer);
}

/* A register that no probe can rely on. */
static bool register_is_blind(uint32_t unit, uint32_t number)
{
	switch (unit) {
	case KESTREL_UNIT_DMA_IN:
		/* The reset value is refused, too. */
		return number == KESTREL_DMA_SOURCE_BYTES;
	case KESTREL_UNIT_DMA_OUT:
		/* It does not decode. */
		return number >= KESTREL_DMA_SOURCE_BYTES;
	case KESTREL_UNIT_VECTOR:
		/* The same; no value of the others is ever refused. */
		return number == KESTREL_VECTOR_TABLE_ENTRIES ||
		       (number >= KESTREL_VECTOR_STEP_X && number <= KESTREL_VECTOR_START_Y) ||
		       number == KESTREL_VECTOR_EPSILON;
	default:
		return false;
	}
}

TEST_F_TIMEOUT(isolation, registers, 600)
{
	struct client *first = &self->first, *second = &self->second;
	bool seen[KESTREL_UNIT_COUNT][KESTREL_VECTOR_REGISTER_COUNT] = { 0 };
	const struct probe *probe;
	uint32_t unit, number;

	table_write(second);
	for (probe = probes; probe < probes + PROBES; probe++) {
		ASSERT_EQ(client_run(first, 0, stream_secrets(first)), 0);
		EXPECT_EQ(client_run(second, 0, stream_probe(second, probe, NO_REGISTER)), 0) {
			TH_LOG("probe %td sees a register of the other client", probe - probes);
		}
	}

	/* One at a time, each is seen by a probe whose own job has the secret there. */
	for (probe = probes; probe < probes + PROBES; probe++) {
		for (number = 0; number < register_count[probe->unit]; number++) {
			if (seen[probe->unit][number] ||
			    register_is_blind(probe->unit, number) ||
			    !client_run(second, 0, stream_probe(second, probe, number)))
				continue;
			seen[probe->unit][number] = true;
			ASSERT_EQ(queue_destroy(second->fd, second->queue), 0);
			ASSERT_EQ(queue_create(second->fd, second->vm, 16, 0, &second->queue), 0);
		}
	}
	for (unit = 0; unit < KESTREL_UNIT_COUNT; unit++) {
		for (number = 0; number < register_count[unit]; number++) {
			EXPECT_NE(seen[unit][number], register_is_blind(unit, number)) {
				TH_LOG("register %u of unit %u", number, unit);
			}
		}
	}
}

/* Memory comes zeroed, also what was somebody's a moment ago. */
TEST_F(isolation, memory_is_zeroed)
{
	const uint64_t sizes[] = { PAGE, 3 * PAGE, 64 * PAGE, 513 * PAGE };
	int fd = self->second.fd;
	uint32_t round, handle;
	uint64_t i, *words;

	for (round = 0; round < 40; round++) {
		uint64_t size = sizes[round % 4];

		ASSERT_EQ(bo_create(fd, size, &handle), 0);
		words = bo_map(fd, handle, size);
		ASSERT_NE(words, NULL);
		for (i = 0; i < size / 8; i++) {
			ASSERT_EQ(words[i], 0);
			words[i] = SECRET;
		}
		ASSERT_EQ(munmap(words, size), 0);
		ASSERT_EQ(bo_close(fd, handle), 0);
	}
}

TEST_HARNESS_MAIN
