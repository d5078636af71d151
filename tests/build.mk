# SPDX-License-Identifier: MIT
#
# Programs of the tests that are no unit tests: they feed bad input to the
# libraries, in process, and print TAP lines. See tests/bad-input/check.sh.

BAD_INPUT_TFLITE := $(BUILD)/tests/bad-input/tflite_fields
BAD_INPUT_GRAPH := $(BUILD)/tests/bad-input/graph_fields
BAD_INPUT_STREAMS := $(BUILD)/tests/bad-input/command_streams
BAD_INPUT_PROGRAMS := $(BAD_INPUT_TFLITE) $(BAD_INPUT_GRAPH) $(BAD_INPUT_STREAMS)

$(BUILD)/tests/bad-input/tflite_fields.o: EXTRA_CFLAGS += -Icompiler

$(BAD_INPUT_TFLITE): $(call objects,tests/bad-input/tflite_fields.c) $(COMPILER_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -lm

$(BUILD)/tests/bad-input/graph_fields.o: EXTRA_CFLAGS += -Ilibnpu/include

$(BAD_INPUT_GRAPH): $(call objects,tests/bad-input/graph_fields.c tests/bad-input/graph_file.c) \
		$(LIBNPU_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -lcrypto $(LIBDRM_LIBS) -lm -ldl -lpthread

$(BAD_INPUT_STREAMS): $(call objects,tests/bad-input/command_streams.c)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -ldl

bad-input-programs: $(BAD_INPUT_PROGRAMS)
.PHONY: bad-input-programs
