/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads recorded on a guest, once a second: what `neap top --once` showed as used. */
#include "support.h"

/* Forty allocations of 6 MiB, one a second, then all freed. */
static const unsigned ramp[] = {
    868,    868,    868,    7020,   13164,  19308,  25452,  31596,  37740,  43884,  50028,
    56172,  62316,  68460,  74604,  80748,  86892,  93036,  99180,  105324, 111468, 117612,
    123756, 130412, 136556, 142700, 148844, 154988, 161132, 167276, 173420, 179564, 185708,
    191852, 197996, 204140, 210284, 216428, 222572, 228716, 234860, 241004, 247148, 247148,
    247148, 247148, 247148, 247148, 1384,   1384,   1384,   1384,   1384,   1384,   1384,
    1384,   1384,   1384,   1384,   1384,   1384,   1384,   1384,   1384};
const struct load load_ramp = {"ramp", ramp, ARRAY_SIZE(ramp)};

/* Five times: six allocations of 10 MiB in 3 s, 2 s of rest, all freed, 3 s of rest. */
static const unsigned waves[] = {
    11628, 32108, 52588, 62828, 62828, 1384,  1384,  1384,  11628, 11628, 52588, 52588,
    62828, 62828, 1384,  1384,  1384,  11628, 32108, 52588, 62828, 62828, 1384,  1384,
    1384,  11628, 32108, 52588, 62828, 62828, 1384,  1384,  11628, 32108, 52588, 62828,
    62828, 1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384,
    1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384};
const struct load load_waves = {"waves", waves, ARRAY_SIZE(waves)};

/* Allocations of 1 to 8 MiB at random, all of them freed now and then. */
static const unsigned requests[] = {
    3436,  15724, 42348, 42348, 1384,  32108, 43372, 47468, 57708, 1384,  19820,
    44396, 14700, 28012, 1384,  19820, 28012, 38252, 53612, 1384,  9580,  32108,
    6508,  1384,  9580,  18796, 25964, 49516, 50540, 50540, 17772, 31084, 61804,
    72044, 77164, 83308, 1384,  1384,  2412,  3436,  21868, 1384,  1384,  1384,
    1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384,  1384};
const struct load load_requests = {"requests", requests, ARRAY_SIZE(requests)};
