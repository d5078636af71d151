# SPDX-License-Identifier: MIT
# The compiler: libkestrel-compiler.so for libnpu, npuc for people.

COMPILER_SOURCES := $(wildcard compiler/*.c)
# ONNX's messages, unpacked by what protoc-c makes of their description.
COMPILER_MESSAGES := $(BUILD)/compiler/onnx.pb-c
# libnpu's checks of graph files, which decide what is written.
COMPILER_OBJECTS := $(call objects,$(COMPILER_SOURCES)) $(COMPILER_MESSAGES).o \
		    $(BUILD)/compiler/report_page.o \
		    $(call objects,$(wildcard libnpu/operator_check*.c) libnpu/graph.c \
		    libnpu/graph_check.c libnpu/message.c libnpu/sha256.c)
COMPILER_LIBS := -lprotobuf-c -lm
# What npuc and the unit tests link; the library's own table is not part of it.
COMPILER_ARCHIVE := $(BUILD)/compiler/libcompiler.a
COMPILER_LIBRARY := $(BIN)/libkestrel-compiler.so
COMPILER_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%, \
		    $(wildcard tests/unit/compiler_*_test.c))

LIBRARIES += $(COMPILER_LIBRARY)
PROGRAMS += $(BIN)/npuc
UNIT_TESTS += $(COMPILER_TESTS)

$(BUILD)/compiler/%.o $(BUILD)/tests/unit/compiler_%.o: EXTRA_CFLAGS += -Icompiler \
	-I$(BUILD)/compiler -Ilibnpu

$(COMPILER_MESSAGES).c $(COMPILER_MESSAGES).h &: compiler/onnx.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(@D) -I$(<D) $<

$(COMPILER_MESSAGES).o: $(COMPILER_MESSAGES).c
	$(CC) $(KESTREL_CFLAGS) $(EXTRA_CFLAGS) $(CFLAGS) -c -o $@ $<

$(call objects,$(wildcard compiler/onnx*.c)): $(COMPILER_MESSAGES).h

# The page of report.html as a string.
$(BUILD)/compiler/report_page.c: compiler/report.html
	@mkdir -p $(@D)
	{ printf '#include "report_page.h"\n\nconst char report_page[] =\n'; \
	  sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $<; echo ';'; } >$@

$(BUILD)/compiler/report_page.o: $(BUILD)/compiler/report_page.c
	$(CC) $(KESTREL_CFLAGS) $(EXTRA_CFLAGS) $(CFLAGS) -c -o $@ $<

$(COMPILER_ARCHIVE): $(COMPILER_OBJECTS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(COMPILER_LIBRARY): $(COMPILER_OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ $(COMPILER_LIBS)

# npuc --verify runs graphs through libnpu; files and exit codes are as of its programs.
$(BUILD)/compiler/tools/%.o: EXTRA_CFLAGS += -Ilibnpu/include -Ilibnpu/tools
$(BIN)/npuc: $(call objects,$(wildcard compiler/tools/npuc/*.c) libnpu/tools/tool.c) \
		$(COMPILER_ARCHIVE) $(BIN)/libnpu.so.0
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBNPU_LINK) \
		$(COMPILER_LIBS)

# Makes models for the test of the reader.
$(BUILD)/tests/unit/compiler_onnx_test: $(BUILD)/tests/unit/onnx_model.o
$(BUILD)/tests/unit/onnx_model.o: EXTRA_CFLAGS += -Icompiler -I$(BUILD)/compiler
$(BUILD)/tests/unit/onnx_model.o $(BUILD)/tests/unit/compiler_onnx_test.o: $(COMPILER_MESSAGES).h

$(COMPILER_TESTS): %: %.o $(COMPILER_ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ $(COMPILER_LIBS)
