#!/bin/bash
# Installs Grafana's published types and the compiler that checks dashboards against them into FOLDER
# (default build/grafana). Without npm nothing is done, and the check is skipped.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-$here/../../build/grafana}
packages=(@grafana/schema@13.2.3 typescript@5.9.3)

if [[ -f $folder/.complete && $(<"$folder/.complete") == "${packages[*]}" ]]; then exit 0; fi
if ! command -v npm >/dev/null; then
  echo "fetch_grafana_schema: there is no npm, so dashboards are not checked against Grafana's schema" >&2
  exit 0
fi
mkdir -p "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" "${packages[@]}" >/dev/null || {
  echo "fetch_grafana_schema: ${packages[*]} can't be had, so dashboards are not checked against them" >&2
  exit 0
}
echo "${packages[*]}" >"$folder/.complete"
