"""Small tables in the layout in which well-known public data sets are published; made up, values counted by hand."""

from collections import Counter

import pytest
from helpers.toy import read

from embed import read_table
from stores import InputError

WORDS = "wind rain stone river light cloud grass ember frost tide".split()


def sentence(i):
    """A text of some words, another for each number."""
    return f"the {WORDS[i % 10]} of {WORDS[i // 10 % 10]} , was seen {'again ' * (i % 4)}{i}"


def lines(path, rows, encoding="utf-8"):
    """A file of lines."""
    path.write_bytes("".join(row + "\n" for row in rows).encode(encoding))
    return path


def counts(table):
    """Label -> rows."""
    return dict(Counter(read(table)[2]))


def test_davidson_hate_speech(tmp_path):
    """labeled_data.csv: row numbers without a name, counts of votes, class, tweet."""
    rows = [f'{i},3,0,{i % 4},{3 - i % 4},{i % 3},"!!! RT @a: {sentence(i)}"' for i in range(60)]
    table = read_table(lines(tmp_path / "a.csv", [",count,hate_speech,offensive_language,neither,class,tweet", *rows]))

    assert (table.columns.text, table.columns.labels) == ("tweet", ["class"])
    assert counts(table) == {"0": 20, "1": 20, "2": 20}
    assert "numbers the rows and is left out" in table.notes[0]


def test_airline_tweets(tmp_path):
    """Tweets.csv: fifteen columns, of which two have to do with sentiment; one is mostly empty."""
    header = ("tweet_id,airline_sentiment,airline_sentiment_confidence,negativereason,negativereason_confidence,"
              "airline,airline_sentiment_gold,name,negativereason_gold,retweet_count,text,tweet_coord,tweet_created,"
              "tweet_location,user_timezone")  # fmt: skip
    kinds, airlines = ("neutral", "positive", "negative"), ("Delta", "United")
    rows = [f'57030{i},{kinds[i % 3]},0.{i % 9},,,{airlines[i % 2]},,name{i},,0,"@a {sentence(i)}\nwell",,'
            f"2015-02-24 11:35:{i},City {i},Eastern Time" for i in range(60)]  # fmt: skip
    table = read_table(lines(tmp_path / "Tweets.csv", [header, *rows]))

    assert (table.columns.text, table.columns.labels) == ("text", ["airline_sentiment"])
    assert counts(table) == dict.fromkeys(kinds, 20)


def test_trec_questions(tmp_path):
    """train_5500.label: Windows-1252, COARSE:fine before the question."""
    kinds = ("DESC:manner", "ENTY:cremat", "HUM:ind", "NUM:count")
    rows = [f"{kinds[i % 4]} How did {sentence(i)} ?" for i in range(40)]
    rows[7] = "HUM:ind Who was Camille Saint-Sa\u00ebns ?"
    table = read_table(lines(tmp_path / "train_5500.label", rows, "cp1252"))

    assert counts(table) == {"DESC": 10, "ENTY": 10, "HUM": 11, "NUM": 9}
    assert read(table)[1][7] == "Who was Camille Saint-Sa\u00ebns ?"


