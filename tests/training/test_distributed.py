"""Several processes train one codec: they draw different crops, and end with the same weights and codebooks."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from distill.codec import Codec
from distill.errors import ConfigError
from distill.training.config import VQVAEConfig
from distill.training.dataset import MelClip
from distill.training.distributed import Processes, choose_device
from distill.training.trainer import Progress, Trainer

PROCESSES = 2


def train_as(index: int, port: int, clips: Sequence[MelClip], config: VQVAEConfig, folder: Path) -> None:
    """Train as one of the processes; save the model, a batch of crops and the counts."""
    os.environ |= {
        "WORLD_SIZE": str(PROCESSES),
        "RANK": str(index),
        "LOCAL_RANK": str(index),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "ACCELERATE_USE_CPU": "true",
    }
    torch.set_num_threads(1)
    trainer = Trainer(clips, config, device="cpu")
    for event in trainer.run():
        if isinstance(event, Progress) and index == 0 and event.step == 7:
            trainer.stop()  # the first process decides for all
    state = {name: tensor.contiguous() for name, tensor in trainer.model.state_dict().items()}
    state["crops"] = trainer.sampler.sample(4)[0]
    state["counts"] = torch.tensor([trainer.steps, trainer.steps_per_epoch, trainer.processes.count])
    save_file(state, folder / f"{index}.safetensors")
    trainer.processes.close()


@pytest.fixture(scope="module")
def states(mel_clips, quick_config, tmp_path_factory, unused_port) -> list[dict[str, torch.Tensor]]:
    folder, context = tmp_path_factory.mktemp("processes"), multiprocessing.get_context("spawn")
    config = replace(quick_config, epochs=10)
    arguments = [(index, unused_port, list(mel_clips), config, folder) for index in range(PROCESSES)]
    processes = [context.Process(target=train_as, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
        assert process.exitcode == 0
    return [load_file(folder / f"{index}.safetensors") for index in range(PROCESSES)]


def test_codebooks_and_weights_are_equal_in_all_processes(states):
    first, second = states
    codebooks = [name for name in first if "_codebook" in name]
    assert len(codebooks) >= 9
    for name in (*codebooks, *(n for n in first if n.endswith(("weight", "bias")) and "quantizer" not in n)):
        assert torch.equal(first[name], second[name]), name


def test_each_process_draws_its_own_crops(states):
    assert not torch.equal(states[0]["crops"], states[1]["crops"])


def test_the_processes_stop_at_the_same_step_and_share_an_epoch(states, mel_clips, quick_config):
    frames = sum(clip.num_frames for clip in mel_clips)
    steps, per_epoch, count = states[0]["counts"].tolist()
    assert states[1]["counts"].tolist() == [steps, per_epoch, count]
    assert (steps, count) == (7, PROCESSES)
    assert per_epoch == -(-frames // (PROCESSES * quick_config.batch_size * quick_config.crop_frames))


def test_accelerate_launch_trains_one_codec_and_one_process_prints(clip_folder, tmp_path, unused_port):
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_machines", "1", "--num_processes"]
    launch += [str(PROCESSES), "--main_process_port", str(unused_port), "--mixed_precision", "no", "-m", "distill"]
    out, report = tmp_path / "kit.distill", tmp_path / "report.json"
    command = [*launch, "train", clip_folder, "--out", out, "--epochs", "2", "--device", "cpu", "--json", report]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Done after") == done.stdout.count(f"Saved {out}") == 1
    assert json.loads(report.read_text())["epochs"] == 2
    assert Codec.load(out).info.provenance.epochs == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kit.distill", "report.json"]


def test_a_single_process_uses_its_own_values_and_model():
    alone = Processes("cpu")
    assert (alone.count, alone.index, alone.is_first) == (1, 0, True)
    assert alone.agree(1.5, True) == (1.5, True)
    layer = torch.nn.Linear(2, 2)
    assert alone.wrap(layer) is layer


def test_several_processes_without_accelerate_are_refused_in_a_sentence(monkeypatch, is_one_sentence):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ConfigError) as refusal:
        Processes("cpu")
    assert is_one_sentence(refusal.value, "accelerate")


def test_auto_takes_the_accelerator_when_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == choose_device("cuda").type == "cuda"
    assert choose_device("cpu").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(ConfigError, match="no CUDA device"):
        choose_device("cuda")
