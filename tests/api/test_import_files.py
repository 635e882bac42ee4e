"""Files that people write for an import: read whole, or refused with the line that is wrong."""

from pathlib import Path

import pytest

from api.import_files import read_prices, read_wishes
from application.importing.naming import Wish
from domain.errors import InvalidInput


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "table.csv"
    file.write_text(text, "utf-8")
    return file


def test_no_file_says_nothing() -> None:
    assert (read_wishes(None), read_prices(None)) == ({}, {})


def test_an_empty_cell_leaves_it_to_stripe(tmp_path: Path) -> None:
    text = "customer,organization,currency,time_zone,anchor_day\ncus_1,acme,EUR,,15\ncus_2,,,,\n"
    assert read_wishes(written(tmp_path, text)) == {
        "cus_1": Wish(organization="acme", currency="eur", anchor_day=15),
        "cus_2": Wish(),
    }


def test_several_of_their_prices_are_one_of_ours(tmp_path: Path) -> None:
    text = '\ufefftheirs,ours\nprice_1,cpu\n"Support, gold",support\nprod_1,cpu\nprice_1,cpu\n'
    found = read_prices(written(tmp_path, text))
    assert found == {"price_1": "cpu", "Support, gold": "support", "prod_1": "cpu"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("theirs,ours\nprice_1,\n", "line 2: no price of ours", id="nothing of ours"),
        pytest.param("theirs,ours\na,x\na,y\n", "line 3: a has two", id="two of ours"),
        pytest.param("theirs,ours\na\n", "line 2", id="a cell too few"),
        pytest.param("theirs;ours\na;b\n", "first line has to name", id="another separator"),
        pytest.param("", "first line has to name", id="empty"),
        pytest.param('theirs,ours\n"a,b\n', "cannot be read", id="a quote that never ends"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_prices(written(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_prices(tmp_path / "none.csv")
