/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting and ending the application.
 */
#include "internal.h"
#include <neap/libc.h>
#include <neap/log.h>
#include <neap/pin.h>
#include <neap/power.h>
#include <neap/thread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv);
void __libc_init_array(void);
void _init(void);
void _fini(void);

static struct thread *main_thread;
static jmp_buf main_exit;
static int main_status;

/* Constructors of the old kind, which newlib calls beside those of .init_array: none. */
void _init(void)
{
}

void _fini(void)
{
}

int libc_run_application(int argc, char **argv)
{
    main_thread = thread_current();
    reent_use_global();
    if (setjmp(main_exit) == 0) {
        __libc_init_array();
        exit(main(argc, argv)); /* runs atexit() functions and flushes, then calls _exit() */
    }
    (void)pin_leaks(true);
    return main_status;
}

void _exit(int status)
{
    main_status = status;
    if (thread_current() == main_thread)
        longjmp(main_exit, 1);
    /* Another thread cannot return for the main one: the application ends here. */
    log_info("libc", "a thread ended the application with status %d", status);
    power_off(status == 0 ? EXIT_STATUS_SUCCESS : EXIT_STATUS_TESTS_FAILED);
}
