/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first program of the Linux reference guest: loads the modules that the balloon needs
 * and then offers the same few commands as neap's shell, so that one script drives both.
 *
 *   alloc <MiB>          map and touch memory, keep it
 *   free                 unmap it
 *   churn <MiB> <cycles> map, touch and unmap again and again; prints counter ticks
 *   pages <MiB> <huge>   ticks for touching and for unmapping, per page (huge: 0 or 1)
 *   meminfo              /proc/meminfo
 *   poweroff
 */
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
#include <x86intrin.h>

#define PAGE 4096ul
#define MIB  (1024ul * 1024)

static char *held;
static size_t held_size;

static void load_modules(void)
{
    char path[128];
    FILE *list = fopen("/modules/order", "r");

    while (list && fscanf(list, "%127s", path) == 1) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
            printf("linux: cannot load %s\n", path);
        if (fd >= 0)
            close(fd);
    }
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

static void cmd_churn(size_t mib, unsigned cycles)
{
    uint64_t start = __rdtsc();

    for (unsigned i = 0; i < cycles; i++) {
        char *memory = map(mib * MIB);

        if (!memory)
            return;
        touch(memory, mib * MIB);
        munmap(memory, mib * MIB);
    }
    printf("churn: ticks=%llu cycles=%u\n", (unsigned long long)(__rdtsc() - start), cycles);
}

static void cmd_pages(size_t mib, int huge)
{
    size_t size = mib * MIB, align = 2 * MIB;
    size_t pages = huge ? size / align : size / PAGE;
    char *raw = map(size + align);
    char *memory = (char *)(((uintptr_t)raw + align - 1) & ~(align - 1));
    uint64_t t0, t1, t2;

    madvise(memory, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    t0 = __rdtsc();
    if (huge) {
        for (size_t i = 0; i < size; i += align)
            *(volatile char *)(memory + i) = 1;
    } else {
        touch(memory, size);
    }
    t1 = __rdtsc();
    munmap(raw, size + align);
    t2 = __rdtsc();
    printf("pages: alloc=%llu free=%llu pages=%zu\n", (unsigned long long)((t1 - t0) / pages),
           (unsigned long long)((t2 - t1) / pages), pages);
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

static void run(char *line)
{
    size_t mib = 0;
    unsigned number = 0;

    if (sscanf(line, "alloc %zu", &mib) == 1)
        cmd_alloc(mib);
    else if (sscanf(line, "churn %zu %u", &mib, &number) == 2)
        cmd_churn(mib, number);
    else if (sscanf(line, "pages %zu %u", &mib, &number) == 2)
        cmd_pages(mib, (int)number);
    else if (strncmp(line, "free", 4) == 0)
        cmd_free();
    else if (strncmp(line, "meminfo", 7) == 0)
        cmd_meminfo();
    else if (strncmp(line, "poweroff", 8) == 0)
        reboot(RB_POWER_OFF);
}

int main(void)
{
    char line[128];
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
