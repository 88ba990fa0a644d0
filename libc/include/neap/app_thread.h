/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More threads for an application.
 */
#ifndef NEAP_APP_THREAD_H
#define NEAP_APP_THREAD_H

/* Run entry(arg) in a new thread, which ends when entry returns. 0, or -1 without memory. */
int app_thread_start(const char *name, void (*entry)(void *), void *arg);

#endif
