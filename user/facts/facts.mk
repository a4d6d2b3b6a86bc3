# SPDX-License-Identifier: BSD-2-Clause
# What facts needs beside its .c files; included by the Makefile: the messages of the stream, by protoc-c.
GENERATED  += $(BUILD)/facts/facts.pb-c.h
EXTRA_OBJS += $(BUILD)/obj/facts/facts.pb-c.o

$(BUILD)/facts/facts.pb-c.c: user/facts/facts.proto
	$(call msg,PROTOC,$@)
	$(Q)mkdir -p $(BUILD)
	$(Q)protoc-c -Iuser --c_out=$(BUILD) $<
$(BUILD)/facts/facts.pb-c.h: $(BUILD)/facts/facts.pb-c.c ;

$(BUILD)/obj/facts/facts.pb-c.o: $(BUILD)/facts/facts.pb-c.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@
