# SPDX-License-Identifier: BSD-2-Clause
# Tests hold blocks of their own kind in memory that must move (movers.c).
UNIT_LDFLAGS_mm := $(addprefix -Wl$(comma)--wrap=,space_evacuate space_evacuate_pages space_promised_pages \
	space_promise_cost lenders_vacate pin_owner)
