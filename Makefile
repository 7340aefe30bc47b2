# One non-recursive Makefile. `make help` lists the targets.
CC       ?= gcc
AR       ?= ar
PREFIX   ?= /usr/local
BUILD    ?= build
V        ?=
Q        := $(if $(V),,@)

PKGS     := libseccomp libcap libcjson
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wpointer-arith \
	    -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough $(if $(WERROR),-Werror)
CPPFLAGS += -D_GNU_SOURCE -Ilibcore/include -Ilibcore -I. -I$(BUILD)/gen $(shell pkg-config --cflags $(PKGS))
CFLAGS   ?= -O2 -g
CFLAGS_ALL = -std=gnu17 $(WARN) -fPIE $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
CORE_LIBS := $(shell pkg-config --libs $(PKGS))

core_src  := $(wildcard libcore/*/*.c)
wire_src  := $(wildcard shim/wire/*.c)
run_src   := $(wildcard runtime/*.c)
shim_src  := $(wildcard shim/*.c)
unit_src  := $(wildcard tests/unit/test_*.c)
unit_bin  := $(unit_src:tests/unit/%.c=$(BUILD)/tests/unit/%)
obj        = $(patsubst %.c,$(BUILD)/%.o,$(1))
programs  := $(if $(run_src),$(BUILD)/berth) $(if $(shim_src),$(BUILD)/berth-shim)

all: $(programs) $(BUILD)/libcore.a ## build the programs

$(BUILD)/libcore.a: $(call obj,$(core_src) $(wire_src))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/berth: $(call obj,$(run_src)) $(BUILD)/libcore.a
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CORE_LIBS)

$(BUILD)/berth-shim: $(call obj,$(shim_src)) $(BUILD)/libcore.a
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CORE_LIBS) -lev

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libcore.a $(CORE_LIBS) -lcmocka

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

check-unit: $(unit_bin) ## run the unit tests
	$(Q)for t in $(unit_bin); do $$t || exit 1; done

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## this list
	@grep -hE '^[a-z_.-]+:.*## ' Makefile | sed 's/:.*## /\t/' | column -t -s '	'

.PHONY: all check-unit clean help
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
