# SPDX-License-Identifier: MIT
#
# Random networks through compiler, simulator and processor; see
# tests/random-graphs/check.sh. Included by tests/build.mk.

RANDOM_GRAPHS := $(BUILD)/tests/random-graphs/random_graphs
RANDOM_GRAPHS_OBJECTS := $(call objects,$(wildcard tests/random-graphs/*.c))

$(RANDOM_GRAPHS_OBJECTS): EXTRA_CFLAGS := -Ilibnpu/include

# Compiler and libnpu in process; the simulator is loaded from $(BIN).
$(RANDOM_GRAPHS): $(RANDOM_GRAPHS_OBJECTS) $(COMPILER_ARCHIVE) $(LIBNPU_ARCHIVE) | programs
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) '-Wl,-rpath,$$ORIGIN/../../bin' -o $@ \
		$(filter %.o %.a,$^) $(LIBDRM_LIBS) $(COMPILER_LIBS) -ldl -lpthread

random-graphs: $(RANDOM_GRAPHS)
.PHONY: random-graphs
