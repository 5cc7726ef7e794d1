"""A server is not open to strangers by accident, and keys are worth the name."""

import pytest

from nimblepose.core.errors import OptionError
from nimblepose.serve.options import ServeOptions, is_loopback, parse_bytes, read_keys

KEY = "0123456789abcdef"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])
def test_other_machines_need_a_key_or_a_word(host):
    with pytest.raises(OptionError, match="--api-key-file"):
        ServeOptions(host=host)
    assert ServeOptions(host=host, keys=(KEY,)).host == ServeOptions(host=host, open=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_none(host):
    assert is_loopback(ServeOptions(host=host).host)


@pytest.mark.parametrize(
    ("option", "value"),
    [("queue", -1), ("max_bytes", 10), ("processes", 0), ("timeout", 0), ("body_timeout", float("inf")),
     ("cors", ("example.org",)), ("cors", ("https://a.example/path",))],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(option, value):
    with pytest.raises(OptionError, match=option.replace("_", "-")):
        ServeOptions(**{option: value})


def test_keys_come_from_a_file_before_the_environment(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# of the lab\n{KEY}\n\n  {KEY}-2  \n")
    environment = {"NIMBLEPOSE_API_KEY": f"{KEY}-3"}
    assert read_keys(file, environment) == (KEY, f"{KEY}-2")
    assert read_keys(None, environment) == (f"{KEY}-3",)
    assert read_keys(None, {}) == ()


@pytest.mark.parametrize("text", ["short", "with a space inside", "ünicode-ünicode-ünicode", "# none"])
def test_what_is_no_key_is_refused(tmp_path, text):
    file = tmp_path / "keys"
    file.write_text(text, "utf-8")
    with pytest.raises(OptionError, match="key"):
        read_keys(file)
    with pytest.raises(OptionError, match="cannot be read"):
        read_keys(tmp_path / "missing")


@pytest.mark.parametrize("text", ["", "ten", "-1", "10XB"])
def test_sizes_are_numbers(text):
    with pytest.raises(OptionError, match="10MB"):
        parse_bytes(text)
