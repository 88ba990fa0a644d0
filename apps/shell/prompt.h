/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The prompt, for the applications that have one.
 */
#ifndef PROMPT_H
#define PROMPT_H

/* Run commands until the console ends. Returns an exit status. */
int prompt_run(void);

#endif
