/* SPDX-License-Identifier: BSD-2-Clause */
/* The folders of guests: private, locked, and read with care. */
#include "guest.h"
#include "support.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *below(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", getenv("XDG_RUNTIME_DIR"), name);
    return path;
}

TEST(guest_names_are_plain)
{
    static const char *const bad[] = {
        "",    "-a",  ".",   "..",       ".a",
        "a/b", "a b", "a,b", "\xc3\xa4", "123456789012345678901234567890123"};
    struct error error;

    CHECK_EQ(guest_check_name("neap-shell.2_b", &error), 0);
    CHECK_EQ(guest_check_name("12345678901234567890123456789012", &error), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_EQ(guest_check_name(bad[i], &error), -1);
}

TEST(guest_home_is_private)
{
    char home[PATH_MAX];
    struct error error;
    struct stat stat_;

    runtime_folder();
    CHECK_EQ(guest_home(home, sizeof(home), &error), 0);
    CHECK_EQ(stat(home, &stat_), 0);
    CHECK_EQ(stat_.st_mode & 0777, 0700);
    CHECK_EQ(chmod(home, 0750), 0);
    CHECK_EQ(guest_home(home, sizeof(home), &error), -1);
    CHECK_CONTAINS(error.text, "chmod 700");
    CHECK_EQ(rmdir(home), 0);
    CHECK_EQ(symlink("/tmp", home), 0);
    CHECK_EQ(guest_home(home, sizeof(home), &error), -1);
    CHECK_EQ(unlink(home), 0);
}

TEST(guest_home_wants_a_usable_variable)
{
    char home[PATH_MAX], small[16];
    struct error error;

    setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
    CHECK_EQ(guest_home(home, sizeof(home), &error), -1);
    CHECK_CONTAINS(error.text, "No such file");
    setenv("XDG_RUNTIME_DIR", "tmp", 1);
    CHECK_EQ(guest_home(home, sizeof(home), &error), -1);
    CHECK_CONTAINS(error.text, "absolute");
    setenv("XDG_RUNTIME_DIR", "/a/long/folder", 1);
    CHECK_EQ(guest_home(small, sizeof(small), &error), -1);
    CHECK_CONTAINS(error.text, "too long");
}

TEST(guest_home_of_others_is_refused)
{
    char home[PATH_MAX];
    struct error error;

    runtime_folder();
    CHECK_EQ(guest_home(home, sizeof(home), &error), 0);
    if (geteuid() != 0)
        unit_skip("needs root to give a folder away");
    CHECK_EQ(chown(home, 1, 1), 0);
    CHECK_EQ(guest_home(home, sizeof(home), &error), -1);
    CHECK_CONTAINS(error.text, "another user");
}

TEST(guest_name_is_taken_once)
{
    struct guest guest, other;
    struct error error;
    int lock, reason;

    runtime_folder();
    lock = guest_claim(&guest, "demo", &reason, &error);
    CHECK(lock >= 0);
    CHECK(guest_is_running(&guest));
    CHECK_EQ(guest_claim(&other, "demo", &reason, &error), -1);
    CHECK_EQ(reason, -EEXIST);
    CHECK_CONTAINS(error.text, "neap stop demo");
    guest_remove(&guest);
    CHECK_EQ(access(below("neap/demo/lock"), F_OK), 0);
    close(lock);
    CHECK(!guest_is_running(&guest));
    guest_remove(&guest);
    CHECK(access(below("neap/demo"), F_OK) != 0);
}

TEST(guest_claim_empties_what_an_ended_one_left)
{
    struct guest guest;
    struct error error;
    int lock, reason;

    runtime_folder();
    close(guest_claim(&guest, "demo", &reason, &error));
    write_file("neap/demo/state.json", "old", 3);
    lock = guest_claim(&guest, "demo", &reason, &error);
    CHECK(lock >= 0);
    CHECK(access(below("neap/demo/state.json"), F_OK) != 0);
}

static struct guest saved(const char *name)
{
    struct guest guest;
    struct error error;
    int reason;

    CHECK(guest_claim(&guest, name, &reason, &error) >= 0);
    strcpy(guest.image, "/images/a \"b\".elf");
    strcpy(guest.accel, "tcg");
    guest.memory = 64 * MIB;
    guest.max = 8 * GIB;
    guest.pid = 1234;
    guest.detached = true;
    CHECK_EQ(guest_save(&guest, &error), 0);
    return guest;
}

TEST(guest_state_survives)
{
    struct guest guest, read;
    struct error error;

    runtime_folder();
    guest = saved("demo");
    CHECK_EQ(guest_load("demo", &read, &error), 0);
    CHECK(read.running && read.detached);
    CHECK_TEXT(read.image, "/images/a \"b\".elf");
    CHECK_EQ(read.memory, 64 * MIB);
    CHECK_EQ(read.max, 8 * GIB);
    CHECK_EQ(read.pid, 1234);
    CHECK_EQ(read.exit_status, -1);
    guest.exit_status = 5;
    CHECK_EQ(guest_save(&guest, &error), 0);
    CHECK_EQ(guest_load("demo", &read, &error), 0);
    CHECK_EQ(read.exit_status, 5);
}

TEST(guest_state_is_checked)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"image\":\"i\",\"accel\":\"much-too-long\",\"memory\":1,\"max\":1,\"pid\":1,"
        "\"detached\":0}",
        "{\"image\":\"i\",\"accel\":\"tcg\",\"memory\":0,\"max\":1,\"pid\":1,\"detached\":0}",
        "{\"image\":\"i\",\"accel\":\"tcg\",\"memory\":2,\"max\":1,\"pid\":1,\"detached\":0}",
        "{\"image\":\"i\",\"accel\":\"tcg\",\"memory\":1,\"max\":1,\"pid\":-1,\"detached\":0}",
        "{\"image\":7,\"accel\":\"tcg\",\"memory\":1,\"max\":1,\"pid\":1,\"detached\":0}",
    };
    struct guest guest;
    struct error error;

    runtime_folder();
    saved("demo");
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write_file("neap/demo/state.json", bad[i], strlen(bad[i]));
        CHECK_EQ(guest_load("demo", &guest, &error), -1);
        CHECK_CONTAINS(error.text, "state.json");
    }
}

TEST(guest_find_lists_the_running_ones)
{
    static struct guest guests[GUESTS_MAX];
    struct guest guest;
    struct error error;

    runtime_folder();
    CHECK_EQ(guest_find("demo", &guest, &error), -1);
    CHECK_CONTAINS(error.text, "none is running");
    saved("zeta");
    saved("beta");
    saved("gamma");
    saved("alpha");
    saved("delta");
    write_file("neap/file", "x", 1);
    CHECK_EQ(guest_list(guests, &error), 5);
    CHECK_TEXT(guests[0].name, "alpha");
    CHECK_TEXT(guests[4].name, "zeta");
    CHECK_EQ(guest_find("demo", &guest, &error), -1);
    CHECK_TEXT(error.text,
               "no guest is named 'demo'; running: alpha, beta, delta, gamma, zeta");
    CHECK_EQ(guest_find("../x", &guest, &error), -1);
    CHECK_CONTAINS(error.text, "no name");
    CHECK_EQ(guest_find("zeta", &guest, &error), 0);
}
