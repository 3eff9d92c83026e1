"""Writes ELMos in the layouts they are published in, the modules with TensorFlow 1's own cells.

These cells need Keras 2, so a process of its own runs ``TF_USE_LEGACY_KERAS=1 python tests/helpers/elmo_modules.py
OUT`` and writes tiny modules: ``OUT/google2`` (its ``default`` averages the padding), ``OUT/google3``, ``OUT/marked``
(as ``google3``, but with sentence marks), ``OUT/unlike`` (LSTMs without clipping: an ELMo that tk does not know) and
``OUT/deeppavlov``. With ``--full`` after it, ``OUT`` is one module of the size that Google published.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOM = 50  # characters of a word


class Size(NamedTuple):
    """Widths of a character, of the filters (width, number), of a word, of an LSTM; and of its random weights."""

    E: int
    filters: list
    P: int
    D: int
    spread: float

    @property
    def F(self):
        """Numbers that all filters give."""
        return sum(number for _, number in self.filters)


TINY = Size(4, [(1, 4), (2, 8), (3, 12)], 6, 12, 0.45)  # wide enough that cells and projections are clipped
FULL = Size(16, [(1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024)], 512, 4096, 0.03)


def weights(seed=0, size=TINY):
    """Random weights under the names of bilm-tf."""
    rng, (E, FILTERS, P, D, spread), F = np.random.default_rng(seed), size, size.F
    shapes = {"char_embed": (262, E), "CNN_proj/W_proj": (F, P), "CNN_proj/b_proj": (P,)}
    shapes |= {f"CNN/W_cnn_{i}": (1, w, E, n) for i, (w, n) in enumerate(FILTERS)}
    shapes |= {f"CNN/b_cnn_{i}": (n,) for i, (_, n) in enumerate(FILTERS)}
    for name in ("carry", "transform"):
        shapes |= {f"CNN_high_{k}/W_{name}": (F, F) for k in (0, 1)} | {f"CNN_high_{k}/b_{name}": (F,) for k in (0, 1)}
    for cell in (f"RNN_{d}/RNN/MultiRNNCell/Cell{layer}/rnn/lstm_cell" for d in (0, 1) for layer in (0, 1)):
        shapes |= {f"{cell}/kernel": (2 * P, 4 * D), f"{cell}/bias": (4 * D,), f"{cell}/projection/kernel": (D, P)}
    return {name: rng.standard_normal(shape, np.float32) * np.float32(spread) for name, shape in shapes.items()}


def write_allennlp(out, seed=0, size=TINY):
    """A folder with ``*options.json`` and ``*weights.hdf5``, as AllenNLP and bilm-tf publish them."""
    import json

    import h5py

    out.mkdir()
    lstm = {"use_skip_connections": True, "projection_dim": size.P, "cell_clip": 3, "proj_clip": 3,
            "dim": size.D, "n_layers": 2}  # fmt: skip
    cnn = {"activation": "relu", "filters": size.filters, "n_highway": 2, "embedding": {"dim": size.E}}
    options = {"lstm": lstm, "char_cnn": cnn | {"n_characters": 261, "max_characters_per_token": ROOM}}
    (out / "tiny_options.json").write_text(json.dumps(options))
    ends = {"rnn/lstm_cell/kernel": "LSTMCell/W_0", "rnn/lstm_cell/bias": "LSTMCell/B",
            "rnn/lstm_cell/projection/kernel": "LSTMCell/W_P_0"}  # fmt: skip
    with h5py.File(out / "tiny_weights.hdf5", "w") as file:
        for name, array in weights(seed, size).items():
            for end, published in ends.items():
                name = name.replace(end, published)
            file[name] = array[1:] if name == "char_embed" else array
    return out


def words_of(tf, strings):
    """Strings [n] cut at blanks: dense [n, longest], and lengths."""
    parts = tf.compat.v1.string_split(strings)
    dense = tf.compat.v1.sparse_to_dense(parts.indices, parts.dense_shape, parts.values, "")
    return dense, tf.reduce_sum(tf.cast(tf.not_equal(dense, ""), tf.int32), 1)


def characters(tf, tokens):
    """Character ids [n, longest, 50], all above 0."""

    def one(token):
        letters = tf.cast(tf.io.decode_raw(token, tf.uint8), tf.int32)[: ROOM - 2]
        row = tf.concat([[258], letters, [259]], 0)
        return tf.pad(row, [[0, ROOM - tf.shape(row)[0]]], constant_values=260) + 1

    rows = tf.map_fn(one, tf.reshape(tokens, [-1]), dtype=tf.int32)
    return tf.reshape(rows, [tf.shape(tokens)[0], tf.shape(tokens)[1], ROOM])


def with_marks(tf, ids, lengths):
    """A mark before and one after each text; ids of 0 behind them."""
    begin, end = (tf.constant([[259, mark, 260] + [261] * (ROOM - 3)]) for mark in (257, 258))

    def one(text):
        row = tf.concat([begin, text[0][: text[1]], end], 0)
        return tf.pad(row, [[0, tf.shape(ids)[1] + 2 - tf.shape(row)[0]], [0, 0]])

    return tf.map_fn(one, (ids, lengths), dtype=tf.int32), lengths + 2


def word_vectors(tf, ids, size):
    """Ids [n, longest, 50] to [n, longest, P]."""
    v1, (E, FILTERS, P, *_), F = tf.compat.v1, size, size.F
    x, found = tf.nn.embedding_lookup(v1.get_variable("char_embed", [262, E]), ids), []
    with v1.variable_scope("CNN"):
        for i, (w, n) in enumerate(FILTERS):
            conv = tf.nn.conv2d(x, v1.get_variable(f"W_cnn_{i}", [1, w, E, n]), 1, "VALID")
            conv += v1.get_variable(f"b_cnn_{i}", [n])
            conv = v1.nn.max_pool(conv, [1, 1, ROOM - w + 1, 1], [1, 1, 1, 1], "VALID")
            found.append(tf.squeeze(tf.nn.relu(conv), [2]))
    h = tf.reshape(tf.concat(found, 2), [-1, F])
    for k in (0, 1):
        with v1.variable_scope(f"CNN_high_{k}"):
            gate = tf.sigmoid(h @ v1.get_variable("W_carry", [F, F]) + v1.get_variable("b_carry", [F]))
            changed = tf.nn.relu(h @ v1.get_variable("W_transform", [F, F]) + v1.get_variable("b_transform", [F]))
            h = gate * changed + (1 - gate) * h
    with v1.variable_scope("CNN_proj"):
        h = h @ v1.get_variable("W_proj", [F, P]) + v1.get_variable("b_proj", [P])
    return tf.reshape(h, [tf.shape(ids)[0], tf.shape(ids)[1], P])


def layers_of(tf, ids, lengths, clip, keep_state, size):
    """The layers [n, longest, 2 P], the lowest being the word vector twice; and what updates the state."""
    v1, updates = tf.compat.v1, []
    texts, x, P, D = tf.shape(ids)[0], word_vectors(tf, ids, size), size.P, size.D
    layers = [[x, x], [], []]
    for d in (0, 1):
        y = tf.reverse_sequence(x, lengths, 1) if d else x
        for number in (0, 1):
            cell = v1.nn.rnn_cell.LSTMCell(D, num_proj=P, cell_clip=clip, proj_clip=clip)
            state = None
            if keep_state:
                kept = [v1.Variable(tf.zeros([128, n]), trainable=False, use_resource=True) for n in (D, P)]
                state = v1.nn.rnn_cell.LSTMStateTuple(*(s[:texts] for s in kept))
            with v1.variable_scope(f"RNN_{d}/RNN/MultiRNNCell/Cell{number}"):
                cell = v1.nn.rnn_cell.ResidualWrapper(cell) if number else cell
                y, after = v1.nn.dynamic_rnn(cell, y, lengths, initial_state=state, dtype=tf.float32)
            if keep_state:
                updates += [s.assign(tf.concat([a, s[texts:]], 0)) for s, a in zip(kept, after, strict=True)]
            layers[number + 1].append(tf.reverse_sequence(y, lengths, 1) if d else y)
    return [tf.concat(both, 2) for both in layers], updates


def elmo(tf, tokens, lengths, marks, clip=3.0, keep_state=False, size=TINY):
    """The three layers without the marks."""
    v1, ids = tf.compat.v1, characters(tf, tokens)
    longer = lengths
    if marks:
        ids, longer = with_marks(tf, ids, lengths)
    with v1.variable_scope("bilm", reuse=v1.AUTO_REUSE):
        layers, updates = layers_of(tf, ids, longer, clip, keep_state, size)
    with tf.control_dependencies(updates):
        return [tf.identity(layer[:, 1:-1] if marks else layer) for layer in layers]


def mean_of(tf, values, lengths, masked):
    """[n, longest, 2 P] to [n, 2 P]; version 2 of Google's module counts the padding in."""
    if not masked:
        return tf.reduce_mean(values, 1)
    mask = tf.sequence_mask(lengths, tf.shape(values)[1], tf.float32)[:, :, None]
    return tf.reduce_sum(values * mask, 1) / tf.maximum(tf.reduce_sum(mask, 1), 1)


