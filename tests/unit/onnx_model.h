/* SPDX-License-Identifier: MIT */
/*
 * Makes ONNX models for tests: messages in an arena, then bytes. An allocation
 * that fails ends the program.
 */
#ifndef ONNX_MODEL_H
#define ONNX_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "onnx.pb-c.h"

#define ONNX_MODEL_NODES 96
#define ONNX_MODEL_TENSORS 160

struct onnx_model {
	struct arena arena;
	Onnx__Model model;
	Onnx__Graph graph;
	Onnx__OperatorSet set;
	Onnx__OperatorSet *sets[1];
	Onnx__Node *nodes[ONNX_MODEL_NODES];
	Onnx__Tensor *constants[ONNX_MODEL_TENSORS];
	Onnx__ValueInfo *inputs[4];
	Onnx__ValueInfo *outputs[4];
};

/* Numbers of element types. */
enum onnx_model_type { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_INT32 = 6,
		       ONNX_INT64 = 7 };

void onnx_model_begin(struct onnx_model *model, int64_t opset);
void onnx_model_release(struct onnx_model *model);

/* A copy that lives as long as the model. */
char *onnx_model_copy(struct onnx_model *model, const char *text);

/* A list of dimensions ended by 0. */
void onnx_model_input(struct onnx_model *model, const char *name, int type, const int64_t *dims);
void onnx_model_output(struct onnx_model *model, const char *name);
/* A constant whose bytes are `data`. */
Onnx__Tensor *onnx_model_constant(struct onnx_model *model, const char *name, int type,
				  const int64_t *dims, const void *data, size_t bytes);
/* A node; `inputs` are names with spaces between, "-" for one that is absent. */
Onnx__Node *onnx_model_node(struct onnx_model *model, const char *type, const char *inputs,
			    const char *output);
void onnx_model_int(struct onnx_model *model, Onnx__Node *node, const char *name, int64_t value);
void onnx_model_float(struct onnx_model *model, Onnx__Node *node, const char *name, float value);
/* Integers ended by INT64_MIN. */
void onnx_model_ints(struct onnx_model *model, Onnx__Node *node, const char *name,
		     const int64_t *values);
void onnx_model_text(struct onnx_model *model, Onnx__Node *node, const char *name,
		     const char *value);

/* A constant of one float, of one int8, and the two that quantise with them. */
void onnx_model_affine(struct onnx_model *model, const char *name, float scale, int8_t zero_point);
/*
 * QuantizeLinear and DequantizeLinear from `input` to `output` with the affine
 * `name`; the integers between are `output` with "_q" behind.
 */
void onnx_model_frame(struct onnx_model *model, const char *input, const char *output,
		      const char *name);

/* The model's bytes, malloc()ed. */
uint8_t *onnx_model_pack(const struct onnx_model *model, size_t *bytes);

/* A network with operators of all kinds: float input [1, 3, 8, 8], float output [1, 10]. */
void onnx_model_sample(struct onnx_model *model);

#endif
