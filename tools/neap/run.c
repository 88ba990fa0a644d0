/* SPDX-License-Identifier: BSD-2-Clause */
/* neap run: start a guest. */
#include "accel.h"
#include "command.h"
#include "plan.h"
#include "size.h"
#include "supervise.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_MEMORY (64 * MIB)
#define DEFAULT_MAX    (8 * GIB)
#define MEMORY_STEP    MIB
#define CPUS_MAX       255
#define AUTO_NAMES     100

struct request {
    struct run_options options;
    const char *name; /* NULL: made from the image's */
    char image[PATH_MAX];
    uint64_t memory, max;
    bool detach;
};

static uint64_t rounded(const char *what, uint64_t size, uint64_t offset, uint64_t step)
{
    uint64_t result = offset + ALIGN_UP(size - offset, step);
    char to[SIZE_TEXT], by[SIZE_TEXT];

    if (result != size)
        fprintf(stderr, "neap: %s rounded up to %s, in steps of %s\n", what,
                size_format(to, result), size_format(by, step));
    return result;
}

static int check_sizes(struct request *request, struct error *error)
{
    char text[SIZE_TEXT];

    if (request->memory == 0 || request->memory > UINT64_MAX / 4 ||
        request->max > UINT64_MAX / 4)
        return error_set(error, "--memory %s and --max make no machine: give sizes such as 64M",
                         size_format(text, request->memory));
    request->memory = rounded("--memory", request->memory, 0, MEMORY_STEP);
    if (request->max == 0)
        request->max = MAX(DEFAULT_MAX, request->memory);
    if (request->max < request->memory)
        return error_set(error,
                         "--max is below --memory %s: give a larger --max, or leave it "
                         "out",
                         size_format(text, request->memory));
    request->max = rounded("--max", request->max, request->memory, ELASTIC_BLOCK);
    return 0;
}

static int parse_option(int option, struct request *request, struct error *error)
{
    struct run_options *options = &request->options;

    switch (option) {
    case 'n':
        request->name = optarg;
        return guest_check_name(optarg, error);
    case 'm':
        return size_parse(optarg, &request->memory, error);
    case 'M':
        return size_parse(optarg, &request->max, error);
    case 's':
        return number_parse(optarg, "--smp", 1, CPUS_MAX, &options->cpus, error);
    case 'N':
        return network_parse(optarg, &options->network, error);
    case 'f':
        return network_forward(optarg, &options->network, error);
    case 'a':
        options->append = optarg;
        return 0;
    case 'q':
        options->qemu = optarg;
        return 0;
    default:
        request->detach = true;
        return 0;
    }
}

static int check_image(const char *path, struct request *request, struct error *error)
{
    if (image_check(path, &request->options.kind, error))
        return -1;
    if (realpath(path, request->image) == NULL)
        return error_set(error, "%s: %s", path, strerror(errno));
    if (request->options.kind == IMAGE_ISO && request->options.append)
        return error_set(error, "--append needs an .elf image: an ISO brings its own command "
                                "line (make iso APPEND=...)");
    return 0;
}

/* "build/x86_64/neap-shell.elf" gives neap-shell, then neap-shell-2 and so on. */
static void auto_name(const char *image, unsigned number, char name[GUEST_NAME_MAX + 1])
{
    const char *base = strrchr(image, '/') ? strrchr(image, '/') + 1 : image;
    size_t length = strcspn(base, ".");

    length = MIN(length, (size_t)GUEST_NAME_MAX - 4);
    for (size_t i = 0; i < length; i++)
        name[i] = isalnum((unsigned char)base[i]) ? base[i] : '-';
    name[length] = '\0';
    if (!isalnum((unsigned char)name[0]))
        strcpy(name, "guest");
    if (number > 1)
        snprintf(name + strlen(name), 4, "-%u", number);
}

/* Returns the lock or -1. */
static int claim(const struct request *request, struct guest *guest, struct error *error)
{
    char name[GUEST_NAME_MAX + 1];
    int lock = -1, reason = -EEXIST;

    if (request->name)
        return guest_claim(guest, request->name, &reason, error);
    for (unsigned number = 1; lock < 0 && reason == -EEXIST && number < AUTO_NAMES; number++) {
        auto_name(request->image, number, name);
        lock = guest_claim(guest, name, &reason, error);
    }
    return lock;
}

static void announce(const struct guest *guest, const struct run_options *options,
                     const char *why)
{
    char memory[SIZE_TEXT], max[SIZE_TEXT];

    fprintf(stderr, "neap: %s: %s (%s), %s of memory, at most %s, %u CPU%s\n", guest->name,
            guest->accel, why, size_format(memory, guest->memory), size_format(max, guest->max),
            options->cpus, options->cpus > 1 ? "s" : "");
}

