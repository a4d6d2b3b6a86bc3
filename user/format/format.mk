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

# timeline: Perfetto's messages, the same way.
GENERATED  += $(BUILD)/format/perfetto.pb-c.h
EXTRA_OBJS += $(BUILD)/obj/format/perfetto.pb-c.o

$(BUILD)/format/perfetto.pb-c.c: user/format/perfetto.proto
	$(call msg,PROTOC,$@)
	$(Q)mkdir -p $(BUILD)
	$(Q)protoc-c -Iuser --c_out=$(BUILD) $<
$(BUILD)/format/perfetto.pb-c.h: $(BUILD)/format/perfetto.pb-c.c ;

$(BUILD)/obj/format/perfetto.pb-c.o: $(BUILD)/format/perfetto.pb-c.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# otlp: the messages of OTLP profiles, too.
GENERATED  += $(BUILD)/format/otlp_profiles.pb-c.h
EXTRA_OBJS += $(BUILD)/obj/format/otlp_profiles.pb-c.o
$(BUILD)/format/otlp_profiles.pb-c.c: user/format/otlp_profiles.proto
	$(call msg,PROTOC,$@)
	$(Q)mkdir -p $(BUILD)
	$(Q)protoc-c -Iuser --c_out=$(BUILD) $<
$(BUILD)/format/otlp_profiles.pb-c.h: $(BUILD)/format/otlp_profiles.pb-c.c ;
$(BUILD)/obj/format/otlp_profiles.pb-c.o: $(BUILD)/format/otlp_profiles.pb-c.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# html: the page, d3-flame-graph and our script in one file (html/built/, see pages.mk).
EXTRA_OBJS += $(BUILD)/obj/format/page.o
$(BUILD)/obj/format/page.o: user/format/html/page.S user/format/html/built/page.html
	$(call msg,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I. -c $< -o $@
