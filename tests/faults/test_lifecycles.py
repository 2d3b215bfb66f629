"""Lives of a root, made up by hypothesis: whatever is edited, damaged or killed, commands keep their word."""

import shutil
import tempfile
from pathlib import Path

import pytest
from fault_world import FaultWorld, copy_world
from faults import Server
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from lifecycle_world import DAMAGES, POLICY_EDITS, TRAINING_EDITS, Lifecycle

_PLACE = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108


def machine(server: Server, trained: FaultWorld) -> type[RuleBasedStateMachine]:
    """Lives that begin with a copy of the trained world."""

    class Lives(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(tempfile.mkdtemp(dir=_PLACE))
            self.life = Lifecycle(copy_world(trained, self.folder / "world"), server)

        def teardown(self) -> None:
            shutil.rmtree(self.folder)

        @rule(edit=st.sampled_from(sorted(POLICY_EDITS)))
        def edit_policy(self, edit: str) -> None:
            self.life.edit_policy(edit)

        @rule(edit=st.sampled_from(sorted(TRAINING_EDITS)))
        def edit_training(self, edit: str) -> None:
            self.life.edit_training(edit)

        @rule(skill=st.sampled_from([0.0, 0.1, 0.2, 0.3]))
        def import_scores(self, skill: float) -> None:
            self.life.import_scores(skill)

        @rule()
        def drop_import(self) -> None:
            self.life.drop_import()

        @rule(seed=st.integers(1, 4), symbols=st.integers(2, 3))
        def edit_panel(self, seed: int, symbols: int) -> None:
            self.life.edit_panel(seed, symbols)

        @rule()
        def rename_targets(self) -> None:
            self.life.rename_targets()

        @rule(number=st.integers(0, 60), damage=st.sampled_from(sorted(DAMAGES)))
        def damage(self, number: int, damage: str) -> None:
            self.life.damage(number, damage)

        @rule()
        def keep_plan(self) -> None:
            self.life.keep_plan()

        @rule()
        def restore_plan(self) -> None:
            self.life.restore_plan()

        @rule(number=st.integers(0, 3))
        def restore_master(self, number: int) -> None:
            self.life.restore_master(number)

        @rule()
        def plan(self) -> None:
            self.life.plan()

        @rule()
        def train(self) -> None:
            self.life.train()

        @rule()
        def run(self) -> None:
            self.life.run()

        @rule()
        def run_twice(self) -> None:
            self.life.run_twice()

        @rule(stage=st.sampled_from(["plan", "train", "run"]), at=st.integers(1, 200))
        def kill(self, stage: str, at: int) -> None:
            self.life.kill(stage, at)

    return Lives


def live(server: Server, trained: FaultWorld, *, lives: int, steps: int) -> None:
    """Run that many lives. What fails is shrunk, and printed as a script of these rules."""
    run_state_machine_as_test(
        machine(server, trained),
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def test_twenty_lives(server: Server, trained: FaultWorld) -> None:
    live(server, trained, lives=20, steps=3)


@pytest.mark.slow
def test_a_thousand_lives(server: Server, trained: FaultWorld) -> None:
    live(server, trained, lives=1_000, steps=10)
