"""liblinear's logistic regression, by dual coordinate descent: scikit-learn's, in processes of its own for larger fits.

Small fits are scikit-learn's ``LogisticRegression``. To import that takes a second, and liblinear draws from one
generator a process, so that fits beside each other would depend on each other. So larger fits are sent to processes
that load the compiled solver alone, of the versions of scikit-learn that this was tried with, and run beside each
other. What comes out is the same to the last bit (tests compare).
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import warnings
from contextlib import suppress
from functools import cache
from importlib import import_module
from queue import Empty, LifoQueue
from threading import Lock, Thread
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from stores.shared.cores import threads
from stores.shared.later import PARTS_OF_NUMPY, LaterFinder

if TYPE_CHECKING:
    from io import BufferedReader

    from scipy.sparse import csr_matrix

ENTRIES = 20_000  # that are not zero, from which on a process of its own is worth its start
TRIED = ((1, 6), (1, 9))  # first and last version of scikit-learn whose solver may be loaded alone
FIRST = 2  # processes that are started ahead
PIPE = 1 << 20  # bytes
_one_at_a_time = Lock()  # in this process


def solve(
    x: csr_matrix, target: np.ndarray, sample_weight: np.ndarray | None, penalty: float, tolerance: float, epochs: int
) -> np.ndarray:
    """Weights and, last, the intercept, which is penalised like a weight: float64 ``[D + 1]``.

    Args:
        x: float64 ``[m, D]``.
        target: ``[m]``, 0 and 1.
        sample_weight: ``[m]``, how much each row counts; once if None.
        penalty: the C of scikit-learn.
        tolerance, epochs: where it ends.
    """
    found = None
    if x.nnz >= ENTRIES:
        found = _processes(os.getpid()).solve(x, target, sample_weight, penalty, tolerance, epochs)
    if found is None:
        with _one_at_a_time:
            found = _by_scikit_learn(x, target, sample_weight, penalty, tolerance, epochs)
    return found


def prepare(entries: int) -> None:
    """Begin to load what fits with so many entries will need, while other work is done."""
    if entries >= ENTRIES:
        _processes(os.getpid()).begin()
    elif "sklearn.linear_model" not in sys.modules:
        Thread(target=_import).start()  # no daemon: to be stopped amidst an import can abort the process


def _import() -> None:
    with suppress(ImportError):  # said where it is needed
        import_module("sklearn.linear_model")


def _by_scikit_learn(
    x: csr_matrix, target: np.ndarray, sample_weight: np.ndarray | None, penalty: float, tolerance: float, epochs: int
) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, solver="liblinear", dual=True, tol=tolerance, max_iter=epochs, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, target, sample_weight)
    return np.append(model.coef_[0], model.intercept_[0])


class _Processes:
    """As many processes as there are cores, started when they are needed, each busy with one fit."""

    def __init__(self) -> None:
        self._idle: LifoQueue[subprocess.Popen[bytes]] = LifoQueue()
        self._lock, self._started = Lock(), 0
        self._usable = bool(sys.executable)

    def begin(self) -> None:
        """Start the first; more are started where these are busy."""
        with self._lock:
            while self._usable and self._started < min(FIRST, threads()):
                self._start()

    def solve(
        self, x: csr_matrix, target: np.ndarray, sample_weight: np.ndarray | None, penalty: float, tolerance: float,
        epochs: int,
    ) -> np.ndarray | None:  # fmt: skip
        """As the function; None if there are no processes, or this one ended."""
        weight = np.ones(x.shape[0]) if sample_weight is None else np.asarray(sample_weight, np.float64)
        numbers = np.array([penalty, tolerance, epochs, x.shape[1]], np.float64)
        sent = [numbers, x.data, x.indices, x.indptr, np.asarray(target, np.float64), weight]
        process = self._take()
        if process is None:
            return None
        try:
            _send(cast("IO[bytes]", process.stdin), sent)
            (found,) = _received(cast("BufferedReader", process.stdout))
        except (OSError, ValueError):  # it could not load the solver, or was killed: no more of them
            self._usable = False
            process.kill()
            return None
        self._idle.put(process)
        return found

    def _take(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._usable and self._idle.empty() and self._started < threads():
                self._start()
        while self._usable:
            with suppress(Empty):  # look again from time to time whether there still are any
                return self._idle.get(timeout=1)
        return None

    def _start(self) -> None:
        """Another one, that imports from where this one does, and takes no part in its signals."""
        code = f"import sys; sys.path[:] = {sys.path!r}; from classify.heads._liblinear import serve; serve()"
        try:
            process = subprocess.Popen(  # noqa: S603 (the interpreter that runs here, on code of this file)
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            self._usable = False
            return
        atexit.register(_end, process)
        _widen(cast("IO[bytes]", process.stdin))
        self._started += 1
        self._idle.put(process)


@cache
def _processes(process: int) -> _Processes:
    """Those of this process; a forked one has its own."""
    return _Processes()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def serve() -> None:
    """What such a process does: fit after fit, until nobody asks any more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # where nothing else is to be said
    sys.meta_path.insert(0, LaterFinder(*PARTS_OF_NUMPY))
    train, seed = _solver_alone(), np.random.RandomState(0).randint(np.iinfo("i").max)
    from scipy.sparse import csr_matrix

    while True:
        try:
            numbers, data, indices, indptr, target, weight = _received(cast("BufferedReader", sys.stdin.buffer))
        except ValueError:
            return
        penalty, tolerance, epochs, dimension = numbers.tolist()
        x = csr_matrix((data, indices, indptr), (len(target), int(dimension)))
        dual, bias, of_classes, of_regression = 7, 1.0, np.ones(2), 0.1
        found, _ = train(
            x, target, True, dual, tolerance, bias, penalty, of_classes, int(epochs), seed, of_regression, weight
        )
        _send(answers, [found[0]])


