"""Features that stay in their parts: the same store, read through an index."""

import json
import shutil
import zlib
from dataclasses import replace

import h5py
import numpy as np
import pytest
from helpers.toy import TEN_ROWS, toy_recipe, write_csv
from test_kinds import TEXTS, N, meaning, pooled, tokens

from embed import StoreOptions, embed, read_table
from stores import Block, FailureError, FeatureStore, InputError
from stores.parts import Parts
from stores.prune import find_stale
from stores.shared.fingerprint import hash_texts

ATTRIBUTES = {"identity": {}, "identity_digest": "0", "recipe": {}, "source": {}, "versions": {}, "command": ""}


def write(path, features, layout, sizes=(128, 0, 300, 72)):
    """A store of parts of these numbers of rows."""
    parts, start = Parts(path, ATTRIBUTES, layout=layout), 0
    for number, size in enumerate(size for size in sizes if size):
        rows = np.arange(start, start + size)
        labels = [("ham", "spam")[i % 2] for i in rows]
        texts = [TEXTS[i] for i in rows]
        parts.write(number, Block(rows, hash_texts(texts), labels, texts, features.take(rows)), {}, (0.0, 0.0, 0.0))
        start += size
    parts.assemble(number + 1, 0.0)
    return path


@pytest.mark.parametrize("make", [pooled, tokens])
def test_an_index_reads_as_the_whole(make, tmp_path):
    """Slices over the borders of parts, chosen rows, blocks and checksums: as if it were one file."""
    features = make()
    whole = FeatureStore(write(tmp_path / "whole.h5", features, "whole"))
    index = FeatureStore(write(tmp_path / "index.h5", features, "parts"))

    assert index.path.stat().st_size < whole.path.stat().st_size / 2
    assert index.size > whole.size
    index.verify()
    for start, stop in ((0, N), (100, 140), (127, 128), (128, 129), (420, 500), (7, 7)):
        assert meaning(index.read(start, stop)) == meaning(features.take(np.arange(start, stop)))
    chosen = np.random.default_rng(0).integers(0, N, 200)
    assert meaning(index.take(chosen)) == meaning(features.take(chosen))
    for name in whole.outputs:
        with h5py.File(whole.path) as one, h5py.File(index.path) as other:
            path = f"checksums/features/{name}"
            assert (one[path][...] == other[path][...]).all()


def test_any_hdf5_reader_follows_the_index(tmp_path):
    """Bare h5py reads the features through the virtual data sets."""
    features = pooled()
    path = write(tmp_path / "index.h5", features, "parts")

    with h5py.File(path) as file:
        assert (file["features/layer1"][...] == features.outputs["layer1"]).all()


def test_embed_keeps_parts_and_takes_known_texts_from_them(tmp_path):
    """The second run encodes nothing; a grown table its new text only; moving both index and parts is fine."""
    table = read_table(write_csv(tmp_path / "a.csv", TEN_ROWS))
    embed(table, toy_recipe(), tmp_path / "one" / "a.h5", store=StoreOptions(layout="parts"))
    assert embed(table, toy_recipe(), tmp_path / "one" / "a.h5", store=StoreOptions(layout="parts")).up_to_date
    assert find_stale(tmp_path / "one") == []

    shutil.move(tmp_path / "one", tmp_path / "two")
    grown = read_table(write_csv(tmp_path / "a.csv", [*TEN_ROWS, ("ham", "one more")]))
    recipe = toy_recipe()
    embed(grown, recipe, tmp_path / "two" / "a.h5", store=StoreOptions(layout="parts"))

    assert recipe.encoder.seen == ["one more"]
    with FeatureStore(tmp_path / "two" / "a.h5") as store:
        store.verify()
        assert store.to_numpy()[-1].tolist() == [2, 7, 0]


def test_a_flipped_bit_in_a_part_is_found(tmp_path):
    """The index has the checksums of what lies in the parts."""
    path = write(tmp_path / "index.h5", pooled(), "parts")
    part = sorted(tmp_path.rglob("part-*.h5"))[1]
    with FeatureStore(part) as store:
        needle = store.to_numpy()[17].tobytes()
    content = bytearray(part.read_bytes())
    content[content.index(needle) + 5] ^= 1
    part.write_bytes(content)

    with FeatureStore(path) as store, pytest.raises(FailureError, match="features/layer1, in the rows from 0"):
        store.verify()


def test_an_index_without_its_parts_says_so(tmp_path):
    """One line that names what is missing."""
    path = write(tmp_path / "index.h5", pooled(), "parts")
    path.rename(tmp_path / "moved.h5")
    with FeatureStore(tmp_path / "moved.h5") as store:
        store.verify()  # the folder keeps its name, so that is fine

    shutil.rmtree(tmp_path / "index.h5.parts")
    with pytest.raises(FailureError, match=r"keeps its features in index.h5.parts/.*copy both together"):
        FeatureStore(tmp_path / "moved.h5")


def test_another_store_in_place_of_a_part_is_found(tmp_path):
    """A part of other rows has other numbers; one of another shape is refused when it is read."""
    path = write(tmp_path / "index.h5", pooled(), "parts")
    first, second, _ = sorted(tmp_path.rglob("part-*.h5"))
    shutil.copy(second, first)

    with FeatureStore(path) as store, pytest.raises(FailureError, match="not the part that its store was made of"):
        store.to_numpy()


