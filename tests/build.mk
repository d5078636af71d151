# SPDX-License-Identifier: MIT
#
# Programs of the tests that are no unit tests: they feed bad input to the
# libraries, in process, and print TAP lines. See tests/bad-input/check.sh.

BAD_INPUT_TFLITE := $(BUILD)/tests/bad-input/tflite_fields
BAD_INPUT_PROGRAMS := $(BAD_INPUT_TFLITE)

$(BUILD)/tests/bad-input/tflite_fields.o: EXTRA_CFLAGS += -Icompiler

$(BAD_INPUT_TFLITE): $(call objects,tests/bad-input/tflite_fields.c) $(COMPILER_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -lm

bad-input-programs: $(BAD_INPUT_PROGRAMS)
.PHONY: bad-input-programs
