"""What `salescope job` is to the application, with kinds of the tests' own."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from services.database import open_database
from services.errors import LoadError
from services.joblimits import Limits
from services.jobs import JobContext, Jobs, Kind


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.02)


def echo(context: JobContext) -> Mapping[str, Any]:
    (context.folder / "left").write_text("temporary", encoding="utf-8")
    inherited = sorted(name for name in os.environ if not name.startswith(("LC_", "COVERAGE_")))
    return {"arguments": context.arguments, "owner": context.owner, "pid": os.getpid(), "environment": inherited}


def steps(context: JobContext) -> Mapping[str, Any]:
    for number in range(2000):
        context.progress(f"Step {number}", number / 2000)
    wait_for(context.arguments["until"])
    return {}


def hold(context: JobContext) -> Mapping[str, Any]:
    began = time.time()
    (context.folder / "left").write_text("temporary", encoding="utf-8")
    context.progress("Holding", 0.5)
    wait_for(context.arguments["until"])
    return {"began": began, "ended": time.time()}


def deaf(context: JobContext) -> Mapping[str, Any]:
    """A native call that lets no other thread run."""
    context.progress("Deaf", 0.5)
    time.sleep(0.6)
    ctypes.PyDLL(None).sleep(60)
    return {}


def publish(context: JobContext) -> Mapping[str, Any]:
    wait_for(context.arguments["begin"])
    context.commit_point()
    context.progress("Publishing", 0.9)
    wait_for(context.arguments["until"])
    return {"published": True}


def wait(context: JobContext) -> Mapping[str, Any]:
    with context.waiting("Waiting for another load"):
        wait_for(context.arguments["until"])
    context.progress("Going on", 0.5)
    wait_for(context.arguments["until"] + "2")
    return {}


def python_bomb(_context: JobContext) -> Mapping[str, Any]:
    held = []
    while True:
        held.append(b"x" * 10_000_000)


def engine_bomb(_context: JobContext) -> Mapping[str, Any]:
    try:
        duckdb.connect(config={"memory_limit": "20GB"}).execute(
            "CREATE TABLE t AS SELECT md5(range::VARCHAR) || md5((range + 1)::VARCHAR) FROM range(100000000)"
        )
    except duckdb.Error as error:
        raise LoadError("The file cannot be read.") from error
    return {}


def native_bomb(_context: JobContext) -> Mapping[str, Any]:
    os.write(2, b"memory allocation of 8589934592 bytes failed\n")
    os.abort()


def burn(_context: JobContext) -> Mapping[str, Any]:
    """One native call that needs minutes and knows no signals."""
    duckdb.connect().execute("SELECT sum(hash(a.range, b.range)) FROM range(10000000) a, range(100000) b").fetchall()
    return {}


def refuse(_context: JobContext) -> Mapping[str, Any]:
    raise LoadError("The file has no rows.")


def stumble(_context: JobContext) -> Mapping[str, Any]:
    raise KeyError("a secret of the inside")


def unspeakable(_context: JobContext) -> Mapping[str, Any]:
    return {"value": object()}


KINDS: dict[str, Kind] = {
    each.__name__: each
    for each in (
        *(echo, steps, hold, deaf, publish, wait, python_bomb, engine_bomb, native_bomb, burn),
        *(refuse, stumble, unspeakable),
    )
}
#: A kind that is told what makes it smaller in words of its own.
KINDS["forecast"] = native_bomb


def main(url: str, folder: str, memory: str, seconds: str, identity: str, _option: str, slot: str) -> None:
    command = (sys.executable, __file__, url, folder, memory, seconds)
    slots = int(os.environ.get("SALESCOPE_JOBS", "1"))
    jobs = Jobs(open_database(url), Path(folder), command=command, slots=slots)
    jobs.run(identity, KINDS, Limits(int(memory), int(seconds)), int(slot))


if __name__ == "__main__":
    main(*sys.argv[1:])
