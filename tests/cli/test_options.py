from dataclasses import dataclass

import click
import pytest

from rawtool.batch.plan import OnCollision, Policies
from rawtool.cli import options
from rawtool.errors import UsageError
from rawtool.vocabulary import ExistsPolicy


@dataclass(frozen=True, slots=True)
class Inner:
    depth: int


@dataclass(frozen=True, slots=True)
class Outer:
    title: str
    inner: Inner
    note: str = "none"


def test_options_arrive_as_the_dataclasses_that_the_function_names():
    seen = []

    @click.command(cls=options.GatheringCommand)
    @options.stacked(
        click.argument("title"),
        click.option("--depth", type=int, default=1),
        click.option("--flag", is_flag=True),
    )
    def command(outer: Outer, flag: bool) -> int:
        seen.append((outer, flag))
        return 3

    status = command.main(["t", "--depth", "4", "--flag"], standalone_mode=False)

    assert seen == [(Outer("t", Inner(4)), True)]
    assert status == 3


def taken(exists=None, is_forced=False, is_skipping=False):
    return options.TakenWords(exists, is_forced, is_skipping, OnCollision.ERROR).policies()


def test_short_words_stand_for_policies():
    assert taken() == Policies(ExistsPolicy.ERROR)
    assert taken(is_forced=True).exists is ExistsPolicy.OVERWRITE
    assert taken(is_skipping=True).exists is ExistsPolicy.SKIP
    assert taken(ExistsPolicy.OVERWRITE, is_forced=True).exists is ExistsPolicy.OVERWRITE


@pytest.mark.parametrize(
    "words",
    [
        {"is_forced": True, "is_skipping": True},
        {"exists": ExistsPolicy.RENAME, "is_forced": True},
        {"exists": ExistsPolicy.ERROR, "is_skipping": True},
    ],
)
def test_policies_that_contradict_each_other_are_refused(words):
    with pytest.raises(UsageError, match="keep one"):
        taken(**words)


def test_failing_fast_is_one_failure():
    talk = options.Talk(is_json=False, progress="none")

    assert options.RunningWords(None, True, 5, False, talk).most_failures == 1
    assert options.RunningWords(None, False, 5, False, talk).most_failures == 5
    assert options.RunningWords(None, False, None, False, talk).most_failures is None
