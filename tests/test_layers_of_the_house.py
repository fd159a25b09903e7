"""Held: imports point down only, fences stand, names and lengths are kept, and a look at a recipe loads no torch."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import wavenet

HOUSE = Path(wavenet.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))
FLOORS = [  # a name with a dot is a module that lies deeper than the rest of its folder
    {"errors", "text"},
    {"disk", "progress", "geometry"},
    {"datasets"},
    {"recipe"},
    {"outputs"},
    {"model", "audio"},
    {"speech"},
    {"features"},
    {"generate"},
    {"evaluation"},
    {"sharing"},
    {"inspection"},
    {"bench"},
    {"pictures"},
    {"training"},
    {"cli"},
    {"__main__"},
]
FLOOR = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}

FENCES = {
    "lightning": {"training"},
    "pytorch_lightning": set(),
    "soundfile": {"audio"},
    "soxr": {"audio"},
    "torchaudio": {"audio"},
    "numba": {"generate.cpu"},
    "llvmlite": {"generate.cpu"},
    "yaml": {"recipe"},
    "matplotlib": {"pictures"},
}
TORCH_ONLY_WHEN_CALLED = {
    "cli",
    "cli.verbs",
    "cli.draws",
    "cli.demo",
    "cli.results",
    "cli.arguments",
    "outputs",
    "generate.sampler",
    "generate.voice",
    "generate.priming",
    "generate.sound",
    "generate.originals",
    "generate.vocode",
    "generate.demo",
    "audio.scan",
    "features.tracks",
    "features.fields",
    "bench.cases",
}
TORCH_FAMILY = {"torch", "torchaudio", "lightning", "pytorch_lightning", "torchmetrics"}


@dataclass(frozen=True)
class Import:
    """One import: who, what, where, and whether it runs while the module is loaded."""

    module: str
    target: str
    line: int
    at_load: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    parts = list(path.relative_to(HOUSE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


MODULES = {module_name(path): path for path in FILES}
NEVER_TORCH = {
    *("errors", "text", "disk", "progress"),
    *(f"inspection.{module}" for module in ("layers", "report", "text", "condition", "span")),
    *(module for module in MODULES if module.split(".")[0] in ("geometry", "datasets", "recipe")),
    *(module for module in MODULES if module.startswith("audio") and module != "audio.torchaudio_loader"),
    *(module for module in MODULES if module.startswith(("features", "speech"))),
    *("generate.packed", "generate.state", "generate.reference"),
    *(module for module in MODULES if module.startswith("generate.cpu")),
}


@functools.cache
def trees() -> dict[str, ast.Module]:
    """Return what each module is made of."""
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


def is_type_checking(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(module: str) -> Iterator[Import]:
    def walk(node: ast.AST, at_load: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for name in child.names:
                    yield Import(module, name.name, child.lineno, at_load)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module}:{child.lineno} imports relatively"
                for name in child.names:
                    yield Import(module, f"{child.module}.{name.name}", child.lineno, at_load)
            elif isinstance(child, ast.If) and is_type_checking(child):
                for inner in child.body:
                    yield from walk(ast.Module([inner], []), False)
                for inner in child.orelse:
                    yield from walk(ast.Module([inner], []), at_load)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from walk(child, False)
            else:
                yield from walk(child, at_load)

    yield from walk(trees()[module], True)


@functools.cache
def imports() -> list[Import]:
    """Return all imports of all modules."""
    return [one for module in MODULES for one in imports_of(module)]


def inside(one: Import) -> str | None:
    """Return the module of this package that an import reaches, or None."""
    if one.target.split(".")[0] != "wavenet":
        return None
    tail = one.target.split(".")[1:]
    while tail:
        if ".".join(tail) in MODULES:
            return ".".join(tail)
        tail.pop()
    return ""


def unit(module: str) -> str:
    return module if module in FLOOR else module.partition(".")[0]


def fenced_in(module: str, places: set[str]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


# --- imports ---------------------------------------------------------------------------------------------------------


def test_the_reader_of_imports_sees_them_all() -> None:
    seen = {(one.module, one.target, one.at_load) for one in imports()}
    assert ("recipe.safe_yaml", "yaml", True) in seen
    assert ("outputs.alphabet", "torch.Tensor", False) in seen  # for type checking only
    assert ("outputs.categorical", "torch.nn.functional", False) in seen  # inside a function
    assert ("model.network", "wavenet.geometry.Shape", True) in seen
    assert len(imports()) > 200


def test_every_module_has_a_floor() -> None:
    assert {unit(module) for module in MODULES} - {""} <= set(FLOOR)


def test_imports_point_down_only() -> None:
    wrong = []
    for one in imports():
        to = inside(one)
        if to is None or one.module == "" or one.target == "wavenet.__version__":
            continue
        here, there = unit(one.module), unit(to)
        if here != there and not (there in FLOOR and FLOOR[there] < FLOOR[here]):
            wrong.append(str(one))
    assert wrong == []


def test_the_front_door_loads_nothing() -> None:
    assert [str(one) for one in imports() if one.module == "" and one.at_load and inside(one) is not None] == []


def test_no_modules_import_in_a_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for one in imports():
        to = inside(one)
        if to and one.module and to != one.module:
            graph[one.module].add(to)
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("package", FENCES)
def test_each_fence_stands(package: str) -> None:
    users = [one for one in imports() if one.target.split(".")[0] == package]
    assert [str(one) for one in users if not fenced_in(one.module, FENCES[package])] == []


def test_no_fence_goes_around_by_name() -> None:
    calls = [  # `import_module("x")` is an import too
        (module, node)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__"))
    ]
    for package in ("lightning", "soundfile", "torchaudio", "yaml", "matplotlib"):
        for module, node in calls:
            if not fenced_in(module, FENCES[package]):
                assert not [a for a in node.args if package in ast.unparse(a)], f"{module}:{node.lineno}"


def test_no_torch_not_even_inside_a_function() -> None:
    found = [one for one in imports() if one.module in NEVER_TORCH and one.target.split(".")[0] in TORCH_FAMILY]
    assert [str(one) for one in found] == [] and len(NEVER_TORCH & set(MODULES)) == len(NEVER_TORCH) > 50


def test_torch_only_when_it_is_called_for() -> None:
    assert set(MODULES) >= TORCH_ONLY_WHEN_CALLED
    for module in TORCH_ONLY_WHEN_CALLED:
        check_loads_no_torch(module)


def check_loads_no_torch(module: str) -> None:
    reached, todo = {module}, [module]
    while todo:  # what loading the module loads
        here = todo.pop()
        for one in imports():
            if one.module == here and one.at_load:
                assert one.target.split(".")[0] not in TORCH_FAMILY, f"{module} loads torch: {one}"
                to = inside(one)
                if to and to not in reached:
                    reached.add(to)
                    todo.append(to)


# --- names and lengths -----------------------------------------------------------------------------------------------


def test_no_drawer_for_odds_and_ends() -> None:
    assert not {"utils.py", "common.py", "base.py"} & {path.name for path in FILES}


def test_nothing_that_a_package_offers_bears_the_name_of_a_module_in_it() -> None:
    offered = {"": set(wavenet.__all__)}  # `wavenet.scan` would be two things, and which one would hang on imports
    for module, tree in trees().items():
        if MODULES[module].name == "__init__.py" and module:
            names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            offered[module] = names | {one.target.rpartition(".")[2] for one in imports() if one.module == module}
    for module in MODULES:
        package, _, name = module.rpartition(".")
        assert name not in offered.get(package, set()) or not name, module


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{module}.{node.name}: {node.end_lineno - node.lineno + 1}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 60
    ]
    assert long == []


# --- what is loaded --------------------------------------------------------------------------------------------------


def heavy_after(script: str) -> set[str]:
    """Return which heavy packages a fresh interpreter has loaded after some lines."""
    check = "\nprint('loaded:', *sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", "import sys\n" + script + check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.splitlines()[-1].removeprefix("loaded: ").split())
    assert "wavenet" in loaded
    return loaded & {*TORCH_FAMILY, "numpy", "soundfile", "matplotlib"}


LOOKS = """
import wavenet
from wavenet import cli
try:
    cli.main(["--help"])
