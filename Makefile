# SPDX-License-Identifier: Apache-2.0
#
# One non-recursive Makefile. `make help` lists the targets; docs/CONTRIBUTING.md says how they are used.
# Sources are found by wildcard: a new .c file in a known directory needs no line here.
#
#   V=1                     show the commands            WERROR=1   warnings are errors
#   SAN=address,undefined   sanitizers, in build-san/    BUILD=dir  build somewhere else
#   DESTDIR= PREFIX=        where `install` puts things  CC= CFLAGS= LDFLAGS=  as everywhere

VERSION  := 0.1.0-dev

ifeq ($(origin CC),default)
CC       := gcc
endif
AR       ?= ar
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
DESTDIR  ?=
BINDIR   ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/berth
SAN      ?=
V        ?=
WERROR   ?=
BUILD    ?= $(if $(SAN),build-san,build)
SHELL    := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:

# ---- output: one line per step; the commands with V=1; nothing with -s
quiet    := $(findstring s,$(firstword -$(MAKEFLAGS)))
Q        := $(if $(V),,@)
say       = $(if $(V)$(quiet),@:,@printf '  %-7s %s\n' '$(1)' '$(2)')

# ---- flags. probe.mk says which optional ones this compiler takes, and fails when a library is missing.
PKGS     := libseccomp libcap libcjson
GEN      := $(BUILD)/gen
empty    :=
space    := $(empty) $(empty)
probe    := $(GEN)/probe-$(subst /,_,$(subst $(space),_,$(CC))).mk
TRY      := -fstack-clash-protection -fcf-protection=full
# Goals that must work without compiler and libraries.
no_build := help clean check-layers check-shell deps-check
needs_cc := $(if $(MAKECMDGOALS),$(filter-out $(no_build),$(MAKECMDGOALS)),all)
ifneq ($(needs_cc),)
include $(probe)
endif

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wpointer-arith \
	    -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough -Wno-missing-field-initializers $(if $(WERROR),-Werror)
HARDEN   := -fPIE -fstack-protector-strong $(PROBED_FLAGS)
# FORTIFY needs the optimizer and hides errors from the sanitizers.
FORTIFY  := $(if $(SAN),,$(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3))
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
# -I- order: the public headers, then libcore/ ("base/fd.h"), then the top ("shim/wire/frame.h").
INCLUDES := -Ilibcore/include -Ilibcore -I. -I$(GEN)
ALL_CPPFLAGS = -D_GNU_SOURCE $(INCLUDES) $(PROBED_CFLAGS) $(FORTIFY) $(CPPFLAGS)
# What nobody calls costs each shim memory, since the kernel maps what lies around what is used.
SECTIONS := -ffunction-sections -fdata-sections
ALL_CFLAGS   = -std=gnu17 $(WARN) $(HARDEN) $(SECTIONS) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS  = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -Wl,--gc-sections $(SANFLAGS) $(LDFLAGS)
CORE_LIBS    = $(PROBED_LIBS)
COMPILE      = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP

