/* SPDX-License-Identifier: MIT */
/*
 * Order and synchronisation. Units run side by side, so wherever two of them
 * touch the same bytes and one writes, the later one in program order must
 * wait for the earlier one.
 */
#ifndef COMPILER_SCHEDULE_H
#define COMPILER_SCHEDULE_H

#include "command.h"
#include "target.h"

/*
 * Takes a list in program order: finds what each command must wait for, puts
 * the commands into the order in which they are expected to start (each unit
 * keeps its own order, and nothing passes a preemption point), and gives out
 * semaphores. With `thin`, what another wait brings about is not waited for: fewer
 * records, and so commands and constants elsewhere in memory. Returns 0 or -ENOMEM.
 */
int schedule(const struct target *target, struct command_list *list, bool thin);

#endif
