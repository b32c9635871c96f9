/* Operators on compile-time data: 64-bit integers with overflow reported, reals that stay finite,
 * comparisons. */
#include "sema/elaborator.h"

#include <inttypes.h>
#include <math.h>

static const char *const operator_text[] = {
    [OP_NEGATE] = "-",        [OP_NOT] = "not",      [OP_ADD] = "+",
    [OP_SUBTRACT] = "-",      [OP_MULTIPLY] = "*",   [OP_DIVIDE] = "/",
    [OP_FLOOR_DIVIDE] = "//", [OP_MODULO] = "%",     [OP_POWER] = "**",
    [OP_EQUAL] = "==",        [OP_NOT_EQUAL] = "!=", [OP_LESS] = "<",
    [OP_LESS_EQUAL] = "<=",   [OP_GREATER] = ">",    [OP_GREATER_EQUAL] = ">=",
    [OP_AND] = "and",         [OP_OR] = "or"};

static Datum integer_datum(int64_t integer) {
    return DATUM_OF(integer, DATUM_INT, integer);
}

static Datum real_result(Elaborator *e, const Expr *expr, double real) {
    if (isfinite(real)) return DATUM_OF(real, DATUM_REAL, real);
    report(e, expr->span, E_NOT_FINITE, operator_text[expr->op]);
    return datum_error;
}

static Datum overflow(Elaborator *e, const Expr *expr) {
    report(e, expr->span, E_OVERFLOW, operator_text[expr->op]);
    return datum_error;
}

static Datum division_by_zero(Elaborator *e, const Expr *expr) {
    report(e, expr->right->span, E_DIVISION_BY_ZERO);
    return datum_error;
}

/* By squaring; false on overflow. */
static bool integer_power(int64_t base, int64_t exponent, int64_t *power) {
    *power = 1;
    for (;;) {
        if (exponent & 1 && __builtin_mul_overflow(*power, base, power)) return false;
        exponent >>= 1;
        if (!exponent) return true;
        if (__builtin_mul_overflow(base, base, &base)) return false;
    }
}

static Datum integer_floor(Elaborator *e, const Expr *expr, int64_t a, int64_t b) {
    if (!b) return division_by_zero(e, expr);
    if (b == -1) { /* INT64_MIN // -1 traps */
        int64_t negated;
        if (expr->op == OP_MODULO) return integer_datum(0);
        return __builtin_sub_overflow(0, a, &negated) ? overflow(e, expr) : integer_datum(negated);
    }
    int64_t quotient = a / b, remainder = a % b;
    if (remainder && (remainder < 0) != (b < 0)) quotient--, remainder += b;
    return integer_datum(expr->op == OP_MODULO ? remainder : quotient);
}

static Datum integer_apply(Elaborator *e, const Expr *expr, int64_t a, int64_t b) {
    int64_t result;
    bool wrong = false;
    switch (expr->op) {
    case OP_ADD: wrong = __builtin_add_overflow(a, b, &result); break;
    case OP_SUBTRACT: wrong = __builtin_sub_overflow(a, b, &result); break;
    case OP_MULTIPLY: wrong = __builtin_mul_overflow(a, b, &result); break;
    case OP_DIVIDE: return b ? real_result(e, expr, (double)a / (double)b) : division_by_zero(e, expr);
    case OP_POWER:
        if (b < 0 && !a) return division_by_zero(e, expr);
        if (b < 0) return real_result(e, expr, pow((double)a, (double)b));
        wrong = !integer_power(a, b, &result);
        break;
    default: return integer_floor(e, expr, a, b);
    }
    return wrong ? overflow(e, expr) : integer_datum(result);
}

static Datum real_apply(Elaborator *e, const Expr *expr, double a, double b) {
    switch (expr->op) {
    case OP_ADD: return real_result(e, expr, a + b);
    case OP_SUBTRACT: return real_result(e, expr, a - b);
    case OP_MULTIPLY: return real_result(e, expr, a * b);
    case OP_POWER: return a == 0 && b < 0 ? division_by_zero(e, expr) : real_result(e, expr, pow(a, b));
    default: break;
    }
    if (b == 0) return division_by_zero(e, expr);
    if (expr->op == OP_DIVIDE) return real_result(e, expr, a / b);
    double remainder = fmod(a, b);
    if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
    return real_result(e, expr, expr->op == OP_MODULO ? remainder : floor(a / b));
}

static bool compare(Operator op, Datum left, Datum right) {
    long double a = left.kind == DATUM_INT ? (long double)left.integer : (long double)left.real;
    long double b = right.kind == DATUM_INT ? (long double)right.integer : (long double)right.real;
    switch (op) {
    case OP_LESS: return a < b;
    case OP_LESS_EQUAL: return a <= b;
    case OP_GREATER: return a > b;
    default: return a >= b;
    }
}

Datum binary_apply(Elaborator *e, const Expr *expr, Datum left, Datum right) {
    if (expr->op == OP_EQUAL || expr->op == OP_NOT_EQUAL)
        return DATUM_OF(boolean, DATUM_BOOL, datum_equal(left, right) == (expr->op == OP_EQUAL));
    if (!datum_is_number(left) || !datum_is_number(right)) {
        bool first = !datum_is_number(left);
        report(e, first ? expr->left->span : expr->right->span, E_OPERAND, operator_text[expr->op], "numbers",
               datum_text(e, first ? left : right));
        return datum_error;
    }
    if (expr->op >= OP_LESS && expr->op <= OP_GREATER_EQUAL)
        return DATUM_OF(boolean, DATUM_BOOL, compare(expr->op, left, right));
    if (left.kind == DATUM_INT && right.kind == DATUM_INT)
        return integer_apply(e, expr, left.integer, right.integer);
    return real_apply(e, expr, datum_number(left), datum_number(right));
}

Datum unary_apply(Elaborator *e, const Expr *expr, Datum operand) {
    if (expr->op == OP_NOT && operand.kind == DATUM_BOOL)
        return DATUM_OF(boolean, DATUM_BOOL, !operand.boolean);
    if (expr->op == OP_NEGATE && operand.kind == DATUM_REAL) return DATUM_OF(real, DATUM_REAL, -operand.real);
    if (expr->op == OP_NEGATE && operand.kind == DATUM_INT) {
        int64_t negated;
        return __builtin_sub_overflow(0, operand.integer, &negated) ? overflow(e, expr)
                                                                    : integer_datum(negated);
    }
    report(e, expr->left->span, E_OPERAND, operator_text[expr->op],
           expr->op == OP_NOT ? "true or false" : "numbers", datum_text(e, operand));
    return datum_error;
}
