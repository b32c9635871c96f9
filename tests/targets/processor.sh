#!/bin/bash
# Whole models, compiled for a processor that this one can stand for, against the references of tests/models.
# Usage: processor.sh BUILD_DIR CPU
set -u
BUILD=$(cd "${1:?usage: processor.sh BUILD_DIR CPU}" && pwd)
CPU=${2:?usage: processor.sh BUILD_DIR CPU}
HERE=$(cd "$(dirname "$0")" && pwd)
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/cnnc-test.XXXXXX")
trap 'rm -rf "$FOLDER"' EXIT
printf '#!/bin/sh\nexec "%s/cnnc" --cpu=%s "$@"\n' "$BUILD" "$CPU" >"$FOLDER/cnnc"
chmod +x "$FOLDER/cnnc"
export CNNC_TEST_COMPILER=$FOLDER/cnnc CNNC_TEST_MODELS="lenet5 keras_functional resnet20" CNNC_TEST_STEPS="1 10"
bash "$HERE/../models/run.sh" "$BUILD"
