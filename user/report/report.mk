# SPDX-License-Identifier: BSD-2-Clause
# What report needs beside its .c files; included by the Makefile. Adds to GENERATED (headers that must be there before
# anything is compiled) and EXTRA_OBJS (to be linked).

# pprof: the messages by protoc-c.
GENERATED  += $(BUILD)/report/profile.pb-c.h
EXTRA_OBJS += $(BUILD)/obj/report/profile.pb-c.o

$(BUILD)/report/profile.pb-c.c: user/report/profile.proto
	$(call msg,PROTOC,$@)
	$(Q)mkdir -p $(BUILD)
	$(Q)protoc-c -Iuser --c_out=$(BUILD) $<
$(BUILD)/report/profile.pb-c.h: $(BUILD)/report/profile.pb-c.c ;

$(BUILD)/obj/report/profile.pb-c.o: $(BUILD)/report/profile.pb-c.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# html: the page, d3-flame-graph and our script in one file, bundled from the lock file. Without npm (or with NPM= ) all
# but `-f html` is built; html.c finds no page then and says so.
NPM	 ?= $(shell command -v npm 2>/dev/null)
HTML_SRC := $(addprefix user/report/html/,package.json package-lock.json page.html page.css page.js build.mjs)

ifneq ($(NPM),)
EXTRA_OBJS += $(BUILD)/obj/report/page.o

$(BUILD)/report/page.html: $(HTML_SRC)
	$(call msg,NPM,$@)
	$(Q)rm -rf $(BUILD)/report/html && mkdir -p $(BUILD)/report/html
	$(Q)cp $(HTML_SRC) $(BUILD)/report/html
	$(Q)cd $(BUILD)/report/html && { $(NPM) ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || \
		{ cat npm.log; echo 'npm ci failed: is the registry reachable? `make NPM=` builds without the html page'; \
		exit 1; } >&2; }
	$(Q)cd $(BUILD)/report/html && node build.mjs ../page.html

$(BUILD)/obj/report/page.o: user/report/html/page.S $(BUILD)/report/page.html
	$(call msg,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I$(BUILD) -c $< -o $@
else ifeq ($(filter demo check,$(MAKECMDGOALS)),) # those install it first
$(info parkwatch: no npm: building all but the html flame graph)
endif
