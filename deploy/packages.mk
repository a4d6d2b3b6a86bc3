# SPDX-License-Identifier: BSD-2-Clause
# How parkwatch is handed on; included by the Makefile.

# One file that needs nothing but the kernel: a variant of its own, with archives of tools/static-libs and of Debian. The same
# sources give the same bytes, wherever they lie.
ARCHIVES  := $(BUILD)/libs
STATIC	  := $(BUILD)/parkwatch-static-$(ARCH)
HARDENED  := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$(CURDIR)=.
STATIC_CFLAGS  = $(HARDENED) -DPARKWATCH_STATIC -isystem $(ARCHIVES)/include -isystem $(ARCHIVES)/include/ncursesw
STATIC_LDFLAGS = -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,--strip-debug,--build-id=sha1,--no-warnings -L$(ARCHIVES)/lib
STATIC_LIBS    = -lncursesw -lbpf -ldwarf -lelf -lZydis -lprotobuf-c -ljson-c -lcurl -lmicrohttpd -lgnutls -lhogweed -lnettle -lgmp \
		 -ltasn1 -lyaml -lz -lzstd -lm

archives:
	$(Q)nice tools/static-libs $(ARCHIVES)
static: archives
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/static CFLAGS='$(STATIC_CFLAGS)' LDFLAGS='$(STATIC_LDFLAGS)' LIBS='$(STATIC_LIBS)' all
	$(call msg,COPY,$(STATIC))
	$(Q)cp $(BUILD)/static/parkwatch $(STATIC)

check-packages: static
	@tests/packages/run
.PHONY: archives static check-packages
