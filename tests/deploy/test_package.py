"""The package for AWS: what goes in, that two builds are one, and that nobody is handed a package that was refused.

Wheels are made up here, so nothing is fetched. onpaid's own part is the real one.
"""

from __future__ import annotations

import ast
import dataclasses
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.package_aws import Places, build, main, write
from scripts.package_bytecode import with_bytecode
from scripts.package_contents import LEFT_OUT, SERVICES, SHARED, contents, own, wanted
from scripts.package_wheels import PackageError, Target, digest, fetched, host, installed
from tests.house.reading import SOURCE

HERE = host(sys.executable)
PURE = {"tiny/__init__.py": b"SIZE = 1\n", "tiny-1.dist-info/METADATA": b"Name: tiny\n"}


def wheel(folder: Path, files: dict[str, bytes], name: str = "tiny-1-py3-none-any.whl") -> Path:
    """A made-up wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as opened:
        for path, body in files.items():
            opened.writestr(path, body)
    return folder / name


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A small project with one dependency, whose wheel is already in the cache."""
    source = tmp_path / "src" / "onpaid"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("import tiny\n\n\ndef web(event, context):\n    return tiny.SIZE\n")
    made = wheel(tmp_path / "made", PURE)
    lock = tmp_path / "requirements-aws.lock"
    lock.write_text(f"tiny==1 \\\n    --hash=sha256:{digest(made)}\n")
    fetched(HERE, lock, tmp_path / "cache", lambda _, __, into: shutil.copy(made, into))
    handlers = {"onpaid": ("web",)}
    return Places(source, lock, tmp_path / "cache", tmp_path / "dist", handlers, entrances=())


# -- what goes in ------------------------------------------------------------------------------------------------


def test_templates_static_files_and_tables_go_in() -> None:
    held = own(SOURCE)
    for path in SOURCE.rglob("*"):
        name = path.relative_to(SOURCE).as_posix()
        if path.suffix in (".html", ".css", ".js", ".svg", ".toml", ".typed") and "simulators" not in name:
            assert held.get(f"onpaid/{name}") == path.read_bytes(), name


def test_what_no_handler_imports_stays_out() -> None:
    held = own(SOURCE)
    assert "onpaid/compose.py" in held
    for part in LEFT_OUT:
        assert (SOURCE / part).exists(), f"{part} is left out and does not exist"
        inside = {name.removeprefix("onpaid/") for name in held if name.startswith(f"onpaid/{part}")}
        assert inside <= set(SHARED), f"{part} is left out, but for what handlers share with it"


def test_the_entrance_that_was_agreed_only_hands_on() -> None:
    (entrance,) = Places().entrances
    held = contents(SOURCE, [], [entrance])
    assert held[entrance.name] == entrance.read_bytes()
    assert set(held) - set(own(SOURCE)) == {"lambda_function.py"}
    kinds = {type(node) for node in ast.parse(entrance.read_bytes()).body}
    assert kinds == {ast.Expr, ast.ImportFrom, ast.Assign}
    assert "onpaid/aws_reconcile.py" in held


def test_neither_bytecode_nor_hidden_files_go_in(tmp_path: Path) -> None:
    source = tmp_path / "onpaid"
    for name in ("a.py", "__pycache__/a.cpython-312.pyc", ".cache/a.json", "deep/.hidden", "deep/b.html"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"")
    assert list(own(source)) == ["onpaid/a.py", "onpaid/deep/b.html"]


@pytest.mark.parametrize(
    ("name", "goes_in"),
    [
        ("jinja2/environment.py", True),
        ("jinja2-3.dist-info/METADATA", True),
        ("jinja2-3.dist-info/licenses/LICENSE.txt", True),
        ("jinja2-3.dist-info/RECORD", False),
        ("jinja2-3.dist-info/INSTALLER", False),
        ("aiohttp/_http_parser.cpython-312-aarch64-linux-gnu.so", True),
        ("aiohttp/_http_parser.pyx", False),
        ("tiny/__pycache__/a.cpython-312.pyc", False),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/dynamodb/2012-08-10/service-2.json.gz", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("phonenumbers/data/region_IN.py", True),
        ("phonenumbers/geodata/data0.py", False),
        ("pycountry/databases/iso3166-1.json", True),
        ("pycountry/locales/nb/LC_MESSAGES/iso3166-1.mo", False),
    ],
)
def test_which_files_of_a_dependency_go_in(name: str, goes_in: bool) -> None:
    assert wanted(name) is goes_in


def named_services(source: ast.AST) -> Iterator[str]:
    """Services of AWS for which this module asks a client by name."""
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            first = node.args[0] if node.args else None
            if node.func.attr in ("client", "create_client") and isinstance(first, ast.Constant):
                yield str(first.value)


def test_every_service_that_is_called_has_its_description() -> None:
    modules = [body for name, body in own(SOURCE).items() if name.endswith(".py")]
    called = {each for body in modules for each in named_services(ast.parse(body))}
    assert called
    assert called <= set(SERVICES)


def test_a_wheel_is_read_as_what_it_installs(tmp_path: Path) -> None:
    files = {
        "tiny/a.py": b"1",
        "tiny-1.data/platlib/tiny/b.so": b"2",
        "tiny-1.data/scripts/tiny": b"3",
        "tiny-1.data/headers/tiny.h": b"4",
        "../outside.py": b"5",
    }
    assert installed(wheel(tmp_path, files)) == {"tiny/a.py": b"1", "tiny/b.so": b"2"}


