#!/bin/bash
# Downloads the packages of peer_packages.txt and unpacks them into FOLDER (default build/peers),
# installing nothing. A second call with the same list does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=${1:-$here/../../build/peers}
stamp=$peers/.complete
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)

wanted=$(cksum "$here/peer_packages.txt" "$here/fetch_peers.sh" | cut -d' ' -f1,2)
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then exit 0; fi

if ! command -v apt-get >/dev/null; then
  echo "fetch_peers: the test peers are Debian packages and this system has no apt-get" >&2
  exit 1
fi

readarray -t packages < <(grep -v '^#' "$here/peer_packages.txt" | grep .)
downloads=$(mktemp -d)
trap 'rm -rf "$downloads"' EXIT

download() { (cd "$downloads" && apt-get -q -o APT::Sandbox::User= download "${packages[@]}"); }

as_root() { if ((EUID == 0)); then "$@"; else sudo "$@"; fi; }

echo "fetching the test peers into $peers"
download >"$downloads/log" 2>&1 || { as_root apt-get -q update && download; } >"$downloads/log" 2>&1 || {
  cat "$downloads/log" >&2
  exit 1
}
rm -rf "$peers/root"
mkdir "$peers/root"
for package in "$downloads"/*.deb; do dpkg -x "$package" "$peers/root"; done
echo "$wanted" >"$stamp"
