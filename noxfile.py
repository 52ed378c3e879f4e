"""One command for each chore: ``nox`` for all that a change must pass."""

from __future__ import annotations

from pathlib import Path

import nox


nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests", "docs", "wheel"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
PACKAGE = "sesamy_async"
EXTRAS = (
    *("cli", "fastapi", "files", "httpx2", "orjson", "otel"),
    *("postgres", "redis", "sandbox", "testing", "trio"),
)
# The lowest that httpx takes and that we use.
BENEATH = ("httpcore==1.0.0", "h11==0.13.0")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, and that the generated code is fresh."""
    session.install("ruff")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("python", "scripts/generate_blocking.py", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright, and that none is missing."""
    session.install("--editable", ".[dev]")
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", PACKAGE, "--ignoreexternal")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests with every branch counted."""
    session.install("--editable", ".[dev]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(venv_backend="uv|virtualenv")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that we claim to work with.

    It uses uv if that is installed: pip takes minutes to find versions that
    fit together.
    """
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    claims = [
        *project["dependencies"],
        *(claim for extra in EXTRAS for claim in extras[extra]),
    ]
    beneath = {pinned.partition("==")[0] for pinned in BENEATH}
    bounds = [
        claim.replace(">=", "==")
        for claim in claims
        if claim.partition(">=")[0] not in beneath
    ]
    session.install("--editable", ".[dev]", *bounds)
    # Not known to pip: httpx2 is no party to what httpx takes.
    session.install("--no-deps", *BENEATH)
    session.run("pytest", *session.posargs)


@nox.session
def generate(session: nox.Session) -> None:
    """Write the blocking client anew from the async one."""
    session.install("ruff")
    session.run("python", "scripts/generate_blocking.py")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build, look at what was built, and use the wheel as a user would.

    ``nox -s wheel -- DIRECTORY`` leaves sdist and wheel there.
    """
    session.install("build")
    given = session.posargs or [session.create_tmp()]
    out = Path(given[0]).resolve()
    for old in out.glob("*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(out))
    session.run("python", "scripts/check_built.py", str(out))
    [built] = out.glob("*.whl")
    session.install("--force-reinstall", f"{built}[cli,sandbox]")
    order = Path("examples/order.json").resolve()
    orders = Path("examples/orders.csv").read_bytes()
    session.chdir(session.create_tmp())
    # Beside it a journal is written, which a second run would go on with.
    for old in Path().glob("orders.*"):
        old.unlink()
    Path("orders.csv").write_bytes(orders)
    offer = ("--promo", "SPRING-12", "--sandbox")
    session.run("sesamy", "--version")
    session.run("sesamy", "onboard", str(order), *offer)
    session.run("sesamy", "import", "orders.csv", *offer, "--report", "o.html")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site in docs/_build; a warning is an error.

    Links out of the repository are not followed.
    """
    session.install("--editable", ".[docs]")
    session.run(
        *("python", "-m", "sphinx", "--fail-on-warning", "--fresh-env"),
        *("docs", "docs/_build", *session.posargs),
    )


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look for known holes in what we need, and in our workflows.

    Needs the vulnerability service of PyPI: what it can't look up counts
    as a finding, so that an audit of nothing is never green.
    ``nox -s audit -- --vulnerability-service osv`` asks another one.
    """
    session.install("pip-audit", "zizmor")
    extras = ",".join(EXTRAS)
    where = Path(session.create_tmp()).resolve()
    ours, needed = where / "ours", where / "requirements.txt"
    session.run("python", "-m", "venv", "--clear", str(ours))
    python = str(ours / "bin" / "python")
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    session.run(*pip, "install", "-q", f".[{extras}]", external=True)
    frozen = session.run(
        *pip, "freeze", "--exclude", "sesamy-async", external=True, silent=True
    )
    needed.write_text(str(frozen))
    session.run("zizmor", "--persona", "auditor", ".github/workflows")
    session.run(
        *("pip-audit", "--strict", "--no-deps", "--disable-pip"),
        *("--requirement", str(needed)),
        *session.posargs,
    )


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure where we stand, and write it into docs/performance.md."""
    session.install("--editable", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def proof(session: nox.Session) -> None:
    """Try each promise many times, and write it into docs/reliability.md."""
    session.install("--editable", ".[dev]")
    session.run(
        "python", "-m", "proof", *session.posargs, env={"PYTHONPATH": "tests"}
    )


@nox.session(name="bench-bulk", default=False)
def bench_bulk(session: nox.Session) -> None:
    """Measure imports of files, and write it into docs/bulk-performance.md."""
    session.install("--editable", ".[bench,sandbox]")
    session.run("python", "-m", "benchmarks.bulk", *session.posargs)


@nox.session(name="bench-once", default=False)
def bench_once(session: nox.Session) -> None:
    """Measure what a store of orders costs, and print it."""
    session.install("--editable", ".[sandbox]")
    session.run("python", "-m", "benchmarks.once", *session.posargs)


@nox.session(name="bench-places", default=False)
def bench_places(session: nox.Session) -> None:
    """Measure stores, pace and engines, and write docs/scaling.md.

    ``nox -s bench-places -- engines`` measures pace and engines only.
    """
    session.install("--editable", ".[dev]")
    session.run("python", "-m", "benchmarks.places", *session.posargs)


@nox.session(name="bench-otel", default=False)
def bench_otel(session: nox.Session) -> None:
    """Measure what traces and metrics cost, and print it."""
    session.install("--editable", ".[otel]", "opentelemetry-sdk>=1.30")
    session.run("python", "-m", "benchmarks.telemetry", *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Break what decides, bit by bit, and see that a test fails each time.

    ``nox -s mutants -- 'sesamy_async._call.record*'`` tries some of them.
    """
    session.install("--editable", ".[dev]", "mutmut>=3.8")
    session.run("mutmut", "run", *session.posargs)
    session.run("python", "scripts/mutants.py")


@nox.session(default=False)
def dev(session: nox.Session) -> None:
    """Make an environment in .venv to work in."""
    session.run("python", "-m", "venv", ".venv", external=True)
    python = Path(".venv/bin/python").resolve()
    session.run(
        str(python), "-m", "pip", "install", "-e", ".[dev]", external=True
    )
