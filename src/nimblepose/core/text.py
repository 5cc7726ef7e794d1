"""Text of strangers, made fit for a terminal."""

import unicodedata


def is_printable(text: str) -> bool:
    """Is there nothing in it that a terminal would obey, or that cannot be seen? Spaces of all widths may be."""
    return all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in text)


def make_printable(text: str) -> str:
    r"""The text with Python's escapes in place of what terminals obey, and of what cannot be seen; lines stay lines.

    Names of files, keypoints and layers come from strangers; printed as they are they could move the cursor, hide what
    was printed before, or change the terminal's title and clipboard.

    >>> print(make_printable("nose\x1b[2J"))
    nose\x1b[2J
    """
    return "".join(
        letter if letter == "\n" or is_printable(letter) else letter.encode("unicode_escape").decode()
        for letter in text
    )
