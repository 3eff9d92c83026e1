"""Tables where they are: the rows, the identity and the refusals of a copy on this machine."""

import sys
import threading

import pytest
from helpers.s3 import s3_server
from helpers.toy import TEN_ROWS, read, write_csv

from embed import read_table
from embed.reading import remote
from stores import FailureError, InputError
from stores.shared.remote import open_filesystem

pytest.importorskip("moto")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the server is not for Windows"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def server():
    """A server for the tests of this file."""
    with s3_server() as variables:
        yield variables


@pytest.fixture
def bucket(server, monkeypatch):
    """A function that puts a file of this machine into the bucket; clients find the server."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)

    def put(path, key):
        system, _ = open_filesystem("s3://bucket")
        with system.open_output_stream(f"bucket/{key}", compression=None) as file:
            file.write(path.read_bytes())
        return f"s3://bucket/{key}"

    return put


def parquet(path, rows):
    """A Parquet file of (label, text) rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels, texts = zip(*rows, strict=True)
    pq.write_table(pa.table({"label": labels, "text": texts}), path)
    return path


def test_same_rows_and_identity_as_a_copy(bucket, tmp_path):
    """CSV, gzip, Parquet and a workbook's kin: nothing of a table says where it lay."""
    import gzip

    here = write_csv(tmp_path / "a.csv", TEN_ROWS)
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(here.read_bytes()))
    for path in (here, packed, parquet(tmp_path / "c.parquet", TEN_ROWS)):
        there, copy = read_table(bucket(path, f"one/{path.name}")), read_table(path)
        assert read(there) == read(copy)
        assert there.source() == copy.source()
        assert there.stem == copy.stem


def test_a_pattern_and_a_folder(bucket, tmp_path):
    """In the order of their names; a star stays in its folder; what is no table in a folder is passed over."""
    for key, rows in (("x/p-1", TEN_ROWS[:4]), ("x/p-0", TEN_ROWS[4:7]), ("x/deep/p-2", TEN_ROWS[7:])):
        path = parquet(tmp_path / "p.parquet", rows)
        bucket(path, f"{key}.parquet")
    bucket(write_csv(tmp_path / "s.csv", TEN_ROWS), "x/_SUCCESS")
    texts = [text for _, text in TEN_ROWS]

    assert read(read_table("s3://bucket/x/p-*.parquet"))[1] == texts[4:7] + texts[:4]
    assert sorted(read(read_table("s3://bucket/x/**/*.parquet"))[1]) == sorted(texts)
    assert sorted(read(read_table("s3://bucket/x/"))[1]) == sorted(texts)


def test_copies_have_a_bound(bucket, tmp_path, monkeypatch):
    """Files that do not fit together come one after the other, and again; the rows are all there."""
    paths = [parquet(tmp_path / f"{i}.parquet", TEN_ROWS) for i in range(4)]
    for path in paths:
        bucket(path, f"many/{path.name}")
    most = int(1.5 * paths[0].stat().st_size)
    monkeypatch.setattr(remote.Copies.__init__, "__defaults__", (most,))
    table = read_table("s3://bucket/many/*.parquet")
    for _ in range(2):
        assert read(table)[1] == [text for _, text in TEN_ROWS] * 4
        folder = table.files[0].source._copies.folder
        assert sum(path.stat().st_size for path in folder.rglob("*.parquet")) <= most
    assert table.source() == read_table([str(path) for path in paths]).source()

    bucket(parquet(tmp_path / "other.parquet", TEN_ROWS[::-1]), "many/0.parquet")
    with pytest.raises(FailureError, match="s3://bucket/many/0.parquet was changed while it was read"):
        read(table)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://bucket/none.csv", "s3://bucket/none.csv: no such file, and no folder of tables"),
        ("s3://bucket/none-*.csv", r"s3://bucket/none-\*.csv: no file matches it"),
        ("ftp://host/a.csv", "no tables are read from ftp://, but from s3://, gs://, abfs://, hdfs://, hf://"),
    ],
)
def test_what_is_not_there_is_one_line(bucket, address, message):
    """Nothing at the address, or an address of a kind that nobody knows."""
    with pytest.raises(InputError, match=message):
        read_table(address)


@pytest.mark.parametrize("key", ["a.csv", "*.parquet", "folder/"])
def test_a_bucket_that_is_not_there(bucket, key):
    """It is the bucket that is said to be missing, not the file."""
    with pytest.raises(InputError, match="there is no bucket no-such-bucket; correct its name, or make it first$"):
        read_table(f"s3://no-such-bucket/{key}")


def test_a_service_that_is_down(bucket, monkeypatch):
    """Where nobody listens: one line, with what may be wrong."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(FailureError, match=r"^s3://bucket/a.csv: [^\n]*; see that the network .* AWS_ENDPOINT_URL"):
        read_table("s3://bucket/a.csv")


def test_what_is_public_needs_no_credentials(bucket, monkeypatch, tmp_path):
    """Where nobody is known who asks, nobody asks."""
    import boto3

    address = bucket(write_csv(tmp_path / "a.csv", TEN_ROWS), "public/a.csv")
    boto3.client("s3").put_object_acl(Bucket="bucket", Key="public/a.csv", ACL="public-read")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read(read_table(address))[1] == [text for _, text in TEN_ROWS]


def test_googles_storage_out_of_reach(monkeypatch):
    """One line after seconds, also where a name cannot be looked up; its own client would try for a minute."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("stores.shared.remote.FIRST", 0.1)
    monkeypatch.setenv("CLOUD_STORAGE_EMULATOR_ENDPOINT", "http://127.0.0.1:9")
    said = "^gs://bucket/a.csv: no connection to {}; see that the network is there$"
    with pytest.raises(FailureError, match=said.format("127.0.0.1")):
        read_table("gs://bucket/a.csv")

    ended = threading.Event()

    def name_server_that_is_down(*_):
        ended.wait(60)
        raise OSError("no such name")

    monkeypatch.setattr("socket.create_connection", name_server_that_is_down)
    monkeypatch.delenv("CLOUD_STORAGE_EMULATOR_ENDPOINT")
    with pytest.raises(FailureError, match=said.format("storage.googleapis.com")):
        read_table("gs://bucket/a.csv")
    ended.set()
