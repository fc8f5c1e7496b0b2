"""The ids that the document's examples speak of, each standing for one state of affairs that the tests put in place."""

from __future__ import annotations

from typing import Final

_BASE: Final = "01970000-0000-7000-8000-0000000001"

RUNNING_JOB: Final = f"job_{_BASE}01"
SUCCEEDED_JOB: Final = f"job_{_BASE}02"
FAILED_JOB: Final = f"job_{_BASE}03"
QUEUED_JOB: Final = f"job_{_BASE}04"
PENDING_UPLOAD: Final = f"upl_{_BASE}05"
COMPLETED_UPLOAD: Final = f"upl_{_BASE}06"
DATASET: Final = f"ds_{_BASE}07"
PIPELINE: Final = f"pipe_{_BASE}08"
KEY: Final = f"key_{_BASE}09"
MEMBER: Final = f"usr_{_BASE}0a"
WEBHOOK: Final = f"whk_{_BASE}0b"
DELIVERY: Final = f"del_{_BASE}0c"
SCHEDULE: Final = f"sch_{_BASE}0d"
