/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the network device layer share.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <neap/netdev_driver.h>

/* Wait until no event() upcall runs or waits. Thread context, not from an upcall. */
void netdev_flush_events(struct netdev *dev);

#endif
