import subprocess
import sys

from rawtool.batch.choices import NetworkChoice


def test_nothing_said_leaves_the_choice_to_rawtool():
    assert NetworkChoice() == NetworkChoice(None, "auto", "auto", None)


def test_saying_what_to_run_loads_nothing():
    code = "import sys, rawtool.batch.choices; print('numpy' in sys.modules or 'onnxruntime' in sys.modules)"

    assert (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        == "False\n"
    )
