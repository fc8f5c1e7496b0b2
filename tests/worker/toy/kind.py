"""A kind for tests only: does what it is told, leaves a witness of every start."""

from tasks.kind import Artifact, JobKind, Limits
from tasks.params import Choice, Number, Params, TableRef, Text, Whole

DEEDS = ("nothing", "sleep", "tell", "fail", "refuse", "out_of_memory", "hog", "die", "deaf", "dataset", "append")


class ToyParams(Params):
    """What to do."""

    do = Choice(DEEDS, load_default="nothing")
    seconds = Number(load_default=0.0)
    witness = Text(load_default=None, allow_none=True)
    table = TableRef(load_default=None, allow_none=True)
    nonce = Whole(load_default=0)


class ToyResult(Params):
    """What was done."""

    did = Text()


KIND = JobKind(
    name="toy",
    summary="Does what it is told.",
    params=ToyParams,
    result=ToyResult,
    permission="research.run",
    queue="compute",
    artifacts=(Artifact("numbers", "table", "Numbers."),),
    example={"do": "nothing"},
    limits=Limits(run_s=4, memory_mb=600),
)
