# SPDX-License-Identifier: BSD-2-Clause
# The web server alone.

NETWORK     := 1
APP_SOURCES := $(wildcard apps/httpd/*.c apps/httpd/*.S apps/lib/*.c)

$(BUILD)/obj/apps/httpd/files.S.o: $(wildcard apps/httpd/www/*)
