/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking name servers, and waiting for the answer.
 */
#include "resolve.h"
#include <lwip/dns.h>
#include <neap/compiler.h>
#include <neap/errors.h>
#include <neap/net.h>
#include <neap/wait.h>

/* One question. Its answer always comes, if only as a failure. */
struct query {
    struct waitqueue wait;
    bool answered; /* atomic */
    bool found;
    ip_addr_t *ip;
};

static void on_answer(const char *name, const ip_addr_t *ip, void *arg)
{
    struct query *query = arg;

    (void)name;
    query->found = ip != NULL;
    if (ip)
        *query->ip = *ip;
    __atomic_store_n(&query->answered, true, __ATOMIC_RELEASE);
    wake_all(&query->wait);
}

static bool is_answered(void *arg)
{
    return __atomic_load_n(&((struct query *)arg)->answered, __ATOMIC_ACQUIRE);
}

int net_resolve(const char *name, bool v4, bool v6, ip_addr_t *ip)
{
    uint8_t type = v4 && v6 ? LWIP_DNS_ADDRTYPE_DEFAULT
                   : v6     ? LWIP_DNS_ADDRTYPE_IPV6
                            : LWIP_DNS_ADDRTYPE_IPV4;
    struct query query = {.ip = ip};
    err_t error;

    waitqueue_init(&query.wait, "name server");
    net_lock();
    error = dns_gethostbyname_addrtype(name, ip, on_answer, &query, type);
    net_unlock();
    if (error == ERR_OK)
        return 0;
    if (error != ERR_INPROGRESS)
        return error == ERR_MEM ? -ENOMEM : -EINVAL;
    (void)wait_until(&query.wait, is_answered, &query, WAIT_FOREVER);
    /* Who answered did so under the lock: with it, nobody uses the query any more. */
    net_lock();
    net_unlock();
    return query.found ? 0 : -ENOENT;
}
