#!/usr/bin/env bash
# Makes docs/images/plan-report.png anew; the argument is the folder node_modules that holds mermaid.
set -euo pipefail
python -m tests.reports.picture "$1" order_confirmation_token docs/images/plan-report.png 1100 2280 \
    "What is written, and what runs" "After, contract included"
