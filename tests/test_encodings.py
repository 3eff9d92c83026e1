"""Encodings: found, fallen back to, or asked for."""

import gzip
import re

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
        f"{tmp_path}/a.csv is not UTF-8 (byte 0xFC on line 2); read as Windows-1252, `encoding` decides"
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
        (b"label,text\nham,\xe9\n", "utf-8", "is not utf-8: byte 0xE9 on line 2; give another `encoding`"),
        (b"\xff\xfel\0a\0\n\0b", None, "is not utf-16: byte 0x62 on line 2"),
        (b"a,b\n", "klingon", "`encoding='klingon'`: Python knows no such encoding"),
        (b"a,b\n", "base64", "`encoding='base64'`: Python knows no such encoding"),
        ("label,text\nham,a\n".encode("utf-16-le"), None, "looks like UTF-16.*`encoding='utf-16-le'`"),
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


SENTENCES = {  # a sentence or two with each letter beyond ASCII that is usual in the language
    "de": "Größe und Maß, Ärger, schöne Grüße aus München; „hallo“ für 5 €",
    "fr": "Où êtes-vous allé ? L’été dernier, j’ai mangé un gâteau à la crème brûlée. Ça coûte 5 € « très » cœur",
    "es": "¿Dónde está el niño? ¡Mañana será otro día! El pingüino comió piñas en España",
    "pt": "Não há nada de mão em mão. Você já comeu o pão da avó? Às três horas, corações",
    "it": "Perché non è più così? La città è già lì, però l'università è lontana",
    "sv": "Jag åkte till Malmö igår för att träffa min mormor på sjukhuset",
    "da": "Jeg kørte til Århus for at møde min far. Rødgrød med fløde, æbler og øl",
    "is": "Þetta er góður dagur. Ég á hús í Reykjavík. Við förum út að borða í kvöld",
    "en": "£5 – that’s “cheap” for a café… don’t worry, it’s 20% off ® ™ £100",
}
OTHER = {  # codec -> a text that is not of Windows-1252
    "cp1251": "Доброе утро, как дела? Спасибо, очень хорошо. Жду, когда приедет мой брат в город",
    "koi8-r": "Доброе утро, как дела? Спасибо, очень хорошо. Жду, когда приедет мой брат в город",
    "cp1253": "Καλημέρα, τι κάνεις; Ευχαριστώ, πολύ καλά. Περιμένω να έρθει ο αδελφός μου στην πόλη",
    "cp1255": "בוקר טוב, מה שלומך? תודה, טוב מאוד. אני מחכה שאחי יבוא לעיר",
    "cp1256": "صباح الخير كيف حالك شكرا جيد جدا أنتظر أخي ليأتي إلى المدينة",
    "shift_jis": "おはようございます、お元気ですか。ありがとう、とても元気です。兄が町に来るのを待っています",
    "gb18030": "早上好，你好吗？谢谢，很好。我在等我的兄弟来城里",
    "big5": "早上好，你好嗎？謝謝，很好。我在等我的兄弟來城裡",
    "cp949": "좋은 아침입니다, 어떻게 지내세요? 감사합니다, 아주 잘 지내요",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy. Dobrý den, jak se máte? Děkuji, výborně",
    "cp1254": "Günaydın, nasılsınız? Teşekkür ederim, çok iyiyim. Kardeşim şehre gelecek, ışık açık",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_windows_1252_is_read_in_every_language_that_it_is_for(tmp_path, language):
    """Whatever a second opinion says: it takes most of these for the code page of Central Europe."""
    text = SENTENCES[language]
    (tmp_path / "a.csv").write_bytes(f'label,text\na,"{text}"\n'.encode("cp1252"))

    assert read(read_table(tmp_path / "a.csv"))[1] == [text]


@pytest.mark.parametrize("codec", OTHER)
@pytest.mark.parametrize("form", ["table", "folder"])
def test_other_encodings_are_refused_with_a_name_that_works(tmp_path, codec, form):
    """Never mojibake in silence; the advice, followed to the letter, reads the text as it was written."""
    text = OTHER[codec]
    path = tmp_path / ("a.csv" if form == "table" else "texts")
    if form == "table":
        path.write_bytes(f'label,text\na,"{text}"\n'.encode(codec))
    else:
        path.mkdir()
        (path / "1.txt").write_bytes(text.encode(codec))
    with pytest.raises(InputError, match="is not UTF-8 .* and does not look like Windows-1252") as refused:
        read_table(path)
    advice = re.search(r"give `encoding='([\w-]+)'` and look at the texts, or `encoding='cp1252'`$", str(refused.value))

    assert read(read_table(path, encoding=advice[1]))[1] == [text]
    assert read(read_table(path, encoding="cp1252"))[1] != [text]


def test_wrong_bytes_do_not_spoil_a_file(tmp_path):
    """The good lines stay UTF-8; in the others wrong bytes are Windows-1252, and the lines are named."""
    lines = ["a,I’m so happy 😀 café".encode(), "b,M\xfcller’s caf\xe9".encode("cp1252"), b"a,plain"]
    lines += ["b,naïve 😀 and ".encode() + b"\x93quoted\x94 \xa310", "a,fine ü".encode()]
    (tmp_path / "a.csv").write_bytes(b"label,text\n" + b"\n".join(lines) + b"\n")
    table = read_table(tmp_path / "a.csv")
    expected = ["I’m so happy 😀 café", "Müller’s café", "plain", "naïve 😀 and “quoted” £10", "fine ü"]

    assert read(table) == ([2, 3, 4, 5, 6], expected, ["a", "b", "a", "b", "a"])
    assert table.notes == [
        f"{tmp_path}/a.csv is UTF-8, but 2 lines of it not (3, 5); wrong bytes there are read as Windows-1252, "
        "`encoding` decides"
    ]
    (tmp_path / "texts").mkdir()
    for i, line in enumerate(lines):
        (tmp_path / f"texts/{i}.txt").write_bytes(line)
    folder = read_table(tmp_path / "texts")
    assert [text[2:] for text in read(folder)[1]] == expected
    assert [note.split(": ", 1)[1] for note in folder.notes[1:]] == [
        "1 of its files, 3.txt first, have wrong bytes in UTF-8; these are read as Windows-1252, `encoding` decides",
        "1 of its files, 1.txt first, are not UTF-8; they are read as Windows-1252, `encoding` decides",
    ]


@pytest.mark.slow
def test_mark_of_utf8_with_wrong_bytes(tmp_path):
    """The mark says UTF-8, and is no part of the first name, nor of a text, however many lines are wrong."""
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbflabel,text\n" + b"a,caf\xe9\n" * 50 + "b,grüße\n".encode())
    table = read_table(tmp_path / "a.csv")

    assert read(table)[1] == ["café"] * 50 + ["grüße"]
    assert table.files[0].header == ["label", "text"]
    (tmp_path / "t").mkdir()
    (tmp_path / "t/1.txt").write_bytes(b"\xef\xbb\xbfcaf\xe9")
    assert read(read_table(tmp_path / "t"))[1] == ["café"]


@pytest.mark.slow
def test_one_wrong_byte_far_behind(tmp_path):
    """In the third block of a file of good lines; and as the last byte of all, where a character is cut off."""
    line = "a,grüße 😀\n".encode()
    (tmp_path / "a.csv").write_bytes(b"label,text\n" + line * 150_000 + b"b,caf\xe9\n" + line + b"b,\xf0\x9f")
    texts = read(read_table(tmp_path / "a.csv"), 10**6)[1]

    assert set(texts[:150_000]) == {"grüße 😀"}
    assert texts[150_000:] == ["café", "grüße 😀", "ðŸ"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt", "a.parquet", "a", "a.csv.gz"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a pointer of Git LFS"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "an HTML page"),
        (b"\n\n<!-- saved -->\n<HTML lang='en'><head>", "an HTML page"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
    ],
)
def test_what_is_no_table_is_called_what_it_is(tmp_path, name, data, message):
    """Under any name: what a browser or git leaves behind instead of the file."""
    (tmp_path / name).write_bytes(data)

    with pytest.raises(InputError, match=rf"{name} is {message}"):
        read_table(tmp_path / name)


def test_page_in_a_packed_file(tmp_path):
    """Seen when it is unpacked."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"<!doctype html><title>404</title>"))

    with pytest.raises(InputError, match="is an HTML page"):
        read_table(tmp_path / "a.csv.gz")


def test_what_is_no_text_in_a_folder(tmp_path):
    """A PDF among texts is a broken row; a page is a text."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/1.html").write_text("<html>a page</html>")
    (tmp_path / "texts/2.pdf").write_bytes(b"%PDF-1.4 \xe2\xe3\xcf")
    with pytest.raises(InputError, match=r"texts/2.pdf, line 1: it is a PDF; take it out, or give `bad_rows='skip'`"):
        read(read_table(tmp_path / "texts"))

    assert read(read_table(tmp_path / "texts", bad_rows="skip"))[1] == ["<html>a page</html>"]
