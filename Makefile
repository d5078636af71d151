# SPDX-License-Identifier: MIT
#
# Kestrel: `make` builds the host programs into build/bin, without root and
# without the network. Every directory describes itself in its own build.mk;
# the kernel module is described by Kbuild and built by `make modules`.

ifneq ($(KERNELRELEASE),)
# Kernel build systems that read Makefile before Kbuild find the module here.
include $(dir $(lastword $(MAKEFILE_LIST)))Kbuild
else

BUILD := build
BIN := $(BUILD)/bin
KESTREL_CACHE ?= $(HOME)/.cache/kestrel

CC ?= cc
AR ?= ar
OPTIMISE ?= -O2
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes \
	    -Wshadow -Wvla -Wpointer-arith -Wwrite-strings
# SANITIZE=address,undefined builds everything with these sanitizers.
SANITIZE ?=
SANITIZER_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
KESTREL_CFLAGS := -std=c11 -g $(OPTIMISE) $(WARNINGS) $(SANITIZER_FLAGS) -fPIC \
		  -fvisibility=hidden -D_GNU_SOURCE -Iuapi -MMD -MP
KESTREL_LDFLAGS := $(SANITIZER_FLAGS)

all: programs

# Filled by the build.mk files below.
PROGRAMS :=
GUEST_PROGRAMS :=
LIBRARIES :=
UNIT_TESTS :=

# One object per source, kept apart by directory.
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(KESTREL_CFLAGS) $(EXTRA_CFLAGS) $(CFLAGS) -c -o $@ $<

include $(wildcard */build.mk)

programs: $(LIBRARIES) $(PROGRAMS)

# Programs that test pure logic on the host; each exits 0 when all of it holds.
unit-tests: $(UNIT_TESTS)

print-unit-tests:
	@printf '%s\n' $(UNIT_TESTS)

# What the guest needs of the user library; see tests/vm/build-guest.sh.
guest-programs: $(GUEST_PROGRAMS)

# The two commands of README.md. Each installs what it needs.
run:
	@tests/demo/run.sh
check:
	@tests/check.sh
# The same with full counts; goes on where it was interrupted.
check-long:
	@tests/check-long.sh

# The kernel module. KDIR names the kernel build tree, ARCH and CROSS_COMPILE
# as usual. MODULE_OUTPUT is a scratch copy: the source tree stays clean.
KDIR ?= /lib/modules/$(shell uname -r)/build
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)

.PHONY: all programs unit-tests print-unit-tests guest-programs run check check-long modules clean
.DELETE_ON_ERROR:
endif
