// Package budget holds what crier may cost: one line for each figure in budgets.txt.
//
// Two kinds stand there. A counted budget does not depend on the machine (allocations, bytes, fetches, commits of the
// store): a test beside the code that it binds counts and calls [Check], so that CI holds it. A measured
// budget is a time, a share of a reference or a size of memory: internal/load prints what was measured beside it, and
// nothing passes or fails by it.
package budget
