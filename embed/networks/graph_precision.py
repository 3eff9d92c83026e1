"""Products of a published graph in bfloat16: TensorFlow rewrites it, and the weights stay as they are.

The rewrite (oneDNN's automatic mixed precision) takes bfloat16 for products of matrices and convolutions, and for the
sums, activations and gathers between them; means and softmaxes stay in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def bfloat16_products() -> Iterator[None]:
    """Graphs that this thread calls within are rewritten for bfloat16; where TensorFlow cannot, they stay as they are.

    The public option, ``tf.config.optimizer.set_experimental_options``, is of the whole process: while one encoder
    works, the functions of every other thread would be rounded as well.
    """
    from tensorflow.core.protobuf.config_pb2 import ConfigProto
    from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
    from tensorflow.python.eager import context as eager

    context = eager.context()
    before = context.function_call_options
    config = ConfigProto.FromString(before.config_proto_serialized)
    config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = RewriterConfig.ON
    context.function_call_options = eager.FunctionCallOptions(before.executor_type, config)
    try:
        yield
    finally:
        context.function_call_options = before
