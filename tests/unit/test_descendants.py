"""What a process started is found and ended, also what left its group and lost its parent."""

import os
import subprocess
import sys

from condarium.jobs.carrying_out.descendants import _lives, descendants, end_descendants

STARTS_ONE_THAT_LEAVES = """
import os, subprocess, sys, time
from condarium.jobs.carrying_out.descendants import adopt
adopt()
leaver = "import os; os.setsid(); os.fork() and os._exit(0); print(os.getpid(), flush=True); "
leaver += "import time; time.sleep(60)"
subprocess.run([sys.executable, "-c", leaver])
time.sleep(60)
"""


def test_one_that_left_the_group_and_lost_its_parent_is_ended() -> None:
    command = [sys.executable, "-c", STARTS_ONE_THAT_LEAVES]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        try:
            left = int(process.stdout.readline())
            assert os.getpgid(left) != process.pid
            assert left in descendants(process.pid)
            end_descendants(process.pid)
        finally:
            process.kill()
    assert not _lives(left)
