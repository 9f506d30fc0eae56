//! The estimator on a bottleneck link, on virtual time.

mod convergence;
mod hostile;
mod link;
