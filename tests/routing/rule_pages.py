"""The tables of rules in docs/policy.md, made from the ladders. Rewrite the page with

python tests/routing/rule_pages.py
"""

import re
from collections.abc import Iterable
from pathlib import Path

from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.rules.rules import ADMISSION, Rule

POLICY_PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
_TABLE = re.compile(r"(<!-- rules of ([\w ]+) -->\n).*?(<!-- end of rules -->)", re.DOTALL)


def rule_table(rules: Iterable[Rule]) -> str:
    """One line per rule: when it holds, the state it gives, its name."""
    lines = [f"| {rule.when} | {rule.state} | `{rule.name}` |" for rule in rules]
    return "\n".join(["| rule holds where | state | name |", "| --- | --- | --- |", *lines, ""])


def own_rules(method: str) -> list[Rule]:
    """The rules of a method that are not of every method."""
    shared = {(rule.name, rule.when) for rule in ADMISSION}
    return [rule for rule in find_method(method).ladder if (rule.name, rule.when) not in shared]


def with_rules(page: str) -> str:
    """`page` with every table of rules as the ladders have it."""

    def table(found: re.Match[str]) -> str:
        start, method, end = found.groups()
        rules = ADMISSION if method == "every method" else own_rules(method)
        return f"{start}\n{rule_table(rules)}\n{end}"

    return _TABLE.sub(table, page)


if __name__ == "__main__":
    POLICY_PAGE.write_text(with_rules(POLICY_PAGE.read_text()))
