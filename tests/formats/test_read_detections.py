"""Results of MegaDetector and SpeciesNet become detections on the photos that they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ghostcat.formats import read_detections
from ghostcat.survey.evidence import Detection, Evidence, Media


def _photos(*paths: str) -> dict[str, Media]:
    return {f"id:{path}": Media(id=f"id:{path}", deployment_id="d", path=f"/survey/{path}") for path in paths}


def _read(tmp_path: Path, content: Any, media: dict[str, Media], **options: str) -> Evidence:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return read_detections(path, media, **options)


MEGADETECTOR = {
    "info": {"detector": "md_v5a.0.0.pt", "format_version": "1.4"},
    "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
    "classification_categories": {"0": "leopard", "1": "deer"},
    "images": [
        {
            "file": "ST01/A/1.JPG",
            "detections": [
                {
                    "category": "1",
                    "conf": 0.93,
                    "bbox": [0.1, 0.2, 0.3, 0.4],
                    "classifications": [["1", 0.2], ["0", 0.7]],
                },
                {"category": "2", "conf": 0.2, "bbox": [0.995, 0.0, 0.01, 1.0]},
            ],
        },
        {"file": "ST01/A/2.JPG", "detections": []},
    ],
}

SPECIESNET = {
    "predictions": [
        {
            "filepath": "C:\\cards\\ST01\\A\\1.JPG",
            "detections": [
                {"category": "1", "label": "animal", "conf": 0.6, "bbox": [0.5, 0.5, 0.1, 0.1]},
                {"category": "1", "label": "animal", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]},
            ],
            "prediction": "1;mammalia;carnivora;felidae;panthera;pardus;leopard",
            "prediction_score": 0.97,
            "model_version": "4.0.1a",
        },
        {
            "filepath": "ST01/A/2.JPG",
            "detections": [],
            "prediction": "f;;;;;;blank",
            "prediction_score": 0.99,
        },
        {
            "filepath": "ST01/A/3.JPG",
            "detections": [{"category": "2", "label": "human", "conf": 0.8, "bbox": [0, 0, 1, 1]}],
            "prediction": "9;mammalia;primates;hominidae;homo;sapiens;human",
            "prediction_score": 0.9,
        },
        {"filepath": "ST01/A/4.JPG", "failures": ["DETECTOR"]},
    ]
}


def test_megadetector(tmp_path: Path) -> None:
    evidence = _read(tmp_path, MEGADETECTOR, _photos("ST01/A/1.JPG", "ST01/A/2.JPG"), prefix="x-")
    first, second, nothing = evidence.detections
    assert first == Detection(
        id=first.id,
        media_id="id:ST01/A/1.JPG",
        category="animal",
        origin="megadetector md_v5a.0.0",
        species="leopard",
        box=(0.1, 0.2, 0.3, 0.4),
        confidence=0.93,
    )
    assert (second.category, second.box) == ("person", (0.995, 0.0, 1.0 - 0.995, 1.0))
    assert (nothing.category, nothing.box, nothing.confidence) == ("empty", None, None)
    assert len({d.id for d in evidence.detections}) == 3
    assert all(d.id.startswith("x-") for d in evidence.detections)
    assert evidence.source.kind == "megadetector" and not evidence.findings


def test_speciesnet(tmp_path: Path) -> None:
    media = _photos("ST01/A/1.JPG", "ST01/A/2.JPG", "ST01/A/3.JPG", "ST01/A/4.JPG")
    evidence = _read(tmp_path, SPECIESNET, media)
    assert [(d.media_id[-5], d.category, d.species, d.confidence) for d in evidence.detections] == [
        ("1", "animal", "", 0.6),
        ("1", "animal", "Panthera pardus", 0.9),
        ("2", "empty", "", 0.99),
        ("3", "person", "", 0.8),
    ]
    assert [finding.code for finding in evidence.findings] == ["detector_failed"]
    assert {d.origin for d in evidence.detections} == {"speciesnet 4.0.1a"}


def test_the_same_file_gives_the_same_ids(tmp_path: Path) -> None:
    media = _photos("ST01/A/1.JPG", "ST01/A/2.JPG")
    assert _read(tmp_path, MEGADETECTOR, media) == _read(tmp_path, MEGADETECTOR, media)


_FOLDERS = st.lists(
    st.sampled_from(["ST01", "ST02", "A", "B", "DCIM", "Кедр", "老虎 1"]), min_size=1, max_size=4
)


@given(folders=st.lists(_FOLDERS, min_size=1, max_size=8, unique_by=tuple), cut=st.integers(0, 3))
def test_no_result_goes_to_another_photo(tmp_path_factory: Any, folders: list[list[str]], cut: int) -> None:
    paths = ["/".join([*folder, "IMG_0001.JPG"]) for folder in folders]
    media = _photos(*paths)
    results = {
        "images": [{"file": "/".join(path.split("/")[cut:] or ["x"]), "detections": []} for path in paths]
    }
    evidence = _read(tmp_path_factory.mktemp("match"), results, media)
    given_to = {d.media_id.removeprefix("id:") for d in evidence.detections}
    asked = [result["file"] for result in results["images"]]
    for name in given_to:
        # Whoever got a result is the one photo, or the only nearest, that ends as the result's name does.
        assert any(f"/{name}".endswith(f"/{file}") for file in asked)
    told = sum(len(finding.ids) for finding in evidence.findings)
    assert len(evidence.detections) + told == len(paths)
