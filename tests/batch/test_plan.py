import os
from pathlib import Path

import pytest

from rawtool.batch.inputs import Found
from rawtool.batch.outputs import JobWords, Naming, read_destination
from rawtool.batch.plan import Action, Job, OnCollision, Policies, Wanted, decide, due, make_plan
from rawtool.errors import UsageError
from rawtool.vocabulary import ExistsPolicy, Format

NUMBER = Policies(on_collision=OnCollision.NUMBER)


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def plan(*paths, policies=Policies(), tag="_dev", kind=Format.JPEG, root=None, also=(), sheet=None, **said):
    found = []
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(path.encode())
        found.append(Found(Path(path), None if root is None else Path(root)))
    sheets = None if sheet is None else read_destination(Naming(sheet), Format.PNG)
    wanted = Wanted(read_destination(Naming(**said), kind), also, sheets)
    return make_plan(found, wanted, JobWords(tag, "develop", "net"), policies)


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


BESIDE = {"tag": "_hdr", "kind": Format.EXR, "also": (Format.AVIF, Format.UHDR)}


def test_further_formats_stand_beside_the_first_and_previews_have_a_tag_of_their_own():
    job = plan("a.png", **BESIDE, sheet="seen/").jobs[0]
    numbered = plan("a.png", **BESIDE, sheet="{stem}{tag}_{seq:02}.png").jobs[0]

    assert [path.as_posix() for path in job.targets] == [
        "a_hdr.exr",
        "a_hdr.avif",
        "a_hdr.jpg",
        "seen/a_sheet.png",
    ]
    assert numbered.sheet == Path("a_sheet_01.png")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"output": "a.exr", "also": (Format.PNG,)}, "a.png would be written to a.png"),
        ({"output": "x.exr", "sheet": "a.png"}, "never written over"),
        ({"output": "x.exr", "also": (Format.PNG,), "sheet": "x.png"}, "two outputs of a.png"),
        ({"sheet": "s.png", "paths": ("a.png", "b.png")}, "--preview s.png is one file, but 2 inputs"),
        (
            {"sheet": "s/{tag}.png", "paths": ("a.png", "b.png")},
            "a.png and b.png would both be written to s/",
        ),
        (
            {"also": (Format.AVIF,), "paths": ("a.png", "a.tif")},
            "a.png and a.tif would both be written to a_hdr.exr",
        ),
    ],
)
def test_every_output_is_looked_at_for_collisions(said, why):
    paths = said.pop("paths", ("a.png",))

    with pytest.raises(UsageError, match=why):
        plan(*paths, tag="_hdr", kind=Format.EXR, **said)


def test_all_outputs_of_a_job_are_numbered_alike():
    Path("b_hdr.avif").touch()
    collided = plan("a.png", "a.tif", **BESIDE, policies=NUMBER)
    renamed = plan("b.png", **BESIDE, sheet="b_s.png", policies=Policies(ExistsPolicy.RENAME))

    assert [path.name for path in collided.jobs[1].targets] == ["a_hdr_1.exr", "a_hdr_1.avif", "a_hdr_1.jpg"]
    assert [path.name for path in renamed.jobs[0].targets] == [
        "b_hdr_1.exr",
        "b_hdr_1.avif",
        "b_hdr_1.jpg",
        "b_s_1.png",
    ]


@pytest.mark.parametrize(
    ("policy", "action", "names"),
    [
        (ExistsPolicy.ERROR, Action.REFUSE, {"a_hdr.exr", "a_hdr.jpg"}),
        (ExistsPolicy.SKIP, Action.WRITE, {"a_hdr.exr", "a_hdr.jpg"}),
        (ExistsPolicy.OVERWRITE, Action.REPLACE, {"a_hdr.exr", "a_hdr.avif", "a_hdr.jpg"}),
    ],
)
def test_one_output_that_exists_does_not_keep_the_others_from_being_written(policy, action, names):
    Path("a_hdr.avif").touch()

    job = plan("a.png", **BESIDE, policies=Policies(policy)).jobs[0]

    assert job.action is action
    assert {path.name for path in due(job, policy)} == names


def test_a_job_is_skipped_when_all_its_outputs_exist():
    for name in ("a_hdr.exr", "a_hdr.avif", "a_hdr.jpg"):
        Path(name).touch()

    job = plan("a.png", **BESIDE, policies=Policies(ExistsPolicy.SKIP)).jobs[0]

    assert (job.action, due(job, ExistsPolicy.SKIP)) == (Action.SKIP, frozenset())


def test_further_outputs_of_this_run_found_in_the_searched_folder_are_no_inputs():
    again = plan("s/a.jpg", "s/a_hdr.jpg", **BESIDE, root="s")

    assert [job.source.name for job in again.jobs] == ["a.jpg"]
