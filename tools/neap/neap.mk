# SPDX-License-Identifier: BSD-2-Clause
# The host tool build/host/neap. Included by the top Makefile.

HOST_CC     ?= gcc
HOST_BUILD  := build/host
HOST_OBJS   := $(patsubst %.c,$(HOST_BUILD)/obj/%.o,$(wildcard tools/neap/*.c))
HOST_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
	-fstack-protector-strong -Iinclude -MMD -MP

PREFIX  ?= /usr/local
DESTDIR ?=

.PHONY: host install-host

host: ## build/host/neap, which starts, resizes and watches guests
	$(Q)tools/install build
	$(Q)$(MAKE) --no-print-directory $(HOST_BUILD)/neap

install-host: host ## install it with manual page and completion (PREFIX=/usr/local, DESTDIR=)
	install -D -m 755 $(HOST_BUILD)/neap $(DESTDIR)$(PREFIX)/bin/neap
	install -D -m 644 tools/neap/neap.1 $(DESTDIR)$(PREFIX)/share/man/man1/neap.1
	install -D -m 644 tools/neap/completion.sh \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/neap

$(HOST_BUILD)/neap: $(HOST_OBJS)
	$(Q)$(HOST_CC) -o $@ $^ -ljson-c -lncurses -ltinfo

$(HOST_BUILD)/obj/%.o: %.c tools/neap/neap.mk
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -c -o $@ $<

-include $(HOST_OBJS:.o=.d)
