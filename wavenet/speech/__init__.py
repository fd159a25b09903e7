"""From text to phones, and which phone of a recording is said when."""

from wavenet.speech.aligned_corpus import aligned as aligned
from wavenet.speech.phones import SILENCE as SILENCE
from wavenet.speech.phones import Aligned as Aligned
from wavenet.speech.phones import Phone as Phone
