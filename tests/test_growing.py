"""The growing file: features are written once, where they will lie, and the bytes are those of the long way."""

import json
import shutil
import zlib

import h5py
import numpy as np
import pytest
from helpers.reporter import Recorder
from helpers.toy import toy_recipe, write_csv
from test_kinds import TEXTS, N, tokens

from embed import embed, read_table
from stores import Block, FailureError, FeatureStore, PooledFeatures
from stores.parts import Parts
from stores.shared.fingerprint import hash_texts

ATTRIBUTES = {"identity": {}, "identity_digest": "0", "recipe": {}, "source": {}, "versions": {}, "command": ""}
SIZES = (128, 256, 64, 52)


def pooled():
    """One output, 64 rows a chunk."""
    values = np.random.default_rng(3).normal(size=(N, 2048)).astype(np.float32)
    return PooledFeatures({"pooled": values}, np.ones((N, 3), np.int32))


def write_parts(path, features, alone, numbers=(0, 1, 2, 3)):
    """Parts of these numbers of rows, not yet put together."""
    parts = Parts(path, ATTRIBUTES, alone=alone)
    for number in numbers:
        rows = np.arange(sum(SIZES[:number]), sum(SIZES[: number + 1]))
        texts = [TEXTS[i] for i in rows]
        block = Block(rows, hash_texts(texts), ["ham"] * len(rows), texts, features.take(rows))
        parts.write(number, block, {"rows": len(rows)}, (0.0, 0.0, 0.0))
    return parts


@pytest.mark.slow
@pytest.mark.parametrize("make", [pooled, tokens])
def test_bytes_are_those_of_parts_that_are_copied(make, tmp_path):
    """Written in place, copied from whole parts, or some of each: the same file."""
    features = make()
    write_parts(tmp_path / "copied.h5", features, alone=False).assemble(4, 0.0)
    parts = write_parts(tmp_path / "placed.h5", features, alone=True)
    growing = next(tmp_path.rglob("growing"))
    inode = growing.stat().st_ino
    parts.assemble(4, 0.0)
    write_parts(tmp_path / "mixed.h5", features, True, [0, 1])
    write_parts(tmp_path / "mixed.h5", features, False, [2, 3]).assemble(4, 0.0)

    expected = (tmp_path / "copied.h5").read_bytes()
    assert (tmp_path / "placed.h5").read_bytes() == expected
    assert (tmp_path / "mixed.h5").read_bytes() == expected
    assert (tmp_path / "placed.h5").stat().st_ino == inode  # renamed, not copied
    with FeatureStore(tmp_path / "placed.h5") as store:
        store.verify()
        assert (store.read().outputs[store.outputs[0]] == features.outputs[store.outputs[0]]).all()


def test_a_part_is_not_written_over_a_later_one(tmp_path):
    """A part that is made again while later ones are there lies by itself, and these stay what they were."""
    features = pooled()
    write_parts(tmp_path / "a.h5", features, alone=True)
    parts = write_parts(tmp_path / "a.h5", features, True, [1])

    with FeatureStore(parts.path(1)) as again, FeatureStore(parts.path(2)) as later:
        assert again.place is None
        later.verify()
    parts.assemble(4, 0.0)
    with FeatureStore(tmp_path / "a.h5") as store:
        store.verify()


@pytest.mark.parametrize("make", [pooled, tokens])
def test_damage_before_the_assembly_is_not_signed(make, tmp_path):
    """A bit that flips after a part was synced is found: when parts are put together, or at the latest by verify."""
    parts = write_parts(tmp_path / "a.h5", make(), alone=True)
    growing = next(tmp_path.rglob("growing"))
    data = bytearray(growing.read_bytes())
    data[parts._summaries[1].place.start + 100] ^= 1
    growing.write_bytes(data)

    with pytest.raises(FailureError, match="damaged"):
        parts.assemble(4, 0.0)
        with FeatureStore(tmp_path / "a.h5") as store:
            store.verify()


def test_a_store_that_is_no_part_may_not_have_its_features_elsewhere(tmp_path):
    """A stranger's store cannot make a reader look into another file."""
    parts = write_parts(tmp_path / "a.h5", pooled(), alone=True)
    part = parts.path(0)
    shutil.copy(part, tmp_path / "b.h5")
    shutil.copy(part.with_name("growing"), tmp_path / "growing")
    with pytest.raises(FailureError, match="do not lie in the store's own folder; refused"):
        FeatureStore(tmp_path / "b.h5")

    part.with_name("growing").rename(tmp_path / "elsewhere")
    with pytest.raises(FailureError, match="which is not there"):
        FeatureStore(part)
    part.with_name("growing").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FailureError, match="do not lie in the store's own folder; refused"):
        FeatureStore(part)


@pytest.mark.parametrize("start", [0, -4096, 1 << 40, "4096", None, 4096.5, [4096]])
def test_a_part_that_claims_another_place_is_refused(start, tmp_path):
    """Before the header of the file, behind its end, or no number at all."""
    part = write_parts(tmp_path / "a.h5", pooled(), alone=True).path(0)
    with h5py.File(part, "r+", libver=("v110", "v110")) as file:
        about = json.loads(file["about"][...].tobytes())
        about["parts"]["start"] = start
        text = np.frombuffer(json.dumps(about).encode(), "u1")
        del file["about"], file["checksums/about"]
        file.create_dataset("about", data=text, chunks=text.shape)
        file["checksums/about"] = np.array([zlib.crc32(text)], "u4")

    with pytest.raises(FailureError):
        FeatureStore(part)


@pytest.mark.slow
def test_damaged_features_are_not_taken_over(tmp_path):
    """A flipped bit in an old store does not spread: it is named, and its texts are encoded again."""
    rows = [("ham", f"message {'x' * i}") for i in range(200)]
    embed(read_table(write_csv(tmp_path / "a.csv", rows)), toy_recipe(), tmp_path / "a.h5")
    with FeatureStore(tmp_path / "a.h5") as store:
        needle = store.to_numpy()[17].tobytes()
    content = bytearray((tmp_path / "a.h5").read_bytes())
    content[content.index(needle) + 2] ^= 1
    (tmp_path / "a.h5").write_bytes(content)
    recipe, told = toy_recipe(), Recorder()

    embed(read_table(write_csv(tmp_path / "b.csv", rows[:50])), recipe, tmp_path / "b.h5", reporter=told)

    assert len(recipe.encoder.seen) == 50
    assert [
        note for note in told.notes if "a.h5 is damaged: features/pooled" in note and "no features are taken" in note
    ]
    with FeatureStore(tmp_path / "b.h5") as store:
        assert (store.to_numpy() == toy_recipe().encode(store.texts[:]).outputs["pooled"]).all()
