/* Elementary functions of a register of floats as polynomials, of doubles as calls of the C library: see
 * vector_math.h. Nothing here branches: every element takes the same way, special values are put right by
 * clamps and selects. Clamps have the argument as their second operand, because code_fmin and code_fmax give
 * the second where one is NaN. */
#include "emit/vector_math.h"

/* Taken apart so that n * LN2_HIGH is exact for |n| < 2^9 (Cody and Waite). */
static const double LN2_HIGH = 0.693359375, LN2_LOW = -2.12194440e-4, LOG2_E = 1.44269504088896341;

static bool is_double(const KernelCode *code) {
    return code->real == code->emit->f64;
}

static LLVMValueRef library_call(KernelCode *code, const char *name, LLVMValueRef x) {
    if (LLVMGetTypeKind(LLVMTypeOf(x)) == LLVMVectorTypeKind)
        internal_error("%s of a register of doubles", name);
    LLVMTypeRef type = LLVMFunctionType(code->real, &code->real, 1, false);
    LLVMValueRef function = LLVMGetNamedFunction(code->emit->module, name);
    if (!function) function = LLVMAddFunction(code->emit->module, name, type);
    return LLVMBuildCall2(code->emit->builder, type, function, &x, 1, "");
}

/* Integers, as many as x has elements. */
static LLVMTypeRef bits_type(KernelCode *code, LLVMValueRef x) {
    LLVMTypeRef type = LLVMTypeOf(x);
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind) return code->emit->i32;
    return LLVMVectorType(code->emit->i32, LLVMGetVectorSize(type));
}

static LLVMValueRef bits_constant(KernelCode *code, int32_t value, LLVMTypeRef type) {
    LLVMValueRef scalar = code_i32(code, value);
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind) return scalar;
    LLVMValueRef elements[64];
    unsigned width = LLVMGetVectorSize(type);
    for (unsigned i = 0; i < width; i++) elements[i] = scalar;
    return LLVMConstVector(elements, width);
}

static LLVMValueRef to_bits(KernelCode *code, LLVMValueRef x) {
    return LLVMBuildBitCast(code->emit->builder, x, bits_type(code, x), "");
}

static LLVMValueRef from_bits(KernelCode *code, LLVMValueRef bits, LLVMValueRef like) {
    return LLVMBuildBitCast(code->emit->builder, bits, LLVMTypeOf(like), "");
}

static LLVMValueRef constant(KernelCode *code, double value, LLVMValueRef like) {
    return code_constant_like(code, value, like);
}

/* c[0] x^(count-1) + ... + c[count-1], by Horner. */
static LLVMValueRef polynomial(KernelCode *code, LLVMValueRef x, const double *c, int count) {
    LLVMValueRef sum = constant(code, c[0], x);
    for (int i = 1; i < count; i++) sum = code_fma(code, sum, x, constant(code, c[i], x));
    return sum;
}

static LLVMValueRef clamp(KernelCode *code, LLVMValueRef x, double low, double high) {
    LLVMValueRef above = code_fmax(code, constant(code, low, x), x);
    return code_fmin(code, constant(code, high, x), above);
}

static LLVMValueRef copy_sign(KernelCode *code, LLVMValueRef magnitude, LLVMValueRef sign) {
    return code_intrinsic(code, "llvm.copysign", (LLVMValueRef[]){magnitude, sign}, 2);
}

/* x = n*ln2 + rest with |rest| <= ln2/2: n as an integer and the rest. Adding 1.5 * 2^23 rounds to an integer
 * and leaves it in the low bits; a conversion would be undefined for NaN. */
typedef struct Split {
    LLVMValueRef n, rest;
} Split;

static Split split_ln2(KernelCode *code, LLVMValueRef x) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef magic = constant(code, 12582912.0, x);
    LLVMValueRef shifted = code_fma(code, x, constant(code, LOG2_E, x), magic);
    LLVMValueRef n = code_fsub(code, shifted, magic);
    LLVMValueRef rest = code_fma(code, n, constant(code, -LN2_HIGH, x), x);
    rest = code_fma(code, n, constant(code, -LN2_LOW, x), rest);
    return (Split){LLVMBuildSub(b, to_bits(code, shifted), to_bits(code, magic), ""), rest};
}

/* 2^n for n from -126 to 127. */
static LLVMValueRef power_of_two(KernelCode *code, LLVMValueRef n, LLVMValueRef like) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMTypeRef type = LLVMTypeOf(n);
    LLVMValueRef biased = LLVMBuildAdd(b, n, bits_constant(code, 127, type), "");
    return from_bits(code, LLVMBuildShl(b, biased, bits_constant(code, 23, type), ""), like);
}

