"""What a recipe consists of: frozen records, one a section, that say what every key means and may be, and its default.

The model's dimensions have no defaults: a changed default must never change an old recipe. Policy may have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from wavenet import geometry
from wavenet.datasets import catalogue
from wavenet.recipe.schema import DILATION, TAPS, Between, Means, OneOf, Parsed, dilations, kernels, words

LAYOUTS = ("folder", "metadata", "ljspeech", "fsdd", "vctk", "speech_commands", "yesno", "libritts")


@dataclass(frozen=True)
class AudioConfig:
    """How sound is represented: mono, at one rate."""

    sample_rate: Annotated[
        int, Between(1_000, 768_000), Means("Samples in a second; files at other rates are resampled to it.", "Hz")
    ]


@dataclass(frozen=True)
class LevelConfig:
    """One gain for each file, so that its RMS or its peak has this value, not both; neither: as recorded."""

    rms: Annotated[
        float | None,
        Between(1e-4, 1.0),
        Means("Root mean square that each file is brought to; 0.08 is -22 dBFS.", "of full scale"),
    ] = None
    peak: Annotated[
        float | None,
        Between(1e-3, 1.0),
        Means("Largest magnitude that each file is brought to: for sound that fades, such as notes.", "of full scale"),
    ] = None


@dataclass(frozen=True)
class TrimConfig:
    """Cuts the quiet ends of every file; left out, files are taken as they are."""

    below_db: Annotated[
        float, Between(1.0, 120.0), Means("An end is cut where it is so much quieter than the loudest 10 ms.", "dB")
    ]
    margin_seconds: Annotated[
        float, Between(0.0, 10.0), Means("How much of a quiet end is left at each side.", "seconds")
    ] = 0.05


@dataclass(frozen=True)
class SplitConfig:
    """Which files train, which are held out while training (valid) and which are kept for the end (test)."""

    by: Annotated[
        str,
        OneOf("auto", "file", "speaker", "prompt"),
        Means("What is never divided between splits. `auto`: the data's own splits, else prompts or files."),
    ] = "auto"
    valid_percent: Annotated[
        float, Between(0.1, 50.0), Means("Share held out while training; 80 together with test at most.", "%")
    ] = 5.0
    test_percent: Annotated[
        float, Between(0.0, 50.0), Means("Share kept for the end, which training never looks at.", "%")
    ] = 5.0


@dataclass(frozen=True)
class DataConfig:
    """Where sound comes from and how training crops it."""

    segment_samples: Annotated[
        int,
        Between(1, 10_000_000),
        Means("Longest piece that is learnt from at once; the receptive field comes on top as context.", "samples"),
    ]
    source: Annotated[
        str,
        OneOf("auto", *LAYOUTS),
        Means(
            "How the folder is read. `auto` goes by names and tables; so does `--data`, unless `--set` says otherwise."
        ),
    ] = "auto"
    path: Annotated[
        str | None,
        Means(
            "The folder of sound, relative to the recipe, in `--set` to where the command runs; `--data` replaces it."
        ),
    ] = None
    fetch: Annotated[
        str | None,
        OneOf(*catalogue.DATASETS),
        Means("The data set that is read where there is no path, once `wavenet data fetch` has brought it."),
    ] = None
    outside: Annotated[
        bool,
        Means(
            "Keeps rows of a table that name files outside its folder, and follows links to folders that lead there."
        ),
    ] = False
    generated: Annotated[
        bool, Means("Takes sound that this program generated, and what lies in its run folders, like any other.")
    ] = False
    licence: Annotated[str, Means("What the publisher says may be done with the sound; a model carries it.")] = (
        "not stated"
    )
    labels: Annotated[
        tuple[str, ...] | None,
        Parsed(words, "a list of words"),
        Means("Keeps only sound with one of these labels, of data that name labels; null keeps all."),
    ] = None
    microphone: Annotated[
        str | None,
        OneOf("mic1", "mic2"),
        Means("Of takes that several microphones heard, keeps this one's where there is one; null keeps all."),
    ] = None
    level: LevelConfig = LevelConfig()
    trim: TrimConfig | None = None
    tail_seconds: Annotated[
        float, Between(0.0, 60.0), Means("Silence that is learnt behind every file, so that sounds end.", "seconds")
    ] = 0.0
    split: SplitConfig = SplitConfig()


@dataclass(frozen=True)
class OutputConfig:
    """The alphabet of the samples: mu-law codes with a categorical likelihood."""

    kind: Annotated[
        str, OneOf("categorical"), Means("What the network says of the next sample: a share for each code.")
    ]
    classes: Annotated[
        int,
        Between(2, 4_096),
        Means("Codes there are; 256 is 8 bits, above 512 sounds are written in 24 bits.", "codes"),
    ]


@dataclass(frozen=True)
class ModelConfig:
    """The network's dimensions; those of its weights have no defaults."""

    input: Annotated[
        str,
        OneOf("embedding", "scalar"),
        Means("How samples enter: a learnt row for each code, or the amplitude itself."),
    ]
    kernel_size: Annotated[
        int | tuple[int, ...],
        Parsed(kernels, f"a whole number, {TAPS}, or a list of one for each layer"),
        Means("Taps of the dilated convolutions.", "taps"),
    ]
    dilations: Annotated[
        geometry.Stacks,
        Parsed(dilations, f"a list of whole numbers, {DILATION}, a list of such lists, or a pattern"),
        Means(
            "Distance between two taps, for each layer, or for each layer of each stack. A pattern is a mapping: "
            "{pattern: exponential, layers: 10, cycles: 2} is 1, 2, 4... 512, twice, {pattern: hdc, layers: 6} is 1, "
            "2, 5, 10, 20, 50 and {pattern: constant, layers: 4, dilation: 3} is 3, 3, 3, 3.",
            "samples",
        ),
    ]
    residual_channels: Annotated[int, Between(1, 65_536), Means("Width of the path through all layers.", "channels")]
    gate_channels: Annotated[int, Between(1, 65_536), Means("Width of each of filter and gate.", "channels")]
    skip_channels: Annotated[int, Between(1, 65_536), Means("Width of the sum over all layers.", "channels")]
    head_channels: Annotated[int, Between(1, 65_536), Means("Width of the layer before the output.", "channels")]
    bias: Annotated[bool, Means("Whether the products of the stacks have biases; those of the head always have.")]
    dropout: Annotated[
        float,
        Between(0.0, 0.95),
        Means("Part of the inputs to each dilated convolution that training zeroes.", "as a share"),
    ] = 0.0

    @property
    def kernels(self) -> tuple[int, ...]:
        """Taps of every layer, in order over all stacks."""
        layers = sum(len(stack) for stack in self.dilations)
        return (self.kernel_size,) * layers if isinstance(self.kernel_size, int) else self.kernel_size


