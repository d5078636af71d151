// SPDX-License-Identifier: MIT
/* Constants of an ONNX file, and the arithmetic with which it computes shapes. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"

/* Elements that ConstantOfShape makes at most. */
#define FILL_MAX (1u << 22)

/* Numbers of the format's data types. */
enum data_type { DATA_FLOAT = 1, DATA_UINT8 = 2, DATA_INT8 = 3, DATA_INT16 = 5, DATA_INT32 = 6,
		 DATA_INT64 = 7, DATA_BOOL = 9, DATA_UINT4 = 21, DATA_INT4 = 22 };

static const char *type_name(int32_t type)
{
	static const char *const names[] = {
		"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64",
		"string", "bool", "float16", "double", "uint32", "uint64", "complex64",
		"complex128", "bfloat16", "float8", "float8", "float8", "float8", "uint4", "int4",
	};

	return type >= 0 && (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] :
	       "of an unknown type";
}

static enum ir_type type_of(int32_t type)
{
	switch (type) {
	case DATA_FLOAT:
		return IR_FLOAT32;
	case DATA_UINT8:
		return IR_UINT8;
	case DATA_INT8:
		return IR_INT8;
	case DATA_INT16:
		return IR_INT16;
	case DATA_INT32:
		return IR_INT32;
	case DATA_INT64:
		return IR_INT64;
	case DATA_BOOL:
		return IR_BOOL;
	}
	return IR_TYPE_OTHER;
}

int onnx_type_of(struct onnx *o, int32_t code, const char *name, enum ir_type *type)
{
	*type = type_of(code);
	if (*type != IR_TYPE_OTHER)
		return 0;
	return onnx_fail(o, NULL, -ENOTSUP,
			 "tensor \"%.80s\" is %s (%d); float, bool, uint8 and int8 to int64 are supported",
			 name, type_name(code), code);
}

static int tensor_shape(struct onnx *o, const Onnx__Tensor *tensor, const char *name,
			unsigned int *rank, int32_t *shape, uint64_t *elements)
{
	*elements = 1;
	if (tensor->n_dims > IR_RANK_MAX)
		return onnx_fail(o, NULL, -ENOTSUP,
				 "tensor \"%.80s\" has %zu dimensions, at most %d are supported",
				 name, tensor->n_dims, IR_RANK_MAX);
	for (size_t d = 0; d < tensor->n_dims; d++) {
		if (tensor->dims[d] < 1 || tensor->dims[d] > INT32_MAX ||
		    *elements * (uint64_t)tensor->dims[d] > INT32_MAX)
			return onnx_fail(o, NULL, -ENOTSUP,
					 "tensor \"%.80s\": dimension %zu is %lld: empty or too large",
					 name, d, (long long)tensor->dims[d]);
		shape[d] = (int32_t)tensor->dims[d];
		*elements *= (uint64_t)tensor->dims[d];
	}
	*rank = (unsigned int)tensor->n_dims;
	return 0;
}

/* Constants of four bits become bytes. */
static int32_t tensor_type(int32_t code)
{
	return code == DATA_INT4 ? DATA_INT8 : code == DATA_UINT4 ? DATA_UINT8 : code;
}

/* Element i of the typed fields, narrow ones as the format widens them. */
static void put_element(const Onnx__Tensor *tensor, enum ir_type type, size_t i, uint8_t *to)
{
	int16_t half;

	switch (type) {
	case IR_FLOAT32:
		memcpy(to + 4 * i, &tensor->float_data[i], 4);
		return;
	case IR_INT64:
		memcpy(to + 8 * i, &tensor->int64_data[i], 8);
		return;
	case IR_INT32:
		memcpy(to + 4 * i, &tensor->int32_data[i], 4);
		return;
	case IR_INT16:
		half = (int16_t)tensor->int32_data[i];
		memcpy(to + 2 * i, &half, sizeof(half));
		return;
	default:
		to[i] = (uint8_t)tensor->int32_data[i];
	}
}

bool onnx_is_int4(const Onnx__Tensor *tensor)
{
	return tensor->data_type == DATA_INT4 || tensor->data_type == DATA_UINT4;
}