@pytest.mark.parametrize("name", ["custrev.all", "rt-polarity.all", "subj.all", "stsa.fine.train", "TREC.train.all"])
def test_number_in_front_of_the_text(tmp_path, name):
    """CR, MR, SUBJ, SST-5 and TREC as they are passed on with sentence models."""
    classes = 5 if "fine" in name else 6 if "TREC" in name else 2
    table = read_table(lines(tmp_path / name, [f"{i % classes} {sentence(i)}" for i in range(60)]))

    assert counts(table) == {str(label): 60 // classes for label in range(classes)}
    assert read(table)[1] == [sentence(i) for i in range(60)]


def test_rt_polarity(tmp_path):
    """rt-polarity.pos and rt-polarity.neg: one file a class, the class in the ending of the name."""
    lines(tmp_path / "rt-polarity.neg", [sentence(i) for i in range(20)])
    lines(tmp_path / "rt-polarity.pos", [sentence(i) for i in range(20, 50)])

    assert counts(read_table(str(tmp_path / "rt-polarity.*"))) == {"neg": 20, "pos": 30}
    assert counts(read_table([tmp_path / "rt-polarity.neg", tmp_path / "rt-polarity.pos"])) == {"neg": 20, "pos": 30}


def test_subjectivity(tmp_path):
    """quote.tok.gt9.5000 and plot.tok.gt9.5000: which reading is meant is asked; the advice works."""
    lines(tmp_path / "quote.tok.gt9.5000", [sentence(i) for i in range(20)])
    lines(tmp_path / "plot.tok.gt9.5000", [sentence(i) for i in range(20, 50)])

    with pytest.raises(InputError, match="`format='classes'`"):
        read_table(tmp_path)
    assert counts(read_table(tmp_path, format="classes")) == {"quote.tok.gt9": 20, "plot.tok.gt9": 30}


def test_sentiment_treebank(tmp_path):
    """trees/train.txt."""
    rows = [f"({i % 5} (2 (2 The) (2 {WORDS[i % 10]})) (3 (2 is) (2 here)))" for i in range(50)]
    table = read_table(lines(tmp_path / "train.txt", rows))

    assert counts(table) == {str(label): 10 for label in range(5)}
    assert read(table)[1][3] == "The river is here"


@pytest.mark.parametrize("header", [True, False])
def test_ag_news(tmp_path, header):
    """train.csv without a header, or as it is on Kaggle; the titles are another text column."""
    rows = [f'"{i % 4 + 1}","Wind up by {i} points (Reuters)","Reuters - {sentence(i)} and more"' for i in range(40)]
    table = read_table(lines(tmp_path / "train.csv", ["Class Index,Title,Description"] * header + rows))

    assert (table.columns.text, table.columns.labels) == (("Description", ["Class Index"]) if header else ("3", ["1"]))
    assert counts(table) == {"1": 10, "2": 10, "3": 10, "4": 10}
    both = "['Title', 'Description']" if header else "['2', '3']"
    assert f"`text_column={both}` joins them" in table.columns.reasons[0]


def test_germeval(tmp_path):
    """germeval2018.training.txt: tabs, no header, two columns of labels, quotes that enclose nothing."""
    rows = [
        f"@a {sentence(i)}\t{'OFFENSE OTHER'.split()[i % 2]}\t{'ABUSE OTHER INSULT OTHER'.split()[i % 4]}"
        for i in range(40)
    ]
    rows[5] = '"Nein" sagt er ,\tOTHER\tOTHER'
    path = lines(tmp_path / "germeval2018.training.txt", rows)

    with pytest.raises(InputError, match=r"'2' and '3' have few different values; give `label_columns=.'2',.`"):
        read_table(path)
    table = read_table(path, label_columns=["2"])
    assert counts(table) == {"OFFENSE": 20, "OTHER": 20}
    assert read(table)[1][5] == '"Nein" sagt er ,'


def test_sentiment140(tmp_path):
    """training.1600000...csv: no header, sorted by class, so that the first thousand rows show one class only."""
    rows = [f'"{4 * (i >= 1500)}","14678{i:05}","Mon Apr 06 22:19:{i % 60:02} PDT 2009","NO_QUERY","user{i}",'
            f'"@a {sentence(i)}"' for i in range(3000)]  # fmt: skip
    table = read_table(lines(tmp_path / "training.csv", rows, "latin-1"))

    assert (table.columns.text, table.columns.labels) == ("6", ["1"])
    assert counts(table) == {"0": 1500, "4": 1500}


def test_emotions(tmp_path):
    """train.txt: text;label without a header."""
    kinds = ("joy", "anger", "fear", "love")
    table = read_table(lines(tmp_path / "train.txt", [f"i feel {sentence(i)};{kinds[i % 4]}" for i in range(40)]))

    assert counts(table) == dict.fromkeys(kinds, 10)


def test_go_emotions(tmp_path):
    """train.tsv: text, several labels with commas, id; no header."""
    cells = ["27", "2", "5", "2,5", "27", "5,27"]
    table = read_table(lines(tmp_path / "train.tsv", [f"{sentence(i)}\t{cells[i % 6]}\te{i:05}" for i in range(60)]))
    (block,) = table.blocks(99)

    assert (table.columns.text, block.label_names) == ("1", ["2", "5", "27"])
    assert block.labels.sum(0).tolist() == [20, 30, 30]
