/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ChaCha20 block function (RFC 8439, 2.3).
 */
#ifndef KERNEL_CHACHA_H
#define KERNEL_CHACHA_H

#include <stdint.h>

#define CHACHA_KEY_WORDS   8
#define CHACHA_BLOCK_WORDS 16

/* The block of this key, counter and nonce, as words in CPU byte order. Any context. */
void chacha_block(const uint32_t key[CHACHA_KEY_WORDS], uint32_t counter,
                  const uint32_t nonce[3], uint32_t block[CHACHA_BLOCK_WORDS]);

#endif
