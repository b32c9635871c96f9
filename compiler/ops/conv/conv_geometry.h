/* What every convolution kernel works from: the numbers of a convolution, read off its node's arguments and
 * shapes. */
#ifndef CNNC_OPS_CONV_GEOMETRY_H
#define CNNC_OPS_CONV_GEOMETRY_H

#include "emit/contraction.h"
#include "emit/panels.h"

typedef struct ConvGeometry {
    int spatial; /* axes */
    WindowAxis axis[SPATIAL_MAX];
    int64_t channels, filters, groups;
    int64_t group_channels, group_filters;
    int64_t taps;                    /* product of the kernel's extents */
    int64_t tap_stride[SPATIAL_MAX]; /* taps from one place to the next along an axis */
    bool depthwise;                  /* a filter a channel */
    bool flip; /* the kernel is mirrored; its storage holds it ready mirrored, so no kernel here looks at this
                */
} ConvGeometry;

/* x and y: shapes of the layer's input and output. The node is any of conv's, depthwise's or
 * conv_transpose's, forward or gradient. */
ConvGeometry conv_geometry(const Node *node, const Shape *x, const Shape *y);
/* The same with the shapes of the node's own values, which the direction tells apart. */
ConvGeometry conv_node_geometry(const Graph *graph, const Node *node, KernelDirection direction);
/* The same for the direction of the kernel that is asked about, or written. */
ConvGeometry conv_call_geometry(const KernelCall *call);
ConvGeometry conv_code_geometry(const KernelCode *code);

/* Does the forward node have a bias? (Its third input, unless that belongs to the epilogue.) */
bool conv_has_bias(const Node *node);

/* Panels of the forward weights [groups][panels][taps][channels/groups][P], and of the transposed ones that
 * carry the gradient to the input, [groups][panels][taps mirrored][filters/groups][P]. */
Panels conv_panels(const Machine *machine, const ConvGeometry *g);
Panels conv_transposed_panels(const Machine *machine, const ConvGeometry *g);

/* The storage of the weight parameter, whose logical shape is (filters, channels/groups, kernel...). */
Storage conv_weight_storage(const Machine *machine, const ConvGeometry *g);

/* The halo around x that is read forward and for the gradient to the weights. */
void conv_input_halo(const ConvGeometry *g, Halo *halo);
/* A Kernel.halo: room around input 0 alone, x or, for the gradient to the input, dy. */
bool conv_halo(const KernelCall *call, int input, Halo *halo);

/* One residue class of an axis in the gradient to the input: the positions a, a + stride, a + 2 stride, ...
 * of x. All of them take part in the same taps, which lie tap_step apart. Taps are walked from the last to
 * the first, so that the position in y goes up. */
typedef struct ResidueClass {
    int64_t first, places; /* a, and how many places */
    int64_t taps;          /* how many taps it takes part in; 0: the gradient is zero */
    int64_t last_tap;      /* the first one walked */
    int64_t tap_step;      /* from one walked tap down to the next */
    int64_t origin; /* position in y that last_tap pairs with position a of x (negative: in the halo) */
    int64_t y_step; /* positions in y from one walked tap to the next */
} ResidueClass;
/* How many consecutive residues, this one first, have classes that differ only in `first` and `last_tap`,
 * which go up together; and how many residues the axis has. */
int64_t conv_residue_run(const WindowAxis *axis, int64_t residue);
int64_t conv_residues(const WindowAxis *axis);

/* A class of each axis. */
typedef struct ResidueClasses {
    ResidueClass axis[SPATIAL_MAX];
    LLVMValueRef later[SPATIAL_MAX]; /* residues from that of axis[i] to the one at work, i64 */
} ResidueClasses;
/* Calls body for every combination of classes; runs of similar ones in a loop, so that large
 * strides make no long code. */
typedef void (*ClassesBody)(KernelCode *code, void *user);
void conv_each_class(KernelCode *code, const ConvGeometry *g, ResidueClasses *classes, ClassesBody body,
                     void *user);

/* Calls body for a grid of places cut into register tiles: the trailing one or two of the given extents are
 * tiled, the leading ones looped over. index: i64 first place an axis; rows*columns places from there,
 * columns fastest. */
typedef struct GridTile {
    LLVMValueRef index[SPATIAL_MAX];
    int rows, columns;
} GridTile;
typedef void (*GridBody)(KernelCode *code, const GridTile *tile, void *user);
void loop_grid(KernelCode *code, int axes, const int64_t *extent, int most_places, GridBody body, void *user);
/* The same for this call's share of the pieces along the first axis (code_share); and how many there are. */
void loop_shared_grid(KernelCode *code, int axes, const int64_t *extent, int most_places, GridBody body,
                      void *user);
int64_t grid_pieces(int axes, const int64_t *extent, int most_places);

#endif
