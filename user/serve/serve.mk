# SPDX-License-Identifier: BSD-2-Clause
# What serve needs beside its .c files; included by the Makefile after format.mk: the web page, bundled from the packages
# that format.mk fetches by the one lock file. Without npm `serve` has no page and says so.
PAGE_SRC := $(wildcard user/serve/page/*.jsx user/serve/page/*.js user/serve/page/*.mjs user/serve/page/*.css user/serve/page/*.html user/serve/page/*.svg)

ifneq ($(NPM),)
EXTRA_OBJS += $(BUILD)/obj/serve/page.o

$(BUILD)/serve/index.html: $(PAGE_SRC) $(BUILD)/format/page.html
	$(call msg,NPM,$@)
	$(Q)rm -rf $(BUILD)/format/html/serve && mkdir -p $(BUILD)/format/html/serve $(@D)
	$(Q)cp $(PAGE_SRC) $(BUILD)/format/html/serve
	$(Q)cd $(BUILD)/format/html/serve && node build.mjs $(abspath $(@D))

$(BUILD)/obj/serve/page.o: user/serve/page/page.S $(BUILD)/serve/index.html
	$(call msg,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I$(BUILD) -c $< -o $@
endif