/* (exp(r) - 1 - r) / r^2 on |r| <= ln2/2 (Cephes, expf). */
static LLVMValueRef exp_tail(KernelCode *code, LLVMValueRef r) {
    static const double c[] = {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
                               4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1};
    return polynomial(code, r, c, COUNT(c));
}

/* The scale goes in as two factors, so that it may overflow to infinity and fade out through the subnormals.
 */
LLVMValueRef math_exp(KernelCode *code, LLVMValueRef x) {
    if (is_double(code)) return library_call(code, "exp", x);
    LLVMBuilderRef b = code->emit->builder;
    Split split = split_ln2(code, clamp(code, x, -104, 89));
    LLVMValueRef r = split.rest, one = constant(code, 1, x);
    LLVMValueRef value = code_fma(code, exp_tail(code, r), code_fmul(code, r, r), r);
    value = code_fadd(code, value, one);
    LLVMTypeRef type = LLVMTypeOf(split.n);
    LLVMValueRef half = LLVMBuildAShr(b, split.n, bits_constant(code, 1, type), "");
    LLVMValueRef other = LLVMBuildSub(b, split.n, half, "");
    value = code_fmul(code, value, power_of_two(code, half, x));
    return code_fmul(code, value, power_of_two(code, other, x));
}

/* exp(x) - 1 = 2 * (2^(n-1) * (exp(r) - 1) + (2^(n-1) - 1/2)); near 0 n is 0 and the last term vanishes. */
LLVMValueRef math_expm1(KernelCode *code, LLVMValueRef x) {
    if (is_double(code)) return library_call(code, "expm1", x);
    LLVMBuilderRef b = code->emit->builder;
    Split split = split_ln2(code, clamp(code, x, -30, 89));
    LLVMValueRef r = split.rest;
    LLVMValueRef small = code_fma(code, exp_tail(code, r), code_fmul(code, r, r), r);
    LLVMTypeRef type = LLVMTypeOf(split.n);
    LLVMValueRef scale = power_of_two(code, LLVMBuildSub(b, split.n, bits_constant(code, 1, type), ""), x);
    LLVMValueRef offset = code_fsub(code, scale, constant(code, 0.5, x));
    LLVMValueRef halved = code_fma(code, scale, small, offset);
    return code_fadd(code, halved, halved);
}

/* A number above 0 as 2^e * (1 + f), 1 + f from sqrt(1/2) to sqrt(2); e as a float. Taking the bits of
 * sqrt(1/2) off moves the border between exponents there. */
typedef struct Parts {
    LLVMValueRef e, f;
} Parts;

static Parts split_exponent(KernelCode *code, LLVMValueRef x) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef bits = to_bits(code, x);
    LLVMTypeRef type = LLVMTypeOf(bits);
    LLVMValueRef root = bits_constant(code, 0x3f3504f3, type);
    LLVMValueRef moved = LLVMBuildSub(b, bits, root, "");
    LLVMValueRef e = LLVMBuildAShr(b, moved, bits_constant(code, 23, type), "");
    LLVMValueRef mantissa = LLVMBuildAnd(b, moved, bits_constant(code, 0x7fffff, type), "");
    mantissa = from_bits(code, LLVMBuildAdd(b, mantissa, root, ""), x);
    return (Parts){LLVMBuildSIToFP(b, e, LLVMTypeOf(x), ""), code_fsub(code, mantissa, constant(code, 1, x))};
}

/* e*ln2 + log(1 + f) + correction (Cephes, logf). */
static LLVMValueRef log_parts(KernelCode *code, Parts parts, LLVMValueRef correction) {
    static const double c[] = {7.0376836292e-2,  -1.1514610310e-1, 1.1676998740e-1,
                               -1.2420140846e-1, 1.4249322787e-1,  -1.6668057665e-1,
                               2.0000714765e-1,  -2.4999993993e-1, 3.3333331174e-1};
    LLVMValueRef f = parts.f, square = code_fmul(code, f, f);
    LLVMValueRef tail = code_fmul(code, polynomial(code, f, c, COUNT(c)), code_fmul(code, f, square));
    tail = code_fma(code, parts.e, constant(code, LN2_LOW, f), tail);
    if (correction) tail = code_fadd(code, tail, correction);
    tail = code_fma(code, square, constant(code, -0.5, f), tail);
    return code_fma(code, parts.e, constant(code, LN2_HIGH, f), code_fadd(code, f, tail));
}

/* What logarithms of 0, infinity, NaN and negative numbers are, where x is the argument. */
static LLVMValueRef log_special(KernelCode *code, LLVMValueRef result, LLVMValueRef x) {
    LLVMValueRef zero = constant(code, 0, x), infinity = constant(code, __builtin_inf(), x);
    result = code_select(code, code_compare(code, LLVMRealOEQ, x, infinity), infinity, result);
    result = code_select(code, code_compare(code, LLVMRealOEQ, x, zero), constant(code, -__builtin_inf(), x),
                         result);
    /* Not at least 0: negative or NaN. */
    return code_select(code, code_compare(code, LLVMRealULT, x, zero), constant(code, __builtin_nan(""), x),
                       result);
}

