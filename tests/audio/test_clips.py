"""Files to clips: every common format is read, and every bad file is refused in one sentence that names the file."""

import io
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from distill.audio import Clip, Refusal, load_clip, read_clips, write_wav
from distill.audio.archives import unpack_zip
from distill.audio.clips import write_flac
from distill.errors import AudioError
from distill.settings import Settings


def tone(seconds: float = 0.5, sample_rate: int = 44_100, channels: int = 1, hertz: float = 440) -> np.ndarray:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    wave = 0.5 * np.sin(2 * np.pi * hertz * time)
    return wave if channels == 1 else np.stack([wave] * channels, axis=1)


def loudest_hertz(waveform: np.ndarray) -> float:
    return np.abs(np.fft.rfft(waveform)).argmax() * 44_100 / len(waveform)


def refusal_of(path: Path) -> AudioError:
    with pytest.raises(AudioError) as refusal:
        load_clip(path)
    return refusal.value


@pytest.mark.parametrize(
    ("suffix", "file_format"),
    [("wav", "WAV"), ("flac", "FLAC"), ("ogg", "OGG"), ("mp3", "MP3"), ("aif", "AIFF"), ("aiff", "AIFF")],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_each_format_comes_in_as_mono_at_44100_hz(tmp_path, suffix, file_format, channels):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(channels=channels), 44_100, format=file_format)
    clip = load_clip(path)
    assert clip.name == f"tone.{suffix}"
    assert clip.waveform.dtype == np.float32
    assert clip.waveform.ndim == 1
    assert clip.seconds == pytest.approx(0.5, abs=0.06)
    assert loudest_hertz(clip.waveform) == pytest.approx(440, abs=5)


@pytest.mark.parametrize(("sample_rate", "channels"), [(8_000, 1), (22_050, 2), (48_000, 1), (192_000, 2)])
def test_any_sample_rate_comes_in_at_its_own_pitch_and_length(tmp_path, sample_rate, channels):
    soundfile.write(tmp_path / "tone.wav", tone(1.0, sample_rate, channels), sample_rate)
    waveform = load_clip(tmp_path / "tone.wav").waveform
    assert len(waveform) == 44_100
    assert loudest_hertz(waveform) == pytest.approx(440, abs=1)
    assert np.abs(waveform[2000:-2000]).max() == pytest.approx(0.5, abs=0.01)


def test_stereo_is_the_mean_of_its_channels(tmp_path):
    left, right = tone(hertz=440), tone(hertz=1000)
    soundfile.write(tmp_path / "wide.wav", np.stack([left, right], axis=1), 44_100, subtype="FLOAT")
    assert np.allclose(load_clip(tmp_path / "wide.wav").waveform, (left + right) / 2, atol=1e-6)


def test_a_clip_louder_than_full_scale_is_scaled_down_not_cut_off(tmp_path):
    loud = tone() * 6
    soundfile.write(tmp_path / "loud.wav", loud, 44_100, subtype="FLOAT")
    waveform = load_clip(tmp_path / "loud.wav").waveform
    assert np.abs(waveform).max() == pytest.approx(1)
    assert np.allclose(waveform, loud / np.abs(loud).max(), atol=1e-6)


def test_a_clip_within_full_scale_keeps_its_level(tmp_path):
    soundfile.write(tmp_path / "soft.wav", tone() * 0.01, 44_100, subtype="FLOAT")
    assert np.allclose(load_clip(tmp_path / "soft.wav").waveform, tone() * 0.01, atol=1e-7)


@pytest.mark.parametrize("name", ["🥁 kick 😀.wav", "..%2f..%2fetc.wav", "a b'c\"d;rm -rf.wav", "..wav", "-v.wav"])
def test_a_strange_file_name_does_not_matter(tmp_path, name):
    (tmp_path / "inner").mkdir()
    soundfile.write(tmp_path / name, tone(), 44_100, format="WAV")
    assert load_clip(tmp_path / name).name == name
    assert load_clip(tmp_path / "inner" / ".." / name).name == name


def test_the_content_decides_the_format_not_the_name(tmp_path):
    soundfile.write(tmp_path / "really_flac.wav", tone(), 44_100, format="FLAC")
    assert load_clip(tmp_path / "really_flac.wav").seconds == 0.5


