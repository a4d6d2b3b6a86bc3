# SPDX-License-Identifier: BSD-2-Clause
# What format needs beside its .c files; included by the Makefile. Adds to GENERATED (headers that must be there before
# anything is compiled) and EXTRA_OBJS (to be linked).

# pprof: the messages by protoc-c.
GENERATED  += $(BUILD)/format/profile.pb-c.h
EXTRA_OBJS += $(BUILD)/obj/format/profile.pb-c.o

$(BUILD)/format/profile.pb-c.c: user/format/profile.proto
	$(call msg,PROTOC,$@)
	$(Q)mkdir -p $(BUILD)
	$(Q)protoc-c -Iuser --c_out=$(BUILD) $<
$(BUILD)/format/profile.pb-c.h: $(BUILD)/format/profile.pb-c.c ;

$(BUILD)/obj/format/profile.pb-c.o: $(BUILD)/format/profile.pb-c.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# html: the page, d3-flame-graph and our script in one file, bundled from the lock file. Without npm (or with NPM= ) all
# but `-f html` is built; html.c finds no page then and says so.
NPM	 ?= $(shell command -v npm 2>/dev/null)
HTML_SRC := $(addprefix user/format/html/,package.json package-lock.json page.html page.css page.js amounts.js frames.js \
	build.mjs licences.mjs)

ifneq ($(NPM),)
EXTRA_OBJS += $(BUILD)/obj/format/page.o

$(BUILD)/format/page.html: $(HTML_SRC)
	$(call msg,NPM,$@)
	$(Q)rm -rf $(BUILD)/format/html && mkdir -p $(BUILD)/format/html
	$(Q)cp $(HTML_SRC) $(BUILD)/format/html
	$(Q)cd $(BUILD)/format/html && { $(NPM) ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || \
		{ cat npm.log; echo 'npm ci failed: is the registry reachable? `make NPM=` builds without the html page'; \
		exit 1; } >&2; }
	$(Q)cd $(BUILD)/format/html && node build.mjs ../page.html

$(BUILD)/obj/format/page.o: user/format/html/page.S $(BUILD)/format/page.html
	$(call msg,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I$(BUILD) -c $< -o $@
else ifeq ($(filter demo check,$(MAKECMDGOALS)),) # those install it first
$(info parkwatch: no npm: building all but the html flame graph)
endif
