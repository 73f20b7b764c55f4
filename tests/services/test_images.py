"""Images are kept beside their version, and nothing depends on them but the time an answer takes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from services import imaging, surveying
from services.imagefiles import images_of
from services.images import narrow
from services.ledger import Mode
from services.loading import load
from services.periods import Period
from services.query import SalesQuery
from services.warehouse import KEEP
from tests.factories import SHOP_MODEL, SHOP_ROWS, House, shop, viewer_of, write_parquet

REVENUE = SalesQuery(measures=("revenue",), dimensions=("country",), period=Period("all"))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(surveying, "WORTHWHILE", 0)
    monkeypatch.setattr(imaging, "SMALL", 1)
    found = shop(tmp_path, model=SHOP_MODEL.replace("model: 1\n", "model: 1\nrollups: 10\n", 1))
    found.load()
    yield found
    found.warehouse.current().engine.dispose()


def folders(house: House) -> list[Path]:
    return sorted((house.warehouse.root / "images").iterdir())


def answered(house: House) -> tuple[list[float], str]:
    answer = house.sales().answer(REVENUE, viewer_of("analyst"))
    return answer.frame["revenue"].tolist(), answer.trust.served


def test_an_answer_comes_from_memory(house: House) -> None:
    values, served = answered(house)
    assert sum(values) > 0
    assert "in memory" in served


def cut(folder: Path) -> None:
    path = folder / "image_1.s0.npy"
    path.write_bytes(path.read_bytes()[:-1])


def flip(folder: Path) -> None:
    path = folder / "image_1.s0.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [cut, flip, shutil.rmtree, lambda folder: (folder / "images.json").unlink()])
def test_damaged_images_are_not_used(house: House, harm: Callable[[Path], object]) -> None:
    before, _ = answered(house)
    (folder,) = folders(house)
    harm(folder)
    after, served = answered(house)
    assert (after, "in memory" in served) == (before, False)


def again(house: House, number: int) -> None:
    write_parquet(house.folder / "sales.parquet", f"{SHOP_ROWS.rstrip()} LIMIT {number}")
    load(house.warehouse, house.model, house.recipe, house.folder, by="tests", mode=Mode.START_OVER)


def test_old_images_go_with_their_versions(house: House) -> None:
    for number in range(1, KEEP + 3):
        again(house, number)
    versions = [int(path.name.partition("-")[0]) for path in folders(house)]
    assert versions == list(range(3, KEEP + 4))
    assert images_of(house.warehouse.current(), house.warehouse.root).images


def test_a_publish_that_fails_leaves_the_images_in_use(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answered(house)

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(imaging.Imaging, "run", fail)
        for _ in range(KEEP + 2):
            with pytest.raises(MemoryError):
                again(house, 3)
    assert answered(house) == before
    again(house, 4)
    assert len(folders(house)) == 2


@pytest.mark.parametrize(
    ("values", "kind"),
    [([], "u1"), ([0, 255], "u1"), ([-1, 127], "i1"), ([0, 256], "u2"), ([-200, 200], "i2"), ([2**40], "i8")],
)
def test_numbers_take_the_room_they_need(values: list[int], kind: str) -> None:
    found = narrow(np.array(values, np.int64))
    assert (found.dtype, found.tolist()) == (np.dtype(kind), values)
