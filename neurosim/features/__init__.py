"""Features of spikes, steps and cells, from plain arrays: one definition for models and recordings.

Everything here takes arrays in mV, pA and s, and knows neither a simulator nor a file format.
`neurosim.measure` calls it for models, `bridge.recordings` for recorded cells and
`bridge.spike_trains` for trains of spikes; so their numbers can be laid side by side.

>>> from neurosim.features.spike_intervals import adaptation_index
>>> adaptation_index([10, 30])
0.5
"""
