# SPDX-License-Identifier: MIT
#
# Fuzzers that run on the host; see tests/fuzz/check.sh. Included by
# tests/build.mk. That for the driver runs in the guest: build-guest.sh.

FUZZERS := $(addprefix $(BUILD)/tests/fuzz/,firmware_fuzz device_fuzz stream_fuzz onnx_fuzz)

$(call objects,$(addprefix tests/fuzz/,fuzz.c firmware_fuzz.c device_fuzz.c stream_fuzz.c)): EXTRA_CFLAGS := -Iemulator -Ifirmware/tools -Itests/unit

$(BUILD)/tests/fuzz/firmware_fuzz: \
	$(call objects,tests/unit/firmware_board.c tests/unit/firmware_fake_engine.c \
	$(FIRMWARE_SYSTEM_TEST_DEVICE)) | $(FIRMWARE_IMAGE)
$(BUILD)/tests/fuzz/device_fuzz: $(call objects,firmware/tools/image.c) $(EMULATOR_ARCHIVE)
$(BUILD)/tests/fuzz/stream_fuzz: $(EMULATOR_ARCHIVE) | $(FIRMWARE_IMAGE)

$(BUILD)/tests/fuzz/onnx_fuzz: $(BUILD)/tests/unit/onnx_model.o $(COMPILER_ARCHIVE) $(LIBNPU_ARCHIVE)
$(BUILD)/tests/fuzz/onnx_fuzz: LDLIBS += $(LIBDRM_LIBS) $(COMPILER_LIBS) -lpthread
$(BUILD)/tests/fuzz/onnx_fuzz.o: EXTRA_CFLAGS := -Icompiler -I$(BUILD)/compiler -Ilibnpu/include -Itests/unit
$(BUILD)/tests/fuzz/onnx_fuzz.o: $(COMPILER_MESSAGES).h

$(FUZZERS): %: %.o $(call objects,tests/fuzz/fuzz.c)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $< $(filter-out $<,$(filter %.o,$^)) \
		$(filter %.a,$^) $(LDLIBS) -lcrypto -ldl

fuzzers: $(FUZZERS)
.PHONY: fuzzers
