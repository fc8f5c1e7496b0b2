from worker.stages import Stages


def test_each_stage_has_the_time_since_the_one_before():
    times = iter([10.0, 10.5, 12.5])
    stages = Stages(lambda: next(times))
    stages.end("inputs")
    stages.end("run")
    assert stages.as_extra() == {"inputs_s": 0.5, "run_s": 2.0}
