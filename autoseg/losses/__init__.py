"""Losses that a plan can name."""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DiceCE(nn.Module):
    def __init__(self, classes, o):
        super().__init__(); self.classes=classes; self.o=o
    def forward(self, logits, labels):
        logits=logits.float(); labels=labels.long()
        ce=F.cross_entropy(logits, labels)
        p=logits.softmax(1)[:,1:]
        dims=tuple(range(2,logits.ndim))
        onehot=torch.stack([labels==c for c in range(1,self.classes)],1)
        inter=(p*onehot).sum(dims); s=p.sum(dims)+onehot.sum(dims)
        if self.o.batch_dice: inter,s=inter.sum(0),s.sum(0)
        dice=((2*inter+self.o.smooth)/(s+self.o.smooth).clamp_min(1e-8)).mean()
        return self.o.cross_entropy_weight*ce-self.o.dice_weight*dice

@dataclass(frozen=True, kw_only=True, slots=True)
class DiceCrossEntropyOptions:
    batch_dice: bool=False
    dice_weight: float=1.0
    cross_entropy_weight: float=1.0
    smooth: float=1e-5
    def build(self, num_classes): return DiceCE(num_classes,self)

LOSSES={"dice_ce": DiceCrossEntropyOptions}

class DeepSupervisionLoss(nn.Module):
    def __init__(self, loss, scales):
        super().__init__(); self.loss=loss
        w=[0.5**i for i in range(scales)]
        if scales>1: w[-1]=0
        self.w=[x/sum(w) for x in w]
    def forward(self, outputs, labels):
        total=0
        for o,w in zip(outputs,self.w):
            if w==0: continue
            t=labels
            if o.shape[2:]!=labels.shape[1:]:
                t=F.interpolate(labels[:,None].float(), size=o.shape[2:], mode='nearest')[:,0]
            total=total+w*self.loss(o,t)
        return total
