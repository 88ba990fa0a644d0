/* SPDX-License-Identifier: BSD-2-Clause */
/* The runner of unit tests: one forked child a test, KTAP on standard output. */
#include "shim.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_SECONDS 120

static struct unit_test *tests, **tests_tail = &tests;
static const char *patterns[32];
static unsigned nr_patterns;
static bool no_fork, list_only;

void unit_register(struct unit_test *test)
{
    *tests_tail = test;
    tests_tail = &test->next;
}

static void run_in_this_process(const struct unit_test *test, unsigned test_case)
{
    alarm(TEST_SECONDS);
    unit_random_seed(test_case);
    shim_init();
    test->run(test_case);
}

/* Returns the child's exit status as a shell would. */
static int run_forked(const struct unit_test *test, unsigned test_case)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        run_in_this_process(test, test_case);
        exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool selected(const char *name)
{
    if (nr_patterns == 0)
        return true;
    for (unsigned i = 0; i < nr_patterns; i++) {
        if (strstr(name, patterns[i]))
            return true;
    }
    return false;
}

static void test_name(char *name, size_t size, const struct unit_test *test, unsigned test_case)
{
    if (test->cases == 1)
        snprintf(name, size, "%s", test->name);
    else
        snprintf(name, size, "%s/%u", test->name, test_case);
}

static unsigned count_selected(void)
{
    char name[128];
    unsigned count = 0;

    for (struct unit_test *test = tests; test; test = test->next) {
        for (unsigned i = 0; i < test->cases; i++) {
            test_name(name, sizeof(name), test, i);
            if (!selected(name))
                continue;
            count++;
            if (list_only)
                printf("%s\n", name);
        }
    }
    return count;
}

static void parse_arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-n"))
            no_fork = true;
        else if (!strcmp(argv[i], "-l"))
            list_only = true;
        else if (!strcmp(argv[i], "-v"))
            shim_verbose = true;
        else if (nr_patterns < ARRAY_SIZE(patterns))
            patterns[nr_patterns++] = argv[i];
    }
}

static int run_one(const struct unit_test *test, unsigned test_case, unsigned number)
{
    char name[128];
    int status;

    test_name(name, sizeof(name), test, test_case);
    if (no_fork) {
        run_in_this_process(test, test_case);
        status = 0;
    } else {
        status = run_forked(test, test_case);
    }
    if (status == UNIT_SKIPPED)
        printf("ok %u %s # SKIP\n", number, name);
    else if (status == 0)
        printf("ok %u %s\n", number, name);
    else
        printf("not ok %u %s\n# exit status %d\n", number, name, status);
    return status;
}

int main(int argc, char **argv)
{
    unsigned number = 0, failed = 0, skipped = 0, count;
    char name[128];

    parse_arguments(argc, argv);
    count = count_selected();
    if (list_only)
        return 0;
    printf("KTAP version 1\n1..%u\n", count);
    for (struct unit_test *test = tests; test; test = test->next) {
        for (unsigned i = 0; i < test->cases; i++) {
            int status;

            test_name(name, sizeof(name), test, i);
            if (!selected(name))
                continue;
            status = run_one(test, i, ++number);
            skipped += status == UNIT_SKIPPED;
            failed += status != 0 && status != UNIT_SKIPPED;
        }
    }
    printf("# Totals: pass:%u fail:%u skip:%u\n", number - failed - skipped, failed, skipped);
    return failed || number == 0;
}
