# SPDX-License-Identifier: BSD-2-Clause
# One non-recursive Makefile.  `make help` lists the targets.
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= bpftool
PKG_CONFIG ?= pkg-config
LOWDOWN ?= lowdown
PREFIX  ?= /usr/local
DESTDIR ?=
O       ?= build
V       ?= 0
WERROR  ?= 0
SAN     ?=
COV     ?=
FUZZ_SECONDS ?= 30

# One name for one directory: dependency files name their objects by it, and scripts give it in full.
override O := $(patsubst $(CURDIR)/%,%,$(abspath $(O)))

VERSION := 0.1.0

# All CPUs unless the command line says how many; goals that undo or call others stay in their order.
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS))$(filter clean test test-full demo bench bench-quick soak,$(MAKECMDGOALS)),)
MAKEFLAGS += -j$(shell nproc)
endif

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n')

# A gateway of another version of bpf/abi.h, for the test of upgrades: make O=DIR OTHER_ABI=99
ABI_FLAG := $(if $(OTHER_ABI),-DSIPSEAL_ABI_VERSION=$(OTHER_ABI))

# Objects for sanitizers live beside the plain ones: make SAN=address,undefined; so do those that count what of them
# is run: make COV=1
B := $(O)/$(if $(COV),cov,$(if $(SAN),san,rel))

