/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service-call logical processor: how the machine tells its memory size, and the console.
 * A request is a block (SCCB) in one page below 2 GiB.
 */
#ifndef SCLP_H
#define SCLP_H

#include <stdint.h>

#define SCLP_READ_INFO        0x00020001u
#define SCLP_READ_INFO_FORCED 0x00120001u
#define SCLP_READ_EVENT       0x00770005u
#define SCLP_WRITE_EVENT      0x00760005u
#define SCLP_WRITE_MASK       0x00780005u

#define SCLP_OK      0x0020u
#define SCLP_OK_READ 0x0010u

/* Event types; bit (32 - type) of a mask. */
#define SCLP_EVENT_COMMAND 0x01 /* line mode: a line was typed */
#define SCLP_EVENT_MESSAGE 0x02 /* line mode: a line to show */
#define SCLP_EVENT_ASCII   0x1a
#define SCLP_MASK(type)    (UINT32_C(1) << (32 - (type)))

#define SCCB_SIZE 4096

struct sccb_header {
    uint16_t length;
    uint8_t function;
    uint8_t control[3];
    uint16_t response; /* 0 until the request is done */
};

struct sclp_event {
    uint16_t length;
    uint8_t type;
    uint8_t flags;
    uint16_t reserved;
    uint8_t data[];
} __attribute__((packed, aligned(2)));

/*
 * Run one command and wait a bounded time for its end. Returns the response code, 0 when the
 * SCLP did not answer. Any context, one caller for one SCCB.
 */
unsigned sclp_call(uint32_t command, struct sccb_header *sccb);

/* Bytes of memory; 0: the SCLP does not say. Boot CPU, once. */
uint64_t sclp_memory_size(void);

#endif
