/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A prompt that hands each line to the system's command processor, which prints what went wrong
 * by itself.
 */
#include "prompt.h"
#include "lineedit.h"
#include <stdlib.h>
#include <unistd.h>

static struct history history;
static struct lineedit edit;

static void show_on_console(const char *bytes, size_t length)
{
    (void)write(STDOUT_FILENO, bytes, length);
}

int prompt_run(void)
{
    char key;

    edit = (struct lineedit){
        .prompt = "neap> ",
        .history = &history,
        .show = show_on_console,
    };
    lineedit_start(&edit);
    while (read(STDIN_FILENO, &key, 1) == 1) {
        if (lineedit_key(&edit, key)) {
            (void)system(edit.text);
            lineedit_start(&edit);
        }
    }
    return EXIT_SUCCESS;
}
