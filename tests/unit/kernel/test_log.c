/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: form of a line, levels, the ring and its tail.
 */
/* The shim has a log of its own; here the kernel's is tested. */
#define log_write               tested_log_write
#define log_set_level           tested_log_set_level
#define log_emergency           tested_log_emergency
#define log_print_tail          tested_log_print_tail
#define kprintf                 tested_kprintf
#define console_write           captured_write
#define console_write_as        captured_write_as
#define console_write_emergency captured_write_emergency
#include "kernel/log.c"
#include "shim.h"
#include "unit.h"

static char shown[4 * RING_SIZE];
static size_t nr_shown;
static unsigned emergency_writes;

static void capture(const char *text, size_t length)
{
    CHECK(nr_shown + length < sizeof(shown));
    memcpy(shown + nr_shown, text, length);
    nr_shown += length;
    shown[nr_shown] = '\0';
}

void captured_write(const char *text, size_t length)
{
    capture(text, length);
}

void captured_write_as(const struct thread *who, const char *text, size_t length)
{
    CHECK(who == NULL);
    capture(text, length);
}

void captured_write_emergency(const char *text, size_t length)
{
    emergency_writes++;
    capture(text, length);
}

static void forget(void)
{
    nr_shown = 0;
    shown[0] = '\0';
}

static unsigned count_lines(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < nr_shown; i++)
        count += shown[i] == '\n';
    return count;
}

TEST(log_lines_have_one_form)
{
    shim_boot(64 * MIB);
    log_info("area", "text %d", 7);
    CHECK_EQ(shown[0], '[');
    CHECK(strcmp(strchr(shown, ']'), "] area: text 7\n") == 0);
    CHECK_EQ(strchr(shown, ']') - shown, 13);
    forget();
    log_warning("area", "careful");
    CHECK(strcmp(strchr(shown, ']'), "] area: warning: careful\n") == 0);
    forget();
    log_error("area", "bad");
    CHECK(strcmp(strchr(shown, ']'), "] area: error: bad\n") == 0);
}

TEST(log_levels)
{
    shim_boot(64 * MIB);
    log_debug("area", "hidden");
    CHECK_EQ(nr_shown, 0);
    CHECK_EQ(set_loglevel("debug"), 0);
    log_debug("area", "shown");
    CHECK_EQ(count_lines(), 1);
    CHECK_EQ(set_loglevel("0"), 0);
    log_warning("area", "hidden");
    CHECK_EQ(count_lines(), 1);
    log_error("area", "shown");
    CHECK_EQ(count_lines(), 2);
    CHECK_EQ(set_loglevel("4"), -EINVAL);
    CHECK_EQ(set_loglevel(""), -EINVAL);
    CHECK_EQ(set_loglevel("11"), -EINVAL);
    forget();
    log_print_tail(SIZE_MAX, false); /* hidden ones are kept all the same */
    CHECK_EQ(count_lines(), 4);
}

TEST(log_cuts_long_lines)
{
    char text[1000], *end;

    shim_boot(64 * MIB);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("area", "%s", text);
    CHECK_EQ(nr_shown, LINE_MAX - 1);
    end = shown + nr_shown;
    CHECK(end[-1] == '\n' && end[-2] == 'x');
    forget();
    log_info(text, "text");
    CHECK_EQ(nr_shown, LINE_MAX - 1);
    forget();
    kprintf("%s", text);
    CHECK_EQ(nr_shown, 2 * LINE_MAX - 1);
    forget();
    log_emergency("%s", text);
    CHECK_EQ(nr_shown, LINE_MAX - 1);
    CHECK_EQ(emergency_writes, 1);
}

TEST(log_tail)
{
    shim_boot(64 * MIB);
    log_print_tail(5, false);
    CHECK_EQ(nr_shown, 0);
    for (int i = 0; i < 10; i++)
        log_info("area", "line %d", i);
    forget();
    log_print_tail(3, false);
    CHECK_EQ(count_lines(), 3);
    CHECK(strstr(shown, "line 6") == NULL);
    CHECK(strstr(shown, "line 7") != NULL && strstr(shown, "line 9") != NULL);
    forget();
    log_print_tail(100, true);
    CHECK_EQ(count_lines(), 10);
    CHECK_EQ(emergency_writes, 10);
    forget();
    log_print_tail(0, false);
    CHECK_EQ(nr_shown, 0);
}

/* After the ring has wrapped, its first line is cut and must not be shown. */
TEST(log_ring_wraps)
{
    char last[16];

    shim_boot(64 * MIB);
    for (int i = 0; i < 3000; i++) {
        log_info("area", "this is line %d.", i);
        forget();
    }
    log_print_tail(SIZE_MAX, false);
    CHECK(nr_shown <= RING_SIZE && nr_shown > RING_SIZE - 2 * LINE_MAX);
    CHECK_EQ(shown[0], '[');
    format_string(last, sizeof(last), "line %d.", 2999);
    CHECK(strstr(shown, last) != NULL);
    CHECK(strstr(shown, "line 0.") == NULL);
}