def replaced(new, part):
    """Another file under the name of the part."""
    new.replace(part)


def written_over(new, part):
    """The same file with other bytes."""
    part.write_bytes(new.read_bytes())


@pytest.mark.parametrize("put", [replaced, written_over])
def test_a_part_that_is_replaced_while_its_store_is_open_is_not_read(put, tmp_path):
    """Half of the old numbers and half of the new ones, of the same shape, would look like one store."""
    path = write(tmp_path / "index.h5", pooled(), "parts")
    (tmp_path / "other").mkdir()
    features = pooled()
    doubled = replace(features, outputs={name: 2 * values for name, values in features.outputs.items()})
    write(tmp_path / "other" / "index.h5", doubled, "parts")
    part = sorted((tmp_path / "index.h5.parts").rglob("part-*.h5"))[1]

    with FeatureStore(path) as store:
        store.read(0, 10)  # of the first part
        put(tmp_path / "other" / part.relative_to(tmp_path), part)
        with pytest.raises(FailureError, match=r"part-000001.h5 was replaced or removed while its store was read"):
            store.read()
    with FeatureStore(path) as store, pytest.raises(FailureError, match="features/layer1, in the rows from 0"):
        store.verify()  # opened with the other part there: the checksums of the index tell


def test_a_part_that_is_removed_while_its_store_is_open_is_named(tmp_path):
    """As one that is replaced."""
    path = write(tmp_path / "index.h5", pooled(), "parts")
    with FeatureStore(path) as store:
        shutil.rmtree(tmp_path / "index.h5.parts")
        with pytest.raises(FailureError, match=r"part-000000.h5 was replaced or removed while its store was read"):
            store.read()


TARGETS = pytest.mark.parametrize("target", ["elsewhere.h5", "../elsewhere.h5", "/etc/passwd", "a.parts/../b.h5"])


@TARGETS
def test_virtual_data_sets_are_not_followed(target, tmp_path):
    """They are for other readers; where a stranger has them point is not looked at."""
    features = pooled()
    path = write(tmp_path / "index.h5", features, "parts", sizes=(N,))
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        layout = h5py.VirtualLayout((N, 300), "f4")
        layout[:] = h5py.VirtualSource(target, "features/layer2", (N, 300))
        del file["features/layer1"]
        file["features"].create_virtual_dataset("layer1", layout)

    with FeatureStore(path) as store:
        assert (store.read().outputs["layer1"] == features.outputs["layer1"]).all()


@TARGETS
def test_an_index_that_names_other_files_is_refused(target, tmp_path):
    """Parts lie in the store's own folder of parts, under their own names."""
    path = write(tmp_path / "index.h5", pooled(), "parts", sizes=(N,))
    edit(path, lambda about: about["parts"]["files"][0].__setitem__(0, target))

    with pytest.raises(FailureError, match="does not lie in the store's own folder; refused"):
        FeatureStore(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda parts: parts.clear(), "a virtual data set does not lie in the store's own parts"),
        (lambda parts: parts["outputs"].pop("layer2"), "a virtual data set does not lie in the store's own parts"),
        (lambda parts: parts["outputs"]["layer1"].__setitem__(0, "O"), "layer1 cannot be O"),
        (lambda parts: parts["outputs"]["layer1"].__setitem__(1, [10**12, 300]), "layer1 cannot be float32"),
        (lambda parts: parts["files"][0].__setitem__(1, 10**12), "cannot be float32"),
        (lambda parts: parts["outputs"].__setitem__("layer1", 7), "is damaged"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(change, message, tmp_path):
    """Names, types and sizes must be those of the file and of the parts."""
    path = write(tmp_path / "index.h5", pooled(), "parts", sizes=(N,))
    edit(path, lambda about: change(about["parts"]))

    with pytest.raises(FailureError, match=message):
        FeatureStore(path)


def edit(path, change):
    """Change what a store says of itself, its checksum included."""
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        about = json.loads(file["about"][...].tobytes())
        change(about)
        text = np.frombuffer(json.dumps(about).encode(), "u1")
        del file["about"], file["checksums/about"]
        file.create_dataset("about", data=text, chunks=text.shape)
        file["checksums/about"] = np.array([zlib.crc32(text)], "u4")


def test_a_part_that_is_a_link_is_refused(tmp_path):
    """A link in the folder of parts could lead anywhere."""
    path = write(tmp_path / "index.h5", pooled(), "parts")
    folder = next((tmp_path / "index.h5.parts").iterdir())
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FailureError, match="does not lie in the store's own folder"):
        FeatureStore(path)


def test_wrong_wishes_are_refused(tmp_path):
    """Before anything is encoded."""
    table = read_table(write_csv(tmp_path / "a.csv", TEN_ROWS))
    with pytest.raises(InputError, match="`layout='heap'`: choose one of whole, parts"):
        embed(table, toy_recipe(), tmp_path / "a.h5", store=StoreOptions(layout="heap"))
    with pytest.raises(InputError, match="`compression='gzip'` is for `layout='whole'`"):
        embed(table, toy_recipe(), tmp_path / "a.h5", store=StoreOptions(compression="gzip", layout="parts"))
