/* SPDX-License-Identifier: BSD-2-Clause */
/* What an image file is, by its content. */
#ifndef NEAP_TOOL_IMAGE_H
#define NEAP_TOOL_IMAGE_H

#include "error.h"

enum image_kind {
    IMAGE_ELF, /* started directly by QEMU */
    IMAGE_ISO, /* started by its boot loader */
};

/* Returns 0 or -1. */
int image_check(const char *path, enum image_kind *kind, struct error *error);

#endif
