/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ping and nslookup.
 */
#include "internal.h"
#include "resolve.h"
#include <lwip/icmp.h>
#include <lwip/icmp6.h>
#include <lwip/inet_chksum.h>
#include <lwip/prot/ip4.h>
#include <lwip/raw.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/shell.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>
#include <string.h>

#define COUNT       4
#define COUNT_MAX   1000
#define DATA_BYTES  56
#define PATIENCE_NS NS_PER_S

/* One run of ping; under net_lock() but for `answered`. */
struct ping {
    struct raw_pcb *pcb;
    ip_addr_t target;
    uint16_t id, sequence;
    uint64_t sent_ns, took_ns;
    struct waitqueue wait;
    bool answered; /* atomic */
};

static u8_t on_packet(void *arg, struct raw_pcb *pcb, struct pbuf *packet,
                      const ip_addr_t *from)
{
    struct ping *ping = arg;
    bool v6 = IP_IS_V6(&ping->target);
    size_t skip = v6 ? IP6_HLEN : IP_HLEN;
    struct icmp_echo_hdr echo;

    (void)pcb, (void)from;
    if (!v6)
        skip = IPH_HL_BYTES((struct ip_hdr *)packet->payload);
    if (pbuf_copy_partial(packet, &echo, sizeof(echo), (u16_t)skip) != sizeof(echo) ||
        echo.type != (v6 ? ICMP6_TYPE_EREP : ICMP_ER) || echo.id != ping->id ||
        echo.seqno != lwip_htons(ping->sequence))
        return 0;
    ping->took_ns = clock_ns() - ping->sent_ns;
    __atomic_store_n(&ping->answered, true, __ATOMIC_RELEASE);
    wake_all(&ping->wait);
    pbuf_free(packet);
    return 1;
}

static bool is_answered(void *arg)
{
    return __atomic_load_n(&((struct ping *)arg)->answered, __ATOMIC_ACQUIRE);
}

static int send_request(struct ping *ping)
{
    bool v6 = IP_IS_V6(&ping->target);
    struct pbuf *packet =
        pbuf_alloc(PBUF_IP, sizeof(struct icmp_echo_hdr) + DATA_BYTES, PBUF_RAM);
    struct icmp_echo_hdr *echo;
    err_t error;

    if (!packet)
        return -ENOMEM;
    echo = packet->payload;
    memset(echo, 0, packet->len);
    echo->type = v6 ? ICMP6_TYPE_EREQ : ICMP_ECHO;
    echo->id = ping->id;
    echo->seqno = lwip_htons(++ping->sequence);
    if (!v6)
        echo->chksum = inet_chksum(echo, packet->len);
    ping->sent_ns = clock_ns();
    error = raw_sendto(ping->pcb, packet, &ping->target);
    pbuf_free(packet);
    return error == ERR_OK ? 0 : error == ERR_MEM ? -ENOMEM : -EHOSTUNREACH;
}

static int ping_once(struct ping *ping)
{
    int error;

    __atomic_store_n(&ping->answered, false, __ATOMIC_RELAXED);
    net_lock();
    error = send_request(ping);
    net_unlock();
    if (error)
        return error;
    return wait_until(&ping->wait, is_answered, ping, PATIENCE_NS);
}

static int start(struct ping *ping, const char *name)
{
    int error = net_resolve(name, true, true, &ping->target);
    bool v6 = IP_IS_V6(&ping->target);

    if (error) {
        kprintf("ping: %s: unknown name\n", name);
        return error;
    }
    waitqueue_init(&ping->wait, "ping");
    ping->id = (uint16_t)net_random();
    net_lock();
    ping->pcb = raw_new_ip_type(v6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4,
                                v6 ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP);
    if (ping->pcb) {
        raw_recv(ping->pcb, on_packet, ping);
        ping->pcb->chksum_reqd = v6;
        ping->pcb->chksum_offset = offsetof(struct icmp_echo_hdr, chksum);
    }
    net_unlock();
    return ping->pcb ? 0 : -ENOMEM;
}

static int run_ping(int argc, char **argv)
{
    char text[IPADDR_STRLEN_MAX];
    uint64_t count = COUNT, received = 0;
    struct ping ping = {0};
    int error;

    if (argc < 2 || argc > 3 || (argc == 3 && parse_size(argv[2], &count)) || count == 0 ||
        count > COUNT_MAX)
        return -EINVAL;
    error = start(&ping, argv[1]);
    if (error)
        return error;
    ipaddr_ntoa_r(&ping.target, text, sizeof(text));
    for (uint64_t i = 1; i <= count; i++) {
        error = ping_once(&ping);
        if (error)
            kprintf("%s: %s\n", text, error == -ETIMEDOUT ? "no answer" : error_name(error));
        else
            kprintf("%s: answer %llu after %llu us\n", text, (unsigned long long)i,
                    (unsigned long long)(ping.took_ns / NS_PER_US));
        received += error == 0;
        if (i < count)
            thread_sleep_ns(200 * NS_PER_MS);
    }
    net_lock();
    raw_remove(ping.pcb);
    net_unlock();
    kprintf("%llu sent, %llu answered\n", (unsigned long long)count,
            (unsigned long long)received);
    return received > 0 ? 0 : -ETIMEDOUT;
}
SHELL_COMMAND(ping, "ping <host> [count]", "ask a host for a sign of life", run_ping);

static int run_nslookup(int argc, char **argv)
{
    char text[IPADDR_STRLEN_MAX];
    unsigned found = 0;

    if (argc != 2)
        return -EINVAL;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        ip_addr_t ip;

        if (net_resolve(argv[1], !v6, v6, &ip) == 0 && IP_IS_V6(&ip) == v6) {
            kprintf("%s has address %s\n", argv[1], ipaddr_ntoa_r(&ip, text, sizeof(text)));
            found++;
        }
    }
    if (!found)
        kprintf("%s: no address found\n", argv[1]);
    return found ? 0 : -ENOENT;
}
SHELL_COMMAND(nslookup, "nslookup <name>", "addresses of a host", run_nslookup);