/* Two elements a byte, the first in the lower half, become bytes. */
static int read_int4(struct onnx *o, const Onnx__Tensor *tensor, const char *name,
		     uint64_t elements, const uint8_t **data)
{
	size_t packed = tensor->has_raw_data ? tensor->raw_data.len : tensor->n_int32_data;
	bool is_signed = tensor->data_type == DATA_INT4;
	uint8_t *copy;

	if (packed != (elements + 1) / 2)
		return onnx_fail(o, NULL, -EINVAL,
				 "tensor \"%.80s\" has %zu bytes, its shape needs %llu", name,
				 packed, (unsigned long long)(elements + 1) / 2);
	copy = onnx_alloc(o, elements, 1);
	if (!copy)
		return onnx_failed(o);
	for (uint64_t i = 0; i < elements; i++) {
		uint8_t pair = tensor->has_raw_data ? tensor->raw_data.data[i / 2] :
						      (uint8_t)tensor->int32_data[i / 2];
		uint8_t bits = pair >> (i % 2 * 4) & 15;

		copy[i] = (uint8_t)(is_signed && bits > 7 ? bits - 16 : bits);
	}
	*data = copy;
	return 0;
}

int onnx_tensor_read(struct onnx *o, const Onnx__Tensor *tensor, const char *name,
		     enum ir_type *type, unsigned int *rank, int32_t *shape, const uint8_t **data)
{
	uint64_t elements, bytes;
	uint8_t *copy;
	size_t count;
	int ret;

	if (tensor->data_location || tensor->n_external_data)
		return onnx_fail(o, NULL, -ENOTSUP,
				 "tensor \"%.80s\" lies in another file; save the model with its data inside",
				 name);
	ret = onnx_type_of(o, tensor_type(tensor->data_type), name, type);
	if (!ret)
		ret = tensor_shape(o, tensor, name, rank, shape, &elements);
	if (ret)
		return ret;
	if (onnx_is_int4(tensor))
		return read_int4(o, tensor, name, elements, data);
	bytes = elements * ir_type_bytes(*type);
	if (tensor->has_raw_data) {
		*data = tensor->raw_data.data;
		if (tensor->raw_data.len != bytes)
			return onnx_fail(o, NULL, -EINVAL,
					 "tensor \"%.80s\" has %zu bytes, its shape needs %llu", name,
					 tensor->raw_data.len, (unsigned long long)bytes);
		return 0;
	}
	count = *type == IR_FLOAT32 ? tensor->n_float_data :
		*type == IR_INT64 ? tensor->n_int64_data : tensor->n_int32_data;
	if (count != elements)
		return onnx_fail(o, NULL, -EINVAL,
				 "tensor \"%.80s\" has %zu elements, its shape needs %llu", name,
				 count, (unsigned long long)elements);
	copy = onnx_alloc(o, elements, ir_type_bytes(*type));
	if (!copy)
		return onnx_failed(o);
	for (size_t i = 0; i < count; i++)
		put_element(tensor, *type, i, copy);
	*data = copy;
	return 0;
}

static int set_constant(struct onnx *o, enum ir_type type, unsigned int rank,
			const int32_t *shape, const void *data)
{
	struct onnx_value *y = o->node->outputs[0];
	int ret = onnx_define(o, y, type, rank, shape);

	y->data = data;
	return ret;
}

int onnx_constant(struct onnx *o)
{
	const Onnx__Attribute *a;
	int32_t shape[IR_RANK_MAX], count;
	const uint8_t *data;
	enum ir_type type;
	unsigned int rank;
	int ret = onnx_check_counts(o, 0, 0);

	if (ret)
		return ret;
	a = onnx_attribute(o, "value");
	if (a && a->t) {
		ret = onnx_tensor_read(o, a->t, o->node->outputs[0]->name, &type, &rank, shape,
				       &data);
		o->node->outputs[0]->is_int4 = onnx_is_int4(a->t);
		return ret ? ret : set_constant(o, type, rank, shape, data);
	}
	a = onnx_attribute(o, "value_float");
	if (a && a->has_f)
		return set_constant(o, IR_FLOAT32, 0, NULL, &a->f);
	a = onnx_attribute(o, "value_int");
	if (a && a->has_i)
		return set_constant(o, IR_INT64, 0, NULL, &a->i);
	a = onnx_attribute(o, "value_floats");
	if (a && a->n_floats && a->n_floats <= INT32_MAX) {
		count = (int32_t)a->n_floats;
		return set_constant(o, IR_FLOAT32, 1, &count, a->floats);
	}
	a = onnx_attribute(o, "value_ints");
	if (a && a->n_ints && a->n_ints <= INT32_MAX) {
		count = (int32_t)a->n_ints;
		return set_constant(o, IR_INT64, 1, &count, a->ints);
	}
	return onnx_fail(o, NULL, -ENOTSUP,
			 "needs one of value, value_float, value_int, value_floats, value_ints");
}

