"""Pages from templates. A template `*.md.j2` lies beside the module that fills it in and reads like its page.

Whatever a template shows is escaped for Markdown, here and nowhere else; what is Markdown already is Markup.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from foxml_assets.core.markdown import Markup, link, shown, table

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: object) -> str:
    """The page that `template`, a path below the package, makes of `values`.

    A template that names what it was not given raises jinja2.UndefinedError.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - pages are Markdown, which `finalize` escapes
        loader=PackageLoader("foxml_assets", package_path=""),
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals |= {"table": table, "link": link}
    environment.filters |= {"join": _joined, "thousands": "{:,}".format}
    return environment


def _joined(values: Iterable[object], separator: str) -> Markup:
    """In place of jinja2's own, which forgets what is Markdown."""
    return Markup(separator.join(map(shown, values)))
