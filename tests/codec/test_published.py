"""A codec on the Hugging Face Hub: what is published of it, and how it comes back."""

import json
import struct
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
import yaml

from distill.audio import load_clip
from distill.codec import Codec
from distill.codec.making import training_grids
from distill.errors import CodecFileError, ConfigError, GridError, HubError
from distill.settings import Settings
from tests.hub.stand_in import READS, Repository

SECRET = "secret kick"


def contents(files) -> dict[str, bytes]:
    return {file.path: file.content for file in files}


def front_matter(card: bytes) -> dict:
    return yaml.safe_load(card.decode().split("---\n")[1])


def test_a_published_codec_comes_back_with_the_same_weights_and_writes_the_same_grids(hub, codec, drums):
    address = codec.push_to_hub("ada/loops")
    assert address.startswith(f"{hub.url}/ada/loops/commit/")
    assert not hub.repositories["ada/loops"].private
    again = Codec.from_pretrained("ada/loops")
    for one, other in ((codec.model, again.model), (codec.network, again.network)):
        here, there = one.state_dict(), other.state_dict()
        assert here.keys() == there.keys()
        assert all(torch.equal(here[name], there[name]) for name in here)
    assert again.sound_id == codec.sound_id
    assert again.encode_clip(drums) == codec.encode_clip(drums)
    for field in fields(codec.info):
        if field.name not in ("grids", "front_end", "statistics"):
            assert getattr(again.info, field.name) == getattr(codec.info, field.name)


def test_what_would_go_out_is_what_goes_out(hub, codec, grid):
    files = codec.hub_files("ada/loops", license="cc-by-4.0", sounds=[grid])
    assert not hub.asked
    assert [file.path for file in files] == ["codec.distill", "config.json", "README.md", "codes.png", "sounds/1.flac"]
    assert all(file.size == len(file.content) > 0 and file.words.endswith(".") for file in files)
    codec.push_to_hub("ada/loops", license="cc-by-4.0", sounds=[grid])
    published = dict(hub.repositories["ada/loops"].files)
    assert published.pop(".gitattributes") == b""
    assert published == contents(files)


def test_the_files_say_what_the_codec_is(codec, tmp_path):
    files = contents(codec.hub_files("ada/loops"))
    figures = json.loads(files["config.json"])
    assert codec.describe().items() <= figures.items()
    assert (figures["sample_rate"], figures["rows"], figures["format_version"]) == (44_100, 8, 2)
    assert figures["mel_l1"] == codec.info.mel_l1
    assert figures["health"][0]["utilization"] == codec.training_health[0].utilization
    matter, card = front_matter(files["README.md"]), files["README.md"].decode()
    assert matter["library_name"] == "distill"
    assert matter["license"] == "cc0-1.0"
    assert {"audio", "neural-audio-codec", "rvq", "spectrogram"} <= set(matter["tags"])
    assert 'Codec.from_pretrained("ada/loops")' in card
    assert "On 17 clips" in card
    assert f"{codec.info.mel_l1:.3f} nepers" in card
    assert f"| Structure | 100% | {codec.training_health[0].perplexity:.1f} | 0 |" in card
    assert files["codes.png"].startswith(b"\x89PNG")
    (tmp_path / "codec.distill").write_bytes(files["codec.distill"])
    assert Codec.load(tmp_path / "codec.distill").model_id == codec.model_id


def test_a_codec_of_which_nothing_is_known_has_a_card_too(other_codec_path):
    files = contents(Codec.load(other_codec_path).hub_files())
    assert "That is not known." in files["README.md"].decode()
    assert json.loads(files["config.json"])["provenance"] is None


def test_no_name_of_a_clip_goes_out_even_if_a_file_from_elsewhere_has_some(codec, drums, codec_path, tmp_path):
    """Names in fields that Distill does not know, in metadata of other programs, and in a field that holds text."""
    content = codec_path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    notes = json.loads(header["__metadata__"]["distill"])
    notes["clip_names"] = [f"{SECRET}.wav"]
    notes["provenance"] |= {"device": SECRET, "names": [SECRET]}
    notes["config"]["folder"] = SECRET
    header["__metadata__"] = {"distill": json.dumps(notes), "author": SECRET}
    written = json.dumps(header).encode()
    odd, named = tmp_path / f"{SECRET}.distill", replace(drums, name=f"{SECRET}.wav")
    odd.write_bytes(struct.pack("<Q", len(written)) + written + content[8 + length :])
    assert odd.read_bytes().count(SECRET.encode()) == 5
    loaded = Codec.load(odd)
    files = loaded.hub_files("ada/loops", sounds=[loaded.encode_clip(named)], grids=True)
    for file in files:
        assert SECRET.encode() not in file.content, file.path
        assert SECRET not in file.words
    assert Codec.load(odd).model_id == codec.model_id


