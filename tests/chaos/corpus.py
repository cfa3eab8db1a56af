"""The corpora and recipes of the chaos runs: made-up articles, and real material where it is at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bucket import Proxy, serving
from tests.conftest import NO_MATERIAL, SHARED
from tests.demo import without_filters
from tests.sources.fetch.articles import OLD

ARTICLES = 48
"""Articles composed of real images and captions: four parts."""


@dataclass(frozen=True)
class Variant:
    """A recipe with its source.

    inputs: name of each folder beside the recipe -> the folder that is copied there. bucket: whether articles are read
    from the bucket. last: the last stage before the release.
    """

    name: str
    recipe: str
    inputs: Mapping[str, Path]
    bucket: bool = False
    last: str = "prune"

    @property
    def tightened(self) -> str:
        """Returns the recipe with filters that keep fewer figures, so that no figure is measured that is not anyway."""
        text = self.recipe.replace('allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC-BY"]')
        assert text != self.recipe
        return text


@dataclass(frozen=True)
class Corpora:
    """All variants, the proxy before their bucket, and which material is missing, with the reason."""

    variants: Sequence[Variant]
    proxy: Proxy
    skipped: Sequence[str]


@contextmanager
def corpora(work: Path) -> Iterator[Corpora]:
    """Writes all corpora below a folder, and serves one of them from a bucket."""
    demo, stages = _demo(work / "demo")
    skipped = []
    with ExitStack() as stack:
        bucket = stack.enter_context(serving())
        bucket.put_tree(demo / "cloud")
        bucket.put_inventory(OLD)
        proxy = stack.enter_context(Proxy(bucket.endpoint))
        variants = [*_of_demo(demo, stages), _of_bucket(proxy, stages)]
        if (SHARED / "tools").is_dir():
            variants += _of_real_articles(work / "real", stages)
        else:
            skipped.append(f"real images and captions: {NO_MATERIAL}")
        yield Corpora(variants, proxy, skipped)


def _demo(folder: Path) -> tuple[Path, str]:
    """Writes the demo corpus; returns its folder and the stages of its recipe."""
    from roco.recipes.demo import write
    from roco.recipes.load import shipped

    text = shipped()["demo"].read_text(encoding="utf-8")
    write(folder, text)
    return folder / "corpus", text[text.index("[[stage]]") :]


def _recipe(sources: Sequence[str], stages: str, run: str = "") -> str:
    head = "[[source]]" if len(sources) > 1 else "[source]"
    return f'[run]\nfolder = "run"\n{run}\n' + "".join(f"{head}\n{source}\n\n" for source in sources) + stages


def _of_demo(demo: Path, stages: str) -> list[Variant]:
    package, cloud = demo / "package", demo / "cloud"
    plain = without_filters(stages)
    trees = demo.with_name("trees")
    _unpack(package, trees)
    of_package, of_cloud = 'kind = "package"\npath = "input"', 'kind = "cloud"\npath = "input"'
    several = [of_package, 'kind = "folder"\npath = "trees"']
    return [
        Variant("package, filters", _recipe([of_package], stages), {"input": package}),
        Variant("package, a filter after the duplicates", _recipe([of_package], _late(stages)), {"input": package}),
        Variant("package", _recipe([of_package], plain), {"input": package}),
        Variant("cloud", _recipe([of_cloud], plain), {"input": cloud}),
        Variant("folder", _recipe(['kind = "folder"\npath = "trees"'], plain), {"trees": trees}),
        Variant("package and folder", _recipe(several, plain), {"input": package, "trees": trees}),
    ]


def _of_bucket(proxy: Proxy, stages: str) -> Variant:
    source = (
        f'kind = "cloud"\npath = "s3://pmc-oa-opendata"\nendpoint = "{proxy.endpoint}"\ncontact = "me@example.org"\n'
        "connections = 4"
    )
    return Variant("bucket", _recipe([source], without_filters(stages)), {}, bucket=True)


def _of_real_articles(folder: Path, stages: str) -> list[Variant]:
    tool = SHARED / "tools" / "compose_packages.py"
    subprocess.run([sys.executable, tool, folder, "--articles", str(ARTICLES)], check=True, capture_output=True)
    package, cloud = 'kind = "package"\npath = "input"', 'kind = "cloud"\npath = "input"'
    return [
        Variant("real package, filters", _recipe([package], stages), {"input": folder / "package"}),
        Variant("real cloud", _recipe([cloud], without_filters(stages)), {"input": folder / "cloud"}),
    ]


_STAGE = re.compile(r"\[\[stage\]\]\n.*?(?=\[\[stage\]\]|\Z)", re.S)


def _late(stages: str) -> str:
    """Returns the stages with the last filter after `dedup`: its embeddings are measured after a table stage."""
    each = _STAGE.findall(stages)
    late = next(stage for stage in each if 'head = "radiology"' in stage)
    each.remove(late)
    at = next(i for i, stage in enumerate(each) if 'use = "dedup"' in stage)
    each.insert(at + 1, late)
    return "".join(each)


def _unpack(package: Path, trees: Path) -> None:
    """Writes every second package as a folder of files, the others as they are."""
    for i, archive in enumerate(sorted(package.rglob("*.tar.gz"))):
        if i % 2:
            trees.mkdir(parents=True, exist_ok=True)
            shutil.copy2(archive, trees / archive.name)
            continue
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(trees, filter="data")
        except (tarfile.TarError, OSError, EOFError):
            shutil.copy2(archive, trees / archive.name)  # the demo corpus has a damaged one
