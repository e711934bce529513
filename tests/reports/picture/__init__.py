"""A report in Markdown as a forge shows it: its diagrams judged by Mermaid itself, and a picture of it.

    npm install --prefix FOLDER mermaid github-markdown-css
    python -m tests.reports.picture FOLDER/node_modules REPORT [PICTURE.png [WIDTH HEIGHT [FOLD…]]]

REPORT is a file, or the names of files of the sample history, with commas; `each` is one report for each of
them, one below the other. It needs Chromium (`CHROMIUM` names the program where it is not on the path). FOLD
is the summary of a fold that is to be open in the picture. Printed is what Mermaid says of each diagram; the
exit status is 1 where it refuses one.

`tests/reports/picture/redo.sh FOLDER/node_modules` makes the picture of the documentation anew.
"""
