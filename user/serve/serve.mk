# SPDX-License-Identifier: BSD-2-Clause
# What serve needs beside its .c files; included by the Makefile: the web page (page/built/, see pages.mk). What a browser
# takes compressed is compressed here: the daemon only sends it.
EXTRA_OBJS += $(BUILD)/obj/serve/page.o
PAGE_GZ	   := $(addprefix $(BUILD)/serve/,app.js.gz app.css.gz licences.txt.gz)

$(PAGE_GZ): $(BUILD)/serve/%.gz: user/serve/page/built/%
	$(call msg,GZIP,$@)
	$(Q)mkdir -p $(@D)
	$(Q)gzip -9nc $< > $@
$(BUILD)/obj/serve/page.o: user/serve/page/page.S user/serve/page/built/index.html user/serve/page/icon.svg user/serve/openapi.json $(PAGE_GZ)
	$(call msg,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I. -I$(BUILD) -c $< -o $@
