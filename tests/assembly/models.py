"""Writes the models whose inner loops are looked at: every shape of window and stride that has a kernel of its own."""
MODELS = {
    "vgg": (
        "32, 32, 3",
        "conv(64, 3, padding=same, activation=relu) -> conv(64, 3, padding=same, activation=relu) -> maxpool(2)\n"
        "  conv(128, 3, padding=same, activation=relu) -> conv(128, 3, padding=same, activation=relu) -> maxpool(2)",
    ),
    "depthwise": ("28, 28, 32", "depthwise(3, padding=same) -> conv(64, 1) -> depthwise(5, stride=2) -> conv(48, 1)"),
    "windows": ("23, 23, 3", "conv(32, 7, stride=2, padding=3) -> conv(40, 5, padding=2) -> conv(33, 1) -> maxpool(2)"),
    "strides": ("31, 31, 8", "conv(24, 3, stride=2) -> conv(32, 1, stride=2) -> conv(16, [1, 7]) -> conv(16, 2, stride=2)"),
}
for name, (shape, layers) in MODELS.items():
    with open(f"{name}.cnn", "w") as file:
        file.write(
            f"model {name} {{\n  input({shape})\n  {layers}\n  flatten -> dense(10, activation=softmax)\n}}\n"
            "train { loss = cross_entropy; optimizer = sgd(lr=0.01); epochs = 1; batch = 32 }\n"
        )
