/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which accelerator to use. /dev/kvm alone says too little: it can be a software emulation,
 * which knows too few instructions for a guest and is far slower than TCG.
 */
#include "accel.h"
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *found = text; (found = strstr(found, word)) != NULL; found += length) {
        if ((found == text || isspace((unsigned char)found[-1])) &&
            (found[length] == '\0' || isspace((unsigned char)found[length])))
            return true;
    }
    return false;
}

bool accel_in_cpuinfo(const char *cpuinfo)
{
    return has_word(cpuinfo, "vmx") || has_word(cpuinfo, "svm") || has_word(cpuinfo, "sie");
}

static bool hardware_can(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    size_t size = 0;
    char *line = NULL;
    bool can = false;

    while (file && !can && getline(&line, &size, file) > 0)
        can = accel_in_cpuinfo(line);
    free(line);
    if (file)
        fclose(file);
    return can;
}

const char *accel_choose(const char **why)
{
    int kvm;

    if (!hardware_can()) {
        *why = "this CPU shows no hardware virtualisation";
        return "tcg";
    }
    kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) {
        *why = "/dev/kvm does not open: is the user in the group kvm?";
        return "tcg";
    }
    close(kvm);
    *why = "hardware virtualisation";
    return "kvm";
}
