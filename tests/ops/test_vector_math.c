/* The elementary functions of emit/vector_math.h as generated code: floats scanned over all bit patterns in
 * steps against the C library's doubles, special values, doubles against the C library. VECTOR_MATH_STEP=1 in
 * the environment scans them all. */
#include "emit/vector_math.h"
#include "ops/jit.h"

enum { MOST_ULPS = 4, CHUNK = 1 << 12, DEFAULT_STEP = 521 };

typedef LLVMValueRef (*Rule)(KernelCode *code, LLVMValueRef x);

static double exact_sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double exact_softplus(double x) {
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

typedef struct Function {
    const char *name;
    Rule rule;
    double (*exact)(double);
} Function;

static const Function functions[] = {
    {"exp",      math_exp,      exp           },
    {"log",      math_log,      log           },
    {"log1p",    math_log1p,    log1p         },
    {"expm1",    math_expm1,    expm1         },
    {"tanh",     math_tanh,     tanh          },
    {"erf",      math_erf,      erf           },
    {"sigmoid",  math_sigmoid,  exact_sigmoid },
    {"softplus", math_softplus, exact_softplus},
    {"sqrt",     math_sqrt,     sqrt          },
    {"abs",      math_abs,      fabs          },
};

/* void f(const real *in, real *out, int64_t count) with a function of each, count a multiple of width. */
typedef void (*Compiled)(const void *in, void *out, int64_t count);

typedef struct Program {
    Jit jit;
    Compiled compiled[COUNT(functions)];
} Program;

static const char *scan_name(const Function *function, char name[64]) {
    snprintf(name, 64, "scan_%s", function->name);
    return name;
}

static void emit_function(Jit *jit, const Function *of, LLVMTypeRef real, int width) {
    Emit *e = &jit->emit;
    char name[64];
    LLVMValueRef function =
        jit_function(jit, scan_name(of, name), (LLVMTypeRef[]){e->pointer, e->pointer, e->i64}, 3);
    KernelCode code = {.emit = e, .real = real, .width = width, .function = function};
    Register reg = {width, width};
    Loop loop = loop_begin(&code, code_int(&code, 0), LLVMGetParam(function, 2), width);
    LLVMValueRef x = code_load(&code, code_at(&code, LLVMGetParam(function, 0), loop.index), reg);
    code_store(&code, of->rule(&code, x), code_at(&code, LLVMGetParam(function, 1), loop.index), reg);
    loop_end(&code, &loop);
    LLVMBuildRetVoid(e->builder);
}

static Program program_create(bool doubles, int width, bool native) {
    Program program = {.jit = jit_create(native)};
    Emit *e = &program.jit.emit;
    for (int i = 0; i < COUNT(functions); i++)
        emit_function(&program.jit, &functions[i], doubles ? e->f64 : e->f32, width);
    jit_compile(&program.jit);
    char name[64];
    for (int i = 0; i < COUNT(functions); i++)
        program.compiled[i] = (Compiled)jit_address(&program.jit, scan_name(&functions[i], name));
    return program;
}

/* Distance in units of the exact result's last place; 0 where the result is as good as it must be. */
static double ulps(float got, double exact) {
    if (isnan(exact)) return isnan(got) ? 0 : INFINITY;
    if (isnan(got)) return INFINITY;
    if (isinf(exact)) return got == exact ? 0 : INFINITY;
    if (fabs(exact) > 0x1.fffffep127) {
        double limit = 0x1p128 * (1 + MOST_ULPS * 0x1p-24);
        return isinf(got) && signbit(got) == signbit(exact) ? 0 : fabs(exact) < limit ? 1 : INFINITY;
    }
    if (fabs(exact) < 0x1p-126) return fabs(got - exact) <= 0x1p-126 ? 0 : INFINITY;
    int exponent;
    frexp(exact, &exponent);
    return fabs(got - exact) / ldexp(1, exponent - 24);
}

static double scan(const Function *function, Compiled compiled, uint64_t step) {
    static float in[CHUNK], out[CHUNK];
    double worst = 0;
    float worst_at = 0;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32;) {
        int count = 0;
        for (; count < CHUNK; count++, bits += step) {
            uint32_t word = (uint32_t)(bits < UINT64_C(1) << 32 ? bits : 0);
            memcpy(&in[count], &word, sizeof word);
        }
        compiled(in, out, CHUNK);
        for (int i = 0; i < CHUNK; i++) {
            double error = ulps(out[i], function->exact(in[i]));
            if (error <= worst) continue;
            worst = error;
            worst_at = in[i];
        }
    }
    if (worst > MOST_ULPS) print_message("%s(%a): %g units off\n", function->name, worst_at, worst);
    if (getenv("VECTOR_MATH_STEP")) print_message("%s: %.3f units at %a\n", function->name, worst, worst_at);
    return worst;
}

static void scan_all(int width, bool native) {
    const char *given = getenv("VECTOR_MATH_STEP");
    uint64_t step = given ? strtoull(given, NULL, 10) : DEFAULT_STEP;
    Program program = program_create(false, width, native);
    bool good = true;
    for (int i = 0; i < COUNT(functions); i++)
        good = scan(&functions[i], program.compiled[i], step ? step : 1) <= MOST_ULPS && good;
    jit_destroy(&program.jit);
    assert_true(good);
}

static void test_registers_of_this_machine(void **state) {
    (void)state;
    scan_all(16, true);
}

/* No fused multiply-add here. */
static void test_registers_of_any_machine(void **state) {
    (void)state;
    scan_all(4, false);
}

static void test_special_values(void **state) {
    (void)state;
    static const float in[16] = {0.0f,    -0.0f, INFINITY, -INFINITY, NAN,     1.0f,      -1.0f, 100.0f,
                                 -100.0f, 1e30f, -1e30f,   1e-30f,    -1e-30f, 88.72283f, 20.0f, -20.0f};
    for (int width = 1; width <= 16; width *= 4) {
        Program program = program_create(false, width, true);
        for (int i = 0; i < COUNT(functions); i++) {
            float out[16];
            program.compiled[i](in, out, 16);
            for (int k = 0; k < 16; k++)
                if (ulps(out[k], functions[i].exact(in[k])) > MOST_ULPS)
                    fail_msg("%s(%a) is %a, not %a", functions[i].name, in[k], out[k],
                             functions[i].exact(in[k]));
        }
        jit_destroy(&program.jit);
    }
}

static void test_doubles(void **state) {
    (void)state;
    Program program = program_create(true, 1, true);
    for (double x = -40; x < 40; x += 0.0625)
        for (int i = 0; i < COUNT(functions); i++) {
            double got, exact = functions[i].exact(x);
            program.compiled[i](&x, &got, 1);
            bool equal = got == exact || (isnan(got) && isnan(exact));
            if (!equal && !(fabs(got - exact) <= 4e-16 * fabs(exact)))
                fail_msg("%s(%a) is %a, not %a", functions[i].name, x, got, exact);
        }
    jit_destroy(&program.jit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers_of_this_machine),
        cmocka_unit_test(test_registers_of_any_machine),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
