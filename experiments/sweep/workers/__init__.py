"""Who computes the rows of a sweep: processes of this machine, or the workers of Dask."""
