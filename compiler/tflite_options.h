/* SPDX-License-Identifier: MIT */
/* The options of a TensorFlow Lite operator. */
#ifndef COMPILER_TFLITE_OPTIONS_H
#define COMPILER_TFLITE_OPTIONS_H

#include "flatbuffer.h"
#include "ir.h"

/*
 * Fills op->attributes from the operator's table as its kind asks; absent
 * fields take the schema's defaults. 0, or -EINVAL with a message.
 */
int tflite_read_options(struct error *error, const struct flatbuffer_table *table,
			struct ir_operator *op);

#endif
