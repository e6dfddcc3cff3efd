"""Networks in the catalogue: a card says what weights mean, it must fit them, and what changes either changes the dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from generated_networks import card, comparing_bytes, write_network
from tools.catalog.add_report import AddReport
from tools.catalog.datasets import Datasets
from tools.errors import DataError
from tools.runner import Runner
from tools.storage.network_names import ARCHITECTURES, ENCODERS, is_encoder
from tools.storage.networks import read_card, read_weights, tensor_shapes
from tools.workspace import Workspace


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def reason(report: AddReport) -> str:
    assert not report.records
    (refusal,) = report.refused
    assert refusal.hint
    return refusal.message


def test_a_network_is_known_by_what_an_agent_must_know_to_choose_it(datasets: Datasets, tmp_path: Path) -> None:
    written = write_network(tmp_path, licence="CC BY 4.0", attribution="The surveyors", training="Two chips.")
    (record,) = datasets.add(written).records
    assert (record.id, record.kind, record.licence, record.attribution) == ("flood", "network", "CC BY 4.0", "The surveyors")
    assert record.network is not None
    assert record.network.bands == ("green", "swir1")
    assert record.network.classes == {"0": "land", "1": "water"}
    assert (record.network.resolution_m, record.network.unit, record.network.training) == (10.0, "reflectance", "Two chips.")
    assert datasets.resolve("flood").kind == "network"


def test_a_folder_gives_one_dataset_of_weights_and_card(datasets: Datasets, tmp_path: Path) -> None:
    folder = tmp_path / "networks"
    folder.mkdir()
    write_network(folder)
    report = datasets.add(folder)
    assert [record.kind for record in report.records] == ["network"]
    assert not report.refused
    assert not report.skipped


def test_the_card_alone_is_only_a_part_of_the_network(datasets: Datasets, tmp_path: Path) -> None:
    write_network(tmp_path)
    assert "only a part" in reason(datasets.add(tmp_path / "flood.card.json"))


def test_weights_without_a_card_say_what_the_card_must_hold(datasets: Datasets, tmp_path: Path) -> None:
    written = write_network(tmp_path)
    (tmp_path / "flood.card.json").unlink()
    report = datasets.add(written)
    assert "has no card" in reason(report)
    assert "flood.card.json" in report.refused[0].hint


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"architecture": "Unetto"}, "nearest: Unet"),
        ({"encoder": "resnet81"}, "nearest: resnet18"),
        ({"encoder": "tu-hf_hub:someone/thing"}, "no encoder"),  # timm would fetch it
        ({"encoder": "tu-local-dir:/etc"}, "no encoder"),
        ({"weights_sha256": "0" * 64}, "not those of their card"),
        ({"classes": {"0": "land", "1": "water", "2": "cloud"}}, "2 output(s), but its card names 3 classes"),
        ({"classes": {"1": "land", "2": "water"}}, "indices must be 0 to 1"),
        ({"classes": {"0": "water", "1": "Water"}}, "label of its own"),
        ({"bands": ["green", "swir16", "swir1"]}, "role of its own"),  # two names of one role
        ({"scaling": {"mean": [0.1]}}, "scaling.mean has 1 numbers for 2 bands"),
        ({"scaling": {"std": [0.1, 0.0]}}, "greater than 0"),
        ({"scaling": {"divide_by": 0}}, "greater than 0"),
        ({"value_range": [1, 0]}, "lowest and the highest"),
        ({"value_range": None}, "value_range: Field required"),
        ({"resolution_m": "10"}, "resolution_m"),
        ({"colour": "blue"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_a_card_that_cannot_be_is_refused_with_the_reason(datasets: Datasets, tmp_path: Path, other: dict[str, object], said: str) -> None:
    assert said in reason(datasets.add(write_network(tmp_path, **other)))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"architecture": NaN}', "\x00"])
def test_a_card_that_is_no_json_object_is_refused(datasets: Datasets, tmp_path: Path, text: str) -> None:
    written = write_network(tmp_path)
    (tmp_path / "flood.card.json").write_text(text)
    assert "cannot be used" in reason(datasets.add(written))


def test_two_classes_may_share_one_output(datasets: Datasets, tmp_path: Path) -> None:
    assert datasets.add(write_network(tmp_path, comparing_bytes(1))).records


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", b"\x80\x04 a pickle", b"\xff" * 64, (2).to_bytes(8, "little") + b"[]"])
def test_weights_that_are_no_safetensors_are_refused(datasets: Datasets, tmp_path: Path, content: bytes) -> None:
    assert "no safetensors" in reason(datasets.add(write_network(tmp_path, content)))


@pytest.mark.parametrize("suffix", ["pt", "pth", "ckpt", "pkl"])
def test_a_pickle_is_never_opened(datasets: Datasets, tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"flood.{suffix}").write_bytes(b"\x80\x04.")
    assert "pickle" in reason(datasets.add(tmp_path / f"flood.{suffix}"))


def test_a_change_of_weights_or_card_changes_the_dataset(datasets: Datasets, tmp_path: Path) -> None:
    written = write_network(tmp_path)
    datasets.add(written)
    digests = {datasets.resolve("flood").digest}
    write_network(tmp_path, resolution_m=11)
    digests.add(datasets.resolve("flood").digest)
    other = bytearray(comparing_bytes())
    other[-1] ^= 1
    write_network(tmp_path, bytes(other))
    digests.add(datasets.resolve("flood").digest)
    assert len(digests) == 3


def test_a_network_whose_weights_changed_without_its_card_is_refused_when_it_is_used(datasets: Datasets, tmp_path: Path) -> None:
    written = write_network(tmp_path)
    datasets.add(written)
    known = read_card(written)
    written.write_bytes(comparing_bytes()[:-1] + b"\x01")
    with pytest.raises(DataError, match="not those of their card"):
        datasets.resolve("flood")
    with pytest.raises(DataError, match="not those of their card"):
        read_weights(written, known)


def test_shapes_are_those_that_the_format_s_own_reader_finds(tmp_path: Path) -> None:
    from safetensors import safe_open

    written = write_network(tmp_path)
    with safe_open(written, "np") as opened:
        theirs = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 - no mapping
    assert tensor_shapes(written) == theirs


def test_the_names_are_those_of_the_library() -> None:
    import segmentation_models_pytorch as smp

    assert sorted(ARCHITECTURES) == sorted(made.__name__ for made in smp.MODEL_ARCHITECTURES_MAPPING.values())
    assert sorted(ENCODERS) == sorted(smp.encoders.get_encoder_names())
    assert is_encoder("tu-resnet26d")


def test_networks_are_listed_and_described_by_bands_and_classes(workspace: Workspace, datasets: Datasets, tmp_path: Path) -> None:
    datasets.add(write_network(tmp_path))
    runner = Runner(workspace, datasets)
    (listed,) = runner.run("list_datasets", {"text": "water", "kind": "network"}).artifact.data["datasets"]
    assert (listed["id"], listed["network"]["bands"]) == ("flood", ["green", "swir1"])
    described = runner.run("describe_dataset", {"dataset": "flood"}).artifact
    assert "land, water from green, swir1" in described.summary
    assert {(fact.name, fact.value, fact.unit) for fact in described.facts} == {("resolution", 10.0, "m"), ("count", 2, "count")}


def test_adding_and_listing_networks_imports_no_torch(workspace: Workspace, tmp_path: Path) -> None:
    program = (
        "import json, sys; from agent.interfaces.cli import main\n"
        "try: main()\n"
        "finally: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    arguments = ["add", str(write_network(tmp_path)), "--workspace", str(tmp_path / "ws"), "--json"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {"torch", "safetensors", "segmentation_models_pytorch"}.isdisjoint(json.loads(done.stderr.splitlines()[-1]))


def test_a_card_says_which_fields_it_wants(tmp_path: Path) -> None:
    stated = card(b"")
    written = tmp_path / "flood.safetensors"
    written.write_bytes(b"x")
    (tmp_path / "flood.card.json").write_text(json.dumps({name: stated[name] for name in ("encoder", "bands")}))
    with pytest.raises(DataError, match="architecture: Field required; unit: Field required"):
        read_card(written)
