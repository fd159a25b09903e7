"""The data sets that can be fetched by name, and where what was fetched lies.

The table is our own, so that a look at a recipe costs no import of torch; a test holds its addresses and checksums
against torchaudio's. Sizes are what the publishers' servers send, to the byte where there is a checksum.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from wavenet import disk
from wavenet.errors import InputError, did_you_mean
from wavenet.text import to_json

GZIP, BZIP2, ZIP = b"\x1f\x8b", b"BZh", b"PK"
MARKER = ".wavenet-fetch.json"  # in a folder that was fetched: written last, so that it stands for the whole


@dataclass(frozen=True)
class DataSet:
    """One archive of sound that a publisher offers.

    Args:
        title: what it is.
        url: where its archive is.
        licence: what the publisher says may be done with it.
        size: bytes of the archive; about, where there is no checksum.
        sha256: of the archive; None where the publisher gives none.
        begins: the first bytes of the archive, which tell its kind.
        recipe: the recipe that is made for it.
    """

    title: str
    url: str
    licence: str
    size: int
    sha256: str | None = None
    begins: bytes = GZIP
    recipe: str | None = None

    @property
    def most_bytes(self) -> int:
        """No archive of this set unpacks to more: speech in PCM packs to half, in FLAC hardly at all."""
        return 4 * self.size + (1 << 20)

    def words(self) -> str:
        """Return the size as people say it."""
        return f"{'' if self.sha256 else 'about '}{amount(self.size)}"


def amount(size: int) -> str:
    """Return a number of bytes as people say it: ``"812 bytes"``, ``"4.7 MB"``, ``"2.75 GB"``."""
    for unit, name, digits in ((10**9, "GB", 2), (10**6, "MB", 1), (10**3, "kB", 1)):
        if size >= unit:
            return f"{size / unit:.{digits}f} {name}"
    return f"{size} bytes"


# Every sha256 is the one in torchaudio 2.11.0's datasets (ljspeech.py, vctk.py, speechcommands.py, yesno.py,
# libritts.py), and so is every address that has one but VCTK's: http where torchaudio says http, since the sum is what
# counts. Sizes, where exact, are of the very files with these sums; each says who saw it.
DATASETS = {
    # A tagged release (commit d6938f9), which doesn't change; its publisher gives no checksum, and the server packs it
    # anew at will: 16,419,872 bytes in August 2026.
    "digits": DataSet(
        "Free Spoken Digit Dataset 1.0.10, 6 speakers, 8 kHz",
        "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip",
        "CC BY-SA 4.0",
        16_400_000,
        begins=ZIP,
        recipe="digits",
    ),
    # size: what data.keithito.com sent in 2021 (a log in Keras' MelGAN example)
    "ljspeech": DataSet(
        "LJ Speech 1.1, one reader, 24 hours, 22.05 kHz",
        "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2",
        "public domain",
        2_748_572_632,
        "be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5",
        begins=BZIP2,
        recipe="ljspeech",
    ),
    # Size: TensorFlow Datasets' vctk/checksums.tsv, with this sum. The address that it and torchaudio give, under
    # datashare.is.ed.ac.uk/bitstream/handle, is of the publisher's former server, and is said to answer with a page
    # now; this one is the file behind it, and can be continued.
    "vctk": DataSet(
        "CSTR VCTK 0.92, 110 speakers, two microphones, 48 kHz",
        "https://datashare.ed.ac.uk/server/api/core/bitstreams/535f4286-e54c-4038-838c-a02285e32cb2/content",
        "CC BY 4.0",
        11_747_302_977,
        "f96258be9fdc2cbff6559541aae7ea4f59df3fcaf5cf963aae5ca647357e359c",
        begins=ZIP,
        recipe="vctk",
    ),
    # size: what download.tensorflow.org sends (the Speech Commands example of ESPnet checks it)
    "speechcommands": DataSet(
        "Speech Commands 0.02, 35 words, 16 kHz (SC09 is its ten digits)",
        "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        "CC BY 4.0",
        2_428_923_189,
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        recipe="sc09",
    ),
    # size: TensorFlow Datasets' yesno/checksums.tsv, with this sum
    "yesno": DataSet(
        "YesNo, one speaker, Hebrew, 8 kHz",
        "http://www.openslr.org/resources/1/waves_yesno.tar.gz",
        "not stated in the archive (see openslr.org/1)",
        4_703_754,
        "c3f49e0cca421f96b75b41640749167b52118f232498667ca7a5f9416aef8e73",
    ),
}
# bytes, those that ESPnet's recipe for LibriTTS checks (local/download_and_untar.sh), and sha256
LIBRITTS = {
    "dev-clean": (1_291_469_655, "da0864e1bd26debed35da8a869dd5c04dfc27682921936de7cff9c8a254dbe1a"),
    "dev-other": (924_804_676, "d413eda26f3a152ac7c9cf3658ef85504dfb1b625296e5fa83727f5186cca79c"),
    "test-clean": (1_230_670_113, "234ea5b25859102a87024a4b9b86641f5b5aaaf1197335c95090cde04fe9a4f5"),
    "test-other": (964_502_297, "33a5342094f3bba7ccc2e0500b9e72d558f72eb99328ac8debe1d9080402f10d"),
    "train-clean-100": (7_723_686_890, "c5608bf1ef74bb621935382b8399c5cdd51cd3ee47cec51f00f885a64c6c7f6b"),
    "train-clean-360": (27_504_073_644, "ce7cff44dcac46009d18379f37ef36551123a1dc4e5c8e4eb73ae57260de4886"),
    "train-other-500": (44_565_031_479, "e35f7e34deeb2e2bdfe4403d88c8fdd5fbf64865cae41f027a185a6965f0a5df"),
}
DATASETS |= {
    f"libritts-{part}": DataSet(
        f"LibriTTS {part}, read books, 24 kHz",
        f"http://www.openslr.org/resources/60/{part}.tar.gz",
        "CC BY 4.0",
        size,
        sha256,
    )
    for part, (size, sha256) in LIBRITTS.items()
}
ALSO = {"fsdd": "digits", "sc09": "speechcommands"}  # other names that people know them by


def known_name(name: str) -> str:
    """Return the name in the table that a user means.

    Raises:
        InputError: there is none.
    """
    found = ALSO.get(name, name)
    if found not in DATASETS:
        raise InputError(f"no data set {name!r}{did_you_mean(name, DATASETS)}; give one of {', '.join(DATASETS)}")
    return found


def data_folder() -> Path:
    """Return where fetched data sets are kept: ``$WAVENET_DATA``, else this user's data folder."""
    return disk.user_folder("WAVENET_DATA", "data")


def fetched(name: str) -> Path | None:
    """Return the folder in `data_folder()` that holds a whole data set, or None where it was not fetched."""
    folder = data_folder() / name
    return folder if holds(folder, name) else None


def mark(folder: Path, name: str) -> None:
    """Write into a folder that it holds a data set, as the last thing that is done before it is put in place."""
    one = DATASETS[name]
    facts = {"name": name, "title": one.title, "url": one.url, "sha256": one.sha256, "licence": one.licence}
    (folder / MARKER).write_text(to_json(facts))


def holds(folder: Path, name: str) -> bool:
    """Return whether a folder was marked as holding a data set."""
    try:
        return bool(json.loads((folder / MARKER).read_text(encoding="utf-8"))["name"] == name)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False
