/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache's meta commands.
 */
#include "base64.h"
#include "cache.h"
#include "client.h"
#include "number.h"
#include "store.h"
#include "unit.h"
#include <string.h>

static struct client client;

static void start(void)
{
    cache_start(4 << 20);
    client_open(&client, &cache_service);
}

TEST(cache_meta_flags_come_back_in_order)
{
    start();
    client_expect(&client, "ms a 2 T90 F7 O1 k E55\r\nhi\r\n", "HD O1 ka\r\n");
    client_expect(&client, "mg a s v O9 h f c k l t\r\n",
                  "VA 2 s2 O9 h0 f7 c55 ka l0 t90\r\nhi\r\n");
    client_expect(&client, "mg a h\r\nmg none\r\nmg none q\r\nmn\r\n", "HD h1\r\nEN\r\nMN\r\n");
    client_expect(&client,
                  "mg a v v\r\nmg a %\r\nmg\r\nmg a O123456789012345678901234567890123\r\n",
                  "CLIENT_ERROR duplicate flag\r\nCLIENT_ERROR invalid flag\r\n"
                  "CLIENT_ERROR bad command line format\r\n"
                  "CLIENT_ERROR bad token in command line format\r\n");
}

TEST(cache_meta_modes_and_comparing)
{
    start();
    client_expect(&client,
                  "ms a 1 ME E5\r\nb\r\nms a 1 ME\r\nx\r\nms a 1 MA\r\nc\r\nms a 1 MP\r\na\r\n",
                  "HD\r\nNS\r\nHD\r\nHD\r\n");
    client_expect(&client,
                  "mg a v\r\nms b 1 MR\r\nx\r\nms b 1 MA N0\r\nx\r\nms a 1 M?\r\nx\r\n",
                  "VA 3\r\nabc\r\nNS\r\nHD\r\nCLIENT_ERROR invalid mode for ms\r\n");
    client_expect(&client,
                  "ms a 1 E9\r\n1\r\nms a 1 C8\r\n2\r\nms a 1 C9 E10\r\n3\r\nmd a C9\r\nmd a "
                  "C10 q\r\nmn\r\n",
                  "HD\r\nEX\r\nHD\r\nEX\r\nMN\r\n");
}

TEST(cache_meta_one_reader_renews)
{
    start();
    client_expect(&client, "mg a v N30 t\r\nmg a v N30\r\nms a 1 T30\r\nx\r\nmg a v\r\n",
                  "VA 0 t30 W\r\n\r\nVA 0 Z\r\n\r\nHD\r\nVA 1\r\nx\r\n");
    client_expect(&client, "md a I T20\r\nmg a v t\r\nmg a v\r\nms a 1 T30\r\ny\r\nmg a v\r\n",
                  "HD\r\nVA 1 t20 X W\r\nx\r\nVA 1 Z X\r\nx\r\nHD\r\nVA 1\r\ny\r\n");
    client_expect(&client, "mg a R60\r\nmg a R60\r\nmg a R10\r\n", "HD W\r\nHD Z\r\nHD Z\r\n");
    client_expect(&client,
                  "ms a 1 E20\r\n1\r\nms a 1 I C10 E11\r\n2\r\nmg a v\r\nms a 1 I C99\r\n3\r\n",
                  "HD\r\nHD\r\nVA 1 X W\r\n2\r\nEX\r\n");
}

TEST(cache_meta_counts)
{
    start();
    client_expect(
        &client,
        "ma n\r\nma n N0 J7 v\r\nma n D5 v t\r\nma n MD D100 v\r\nma n q\r\nmg n v\r\n",
        "NF\r\nVA 1\r\n7\r\nVA 2 t-1\r\n12\r\nVA 1\r\n0\r\nVA 1\r\n1\r\n");
    client_expect(&client, "me n\r\nme none\r\n",
                  "ME n exp=-1 la=0 cas=6 fetch=yes cls=1 size=64\r\nEN\r\n");
}

TEST(cache_meta_keys_of_any_bytes)
{
    start();
    client_expect(&client, "ms CgkA/w== 2 b\r\nhi\r\nmg CgkA/w== b v k\r\n",
                  "HD\r\nVA 2 kCgkA/w== b\r\nhi\r\n");
    client_expect(&client, "mg C b\r\nmg **** b\r\nmg AA=A b\r\n",
                  "CLIENT_ERROR error decoding key\r\nCLIENT_ERROR error decoding key\r\n"
                  "CLIENT_ERROR error decoding key\r\n");
    CHECK(store_find("\n\t\0\xff", 4) != NULL);
}

TEST(cache_base64_round_trip)
{
    char bytes[KEY_MAX], code[BASE64_LENGTH(KEY_MAX)], back[KEY_MAX];

    for (size_t length = 1; length <= KEY_MAX; length++) {
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)unit_random();
        CHECK_EQ(base64_encode(code, bytes, length), BASE64_LENGTH(length));
        CHECK_EQ(base64_decode(back, KEY_MAX, code, BASE64_LENGTH(length)), length);
        CHECK(memcmp(back, bytes, length) == 0);
        CHECK_EQ(base64_decode(back, length - 1, code, BASE64_LENGTH(length)), 0);
    }
}

TEST(cache_numbers)
{
    uint64_t value;
    int64_t number;
    char text[20];

    CHECK(number_parse("18446744073709551615", 20, &value) && value == UINT64_MAX);
    CHECK(!number_parse("18446744073709551616", 20, &value));
    CHECK(!number_parse("", 0, &value) && !number_parse("1x", 2, &value));
    CHECK(number_parse("12  ", 4, &value) && value == 12);
    CHECK(number_parse_signed("-9223372036854775807", 20, &number) && number == -INT64_MAX);
    CHECK(!number_parse_signed("9223372036854775808", 19, &number));
    CHECK(!number_parse_signed("-", 1, &number));
    CHECK_EQ(number_print(text, UINT64_MAX), 20);
    CHECK(memcmp(text, "18446744073709551615", 20) == 0);
    CHECK_EQ(number_print(text, 0), 1);
}
