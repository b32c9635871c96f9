"""The nets of the comparison: where the .cnn file lies, its shapes as PyTorch has them (channels first).
twins.py has the same nets in PyTorch."""
import os
from dataclasses import dataclass

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


@dataclass(frozen=True)
class Net:
    source: str  # below the root
    input: tuple
    classes: int
    pixels: tuple = ()  # the height and width of the output, where every pixel has a class
    weight_decay: float = 0
    spatial: int = 2  # memory formats are for two


NETS = {
    "keras_sequential": Net("examples/keras_sequential.cnn", (1, 28, 28), 10),
    "keras_functional": Net("examples/keras_functional.cnn", (1, 28, 28), 10),
    "vgg_small": Net("tests/bench/nets/vgg_small.cnn", (3, 32, 32), 10),
    "resnet20": Net("examples/zoo/resnet20_a.cnn", (3, 32, 32), 10, weight_decay=1e-4),
    "mobilenet_96": Net("tests/bench/nets/mobilenet_96.cnn", (3, 96, 96), 10),
    "m5_audio": Net("examples/zoo/m5_audio.cnn", (1, 8000), 35, weight_decay=1e-4, spatial=1),
    "unet_small": Net("tests/bench/nets/unet_small.cnn", (3, 64, 64), 4, pixels=(64, 64)),
    "squeezenet_96": Net("tests/bench/nets/squeezenet_96.cnn", (3, 96, 96), 10),
    "lenet5": Net("examples/lenet5.cnn", (1, 28, 28), 10),
}
# What the epochs are measured with.
FASHION = Net("examples/fashion.cnn", (1, 28, 28), 10)
