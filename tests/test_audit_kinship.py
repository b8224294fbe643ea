"""Which code was billed for which service: the nearest by the law's own tables and names."""

from __future__ import annotations

from ivproof.audit.auditor import Auditor
from ivproof.audit.kinship import OTHER_CLASS, SAME_CLASS, SAME_TABLE, SAME_TECHNIQUE
from ivproof.law.policy import Policy

KINSHIP = Auditor(Policy.load("out001"))._kinship


def test_a_push_is_nearer_to_a_push_than_to_an_hour() -> None:
    """A further hour that nobody gave is not what was billed for the second push: the first push is."""
    assert KINSHIP.distance("96374", "96375") == SAME_TECHNIQUE
    assert KINSHIP.distance("96366", "96375") == SAME_CLASS
    assert KINSHIP.distance("96365", "96367") == SAME_TECHNIQUE
    assert KINSHIP.distance("96365", "96374") == SAME_TABLE


def test_a_drug_of_another_class_is_farther_than_another_place_in_the_hierarchy() -> None:
    first, second = KINSHIP.distance("96365", "96367"), KINSHIP.distance("96365", "96413")
    assert first is not None
    assert second is not None
    assert first < second


def test_one_role_in_two_classes_is_near() -> None:
    assert KINSHIP.distance("96365", "96413") == OTHER_CLASS
    assert KINSHIP.distance("96366", "96415") == OTHER_CLASS


def test_what_no_table_ties_together_is_no_kin() -> None:
    assert KINSHIP.distance("96366", "96523") is None
