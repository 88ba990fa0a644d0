/* SPDX-License-Identifier: BSD-2-Clause */
/* What QEMU answers about memory is checked; what the host says of QEMU is read right. */
#include "host.h"
#include "machine.h"
#include "sample.h"
#include "support.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STATUS  "{\"return\": {\"status\": \"running\", \"running\": true}, \"id\": 2}\r\n"
#define BALLOON "{\"return\": {\"actual\": 33554432}, \"id\": 3}\r\n"
#define DEVICES(max, block, size, requested)                                          \
    "{\"return\": [{\"type\": \"dimm\", \"data\": {\"id\": \"d0\"}}, {\"type\": "     \
    "\"virtio-mem\", \"data\": {\"id\": \"vmem0\", \"max-size\": " max                \
    ", \"block-size\": " block ", \"size\": " size ", \"requested-size\": " requested \
    "}}], \"id\": 4}\r\n"
#define GOOD_DEVICES DEVICES("2080374784", "2097152", "4194304", "8388608")
#define STATS(total, free, stamp)                                                             \
    "{\"return\": {\"stats\": {\"stat-total-memory\": " total ", \"stat-free-memory\": " free \
    "}, \"last-update\": " stamp "}, \"id\": 5}\r\n"

static const struct guest guest = {.memory = 64 * MIB, .max = 2 * GIB};

static int query(const char *script, struct figures *figures, struct error *error)
{
    struct qmp qmp;
    int result;

    scripted_session(&qmp, script, false);
    result = machine_query(&qmp, &guest, figures, error);
    qmp_close(&qmp);
    return result;
}

/* `age` seconds ago. */
static const char *with_stats(const char *total, const char *free_memory, int age)
{
    static char script[4096];

    snprintf(script, sizeof(script), STATUS BALLOON GOOD_DEVICES STATS("%s", "%s", "%lld"),
             total, free_memory, (long long)time(NULL) - age);
    return script;
}

TEST(machine_query_reads_all)
{
    struct figures figures;
    struct error error;

    CHECK_EQ(query(with_stats("37748736", "20971520", 1), &figures, &error), 0);
    CHECK_TEXT(figures.state, "running");
    CHECK_EQ(figures.shape.boot, 64 * MIB);
    CHECK_EQ(figures.balloon, 32 * MIB);
    CHECK_EQ(figures.shape.elastic, 1984 * MIB);
    CHECK_EQ(figures.shape.block, 2 * MIB);
    CHECK_EQ(figures.plugged, 4 * MIB);
    CHECK_EQ(figures.requested, 8 * MIB);
    CHECK_EQ(figures_granted(&figures), 36 * MIB);
    CHECK(figures.stats);
    CHECK_EQ(figures.total, 36 * MIB);
    CHECK_EQ(figures.free, 20 * MIB);
}

TEST(machine_query_works_without_virtio_mem)
{
    struct figures figures;
    struct error error;

    CHECK_EQ(query(STATUS BALLOON "{\"return\": [], \"id\": 4}\r\n" STATS("0", "0", "0"),
                   &figures, &error),
             0);
    CHECK_EQ(figures.shape.elastic, 0);
    CHECK(figures.shape.block > 0 && !figures.stats);
}

TEST(machine_query_trusts_only_fresh_and_possible_statistics)
{
    static const struct {
        const char *total, *free;
        int age;
    } bad[] = {
        {"37748736", "20971520", STATS_OLD + 2},
        {"18446744073709551615", "20971520", 0},
        {"37748736", "18446744073709551615", 0},
        {"37748736", "37748737", 0},
        {"37748736", "-1", 0},
    };
    struct figures figures;
    struct error error;

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_EQ(query(with_stats(bad[i].total, bad[i].free, bad[i].age), &figures, &error), 0);
        CHECK(!figures.stats);
    }
}

static void check_nonsense(const char *script, const char *command)
{
    struct figures figures;
    struct error error;

    CHECK_EQ(query(script, &figures, &error), -1);
    CHECK_CONTAINS(error.text, command);
    CHECK_CONTAINS(error.text, "makes no sense");
}