def test_an_example_clip_is_read_whole(examples):
    clip = load_clip(examples / "clips" / "loop_amen.flac")
    assert clip.name == "loop_amen.flac"
    assert clip.seconds == pytest.approx(1.7533, abs=1e-4)
    assert 0.1 < np.abs(clip.waveform).max() <= 1


@pytest.mark.parametrize(
    "content",
    [b"", b"These are lyrics, not sound.\n" * 40, bytes(range(256)) * 20, b"RIFF", b"RIFF\x24\x00\x00\x00WAVEfmt "],
    ids=["empty", "text", "garbage", "four bytes", "half a header"],
)
def test_a_file_that_is_not_sound_is_refused_by_name(tmp_path, content, is_one_sentence):
    (tmp_path / "song.wav").write_bytes(content)
    assert is_one_sentence(refusal_of(tmp_path / "song.wav"), "song.wav")


@pytest.mark.parametrize(("file_format", "kept_bytes"), [("WAV", 44), ("FLAC", 120), ("OGG", 200), ("AIFF", 54)])
def test_a_header_without_sound_is_refused_by_name(tmp_path, file_format, kept_bytes, is_one_sentence):
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(), 44_100, format=file_format)
    (tmp_path / "cut.wav").write_bytes(buffer.getvalue()[:kept_bytes])
    assert is_one_sentence(refusal_of(tmp_path / "cut.wav"), "cut.wav")


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_is_refused_by_name(tmp_path, level, is_one_sentence):
    soundfile.write(tmp_path / "quiet.wav", tone() * level, 44_100, subtype="FLOAT")
    error = refusal_of(tmp_path / "quiet.wav")
    assert "silent" in str(error)
    assert is_one_sentence(error, "quiet.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers_are_refused_by_name(tmp_path, value, is_one_sentence):
    wave = tone()
    wave[777] = value
    soundfile.write(tmp_path / "broken.wav", wave, 44_100, subtype="FLOAT")
    error = refusal_of(tmp_path / "broken.wav")
    assert "NaN or infinite" in str(error)
    assert is_one_sentence(error, "broken.wav")


@pytest.mark.parametrize("num_samples", [0, 1, 511])
def test_a_clip_of_less_than_a_hop_is_refused_by_name(tmp_path, num_samples, is_one_sentence):
    soundfile.write(tmp_path / "blip.wav", np.full(num_samples, 0.5), 44_100)
    error = refusal_of(tmp_path / "blip.wav")
    assert "too short" in str(error)
    assert is_one_sentence(error, "blip.wav")


@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 192_000])
def test_a_clip_of_one_hop_is_long_enough(tmp_path, sample_rate):
    soundfile.write(tmp_path / "blip.wav", tone(512 / 44_100 + 1 / sample_rate, sample_rate), sample_rate)
    assert len(load_clip(tmp_path / "blip.wav").waveform) >= 511


def test_ten_minutes_are_accepted_and_a_sample_more_is_refused_by_name(tmp_path, is_one_sentence):
    noise = np.random.default_rng(0).integers(-9000, 9000, 600 * 8_000 + 1, dtype=np.int16)
    soundfile.write(tmp_path / "long.wav", noise[:-1], 8_000)
    assert load_clip(tmp_path / "long.wav").seconds == 600
    soundfile.write(tmp_path / "longer.wav", noise, 8_000)
    error = refusal_of(tmp_path / "longer.wav")
    assert "minutes" in str(error)
    assert is_one_sentence(error, "longer.wav")


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path, is_one_sentence):
    (tmp_path / "folder.wav").mkdir()
    assert is_one_sentence(refusal_of(tmp_path / "folder.wav"), "folder.wav")
    assert is_one_sentence(refusal_of(tmp_path / "missing.wav"), "missing.wav")


def test_a_file_of_too_many_bytes_is_refused_before_it_is_decoded(tmp_path, monkeypatch, is_one_sentence):
    soundfile.write(tmp_path / "big.wav", tone(), 44_100)
    settings = Settings(upload_file_bytes=(tmp_path / "big.wav").stat().st_size)
    assert load_clip(tmp_path / "big.wav", settings=settings).seconds == 0.5
    monkeypatch.setattr(av, "open", None)
    with pytest.raises(AudioError) as refusal:
        load_clip(tmp_path / "big.wav", settings=Settings(upload_file_bytes=settings.upload_file_bytes - 1))
    assert is_one_sentence(refusal.value, "big.wav", "MB")


