/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only page of the web server in tests of its requests; there is no memory for figures.
 */
#ifndef PAGE_H
#define PAGE_H

#define PAGE_TEXT "<p>page</p>"
extern const char page_text[sizeof(PAGE_TEXT)];

#endif
