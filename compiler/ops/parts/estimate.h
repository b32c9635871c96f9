/* Parts of kernels' estimates: what the work that several kinds of kernels share takes, in cycles a sample.
 * The machine's numbers come from its description; samples are taken as a small model's training takes them.
 */
#ifndef CNNC_OPS_ESTIMATE_H
#define CNNC_OPS_ESTIMATE_H

#include "emit/machine.h"
#include "graph/op.h"

/* Cycles per sample that starting a step costs: cold cache lines and empty registers. */
extern const double ESTIMATE_START;

double estimate_registers(const Machine *machine, int64_t floats); /* registers that hold `floats` floats */
double estimate_ports(const Machine *machine);                     /* multiply-adds a cycle */

/* Moving a sample's value once between the registers and where it lies when the node runs: the further back
 * it was made, the further away. */
double estimate_value(const KernelCall *call, ValueId id);
/* Moving every value of a sample that the node reads or writes, its epilogue's too, once. */
double estimate_traffic(const KernelCall *call);

/* Reading `floats` floats of weights for a micro-batch: 0 for those that stay in the second-level cache. */
double estimate_weights(const Machine *machine, int64_t floats);
/* Beginning and ending tiles that hold `registers` registers of sums. */
double estimate_tiles(double registers);
/* Adding a micro-batch's sums to `registers` registers of a lane's accumulator. */
double estimate_accumulators(const Machine *machine, double registers);

/* Plain loops over single elements: products, visits of a tap or place between them, and results. */
double estimate_reference(double products, double visits, double results);
double estimate_reference_sums(double products, double visits,
                               double places); /* into an accumulator in memory */

#endif
