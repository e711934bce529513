#!/usr/bin/env bash
# Plans what the pull request adds. The exit code is kept for the last step, so that the report is written first.
set -euo pipefail

folder="$RUNNER_TEMP/migrate-action"
migrate="$folder/venv/bin/migrate"
cd "$MIGRATE_ACTION_DIRECTORY"

arguments=(
    --report github=-
    --report "markdown=$folder/plan.md"
    --report "sarif=$folder/plan.sarif"
    --report "json=$folder/plan.json"
    --fail-on "$MIGRATE_ACTION_FAIL_ON"
)
base="${MIGRATE_ACTION_BASE:-}"
[ -n "$base" ] || [ -z "${GITHUB_BASE_REF:-}" ] || base="origin/$GITHUB_BASE_REF"
[ -z "$base" ] || arguments+=(--base "$base")
[ -z "${MIGRATE_ACTION_FACTS:-}" ] || arguments+=(--facts "$MIGRATE_ACTION_FACTS")
[ "$MIGRATE_ACTION_VERIFY" != true ] || arguments+=(--verify)

code=0
"$migrate" plan "${arguments[@]}" || code=$?
{
    echo "exit-code=$code"
    echo "markdown=$folder/plan.md"
    echo "sarif=$folder/plan.sarif"
    echo "json=$folder/plan.json"
} >>"$GITHUB_OUTPUT"