/* Shape, Size and ConstantOfShape. */
int onnx_shape(struct onnx *o)
{
	const char *node_type = o->node->proto->op_type;
	const Onnx__Attribute *filler = NULL;
	int64_t sizes[IR_RANK_MAX], from, to, *list;
	int32_t shape[IR_RANK_MAX], count;
	enum ir_type type = IR_FLOAT32;
	const uint8_t *element = NULL;
	uint64_t elements = 1, bytes;
	unsigned int rank, tensor_rank;
	const struct onnx_value *x;
	uint8_t *data;
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	if (!strcmp(node_type, "Shape")) {
		from = onnx_attribute_int(o, "start", 0);
		to = onnx_attribute_int(o, "end", x->rank);
		from += from < 0 ? x->rank : 0;
		to += to < 0 ? x->rank : 0;
		from = from < 0 ? 0 : from;
		to = to > x->rank ? x->rank : to;
		if (from >= to)
			return onnx_fail(o, x, -ENOTSUP, "an empty shape");
		count = (int32_t)(to - from);
		list = onnx_alloc(o, (uint64_t)count, sizeof(*list));
		for (int32_t i = 0; list && i < count; i++)
			list[i] = x->shape[from + i];
		return list ? set_constant(o, IR_INT64, 1, &count, list) : onnx_failed(o);
	}
	if (!strcmp(node_type, "Size")) {
		list = onnx_alloc(o, 1, sizeof(*list));
		if (list)
			*list = (int64_t)x->elements;
		return list ? set_constant(o, IR_INT64, 0, NULL, list) : onnx_failed(o);
	}
	ret = onnx_list(o, 0, NULL, IR_RANK_MAX, sizes, &rank);
	for (unsigned int d = 0; d < rank && !ret; d++) {
		if (sizes[d] < 1 || sizes[d] > FILL_MAX || elements * (uint64_t)sizes[d] > FILL_MAX)
			return onnx_fail(o, x, -ENOTSUP, "dimension %u is %lld: empty or too large",
					 d, (long long)sizes[d]);
		shape[d] = (int32_t)sizes[d];
		elements *= (uint64_t)sizes[d];
	}
	filler = onnx_attribute(o, "value");
	if (!ret && filler && filler->t) {
		int32_t filler_shape[IR_RANK_MAX];

		ret = onnx_tensor_read(o, filler->t, "value", &type, &tensor_rank, filler_shape,
				       &element);
	}
	if (ret)
		return ret;
	bytes = ir_type_bytes(type);
	data = onnx_alloc(o, elements, bytes);
	for (uint64_t i = 0; data && element && i < elements; i++)
		memcpy(data + i * bytes, element, bytes);
	return data ? set_constant(o, type, rank, shape, data) : onnx_failed(o);
}

/* In unsigned arithmetic, which has no overflow; false: no such operation. */
static bool integer_apply(const char *type, int64_t a, int64_t b, int64_t *result)
{
	if (!strcmp(type, "Add"))
		*result = (int64_t)((uint64_t)a + (uint64_t)b);
	else if (!strcmp(type, "Sub"))
		*result = (int64_t)((uint64_t)a - (uint64_t)b);
	else if (!strcmp(type, "Mul"))
		*result = (int64_t)((uint64_t)a * (uint64_t)b);
	else if (!strcmp(type, "Div") && b && b != -1)
		*result = a / b;
	else if (!strcmp(type, "Min"))
		*result = a < b ? a : b;
	else if (!strcmp(type, "Max"))
		*result = a > b ? a : b;
	else
		return false;
	return true;
}

static bool float_apply(const char *type, float a, float b, float *result)
{
	if (!strcmp(type, "Add"))
		*result = a + b;
	else if (!strcmp(type, "Sub"))
		*result = a - b;
	else if (!strcmp(type, "Mul"))
		*result = a * b;
	else if (!strcmp(type, "Div"))
		*result = a / b;
	else if (!strcmp(type, "Min"))
		*result = fminf(a, b);
	else if (!strcmp(type, "Max"))
		*result = fmaxf(a, b);
	else if (!strcmp(type, "Pow"))
		*result = powf(a, b);
	else
		return false;
	return true;
}