need = $(if $(shell $(PKG_CONFIG) --exists $(1) && echo y),,$(error $(1) is missing: apt-get install $(2), or scripts/bootstrap.sh build))
ifeq ($(filter help clean fmt,$(MAKECMDGOALS)),)
$(call need,libbpf,libbpf-dev)$(call need,libcrypto,libssl-dev)$(call need,libxml-2.0,libxml2-dev)
$(call need,yaml-0.1,libyaml-dev)$(call need,jansson,libjansson-dev)$(call need,libmicrohttpd,libmicrohttpd-dev)
$(call need,libcurl,libcurl4-openssl-dev)$(call need,libseccomp,libseccomp-dev)$(call need,libcap-ng,libcap-ng-dev)
$(call need,libmnl,libmnl-dev)$(call need,libxxhash,libxxhash-dev)$(call need,libnftnl,libnftnl-dev)
$(if $(wildcard /usr/include/uthash.h),,$(error uthash is missing: apt-get install uthash-dev, or scripts/bootstrap.sh build))
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wvla -Wmissing-prototypes -Wstrict-prototypes
WARN += $(if $(filter 1,$(WERROR)),-Werror)
CFLAGS ?= -O2 -g
HARDEN := $(if $(SAN)$(COV),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong
ALL_CFLAGS = -std=gnu17 $(WARN) -D_GNU_SOURCE -DSIPSEAL_VERSION='"$(VERSION)"' $(ABI_FLAG) -Ibpf -Iuser -I$(O)/gen \
	$(HARDEN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined) $(CFLAGS) \
	$(if $(COV),-O0 --coverage -fprofile-update=atomic) $(shell $(PKG_CONFIG) --cflags libxml-2.0)
ALL_LDFLAGS = $(if $(COV),--coverage) $(if $(SAN),-fsanitize=$(SAN)) -Wl,-z,relro,-z,now -pie $(LDFLAGS)
ALL_CFLAGS += -fPIE

lib = $(shell $(PKG_CONFIG) --libs $(1))
LIBS_base     :=
LIBS_sip      :=
LIBS_stir     := $(call lib,libcrypto) $(call lib,jansson)
LIBS_location := $(call lib,libxml-2.0)
LIBS_template :=
LIBS_trunk    :=
LIBS_engine   :=
LIBS_wire     :=
LIBS_xsk      :=
LIBS_config   := $(call lib,yaml-0.1) $(call lib,jansson)
LIBS_signer   := $(call lib,libseccomp) $(call lib,libxxhash) -lpthread
LIBS_daemon   := $(call lib,libbpf) -lelf -lz $(call lib,libmicrohttpd) $(call lib,jansson) $(call lib,libmnl) $(call lib,libnftnl) $(call lib,libcap-ng)
LIBS_fetcher  := $(call lib,libcurl) $(call lib,libcrypto) $(call lib,libseccomp) -lpthread
LIBS_cli      := $(call lib,libcurl) $(call lib,jansson)

# What a module may use, lowest last: the arrows of the architecture (tests/unit/arrows.sh checks the
# includes against the same table).  `template` is the part of location/ that the signer links.
MODULES := base sip stir location trunk engine wire xsk config signer fetcher daemon cli
USES_base     :=
USES_sip      := base
USES_stir     := sip base
USES_location := base
USES_trunk    := location stir sip base
USES_engine   := trunk location stir sip base
USES_wire     := base
USES_xsk      := stir base
USES_config   := trunk location stir sip base
USES_signer   := engine trunk location stir sip wire xsk base
USES_fetcher  := stir sip base
USES_daemon   := config trunk location xsk stir sip base
USES_cli      := fetcher config engine trunk location stir sip base

src = $(sort $(wildcard user/$(1)/*.c))
main_of = user/$(1)/main.c
obj = $(patsubst user/%.c,$(B)/%.o,$(1))
$(foreach m,$(MODULES),$(eval SRC_$(m) := $(filter-out $(call main_of,$(m)),$(call src,$(m)))))
# pidf.c is the only file of location/ that needs libxml2: the archive keeps it out of the signer
ar = $(foreach m,$(1),$(B)/lib$(m).a)
libs = $(foreach m,$(1),$(LIBS_$(m)))

PROGS := $(O)/sipseald $(O)/sipseal-signer $(O)/sipseal-fetcher $(O)/sipseal
all: $(PROGS)            ## build the programs (the default)

$(foreach m,$(MODULES),$(eval $(B)/lib$(m).a: $(call obj,$(SRC_$(m)))))
$(B)/lib%.a:
	$(say) AR $@
	$(Q)rm -f $@; ar rcs $@ $^

# only daemon/ sees the skeletons
$(patsubst user/%.c,$(B)/%.o,$(wildcard user/daemon/*.c)): | $(O)/gen/gateway.skel.h $(O)/gen/host.skel.h
$(B)/%.o: user/%.c Makefile
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# BPF: object, then skeleton; clang of Debian 12 is the oldest we build with
BPF_CFLAGS := -O2 -g -Wall -Wextra -target bpf $(ABI_FLAG) -Ibpf -I/usr/include/$(shell uname -m)-linux-gnu
$(O)/gen/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) $(if $(filter 1,$(WERROR)),-Werror) -c -o $@ $<
$(O)/gen/%.bpf.o: tests/bench/%.bpf.c $(wildcard tests/bench/*.h)
	@mkdir -p $(@D)
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) $(if $(filter 1,$(WERROR)),-Werror) -c -o $@ $<
$(O)/gen/%.skel.h: $(O)/gen/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(O)/sipseald: $(call obj,user/daemon/main.c) $(call ar,daemon $(USES_daemon))
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,daemon $(USES_daemon))
$(O)/sipseal-signer: $(call obj,user/signer/main.c) $(call ar,signer $(USES_signer))
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(filter-out -lxml2,$(call libs,signer $(USES_signer)))
# a directory up from the unit tests, which start the one that was built with the same SAN
$(B)/sipseal-fetcher: $(call obj,user/fetcher/main.c) $(call ar,fetcher $(USES_fetcher))
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,fetcher $(USES_fetcher))
$(O)/sipseal-fetcher: $(B)/sipseal-fetcher
	$(Q)cp $< $@
# of fetcher/ it takes the judge and the store, not the sandbox
$(O)/sipseal: $(call obj,user/cli/main.c) $(call ar,cli $(USES_cli))
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(filter-out -lseccomp,$(call libs,cli $(USES_cli)))

# Unit tests: tests/unit/<module>/test_*.c, one program each, linked with that module and what it uses
UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))
unit: $(UNIT_BIN)        ## build the unit tests (run them by scripts/test.sh unit)
define unit_rule
$(B)/unit/$(1)/%: tests/unit/$(1)/%.c $(call ar,$(1) $(USES_$(1)))
	@mkdir -p $$(@D)
	$$(say) UNIT $$<
	$$(Q)$$(CC) $$(ALL_CFLAGS) -Wno-conversion -Wno-missing-field-initializers -Itests/unit -MMD -MP $$(ALL_LDFLAGS) -o $$@ $$< $(call ar,$(1) $(USES_$(1))) \
		$(call libs,$(1) $(USES_$(1))) $$(UNIT_LIBS) $$(shell $$(PKG_CONFIG) --libs cmocka)
endef
# its tests run an HTTPS server of their own, and the program
$(B)/unit/fetcher/%: UNIT_LIBS = $(call lib,libssl)
$(filter $(B)/unit/fetcher/% $(B)/unit/daemon/test_fetcher_real,$(UNIT_BIN)): | $(B)/sipseal-fetcher
$(foreach m,$(MODULES),$(eval $(call unit_rule,$(m))))

# Programs of the BPF tests (BPF_PROG_TEST_RUN; need root)
BPFTEST_SRC := $(sort $(wildcard tests/bpf/test_*.c))
bpftests: $(patsubst tests/bpf/%.c,$(O)/bpftest/%,$(BPFTEST_SRC)) ## build the BPF tests
$(O)/bpftest/%: tests/bpf/%.c $(wildcard tests/bpf/*.h) $(call ar,daemon $(USES_daemon))
	@mkdir -p $(@D)
	$(say) BPFTEST $<
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-conversion -Wno-missing-field-initializers -Itests/unit -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(call ar,daemon $(USES_daemon)) \
		$(call libs,daemon $(USES_daemon)) $(shell $(PKG_CONFIG) --libs cmocka)

# Programs of the benchmarks
BENCH_SRC := $(sort $(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
benchprogs: $(patsubst tests/bench/%.c,$(O)/bench/%,$(BENCH_SRC)) ## build the programs that make bench runs
$(O)/bench/%: tests/bench/%.c $(call ar,daemon signer engine $(USES_daemon) wire)
	@mkdir -p $(@D)
	$(say) BENCH $<
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-conversion -Wno-missing-field-initializers -Itests/unit -MMD -MP $(ALL_LDFLAGS) -o $@ $< \
		$(call ar,daemon signer engine $(USES_daemon) wire) $(call libs,daemon signer $(USES_daemon)) $(shell $(PKG_CONFIG) --libs cmocka)

$(O)/bench/sipblast: | $(O)/gen/sipblast.skel.h

# Programs that the lab tests use
TOOL_SRC := $(sort $(wildcard tests/tools/*.c))
tools: $(patsubst tests/tools/%.c,$(O)/tools/%,$(TOOL_SRC)) ## build the programs that the lab tests use
$(O)/tools/%: tests/tools/%.c $(call ar,signer $(USES_signer))
	@mkdir -p $(@D)
	$(say) TOOL $<
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-conversion -Wno-missing-field-initializers -Itests/unit -MMD -MP $(ALL_LDFLAGS) -o $@ $< \
		$(call ar,signer $(USES_signer)) $(filter-out -lxml2,$(call libs,signer $(USES_signer))) $(shell $(PKG_CONFIG) --libs cmocka)

# Fuzz targets: tests/fuzz/fuzz_*.c with libFuzzer (clang)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PURE := $(foreach m,base sip stir trunk engine wire location config,$(SRC_$(m)))
# what a request goes through before it meets the kernel
FUZZ_PURE += $(patsubst %,user/daemon/%.c,control_route control_body fault api_paths dialplan_request trunkfile)
# what a stranger's URL and certificates go through
FUZZ_PURE += $(wildcard user/fetcher/judge*.c user/fetcher/url*.c) user/fetcher/store_format.c
# from frame in to frames out
FUZZ_PURE += $(SRC_signer) $(SRC_xsk)
fuzzprogs: $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(FUZZ_SRC)) ## build the fuzz targets (libFuzzer)
$(O)/fuzz/obj/%.o: user/%.c Makefile
	@mkdir -p $(@D)
	$(say) CLANG $<
	$(Q)$(CLANG) -std=gnu17 -g -O1 -D_GNU_SOURCE -DSIPSEAL_VERSION='"$(VERSION)"' -Ibpf -Iuser $(shell $(PKG_CONFIG) --cflags libxml-2.0) \
		-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -MMD -MP -c -o $@ $<
$(O)/fuzz/libpure.a: $(patsubst user/%.c,$(O)/fuzz/obj/%.o,$(FUZZ_PURE))
	$(Q)rm -f $@; ar rcs $@ $^
$(O)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(O)/fuzz/libpure.a
	$(say) FUZZ $@
	$(Q)$(CLANG) -std=gnu17 -g -O1 -D_GNU_SOURCE -Ibpf -Iuser -Itests/fuzz -Itests/unit \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -MMD -MP \
		-o $@ $< $(O)/fuzz/libpure.a $(call libs,stir location config signer)

# The same without the fuzzer, for make COV=1: the files of a corpus, once
$(B)/replay/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(call ar,engine $(USES_engine) wire)
	@mkdir -p $(@D)
	$(say) REPLAY $<
	$(Q)$(CC) $(filter-out -W%,$(ALL_CFLAGS)) -Itests/fuzz -Itests/unit $(ALL_LDFLAGS) -o $@ $< tests/fuzz/replay.c \
		$(call ar,engine $(USES_engine) wire) $(call libs,engine $(USES_engine) wire)

# Manual pages: docs/NAME.SECTION.md is the one source; its first line becomes the section NAME
MAN := $(patsubst docs/%.md,$(O)/man/%,$(wildcard docs/*.[1-8].md))
man: $(MAN)              ## build the manual pages
$(O)/man/%: docs/%.md
	$(if $(shell command -v $(LOWDOWN)),,$(error $(LOWDOWN) is missing: apt-get install lowdown, or scripts/bootstrap.sh build))
	@mkdir -p $(@D)
	$(say) MAN $@
	$(Q)sed '1s/^# \([^(]*\)([1-8]) - /## NAME\n\n\1 - /' $< | $(LOWDOWN) -s -tman --parse-no-intraemph --out-no-smarty -m title=$(basename $*) \
		-m section=$(patsubst .%,%,$(suffix $*)) -m shiftheadinglevelby=-1 -m source="sipseal $(VERSION)" -m volume=sipseal > $@

# Scripts that call make themselves: not with the flags of this one
script = $(Q)env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL
test:                    ## run every test (as scripts/test.sh)
	$(script) scripts/test.sh
demo:                    ## the demonstration (as scripts/demo.sh)
	$(script) scripts/demo.sh
bench:                   ## measure (20 minutes): a table, build/bench/results.json, index.html and plots
	$(script) scripts/bench.sh
fuzz: fuzzprogs          ## run all fuzz targets, FUZZ_SECONDS=30 each; prints a table
	$(script) O=$(O) FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh
coverage:                ## which lines the unit tests and corpora run; a table per module
	$(script) O=$(O) scripts/coverage.sh
bench-quick:             ## the same in two minutes, with fewer rounds
	$(script) scripts/bench.sh --quick
test-full:               ## the tests with SCALE=full
	$(script) SCALE=full scripts/test.sh
soak: all                ## everything at once for 10 minutes (SOAK_SECONDS=); table, CSV and plot in build/soak
	$(Q)CALLER="make soak" scripts/bootstrap.sh test
	$(script) O=$(abspath $(O)) SOAK_SECONDS=$${SOAK_SECONDS:-$(or $(SOAK_SECONDS),600)} SOAK_PROGRESS=1 \
		SOAK_DIR=$(abspath $(O))/soak tests/lab/90_soak.sh

DEST = $(DESTDIR)$(PREFIX)
# for users; manual pages go elsewhere, performance.md is about this tree
DOCS := $(filter-out docs/performance.md $(wildcard docs/*.[1-8].md),$(wildcard docs/*.md))
install: all man         ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(O)/sipseal $(DEST)/bin/sipseal
	install -D -m 755 $(O)/sipseald $(DEST)/sbin/sipseald
	install -D -m 755 $(O)/sipseal-signer $(DEST)/libexec/sipseal/sipseal-signer
	install -D -m 755 $(O)/sipseal-fetcher $(DEST)/libexec/sipseal/sipseal-fetcher
	install -d $(DEST)/lib/systemd/system $(addprefix $(DEST)/share/man/man,1 5 8)
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' conf/systemd/sipseald.service > $(DEST)/lib/systemd/system/sipseald.service
	install -m 644 conf/systemd/run-sipseal-bpf.mount $(DEST)/lib/systemd/system
	install -D -m 644 conf/sysusers.conf $(DEST)/lib/sysusers.d/sipseal.conf
	install -D -m 644 conf/completion/sipseal $(DEST)/share/bash-completion/completions/sipseal
	for page in $(MAN); do install -m 644 $$page $(DEST)/share/man/man$${page##*.}; done
	install -D -m 644 conf/sipseal.yaml $(DEST)/share/sipseal/sipseal.yaml
	install -D -m 644 -t $(DEST)/share/sipseal/trunks conf/trunks/*.yaml
	install -D -m 644 -t $(DEST)/share/doc/sipseal README.md NEWS LICENSE $(DOCS)

clean:                   ## remove $(O)
	rm -rf $(O)
fmt:                     ## format the sources by .clang-format
	clang-format -i $(wildcard bpf/*.[ch] user/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
help:                    ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: V=1 O=dir SAN=address,undefined WERROR=1 -j (all CPUs)  PREFIX=/usr/local DESTDIR="

-include $(shell find $(O) -type f -name '*.d' 2>/dev/null)
.PHONY: all unit bpftests benchprogs tools fuzzprogs fuzz coverage man test test-full demo bench bench-quick soak install clean fmt help
.DELETE_ON_ERROR:
.SECONDARY:
