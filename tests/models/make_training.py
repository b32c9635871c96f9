#!/usr/bin/env python3
"""Makes reference/training.npz with PyTorch (2.13, CPU, float64): for each case of training_cases.py the change of the
parameters as projections (references.py) and the learning rate at the end of every epoch. Run by hand; the tests read what
it wrote. Settings are written here in PyTorch's own terms, apart from the .cnn text they are compared with."""
import os
import sys
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim import lr_scheduler as schedules

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import references as numbers  # noqa: E402
from training_cases import BATCH, CASES, EPOCHS, SAMPLES, SHAPE, steps  # noqa: E402

BATCHES = SAMPLES // BATCH
DEFAULT = partial(optim.SGD, lr=0.02, momentum=0.9)
OPTIMIZER = {
    "sgd": partial(optim.SGD, lr=0.01),
    "sgd_decay": partial(optim.SGD, lr=0.02, momentum=0.9, weight_decay=0.01),
    "sgd_nesterov": partial(optim.SGD, lr=0.02, momentum=0.8, nesterov=True),
    "rmsprop": partial(optim.RMSprop, lr=0.001, alpha=0.9, eps=1e-7),
    "rmsprop_decay": partial(optim.RMSprop, lr=0.002, alpha=0.99, eps=1e-3),
    "adam": partial(optim.Adam, lr=0.001, betas=(0.9, 0.999), eps=1e-8),
    "adam_decay": partial(optim.Adam, lr=0.002, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.05),
    "adamw": partial(optim.AdamW, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
    "adamw_decay": partial(optim.AdamW, lr=0.005, weight_decay=0.2),
    "adamw_betas": partial(optim.AdamW, lr=0.002, betas=(0.7, 0.95), eps=1e-5, weight_decay=0.3),
    "adagrad": partial(optim.Adagrad, lr=0.01, eps=1e-10),
    "adagrad_rate": partial(optim.Adagrad, lr=0.03, eps=1e-10),
    "clipped": partial(optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.01),
    "clipped_adam": partial(optim.Adam, lr=0.001),
    "smoothed": partial(optim.SGD, lr=0.02),
    "schedule_plateau": partial(optim.SGD, lr=1e-6),
    "schedule_plateau_warmup": partial(optim.SGD, lr=1e-6),
}
CLIP = {"clipped": 0.5, "clipped_adam": 0.2}
WARMUP = {"schedule_constant": 3, "schedule_step_warmup": 2, "schedule_exponential_warmup": 1.5, "schedule_cosine_warmup": 2,
          "schedule_milestones_factor": 1.2, "schedule_one_cycle_warmup": 3, "schedule_plateau_warmup": 2.5}
# By epoch, and by batch.
EPOCH_SCHEDULE = {
    "schedule_step": partial(schedules.StepLR, step_size=3, gamma=0.5),
    "schedule_step_warmup": partial(schedules.StepLR, step_size=2, gamma=0.3),
    "schedule_milestones_factor": partial(schedules.MultiStepLR, milestones=[1, 4], gamma=0.3),
    "schedule_milestones": partial(schedules.MultiStepLR, milestones=[2, 5, 6], gamma=0.1),
    "schedule_exponential": partial(schedules.ExponentialLR, gamma=0.8),
    "schedule_exponential_warmup": partial(schedules.ExponentialLR, gamma=0.8),
    "schedule_cosine": partial(schedules.CosineAnnealingLR, T_max=EPOCHS, eta_min=0),
    "schedule_cosine_warmup": partial(schedules.CosineAnnealingLR, T_max=EPOCHS - 2, eta_min=0.002),
    "schedule_plateau": partial(schedules.ReduceLROnPlateau, patience=1, factor=0.5),
    "schedule_plateau_warmup": partial(schedules.ReduceLROnPlateau, patience=2, factor=0.3),
}
BATCH_SCHEDULE = {
    "schedule_one_cycle": partial(schedules.OneCycleLR, max_lr=0.05, total_steps=EPOCHS * BATCHES),
    "schedule_one_cycle_warmup": partial(schedules.OneCycleLR, max_lr=0.04, total_steps=(EPOCHS - 3) * BATCHES),
}
NAMES = ["conv_1.weight", "batchnorm_1.weight", "batchnorm_1.bias", "dense_1.weight", "dense_1.bias"]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_1 = nn.Conv2d(1, 4, 3, bias=False)
        self.batchnorm_1 = nn.BatchNorm2d(4)
        self.dense_1 = nn.Linear(144, 10)

    def forward(self, x):
        x = torch.tanh(self.batchnorm_1(self.conv_1(x)))
        return self.dense_1(x.permute(0, 2, 3, 1).flatten(1))


class Rate:
    """The learning rate of each batch, by PyTorch's classes over parameters that stand still."""

    def __init__(self, case, rate):
        def still(lr):
            return optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)

        self.base, self.ramp, self.by_epoch, self.by_batch = still(rate), still(1.0), None, None
        self.wait = int(WARMUP.get(case, 0)) if "cosine" in case or "one_cycle" in case else 0  # epochs
        self.batches = 0
        if case in EPOCH_SCHEDULE:
            self.by_epoch = EPOCH_SCHEDULE[case](self.base)
        if case in BATCH_SCHEDULE:
            self.by_batch = BATCH_SCHEDULE[case](self.base, cycle_momentum=False)
        ramp = int(WARMUP.get(case, 0) * BATCHES)
        self.warm = schedules.LinearLR(self.ramp, 1 / ramp, 1.0, total_iters=ramp - 1) if ramp else None

    def now(self):
        return self.base.param_groups[0]["lr"] * self.ramp.param_groups[0]["lr"]

    def batch(self):
        self.batches += 1
        begun = self.batches > self.wait * BATCHES
        for optimizer, schedule in ((self.base, self.by_batch if begun else None), (self.ramp, self.warm)):
            optimizer.step()
            if schedule:
                schedule.step()

    def epoch(self, epoch, loss):
        if isinstance(self.by_epoch, schedules.ReduceLROnPlateau):
            self.by_epoch.step(loss)
        elif self.by_epoch and epoch >= self.wait:
            self.by_epoch.step()


