"""Seconds per optimiser step of nnU-Net's trainer beside autoseg's and the bare network's, in turns."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from autoseg.hardware import count_cores
from dataset_fingerprints.files.jsonfiles import read_plain_json, write_json
from dataset_fingerprints.layouts import read_dataset
from experiments.costs.steps import BARE, SMALL, TRAINER, Contender, Entry, StepPlan, enter_ours, plan_ours, time_steps
from experiments.peers.nnunet import make_environment, nnunet_variables, write_nnunet_raw

# Not that of races: its plans are changed here, and a race in the same folder would train by them.
DATASET_ID = 902


def time_beside_nnunet(data: Path, work: Path, environment: Path, turns: int) -> list[Contender]:
    """Time steps of nnU-Net's plan for 1 GB: 64x64x64 voxels, batch 2, 5 levels from 32 features.

    Args:
        data: a raw data set that autoseg reads.
        work: a folder for everything that is written.
        environment: where nnU-Net's virtual environment is or goes.
        turns: of two steps each.
    """
    commands, workspace = make_environment(environment), work / "steps-autoseg"
    plan_ours(data, workspace, SMALL)
    variables = _plan_theirs(data, work, commands, SMALL)
    script = Path(__file__).with_name("nnunet_trainer.py")
    command = (str(commands / "python"), str(script), str(DATASET_ID), "0", "steps")
    peer = Entry(name="nnU-Net", command=command, variables=variables)
    return time_steps([*enter_ours(workspace, (TRAINER, *BARE)), peer], turns)


def _plan_theirs(data: Path, work: Path, commands: Path, plan: StepPlan) -> dict[str, str]:
    """Plan and preprocess with nnU-Net, then put the same patch, batch and network into its plans."""
    write_nnunet_raw(read_dataset(data), work / "raw" / f"Dataset{DATASET_ID}_Peer")
    variables = {**nnunet_variables(work), "nnUNet_n_proc_DA": str(count_cores())}
    command = (str(commands / "nnUNetv2_plan_and_preprocess"), "-d", str(DATASET_ID), "-c", "3d_fullres", "-np", "2")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **variables})
    path = work / "preprocessed" / f"Dataset{DATASET_ID}_Peer" / "nnUNetPlans.json"
    plans = read_plain_json(path)
    assert isinstance(plans, dict)
    configuration = plans["configurations"]["3d_fullres"]
    configuration |= {"patch_size": list(plan.patch_shape), "batch_size": plan.batch_size}
    configuration["architecture"]["arch_kwargs"] |= {
        "n_stages": len(plan.features),
        "features_per_stage": list(plan.features),
        "kernel_sizes": [[3, 3, 3]] * len(plan.features),
        "strides": [[1, 1, 1], *[[2, 2, 2]] * (len(plan.features) - 1)],
        "n_conv_per_stage": [2] * len(plan.features),
        "n_conv_per_stage_decoder": [2] * (len(plan.features) - 1),
    }
    write_json(path, plans)
    return variables
