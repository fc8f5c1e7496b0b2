from __future__ import annotations

import pytest

from reports.flow import HEADING, Block, Section, planned


def nothing(_sheet, _box):
    pass


def heights(plan):
    return [[block.height for block, _ in page] for page in plan.pages]


def test_blocks_that_do_not_fit_go_to_the_next_page():
    plan = planned([Section("A", [Block(100, nothing), Block(100, nothing)])], room=200, first_room=150)
    assert heights(plan) == [[HEADING, 100], [100]]
    assert plan.starts == [("A", 1)]


def test_a_heading_is_never_left_alone_at_the_foot():
    plan = planned([Section("A", [Block(100, nothing)]), Section("B", [Block(60, nothing)])], 200, 200)
    assert heights(plan) == [[HEADING, 100], [HEADING, 60]]
    assert plan.starts == [("A", 1), ("B", 2)]


def test_a_table_s_head_is_repeated_and_a_group_s_title_stays_with_its_first_row():
    head = Block(15, nothing)
    rows = [Block(40, nothing, head), Block(14, nothing, head, leading=True), Block(41, nothing, head)]
    plan = planned([Section("A", [head, *rows])], room=150, first_room=139)
    assert heights(plan) == [[HEADING, 15, 40], [15, 14, 41]]


@pytest.mark.parametrize("together", [1, 3])
def test_blocks_that_belong_together_move_together(together):
    plan = planned([Section("A", [Block(50, nothing)] * 3, together=together)], room=200, first_room=150)
    assert heights(plan) == ([[HEADING, 50, 50], [50]] if together == 1 else [[], [HEADING, 50, 50, 50]])


@pytest.mark.parametrize("before_last", [False, True])
def test_a_last_section_takes_the_one_before_it_along(before_last):
    sections = [
        Section("A", [Block(60, nothing)]),
        Section("B", [Block(60, nothing)], before_last=before_last),
        Section("C", [Block(50, nothing)]),
    ]
    plan = planned(sections, room=220, first_room=220)
    alone, along = [[HEADING, 60, HEADING, 60], [HEADING, 50]], [[HEADING, 60], [HEADING, 60, HEADING, 50]]
    assert heights(plan) == (along if before_last else alone)


def test_every_block_lies_inside_its_page():
    sections = [Section(str(i), [Block(10.0 + 7 * (j % 5), nothing) for j in range(9)]) for i in range(9)]
    plan = planned(sections, room=300, first_room=80)
    for page in plan.pages:
        tops = [left for _, left in page]
        assert all(left - block.height >= 0 for block, left in page)
        assert tops == sorted(tops, reverse=True)
