"""The table of data sets says what torchaudio says, and where a fetched one lies is known without importing much."""

from __future__ import annotations

import importlib
import json

import pytest

from wavenet.audio import torchaudio_loader
from wavenet.datasets import catalogue
from wavenet.datasets.catalogue import DATASETS
from wavenet.errors import InputError
from wavenet.recipe import find, read


def of_torchaudio() -> dict[str, str]:
    """Return the checksum that torchaudio gives for each of its addresses."""
    torchaudio_loader.load()
    sets = {name: importlib.import_module(f"torchaudio.datasets.{name}") for name in ("ljspeech", "yesno")}
    sums = {
        one._RELEASE_CONFIGS["release1"]["url"]: one._RELEASE_CONFIGS["release1"]["checksum"] for one in sets.values()
    }
    for name in ("vctk", "speechcommands", "libritts"):
        sums |= importlib.import_module(f"torchaudio.datasets.{name}")._CHECKSUMS
    return sums


def test_addresses_and_checksums_are_those_of_torchaudio() -> None:
    """VCTK lies elsewhere: its publisher has moved since."""
    known = of_torchaudio()
    known[DATASETS["vctk"].url] = known.pop(
        "https://datashare.is.ed.ac.uk/bitstream/handle/10283/3443/VCTK-Corpus-0.92.zip"
    )
    assert {one.url: one.sha256 for one in DATASETS.values() if one.sha256} == {
        url: known[url] for url in known if "v0.01" not in url
    }
    assert [name for name, one in DATASETS.items() if one.sha256 is None] == ["digits"]


def test_every_set_says_what_it_is_how_large_and_its_licence() -> None:
    for one in DATASETS.values():
        assert one.title and one.licence and 10**6 < one.size < one.most_bytes
        assert one.words().startswith("about ") == (one.sha256 is None)
        kind = one.url.rpartition(".")[2]
        assert one.begins == {"zip": catalogue.ZIP, "bz2": catalogue.BZIP2, "gz": catalogue.GZIP}.get(
            kind, catalogue.ZIP
        )


def test_the_recipe_of_each_set_is_the_one_that_fetches_it() -> None:
    fetching = {name: read.load(find.find_recipe(name)).data.fetch for name in find.recipe_names()}
    assert {one.recipe: name for name, one in DATASETS.items() if one.recipe} == {
        recipe: fetch for recipe, fetch in fetching.items() if fetch and recipe != "digits-mel"
    }
    assert fetching["digits-mel"] == "digits"  # the same data, but nothing is asked for


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (4_700_000, "4.7 MB"), (2_748_572_632, "2.75 GB")],
)
def test_amounts_are_said_as_people_say_them(size: int, words: str) -> None:
    assert catalogue.amount(size) == words


def test_names_are_found_and_near_misses_guessed() -> None:
    assert catalogue.known_name("vctk") == "vctk"
    assert (catalogue.known_name("fsdd"), catalogue.known_name("sc09")) == ("digits", "speechcommands")
    for wrong, guess in (("digit", "digits"), ("ljspech", "ljspeech"), ("libritts", "libritts-")):
        with pytest.raises(InputError, match=f"did you mean '{guess}"):
            catalogue.known_name(wrong)
    with pytest.raises(InputError, match="give one of digits, ljspeech"):
        catalogue.known_name("")


@pytest.mark.parametrize("text", ["", "junk", "[]", "{}", '{"name": 3}', '{"name": "vctk"}', "[" * 100_000])
def test_only_a_marked_folder_counts_as_fetched(text: str) -> None:
    folder = catalogue.data_folder() / "digits"
    assert catalogue.fetched("digits") is None
    folder.mkdir(parents=True)
    assert catalogue.fetched("digits") is None
    (folder / catalogue.MARKER).write_text(text)
    assert catalogue.fetched("digits") is None
    (folder / catalogue.MARKER).write_text(json.dumps({"name": "digits"}))
    assert catalogue.fetched("digits") == folder