def run(case, dtype):
    """Projections of the change of each tensor after the compared steps; the last rate of each epoch."""
    pictures, classes = numbers.samples("training", SAMPLES, SHAPE)
    x = torch.tensor(pictures, dtype=dtype).permute(0, 3, 1, 2).contiguous()
    y = torch.tensor(classes)
    model = Net().to(dtype)
    start = {name: numbers.initial(name, tuple(p.shape)) for name, p in model.named_parameters()}
    model.load_state_dict({name: torch.tensor(value, dtype=dtype) for name, value in start.items()}, strict=False)
    make = OPTIMIZER.get(case, DEFAULT)
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1]}]
    groups.append({"params": [p for p in model.parameters() if p.dim() == 1]})
    if "weight_decay" in make.keywords:
        groups[1]["weight_decay"] = 0
    optimizer = make(groups)
    rate = Rate(case, make.keywords["lr"])
    rows, rates, step = {}, [], 0
    for epoch in range(EPOCHS):
        losses = []
        for first in range(0, SAMPLES, BATCH):
            for group in optimizer.param_groups:
                group["lr"] = rate.now()
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[first : first + BATCH]), y[first : first + BATCH],
                                   label_smoothing=0.1 if case == "smoothed" else 0)  # fmt: skip
            loss.backward()
            if case in CLIP:
                nn.utils.clip_grad_norm_(model.parameters(), CLIP[case])
            optimizer.step()
            losses.append(loss.item())
            last = rate.now()
            rate.batch()
            step += 1
            if step in steps(case):
                for name, p in model.named_parameters():
                    rows[f"{case}/{step}/{name}"] = numbers.project(name, p.detach().numpy() - start[name])
        rates.append(last)
        rate.epoch(epoch, np.mean(losses))
    print(f"{case}: last loss {np.mean(losses):.4f}, rates {' '.join(f'{r:.3g}' for r in rates)}")
    return rows, rates


if __name__ == "__main__":
    assert NAMES == [name for name, _ in Net().named_parameters()]
    rows, drifts, rates = {}, [], []
    for case in CASES:
        exact, last = run(case, torch.float64)
        rough, _ = run(case, torch.float32)
        errors = [np.sqrt(np.mean((exact[key][1:] - rough[key][1:]) ** 2)) / exact[key][0] for key in exact]
        print(f"    float32 strays by {max(errors, default=0):.1e}")
        rows.update(exact)
        drifts += errors
        rates.append(last)
    np.savez(os.path.join(HERE, "reference", "training.npz"), names=np.array("\n".join(rows)),
             rows=np.array(list(rows.values())), drifts=np.array(drifts), rates=np.array(rates))  # fmt: skip
