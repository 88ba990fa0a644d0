/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: whole lines of several writers, typed bytes, and what is lost.
 */
#include "kernel/console.c"
#include "shim.h"
#include "unit.h"

static char shown[8192];
static size_t nr_shown;

void arch_console_putc(char c)
{
    CHECK(nr_shown < sizeof(shown) - 1);
    shown[nr_shown++] = c;
    shown[nr_shown] = '\0';
}

static const struct thread alice, bob;

static void write_as(const struct thread *who, const char *text)
{
    console_write_as(who, text, strlen(text));
}

TEST(console_ends_lines_with_cr_lf)
{
    shim_boot(64 * MIB);
    console_write("one\ntwo\n", 8);
    console_write("", 0);
    CHECK(strcmp(shown, "one\r\ntwo\r\n") == 0);
}

TEST(console_does_not_mix_lines)
{
    shim_boot(64 * MIB);
    write_as(&alice, "alice half");
    write_as(&alice, " full\n");
    write_as(&alice, "prompt> ");
    write_as(NULL, "[log] line\n");
    write_as(&alice, "typed");
    write_as(&bob, "bob\n");
    write_as(&bob, "bob again\n");
    CHECK(strcmp(shown, "alice half full\r\nprompt> \r\n[log] line\r\ntyped\r\nbob\r\n"
                        "bob again\r\n") == 0);
}

TEST(console_writes_long_lines)
{
    char line[3 * PIECE_SIZE];

    shim_boot(64 * MIB);
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    console_write_as(&alice, line, sizeof(line));
    CHECK_EQ(nr_shown, sizeof(line) + 1);
    CHECK(memcmp(shown, line, sizeof(line) - 1) == 0);
}

TEST(console_emergency_takes_no_lock)
{
    shim_boot(64 * MIB);
    out.lock.held = true; /* held for ever: the shim's lock panics on a second taker */
    console_write_emergency("panic\n", 6);
    CHECK(strcmp(shown, "panic\r\n") == 0);
}

TEST(console_reads_what_is_typed)
{
    char text[4] = "";

    shim_boot(64 * MIB);
    CHECK_EQ(console_read(text, sizeof(text), 0), -ETIMEDOUT);
    CHECK_EQ(console_read(text, 0, WAIT_FOREVER), 0);
    for (const char *c = "abcdef"; *c != '\0'; c++)
        console_input(*c);
    CHECK_EQ(console_read(text, sizeof(text), 0), 4);
    CHECK(memcmp(text, "abcd", 4) == 0);
    CHECK_EQ(console_read(text, sizeof(text), 0), 2);
    CHECK(memcmp(text, "ef", 2) == 0);
    CHECK_EQ(console_read(text, sizeof(text), 1000), -ETIMEDOUT);
}

TEST(console_counts_lost_bytes)
{
    static char text[2 * INPUT_SIZE];

    shim_boot(64 * MIB);
    for (unsigned i = 0; i < INPUT_SIZE + 5; i++)
        console_input((char)('a' + i % 26));
    CHECK_EQ(console_read(text, sizeof(text), 0), INPUT_SIZE);
    CHECK_EQ(shim_log_count("5 typed bytes lost"), 1);
    CHECK_EQ(text[INPUT_SIZE - 1], 'a' + (INPUT_SIZE - 1) % 26);
    console_input('x');
    CHECK_EQ(console_read(text, sizeof(text), 0), 1);
    CHECK_EQ(shim_log_count("lost"), 1);
}

static void type(const char *text)
{
    while (*text != '\0')
        console_input(*text++);
}

/* Ctrl-C takes what was typed before it along; what comes behind it stays. */
TEST(console_ctrl_c)
{
    char text[8] = "";

    shim_boot(64 * MIB);
    CHECK(!console_interrupted());
    type("abc");
    CHECK(!console_interrupted());
    CHECK_EQ(console_read(text, sizeof(text), 0), 3);
    type("de\x03"
         "f\x03"
         "gh");
    CHECK(console_interrupted());
    CHECK(!console_interrupted());
    CHECK_EQ(console_read(text, sizeof(text), 0), 2);
    CHECK(memcmp(text, "gh", 2) == 0);
}

TEST(console_key)
{
    CHECK_EQ(set_console("ttyS0"), 0);
    CHECK_EQ(set_console("serial"), 0);
    CHECK_EQ(set_console("tty1"), -EINVAL);
}
