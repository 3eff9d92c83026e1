"""Tiny models in the exact published layouts: what the tests load in place of gigabytes.

Their weights are random but for a seed. Each function writes one model into a folder that does not exist yet, and
returns the folder. TensorFlow is imported by those that need it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from helpers.elmo_modules import write_allennlp
from stores.shared.tensorflow import load_tensorflow

WIDTH = 12
WORDS = ["call", "me", "when", "you", "are", "home", "winner", "cash", "now", "ok", "word", "one", "two", "three"]


def weights(*shape):
    """Float32 numbers that are the same in every run."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def write_tf1_hub(out, graphs, assets=()):
    """A TF1 Hub module, which no library writes any more.

    Args:
        out: the folder.
        graphs: (tags, graph, session, {signature: (inputs, outputs)}) each; the first one's variables are saved.
        assets: (name of a file in ``assets``, name of the string constant of the graph that holds it) each.
    """
    v1 = load_tensorflow().compat.v1
    from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

    out = Path(out)
    (out / "variables").mkdir(parents=True)
    (out / "assets").mkdir(exist_ok=True)
    model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    for number, (tags, graph, session, signatures) in enumerate(graphs):
        with graph.as_default():
            if number == 0:
                saver = v1.train.Saver(sharded=True)
                saver.save(session, str(out / "variables/variables"), write_meta_graph=False, write_state=False)
            meta = v1.train.export_meta_graph(graph=graph, clear_devices=True, strip_default_attrs=True)
        meta.ClearField("saver_def")
        for name, (inputs, outputs) in signatures.items():
            infos = [{k: v1.saved_model.utils.build_tensor_info(t) for k, t in d.items()} for d in (inputs, outputs)]
            meta.signature_def[name].CopyFrom(v1.saved_model.signature_def_utils.build_signature_def(*infos))
        for file, tensor in assets:
            asset = meta_graph_pb2.AssetFileDef(filename=file)
            asset.tensor_info.name = tensor
            meta.collection_def["saved_model_assets"].any_list.value.add().Pack(asset)
        meta.meta_info_def.ClearField("tags")
        meta.meta_info_def.tags.extend(tags)  # none: the graph for inference
        model.meta_graphs.add().CopyFrom(meta)
    (out / "saved_model.pb").write_bytes(model.SerializeToString())
    (out / "tfhub_module.pb").write_bytes(b"\x08\x03")
    return out


