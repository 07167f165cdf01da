"""The website's settings. ``build.py`` puts the notebooks beside a copy of this folder."""

import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

project = author = "The GoogLeNet workbook"
copyright = "the workbook's authors, MIT licence"
language = "en"

extensions = ["myst_nb", "sphinx_copybutton"]
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/icon.svg"
html_show_sphinx = False

repository = Path("repository").read_text()  # written by build.py, from pyproject.toml
name = repository.removeprefix("https://github.com/")
html_theme_options = {
    "repository_url": repository,
    "repository_branch": "main",
    "path_to_docs": "notebooks",
    "use_repository_button": True,
    "use_issues_button": True,
    "use_download_button": True,
    "launch_buttons": {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    },
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search stands in the side bar
    "footer_content_items": ["copyright"],
}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is

# The notebooks are shown as they are saved.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

# Hints leave blanks (…) in their Python, which is no Python then.
suppress_warnings = ["misc.highlighting_failure"]


def fold_the_solution(app, doctree):
    """Closes the section "Solution", as it is closed in JupyterLab."""
    for section in doctree.findall(nodes.section):
        title = section.children[0]
        if isinstance(title, nodes.title) and title.astext() == "Solution":
            door = '<details class="solution"><summary>Open the solution</summary>'
            section.insert(1, nodes.raw("", door, format="html"))
            section.append(nodes.raw("", "</details>", format="html"))


def drop_empty_heads(app, doctree):
    """A table that has no titles has no head: Markdown asks for one, a screen reader reads it."""
    for head in list(doctree.findall(nodes.thead)):
        if not head.astext().strip():
            head.parent.remove(head)


def let_tables_scroll(app, doctree, pagename):
    """A table of results may be wider than the page; a key must reach it, too, to scroll it."""
    for output in list(doctree.findall(nodes.raw)):
        if output.get("format") == "html" and output.astext().startswith("<table>"):
            text = output.astext().replace("<table>", '<table tabindex="0">', 1)
            output.replace_self(nodes.raw(text, text, format="html", classes=output["classes"]))


def as_mathml(self, node):
    """Writes a formula as MathML: browsers and screen readers know it, without any script."""
    tex = re.sub(r"\\(log|ln|exp) (?=\w)", r"\\\1\\,", node.astext())
    if isinstance(node, nodes.math_block):
        formula = convert(tex, display="block")
        self.body.append(f'<div class="formula" tabindex="0">{formula}</div>')
    else:
        self.body.append(convert(tex))
    raise nodes.SkipNode


def add_codespaces(app, pagename, templatename, context, doctree):
    """Adds Codespaces to the theme's menu of places where a page can be run."""
    for group in context.get("header_buttons", []):
        if group.get("label") == "launch-buttons":
            group["buttons"].append(
                {
                    "type": "link",
                    "text": "Codespaces",
                    "url": f"https://codespaces.new/{name}",
                    "tooltip": "Open in GitHub Codespaces",
                    "icon": "fa-brands fa-github",
                }
            )


def setup(app):
    """Sphinx calls this."""
    app.add_html_math_renderer("mathml", (as_mathml, None), (as_mathml, None))
    app.connect("doctree-read", fold_the_solution)
    app.connect("doctree-read", drop_empty_heads)
    app.connect("doctree-resolved", let_tables_scroll)
    app.connect("html-page-context", add_codespaces, priority=900)


html_math_renderer = "mathml"
