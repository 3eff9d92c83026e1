"""--device: weights and vectors lie where it says, tested with two CPUs made of one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embed import load_encoder
from stores import InputError
from stores.shared.tensorflow import on_device

pytestmark = pytest.mark.slow

TWO = """
import json, sys
sys.path.insert(0, sys.argv[1])
from stores.shared.tensorflow import load_tensorflow, on_device
tf = load_tensorflow()
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from embed import load_encoder
made = []
"""
BERT = """
from embed.networks.transformer import TransformerNetwork
real = TransformerNetwork.__init__
def noted(self, *args, **kwargs):
    real(self, *args, **kwargs)
    made.append(self._words.device)
TransformerNetwork.__init__ = noted
found = load_encoder("bert", model=sys.argv[2], device="cpu:1").encode(["the cat", "a dog sat"])
with on_device("cpu:1"):
    made.append(tf.zeros(1).device)
print(json.dumps([made, found.outputs["pooled"].tolist()]))
"""


ELMO = """
from embed.networks import bilm, char_cnn
run, compiled = bilm._Direction.run, char_cnn._compile_characters
def noted(values):
    made.append((values[0] if isinstance(values, list) else values).device)
    return values
bilm._Direction.run = lambda *given: noted(run(*given))
char_cnn._compile_characters = lambda *given: lambda ids: noted(compiled(*given)(ids))
found = load_encoder("elmo", model=sys.argv[2], device="cpu:1").encode(["the cat", "a dog sat"])
print(json.dumps([made, found.outputs["pooled"].tolist()]))
"""


@pytest.mark.parametrize(("name", "program", "places"), [("bert", BERT, 2), ("elmo", ELMO, 5)])
def test_encoder_runs_on_the_device_that_was_named(lookalike, name, program, places):
    """All on the second logical device, in every thread, and the same vectors as on the first."""
    model = str(lookalike(name))
    command = [sys.executable, "-c", TWO + program, str(Path(__file__).parents[1]), model]
    devices, vectors = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert len(devices) >= places
    assert all(device.endswith("/device:CPU:1") for device in devices)
    expected = load_encoder(name, model=model, device="cpu:0").encode(["the cat", "a dog sat"]).outputs["pooled"]
    assert np.abs(np.array(vectors) - expected).max() < 1e-6


def test_device_that_is_not_there_is_named():
    """With those that are."""
    with pytest.raises(InputError, match="`device='gpu:3'`: this machine has cpu:0"), on_device("gpu:3"):
        pass
