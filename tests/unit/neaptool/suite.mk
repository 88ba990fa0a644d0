# SPDX-License-Identifier: BSD-2-Clause
# The host tool: an ordinary program, so of the kernel's test environment only the runner.
NEAPTOOL_CODE := $(addprefix tools/neap/,accel.c cmdline.c error.c guest_home.c guest_state.c host.c \
	image.c machine.c network.c plan.c policy.c qmp.c sample.c size.c)
NEAPTOOL_OBJECTS := $(patsubst %.c,$(UNIT_BUILD)/obj/neaptool/%.o,$(NEAPTOOL_CODE) \
	tests/unit/shim/unit.c tests/unit/shim/runner.c $(wildcard tests/unit/neaptool/*.c))
NEAPTOOL_CFLAGS = $(filter-out -D__data_start=% -DNEAP_DEBUG --coverage,$(UNIT_CFLAGS)) -Itools/neap

$(UNIT_BUILD)/obj/neaptool/%.o: %.c tests/unit/neaptool/suite.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(NEAPTOOL_CFLAGS) -c -o $@ $<

$(UNIT_BUILD)/neaptool: $(NEAPTOOL_OBJECTS)
	$(UNIT_CC) -o $@ $^ -fsanitize=address,undefined -ljson-c

unit-binaries: $(UNIT_BUILD)/neaptool

-include $(NEAPTOOL_OBJECTS:.o=.d)
