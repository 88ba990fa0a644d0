/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The default application: a prompt.
 */
#include "prompt.h"

int main(void)
{
    return prompt_run();
}
