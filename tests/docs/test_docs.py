"""The documents speak of commands, files and examples that exist."""

import json
import re
from pathlib import Path

import pytest
import typer.main
import yaml
from markdown_docs import PAGES, README, REPOSITORY, blocks, commands, headings, links, table_rows, text_of

from foxml_assets.cli import app
from foxml_assets.storage.layout import Layout

CLI = typer.main.get_command(app)
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def options(command: str) -> set[str]:
    """The options of a command."""
    return {
        option for parameter in CLI.commands[command].params for option in parameter.opts if option[0] == "-"
    }


def command_rows() -> dict[str, str]:
    """The README's table of commands: from the command to the whole row."""
    rows = {cells[0]: " ".join(cells) for cells in table_rows(README) if cells[0].startswith("`foxml ")}
    return {first.strip("`").split()[1]: row for first, row in rows.items()}


def test_the_readme_lists_exactly_the_commands_there_are() -> None:
    assert set(command_rows()) == set(CLI.commands)


def test_every_option_is_in_the_readme() -> None:
    known = {option for command in CLI.commands for option in options(command)}
    assert {option for option in known if option not in text_of(README)} == set()


@pytest.mark.parametrize("command", sorted(CLI.commands))
def test_a_row_of_the_table_names_only_options_of_its_command(command: str) -> None:
    named = set(re.findall(r"--[a-z-]+", command_rows()[command]))
    assert named <= options(command)


def test_the_table_says_where_exit_code_2_is_used() -> None:
    documented = {command for command, row in command_rows().items() if "2:" in row}
    in_help = {name for name, command in CLI.commands.items() if re.search(r"\b2\b", command.help or "")}
    assert documented == in_help == {"plan", "diff"}


@EVERY_PAGE
def test_every_foxml_command_can_be_parsed(page: Path) -> None:
    for name, *arguments in filter(None, commands(page, "foxml")):
        assert name in CLI.commands, f"{page.name}: foxml {name}"
        if arguments:
            CLI.commands[name].make_context(name, list(arguments)).close()


@EVERY_PAGE
def test_every_make_command_has_a_target(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for words in commands(page, "make"):
        assert set(words) <= targets, f"{page.name}: make {' '.join(words)}"


@EVERY_PAGE
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+://", link):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in headings(target), f"{page.name} links to {link}"


@EVERY_PAGE
def test_every_json_and_yaml_example_parses(page: Path) -> None:
    for block in blocks(page, "json"):
        json.loads(block.text)
    for block in blocks(page, "yaml"):
        assert list(yaml.safe_load_all(block.text))


def test_the_readme_shows_where_every_artifact_is() -> None:
    layout = Layout(Path("output"))
    paths = [value.fget(layout) for value in vars(Layout).values() if isinstance(value, property)]
    names = {path.stem for path in paths} - {"imported_candidates", "panel"}
    tree = next(block.text for block in blocks(README, "text") if "output/" in block.text)
    assert {name for name in names if name not in tree} == set()


def test_the_readme_shows_the_asset_graph() -> None:
    assert "docs/asset_graph.png" in links(README)
