#!/bin/bash
# The shape of the tree: includes point to lower floors, operators and forms are named in their tables alone, files stay
# short, names are unique, formatting is the one of .clang-format, and no files of a folder go round in a circle, which is
# read off the object files. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
cd "$ROOT" || exit 1
sources() { find compiler runtime examples tests -name '*.[chly]' -type f | sort; }

while read -r problem; do fail "$problem"; done < <(python3 tests/layout/floors.py)
pass

while read -r problem; do fail "$problem"; done < <(python3 tests/layout/circles.py "$BUILD" 2>&1)
pass

while read -r problem; do fail "$problem"; done < <(python3 tests/layout/names.py)
pass

while read -r file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -le 500 ]; then pass; else fail "$file has $lines lines; 500 is the most"; fi
done < <(sources)

for program in compiler runtime; do
    while read -r name; do
        fail "two files of $program/ are called $name" "$(find $program -name "$name")"
    done < <(find $program -name '*.[chly]' -type f -printf '%f\n' | sort | uniq -d)
    pass
done

# Exit statuses have names, and one header has the names.
bare=$(grep -rnE '\b(_exit|exit)\([0-9]+\)|\b(EXIT|STATUS)_[A-Z_]+ = [0-9]' compiler runtime --include='*.[chly]' | grep -v '^runtime/exit_status.h:')
is "no exit status stands elsewhere than in runtime/exit_status.h" "$bare" ""

formatter=$(command -v clang-format-19 || command -v clang-format)
while read -r file; do
    fail "$file is not formatted: clang-format-19 -i"
done < <(sources | grep '[.][ch]$' | xargs "$formatter" --dry-run --Werror 2>&1 | sed -n 's/^\([^ :]*\):[0-9].*/\1/p' | sort -u)
pass

# Fixed top level.
for entry in * ; do
    case $entry in
    compiler | runtime | examples | tests | CMakeLists.txt | README.md | LICENSE | CHANGELOG.md) pass ;;
    *) git check-ignore -q "$entry" && continue
       git ls-files --error-unmatch "$entry" >/dev/null 2>&1 && fail "$entry does not belong at the top level" ;;
    esac
done
finish
