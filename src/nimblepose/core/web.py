"""What lies at an http(s) address, within limits of size and time."""

import http.client
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

from nimblepose.core.answers import AnswerWatch
from nimblepose.core.errors import DownloadError, MediaError
from nimblepose.core.text import describe_error

OFFLINE_VARIABLE = "NIMBLEPOSE_OFFLINE"  # set to 1: never touch the network
_AGENT = "nimblepose"
_CHUNK = 1 << 16
_UNAUTHORIZED = 401


def is_offline() -> bool:
    """Is the network switched off by NIMBLEPOSE_OFFLINE?"""
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no", "off")


def check_online(name: str) -> None:
    """Called before every connection of ours, to whatever address, this machine's own included.

    Args:
        name: What is to be fetched, fit to be printed.

    Raises:
        DownloadError: the network is switched off.
    """
    if is_offline():
        raise DownloadError(
            f"{name} is on the network, and {OFFLINE_VARIABLE} is set; unset it, or bring the file by hand"
        )


def is_url(source: str) -> bool:
    """Does this look like an http(s) address?

    >>> is_url("https://example.org/a.jpg"), is_url("C:/pictures/a.jpg")
    (True, False)
    """
    return source.lower().startswith(("http://", "https://"))


def without_secrets(url: str) -> str:
    """An address fit to be printed or written: no user, password, query or fragment.

    >>> without_secrets("https://me:secret@example.org:8080/a.jpg?token=1")
    'https://example.org:8080/a.jpg'
    >>> without_secrets("http://me:secret@[::1/a.jpg?token=1")
    'http://[::1/a.jpg'
    """
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:  # no address at all, such as http://[::1
        scheme, mark, rest = url.partition("://")
        return f"{scheme}{mark}{re.split('[?#]', rest)[0].rpartition('@')[2]}"
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fetch_picture(url: str, *, max_bytes: int = 50_000_000, timeout: float = 20.0) -> bytes:
    """The bytes of a picture on the web, for `read_picture`; nothing is kept on disk.

    Args:
        url: Its address.
        max_bytes: Larger answers are refused, whatever length they declare.
        timeout: Seconds for the whole transfer.

    Raises:
        MediaError: switched off by NIMBLEPOSE_OFFLINE, another scheme, no answer, an error from the server, too large,
            too slow or incomplete.
    """
    deadline = time.monotonic() + timeout
    data = bytearray()
    try:
        for chunk in download(url, max_bytes=max_bytes, timeout=timeout):
            data += chunk
            if time.monotonic() > deadline:
                raise MediaError(f"{without_secrets(url)} did not arrive within {timeout:g} s; download it by hand")
    except DownloadError as error:
        raise MediaError(str(error)) from error
    return bytes(data)


def download(url: str, *, max_bytes: int, timeout: float = 30.0) -> Iterator[bytes]:
    """Yield what lies at an http(s) address piece by piece; only http and https are spoken, redirects included.

    Args:
        url: Its address; a user and password in it are for its host alone, which is asked for a kind of proof first.
        max_bytes: Stop with an error beyond it, whatever length is declared.
        timeout: Seconds until the server has answered, and after that without a sign of life.

    Raises:
        DownloadError: switched off by NIMBLEPOSE_OFFLINE, another scheme, no answer, an error from the server, too
            large or incomplete.
    """
    name = without_secrets(url)
    if not is_url(url):
        raise DownloadError(f"{name}: only http and https addresses are fetched")
    check_online(name)
    arrived, watch = 0, AnswerWatch()
    try:
        address, passwords = _take_password(url)
        request = urllib.request.Request(address, headers={"User-Agent": _AGENT})  # noqa: S310 - scheme checked above
        with watch.for_seconds(timeout):  # sockets know a time-out for each byte only
            opened = _opener(watch, passwords).open(request, timeout=timeout)
        with opened as answer:
            if watch.is_over:  # cut headers look like headers that have ended
                raise TimeoutError
            while chunk := answer.read1(_CHUNK):
                arrived += len(chunk)
                if arrived > max_bytes:
                    raise DownloadError(f"{name} is larger than the {max_bytes} bytes allowed for it")
                yield chunk
            declared = answer.headers.get("Content-Length", "")
    except urllib.error.HTTPError as error:
        hint = "; write https://user:password@host/..." if error.code == _UNAUTHORIZED else ""
        raise DownloadError(f"{name}: the server answered {error.code} {error.reason}{hint}") from error
    except DownloadError:
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:
        if watch.is_over:
            raise DownloadError(f"{name} did not answer within {timeout:g} s; download it by hand") from error
        raise DownloadError(f"cannot fetch {name}: {describe_error(error)}") from error
    if declared.isdigit() and int(declared) != arrived:
        raise DownloadError(f"{name}: only {arrived} of {declared} bytes arrived; try again")


def _take_password(url: str) -> tuple[str, urllib.request.HTTPPasswordMgr | None]:
    """An address without user and password, and who knows them for its host; None where there are none."""
    parts = urllib.parse.urlsplit(url)
    secret, mark, host = parts.netloc.rpartition("@")
    if not mark:
        return url, None
    user, _, password = secret.partition(":")
    passwords, unquote = urllib.request.HTTPPasswordMgrWithDefaultRealm(), urllib.parse.unquote
    passwords.add_password(None, f"{parts.scheme}://{host}", unquote(user), unquote(password))
    return urllib.parse.urlunsplit(parts._replace(netloc=host)), passwords


def _opener(watch: AnswerWatch, passwords: urllib.request.HTTPPasswordMgr | None) -> urllib.request.OpenerDirector:
    """Like urllib's own, without the handlers that read local files, ftp and data addresses (by redirect, too)."""
    opener = urllib.request.OpenerDirector()
    proofs = (urllib.request.HTTPBasicAuthHandler, urllib.request.HTTPDigestAuthHandler) if passwords else ()
    for handler in (
        urllib.request.ProxyHandler(),
        *watch.handlers,
        *(proof(passwords) for proof in proofs),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
