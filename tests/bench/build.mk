# SPDX-License-Identifier: MIT
#
# Benchmarks: each prints a table and writes $(BUILD)/bench/*.json. Included by
# tests/build.mk.

BENCH_LAYERS := $(BUILD)/tests/bench/layers

$(BUILD)/tests/bench/layers.o: EXTRA_CFLAGS := -Itests/random-graphs

# Single layers, written by the random networks' writer of models.
$(BENCH_LAYERS): $(call objects,tests/bench/layers.c tests/random-graphs/model_file.c \
		 tests/random-graphs/network.c tests/random-graphs/operators.c)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -lm

bench-compiler: programs $(BENCH_LAYERS)
	@tests/bench/compiler.py --bin $(BIN) --layers $(BENCH_LAYERS) \
		--output $(BUILD)/bench/compiler.json

.PHONY: bench-compiler
