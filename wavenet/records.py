"""What a recipe consists of: frozen records, one a section, that say type, range and default of every key.

The model's dimensions have no defaults: a changed default must never change an old recipe. Policy may have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from wavenet import catalogue, geometry
from wavenet.strict import Between, OneOf, Parsed, dilations, kernels, words

LAYOUTS = ("folder", "metadata", "ljspeech", "fsdd", "vctk", "speech_commands", "yesno", "libritts")


@dataclass(frozen=True)
class AudioConfig:
    """How sound is represented: mono at `sample_rate` Hz."""

    sample_rate: Annotated[int, Between(1_000, 768_000)]


@dataclass(frozen=True)
class LevelConfig:
    """One gain per file, so that its RMS or its peak has this value (full scale is 1); neither: as recorded."""

    rms: Annotated[float | None, Between(1e-4, 1.0)] = None
    peak: Annotated[float | None, Between(1e-3, 1.0)] = None


@dataclass(frozen=True)
class TrimConfig:
    """Cuts the ends of a file that are quieter than its loudest 10 ms by `below_db`, but for a margin."""

    below_db: Annotated[float, Between(1.0, 120.0)]
    margin_seconds: Annotated[float, Between(0.0, 10.0)] = 0.05


@dataclass(frozen=True)
class SplitConfig:
    """How files are divided; `auto`: the data's own splits, else a hash of each file's prompt or name."""

    by: Annotated[str, OneOf("auto", "file", "speaker", "prompt")] = "auto"
    valid_percent: Annotated[float, Between(0.1, 50.0)] = 5.0
    test_percent: Annotated[float, Between(0.0, 50.0)] = 5.0


@dataclass(frozen=True)
class DataConfig:
    """Where sound comes from and how training crops it."""

    segment_samples: Annotated[int, Between(1, 10_000_000)]  # targets per crop; its context comes on top
    source: Annotated[str, OneOf("auto", *LAYOUTS)] = "auto"
    path: str | None = None  # relative to the recipe; `--data DIR` replaces it
    fetch: Annotated[str | None, OneOf(*catalogue.DATASETS)] = None  # where there is no path: what was fetched so
    outside: bool = False  # keep rows of a table that name files outside its folder, follow links that lead there
    licence: str = "not stated"
    labels: Annotated[tuple[str, ...] | None, Parsed(words)] = None  # keep these only, of data that name labels
    microphone: Annotated[str | None, OneOf("mic1", "mic2")] = None  # keep one clip of a take: this one's, if it has it
    generated: bool = False  # take runs of this program too, and sound that it generated
    level: LevelConfig = LevelConfig()
    trim: TrimConfig | None = None
    tail_seconds: Annotated[float, Between(0.0, 60.0)] = 0.0  # silence after every file
    split: SplitConfig = SplitConfig()


@dataclass(frozen=True)
class OutputConfig:
    """The alphabet of the samples: mu-law codes with a categorical likelihood."""

    kind: Annotated[str, OneOf("categorical")]
    classes: Annotated[int, Between(2, 4_096)]


@dataclass(frozen=True)
class ModelConfig:
    """The network's dimensions."""

    input: Annotated[str, OneOf("embedding", "scalar")]
    kernel_size: Annotated[int | tuple[int, ...], Parsed(kernels)]
    dilations: Annotated[geometry.Stacks, Parsed(dilations)]
    residual_channels: Annotated[int, Between(1, 65_536)]
    gate_channels: Annotated[int, Between(1, 65_536)]
    skip_channels: Annotated[int, Between(1, 65_536)]
    head_channels: Annotated[int, Between(1, 65_536)]
    bias: bool
    dropout: Annotated[float, Between(0.0, 0.95)] = 0.0

    @property
    def kernels(self) -> tuple[int, ...]:
        """Taps of every layer, in order over all stacks."""
        layers = sum(len(stack) for stack in self.dilations)
        return (self.kernel_size,) * layers if isinstance(self.kernel_size, int) else self.kernel_size


@dataclass(frozen=True)
class TrainConfig:
    """The optimisation; everything of step n is a function of (seed, n, steps)."""

    batch_size: Annotated[int, Between(1, 65_536)]
    steps: Annotated[int, Between(1, 1_000_000_000)]
    learning_rate: Annotated[float, Between(1e-8, 1.0)]
    ema_decay: Annotated[float, Between(0.0, 0.999_999)] = 0.999
    seed: Annotated[int, Between(0, 2**63 - 1)] = 0
    warmup_steps: Annotated[int, Between(0, 10_000_000)] = 100
    final_rate: Annotated[float, Between(0.0, 1.0)] = 0.05  # share of the learning rate left at the last step
    weight_decay: Annotated[float, Between(0.0, 1.0)] = 0.0
    gradient_clip: Annotated[float, Between(1e-6, 1e6)] = 1.0
    log_steps: Annotated[int, Between(1, 1_000_000)] = 50
    validate_steps: Annotated[int, Between(1, 1_000_000_000)] = 500
    validate_targets: Annotated[int, Between(1, 1_000_000_000)] = 200_000
    sample_steps: Annotated[int, Between(1, 1_000_000_000)] = 1_000
    sample_seconds: Annotated[float, Between(0.01, 60.0)] = 2.0
    save_steps: Annotated[int, Between(1, 1_000_000_000)] = 500
    workers: Annotated[int, Between(0, 256)] = 0


@dataclass(frozen=True)
class Recipe:
    """One experiment, complete."""

    name: str
    audio: AudioConfig
    data: DataConfig
    output: OutputConfig
    model: ModelConfig
    train: TrainConfig

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
