"""The address of a bucket in a recipe: where keys are appended, and which addresses are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import RecipeError, UsageError
from roco.recipes.load import load_recipe
from roco.recipes.schema import schema
from roco.sources.bucket.address import endpoint_of, is_address
from roco.sources.bucket.source import BucketSource
from roco.sources.cloud import CloudSource
from tests.recipes.test_schema import accepts

HEAD = '[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "cloud"\n'


@pytest.mark.parametrize(
    ("path", "endpoint", "expected"),
    [
        ("s3://pmc-oa-opendata", "", "https://pmc-oa-opendata.s3.amazonaws.com"),
        ("s3://pmc-oa-opendata/", "", "https://pmc-oa-opendata.s3.amazonaws.com"),
        ("s3://mirror", "http://127.0.0.1:9000/mirror/", "http://127.0.0.1:9000/mirror"),
        ("https://s3.example.org/mirror", "", "https://s3.example.org/mirror"),
        ("https://s3.example.org/mirror/", "https://s3.example.org/mirror", "https://s3.example.org/mirror"),
    ],
)
def test_keys_are_appended_to_the_address_of_the_bucket(path: str, endpoint: str, expected: str) -> None:
    assert endpoint_of(path, endpoint) == expected


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("s3://", ""),
        ("s3://Bucket", ""),
        ("s3://pmc-oa-opendata/PMC1.1", ""),
        ("https://", ""),
        ("https://user:password@example.org/b", ""),
        ("s3://bucket", "https://key@example.org/b"),
        ("https://example.org/b?X-Amz-Signature=1", ""),
        ("https://example.org/b", "https://example.org/c"),
        ("https://example.org:port/b", ""),
        ("https://example.org/a b", ""),
        ("s3://bucket", "ftp://example.org/b"),
        ("ftp://example.org/b", ""),
    ],
)
def test_other_addresses_are_refused(path: str, endpoint: str) -> None:
    with pytest.raises(RecipeError):
        endpoint_of(path, endpoint)


def test_a_password_in_an_address_is_not_printed() -> None:
    with pytest.raises(RecipeError) as caught:
        endpoint_of("https://user:hunter2@example.org/b")
    assert "hunter2" not in str(caught.value)


def load(tmp_path: Path, text: str) -> object:
    (tmp_path / "recipe.toml").write_text(text)
    return load_recipe(tmp_path / "recipe.toml").pipeline.source


def test_the_path_decides_between_a_bucket_and_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCO_CONTACT", "me@example.org")
    of_bucket = load(tmp_path, HEAD + 'path = "s3://pmc-oa-opendata"\nids = ["PMC1"]\n')
    assert isinstance(of_bucket, BucketSource)
    assert of_bucket.state.parent == tmp_path / "run" / "source"
    assert of_bucket.contact == "me@example.org"
    assert isinstance(load(tmp_path, HEAD + 'path = "s3"\n'), CloudSource)
    with pytest.raises(RecipeError, match="invalid address 'ftp://x/y'"):
        load(tmp_path, HEAD + 'path = "ftp://x/y"\ncontact = "me@example.org"\n')
    assert not is_address(None) and not is_address("folder/s3://x")


def test_a_snapshot_may_be_a_date_of_toml(tmp_path: Path) -> None:
    source = load(tmp_path, HEAD + 'path = "s3://pmc-oa-opendata"\nsnapshot = 2026-11-20\n')
    assert isinstance(source, BucketSource) and source.snapshot == "2026-11-20"


def test_two_buckets_in_a_recipe_do_not_share_their_state(tmp_path: Path) -> None:
    one, other = (load(tmp_path, HEAD + f'path = "s3://{name}"\n') for name in ("pmc-one", "pmc-two"))
    assert isinstance(one, BucketSource) and isinstance(other, BucketSource)
    assert one.state != other.state


@pytest.mark.parametrize(
    "options",
    [
        'contact = "nobody"\n',
        "connections = 65\n",
        'licenses = ["CC-BI"]\n',
        'ids = ["PMC"]\n',
        'ids = "missing.txt"\n',
    ],
)
def test_an_invalid_option_is_an_error_before_the_first_request(tmp_path: Path, options: str) -> None:
    contact = "" if "contact" in options else 'contact = "me@example.org"\n'
    source = load(tmp_path, HEAD + 'path = "s3://pmc-oa-opendata"\n' + contact + options)
    assert isinstance(source, BucketSource)
    with pytest.raises(UsageError):
        source.check()


def test_a_missing_contact_is_an_error_that_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROCO_CONTACT", raising=False)
    (tmp_path / "recipe.toml").write_text(HEAD + 'path = "s3://pmc-oa-opendata"\n')
    (problem,) = load_recipe(tmp_path / "recipe.toml").check()
    assert "ROCO_CONTACT" in problem.hint


def test_the_schema_of_recipes_tells_buckets_and_folders_apart() -> None:
    assert accepts(HEAD + 'path = "s3://pmc-oa-opendata"\nsnapshot = "2026-11-20"\nids = "ids.txt"\n')
    assert accepts(HEAD + 'path = "articles"\n')
    assert not accepts(HEAD + 'path = "articles"\nsnapshot = "2026-11-20"\n')
    assert "cloud" in str(schema())
