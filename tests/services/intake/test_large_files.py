"""Large texts stream: memory does not grow with the file.

40 MB on every run; 320 MB with `--hypothesis-profile=search`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[3]
MEGABYTES = 40 if settings().max_examples <= 100 else 320
STAGE = """
import sys
from pathlib import Path
from services.intake.files import find, stage
(part,) = find(Path(sys.argv[1]))
table = stage(part, Path(sys.argv[2]))
# getrusage would carry the peak of the process that started this one.
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(table.rows, table.refused_rows, int(peak) // 1024)
"""


@pytest.mark.parametrize("after_header", [b"", b"\n"], ids=["at once", "record by record"])
def test_memory_stays_below_its_bound(tmp_path: Path, after_header: bytes) -> None:
    line = b'%d,"Article, %d",%d.50,2024-01-%02d,Some Country\n'
    block = b"".join(line % (n, n, n % 90, n % 28 + 1) for n in range(20_000))
    times = MEGABYTES * 1_000_000 // len(block)
    file = tmp_path / "large.csv"
    with file.open("wb") as out:
        out.write(b"id,article,price,day,country\n" + after_header)
        for _ in range(times):
            out.write(block)
    command = [sys.executable, "-c", STAGE, str(file), str(tmp_path / "staged")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows, refused, peak = map(int, done.stdout.split())
    assert (rows, refused) == (20_000 * times, 0)
    assert peak < 900
