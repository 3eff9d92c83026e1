"""Tiny BERTs in the exact published layouts, and BERT's arithmetic once more, in NumPy and float64.

Layouts: TF-Hub's and Google's as in tensorflow/models and google-research/bert, Hugging Face's as its checkpoints are.
"""

from __future__ import annotations

import json
import math

import numpy as np

from helpers.lookalikes import write_tf1_hub
from stores.shared.tensorflow import load_tensorflow

WIDTH, HEADS, INNER, DEPTH, POSITIONS = 128, 2, 48, 3, 40
WORDS = "call me when you are home winner cash now ok word one two three a b . , ! ? 1 0 grusse aus koln win un runn"
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), "##ner", "##s", "##ing", "##0", "##1", "你"]
HF_PARTS = {"gamma": "weight", "beta": "bias", "kernel": "weight", "bias": "bias"}


def arrays():
    """Random weights by the names of Google's checkpoints without ``bert/``."""
    rng, made = np.random.default_rng(0), {}

    def normal(name, *shape, mean=0.0):
        made[name] = (mean + rng.normal(scale=0.2, size=shape)).astype(np.float32)

    def dense(name, inside, outside):
        normal(f"{name}/kernel", inside, outside)
        normal(f"{name}/bias", outside)

    def norm(name):
        normal(f"{name}/gamma", WIDTH, mean=1.0)
        normal(f"{name}/beta", WIDTH)

    for kind, rows in (("word", len(PIECES)), ("position", POSITIONS), ("token_type", 2)):
        normal(f"embeddings/{kind}_embeddings", rows, WIDTH)
    norm("embeddings/LayerNorm")
    for layer in range(DEPTH):
        at = f"encoder/layer_{layer}"
        for part in ("query", "key", "value"):
            dense(f"{at}/attention/self/{part}", WIDTH, WIDTH)
        dense(f"{at}/attention/output/dense", WIDTH, WIDTH)
        norm(f"{at}/attention/output/LayerNorm")
        dense(f"{at}/intermediate/dense", WIDTH, INNER)
        dense(f"{at}/output/dense", INNER, WIDTH)
        norm(f"{at}/output/LayerNorm")
    dense("pooler/dense", WIDTH, WIDTH)
    return made


