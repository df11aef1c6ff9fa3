"""nnU-Net's own planning, training and predicting, in its environment, where there is no autoseg.

    python nnunet_models.py train JOB.json       plans, preprocesses and trains tiny models
    python nnunet_models.py predict JOB.json     predicts scans with a trained model, and times it
    python nnunet_models.py command JOB.json     does so as nnUNetv2_predict does, with its processes beside

A job is a JSON object; `experiments.peers.parity` writes them. Planner, trainer, predictor and files are nnU-Net's.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

# What networks that nobody asks for here want to import, and what does not go with a torch for CPUs.
STUBBED = ("torchvision", "timm")
# What nnUNetv2_predict starts for reading, and for writing (-npp, -nps).
COMMAND_PROCESSES = 3


class _Anything:
    """A class or function that is imported and never used."""

    def __init__(self, *values: object, **named: object) -> None:
        pass


class _Stub(types.ModuleType):
    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything


class _Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds empty modules for `STUBBED` and all that lies in them."""

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in STUBBED else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Stub(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


# nnU-Net's pools start processes anew, which import this file: they need the stubs as well.
sys.meta_path.insert(0, _Stubs())


def train(job: dict[str, Any]) -> None:
    """Plan, preprocess and train the models that a job lists."""
    import torch
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess_dataset,
    )

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    dataset, planner = job["dataset"], job["planner"]
    extract_fingerprints([dataset], num_processes=1, check_dataset_integrity=True)
    plans_name = plan_experiments([dataset], planner)
    _edit_plans(job, plans_name)
    kept = [name for name in job["models"] if name != "3d_cascade_fullres"]
    preprocess_dataset(dataset, plans_name, configurations=kept, num_processes=[1] * len(kept))
    # Batches are made in this process; planning refuses the value.
    os.environ["nnUNet_n_proc_DA"] = "0"
    for configuration, folds in job["models"].items():
        for fold in folds:
            _train_one(job, plans_name, configuration, fold)


def _edit_plans(job: dict[str, Any], plans_name: str) -> None:
    """Make networks and patches small, and add a low resolution with a cascade where the job has one."""
    (folder,) = Path(os.environ["nnUNet_preprocessed"]).glob(f"Dataset{job['dataset']:03d}_*")
    path = folder / f"{plans_name}.json"
    plans = json.loads(path.read_text(encoding="utf-8"))
    if "3d_lowres" in job["models"]:
        low = json.loads(json.dumps(plans["configurations"]["3d_fullres"]))
        low["spacing"] = [length * job["coarser"] for length in low["spacing"]]
        low |= {"data_identifier": f"{plans_name}_3d_lowres", "next_stage": "3d_cascade_fullres"}
        plans["configurations"]["3d_lowres"] = low
        plans["configurations"]["3d_cascade_fullres"] = {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"}
    for name, configuration in plans["configurations"].items():
        if "architecture" in configuration:
            configuration["batch_size"] = 2
            configuration["patch_size"] = job["patches"][name]
            _shrink(configuration["architecture"]["arch_kwargs"], job["features"], configuration["patch_size"])
    path.write_text(json.dumps(plans))


def _shrink(options: dict[str, Any], features: list[int], patch: list[int]) -> None:
    """Keep as many levels as there are features, or as the patch can be halved by the planned strides."""
    levels, length = 0, list(patch)
    for stride in options["strides"][: len(features)]:
        if any(edge % step for edge, step in zip(length, stride)):  # noqa: B905
            break
        length = [edge // step for edge, step in zip(length, stride)]  # noqa: B905
        levels += 1
    options["n_stages"] = levels
    options["features_per_stage"] = features[:levels]
    for name in ("kernel_sizes", "strides", "n_conv_per_stage", "n_blocks_per_stage"):
        if name in options:
            options[name] = options[name][:levels]
    options["n_conv_per_stage_decoder"] = options["n_conv_per_stage_decoder"][: levels - 1]


def _train_one(job: dict[str, Any], plans_name: str, configuration: str, fold: Any) -> None:
    import torch
    from nnunetv2.run.run_training import get_trainer_from_args

    torch.manual_seed(0)
    trainer = get_trainer_from_args(
        str(job["dataset"]), configuration, fold, plans_identifier=plans_name, device=torch.device(job["device"])
    )
    trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = 2, job["steps"], 1
    trainer.run_training()
    if configuration == "3d_lowres":
        # Its masks of all cases are what the next stage trains on.
        trainer.perform_actual_validation(save_probabilities=False)


def predict(job: dict[str, Any]) -> None:
    """Predict a job's scans, write masks and probabilities, and print the seconds of each scan as JSON."""
    import numpy as np
    import torch
    from nnunetv2.inference import predict_from_raw_data

    if job.get("float32"):
        _accumulate_in_float32(torch)
    threads = job.get("threads") or len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    predict_from_raw_data.default_num_processes = threads
    predictor = _make_predictor(job)
    reader = predictor.plans_manager.image_reader_writer_class()
    seconds = []
    for files, out in zip(job["scans"], job["out"]):  # noqa: B905
        start = time.perf_counter()
        image, properties = reader.read_images(files)
        earlier = reader.read_seg(job["earlier"][out])[0] if "earlier" in job else None
        found = predictor.predict_single_npy_array(image, properties, earlier, None, job["probabilities"])
        mask, probabilities = found if job["probabilities"] else (found, None)
        reader.write_seg(mask, out, properties)
        seconds.append(time.perf_counter() - start)
        if probabilities is not None:
            np.save(f"{out}.npy", probabilities.astype(np.float32))
    print(json.dumps(seconds), flush=True)


def predict_as_command(job: dict[str, Any]) -> None:
    """Predict a job's scans with as many processes as nnUNetv2_predict starts, and print the seconds as JSON."""
    predictor = _make_predictor(job)
    start = time.perf_counter()
    predictor.predict_from_files(
        job["scans"],
        [out.removesuffix(".nii.gz") for out in job["out"]],
        save_probabilities=False,
        overwrite=True,
        num_processes_preprocessing=COMMAND_PROCESSES,
        num_processes_segmentation_export=COMMAND_PROCESSES,
    )
    print(json.dumps([time.perf_counter() - start]), flush=True)


def _make_predictor(job: dict[str, Any]) -> Any:
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(
        tile_step_size=0.5,
        use_mirroring=job["mirror"],
        perform_everything_on_device=job["device"] == "cuda",
        device=torch.device(job["device"]),
        allow_tqdm=False,
    )
    predictor.initialize_from_trained_model_folder(
        job["model"], use_folds=tuple(job["folds"]), checkpoint_name=job.get("checkpoint", "checkpoint_final.pth")
    )
    return predictor


def _accumulate_in_float32(torch: Any) -> None:
    """Have nnU-Net add tiles in single precision: its sums in half precision move probabilities by up to 2.5e-3."""
    from nnunetv2.inference import predict_from_raw_data

    zeros = torch.zeros

    class Doubled:
        """torch, but for the number type of sums."""

        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        @staticmethod
        def zeros(*shape: Any, **named: Any) -> Any:
            if named.get("dtype") is torch.half:
                named["dtype"] = torch.float32
            return zeros(*shape, **named)

    predict_from_raw_data.torch = Doubled()


def main() -> None:
    """Do what the arguments say."""
    _, what, path = sys.argv
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    {"train": train, "predict": predict, "command": predict_as_command}[what](job)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