@dataclass(frozen=True)
class TrainConfig:
    """The optimisation; everything of step n is a function of (seed, n, steps)."""

    batch_size: Annotated[int, Between(1, 65_536), Means("Pieces that one step learns from.", "pieces")]
    steps: Annotated[
        int, Between(1, 1_000_000_000), Means("How long training goes on; `--max-steps` only stops early.", "steps")
    ]
    learning_rate: Annotated[
        float, Between(1e-8, 1.0), Means("How far AdamW moves a weight in a step, once warmed up.", "per step")
    ]
    ema_decay: Annotated[
        float,
        Between(0.0, 0.999_999),
        Means(
            "What the averaged weights keep of themselves at each step; those are what is scored and saved.",
            "as a share",
        ),
    ] = 0.999
    seed: Annotated[int, Between(0, 2**63 - 1), Means("What first weights, order and dropout are drawn with.")] = 0
    warmup_steps: Annotated[
        int, Between(0, 10_000_000), Means("How long the learning rate rises from nothing at the beginning.", "steps")
    ] = 100
    final_rate: Annotated[
        float,
        Between(0.0, 1.0),
        Means("What is left at the last step, to which the rate falls as a cosine.", "of the learning rate"),
    ] = 0.05
    weight_decay: Annotated[
        float, Between(0.0, 1.0), Means("How much each weight shrinks in a step, times the learning rate.", "per step")
    ] = 0.0
    gradient_clip: Annotated[
        float, Between(1e-6, 1e6), Means("Longer gradients are cut to this norm.", "nats per unit of weight")
    ] = 1.0
    log_steps: Annotated[
        int,
        Between(1, 1_000_000),
        Means("From one row of metrics.csv to the next; scores and stops have rows too.", "steps"),
    ] = 50
    validate_steps: Annotated[
        int, Between(1, 1_000_000_000), Means("From one score on held-out sound to the next.", "steps")
    ] = 500
    validate_targets: Annotated[
        int, Between(1, 1_000_000_000), Means("About how much held-out sound a score listens to.", "samples")
    ] = 200_000
    sample_steps: Annotated[
        int, Between(1, 1_000_000_000), Means("From one sound, with its picture, to the next.", "steps")
    ] = 1_000
    sample_seconds: Annotated[
        float, Between(0.01, 60.0), Means("How long the sounds are that are made while training.", "seconds")
    ] = 2.0
    save_steps: Annotated[
        int,
        Between(1, 1_000_000_000),
        Means("From one saved model and checkpoint to the next; stops save too.", "steps"),
    ] = 500
    workers: Annotated[
        int, Between(0, 256), Means("Processes that make batches beside the one that trains; 0: none.", "processes")
    ] = 0


@dataclass(frozen=True)
class Recipe:
    """One experiment, complete."""

    name: Annotated[
        str, Means("What the run folder and sounds are called by: letters, digits, -, _ and ., 200 bytes at most.")
    ]
    audio: AudioConfig
    data: DataConfig
    output: OutputConfig
    model: ModelConfig
    train: TrainConfig
    cpu_recipe: Annotated[
        str | None, Means("A smaller recipe for the same sound, which `train` names where there is no GPU.")
    ] = None

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
        )