def reference(weights, ids, heads=HEADS, activation="gelu_tanh"):
    """All hidden states ``[T, H]`` of one text and its pooler's vector, in float64, one head at a time."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    erf = np.vectorize(math.erf)

    def dense(x, name):
        return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}/gamma"] + w[f"{name}/beta"]

    def gelu(x):
        if activation == "gelu":
            return x * (1 + erf(x / math.sqrt(2))) / 2
        return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2

    x = w["embeddings/word_embeddings"][ids] + w["embeddings/position_embeddings"][: len(ids)]
    states = [norm(x + w["embeddings/token_type_embeddings"][0], "embeddings/LayerNorm")]
    layer = 0
    while f"encoder/layer_{layer}/output/dense/kernel" in w:
        at, x = f"encoder/layer_{layer}", states[-1]
        query, key, value = (
            np.split(dense(x, f"{at}/attention/self/{n}"), heads, 1) for n in ("query", "key", "value")
        )
        mixed = []
        for q, k, v in zip(query, key, value, strict=True):
            scores = np.exp(q @ k.T / math.sqrt(q.shape[1]))
            mixed.append(scores / scores.sum(1, keepdims=True) @ v)
        x = norm(x + dense(np.hstack(mixed), f"{at}/attention/output/dense"), f"{at}/attention/output/LayerNorm")
        inner = gelu(dense(x, f"{at}/intermediate/dense"))
        states.append(norm(x + dense(inner, f"{at}/output/dense"), f"{at}/output/LayerNorm"))
        layer += 1
    pooled = np.tanh(dense(states[-1][0], "pooler/dense")) if "pooler/dense/kernel" in w else None
    return states, pooled


def published_graph(tf, get, inputs, depth=DEPTH, activation="gelu_tanh"):
    """What the graphs of the modules compute, on padded texts.

    Args:
        tf: TensorFlow.
        get: name -> variable; kernels of the attention with or without an axis of the heads.
        inputs: ids, mask and types, int32 ``[B, T]`` each.
        depth: number of layers.
        activation: ``gelu_tanh``, ``gelu`` or ``relu``.

    Returns:
        Pooled ``[B, H]`` and the output of every layer, ``[B, T, H]`` each.
    """
    ids, mask, types = inputs

    def dense(x, name):
        kernel, bias = get(f"{name}/kernel"), get(f"{name}/bias")
        if kernel.shape.rank == 3 and "output" in name:
            return tf.einsum("btad,adh->bth", x, kernel) + bias
        return tf.einsum("bth,had->btad" if kernel.shape.rank == 3 else "bth,hi->bti", x, kernel) + bias

    def norm(x, name):
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, get(f"{name}/beta"), get(f"{name}/gamma"), 1e-12)

    def with_heads(x):
        return x if x.shape.rank == 4 else tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1], HEADS, WIDTH // HEADS])

    words = tf.gather(get("embeddings/word_embeddings"), ids) + tf.gather(
        get("embeddings/token_type_embeddings"), types
    )
    x = norm(words + get("embeddings/position_embeddings")[: tf.shape(ids)[1]], "embeddings/LayerNorm")
    layers = []
    for layer in range(depth):
        at = f"encoder/layer_{layer}"
        query, key, value = (with_heads(dense(x, f"{at}/attention/self/{n}")) for n in ("query", "key", "value"))
        scores = tf.einsum("btad,bsad->bats", query, key) / query.shape[-1] ** 0.5
        scores += (1.0 - tf.cast(mask, tf.float32))[:, None, None, :] * -10000.0
        mixed = tf.einsum("bats,bsad->btad", tf.nn.softmax(scores), value)
        if get(f"{at}/attention/output/dense/kernel").shape.rank == 2:
            mixed = tf.reshape(mixed, [tf.shape(x)[0], tf.shape(x)[1], WIDTH])
        x = norm(x + dense(mixed, f"{at}/attention/output/dense"), f"{at}/attention/output/LayerNorm")
        inner = dense(x, f"{at}/intermediate/dense")
        inner = tf.nn.relu(inner) if activation == "relu" else tf.nn.gelu(inner, approximate=activation == "gelu_tanh")
        x = norm(x + dense(inner, f"{at}/output/dense"), f"{at}/output/LayerNorm")
        layers.append(x)
    return tf.tanh(dense(x[:, :1], "pooler/dense"))[:, 0], layers


def hub_name(name, version):
    """The name of a variable in the TF-Hub modules: of version 1, or of those after it."""
    old = version == 1
    for google, hub in (
        ("embeddings/word_embeddings", "word_embeddings/embeddings"),
        ("embeddings/token_type_embeddings",
         "embedding_postprocessor/type_embeddings" if old else "type_embeddings/embeddings"),
        ("embeddings/position_embeddings",
         "embedding_postprocessor/position_embeddings" if old else "position_embedding/embeddings"),
        ("embeddings/LayerNorm", "embedding_postprocessor/layer_norm" if old else "embeddings/layer_norm"),
        ("attention/self", "self_attention"),
        ("attention/output/dense", "self_attention_output" if old else "self_attention/attention_output"),
        ("attention/output/LayerNorm", "self_attention_layer_norm"),
        ("intermediate/dense", "intermediate"),
        ("output/dense", "output"),
        ("output/LayerNorm", "output_layer_norm"),
        ("pooler/dense", "pooler_transform"),
    ):  # fmt: skip
        name = name.replace(google, hub)
    return f"bert_model/{name}" if old else name.replace("encoder", "transformer")


def _with_heads(name, array, heads):
    """An array of the attention as the modules have it: ``[H, A, D]``, ``[A, D, H]`` or ``[A, D]``."""
    if "attention/self" in name:
        return array.reshape(*array.shape[:-1], heads, -1)
    return array.reshape(heads, -1, array.shape[1]) if name.endswith("attention/output/dense/kernel") else array


def vocabulary(folder, pieces=PIECES):
    """``vocab.txt`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return folder / "vocab.txt"


def hub(out, version=4, lower_case=True, known=True, pieces=PIECES, weights=None, heads=HEADS, activation="gelu_tanh"):
    """A TF-Hub encoder: versions 1 and 2 take a list, 3 and 4 (and small_bert) a dict.

    ``known``: whether its variables have BERT's names; ``pieces``: the vocabulary, None for a module without.
    """
    tf = load_tensorflow()
    weights = weights or arrays()
    depth = len({name.split("/")[1] for name in weights if name.startswith("encoder/")})

    class Encoder(tf.Module):
        def __init__(self):
            self.parts = {
                name.replace("/", "."): tf.Variable(
                    _with_heads(name, array, heads), name=hub_name(name, version) if known else f"albert/{i}"
                )
                for i, (name, array) in enumerate(weights.items())
            }
            self.do_lower_case = tf.Variable(lower_case, trainable=False)
            if pieces:
                self.vocab_file = tf.saved_model.Asset(str(vocabulary(out.parent / "source", pieces)))

        def compute(self, *inputs):
            return published_graph(tf, lambda name: self.parts[name.replace("/", ".")], inputs, depth, activation)

    encoder, ids = Encoder(), tf.TensorSpec([None, None], tf.int32)
    if version < 3:

        def call(inputs, training=False, mask=None):
            pooled, layers = encoder.compute(*inputs)
            return [pooled, layers[-1]]

        names = ("input_word_ids", "input_mask", "segment_ids")
        spec = [tf.TensorSpec([None, None], tf.int32, name=name) for name in names]
    else:

        def call(inputs, training=False, mask=None):
            pooled, layers = encoder.compute(inputs["input_word_ids"], inputs["input_mask"], inputs["input_type_ids"])
            found = {"pooled_output": pooled, "sequence_output": layers[-1], "encoder_outputs": layers}
            return found | {"default": pooled}

        spec = {name: ids for name in ("input_word_ids", "input_mask", "input_type_ids")}
    encoder.__call__ = tf.function(call)
    for training in (False, True):
        encoder.__call__.get_concrete_function(spec, training, None)
    tf.saved_model.save(encoder, str(out))
    return out


def tf1_hub(out, lower_case=False):
    """A TF1 Hub module such as google/bert_cased_L-12_H-768_A-12: two graphs, two signatures."""
    tf = load_tensorflow()
    v1 = tf.compat.v1
    weights, graphs = arrays(), []
    for tags in ([], ["train"]):
        graph = tf.Graph()
        with graph.as_default():
            session = v1.Session(graph=graph)
            variables = {
                name: v1.get_variable(f"bert/{name}", initializer=array, use_resource=True)
                for name, array in weights.items()
            }
            names = ("input_ids", "input_mask", "segment_ids")
            inputs = {name: v1.placeholder(tf.int32, [None, None], name) for name in names}
            pooled, layers = published_graph(tf, variables.__getitem__, inputs.values())
            if tags:
                pooled, layers = [v1.nn.dropout(x, rate=0.5, seed=0) for x in (pooled, layers[-1])], layers
                pooled = pooled[0]
            info = {"vocab_file": tf.constant("vocab.txt", name="vocab"), "do_lower_case": tf.constant(lower_case)}
            session.run(v1.global_variables_initializer())
        outputs = {"pooled_output": pooled, "sequence_output": layers[-1]}
        graphs.append((tags, graph, session, {"tokens": (inputs, outputs), "tokenization_info": ({}, info)}))
    vocabulary(out / "assets")
    with graphs[0][1].as_default():
        return write_tf1_hub(out, graphs, [("vocab.txt", "vocab:0")])


def preprocessor(out, lower_case=True):
    """As tensorflow/bert_en_uncased_preprocess/3."""
    import tensorflow_text

    tf = load_tensorflow()
    path = vocabulary(out.parent / "preprocessor")

    class Tokenize(tf.Module):
        def __init__(self):
            source = tf.lookup.TextFileInitializer(
                str(path), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
            )
            self.table = tf.lookup.StaticVocabularyTable(source, 1)
            self.tokenizer = tensorflow_text.BertTokenizer(
                self.table, token_out_type=tf.int32, lower_case=lower_case, unknown_token="[UNK]"
            )

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, sentences):
            return self.tokenizer.tokenize(sentences)

        @tf.function(input_signature=[])
        def get_special_tokens_dict(self):
            ids = {"padding_id": 0, "start_of_sequence_id": 2, "end_of_segment_id": 3, "mask_id": 4}
            return {name: tf.constant(value, tf.int32) for name, value in ids.items()}

    module = tf.Module()
    module.tokenize = Tokenize()
    tf.saved_model.save(module, str(out))
    return out


def google(out):
    """A checkpoint of google-research/bert, as after training: with optimiser slots and the heads' variables."""
    tf = load_tensorflow()
    v1 = tf.compat.v1
    vocabulary(out)
    config = {
        "hidden_act": "gelu", "hidden_size": WIDTH, "intermediate_size": INNER, "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS, "num_hidden_layers": DEPTH, "type_vocab_size": 2, "vocab_size": len(PIECES),
    }  # fmt: skip
    (out / "bert_config.json").write_text(json.dumps(config))
    with tf.Graph().as_default(), v1.Session() as session:
        for name, array in arrays().items():
            v1.get_variable(f"bert/{name}", initializer=array)
            v1.get_variable(f"bert/{name}/adam_m", initializer=np.zeros_like(array))
            v1.get_variable(f"bert/{name}/adam_v", initializer=np.zeros_like(array))
        v1.get_variable("cls/predictions/output_bias", initializer=np.zeros(len(PIECES), np.float32))
        v1.get_variable("global_step", initializer=np.int64(7))
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(out / "bert_model.ckpt"))
    return out


def write_safetensors(path, tensors):
    """A file in the safetensors format."""
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, array in tensors.items():
        blob = np.ascontiguousarray(array).tobytes()
        kind = {"float32": "F32", "float16": "F16", "uint16": "BF16", "int64": "I64"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def hugging_face(out, prefix="", old_names=False, shards=1, tokenizer_json=False, activation="gelu"):
    """A folder of Hugging Face's BertModel; ``prefix`` and ``old_names`` (gamma, beta) as older ones have them."""
    out.mkdir(parents=True)
    config = {
        "model_type": "bert", "hidden_act": activation, "num_attention_heads": HEADS, "layer_norm_eps": 1e-12,
        "hidden_size": WIDTH, "num_hidden_layers": DEPTH, "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
    }  # fmt: skip
    (out / "config.json").write_text(json.dumps(config))
    tensors = {"cls.predictions.bias": np.zeros(3, np.float32)} if prefix else {}
    for name, array in arrays().items():
        last = name.rpartition("/")[2]
        key = name.replace("/", ".").replace("layer_", "layer.")
        if name.endswith("_embeddings"):
            key += ".weight"
        elif not (old_names and "LayerNorm" in name):
            key = key.removesuffix(last) + HF_PARTS[last]
        tensors[prefix + key] = array.T if last == "kernel" else array
    tensors[f"{prefix}embeddings.position_ids"] = np.arange(POSITIONS)[None]
    names = sorted(tensors)
    if shards == 1:
        write_safetensors(out / "model.safetensors", tensors)
    else:
        files = {name: f"model-{i % shards + 1:05}-of-{shards:05}.safetensors" for i, name in enumerate(names)}
        for file in set(files.values()):
            write_safetensors(out / file, {name: tensors[name] for name in names if files[name] == file})
        (out / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    if tokenizer_json:
        tokenizer().save(str(out / "tokenizer.json"))
    else:
        vocabulary(out)
        (out / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    return out


def google_names(tensors):
    """Hugging Face's arrays of a BERT by the names of Google's checkpoints: what ``hugging_face`` does, undone."""
    found = {}
    for name, array in tensors.items():
        parts = name.removeprefix("bert.").replace("layer.", "layer_").split(".")
        if "embeddings" in parts[0] and parts[1] != "LayerNorm":
            parts = parts[:2]
        elif "LayerNorm" in name:
            parts[-1] = {"weight": "gamma", "bias": "beta"}[parts[-1]]
        elif parts[-1] == "weight":
            parts[-1], array = "kernel", array.T
        found["/".join(parts)] = np.asarray(array)
    return found


def tokenizer(lower_case=True):
    """BERT's tokenizer of the library ``tokenizers``, as Hugging Face saves it: with padding and truncation."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(PIECES[:5])
    around = [(piece, PIECES.index(piece)) for piece in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    made.enable_padding(length=16)
    made.enable_truncation(16)
    return made


def sentence_transformers(out, pooling="cls", limit=12, prompts=None, default=None):
    """A folder of sentence-transformers in the older layout, with the network in a folder of its own."""
    hugging_face(out / "0_BERT", tokenizer_json=True)
    if prompts:
        about = {"prompts": prompts, "default_prompt_name": default}
        (out / "config_sentence_transformers.json").write_text(json.dumps(about))
    (out / "0_BERT/sentence_bert_config.json").write_text(json.dumps({"max_seq_length": limit}))
    modules = [("", "0_BERT", "Transformer"), ("1", "1_Pooling", "Pooling"), ("2", "2_Normalize", "Normalize")]
    kinds = [
        {"idx": i, "name": name, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (name, path, kind) in enumerate(modules)
    ]
    (out / "modules.json").write_text(json.dumps(kinds))
    (out / "1_Pooling").mkdir()
    modes = {f"pooling_mode_{name}": name.startswith(pooling) for name in ("cls_token", "mean_tokens", "max_tokens")}
    (out / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": WIDTH, **modes}))
    return out
