#!/bin/bash
# The shape of the tree: includes point to lower floors, files stay short, names are unique, formatting is the one of
# .clang-format. Needs no build. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
cd "$ROOT" || exit 1
sources() { find compiler runtime examples tests -name '*.[chly]' -type f | sort; }

while read -r problem; do fail "$problem"; done < <(python3 tests/layout/floors.py)
pass

while read -r file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -le 500 ]; then pass; else fail "$file has $lines lines; 500 is the most"; fi
done < <(sources)

while read -r name; do
    fail "two files are called $name" "$(find compiler runtime examples -name "$name")"
done < <(find compiler runtime examples -name '*.[chly]' -type f -printf '%f\n' | sort | uniq -d)
pass

formatter=$(command -v clang-format-19 || command -v clang-format)
while read -r file; do
    case $file in *.[ly]) continue ;; esac
    if "$formatter" --dry-run --Werror "$file" >/dev/null 2>&1; then pass; else fail "$file is not formatted: clang-format-19 -i"; fi
done < <(sources)

# Fixed top level.
for entry in * ; do
    case $entry in
    compiler | runtime | examples | tests | CMakeLists.txt | README.md | LICENSE | CHANGELOG.md) pass ;;
    *) git check-ignore -q "$entry" && continue
       git ls-files --error-unmatch "$entry" >/dev/null 2>&1 && fail "$entry does not belong at the top level" ;;
    esac
done
finish
