"""A picture or document of the message that is being written, and what can be said about it. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.message import USUAL_IMAGE_TOKENS, Document, PanAndScan, Picture, Scan
from app.core.protocol import Sighting
from app.media.documents import MOST_SCANS
from app.media.tiles import Views, can_look_closer, views
from app.ui.attachments.sight import Sight
from app.ui.figures import count, tokens

CHOICES = {
    PanAndScan.AUTO: "Automatic",
    PanAndScan.CLOSER: "Look closer",
    PanAndScan.FINER: "Finer",
    PanAndScan.OFF: "Whole image only",
}


@dataclass(slots=True)
class Attachment:
    """One card. Neither picture nor document is there while the file is opened; `seen` runs from 0.0 to 1.0.

    `settled` tells that the person has chosen how closely it is looked at, `tokens` what a document takes (None: not
    counted yet). A `scan` is undecided, `reading` while its file is opened again, `drawing` while pictures are made of
    its pages; `trouble` says in one sentence why it cannot be opened. `sighting` is how the picture is seen where each
    has a size of its own (None: not told yet).
    """

    number: int
    name: str
    picture: Picture | None = None
    document: Document | None = None
    seen: float = 0.0
    settled: bool = False
    tokens: int | None = None
    scan: Scan | None = None
    reading: bool = False
    drawing: bool = False
    trouble: str = ""
    sighting: Sighting | None = None

    @property
    def is_open(self) -> bool:
        """Whether the file has been opened."""
        return self.picture is not None or self.document is not None or self.is_undecided

    @property
    def is_undecided(self) -> bool:
        """Whether it is a scan of which nothing was decided yet."""
        return self.scan is not None and not (self.reading or self.drawing)


def views_of(picture: Picture, sight: Sight) -> Views:
    """The views in force: none but the whole where they are not ours."""
    if sight.sees and not sight.side:
        return Views("whole")
    return views(picture.width, picture.height, picture.pan_and_scan)


def tokens_of(picture: Picture, sight: Sight, sighting: Sighting | None) -> int:
    """What a picture takes; 0 where that is not known."""
    if sight.tokens:
        return views_of(picture, sight).count * sight.tokens
    return sighting.tokens if sighting is not None else 0


def document_words(document: Document, count_of_tokens: int | None) -> str:
    """`3 pages, 1,240 tokens`, `Pages 2 to 4, 800 tokens`."""
    said = "Counting…" if count_of_tokens is None else f"{tokens(count_of_tokens)} tokens"
    if document.pages == 1:
        return said
    return f"{pages_words(document)}, {said}"


def pages_words(document: Document) -> str:
    """`3 pages`, `Pages 2 to 4`, `Page 2`."""
    first, last = document.first, document.last
    if (first, last) == (1, document.pages):
        return count(document.pages, "page", "pages")
    return f"Page {first}" if first == last else f"Pages {first} to {last}"


def scan_offer(scan: Scan, sight: Sight) -> str:
    """What the pages of a scanned PDF would take as pictures, or that there are too many to take all."""
    if scan.pages > MOST_SCANS:
        return f"choose from {count(scan.pages, 'page', 'pages')}"
    return pages_cost(scan.pages, sight)


def pages_cost(pages: int, sight: Sight) -> str:
    """`2 pages, 512 tokens`; `2 pages, about 1,120 tokens` where each has a size of its own."""
    said, each = count(pages, "page", "pages"), _page_tokens(sight)
    about_so = "" if sight.tokens else "about "
    return f"{said}, {about_so}{tokens(pages * each)} tokens" if each else said


def fitting_pages(scan: Scan, sight: Sight, room: int | None) -> int:
    """How many pages of a scan can be taken at once where so many tokens are left (None: not known); one at least."""
    most, each = min(scan.pages, MOST_SCANS), _page_tokens(sight)
    return most if room is None or not each else max(1, min(most, room // each))


def _page_tokens(sight: Sight) -> int:
    """What a page takes as a picture; 0 where that is not known."""
    return sight.tokens or (USUAL_IMAGE_TOKENS if sight.choices else 0)


def undecided_words(attachment: Attachment) -> str:
    """What is to be done with a scan before the message can be sent."""
    if attachment.trouble:
        return f"{attachment.trouble} Put it back to where it was, or remove its card."
    return f"“{attachment.name}” has no words in it. Press “As pictures” on its card, or remove it."


def offer(attachment: Attachment, sight: Sight) -> str:
    """What looking closer would take, "" where it is not offered."""
    picture = attachment.picture
    if picture is None or attachment.settled or not sight.sees or picture.pan_and_scan is not PanAndScan.AUTO:
        return ""
    if sight.choices:
        return _more_tokens(picture, sight, attachment.sighting)
    if not sight.side or not can_look_closer(picture.width, picture.height):
        return ""
    closer = views(picture.width, picture.height, PanAndScan.CLOSER)
    said = f"{count(len(closer.boxes), 'tile', 'tiles')}, {tokens(closer.count * sight.tokens)} tokens"
    return f"{said}, {about(len(closer.boxes) * sight.seconds)}" if sight.seconds else said


def _more_tokens(picture: Picture, sight: Sight, sighting: Sighting | None) -> str:
    """What the most tokens would take, where a picture is seen smaller than it is."""
    if sighting is None or picture.image_tokens or not 0 < sighting.width < picture.width:
        return ""
    return f"up to {tokens(sight.choices[-1])} tokens"


def about(seconds: float) -> str:
    """`about 3 s`, `about 2 min`."""
    return f"about {max(1, round(seconds))} s" if seconds < 90 else f"about {round(seconds / 60)} min"


def parts(picture: Picture, sight: Sight, sighting: Sighting | None) -> str:
    """`Whole image and 4 crops`, `Whole image in 5 parts`."""
    found = views_of(picture, sight)
    if sighting is not None and sighting.parts > 1:
        return f"Whole image in {sighting.parts} parts"
    named = {"crops": ("crop", "crops"), "grid": ("tile", "tiles")}.get(found.kind)
    return f"Whole image and {count(len(found.boxes), *named)}" if named else "Whole image"


def size(picture: Picture) -> str:
    """`1,024 × 3,790`."""
    return f"{picture.width:,} × {picture.height:,}"
