#!/bin/bash
# The embedding interface: two models in one program, from C and C++, compute what their own commands compute.
# Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"

cat >tiny.cnn <<'CNN'
model tiny {
  input(6, 6, 1)
  conv(4, 3, activation=relu)
  batchnorm()
  maxpool(2)
  flatten
  dense(2, activation=softmax)
}
train {
  loss      = cross_entropy
  optimizer = sgd(lr=0.05)
}
CNN
cat >fixed.cnn <<'CNN'
model fixed {
  input(3, 3, 1)
  conv(1, 3, weights=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], bias=false)
}
CNN
sed 's/model tiny/model other/; s/conv(4/conv(5/' tiny.cnn >other.cnn
sed 's/model tiny/model switch/' tiny.cnn >word.cnn
python3 - <<'PYTHON'
import numpy as np

random = np.random.default_rng(2)
for name, shape in (("tiny", (131, 6, 6, 1)), ("fixed", (70, 3, 3, 1))):
    x = random.standard_normal(shape).astype(np.float32)
    np.save(f"{name}.x.npy", x)
    x.tofile(f"{name}.x.raw")
PYTHON

link() { # OUTPUT FILES...
    local output=$1
    shift
    # CC may be several words.
    $CC -o "$output" "$@" "$BUILD/libcnnrt.a" -lz -lm -lpthread
}

# same_values RAW NPY
same_values() {
    python3 -c 'import sys, numpy
raw = numpy.fromfile(sys.argv[1], numpy.float32)
sys.exit(not numpy.array_equal(raw, numpy.load(sys.argv[2]).ravel()))' "$@"
}

for name in tiny fixed other; do
    check "$name as an object" "$CNNC" --emit=obj $name.cnn
    check "$name as a program" "$CNNC" $name.cnn
done
check "weights of tiny" ./tiny init --seed 3 --output tiny.safetensors
check "weights of other" ./other init --output other.safetensors
check "tiny's own outputs" ./tiny run --weights tiny.safetensors --input tiny.x.npy --output tiny.y.npy
check "fixed's own outputs" ./fixed run --input fixed.x.npy --output fixed.y.npy

is "an object defines its model's names alone" \
    "$(nm -g --defined-only tiny.o | awk '{ print $3 }' | sort | tr '\n' ' ')" \
    "tiny_create tiny_destroy tiny_detail tiny_error tiny_forward tiny_init tiny_load tiny_size "
is "and no variables" "$(nm tiny.o | grep -i ' [bdcs] ')" ""
check "the header is C89" $CC -std=c89 -pedantic -Wall -Wextra -Werror -x c -fsyntax-only tiny.h
cxx=$(command -v "${CXX:-c++}" clang++-19 clang++ | head -n 1)
check "the header is C++98" $cxx -std=c++98 -pedantic -Wall -Wextra -Werror -x c++ -fsyntax-only tiny.h

arguments=(tiny.safetensors other.safetensors tiny.x.raw tiny.y.raw fixed.x.raw fixed.y.raw)
check "compile C" $CC -Wall -Wextra -Werror -I. -c "$HERE/embed_app.c" -o app_c.o
check "link C" link app_c app_c.o tiny.o fixed.o
check "run C" ./app_c "${arguments[@]}"
check "tiny's outputs are those of its command" same_values tiny.y.raw tiny.y.npy
check "fixed's outputs are those of its command" same_values fixed.y.raw fixed.y.npy
check "compile C++" $cxx -Wall -Wextra -Werror -fno-exceptions -fno-rtti -I. -c "$HERE/embed_app.cpp" -o app_cpp.o
check "link C++" link app_cpp app_cpp.o tiny.o fixed.o
check "run C++" ./app_cpp tiny.safetensors

if [ -z "$SANITIZE" ]; then
    mkdir plain && cp tiny.cnn fixed.cnn plain
    check "tiny for valgrind" "$CNNC" --emit=obj --cpu=baseline tiny.cnn -o plain/tiny.o
    check "fixed for valgrind" "$CNNC" --emit=obj --cpu=baseline fixed.cnn -o plain/fixed.o
    check "link for valgrind" link plain/app app_c.o plain/tiny.o plain/fixed.o
    check "no error and no leak under valgrind" valgrind -q --error-exitcode=9 --leak-check=full \
        --show-leak-kinds=all ./plain/app "${arguments[@]}"
