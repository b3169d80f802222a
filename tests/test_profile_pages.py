"""The readable pages of our own profiles, codes and forms (`docs/`) say what the definitions say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "profiles"


def test_the_pages_are_up_to_date() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "scripts.pages", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, f"run `make profile-pages`:\n{result.stdout}{result.stderr}"


def test_every_profile_has_a_page_that_the_index_leads_to() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    profiles = [file.stem for file in (ROOT / "profiles" / "structure-definitions").glob("*.json")]

    assert [name for name in profiles if f"]({name}.md)" not in index] == []


def test_the_index_tells_what_to_write_of_identifiers_searches_and_operations() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")

    assert "| `https://example.jp/fhir/outreach/IdSystem/case-number` | ケース番号。" in index
    assert (
        "[`target-category`](../../profiles/search-parameters/episodeofcare-target-category.json) | EpisodeOfCare |"
        in index
    )
    assert "| `[base]/$submit-document` | 診療情報提供書" in index


def test_what_an_element_has_to_be_is_told_in_full() -> None:
    page = (PAGES / "outreach-composition-referral.md").read_text(encoding="utf-8")

    assert "型紙 pattern: `http://jpfhir.jp/fhir/clins/CodeSystem/document-section#910`" in page
    assert "[composition-status](https://hl7.org/fhir/R4/valueset-composition-status.html)" in page


def test_a_page_tells_elements_rules_and_examples() -> None:
    page = (PAGES / "outreach-task.md").read_text(encoding="utf-8")

    assert "| `code` | 1..1 | CodeableConcept | ○ |" in page
    assert "| `outreach-tk-1` | 誤り error |" in page
    assert "](../../profiles/examples/outreach-task/full.json)" in page