def test_two_wheels_that_bring_the_same_file_are_refused(tmp_path: Path) -> None:
    first = wheel(tmp_path, {"same.py": b"1"}, "a-1-py3-none-any.whl")
    second = wheel(tmp_path, {"same.py": b"2"}, "b-1-py3-none-any.whl")
    with pytest.raises(PackageError, match=r"b-1.* both bring same\.py"):
        contents(tmp_path / "none", [first, second])


# -- one build is as the other -----------------------------------------------------------------------------------


def test_two_builds_of_our_own_part_are_the_same_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "onpaid"
    shutil.copytree(SOURCE, copy, copy_function=shutil.copyfile)
    for path in copy.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    write(tmp_path / "first.zip", own(SOURCE))
    write(tmp_path / "second.zip", dict(reversed(own(copy).items())))
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_entries_are_sorted_and_say_nothing_of_this_machine(tmp_path: Path) -> None:
    write(tmp_path / "some.zip", {"b/x.so": b"1", "a.py": b"2", "b/__init__.py": b"3"})
    with zipfile.ZipFile(tmp_path / "some.zip") as opened:
        entries = opened.infolist()
    assert [each.filename for each in entries] == ["a.py", "b/__init__.py", "b/x.so"]
    assert {each.date_time for each in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [each.external_attr >> 16 & 0o777 for each in entries] == [0o644, 0o644, 0o755]
    assert {each.create_system for each in entries} == {3}


def test_bytecode_is_the_same_twice_and_never_checked_against_its_source() -> None:
    files = {
        "tiny/__init__.py": b"WORDS = {'a', 'b', 'c', 'd'}\n\n\ndef has(x): return x in {'e', 'f', 'g'}\n"
    }
    first, second = (with_bytecode(files, HERE, sys.executable) for _ in range(2))
    assert first == second
    compiled = first[f"tiny/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"]
    assert compiled[4:8] == (1).to_bytes(4, "little"), "its flags: by hash, unchecked"


def test_bytecode_of_another_python_is_refused() -> None:
    other = Target("other", "2.7", HERE.machine, HERE.suffixes, ())
    with pytest.raises(PackageError, match=r"and the package is for Python 2\.7"):
        with_bytecode({"a.py": b""}, other, sys.executable)


# -- building ----------------------------------------------------------------------------------------------------


def test_a_package_is_built_tried_and_not_built_again(places: Places) -> None:
    package, line = build(HERE, places)
    assert "1 modules of onpaid imported" in line
    first = package.read_bytes()
    written = package.stat().st_mtime_ns
    assert "as before" in build(HERE, places)[1]
    assert package.stat().st_mtime_ns == written
    build(HERE, places, again=True)
    assert package.read_bytes() == first


def test_a_change_is_built(places: Places) -> None:
    package, _ = build(HERE, places)
    first = package.read_bytes()
    (places.source / "more.html").write_text("<p>more</p>")
    assert "as before" not in build(HERE, places)[1]
    assert package.read_bytes() != first


def test_a_damaged_package_is_built_again(places: Places) -> None:
    package, _ = build(HERE, places)
    first = package.read_bytes()
    package.write_bytes(first[:-1])
    build(HERE, places)
    assert package.read_bytes() == first


def test_an_entrance_is_in_the_package_tried_and_built_again_when_it_changes(
    places: Places, tmp_path: Path
) -> None:
    entrance = tmp_path / "door.py"
    entrance.write_text("from onpaid import web as handler\n")
    with_door = dataclasses.replace(places, entrances=(entrance,), handlers={"door": ("handler",)})
    package, _ = build(HERE, with_door)
    with zipfile.ZipFile(package) as opened:
        assert opened.read("door.py") == entrance.read_bytes()
    assert "as before" in build(HERE, with_door)[1]
    entrance.write_text("from onpaid import nothing as handler\n")
    with pytest.raises(PackageError, match="does not import"):
        build(HERE, with_door)


def test_compiled_modules_go_in_when_asked(places: Places) -> None:
    package, _ = build(HERE, places, python=sys.executable)
    with zipfile.ZipFile(package) as opened:
        compiled = [name for name in opened.namelist() if name.endswith(".pyc")]
    assert len(compiled) == 2


def test_nothing_is_left_of_a_package_that_is_refused(places: Places) -> None:
    build(HERE, places)
    (places.source / "lost.py").write_text("import typer_of_nobody\n")
    with pytest.raises(PackageError, match=r"onpaid/lost\.py imports typer_of_nobody"):
        build(HERE, places)
    assert not list(places.into.iterdir())


def test_a_changed_wheel_in_the_cache_is_refused(places: Places) -> None:
    wheel(next(places.cache.glob("wheels-*")), {"tiny/__init__.py": b"SIZE = 2\n"})
    with pytest.raises(PackageError, match="is not what the lock names"):
        build(HERE, places)


def test_the_command_says_why_in_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--only", "host", "--host", str(tmp_path / "python"), "--into", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("aws-package: ")
    assert "does not run" in told
    assert len(told.splitlines()) == 1
