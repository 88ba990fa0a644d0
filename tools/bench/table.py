# SPDX-License-Identifier: BSD-2-Clause
"""Rows of the report: one metric each, neap beside the reference."""


class Table:
    """Collects metrics, prints each as it comes, and writes them as TSV."""

    COLUMNS = ("name", "neap", "reference", "ratio", "unit")

    def __init__(self):
        self.rows = []

    def add_rate(self, name, neap, reference, unit):
        """A metric of which more is better: ratio is neap / reference, so above 1 neap is the better one."""
        self.add(name, neap, reference, unit, neap / reference if neap is not None and reference else None)

    def add(self, name, neap, reference, unit, ratio=None):  # pylint: disable=too-many-arguments
        """One metric of which less is better: ratio is reference / neap, so above 1 neap is the better one."""
        if ratio is None and neap and reference is not None:
            ratio = reference / neap
        self.rows.append((name, neap, reference, ratio, unit))
        shown = f"{ratio:10.2f}x" if ratio is not None else " " * 11
        other = f"{reference:14.4g}" if reference is not None else f"{'-':>14}"
        print(f"{name:60}{neap:14.4g}{other}{shown}  {unit}", flush=True)

    def write(self, path):
        """Write the table; an absent figure is an empty field."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ["\t".join(self.COLUMNS)]
        for row in self.rows:
            lines.append("\t".join("" if value is None else f"{value:.6g}" if isinstance(value, float)
                                   else str(value) for value in row))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
