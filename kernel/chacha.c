/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ChaCha20 block function (RFC 8439, 2.3).
 */
#include "chacha.h"
#include <string.h>

#define DOUBLE_ROUNDS 10

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

void chacha_block(const uint32_t key[CHACHA_KEY_WORDS], uint32_t counter,
                  const uint32_t nonce[3], uint32_t block[CHACHA_BLOCK_WORDS])
{
    /* "expand 32-byte k" */
    uint32_t start[CHACHA_BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(start + 4, key, CHACHA_KEY_WORDS * sizeof(*key));
    start[12] = counter;
    memcpy(start + 13, nonce, 3 * sizeof(*nonce));
    memcpy(block, start, sizeof(start));
    for (unsigned i = 0; i < DOUBLE_ROUNDS; i++) {
        for (unsigned column = 0; column < 4; column++)
            quarter_round(block, column, column + 4, column + 8, column + 12);
        for (unsigned column = 0; column < 4; column++)
            quarter_round(block, column, (column + 1) % 4 + 4, (column + 2) % 4 + 8,
                          (column + 3) % 4 + 12);
    }
    for (unsigned i = 0; i < CHACHA_BLOCK_WORDS; i++)
        block[i] += start[i];
}