static int run_foreground(struct guest *guest, const struct words *words, int lock,
                          struct error *error)
{
    int status;

    fprintf(stderr, "neap: Ctrl-A X ends QEMU, Ctrl-A H helps\n");
    if (supervise_start(guest, words, lock, error))
        status = error_report(error);
    else
        status = supervise_wait(guest);
    close(lock);
    guest_remove(guest);
    return status;
}

/* In the process that stays: what it writes to `report` is an error for the terminal. */
static int run_background(struct guest *guest, const struct words *words, int lock, int report,
                          struct error *error)
{
    char text[40];

    if (supervise_detach(guest, error) || supervise_start(guest, words, lock, error)) {
        dprintf(report, "%s", error->text);
        return 1;
    }
    if (guest->exit_status > 0)
        dprintf(report, "%s has ended at once (%s): see %s/qemu.log and console.out",
                guest->name, guest_exit_text(guest->exit_status, text), guest->folder);
    close(report);
    supervise_wait(guest);
    return guest_save(guest, error) ? 1 : 0;
}

static int detach(struct guest *guest, const struct words *words, int lock, struct error *error)
{
    size_t length = 0;
    int report[2];
    ssize_t got;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC))
        return error_report((error_set(error, "no pipe: %s", strerror(errno)), error));
    pid = fork();
    if (pid < 0)
        return error_report((error_set(error, "no new process: %s", strerror(errno)), error));
    if (pid == 0)
        _exit(run_background(guest, words, lock, report[1], error));
    close(report[1]);
    while ((got = read(report[0], error->text + length, sizeof(error->text) - 1 - length)) > 0)
        length += (size_t)got;
    error->text[length] = '\0';
    if (length)
        return error_report(error);
    printf("%s\n", guest->name);
    fprintf(stderr, "neap: `neap console %s` is its serial line, `neap stop %s` ends it\n",
            guest->name, guest->name);
    return 0;
}

static int start(const struct request *request)
{
    struct error error;
    struct words words;
    struct guest guest;
    const char *why;
    int status, lock = claim(request, &guest, &error);

    if (lock < 0)
        return error_report(&error);
    strcpy(guest.image, request->image);
    strcpy(guest.accel, accel_choose(&why));
    guest.memory = request->memory;
    guest.max = request->max;
    guest.detached = request->detach;
    announce(&guest, &request->options, why);
    cmdline_build(&guest, &request->options, &words);
    status = request->detach ? detach(&guest, &words, lock, &error)
                             : run_foreground(&guest, &words, lock, &error);
    words_free(&words);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'n'},
        {"memory", required_argument, NULL, 'm'},
        {"max", required_argument, NULL, 'M'},
        {"smp", required_argument, NULL, 's'},
        {"net", required_argument, NULL, 'N'},
        {"forward", required_argument, NULL, 'f'},
        {"append", required_argument, NULL, 'a'},
        {"qemu", required_argument, NULL, 'q'},
        {"detach", no_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {
        .options = {.qemu = "qemu-system-x86_64", .cpus = 1},
        .memory = DEFAULT_MEMORY,
    };
    struct error error;
    int option;

    while ((option = command_option(self, argc, argv, options)) >= 0) {
        if (parse_option(option, &request, &error))
            return command_misused(self, "%s", error.text);
    }
    if (optind != argc - 1)
        return command_misused(self, "give one image");
    if (network_check(&request.options.network, &error))
        return command_misused(self, "%s", error.text);
    if (check_image(argv[optind], &request, &error) || check_sizes(&request, &error))
        return error_report(&error);
    return start(&request);
}

const struct command command_run = {
    .name = "run",
    .summary = "start a guest",
    .help =
        "usage: neap run IMAGE [OPTIONS]\n\n"
        "Start a guest from an .elf image (directly) or an .iso (by its boot loader), on KVM\n"
        "where the CPU has it, else on TCG. In the foreground the serial line is this\n"
        "terminal and the exit status is the guest's: 0 powered off, 3 self-tests failed,\n"
        "5 panic.\n\n"
        "  --name NAME       what other commands call it (from the image's name)\n"
        "  --memory SIZE     memory at boot (64M)\n"
        "  --max SIZE        what it can grow to by virtio-mem (8G); the same as --memory:\n"
        "                    no virtio-mem device\n"
        "  --smp N           CPUs (1)\n"
        "  --net NETWORK     a virtio-net device on QEMU's user network (user), on a tap of\n"
        "                    yours (tap:NAME), or none (none)\n"
        "  --forward H:G     port H of this machine's loopback address is the guest's port G,\n"
        "                    with --net user, which it implies; more than once\n"
        "  --append TEXT     kernel command line, with an .elf\n"
        "  --qemu PROGRAM    the QEMU to run (qemu-system-x86_64)\n"
        "  --detach          run in the background; prints the guest's name\n",
    .run = run,
};
