#!/usr/bin/env bash
# Installs migrate into an environment of its own: the version that this checkout of the action is, or another.
set -euo pipefail

folder="$RUNNER_TEMP/migrate-action"
requirement="${MIGRATE_ACTION_REQUIREMENT:-}"
if [ -z "$requirement" ]; then
    requirement="$GITHUB_ACTION_PATH"
    [ "${MIGRATE_ACTION_VERIFY:-false}" != true ] || requirement="$requirement[embedded]"
fi
"${MIGRATE_ACTION_PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --quiet install -- "$requirement"
"$folder/venv/bin/migrate" --version
