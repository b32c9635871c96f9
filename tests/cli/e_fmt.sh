# cnnc fmt: files in the one standard layout.

printf 'model  m{input(2,2,1) # first\n\n\n\nflatten->dense( 2 )}' >loose.cnn
cat >neat.cnn <<'CNN'
model m {
  input(2, 2, 1)  # first

  flatten -> dense(2)
}
CNN
expect 1 "fmt --check" "$CNNC" fmt --check loose.cnn neat.cnn && prints "fmt --check" "loose.cnn"
expect 1 "fmt --check says nothing of a neat file" grep neat.cnn last
printf 'model  m{input(2,2,1) # first\n\n\n\nflatten->dense( 2 )}' >expected
same "fmt --check writes nothing" loose.cnn expected
expect 0 "fmt --check of a neat file" "$CNNC" fmt neat.cnn --check
touch -d 2001-01-01 neat.cnn
expect 0 "fmt of standard input" "$CNNC" fmt - <loose.cnn && same "fmt of standard input" out neat.cnn
chmod 640 loose.cnn
expect 0 "fmt" "$CNNC" fmt loose.cnn neat.cnn && same "fmt" loose.cnn neat.cnn
is "fmt keeps the mode" "$(stat -c %a loose.cnn)" 640
is "a neat file is not touched" "$(stat -c %y neat.cnn | cut -c 1-4)" 2001
printf 'model  m{input(2,2,1)\nflatten->dense( 2 )\r\n}' >loose.cnn
printf 'model m {\n  input(2\n}\n' >open.cnn
cp open.cnn open.before
expect 1 "fmt of a syntax error" "$CNNC" fmt open.cnn loose.cnn && says "fmt of a syntax error" "open.cnn:2:"
same "a file with errors stays" open.cnn open.before
expect 0 "the others are formatted" "$CNNC" fmt --check loose.cnn
expect 4 "fmt of a missing file" "$CNNC" fmt missing.cnn open.cnn neat.cnn && says "fmt of a missing file" "missing.cnn"
expect 2 "fmt without a file" "$CNNC" fmt
expect 2 "fmt -o" "$CNNC" fmt -o other.cnn loose.cnn
is "fmt leaves no temporary file" "$(find . -name '*.tmp')" ""
expect 0 "the examples are in the layout" "$CNNC" fmt --check "$ROOT"/examples/*.cnn "$ROOT"/examples/*/*.cnn
