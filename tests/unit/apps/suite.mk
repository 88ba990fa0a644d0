# SPDX-License-Identifier: BSD-2-Clause
# The shell's line editor and history. The shim brings the page allocator with it.
UNIT_SUITES += apps
UNIT_CODE_apps := $(wildcard mm/*.c) apps/shell/lineedit.c apps/shell/history.c
UNIT_CFLAGS_apps := -Iapps/shell
