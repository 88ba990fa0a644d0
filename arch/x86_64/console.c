/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first serial port, a 16550 or what a machine offers in its place; it may be absent.
 */
#include "ioapic.h"
#include "x86.h"
#include <arch/console.h>
#include <neap/log.h>

#define UART_PORT 0x3f8
#define UART_IRQ  4

enum {
    UART_DATA = 0,       /* divisor low with DLAB */
    UART_IRQ_ENABLE = 1, /* divisor high with DLAB */
    UART_FIFO = 2,       /* read: interrupt identification */
    UART_LINE = 3,
    UART_MODEM = 4,
    UART_LINE_STATUS = 5,
    UART_SCRATCH = 7,
};

#define LINE_8N1          0x03
#define LINE_DLAB         0x80
#define FIFO_ENABLE       0x07 /* and empty both directions */
#define FIFO_WORKS        0xc0
#define MODEM_DTR_RTS_IRQ 0x0b
#define IRQ_RECEIVED      0x01
#define STATUS_RECEIVED   0x01
#define STATUS_ROOM       0x20
#define FIFO_DEPTH        16

/* A byte takes 90 us at 115200 baud, a port access about 1 us: far more than a FIFO's time. */
#define WAIT_READS 20000
/* A device that always claims to have input must not keep the CPU in its interrupt. */
#define INPUT_BURST 256

static bool present;
static unsigned fifo_depth;
static unsigned room; /* bytes that surely fit; a race only costs a byte */

static uint8_t uart_read(unsigned reg)
{
    return port_read8(UART_PORT + reg);
}

static void uart_write(unsigned reg, uint8_t value)
{
    port_write8(UART_PORT + reg, value);
}

void arch_console_init(void)
{
    uart_write(UART_SCRATCH, 0x5a);
    present = uart_read(UART_SCRATCH) == 0x5a && uart_read(UART_LINE_STATUS) != 0xff;
    if (!present)
        return;
    uart_write(UART_IRQ_ENABLE, 0);
    uart_write(UART_LINE, LINE_DLAB);
    uart_write(UART_DATA, 1); /* 115200 baud */
    uart_write(UART_IRQ_ENABLE, 0);
    uart_write(UART_LINE, LINE_8N1);
    uart_write(UART_FIFO, FIFO_ENABLE);
    uart_write(UART_MODEM, MODEM_DTR_RTS_IRQ);
    fifo_depth = (uart_read(UART_FIFO) & FIFO_WORKS) == FIFO_WORKS ? FIFO_DEPTH : 1;
    room = 0;
}

void arch_console_putc(char c)
{
    if (!present)
        return;
    if (room == 0) {
        unsigned reads = 0;

        while (!(uart_read(UART_LINE_STATUS) & STATUS_ROOM)) {
            if (++reads == WAIT_READS)
                return; /* nobody takes the bytes: lose them */
        }
        room = fifo_depth;
    }
    room--;
    uart_write(UART_DATA, (uint8_t)c);
}

static void uart_interrupt(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < INPUT_BURST && uart_read(UART_LINE_STATUS) & STATUS_RECEIVED; i++)
        console_input((char)uart_read(UART_DATA));
    (void)uart_read(UART_FIFO); /* reading the identification lowers the line */
}

void arch_console_enable_input(void)
{
    int error;

    if (!present)
        return;
    error = ioapic_attach_isa(UART_IRQ, uart_interrupt, NULL, "serial");
    if (error) {
        log_warning("console", "no interrupt for the serial port (%d): input is off", error);
        return;
    }
    uart_write(UART_IRQ_ENABLE, IRQ_RECEIVED);
}
