"""Names that columns of texts, labels and ids usually have, in the languages that tables are often written in."""

from __future__ import annotations

import re
from functools import cache

TEXTS = """
    text message sms comment_text comment review_body review_text review tweet sentence content body email mail
    description v2 texts messages sentences comments reviews tweets tweet_text post utterance question query
    document abstract summary selftext reviewtext tweettext full_text raw_text title headline subject nachricht
    kommentar beschreibung inhalt satz rezension betreff titel texte commentaire avis titre texto mensaje
    comentario mensagem testo commento tekst bericht recensie
""".split()
# What says most by itself, then what a label is often about; of two columns in one tier both could be meant.
LABELS = [
    names.split()
    for names in (
        """
        label labels target targets class classes y y_true gold gold_label true_label klasse etikett
        kennzeichnung etiquette classe etiqueta clase etichetta rotulo
        """,
        """
        category categories sentiment sentiments emotion emotions spam is_spam intent topic topics genre genres
        stars star star_rating rating ratings score polarity stance toxic toxicity hate is_hate hate_speech
        offensive sarcasm is_sarcastic sarcastic humor is_humor subjectivity priority tag tags department queue
        fake is_fake insult kategorie kategorien stimmung bewertung sterne thema prioritat absicht abteilung
        categorie note sujet theme categoria sentimiento sentimento calificacion tema valoracion avaliacao
        valutazione onderwerp v1
        """,
    )
]
ENDINGS = "label labels class category sentiment emotion rating stars polarity intent".split()
IDS = """
    id ids uuid guid textid text_id comment_id tweet_id message_id review_id sentence_id sentenceid phraseid idx
    index row_id doc_id
""".split()
# Never a label unless somebody says so: facts about a text, its author or its place.
FACTS = """
    verified recommended helpful retweeted favorited truncated is_retweet is_reply is_quote verified_purchase
    vine edited locked stickied over_18 country language lang source user author name airline date time year
    month day gender age city state location
""".split()
OTHERS = """
    date time timestamp datetime created_at author user username user_id url link name keyword location country
    language lang source split set fold count length year month day age gender likes retweets replies datum
    autor nr no number
""".split()
PLACEHOLDERS = re.compile(r"unnamed_\d+|v\d|column\d*")  # what programs call a column without a name
FOLDED = str.maketrans("äöüáàâãéèêíìîóòôõúùûçñ", "aouaaaaeeeiiioooouuucn")


@cache
def simple(name: str) -> str:
    """``airline_sentiment`` of ``airlineSentiment``, ``Airline Sentiment`` or `` airline-sentiment``; no accents."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower().translate(FOLDED).replace("ß", "ss")
    return re.sub(r"[\W_]+", "_", name).strip("_")


def text_rank(name: str) -> int | None:
    """Place of a name among those of texts, the most usual first; of a nested field its last part counts."""
    name = simple(name.rsplit(".", 1)[-1]) if not re.search(r"\.\d+$", name) else simple(name.rsplit(".", 1)[0])
    return TEXTS.index(name) if name in TEXTS else None


def label_tier(name: str) -> int | None:
    """0 for names of nothing but labels, 1 for what labels are about, 2 for names that begin or end so; or None."""
    name = simple(re.sub(r"\.\d+$", "", name).rsplit(".", 1)[-1])
    for tier, names in enumerate(LABELS):
        if name in names:
            return tier
    words = name.split("_")
    return 2 if words[-1] in ENDINGS or words[0] in ("class", "label", "category") else None


def is_fact(name: str) -> bool:
    """Whether a column of this name says something about a text that is seldom what is to be predicted."""
    return simple(name) in FACTS


def is_usual(name: str) -> bool:
    """Whether a header is likely to hold this cell."""
    short = simple(name)
    known = text_rank(name) is not None or label_tier(name) is not None or short in IDS
    return bool(short) and (known or short in OTHERS or short in FACTS or bool(PLACEHOLDERS.fullmatch(short)))
