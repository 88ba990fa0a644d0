/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin of QEMU's translator: keeps the number of instructions that the guest has executed
 * in the first 8 bytes of a file, where they can be read at any time. Unlike the guest's
 * counter under -icount, it stands still while the guest is idle.
 *
 * QEMU's own header is not needed for so little: these are its functions of all plugin
 * versions.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 1
#endif

typedef uint64_t plugin_id;
struct qemu_plugin_tb;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                                  void (*fn)(plugin_id,
                                                             struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                                 void (*fn)(unsigned, void *), int flags,
                                                 void *arg);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);

int qemu_plugin_version = PLUGIN_VERSION;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

static uint64_t *executed;

static void block_runs(unsigned cpu, void *instructions)
{
    (void)cpu;
    __atomic_fetch_add(executed, (uintptr_t)instructions, __ATOMIC_RELAXED);
}

static void block_translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, block_runs, 0,
                                         (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

/* The argument is count=PATH; the file exists and has 8 bytes. */
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    const char *path = argc == 1 && !strncmp(argv[0], "count=", 6) ? argv[0] + 6 : "";
    int file = open(path, O_RDWR);

    (void)info;
    executed = mmap(NULL, sizeof(*executed), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (executed == MAP_FAILED)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    return 0;
}
