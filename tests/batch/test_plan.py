import os
from pathlib import Path

import pytest

from rawtool.batch.inputs import Found
from rawtool.batch.outputs import JobWords, Naming, read_destination
from rawtool.batch.plan import Action, Job, OnCollision, Policies, decide, make_plan
from rawtool.errors import UsageError
from rawtool.vocabulary import ExistsPolicy, Format

NUMBER = Policies(on_collision=OnCollision.NUMBER)


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def plan(*paths, policies=Policies(), tag="_dev", kind=Format.JPEG, root=None, **said):
    found = []
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(path.encode())
        found.append(Found(Path(path), None if root is None else Path(root)))
    destination = read_destination(Naming(**said), kind)
    return make_plan(found, destination, JobWords(tag, "develop", "net"), policies)


def targets(*paths, **said):
    return [job.target.as_posix() for job in plan(*paths, **said).jobs]


def test_every_input_gets_its_output():
    assert targets("x/a.dng", "b.nef", output="out/") == ["out/a_dev.jpg", "out/b_dev.jpg"]


def test_one_output_file_for_two_inputs_is_refused():
    with pytest.raises(UsageError, match="2 inputs"):
        plan("a.dng", "b.dng", output="x.jpg")


def test_a_collision_names_both_inputs_and_the_way_out():
    with pytest.raises(UsageError) as caught:
        plan("a.dng", "a.nef", output="out/")

    message = str(caught.value)
    assert message.startswith("a.dng and a.nef would both be written to out/a_dev.jpg; add {inext} to --name")
    assert "--on-collision number" in message


def test_collisions_are_numbered_when_asked_and_never_onto_another_name():
    assert targets("a.dng", "a.nef", "b/a.dng", output="out/", policies=NUMBER) == [
        "out/a_dev.jpg",
        "out/a_dev_1.jpg",
        "out/a_dev_2.jpg",
    ]
    assert targets("a.dng", "a.nef", "a_1.dng", name="{stem}.jpg", output="out/", policies=NUMBER) == [
        "out/a.jpg",
        "out/a_2.jpg",
        "out/a_1.jpg",
    ]


@pytest.mark.parametrize("policy", ExistsPolicy)
def test_an_input_is_never_an_output_whatever_the_policy(policy):
    with pytest.raises(UsageError, match="never written over"):
        plan("a.dng", output="./a.dng", kind=Format.DNG, policies=Policies(policy))
    with pytest.raises(UsageError, match="never written over"):
        plan("a.dng", "b_x.dng", "b.dng", name="{stem}_x.dng", policies=Policies(policy))


def test_an_input_reached_by_another_name_is_no_output_either():
    plan("a.dng")
    os.link("a.dng", "hard.dng")
    Path("linked").symlink_to(".")

    with pytest.raises(UsageError, match="never written over"):
        plan("a.dng", output="linked/a.dng", kind=Format.DNG)
    with pytest.raises(UsageError, match="never written over"):
        plan("a.dng", output="hard.dng", kind=Format.DNG)


def test_outputs_of_this_run_found_in_the_searched_folder_are_no_inputs():
    again = plan("s/a.dng", "s/a_nr.dng", "s/a_nr_nr.dng", tag="_nr", kind=Format.DNG, root="s")

    assert [job.source.name for job in again.jobs] == ["a.dng"]


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        (ExistsPolicy.ERROR, Action.REFUSE),
        (ExistsPolicy.SKIP, Action.SKIP),
        (ExistsPolicy.OVERWRITE, Action.REPLACE),
    ],
)
def test_the_policy_decides_about_an_output_that_exists(policy, action):
    Path("a_dev.jpg").touch()

    first, second = plan("a.dng", "b.dng", policies=Policies(policy)).jobs

    assert (first.action, second.action) == (action, Action.WRITE)


def test_rename_takes_the_first_name_that_is_free_and_not_planned():
    for name in ("a_dev.jpg", "a_dev_1.jpg"):
        Path(name).touch()
    plan_ = plan("a.dng", "a_dev_2.dng", name="{stem}.jpg", policies=Policies(ExistsPolicy.RENAME))
    Path("a.jpg").touch()
    again = plan("a.dng", name="{stem}.jpg", policies=Policies(ExistsPolicy.RENAME))

    assert [job.target.name for job in plan_.jobs] == ["a.jpg", "a_dev_2.jpg"]
    assert [(job.target.name, job.action) for job in again.jobs] == [("a_1.jpg", Action.WRITE)]
    assert targets("a.dng", policies=Policies(ExistsPolicy.RENAME)) == ["a_dev_2.jpg"]


def test_newer_compares_the_times_of_input_and_output():
    job = plan("a.dng").jobs[0]
    job.target.touch()
    os.utime(job.source, (1000, 1000))
    os.utime(job.target, (2000, 2000))
    is_older = decide(job, ExistsPolicy.NEWER)
    os.utime(job.source, (3000, 3000))

    assert is_older is Action.SKIP
    assert decide(job, ExistsPolicy.NEWER) is Action.REPLACE


def test_a_dangling_link_counts_as_existing():
    Path("a_dev.jpg").symlink_to("nowhere")

    assert decide(Job(Path("a.dng"), Path("a_dev.jpg")), ExistsPolicy.ERROR) is Action.REFUSE
