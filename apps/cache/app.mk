# SPDX-License-Identifier: BSD-2-Clause
# The memory cache alone.

NETWORK     := 1
APP_SOURCES := $(wildcard apps/cache/*.c apps/lib/*.c)
