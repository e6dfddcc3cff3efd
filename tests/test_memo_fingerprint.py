"""Which edits change a fingerprint, which do not, and what it names."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools import registry
from tools.errors import ConfigurationError, StaleCodeError
from tools.memo.closure import INFRASTRUCTURE, Closures
from tools.memo.fingerprint import Fingerprints
from tools.memo.sources import Sources
from tools.memo.syntax import digests

_names = (f"fingerprinted{number}" for number in itertools.count())
"""A new package name per test: Python remembers where it found a package."""


class Package:
    """A package in a temporary folder; `code()` reads it anew, as a new process would."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = next(_names)
        self.folder = root / self.name
        self.folder.mkdir()
        monkeypatch.syspath_prepend(root)
        self.write("__init__.py", "")

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("PKG", self.name))

    def code(self, module: str = "tool", *names: str) -> Mapping[str, str]:
        reached = Closures(Sources()).reach([(f"{self.name}.{module}", name) for name in names or ("run",)])
        return {place.removeprefix(f"{self.name}."): digest for place, digest in reached.code.items()}

    def interface(self, *names: str) -> Mapping[str, str]:
        return Closures(Sources()).reach([(f"{self.name}.tool", name) for name in names]).interface


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    return Package(tmp_path, monkeypatch)


TOOL = '''
"""Module."""
from __future__ import annotations
import math as m
from typing import TYPE_CHECKING
from dataclasses import dataclass
from pydantic import BaseModel, Field, field_validator
from PKG import shapes
from PKG.area import area as measured, decorate
from PKG.base import Base
if TYPE_CHECKING:
    from PKG.typed import Typed

LIMIT = 5
UNUSED = 7

class Params(BaseModel, Base):
    """What it does."""
    size: int = Field(default=LIMIT, gt=0, description="Its size.")
    def total(self, other: Typed) -> int:
        return m.floor(self.size)

@decorate
def run(params: Params, scale: float = 1.0) -> float:
    """Run."""
    from PKG.local import inner
    area = shapes.ring(params.size)
    return measured(area) + inner(scale) + params.total(None)

def unused():
    return UNUSED
'''

AREA = """
from PKG.constants import FACTOR
def area(x):
    # A comment.
    return x * FACTOR
def decorate(function):
    return function
def other():
    return 1
"""

FILES = {
    "tool.py": TOOL,
    "area.py": AREA,
    "constants.py": "FACTOR = 2\nOTHER = 3\n",
    "base.py": "class Base:\n    def hook(self):\n        return 1\n",
    "typed.py": "class Typed:\n    def method(self):\n        return 1\n",
    "local.py": "from PKG import reexport\ndef inner(x):\n    return reexport.deep(x)\n",
    "reexport/__init__.py": "from PKG.reexport.deeper import deep_down as deep\n",
    "reexport/deeper.py": "def deep_down(x):\n    return x\ndef not_so(x):\n    return x\n",
    "shapes.py": "def ring(x):\n    return x\ndef disc(x):\n    return x\n",
}

REACHED = {
    "area:area",
    "area:decorate",
    "base:Base",
    "constants:FACTOR",
    "local:inner",
    "reexport.deeper:deep_down",
    "shapes:ring",
    "tool:LIMIT",
    "tool:Params",
    "tool:run",
    "typed:Typed",
}


@pytest.fixture
def sample(package: Package) -> Package:
    for path, text in FILES.items():
        package.write(path, text)
    return package


def test_everything_reached_is_named_and_nothing_else(sample: Package) -> None:
    assert set(sample.code()) == REACHED


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("area.py", "# A comment.", "# Another comment, on the same line."),
        ("area.py", "return x * FACTOR", "return (x\n        * FACTOR)"),  # formatting
        ("area.py", "def area(x):", 'def area(x):\n    """Now with a docstring."""'),
        ("area.py", "def area(x):", "def area(x: float) -> float:"),  # annotations of functions
        ("area.py", "return 1", "return 2"),  # a helper that is not reached
        ("constants.py", "OTHER = 3", "OTHER = 4"),
        ("tool.py", '"""Module."""', '"""Another."""'),
        ("tool.py", '"""What it does."""', '"""What it does, in other words."""'),
        ("tool.py", "Its size.", "The size."),
        ("base.py", "class Base:", '"""Docstring of a module."""\nclass Base:\n    """Docstring of a class."""'),
        ("tool.py", "UNUSED = 7", "UNUSED = 8"),
        ("shapes.py", "def disc(x):\n    return x", "def disc(x):\n    return 2 * x"),
        ("tool.py", "import math as m", "import sys\nimport math as m"),  # an import that nobody uses
    ],
)
def test_edit_without_effect_leaves_the_fingerprint_alone(sample: Package, path: str, old: str, new: str) -> None:
    before = sample.code()
    assert old in FILES[path]
    sample.write(path, FILES[path].replace(old, new))
    assert sample.code() == before


