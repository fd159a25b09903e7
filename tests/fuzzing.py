"""Wrong input by the thousand: mutations of text and of plain values, and a judge of what becomes of each.

Run as a program it judges a range of cases under a limit of memory, and a limit of time for each:
``python fuzzing.py FIRST LAST SHARE``, where one case in SHARE goes through the command line.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).parent.parent
RECIPES = sorted((HOUSE / "recipes").glob("*.yaml"))
LAYERS = sorted((HOUSE / "samples" / "layers").glob("*.yaml"))
MEMORY = 1 << 30
SECONDS = 20  # for one case, on a machine that does other things too
LONGEST = 700  # characters of a line that says what is wrong, the path of the file apart

# --- text ------------------------------------------------------------------------------------------------------------

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {k: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [{','.join(['*' + a] * 9)}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
TAGS = ("python/object/apply:os.system ['echo']", "python/name:os.system", "python/object/new:os.system ['x']", "int x")
TAGS += ("binary ====", "timestamp 1-1-1", "set {a, b}", "omap [a: 1]", "pairs [a: 1]", "float .", "null 3", "bool x")
WORDS = ("1e400", "-1e400", ".inf", "-.inf", ".nan", "nan", "0x" + "f" * 400, "9" * 4299, "9" * 4400, "-1", "0", "1e3")
WORDS += ("true", "~", "", "''", '"\\0"', '"\\ud800"', '"\\x07"', "1:59:59", ":".join(["1"] * 3000), "0b1", "0o7")
WORDS += ("2001-01-01",)
WORDS += ("2001-99-99", "[]", "{}", "[[]]", "{a: {b: c}}", "[" * 500, "{a: " * 500, "&a [*a]", "&a {a: *a}", "*nothing")
WORDS += ("!x y", "'" + "w" * 30_000 + "'", "[" + "1, " * 3000 + "]", "- - - -", "? ? ?", "<<: {a: 1}", "| \n  text")
WORDS += ("\u2028x", "é" * 50)


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Return some bytes with a few changed, taken out or put in."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(made) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del made[at : at + rng.randint(1, 40)]
        elif kind == 2:
            made[at:at] = rng.choice(
                [b"\0", b"\xff\xfe", b"\xc3\x28", b"\t", b"\r", b"\n", b"\x1b[2J", b"\xed\xa0\x80", b"\xef\xbb\xbf"]
            )
        else:
            made[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 6)))
    return bytes(made)


def relined(rng: random.Random, data: bytes) -> bytes:
    """Return text with lines dropped, doubled, swapped, indented or cut short."""
    lines = data.split(b"\n")
    for _ in range(rng.randint(1, 3)):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.randrange(6)
        if kind == 0 and len(lines) > 1:
            del lines[i]
        elif kind == 1:
            lines.insert(j, lines[i])
        elif kind == 2:
            lines[i], lines[j] = lines[j], lines[i]
        elif kind == 3:
            lines[i] = (
                rng.choice([b" ", b"    ", b"\t", b"- ", b"? ", b": ", b"---\n", b"...\n", b"%YAML 9.9\n"]) + lines[i]
            )
        elif kind == 4:
            lines[i] = lines[i].lstrip()
        else:
            lines[i] = lines[i][: rng.randrange(len(lines[i]) + 1)]
    return b"\n".join(lines)


def reworded(rng: random.Random, data: bytes) -> bytes:
    """Return text where the value behind a colon is another, tagged, or a bomb of aliases."""
    text = data.decode("utf-8")
    places = [i for i, letter in enumerate(text) if letter == ":"]
    at = rng.choice(places) + 1 if places else 0
    end = min((e for e in (text.find(stop, at) for stop in ",\n}") if e >= 0), default=len(text))
    word = "!!" + rng.choice(TAGS) if rng.random() < 0.3 else rng.choice(WORDS)
    made = f"{text[:at]} {word}{text[end:]}"
    if rng.random() < 0.15:
        made = rng.choice([BOMB, MERGES]) + made.replace(word, "*i", 1)
    return made.encode("utf-8", "surrogatepass")


# --- plain values ----------------------------------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (None, True, False, 0, -1, 1, 2, 3, 7, 2**31, 2**63, 2**64, -(2**63), 10**30, 16**5000)
VALUES += (1.5, -0.0, 1e-320)
VALUES += (1e308, float("inf"), float("-inf"), float("nan"), "", "x", "1", "1e3", "nan", "\0", "\n", "a\nb")
VALUES += ("\ud800", "~", "../..")
VALUES += ("w" * 20_000, "é" * 99, [], {}, [[]], [1], [1, 2, 4], [[1], [2]], [0], [[1, -1]], [1] * 1001)
VALUES += ([[1] * 99] * 99, [50_000_000])
VALUES += ({"a": 1}, {1: 2}, {None: None}, {"pattern": "hdc", "layers": 24, "cycles": 41})
VALUES += ({"pattern": ["x"] * 9, "layers": 1}, {"pool": "global"}, 65_536, 4_096)
VALUES += ({"pattern": "exponential", "layers": 26, "cycles": 1000}, {"pattern": "constant", "layers": 10**9})
VALUES += ({16**5000: 1}, {"k" * 20_000: 1}, b"bytes", (1, 2), 1_000_000)


def bomb(shared: bool) -> Any:
    """Return a list that is small in memory and endless in print; a small one where nothing can be shared."""
    made: Any = ["x"] * 9
    for _ in range(12 if shared else 2):
        made = [made] * 9
    return made


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return where values stand in a tree, as keys and indices from the top."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(rng: random.Random, tree: Any, shared: bool = True) -> Any:
    """Return a tree with one to three values removed, renamed, replaced, nested or repeated.

    Args:
        rng: draws.
        tree: plain values.
        shared: whether what it is written as can name one part many times, as YAML can and JSON cannot.
    """
    made, known = copy.deepcopy(tree), list(places(tree))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        with contextlib.suppress(LookupError, TypeError):  # an earlier change took the place away
            _change(rng, made, rng.choice(known), shared)
    return made


def _change(rng: random.Random, made: Any, place: tuple[Any, ...], shared: bool) -> None:
    *way, last = place
    inner = made
    for key in way:
        inner = inner[key]
    kind = rng.randrange(8)
    if kind == 0:
        del inner[last]
    elif kind == 1 and isinstance(inner, dict):
        names = [f"{last}s", str(last)[1:], "x", 7, None, 16**5000, "k" * 9999, "a\nb"]
        inner[rng.choice(names)] = inner.pop(last)
    elif kind == 2:
        inner[last] = {"in": inner[last]} if rng.random() < 0.5 else [inner[last]]
    elif kind == 3:
        inner[last] = [inner[last]] * rng.choice([1, 2, 1001])
    elif kind == 4:
        inner[last] = bomb(shared)
    else:
        inner[last] = rng.choice(VALUES)


def override(rng: random.Random, tree: Any) -> str:
    """Return a KEY=VALUE, mostly with a key that there is."""
    key = ".".join(str(part) for part in rng.choice(list(places(tree))))
    key = rng.choice(
        [key, key, key, key + ".x", key[1:], key.upper(), "", ".", "x" * 9999, "a." * 5000, "é", key + "\n", "\ud800"]
    )
    equals = "" if rng.random() < 0.03 else "="
    value = rng.choice([*WORDS, *("!!" + tag for tag in TAGS), BOMB, MERGES, "[[1, 2], [4]]", "8000", "0.5"])
    return key + equals + value


# --- judging ---------------------------------------------------------------------------------------------------------


class Hang(BaseException):
    """A case took too long; no `except Exception` catches it."""


@contextlib.contextmanager
def watched(seconds: float = SECONDS) -> Iterator[None]:
    """Raise Hang where what follows takes longer."""

    def ring(number: int, frame: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge_error(error: Exception, names: tuple[str, ...]) -> str | None:
    """Return what is wrong with a refusal, or None."""
    from wavenet.errors import InputError

    text = str(error)
    if not isinstance(error, InputError) or error.exit_code != 2:
        return f"raises {type(error).__name__}: {text[:200]}"
    if "\n" in text or len(text) > LONGEST:
        return f"says {len(text)} characters in {len(text.splitlines())} lines: {text[:200]!r}"
    if not any(name in text for name in names):
        return f"names neither file nor key: {text!r}"
    return None


def judge_recipe(path: Path, overrides: list[str]) -> str | None:
    """Return what is wrong with a recipe's fate, or None: it loads to what its dump loads to, or is refused."""
    from wavenet.recipe import read

    try:
        recipe = read.load(path, overrides)
    except Exception as error:  # noqa: BLE001  (any may come: that is what is looked for)
        return judge_error(error, (str(path), "--set"))
    again = path.with_name("again.yaml")
    again.write_text(read.dump(recipe), encoding="utf-8")
    return None if read.load(again) == recipe else "its dump loads to another record"


