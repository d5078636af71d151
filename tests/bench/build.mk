# SPDX-License-Identifier: MIT
#
# Benchmarks: each prints a table and writes $(BUILD)/bench/*.json. Included by
# tests/build.mk.

BENCH_LAYERS := $(BUILD)/tests/bench/layers

$(BUILD)/tests/bench/layers.o: EXTRA_CFLAGS := -Itests/random-graphs

# Single layers, written by the random networks' writer of models.
$(BENCH_LAYERS): $(call objects,tests/bench/layers.c $(filter-out %/random_graphs.c,\
		 $(wildcard tests/random-graphs/*.c)))
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -lm

BENCH_FIRMWARE := $(BUILD)/tests/bench/firmware

$(BENCH_FIRMWARE): $(BUILD)/tests/bench/firmware.o | programs
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $< -L$(BIN) -lkestrel-simulator \
		-Wl,-rpath,$(abspath $(BIN))

bench-compiler: programs $(BENCH_LAYERS)
	@tests/bench/compiler.py --bin $(BIN) --layers $(BENCH_LAYERS) \
		--output $(BUILD)/bench/compiler.json

bench-driver: programs $(BENCH_FIRMWARE)
	@tests/bench/driver.py --build $(BUILD) --output $(BUILD)/bench/driver.json

.PHONY: bench-compiler bench-driver
