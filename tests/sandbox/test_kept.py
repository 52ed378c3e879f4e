"""A ledger in a file: another process finds the same world."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import attrs
import pytest

from sesamy_async import NewContract, Sesamy, User
from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import KeptLedger, Sandbox, SandboxConfig
from support.sandbox_settings import arguments


ORDER = NewContract(
    external_order_id="A-1", user_data=User(email="kim@example.se")
)


def client(sandbox: Sandbox) -> Sesamy:
    """Return a client of a sandbox."""
    return Sesamy(
        **arguments(sandbox.environment()),
        transport=sandbox.transport(),
    )


def test_goes_on(tmp_path: Path) -> None:
    """What was created in one process can be confirmed in the next."""
    path = tmp_path / "world"
    with client(Sandbox(ledger=KeptLedger(path))) as sesamy:
        made = sesamy.contracts.create("SPRING-12", ORDER, confirm=False)
    later = KeptLedger(path)
    with client(Sandbox(ledger=later)) as sesamy:
        sesamy.contracts.confirm("SPRING-12", made.id)

    assert [made.id] == [each.id for each in later.confirmed("A-1")]
    assert [made.id] == [each.id for each in KeptLedger(path).confirmed("A-1")]
    assert 1 == KeptLedger(path).total


def test_seed_repeats_no_contract(tmp_path: Path) -> None:
    """With a seed, the next process makes contracts of its own all the same.

    The ids begin anew with it, and a contract under an id that is there
    would take the place of that of another order.
    """
    path = tmp_path / "world"
    for order_id in ("A-1", "A-2"):
        order = attrs.evolve(ORDER, external_order_id=order_id)
        sandbox = Sandbox(SandboxConfig(seed=1), ledger=KeptLedger(path))
        with client(sandbox) as sesamy:
            sesamy.contracts.create("SPRING-12", order, confirm=False)

    ledger = KeptLedger(path)

    assert 2 == ledger.total
    assert [1, 1] == [ledger.count("A-1"), ledger.count("A-2")]


def test_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process changes its directory, the file stays the same."""
    monkeypatch.chdir(tmp_path)
    ledger = KeptLedger("world")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with client(Sandbox(ledger=ledger)) as sesamy:
        sesamy.contracts.create("SPRING-12", ORDER, confirm=False)

    assert 1 == KeptLedger(tmp_path / "world").total


def test_private(tmp_path: Path) -> None:
    """The file is this user's, and holds nothing personal."""
    path = tmp_path / "world"
    with client(Sandbox(ledger=KeptLedger(path))) as sesamy:
        sesamy.contracts.create("SPRING-12", ORDER, confirm=False)

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert "example.se" not in path.read_text("utf-8")


def test_each_world_has_a_name(tmp_path: Path) -> None:
    """The name is kept with the file, and is that of no other."""
    one, other = KeptLedger(tmp_path / "1"), KeptLedger(tmp_path / "2")

    assert one.world == KeptLedger(tmp_path / "1").world
    assert one.world != other.world


def test_reset(tmp_path: Path) -> None:
    """Starting over is another world, in the file too."""
    path = tmp_path / "world"
    ledger = KeptLedger(path)
    sandbox = Sandbox(ledger=ledger)
    before = ledger.world
    with client(sandbox) as sesamy:
        sesamy.contracts.create("SPRING-12", ORDER, confirm=False)
    sandbox.reset()

    assert before != ledger.world
    assert ledger.world == KeptLedger(path).world
    assert 0 == KeptLedger(path).total


@pytest.mark.parametrize("cut", ["", '{"wor', '{"world": "w"}\n{"id": "c'])
def test_cut_off(tmp_path: Path, cut: str) -> None:
    """A line that a crash has cut off was never answered."""
    path = tmp_path / "world"
    path.write_text(cut)
    ledger = KeptLedger(path)

    assert 0 == ledger.total
    assert ledger.world == KeptLedger(path).world


def test_cut_off_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash while the cut line is removed loses no contract either.

    So nothing but that line may be touched: the file is never written anew.
    """
    path = tmp_path / "world"
    with client(Sandbox(ledger=KeptLedger(path))) as sesamy:
        sesamy.contracts.create("SPRING-12", ORDER, confirm=False)
    with path.open("a") as file:
        file.write('{"id": "c')

    def crash(self: Path, *args: object) -> None:
        del args
        os.truncate(self, 0)  # As it begins.
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", crash)
        patch.setattr(Path, "write_bytes", crash)
        ledger = KeptLedger(path)

    assert 1 == ledger.total
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "text", ["broken\n", "[]\n", "{}\n", '{"world": "w"}\n{"id": "c"}\n']
)
def test_damaged(tmp_path: Path, text: str) -> None:
    """A file that is none of this kind is refused by its name."""
    path = tmp_path / "world"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="world can't be used: it is"):
        KeptLedger(path)


def test_no_folder(tmp_path: Path) -> None:
    """A file that can't be made is refused with the reason."""
    with pytest.raises(ConfigurationError, match="No such file"):
        KeptLedger(tmp_path / "no" / "world")
