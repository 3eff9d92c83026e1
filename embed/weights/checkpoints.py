"""TensorFlow's checkpoints of both generations, by the names of the variables."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stores.shared.errors import FailureError
from stores.shared.tensorflow import load_tensorflow

OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"  # of TensorFlow 2: says which variable lies under which path of objects


class Checkpoint:
    """A checkpoint on disk, such as ``bert_model.ckpt`` (.index, .data-*) or ``variables/variables`` of a module.

    Args:
        prefix: the path without ``.index``.

    Attributes:
        keys: variable name -> key in the checkpoint.
        root: name of an attribute of the saved object that is a variable itself -> key; empty for TensorFlow 1.

    Raises:
        FailureError: if a part is missing or damaged.
    """

    def __init__(self, prefix: Path) -> None:
        tf = load_tensorflow()
        try:
            self._reader = tf.train.load_checkpoint(str(prefix))
            self.keys = {name: name for name in self._reader.get_variable_to_shape_map()}
            self.root: dict[str, str] = {}
            if OBJECTS in self.keys:
                self._read_objects()
        except (tf.errors.OpError, ValueError, RuntimeError) as error:
            raise FailureError(f"{prefix}.* is damaged, or a part is missing ({error}); get it again") from error

    def _read_objects(self) -> None:
        from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

        nodes = TrackableObjectGraph.FromString(self._reader.get_tensor(OBJECTS)).nodes
        self.keys = {value.full_name: value.checkpoint_key for node in nodes for value in node.attributes}
        for child in nodes[0].children:
            for value in nodes[child.node_id].attributes:
                self.root[child.local_name] = value.checkpoint_key

    def read(self, key: str) -> np.ndarray:
        """The array under ``key``."""
        return self._reader.get_tensor(key)

    def shape(self, name: str) -> list[int] | None:
        """The shape of the first variable whose name holds ``name``; None if there is none."""
        shapes = self._reader.get_variable_to_shape_map()
        return next((shapes[key] for variable, key in sorted(self.keys.items()) if name in variable), None)
