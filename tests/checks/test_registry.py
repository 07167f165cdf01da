"""Exercises by id, requirements in order, and answers that are numbers or choices."""

import pytest
import torch

from d2l_utils.checks import Problem, Unattempted, answers, check, register, run
from d2l_utils.checks.answers import read_number


@pytest.mark.parametrize("exercise", ["8.4/99", "1.1/0", "", None, [], 84])
def test_unknown_exercises_are_named(exercise):
    with pytest.raises(ValueError, match=r"exercise must be one of '8\.4/0'.*; got") as error:
        check(exercise, None)
    assert repr(exercise) in str(error.value)


@pytest.fixture
def quiz(monkeypatch):
    from d2l_utils.checks import registry

    monkeypatch.setattr(registry, "EXERCISES", dict(registry.EXERCISES))
    size = answers({32: "That is VGG's.", 28.5: "Half a pixel?"}, correct=1)
    why = answers({"a": "No, look at the pools."}, correct="B", key=lambda given: given["why"])
    register("0.0/size", "Size", [("is right", size)])
    register("0.0/why", "Reason", [("picks the reason", why)])
    share = answers({}, correct=0.25, rel_tol=0.01, otherwise="Count the weights.")
    register("0.0/share", "Share", [("is right", share)])


@pytest.mark.parametrize("one", [1, 1.0, "1", " 1.0 %", torch.tensor(1), torch.ones(1)])
def test_right_answers(quiz, one):
    assert run("0.0/size", one).passed
    assert run("0.0/why", {"why": " b "}).passed
    assert run("0.0/share", 0.2501).passed


@pytest.mark.parametrize(
    ("exercise", "given", "found", "expected", "nudge"),
    [
        ("0.0/size", 32, "32", "another number", "VGG's"),
        ("0.0/size", 28.5, "28.5", "another number", "Half a pixel"),
        ("0.0/size", 7, "7", "another number", "Not this one"),
        ("0.0/size", float("nan"), "nan", "another number", "Not this one"),
        ("0.0/size", True, "True, of type bool", "a number", "Give a number"),
        ("0.0/size", "one", "'one', of type str", "a number", "Give a number"),
        ("0.0/size", "1x1", "'1x1', of type str", "a number", "Give a number"),
        ("0.0/size", (1, 1), "(1, 1), of type tuple", "a number", "Give a number"),
        ("0.0/size", " 28.5 % ", "28.5", "another number", "Half a pixel"),
        ("0.0/size", [1], "[1], of type list", "a number", "Give a number"),
        ("0.0/share", 0.3, "0.3", "another number", "Count"),
        ("0.0/why", {"why": "A"}, "a", "another choice", "look at the pools"),
        ("0.0/why", {"why": "z"}, "'z'", "one of 'a', 'b'", "Pick one"),
        ("0.0/why", {"why": 3}, "3, of type int", "one of 'a', 'b'", "Give a choice"),
        ("0.0/why", {}, "KeyError: 'why'", "no error", "by itself"),
    ],
)
def test_wrong_answers_get_their_own_reply(quiz, exercise, given, found, expected, nudge):
    report = run(exercise, given)
    assert report.failed == 0
    assert found in report.problem.found
    assert expected == report.problem.expected
    assert nudge in report.problem.nudge


@pytest.mark.parametrize("text", ["1234", "1,234", "1234.0", " 1,234 % ", "1.234e3"])
def test_numbers_in_texts(text):
    assert answers({}, correct=1234)(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("52,8", 52.8),
        ("0,105", 0.105),
        ("−3,01", -3.01),
        ("1,234,567", 1234567),
        ("1,234.5", 1234.5),
        ("16/9", 16 / 9),
        (" 16 / 9 ", 16 / 9),
        ("-1/2", -0.5),
        ("48,4 GB/s", 48.4),
    ],
)
def test_other_ways_to_write_a_number(text, number):
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text",
    ["1,2,3", "12 34", "1234 or so", "", "%", "1234x1", "1/0", "1/", "/2", "1/2/x", "1 pixel x"],
)
def test_texts_that_are_no_number(text):
    assert answers({}, correct=1234)(text).expected == "a number"


PIXELS = ["7 pixels", "7 px", "7x7 px", "7×7 pixels", "7 px × 7 px", "7px", "7 Pixel"]


@pytest.mark.parametrize("pair", PIXELS)
def test_pixels_are_a_unit(pair):
    assert answers({}, correct=7, square=True)(pair) is None


