"""The paths of the suites in C, followed by analyzers; `make test` has them follow csrc only."""

from functools import partial

import test_lint
from job import Job, Room, found

# All else that .clang-tidy has is found by `make test`.
PATHS = "--checks=-*,clang-analyzer-*"
PATHS += ",-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
FAULT = """
int planted(int number);

int planted(int number)
{
    const int* const place = number > 3 ? &number : 0;
    return *place + number;
}
"""
ANALYZERS = {
    "clang-tidy": lambda sources: test_lint.clang_tidy(sources, PATHS),
    "cppcheck": test_lint.cppcheck,
}
WORDS = {"clang-tidy": "NullDereference", "cppcheck": "[nullPointer]"}


def look(room: Room) -> dict[str, int]:
    sources = test_lint.SUITE_SOURCES
    for analyze in ANALYZERS.values():
        analyze(sources)
    return {"files": len(sources)}


def find(analyzer: str, room: Room) -> str:
    source = room.tmp / "planted.c"
    source.write_text(FAULT)
    return found(partial(ANALYZERS[analyzer], [source]), WORDS[analyzer])


JOBS = [
    Job(
        name="analysis",
        tool="clang-tidy, cppcheck",
        shows="no path through a suite in C reads what is not there",
        run=look,
        plants={f"a null pointer is read ({name})": partial(find, name) for name in ANALYZERS},
        cores=2,
    )
]
