/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's client against answers of every kind. */
#include "deadline.h"
#include "support.h"
#include <stdlib.h>
#include <unistd.h>

TEST(qmp_call_returns_the_result)
{
    struct json_object *result;
    struct error error;
    struct qmp qmp;
    uint64_t actual;

    scripted_session(&qmp, "{\"return\": {\"actual\": 12}, \"id\": 2}\r\n", false);
    result = qmp_call(&qmp, "query-balloon", NULL, &error);
    CHECK(result && json_get_u64(result, "actual", &actual));
    CHECK_EQ(actual, 12);
    json_object_put(result);
    qmp_close(&qmp);
}

TEST(qmp_call_passes_events_and_late_answers)
{
    struct error error;
    struct qmp qmp;

    scripted_session(&qmp,
                     "{\"event\": \"BALLOON_CHANGE\", \"data\": {\"actual\": 1}}\r\n"
                     "{\"error\": {\"class\": \"E\", \"desc\": \"late\"}, \"id\": 1}\r\n"
                     "{\"return\": {\"late\": 1}, \"id\": 1}\r\n"
                     "{\"return\": {}, \"id\": 2}\r\n",
                     false);
    CHECK_EQ(qmp_do(&qmp, "quit", NULL, &error), 0);
    qmp_close(&qmp);
}

static void check_failure(const char *lines, bool closed, const char *text)
{
    struct error error;
    struct qmp qmp;

    scripted_session(&qmp, lines, closed);
    CHECK(qmp_call(&qmp, "cont", json_object_new_object(), &error) == NULL);
    CHECK_CONTAINS(error.text, text);
    qmp_close(&qmp);
}

TEST(qmp_call_tells_refusal_from_nonsense)
{
    check_failure("{\"error\": {\"class\": \"E\", \"desc\": \"no, sir\"}, \"id\": 2}\r\n",
                  false, "refused cont: no, sir");
    check_failure("{\"error\": {\"class\": \"E\"}, \"id\": 2}\r\n", false, "neither a result");
    check_failure("{\"error\": \"no\", \"id\": 2}\r\n", false, "neither a result");
    check_failure("{\"return\": null, \"id\": 2}\r\n", false, "neither a result");
    check_failure("{\"id\": 2}\r\n", false, "neither a result");
    check_failure("{}\r\n", false, "neither a result");
    check_failure("hello\r\n", false, "no message");
    check_failure("[1]\r\n", false, "no message");
    check_failure("\r\n", false, "no message");
    check_failure("{\"return\": {\"x\r\n", false, "no message");
}

TEST(qmp_call_waits_only_so_long)
{
    int64_t begin = now_ms();

    check_failure("", false, "does not answer");
    check_failure("{\"return\": {}, \"id\": 2}", false, "does not answer");
    CHECK(now_ms() - begin >= 500);
    check_failure("", true, "has ended");
    check_failure("{\"return\": {}, \"id\": 2}", true, "has ended");
}

TEST(qmp_call_bounds_a_line)
{
    char *line = malloc(2 * QMP_LINE_MAX);
    struct error error;
    struct qmp qmp;

    memset(line, ' ', 2 * QMP_LINE_MAX - 1);
    line[2 * QMP_LINE_MAX - 1] = '\0';
    CHECK_EQ(qmp_open_fd(&qmp, scripted_qemu(line, false), deadline_in(300), &error), -1);
    CHECK_CONTAINS(error.text, "without an end");
    CHECK_EQ(qmp.fd, -1);
    free(line);
}

TEST(qmp_open_wants_a_greeting)
{
    struct error error;
    struct qmp qmp;

    CHECK_EQ(
        qmp_open_fd(&qmp, scripted_qemu("{\"hello\": 1}\r\n", false), deadline_in(300), &error),
        -1);
    CHECK_CONTAINS(error.text, "not QEMU");
    CHECK_EQ(qmp_open_fd(&qmp, scripted_qemu("", true), deadline_in(300), &error), -1);
    CHECK_EQ(qmp_open(&qmp, "/nowhere/qmp", 300, &error), -1);
    CHECK_CONTAINS(error.text, "No such file");
}

TEST(json_members_have_a_type)
{
    struct json_object *object = json_tokener_parse(
        "{\"n\": 5, \"big\": 18446744073709551615, \"neg\": -1, \"s\": \"t\", \"f\": 1.5}");
    const char *text;
    uint64_t value;

    CHECK(json_get_u64(object, "n", &value) && value == 5);
    CHECK(!json_get_u64(object, "neg", &value) && !json_get_u64(object, "s", &value));
    CHECK(!json_get_u64(object, "f", &value) && !json_get_u64(object, "none", &value));
    CHECK(!json_get_u64(NULL, "n", &value));
    CHECK(json_get_u64(object, "big", &value) && value == UINT64_MAX);
    CHECK(json_get_text(object, "s", &text) && strcmp(text, "t") == 0);
    CHECK(!json_get_text(object, "n", &text) && !json_get_text(object, "none", &text));
    json_object_put(object);
}
