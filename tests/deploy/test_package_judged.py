"""What the package for AWS is judged by: its lock, its sizes, its native files, and that handlers import from it alone."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.package_aws import Places, write
from scripts.package_check import alike, architecture, imports, sizes
from scripts.package_contents import contents
from scripts.package_wheels import AARCH64, LAMBDA, PackageError, fetched, host, locked, reason
from tests.house.reading import ROOT, SOURCE, named_rows, page

LOCK = ROOT / "requirements-aws.lock"
HERE = host(sys.executable)


def pins(name: str) -> dict[str, str]:
    """Package to version, in one of our locks. Conditions are cut off: this is about versions."""
    text = re.sub(r" ;[^\\]*", " ", (ROOT / name).read_text(encoding="utf-8"))
    return dict(each.split("==") for each in locked(text))


def bare(requirement: str) -> str:
    return re.split(r"[<>=~! ]", requirement)[0]


# -- the lock ----------------------------------------------------------------------------------------------------


def test_each_dependency_goes_in_or_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    all_of_them = {*project["dependencies"], *project["optional-dependencies"]["aws"]}
    inside = {
        line
        for line in (ROOT / "scripts" / "aws.in").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    }
    assert inside <= all_of_them, "the ranges are those of pyproject.toml"
    told = set(named_rows(page("decisions/0033-the-package-for-lambda.md")))
    assert {bare(each) for each in all_of_them - inside} == told


def test_the_package_runs_the_versions_that_tests_run() -> None:
    tested = {**pins("requirements-dev.lock"), **pins("requirements.lock")}
    packed = pins("requirements-aws.lock")
    assert packed
    assert {name: tested.get(name) for name in packed} == packed


@pytest.mark.parametrize(
    "condition",
    [
        "python_version < '3.12'",
        "platform_python_implementation == 'PyPy'",
        "platform_python_implementation != 'PyPy' and python_version < '3.12'",
        "platform_python_implementation != 'PyPy' or sys_platform == 'win32'",
    ],
)
def test_a_lock_under_conditions_is_refused(condition: str) -> None:
    with pytest.raises(PackageError, match=r"tiny==1 is locked under a condition"):
        locked(f"tiny==1 ; {condition} \\\n    --hash=sha256:" + "0" * 64)


def test_a_condition_that_holds_for_every_cpython_is_none() -> None:
    condition = "implementation_name != 'PyPy' and platform_python_implementation != 'PyPy'"
    digit = "0" * 64
    assert locked(f"tiny==1 ; {condition} \\\n    --hash=sha256:{digit}") == {"tiny==1": {digit}}


def test_a_package_without_a_wheel_is_named() -> None:
    told = "ERROR: Could not find a version\nERROR: No matching distribution found for tiny==1\n"
    assert reason(LAMBDA, told).startswith("there is no wheel of tiny==1 for Python 3.12 on arm64: ")
    assert reason(HERE, "ERROR: no network").endswith("ERROR: no network")


def test_a_broken_fetch_leaves_no_cache(tmp_path: Path) -> None:
    def breaks(_: object, __: Path, into: Path) -> None:
        (into / "half.whl").write_bytes(b"half")
        raise PackageError("the network went away")

    with pytest.raises(PackageError, match="went away"):
        fetched(LAMBDA, LOCK, tmp_path, breaks)
    assert not list(tmp_path.iterdir())


def test_a_wheel_that_is_missing_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"packages are locked and 0 wheels are here"):
        fetched(LAMBDA, LOCK, tmp_path, lambda *_: None)


# -- sizes and native files --------------------------------------------------------------------------------------


def native(machine: int) -> bytes:
    """The beginning of a native file for this architecture."""
    return b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little") + bytes(44)


def packed(folder: Path, files: dict[str, bytes]) -> Path:
    write(folder / "some.zip", files)
    return folder / "some.zip"


def test_a_package_within_the_limits_is_weighed(tmp_path: Path) -> None:
    found = sizes(packed(tmp_path, {"a.py": b"x" * 1000, "b.py": b""}))
    assert (found.unpacked, found.files) == (1000, 2)
    assert found.zipped == (tmp_path / "some.zip").stat().st_size


@pytest.mark.parametrize(("limits", "word"), [((10, 10_000), "zipped"), ((10_000, 999), "unpacked")])
def test_a_package_that_lambda_would_refuse_is_refused(
    tmp_path: Path, limits: tuple[int, int], word: str
) -> None:
    with pytest.raises(PackageError, match=rf"MB {word} and Lambda takes"):
        sizes(packed(tmp_path, {"a.py": b"x" * 1000}), *limits)


def test_native_files_of_the_target_are_counted(tmp_path: Path) -> None:
    files = {
        "a.cpython-312-aarch64-linux-gnu.so": native(AARCH64),
        "b.abi3.so": native(AARCH64),
        "c.py": b"",
    }
    assert architecture(packed(tmp_path, files), LAMBDA) == 2


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.cpython-312-aarch64-linux-gnu.so", native(62), "is for another machine than arm64"),
        ("a.cpython-311-aarch64-linux-gnu.so", native(AARCH64), r"is for another Python than 3\.12"),
        ("bin/program", native(62), "is for another machine than arm64"),
        ("a.abi3.so", b"not native", "ends like a native file and is none"),
    ],
)
def test_a_file_of_another_machine_is_refused(tmp_path: Path, name: str, body: bytes, said: str) -> None:
    with pytest.raises(PackageError, match=said):
        architecture(packed(tmp_path, {name: body}), LAMBDA)


def test_two_packages_must_hold_the_same_modules(tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    write(first, {"a.cpython-312-aarch64-linux-gnu.so": b"", "b.py": b"", "x-1.dist-info/METADATA": b""})
    write(second, {"a.cpython-311-x86_64-linux-gnu.so": b"", "b.py": b""})
    endings = (LAMBDA.suffixes, (".cpython-311-x86_64-linux-gnu.so", ".so"))
    alike(first, second, endings)
    write(second, {"a.cpython-311-x86_64-linux-gnu.so": b"", "b.py": b"", "c.py": b""})
    with pytest.raises(PackageError, match=r"only one of the two packages holds c\.py"):
        alike(first, second, endings)


# -- the handlers ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package unpacked, from the sources and from the wheels that are installed here: no network is needed."""
    made = tmp_path_factory.mktemp("package")
    for name, body in contents(SOURCE, [], Places().entrances).items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(body)
    for package in pins("requirements-aws.lock"):
        for file in importlib.metadata.files(package) or ():
            top = made / file.parts[0]
            if file.parts[0] != ".." and not top.exists():
                top.symlink_to(
                    Path(str(file.locate())).parents[len(file.parts) - 2]
                    if len(file.parts) > 1
                    else file.locate()
                )
    return made


def test_handlers_import_from_the_package_alone(folder: Path) -> None:
    assert imports(folder, sys.executable) > 100


def test_a_handler_that_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(PackageError, match=r"there is no handler onpaid\.errors\.nothing"):
        imports(folder, sys.executable, {"onpaid.errors": ("nothing",)})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import typer\n", r"onpaid/late\.py imports typer, which the package does not hold"),
        ("def late():\n    from onpaid.cli import app\n", r"onpaid/late\.py imports onpaid\.cli"),
        ("raise RuntimeError('no')\n", r"the package does not import: RuntimeError: no"),
    ],
)
def test_an_import_that_leads_out_of_the_package_is_named(tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "onpaid").mkdir()
    (tmp_path / "onpaid" / "__init__.py").write_text("")
    (tmp_path / "onpaid" / "late.py").write_text(body)
    with pytest.raises(PackageError, match=said):
        imports(tmp_path, sys.executable, {})
