"""Every verb has examples of its own, which the parser takes; the recipe in the help is one."""

from __future__ import annotations

import re
import shlex

import pytest
import toys

from wavenet import cli
from wavenet.cli.arguments import VERBS, arguments_of
from wavenet.cli.examples import DATASETS, EPILOGS
from wavenet.datasets import catalogue
from wavenet.recipe import read, safe_yaml


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_it_takes(verb: str) -> None:
    commands = re.findall(r"(?:^  |\| )wavenet (.+?)(?: +\||$)", EPILOGS[verb], re.MULTILINE)
    assert commands and EPILOGS.keys() == VERBS.keys()
    for command in commands:
        words = shlex.split(command, comments=True)
        assert " ".join(words).startswith(verb), command
        arguments_of(cli.VERBS).parse_args(words)  # exits where it cannot


def test_all_data_sets_are_listed() -> None:
    assert all(name in DATASETS and one.licence in DATASETS for name, one in catalogue.DATASETS.items())


def test_the_recipe_for_mels_of_other_programs_is_one() -> None:
    told = re.search(r"condition: \{.*?\}\}\}", EPILOGS["vocode"], re.DOTALL)
    assert told is not None
    tree = toys.tree(audio={"sample_rate": 22_050}) | safe_yaml.parse(told[0], "the help")
    recipe = read.from_tree(tree, "other")
    assert recipe.condition is not None and recipe.condition.hop_samples == 256
    mel = recipe.condition.tracks.mel
    assert mel is not None and (mel.bands, mel.floor, mel.power, mel.norm) == (80, 1e-5, 1, "slaney")
