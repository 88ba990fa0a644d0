# SPDX-License-Identifier: BSD-2-Clause
# The shell with the network.

NETWORK     := 1
APP_SOURCES := $(wildcard apps/shell/*.c)