def judge_design(path: Path) -> str | None:
    """Return what is wrong with what `inspect` makes of a file, or None."""
    from wavenet.inspection import text

    try:
        text.describe(text.inspect(path))
    except Exception as error:  # noqa: BLE001
        return judge_error(error, (str(path),))
    return None


def judge_command(arguments: list[str]) -> str | None:
    """Return what is wrong with what the command line makes of its arguments, or None: exit 0, or 2 and one line."""
    from wavenet import cli

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(arguments)
        except SystemExit as ended:  # argparse
            code = ended.code if isinstance(ended.code, int) else 1
    said = err.getvalue()
    if code not in (0, 2) or "Traceback" in said:
        return f"exits {code}: {said[:300]}"
    if code == 2 and (said.count("\n") != 1 or len(said) > LONGEST or out.getvalue()):
        return f"exits 2 and says {said[:300]!r}, {len(out.getvalue())} characters of result"
    return None


# --- cases -----------------------------------------------------------------------------------------------------------


def as_yaml(tree: Any) -> bytes:
    """Return a tree as YAML, shared parts as anchors."""
    with contextlib.suppress(ValueError, TypeError, yaml.YAMLError, RecursionError):
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=False).encode("utf-8", "surrogatepass")
    return repr(type(tree)).encode()


