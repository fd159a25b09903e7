"""What a recipe consists of: frozen records, one a section, that say what every key means and may be, and its default.

The model's dimensions have no defaults: a changed default must never change an old recipe. Policy may have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from wavenet import geometry
from wavenet.datasets import catalogue
from wavenet.recipe.schema import (
    DILATION,
    TAPS,
    Between,
    OneOf,
    Parsed,
    convolutions,
    dilations,
    kernels,
    language_name,
    names,
    sizes,
    words,
)

LAYOUTS = ("folder", "metadata", "ljspeech", "fsdd", "vctk", "speech_commands", "yesno", "libritts")
CHANNELS = Between(1, 65_536, "channels")
CLOCK_SECONDS = (0.05, 0.2, 0.8)  # how fast what the clock says of the seconds passed, and left, fades
PHONE_PLACES = 6  # stress, first or second; how near either end of the word and of the phrase is
PHONE_KNOTS = 5  # points from the beginning of a phone to its end that the share of it lies between
LOG_SPREADS = (-4.0, 2.0)  # the least and the most that the spread of the logarithm of a length is, as a logarithm
NO_ENCODER = geometry.Encoder()
ASKED = ("clock", "phones")  # tracks that follow from what is asked for; an acoustic network predicts from them
PREDICTED = ("mel", "f0")  # the tracks that it may predict; their columns come next
STEPS = Between(1, 1_000_000_000, "steps")


@dataclass(frozen=True)
class AudioConfig:
    """How sound is represented: mono, at one rate."""

    sample_rate: Annotated[int, Between(1_000, 768_000, "Hz"), "Sound at other rates is resampled to it."]


@dataclass(frozen=True)
class LevelConfig:
    """One gain for each file, which brings its RMS or its peak, not both, to this value; null: as recorded."""

    rms: Annotated[float | None, Between(1e-4, 1.0, "of full scale"), "RMS of each file; 0.08 is -22 dBFS."] = None
    peak: Annotated[float | None, Between(1e-3, 1.0, "of full scale"), "Peak of each file, for notes that fade."] = None


@dataclass(frozen=True)
class TrimConfig:
    """Cuts the quiet ends of every file; without it, files are taken whole."""

    below_db: Annotated[float, Between(1.0, 120.0, "dB"), "Quiet is this far below the loudest 10 ms of the file."]
    margin_seconds: Annotated[float, Between(0.0, 10.0, "seconds"), "How much quiet is left at each end."] = 0.05


@dataclass(frozen=True)
class SplitConfig:
    """Which files train, which are held out to score training (valid), and which are kept for the end (test)."""

    by: Annotated[
        str,
        OneOf(("auto", "file", "speaker", "prompt")),
        "What stays together in one split. `auto`: the splits that come with the data, else prompts or files.",
    ] = "auto"
    valid_percent: Annotated[float, Between(0.1, 50.0, "%"), "Share that scores training; with test, at most 80."] = 5.0
    test_percent: Annotated[float, Between(0.0, 50.0, "%"), "Share for the final test; training never uses it."] = 5.0


@dataclass(frozen=True)
class DataConfig:
    """Where sound comes from and how training crops it."""

    segment_samples: Annotated[
        int,
        Between(1, 10_000_000, "samples"),
        "Longest segment of a batch; the receptive field precedes it as context.",
    ]
    source: Annotated[
        str, OneOf(("auto", *LAYOUTS)), "How the folder is read; `auto`, as with `--data`, goes by names and tables."
    ] = "auto"
    path: Annotated[
        str | None, "Folder of sound, relative to the recipe (in `--set`, to the current folder); or give `--data`."
    ] = None
    fetch: Annotated[
        str | None, OneOf(tuple(catalogue.DATASETS)), "The fetched data set to read where no path is given."
    ] = None
    outside: Annotated[bool, "Also read files outside the folder that a table or a link in it points to."] = False
    generated: Annotated[bool, "Also read sound that this program generated, and what is in its run folders."] = False
    licence: Annotated[str, "The licence of the sound; it is copied into the model."] = "not stated"
    labels: Annotated[
        tuple[str, ...] | None, Parsed(words, "a list of words"), "Keep only sound with these labels; null keeps all."
    ] = None
    microphone: Annotated[
        str | None, OneOf(("mic1", "mic2")), "Of sound from several microphones, keep this one; null keeps all."
    ] = None
    level: LevelConfig = LevelConfig()
    trim: TrimConfig | None = None
    tail_seconds: Annotated[
        float, Between(0.0, 60.0, "seconds"), "Silence added at the end of every file, so that the model learns to end."
    ] = 0.0
    split: SplitConfig = SplitConfig()


@dataclass(frozen=True)
class OutputConfig:
    """The alphabet of the samples: mu-law codes with a categorical likelihood."""

    kind: Annotated[str, OneOf(("categorical",)), "How the next sample is predicted: a probability for each code."]
    classes: Annotated[
        int, Between(2, 4_096, "codes"), "Number of codes; 256 is 8 bits. Above 512, sound is written in 24 bits."
    ]
    preemphasis: Annotated[
        float,
        Between(0.0, 0.97, "of the sample before"),
        "What is taken off each sample before it is encoded, and added again to what is drawn: with 0.85 speech is "
        "understood better. Bits per sample are then those of another sound.",
    ] = 0.0


@dataclass(frozen=True)
class ModelConfig:
    """The dimensions of the network; those of its weights have no defaults."""

    input: Annotated[
        str, OneOf(("embedding", "scalar")), "How samples enter: a learned row for each code, or the amplitude itself."
    ]
    kernel_size: Annotated[
        int | tuple[int, ...],
        Parsed(kernels, f"a whole number, {TAPS} taps, or a list of one for each layer"),
        "Taps of the dilated convolutions.",
    ]
    dilations: Annotated[
        geometry.Stacks,
        Parsed(dilations, f"a list of whole numbers, {DILATION} samples, a list of such lists, or a pattern"),
        "Distance between two taps, for each layer, or for each layer of each stack. A pattern is a mapping: "
        "{pattern: exponential, layers: 10, cycles: 2} is 1, 2, 4... 512, twice, {pattern: hdc, layers: 6} is 1, "
        "2, 5, 10, 20, 50 and {pattern: constant, layers: 4, dilation: 3} is 3, 3, 3, 3.",
    ]
    residual_channels: Annotated[int, CHANNELS, "Width of the path through all layers."]
    gate_channels: Annotated[int, CHANNELS, "Width of the filter, and of the gate."]
    skip_channels: Annotated[int, CHANNELS, "Width of the sum over all layers."]
    head_channels: Annotated[int, CHANNELS, "Width of the layer before the output."]
    bias: Annotated[bool, "Whether the layers of the stacks have biases; the head always has them."]
    dropout: Annotated[
        float, Between(0.0, 0.95, "as a share"), "Share of the inputs of each dilated convolution that training zeroes."
    ] = 0.0

    @property
    def kernels(self) -> tuple[int, ...]:
        """Taps of every layer, in order over all stacks."""
        layers = sum(len(stack) for stack in self.dilations)
        return (self.kernel_size,) * layers if isinstance(self.kernel_size, int) else self.kernel_size


@dataclass(frozen=True)
class ClockConfig:
    """Where in the sound a frame is: the share of it that has passed, and the seconds passed and left."""

    knots: Annotated[int, Between(2, 256, "knots"), "Points from the beginning to the end that the share lies between."]


@dataclass(frozen=True)
class MelConfig:
    """The mel spectrogram, as a logarithm; nothing has a default, since all of it says what the numbers mean."""

    bands: Annotated[int, Between(4, 512, "bands"), "Triangular filters."]
    fft_samples: Annotated[int, Between(16, 65_536, "samples"), "Length of the Fourier transform."]
    window_samples: Annotated[int, Between(16, 65_536, "samples"), "Length of the Hann window in it."]
    low_hz: Annotated[float, Between(0.0, 384_000.0, "Hz"), "Where the lowest filter begins."]
    high_hz: Annotated[float, Between(1.0, 384_000.0, "Hz"), "Where the highest filter ends; half the rate at most."]
    power: Annotated[int, Between(1, 2, "as an exponent"), "Of the magnitudes: 1 keeps them, 2 makes energies."]
    scale: Annotated[str, OneOf(("htk", "slaney")), "Which formula spaces the filters."]
    norm: Annotated[str, OneOf(("none", "slaney")), "Filters of height 1, or of equal area."]
    floor: Annotated[
        float, Between(1e-12, 0.1, "of what a filter answers"), "What lies below it counts as it, before the logarithm."
    ]


@dataclass(frozen=True)
class F0Config:
    """The fundamental frequency and whether there is one."""

    low_hz: Annotated[float, Between(20.0, 2_000.0, "Hz"), "The lowest that is looked for."]
    high_hz: Annotated[float, Between(40.0, 5_000.0, "Hz"), "The highest that is looked for."]


@dataclass(frozen=True)
class PhonesConfig:
    """What is said: the phone of each frame and its neighbours, and where in phone, word and phrase the frame is.

    It needs the text of each sound, or files that say when which phone begins (`wavenet data align`).
    """

    kinds: Annotated[int, Between(2, 1_000, "phones"), "Different phones that the sound may have, pauses included."]
    neighbours: Annotated[int, Between(0, 8, "phones"), "Phones to each side of its own that a frame is told."]
    language: Annotated[
        str | None,
        Parsed(language_name, "a language as espeak-ng calls it, such as de"),
        "The language of text that the voice says by the rules of espeak-ng, whose phones its labels must have; null "
        "says English text where the phones are CMUdict's, and of any others only what is given as phones.",
    ] = None
    known: Annotated[
        tuple[str, ...] | None,
        Parsed(words, "a list of words"),
        "Phones that the voice knows beside those of its sound, where there is room: a model that is fine-tuned keeps "
        "its own here.",
    ] = None

    @property
    def width(self) -> int:
        """Values that say all of a phone but when it is said."""
        return self.kinds * (1 + 2 * self.neighbours) + PHONE_PLACES

    @property
    def frame_width(self) -> int:
        """Values a frame: those of its phone, then where in it, and in the phrase, the frame is."""
        return self.width + PHONE_KNOTS + 1 + 2 * len(CLOCK_SECONDS)


@dataclass(frozen=True)
class SineConfig:
    """Sines of the note's pitch and its multiples, sample by sample, so that a note has the pitch that is asked for.

    A training sound's are in phase with its own fundamental.
    """

    harmonics: Annotated[int, Between(1, 8, "multiples"), "The pitch, its double... A cosine and a sine of each."]
    field: Annotated[
        str, "The one of condition.fields whose values are MIDI notes: 69 is 440 Hz, 60.5 lies between C and C sharp."
    ]


@dataclass(frozen=True)
class TracksConfig:
    """What the network is told frame by frame."""

    clock: ClockConfig | None = None
    phones: PhonesConfig | None = None
    mel: MelConfig | None = None
    f0: F0Config | None = None
    array: Annotated[
        int | None,
        Between(1, 4_096, "values a frame"),
        "Numbers of your own: NAME.npy beside NAME.wav, [frames, values] float32, as they are.",
    ] = None
    sine: SineConfig | None = None


@dataclass(frozen=True)
class AcousticConfig:
    """A small network that predicts the tracks mel and f0 from fields, clock and phones, so that words become sound."""

    channels: Annotated[int, CHANNELS, "Width of its layers."]
    encoder: Annotated[
        geometry.Encoder,
        Parsed(convolutions, "a list such as [{kernel: 3, dilation: 1}]"),
        "Its convolutions over frames.",
    ]
    share: Annotated[
        float, Between(0.0, 1.0, "as a share"), "Share of the training segments that hear the predicted tracks."
    ] = 0.3
    dropout: Annotated[float, Between(0.0, 0.95, "as a share"), "Share of its channels that training zeroes."] = 0.1
    sounds: Annotated[
        int,
        Between(0, 1_000, "sounds"),
        "How many sounds more each step teaches it, whole and without their samples, which costs little: speech "
        "has many phones, and segments are short.",
    ] = 0


@dataclass(frozen=True)
class DurationsConfig:
    """A small network that predicts how long each phone of a sentence is, so that text becomes speech."""

    channels: Annotated[int, CHANNELS, "Width of its layers."]
    encoder: Annotated[
        geometry.Encoder,
        Parsed(convolutions, "a list such as [{kernel: 3, dilation: 1}]"),
        "Its convolutions over phones.",
    ]
    dropout: Annotated[float, Between(0.0, 0.95, "as a share"), "Share of its channels that training zeroes."] = 0.1


@dataclass(frozen=True)
class ConditionConfig:
    """What the network is told besides the past of its sound: fields hold for a whole sound, tracks for a frame."""

    channels: Annotated[int, CHANNELS, "Width of the vectors that fields and tracks are turned into."]
    fields: Annotated[
        tuple[tuple[str, int], ...],
        Parsed(sizes, "a mapping such as {speaker: 6, label: 10}"),
        "Columns of metadata.csv, or what the layout knows, with the number of different values that each has; 0: none "
        "is known, so that it is unknown throughout, as where a voice is fine-tuned on sound without such a column.",
    ] = ()
    columns: Annotated[
        tuple[tuple[str, str], ...],
        Parsed(names, "a mapping such as {pitch: label}"),
        "Column of metadata.csv that a field is read from, where it has another name.",
    ] = ()
    tracks: TracksConfig = TracksConfig()
    hop_samples: Annotated[
        int | None, Between(1, 65_536, "samples"), "Samples from one frame to the next; with tracks only."
    ] = None
    encoder: Annotated[
        geometry.Encoder,
        Parsed(convolutions, "a list such as [{kernel: 3, dilation: 1}], or {pyramid: [1, 2, 4], pooled: false}"),
        "Convolutions over frames, which look back and ahead; or parallel ones of several dilations, with an average "
        "over the whole sound beside them where `pooled` is true.",
    ] = NO_ENCODER
    upsample: Annotated[
        str,
        OneOf(("repeat", "linear")),
        "Between the middles of frames: `repeat` holds each over its samples, `linear` draws lines.",
    ] = "linear"
    unknown: Annotated[
        float,
        Between(0.0, 0.9, "as a share"),
        "Share of the training segments that are told no field and no track; and share of the others from which each "
        "field or track is left out by itself. So the network learns to do without.",
    ] = 0.1
    guidance: Annotated[
        float,
        Between(0.0, 10.0, "as a factor"),
        "How strongly generated sound follows what is asked for, without --guidance: 1 as trained; more costs variety "
        "and twice the work.",
    ] = 1.0
    acoustic: AcousticConfig | None = None
    durations: DurationsConfig | None = None

    def tracks_told(self) -> tuple[tuple[str, int], ...]:
        """Return the tracks by name, each with its values a frame."""
        told = self.tracks
        found = (
            ("clock", 0 if told.clock is None else told.clock.knots + 2 * len(CLOCK_SECONDS)),
            ("phones", 0 if told.phones is None else told.phones.frame_width),
            ("mel", 0 if told.mel is None else told.mel.bands),
            ("f0", 0 if told.f0 is None else 2),
            ("array", told.array or 0),
            ("sine", 0 if told.sine is None else 2 * told.sine.harmonics),
        )
        return tuple((name, width) for name, width in found if width)

    def shape(self) -> geometry.ConditionShape:
        """Return the integers of what brings all of this to the network."""
        tracks, predicts, lasts = self.tracks_told(), None, None
        if self.acoustic is not None:
            own = tuple((name, width) for name, width in tracks if name in ASKED)
            aims = sum(width for name, width in tracks if name in PREDICTED)
            predicts = geometry.FrameShape(
                "acoustic", self.fields, own, self.acoustic.channels, self.acoustic.encoder, aims
            )
        if self.durations is not None and self.tracks.phones is not None:
            said = (("phones", self.tracks.phones.width),)
            lasts = geometry.FrameShape(
                "durations", self.fields, said, self.durations.channels, self.durations.encoder, 2
            )
        told = geometry.FrameShape("condition", self.fields, tracks, self.channels, self.encoder, None)
        return geometry.ConditionShape(told, self.hop_samples or 1, self.upsample == "linear", predicts, lasts)


@dataclass(frozen=True)
class TrainConfig:
    """The optimisation; what step n does depends only on the seed, n and steps."""

    batch_size: Annotated[int, Between(1, 65_536, "segments"), "Number of segments in the batch of a step."]
    steps: Annotated[int, STEPS, "Length of the whole training; `--max-steps` only stops early."]
    learning_rate: Annotated[float, Between(1e-8, 1.0, "per step"), "The step size of AdamW after the warm-up."]
    ema_decay: Annotated[
        float,
        Between(0.0, 0.999_999, "as a share"),
        "Share of the averaged weights that a step keeps; the averages are saved.",
    ] = 0.999
    seed: Annotated[int, Between(0, 2**63 - 1), "Seed of the first weights, the order of the data and dropout."] = 0
    only: Annotated[
        str | None,
        OneOf(("acoustic",)),
        "`acoustic` trains condition.acoustic and condition.durations alone, beside a network that has been trained "
        "and stays as it is; null trains all.",
    ] = None
    warmup_steps: Annotated[int, Between(0, 10_000_000, "steps"), "How long the learning rate rises from zero."] = 100
    final_rate: Annotated[
        float, Between(0.0, 1.0, "of the learning rate"), "What the learning rate falls to, along a cosine."
    ] = 0.05
    weight_decay: Annotated[
        float, Between(0.0, 1.0, "per step"), "How much each weight shrinks in a step, times the learning rate."
    ] = 0.0
    gradient_clip: Annotated[
        float,
        Between(1e-6, 1e6, "nats per unit of weight"),
        "The largest norm of a gradient; larger ones are scaled down.",
    ] = 1.0
    input_noise: Annotated[
        float,
        Between(0.0, 64.0, "codes"),
        "Noise on the past that training shows, not on what is to be predicted, so that the network bears its own "
        "mistakes: each segment's has a standard deviation between 0 and this.",
    ] = 0.0
    log_steps: Annotated[int, Between(1, 1_000_000, "steps"), "Interval between rows of metrics.csv."] = 50
    validate_steps: Annotated[int, STEPS, "Interval between scores on held-out sound."] = 500
    validate_targets: Annotated[
        int, Between(1, 1_000_000_000, "samples"), "About how many held-out samples a score covers."
    ] = 200_000
    sample_steps: Annotated[int, STEPS, "Interval between generated sounds, each with its picture."] = 1_000
    sample_seconds: Annotated[float, Between(0.01, 60.0, "seconds"), "Length of the sounds that training makes."] = 2.0
    save_steps: Annotated[int, STEPS, "Interval between saved models and checkpoints; a stop saves too."] = 500
    workers: Annotated[
        int, Between(0, 256, "processes"), "Processes that prepare batches; with 0, the training process does it."
    ] = 0


@dataclass(frozen=True)
class Recipe:
    """One experiment, complete."""

    name: Annotated[
        str, "The name of the run folder and of its sounds: letters, digits, -, _ and ., at most 200 bytes."
    ]
    audio: AudioConfig
    data: DataConfig
    output: OutputConfig
    model: ModelConfig
    train: TrainConfig
    condition: ConditionConfig | None = None
    cpu_recipe: Annotated[
        str | None, "A smaller recipe for the same sound, which `train` suggests where there is no GPU."
    ] = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that the network is told."""
        return () if self.condition is None else tuple(name for name, _ in self.condition.fields)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that these fields are read from."""
        told = {} if self.condition is None else dict(self.condition.columns)
        return tuple(told.get(name, name) for name in self.fields)

    @property
    def note_field(self) -> str | None:
        """The name of the field whose values are MIDI notes, which the track `sine` goes by."""
        sine = None if self.condition is None else self.condition.tracks.sine
        return None if sine is None else sine.field

    @property
    def shape(self) -> geometry.Shape:
        """The integers of this recipe's network."""
        model, embedding = self.model, self.model.input == "embedding"
        return geometry.Shape(
            stacks=model.dilations,
            kernels=model.kernels,
            residual=model.residual_channels,
            gate=model.gate_channels,
            skip=model.skip_channels,
            head=model.head_channels,
            inputs=self.output.classes + 1 if embedding else 1,  # one row more: *start*
            outputs=self.output.classes,
            embedding=embedding,
            bias=model.bias,
            condition=None if self.condition is None else self.condition.shape(),
        )
