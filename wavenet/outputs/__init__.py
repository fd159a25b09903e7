"""The sample alphabet: one object owns encoding, the shift by one, the likelihood and the draw.

Another alphabet is one file with a class, and one line in ALPHABETS.
"""

from __future__ import annotations

from collections.abc import Callable

from wavenet.outputs.alphabet import IGNORED as IGNORED
from wavenet.outputs.alphabet import Alphabet as Alphabet
from wavenet.outputs.categorical import Categorical as Categorical
from wavenet.outputs.draw import Codes as Codes
from wavenet.outputs.draw import Draw as Draw
from wavenet.outputs.draw import Flags as Flags
from wavenet.outputs.draw import Floats as Floats
from wavenet.outputs.draw import Uniforms as Uniforms
from wavenet.outputs.draw import checked_draw as checked_draw
from wavenet.outputs.feed import Arrays as Arrays
from wavenet.outputs.feed import Chosen as Chosen
from wavenet.outputs.feed import Condition as Condition
from wavenet.outputs.feed import Feed as Feed
from wavenet.outputs.feed import Said as Said
from wavenet.outputs.feed import Sentences as Sentences
from wavenet.outputs.feed import Tracks as Tracks
from wavenet.outputs.feed import Window as Window
from wavenet.outputs.feed import none_around as none_around
from wavenet.outputs.preemphasis import Decoder as Decoder
from wavenet.recipe.records import Recipe

ALPHABETS: dict[str, Callable[[Recipe], Alphabet]] = {
    "categorical": lambda recipe: Categorical(
        recipe.output.classes, recipe.model.input == "embedding", recipe.output.preemphasis
    ),
}


def of(recipe: Recipe) -> Alphabet:
    """Return the alphabet that a recipe names."""
    return ALPHABETS[recipe.output.kind](recipe)