except SystemExit as done:
    assert done.code == 0
assert cli.main(["inspect", "quickstart"]) == 0
assert cli.main(["inspect", "quickstart", "--json", "--layers"]) == 0
assert cli.main(["inspect", "digits", "--lags"]) == 0
assert cli.main(["inspect", "digits", "--span", "250ms"]) == 0
assert cli.main(["recipes", "--keys", "train"]) == 0
assert wavenet.inspect("digits").receptive_field == 1024
assert cli.main(["inspect", "nothing-of-that-name"]) == 2
"""


def test_a_look_at_a_recipe_loads_neither_torch_nor_numpy() -> None:
    assert heavy_after(LOOKS) == set()


def test_a_voice_is_ready_without_torch() -> None:
    assert not heavy_after("import wavenet.generate.voice, wavenet.generate.reference") & TORCH_FAMILY


def test_sound_at_another_rate_is_scanned_and_continued_without_torch(tmp_path: Path) -> None:
    script = f"""
import numpy, soundfile, wavenet
from wavenet.generate import priming
soundfile.write({str(tmp_path / "a.wav")!r}, 0.1 * numpy.random.default_rng(0).standard_normal(44_100), 44_100)
assert len(priming.mono({str(tmp_path / "a.wav")!r}, 8_000)) == 8_000
assert wavenet.scan({str(tmp_path)!r}, "digits").minutes_kept > 0
"""
    assert not heavy_after(script) & TORCH_FAMILY


def test_every_module_has_a_test_file_of_its_own() -> None:
    tests = {path.stem for path in Path(__file__).parent.rglob("test_*.py")}
    modules = [path for path in HOUSE.rglob("*.py") if not path.stem.startswith("__")]
    assert [path.stem for path in modules if f"test_{path.stem}" not in tests] == []
