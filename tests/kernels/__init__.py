"""The same bytes on every processor: the pipeline under each BLAS kernel and each set of vector instructions."""
