#!/usr/bin/env bash
# Installs the peers of the benchmark into DIR, apart from the project.   usage: bench/peers.sh DIR
set -euo pipefail
dir=$(mkdir -p "$1" && realpath "$1")
platform=$(node -p 'process.platform + "-" + process.arch')
from_npm() {
  local folder=$dir/$1
  shift
  mkdir -p "$folder"
  cd "$folder"
  [ -f package.json ] || echo '{"private":true}' > package.json
  npm install --no-audit --no-fund "$@"
}
from_npm jax @jax-js/jax@0.1.25
from_npm tfjs @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
from_npm brain --ignore-scripts brain.js@1.6.1
from_npm ortweb onnxruntime-web@1.30.0
# The package contains its CPU binaries; its install script would fetch others.
from_npm ortnode --ignore-scripts onnxruntime-node@1.30.0
from_npm node24 "node-$platform@24"
# PyTorch 2 and JAX in a virtual environment. Where pip has no wheels, link an existing one: ln -s VENV "$dir/torch-venv"
if [ ! -e "$dir/torch-venv" ]; then
  python3 -m venv "$dir/torch-venv"
  "$dir/torch-venv/bin/pip" install torch numpy --extra-index-url https://download.pytorch.org/whl/cpu ||
    { rm -rf "$dir/torch-venv"; echo "PyTorch 2 was not installed: no wheels"; }
fi
[ ! -e "$dir/torch-venv/bin/pip" ] || "$dir/torch-venv/bin/pip" install jax || echo "JAX was not installed"
# Debian's PyTorch 1.13, with the OpenMP build of OpenBLAS: with two threads the pthread build oversubscribes two cores.
if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
  apt-get install -y --no-install-recommends python3-torch python3-numpy libopenblas0-openmp || echo "Debian's PyTorch was not installed"
fi
echo "Now: HEBB_PEERS=$dir npm run bench"
