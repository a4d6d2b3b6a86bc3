# SPDX-License-Identifier: BSD-2-Clause
#
#	make			build/parkwatch, one self-contained binary
#	make ARCH=arm64		build/arm64/parkwatch, a cross build on amd64; on arm64 `make` does the same
#	make demo		installs what is missing, builds, records a bundled leaky Go program
#	make check		installs what is missing, builds, runs every test that this machine allows
#	make check-unit | check-asan | check-fuzz | check-bpf | check-integ | check-harm	parts of it
#	make check-clang	reads every source with clang too, for its warnings
#	make check-hunt	each fuzz target hunts for new inputs, HUNT=20 seconds
#	make fmt | check-fmt	formats the C files, says which are not formatted
#	make reference		writes docs/reference.md anew, from the option table
#	make check-scripts	shellcheck and ruff on all scripts
#	make check-backends	what the daemon sends, at real backends, which are built first: minutes
#	make check-kernels	the same truths on Debian's kernels 5.10 to the newest, in QEMU; rights of a pod there; the service under a real systemd
#	make check-arm64	cross build, and its truths on Debian's arm64 kernels, in QEMU: docs/arm64.md; QUICK=1: the part that .ci/run has
#	make check-kubernetes	deploy/kubernetes on a real node of Kubernetes, which is built first: minutes
#	make bench		cost beside bare, bpftrace and the floors
#	make soak		what the daemon holds after ten minutes of comers and goers, and after an hour
#	make static		build/parkwatch-static-amd64, which needs nothing but the kernel
#	make deb		build/parkwatch_VERSION_amd64.deb, for Debian 12 and 13
#	make image		build/parkwatch-image-amd64.tar, an OCI image of the static file
#	make images		build/parkwatch-image.tar, an OCI index of that and of the cross build's image
#	make check-packages	tries all three where they are meant to run
#	make check-packages-arm64	what the cross build makes of them, as far as an amd64 machine can tell
#	make install DESTDIR= PREFIX=/usr/local
#
# V=1 shows commands. One folder a variant: BUILD=build/asan CC=clang SAN=address,undefined never needs a clean.

NATIVE	:= $(if $(filter aarch64,$(shell uname -m)),arm64,amd64)
ARCH	:= $(NATIVE)
# What depends on the machine: Debian's name for it, libbpf's, ELF's.
MACHINE_amd64 := x86_64-linux-gnu x86 EM_X86_64
MACHINE_arm64 := aarch64-linux-gnu arm64 EM_AARCH64
MACHINE	:= $(or $(MACHINE_$(ARCH)),$(error ARCH is amd64 or arm64))
TRIPLET	:= $(word 1,$(MACHINE))
CROSS	:= $(if $(filter-out $(NATIVE),$(ARCH)),$(TRIPLET)-)

BUILD	?= build$(if $(CROSS),/$(ARCH))
PREFIX	?= /usr/local
ZSH_DIR	?= site-functions
CC	:= $(if $(filter default,$(origin CC)),$(CROSS)gcc,$(CC))
CLANG	?= clang
BPFTOOL	?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PKG_CONFIG := $(if $(CROSS),PKG_CONFIG_LIBDIR=/usr/lib/$(TRIPLET)/pkgconfig:/usr/share/pkgconfig) pkg-config
VERSION	:= 0.1.0

ifeq ($(V),1)
Q   :=
msg :=
else
Q   := @
msg  = @printf '  %-8s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$(2))';
endif

WARN	:= -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Werror
CFLAGS	?= -O2 -g
SAN	?=
# No finding is passed over, so the checks of UBSan make no edges of their own; an array ends where its elements do.
SAN_CFLAGS = -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DVEC_FIRST_BYTES=0
COVERAGE   = -fsanitize=fuzzer-no-link
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(if $(SAN),$(SAN_CFLAGS)) $(if $(FUZZER),$(COVERAGE)) \
	     $(ON_MACHINE) -D_GNU_SOURCE -DPARKWATCH_VERSION='"$(VERSION)"' -Iinclude -Iuser -I$(BUILD) $(DWARF_CFLAGS)
