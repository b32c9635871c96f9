/* How the windows of a pool lie over its input, and the loops over windows and taps that every kernel of a
 * pool is made of. Padding is never read: a window is clipped to the input, at compile time (an unrolled walk
 * has a copy for every way to be clipped) or by bounds computed for each window. */
#ifndef CNNC_OPS_POOL_WALK_H
#define CNNC_OPS_POOL_WALK_H

#include "emit/kernel_code.h"

typedef struct Pool {
    int spatial;
    WindowAxis axis[SPATIAL_MAX];
    int64_t channels;
    bool count_padding; /* a mean counts the padding, too */
    bool uneven;        /* cells of an adaptive pool whose extents differ: window i of an axis goes from
                           floor(i*input/output) to ceil((i+1)*input/output), and kernel is no less than any */
    bool disjoint;      /* no element lies in two windows */
    bool tiled;         /* every element lies in exactly one window, and no window is clipped */
} Pool;

/* x: the shape that is pooled. The node is any of a pool's, forward or gradient; one with `size` has that
 * many cells, one with neither that nor `window` pools the whole. */
Pool pool_read(const Node *node, const Shape *x);

/* Windows of `window` positions along both axes of an image, whole ones alone. */
Pool pool_of_windows(const Shape *x, int window);

/* Is an unrolled walk short enough? `stepped`: with taps that reach to the next window. */
bool pool_unrolls(const Pool *pool, bool stepped);

/* Places of a window. */
int64_t pool_places(const Pool *pool);

/* Registers that the taps of all windows of a sample visit. */
double pool_taps(const Machine *machine, const Pool *pool);

/* A window at work. Tap r of an axis lies at corner + r; those from first to below limit lie inside x. */
typedef struct PoolTile {
    Position window;                                     /* in y */
    Position corner;                                     /* of tap 0 in x, outside of x perhaps */
    LLVMValueRef first[SPATIAL_MAX], limit[SPATIAL_MAX]; /* i64, constants in an unrolled walk */
} PoolTile;

/* Calls body for every sample and window, a register of channels at a time. In a `stepped` walk (unrolled,
 * disjoint) the taps of a window go on to where the next one begins. */
typedef enum PoolWalkKind { POOL_UNROLLED, POOL_STEPPED, POOL_LOOPED } PoolWalkKind;
typedef void (*PoolBody)(KernelCode *code, const PoolTile *tile, Register reg, void *user);
void pool_each_window(KernelCode *code, const Pool *pool, PoolWalkKind kind, PoolBody body, void *user);

/* Calls visit for every tap of the window that lies inside x, in row-major order. tap: its number, i64.
 * inside: false for a stepped walk's taps behind the window. */
typedef void (*PoolVisit)(KernelCode *code, const Position *x, LLVMValueRef tap, bool inside, void *user);
void pool_each_tap(KernelCode *code, const Pool *pool, PoolWalkKind kind, const PoolTile *tile,
                   PoolVisit visit, void *user);

/* Calls body for every element of x behind the last window's step of a stepped walk. */
void pool_each_uncovered(KernelCode *code, const Pool *pool, PositionBody body, void *user);

/* What the sum over the window is multiplied by to give its mean: a scalar of code->real. */
LLVMValueRef pool_mean_factor(KernelCode *code, const Pool *pool, PoolWalkKind kind, const PoolTile *tile);

#endif