static int fold_elements(struct onnx *o, struct onnx_value *a, struct onnx_value *b,
			 struct onnx_value *y)
{
	const char *type = o->node->proto->op_type;
	uint64_t bytes = ir_type_bytes(y->type);
	uint8_t *data = onnx_alloc(o, y->elements, bytes);

	if (!data)
		return onnx_failed(o);
	for (uint64_t i = 0; i < y->elements; i++) {
		uint64_t of_a = onnx_broadcast_index(a, y, i), of_b = onnx_broadcast_index(b, y, i);
		int64_t integer = 0;
		int32_t narrow;
		float real = 0;
		bool known;

		if (y->type == IR_FLOAT32)
			known = float_apply(type, ((const float *)(const void *)a->data)[of_a],
					    ((const float *)(const void *)b->data)[of_b], &real);
		else
			known = integer_apply(type, onnx_integer(a, of_a), onnx_integer(b, of_b),
					      &integer);
		if (!known)
			return onnx_fail(o, a, -ENOTSUP, "cannot be computed for these constants");
		narrow = (int32_t)integer;
		memcpy(data + i * bytes, y->type == IR_FLOAT32 ? (void *)&real :
		       y->type == IR_INT64 ? (void *)&integer : (void *)&narrow, bytes);
	}
	y->data = data;
	return onnx_removed(o, o->node, "a constant");
}

int onnx_fold_binary(struct onnx *o, bool *folded)
{
	struct onnx_value *a = onnx_input(o, 0), *b = onnx_input(o, 1);
	struct onnx_value *y = o->node->outputs[0];
	int32_t shape[IR_RANK_MAX];
	unsigned int rank;
	int ret;

	*folded = onnx_is_constant(a) && onnx_is_constant(b);
	if (!*folded)
		return 0;
	if (a->type != b->type || (a->type != IR_FLOAT32 && a->type != IR_INT64 &&
				   a->type != IR_INT32))
		return onnx_fail(o, a, -ENOTSUP, "%s and %s cannot be computed with",
				 ir_type_name(a->type), ir_type_name(b->type));
	ret = onnx_broadcast(o, a, b, shape, &rank);
	if (!ret)
		ret = onnx_define(o, y, a->type, rank, shape);
	if (ret)
		return ret;
	if (a->type == IR_FLOAT32 && (!onnx_floats(o, a) || !onnx_floats(o, b)))
		return onnx_failed(o);
	return fold_elements(o, a, b, y);
}

/* Of floats to float32 nothing; constants are converted here where both types are wide. */
int onnx_cast(struct onnx *o)
{
	struct onnx_value *x, *y;
	enum ir_type type;
	uint8_t *data;
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	ret = onnx_type_of(o, (int32_t)onnx_attribute_int(o, "to", 0), y->name, &type);
	if (ret)
		return ret;
	if (type == x->type) {
		onnx_alias(y, x);
		return 0;
	}
	if (!x->data || (x->type != IR_FLOAT32 && x->type != IR_INT64 && x->type != IR_INT32) ||
	    (type != IR_FLOAT32 && type != IR_INT64 && type != IR_INT32))
		return onnx_cast_values(o, type);
	ret = onnx_define(o, y, type, x->rank, x->shape);
	data = ret ? NULL : onnx_alloc(o, x->elements, ir_type_bytes(type));
	if (!data)
		return onnx_failed(o);
	for (uint64_t i = 0; i < x->elements; i++) {
		float real = x->type == IR_FLOAT32 ? ((const float *)(const void *)x->data)[i] :
						     (float)onnx_integer(x, i);
		int64_t integer;
		int32_t narrow;

		if (x->type != IR_FLOAT32)
			integer = onnx_integer(x, i);
		else
			integer = real > -0x1p62f && real < 0x1p62f ? (int64_t)real : 0;
		narrow = (int32_t)integer;
		memcpy(data + i * ir_type_bytes(type), type == IR_FLOAT32 ? (void *)&real :
		       type == IR_INT64 ? (void *)&integer : (void *)&narrow, ir_type_bytes(type));
	}
	y->data = data;
	return 0;
}