fi

check "double precision" "$CNNC" --emit=obj --dtype=f64 tiny.cnn -o double.o
check "a program in double precision" "$CNNC" --dtype=f64 tiny.cnn -o double
check "its own outputs" ./double run --weights tiny.safetensors --input tiny.x.npy --output double.y.npy
check "link double precision" link app_double app_c.o double.o fixed.o
check "run in double precision" ./app_double "${arguments[@]}"
check "outputs in double precision are the program's" same_values tiny.y.raw double.y.npy

# What is written is both files or neither.
mkdir taken && mkdir taken/tiny.h && echo older >taken/tiny.o
expect 4 "a header that cannot be written" "$CNNC" --emit=obj tiny.cnn -o taken/tiny.o
is "leaves the older object" "$(cat taken/tiny.o)" older
is "and nothing else" "$(ls taken | tr '\n' ' ')" "tiny.h tiny.o "
expect 4 "a folder that is missing" "$CNNC" --emit=obj tiny.cnn -o missing/tiny.o
expect 2 "an object called .h" "$CNNC" --emit=obj tiny.cnn -o both.h
says "an object called .h" "both.h"
expect 1 "a word of C as name" "$CNNC" --emit=obj word.cnn
says "a word of C as name" "E0592"
check "a program may have it" "$CNNC" word.cnn

expect 2 "--prefix without an interface" "$CNNC" --prefix=my_net tiny.cnn -o program && says "--prefix without an interface" "--emit=exe"

# Names that somebody else declares: the model's own, and those that begin with it.
for row in exit:exit time:time index:index printf:printf stat:stat EOF:EOF sem:sem_init mtx:mtx_init pthread:pthread_create \
    namespace:namespace cnn:cnn_size cnn_net:cnn_net __net:__net _Net:_Net; do
    name=${row%:*}
    sed "s/model tiny/model $name/" tiny.cnn >taken.cnn
    expect 1 "a model called $name" "$CNNC" --emit=obj taken.cnn && says "a model called $name" "would declare '${row#*:}', which" &&
        says "a model called $name" "--prefix=NAME"
    expect 2 "--prefix=$name" "$CNNC" --emit=obj --prefix=$name tiny.cnn -o taken.o &&
        says "--prefix=$name" "--prefix=$name: the interface would declare '${row#*:}', which"
    check "--prefix for a model called $name" "$CNNC" --emit=obj -O0 --prefix=my_net taken.cnn
done
is "the names begin with the prefix" \
    "$(nm -g --defined-only taken.o | awk '{ print $3 }' | sort | tr '\n' ' ')" \
    "my_net_create my_net_destroy my_net_detail my_net_error my_net_forward my_net_init my_net_load my_net_size "
check "so do the macros" grep -q '^#define my_net_INPUT_SIZE  36$' taken.h
is "no name begins with the model's" "$(grep -cE '^[^*]*\btaken_|_Net_' taken.h)" 0
for wrong in 1net my-net 'my net' 'näh'; do
    expect 2 "--prefix=$wrong" "$CNNC" --emit=obj "--prefix=$wrong" tiny.cnn && says "--prefix=$wrong" "--prefix takes letters"
done
# Names that look like the library's and are free stand in one program with all of its headers.
for name in weights step add exits my_time sem_net; do
    sed "s/model tiny/model $name/" tiny.cnn >free.cnn
    check "a model may be called $name" "$CNNC" --emit=obj -O0 free.cnn
    { printf '#include <%s.h>\n' complex math pthread semaphore setjmp signal stdio stdlib string strings sys/socket sys/stat \
          threads time unistd wchar
      echo '#include "free.h"'; } >free.c
    check "the header of $name beside the library's" $CC -D_GNU_SOURCE -Wall -Wextra -Werror -I. -fsyntax-only free.c
done
check "no header beside a device" "$CNNC" --emit=obj tiny.cnn -o /dev/null
check "a name without a suffix" "$CNNC" --emit=obj tiny.cnn -o bare
same "has its header beside it" bare.h tiny.h
same "and the object is the same" bare tiny.o
finish
