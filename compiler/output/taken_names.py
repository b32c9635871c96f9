#!/usr/bin/env python3
"""Writes taken_names.def: every name that the headers of standard C and the common ones of POSIX declare, as this machine's C
compiler sees them, words of C and C++ aside. A name counts where `typedef struct NAME NAME;` or `struct NAME { int x; };` is
an error behind those headers, or where it is a macro. Names that begin with two underscores or an underscore and a capital are
left out: they belong to the compiler, all of them.

    python3 compiler/output/taken_names.py [CC]      in the root of the tree; CC is gcc or clang
"""
import pathlib
import re
import subprocess
import sys
import tempfile

C = """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool
stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype""".split()
POSIX = """aio arpa/inet cpio dirent dlfcn fcntl fnmatch ftw glob grp iconv langinfo libgen monetary mqueue net/if netdb
netinet/in netinet/tcp nl_types poll pthread pwd regex sched search semaphore spawn strings sys/ioctl sys/ipc sys/mman sys/msg
sys/resource sys/select sys/sem sys/shm sys/socket sys/stat sys/statvfs sys/time sys/times sys/types sys/uio sys/un
sys/utsname sys/wait syslog tar termios ucontext unistd utime wordexp""".split()
HEADERS = "".join(f"#include <{name}.h>\n" for name in C + POSIX)
NAME = r"[A-Za-z_][A-Za-z0-9_]*"
RESERVED = re.compile(r"__|_[A-Z]")
WORDS = set("""alignas alignof and and_eq asm atomic auto bitand bitor bool break case catch char char16_t char32_t char8_t class
co_await co_return co_yield compl complex concept const const_cast consteval constexpr constinit continue decltype default delete
do double dynamic_cast else enum explicit export extern false float for friend goto if imaginary inline int linux long main
mutable namespace new noexcept noreturn not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
requires restrict return short signed sizeof static static_assert static_cast struct switch template this thread_local throw
true try typedef typeid typename typeof typeof_unqual union unix unsigned using virtual void volatile wchar_t while xor
xor_eq""".split())


def run(compiler, folder, options, text):
    source = pathlib.Path(folder, "names.c")
    source.write_text(text)
    return subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", *options, source], capture_output=True, text=True)


def refused(compiler, folder, names, declaration):
    """Those of the names with which the declaration, on a line of its own, is an error."""
    first = HEADERS.count("\n") + 1
    every = "-fmax-errors=0" if "gcc" in compiler else "-ferror-limit=0"
    text = HEADERS + "".join(declaration.replace("NAME", name) + "\n" for name in names)
    said = run(compiler, folder, ["-fsyntax-only", "-w", every], text).stderr
    lines = {int(line) for line in re.findall(r"names\.c:(\d+):\d+: (?:fatal )?error", said)}
    if any(line < first for line in lines):
        sys.exit(said)
    return {names[line - first] for line in lines if line - first < len(names)}


def main():
    compiler = sys.argv[1] if len(sys.argv) > 1 else "gcc"
    with tempfile.TemporaryDirectory() as folder:
        declared = run(compiler, folder, ["-E", "-P"], HEADERS).stdout
        macros = set(re.findall(rf"^#define ({NAME})", run(compiler, folder, ["-E", "-dM"], HEADERS).stdout, re.M))
        names = sorted(set(re.findall(NAME, declared)) - macros - WORDS)
        names = [name for name in names if not RESERVED.match(name)]
        taken = refused(compiler, folder, names, "typedef struct NAME NAME;")
        taken |= refused(compiler, folder, names, "struct NAME { int x; };")
    taken |= {name for name in macros if not RESERVED.match(name)}
    lines, line = [], ""
    for name in sorted(taken - WORDS):
        if len(line) + len(name) > 104:
            lines.append(line)
            line = ""
        line += name + " "
    lines.append(line)
    path = pathlib.Path("compiler/output/taken_names.def")
    path.write_text("/* Made by taken_names.py: what the headers of C and POSIX declare, between blanks. */\n"
                    + "".join(f'" {line}"\n' for line in lines))
    print(f"{path}: {len(taken - WORDS)} names")


main()