def as_json(tree: Any) -> bytes:
    """Return a tree as JSON, or something that is none."""
    with contextlib.suppress(ValueError, TypeError, RecursionError, MemoryError):
        return json.dumps(tree, indent=1).encode("utf-8", "surrogatepass")
    return b"{" * 5000


def text_mutant(rng: random.Random, data: bytes) -> bytes:
    """Return a mutation of text, now and then of another mutation."""
    for _ in range(1 + (rng.random() < 0.2)):
        change = rng.choice([flipped, relined, reworded])
        with contextlib.suppress(UnicodeDecodeError):
            data = change(rng, data)
    return data


def recipe_case(rng: random.Random, folder: Path, commanded: bool) -> str | None:
    """Judge a mutated recipe, or a recipe with mutated overrides."""
    text, overrides = rng.choice(RECIPES).read_bytes(), []
    kind = rng.randrange(3)
    if kind == 0:
        text = text_mutant(rng, text)
    elif kind == 1:
        text = as_yaml(changed(rng, whole(text) if rng.random() < 0.5 else yaml.safe_load(text)))
    else:
        overrides = [override(rng, whole(text)) for _ in range(rng.randint(1, 2))]
    path = folder / "some.yaml"
    path.write_bytes(text)
    if not commanded:
        return judge_recipe(path, overrides)
    if kind != 2 and rng.random() < 0.5:
        return judge_command(["inspect", str(path), *rng.choice([[], ["--json"], ["--layers"], ["--lags"]])])
    sets = [word for one in overrides for word in ("--set", one)]
    return judge_command(["train", str(path), "--dry-run", "--print-config", *sets])


def whole(text: bytes) -> Any:
    """Return a recipe's tree with every key there is."""
    from wavenet.recipe import read

    return read.to_tree(read.from_tree(yaml.safe_load(text), "a recipe"))


def bundle_case(rng: random.Random, folder: Path, commanded: bool) -> str | None:
    """Judge a bundle's mutated config.json."""
    tree = {
        "format": "wavenet-bundle",
        "version": 1,
        "sha256": "0" * 64,
        "recipe": whole(rng.choice(RECIPES).read_bytes()),
    }
    tree |= {"data": {"source": "folder", "files": {"train": 3}}, "training": {"valid_bits": 4.0, "order0_bits": 7.0}}
    text = text_mutant(rng, as_json(tree)) if rng.random() < 0.4 else as_json(changed(rng, tree, shared=False))
    path = folder / "config.json"
    path.write_bytes(text)
    if commanded:
        return judge_command(["inspect", str(folder)])
    return judge_recipe(path, [])


def run_case(rng: random.Random, folder: Path, commanded: bool) -> str | None:
    """Judge a run's mutated config.yaml."""
    tree = whole(rng.choice(RECIPES).read_bytes())
    text = text_mutant(rng, as_yaml(tree)) if rng.random() < 0.5 else as_yaml(changed(rng, tree))
    (folder / "config.yaml").write_bytes(text)
    (folder / "environment.json").write_text("{}")
    if commanded:
        return judge_command(["train", str(folder), "--dry-run", "--print-config", "--resume"])
    return judge_recipe(folder / "config.yaml", [])


def layers_case(rng: random.Random, folder: Path, commanded: bool) -> str | None:
    """Judge a mutated LAYERS.yaml."""
    text = rng.choice(LAYERS).read_bytes()
    text = text_mutant(rng, text) if rng.random() < 0.5 else as_yaml(changed(rng, yaml.safe_load(text)))
    path = folder / "layers.yaml"
    path.write_bytes(text)
    return judge_command(["inspect", str(path), "--json"]) if commanded else judge_design(path)


CASES: tuple[Callable[[random.Random, Path, bool], str | None], ...] = (
    *(recipe_case,) * 6,
    *(bundle_case,) * 2,
    run_case,
    layers_case,
)


def judged(seed: int, share: int) -> str | None:
    """Return what is wrong with what becomes of one case, or None; one in `share` goes through the command line."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        try:
            with watched():
                return rng.choice(CASES)(rng, Path(folder), seed % share == 0)
        except Hang:
            return f"takes more than {SECONDS} seconds"
        except MemoryError:
            return f"takes more than {MEMORY >> 20} MiB"
        except Exception as error:  # noqa: BLE001  (of the judge itself: told with the case)
            return f"cannot be judged: {type(error).__name__}: {error}"[:400]


def main(first: int, last: int, share: int) -> None:
    """Judge a range of cases; print what is wrong with them, and last how many there were."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(first, last):
        wrong = judged(seed, share)
        if wrong is not None:
            print(f"case {seed}: {wrong}".replace("\n", " "), flush=True)
    print(f"judged {last - first}")


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:4]))
