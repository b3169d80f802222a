"""What became of a load, and how it is told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fhir_service.cli.loading.preparing import Refused

EXAMPLES = 3
ROWS = 12
REASONS = {
    "unreadable": "読めない / cannot be read",
    "invalid": "R4に合わない / is not valid R4",
    "unresolved": "参照先がない / refers to what is not there",
    "failed": "処理の失敗 / batch or transaction failed",
}
What = tuple[str, str]
"""A reason, and what is wrong."""


@dataclass(slots=True)
class Summary:
    """`stored` counts resources by type, `refused` texts by what is wrong; `examples` are the first of each."""

    stored: Counter[str] = field(default_factory=Counter)
    refused: Counter[What] = field(default_factory=Counter)
    examples: dict[What, list[Refused]] = field(default_factory=dict)
    seconds: float = 0.0

    def refuse(self, refused: Sequence[Refused]) -> None:
        """Count these."""
        for each in refused:
            what = (each.reason, each.what)
            self.refused[what] += 1
            examples = self.examples.setdefault(what, [])
            if len(examples) < EXAMPLES:
                examples.append(each)

    def show(self, console: Console) -> None:
        """Print how many were loaded, of which types, and what was refused and why."""
        stored = self.stored.total()
        kinds = ", ".join(f"{name} {count:,}" for name, count in sorted(self.stored.items()))
        rate = f"{stored / self.seconds:,.0f}/s" if self.seconds else ""
        console.print(
            f"[bold]{stored:,}[/] 件を登録しました / loaded in {self.seconds:.1f} s ({rate})", highlight=False
        )
        if kinds:
            console.print(kinds, style="dim", highlight=False)
        if self.refused:
            console.print(self._table())

    def _table(self) -> Table:
        table = Table(
            title=f"登録しなかったもの / refused: {self.refused.total():,}", title_justify="left", expand=True
        )
        table.add_column("理由 / reason", ratio=2, overflow="fold")
        table.add_column("件数", justify="right")
        table.add_column("はじめの例 / first examples", ratio=3, overflow="fold")
        shown = self.refused.most_common(ROWS)
        for (reason, what), count in shown:
            places = "\n".join(f"{each.place}  {each.where}" for each in self.examples[reason, what])
            table.add_row(f"{REASONS[reason]}\n[dim]{escape(what)}[/]", f"{count:,}", escape(places))
        if rest := self.refused.total() - sum(count for _, count in shown):
            table.add_row(f"ほか / others ({len(self.refused) - ROWS})", f"{rest:,}", "")
        return table