def test_a_wrong_number_may_be_rounded():
    judge = answers({0.08582: "one", 0.0853: "other", 100: "high"}, correct=0.5, rel_tol=1e-3)
    assert judge(0.086).nudge == "one"
    assert judge(0.0853).nudge == "other"
    assert judge(0.0855).nudge == "other"  # the closer one
    assert judge(0.09).nudge.startswith("Not this one")
    assert judge(99.6).nudge == "high"
    assert judge(0.5004) is None
    assert judge(0.502) is not None  # its own tolerance


def test_a_number_close_to_the_right_one_gets_no_reply_to_another():
    judge = answers({92.0: "another's"}, correct=92.8, rel_tol=2e-3)
    assert judge(92.2).nudge == "another's"
    assert judge(92.5).nudge.startswith("Not this one")


def test_a_wide_tolerance_is_not_widened_for_replies():
    judge = answers({46.8: "weights"}, correct=100, rel_tol=5e-3)
    assert judge(47.0).nudge == "weights"
    assert judge(47.5).nudge.startswith("Not this one")


def test_exact_numbers_keep_their_replies():
    judge = answers({32: "thirty-two", float("inf"): "endless"}, correct=1)
    assert judge(32).nudge == "thirty-two"
    assert judge(32.001).nudge.startswith("Not this one")
    assert judge(float("inf")).nudge == "endless"


@pytest.mark.parametrize("given", ["Long name", "long name (LN)", "LN", "ln (the long one)"])
def test_choices_by_other_words(given):
    assert answers({"short": "No."}, "long name", synonyms={"ln": "long name"})(given) is None


def test_a_choice_in_brackets_is_none():
    assert answers({"short": "No."}, "long name")("(long name)").nudge.startswith("Pick one")


@pytest.mark.parametrize("pair", ["7x7", "7 × 7", "7*7", (7, 7), [7, 7.0], torch.tensor([7, 7]), 7])
def test_an_equal_pair_is_a_height_and_width(pair):
    assert answers({}, correct=7, square=True)(pair) is None


@pytest.mark.parametrize("pair", ["7x8", (7, 8), (7, 7, 7), "7x7x7", "7x", (), (7, "7")])
def test_what_is_no_equal_pair(pair):
    assert answers({}, correct=7, square=True)(pair).expected == "a number"


def test_answers_not_given_yet(quiz):
    for exercise, given in (("0.0/size", ...), ("0.0/why", {"why": None}), ("0.0/why", None)):
        assert not run(exercise, given).attempted


def test_requirements_stop_at_the_first_problem(monkeypatch):
    from d2l_utils.checks import registry

    monkeypatch.setattr(registry, "EXERCISES", dict(registry.EXERCISES))
    seen = []
    register(
        "0.0/steps",
        "Steps",
        [
            ("first", lambda context: seen.append(context)),
            ("second", lambda context: Problem("1 `x`", "2", "Add one.")),
            ("third", lambda context: seen.append("never")),
        ],
        prepare=lambda attempt: attempt * 2,
        nudges={"^TypeError.*unsupported": "Give it a number."},
    )
    report = run("0.0/steps", 4)
    assert seen == [8]
    assert report.requirement == "second"
    assert report.text == (
        "0.0/steps Steps: 1 of 3 requirements met so far\n"
        "  ✓ first\n  ✗ second\n"
        "      found     1 `x`\n      expected  2\n      → Add one.\n  — third"
    )
    assert "<code>x</code>" in report.html
    assert run("0.0/steps", {}).problem.nudge == "Give it a number."
    register("0.0/steps", "Steps", [("first", lambda context: (_ for _ in ()).throw(Unattempted))])
    assert not run("0.0/steps", 4).attempted


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_gradients_are_on_inside_a_check_whatever_is_around_it(monkeypatch, mode):
    from d2l_utils.checks import registry

    def has_a_gradient(attempt):
        x = torch.ones(2, requires_grad=True)
        attempt(x).sum().backward()
        return None if torch.equal(x.grad, torch.full((2,), 3.0)) else Problem("x", "3", "More.")

    monkeypatch.setattr(registry, "EXERCISES", {})
    register("0.0/slope", "Slope", [("has a gradient", has_a_gradient)])
    with mode():
        report = run("0.0/slope", lambda x: 3 * x)
        assert report.passed, report.text
        assert not torch.is_grad_enabled()
        assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)
