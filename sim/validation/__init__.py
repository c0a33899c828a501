"""Validation: what a run and the machinery behind it say beside what is known from elsewhere.

judging.py        targets, and the measures of the replications -> lines of one table
queues.py         `sim.lots.Workload` beside formulas of queueing theory
cohorts.py        exits of a log beside the Weibull life, computed here anew
conservation.py   grams and units of a log: what came in = what is there
founding.py       figures of the founding documents: where each stands, and whether it says the same
runs.py           replications for a validation that was given no run, or those of one that was
page.py           the lines as CSV and as one HTML file
"""