# libdwarf's headers are in /usr/include on Debian 12, in /usr/include/libdwarf-N on Debian 13
DWARF_CFLAGS := $(shell $(PKG_CONFIG) --cflags libdwarf 2>/dev/null)
LIBS	:= $(shell $(PKG_CONFIG) --libs ncursesw 2>/dev/null || echo -lncursesw -ltinfo) -lbpf -ldwarf -lelf -lZydis -lprotobuf-c -ljson-c -lmicrohttpd -lyaml -lz -lzstd -lm
ALL_LDFLAGS = $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN))

BPF_CFLAGS := -D__TARGET_ARCH_$(word 2,$(MACHINE)) -O2 -g -mcpu=v3 -Wall -Wextra -Wpadded -Werror -fdebug-prefix-map=$(CURDIR)=.
# maps first: libbpf's linker (1.1) takes a map for the first one if a file uses it before another defines it
BPF_SRCS   := bpf/maps.bpf.c $(filter-out bpf/maps.bpf.c,$(wildcard bpf/*.bpf.c))
BPF_OBJS   := $(BPF_SRCS:bpf/%.bpf.c=$(BUILD)/bpf/%.bpf.o)
SKEL	   := $(BUILD)/parkwatch.skel.h

SRCS	   := $(wildcard user/*/*.c)
OBJS	   := $(SRCS:%.c=$(BUILD)/obj/%.o)
MAIN_OBJ   := $(BUILD)/obj/user/cli/main.o
EXTRA_OBJS :=
# Programs that are no probes, each an object of its own: bpf/host/NAME.bpf.c -> build/NAME.skel.h
HOST_BPF   := $(wildcard bpf/host/*.bpf.c)
HOST_SKELS := $(HOST_BPF:bpf/host/%.bpf.c=$(BUILD)/%.skel.h)
GENERATED  := $(SKEL) $(HOST_SKELS)

all: $(BUILD)/parkwatch

include user/facts/facts.mk
include user/format/format.mk
include user/serve/serve.mk
include user/format/pages.mk
include deploy/packages.mk

LIB_OBJS = $(filter-out $(MAIN_OBJ),$(OBJS)) $(EXTRA_OBJS)

$(BUILD)/parkwatch: $(OBJS) $(EXTRA_OBJS)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) $(LIBS) -o $@

$(BUILD)/obj/%.o: %.c Makefile | $(GENERATED)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c Makefile
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -target bpf -Iinclude -isystem vmlinux/$(ARCH) -MMD -MP -c $< -o $@

$(BUILD)/parkwatch.bpf.linked.o: $(BPF_OBJS)
	$(call msg,LINK-BPF,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

# The machine that it runs on itself; whoever says what CFLAGS are keeps it.
$(BUILD)/obj/user/golang/goarch.o $(BUILD)/clang/user/golang/goarch.ok: ON_MACHINE := -DPARKWATCH_MACHINE=$(word 3,$(MACHINE))

$(SKEL): $(BUILD)/parkwatch.bpf.linked.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name parkwatch > $@

$(HOST_SKELS): $(BUILD)/%.skel.h: $(BUILD)/bpf/host/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# The floors of tools/bench: BPF programs of their own.
$(BUILD)/floor.bpf.o: tools/bench/floor.bpf.c Makefile
	$(call msg,BPF,$@)
	$(Q)$(CLANG) -O2 -g -mcpu=v3 -target bpf -D__TARGET_ARCH_$(word 2,$(MACHINE)) -isystem vmlinux/$(ARCH) -Iinclude -c $< -o $@
$(BUILD)/floor.skel.h: $(BUILD)/floor.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name floor > $@
$(BUILD)/obj/tools/bench/pwfloor.o $(BUILD)/obj/tools/bench/pwevents.o: | $(BUILD)/floor.skel.h

# --- tests ---

.SECONDEXPANSION:

$(BUILD)/obj/tests/bpf/%.o $(BUILD)/obj/tests/fuzz/%.o: CFLAGS += -I.
UNIT_SRCS := $(wildcard tests/unit/test_*.c tests/bpf/test_*.c)
UNIT_OBJS := $(UNIT_SRCS:%.c=$(BUILD)/obj/%.o)
# What asks is not optimised, what is asked is: a fifth of the time to compile.
$(UNIT_OBJS): CFLAGS += -O0
$(BUILD)/unit: $(UNIT_OBJS) $$(LIB_OBJS)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) $(LIBS) -lcriterion -o $@

# A test program that needs the rooms: tests/integ/pwNAME.c -> build/tests/pwNAME
PW_SRCS := $(wildcard tests/integ/pw*.c tests/bpf/pw*.c tools/bench/pw*.c)
PW_PROGS := $(addprefix $(BUILD)/tests/,$(notdir $(PW_SRCS:.c=)))
define pw_rule
$(BUILD)/tests/$(notdir $(1:.c=)): $(BUILD)/obj/$(1:.c=.o) $$$$(LIB_OBJS)
	$$(call msg,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$^ $$(ALL_LDFLAGS) $$(LIBS) -o $$@
endef
$(foreach s,$(PW_SRCS),$(eval $(call pw_rule,$(s))))
# What executes A64 code to compare with.
$(BUILD)/tests/pwa64 $(BUILD)/tests/pwheld64: LIBS += -lunicorn
test-programs: $(PW_PROGS)

# One variant for unit tests and fuzz targets: `make $(SANITIZED)`, and tools/check.
SANITIZED := CC=$(CLANG) BUILD=$(BUILD)/asan FUZZER=1 SAN=address,undefined
# Fuzz targets, of clang's libFuzzer: only with FUZZER=1.
FUZZ_SRCS  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_PROGS := $(FUZZ_SRCS:tests/fuzz/%.c=$(BUILD)/fuzz/%)
$(BUILD)/obj/tests/fuzz/%.o: WARN += -Wno-missing-prototypes
# What reads facts is as fast as it can be: its comparisons are not traced, for fuzz_facts changes messages by field.
$(BUILD)/obj/tests/fuzz/%.o: COVERAGE :=
$(addprefix $(BUILD)/obj/,$(foreach r,base facts names model view format,user/$r/%.o) facts/%.o): COVERAGE := -fsanitize-coverage=inline-8bit-counters,pc-table
# They share their target with the unit test: tests/unit/fake_locks.h
$(BUILD)/obj/tests/fuzz/fuzz_holds.o $(BUILD)/obj/tests/fuzz/fuzz_holds_arm64.o: CFLAGS += -I.
# Out of an archive, so that a program has the code that it uses: libFuzzer goes through the counters of all after each input.
$(BUILD)/fuzz/rooms.a: $$(LIB_OBJS)
	$(call msg,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/fuzz/rooms.a
	$(call msg,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) -fsanitize=fuzzer $(LIBS) -o $@
fuzz-programs: $(FUZZ_PROGS)

# Built by clang for libFuzzer, then each hunts for HUNT seconds.
HUNT	?= 20
check-hunt:
	@$(MAKE) --no-print-directory $(SANITIZED) fuzz-programs
	@tests/fuzz/hunt -s $(HUNT) $(BUILD)/asan/fuzz

check-deps:
	@tools/setup test
check: check-deps
	@tools/check
check-unit check-asan check-fuzz check-bpf check-integ check-harm:
	@tools/check $(@:check-%=%)
# The other compiler's warnings. Nothing is made: it only reads.
CLANG_OK := $(patsubst %.c,$(BUILD)/clang/%.ok,$(SRCS) $(UNIT_SRCS) $(PW_SRCS) $(FUZZ_SRCS))
$(BUILD)/clang/%.ok: %.c Makefile | $(GENERATED)
	$(call msg,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(ALL_CFLAGS) -I. -fsyntax-only -MMD -MP -MF $(@:.ok=.d) -MT $@ $< && touch $@
$(BUILD)/clang/tests/fuzz/%.ok: WARN += -Wno-missing-prototypes
$(filter $(BUILD)/clang/tools/bench/%,$(CLANG_OK)): | $(BUILD)/floor.skel.h
check-clang: $(CLANG_OK)
# Tools by their number, from Python's packages: another release finds and formats otherwise, and Debian 12 has no ruff.
RUFF	     := $(BUILD)/lint/ruff-0.17.6/bin/ruff
CLANG_FORMAT := $(BUILD)/lint/clang-format-14.0.6/bin/clang-format
$(RUFF) $(CLANG_FORMAT):
	$(call msg,PIP,$@)
	$(Q)python3 -m venv $(patsubst %/bin/$(@F),%,$@)
	$(Q)$(@D)/pip -q --disable-pip-version-check install $(patsubst $(BUILD)/lint/$(@F)-%/bin/$(@F),$(@F)==%,$@)
# Scripts: what shellcheck and ruff (ruff.toml says what) find is an error.
check-scripts: check-shell check-python
check-shell:
	$(Q)git ls-files -z ':!tests/fuzz/corpus' | xargs -0 awk 'FNR == 1 { if (/^#!.*[ \/](ba)?sh$$/) print FILENAME; nextfile }' | xargs shellcheck -x
check-python: $(RUFF)
	$(Q)$(RUFF) check -q --no-cache
linters: $(RUFF) $(CLANG_FORMAT)
check-kernels: all
	@tools/setup kernels
	@tests/kernel/run
	@tests/kernel/overlay
	@tests/kernel/service
check-arm64: all
	@tools/setup arm64
	@$(MAKE) --no-print-directory ARCH=arm64 all build/arm64/tests/pwreach
	@tests/kernel/arm64.py $(if $(QUICK),--quick)
check-backends: all check-deps
	@PARKWATCH_BACKENDS=1 tests/integ/run.py --only '^backends: '
check-kubernetes: image
	@IMAGE=$(abspath $(IMAGE)) tests/kubernetes/run.py
bench: all
	@tools/setup bench
	@$(MAKE) --no-print-directory test-programs
	@tools/bench/overhead
	@tools/bench/census
	@tools/bench/many
	@tools/bench/proof
	@tools/bench/requests --statements 100000
	@tools/bench/recording
	@tools/bench/serve
	@tools/bench/fleet
	@tools/bench/day
# What the daemon holds, each minute: while a hundred targets a second come and go, and for an hour.
soak: all
	@tools/bench/soak --minutes 10 --rate 100
	@tools/bench/soak --minutes 60
demo:
	@tools/setup demo
	@$(MAKE) --no-print-directory all
	@tools/demo

FMT := git ls-files -z 'user/*.[ch]' 'bpf/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'tools/*.[ch]' | xargs -0 -P "$$(nproc)" -n 40
fmt: $(CLANG_FORMAT)
	$(Q)$(FMT) $(CLANG_FORMAT) -i
check-fmt: $(CLANG_FORMAT)
	$(Q)$(FMT) $(CLANG_FORMAT) --dry-run -Werror

reference: all
	$(BUILD)/parkwatch help --reference > docs/reference.md

# What a program of this build says: one of a cross build, under QEMU.
RUN	:= $(if $(CROSS),qemu-$(patsubst %-linux-gnu,%,$(TRIPLET))-static)
say-version:
	$(Q)$(RUN) $(BUILD)/parkwatch version

install: all
	install -D -m 755 $(BUILD)/parkwatch $(DESTDIR)$(PREFIX)/bin/parkwatch
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,man/man8 bash-completion/completions zsh/$(ZSH_DIR) fish/vendor_completions.d)
	$(RUN) $(BUILD)/parkwatch help --man > $(DESTDIR)$(PREFIX)/share/man/man8/parkwatch.8
	$(RUN) $(BUILD)/parkwatch help --completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/parkwatch
	$(RUN) $(BUILD)/parkwatch help --completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/$(ZSH_DIR)/_parkwatch
	$(RUN) $(BUILD)/parkwatch help --completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/parkwatch.fish

clean:
	rm -rf $(BUILD)

-include $(BPF_OBJS:.o=.d) $(CLANG_OK:.ok=.d) $(OBJS:.o=.d) $(UNIT_OBJS:.o=.d) $(PW_SRCS:%.c=$(BUILD)/obj/%.d) $(FUZZ_SRCS:%.c=$(BUILD)/obj/%.d)
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all check check-deps check-unit check-asan check-fuzz check-bpf check-integ check-harm check-clang check-scripts check-shell check-python linters check-hunt check-backends check-kernels check-arm64 check-kubernetes bench soak demo reference fmt check-fmt say-version install clean \
	test-programs fuzz-programs
