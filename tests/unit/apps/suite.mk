# SPDX-License-Identifier: BSD-2-Clause
# The shell's line editor and history, the services without their sockets. The shim brings the
# page allocator with it; heap_size() is the client's, for the host's heap does not round sizes up.
UNIT_SUITES += apps
UNIT_CODE_apps := $(wildcard mm/*.c) apps/shell/lineedit.c apps/shell/history.c \
	$(filter-out %/main.c,$(wildcard apps/cache/*.c)) apps/lib/dialog.c \
	apps/httpd/request.c apps/httpd/httpd.c apps/httpd/tar.c
UNIT_CFLAGS_apps := -Dmalloc_usable_size=heap_size -Iapps/shell -Iapps/cache -Iapps/httpd -Iapps/lib -idirafter libc/include
