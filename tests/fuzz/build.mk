# SPDX-License-Identifier: MIT
#
# Fuzzers that run on the host; see tests/fuzz/check.sh. Included by
# tests/build.mk. That for the driver runs in the guest: build-guest.sh.

FUZZERS := $(addprefix $(BUILD)/tests/fuzz/,firmware_fuzz device_fuzz stream_fuzz)

$(call objects,$(addprefix tests/fuzz/,fuzz.c firmware_fuzz.c device_fuzz.c stream_fuzz.c)): EXTRA_CFLAGS := -Iemulator -Ifirmware/tools -Itests/unit

$(BUILD)/tests/fuzz/firmware_fuzz: \
	$(call objects,tests/unit/firmware_board.c tests/unit/firmware_fake_engine.c \
	$(FIRMWARE_SYSTEM_TEST_DEVICE)) | $(FIRMWARE_IMAGE)
$(BUILD)/tests/fuzz/device_fuzz: $(call objects,firmware/tools/image.c) $(EMULATOR_ARCHIVE)
$(BUILD)/tests/fuzz/stream_fuzz: $(EMULATOR_ARCHIVE) | $(FIRMWARE_IMAGE)

$(FUZZERS): %: %.o $(call objects,tests/fuzz/fuzz.c)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $< $(filter-out $<,$(filter %.o,$^)) \
		$(filter %.a,$^) $(LDLIBS) -lcrypto -ldl

fuzzers: $(FUZZERS)
.PHONY: fuzzers

# libFuzzer's, of the readers of files; see tests/fuzz/readers/check.sh, which builds
# them with clang in a directory of their own.
READER_FUZZERS := $(addprefix $(BUILD)/tests/fuzz/readers/,tflite_reader onnx_reader graph_reader)

$(call objects,$(wildcard tests/fuzz/readers/*.c)): EXTRA_CFLAGS := -Icompiler \
	-I$(BUILD)/compiler -Ilibnpu/include -Itests/fuzz -Itests/bad-input
$(BUILD)/tests/fuzz/readers/onnx_reader.o: $(COMPILER_MESSAGES).h
$(BUILD)/tests/fuzz/readers/graph_reader: $(call objects,tests/bad-input/graph_file.c)

$(READER_FUZZERS): %: %.o $(call objects,tests/fuzz/fuzz.c tests/fuzz/readers/reader.c) \
		$(COMPILER_ARCHIVE) $(LIBNPU_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $(filter %.o,$^) \
		$(filter %.a,$^) $(LIBDRM_LIBS) $(COMPILER_LIBS) -lcrypto -lpthread -ldl

reader-fuzzers: $(READER_FUZZERS)
.PHONY: reader-fuzzers