@pytest.fixture
def blip(tmp_path) -> Path:
    soundfile.write(tmp_path / "blip.wav", tone(0.02), 44_100)
    return tmp_path / "blip.wav"


def test_a_bad_file_costs_only_itself(tmp_path, blip):
    (tmp_path / "bad.wav").write_text("no sound")
    results = list(read_clips([blip, tmp_path / "bad.wav", blip, tmp_path / "missing.wav", blip]))
    assert [type(result) for result in results] == [Clip, Refusal, Clip, Refusal, Clip]
    assert [result.name for result in results] == ["blip.wav", "bad.wav", "blip.wav", "missing.wav", "blip.wav"]
    assert results[1].reason == "bad.wav could not be read as sound: it is text."


def test_the_501st_clip_is_left_out_with_its_reason(blip, is_one_sentence):
    results = list(read_clips([blip] * 501))
    assert all(isinstance(result, Clip) for result in results[:500])
    assert isinstance(results[500], Refusal)
    assert is_one_sentence(results[500].reason, "blip.wav", "500")


def test_refused_files_do_not_count_towards_the_limit(tmp_path, blip):
    missing = tmp_path / "missing.wav"
    results = list(read_clips([missing, blip, missing, blip, blip], settings=Settings(set_clips=2)))
    assert [isinstance(result, Clip) for result in results] == [False, True, False, True, False]


def test_a_clip_that_makes_the_set_too_long_is_left_out_and_a_shorter_clip_still_fits(tmp_path, blip):
    settings = Settings(set_seconds=1)
    soundfile.write(tmp_path / "long.wav", tone(0.97), 44_100)
    results = list(read_clips([blip, tmp_path / "long.wav", tmp_path / "long.wav", blip], settings=settings))
    assert [isinstance(result, Clip) for result in results] == [True, True, False, False]
    assert "more than 0.0166667 minutes" in results[2].reason
    results = list(read_clips([tmp_path / "long.wav", tmp_path / "long.wav", blip], settings=settings))
    assert [isinstance(result, Clip) for result in results] == [True, False, True]