def test_the_codes_of_the_training_clips_go_out_only_when_that_is_asked_for(hub, codec):
    assert training_grids(codec)
    kept = next(file for file in codec.hub_files() if file.path == "codec.distill")
    assert "No codes" in kept.words
    codec.push_to_hub("ada/loops")
    assert training_grids(Codec.from_pretrained("ada/loops")) == []
    told = codec.hub_files(grids=True)
    assert "can hear them" in told[0].words
    assert "decoded to the sound of the clips" in contents(told)["README.md"].decode()
    codec.push_to_hub("ada/loops", grids=True)
    again = training_grids(Codec.from_pretrained("ada/loops"))
    assert all(map(np.array_equal, again, training_grids(codec)))
    assert training_grids(codec)  # the codec itself keeps what it had


def test_a_published_sound_is_the_start_of_what_the_codec_makes_of_it(codec, drums, drone, tmp_path):
    long = codec.encode(np.tile(drone.waveform, 3), 44_100)
    files = contents(codec.hub_files("ada/loops", sounds=[codec.encode_clip(drums), long]))
    for number, expected in ((1, codec.decode(codec.encode_clip(drums))), (2, codec.decode(long)[: 10 * 44_100])):
        path = tmp_path / f"{number}.flac"
        path.write_bytes(files[f"sounds/{number}.flac"])
        heard = load_clip(path).waveform
        assert len(heard) == len(expected)
        assert np.abs(heard - expected / max(1, np.abs(expected).max())).max() < 2e-4
        assert f"/sounds/{number}.flac" in files["README.md"].decode()


def test_sounds_that_were_published_are_taken_away_again(hub, codec, grid):
    codec.push_to_hub("ada/loops", sounds=[grid, grid])
    codec.push_to_hub("ada/loops", sounds=[grid])
    assert {path for path in hub.repositories["ada/loops"].files if path.startswith("sounds/")} == {"sounds/1.flac"}


def test_a_folder_takes_the_place_of_a_repository(codec, tmp_path):
    codec.save_pretrained(tmp_path / "loops", license="other")
    assert {path.name for path in (tmp_path / "loops").iterdir()} == set(contents(codec.hub_files()))
    assert Codec.from_pretrained(tmp_path / "loops").sound_id == codec.sound_id
    with pytest.raises(CodecFileError, match="does not exist"):
        Codec.from_pretrained(tmp_path)


def test_what_cannot_be_published_is_refused_before_anything_is_sent(hub, codec, other_codec_path, grid):
    with pytest.raises(ConfigError, match="no name of a licence"):
        codec.push_to_hub("ada/loops", license="cc0\nlibrary_name: evil")
    with pytest.raises(GridError, match="another codec"):
        Codec.load(other_codec_path).push_to_hub("ada/loops", sounds=[grid])
    assert not hub.asked


def test_an_older_revision_is_loaded_by_its_name(hub, codec, other_codec_path):
    Codec.load(other_codec_path).push_to_hub("ada/loops")
    first = next(reversed(hub.repositories["ada/loops"].commits))
    codec.push_to_hub("ada/loops", commit_message="Better")
    assert Codec.from_pretrained("ada/loops").model_id == codec.model_id
    assert Codec.from_pretrained("ada/loops", revision=first).model_id == Codec.load(other_codec_path).model_id


def test_a_hostile_file_is_refused_and_a_large_one_is_not_even_downloaded(hub, codec_path):
    content = codec_path.read_bytes()
    hub.repositories["eve/cut"] = Repository()
    hub.repositories["eve/cut"].commit({"codec.distill": content[:100_000]})
    with pytest.raises(CodecFileError, match="cut short"):
        Codec.from_pretrained("eve/cut")
    hub.repositories["eve/large"] = Repository()
    hub.repositories["eve/large"].commit({"codec.distill": content})
    hub.asked.clear()
    with pytest.raises(HubError, match="too large: at most 1 MiB"):
        Codec.from_pretrained("eve/large", settings=replace(Settings(), codec_bytes=1 << 20))
    assert not any("GET" in asked for asked in hub.asked)


def test_a_codec_is_read_from_the_cache_where_there_is_no_network(hub, codec, tmp_path):
    codec.push_to_hub("ada/loops", private=True)
    with pytest.raises(HubError, match="only that was to be looked at"):
        Codec.from_pretrained("ada/loops", local_files_only=True)
    assert Codec.from_pretrained("ada/loops", token=READS, cache_dir=tmp_path / "kept").model_id == codec.model_id
    hub.close()
    assert Codec.from_pretrained("ada/loops", cache_dir=tmp_path / "kept").model_id == codec.model_id
    hub.asked.clear()
    again = Codec.from_pretrained("ada/loops", cache_dir=tmp_path / "kept", local_files_only=True)
    assert again.model_id == codec.model_id


def test_codecs_are_loaded_and_saved_without_the_hubs_client(repository, tmp_path):
    program = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from distill.codec import Codec\n"
        "from distill.errors import HubError\n"
        f"Codec.load('examples/models/loops.distill').save_pretrained({str(tmp_path)!r})\n"
        f"print(Codec.from_pretrained({str(tmp_path)!r}).num_levels)\n"
        "try:\n    Codec.from_pretrained('ada/loops')\nexcept HubError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout.splitlines() == ["3", "The Hugging Face Hub needs a package: pip install huggingface_hub."]
