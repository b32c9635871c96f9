# The models and data that the other parts use.

cat >tiny.cnn <<'CNN'
const width = 4
model tiny {
  input(6, 6, 1)
  conv(width, 3, activation=relu)
  flatten
  dense(2, activation=softmax)
}
data {
  format  = idx
  path    = "data"
  train   = ["train-images.idx", "train-labels.idx"]
  test    = ["test-images.idx", "test-labels.idx"]
  scale   = 1/255
  classes = ["dark", "light"]
}
train {
  loss      = cross_entropy
  optimizer = sgd(lr=0.05, momentum=0.9)
  epochs    = 2
  batch     = 8
}
CNN
cat >normed.cnn <<'CNN'
model normed {
  input(4)
  dense(3, bias=false)
  batchnorm
  dense(2)
}
data {
  format = npy
  train  = ["normed-x.npy", "normed-y.npy"]
  scale  = 0.5
  mean   = 1
}
train {
  loss  = cross_entropy
  batch = 8
}
CNN
cat >fixed.cnn <<'CNN'
model fixed {
  input(3, 3, 1)
  conv(1, 3, weights=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], bias=false)
}
CNN
cat >wrong.cnn <<'CNN'
model wrong {
  input(3, 3, 1)
  conv(1, 5)
}
CNN
python3 - <<'PYTHON'
import os
import struct

import numpy as np

os.makedirs("data", exist_ok=True)
random = np.random.default_rng(1)
for prefix, count in (("train", 50), ("test", 20)):
    labels = (np.arange(count) % 2).astype(np.uint8)
    pictures = (random.integers(0, 100, (count, 6, 6)) + 120 * labels[:, None, None]).astype(np.uint8)
    open(f"data/{prefix}-images.idx", "wb").write(struct.pack(">IIII", 0x803, count, 6, 6) + pictures.tobytes())
    open(f"data/{prefix}-labels.idx", "wb").write(struct.pack(">II", 0x801, count) + labels.tobytes())
np.save("x.npy", random.standard_normal((3, 6, 6, 1)).astype(np.float32))
np.save("normed-x.npy", random.standard_normal((17, 4)).astype(np.float32))
np.save("normed-y.npy", np.arange(17) % 2)
np.save("t.npy", np.array([0, 1, 0]))
open("light.pgm", "wb").write(b"P5\n6 6\n255\n" + bytes([200] * 36))
open("wide.pgm", "wb").write(b"P5\n7 6\n255\n" + bytes([200] * 42))
PYTHON