TEST(machine_query_refuses_what_cannot_be)
{
    check_nonsense("{\"return\": {\"status\": 5}, \"id\": 2}\r\n", "query-status");
    check_nonsense(STATUS "{\"return\": {\"actual\": 67108865}, \"id\": 3}\r\n",
                   "query-balloon");
    check_nonsense(STATUS "{\"return\": {\"actual\": -1}, \"id\": 3}\r\n", "query-balloon");
    check_nonsense(STATUS BALLOON DEVICES("2080374784", "0", "0", "0"), "query-memory-devices");
    check_nonsense(STATUS BALLOON DEVICES("2080374784", "3145728", "0", "0"), "memory-devices");
    check_nonsense(STATUS BALLOON DEVICES("8", "2", "9", "0"), "memory-devices");
    check_nonsense(STATUS BALLOON DEVICES("8", "2", "0", "9"), "memory-devices");
    check_nonsense(STATUS BALLOON DEVICES("18446744073709551615", "2", "0", "0"),
                   "memory-devices");
    check_nonsense(STATUS BALLOON "{\"return\": {}, \"id\": 4}\r\n", "memory-devices");
    check_nonsense(STATUS BALLOON "{\"return\": [5], \"id\": 4}\r\n", "memory-devices");
    check_nonsense(STATUS BALLOON
                   "{\"return\": [{\"data\": {\"id\": \"vmem0\"}}], \"id\": 4}\r\n",
                   "memory-devices");
}

static bool parse_smaps(const char *text, uint64_t boot, uint64_t elastic, uint64_t *rss)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    bool found = host_parse_smaps(file, boot, elastic, rss);

    fclose(file);
    return found;
}

TEST(host_rss_counts_guest_memory_only)
{
    static const char smaps[] =
        "7f0000000000-7f0004000000 ---p 00000000 00:00 0 \nSize: 65536 kB\nRss: 1 kB\n"
        "7f1000000000-7f1004000000 rw-p 00000000 00:00 0 \nSize: 65536 kB\nRss: 4096 kB\n"
        "Pss: 9 kB\n"
        "7f2000000000-7f2004000000 rw-p 00000000 08:01 77 /lib/x\nRss: 16 kB\n"
        "7f3000000000-7f30f8000000 rw-p 00000000 00:00 0 \nRss: 512 kB\nVmFlags: rd wr\n"
        "7f4000000000-7f4040000000 rwxp 00000000 00:00 0 \nRss: 256 kB\n"
        "7f5000000000-7f5004001000 rw-p 00000000 00:00 0                  [heap]\nRss: 64 kB\n";
    uint64_t rss;

    CHECK(parse_smaps(smaps, 64 * MIB, 0, &rss));
    CHECK_EQ(rss, 4 * MIB);
    CHECK(parse_smaps(smaps, 64 * MIB, 3968 * MIB, &rss));
    CHECK_EQ(rss, 4 * MIB + 512 * KIB);
    CHECK(!parse_smaps(smaps, 32 * MIB, 0, &rss));
    CHECK(!parse_smaps("\n", 32 * MIB, 0, &rss));
}

TEST(host_ticks_come_behind_the_name)
{
    uint64_t ticks;

    CHECK(host_parse_stat(
        "12 (qemu) 7 7 (x)) S 1 2 3 0 -1 4194560 100 0 3 0 70 30 0 0 20 0 4 0", &ticks));
    CHECK_EQ(ticks, 100);
    CHECK(!host_parse_stat("12 (qemu) S 1 2", &ticks));
    CHECK(!host_parse_stat("", &ticks));
}

TEST(top_shows_what_is_known)
{
    struct row row = {
        .name = "demo",
        .answers = true,
        .figures = {.state = "running",
                    .shape.boot = 64 * MIB,
                    .balloon = 32 * MIB,
                    .plugged = 4 * MIB,
                    .stats = true,
                    .total = 36 * MIB,
                    .free = 20 * MIB},
        .rss_known = true,
        .rss = 5 * MIB,
        .cpu_known = true,
        .cpu = 7,
    };
    char text[ROW_TEXT];
    char cells[9][32];

    CHECK_EQ(sscanf(sample_format(&row, text, true), "%31s%31s%31s%31s%31s%31s%31s%31s%31s",
                    cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6],
                    cells[7], cells[8]),
             9);
    CHECK_TEXT(cells[2], "36M");
    CHECK_TEXT(cells[3], "4M");
    CHECK_TEXT(cells[4], "32M");
    CHECK_TEXT(cells[5], "16M");
    CHECK_TEXT(cells[6], "20M");
    CHECK_TEXT(cells[7], "5M");
    CHECK_TEXT(cells[8], "7");
    CHECK_CONTAINS(sample_format(&row, text, false), " 37748736 ");
    row = (struct row){.name = "mute"};
    CHECK_CONTAINS(sample_format(&row, text, false), "no-answer");
    CHECK(strpbrk(text, "0123456789") == NULL);
}
