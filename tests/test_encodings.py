"""Encodings: found, fallen back to, or asked for."""

import pytest
from helpers.toy import read

from embed import read_table
from stores import InputError

TABLE = 'label,text\r\nham,"grüße, „Küsse“\nund €"\r\nspam,café\r\n'
EXPECTED = ([2, 4], ["grüße, „Küsse“\nund €", "café"], ["ham", "spam"])


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encoding_is_found(tmp_path, codec):
    """By the byte-order mark, else UTF-8, else Windows-1252; the mark is no part of the first name."""
    (tmp_path / "a.csv").write_bytes(TABLE.encode(codec))
    table = read_table(tmp_path / "a.csv")

    assert read(table) == EXPECTED
    assert table.notes == ([] if codec != "cp1252" else [
        f"{tmp_path}/a.csv is not UTF-8 (byte 0xFC on line 2); read as Windows-1252, --encoding decides"
    ])  # fmt: skip


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "cp1250", "utf-8-sig", "utf-7"])
def test_encoding_is_asked_for(tmp_path, codec):
    """Any that Python knows."""
    (tmp_path / "a.csv").write_bytes(TABLE.encode(codec))

    assert read(read_table(tmp_path / "a.csv", encoding=codec)) == EXPECTED


@pytest.mark.parametrize("codec", ["utf-16", "cp1252", "utf-8"])
def test_other_forms_have_encodings_too(tmp_path, codec):
    """JSON lines and one text a line."""
    (tmp_path / "a.txt").write_bytes("é\nü€".encode(codec))
    (tmp_path / "a.jsonl").write_bytes('{"text": "é"}\n{"text": "ü€"}'.encode(codec))

    assert read(read_table(tmp_path / "a.txt"))[1] == ["é", "ü€"]
    assert read(read_table(tmp_path / "a.jsonl"))[1] == ["é", "ü€"]


def test_character_between_two_blocks(tmp_path):
    """A block of 1 MiB may end in the middle of a character, and the odd byte may be in the second."""
    head = b"text\n" + b"x" * ((1 << 20) - 6)
    (tmp_path / "a.csv").write_bytes(head + "é\n".encode())
    (tmp_path / "b.csv").write_bytes(head + b"\xe9\n\xe9\n")

    assert read(read_table(tmp_path / "a.csv"))[1][0].endswith("xé")
    table = read_table(tmp_path / "b.csv")
    assert read(table)[1][0].endswith("xé")
    assert "byte 0xE9 on line 2" in table.notes[0]


def test_undefined_bytes_of_windows_1252_become_controls(tmp_path):
    """0x81 has no character in Windows-1252; as in browsers it becomes U+0081, and nothing is lost."""
    (tmp_path / "a.csv").write_bytes(b"label,text\nham,a\x81b\xe9\n")

    assert read(read_table(tmp_path / "a.csv"))[1] == ["a\x81bé"]
    assert read(read_table(tmp_path / "a.csv", encoding="cp1252"))[1] == ["a\x81bé"]


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"label,text\nham,\xe9\n", "utf-8", "is not utf-8: byte 0xE9 on line 2; give another --encoding"),
        (b"\xff\xfel\0a\0\n\0b", None, "is not utf-16: byte 0x62 on line 2"),
        (b"a,b\n", "klingon", "--encoding klingon: Python knows no such encoding"),
        (b"a,b\n", "base64", "--encoding base64: Python knows no such encoding"),
        ("label,text\nham,a\n".encode("utf-16-le"), None, "begins with NUL bytes.*--encoding utf-16-le"),
    ],
)
def test_wrong_encoding_is_one_clear_line(tmp_path, data, encoding, message):
    """Which byte on which line, and what to do."""
    (tmp_path / "a.csv").write_bytes(data)

    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "a.csv", encoding=encoding)


def test_mojibake_is_passed_on(real):
    """614 of the tweets hold U+0089, which nobody typed; they come out as they are."""
    _, texts, _ = read(read_table(real / "disaster_tweets/train.csv"))

    assert sum("\x89" in text for text in texts) == 614
