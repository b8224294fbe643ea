"""Which code was billed for which service: the nearest by the law's own tables and names."""

from __future__ import annotations

from ivproof.audit.auditor import Auditor
from ivproof.audit.kinship import SAME_CLASS, SAME_ROLE, SAME_TABLE, SAME_TECHNIQUE
from ivproof.law.policy import Policy

KINSHIP = Auditor(Policy.load("out001"))._kinship


def test_a_push_is_nearer_to_a_push_than_to_an_hour() -> None:
    """A further hour that nobody gave is not what was billed for the second push: the first push is."""
    assert KINSHIP.distance("96374", "96375") == SAME_TECHNIQUE
    assert KINSHIP.distance("96366", "96375") == SAME_CLASS
    assert KINSHIP.distance("96365", "96367") == SAME_TABLE


def test_one_role_in_two_classes_is_nearest() -> None:
    assert KINSHIP.distance("96365", "96413") == SAME_ROLE
    assert KINSHIP.distance("96366", "96415") == SAME_ROLE


def test_what_no_table_ties_together_is_no_kin() -> None:
    assert KINSHIP.distance("96366", "96523") is None
