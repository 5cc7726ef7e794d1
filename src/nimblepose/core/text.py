"""Text of strangers, made fit for a terminal; what there is so many of."""

import re
import unicodedata

_OF_HDF5 = re.compile(r"error message = '([^']+)'")  # among addresses and descriptors


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


def format_count(number: int, one: str, many: str) -> str:
    """One person is no people.

    >>> format_count(1, "person", "people"), format_count(0, "person", "people")
    ('1 person', '0 people')
    """
    return f"{number} {one if number == 1 else many}"


def describe_error(error: object) -> str:
    """What an exception of somebody else says, as words for a message: no class, no brackets, no number.

    >>> describe_error(FileNotFoundError(2, "No such file or directory")), describe_error(KeyError("people"))
    ('No such file or directory', "'people' is missing")
    >>> describe_error(TimeoutError()), describe_error("refused")
    ('TimeoutError', 'refused')
    >>> describe_error(OSError(28, "Unable to write (file write failed: errno = 28, error message = 'No space left')"))
    'No space left'
    """
    reason = getattr(error, "reason", None)  # of urllib's errors, often another exception
    if isinstance(error, OSError) and reason is not None:
        return describe_error(reason)
    if isinstance(error, OSError) and error.strerror:
        said = _OF_HDF5.search(str(error.strerror))
        return said[1] if said else str(error.strerror)
    if isinstance(error, KeyError) and error.args:
        return f"{error.args[0]!r} is missing"
    return str(error) or type(error).__name__


def describe_bug(error: Exception) -> str:
    """What is said of an exception that nothing but a fault of ours raises."""
    return f"unexpected {type(error).__name__}, please report it: {error}"
