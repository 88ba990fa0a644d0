/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel asks of libc/: starting the application.
 */
#ifndef NEAP_LIBC_H
#define NEAP_LIBC_H

/*
 * Prepare newlib (constructors, stdio) and run the application's main() with the arguments of
 * the command line. Returns main's result. Application thread, once.
 */
int libc_run_application(int argc, char **argv);

/* Free newlib's per-thread state of a thread that ends. Thread context. */
struct thread;
void libc_thread_exit(struct thread *thread);

#endif
