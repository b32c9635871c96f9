"""Epochs of Fashion-MNIST with examples/fashion.cnn's net in PyTorch, from reading the .gz files to the saved weights.

Usage: epochs.py contiguous|channels_last DATA-FOLDER EPOCHS BATCH THREADS FILE. The data is one tensor, scaled once; an epoch
takes it in the order of a fresh permutation. Prints the mean loss of every epoch, as the compiled model's training does."""
import gzip
import os
import sys

import numpy
import torch
from torch.nn import functional as F

from twins import fashion


def read_idx(path, header):
    with gzip.open(path) as file:
        return torch.from_numpy(numpy.frombuffer(file.read(), numpy.uint8, offset=header).copy())


def main():
    memory_format, folder, epochs, batch, threads, saved = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    memory = {"memory_format": torch.channels_last} if memory_format == "channels_last" else {}
    x = read_idx(os.path.join(folder, "train-images-idx3-ubyte.gz"), 16).float().div_(255).view(-1, 1, 28, 28).to(**memory)
    y = read_idx(os.path.join(folder, "train-labels-idx1-ubyte.gz"), 8).long()
    model = fashion().to(**memory)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    for epoch in range(int(epochs)):
        total = torch.zeros(())
        for index in torch.randperm(len(x)).split(int(batch)):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[index]), y[index])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(index)
        print(f"epoch {epoch + 1}/{epochs}  loss {total.item() / len(x):.4f}", flush=True)
    torch.save(model.state_dict(), saved)


if __name__ == "__main__":
    main()