def _vocabulary(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.txt").write_text("\n".join(WORDS))
    return folder / "tokens.txt"


def _save_tf2(out, embed, **parts):
    """A SavedModel that is called with strings [n]; ``parts`` are what its function holds."""
    tf = load_tensorflow()
    module = tf.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    module.__call__ = tf.function(embed, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(out))
    return out


def _mean_of_words(tf, table, vectors, strings):
    """The way of a deep averaging network: words without marks, their vectors' mean, a layer, unit length."""
    words = tf.strings.split(tf.strings.regex_replace(strings, r"[^\w\s]", ""))
    ids = tf.ragged.map_flat_values(table.lookup, words)
    mean = tf.reduce_mean(tf.ragged.map_flat_values(tf.gather, vectors, ids), 1)
    return tf.math.l2_normalize(tf.tanh(mean), 1)


def _use_tf2(out, result):
    tf = load_tensorflow()
    source = tf.lookup.TextFileInitializer(
        str(_vocabulary(out.parent)),
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    table = tf.lookup.StaticHashTable(source, len(WORDS))
    vectors = tf.Variable(weights(len(WORDS) + 1, WIDTH))
    return _save_tf2(
        out, lambda strings: result(_mean_of_words(tf, table, vectors, strings)), table=table, vectors=vectors
    )


def use4(out):
    """As universal-sentence-encoder/4: TF2, strings to a tensor, a StaticHashTable from an asset."""
    return _use_tf2(out, lambda vectors: vectors)


def use3(out):
    """As universal-sentence-encoder/3: the same in a dict."""
    return _use_tf2(out, lambda vectors: {"outputs": vectors})


def use2(out):
    """As universal-sentence-encoder/2: a TF1 Hub module with one signature."""
    tf = load_tensorflow()
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        file = tf.constant(str(_vocabulary(out / "assets")))
        source = v1.lookup.TextFileInitializer(
            file, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        table = v1.lookup.StaticHashTable(source, len(WORDS))
        vectors = v1.get_variable("Embeddings_en", initializer=weights(len(WORDS) + 1, WIDTH), use_resource=True)
        strings = v1.placeholder(tf.string, [None], "text")
        outputs = _mean_of_words(tf, table, vectors, strings)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        signatures = {"default": ({"text": strings}, {"default": outputs})}
        return write_tf1_hub(out, [([], graph, session, signatures)], [("tokens.txt", file.name)])


def large2(out):
    """As universal-sentence-encoder-large/2: a TF1 Hub module whose vectors depend on the padding of their batch."""
    tf = load_tensorflow()
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        vectors = v1.get_variable("Embeddings_en", initializer=weights(50, WIDTH), use_resource=True)
        strings = v1.placeholder(tf.string, [None], "text")
        words = tf.strings.split(strings).to_tensor("")
        outputs = tf.reduce_mean(tf.gather(vectors, tf.strings.to_hash_bucket_fast(words, 50)), 1)
        session.run(v1.global_variables_initializer())
        return write_tf1_hub(out, [([], graph, session, {"default": ({"text": strings}, {"default": outputs})})])


def large5(out):
    """As universal-sentence-encoder-large/5: TF2, attention between all words of a text."""
    tf = load_tensorflow()
    vectors = tf.Variable(weights(50, WIDTH))

    def embed(strings):
        words = tf.strings.split(strings)
        mask = tf.sequence_mask(words.row_lengths(), dtype=tf.float32)
        x = tf.gather(vectors, tf.strings.to_hash_bucket_fast(words.to_tensor(""), 50))
        scores = tf.matmul(x, x, transpose_b=True) - 1e9 * (1 - mask[:, None, :])
        x = tf.matmul(tf.nn.softmax(scores), x) * mask[:, :, None]
        return tf.reduce_sum(x, 1) / tf.sqrt(tf.reduce_sum(mask, 1, keepdims=True))

    return _save_tf2(out, embed, vectors=vectors)


def multilingual(out):
    """As universal-sentence-encoder-multilingual/3: TF2, with operations of tensorflow_text."""
    import tensorflow_text

    tf = load_tensorflow()
    vectors = tf.Variable(weights(50, WIDTH))

    def embed(strings):
        words = tensorflow_text.UnicodeScriptTokenizer().tokenize(tensorflow_text.case_fold_utf8(strings))
        ids = tf.ragged.map_flat_values(lambda flat: tf.strings.to_hash_bucket_fast(flat, 50), words)
        return tf.reduce_mean(tf.ragged.map_flat_values(tf.gather, vectors, ids), 1)

    return _save_tf2(out, embed, vectors=vectors)


def lite(out, sentencepiece):
    """As universal-sentence-encoder-lite/2: TF1, sparse SentencePiece ids, the model of the pieces in ``assets``."""
    tf = load_tensorflow()
    v1 = tf.compat.v1
    (out / "assets").mkdir(parents=True)
    (out / "assets" / "spm.model").write_bytes(Path(sentencepiece).read_bytes())
    with tf.Graph().as_default() as graph, v1.Session() as session:
        file = tf.constant("spm.model")
        vectors = v1.get_variable("Embeddings", initializer=weights(1000, WIDTH), use_resource=True)
        ids = {
            "values": v1.placeholder(tf.int64, [None], "values"),
            "indices": v1.placeholder(tf.int64, [None, 2], "indices"),
            "dense_shape": v1.placeholder(tf.int64, [None], "dense_shape"),
        }
        sparse = tf.SparseTensor(ids["indices"], ids["values"], ids["dense_shape"])
        outputs = v1.nn.embedding_lookup_sparse(vectors, sparse, None, combiner="mean")
        session.run(v1.global_variables_initializer())
        signatures = {"default": (ids, {"default": outputs}), "spm_path": ({}, {"default": file})}
        return write_tf1_hub(out, [([], graph, session, signatures)], [("spm.model", file.name)])


def nnlm(out):
    """As nnlm-en-dim50/2: TF2, the sum of word vectors over the root of their number."""
    tf = load_tensorflow()
    vectors = tf.Variable(weights(50, WIDTH))

    def embed(strings):
        words = tf.strings.split(strings)
        ids = tf.ragged.map_flat_values(lambda flat: tf.strings.to_hash_bucket_fast(flat, 50), words)
        total = tf.reduce_sum(tf.ragged.map_flat_values(tf.gather, vectors, ids), 1)
        return total / tf.sqrt(tf.cast(tf.maximum(words.row_lengths(), 1), tf.float32))[:, None]

    return _save_tf2(out, embed, vectors=vectors)


def elmo(out):
    """As AllenNLP's ELMo: options and weights, without a graph."""
    return write_allennlp(out)


def elmo_modules(out):
    """A folder of ELMos as TF1 Hub modules, see ``elmo_modules.py``; the cells of TensorFlow 1 need Keras 2."""
    # -P: the folder of the script holds a stores.py, which is not the package
    code = [sys.executable, "-P", "-W", "ignore", str(Path(__file__).with_name("elmo_modules.py")), str(out)]
    subprocess.run(code, check=True, capture_output=True, env=os.environ | {"TF_USE_LEGACY_KERAS": "1"})
    return out


def bert(out):
    """As a Hugging Face folder of BERT; the other forms are in ``bert_models.py``."""
    from helpers.bert_models import hugging_face

    return hugging_face(out)


def transformer(out):
    """A folder of sentence-transformers with ``tokenizer.json``: a mean at length 1, with a default prompt."""
    from helpers.bert_models import sentence_transformers

    return sentence_transformers(out, "mean", 32, prompts={"query": "call ", "passage": "win "}, default="passage")


FREQUENT = [".", ",", "the", "to", "you", "!", "call", "me", "when", "are", "home", "winner", "cash", "now", "ok",
            "one", "two", "three", "word", "words", "credit", "credit_card", "?", "free", "see", "prize"]  # fmt: skip


def word_vectors(out):
    """A text file of vectors of 50 columns, as GloVe's; sorted by nothing, as if by frequency."""
    lines = [f"{word} {' '.join(f'{x:.5g}' for x in row)}" for word, row in zip(FREQUENT, weights(26, 50), strict=True)]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return out


def numberbatch_vectors(out):
    """The same with keys in the order of the alphabet and a header, as Numberbatch's English file."""
    rows = sorted(zip(FREQUENT, weights(26, 50), strict=True))
    lines = [f"{word} {' '.join(f'{x:.4f}' for x in row)}" for word, row in rows]
    out.write_text("26 50\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return out