# ---- what there is
core_src   := $(wildcard libcore/*/*.c)
run_src    := $(wildcard runtime/*.c runtime/*/*.c)
shim_src   := $(filter-out shim/wire/%,$(wildcard shim/*.c shim/*/*.c))
wire_src   := $(wildcard shim/wire/*.c)
unit_src   := $(wildcard tests/unit/test_*.c)
util_src   := $(filter-out $(unit_src),$(wildcard tests/unit/*.c))
helper_src := $(wildcard tests/helpers/*.c)
fault_src  := $(wildcard tests/faults/*.c)
bench_src  := $(wildcard tests/bench/*.c)
spec_src   := $(wildcard tests/spec/*.c)
# A fuzz target has one function; what it is run by is linked to it.
fuzz_src   := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_util  := $(filter-out $(fuzz_src),$(wildcard tests/fuzz/*.c))
lib_src    := $(core_src) $(wire_src) $(run_src) $(shim_src)
# Of the program alone: json_tree.c stands for libcjson, which the tests have.
shim_own   := shim/main.c shim/json_tree.c
all_src    := $(lib_src) $(unit_src) $(util_src) $(helper_src) $(fault_src) $(bench_src) $(spec_src) $(fuzz_src) $(fuzz_util)
headers    := $(wildcard libcore/*/*.h libcore/include/berth/*.h runtime/*.h runtime/*/*.h shim/*.h shim/*/*.h \
		tests/*/*.h)
obj         = $(patsubst %.c,$(BUILD)/%.o,$(1))
bin         = $(patsubst %.c,$(BUILD)/%,$(1))

programs   := $(if $(filter runtime/main.c,$(run_src)),$(BUILD)/berth) \
	      $(if $(filter shim/main.c,$(shim_src)),$(BUILD)/berth-shim)
# Each part but its main.c as an archive, so that unit tests can link anything.
libs       := $(BUILD)/libruntime.a $(BUILD)/libshim.a $(BUILD)/libwire.a $(BUILD)/libcore.a
link_libs   = -Wl,--start-group $(libs) -Wl,--end-group
unit_bin   := $(call bin,$(unit_src))
tool_bin   := $(call bin,$(helper_src) $(fault_src) $(bench_src))
spec_bin   := $(call bin,$(spec_src))
fuzz_bin   := $(call bin,$(fuzz_src))

all: $(programs) $(libs) ## build the programs (default)

$(BUILD)/libcore.a: $(call obj,$(core_src))
$(BUILD)/libwire.a: $(call obj,$(wire_src))
$(BUILD)/libshim.a: $(call obj,$(filter-out $(shim_own),$(shim_src)))
$(BUILD)/libruntime.a: $(call obj,$(filter-out runtime/main.c,$(run_src)))
# The list of members is part of the stamp: a removed source leaves its archive too.
$(BUILD)/lib%.a: $(GEN)/sources
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/berth: $(BUILD)/runtime/main.o $(BUILD)/libruntime.a $(BUILD)/libwire.a $(BUILD)/libcore.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

# Static where that can be, since the dirty pages of a loader and of libraries are each shim's own.
SHIM_LDFLAGS = $(if $(SAN),$(ALL_LDFLAGS),$(patsubst -pie,$(PROBED_SHIM_PIE),$(ALL_LDFLAGS)))
$(BUILD)/berth-shim: $(call obj,$(shim_own)) $(BUILD)/libshim.a $(BUILD)/libwire.a $(BUILD)/libcore.a shim/static.ld
	$(call say,LD,$@)
	$(Q)$(CC) $(SHIM_LDFLAGS) -o $@ $(filter %.o %.a,$^) -lev

$(BUILD)/%.o: %.c $(GEN)/flags | $(GEN)/version.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -c -o $@ $<

# ---- tests
$(unit_bin): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(util_src)) $(libs)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call obj,$(util_src)) $(link_libs) $(CORE_LIBS) -lev -lcmocka

# Static, since they are often the only file in a container; never sanitized.
$(BUILD)/tests/helpers/%: tests/helpers/%.c $(GEN)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 $(WARN) -O2 -g -static -MMD -MP -o $@ $<

$(BUILD)/tests/faults/%: tests/faults/%.c $(GEN)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(ALL_LDFLAGS) -o $@ $<

$(BUILD)/tests/bench/%: tests/bench/%.c $(GEN)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(ALL_LDFLAGS) -o $@ $<

# Shims of other releases, as far as their hand-over and the layout of their structures go: tests/e2e/upgrade.bats.
test_shims := next after-next must
shim_next       := -DHANDOVER_VERSION=2 -DSHIM_TEST_LAYOUT=40
shim_after-next := -DHANDOVER_VERSION=3 -DSHIM_TEST_LAYOUT=4104
shim_must       := -DSHIM_TEST_MUST=1
shim_bin   := $(test_shims:%=$(BUILD)/tests/shims/%)
define test_shim
$(BUILD)/tests/shims/$(1).d/%.o: %.c $(GEN)/flags | $(GEN)/version.h
	@mkdir -p $$(@D)
	$$(Q)$$(COMPILE) $(shim_$(1)) -c -o $$@ $$<
$(BUILD)/tests/shims/$(1): $(patsubst %.c,$(BUILD)/tests/shims/$(1).d/%.o,$(shim_src) $(wire_src)) $(BUILD)/libcore.a shim/static.ld
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(SHIM_LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) -lev
endef
$(foreach s,$(test_shims),$(eval $(call test_shim,$(s))))

$(spec_bin): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libcore.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

# Without a fuzzer: the corpus is run, as a unit test.
$(fuzz_bin): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(fuzz_util)) $(libs)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call obj,$(fuzz_util)) $(link_libs) $(CORE_LIBS) -lev

tests: $(unit_bin) $(tool_bin) $(shim_bin) $(spec_bin) $(fuzz_bin) ## build the tests and their tools without running them

check-unit: $(unit_bin) $(fuzz_bin) ## run the unit tests and the fuzz targets' corpora (no root needed)
	$(Q)scripts/run-unit $(BUILD) $(unit_bin) $(fuzz_bin)

check-e2e: all $(tool_bin) $(shim_bin) ## run the end-to-end tests (root; E2E="files" WORLDS="v1 v2" for some)
	$(Q)BERTH_BUILD=$(BUILD) tests/e2e/run $(WORLDS) $(if $(E2E),-- $(E2E))

check-vm: all tests ## run the tests of real managers in a virtual machine (made on first use; root; MANAGERS=files for some)
	$(Q)scripts/vm test $(MANAGERS)

check-infra: ## run the tests of the scripts
	$(Q)scripts/run-bats $(BUILD) infra $(or $(INFRA),tests/infra)

# Every command and every way in and out of a container; the rest differs in what the kernel does, not in our code.
SANITIZED_E2E := lifecycle.bats exec.bats hooks.bats badinput.bats attach.bats state.bats recover.bats
check-hostile: all $(tool_bin) ## thousands of wrong inputs, each refused cleanly (root; HOSTILE="--only REGEX" for some)
	$(Q)BERTH_BUILD=$(BUILD) tests/security/hostile $(HOSTILE)

check-sanitize: ## run unit tests and (as root) end-to-end tests with the address and undefined-behaviour sanitizers
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined BUILD=build-san all tests check-unit
	$(Q)[ "$$(id -u)" -ne 0 ] || $(MAKE) --no-print-directory BUILD=build-san check-e2e-sanitized

check-e2e-sanitized:
	$(Q)BERTH_BUILD=$(BUILD) tests/e2e/run $(or $(WORLDS),native) -- $(SANITIZED_E2E)

check-format: ## is the C code formatted as .clang-format says
	$(Q)scripts/check-format $(all_src) $(headers)

check-layers: ## does each layer include only the layers below it
	$(Q)scripts/check-layers

check-headers: $(GEN)/version.h ## does each header compile alone
	$(Q)scripts/check-headers $(CC) $(ALL_CPPFLAGS) -std=gnu17 $(WARN) -- $(headers)

check-spec: $(spec_bin) ## is docs/SPEC.md complete, and does all that it and docs/RELIABILITY.md name exist
	$(Q)scripts/check-spec $(BUILD)
	$(Q)scripts/check-reliability

check-calls: all ## does no object file call what resolves path strings, but for a list with reasons
	$(Q)scripts/check-calls $(BUILD)

check-binaries: all ## are the programs linked as a release is to be (PIE, RELRO, NOW, NX, CET, ...)
	$(Q)scripts/check-binaries $(programs)

check-reproducible: ## are two builds in two folders the same to the bit (takes two whole builds)
	$(Q)scripts/check-reproducible

# Not part of the lint: it takes minutes, and knows nothing of the cleanup attribute before gcc 13.
ANALYZER := -fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-fd-leak -Wno-analyzer-file-leak -Wno-analyzer-possible-null-dereference
check-analyzer: $(GEN)/version.h ## gcc's static analyzer over all sources
	$(Q)bad=0; for f in $(lib_src); do \
		$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ANALYZER) -Werror -c -o $(GEN)/analyzed.o $$f || bad=1; \
	done; rm -f $(GEN)/analyzed.o; exit $$bad

COVERAGE_BUILD := build-coverage
coverage: ## lines executed by the unit tests and the corpora, by directory (E2E="files": and by these, as root)
	$(Q)$(MAKE) --no-print-directory -s BUILD=$(COVERAGE_BUILD) CFLAGS='-O0 -g --coverage' LDFLAGS='$(LDFLAGS) --coverage' all tests
	$(Q)find $(COVERAGE_BUILD) -name '*.gcda' -delete
	$(Q)scripts/run-unit $(COVERAGE_BUILD) $(patsubst $(BUILD)/%,$(COVERAGE_BUILD)/%,$(unit_bin) $(fuzz_bin)) | tail -n 1
	$(Q)[ -z '$(E2E)' ] || BERTH_BUILD=$(COVERAGE_BUILD) tests/e2e/run $(or $(WORLDS),native) -- $(E2E) | tail -n 1
	$(Q)scripts/coverage $(COVERAGE_BUILD)

# Builds that leave a property out of each config.json, or a protection out of the code. Some rows that stand for all, for every run of the tests; all rows by hand.
KNOCKOUT_BUILD  := build-knockouts
KNOCKOUT_SAMPLE := hostname hooks.prestart[].env root.readonly mounts[].options process.user.umask process.capabilities.ambient \
	process.noNewPrivileges linux.namespaces[].path linux.maskedPaths linux.resources.pids.limit \
	linux.resources.hugepageLimits linux.seccomp.syscalls[].errnoRet \
	CVE-2019-18837 CVE-2023-27561 CVE-2024-21626
comma := ,
knockouts: ## does each test of docs/SPEC.md and docs/SECURITY.md fail without its property or rule (root; KNOCKOUTS=PATH,PATH for some)
	$(Q)$(MAKE) --no-print-directory -s knockouts-build
	$(Q)scripts/knockouts $(KNOCKOUT_BUILD) $(patsubst %,'%',$(subst $(comma), ,$(KNOCKOUTS)))

knockouts-build:
	$(Q)$(MAKE) --no-print-directory BUILD=$(KNOCKOUT_BUILD) CPPFLAGS='$(CPPFLAGS) -DBERTH_KNOCKOUTS' all tests

knockouts-sample: ## the same for some of them
	$(Q)$(MAKE) --no-print-directory knockouts KNOCKOUTS='$(subst $(space),$(comma),$(strip $(KNOCKOUT_SAMPLE)))'

# Fuzzing: clang's fuzzer in every object, so a build of its own. FUZZ="config log" for some targets, FUZZ_SECONDS for each, JOBS at once.
FUZZ_BUILD := build-fuzz
FUZZ       ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(fuzz_src))
fuzz: ## fuzz all that parses, 10 minutes each (clang; FUZZ="config log" for some, FUZZ_SECONDS=, JOBS=)
	$(Q)$(MAKE) --no-print-directory fuzz-build
	$(Q)scripts/fuzz $(FUZZ_BUILD) $(FUZZ)
	$(Q)$(MAKE) --no-print-directory -s check-log-streams

# Every byte that is logged is read back: a million random streams, rotated anywhere.
check-log-streams: $(BUILD)/tests/unit/test_log_stream ## the same of the log: random streams, written and read (LOG_STREAMS=1000000, LOG_SEED=)
	$(Q)LOG_STREAMS=$(or $(LOG_STREAMS),1000000) LOG_SEED=$(LOG_SEED) UNIT_TIMEOUT=7200 scripts/run-unit $(BUILD) $<
	$(Q)grep -h '^# LOG_SEED' $(BUILD)/tests/test_log_stream.out

fuzz-minute: ## the same for a minute in all
	$(Q)$(MAKE) --no-print-directory fuzz-build
	$(Q)FUZZ_TOTAL=1 FUZZ_SECONDS=60 scripts/fuzz $(FUZZ_BUILD) $(FUZZ)

fuzz-build:
	$(Q)$(MAKE) --no-print-directory CC=clang SAN=address,undefined,fuzzer-no-link BUILD=$(FUZZ_BUILD) fuzz-targets

fuzz_main := $(fuzz_src:tests/fuzz/%.c=$(BUILD)/tests/fuzz/%.main)
fuzz-targets: $(fuzz_main)
$(fuzz_main): $(BUILD)/tests/fuzz/%.main: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/support.o $(libs)
	$(call say,LD,$(@:.main=))
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $(@:.main=) $< $(BUILD)/tests/fuzz/support.o $(link_libs) $(CORE_LIBS) -lev
	@touch $@

# One stamp per file, so that only what has changed is looked at again.
tidy_ok := $(lib_src:%.c=$(BUILD)/lint/%.tidy)
check-lint: check-tidy check-cppcheck check-shell ## clang-tidy, cppcheck and shellcheck
check-tidy: $(tidy_ok)
$(tidy_ok): $(BUILD)/lint/%.tidy: %.c $(BUILD)/%.o .clang-tidy
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- $(ALL_CPPFLAGS) -std=gnu17 $(WARN) \
		>$@.log 2>/dev/null || { cat $@.log; exit 1; }
	@touch $@

CPPCHECK := cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr -j2 \
	    --suppressions-list=.cppcheck --error-exitcode=1 -D_GNU_SOURCE -D__linux__ $(INCLUDES)
check-cppcheck: $(GEN)/version.h
	$(Q)$(if $(lib_src),$(CPPCHECK) $(lib_src),:)

check-shell:
	$(Q)scripts/check-shell

check: ## every test there is, summed up in one line (what scripts/check does after installing its tools)
	$(Q)scripts/check --no-install

demo: ## show a container run, listed, attached to, waited for and deleted (root)
	$(Q)scripts/demo

bench: all $(tool_bin) ## compare with crun, runc and a bare-kernel floor (root)
	$(Q)scripts/bench

soak: all ## many containers, clients and kills at once, at most 10 minutes (root; SOAK="--containers 20" for options)
	$(Q)BERTH_BUILD=$(BUILD) tests/soak/soak $(SOAK)

SWEEP ?= --world native --variant always --fault kill --fault stop --fault errnos $(foreach c,create start exec kill pause resume update delete,--command $c)
sweep: all $(tool_bin) ## kill, stop or fail each system call of each command (root; hours; SWEEP="--command create --fault EIO" for some)
	$(Q)BERTH_BUILD=$(BUILD) tests/faults/sweep $(SWEEP)

bench-shim: all $(tool_bin) ## compare what keeps a container with conmon and containerd's shim (root; BENCH="--count 20" for options)
	$(Q)scripts/bench shim $(BENCH)

install: all ## install below $(DESTDIR)$(PREFIX)
	$(Q)install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR)
	$(Q)$(if $(filter %/berth,$(programs)),install -m 0755 $(BUILD)/berth $(DESTDIR)$(BINDIR)/berth,:)
	$(Q)$(if $(filter %/berth-shim,$(programs)),install -m 0755 $(BUILD)/berth-shim $(DESTDIR)$(LIBEXECDIR)/berth-shim,:)

clean: ## remove what was built
	$(Q)rm -rf build build-san build-clang $(KNOCKOUT_BUILD) $(FUZZ_BUILD) $(COVERAGE_BUILD) $(BUILD) compile_commands.json

deps-check: ## name everything that is missing to build and test
	$(Q)scripts/deps-check build test

help: ## this list
	@sed -nE 's/^([a-z][a-z0-9_.-]*):.*## (.*)/  \1\t\2/p' Makefile | column -t -s $$'\t'

# ---- generated files. Each is rewritten only when its content changes, so that nothing rebuilds in vain.
define put
	@mkdir -p $(@D); printf '%s\n' $(1) >$@.tmp; \
	if cmp -s $@.tmp $@; then rm -f $@.tmp; else mv -f $@.tmp $@; fi
endef

$(GEN)/flags: FORCE
	$(call put,'$(subst ','\'',$(COMPILE) | $(ALL_LDFLAGS) | $(SHIM_LDFLAGS) | $(CORE_LIBS))')

$(GEN)/sources: FORCE
	$(call put,'$(lib_src) $(util_src)')

# git may be missing, refuse (another owner), or speak of a repository around an unpacked tarball.
commit = $(shell [ "$$(git rev-parse --show-toplevel 2>/dev/null)" -ef . ] && \
	git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
$(GEN)/version.h: FORCE
	$(call put,'/* Generated by the Makefile. */' '#pragma once' '#define BERTH_VERSION "$(VERSION)"' \
		'#define BERTH_COMMIT "$(commit)"' '#define BERTH_LIBEXECDIR "$(LIBEXECDIR)"')

