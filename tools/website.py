"""What MkDocs is told beyond mkdocs.yml: the files that the documentation points at.

On the website `../deploy/page.yaml` would lead out of it. Such files are taken along,
under the same path below `source/`, and the links are bent there.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_FOUND_FIRST = (
    "cameras.md",
    "data.md",
    "live-page.md",
    "posture-command.md",
    "privacy.md",
)
"""Pages for people, which a search shows before those for who looks things up."""

_OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)")
_ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take along every file outside of docs/ that a page points at."""
    pages = [file for file in files if file.is_documentation_page()]
    wanted = {name for file in pages for name in _OUTSIDE.findall(file.content_string)}
    for name in sorted(wanted):
        # As text: a browser shows it in place of saving it.
        taken = File.generated(
            config, f"source/{name}.txt", content=(_ROOT / name).read_text()
        )
        files.append(taken)
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Bend the links to them, and say which pages a search shows first."""
    del config, files
    if page.file.src_uri in _FOUND_FIRST:
        page.meta["search"] = {"boost": 3}
    return _OUTSIDE.sub(r"](source/\1.txt", markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Give the theme's dialog the name that a screen reader says."""
    del page, config
    return output.replace('role="dialog">', 'role="dialog" aria-label="Search">')
