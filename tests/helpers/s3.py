"""A server of this machine that speaks as S3 does, with a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Within, there is a server with an empty ``bucket``; gives the variables with which clients find it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    from pyarrow import fs

    asking = {"access_key": "nobody", "secret_key": "nothing", "region": "us-east-1", "allow_bucket_creation": True}
    fs.S3FileSystem(**asking, endpoint_override=f"{host}:{port}", scheme="http").create_dir("bucket")
    try:
        yield variables
    finally:
        server.stop()
