/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How lwIP is configured. Everything in it runs under one mutex (include/neap/net.h): lwIP
 * needs no thread, mailbox or semaphore of its own, and callers come in from any thread without
 * a switch.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
/* net/timers.c runs the cyclic timers, and only those that have something to do. */
#define LWIP_TIMERS_CUSTOM                    1
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1
#define LWIP_NETIF_LOOPBACK_MULTITHREADING    0
#define LWIP_SUPPORT_CUSTOM_PBUF              1

/* Memory: objects of the kernel's allocator, all of them under one limit (net/memory.c). */
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC    net_malloc
#define MEM_CUSTOM_CALLOC    net_calloc
#define MEM_CUSTOM_FREE      net_free
#define MEMP_MEM_MALLOC      1
#define MEM_ALIGNMENT        8
#define PBUF_POOL_BUFSIZE    2048
/* Room in front of each frame for what a driver tells its device. */
#define PBUF_LINK_ENCAPSULATION_HLEN 20

/* Protocols */
#define LWIP_IPV4                         1
#define LWIP_IPV6                         1
#define LWIP_RAW                          1
#define LWIP_DHCP                         1
#define LWIP_DHCP_DOES_ACD_CHECK          0
#define LWIP_DNS                          1
#define DNS_MAX_SERVERS                   3
#define DNS_TABLE_SIZE                    16
#define LWIP_DNS_SECURE                   7
#define LWIP_IPV6_AUTOCONFIG              1
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS    2
#define LWIP_ND6_ALLOW_RA_UPDATES         1
#define LWIP_HOOK_ND6_GET_GW(netif, dest) net_ip6_gateway(netif)
#define MEMP_NUM_ND6_QUEUE                64
#define ARP_TABLE_SIZE                    64
#define ARP_QUEUEING                      1
#define IPV6_FRAG_COPYHEADER              1 /* pointers are larger than lwIP's default */
#define IP_REASS_MAX_PBUFS                64
#define LWIP_MULTICAST_PING               0
#define LWIP_BROADCAST_PING               0
#define SO_REUSE                          1
#define IP_SOF_BROADCAST                  1
#define IP_SOF_BROADCAST_RECV             0
#define LWIP_NETIF_HOSTNAME               1
#define LWIP_NETIF_STATUS_CALLBACK        1
#define LWIP_NETIF_LINK_CALLBACK          0
#define LWIP_HAVE_LOOPIF                  1
#define LWIP_NETIF_LOOPBACK               1
#define LWIP_LOOPBACK_MAX_PBUFS           2048

/* TCP: what fits a link's MTU is worked out for each connection, this is only the upper end. */
#define TCP_MSS                                                   8960
#define LWIP_WND_SCALE                                            1
#define TCP_RCV_SCALE                                             3
#define TCP_WND                                                   (256 * 1024)
#define TCP_SND_BUF                                               (256 * 1024)
#define TCP_SND_QUEUELEN                                          1024
#define TCP_SNDLOWAT                                              (16 * 1024)
#define TCP_WND_UPDATE_THRESHOLD                                  (32 * 1024)
#define MEMP_NUM_TCP_SEG                                          1024
#define TCP_LISTEN_BACKLOG                                        1
#define TCP_DEFAULT_LISTEN_BACKLOG                                255
#define TCP_OOSEQ_MAX_BYTES                                       (256 * 1024)
#define LWIP_TCP_SACK_OUT                                         1
#define LWIP_TCP_KEEPALIVE                                        1
#define TCP_MSL                                                   15000
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) net_random()

/* Sums are made and checked by the device where it can (net/interface.c). */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHECKSUM_ON_COPY        0
#define LWIP_CHKSUM                  net_checksum

#define LWIP_STATS         1
#define LWIP_STATS_LARGE   1
#define MEM_STATS          0
#define MEMP_STATS         1
#define SYS_STATS          0
#define LWIP_STATS_DISPLAY 0

#endif
