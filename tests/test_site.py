"""The documentation site: it builds without a warning, and needs nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import roco

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert not done.returncode, done.stdout + done.stderr
    return folder


def test_every_page_of_the_documentation_is_part_of_the_site(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages <= {path.stem for path in site.glob("*.html")}
    assert (site / "index.html").exists()


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loading = re.compile(
        r"<(?:script|img|iframe|source)[^>]*\ssrc=[\"']?https?:|<link[^>]*\shref=[\"']?https?:[^>]*stylesheet"
    )
    for page in site.rglob("*.html"):
        assert not loading.search(page.read_text(encoding="utf-8")), page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"@import|url\([\"']?https?:", sheet.read_text(encoding="utf-8")), sheet.name


def test_links_of_the_readme_lead_to_pages_of_the_site(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    links = {link.partition("#")[0] for link in re.findall(r"href=\"([^\":]*\.html[^\":]*)\"", text)}
    assert {"curate.html", "cli.html", "files/CHANGELOG.html"} <= links
    assert all((site / link).exists() for link in links)


def test_each_public_name_is_documented(site: Path) -> None:
    text = (site / "api.html").read_text(encoding="utf-8")
    missing = [name for name in roco.__all__ if not name.startswith("__") and f'.{name}"' not in text]
    assert not missing
