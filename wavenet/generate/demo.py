"""What the voices that ship are heard by: a sentence, ten digits by all speakers in turn, and a tune."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wavenet.errors import InputError
from wavenet.generate import drawn
from wavenet.generate.asked import Vocabulary, described
from wavenet.generate.sampler import Sampler
from wavenet.generate.sound import Sound
from wavenet.generate.voice import Voice
from wavenet.outputs import Draw, Floats

TEXT = "Hello, I am made one sample at a time, and nobody ever said this."
# the same as English is read (a test compares), so that it needs none of the packages that text does
PHONES = (
    "HH AH0 L OW1 , AY0 _ AE0 M _ M EY1 D _ W AH1 N _ S AE1 M P AH0 L _ AE0 T _ AH0 _ T AY1 M , "
    "AH0 N D _ N OW1 B AA2 D IY2 _ EH1 V ER0 _ S EH1 D _ DH IH1 S"
)
PAUSE_SECONDS = 0.15  # between two digits

TUNE = "the beginning of the Ode to Joy (Ludwig van Beethoven, 1824)"
NOTES = (  # MIDI pitches, and how many beats each lasts
    *((64, 1.0), (64, 1.0), (65, 1.0), (67, 1.0), (67, 1.0), (65, 1.0), (64, 1.0), (62, 1.0)),
    *((60, 1.0), (60, 1.0), (62, 1.0), (64, 1.0), (64, 1.5), (62, 0.5), (62, 2.0)),
)
BEAT_SECONDS = 0.4
RELEASE_SECONDS = 0.2  # that a note fades for, while the next one sounds
OCTAVE = 12  # semitones; a tune is moved by as many at most
PEAK = 0.9  # of notes that sound together, where they would be louder


@dataclass(frozen=True)
class Piece:
    """Something that one voice is heard by."""

    voice: str  # its name, and that of the files
    made: Callable[[Voice, int], tuple[str, Sound]]  # voice, seed -> what is heard, in words, and its sound


def sentence(voice: Voice, seed: int) -> tuple[str, Sound]:
    """Return a sentence that a voice says, in quotes, and its sound."""
    return f'"{TEXT}"', voice.say(phones=PHONES, seed=seed)


def digits(voice: Voice, seed: int) -> tuple[str, Sound]:
    """Return who says which word, and the sound of it: all words that a voice knows, its speakers taking turns."""
    words, speakers = voice.fields["label"], voice.fields["speaker"]
    turns = [(word, speakers[at % len(speakers)]) for at, word in enumerate(words)]
    wanted = [{"speaker": speaker, "label": word} for word, speaker in turns]
    made = voice.generate(count=len(wanted), seed=seed, condition=wanted)
    rest = np.zeros(round(PAUSE_SECONDS * voice.sample_rate), np.float32)
    wave = np.concatenate([part for one in made.waves() for part in (one, rest)][:-1])
    told = ", ".join(f"{word} by {speaker}" for word, speaker in turns)
    return told, _sound(voice, wave, seed, made.storage, made.wall, made.stopped_by)


def tune(voice: Voice, seed: int) -> tuple[str, Sound]:
    """Return which tune it is, and its sound: single notes, each drawn alone, that fade into each other.

    Raises:
        InputError: the voice was not trained on the notes.
    """
    played, shift = _instrument(voice.vocabulary(), {pitch for pitch, _ in NOTES})
    wanted = [{"pitch": str(pitch + shift), **played} for pitch, _ in NOTES]
    engine = voice.engine()
    asked = voice.asked(engine, wanted, None, seed)  # told that they last as long as real ones: only their ends are cut
    beats = np.array([length for _, length in NOTES]) * BEAT_SECONDS
    cuts = np.rint((beats + RELEASE_SECONDS) * voice.sample_rate).astype(int).tolist()
    totals = [min(pair) for pair in zip(cuts, asked.lengths or cuts, strict=True)]
    source = Sampler(engine, len(wanted), seed, Draw(), asked.condition, voice.guidance(None, told=True))
    made = drawn.collect(source, totals, None, voice.sample_rate, [])
    begins = np.rint(np.cumsum([0.0, *beats[:-1]]) * voice.sample_rate).astype(int).tolist()
    wave = mixed(begins, made.waves, cuts, round(RELEASE_SECONDS * voice.sample_rate))
    moved = f", {abs(shift)} semitones {'higher' if shift > 0 else 'lower'}" if shift else ""
    told = f"{TUNE}{moved}{f', {described(played)}' if played else ''}"
    return told, _sound(voice, wave, seed, engine.storage, made.wall, made.stopped_by)


PIECES = (Piece("kathleen", sentence), Piece("digits", digits), Piece("piano", tune))  # the first is soonest heard


def mixed(begins: Sequence[int], waves: Iterable[Floats], cuts: Sequence[int], release: int) -> Floats:
    """Return notes laid over each other, [T] float32 within PEAK.

    Args:
        begins: the sample at which each note begins.
        waves: of each, [n] in [-1, 1].
        cuts: how many samples of each are heard, at most.
        release: how many of these, at their end, fade to nothing.
    """
    whole = np.zeros(max(begin + cut for begin, cut in zip(begins, cuts, strict=True)), np.float32)
    for begin, wave, cut in zip(begins, waves, cuts, strict=True):
        heard = wave[:cut]
        fade = np.clip((cut - np.arange(len(heard))) / max(1, release), 0.0, 1.0)
        whole[begin : begin + len(heard)] += heard * fade.astype(np.float32)
    return whole * np.float32(min(1.0, PEAK / max(PEAK, float(np.abs(whole).max()))))


def _instrument(known: Vocabulary, pitches: set[int]) -> tuple[dict[str, str], int]:
    """Return the values of all fields but the pitch that a tune is asked for with, and by how many semitones it moves.

    They are those with which most of its notes were in training, moved as little as can be; of equal ones the first.

    Raises:
        InputError: none was.
    """
    names = [*known.values]
    if "pitch" not in names:
        raise InputError(f"{known.recipe.name} is told no pitch, so it plays no tune; take a voice that is")
    at, learned = names.index("pitch"), Counter[tuple[tuple[int, ...], int]]()
    for row in sorted({tuple(row) for row in known.durations[:, :-1].tolist()}):
        pitch = int(known.values["pitch"][row[at]])
        for shift in range(-OCTAVE, OCTAVE + 1):
            learned[row[:at] + row[at + 1 :], shift] += pitch - shift in pitches
    (ids, shift), most = max(learned.items(), key=lambda one: (one[1], -abs(one[0][1])), default=(((), 0), 0))
    if most < len(pitches):
        raise InputError(f"{known.recipe.name} was trained on {most} of the {len(pitches)} notes of {TUNE}")
    others = [name for name in names if name != "pitch"]
    return {name: known.values[name][value] for name, value in zip(others, ids, strict=True)}, shift


def _sound(voice: Voice, wave: Floats, seed: int, storage: str, wall: float, stopped_by: str | None) -> Sound:
    return Sound(wave[None], voice.sample_rate, voice.bits, seed, storage, wall=wall, stopped_by=stopped_by)
