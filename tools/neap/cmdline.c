/* SPDX-License-Identifier: BSD-2-Clause */
/* The QEMU command line of a guest. */
#include "cmdline.h"
#include "plan.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void PRINTF_LIKE(2, 3) add(struct words *words, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (words->count == WORDS_MAX - 1 || vasprintf(&words->word[words->count++], fmt, args) < 0)
        abort();
    va_end(args);
}

static void add_option(struct words *words, const char *option, const char *value)
{
    add(words, "%s", option);
    add(words, "%s", value);
}

/* In QEMU's option lists a comma is written twice. */
static const char *escape(const char *text, char *escaped, size_t size)
{
    size_t length = 0;

    for (; *text && length + 3 < size; text++) {
        if (*text == ',')
            escaped[length++] = ',';
        escaped[length++] = *text;
    }
    escaped[length] = '\0';
    return escaped;
}

/* Nothing is reserved in advance: what the guest does not touch costs the host nothing. */
static void add_memory(struct words *words, const struct guest *guest)
{
    uint64_t elastic = guest->max - guest->memory;

    add(words, "-m");
    if (elastic)
        add(words, "%" PRIu64 "K,maxmem=%" PRIu64 "K", guest->memory / KIB, guest->max / KIB);
    else
        add(words, "%" PRIu64 "K", guest->memory / KIB);
    add(words, "-object");
    add(words, "memory-backend-ram,id=boot,size=%" PRIu64 "K,reserve=off", guest->memory / KIB);
    if (elastic == 0)
        return;
    add(words, "-object");
    add(words, "memory-backend-ram,id=elastic,size=%" PRIu64 "K,reserve=off", elastic / KIB);
    add(words, "-device");
    add(words,
        "virtio-mem-pci,id=" DEVICE_ELASTIC ",memdev=elastic,requested-size=0,"
        "block-size=%" PRIu64 "K,unplugged-inaccessible=on",
        ELASTIC_BLOCK / KIB);
}

/*
 * In the foreground the serial line is this terminal. Else it comes from a pipe and goes to a
 * file, FOLDER/console.in and .out: a file never makes the guest wait, as a socket would.
 */
static void add_lines(struct words *words, const struct guest *guest)
{
    char path[PATH_MAX], escaped[2 * PATH_MAX];

    escape(guest_path(guest, "qmp", path), escaped, sizeof(escaped));
    add(words, "-qmp");
    add(words, "unix:%s,server=on,wait=off", escaped);
    if (!guest->detached) {
        add_option(words, "-serial", "mon:stdio");
        return;
    }
    escape(guest_path(guest, "console", path), escaped, sizeof(escaped));
    add(words, "-chardev");
    add(words, "pipe,id=console,path=%s", escaped);
    add_option(words, "-serial", "chardev:console");
}

void cmdline_build(const struct guest *guest, const struct run_options *options,
                   struct words *words)
{
    char network[NETWORK_TEXT];

    *words = (struct words){.count = 0};
    add(words, "%s", options->qemu);
    add_option(words, "-name", guest->name);
    add_option(words, "-accel", guest->accel);
    add_option(words, "-cpu", "max");
    add_option(words, "-machine", "q35,memory-backend=boot");
    add(words, "-smp");
    add(words, "%u", options->cpus);
    add_memory(words, guest);
    add(words, "-nodefaults");
    add_option(words, "-display", "none");
    add_lines(words, guest);
    /* Carries the result of self-tests and a panic into the exit status. */
    add_option(words, "-device", "isa-debug-exit,iobase=0xf4,iosize=4");
    add_option(words, "-device",
               "virtio-balloon-pci,id=" DEVICE_BALLOON
               ",free-page-reporting=on,deflate-on-oom=on");
    if (options->network.kind != NETWORK_NONE) {
        add_option(words, "-netdev", network_describe(&options->network, "net0", network));
        add_option(words, "-device", "virtio-net-pci,id=netdev0,netdev=net0,romfile=");
    }
    if (options->kind == IMAGE_ISO) {
        add_option(words, "-cdrom", guest->image);
    } else {
        add_option(words, "-kernel", guest->image);
        add_option(words, "-append", options->append ? options->append : "");
    }
}

void words_free(struct words *words)
{
    while (words->count)
        free(words->word[--words->count]);
}
