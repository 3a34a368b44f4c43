"""How a rollout is shown while it runs: a line per Region on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from generator.deploy.apply import Failure, Outcome, Progress, Walk
from generator.deploy.wanted import Wanted
from generator.model import Json
from generator.rollout.opening import Entry
from generator.screen import Screen, printable

WIDTH = 24


class View:
    """Says what a walker does, as far as the screen can show it."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def say(self, sentence: str) -> None:
        """What is begun now."""
        if self.screen.as_json:
            self.screen.note(printable(sentence))
        else:
            self.screen.line(printable(sentence))

    def watch(self, progress: Progress) -> None:
        """How far an operation is; where nothing can be overwritten, its end alone."""
        if self.screen.as_json or not progress.regions:
            return
        shown = [self._region(name, counts) for name, counts in sorted(progress.regions.items())]
        if self.screen.terminal:
            self.screen.passing(shown)
        if progress.over:
            if not self.screen.terminal:
                for line in shown:
                    self.screen.line(line)
            self.screen.settle()

    def tell(self, failure: Failure) -> None:
        """A cell that failed, as soon as that is known."""
        where = f"{failure.account} {failure.region}"
        text = f"    ! {where} {failure.status}: {printable(failure.reason)}"
        self.screen.passing([])
        if self.screen.as_json:
            self.screen.note(text)
        else:
            self.screen.line(self.screen.paint(text, "red"))

    def _region(self, name: str, counts: Mapping[str, int]) -> str:
        total = sum(counts.values())
        done = counts.get("SUCCEEDED", 0)
        failed = counts.get("FAILED", 0) + counts.get("CANCELLED", 0)
        bar = ""
        if self.screen.terminal:
            full = WIDTH * (done + failed) // max(total, 1)
            bar = f"[{'#' * full}{'.' * (WIDTH - full)}] "
        said = f"    {name:<16}{bar}{done} of {total}"
        return said + (self.screen.paint(f", {failed} failed", "red") if failed else "")


def walk_of(entry: Entry, want: Wanted, screen: Screen) -> Walk:
    """A walker that shows what it does."""
    view = View(screen)
    return Walk(entry.door, want, entry.pause, view.say, view.watch, view.tell)


def outcomes_document(outcomes: Iterable[Outcome]) -> list[dict[str, Json]]:
    """How each step went, for scripts."""
    return [
        {
            "step": outcome.step.sentence,
            "ok": outcome.ok,
            "reason": outcome.reason,
            "failures": [vars(failure) for failure in outcome.failures],
        }
        for outcome in outcomes
    ]
