"""Write the readable pages from the definitions in `profiles/` and `terminology/`.

python -m scripts.pages            # writes the pages (`make profile-pages`)
python -m scripts.pages --check    # says whether they are up to date
"""

import argparse

from . import codes, forms, profiles
from .text import ROOT

DOCS = ROOT / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is not up to date")
    check = parser.parse_args().check
    made = profiles.pages() | codes.pages() | forms.pages()
    files = [*(DOCS / "profiles").glob("*.md"), DOCS / "codes.md", DOCS / "forms.md"]
    there = {str(file.relative_to(DOCS)): file.read_text(encoding="utf-8") for file in files if file.exists()}
    stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    if check:
        print("\n".join(f"docs/{name}: OLD" for name in stale) or f"{len(made)} pages are up to date")
        raise SystemExit(bool(stale))
    for name in stale:
        if name in made:
            (DOCS / name).write_text(made[name], encoding="utf-8")
        else:
            (DOCS / name).unlink()
    print(f"{len(made)} pages, {len(stale)} of them written anew")


if __name__ == "__main__":
    main()
