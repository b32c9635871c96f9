#!/bin/bash
# From a bare Debian 12 to a trained classifier: installs the packages, builds the compiler, compiles fashion.cnn, trains
# it for five epochs on the real data, evaluates it and asks it about a few pictures.
# Usage: examples/quickstart.sh [FOLDER]; everything is made in FOLDER, by default build-quickstart.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/build-quickstart}
packages="cmake make gcc libc6-dev pkg-config llvm-19-dev flex bison zlib1g-dev libzstd-dev libpng-dev libjpeg62-turbo-dev
    libcjson-dev libcmocka-dev librandom123-dev dataset-fashion-mnist"

missing=()
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
fi

cmake -S "$root" -B "$folder" >/dev/null
cmake --build "$folder" -j "$(nproc)" --target cnnc idx_to_pgm
cd "$folder"

echo "== the model"
./cnnc --check "$root/examples/fashion.cnn"
echo "== compile"
./cnnc "$root/examples/fashion.cnn" -o fashion
echo "== train"
./fashion train --epochs 5 --threads 0 --save fashion.safetensors
echo "== evaluate"
./fashion eval --weights fashion.safetensors
echo "== predict"
mkdir -p pictures
examples/idx_to_pgm /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz pictures 0 1 2 3
./fashion predict --weights fashion.safetensors pictures/0.pgm pictures/1.pgm pictures/2.pgm pictures/3.pgm
