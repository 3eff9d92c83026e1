"""Files with a token a line are refused, and nothing else is taken for one."""

import pytest
from helpers.toy import read

from embed import read_table
from stores import InputError

CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O
. . O O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

"""  # the beginning of CoNLL 2003, some tokens left out
UNIVERSAL = """# sent_id = weblog-1
# text = From the AP comes
1\tFrom\tfrom\tADP\tIN\t_\t3\tcase\t3:case\t_
2\tthe\tthe\tDET\tDT\tDefinite=Def|PronType=Art\t3\tdet\t3:det\t_
3\tAP\tAP\tPROPN\tNNP\tNumber=Sing\t4\tobl\t4:obl:from\t_

# sent_id = weblog-2
1\tHe\the\tPRON\tPRP\tCase=Nom\t2\tnsubj\t2:nsubj\t_
2\truns\trun\tVERB\tVBZ\tMood=Ind\t0\troot\t0:root\tSpaceAfter=No
"""
OWN_TAGS = "\n".join(f"{word}\t{tag}" for word, tag in zip("abcdefghij", ["thing", "deed"] * 5, strict=True))


@pytest.mark.parametrize("suffix", ["txt", "csv", "tsv", "conll"])
@pytest.mark.parametrize(
    "text",
    [
        CONLL, CONLL.replace(" ", "\t"), UNIVERSAL, UNIVERSAL.replace("\n", "\r\n"),
        "Rome\tB-LOC\nis\tO\n\nit\tO\nrains\tO\n", OWN_TAGS.replace("e\t", "e2\tdeed\n\nq\t"),
        "#\tO\nrain\tB-weather\n\n#\tO\nsun\tB-weather\n",
    ],
)  # fmt: skip
def test_tokens_are_refused_and_can_be_read_as_lines(tmp_path, text, suffix):
    """Under any name that does not say what is in the file; each line is a text only if that is asked for."""
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(text.encode())
    with pytest.raises(InputError, match="a token and its tags a line.* give `format='lines'`"):
        read_table(path)

    assert len(read(read_table(path, format="lines", label_columns=()))[1]) == len(text.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        "WIN CASH\nCALL NOW\n\nSEE YOU\nGOOD NIGHT\n",  # lines of two words
        "good film\n\nbad film\n\ngood plot\n\nbad plot\n",  # a blank line after each text
        "text\tlabel\nrain\tNN\nsnow\tNN\n\nfalls\tVB\nruns\tVB\n",  # a table with a header
        "ham ok\nspam win\n\nham yes\nspam cash\n",  # a label, then a text of one word
        "rain\t1\nsnow\t0\n\nsun\t1\nfog\t0\nhail\t1\n\nice\t0\nwind\t1\nheat\t1\ncold\t0\ndew\t1\n",  # scores of words
        "It rains a lot\nin May\n\nIt snows\nin June\n",
    ],
)
def test_other_files_with_blank_lines_are_read(tmp_path, text):
    """Blank lines alone make no file of tokens."""
    (tmp_path / "a.txt").write_text(text)

    assert len(read(read_table(tmp_path / "a.txt"))[1]) >= 4
