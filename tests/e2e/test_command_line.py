"""What a person meets: a narrow terminal, a root and a config of their own."""

from worlds import World

from foxml_assets.storage.layout import Layout


def test_a_failed_check_can_be_read_in_a_narrow_terminal(own_world: World) -> None:
    layout = Layout(own_world.root)
    layout.routing_plan.unlink()
    result = own_world.foxml("check", COLUMNS="80")
    assert result.returncode == 1
    problem = next(line for line in result.stdout.splitlines() if "there is no routing plan" in line)
    assert str(layout.routing_plan) in problem


def test_the_closing_lines_name_the_root_and_the_config_of_the_run(first_run: tuple[World, str]) -> None:
    world, printed = first_run
    assert f"foxml dev --root {world.root} --config-dir {world.config_dir}" in " ".join(printed.split())


def test_a_plan_without_jobs_is_reported(own_world: World) -> None:
    def block(settings: dict) -> None:
        settings["min_sample_size"] = {"cross_sectional": 10**9, "symbol": 10**9}
        settings["development_min_sample_size"] = {"cross_sectional": 10**9, "symbol": 10**9}

    own_world.edit("routing_config.yaml", block)
    result = own_world.foxml("run")
    assert result.returncode == 0, result.stderr
    assert "The plan has no jobs" in result.stdout
    page = Layout(own_world.root).training_report.with_suffix(".md").read_text(encoding="utf-8")
    assert "The plan has no jobs" in page
    assert "1000000000" in page


def test_evidence_of_other_settings_is_told_before_a_run(own_world: World) -> None:
    told = "evidence of 8 of 8 targets is of other data, settings or code"
    assert told not in own_world.foxml("status").stdout
    own_world.edit("data_config.yaml", lambda settings: settings["evidence"].update(n_folds=4))
    for command in ("status", "plan"):
        result = own_world.foxml(command)
        assert result.returncode == 0, result.stdout + result.stderr
        assert told in result.stdout


def test_going_back_to_a_plan_whose_models_lie_ready_costs_no_training(own_world: World) -> None:
    def only_lightgbm(settings: dict) -> None:
        settings["families"] = [{"use": ["lightgbm"]}]

    own_world.edit("routing_config.yaml", only_lightgbm)
    assert own_world.foxml("run", "--until", "plan").returncode == 0
    own_world.edit("routing_config.yaml", lambda settings: settings.update(families="by_evidence"))
    preview = own_world.foxml("plan")
    assert preview.returncode == 2, preview.stderr
    line = next(line for line in preview.stdout.splitlines() if "not trained yet" in line)
    assert "0.0 s" in line