$(probe): Makefile scripts/deps-check
	@scripts/deps-check build
	@mkdir -p $(@D)
	@{ printf 'PROBED_FLAGS :='; for f in $(TRY); do \
		$(CC) -Werror $$f -x c -c -o /dev/null /dev/null 2>/dev/null && printf ' %s' "$$f"; done; \
	printf '\nPROBED_SHIM_PIE := '; \
	echo 'int ev_version_major(void); int main(void) { return ev_version_major(); }' | \
		$(CC) -fPIE -static-pie -Wl,-T,shim/static.ld -x c -o $@.static - -lev 2>/dev/null && $@.static; \
	[ $$? -le 4 ] 2>/dev/null && printf '%s' '-static-pie -Wl,-T,shim/static.ld' || printf '%s' -pie; rm -f $@.static; \
	printf '\nPROBED_CFLAGS := %s\nPROBED_LIBS := %s\n' \
		"$$(pkg-config --cflags $(PKGS))" "$$(pkg-config --libs $(PKGS))"; } >$@

compile_commands.json: FORCE ## for clangd and other tools
	@{ sep='['; for f in $(all_src); do \
		printf '%s\n{"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$$sep" "$(CURDIR)" "$$f" \
			'$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' "$$f"; sep=,; \
	done; [ "$$sep" = , ] || printf '['; printf '\n]\n'; } >$@

FORCE:
.PHONY: all tests check check-vm check-unit check-e2e check-e2e-sanitized check-hostile check-infra check-sanitize check-format check-layers check-headers check-spec \
	check-lint check-tidy check-cppcheck check-shell knockouts knockouts-build knockouts-sample fuzz fuzz-minute fuzz-build fuzz-targets check-log-streams check-calls check-binaries check-reproducible check-analyzer coverage demo bench bench-shim soak sweep install clean deps-check help FORCE
.SECONDARY:

ifneq ($(needs_cc),)
-include $(patsubst %.c,$(BUILD)/%.d,$(all_src))
-include $(foreach s,$(test_shims),$(patsubst %.c,$(BUILD)/tests/shims/$(s).d/%.d,$(shim_src) $(wire_src)))
endif