def write_google(tf, out, masked=True, marks=False, clip=3.0, size=TINY):
    """One graph: ``tokens`` feeds inner tensors of ``default``."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session, v1.variable_scope("", use_resource=True):
        strings = v1.placeholder(tf.string, [None])
        tokens, lengths = words_of(tf, strings)
        layers = elmo(tf, tokens, lengths, marks, clip, size=size)
        with v1.variable_scope("aggregation"):
            shares = tf.unstack(tf.nn.softmax(v1.get_variable("weights", [3])))
            mixed = v1.get_variable("scaling", []) * sum(s * layer for s, layer in zip(shares, layers, strict=True))
        outputs = {"elmo": mixed, "word_emb": layers[0][:, :, : size.P], "lstm_outputs1": layers[1],
                   "lstm_outputs2": layers[2], "default": mean_of(tf, mixed, lengths, masked)}  # fmt: skip
        given = weights(size=size) | {"aggregation/weights": [0.5, -0.2, 0.1], "aggregation/scaling": 1.3}
        save(tf, out, graph, session, given, {
            "default": ({"strings": strings}, outputs),
            "tokens": ({"tokens": tokens, "sequence_len": lengths}, outputs),
        })  # fmt: skip


def write_deeppavlov(tf, out):
    """Two graphs, each with a state of its own that the next call begins with; the mean is taken before gamma."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session, v1.variable_scope("", use_resource=True):
        strings, fed = v1.placeholder(tf.string), v1.placeholder(tf.string, [None, None])
        signatures, sequence_len = {}, v1.placeholder(tf.int32, [None])
        cut = words_of(tf, tf.reshape(strings, [-1]))
        for name, inputs, (tokens, lengths) in (
            ("tokens", {"tokens": fed, "sequence_len": sequence_len}, (fed, sequence_len)),
            ("default", {"strings": strings}, cut),
        ):
            layers = elmo(tf, tokens, lengths, marks=True, keep_state=True)
            with v1.variable_scope("aggregation", reuse=v1.AUTO_REUSE):
                shares = tf.unstack(tf.nn.softmax(v1.get_variable("elmo_output_ELMo_W", [3]) + 1 / 3))
                gamma = v1.get_variable("elmo_output_ELMo_gamma", [1])
            total = sum(share * layer for share, layer in zip(shares, layers, strict=True))
            outputs = {"elmo": total * gamma, "word_emb": layers[0][:, :, : TINY.P], "lstm_outputs1": layers[1],
                       "lstm_outputs2": layers[2], "default": mean_of(tf, total, lengths, masked=True),
                       "version": tf.constant("from_dp_1")}  # fmt: skip
            signatures[name] = (inputs, outputs)
        given = {"aggregation/elmo_output_ELMo_W": [0.3, 0.1, -0.4], "aggregation/elmo_output_ELMo_gamma": [0.8]}
        save(tf, out, graph, session, weights(1) | given, signatures)


def save(tf, out, graph, session, given, signatures):
    """The module with the ``given`` weights in its variables; those of the state are zeros."""
    from helpers.lookalikes import write_tf1_hub

    session.run(tf.compat.v1.global_variables_initializer())
    for variable in tf.compat.v1.global_variables():
        name = variable.op.name.removeprefix("bilm/")
        if not name.split("/")[-1].startswith("Variable"):
            variable.load(np.float32(given[name]), session)
    write_tf1_hub(out, [([], graph, session, signatures)])


def main(out, full=False):
    """All tiny modules into the folder ``out``, or a full one as ``out``."""
    from stores.shared.tensorflow import load_tensorflow

    tf = load_tensorflow()
    tf.compat.v1.disable_control_flow_v2()  # loops as of 2018
    if full:
        return write_google(tf, out, size=FULL)
    write_google(tf, out / "google3")
    write_google(tf, out / "google2", masked=False)
    write_google(tf, out / "marked", marks=True)
    write_google(tf, out / "unlike", clip=None)
    write_deeppavlov(tf, out / "deeppavlov")


if __name__ == "__main__":
    sys.path += [str(folder) for folder in Path(__file__).parents[1:3]]
    main(Path(sys.argv[1]), "--full" in sys.argv)
