"""What an editor offers while a user types: jedi, which knows no more than the source, finds every public name."""

import pytest
from helpers import ROOT

import classify
import embed
import stores

jedi = pytest.importorskip("jedi")
pytestmark = pytest.mark.slow
PROJECT = jedi.Project(ROOT)
OFFERED = {
    "from stores import FeatureStore\nwith FeatureStore('a.h5') as store:\n    store.": "to_arrow features texts",
    "from stores import FeatureStore\nFeatureStore('a.h5').read().": "matrix outputs counts",
    "import classify\n(run,) = classify.classify('a.h5')\nrun.": "metrics report to_frame predictions folder",
    "import classify\nclassify.load('run').": "predict predict_proba predict_frame predict_sets classes_ encoder",
    "from classify import HeadClassifier\nHeadClassifier('nb').fit([[1]], [0]).": "predict_proba score classes_",
    "from embed import read_table\nread_table('a.csv').": "blocks columns",
    "from embed import Recipe\nRecipe.of('static').": "encode identity",
    "from embed import TextEncoder\nTextEncoder('static').": "fit transform set_output get_feature_names_out",
    "from embed import embed\nembed('a.csv', 'static', 'a.h5').": "totals up_to_date",
}


def at_the_end(code):
    """The source and where its last line ends."""
    lines = code.splitlines()
    return jedi.Script(code, project=PROJECT), (len(lines), len(lines[-1]))


@pytest.mark.parametrize("package", [embed, classify, stores], ids=lambda package: package.__name__)
def test_every_public_name_is_offered_with_its_arguments(package):
    """Though the packages import them when they are asked for."""
    script, place = at_the_end(f"import {package.__name__}\n{package.__name__}.")
    assert set(package.__all__) <= {found.name for found in script.complete(*place)}
    for name in package.__all__:
        script, place = at_the_end(f"from {package.__name__} import {name}\n{name}(")
        assert script.get_signatures(*place), name


@pytest.mark.parametrize(("code", "names"), OFFERED.items(), ids=lambda text: text.splitlines()[-1].strip())
def test_what_comes_back_is_typed(code, names):
    """So what can be done with it is offered, too."""
    script, place = at_the_end(code)
    assert set(names.split()) <= {found.name for found in script.complete(*place)}