@pytest.mark.parametrize(
    ("path", "old", "new", "changed"),
    [
        ("area.py", "x * FACTOR", "x / FACTOR", {"area:area"}),
        ("area.py", "return function", "return lambda *_: 0", {"area:decorate"}),
        ("constants.py", "FACTOR = 2", "FACTOR = 2.0", {"constants:FACTOR"}),
        ("base.py", "return 1", "return 2", {"base:Base"}),
        ("typed.py", "return 1", "return 2", {"typed:Typed"}),  # a method of a class that only an annotation names
        ("local.py", "deep(x)", "deep(-x)", {"local:inner"}),
        ("reexport/deeper.py", "def deep_down(x):\n    return x", "def deep_down(x):\n    return -x", {"reexport.deeper:deep_down"}),
        ("shapes.py", "def ring(x):\n    return x", "def ring(x):\n    return -x", {"shapes:ring"}),
        ("tool.py", "LIMIT = 5", "LIMIT = 6", {"tool:LIMIT"}),
        ("tool.py", "gt=0", "gt=1", {"tool:Params"}),  # a bound
        ("tool.py", "size: int", "size: float", {"tool:Params"}),  # the type of a field
        ("tool.py", "scale: float = 1.0", "scale: float = 2.0", {"tool:run"}),  # a default
        ("tool.py", "import math as m", "import cmath as m", {"tool:Params"}),  # what an imported name is bound to
        ("tool.py", "import area as measured", "import other as measured", {"tool:run", "area:area", "area:other", "constants:FACTOR"}),
        ("reexport/__init__.py", "deep_down as deep", "not_so as deep", {"reexport.deeper:deep_down", "reexport.deeper:not_so"}),
    ],
)
def test_edit_with_an_effect_changes_exactly_what_it_touches(sample: Package, path: str, old: str, new: str, changed: set[str]) -> None:
    before = sample.code()
    assert old in FILES[path]
    sample.write(path, FILES[path].replace(old, new, 1))
    after = sample.code()
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == changed


