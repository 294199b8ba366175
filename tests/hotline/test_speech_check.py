"""``hotline check`` of a city with speech: which model it found, and what it can hear."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from asr.vocabulary_live import vocabulary
from asr.vosk_live import SMALL_MODEL, VoskModel
from hotline.cli import main
from hotline.speech_check import DIALOGUE_WORDS
from ivr.meaning import Meaning, meaning
from tests.asr.whole_graph import whole_graph_model

BASE = (resources.files("dialplans") / "cities" / "heze.toml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _no_base_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def checked(capsys: pytest.CaptureFixture[str], city: str, status: int = 0) -> Any:
    assert main(["check", city, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def written(folder: Path, text: str) -> str:
    (folder / "heze.toml").write_text(f"{BASE}\n[speech]\ngreeting = true\n{text}\n", encoding="utf-8")
    return str(folder / "heze.toml")


def test_the_small_model_is_named_as_one_that_must_not_serve_callers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    speech = checked(capsys, "zhengzhou")["speech"]
    assert (speech["demonstration"], speech["model"]) == (True, str(SMALL_MODEL))
    assert "must not serve callers" in speech["warnings"][0]
    assert (speech["rate"], speech["hot_words"]) == (8_000, True)
    assert 0 < speech["at_once"] <= 50
    assert main(["check", "zhengzhou"]) == 0
    assert "never heard a human" in capsys.readouterr().out


def test_what_it_can_not_hear_is_told_and_what_it_can_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    speech = checked(capsys, "zhengzhou")["speech"]
    model = VoskModel(SMALL_MODEL)
    assert "工商局" in speech["unknown_names"]
    assert not model.knows("工商")
    assert "公积金" not in speech["unknown_names"]
    assert len(speech["unknown_names"]) < speech["names"]
    assert "转人工" not in speech["unknown_words"]
    assert 0 < speech["questions_heard"] < speech["questions"]
    assert speech["entries"] > 150


def test_a_city_without_speech_loads_neither_a_model_nor_a_base(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(capsys, "heze")["speech"] is None
    code = "import sys; from hotline.cli import main; main(['check', 'heze']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "hotline.cli_check" in loaded
    assert loaded & {"vosk", "asr.vosk_live", "asr.matching", "sklearn", "hotline.knowledge_files"} == set()


def test_a_model_that_is_not_there_is_a_fault_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    city = written(tmp_path, 'model = "nowhere"')
    told = checked(capsys, city, status=1)
    assert (told["sound"], len(told["faults"])) == (False, 1)
    assert told["faults"][0].startswith(f"heze.toml: speech.model: {tmp_path / 'nowhere'} is no folder: ")
    assert main(["check", city]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("damage", ["am/final.mdl", "graph/Gr.fst"])
def test_a_model_that_breaks_the_recogniser_is_a_fault_and_breaks_nothing_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, damage: str
) -> None:
    shutil.copytree(SMALL_MODEL, tmp_path / "model")
    file = tmp_path / "model" / damage
    content = file.read_bytes()
    file.write_bytes(content[:200] + b"\xff" * (len(content) - 200))
    (fault,) = checked(capsys, written(tmp_path, 'model = "model"'), status=1)["faults"]
    assert fault.startswith("heze.toml: speech.model: ")


def test_a_model_of_the_city_s_own_is_named_and_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(SMALL_MODEL, tmp_path / "model")
    speech = checked(capsys, written(tmp_path, 'model = "model"\nmost = 1'))["speech"]
    assert (speech["demonstration"], speech["at_once"]) == (False, 1)
    assert speech["model"] == str(tmp_path / "model")
    assert not any("must not serve" in warning for warning in speech["warnings"])


def test_a_model_that_takes_no_hot_words_is_warned_of_and_sound(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    whole_graph_model(tmp_path / "model")
    speech = checked(capsys, written(tmp_path, 'model = "model"'))["speech"]
    assert not speech["hot_words"]
    assert speech["words"] > 500
    assert any("can't be narrowed to hot words" in warning for warning in speech["warnings"])


def test_the_words_that_are_read_from_the_files_are_those_that_the_recogniser_knows() -> None:
    model, knows = VoskModel(SMALL_MODEL), vocabulary(SMALL_MODEL).__contains__
    for word in ("公积金", "人工", "登封", "工商局", "是", "彁"):
        assert knows(word) == model.knows(word), word
    assert not any(knows(word) for word in ("<eps>", "#0", "!SIL", "[unk]"))


def test_every_word_of_the_conversation_means_something_to_it() -> None:
    digits = "零一幺二三四五六七八九"
    assert [word for word in DIALOGUE_WORDS if meaning(word) is Meaning.OTHER and word not in digits] == []
