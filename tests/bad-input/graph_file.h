/* SPDX-License-Identifier: MIT */
/* A compiled-graph file as bytes to be damaged, with hashes made good again. */
#ifndef BAD_INPUT_GRAPH_FILE_H
#define BAD_INPUT_GRAPH_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <kestrel/graph.h>

/*
 * The functions take a file that is sound but for what the caller changed in
 * the records; they look at header and section table only as far as these lie
 * inside the file.
 */

/* The table entry of the section of that type, or NULL. */
struct kestrel_graph_section *graph_file_section(uint8_t *file, size_t size, uint32_t type);

/* Record number `record` of the section of that type, or NULL. */
void *graph_file_record(uint8_t *file, size_t size, uint32_t type, uint32_t record);

/* Computes section hashes and the table's hash anew, of what lies in the file. */
void graph_file_rehash(uint8_t *file, size_t size);

#endif
