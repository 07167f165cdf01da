"""One notebook open in JupyterLab, as the tests in ``browser/`` see it."""

import os
from pathlib import Path


class Lab:
    """One notebook open in JupyterLab."""

    def __init__(self, page, address, notebook):
        base, token = address.split("/lab?")
        self.page = page
        page.goto(f"{base}/lab/tree/{notebook}?{token}&reset")
        page.wait_for_function(
            """path => {
                const shown = window.jupyterapp?.shell.currentWidget;
                return shown?.context?.path === path
                    && shown.sessionContext?.session?.kernel?.status === 'idle';
            }""",
            arg=notebook,
            timeout=90_000,
        )

    def cells(self):
        """The cells of the notebook, as JupyterLab would save them."""
        return self.page.evaluate("jupyterapp.shell.currentWidget.content.model.toJSON().cells")

    def code(self):
        return [cell for cell in self.cells() if cell["cell_type"] == "code"]

    def menu(self, *names):
        for name in names:
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def wait_until_ran(self, count, seconds=240):
        """Wait for the first ``count`` code cells."""
        self.page.wait_for_function(
            """count => {
                const {content} = jupyterapp.shell.currentWidget;
                const code = [...content.model.cells].filter(cell => cell.type === 'code');
                return code.slice(0, count).every(cell => cell.executionCount);
            }""",
            arg=count,
            timeout=1000 * seconds,
        )

    def wait_until_all_ran(self, seconds=240):
        self.page.wait_for_function(
            """() => {
                const {content, sessionContext} = jupyterapp.shell.currentWidget;
                const code = [...content.model.cells].filter(cell => cell.type === 'code');
                return code.every(cell => cell.executionCount && cell.executionState === 'idle')
                    && sessionContext.session.kernel.status === 'idle';
            }""",
            timeout=1000 * seconds,
        )

    def wait_until_hidden(self, cell_id, seconds=30):
        """Wait until a cell lies behind its closed heading: not before the heading is drawn."""
        self.page.wait_for_function(
            """id => {
                const {content} = jupyterapp.shell.currentWidget;
                return content.widgets.find(cell => cell.model.id === id).isHidden;
            }""",
            arg=cell_id,
            timeout=1000 * seconds,
        )

    def fill_in(self, cell_id, source):
        """Put ``source`` into a cell."""
        self.page.evaluate(
            """([id, source]) => {
                const {content} = jupyterapp.shell.currentWidget;
                const cell = content.widgets.find(cell => cell.model.id === id);
                cell.model.sharedModel.setSource(source);
            }""",
            [cell_id, source],
        )

    def run(self, *cell_ids):
        """Run cells, each when the one before it is done; returns what the last one has shown."""
        for cell_id in cell_ids:
            self.page.evaluate(
                """async id => {
                    const {content} = jupyterapp.shell.currentWidget;
                    const index = content.widgets.findIndex(cell => cell.model.id === id);
                    content.deselectAll();
                    content.activeCellIndex = index;
                    await jupyterapp.commands.execute('notebook:run-cell');
                }""",
                cell_id,
            )
        return self.text(cell_ids[-1])

    def text(self, cell_id):
        """What a cell has printed, and its pictures in words."""
        (cell,) = (cell for cell in self.cells() if cell["id"] == cell_id)
        shown = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell["outputs"]]
        shown += [o["ename"] for o in cell["outputs"] if o["output_type"] == "error"]
        return "\n".join("".join(each) for each in shown)

    def show(self, cell_id, wait=500):
        """Scroll to a cell and select it."""
        self.page.evaluate(
            """async id => {
                const {content} = jupyterapp.shell.currentWidget;
                const index = content.widgets.findIndex(cell => cell.model.id === id);
                content.activeCellIndex = index;
                await content.scrollToItem(index, 'start');
            }""",
            cell_id,
        )
        self.page.wait_for_timeout(wait)

    def picture(self, name):
        if folder := os.environ.get("D2L_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png")
