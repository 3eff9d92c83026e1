"""Tables that are not English are called so, by their frequent words or their script."""

import json

import pytest
from helpers.commands import tk
from helpers.toy import write_csv

from embed.tables.language import ENGLISH, UNKNOWN, LanguageCount, language_of

SENTENCES = {
    "English": "This is the house that they have built for you",
    "German": "Ich habe das nicht bestellt und möchte es zurückgeben",
    "French": "Je ne sais pas ce que vous avez fait dans la maison",
    "Spanish": "El niño está en la casa y no hay nada para comer",
    "Portuguese": "Você não sabe o que ele foi fazer com a minha mãe",
    "Italian": "Non so perché il bambino è nella casa della nonna",
    "Dutch": "Ik weet niet wat je met het huis van mijn oom hebt gedaan",
    "Swedish": "Jag vet inte vad som är i huset och det gör ont",
    "Polish": "Nie wiem, co się dzieje, ale już jestem w domu",
    "Cyrillic": "Я не знаю, что делать",
    "Greek": "Δεν ξέρω τι να κάνω",
    "Japanese": "おはようございます、お元気ですか",
    "Chinese or Japanese": "我在等我的兄弟来城里",
    "Korean": "형이 도시에 오기를 기다리고 있어요",
    "Arabic": "أنتظر أخي ليأتي إلى المدينة",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_language_of_a_sentence(language):
    """A sentence with usual words, in small and in large letters."""
    assert language_of(SENTENCES[language]) == language
    assert language_of(SENTENCES[language].upper()) == language


def test_short_texts_tell_nothing():
    """And a long one without a usual word is of no language that is known here."""
    assert language_of("ok") is None
    assert language_of("") is None
    assert language_of("12345 !!! 😀") is None
    assert language_of("Egy kettő három négy öt hat hét nyolc kilenc tíz") == UNKNOWN


def test_table_is_what_most_of_its_texts_are():
    """A third in another language makes it a table that is not English; some do not, nor do few texts."""
    count = LanguageCount()
    count.add([SENTENCES["English"]] * 80 + [SENTENCES["German"]] * 20)
    assert (count.shares, count.other) == ({"English": 0.8, "German": 0.2}, None)
    count.add([SENTENCES["German"]] * 20)
    assert count.other == "German"
    few = LanguageCount()
    few.add([SENTENCES["German"]] * 9)
    assert (few.shares, few.other) == ({}, None)


@pytest.mark.parametrize("name", ["spam_sms/spam.csv", "disaster_tweets/train.csv", "jigsaw/predibase_train.6.csv"])
def test_real_english_tables_are_english(real, name):
    """Of the texts that tell, 98 of 100 or more; nothing is said."""
    from embed import read_table

    count = LanguageCount()
    for rows in read_table(real / name).blocks(4096):
        count.add(rows.texts)

    assert count.other is None
    told = sum(number for language, number in count.texts.items() if language != UNKNOWN)
    assert count.texts[ENGLISH] / told > 0.98


@pytest.mark.slow
def test_describe_and_embed_say_so(in_tmp):
    """Where the encoder may not know the language; of words it is not needed, and of English nothing is said."""
    write_csv(in_tmp / "de.csv", [("ab"[i % 2], f"{SENTENCES['German']} {i}") for i in range(20)])
    write_csv(in_tmp / "en.csv", [("ab"[i % 2], f"{SENTENCES['English']} {i}") for i in range(20)])
    said = tk("describe", "--data", "de.csv").stdout

    assert "estimated as for English: 0.0% at 128" in said
    assert "the texts look German (100% of those that tell)" in said
    assert json.loads(tk("describe", "--data", "de.csv", "--json").stdout)["other_language"] == "German"
    assert "static knows English only" in tk("embed", "--data", "de.csv").stderr
    assert "look German" not in tk("embed", "--data", "de.csv", "--encoder", "words").stderr
    for said in (tk("describe", "--data", "en.csv"), tk("embed", "--data", "en.csv")):
        assert "the texts look" not in said.output
