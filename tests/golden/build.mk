# SPDX-License-Identifier: MIT
#
# Runs golden graphs; see tests/golden/check.sh. Included by tests/build.mk.

GOLDEN := $(BUILD)/tests/golden/golden

$(GOLDEN).o: EXTRA_CFLAGS += -Ilibnpu/include

$(GOLDEN): $(GOLDEN).o | $(LIBNPU)
	@mkdir -p $(@D)
	$(CC) $(KESTREL_LDFLAGS) $(LDFLAGS) -o $@ $< -L$(BIN) -lnpu -Wl,-rpath,$(abspath $(BIN))

golden: $(GOLDEN)
.PHONY: golden