@pytest.mark.parametrize(
    ("files", "reached"),
    [
        # a module that is passed around whole is reached whole
        ({"tool.py": "from PKG import a\ndef run(name): return getattr(a, name)", "a.py": "def f(): pass\ndef g(): pass"}, {"a:f", "a:g"}),
        # so is one that is imported by a name standing in the call
        ({"tool.py": "from importlib import import_module\ndef run(): return import_module('PKG.a')", "a.py": "def f(): pass"}, {"a:f"}),
        # `import a.b` without alias, then the whole chain
        ({"tool.py": "import PKG.a\ndef run(): return PKG.a.f()", "a.py": "def f(): pass\ndef g(): pass"}, {"a:f"}),
        # relative imports
        (
            {
                "tool.py": "from .a import f\nfrom . import b\ndef run(): return f() + b.g()",
                "a.py": "def f(): pass",
                "b.py": "def g(): pass",
            },
            {"a:f", "b:g"},
        ),
        # star imports
        ({"tool.py": "from PKG.a import *\ndef run(): return f()", "a.py": "def f(): pass\ndef g(): pass"}, {"a:f"}),
        # both arms of a guarded import, and the guard
        (
            {"tool.py": "try:\n    from PKG.a import f\nexcept ImportError:\n    from PKG.b import f\ndef run(): return f()"}
            | {"a.py": "def f(): pass", "b.py": "def f(): pass"},
            {"a:f", "b:f", "tool:<module>"},
        ),
        # a table of functions
        ({"tool.py": "def f(): pass\ndef g(): pass\nTABLE = {'f': f}\ndef run(): return TABLE['f']()"}, {"tool:TABLE", "tool:f"}),
        # a table that is filled afterwards
        ({"tool.py": "def f(): pass\nTABLE = {}\nTABLE['f'] = f\ndef run(): return TABLE"}, {"tool:<module>", "tool:TABLE", "tool:f"}),
        # a table that a decorator of ours fills
        (
            {"tool.py": "from PKG.a import TABLE\ndef run(): return TABLE"}
            | {"a.py": "TABLE = {}\ndef enter(f):\n    TABLE[f.__name__] = f\n    return f\n@enter\ndef f(): pass\ndef g(): pass"},
            {"a:TABLE", "a:enter", "a:f"},
        ),
        # what importing the packages above does
        ({"__init__.py": "import os\nos.environ['X'] = '1'", "tool.py": "def run(): pass"}, {":<module>"}),
        # a decorator, a default, a base class, a metaclass
        ({"tool.py": "def d(f): return f\ndef v(): pass\n@d\ndef run(x=v()): pass"}, {"tool:d", "tool:v"}),
        (
            {"tool.py": "class M(type): pass\nclass B(metaclass=M): pass\nclass C(B): pass\ndef run(): return C()"},
            {"tool:M", "tool:B", "tool:C"},
        ),
        # an alias in an annotation leads to the class, and does not count itself
        ({"tool.py": "class C: pass\nA = list[C]\ndef run(x: 'A'): pass"}, {"tool:C"}),
        # a local variable is not the helper of the same name; the iterable of a comprehension stands outside it
        ({"tool.py": "def f(): pass\ndef run(f): return f"}, set()),
        ({"tool.py": "def f(): pass\ndef run():\n    f = 1\n    return f"}, set()),
        ({"tool.py": "def f(): pass\ndef run(): return [f for f in range(3)]"}, set()),
        ({"tool.py": "f = [1]\ndef run(): return [f for f in f]"}, {"tool:f"}),
        # a global that a function sets
        ({"tool.py": "STATE = 1\ndef run():\n    global STATE\n    STATE = 2"}, {"tool:STATE"}),
        # a nested function sees the imports of the one around it
        ({"tool.py": "def run():\n    from PKG.a import f\n    return lambda: f()", "a.py": "def f(): pass\ndef g(): pass"}, {"a:f"}),
        # a lazy attribute of a package
        (
            {"tool.py": "from PKG import a\ndef run(): return a.lazy", "a.py": "def __getattr__(name): pass\ndef g(): pass"},
            {"a:__getattr__"},
        ),
        # other people's packages are not followed
        ({"tool.py": "import json\ndef run(): return json.dumps(1)"}, set()),
    ],
)
def test_name_is_followed_by_pythons_rules(package: Package, files: dict[str, str], reached: set[str]) -> None:
    for path, text in files.items():
        package.write(path, text)
    found = {name.replace(f"{package.name}:", ":") for name in package.code()}
    assert found == reached | {"tool:run"}


def test_description_of_a_field_that_had_none_is_no_code(package: Package) -> None:
    text = "from pydantic import BaseModel, Field as F\nclass run(BaseModel):\n    x: int = F()\n"
    package.write("tool.py", text)
    before = package.code()
    package.write("tool.py", text.replace("F()", "F(description='What it is.', examples=[1], title='X')"))
    assert package.code() == before
    package.write("tool.py", text.replace("F()", "F(json_schema_extra={})"))
    assert package.code() != before


def test_import_of_a_name_made_at_run_time_is_refused(package: Package) -> None:
    package.write("tool.py", "from importlib import import_module\ndef run(name): return import_module('PKG.' + name)")
    with pytest.raises(ConfigurationError, match="tool:run imports a module whose name is made when it runs"):
        package.code()


def test_interface_has_a_digest_of_its_own(sample: Package) -> None:
    before = sample.interface("Params")
    sample.write("tool.py", FILES["tool.py"].replace("gt=0", "gt=1").replace("# A comment.", ""))
    assert sample.interface("Params") == before
    sample.write("tool.py", FILES["tool.py"].replace("Its size.", "The size."))
    assert sample.interface("Params") != before


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = f'{a}b' 'c'", "x = f'{a}bc'", True),
        ("x = f'{a:>{n}}'", "x = f'{a:<{n}}'", False),
        ("x = 1", "x = 1.0", False),
        ("x = 1", "x = True", False),
        ("x = 'a'", "x = b'a'", False),
        ("x = ['a', 'b']", "x = ['a,b']", False),
        ("x = -0.0", "x = 0.0", False),
        ("x = u'a'", "x = 'a'", True),
        ("x: int = 1", "x = 1", False),  # another kind of statement
        ("x: int = 1", "x: float = 1", True),
        ("def f():\n    x: int = 1", "def f():\n    x: float = 1", True),
        ("class C:\n    x: int", "class C:\n    x: float", False),
        ("if a:\n    b()\nc()", "if a:\n    b()\n    c()", False),
        (f"x = {'9' * 5000}", f"x = {'9' * 5000}", True),  # more digits than int may print
    ],
)
def test_digest_tells_meanings_apart(one: str, other: str, same: bool) -> None:
    def digest(text: str) -> str:
        return digests(compile(text.replace("9" * 5000, "9"), "", "exec", ast.PyCF_ONLY_AST).body, lambda _: False).code

    assert (digest(one) == digest(other)) is same