LLVMValueRef math_log(KernelCode *code, LLVMValueRef x) {
    if (is_double(code)) return library_call(code, "log", x);
    LLVMValueRef tiny = code_compare(code, LLVMRealOLT, x, constant(code, 0x1p-126, x));
    LLVMValueRef scaled = code_fmul(code, x, constant(code, 0x1p23, x));
    Parts parts = split_exponent(code, code_select(code, tiny, scaled, x));
    LLVMValueRef shift = code_select(code, tiny, constant(code, 23, x), constant(code, 0, x));
    parts.e = code_fsub(code, parts.e, shift);
    return log_special(code, log_parts(code, parts, NULL), x);
}

/* log(u) for u = 1 + x rounded, and what rounding lost as a first-order correction. */
LLVMValueRef math_log1p(KernelCode *code, LLVMValueRef x) {
    if (is_double(code)) return library_call(code, "log1p", x);
    LLVMValueRef one = constant(code, 1, x), u = code_fadd(code, x, one);
    LLVMValueRef lost = code_fdiv(code, code_fsub(code, x, code_fsub(code, u, one)), u);
    /* Beyond 2^25 nothing that counts is lost, and infinity would give NaN. */
    LLVMValueRef large = code_compare(code, LLVMRealOGT, x, constant(code, 0x1p25, x));
    lost = code_select(code, large, constant(code, 0, x), lost);
    LLVMValueRef result = log_special(code, log_parts(code, split_exponent(code, u), lost), u);
    return result;
}

/* tanh |x| = e / (e + 2) with e = exp(2|x|) - 1; 1 from 9.01 on. */
LLVMValueRef math_tanh(KernelCode *code, LLVMValueRef x) {
    if (is_double(code)) return library_call(code, "tanh", x);
    LLVMValueRef size = code_fmin(code, constant(code, 10, x), math_abs(code, x));
    LLVMValueRef e = math_expm1(code, code_fadd(code, size, size));
    return copy_sign(code, code_fdiv(code, e, code_fadd(code, e, constant(code, 2, x))), x);
}

/* N. Juffa's minimax approximations: x + x*P(x^2) up to 475/512, 1 - exp(P(|x|)) beyond. */
LLVMValueRef math_erf(KernelCode *code, LLVMValueRef x) {
    if (is_double(code)) return library_call(code, "erf", x);
    static const double near[] = {-5.96761703e-4, 4.99119423e-3,  -2.67681349e-2,
                                  1.12819925e-1,  -3.76125336e-1, 1.28379166e-1};
    static const double far[] = {-1.72853470e-5, 3.83197126e-4,  -3.88396438e-3, 2.42546219e-2,
                                 -1.06777877e-1, -6.34846687e-1, -1.28717512e-1};
    LLVMValueRef size = code_fmin(code, constant(code, 4, x), math_abs(code, x));
    LLVMValueRef square = code_fmul(code, size, size);
    LLVMValueRef inner = code_fma(code, polynomial(code, square, near, COUNT(near)), size, size);
    LLVMValueRef exponent =
        code_fma(code, polynomial(code, size, far, COUNT(far)), size, code_fneg(code, size));
    LLVMValueRef outer = code_fsub(code, constant(code, 1, x), math_exp(code, exponent));
    LLVMValueRef is_far = code_compare(code, LLVMRealOGT, size, constant(code, 0.927734375, x));
    return copy_sign(code, code_select(code, is_far, outer, inner), x);
}

LLVMValueRef math_sigmoid(KernelCode *code, LLVMValueRef x) {
    LLVMValueRef one = constant(code, 1, x);
    return code_fdiv(code, one, code_fadd(code, one, math_exp(code, code_fneg(code, x))));
}

/* max(x, 0) + log(1 + exp(-|x|)). */
LLVMValueRef math_softplus(KernelCode *code, LLVMValueRef x) {
    LLVMValueRef rest = math_log1p(code, math_exp(code, code_fneg(code, math_abs(code, x))));
    return code_fadd(code, code_fmax(code, constant(code, 0, x), x), rest);
}

LLVMValueRef math_sqrt(KernelCode *code, LLVMValueRef x) {
    return code_intrinsic(code, "llvm.sqrt", &x, 1);
}

LLVMValueRef math_abs(KernelCode *code, LLVMValueRef x) {
    return code_intrinsic(code, "llvm.fabs", &x, 1);
}
