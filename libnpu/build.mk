# SPDX-License-Identifier: MIT
#
# libnpu.so.0 (with the link libnpu.so) and libnpu.a, and the programs that use
# it. libdrm is the one dependency; a cross build sets LIBDRM_CFLAGS and
# LIBDRM_LIBS, or PKG_CONFIG. npu-classify also needs libpng, which is linked
# statically: it runs in guests that have the C library and libdrm alone.

PKG_CONFIG ?= pkg-config
LIBDRM_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags libdrm)
LIBDRM_LIBS ?= $(shell $(PKG_CONFIG) --libs libdrm)
LIBPNG_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags libpng)
LIBPNG_LIBS ?= -l:libpng16.a -l:libz.a -lm

LIBNPU_SOURCES := $(wildcard libnpu/*.c)
LIBNPU_OBJECTS := $(call objects,$(LIBNPU_SOURCES))
# The inner loops once more for each instruction set that the compiler can use
# and the library chooses at run time.
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine 2>/dev/null)),)
LIBNPU_OBJECTS += $(BUILD)/libnpu/kernels_avx2.o $(BUILD)/libnpu/kernels_avx512.o
endif
LIBNPU := $(BIN)/libnpu.so.0
LIBNPU_ARCHIVE := $(BUILD)/libnpu/libnpu.a
LIBNPU_TOOL_OBJECTS := $(call objects,libnpu/tools/tool.c libnpu/tools/session.c)
LIBNPU_DUMP_OBJECTS := $(call objects,libnpu/tools/dump.c)
LIBNPU_TRACE_OBJECTS := $(call objects,libnpu/tools/trace.c libnpu/tools/lane.c)
LIBNPU_USAGE_OBJECTS := $(call objects,libnpu/tools/usage.c)
LIBNPU_TOOLS := $(addprefix $(BIN)/,npu-run npu-bench npu-info npu-classify npu-coredump \
		  npu-timeline npu-top)
LIBNPU_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%, \
		  $(wildcard tests/unit/libnpu_*_test.c))
# How a program in $(BIN) finds the library beside it.
LIBNPU_LINK := -L$(BIN) -lnpu '-Wl,-rpath,$$ORIGIN'

LIBRARIES += $(LIBNPU) $(LIBNPU_ARCHIVE)
# The library's interface on a device; see tests/models/interface.c.
LIBNPU_INTERFACE_TEST := $(BUILD)/tests/models/interface_test

PROGRAMS += $(LIBNPU_TOOLS) $(LIBNPU_INTERFACE_TEST)
GUEST_PROGRAMS += $(LIBNPU_TOOLS) $(LIBNPU_INTERFACE_TEST)
UNIT_TESTS += $(LIBNPU_TESTS)

$(BUILD)/libnpu/%.o: EXTRA_CFLAGS += -Ilibnpu/include
$(BUILD)/tests/models/%.o $(BUILD)/tests/unit/libnpu_%.o: EXTRA_CFLAGS += -Ilibnpu -Ilibnpu/include
# Loops over bytes: vectorised, and without fused multiply-adds in float32.
$(BUILD)/libnpu/arithmetic.o $(BUILD)/libnpu/cpu.o $(BUILD)/libnpu/cpu_%.o: \
	EXTRA_CFLAGS += -O3 -ffp-contract=off
$(BUILD)/libnpu/kernels_%.o: EXTRA_CFLAGS += -O3 -ffp-contract=off \
	-DCPU_KERNELS=cpu_kernels_$* -DCPU_KERNELS_NAME='"$*"'
$(BUILD)/libnpu/kernels_avx2.o: EXTRA_CFLAGS += -mavx2
$(BUILD)/libnpu/kernels_avx512.o: EXTRA_CFLAGS += -mavx512f -mavx512bw -mavx512dq \
	-mavx512vl -mavx512vnni -mprefer-vector-width=512
$(BUILD)/libnpu/kernels_%.o: libnpu/cpu_kernels.c
	@mkdir -p $(@D)
	$(CC) $(KESTREL_CFLAGS) $(EXTRA_CFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/libnpu/device_kernel.o $(BUILD)/libnpu/tools/usage.o: EXTRA_CFLAGS += $(LIBDRM_CFLAGS)
$(BUILD)/libnpu/tools/classify.o: EXTRA_CFLAGS += $(LIBPNG_CFLAGS)

$(LIBNPU): $(LIBNPU_OBJECTS) libnpu/npu.map
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-soname,libnpu.so.0 -Wl,--version-script=libnpu/npu.map \
		-Wl,-z,defs '-Wl,-rpath,$$ORIGIN' $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ \
		$(LIBNPU_OBJECTS) $(LIBDRM_LIBS) -lm -ldl -lpthread
	ln -sf libnpu.so.0 $(BIN)/libnpu.so

$(LIBNPU_ARCHIVE): $(LIBNPU_OBJECTS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(LIBNPU_TOOLS): $(BIN)/npu-%: $(BUILD)/libnpu/tools/%.o \
		$(LIBNPU_TOOL_OBJECTS) $(LIBNPU)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBNPU_LINK) $(TOOL_LIBS)

$(BIN)/npu-coredump: $(LIBNPU_DUMP_OBJECTS)
$(BIN)/npu-timeline: $(LIBNPU_TRACE_OBJECTS)
$(BIN)/npu-top: $(LIBNPU_USAGE_OBJECTS)
$(BIN)/npu-classify: TOOL_LIBS := $(LIBPNG_LIBS)

$(LIBNPU_INTERFACE_TEST): %/interface_test: %/interface.o $(LIBNPU_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) '-Wl,-rpath,$$ORIGIN/../../bin' -o $@ $^ \
		$(LIBDRM_LIBS) -lm -ldl -lpthread

$(BUILD)/tests/unit/libnpu_coredump_test: $(LIBNPU_DUMP_OBJECTS)
$(BUILD)/tests/unit/libnpu_trace_test: $(LIBNPU_TRACE_OBJECTS)
$(BUILD)/tests/unit/libnpu_usage_test: $(LIBNPU_USAGE_OBJECTS)
$(LIBNPU_TESTS): %: %.o $(LIBNPU_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBDRM_LIBS) -lm -ldl -lpthread
