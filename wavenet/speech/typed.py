"""Phones that a user writes instead of text: ``HH AH L OW1 _ W ER1 L D``."""

from __future__ import annotations

from collections.abc import Sequence

from wavenet.speech import symbols
from wavenet.speech.dictionary import PHONES
from wavenet.speech.normal import Pause
from wavenet.speech.phones import SILENCE, Phone
from wavenet.speech.pronounce import Spoken


def parse(text: str, known: Sequence[str] = PHONES) -> Spoken:
    """Return phones that are written as `symbols.read` explains. A pause, as of a full stop, is at the end.

    Args:
        text: The phones, in any case.
        known: The phones of the voice.

    Raises:
        InputError: There are no phones, one is not known, or a consonant has a stress.
    """
    said, pauses = list[tuple[Phone, ...]](), list[Pause]()
    for one in symbols.read(text, known):
        if not isinstance(one, str):
            said.append(one)
        elif said and (not pauses or pauses[-1].after < len(said)):
            pauses.append(Pause(len(said), one))
    pauses = [*(pause for pause in pauses if pause.after < len(said)), Pause(len(said), ".")]
    rests = {pause.after for pause in pauses}
    phones = [phone for at, word in enumerate(said, 1) for phone in (*word, *[Phone(SILENCE)] * (at in rests))]
    return Spoken(tuple(phones), tuple(pauses))
