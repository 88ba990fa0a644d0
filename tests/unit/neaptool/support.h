/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the host tool share. */
#ifndef NEAPTOOL_SUPPORT_H
#define NEAPTOOL_SUPPORT_H

#include "error.h"
#include "qmp.h"
#include "unit.h"
#include <string.h>

#define CHECK_TEXT(text, expected)                                                       \
    do {                                                                                 \
        const char *unit_text_ = (text);                                                 \
        if (strcmp(unit_text_, expected) != 0)                                           \
            unit_fail(__FILE__, __LINE__, "'%s' instead of '%s'", unit_text_, expected); \
    } while (0)

#define CHECK_CONTAINS(text, part)                                                   \
    do {                                                                             \
        if (strstr(text, part) == NULL)                                              \
            unit_fail(__FILE__, __LINE__, "'%s' does not contain '%s'", text, part); \
    } while (0)

/* A private, empty runtime folder, in the environment; it goes away with the test. */
const char *runtime_folder(void);

/* Write a file below that folder; returns its path. */
const char *write_file(const char *name, const void *data, size_t size);

/* A socket from which these lines come, and then nothing, or the end if `closed`. */
int scripted_qemu(const char *lines, bool closed);

/* A session with such a QEMU: greets, agrees and answers the calls 2, 3, ... with `lines`. */
void scripted_session(struct qmp *qmp, const char *lines, bool closed);

/* Recorded on a guest of 512 MiB, once a second: KiB that its statistics counted as used. */
struct load {
    const char *name;
    const unsigned *kib;
    unsigned seconds;
};

extern const struct load load_ramp, load_waves, load_requests;

#endif
