/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files themselves: apps/httpd/www.
 */
.section .rodata.www, "a"

.globl index_html_start, index_html_end
index_html_start:
    .incbin "apps/httpd/www/index.html"
index_html_end:
