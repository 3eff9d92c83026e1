"""Batches: what is in one, and what happens when the device has too little memory."""

import threading
import time
from contextlib import contextmanager
from threading import Barrier, Semaphore
from time import sleep

import numpy as np
import pytest

from embed.batches import GROW_AFTER, Batches
from stores import FailureError


class ResourceExhaustedError(Exception):
    """Named like TensorFlow's."""


def run(batches, lengths, memory=10**9):
    """Sizes of the batches in a device that holds ``memory`` padded tokens, and each row's number of visits."""
    lengths, seen = np.array(lengths), np.zeros(len(lengths), int)

    def work(rows):
        if len(rows) * lengths[rows].max() > memory:
            raise ResourceExhaustedError
        return len(rows)

    sizes = []
    for rows, size in batches.run(lengths, work):
        seen[rows] += 1
        sizes.append(size)
    return sizes, seen


def test_like_lengths_share_a_batch_up_to_the_budget():
    """12 padded tokens: 5 + 4 by twos (10), 3 x 3 and 1 with them would be 12."""
    sizes, seen = run(Batches(12), [1, 3, 5, 3, 4, 3])

    assert sizes == [2, 4]
    assert seen.tolist() == [1] * 6


def test_a_text_over_the_budget_is_a_batch_by_itself():
    """Nothing is left out for being long; the budget is for the others."""
    assert run(Batches(10), [100, 2, 2])[0] == [1, 2]


def test_another_cost():
    """Attention is quadratic in the length: 2 texts of 10 tokens cost 200."""
    assert run(Batches(200, lambda texts, longest: texts * longest**2), [10, 10, 10])[0] == [2, 1]


def test_out_of_memory_halves_the_budget_and_nothing_is_lost_or_done_twice():
    """A budget of 64 on a device that holds 16: halved twice, then kept."""
    batches = Batches(64)
    sizes, seen = run(batches, [4] * 32, memory=16)

    assert sizes == [4] * 8
    assert batches.budget == 16
    assert (seen == 1).all()


def test_the_budget_grows_back():
    """After enough good batches it is doubled, and a device that was full for a while is used fully again."""
    batches = Batches(8)
    run(batches, [2] * 4, memory=4)
    assert batches.budget == 4

    sizes, _ = run(batches, [2] * 100)
    assert batches.budget == 8
    assert sizes[0] == 2
    assert sizes[GROW_AFTER] == 4


def test_one_text_that_does_not_fit_is_an_error_with_a_cure():
    """Down to one text, and then one line that names its length."""
    with pytest.raises(FailureError, match="a text of 9 tokens; limit them with `max_tokens`"):
        run(Batches(64), [3, 9, 3], memory=8)


def test_two_at_once_are_really_at_once():
    """Each waits until the other has begun; all rows are done once, and results come longest first."""
    meet = Barrier(2, timeout=20)
    found = list(Batches(6, at_once=2).run(np.array([3, 6, 4, 5]), lambda rows: (meet.wait(), rows)[1]))

    assert [rows.tolist() for rows, _ in found] == [[1], [3], [2], [0]]
    assert all(rows is result for rows, result in found)


def test_two_at_once_are_one_at_a_time_after_a_lack_of_memory():
    """Memory is there for one batch of 8 tokens, not for two: the budget stays, nothing is lost or done twice."""
    batches, lengths, inside = Batches(8, at_once=2), np.full(12, 4), Semaphore(1)
    together, done = Barrier(2, timeout=20), []

    def work(rows):
        if not done:  # until the first lack of memory
            together.wait()
        if not inside.acquire(blocking=False):
            done.append("lack")
            raise ResourceExhaustedError
        while not done:
            sleep(0.001)
        inside.release()
        return len(rows)

    seen = np.concatenate([rows for rows, _ in batches.run(lengths, work)])
    assert sorted(seen) == list(range(12))
    assert batches.budget == 8
    assert done == ["lack"]


def test_other_errors_pass():
    """Only a lack of memory is tried again."""

    def work(rows):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(Batches(8).run(np.array([1]), work))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ResourceExhaustedError", "OOM when allocating tensor with shape[4096,768]"),
        ("InternalError", "CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
        ("InternalError", "Failed to allocate scratch space: cublasLt matmul"),
        ("InternalError", "cublas error: CUBLAS_STATUS_ALLOC_FAILED"),
        ("UnknownError", "CUDNN_STATUS_ALLOC_FAILED in cudnnRNNForward"),
        ("UnknownError", "Failed to get convolution algorithm: CUDNN_STATUS_NOT_INITIALIZED"),
        ("XlaRuntimeError", "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes."),
        ("MemoryError", ""),
    ],
)
def test_lack_of_memory_is_seen_in_all_its_forms(name, text):
    """Types and messages as TensorFlow, cuBLAS, cuDNN and XLA give them: the batch is cut and tried again."""
    kind = MemoryError if name == "MemoryError" else type(name, (RuntimeError,), {})
    tried = []

    def work(rows):
        tried.append(len(rows))
        if len(rows) > 2:
            raise kind(text)
        return rows

    found = [row for rows, _ in Batches(8).run(np.ones(8, int), work) for row in rows]
    assert sorted(found) == list(range(8))
    assert tried[:3] == [8, 4, 2]


@pytest.mark.parametrize(("name", "text"), [("InternalError", "Blas GEMM launch failed"), ("ValueError", "no")])
def test_other_errors_are_no_lack_of_memory(name, text):
    """They come out as they are, at once."""
    kind, tried = type(name, (RuntimeError,), {}), []

    def work(rows):
        tried.append(len(rows))
        raise kind(text)

    with pytest.raises(kind, match=text):
        list(Batches(8).run(np.ones(8, int), work))
    assert tried == [8]


def test_batches_are_longest_first_after_several_failures():
    """Two batches in flight fail; whatever is cut of them begins with its longest text."""
    lengths, failed = np.arange(40, 0, -1), []

    def work(rows):
        if len(failed) < 3 and len(rows) > 1:
            failed.append(rows)
            raise MemoryError
        assert lengths[rows[0]] == lengths[rows].max()
        return rows

    found = [row for rows, _ in Batches(200, at_once=3).run(lengths, work) for row in rows]
    assert sorted(found) == list(range(40))
    assert lengths[found].tolist() == sorted(lengths, reverse=True)


def test_several_batches_are_in_flight_again_later():
    """After a lack of memory one at a time, and two again when all goes well."""
    batches, flying, most, failed = Batches(2, at_once=2), 0, [], []
    lock = threading.Lock()

    def work(rows):
        nonlocal flying
        with lock:
            flying += 1
            most.append(flying)
        time.sleep(0.002)
        with lock:
            flying -= 1
        if not failed:
            failed.append(rows)
            raise MemoryError
        return rows

    list(batches.run(np.ones(400, int), work))
    assert max(most[3:14]) == 1
    assert max(most[-60:]) == 2


def test_the_device_is_entered_in_the_threads(monkeypatch):
    """TensorFlow's scopes are a thread's own, so each thread that works enters it."""
    entered = []

    @contextmanager
    def on_device(name):
        entered.append((name, threading.get_ident()))
        yield

    monkeypatch.setattr("embed.batches.on_device", on_device)
    threads = []
    list(Batches(1, device="gpu:1").run(np.ones(3, int), lambda rows: threads.append(threading.get_ident())))
    assert entered == [("gpu:1", thread) for thread in threads]
    assert threading.get_ident() not in threads
