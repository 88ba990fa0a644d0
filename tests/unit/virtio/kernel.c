/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of the kernel that drivers call and tests look into: the event record, the shell.
 */
#include "kernel.h"
#include <neap/bus.h>
#include <neap/sections.h>
#include <neap/shell.h>
#include <neap/trace.h>
#include <string.h>

LINKER_TABLE(struct shell_command, shell);
LINKER_TABLE(struct device_lister, device_list);

struct trace_event last_event;
struct phys_range withheld;

struct phys_range boot_memory_withheld(void)
{
    return withheld;
}

void trace_record(enum trace_reason reason, uint64_t code, uint64_t address, uint64_t pc,
                  uint64_t begin_ns, uint64_t end_ns)
{
    last_event = (struct trace_event){
        .begin_ns = begin_ns,
        .end_ns = end_ns,
        .pc = pc,
        .address = address,
        .code = code,
        .reason = (uint16_t)reason,
    };
}

int shell_wants_machine(int argc, char **argv)
{
    return argc > 1 && !strcmp(argv[1], "--machine");
}

int run_words(int argc, char **argv)
{
    const struct shell_command *command;

    LINKER_TABLE_FOR_EACH(command, shell)
    {
        if (!strcmp(command->name, argv[0]))
            return command->run(argc, argv);
    }
    return -1;
}

int run_command(const char *name, bool machine)
{
    char *argv[] = {(char *)(uintptr_t)name, "--machine"};

    return run_words(machine ? 2 : 1, argv);
}

void run_listers(bool machine)
{
    const struct device_lister *lister;

    LINKER_TABLE_FOR_EACH(lister, device_list)
    {
        lister->print(machine);
    }
}
