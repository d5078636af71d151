/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_PRUNE_H
#define COMPILER_PRUNE_H

#include "segment.h"

/*
 * Takes dead channels out of a segment: those whose every element is the zero
 * point whatever the input, because all their weights are zero and the bias
 * gives no more. To every reader they count for nothing, so leaving them out
 * of the layer that makes them, of those that pass them on channel by channel
 * and of the input of those that sum over channels changes no byte of any
 * output. Returns 0 or -ENOMEM.
 */
int prune_dead_channels(struct segment *segment);

#endif
