/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What no driver may ever do, watched by the scriptable device in every test, whatever the test
 * is about: steps out of order, features and fields that are not there, rings that break a
 * rule.
 */
#ifndef WATCH_H
#define WATCH_H

#include <neap/vringd.h>
#include <stdbool.h>
#include <stdint.h>

struct fake;

/* ---- steps (watch_steps.c); each before the device does what is asked ---- */

void watch_status(const struct fake *fake, uint8_t status);
void watch_features(const struct fake *fake, const struct virtio_features *accepted);
void watch_config(const struct fake *fake, unsigned offset, unsigned width, bool write);

/* ---- rings (watch_ring.c) ---- */

/* The ring as it is handed over. */
void watch_new_ring(struct fake *fake, unsigned index);

/* At any time: nothing that is in flight has changed, indices and wishes make sense. */
void watch_ring(struct fake *fake, unsigned index);

/* A buffer that was just popped; `place`: where a packed ring stood before. */
void watch_buffer(struct fake *fake, unsigned index, uint32_t head, uint16_t place);

void watch_notification(struct fake *fake, unsigned index, uint32_t data);

#endif
