"""A kind for chaos only: works for a while, or misbehaves, and leaves a witness of every start and end."""

from tasks.kind import Artifact, JobKind, Limits
from tasks.params import Choice, Params, Text, Whole

DEEDS = ("sleep", "spin", "die", "kill_parent", "memory")


class OrdealParams(Params):
    """Which request this is, how long it works, what it does then, and where it leaves its witness."""

    n = Whole()
    ms = Whole(load_default=0)
    do = Choice(DEEDS, load_default="sleep")
    witness = Text(max_length=500)


class OrdealResult(Params):
    """Which request this was, and which of its starts brought the result about."""

    n = Whole()
    run = Text()


KIND = JobKind(
    name="ordeal",
    summary="Works for a while, or misbehaves.",
    params=OrdealParams,
    result=OrdealResult,
    permission="research.run",
    queue="compute",
    artifacts=(Artifact("run.json", "json", "The same as the result."),),
    example={"n": 1, "witness": "witness"},
    limits=Limits(run_s=120),
)
