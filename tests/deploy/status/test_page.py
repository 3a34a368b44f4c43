"""The page: all that the terminal says, nothing that a stranger's words could do."""

from __future__ import annotations

from html.parser import HTMLParser

from generator.deploy.status.letters import Letters, Post
from generator.deploy.status.matrix import SIGNS, Cell, Coverage, Part, Row
from generator.deploy.status.page import page

HOSTILE = "<script>alert(1)</script>\"'&"
VOID = {"meta", "br", "link"}


class Reading(HTMLParser):
    """Reads a page: its tags, its text, and whether each tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def picture(*cells: Cell) -> Coverage:
    regions = tuple(f"us-test-{number}" for number in range(len(cells)))
    rows = (Row("1" * 12, HOSTILE, cells), Row("2" * 12, "fine", (Cell("deployed"),) * len(cells)))
    return Coverage(regions, rows, (Part(HOSTILE, "failed", HOSTILE, HOSTILE),), {HOSTILE: HOSTILE})


def test_whatever_strangers_say_is_text() -> None:
    bad = Cell("failed", HOSTILE, HOSTILE, HOSTILE)
    post = Post((Letters(HOSTILE, HOSTILE, HOSTILE, 5),), 3, {HOSTILE: HOSTILE})
    read = Reading(page(picture(bad), HOSTILE, HOSTILE, everything=True, post=post))
    assert read.open == []
    assert not {"script", "img", "a", "iframe", "link"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on") or name == "href"]
    assert HOSTILE in read.words


def test_the_page_needs_nothing_else_and_lets_nothing_run() -> None:
    text = page(picture(Cell("failed")), "Title", "now")
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "@media print" in text


def test_every_sign_is_on_it_with_its_meaning() -> None:
    cells = tuple(Cell(sign, f"why {sign}") for sign in SIGNS)
    read = Reading(page(picture(*cells), "Title", "now", everything=True))
    for kind in SIGNS.values():
        assert kind.means in read.words


def test_only_what_is_not_green_is_shown_unless_everything_is_asked_for() -> None:
    some = picture(Cell("failed", "why"))
    assert "2" * 12 not in page(some, "Title", "now")
    assert "1 account shown; nothing to do in the other 1" in page(some, "Title", "now")
    assert "2" * 12 in page(some, "Title", "now", everything=True)


def test_the_same_picture_gives_the_same_bytes() -> None:
    some = picture(Cell("failed", "why"))
    assert page(some, "Title", "now") == page(some, "Title", "now")