def test_digest_does_not_see_optional_fields_that_a_newer_python_adds() -> None:
    tree = ast.parse("def f(x):\n    return x")
    before = digests(tree.body, lambda _: False)

    class Newer(ast.FunctionDef):
        _fields = (*ast.FunctionDef._fields, "added_list", "added_value")

    function = tree.body[0]
    newer = Newer(**dict(ast.iter_fields(function)), added_list=[], added_value=None)
    Newer.__name__ = "FunctionDef"
    assert digests([newer], lambda _: False) == before


def test_fingerprint_of_the_real_tools_leaves_the_machinery_out() -> None:
    fingerprints = Fingerprints(Sources())
    for name in registry.names():
        definitions = fingerprints.of(registry.load(name)).definitions
        assert not [place for place in definitions if place.startswith(INFRASTRUCTURE)]
        assert f"{registry.MODULES[name]}:run" in definitions


def test_root_that_is_not_at_the_top_level_is_refused() -> None:
    from dataclasses import replace

    tool = replace(registry.load("calculate"), run=lambda _params, _context: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(ConfigurationError, match="no name at the top level"):
        Fingerprints(Sources()).of(tool)


def test_source_that_was_edited_after_the_first_look_is_stale(sample: Package) -> None:
    sources = Sources()
    modules = Closures(sources).reach([(f"{sample.name}.tool", "run")]).modules
    sources.check(modules)
    sample.write("area.py", FILES["area.py"])  # saved, but the same
    sources.check(modules)
    sample.write("area.py", FILES["area.py"] + "\n# edited\n")
    with pytest.raises(StaleCodeError, match=f"{sample.name}.area"):
        sources.check(modules)


def test_source_that_was_edited_between_import_and_first_reading_is_stale(sample: Package) -> None:
    sources = Sources()
    sources.watch(sample.name)  # what the runner does before it imports a tool
    sample.write("area.py", FILES["area.py"] + "\n# edited\n")
    modules = Closures(sources).reach([(f"{sample.name}.tool", "run")]).modules
    with pytest.raises(StaleCodeError):
        sources.check(modules)


def test_source_that_is_gone_is_stale(sample: Package) -> None:
    sources = Sources()
    modules = Closures(sources).reach([(f"{sample.name}.tool", "run")]).modules
    (sample.folder / "area.py").unlink()
    with pytest.raises(StaleCodeError):
        sources.check(modules)


def test_kept_analyses_give_the_same_fingerprints_and_survive_damage(tmp_path: Path) -> None:
    kept = tmp_path / "code"
    tools = [registry.load(name) for name in registry.names()]
    fresh = [Fingerprints(Sources()).of(tool) for tool in tools]
    first = Fingerprints(Sources())
    assert [first.of(tool, kept) for tool in tools] == fresh
    files = sorted(kept.iterdir())
    for path, content in zip(files, itertools.cycle((b"", b"[]", b"{}", b'{"definitions": {"f": [1]}}')), strict=False):
        path.write_bytes(content)
    second = Fingerprints(Sources())
    assert [second.of(tool, kept) for tool in tools] == fresh


def test_kept_analysis_of_an_edited_module_is_not_used(sample: Package, tmp_path: Path) -> None:
    def code() -> Mapping[str, str]:
        return Closures(Sources()).reach([(f"{sample.name}.tool", "run")], tmp_path / "code").code

    before = code()
    assert code() == before
    sample.write("area.py", FILES["area.py"].replace("x * FACTOR", "x / FACTOR"))
    assert {name for name in before if code()[name] != before[name]} == {f"{sample.name}.area:area"}
