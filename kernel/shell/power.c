/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poweroff, reboot, panic: the three ends.
 */
#include "commands.h"
#include <neap/panic.h>
#include <neap/power.h>

static int poweroff(int argc UNUSED, char **argv UNUSED)
{
    power_off(EXIT_STATUS_SUCCESS);
}
SHELL_COMMAND(poweroff, "poweroff", "switch the machine off", poweroff);

static int reboot(int argc UNUSED, char **argv UNUSED)
{
    power_reboot();
}
SHELL_COMMAND(reboot, "reboot", "reset the machine", reboot);

static int panic_command(int argc UNUSED, char **argv UNUSED)
{
    panic("asked for by the shell");
}
SHELL_COMMAND(panic, "panic", "stop everything and show the state", panic_command);
