"""How the site is made: ``nox -s docs`` builds it in docs/_build."""

from __future__ import annotations

from typing import Any

import sesamy_async


project = "sesamy-async"
author = "The sesamy-async authors"
project_copyright = author
version = release = sesamy_async.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
# Links to headings are written as GitHub knows them.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]

autodoc_default_options = {"members": True, "member-order": "bysource"}
maximum_signature_line_length = 72
python_use_unqualified_type_names = True
smartquotes_action = "D"  # Dashes only; a quotation mark may be code.
# `Outcome` in a docstring is a link, if there is such a name.
default_role = "py:obj"
# A reference that leads nowhere is a warning, and so an error: except
# parameters and the like in docstrings, and what is not ours or private.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"[^A-Z].*|[A-Z_]+|.*[. ].*"),
    ("py:.*", r"(?!sesamy_async\.).*\..*"),
    ("py:.*", r"sesamy_async\.(.*\.)?_.*"),
    ("py:class", "Decimal|HandlerTransport|Kept|Path"),
]


_MEMBERS = {"attribute", "method", "property"}


def colons(_app: Any, what: str, *given: Any) -> None:
    """Let a text like "It may, or may not: look" not be read as a type."""
    if what in {"attribute", "data", "property"}:
        given[-1][:0] = ["..", ""]  # A comment.


def short_name(app: Any, env: Any, node: Any, text: Any) -> Any:
    """Find a public name that the docstring of another module mentions."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    ending = f".{node['reftarget']}"
    found = [
        name
        for name, entry in domain.objects.items()
        if name.endswith(ending)
        and not entry.aliased
        # A bare name of a parameter is not some class's attribute.
        and ("." in node["reftarget"] or entry.objtype not in _MEMBERS)
    ]
    if not found:
        return None
    name = min(found, key=len)
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", name, node, text
    )


def setup(app: Any) -> None:
    """Connect what is special here."""
    # Before Napoleon's.
    app.connect("autodoc-process-docstring", colons, priority=400)
    app.connect("missing-reference", short_name)
