# SPDX-License-Identifier: BSD-2-Clause
# How parkwatch is handed on; included by the Makefile.

# One file that needs nothing but the kernel: a variant of its own, with archives of tools/static-libs and of Debian. The same
# sources give the same bytes, wherever they lie.
ARCHIVES  ?= $(BUILD)/libs
STATIC	  := $(BUILD)/parkwatch-static-$(ARCH)
HARDENED  := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$(CURDIR)=.
STATIC_CFLAGS  = $(HARDENED) -DPARKWATCH_STATIC -isystem $(ARCHIVES)/include -isystem $(ARCHIVES)/include/ncursesw
STATIC_LDFLAGS = -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,--strip-debug,--build-id=sha1,--no-warnings -L$(ARCHIVES)/lib
STATIC_LIBS    = -lncursesw -lbpf -ldwarf -lelf -lZydis -lprotobuf-c -ljson-c -lcurl -lmicrohttpd -lgnutls -lhogweed -lnettle -lgmp \
		 -ltasn1 -lyaml -lz -lzstd -lm

STATIC_LIBS_FOR := HOST=$(if $(CROSS),$(TRIPLET)) nice tools/static-libs

archives:
	$(Q)$(STATIC_LIBS_FOR) $(ARCHIVES)
static: archives
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/static CFLAGS='$(STATIC_CFLAGS)' LDFLAGS='$(STATIC_LDFLAGS)' LIBS='$(STATIC_LIBS)' all
	$(call msg,COPY,$(STATIC))
	$(Q)cp $(BUILD)/static/parkwatch $(STATIC)

# The Debian package, for Debian 12 and 13: of libraries that differ between them the archives, of the rest the shared ones.
DEB	  := $(BUILD)/parkwatch_$(VERSION)_$(ARCH).deb
DEB_TREE  := $(BUILD)/deb/parkwatch-$(VERSION)
DEB_LIBS  := -lncursesw -ltinfo -Wl,-Bstatic -lbpf -ldwarf -Wl,-Bdynamic $(ARCHIVES)/lib/libZydis.a -lelf -lprotobuf-c -ljson-c -lmicrohttpd \
	     -lyaml -lz -lzstd -lm

deb:
	$(Q)$(STATIC_LIBS_FOR) $(ARCHIVES) zydis
	$(call msg,DEB,$(DEB))
	$(Q)rm -rf $(BUILD)/deb && mkdir -p $(DEB_TREE)
	$(Q)git ls-files -z ':!tests' | tar --null -T - -c | tar -C $(DEB_TREE) -x
	$(Q)cd $(DEB_TREE) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL CC='$(CC)' ARCHIVES='$(abspath $(ARCHIVES))' \
		DEB_BUILD_OPTIONS="noautodbgsym parallel=$$(nproc)" dpkg-buildpackage -b -us -uc -a$(ARCH) >../log 2>&1 || { tail -n 40 ../log >&2; exit 1; }
	$(Q)cp $(BUILD)/deb/$(notdir $(DEB)) $(DEB)
# What debian/rules makes and installs. The rules of the example are examples: nobody shall be watched by them.
deb-program:
	$(Q)$(STATIC_LIBS_FOR) $(ARCHIVES) zydis
	$(Q)$(MAKE) LIBS='$(DEB_LIBS)' all
deb-install:
	$(Q)$(MAKE) LIBS='$(DEB_LIBS)' install PREFIX=/usr ZSH_DIR=vendor-completions
	$(Q)sed 's,/usr/local/bin/,/usr/bin/,; 1s/ Copy it to .*//' deploy/systemd/parkwatch.service > debian/parkwatch.service
	$(Q)install -d $(DESTDIR)/etc/parkwatch $(DESTDIR)/usr/share/man/man5
	$(Q)sed '1s/: copy it to.*\. Everything/. Everything/; /^rules:/,/^$$/s/^[^#]/# &/' deploy/parkwatch.yaml > $(DESTDIR)/etc/parkwatch/parkwatch.yaml
	$(Q)install -m 644 deploy/man/parkwatch.yaml.5 $(DESTDIR)/usr/share/man/man5/

# An image for Kubernetes and others: parkwatch:VERSION, of the static file.
IMAGE	  := $(BUILD)/parkwatch-image-$(ARCH).tar

image: static
	$(call msg,IMAGE,$(IMAGE))
	$(Q)tools/image $(VERSION) $(IMAGE) $(ARCH)=$(STATIC):$(ARCHIVES)

# The same for both architectures: an index of two images, the other one of a cross build.
IMAGES	  := $(BUILD)/parkwatch-image.tar
OTHER	  := $(if $(filter amd64,$(ARCH)),arm64,amd64)
OTHERS	  := $(BUILD)/$(OTHER)

images: static
	$(Q)$(MAKE) --no-print-directory ARCH=$(OTHER) BUILD=$(OTHERS) CC=$(word 1,$(MACHINE_$(OTHER)))-gcc static
	$(call msg,IMAGE,$(IMAGES))
	$(Q)tools/image $(VERSION) $(IMAGES) $(ARCH)=$(STATIC):$(ARCHIVES) $(OTHER)=$(OTHERS)/parkwatch-static-$(OTHER):$(OTHERS)/libs

check-packages: static deb image
	@tests/packages/run
# What a cross build of amd64 makes for arm64.
check-packages-arm64: all images
	@$(MAKE) --no-print-directory ARCH=arm64 deb
	@tests/packages/run --only '^arm64: '
.PHONY: archives static deb image images deb-program deb-install check-packages check-packages-arm64
