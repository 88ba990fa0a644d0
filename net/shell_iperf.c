/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command iperf. One test each time: serving ends with it, too.
 */
#include "shell_iperf.h"
#include "resolve.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/shell.h>
#include <neap/timer.h>
#include <string.h>

#define SECONDS     10
#define SECONDS_MAX 3600
#define PATIENCE_NS (30 * NS_PER_S) /* for a peer, beyond the time of the test */

bool iperf_is_done(void *arg)
{
    return __atomic_load_n(&((struct iperf *)arg)->done, __ATOMIC_ACQUIRE);
}

void iperf_finish(struct iperf *test, int error)
{
    test->error = error;
    test->end_ns = clock_ns();
    __atomic_store_n(&test->done, true, __ATOMIC_RELEASE);
    wake_all(&test->wait);
}

static int run_test(struct iperf *test)
{
    uint64_t ns;
    int error;

    net_lock();
    error = test->udp ? iperf_start_udp(test) : iperf_start_tcp(test);
    net_unlock();
    if (error == 0 && test->server)
        kprintf("iperf: serving %s port %u\n", test->udp ? "UDP" : "TCP", IPERF_PORT);
    if (error == 0 && test->udp && !test->server)
        iperf_send_datagrams(test);
    if (error == 0)
        error = wait_until(&test->wait, iperf_is_done, test,
                           test->seconds * NS_PER_S + PATIENCE_NS);
    iperf_stop(test);
    if (error == 0)
        error = test->error;
    ns = MAX(test->end_ns - test->begin_ns, 1);
    if (error == 0)
        kprintf("%llu bytes in %llu ms, %llu Mbit/s", (unsigned long long)test->bytes,
                (unsigned long long)(ns / NS_PER_MS),
                (unsigned long long)(test->bytes * 8000 / ns));
    if (error == 0 && test->udp)
        kprintf(", %llu of %d datagrams lost", (unsigned long long)test->lost, test->next);
    if (error == 0)
        kprintf("\n");
    return error;
}

static int run_iperf(int argc, char **argv)
{
    struct iperf test = {.seconds = SECONDS};
    int next = 2, error;

    test.server = argc >= 2 && strcmp(argv[1], "-s") == 0;
    if (!test.server && (argc < 3 || strcmp(argv[1], "-c") != 0))
        return -EINVAL;
    next += !test.server;
    if (next < argc && strcmp(argv[next], "-u") == 0)
        test.udp = next++ > 0;
    if (next < argc && (parse_size(argv[next], &test.seconds) || ++next < argc ||
                        test.seconds == 0 || test.seconds > SECONDS_MAX))
        return -EINVAL;
    waitqueue_init(&test.wait, "iperf");
    error = test.server ? 0 : net_resolve(argv[2], true, true, &test.peer);
    if (error) {
        kprintf("iperf: %s: unknown name\n", argv[2]);
        return error;
    }
    return run_test(&test);
}
SHELL_COMMAND(iperf, "iperf -s|-c <host> [-u] [seconds]",
              "measure throughput with iperf 2 as the peer", run_iperf);
