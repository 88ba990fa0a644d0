# SPDX-License-Identifier: BSD-2-Clause
# A server that sends back what it gets.

NETWORK := 1
