// SPDX-License-Identifier: MIT
/*
 * QEMU plugin: guest instructions of marked regions, by address.
 *
 * A program in the guest marks a region's begin and end by two arm64 hints that
 * processors ignore (see MARK_BEGIN); all that all processors execute in between
 * counts. Nothing counts while they sleep. Each region becomes a record of the
 * file of the argument `out=FILE`, in the machine's byte order: u64 number of
 * entries, then entries {u64 address of a translated block, u64 instructions}.
 * A block that an exception leaves early counts as whole.
 */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <qemu-plugin.h>

/* hint #112 and hint #113, unallocated; `driver.c` executes them. */
#define MARK_BEGIN	0xd5032e1fu
#define MARK_END	0xd5032e3fu
/* Addresses of blocks that can be told apart. */
#define BLOCKS		(1u << 18)

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* Instructions of each block: BLOCKS numbers a processor. */
static struct qemu_plugin_scoreboard *counts;
static FILE *out;

/* Guards all that follows. */
static GMutex lock;
static GHashTable *block_of_address;
static uint64_t address[BLOCKS];
static uint32_t blocks;
static uint64_t before[BLOCKS];
static bool too_many;

static uint64_t count_of(uint32_t block)
{
	qemu_plugin_u64 entry = { counts, block * sizeof(uint64_t) };

	return qemu_plugin_u64_sum(entry);
}

static void region_begin(unsigned int vcpu, void *data)
{
	uint32_t i;

	(void)vcpu;
	(void)data;
	g_mutex_lock(&lock);
	for (i = 0; i < blocks; i++)
		before[i] = count_of(i);
	memset(before + blocks, 0, (BLOCKS - blocks) * sizeof(*before));
	g_mutex_unlock(&lock);
}

static void region_end(unsigned int vcpu, void *data)
{
	uint64_t entries = 0, entry[2];
	uint32_t i;

	(void)vcpu;
	(void)data;
	g_mutex_lock(&lock);
	for (i = 0; i < blocks; i++)
		entries += count_of(i) != before[i];
	fwrite(&entries, sizeof(entries), 1, out);
	for (i = 0; i < blocks && entries; i++) {
		entry[0] = address[i];
		entry[1] = count_of(i) - before[i];
		if (!entry[1])
			continue;
		fwrite(entry, sizeof(entry), 1, out);
		entries--;
	}
	/* Other processors counted on meanwhile: what was promised must be there. */
	memset(entry, 0, sizeof(entry));
	for (; entries; entries--)
		fwrite(entry, sizeof(entry), 1, out);
	g_mutex_unlock(&lock);
}

/* The block's number; one address keeps it for ever. */
static uint32_t block_find(uint64_t at)
{
	gpointer key = (gpointer)(uintptr_t)at, value;
	uint32_t block = BLOCKS - 1;

	g_mutex_lock(&lock);
	if (g_hash_table_lookup_extended(block_of_address, key, NULL, &value)) {
		block = GPOINTER_TO_UINT(value);
	} else if (blocks < BLOCKS) {
		block = blocks++;
		address[block] = at;
		g_hash_table_insert(block_of_address, key, GUINT_TO_POINTER(block));
	} else {
		too_many = true;
	}
	g_mutex_unlock(&lock);
	return block;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	size_t instructions = qemu_plugin_tb_n_insns(block), i;
	qemu_plugin_u64 entry = {
		counts, block_find(qemu_plugin_tb_vaddr(block)) * sizeof(uint64_t),
	};

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(block, QEMU_PLUGIN_INLINE_ADD_U64, entry,
							  instructions);
	for (i = 0; i < instructions; i++) {
		struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
		uint32_t code = 0;

		qemu_plugin_insn_data(instruction, &code, sizeof(code));
		if (code == MARK_BEGIN || code == MARK_END)
			qemu_plugin_register_vcpu_insn_exec_cb(instruction, code == MARK_BEGIN ?
							       region_begin : region_end,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

static void finish(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	if (too_many)
		fprintf(stderr, "instruction_counter: more than %u blocks\n", BLOCKS);
	fclose(out);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) || !(out = fopen(argv[0] + 4, "wb"))) {
		fprintf(stderr, "instruction_counter: needs out=FILE\n");
		return -1;
	}
	block_of_address = g_hash_table_new(g_direct_hash, g_direct_equal);
	counts = qemu_plugin_scoreboard_new(BLOCKS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
