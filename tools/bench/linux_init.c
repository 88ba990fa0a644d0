/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first program of the Linux reference guest: loads the modules that the balloon needs
 * and then offers the same few commands as neap's shell, so that one script drives both.
 *
 *   alloc <MiB>          map and touch memory, keep it
 *   free                 unmap it
 *   thin <n>             give back all but one page in n of it
 *   load start <MiB>     threads on every CPU that write, verify and give back memory
 *   load | load stop     what they did; end them
 *   module <name>        load a kernel module
 *   churn <MiB> <cycles> map, touch and unmap again and again; prints counter ticks
 *   pages <order> <all>  loop of the page allocator, on every CPU or one (1 or 0)
 *   meminfo              /proc/meminfo
 *   settle               wait until the kernel's threads have finished the work of start-up
 *   poweroff
 *
 * and those of linux_service.c: programs and the network. counter() is in
 * counter_<architecture>.h.
 */
#include "linux_load.h"
#include "linux_service.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB  (1024ul * 1024)

#define SETTLE_SECONDS 120

static char *held;
static size_t held_size;

static int load(const char *path, const char *parameters)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result = -1;

    if (fd >= 0) {
        result = (int)syscall(SYS_finit_module, fd, parameters, 0);
        close(fd);
    }
    if (result != 0)
        printf("linux: cannot load %s: %s\n", path, strerror(errno));
    return result;
}

static void load_modules(void)
{
    char path[128];
    FILE *list = fopen("/modules/order", "r");

    while (list && fscanf(list, "%127s", path) == 1)
        load(path, "");
    if (list)
        fclose(list);
}

static char *map(size_t size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static void touch(char *memory, size_t size)
{
    for (size_t i = 0; i < size; i += PAGE)
        *(volatile char *)(memory + i) = 1;
}

static void cmd_alloc(size_t mib)
{
    held_size = mib * MIB;
    held = map(held_size);
    if (!held) {
        printf("alloc: no memory\n");
        return;
    }
    touch(held, held_size);
    printf("alloc: %zu MiB\n", mib);
}

static void cmd_free(void)
{
    if (held)
        munmap(held, held_size);
    held = NULL;
    printf("free: %zu MiB\n", held_size / MIB);
}

static void cmd_thin(size_t keep)
{
    for (size_t i = 0; held && i < held_size / PAGE; i++)
        if (i % keep)
            madvise(held + i * PAGE, PAGE, MADV_DONTNEED);
    printf("thin: one page in %zu\n", keep);
}

static void cmd_module(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "/modules/%s.ko", name);
    load(path, "");
}

static void cmd_churn(size_t mib, unsigned cycles)
{
    uint64_t start = counter();

    for (unsigned i = 0; i < cycles; i++) {
        char *memory = map(mib * MIB);

        if (!memory)
            return;
        touch(memory, mib * MIB);
        munmap(memory, mib * MIB);
    }
    printf("churn: ticks=%llu cycles=%u\n", (unsigned long long)(counter() - start), cycles);
}

static unsigned long module_value(const char *name)
{
    char path[128];
    unsigned long value = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/sys/module/linux_pages/parameters/%s", name);
    file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%lu", &value) != 1)
            value = 0;
        fclose(file);
    }
    return value;
}

/* A program cannot call the page allocator: the loop is a module, which runs while it loads. */
static void cmd_pages(unsigned order, unsigned every_cpu)
{
    char parameters[64];

    mkdir("/sys", 0755);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    snprintf(parameters, sizeof(parameters), "order=%u every_cpu=%u", order, every_cpu);
    if (load("/modules/linux_pages.ko", parameters) == 0) {
        printf("pages: ops=%lu cycles=%lu\n", module_value("ops"), module_value("cycles"));
        syscall(SYS_delete_module, "linux_pages", 0);
    }
    umount("/sys");
}

static void cmd_meminfo(void)
{
    char line[128];
    FILE *info = fopen("/proc/meminfo", "r");

    while (info && fgets(line, sizeof(line), info))
        fputs(line, stdout);
    if (info)
        fclose(info);
}

/* How long all CPUs together have been idle. */
static double idle_seconds(void)
{
    double idle = 0;
    FILE *file = fopen("/proc/uptime", "r");

    if (file) {
        if (fscanf(file, "%*f %lf", &idle) != 1)
            idle = 0;
        fclose(file);
    }
    return idle;
}

static void cmd_settle(void)
{
    double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN), idle;
    int seconds = 0;

    do {
        idle = idle_seconds();
        sleep(1);
        idle = idle_seconds() - idle;
        seconds++;
    } while (idle < 0.99 * cpus && seconds < SETTLE_SECONDS);
    printf("settle: idle=%d seconds=%d\n", idle >= 0.99 * cpus, seconds);
}

static void run(char *line)
{
    char name[64];
    size_t mib = 0;
    unsigned order = 0, number = 0;

    if (service_command(line))
        return;
    if (sscanf(line, "alloc %zu", &mib) == 1)
        cmd_alloc(mib);
    else if (sscanf(line, "churn %zu %u", &mib, &number) == 2)
        cmd_churn(mib, number);
    else if (sscanf(line, "pages %u %u", &order, &number) == 2)
        cmd_pages(order, number);
    else if (sscanf(line, "thin %zu", &mib) == 1 && mib > 0)
        cmd_thin(mib);
    else if (sscanf(line, "load start %zu", &mib) == 1)
        load_start(mib);
    else if (strncmp(line, "load stop", 9) == 0)
        load_stop();
    else if (strncmp(line, "load", 4) == 0)
        load_print();
    else if (sscanf(line, "module %63s", name) == 1)
        cmd_module(name);
    else if (strncmp(line, "free", 4) == 0)
        cmd_free();
    else if (strncmp(line, "meminfo", 7) == 0)
        cmd_meminfo();
    else if (strncmp(line, "settle", 6) == 0)
        cmd_settle();
    else if (strncmp(line, "poweroff", 8) == 0)
        reboot(RB_POWER_OFF);
}

int main(void)
{
    char line[256];
    struct timespec now;

    setvbuf(stdout, NULL, _IONBF, 0);
    mkdir("/proc", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    load_modules();
    clock_gettime(CLOCK_BOOTTIME, &now);
    printf("linux: ready in %lld us\n", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    for (;;) {
        printf("linux> ");
        if (!fgets(line, sizeof(line), stdin))
            pause();
        else
            run(line);
    }
}