def test_folders_are_searched_for_what_is_sound_and_the_rest_is_named(tmp_path, blip):
    folder, sound = tmp_path / "folder", blip.read_bytes()
    for name in ("b.wav", "a.FLAC", "notes.txt", "deep/er/c", "deep/d.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"Dear diary" if name == "deep/d.txt" else sound)
    results = list(read_clips([folder / "notes.txt", folder, tmp_path / "missing.wav"]))
    names = ["notes.txt", "a.FLAC", "b.wav", "d.txt", "c", "notes.txt", "missing.wav"]
    assert [result.name for result in results] == names
    assert [type(result) is Clip for result in results] == [True, True, True, False, True, True, False]
    assert results[3].reason == "d.txt could not be read as sound: it is text."


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_gives_its_sound_files_and_nothing_else(tmp_path, blip):
    sound = blip.read_bytes()
    members = {
        "kit/kick.wav": sound,
        "kit/readme.txt": b"hello",
        "__MACOSX/kit/._kick.wav": b"resource fork",
        "other/kick.wav": sound,
        "snare.FLAC": sound,
    }
    (tmp_path / "out").mkdir()
    items = list(unpack_zip(zipped(tmp_path / "kit.zip", members), tmp_path / "out"))
    written = [item for item in items if isinstance(item, Path)]
    assert [path.name for path in written] == ["kick.wav", "kick.wav", "snare.FLAC"]
    assert str(items[1]) == "readme.txt in kit.zip could not be read as sound: it is text."
    assert len(set(written)) == 3
    assert all(load_clip(path).seconds == pytest.approx(0.02) for path in written)


def test_the_clips_of_a_zip_are_read_in_its_place(tmp_path, blip):
    sound = blip.read_bytes()
    good = zipped(tmp_path / "kit.ZIP", {"kick.wav": sound, "bad.wav": b"no sound", "deep/snare.wav": sound})
    empty = zipped(tmp_path / "empty.zip", {"readme.txt": b"hello"})
    (tmp_path / "broken.zip").write_bytes(b"PK")
    results = list(read_clips([blip, good, empty, tmp_path / "broken.zip", blip]))
    names = ["blip.wav", "kick.wav", "bad.wav", "snare.wav", "readme.txt", "empty.zip", "broken.zip", "blip.wav"]
    assert [result.name for result in results] == names
    assert [isinstance(result, Clip) for result in results] == [True, True, False, True, False, False, False, True]
    assert results[5].reason == "empty.zip holds no sound files."


def test_a_zip_cannot_write_outside_its_folder(tmp_path, blip):
    names = [
        "../../evil.wav",
        "/tmp/evil.wav",
        "..\\..\\evil.wav",
        "C:\\evil.wav",
        "a/../../evil.wav",
        "....//evil.wav",
    ]
    folder = tmp_path / "deep" / "out"
    folder.mkdir(parents=True)
    before = set(tmp_path.rglob("*")) | {tmp_path / "evil.zip"}
    written = list(unpack_zip(zipped(tmp_path / "evil.zip", dict.fromkeys(names, blip.read_bytes())), folder))
    assert [path.name for path in written] == ["evil.wav"] * 6
    new = set(tmp_path.rglob("*")) - before
    assert len([path for path in new if path.is_file()]) == 6
    assert all(folder in path.resolve().parents for path in new)


def test_a_file_that_is_no_zip_is_refused_by_name(tmp_path, is_one_sentence):
    (tmp_path / "kit.zip").write_text("not an archive")
    with pytest.raises(AudioError) as refusal:
        list(unpack_zip(tmp_path / "kit.zip", tmp_path))
    assert is_one_sentence(refusal.value, "kit.zip")


def test_a_damaged_zip_is_refused_by_name_wherever_the_damage_is(tmp_path, blip, is_one_sentence):
    archive = zipped(tmp_path / "kit.zip", {"kick.wav": blip.read_bytes()})
    content = archive.read_bytes()
    messages = []
    for position in range(0, len(content), 37):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        archive.write_bytes(damaged)
        folder = tmp_path / str(position)
        folder.mkdir()
        try:
            messages += [item for item in unpack_zip(archive, folder) if isinstance(item, AudioError)]
        except AudioError as error:
            messages.append(error)
    assert len(messages) > 10
    assert all(is_one_sentence(message, "kit.zip") for message in messages)


def test_a_member_that_would_unpack_to_too_much_is_left_out_and_the_next_may_fit(tmp_path, blip, is_one_sentence):
    noise = np.random.default_rng(0).bytes(100_000)
    bomb = zipped(tmp_path / "bomb.zip", {"noise.wav": noise, "kick.wav": blip.read_bytes()})
    (tmp_path / "out").mkdir()
    refusal, kick = unpack_zip(bomb, tmp_path / "out", settings=Settings(zip_bytes=50_000))
    assert is_one_sentence(refusal, "bomb.zip", "noise.wav")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [kick]


def test_a_written_clip_is_read_back_within_16_bits(tmp_path):
    write_wav(tmp_path / "out.wav", tone().astype(np.float32))
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.samplerate, info.channels, info.subtype) == (44_100, 1, "PCM_16")
    assert np.abs(load_clip(tmp_path / "out.wav").waveform - tone()).max() < 2 / 32_768


def test_a_clip_louder_than_full_scale_is_written_without_clipping(tmp_path):
    write_wav(tmp_path / "out.wav", tone() * 8)
    written = load_clip(tmp_path / "out.wav").waveform
    assert np.abs(written - tone() * 2).max() < 2e-4


def test_a_flac_file_holds_the_samples_of_a_wav_file(tmp_path):
    write_wav(tmp_path / "out.wav", tone())
    write_flac(tmp_path / "out.flac", tone())
    assert soundfile.info(tmp_path / "out.flac").format == "FLAC"
    wav, flac = (load_clip(tmp_path / name).waveform for name in ("out.wav", "out.flac"))
    assert np.abs(wav - flac).max() <= 1 / 32_768


def test_writing_to_a_folder_that_does_not_exist_names_it(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_wav(tmp_path / "missing" / "out.wav", tone())
