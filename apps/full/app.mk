# SPDX-License-Identifier: BSD-2-Clause
# The shell and the services beside it.

NETWORK     := 1
APP_SOURCES := apps/full/main.c $(filter-out %/main.c,$(wildcard apps/shell/*.c)) \
               $(filter-out %/main.c,$(wildcard apps/httpd/*.c apps/httpd/*.S)) \
               $(filter-out %/main.c,$(wildcard apps/cache/*.c apps/lib/*.c))

$(BUILD)/obj/apps/httpd/files.S.o: $(wildcard apps/httpd/www/*)