def _solver_alone():  # noqa: ANN202 (a function of Cython's)
    """``train_wrap`` of ``sklearn.svm._liblinear``, without the packages around it."""
    from importlib.metadata import version
    from importlib.util import find_spec
    from types import ModuleType

    import scipy.linalg  # noqa: F401 (its products)

    first, last = TRIED
    found = find_spec("sklearn")
    places = None if found is None else found.submodule_search_locations
    if places is None or not first <= tuple(map(int, version("scikit-learn").split(".")[:2])) <= last:
        raise ImportError("not a version of scikit-learn that this was tried with")
    for name in ("sklearn", "sklearn.utils", "sklearn.svm"):
        package = ModuleType(name)
        package.__path__ = [os.path.join(places[0], *name.split(".")[1:])]
        sys.modules[name] = package
    solver = import_module("sklearn.svm._liblinear")
    solver.set_verbosity_wrap(0)
    return solver.train_wrap


def _send(stream: IO[bytes], arrays: list[np.ndarray]) -> None:
    """Types and shapes as a line of JSON, then the numbers."""
    stream.write(json.dumps([[array.dtype.str, array.shape] for array in arrays]).encode() + b"\n")
    for array in arrays:
        stream.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    stream.flush()


def _received(stream: BufferedReader) -> list[np.ndarray]:
    """Inverse of ``_send``; ``ValueError`` if the other side has ended."""
    found = []
    for kind, shape in json.loads(stream.readline()):
        array = np.empty(shape, kind)
        if stream.readinto(array.reshape(-1).view(np.uint8).data) < array.nbytes:
            raise ValueError("it ended")
        found.append(array)
    return found


def _widen(pipe: IO[bytes]) -> None:
    """As much in it at a time as Linux lets anyone have: matrices go through."""
    with suppress(ImportError, AttributeError, OSError):
        from fcntl import F_SETPIPE_SZ, fcntl

        fcntl(pipe, F_SETPIPE_SZ, PIPE)
