// SPDX-License-Identifier: MIT
/*
 * Checked mode outside SRAM: a byte of memory that DMA_OUT writes and DMA_IN
 * reads in one job (spill, or a tensor between two parts) needs an order between
 * the two as much as SRAM does. Pages that a job touches remember, byte by byte,
 * the last writer's and the last reader's time.
 */

#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

#define PAGE_BYTES 4096u
/* Pages that are followed; a job that touches more is checked in part. */
#define PAGES_MAX 4096u
#define BUCKETS 1024u

struct engine_check_page {
	uint64_t number;
	struct engine_check_page *next;
	/* Times of DMA_OUT and of DMA_IN; 0: never in this job. */
	uint32_t written[PAGE_BYTES];
	uint32_t read[PAGE_BYTES];
};

void engine_check_memory_forget(struct engine *engine)
{
	struct engine_check *check = &engine->check;

	for (uint32_t bucket = 0; check->page && bucket < BUCKETS; bucket++) {
		while (check->page[bucket]) {
			struct engine_check_page *page = check->page[bucket];

			check->page[bucket] = page->next;
			free(page);
		}
	}
	check->pages = 0;
}

bool engine_check_memory_create(struct engine *engine)
{
	engine->check.page = calloc(BUCKETS, sizeof(struct engine_check_page *));
	return engine->check.page;
}

void engine_check_memory_destroy(struct engine *engine)
{
	engine_check_memory_forget(engine);
	free(engine->check.page);
}

/* NULL: not followed. */
static struct engine_check_page *page_get(struct engine_check *check, uint64_t number)
{
	struct engine_check_page **bucket = &check->page[number % BUCKETS];
	struct engine_check_page *page;

	for (page = *bucket; page; page = page->next) {
		if (page->number == number)
			return page;
	}
	if (check->pages == PAGES_MAX)
		return NULL;
	page = calloc(1, sizeof(*page));
	if (!page)
		return NULL;
	check->pages++;
	page->number = number;
	page->next = *bucket;
	*bucket = page;
	return page;
}

bool engine_check_memory(struct engine *engine, uint32_t unit, const uint32_t *clock,
			 uint64_t address, uint64_t length, struct engine_fault *fault)
{
	bool write = unit == KESTREL_UNIT_DMA_OUT;
	uint32_t other = write ? KESTREL_UNIT_DMA_IN : KESTREL_UNIT_DMA_OUT;

	while (length) {
		struct engine_check_page *page = page_get(&engine->check, address / PAGE_BYTES);
		uint32_t first = address % PAGE_BYTES;
		uint32_t end = length < PAGE_BYTES - first ? first + (uint32_t)length : PAGE_BYTES;

		for (uint32_t i = first; page && i < end; i++) {
			if ((write ? page->read : page->written)[i] > clock[other]) {
				fault->address = address + (i - first);
				return engine_value_refuse(fault, KESTREL_FAULT_HAZARD,
							   UINT32_MAX);
			}
			(write ? page->written : page->read)[i] = clock[unit];
		}
		address += end - first;
		length -= end - first;
	}
	return true;
}
