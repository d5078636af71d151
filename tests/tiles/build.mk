# SPDX-License-Identifier: MIT
#
# Networks of wide maps, written by the random networks' writer of models; see
# tests/tiles/check.sh. Included by tests/build.mk.

TILES_NETWORKS := $(BUILD)/tests/tiles/networks

$(BUILD)/tests/tiles/networks.o: EXTRA_CFLAGS := -Itests/random-graphs

$(TILES_NETWORKS): $(call objects,tests/tiles/networks.c $(filter-out %/random_graphs.c,\
		   $(wildcard tests/random-graphs/*.c)))
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $^ -lm

tiles-networks: $(TILES_NETWORKS)
.PHONY: tiles-networks
