/* SPDX-License-Identifier: BSD-2-Clause */
/* What --net and --forward accept, and what QEMU is told. */
#include "network.h"
#include "support.h"
#include <stdio.h>

TEST(network_of_each_kind)
{
    struct network network = {0};
    char text[NETWORK_TEXT];
    struct error error;

    CHECK_EQ(network_parse("user", &network, &error), 0);
    CHECK_TEXT(network_describe(&network, "net0", text), "user,id=net0");
    CHECK_EQ(network_parse("tap:tide0", &network, &error), 0);
    CHECK_TEXT(network_describe(&network, "n", text),
               "tap,id=n,ifname=tide0,script=no,downscript=no");
    CHECK_EQ(network_parse("none", &network, &error), 0);
    CHECK_EQ(network.kind, NETWORK_NONE);
}

TEST(network_forwards_imply_user)
{
    struct network network = {0};
    char text[NETWORK_TEXT];
    struct error error;

    CHECK_EQ(network_forward("8080:80", &network, &error), 0);
    CHECK_EQ(network_forward("11211:65535", &network, &error), 0);
    CHECK_EQ(network_check(&network, &error), 0);
    CHECK_TEXT(network_describe(&network, "net0", text),
               "user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80,"
               "hostfwd=tcp:127.0.0.1:11211-:65535");
    network.kind = NETWORK_TAP;
    CHECK_EQ(network_check(&network, &error), -1);
    CHECK_CONTAINS(error.text, "--net user");
}

TEST(network_refuses_nonsense)
{
    static const char *const kinds[] = {
        "", "tap", "tap:", "tap:a,b", "tap:../x", "tap:sixteen-letters-", "users"};
    static const char *const forwards[] = {
        "",        "80",    ":",   "80:",  ":80", "0:1",
        "1:65536", "1:2:3", "a:b", "1:-2", "1,2", "12345678:1"};
    struct network network = {0};
    struct error error;

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        CHECK_EQ(network_parse(kinds[i], &network, &error), -1);
    for (unsigned i = 0; i < sizeof(forwards) / sizeof(*forwards); i++)
        CHECK_EQ(network_forward(forwards[i], &network, &error), -1);
    CHECK_EQ(network.kind, NETWORK_NONE);
    CHECK_EQ(network.nr_forwards, 0);
}

TEST(network_forwards_have_a_limit)
{
    struct network network = {0};
    char text[NETWORK_TEXT];
    struct error error;

    for (unsigned i = 0; i < NETWORK_FORWARDS_MAX; i++)
        CHECK_EQ(network_forward("65535:65535", &network, &error), 0);
    CHECK_EQ(network_forward("1:1", &network, &error), -1);
    CHECK(strlen(network_describe(&network, "net0", text)) < NETWORK_TEXT - 1);
    CHECK_CONTAINS(text + strlen(text) - 8, "-:65535");
}
