# SPDX-License-Identifier: MIT
#
# Programs of the tests that are no unit tests: they feed bad input to the
# libraries, in process, and print TAP lines. See tests/bad-input/check.sh.

BAD_INPUT_PROGRAMS := $(addprefix $(BUILD)/tests/bad-input/,tflite_fields graph_fields \
	corruption command_streams firmware_images)

$(call objects,$(wildcard tests/bad-input/*.c)): EXTRA_CFLAGS += -Icompiler -Ilibnpu/include

# The compiler's parts in process; libnpu as the library that users have.
BAD_INPUT_LIBNPU := -L$(BIN) -lnpu -Wl,-rpath,$(abspath $(BIN))
$(BUILD)/tests/bad-input/tflite_fields: $(COMPILER_ARCHIVE)
$(BUILD)/tests/bad-input/graph_fields: $(call objects,tests/bad-input/graph_file.c) | $(LIBNPU)
$(BUILD)/tests/bad-input/graph_fields: LDLIBS += $(BAD_INPUT_LIBNPU)
$(BUILD)/tests/bad-input/corruption: $(call objects,tests/bad-input/graph_file.c) | $(LIBNPU)
$(BUILD)/tests/bad-input/corruption: LDLIBS += $(BAD_INPUT_LIBNPU)

$(BAD_INPUT_PROGRAMS): %: %.o
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $< $(filter-out $<,$^) $(LDLIBS) -lcrypto $(COMPILER_LIBS) -ldl

bad-input-programs: $(BAD_INPUT_PROGRAMS)
.PHONY: bad-input-programs

include tests/fuzz/build.mk
include tests/golden/build.mk
include tests/random-graphs/build.mk
include tests/tiles/build.mk
include tests/bench/build.mk
