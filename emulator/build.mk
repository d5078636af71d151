# SPDX-License-Identifier: MIT
#
# The emulated NPU: libkestrel-simulator.so for libnpu's `sim` device, and
# kestrel-sim. QEMU's build takes the device model's sources from
# EMULATOR_DEVICE_SOURCES' directory by itself (emulator/qemu).

EMULATOR_DEVICE_SOURCES := $(filter-out $(wildcard emulator/host_*.c),$(wildcard emulator/*.c))
EMULATOR_HOST_SOURCES := $(wildcard emulator/host_*.c)
# What the unit tests link; the library exports one function of it.
EMULATOR_ARCHIVE := $(BUILD)/emulator/libemulator.a
EMULATOR_LIBRARY := $(BIN)/libkestrel-simulator.so
EMULATOR_OBJECTS := $(call objects,$(EMULATOR_DEVICE_SOURCES) $(EMULATOR_HOST_SOURCES))
EMULATOR_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%, \
		    $(wildcard tests/unit/emulator_*_test.c))

LIBRARIES += $(EMULATOR_LIBRARY)
PROGRAMS += $(BIN)/kestrel-sim
UNIT_TESTS += $(EMULATOR_TESTS)

# Emulated arithmetic is worth a higher level than the rest.
$(BUILD)/emulator/%.o: EXTRA_CFLAGS += -O3
$(BUILD)/emulator/tools/%.o: EXTRA_CFLAGS := -Ilibnpu/include -Ilibnpu/tools
$(BUILD)/tests/unit/emulator_%.o: EXTRA_CFLAGS += -Iemulator

$(EMULATOR_ARCHIVE): $(EMULATOR_OBJECTS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(EMULATOR_LIBRARY): $(EMULATOR_OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared $(KESTREL_LDFLAGS) $(LDFLAGS) -Wl,-z,defs -o $@ $^ -lcrypto -ldl

$(EMULATOR_TESTS): %: %.o $(EMULATOR_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -lcrypto -ldl -lm

# Boots what kestrel-fw's parts have packed and signed.
$(BUILD)/tests/unit/emulator_secure_boot_test: \
	$(call objects,firmware/tools/image.c firmware/tools/signature.c)
$(BUILD)/tests/unit/emulator_secure_boot_test.o: EXTRA_CFLAGS += -Ifirmware/tools

$(addprefix $(BUILD)/tests/unit/emulator_,simulator_test fuzz_test isolation_test): | \
	$(BUILD)/firmware/kestrel_fw.bin $(BUILD)/firmware/kestrel_fw_without_engine_start.bin

# libnpu is the library of all programs; the simulator is loaded when it runs.
$(BIN)/kestrel-sim: $(call objects,emulator/tools/kestrel-sim.c libnpu/tools/tool.c libnpu/tools/session.c \
			libnpu/tools/lane.c) \
		$(BIN)/libnpu.so.0
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -L$(BIN) -lnpu \
		'-Wl,-rpath,$$ORIGIN'
