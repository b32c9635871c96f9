/* What conv, depthwise and conv_transpose share: the arguments after the kernel, the shape rule, the gradient
 * rule. */
#ifndef CNNC_OPS_CONV_H
#define CNNC_OPS_CONV_H

#include "graph/op.h"

/* The arguments around `groups`, which only conv has. */
#define CONV_WINDOW_ARGUMENTS                                                                                \
    {.name = "stride",                                                                                       \
     .type = PARAM_SIZE,                                                                                     \
     .fallback = "1",                                                                                        \
     .min = 1,                                                                                               \
     .help = "step from one place to the next"},                                                             \
        {.name = "padding",                                                                                  \
         .type = PARAM_PADDING,                                                                              \
         .fallback = "valid",                                                                                \
         .help = "valid, same, a size for both sides, or [[begin, end], ...]"},                              \
        {.name = "dilation",                                                                                 \
         .type = PARAM_SIZE,                                                                                 \
         .fallback = "1",                                                                                    \
         .min = 1,                                                                                           \
         .help = "distance of the kernel's taps"}

/* layout: the weight's axes, as the user would write a fixed one. */
#define CONV_WEIGHT_ARGUMENTS(layout)                                                                        \
    {.name = "bias", .type = PARAM_BOOL, .fallback = "true", .help = "add a trained number a filter"},       \
        {.name = "activation", .type = PARAM_WORD, .fallback = "none", .help = "applied to the result"},     \
        {.name = "init", .type = PARAM_INIT, .fallback = "he_normal", .help = "how the weights start"},      \
        {.name = "bias_init", .type = PARAM_INIT, .fallback = "zeros", .help = "how the bias starts"},       \
        {.name = "trainable",                                                                                \
         .type = PARAM_BOOL,                                                                                 \
         .fallback = "true",                                                                                 \
         .help = "false: they stay as they start"},                                                          \
        {.name = "weights",                                                                                  \
         .type = PARAM_TENSOR,                                                                               \
         .fallback = "none",                                                                                 \
         .help = "a fixed kernel: one for all filters and channels, or " layout},                            \
        {.name = "flip",                                                                                     \
         .type = PARAM_BOOL,                                                                                 \
         .fallback = "false",                                                                                \
         .help = "mirror the kernel first: convolution as signal processing has it"}

/* Both are divisible by the groups; false after a diagnostic. */
bool conv_groups_divide(ShapeCall *call, int64_t channels, int64_t filters, int64_t groups);
/* Adds the weight of that logical shape, two axes of channels before the kernel's, and a bias of `filters`;
 * false after a diagnostic. The fans are PyTorch's: axis 1 and axis 0, times the taps. */
bool conv_add_parameters(ShapeCall *call, const Shape *logical, int64_t filters);
/* The output of a convolution with that many filters and groups, and its weight and bias; false after a
 * diagnostic. */
bool conv_shape_rule(ShapeCall *call, int64_t filters, int64_t groups);
/* Output places times weights a place. */
int64_t conv_macs(const Graph *graph, const Node *node);
/* Sets the storage of the weight, input 1. */
void conv_storage(const Machine *machine, const Graph *graph, const Node *node);
/* The parts of transpose_weights, for a row that sets the weights' storage first. */
void transpose_weights_storage(const Machine *machine, const Graph *graph, const Node *node);
extern const Kernel transpose_weights_kernel;
/* Appends the gradients; the names are of the rows that carry them. */
void conv_gradient_rule(Backward *b, const Node *node, const char *input_grad, const char *weight_grad);

#endif
