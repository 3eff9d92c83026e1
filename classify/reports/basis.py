"""What the scores of a run rest on, in one sentence."""

from __future__ import annotations

from classify.recipe_json import RowCounts, RunRecipe
from classify.runs import Run


def basis(run: Run) -> str:
    """What the scores rest on, in one sentence: rows, split, sampler, seed, positive class."""
    rows, split = run.recipe.rows, run.recipe.split
    tested = sum(fold.test_rows for fold in run.metrics.folds)
    groups = "groups of rows" if "rows of one" in split["together"] else "distinct texts"
    parts = [f"{tested:,} of {rows.labelled:,} labelled rows tested ({rows.distinct_texts:,} {groups})"]
    if rows.broken:
        parts.append(f"{rows.broken:,} broken rows of the table left out")
    parts += _twins(rows)
    parts.append(_split(split))
    parts += [f"split {split['digest'][:8]}"] if "digest" in split else []
    if split["test_rows_seen_in_training"]:
        parts.append(f"{split['test_rows_seen_in_training']:,} test rows have their text in training")
    parts += _training(run.recipe)
    parts.append(f"seed {run.recipe.seed}")
    if run.recipe.problem == "binary":
        parts.append(f"precision, recall, F1 and areas of class {run.recipe.positive!r}")
    if "bag_of_words" in run.recipe.more:
        parts.append(f"tfidf+logistic is {run.recipe.more['bag_of_words']}")
    return "; ".join(parts)


def _twins(rows: RowCounts) -> list[str]:
    """How many rows hang together with others, and where the largest group begins."""
    largest = rows.more.get("largest_groups")
    together = rows.labelled - rows.distinct_texts
    if not largest or not together:
        return []
    first = largest[0]
    return [f"{together:,} rows go with others, in the largest group {first['rows']:,} with line {first['line']:,}"]


def _split(split: dict) -> str:
    together = f", {split['together']} on one side" if split["together"] != "nothing" else ""
    if split["kind"] == "stratified k-fold":
        times = f", {split['repeats']} times" if split["repeats"] > 1 else ""
        return f"{split['folds']} stratified folds{times}" + together.replace("on one side", "in one fold")
    if split["kind"] == "stratified hold-out":
        return f"stratified hold-out of {split['test_size']:.0%}{together}"
    if split["kind"] in ("given", "test rows", "folds file"):
        return f"{split['kind']} {split['file']}, taken as they are" if "file" in split else "splits as given"
    left = f"; {split['left_out']:,} training rows left out, their text is tested" if split["left_out"] else ""
    words = {"test store": "tested on the other store", "time": f"tested from {split.get('from')} on"}
    return words.get(split["kind"], "split as the table says") + left


def _training(recipe: RunRecipe) -> list[str]:
    """How the heads were fitted, where that was not plainly."""
    parts, fitting = [], recipe.training
    if recipe.sampler != "none":
        name = {"smote": "SMOTE", "ensemble": "an ensemble of under-samples"}.get(recipe.sampler)
        parts.append(f"{name or recipe.sampler + '-sampling'} in training rows only, probabilities corrected for it")
    if fitting["class_weight"] != "none":
        parts.append("classes weigh alike in training, probabilities corrected for it")
    if recipe.problem == "multi-class" and (recipe.sampler != "none" or fitting["class_weight"] != "none"):
        parts.append("the class is the head's own choice at equal frequencies, not always the most probable one")
    if fitting["components_removed"]:
        parts.append(f"{fitting['components_removed']} common component of the training rows taken out")
    chosen = [f"{option} of {', '.join(map(str, values))}" for option, values in fitting["tune"].items()]
    if fitting["calibrate"] != "none":
        chosen.append(f"{fitting['calibrate']} calibration")
    if fitting["threshold"] is not None:
        chosen.append(f"threshold ({fitting['threshold']})")
    if chosen and fitting["inner_folds"]:
        parts.append(f"{' and '.join(chosen)} chosen on {fitting['inner_folds']} inner folds of the training rows")
    elif chosen:
        parts.append(chosen[0])
    return parts
